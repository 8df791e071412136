//! What a terminal can expect: any size, no colours when they are not wanted, silence.

use insta::assert_snapshot;

use crate::project::Project;
use crate::steady::steady;
use crate::tmux::{colours, reversed};

#[test]
fn any_size_is_survived_and_the_selection_stays() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    let pid = project.pid();
    terminal.press(&["j"]);
    let before = terminal.still("Log chatter");

    terminal.resize(40, 8);
    assert_snapshot!("too_small", terminal.still("need 60x12, have 40x8"));
    terminal.resize(1, 1);
    terminal.until("one cell", |screen| screen.trim_end().chars().count() <= 1);
    terminal.resize(80, 24);
    terminal.until("the same screen as before", |screen| steady(screen) == before);

    for (columns, rows) in [(60, 12), (200, 60), (120, 40)] {
        terminal.resize(columns, rows);
        let last = usize::from(rows) - 1;
        terminal.until("a screen of this size", |screen| {
            let hint = screen.lines().nth(last).is_some_and(|line| line.starts_with("? help"));
            let border = screen.lines().any(|line| line.chars().count() == usize::from(columns));
            hint && border && screen.contains("> chatter")
        });
    }
    assert_eq!(project.pid(), pid);
}

#[test]
fn without_colours_the_selection_is_still_seen() {
    for variables in ["NO_COLOR=1", "TERM=dumb"] {
        let project = Project::new();
        let terminal = project.start_with((80, 24), variables);
        terminal.press(&["j"]);
        terminal.reverses("> chatter");
        project.deliver(1);
        terminal.line(&["deploy", "running"]);
        terminal.still("built, waits");
        let styled = terminal.styled();
        assert_eq!(colours(&styled), Vec::<String>::new(), "{variables}");
        assert_eq!(reversed(&styled).len(), 1, "{variables}: {styled}");
    }
}

#[test]
fn with_colours_a_state_is_coloured_and_written() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    project.deliver(1);
    terminal.line(&["deploy", "running"]);
    assert_ne!(colours(&terminal.styled()), Vec::<String>::new());
}

#[test]
fn with_ascii_alone_every_cell_is_ascii() {
    let project = Project::new();
    let terminal = project.terminal((80, 24), "", "start --port 0 --ascii");
    project.await_gateway();
    project.deliver(1);
    terminal.line(&["deploy", "running"]);
    let screen = terminal.still("built, waits");
    assert_eq!(screen.chars().find(|c| !c.is_ascii()), None, "{screen}");
}

/// Nobody looks at a console for nothing: while nothing changes, nothing is written.
#[test]
fn an_idle_console_writes_nothing() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["s"]);
    terminal.run_form("broken");
    terminal.press(&["Enter"]);
    terminal.line(&["> broken", "bad"]);
    // The flash about the start has gone, the log is there.
    terminal.shows("? help");
    terminal.still("run failed");
    terminal.bytes_during(|count| {
        std::thread::sleep(std::time::Duration::from_secs(3));
        assert_eq!(count(), 0, "{}", terminal.screen());
        // And the recording would have seen it.
        terminal.press(&["j"]);
        terminal.shows("> chatter");
        terminal.until("bytes", |_| count() > 0);
    });
}
