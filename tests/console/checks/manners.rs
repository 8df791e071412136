//! Checks 21 to 25: silence, colours, the mouse, and the ways out.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use super::tables::{command, cursor};
use crate::replay::STILL;
use crate::stage::{Check, Mode, Stage};
use crate::tmux::{Terminal, colours};

pub const CHECKS: &[Check] = &[
    Check::new(21, "where nothing happens, nothing is written and nothing works", idle),
    Check::new(22, "without colours the selection and the states are seen", colourless),
    Check::new(23, "a theme is looked at before it is taken, and read again when saved", themes),
    Check::new(24, "a click selects, the wheel scrolls, and off means off", mouse),
    Check::new(25, "each way out gives the terminal back", leaving),
];

/// Hundredths of a second that a process has worked.
fn ticks(pid: Pid) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn idle(stage: &Stage) {
    let quiet = stage.quiet();
    let terminal = quiet.start((80, 24), "", STILL, "");
    terminal.shows("[1 Agents]");
    terminal.shows("? help");
    // The log has come, too.
    terminal.until("a log", |s| s.contains("no records yet") || s.contains("retrying after 403"));
    terminal.settled();
    let console = quiet.console(&terminal);
    let mut worked = 0;
    terminal.bytes_during(|count| {
        let before = ticks(console);
        std::thread::sleep(std::time::Duration::from_secs(3));
        worked = ticks(console) - before;
        assert_eq!(count(), 0, "{}", terminal.screen());
    });
    println!("{worked} hundredths of a second of work in 3 s");
    // A scheduler and a connection look at the clock now and then; what is drawn for nothing, or a
    // loop that does not wait, is ten times that.
    assert!(worked <= 3, "{worked} hundredths of a second of work in 3 s");
}

fn colourless(stage: &Stage) {
    for variables in ["NO_COLOR=1", "TERM=dumb"] {
        let terminal = stage.open_with((80, 24), variables, "");
        terminal.reverses("> dev");
        let styled = terminal.styled();
        assert_eq!(colours(&styled), Vec::<String>::new(), "{variables}");
        for word in ["running", "waiting", "paused", "idle"] {
            assert!(styled.contains(word), "{word}\n{styled}");
        }
    }
}

/// Waits until the word that says that an agent runs has this one of the 16 colours.
#[track_caller]
fn running_in(terminal: &Terminal, colour: u8) {
    let codes = [format!("3{colour}"), format!("38;5;{colour}")];
    let holds = || {
        let styled = terminal.styled();
        let before = styled.split("running").next().unwrap_or_default().to_owned();
        let last = before.rsplit("\x1b[").next().unwrap_or_default().to_owned();
        last.split_once('m').is_some_and(|(has, _)| codes.iter().any(|code| has.ends_with(code)))
    };
    terminal.until(&format!("`running` in colour {colour}"), |_| holds());
}

fn themes(stage: &Stage) {
    let terminal = stage.open((80, 24));
    // Off the cursor, whose line has a style of its own.
    terminal.press(&["j"]);
    cursor(&terminal, "docs");
    // Its log comes a moment after the cursor, and has no colours.
    terminal.until("the log of docs", |s| s.contains("Log docs") && s.contains("no records yet"));
    terminal.settled();
    let before = terminal.styled();
    command(&terminal, "theme");
    terminal.shows("Themes");
    terminal.settled();
    let listed = terminal.styled();
    terminal.press(&["k", "k"]);
    terminal.until("another theme", |_| colours(&terminal.styled()) != colours(&listed));
    terminal.press(&["Escape"]);
    terminal.hides("Themes");
    terminal.until("the theme of before", |_| colours(&terminal.styled()) == colours(&before));

    let file = stage.home().join("themes/own.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let own = |running: &str| {
        let text = format!("inherits = \"terminal\"\n[roles]\n\"state.running\" = {running}\n");
        fs::write(&file, text).unwrap();
    };
    own("{ fg = \"ansi:5\" }");
    // It is found by itself.
    command(&terminal, "theme");
    terminal.shows("own  ");
    terminal.press(&["Escape"]);
    terminal.hides("Themes");
    terminal.settled();
    command(&terminal, "theme own");
    running_in(&terminal, 5);
    own("{ fg = ");
    terminal.line(&["own", "line 3"]);
    running_in(&terminal, 5);
    own("{ fg = \"ansi:1\" }");
    running_in(&terminal, 1);
    fs::remove_file(&file).unwrap();
}

fn mouse(stage: &Stage) {
    let terminal = stage.open((80, 24));
    terminal.click(5, 6);
    cursor(&terminal, "docs");
    terminal.click(5, 5);
    cursor(&terminal, "dev");
    terminal.shows("retrying after 403");
    // Over the log, which has no focus.
    assert!(!terminal.screen().contains("follow off"));
    terminal.wheel(false, 20, 20);
    terminal.shows("follow off");
    terminal.wheel(true, 20, 20);
    terminal.wheel(true, 20, 20);
    cursor(&terminal, "dev");
    terminal.click(14, 2);
    terminal.shows("[2 Runs]");
    terminal.click(6, 2);
    terminal.shows("[1 Agents]");
    terminal.press(&["M"]);
    terminal.shows("mouse off");
    assert_eq!(terminal.knows("mouse_any_flag"), "0");
    terminal.click(5, 6);
    terminal.wheel(true, 5, 6);
    terminal.settled();
    cursor(&terminal, "dev");
    terminal.press(&["M"]);
    terminal.shows("mouse on");
    assert_eq!(terminal.knows("mouse_any_flag"), "1");
}

fn leaving(stage: &Stage) {
    by_key(stage);
    by_signal(stage);
    by_panic(stage);
    and_back(stage);
}

/// The runs at work, as the shell tells them.
fn at_work(stage: &Stage) {
    if stage.mode != Mode::Replay {
        let stat = stage.live().al(&["stat", "dev"]);
        assert!(stat.contains("3 of 3"), "{stat}");
    }
}

/// The terminal is a shell's, though nothing has ended.
fn given_back(terminal: &Terminal) {
    let state = || ["alternate_on", "cursor_flag", "mouse_any_flag"].map(|n| terminal.knows(n));
    terminal.until("the terminal of a shell", |_| state() == ["0", "1", "0"]);
}

fn by_key(stage: &Stage) {
    let terminal = stage.open((80, 24));
    terminal.press(&["q"]);
    match stage.mode {
        Mode::InProcess => {
            let screen = terminal.question("Leave the console?");
            for way in ["Detach", "Drain", "Stop"] {
                assert!(screen.contains(way), "{way}\n{screen}");
            }
            terminal.reverses("Cancel");
            terminal.press(&["Tab"]);
            terminal.reverses("Detach");
            terminal.press(&["Enter"]);
            terminal.shows("the console is closed, the scheduler goes on");
            given_back(&terminal);
        }
        Mode::Attached => {
            terminal.shows("detached; the scheduler goes on");
            terminal.is_restored();
        }
        Mode::Replay => {
            terminal.shows("al ended with 0");
            terminal.is_restored();
        }
    }
    at_work(stage);
}

fn by_signal(stage: &Stage) {
    let terminal = stage.open((80, 24));
    kill_process(stage.console(&terminal), Signal::TERM).unwrap();
    match stage.mode {
        // Runs are in flight: it waits for them, without its console.
        Mode::InProcess => {
            terminal.shows("waiting");
            given_back(&terminal);
        }
        Mode::Attached | Mode::Replay => {
            terminal.shows("al ended with 0");
            terminal.is_restored();
        }
    }
    at_work(stage);
}

fn by_panic(stage: &Stage) {
    if stage.mode == Mode::InProcess {
        let words = format!("dev fake-fleet --rate 0 --theme {}", stage.theme);
        let terminal = stage.live().project.terminal((80, 24), "", &words);
        terminal.shows("gateway http");
        command(&terminal, "debug panic");
        terminal.shows("somebody said :debug panic");
        terminal.is_restored();
        return;
    }
    let terminal = stage.open((80, 24));
    command(&terminal, "debug panic");
    terminal.shows("only a console of `al dev` breaks down on demand");
}

fn and_back(stage: &Stage) {
    let terminal = stage.shell((80, 24));
    cursor(&terminal, "dev");
    terminal.press(&["j"]);
    cursor(&terminal, "docs");
    terminal.press(&["C-z"]);
    terminal.until("the prompt", |screen| screen.trim_end().ends_with('$'));
    given_back(&terminal);
    terminal.write("fg");
    terminal.press(&["Enter"]);
    cursor(&terminal, "docs");
    assert_eq!(terminal.knows("alternate_on"), "1");
}
