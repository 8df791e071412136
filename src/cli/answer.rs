//! `al answer`: what a run that asks is told.

use serde_json::json;

use super::Context;
use super::client::Client;
use super::control::{is_run, say};
use crate::failure::Failure;

/// Answer the question of a waiting run
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al stat                               who waits, and what is asked
  al answer dev-1a2b3c4d yes
  al answer dev-1a2b3c4d \"use the second one\"

The run goes on with the answer as soon as it has a slot again. Where there are
choices, the answer has to be one of them.")]
pub struct AnswerArgs {
    /// The run that asks
    #[arg(value_name = "RUN")]
    pub run: String,

    /// What it is told
    #[arg(value_name = "TEXT")]
    pub text: String,
}

pub fn run(args: &AnswerArgs, context: &Context) -> Result<(), Failure> {
    let run = &args.run;
    let unknown = || {
        Failure::user("no_question", format!("{run} asks nothing"))
            .hint("`al stat` shows who waits for an answer")
    };
    if !is_run(run) {
        return Err(unknown());
    }
    let told = Client::find(context)?
        .post(&format!("/control/answer/{run}"), &json!({"text": args.text}))
        .map_err(|failure| if failure.code == "not_found" { unknown() } else { failure })?;
    say(&told)
}
