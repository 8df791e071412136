//! The ways out, and the ways in that are refused.

use insta::assert_snapshot;
use rustix::process::Signal;

use crate::project::Project;
use crate::tmux::Terminal;

/// A console with a run in flight, and the question what becomes of it.
fn leave(project: &Project) -> Terminal {
    let terminal = project.start((80, 24));
    terminal.press(&["G"]);
    project.deliver(1);
    terminal.line(&["> deploy", "running"]);
    terminal.press(&["q"]);
    terminal.question("Leave the console?");
    terminal.reverses("Cancel");
    terminal
}

#[test]
fn a_key_meant_for_the_pane_does_not_answer_the_question_over_it() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    // One burst: Enter comes right behind the q that opened the question.
    terminal.press(&["q", "Enter", "Tab"]);
    assert_snapshot!("leave", terminal.still("No run in flight."));
    terminal.reverses("Detach");
    terminal.press(&["Escape"]);
    terminal.hides("Leave the console?");
    assert_eq!(terminal.knows("alternate_on"), "1");
}

#[test]
fn detached_the_scheduler_goes_on_with_a_line_per_event() {
    let project = Project::new();
    let terminal = leave(&project);
    terminal.press(&["Tab", "Enter"]);
    terminal.shows("the console is closed, the scheduler goes on");
    assert_eq!(terminal.knows("alternate_on"), "0");
    project.deliver(2);
    project.open_gate("deploy");
    terminal.until("both runs ended", |screen| screen.matches("succeeded").count() == 2);
    let pid = project.pid();
    terminal.press(&["C-c"]);
    terminal.shows("al ended with 0");
    Project::await_end(pid);
    terminal.is_restored();
}

#[test]
fn draining_waits_for_the_runs_in_flight() {
    let project = Project::new();
    let terminal = leave(&project);
    terminal.press(&["Tab", "Tab", "Enter"]);
    terminal.until("the shell's screen", |screen| !screen.contains("Leave the console?"));
    terminal.shows("waiting");
    let screen = terminal.screen();
    assert!(!screen.contains("al ended with"), "a run is in flight\n{screen}");
    project.open_gate("deploy");
    terminal.shows("al ended with 0");
    terminal.is_restored();
}

#[test]
fn stopping_now_kills_the_runs_in_flight() {
    let project = Project::new();
    let terminal = leave(&project);
    terminal.press(&["Tab", "Tab", "Tab", "Enter"]);
    terminal.shows("al ended with 0");
    terminal.is_restored();
    let stat = project.al(&["logs", "deploy"]);
    let log = String::from_utf8_lossy(&stat.stdout).into_owned();
    assert!(!log.contains("step 3 of 3"), "{log}");
}

#[test]
fn a_signal_gives_the_terminal_back() {
    for signal in [Signal::TERM, Signal::HUP] {
        let project = Project::new();
        let terminal = project.start((80, 24));
        assert_eq!(terminal.knows("alternate_on"), "1");
        assert_eq!(terminal.knows("mouse_any_flag"), "1");
        project.signal(signal);
        terminal.shows("al ended with 0");
        terminal.is_restored();
    }
}

/// As when the window of the terminal is closed, or a connection of ssh breaks.
#[test]
fn a_terminal_that_vanishes_ends_the_console() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    let pid = project.pid();
    terminal.vanish();
    Project::await_end(pid);
}

#[test]
fn a_signal_lets_runs_finish_and_a_second_one_kills_them() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    project.deliver(1);
    terminal.line(&["deploy", "running"]);
    let pid = project.pid();
    project.signal(Signal::TERM);
    terminal.until("the console gone", |_| terminal.knows("alternate_on") == "0");
    terminal.shows("again: kill them");
    project.signal(Signal::TERM);
    terminal.shows("al ended with 0");
    Project::await_end(pid);
    terminal.is_restored();
}

#[test]
fn a_stop_from_another_terminal_closes_the_console() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    project.deliver(1);
    terminal.line(&["deploy", "running"]);
    let stopped = project.al(&["stop"]);
    assert!(stopped.status.success(), "{}", String::from_utf8_lossy(&stopped.stderr));
    terminal.shows("DRAINING");
    project.open_gate("deploy");
    terminal.shows("al ended with 0");
    terminal.is_restored();
}

#[test]
fn ctrl_z_suspends_to_the_shell_and_fg_comes_back() {
    let project = Project::new();
    let terminal = project.shell((80, 24));
    terminal.shows("$");
    terminal.write(&project.line("", "start --port 0"));
    terminal.press(&["Enter"]);
    terminal.shows("gateway http");
    terminal.press(&["j"]);
    terminal.shows("> chatter");
    terminal.press(&["C-z"]);
    terminal.hides("> chatter");
    terminal.until("the prompt", |screen| screen.trim_end().ends_with('$'));
    let state = ["alternate_on", "cursor_flag", "mouse_any_flag"].map(|name| terminal.knows(name));
    assert_eq!(state, ["0", "1", "0"]);

    terminal.write("fg");
    terminal.press(&["Enter"]);
    terminal.shows("> chatter");
    terminal.press(&["k"]);
    terminal.shows("> broken");
    assert_eq!(terminal.knows("alternate_on"), "1");
}

#[test]
fn ctrl_c_asks_like_q() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["C-c"]);
    terminal.question("Leave the console?");
    terminal.press(&["Tab", "Tab", "Enter"]);
    terminal.shows("al ended with 0");
    terminal.is_restored();
}

#[test]
fn a_second_scheduler_on_the_project_is_refused_by_name() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    let second = project.al(&["start", "--port", "0"]);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    let pid = project.pid().as_raw_nonzero();
    assert!(said.contains(&format!("a scheduler owns this project already (pid {pid})")), "{said}");
    assert_eq!(second.status.code(), Some(4));
    terminal.press(&["j"]);
    terminal.shows("> chatter");
}

#[test]
fn a_broken_project_is_explained_where_it_was_started() {
    let project = Project::new();
    project.agent("lost", "schedule = \"99 * * * *\"", "\necho never\n");
    let terminal = project.terminal((80, 24), "", "start --port 0");
    let screen = terminal.shows("al ended with 3");
    assert!(screen.contains("schedule = \"99 * * * *\""), "{screen}");
    assert!(screen.contains("agents/lost/config.toml"), "{screen}");
    assert_eq!(terminal.knows("alternate_on"), "0");
}
