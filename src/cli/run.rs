//! `al run`: one run, its log, its exit code. With a scheduler at work it asks that one; without,
//! it is one for as long as the run takes.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use tokio::runtime::Runtime as Tokio;

use super::client::Client;
use super::control::is_run;
use super::host::{Hosted, Places, Plan};
use super::logs::Printer;
use super::paint::safe;
use super::start::Signals;
use super::{Context, output, running, start};
use crate::ambient;
use crate::engine::{Confirmation, Handle, Outcome};
use crate::failure::Failure;
use crate::log::{Follower, Query, Record};
use crate::scheduler::{Answer, Command, Order, Run, RunState, Target, Why};
use crate::store::{FILE, Reader};

/// How often an ended run is looked for.
const LOOK: Duration = Duration::from_millis(100);
/// Records that are printed together.
const BATCH: usize = 256;
/// Exit code of a run that was killed or dropped, as a shell counts an interrupt.
const KILLED: u8 = 130;

/// Run one agent once, show its log, and exit with its code
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al run dev                          now, whatever its schedule says
  al run dev \"look at issue 12\"       with something to do
  al run --again dev-1a2b3c4d         with the trigger of an older run

Works with and without a running scheduler. The exit code is the run's.")]
pub struct RunArgs {
    /// The agent
    #[arg(value_name = "AGENT", required_unless_present = "again")]
    pub agent: Option<String>,

    /// What it should do
    #[arg(value_name = "PROMPT")]
    pub prompt: Option<String>,

    /// Repeat this run: same agent, same trigger
    #[arg(long, value_name = "RUN", conflicts_with_all = ["agent", "prompt"])]
    pub again: Option<String>,

    /// Print the log as JSON lines
    #[arg(long)]
    pub json: bool,
}

/// Runs an agent once.
///
/// # Errors
/// When the run is not accepted.
pub fn run(args: &RunArgs, context: &Context) -> Result<ExitCode, Failure> {
    let is_running = running::running(&context.state_dir()).is_some();
    let project = match start::load(context) {
        // A scheduler at work goes on in spite of errors, and knows its agents.
        Err(_) if is_running => None,
        loaded => Some(loaded?),
    };
    if let (Some(agent), Some(project)) = (&args.agent, &project)
        && !project.agents.iter().any(|known| known.name == *agent)
    {
        return Err(context.unknown_agent(agent));
    }
    let tokio = start::tokio()?;
    let signals = tokio.block_on(async { Signals::listen() })?;
    let Some(project) = project.filter(|_| !is_running) else {
        let dir = std::path::absolute(&context.dir).unwrap_or_else(|_| context.dir.clone());
        let places = Places::of(&dir);
        let run = &ask(args, context)?;
        let reader = &Reader::new(places.al.join(FILE));
        let watched = Watched { run, reader, places: &places, own: None };
        return follow(&watched, args, context, &tokio, signals);
    };
    let plan = Plan { project, port: 0, expose: false, whole: false };
    let hosted = Hosted::start(&tokio, plan, context)?;
    let outcome = tokio.block_on(submit(&hosted.engine, args)).and_then(|run| {
        let (engine, places) = (&hosted.engine, &hosted.places);
        let watched = Watched { run: &run, reader: engine.reader(), places, own: Some(engine) };
        follow(&watched, args, context, &tokio, signals)
    });
    hosted.end(&tokio)?;
    outcome
}

/// Asks the scheduler at work for the run.
fn ask(args: &RunArgs, context: &Context) -> Result<String, Failure> {
    let (path, body) = match (&args.agent, &args.again) {
        (Some(agent), _) => (format!("/control/trigger/{agent}"), json!({ "prompt": args.prompt })),
        (None, Some(run)) if is_run(run) => (format!("/control/rerun/{run}"), json!({})),
        (None, Some(run)) => {
            return Err(Failure::user("not_found", format!("there is no run {run}")));
        }
        (None, None) => return Err(Failure::user("no_agent", "name an agent to run")),
    };
    let answer = Client::find(context)?.post(&path, &body)?;
    answer["instanceId"].as_str().map(str::to_owned).ok_or_else(|| {
        Failure::upstream("no_run", "the scheduler's answer names no run".to_owned())
    })
}

async fn submit(engine: &Handle, args: &RunArgs) -> Result<String, Failure> {
    let command = match (&args.agent, &args.again) {
        (Some(agent), _) => Command::Run(Order { prompt: args.prompt.clone(), ..Order::of(agent) }),
        (None, Some(run)) => Command::Rerun { run: run.clone(), key: None },
        (None, None) => return Err(Failure::user("no_agent", "name an agent to run")),
    };
    let outcome = engine
        .command(command, &ambient::user(), Confirmation::NotNeeded)
        .await
        .map_err(|e| Failure::upstream("not_accepted", e.to_string()))?;
    match outcome {
        Outcome::Answer(Answer::Fired { runs, .. }) if !runs.is_empty() => Ok(runs[0].clone()),
        Outcome::Answer(Answer::Refused(why)) => {
            Err(Failure::user("refused", format!("not started: {}", why.sentence())))
        }
        Outcome::Answer(Answer::NotFound { what }) => {
            Err(Failure::user("not_found", format!("there is no {what}")))
        }
        _ => Err(Failure::upstream("not_accepted", "the run was not accepted")),
    }
}

/// A run that is shown.
struct Watched<'a> {
    run: &'a str,
    reader: &'a Reader,
    places: &'a Places,
    /// The scheduler that lives for this run alone.
    own: Option<&'a Handle>,
}

/// Shows the run's log until it has ended. Ctrl-C and SIGTERM kill the run of a scheduler of its
/// own.
fn follow(
    watched: &Watched<'_>,
    args: &RunArgs,
    context: &Context,
    tokio: &Tokio,
    signals: Signals,
) -> Result<ExitCode, Failure> {
    let run = watched.run;
    let query = Query::run(run)
        .ok_or_else(|| Failure::internal("bad_run_id", format!("{run} is no run id")))?;
    let follower = Follower::new(&watched.places.logs, query, None);
    let stopper = follower.stopper();
    let printer = (!args.json).then(|| Printer::new(context.log_style(), false, context.now_ms));
    let ended = std::thread::scope(|scope| {
        let printing = scope.spawn(|| print_log(follower, printer));
        let ended = tokio.block_on(until_ended(watched, signals));
        stopper.stop();
        let _ = printing.join();
        ended
    })?;
    if !ended.state.ended() {
        output::remark(&format!("{run} goes on; `al kill {run}` ends it\n"));
    } else if ended.attempt == 0 || matches!(ended.why, Why::CannotStart { .. } | Why::Lost) {
        // Its log says nothing about this.
        let why = safe(&ended.why.sentence());
        output::remark(&format!("{run} {}: {why}\n", ended.state.name()));
    }
    Ok(exit_code(&ended))
}

/// Prints records as they come, for people or, without a printer, as they are stored. A reader that
/// went away ends it.
fn print_log(mut follower: Follower, mut printer: Option<Printer>) {
    let mut out = std::io::stdout().lock();
    let mut print = |records: Vec<Record>| -> std::io::Result<()> {
        for record in &records {
            match &mut printer {
                Some(printer) => printer.print(record, &mut out)?,
                None => writeln!(out, "{}", record.to_line())?,
            }
        }
        out.flush()
    };
    while let Ok(Some(records)) = follower.next(BATCH) {
        if print(records).is_err() {
            return;
        }
    }
    // What was written between the last look and the end.
    if let Ok(records) = follower.poll(usize::MAX) {
        let _ = print(records);
    }
}

/// The run as it ended, or as it was when Ctrl-C left it to its scheduler.
async fn until_ended(watched: &Watched<'_>, mut signals: Signals) -> Result<Run, Failure> {
    let Watched { run, reader, own, places, .. } = *watched;
    loop {
        let row = reader
            .run(run)?
            .ok_or_else(|| Failure::upstream("run_gone", format!("the record of {run} is gone")))?;
        if row.state.ended() {
            return Ok(row);
        }
        // A run in flight goes on without its scheduler; one that waits does not.
        let waits = row.state == RunState::Queued && own.is_none();
        if waits && running::running(&places.al).is_none() {
            let ended = format!("the scheduler ended before {run} could start");
            return Err(Failure::upstream("scheduler_ended", ended)
                .hint("it waits for the next scheduler: al start"));
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = signals.recv() => match own {
                Some(engine) => kill(engine, run).await,
                None => return Ok(row),
            },
        }
    }
}

async fn kill(engine: &Handle, run: &str) {
    let command = Command::kill(Target::Runs(vec![run.to_owned()]));
    // When it has ended meanwhile there is nothing to kill.
    let _ = engine.command(command, &ambient::user(), Confirmation::NotNeeded).await;
}

fn exit_code(run: &Run) -> ExitCode {
    match run.state {
        RunState::Succeeded => ExitCode::SUCCESS,
        RunState::Killed | RunState::Dropped => ExitCode::from(KILLED),
        state if !state.ended() => ExitCode::from(KILLED),
        _ => {
            let code = run.exit_code.and_then(|code| u8::try_from(code).ok());
            ExitCode::from(code.filter(|code| *code != 0).unwrap_or(1))
        }
    }
}
