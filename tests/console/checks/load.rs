//! Checks 19 and 20: more than anybody reads.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use chrono::DateTime;
use serde_json::json;

use super::tables::command;
use crate::replay::{NOW_MS, fleet, line};
use crate::stage::{Check, Mode, Not, Stage};
use crate::tmux::{Terminal, reversed};

const ONCE: (Not, &str) = (Not::Mono, "colours change nothing in it, and it is a lot to do twice");

pub const CHECKS: &[Check] = &[
    Check::new(19, "a million records are walked through in little memory", million).but(&[ONCE]),
    Check::new(20, "a flood does not keep keys waiting, nor draws too often", flood).but(&[ONCE]),
];

const DAY_MS: i64 = 86_400_000;
/// Unoptimised, reading a recording of a million takes half a minute.
fn many(stage: &Stage) -> i64 {
    if stage.mode == Mode::Replay { 100_000 } else { 1_000_000 }
}

/// The program is not optimised here, and its scheduler is in it too.
const MOST_KIB: u64 = 200 * 1024;
/// So many times in a second is drawn at most (the pace of `al_ui::run`).
const FRAMES: f64 = 60.0;

/// A console beside as many records of `planner` over the day before, and when that day began.
fn full(stage: &Stage, many: i64) -> (Terminal, i64) {
    if stage.mode == Mode::Replay {
        let begin_ms = NOW_MS / DAY_MS * DAY_MS - DAY_MS;
        let path = stage.path("million.ndjson");
        let mut file = BufWriter::new(File::create(&path).unwrap());
        let fleet = fleet();
        let (head, rest) = fleet.split_once('\n').unwrap();
        let (snapshot, rest) = rest.split_once('\n').unwrap();
        writeln!(file, "{head}\n{snapshot}").unwrap();
        let from_ms: i64 = 1_767_269_040_000;
        for first in (0..many).step_by(1_000) {
            let records: Vec<_> = (first..first + 1_000)
                .map(|n| {
                    json!({"at_ms": begin_ms + n * (DAY_MS / many), "level": "info", "name": "planner",
                           "run": "planner-3a4b5c6d", "msg": format!("record {n} of many")})
                })
                .collect();
            let chunk = json!({
                "down": "log", "source": {"agent": "planner"}, "records": records, "first": null,
                "older": false, "reset": first == 0, "more_before": false, "skipped": 0,
            });
            file.write_all(line(from_ms, &chunk).as_bytes()).unwrap();
        }
        // Its log of no records would take these away.
        for other in rest.lines().filter(|line| !line.contains(r#""source":{"agent":"planner"}"#)) {
            writeln!(file, "{other}").unwrap();
        }
        file.flush().unwrap();
        return (stage.replay((80, 24), &path, crate::replay::STILL), begin_ms);
    }
    #[allow(clippy::disallowed_methods)] // what day it is, for a file of yesterday
    let today_ms = chrono::Utc::now().timestamp_millis() / DAY_MS * DAY_MS;
    let begin_ms = today_ms - DAY_MS;
    let name = format!(".al/logs/planner-{}.log", date(begin_ms));
    write_log(&stage.live().project.path().join(name), begin_ms, many);
    (stage.open((80, 24)), begin_ms)
}

fn date(at_ms: i64) -> String {
    DateTime::from_timestamp_millis(at_ms).unwrap().format("%Y-%m-%d").to_string()
}

fn write_log(path: &Path, begin_ms: i64, many: i64) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    for n in 0..many {
        let at_ms = begin_ms + n * (DAY_MS / many);
        writeln!(
            file,
            r#"{{"level":30,"time":{at_ms},"name":"planner","instance":"planner-3a4b5c6d","msg":"record {n} of many"}}"#
        )
        .unwrap();
    }
    file.flush().unwrap();
}

fn million(stage: &Stage) {
    let many = many(stage);
    let (terminal, begin_ms) = full(stage, many);
    let console = stage.console(&terminal);
    let record = |n: i64| format!("record {n} of many");
    command(&terminal, "logs planner");
    terminal.shows("Log planner");
    terminal.shows(&record(many - 1));
    terminal.press(&["g", "g"]);
    terminal.reverses(&record(0));
    terminal.press(&["G"]);
    terminal.shows(&record(many - 1));
    terminal.hides("follow off");
    terminal.press(&["@"]);
    terminal.write(&format!("{}T12:00", date(begin_ms)));
    terminal.press(&["Enter"]);
    // The first one from noon on.
    terminal.reverses(&record(
        (DAY_MS / 2) / (DAY_MS / many) + i64::from(DAY_MS / 2 % (DAY_MS / many) > 0),
    ));
    terminal.press(&["G"]);
    terminal.shows(&record(many - 1));
    let status = std::fs::read_to_string(format!("/proc/{}/status", console.as_raw_nonzero()));
    let status = status.unwrap();
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib: u64 = rss.trim().trim_end_matches(" kB").parse().unwrap();
    println!("{kib} KiB for {many} records");
    assert!(kib < MOST_KIB, "{kib} KiB");
}

/// A console in whose log ten thousand records a second come.
fn flooded(stage: &Stage) -> Terminal {
    if stage.mode != Mode::Replay {
        let terminal = stage.open((120, 40));
        command(&terminal, "logs triager");
        terminal.shows("Log triager");
        stage.live().project.begin("triager");
        return terminal;
    }
    let path = stage.path("flood.ndjson");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    file.write_all(fleet().as_bytes()).unwrap();
    for nth in 0..1_000_i64 {
        let records: Vec<_> = (1..=100)
            .map(|n| {
                json!({"at_ms": NOW_MS + nth * 10, "level": "info", "name": "triager",
                       "run": "triager-2f3a4b5c",
                       "msg": format!("line {} of the flood", nth * 100 + n)})
            })
            .collect();
        let chunk = json!({
            "down": "log", "source": {"agent": "triager"}, "records": records, "first": null,
            "older": false, "reset": false, "more_before": true, "skipped": 0,
        });
        file.write_all(line(NOW_MS + nth * 10, &chunk).as_bytes()).unwrap();
    }
    file.flush().unwrap();
    let words = format!("{} --speed 1", crate::replay::STILL);
    let terminal = stage.replay((120, 40), &path, &words);
    command(&terminal, "logs triager");
    terminal.shows("Log triager");
    terminal
}

fn flood(stage: &Stage) {
    let terminal = flooded(stage);
    let began = Instant::now();
    let bytes = terminal.raw_during(|| {
        terminal.shows(" of the flood");
        terminal.press(&["k"]);
        terminal.shows("follow off");
        let number = |text: &str| -> Option<u32> {
            text.split_once("line ")?.1.split_once(" of the flood")?.0.parse().ok()
        };
        let under = reversed(&terminal.styled()).iter().find_map(|text| number(text));
        let under = under.expect("a record under the cursor");
        for up in 1..=20 {
            terminal.press(&["k"]);
            terminal.reverses(&format!("line {} of the flood", under - up));
        }
        terminal.press(&["G"]);
        terminal.shows("line 100000 of the flood");
    });
    let passed = began.elapsed().as_secs_f64();
    let frames = bytes.windows(8).filter(|bytes| bytes == b"\x1b[?2026h").count();
    println!("{frames} frames in {passed:.1} s");
    assert!(frames > 20, "each key is drawn: {frames}");
    assert!((frames as f64) < FRAMES * (passed + 1.0), "{frames} frames in {passed:.1} s");
    // What did not come is said, and comes when it is wanted.
    let screen = terminal.settled();
    assert!(!screen.contains("not received") || screen.contains("Enter loads them"), "{screen}");
}
