//! Calling a command: help, the arguments of those that ask the gateway, complaints.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::{Value, json};

use super::gateway::Gateway;
use super::table::{Alone, Does, Row, Voice};
use super::{Input, NO_GATEWAY, Place, Reply, USAGE};
use crate::duration::parse_ms;

const SPAN: &str = "A SPAN is a number of seconds, or 90s, 30m, 1h30m.\n";
/// What is true of every command that asks the gateway.
const EXITS: &str = "\
Exit codes: 0 done, 1 refused, 2 not found, 3 not allowed, 4 wrong request,
5 no gateway or not now, 6 gateway unreachable, 7 something else,
8 the time was over, 9 wrong use, 10 502, 11 504, 12 500";

/// Name of the arguments that are no options.
const WORDS: &str = "words";

/// Why a command did not begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Misuse {
    /// Something is missing or too much: the form says what.
    Form,
    /// This is wrong.
    Says(String),
}

/// Runs the command `row` under one of its names.
pub(super) fn run(row: &Row, name: &str, place: &Place, args: &[OsString], input: Input) -> Reply {
    if args == ["--help"] {
        return Reply::print(help(row, name), 0);
    }
    let done = match &row.does {
        Does::Words(run) => run(place, args, input),
        Does::Asks(alone, run) => match (Gateway::of(place), alone) {
            (None, Alone::Fine) => return Reply::ok(),
            (None, Alone::NoGateway) => return complain(row.voice, "no gateway", NO_GATEWAY),
            (Some(gateway), Alone::Fine | Alone::NoGateway) => {
                match parse(row, name, args, input) {
                    Ok(Some(given)) => run(&gateway, &given),
                    Ok(None) => return Reply::print(help(row, name), 0),
                    Err(misuse) => Err(misuse),
                }
            }
        },
    };
    done.unwrap_or_else(|misuse| {
        let text = match misuse {
            Misuse::Form => format!("usage: {}", form(row, name)),
            Misuse::Says(text) => text,
        };
        complain(row.voice, &text, USAGE)
    })
}

fn complain(voice: Voice, text: &str, code: u8) -> Reply {
    let body: Value = match voice {
        Voice::Error => json!({"ok": false, "error": text}),
        Voice::Reason => json!({"ok": false, "reason": text}),
        Voice::Both => json!({"ok": false, "reason": text, "error": text}),
        Voice::Status => json!({"status": "error", "errorMessage": text}),
        Voice::Bare => json!({"error": text}),
        Voice::Stderr => return Reply::complain(text, 1),
    };
    Reply::json(&body, code)
}

fn form(row: &Row, name: &str) -> String {
    row.form.replace("<cmd>", name)
}

fn help(row: &Row, name: &str) -> String {
    clap_command(row, name).render_help().to_string()
}

/// The arguments; none when help is asked for.
fn parse<'a>(
    row: &Row,
    name: &str,
    args: &[OsString],
    input: Input<'a>,
) -> Result<Option<Given<'a>>, Misuse> {
    match clap_command(row, name).try_get_matches_from(args) {
        Ok(matches) => Ok(Some(Given { matches, input })),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => Ok(None),
        Err(error) => {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default();
            let what = first.trim_start_matches("error: ");
            Err(Misuse::Says(format!("{what}; see {name} --help")))
        }
    }
}

fn clap_command(row: &Row, name: &str) -> clap::Command {
    let words = Arg::new(WORDS).num_args(0..).action(ArgAction::Append).hide(true);
    let options = row.options.iter().map(|option| {
        let action = if option.many { ArgAction::Append } else { ArgAction::Set };
        Arg::new(option.name)
            .long(option.name)
            .value_name(option.value)
            .help(option.about)
            .action(action)
    });
    let command = clap::Command::new(name.to_owned())
        .no_binary_name(true)
        .override_usage(form(row, name))
        .about(row.about)
        .max_term_width(80)
        .arg(words)
        .args(options);
    let span = if row.options.iter().any(|option| option.value == "SPAN") { SPAN } else { "" };
    match row.does {
        // Any text may be meant as it is; only `--help` alone is not.
        Does::Words(_) => command.disable_help_flag(true),
        Does::Asks(..) => command.after_help(format!("{span}{EXITS}")),
    }
}

/// The arguments of a command that asks the gateway.
#[derive(Debug)]
pub(super) struct Given<'a> {
    matches: ArgMatches,
    input: Input<'a>,
}

impl Given<'_> {
    /// What it reads besides, see [`Input::read`].
    pub fn input(&self, max: usize) -> io::Result<String> {
        self.input.read(max)
    }

    /// Those that are no options.
    pub fn words(&self) -> Vec<&str> {
        self.texts(WORDS)
    }

    /// The only word.
    pub fn word(&self) -> Result<&str, Misuse> {
        match self.words()[..] {
            [word] if !word.is_empty() => Ok(word),
            _ => Err(Misuse::Form),
        }
    }

    /// The value of an option.
    pub fn text(&self, option: &str) -> Option<&str> {
        self.texts(option).first().copied()
    }

    /// All values of an option.
    pub fn texts(&self, option: &str) -> Vec<&str> {
        let values = self.matches.try_get_many::<String>(option).ok().flatten();
        values.into_iter().flatten().map(String::as_str).collect()
    }

    /// The span that an option tells, in seconds when it has no unit.
    pub fn span(&self, option: &str) -> Result<Option<Duration>, Misuse> {
        let Some(text) = self.text(option) else { return Ok(None) };
        let bare = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let ms = if bare { parse_ms(&format!("{text}s")) } else { parse_ms(text) };
        match ms {
            Ok(ms) => Ok(Some(Duration::from_millis(ms.unsigned_abs()))),
            Err(error) => Err(Misuse::Says(format!("--{option}: {error}"))),
        }
    }

    /// [`Self::span`] in whole seconds, rather longer than shorter.
    pub fn seconds(&self, option: &str) -> Result<Option<u64>, Misuse> {
        Ok(self.span(option)?.map(|span| span.as_millis().div_ceil(1000) as u64))
    }
}
