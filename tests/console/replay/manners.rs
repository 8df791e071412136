//! What only a recording can do.

use rustix::process::{Signal, kill_process};

use super::{FLEET, Replay, STILL};
use crate::project::Project;

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

/// Half a key was read, and the rest never comes.
#[test]
fn a_console_ends_in_the_middle_of_a_key() {
    let replay = Replay::new();
    let vanishing = replay.still((80, 24), "");
    let ended = vanishing.child("al");
    vanishing.write("\x1b[");
    vanishing.vanish();
    Project::await_end(ended);

    let told = replay.still((80, 24), "");
    let ending = told.child("al");
    told.write("\x1b[");
    kill_process(ending, Signal::TERM).unwrap();
    told.shows("al ended with");
    told.is_restored();
}
