//! What holds for the output of every command: JSON for programs, 80 columns, colours, remarks, and
//! something to do where there is nothing to show. The commands are those of the parser.

use clap::Command;

use crate::stat::busy;
use crate::world::World;

/// Every command without others below it, as words, with its parser.
fn commands() -> Vec<(Vec<String>, Command)> {
    let mut found = Vec::new();
    let mut command = action_llama::cli::command();
    command.build();
    collect(&command, &mut Vec::new(), &mut found);
    found
}

fn collect(command: &Command, above: &mut Vec<String>, found: &mut Vec<(Vec<String>, Command)>) {
    for verb in command.get_subcommands() {
        above.push(verb.get_name().to_owned());
        if verb.get_subcommands().next().is_none() || !verb.is_subcommand_required_set() {
            found.push((above.clone(), verb.clone()));
        }
        collect(verb, above, found);
        above.pop();
    }
}

fn has(command: &Command, name: &str) -> bool {
    command.get_arguments().any(|arg| arg.get_long() == Some(name))
}

/// Commands that print JSON and need no further word.
fn that_list() -> Vec<Vec<String>> {
    let all = commands().into_iter();
    let lists = all.filter(|(_, command)| {
        has(command, "json") && !command.get_arguments().any(|arg| arg.is_required_set())
    });
    lists.map(|(words, _)| words).collect()
}

fn with<'a>(words: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    words.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

#[test]
fn whatever_lists_has_json() {
    let missing: Vec<String> = commands()
        .into_iter()
        .filter(|(words, command)| {
            let name = words.last().unwrap();
            let lists = ["ls", "list", "show", "types", "diff"].contains(&name.as_str());
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            (lists || about.starts_with("List ")) && !has(command, "json")
        })
        .map(|(words, _)| words.join(" "))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn json_is_json_wherever_it_can_be_asked_for() {
    let lists = that_list();
    assert!(lists.len() > 15, "{lists:?}");
    for world in [busy(), World::shop(), World::new(&[])] {
        for words in &lists {
            let line = with(words, &["--json", "--color", "always"]);
            let output = world.command(&line).env("AL_PAGER", "false").output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(!text.contains('\x1b'), "{line:?}: {text}");
            // One document, or one in each line.
            let is_json = serde_json::from_str::<serde_json::Value>(&text).is_ok()
                || text.lines().all(|l| serde_json::from_str::<serde_json::Value>(l).is_ok());
            assert!(is_json, "{line:?}: {text}");
            if output.status.success() {
                assert!(!text.is_empty(), "{line:?} prints nothing");
            }
        }
    }
}

#[test]
fn lists_fit_80_columns_and_say_something_also_when_they_are_empty() {
    for world in [busy(), World::shop(), World::new(&[])] {
        for words in that_list() {
            let line = with(&words, &[]);
            let output = world.al(&line);
            let (out, err) = (
                String::from_utf8(output.stdout).unwrap(),
                String::from_utf8(output.stderr).unwrap(),
            );
            assert!(!out.is_empty() || !err.is_empty(), "{line:?} says nothing");
            assert!(!out.contains('\x1b') && !err.contains('\x1b'), "{line:?} into a pipe");
            // A path, or a command that is copied, cannot be broken.
            let whole = |line: &str| !line.trim().contains(' ') || line.contains("`(umask ");
            let wide = out.lines().filter(|line| line.chars().count() > 80 && !whole(line));
            let wide: Vec<&str> = wide.collect();
            assert_eq!(wide, Vec::<&str>::new(), "{line:?}");
            let code = output.status.code();
            assert!(code.is_some_and(|code| code < 70), "{line:?}: {code:?}\n{err}");
        }
    }
}

#[test]
fn who_wants_quiet_hears_results_and_errors_alone() {
    let world = World::new(&[]);
    let said = |args: &[&str]| String::from_utf8(world.al(args).stderr).unwrap();
    assert_eq!(said(&["man", "pages"]).lines().count(), 1);
    assert_eq!(said(&["man", "pages", "-q"]), "");
    assert_eq!(said(&["--quiet", "man", "pages"]), "");
    assert!(said(&["-q", "why", "x"]).starts_with("error: "));
    let doctor = world.al(&["doctor", "-q", "--json"]);
    assert!(doctor.stdout.starts_with(b"{"), "{}", String::from_utf8_lossy(&doctor.stderr));
}

/// On a terminal.
mod terminal {
    use std::fs;
    use std::io::Read;

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    use super::World;

    /// Exit code and what is seen of a call on a terminal of 24 rows.
    fn seen(world: &World, pager: &str, args: &[&str]) -> (u32, String) {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_al"));
        command.args(args);
        command.cwd(world.project());
        command.env_clear();
        for (name, value) in [("TERM", "xterm"), ("PATH", "/usr/bin:/bin"), ("AL_PAGER", pager)] {
            command.env(name, value);
        }
        command.env("HOME", world.home());
        command.env("AL_HOME", world.home().join(".action-llama"));
        let mut child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let mut bytes = Vec::new();
        // The end of a terminal is an error.
        let _ = pty.master.try_clone_reader().unwrap().read_to_end(&mut bytes);
        let code = child.wait().unwrap().exit_code();
        (code, String::from_utf8_lossy(&bytes).replace('\r', ""))
    }

    fn paged(world: &World) -> Option<String> {
        let file = world.project().join("paged");
        let text = fs::read_to_string(&file).ok();
        let _ = fs::remove_file(file);
        text
    }

    #[test]
    fn what_is_longer_than_the_screen_goes_through_the_pager() {
        let world = World::new(&[]);
        let check = |args: &[&str], expected: bool| {
            let (code, screen) = seen(&world, "tee paged", args);
            assert_eq!(code, 0, "{args:?}: {screen}");
            let paged = paged(&world);
            assert_eq!(paged.is_some(), expected, "{args:?}: {screen}");
            if let Some(paged) = paged {
                assert_eq!(paged, screen, "{args:?}");
            }
        };
        check(&["explain"], true);
        check(&["help", "webhooks"], true);
        check(&["explain", "port_in_use"], false);
        check(&["explain", "--no-pager"], false);
        check(&["explain", "--json"], false);
    }

    #[test]
    fn a_pager_that_is_left_early_or_is_not_there_is_no_failure() {
        let world = World::new(&[]);
        let (code, screen) = seen(&world, "head -n 1", &["explain"]);
        assert_eq!((code, screen.lines().count()), (0, 1), "{screen}");
        for pager in ["", "cat", "there-is-no-such-pager"] {
            let (code, screen) = seen(&world, pager, &["explain"]);
            assert_eq!(code, 0, "{pager}: {screen}");
            assert!(screen.lines().count() > 100, "{pager}: {screen}");
        }
        // Ctrl-C reaches both; it is the pager's.
        let (code, screen) = seen(&world, "kill -INT $PPID; cat", &["explain"]);
        assert_eq!(code, 0, "{screen}");
        assert!(screen.lines().count() > 100, "{screen}");
    }

    #[test]
    fn an_error_shows_its_code_to_a_person() {
        let world = World::shop();
        let (code, screen) = seen(&world, "", &["--color", "never", "pause"]);
        assert_eq!(code, 4);
        assert_eq!(
            screen,
            "error: the scheduler is not running\nhint: al start\nmore: al explain not_running\n"
        );
        let (_, screen) = seen(&world, "", &["-q", "--color", "never", "pause"]);
        assert_eq!(screen, "error: the scheduler is not running\nhint: al start\n");
        // To find nothing is an answer, not an error.
        let (_, screen) = seen(&world, "", &["--color", "never", "logs", "dev"]);
        assert!(!screen.contains("al explain"), "{screen}");
    }
}
