//! What is written about commands is true: each line parses, and each guide can be read.

use std::fs;
use std::path::Path;

use clap::error::ErrorKind;

use crate::world::World;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The words of a line as a shell sees them, up to what is no longer this command.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => (quote, begun) = (Some(c), true),
            (None, '#') if !begun => break,
            (None, '>' | '|' | ';' | '&') => break,
            (None, ' ') => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            (_, c) => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

/// Calls of `al`, each with its line number.
type Calls<'t> = Vec<(usize, &'t str)>;

/// Lines of code that call `al`, and such words in the text.
fn mentions(text: &str) -> (Calls<'_>, Calls<'_>) {
    let (mut lines, mut spans) = (Vec::new(), Vec::new());
    let (mut in_code, mut stands_for_curl) = (false, false);
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            in_code = !in_code;
            stands_for_curl = false;
        } else if in_code {
            // There `al` is the name of something else.
            stands_for_curl |= line.starts_with("al()");
            let call = line.split_once("sudo -u al -H ").map_or(line, |(_, call)| call);
            if call.starts_with("al ") && !stands_for_curl {
                lines.push((index + 1, call));
            }
        } else {
            let inside = line.split('`').skip(1).step_by(2);
            spans.extend(
                inside
                    .filter(|span| span.starts_with("al ") && !span.contains(['<', '[', '…']))
                    .map(|span| (index + 1, span)),
            );
        }
    }
    (lines, spans)
}

#[test]
fn every_command_in_guides_and_readme_is_one_that_there_is() {
    let guides = fs::read_dir(repository().join("docs/guides")).unwrap();
    let mut files: Vec<_> = guides.map(|entry| entry.unwrap().path()).collect();
    files.extend(
        ["README.md", "docs/errors.md", "examples/quickstart/README.md"]
            .map(|name| repository().join(name)),
    );
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(repository()).unwrap().display();
        let (lines, spans) = mentions(&text);
        seen += lines.len();
        let whole = lines.into_iter().map(|(at, line)| (at, line, true));
        for (at, line, whole) in whole.chain(spans.into_iter().map(|(at, span)| (at, span, false)))
        {
            let Err(error) = action_llama::cli::command().try_get_matches_from(words(line)) else {
                continue;
            };
            let fine = match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
                // In a sentence the name of a command is enough.
                ErrorKind::MissingRequiredArgument
                | ErrorKind::MissingSubcommand
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => !whole,
                _ => false,
            };
            if !fine {
                let why = error.to_string();
                wrong.push(format!("{name}:{at}: {line}\n    {}", why.lines().next().unwrap()));
            }
        }
    }
    assert!(seen > 100, "the commands are not found any more: {seen}");
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn words_are_those_of_a_shell() {
    let check = |line: &str, expected: &[&str]| assert_eq!(words(line), expected, "{line}");
    check("al say dev \"a b\"  # c", &["al", "say", "dev", "a b"]);
    check("al runs 'age<1h' > x", &["al", "runs", "age<1h"]);
    check("al cron '' | head", &["al", "cron", ""]);
}

#[test]
fn guides_are_listed_and_printed_within_80_columns() {
    let world = World::new(&[]);
    insta::assert_snapshot!(world.shown(&["help", "topics"]));
    insta::assert_snapshot!(world.shown(&["help", "getting-started"]));
    let json: serde_json::Value =
        serde_json::from_slice(&world.al(&["help", "--json"]).stdout).unwrap();
    let front = world.shown(&["--help"]);
    for topic in json["topics"].as_array().unwrap() {
        let name = topic["name"].as_str().unwrap();
        assert!(front.contains(name), "the front page does not name the guide {name}");
        let page = world.shown(&["help", name]);
        assert!(page.starts_with("exit code 0\n"), "{name}");
        let wide: Vec<&str> = page.lines().filter(|line| line.chars().count() > 80).collect();
        assert_eq!(wide, Vec::<&str>::new(), "al help {name}");
        let whole = world.al(&["help", name, "--json"]);
        let whole: serde_json::Value = serde_json::from_slice(&whole.stdout).unwrap();
        assert_eq!(whole["about"], topic["about"]);
        assert!(whole["text"].as_str().unwrap().starts_with("# "), "{name}");
    }
}

#[test]
fn what_is_neither_guide_nor_command_is_guessed() {
    let world = World::new(&[]);
    insta::assert_snapshot!(world.shown(&["help", "webhoks"]));
    insta::assert_snapshot!(world.shown(&["help", "something", "else"]));
    assert_eq!(
        world.al(&["help", "webhook", "send"]).stdout,
        world.al(&["webhook", "send", "--help"]).stdout
    );
}

#[test]
fn a_guide_with_the_name_of_a_command_comes_below_its_help() {
    let world = World::new(&[]);
    let page = String::from_utf8(world.al(&["help", "models"]).stdout).unwrap();
    let help = String::from_utf8(world.al(&["models", "--help"]).stdout).unwrap();
    let guide = page.strip_prefix(&help).unwrap();
    assert!(guide.contains("\nModels: which one thinks"), "{guide}");
}
