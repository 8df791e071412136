//! Checks 15 to 18: help, and reading logs.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::tables::{command, cursor};
use crate::replay::{AL, NOW_MS, fleet, line, records};
use crate::stage::{Check, Mode, Stage};
use crate::tmux::Terminal;

pub const CHECKS: &[Check] = &[
    Check::new(15, "help has the keys of `al keys` and no others, and is searched", help),
    Check::new(16, "who reads is not moved by what is new", follow),
    Check::new(17, "search counts, errors are jumped to", search),
    Check::new(18, "each way of showing a log is named", ways),
];

/// Keys with what they do, where these contexts hold.
fn keys(stage: &Stage, contexts: &[&str]) -> BTreeSet<(String, String)> {
    let output = Command::new(AL)
        .args(["keys", "--json"])
        .env("AL_HOME", stage.home())
        .env("HOME", stage.home())
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = said["keys"].as_array().unwrap();
    let here = rows.iter().filter(|row| contexts.iter().any(|context| row["context"] == *context));
    let row = |row: &Value| {
        let keys = row["keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap());
        (keys.collect::<Vec<_>>().join(" "), row["title"].as_str().unwrap().to_owned())
    };
    here.map(row).collect()
}

/// What help says, between its headings.
fn told(terminal: &Terminal, title: &str) -> BTreeSet<(String, String)> {
    terminal.shows(title);
    // The terminal may be looked at in the middle of a picture.
    let screen = terminal.settled();
    let lines = screen.lines().filter_map(|line| line.split('║').nth(1));
    // Keys stand before at least two blanks, headings alone.
    let row = |line: &str| {
        let (keys, title) = line.trim().split_once("  ")?;
        // Below the keys stand the commands.
        let command = keys.len() > 1 && keys.starts_with(':');
        (!command).then(|| (keys.to_owned(), title.trim().to_owned()))
    };
    lines.filter_map(row).collect()
}

fn help(stage: &Stage) {
    // As wide as help is, and as high.
    let terminal = stage.open((84, 120));
    for (pane, name, context) in [("1", "Agents", "tables"), ("5", "Logs", "logs")] {
        terminal.press(&[pane]);
        terminal.shows(&format!("[{pane} {name}]"));
        terminal.press(&["?"]);
        let mut wanted = keys(stage, &[context, "everywhere"]);
        // An attached console says it another way: nobody stands still with it.
        let suspend = |(keys, _): &(String, String)| keys == "Ctrl-z";
        let mut told = told(&terminal, &format!("Help for {name}"));
        wanted.retain(|row| !suspend(row));
        told.retain(|row| !suspend(row));
        assert_eq!(told, wanted, "{name}");
        terminal.press(&["Escape"]);
        terminal.hides("Help for");
        terminal.settled();
    }
    terminal.press(&["?"]);
    terminal.shows("Help for Logs");
    terminal.press(&["/"]);
    terminal.write("foll");
    terminal.until("the line about following", |s| s.contains("follow") && !s.contains("bookmark"));
}

/// A console over a log that gets fifty records a second.
fn busy(stage: &Stage) -> Terminal {
    if stage.mode != Mode::Replay {
        let terminal = stage.open((80, 24));
        stage.live().project.begin("oncall");
        terminal.press(&["j", "j"]);
        cursor(&terminal, "oncall");
        terminal.shows("line 30 of many");
        return terminal;
    }
    let mut text = fleet();
    for nth in 0..300 {
        let chunk = records(NOW_MS, 20, nth * 10..nth * 10 + 10);
        text.push_str(&line(NOW_MS + nth * 200, &chunk));
    }
    let file = stage.path("busy.ndjson");
    fs::write(&file, text).unwrap();
    let words = "--speed 1 --clock 2026-01-01T12:04:43Z";
    let terminal = stage.replay((80, 24), &file, words);
    terminal.shows("line 30 of many");
    terminal
}

fn follow(stage: &Stage) {
    let terminal = busy(stage);
    terminal.press(&["5", "k", "k", "k"]);
    let before = terminal.until("a log that does not follow", |screen| {
        screen.contains("follow off") && screen.contains(" new ") && !screen.contains('│')
    });
    let lines = |screen: &str| -> Vec<String> {
        screen.lines().filter(|line| line.contains(" of many")).map(str::to_owned).collect()
    };
    let later = terminal.until("three seconds of new records", |screen| {
        let count = screen.split(" new").next().and_then(|text| text.split(" v ").last());
        count.is_some_and(|count| count.parse::<u32>().is_ok_and(|new| new > 150))
    });
    assert_eq!(lines(&before), lines(&later), "the text must not move under the reader");
    terminal.press(&["G"]);
    terminal.hides("follow off");
    terminal.shows(" follow ");
}

/// The log of one run, in front of everything else.
fn log_of(stage: &Stage, terminal: &Terminal) {
    let run = stage.run();
    command(terminal, &format!("logs {run}"));
    terminal.shows("[5 Logs]");
    terminal.shows(&format!("Log {run}"));
    terminal.shows("retrying after 403");
}

fn search(stage: &Stage) {
    let terminal = stage.open((80, 24));
    log_of(stage, &terminal);
    terminal.press(&["g", "g", "/"]);
    terminal.write("403");
    terminal.press(&["Enter"]);
    terminal.shows("/403 1/3");
    terminal.reverses("gh pr create --fill  failed");
    terminal.press(&["n"]);
    terminal.shows("/403 2/3");
    terminal.reverses("403 rate limited");
    terminal.press(&["n"]);
    terminal.shows("/403 3/3");
    terminal.reverses("retrying after 403");
    terminal.press(&["N"]);
    terminal.shows("/403 2/3");
    // An escape with a letter right behind it would be Alt and that letter.
    terminal.press(&["Escape"]);
    terminal.hides("/403");
    terminal.settled();
    terminal.press(&["g", "g", "e"]);
    terminal.reverses("E $ cargo test -p al-core");
    terminal.press(&["e"]);
    terminal.reverses("E $ gh pr create");
    terminal.press(&["e"]);
    terminal.reverses("E 403 rate limited");
    terminal.press(&["E"]);
    terminal.reverses("E $ gh pr create");
}

fn ways(stage: &Stage) {
    let terminal = stage.open((80, 40));
    log_of(stage, &terminal);
    terminal.press(&["g", "g"]);
    let tail = "Then the whole suite.";
    assert!(!terminal.shows("One too many").contains(tail));
    terminal.press(&["w"]);
    terminal.shows("wrap on");
    terminal.shows(tail);
    terminal.press(&["w"]);
    terminal.hides("wrap on");
    terminal.hides(tail);
    for word in ["utc", "since", "none"] {
        terminal.press(&["t"]);
        terminal.shows(&format!("time {word}"));
    }
    // No time at all: the level comes first.
    terminal.until("no times", |s| s.lines().any(|line| line.starts_with("║I ")));
    terminal.press(&["t"]);
    terminal.hides("time none");
    terminal.press(&["c"]);
    terminal.shows("unfolded");
    // What `rg` gave back.
    terminal.shows("src/queue.rs:88");
    terminal.press(&["c"]);
    terminal.hides("unfolded");
    terminal.hides("src/queue.rs:88");
    terminal.press(&["v", "v"]);
    terminal.shows("level >=warn");
    terminal.hides("retrying after 403");
    terminal.shows("the tests fail as the issue says");
}
