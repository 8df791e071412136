//! A made-up fleet: what it shows, and the ways out of it.

use std::fs;

use tempfile::TempDir;

use crate::project::Project;
use crate::tmux::Terminal;

/// A fleet whose folder is made in one of this test.
fn fleet(words: &str) -> (Project, TempDir, Terminal) {
    let project = Project::new();
    let folder = TempDir::new().unwrap();
    let variables = format!("TMPDIR='{}'", folder.path().display());
    let words = format!("dev fake-fleet --rate 2 {words}");
    let terminal = project.terminal((120, 40), &variables, &words);
    (project, folder, terminal)
}

fn left(folder: &TempDir) -> usize {
    fs::read_dir(folder.path()).unwrap().count()
}

#[test]
fn a_made_up_fleet_says_so_works_and_leaves_nothing() {
    let (_project, folder, terminal) = fleet("--seed 7");
    terminal.shows("al fake-fleet-7");
    terminal.line(&["dev", "running"]);
    terminal.line(&["docs", "paused"]);
    terminal.shows("turn 1");
    assert_eq!(left(&folder), 1);
    terminal.press(&["q"]);
    terminal.question("Leave the console?");
    terminal.press(&["Tab"]);
    terminal.reverses("Detach");
    terminal.press(&["Enter"]);
    // Detached it goes on; there is nothing that a signal should wait for.
    terminal.shows("the console is closed, the scheduler goes on");
    terminal.press(&["C-c"]);
    terminal.shows("al ended with 0");
    terminal.is_restored();
    assert_eq!(left(&folder), 0);
}

#[test]
fn a_console_that_breaks_down_gives_the_terminal_back_and_says_why() {
    let (_project, _folder, terminal) = fleet("");
    terminal.shows("[1 Agents]");
    terminal.shows("gateway http");
    terminal.press(&[":"]);
    terminal.write("debug panic");
    terminal.press(&["Enter"]);
    terminal.shows("somebody said :debug panic");
    terminal.is_restored();
}

#[test]
fn nobody_breaks_down_a_console_that_is_not_made_up() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&[":"]);
    terminal.write("debug panic");
    terminal.press(&["Enter"]);
    terminal.shows("only a console of `al dev` breaks down on demand");
}
