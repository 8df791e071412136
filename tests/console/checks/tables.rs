//! Checks 1 to 9: sizes, tables, the command line.

use insta::assert_snapshot;

use crate::stage::{Check, Mode, Stage};
use crate::steady::steady;
use crate::tmux::Terminal;

pub const CHECKS: &[Check] = &[
    Check::new(1, "the first screen is the golden one", first),
    Check::new(2, "other sizes are the golden ones, on the same agent", sizes),
    Check::new(3, "a screen that is too small says so and comes back", too_small),
    Check::new(4, "arrows and letters move alike", moves),
    Check::new(5, "numbers and Tab go to panes, Esc never quits", panes),
    Check::new(6, "a filter narrows as it is typed, Esc takes it away", filter),
    Check::new(7, "a view with a filter is a command, history leads back", view),
    Check::new(8, "completion asks nothing of anybody", completion),
    Check::new(9, "what cannot be understood stays to be mended", wrong),
];

/// The row that the cursor is on, in the pane that is looked at.
pub fn cursor(terminal: &Terminal, name: &str) {
    terminal.until(&format!("> {name}"), |screen| screen.contains(&format!("║> {name}")));
}

/// Types a command and runs it.
pub fn command(terminal: &Terminal, line: &str) {
    terminal.press(&[":"]);
    terminal.write(line);
    terminal.press(&["Enter"]);
}

/// What every theme shows alike. Of a scheduler at work that is the pane of its agents, wherever it
/// is: what stands around it tells of this moment.
fn golden(stage: &Stage, terminal: &Terminal, size: &str) {
    if stage.mode == Mode::Replay {
        return assert_snapshot!(format!("replay_{size}"), terminal.settled());
    }
    let screen = terminal.still("retrying after 403");
    assert!(screen.lines().last().is_some_and(|line| line.starts_with("? help")), "{screen}");
    let ends = |line: &str| line.char_indices().rfind(|(_, c)| "╗║╝".contains(*c));
    let pane = screen.lines().filter(|line| line.starts_with(['╔', '║', '╚']));
    let pane = pane.map(|line| &line[..ends(line).map_or(0, |(at, c)| at + c.len_utf8())]);
    assert_snapshot!(format!("live_{size}"), pane.collect::<Vec<_>>().join("\n"));
}

fn first(stage: &Stage) {
    let terminal = stage.open((80, 24));
    golden(stage, &terminal, "80x24");
}

fn sizes(stage: &Stage) {
    let terminal = stage.open((80, 24));
    terminal.press(&["j"]);
    cursor(&terminal, "docs");
    for (columns, rows) in [(120_u16, 40_u16), (200, 60)] {
        terminal.resize(columns, rows);
        // A key that comes with the new size would wait for the next one.
        let wide = |line: &str| line.chars().count() == usize::from(columns);
        terminal.until("the new size", |screen| screen.lines().any(wide));
        cursor(&terminal, "docs");
        terminal.press(&["k"]);
        cursor(&terminal, "dev");
        terminal.shows("retrying after 403");
        golden(stage, &terminal, &format!("{columns}x{rows}"));
        terminal.press(&["j"]);
    }
}

fn too_small(stage: &Stage) {
    let terminal = stage.open((80, 24));
    terminal.press(&["j"]);
    cursor(&terminal, "docs");
    terminal.shows("Log docs");
    let before = steady(&terminal.settled());
    terminal.resize(40, 8);
    terminal.shows("need 60x12, have 40x8");
    terminal.resize(1, 1);
    terminal.until("one cell", |screen| screen.trim_end().chars().count() <= 1);
    terminal.resize(80, 24);
    terminal.until("the same screen as before", |screen| steady(screen) == before);
    assert_eq!(terminal.knows("pane_dead"), "0");
}

fn moves(stage: &Stage) {
    let terminal = stage.open((80, 24));
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

fn panes(stage: &Stage) {
    let terminal = stage.open((80, 24));
    terminal.press(&["2"]);
    terminal.shows("[2 Runs]");
    terminal.press(&["Tab"]);
    terminal.shows("[3 Queues");
    terminal.press(&["Escape"]);
    // Esc and a key at once are Alt and that key.
    terminal.settled();
    terminal.press(&["1"]);
    terminal.shows("[1 Agents]");
    terminal.shows("retrying after 403");
    let before = steady(&terminal.settled());
    terminal.press(&["Escape"]);
    assert_eq!(steady(&terminal.settled()), before, "Esc on the first screen does nothing");
    terminal.press(&["j"]);
    cursor(&terminal, "docs");
    assert_eq!(terminal.knows("alternate_on"), "1");
}

fn filter(stage: &Stage) {
    let terminal = stage.open((80, 24));
    terminal.press(&["/"]);
    terminal.write("rev");
    terminal.until("one row", |s| s.contains("> reviewer ") && !s.contains("  triager "));
    terminal.shows("Agents 1 /rev");
    terminal.press(&["Escape"]);
    terminal.shows("  triager ");
    terminal.shows("Agents 7 ");
}

fn view(stage: &Stage) {
    let terminal = stage.open((80, 24));
    command(&terminal, "runs release state=failed");
    terminal.shows("[2 Runs]");
    terminal.line(&["Runs of release 1 ", "/state=failed"]);
    terminal.line(&["> release-", "failed"]);
    terminal.press(&["["]);
    terminal.shows("[1 Agents]");
}

fn completion(stage: &Stage) {
    let terminal = stage.open((80, 24));
    terminal.press(&[":", "k", "i", "Tab"]);
    terminal.shows("kill <run | agent | all>   all  dev  docs");
    terminal.press(&["Escape"]);
    terminal.shows("? help");
    assert_eq!(stage.done(), [""; 0]);
}

fn wrong(stage: &Stage) {
    let terminal = stage.open((80, 24));
    command(&terminal, "scale dev banana");
    terminal.shows("`banana` is no number of runs");
    terminal.press(&["BSpace"]);
    terminal.shows("`banan` is no number of runs");
    terminal.press(&["Escape"]);
    terminal.shows("? help");
    assert_eq!(stage.done(), [""; 0]);
}
