//! `docs/commands.md` is what the parser says, and there is a manual page for each command.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use clap::Command;

use crate::world::World;

const FILE: &str = "docs/commands.md";

const HEAD: &str = "# Commands

What `al <command> --help` prints, for every command. This file is made from the parser; after a
change of a command it is made anew by

```sh
INSTA_UPDATE=always cargo nextest run -p action-llama --test cli reference
```
";

/// The whole file.
fn rendered() -> String {
    let mut command = action_llama::cli::command();
    command.build();
    let front = command.render_long_help().to_string();
    let mut text = format!("{HEAD}\n```text\n{}\n```\n", front.trim_end());
    for verb in command.get_subcommands() {
        section(verb, "al", &mut text);
    }
    text
}

/// A command and those below it. What every command takes stands on the front page.
fn section(command: &Command, above: &str, text: &mut String) {
    let name = format!("{above} {}", command.get_name());
    let page = command
        .clone()
        .mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg })
        .render_long_help()
        .to_string();
    let page: Vec<&str> = page.trim_end().lines().map(str::trim_end).collect();
    write!(text, "\n## `{name}`\n\n```text\n{}\n```\n", page.join("\n")).unwrap();
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        section(verb, &name, text);
    }
}

#[test]
fn the_reference_says_what_the_parser_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let rendered = rendered();
    if action_llama::ambient::env("INSTA_UPDATE").is_some_and(|update| update == "always") {
        fs::write(&file, &rendered).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    let first = written.lines().zip(rendered.lines()).position(|(is, should)| is != should);
    assert!(
        written == rendered,
        "{FILE} is not what the parser says, from line {} on. Make it anew: INSTA_UPDATE=always \
         cargo nextest run -p action-llama --test cli reference",
        first.map_or(written.lines().count(), |at| at + 1)
    );
}

#[test]
fn each_command_has_a_manual_page() {
    let world = World::new(&[]);
    let output = world.al(&["man", "pages/man1"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let page = |name: &str| {
        fs::read_to_string(world.project().join(format!("pages/man1/{name}.1"))).unwrap()
    };
    for verb in action_llama::cli::command().get_subcommands() {
        let text = page(&format!("al-{}", verb.get_name()));
        for part in [".TH al", ".SH NAME", ".SH SYNOPSIS"] {
            assert!(text.contains(part), "al-{}: {part}", verb.get_name());
        }
    }
    let (front, send) = (page("al"), page("al-webhook-send"));
    assert!(front.contains(".SH SUBCOMMANDS") && front.contains("al\\-stat(1)"), "{front}");
    // Examples keep their lines.
    assert!(send.contains(".nf\nExamples:\n  al webhook send"), "{send}");
}

/// What the service starts is what `al start` understands, with the options that are suggested.
#[test]
fn the_service_starts_what_there_is() {
    let read = |name: &str| {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name))
            .unwrap()
    };
    let (unit, defaults) = (read("al.service"), read("al.default"));
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/")).unwrap();
    assert!(defaults.contains("AL_OPTIONS="), "{defaults}");
    for options in ["", "--port 9000", "-e"] {
        let line = line.replace("$AL_OPTIONS", options);
        let parsed = action_llama::cli::command().try_get_matches_from(line.split_whitespace());
        assert!(parsed.is_ok(), "{line}");
    }
    // Runs outlive the scheduler only when nobody ends them with it.
    assert!(unit.contains("\nKillMode=process\n"));
}
