//! Checks 16 to 20: reading logs.

use std::fs;

use super::{FLEET, NOW_MS, Replay, STILL, fleet, line, records};

#[test]
fn who_reads_is_not_moved_by_what_is_new() {
    let replay = Replay::new();
    // Fifty records a second, for as long as this may take.
    let mut text = fleet();
    for nth in 0..300 {
        let chunk = records(NOW_MS, 20, nth * 10..nth * 10 + 10);
        text.push_str(&line(NOW_MS + nth * 200, &chunk));
    }
    let file = replay.path("busy.ndjson");
    fs::write(&file, text).unwrap();
    let words = format!("'{}' --speed 1 --clock 2026-01-01T12:04:43Z", file.display());
    let terminal = replay.open((80, 24), "", &words);
    terminal.shows("line 30 of many");
    terminal.press(&["5", "k", "k", "k"]);
    let before = terminal.until("a log that does not follow", |screen| {
        screen.contains("follow off") && screen.contains(" new ")
    });
    let lines = |screen: &str| -> Vec<String> {
        screen.lines().filter(|line| line.contains(" of many")).map(str::to_owned).collect()
    };
    let later = terminal.until("more new records", |screen| {
        let count = screen.split(" new").next().and_then(|text| text.split(" v ").last());
        count.is_some_and(|count| count.parse::<u32>().is_ok_and(|new| new > 150))
    });
    assert_eq!(lines(&before), lines(&later), "the text must not move under the reader");
    terminal.press(&["G"]);
    terminal.hides("follow off");
}

#[test]
fn search_counts_and_errors_are_jumped_to() {
    let replay = Replay::new();
    let terminal = replay.still((80, 24), "");
    terminal.shows("retrying after 403");
    terminal.press(&["5", "/"]);
    terminal.write("403");
    terminal.press(&["Enter"]);
    terminal.shows("/403");
    terminal.press(&["g", "g", "n"]);
    terminal.reverses("gh pr create --fill  failed");
    // An escape with a letter right behind it would be Alt and that letter.
    terminal.press(&["Escape"]);
    terminal.hides("/403");
    terminal.press(&["g", "g", "e"]);
    terminal.reverses("cargo test -p al-core");
    terminal.press(&["e"]);
    terminal.reverses("gh pr create");
    terminal.press(&["e"]);
    terminal.reverses("403 rate limited");
    terminal.press(&["E"]);
    terminal.reverses("gh pr create");
}

#[test]
fn each_way_of_showing_a_log_is_named() {
    let replay = Replay::new();
    let terminal = replay.still((80, 24), "");
    terminal.shows("retrying after 403");
    terminal.press(&["5", "w"]);
    terminal.shows("wrap");
    terminal.shows("Then the whole suite.");
    terminal.press(&["v", "v"]);
    terminal.shows("level >=warn");
    terminal.hides("retrying after 403");
    terminal.shows("the tests fail as the issue says");
}

#[test]
fn another_run_has_another_log() {
    let replay = Replay::new();
    let terminal = replay.open((80, 24), "", &format!("'{FLEET}' {STILL}"));
    terminal.press(&[":"]);
    terminal.write("logs dev-2b3c4d5e");
    terminal.press(&["Enter"]);
    terminal.shows("cargo clippy");
    terminal.hides("retrying after 403");
    terminal.press(&["Escape"]);
    terminal.shows("retrying after 403");
}
