//! Output: all of it, whatever it is, and never at the cost of memory.

use std::fs;
use std::process::Command;

use action_llama::runtime::{Exit, Runtime};
use serde_json::json;

use crate::world::{World, await_some, exited, timeless};

#[tokio::test]
async fn lines_of_both_streams_are_records_from_the_first_millisecond() {
    let world = World::new();
    let line = r#"echo out; echo err >&2; echo '{"_log":true,"level":"error","msg":"said","n":1}'
                  printf 'no newline'"#;
    let exit = timeless(world.run(world.line(line)).await);
    assert_eq!(exit, Exit { lines: 4, ..exited(0) });
    let mut got: Vec<_> = world
        .log()
        .into_iter()
        .map(|mut record| {
            assert_eq!(record["name"], "a");
            assert_eq!(record["instance"], "a-1");
            let record = record.as_object_mut().unwrap();
            for key in ["name", "instance", "time", "durationMs"] {
                record.shift_remove(key);
            }
            json!(record).to_string()
        })
        .filter(|record| !record.contains("run succeeded") && !record.contains("run started"))
        .collect();
    got.sort();
    let want = [
        r#"{"level":30,"msg":"no newline","stream":"stdout"}"#,
        r#"{"level":30,"msg":"out","stream":"stdout"}"#,
        r#"{"level":40,"msg":"err","stream":"stderr"}"#,
        r#"{"level":50,"msg":"said","n":1}"#,
    ];
    assert_eq!(got, want);
}

#[tokio::test]
async fn binary_output_stays_lines_of_json() {
    let world = World::new();
    let line = r"printf 'a\000b\033[31m\377\n'; head -c 100000 /dev/urandom; printf '\nend\n'";
    let exit = world.run(world.line(line)).await;
    assert_eq!(exit.code, Some(0));
    let output = world.output();
    assert_eq!(output[0], "a\0b\u{1b}[31m\u{fffd}");
    assert_eq!(output.last().unwrap(), "end");
    assert_eq!(exit.lines, output.len() as u64);
    let raw = fs::read_dir(world.logs_dir()).unwrap().next().unwrap().unwrap().path();
    let raw = fs::read(raw).unwrap();
    assert!(!raw.contains(&0x1b) && !raw.contains(&0), "nothing that drives a terminal");
}

#[tokio::test]
async fn secrets_do_not_reach_the_log() {
    let world = World::new();
    let mut spec = world.line(r#"echo "it is $PASSWORD"; echo "$PASSWORD" >&2"#);
    spec.env = vec![("PASSWORD".to_owned(), "correct-horse-battery".to_owned())];
    spec.secrets = vec!["correct-horse-battery".to_owned()];
    world.run(spec).await;
    assert_eq!(world.output().len(), 2);
    assert!(world.output().iter().all(|line| !line.contains("correct-horse-battery")));
}

#[tokio::test]
async fn a_program_need_not_read_its_stdin() {
    let world = World::new();
    let mut spec = world.line("echo fine");
    spec.trigger = json!({"type": "webhook", "body": "x".repeat(5_000_000)});
    let exit = timeless(world.run(spec).await);
    assert_eq!(exit, Exit { lines: 1, ..exited(0) });
}

#[tokio::test]
async fn hundred_megabytes_of_output_do_not_make_the_supervisor_grow() {
    let world = World::new();
    // A line without an end, then many lines, then empty ones.
    let spec = world.line(
        r#"head -c 50000000 /dev/zero | tr '\0' x; echo
           yes 'a line of output, as programs like to write' | head -c 48000000
           yes '' | head -n 20000
           echo > ready; while [ ! -e go ]; do sleep 0.01; done; echo end"#,
    );
    let handle = world.runtime.start(spec).await.unwrap();
    world.await_work_file("ready").await;
    let peak_kib = await_some(|| {
        let status = fs::read_to_string(format!("/proc/{}/status", handle.pid)).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?.to_owned();
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    })
    .await;
    fs::write(world.attempt().work().join("go"), "").unwrap();
    let exit = timeless(world.wait(&handle).await);
    let per_line = "a line of output, as programs like to write\n".len() as u64;
    let lines = 1 + 48_000_000_u64.div_ceil(per_line);
    // The last of the many lines is cut short and continued by an empty one.
    let partial = u64::from(48_000_000 % per_line != 0);
    assert_eq!(exit, Exit { lines: lines + 20_000 - partial + 1, ..exited(0) });
    assert!(peak_kib < 40 * 1024, "{peak_kib} KiB");
}

#[tokio::test]
async fn a_log_that_cannot_be_written_costs_lines_but_never_the_run() {
    let world = World::new();
    // A file where the directory of logs should be: every write fails until it is gone.
    fs::create_dir_all(world.path().join(".al")).unwrap();
    fs::write(world.logs_dir(), "").unwrap();
    let spec = world.line(
        r#"yes | head -n 500000; echo > ready; while [ ! -e go ]; do sleep 0.01; done; echo after"#,
    );
    let handle = world.runtime.start(spec).await.unwrap();
    world.await_work_file("ready").await;
    fs::remove_file(world.logs_dir()).unwrap();
    fs::write(world.attempt().work().join("go"), "").unwrap();
    let exit = timeless(world.wait(&handle).await);
    assert_eq!((exit.code, exit.lines + exit.dropped_lines), (Some(0), 500_001));
    let dropped = exit.dropped_lines;
    assert!(dropped > 0);
    let notice = format!("{dropped} lines are missing here: they could not be written");
    assert!(world.messages().contains(&notice), "{:?}", world.messages());
    assert_eq!(world.output().last().unwrap(), "after");
}

#[tokio::test]
async fn a_full_disk_costs_lines_but_never_the_run() {
    let world = World::new();
    fs::create_dir_all(world.logs_dir()).unwrap();
    // Whichever day it is while this runs, the log is a file that is always full.
    for day in ["-86400", "0", "86400"] {
        let date = Command::new("date").args(["-u", "-d", &format!("{day} sec"), "+%F"]).output();
        let date = String::from_utf8(date.unwrap().stdout).unwrap();
        let log = world.logs_dir().join(format!("a-{}.log", date.trim()));
        std::os::unix::fs::symlink("/dev/full", log).unwrap();
    }
    let exit = timeless(world.run(world.line("yes | head -n 200000; exit 4")).await);
    assert_eq!(exit, Exit { dropped_lines: 200_000, ..exited(4) });
}

#[tokio::test]
async fn a_secret_at_the_edge_of_a_line_that_is_cut_is_not_shown_in_part() {
    let world = World::new();
    // Around the place where lines are cut, and around the end of what is read before the cut.
    let mut spec = world.line(
        r#"x() { head -c "$1" /dev/zero | tr '\0' x; }
           for n in 65500 65520 65535 81900 81919; do
               x $n; echo "$PASSWORD"
               x $n; printf %s "$PASSWORD"; x 100000; echo
           done"#,
    );
    spec.env = vec![("PASSWORD".to_owned(), "correct-horse-battery-staple".to_owned())];
    spec.secrets = vec!["correct-horse-battery-staple".to_owned()];
    world.run(spec).await;
    assert_eq!(world.output().len(), 10);
    for line in world.output() {
        let end = line.trim_start_matches('x');
        assert!(!end.starts_with('c'), "{end}");
    }
}
