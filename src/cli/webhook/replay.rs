//! `al webhook replay`: what a delivery would start, and why. With `--run` it does.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::runtime::Runtime as Tokio;

use super::super::client::Client;
use super::super::host::{Hosted, Places, Plan};
use super::super::run::{KILLED, Shown, Watched, follow};
use super::super::start::{self, Signals};
use super::super::{Context, output, running};
use super::{fixture, text};
use crate::engine::Handle;
use crate::failure::Failure;
use crate::gateway::firing;
use crate::project::{Project, providers};
use crate::scheduler::{Answer, Event};
use crate::triggers::{self, Explanation, Fixture, Report, Secrets, Sources, Unexplained};

/// Show what a delivery would start, and why
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al webhook replay issue.json
  al webhook replay issue.json --source hub     as if sent to this source
  al webhook replay issue.json --run            start what matches
  al webhook replay - --json < issue.json

No scheduler is needed and no signature is checked. Without --source the headers
tell which provider sent it. With --run a scheduler at work starts the runs and
goes on with them; without one they run here, one after the other, and the exit
code is that of the first that did not succeed.")]
pub struct ReplayArgs {
    /// The delivery: a JSON file with `headers` and `body`, or - for stdin
    #[arg(value_name = "FIXTURE")]
    pub fixture: PathBuf,

    /// Where it comes from: a provider, or a source of the project
    #[arg(short, long, value_name = "NAME")]
    pub source: Option<String>,

    /// Start the runs of the agents that match
    #[arg(short, long)]
    pub run: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What a replay came to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Replayed {
    #[serde(flatten)]
    report: Report,
    #[serde(default)]
    runs: Vec<String>,
    #[serde(default)]
    skipped: usize,
}

/// Explains a fixture, and starts what matches when that is wanted.
///
/// # Errors
/// When the fixture or the project cannot be read, or its sender is not known.
pub fn run(args: &ReplayArgs, context: &Context) -> Result<ExitCode, Failure> {
    let fixture = fixture::read(&args.fixture)?;
    if args.run && running::running(&context.state_dir()).is_some() {
        return ask(args, &fixture, context);
    }
    // What is missing for runs stands in the way of runs only.
    let project = if args.run { start::load(context)? } else { context.load()?.project };
    let explanation = explain(args.source.as_deref(), &project, &fixture, context)?;
    let report = explanation.report();
    if args.json {
        output::print(&format!("{}\n", json!(report)))?;
    } else {
        output::print(&text::report(&report, context.look))?;
    }
    if !args.run {
        return Ok(ExitCode::SUCCESS);
    }
    if explanation.delivery.matches.is_empty() {
        return Err(nothing_matched());
    }
    run_here(project, explanation, &fixture, args.json, context)
}

fn nothing_matched() -> Failure {
    Failure::nothing("no_match", "no agent wants this delivery, so nothing was started")
}

/// What the files of the project say. Secrets are of no use without a signature.
fn explain(
    source: Option<&str>,
    project: &Project,
    fixture: &Fixture,
    context: &Context,
) -> Result<Explanation, Failure> {
    let (sources, _) = Sources::from_project(project, &Secrets::new());
    triggers::explain(&sources, source, fixture, context.now_ms).map_err(|e| failure(&e, project))
}

pub(super) fn failure(error: &Unexplained, project: &Project) -> Failure {
    match error {
        Unexplained::UnknownSender => Failure::user("unknown_sender", error.to_string())
            .hint("name it: --source github, or a source of the project"),
        Unexplained::NoSuchSource { name } => {
            let kinds = providers::PROVIDERS.iter().map(|provider| provider.kind);
            let kinds = kinds.collect::<Vec<_>>().join(", ");
            let own: Vec<&str> = project.config.webhooks.keys().map(String::as_str).collect();
            let failure = Failure::user("unknown_source", error.to_string());
            let near = |known: &&&str| strsim::damerau_levenshtein(known, name) <= 2;
            let failure = match own.iter().find(near) {
                Some(near) => failure.hint(format!("did you mean '{near}'?")),
                None if own.is_empty() => failure.hint("the project has no source"),
                None => failure.hint(format!("sources of the project: {}", own.join(", "))),
            };
            failure.hint(format!("providers: {kinds}"))
        }
        Unexplained::Refused(_) => Failure::user("refused", error.to_string()),
    }
}

/// Has the scheduler at work start what matches.
fn ask(args: &ReplayArgs, fixture: &Fixture, context: &Context) -> Result<ExitCode, Failure> {
    let mut body = fixture.to_json();
    body["source"] = json!(args.source);
    let answer = Client::find(context)?.post("/control/webhooks/replay", &body)?;
    let replayed: Replayed = serde_json::from_value(answer.clone()).map_err(|error| {
        Failure::upstream("bad_replay", format!("the scheduler's answer is no replay: {error}"))
    })?;
    if args.json {
        output::print(&format!("{answer}\n"))?;
    } else {
        let mut shown = text::report(&replayed.report, context.look);
        shown.push_str(&text::started(&replayed.runs, replayed.skipped));
        output::print(&shown)?;
    }
    if replayed.runs.is_empty() && replayed.skipped == 0 {
        return Err(nothing_matched());
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs what matches in a scheduler of its own, one after the other.
fn run_here(
    project: Project,
    explanation: Explanation,
    fixture: &Fixture,
    json: bool,
    context: &Context,
) -> Result<ExitCode, Failure> {
    let tokio = start::tokio()?;
    let places = Places::of(&project.dir);
    let hosted = Hosted::start(&tokio, Plan::single(project, places), context)?;
    let outcome = run_all(&hosted, &tokio, explanation, fixture, json, context);
    hosted.end(&tokio)?;
    outcome
}

fn run_all(
    hosted: &Hosted,
    tokio: &Tokio,
    explanation: Explanation,
    fixture: &Fixture,
    json: bool,
    context: &Context,
) -> Result<ExitCode, Failure> {
    let delivery = explanation.into_delivery();
    let mut first_bad = ExitCode::SUCCESS;
    for matched in delivery.matches.clone() {
        let signals = tokio.block_on(async { Signals::listen() })?;
        let mut one = delivery.clone();
        one.matches = vec![matched];
        let event = Event::Fired(firing(one, fixture.body.clone()));
        let run = tokio.block_on(submit(&hosted.engine, event))?;
        let (reader, places) = (hosted.engine.reader(), &hosted.places);
        let watched = Watched { run: &run, reader, places, own: Some(&hosted.engine) };
        let code = follow(&watched, Shown { all: false, json }, context, tokio, signals)?;
        if first_bad == ExitCode::SUCCESS {
            first_bad = code;
        }
        // Ctrl-C is meant for all of them.
        if code == ExitCode::from(KILLED) {
            break;
        }
    }
    Ok(first_bad)
}

async fn submit(engine: &Handle, event: Event) -> Result<String, Failure> {
    let refused = |why: String| Failure::user("refused", format!("not started: {why}"));
    let answer = engine.submit(event).await;
    match answer.map_err(|e| Failure::upstream("not_accepted", e.to_string()))? {
        Answer::Fired { runs, skipped, .. } => match (runs.into_iter().next(), skipped.first()) {
            (Some(run), _) => Ok(run),
            (None, Some((agent, why))) => Err(refused(format!("{agent}: {}", why.sentence()))),
            (None, None) => Err(refused("no agent took it".to_owned())),
        },
        Answer::Refused(why) => Err(refused(why.sentence())),
        Answer::Duplicate(_) | Answer::Done { .. } | Answer::NotFound { .. } | Answer::ToRun(_) => {
            Err(Failure::upstream("not_accepted", "it was not accepted"))
        }
    }
}
