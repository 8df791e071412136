//! Recordings that are made, and files that are none.

use std::fs;

use super::{Replay, fleet};
use crate::project::Project;

#[test]
fn a_file_that_is_no_recording_is_told_by_its_line() {
    let replay = Replay::new();
    let check = |text: &str, want: &str| {
        let file = replay.path("bad.ndjson");
        fs::write(&file, text).unwrap();
        let terminal = replay.terminal((120, 24), "", &format!("'{}'", file.display()));
        let screen = terminal.shows("al ended with 2");
        assert!(screen.contains(&format!("bad.ndjson: {want}")), "{screen}");
    };
    check("hello\n", "line 1: this is no recording of a console");
    let broken = fleet().replacen("\"down\":\"delta\"", "\"down\":\"delta\",,", 1);
    check(&broken, "line 4: ");
}

#[test]
fn what_a_scheduler_did_is_recorded_and_shown_again() {
    let project = Project::new();
    let host = project.terminal((100, 24), "", "start -H --port 0");
    host.shows("3 agents, gateway http");
    project.await_gateway();
    let recorder = project.terminal((100, 24), "", "record -o walk.ndjson");
    recorder.shows("recording walk to walk.ndjson");
    project.deliver(1);
    host.shows("deploy-");
    let console = project.terminal((100, 24), "", "attach");
    console.shows("gateway http");
    console.press(&["G"]);
    console.shows("step 2 of 3: build");
    project.open_gate("deploy");
    console.line(&["deploy", "ok"]);
    recorder.press(&["C-c"]);
    recorder.shows("messages; al replay walk.ndjson shows them");

    let replay = project.terminal((100, 24), "", "replay walk.ndjson --speed max");
    replay.shows("REPLAY");
    replay.press(&["G"]);
    replay.line(&["> deploy", "ok"]);
    replay.shows("step 3 of 3: ship");
    replay.press(&["s"]);
    replay.run_form("deploy");
    replay.press(&["Enter"]);
    replay.shows("this is a recording: nothing was done");
}

#[test]
fn a_console_records_itself() {
    let project = Project::new();
    let console = project.start((100, 24));
    console.press(&["G", ":"]);
    console.write("record own.ndjson");
    console.press(&["Enter"]);
    console.shows("REC");
    project.deliver(1);
    console.shows("step 2 of 3: build");
    console.press(&[":"]);
    console.write("record");
    console.press(&["Enter"]);
    console.shows("messages recorded; al replay own.ndjson shows them");
    let replay = project.terminal((100, 24), "", "replay own.ndjson --speed max");
    replay.shows("REPLAY");
    replay.press(&["G"]);
    replay.shows("step 2 of 3: build");
}
