//! Checks 1 to 15: the tables, the command line, questions.

use insta::assert_snapshot;

use super::{FLEET, Replay, STILL};
use crate::tmux::{Terminal, colours};

const THEMES: [&str; 2] = ["terminal", "mono"];

/// The row that the cursor is on, in the pane that is looked at.
fn cursor(terminal: &Terminal, name: &str) {
    terminal.until(&format!("> {name}"), |screen| screen.contains(&format!("║> {name}")));
}

#[test]
fn screens_are_the_golden_ones_and_any_size_keeps_the_selection() {
    let replay = Replay::new();
    let terminal = replay.still((80, 24), "");
    terminal.shows("retrying after 403");
    assert_snapshot!("80x24", terminal.settled());
    terminal.press(&["j"]);
    cursor(&terminal, "docs");
    for (columns, rows) in [(120_u16, 40_u16), (200, 60)] {
        terminal.resize(columns, rows);
        // A key that comes with the new size would wait for the next one.
        let wide = |line: &str| line.chars().count() == usize::from(columns);
        terminal.until("the new size", |s| s.lines().any(wide));
        cursor(&terminal, "docs");
        terminal.press(&["k"]);
        cursor(&terminal, "dev");
        terminal.shows("retrying after 403");
        assert_snapshot!(format!("{columns}x{rows}"), terminal.settled());
        terminal.press(&["j"]);
    }
    terminal.resize(40, 8);
    terminal.shows("need 60x12, have 40x8");
    terminal.resize(1, 1);
    terminal.until("one cell", |screen| screen.trim_end().chars().count() <= 1);
    terminal.resize(80, 24);
    cursor(&terminal, "docs");
    assert_eq!(terminal.knows("pane_dead"), "0");
}

#[test]
fn arrows_and_letters_move_alike() {
    let replay = Replay::new();
    let terminal = replay.still((80, 24), "");
    for (keys, name) in [
        (&["j"][..], "docs"),
        (&["j"], "oncall"),
        (&["k"], "docs"),
        (&["Down"], "oncall"),
        (&["Up"], "docs"),
        (&["G"], "triager"),
        (&["g", "g"], "dev"),
        (&["End"], "triager"),
        (&["Home"], "dev"),
    ] {
        terminal.press(keys);
        cursor(&terminal, name);
    }
}

#[test]
fn numbers_and_tab_go_to_panes_and_esc_never_quits() {
    for theme in THEMES {
        let replay = Replay::new();
        let terminal = replay.still((80, 24), &format!("--theme {theme}"));
        terminal.press(&["2"]);
        terminal.shows("[2 Runs]");
        terminal.press(&["Tab"]);
        terminal.shows("[3 Queues");
        terminal.press(&["Escape", "Escape", "1"]);
        terminal.shows("[1 Agents]");
        terminal.press(&["Escape"]);
        terminal.press(&["j"]);
        cursor(&terminal, "docs");
        assert_eq!(terminal.knows("alternate_on"), "1");
    }
}

#[test]
fn a_filter_narrows_as_it_is_typed_and_esc_takes_it_away() {
    let replay = Replay::new();
    let terminal = replay.still((80, 24), "");
    terminal.press(&["/"]);
    terminal.write("rev");
    terminal.until("one row", |s| s.contains("reviewer") && !s.contains("triager"));
    terminal.shows("rev ");
    terminal.press(&["Escape"]);
    terminal.shows("triager");
}

#[test]
fn a_view_with_a_filter_is_a_command_and_history_leads_back() {
    let replay = Replay::new();
    let terminal = replay.still((80, 24), "");
    terminal.press(&[":"]);
    terminal.write("runs dev state=failed");
    terminal.press(&["Enter"]);
    terminal.shows("[2 Runs]");
    terminal.until("one row", |s| s.contains("> dev-5e6f7a8b") && !s.contains("dev-1a2b3c4d  "));
    terminal.shows("state=failed");
    terminal.press(&["["]);
    terminal.shows("[1 Agents]");
}

#[test]
fn completion_asks_nothing_of_anybody() {
    let replay = Replay::new();
    let terminal = replay.still((80, 24), "");
    terminal.press(&[":", "k", "i", "Tab"]);
    terminal.shows(":kill");
    terminal.shows("dev");
    terminal.press(&["Escape"]);
    terminal.shows("? help");
    assert_eq!(replay.commands(), []);
}

#[test]
fn what_cannot_be_understood_stays_to_be_mended() {
    let replay = Replay::new();
    let terminal = replay.still((80, 24), "");
    terminal.press(&[":"]);
    terminal.write("scale dev banana");
    terminal.press(&["Enter"]);
    terminal.shows("`banana` is no number of runs");
    terminal.press(&["BSpace"]);
    terminal.shows("scale dev banan");
    terminal.press(&["Escape"]);
    terminal.shows("? help");
    assert_eq!(replay.commands(), []);
}

/// The cursor on the run whose end the fixture knows the consequences of.
fn on_run(terminal: &Terminal) {
    terminal.press(&["2", "/"]);
    terminal.write("1a2b3c4d");
    terminal.press(&["Enter"]);
    terminal.shows("> dev-1a2b3c4d");
}

#[test]
fn a_kill_tells_its_consequences_and_enter_alone_does_nothing() {
    for theme in THEMES {
        let replay = Replay::new();
        let terminal = replay.still((80, 24), &format!("--theme {theme}"));
        on_run(&terminal);
        // A key that was meant for the pane comes right behind.
        terminal.press(&["X", "Enter"]);
        let screen = terminal.question("Kill dev-1a2b3c4d?");
        for fact in ["process group 5120", "$0.28", "repo:acme/api", "dev-6f7a8b9c starts next"] {
            assert!(screen.contains(fact), "{fact}\n{screen}");
        }
        terminal.reverses("Cancel");
        terminal.press(&["Enter"]);
        terminal.hides("Kill dev-1a2b3c4d?");
        // It was asked what it would do, and no more.
        assert_eq!(replay.commands(), [("kill".to_owned(), None)]);
    }
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

#[test]
fn marked_runs_are_killed_together_with_one_word() {
    let replay = Replay::new();
    let terminal = replay.still((80, 24), "");
    terminal.press(&["2", "/"]);
    terminal.write("dev state=running");
    terminal.press(&["Enter"]);
    terminal.until("three rows", |screen| screen.contains("1/3"));
    // From the first to the last.
    terminal.press(&["V", "G"]);
    terminal.press(&["X"]);
    terminal.question("Kill 3 runs?");
    terminal.write("kill 3");
    terminal.shows("> kill 3");
    terminal.press(&["Enter"]);
    terminal.shows("killed 3 runs");
    assert_eq!(replay.commands().len(), 2);
}

#[test]
fn a_run_that_has_ended_is_not_killed_by_the_answer_to_an_old_question() {
    let replay = Replay::new();
    let words = "--speed 0.5 --clock 2026-01-01T12:04:43Z";
    let terminal = replay.open((80, 24), "", &format!("'{FLEET}' {words}"));
    on_run(&terminal);
    terminal.press(&["X"]);
    terminal.shows("Kill dev-1a2b3c4d?");
    terminal.question("dev-1a2b3c4d ended meanwhile");
    // The button that would have killed it is gone.
    terminal.press(&["Tab"]);
    terminal.press(&["Enter"]);
    terminal.hides("ended meanwhile");
    terminal.press(&["X"]);
    terminal.shows("already ended");
    assert_eq!(replay.commands().len(), 1, "an ended run is not asked about");
}

#[test]
fn read_only_offers_nothing_that_changes_anything() {
    let replay = Replay::new();
    let terminal = replay.still((100, 40), "--read-only");
    terminal.shows("READ-ONLY");
    terminal.press(&["X"]);
    terminal.shows("read-only: this console changes nothing");
    terminal.press(&["?"]);
    terminal.shows("Help");
    terminal.until("help without kill", |screen| !screen.contains("kill (asks"));
    terminal.press(&["Escape"]);
    terminal.hides("Help for");
    // Esc and a key at once are Alt and that key.
    terminal.settled();
    terminal.press(&[":", "k", "i"]);
    terminal.shows(":ki");
    terminal.hides("kill");
    assert_eq!(replay.commands(), []);
}

#[test]
fn help_is_searched() {
    let replay = Replay::new();
    let terminal = replay.still((80, 24), "");
    terminal.press(&["5", "?"]);
    terminal.shows("Help");
    terminal.press(&["/"]);
    terminal.write("foll");
    terminal.until("the line about following", |s| s.contains("follow") && !s.contains("bookmark"));
}

#[test]
fn without_colours_the_selection_and_the_states_are_seen() {
    for variables in ["NO_COLOR=1", "TERM=dumb"] {
        let replay = Replay::new();
        let words = format!("'{FLEET}' {STILL}");
        let terminal = replay.open((80, 24), variables, &words);
        terminal.shows("retrying after 403");
        terminal.reverses("> dev");
        let styled = terminal.styled();
        assert_eq!(colours(&styled), Vec::<String>::new(), "{variables}");
        for word in ["running", "waiting", "paused", "idle"] {
            assert!(styled.contains(word), "{word}\n{styled}");
        }
    }
}
