//! Checks 10 to 14: what asks before it is done, and a console that only looks.

use super::tables::{command, cursor};
use crate::stage::{Check, Mode, Not, Stage};
use crate::tmux::Terminal;

pub const CHECKS: &[Check] = &[
    Check::new(10, "a kill tells its consequences, Enter alone does nothing", consequences),
    Check::new(11, "a kill that is accepted is done once", accepted),
    Check::new(12, "several marked runs want a word, a wrong one does nothing", several),
    Check::new(13, "an answer to an old question kills nothing", old_question),
    Check::new(14, "read-only offers nothing that changes anything", read_only).but(&[(
        Not::In(Mode::InProcess),
        "`al start` owns its scheduler: --read-only is a flag of attach and replay",
    )]),
];

/// The cursor on the run that a stage knows the consequences of killing.
fn on_run(stage: &Stage, terminal: &Terminal) -> String {
    let run = stage.run();
    terminal.press(&["2", "/"]);
    terminal.write(run.strip_prefix("dev-").unwrap());
    terminal.press(&["Enter"]);
    cursor(terminal, &run);
    run
}

fn consequences(stage: &Stage) {
    let terminal = stage.open((80, 24));
    let run = on_run(stage, &terminal);
    // A key that was meant for the pane comes right behind.
    terminal.press(&["X", "Enter"]);
    let title = format!("Kill {run}?");
    let screen = terminal.question(&title);
    for fact in stage.consequences() {
        assert!(screen.contains(fact), "{fact}\n{screen}");
    }
    terminal.shows(&format!("al kill {run}"));
    terminal.reverses("Cancel");
    terminal.press(&["Enter"]);
    terminal.hides(&title);
    assert_eq!(stage.done(), [""; 0]);
}

fn accepted(stage: &Stage) {
    let terminal = stage.open((80, 24));
    let run = on_run(stage, &terminal);
    terminal.press(&["X"]);
    terminal.question(&format!("Kill {run}?"));
    terminal.press(&["Tab"]);
    terminal.reverses("Kill");
    terminal.press(&["Enter"]);
    match stage.mode {
        Mode::Replay => terminal.shows(&format!("killed {run}")),
        Mode::InProcess | Mode::Attached => terminal.line(&[&run, "= killed"]),
    };
    assert_eq!(stage.done(), ["kill"]);
}

fn several(stage: &Stage) {
    let terminal = stage.open((80, 24));
    command(&terminal, "runs dev state=running");
    terminal.until("three rows", |screen| screen.contains("1/3"));
    terminal.press(&["Space", "Space", "Space"]);
    terminal.shows("3 marked");
    terminal.press(&["X"]);
    terminal.question("Kill 3 runs?");
    terminal.write("kill 2");
    terminal.shows("> kill 2");
    terminal.press(&["Enter"]);
    terminal.press(&["BSpace"]);
    terminal.shows("> kill ");
    assert_eq!(stage.done(), [""; 0]);
    terminal.write("3");
    terminal.shows("> kill 3");
    terminal.press(&["Enter"]);
    terminal.hides("Kill 3 runs?");
    terminal.until("they are killed", |_| !stage.done().is_empty());
    let done = stage.done();
    assert!(done.iter().all(|order| order == "kill"), "{done:?}");
    // One order in a recording; a scheduler writes down each run.
    assert!(matches!(done.len(), 1 | 3), "{done:?}");
}

fn old_question(stage: &Stage) {
    let terminal = stage.open_moving((80, 24));
    let run = on_run(stage, &terminal);
    terminal.press(&["X"]);
    terminal.question(&format!("Kill {run}?"));
    stage.end(&run);
    terminal.question(&format!("{run} ended meanwhile"));
    // The button that would have killed it is gone.
    terminal.press(&["Tab"]);
    terminal.press(&["Enter"]);
    terminal.hides("ended meanwhile");
    terminal.press(&["X"]);
    terminal.shows("already ended");
    assert_eq!(stage.done(), [""; 0]);
}

fn read_only(stage: &Stage) {
    let terminal = stage.open_with((100, 40), "", "--read-only");
    terminal.shows("READ-ONLY");
    terminal.press(&["X"]);
    terminal.shows("read-only: this console changes nothing");
    terminal.press(&["?"]);
    terminal.shows("Help for Agents");
    terminal.until("help without kill", |screen| !screen.contains("kill the run"));
    terminal.press(&["Escape"]);
    terminal.hides("Help for");
    // Esc and a key at once are Alt and that key.
    terminal.settled();
    terminal.press(&[":", "k", "i"]);
    terminal.shows(":ki");
    terminal.hides("kill");
    assert_eq!(stage.done(), [""; 0]);
}
