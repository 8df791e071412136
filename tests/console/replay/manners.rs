//! Checks 21 to 25, and what only a recording can do.

use std::time::Duration;

use super::{FLEET, Replay, STILL};

#[test]
fn where_time_stands_still_nothing_is_written() {
    let replay = Replay::new();
    let terminal = replay.still((80, 24), "");
    terminal.shows("retrying after 403");
    terminal.settled();
    terminal.bytes_during(|count| {
        std::thread::sleep(Duration::from_secs(5));
        assert_eq!(count(), 0, "{}", terminal.screen());
    });
}

#[test]
fn a_click_selects_and_without_mouse_it_does_not() {
    let replay = Replay::new();
    let terminal = replay.still((80, 24), "");
    terminal.shows("> dev");
    terminal.click(5, 6);
    terminal
        .until("another row", |screen| screen.contains("> docs") || screen.contains("> oncall"));
    terminal.press(&["M"]);
    terminal.shows("mouse off");
    assert_eq!(terminal.knows("mouse_any_flag"), "0");
}

#[test]
fn time_goes_on_jumps_and_ends() {
    let replay = Replay::new();
    let terminal = replay.open((80, 24), "", &format!("'{FLEET}' --speed 0"));
    terminal.shows("12:04:00 still");
    for (line, seen) in [
        ("seek +30s", "12:04:30 still"),
        ("seek 12:04:43", "run 4/8"),
        ("seek -43s", "12:04:00 still"),
        ("seek +1h", "12:04:51 end"),
        ("seek 12:04:50", "12:04:50 still"),
    ] {
        terminal.press(&[":"]);
        terminal.write(line);
        terminal.press(&["Enter"]);
        terminal.shows(seen);
    }
    terminal.press(&[":"]);
    terminal.write("speed 1");
    terminal.press(&["Enter"]);
    terminal.shows("the recording ends here");
    terminal.line(&["REPLAY", "12:04:51 end"]);
}

#[test]
fn a_command_that_was_not_recorded_is_told_so() {
    let replay = Replay::new();
    let terminal = replay.still((80, 24), "");
    terminal.press(&["p"]);
    terminal.shows("paused dev");
    terminal.press(&["j", "j", "j", "p"]);
    terminal.shows("this is a recording: nothing was done");
}

#[test]
fn leaving_gives_the_terminal_back() {
    let replay = Replay::new();
    let terminal = replay.open((80, 24), "", &format!("'{FLEET}' {STILL}"));
    terminal.shows("> dev");
    terminal.press(&["q"]);
    terminal.shows("al ended with 0");
    terminal.is_restored();
}
