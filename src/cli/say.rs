//! `al say`: a text for a run that works.

use std::io::{Read, stdin};

use serde_json::json;

use super::Context;
use super::client::Client;
use super::control::{is_run, say};
use crate::failure::Failure;
use crate::signal::SAID_MAX;

/// Say something to a run that has not ended
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al say dev-1a2b3c4d \"leave the tests as they are\"
  git diff | al say dev-1a2b3c4d -

An agent with a model hears it between two turns, a queued run when it begins.
What was said stays with the run: `al why` shows it.")]
pub struct SayArgs {
    /// The run
    #[arg(value_name = "RUN")]
    pub run: String,

    /// What it is told; - reads it from stdin
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    pub text: String,
}

pub fn run(args: &SayArgs, context: &Context) -> Result<(), Failure> {
    let run = &args.run;
    let unknown = || {
        Failure::user("unknown_run", format!("there is no run {run}"))
            .hint("`al stat` shows the runs that have not ended")
    };
    if !is_run(run) {
        return Err(unknown());
    }
    let text = match args.text.as_str() {
        "-" => read()?,
        text => text.to_owned(),
    };
    if text.trim().is_empty() {
        return Err(Failure::user("bad_text", "there is no text to say"));
    }
    if text.len() > SAID_MAX {
        return Err(Failure::user("bad_text", format!("the text is longer than {SAID_MAX} bytes")));
    }
    let told = Client::find(context)?
        .post(&format!("/control/say/{run}"), &json!({"text": text}))
        .map_err(|failure| if failure.code == "not_found" { unknown() } else { failure })?;
    say(&told)
}

fn read() -> Result<String, Failure> {
    let mut text = String::new();
    let most = SAID_MAX as u64 + 1;
    stdin().take(most).read_to_string(&mut text).map_err(|error| {
        Failure::user("bad_text", format!("stdin cannot be read as text: {error}"))
    })?;
    Ok(text.trim_end_matches('\n').to_owned())
}
