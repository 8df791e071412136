//! Commands and their answers, as they were recorded.

use super::Replay;
use crate::checks::cursor;
use crate::tmux::Terminal;

/// The cursor on the run whose end the fixture knows the consequences of.
fn on_run(terminal: &Terminal) {
    terminal.press(&["2", "/"]);
    terminal.write("1a2b3c4d");
    terminal.press(&["Enter"]);
    terminal.shows("> dev-1a2b3c4d");
}

#[test]
fn a_kill_that_is_accepted_is_sent_once_with_its_token() {
    let replay = Replay::new();
    let terminal = replay.still((80, 24), "");
    on_run(&terminal);
    terminal.press(&["X"]);
    terminal.question("Kill dev-1a2b3c4d?");
    terminal.press(&["Tab"]);
    terminal.reverses("Kill");
    terminal.press(&["Enter"]);
    terminal.shows("killed dev-1a2b3c4d");
    let kill = |token: Option<&str>| ("kill".to_owned(), token.map(str::to_owned));
    assert_eq!(replay.commands(), [kill(None), kill(Some("k-1"))]);
}

#[test]
fn several_runs_want_a_word_and_a_wrong_one_does_nothing() {
    let replay = Replay::new();
    let terminal = replay.still((80, 24), "");
    cursor(&terminal, "dev");
    terminal.press(&["X"]);
    terminal.question("Kill 3 runs?");
    terminal.write("kill 2");
    terminal.shows("> kill 2");
    terminal.press(&["Enter"]);
    terminal.press(&["BSpace", "3"]);
    terminal.shows("> kill 3");
    assert_eq!(replay.commands().len(), 1);
    terminal.press(&["Enter"]);
    terminal.shows("killed 3 runs");
    assert_eq!(replay.commands().len(), 2);
}
