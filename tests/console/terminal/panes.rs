//! Looking around: panes, rows, filter, zoom, help and the command line.

use insta::assert_snapshot;

use crate::project::Project;

#[test]
fn a_first_look_goes_through_panes_and_rows() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.shows("no records yet");
    assert_snapshot!("first_frame", terminal.still("> broken"));

    for (key, agent) in [
        ("j", "chatter"),
        ("Down", "deploy"),
        ("k", "chatter"),
        ("Up", "broken"),
        ("G", "deploy"),
        ("Home", "broken"),
        ("End", "deploy"),
    ] {
        terminal.press(&[key]);
        terminal.shows(&format!("> {agent}"));
        terminal.shows(&format!("Log {agent} "));
    }
    terminal.press(&["g", "g"]);
    terminal.shows("> broken");

    for (key, tab) in [
        ("Tab", "[2 Runs]"),
        ("Tab", "[3 Queues]"),
        ("BTab", "[2 Runs]"),
        ("4", "[4 Triggers]"),
        ("5", "[5 Logs]"),
        ("3", "[3 Queues]"),
        ("2", "[2 Runs]"),
        ("1", "[1 Agents]"),
    ] {
        terminal.press(&[key]);
        terminal.shows(tab);
    }
    // At the bottom of all layers Esc does nothing: the console answers the next key.
    terminal.press(&["Escape"]);
    // Esc and a key at once are Alt and that key.
    terminal.settled();
    terminal.press(&["2"]);
    terminal.shows("no runs yet: s starts one");
}

#[test]
fn a_filter_narrows_the_rows_and_esc_takes_it_off() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["/"]);
    terminal.write("dep");
    terminal.shows("Agents 1 /dep");
    terminal.hides("  chatter ");
    terminal.hides("  broken ");

    terminal.press(&["Enter"]);
    terminal.shows("? help");
    terminal.press(&["Escape"]);
    terminal.shows("chatter");
    terminal.shows("Agents 3");
}

#[test]
fn zoom_gives_a_pane_the_whole_screen() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["j"]);
    terminal.shows("Log chatter");
    terminal.press(&["z"]);
    terminal.hides("Log chatter");
    terminal.shows("> chatter");
    terminal.press(&["z"]);
    terminal.shows("Log chatter");
}

#[test]
fn help_lists_the_keys_of_the_pane_and_finds_them() {
    let project = Project::new();
    let terminal = project.start((80, 100));
    terminal.press(&["?"]);
    let screen = terminal.still("Help for Agents");
    for key in ["?", ":", "s", "p", "X", "R", "z", "q", "Tab", "Ctrl-z"] {
        let listed = |line: &str| line.contains(&format!("║ {key} ")) && line.len() > 20;
        assert!(screen.lines().any(listed), "{key} is not in the help\n{screen}");
    }
    assert!(!screen.contains("follow new records"), "this is for logs\n{screen}");

    terminal.press(&["/"]);
    terminal.write("kill");
    terminal.hides("help for this pane");
    terminal.shows("kill the run, or every run of the agent");
    terminal.press(&["Escape"]);
    terminal.shows("help for this pane");
    terminal.press(&["Escape"]);
    terminal.hides("Help for Agents");

    terminal.press(&["5", "?"]);
    terminal.shows("Help for Logs");
    terminal.shows("follow new records on or off");
}

#[test]
fn the_command_line_completes_and_keeps_what_was_wrong() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&[":"]);
    terminal.write("ki");
    terminal.press(&["Tab"]);
    terminal.shows("kill <run | agent | all>   all  broken  chatter  deploy");
    terminal.write("nobody");
    terminal.press(&["Enter"]);
    terminal.shows("! no run or agent called `nobody`");
    terminal.shows(":kill nobody");
    terminal.press(&["Escape"]);
    terminal.shows("? help");

    terminal.press(&[":"]);
    terminal.write("runs deploy state=failed");
    terminal.press(&["Enter"]);
    terminal.shows("Runs of deploy 0 /state=failed");
}

#[test]
fn what_a_click_hits_is_selected() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    let row = |name: &str| {
        let screen = terminal.still("no records yet");
        let at = screen.lines().position(|line| line.contains(name)).unwrap();
        u16::try_from(at + 1).unwrap()
    };
    terminal.click(6, row(" deploy "));
    terminal.shows("> deploy");
    terminal.shows("Log deploy");
    let tabs = row("2 Runs");
    terminal.click(14, tabs);
    terminal.shows("[2 Runs]");
    terminal.click(6, tabs);
    terminal.shows("[1 Agents]");

    // Off, so that the terminal's own selection works; a click then reaches nobody.
    terminal.press(&["M"]);
    terminal.until("no mouse", |_| terminal.knows("mouse_any_flag") == "0");
    terminal.press(&["M"]);
    terminal.until("a mouse", |_| terminal.knows("mouse_any_flag") == "1");
}
