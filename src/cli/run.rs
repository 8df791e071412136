//! `al run`: one run, its log, its exit code. With a scheduler at work it asks that one; without,
//! it is one for as long as the run takes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use al_wire::story::TOOLS;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime as Tokio;

use super::client::{self, Client};
use super::control::is_run;
use super::host::{Hosted, Places, Plan};
use super::logs::Printer;
use super::paint::safe;
use super::start::Signals;
use super::{Context, doctor, later, output, running, start, times};
use crate::ambient::{self, Millis};
use crate::engine::{Confirmation, Handle, Outcome, engine_name, runtime_name};
use crate::failure::Failure;
use crate::log::{Follower, Level, Query, Record};
use crate::project::{Agent, EngineKind, Project, RuntimeKind};
use crate::scheduler::{Answer, Command, Order, Priority, Run, RunState, Target, View, Who, Why};
use crate::store::{FILE, Reader};

/// How often an ended run is looked for.
const LOOK: Duration = Duration::from_millis(100);
/// Records that are printed together.
const BATCH: usize = 256;
/// Where a run can be told to execute.
const RUNTIMES: [RuntimeKind; 3] =
    [RuntimeKind::Process, RuntimeKind::Container, RuntimeKind::HostUser];
/// Exit code of a run that was killed or dropped, as a shell counts an interrupt.
pub(super) const KILLED: u8 = 130;

/// Run one agent once, show its log, and exit with its code
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al run dev                          now, whatever its schedule says
  al run dev \"look at issue 12\"       with something to do
  al run --again dev-1a2b3c4d         with the trigger of an older run
  al run dev --at 14:30               later; a scheduler has to be at work
  al run dev --key build-812          the same key again is the same run
  al run dev --param repo=acme/api    over the params of its config.toml
  al run dev --record fix.jsonl       keeps what the model says, for `al test`
  al run dev --runtime process        a trial outside of its container

Works with and without a running scheduler. The exit code is the run's; a run
for later is not waited for.")]
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

    /// Before others or behind them: low, normal or high
    #[arg(long, value_name = "LEVEL", value_parser = priority, conflicts_with = "again")]
    pub priority: Option<Priority>,

    /// Start it after this span: 90s, 30m, 2h
    #[arg(long = "in", value_name = "SPAN", conflicts_with_all = ["at", "again"])]
    pub after: Option<String>,

    /// Start it at this time: 14:30, '2026-11-20 14:30', or RFC 3339
    #[arg(long, value_name = "TIME", conflicts_with = "again")]
    pub at: Option<String>,

    /// What makes it the same run when it is asked for again
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,

    /// A parameter of this run; may be given several times
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = param)]
    #[arg(conflicts_with = "again")]
    pub params: Vec<(String, String)>,

    /// Keep what is said to the model and by it in this new file, to be played back later. The run
    /// is one apart: it is not in the project's history, and a scheduler at work knows nothing of it
    #[arg(long, value_name = "FILE")]
    #[arg(conflicts_with_all = ["again", "after", "at", "key", "priority"])]
    pub record: Option<PathBuf>,

    /// Where this one run executes, whatever the agent says. The run is one apart, as with --record
    #[arg(long, value_name = "RUNTIME", value_parser = runtime())]
    #[arg(conflicts_with_all = ["again", "after", "at", "key", "priority"])]
    pub runtime: Option<RuntimeKind>,

    /// Show debug records too: thoughts, and what tools gave back
    #[arg(short, long)]
    pub all: bool,

    /// Print the log as JSON lines
    #[arg(long)]
    pub json: bool,
}

fn priority(text: &str) -> Result<Priority, String> {
    Priority::from_name(text).ok_or_else(|| "one of low, normal and high".to_owned())
}

/// Names of runtimes, which shells complete.
fn runtime() -> impl TypedValueParser<Value = RuntimeKind> {
    let names = RUNTIMES.map(runtime_name);
    PossibleValuesParser::new(names).try_map(|name| {
        let named = RUNTIMES.into_iter().find(|kind| runtime_name(*kind) == name);
        named.ok_or("there is no such runtime")
    })
}

fn param(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("written name=value")?;
    if name.is_empty() {
        return Err("there is no name before the =".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

impl RunArgs {
    /// Whether the run is a trial that the project's history and its scheduler know nothing of. One
    /// in another runtime is, because a later scheduler would look for it where the agent runs.
    fn is_apart(&self) -> bool {
        self.record.is_some() || self.runtime.is_some()
    }

    fn shown(&self) -> Shown {
        Shown { all: self.all, json: self.json }
    }

    /// When it is to start, if not now.
    fn not_before(&self, context: &Context) -> Result<Option<Millis>, Failure> {
        match (&self.after, &self.at) {
            (Some(span), _) => later::after(span, context.now_ms).map(Some),
            (None, Some(at)) => later::at(at, context.now_ms, times::host_zone()).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// A run that was ordered.
struct Ordered {
    run: String,
    /// It was ordered before, with the same key.
    before: bool,
}

/// Runs an agent once.
///
/// # Errors
/// When the run is not accepted.
pub fn run(args: &RunArgs, context: &Context) -> Result<ExitCode, Failure> {
    let is_running = running::running(&context.state_dir()).is_some();
    let project = project(args, is_running, context)?;
    let not_before = args.not_before(context)?;
    if not_before.is_some() && !is_running {
        return Err(Failure::upstream(
            "not_running",
            "no scheduler is at work that would start it",
        )
        .hint("al start, and then this command again"));
    }
    let tokio = start::tokio()?;
    let signals = tokio.block_on(async { Signals::listen() })?;
    let apart = args.is_apart().then(|| Apart::new(args)).transpose()?;
    match project.filter(|_| !is_running || apart.is_some()) {
        Some(project) => by_own_host(args, project, apart.as_ref(), context, &tokio, signals),
        None => by_scheduler(args, not_before, context, &tokio, signals),
    }
}

/// The project, as far as it can be used, with what is asked for in it; none when only a scheduler at
/// work knows it.
fn project(
    args: &RunArgs,
    is_running: bool,
    context: &Context,
) -> Result<Option<Project>, Failure> {
    let project = match start::load(context) {
        // A scheduler at work goes on in spite of errors, and knows its agents.
        Err(_) if is_running && !args.is_apart() => return Ok(None),
        loaded => loaded?,
    };
    if let Some(agent) = &args.agent {
        if !project.agents.iter().any(|known| known.name == *agent) {
            return Err(context.unknown_agent(agent));
        }
        if args.record.is_some() {
            must_be_recordable(agent, &project)?;
        }
    }
    Ok(Some(project))
}

/// The scheduler at work starts it.
fn by_scheduler(
    args: &RunArgs,
    not_before: Option<Millis>,
    context: &Context,
    tokio: &Tokio,
    signals: Signals,
) -> Result<ExitCode, Failure> {
    let dir = std::path::absolute(&context.dir).unwrap_or_else(|_| context.dir.clone());
    let places = Places::of(&dir);
    let ordered = ask(args, not_before, context)?;
    tell_before(&ordered);
    if let Some(at) = not_before {
        return later(&ordered, at, context);
    }
    let reader = &Reader::new(places.al.join(FILE));
    let watched = Watched { run: &ordered.run, reader, places: &places, own: None };
    follow(&watched, args.shown(), context, tokio, signals)
}

/// A host starts it that is there for this run alone.
fn by_own_host(
    args: &RunArgs,
    project: Project,
    apart: Option<&Apart>,
    context: &Context,
    tokio: &Tokio,
    signals: Signals,
) -> Result<ExitCode, Failure> {
    client::tell_it_is_here(context)?;
    let places = Places::of(&project.dir);
    let plan = match apart {
        Some(apart) => apart.plan(project, args),
        None => Plan::single(project, places),
    };
    if let Some(agent) = &args.agent {
        let errors = doctor::errors_of(agent, &plan.project, context, tokio);
        start::point_to_doctor(&errors, context);
    }
    let hosted = Hosted::start(tokio, plan, context)?;
    let outcome = tokio.block_on(submit(&hosted.engine, args)).and_then(|ordered| {
        tell_before(&ordered);
        if ordered.before {
            tokio.block_on(must_go_on(&hosted.engine, &ordered.run))?;
        }
        let (engine, places) = (&hosted.engine, &hosted.places);
        let watched =
            Watched { run: &ordered.run, reader: engine.reader(), places, own: Some(engine) };
        follow(&watched, args.shown(), context, tokio, signals)
    });
    hosted.end(tokio)?;
    outcome
}

/// Only al's own loop speaks to models itself.
fn must_be_recordable(agent: &str, project: &Project) -> Result<(), Failure> {
    let known = project.agents.iter().find(|known| known.name == agent);
    let Some(engine) = known.map(|agent| agent.engine.kind) else { return Ok(()) };
    if engine == EngineKind::Builtin {
        return Ok(());
    }
    let why = format!("{agent} cannot be recorded: its engine is {}", engine_name(engine));
    Err(Failure::user("not_recordable", why)
        .hint("what is recorded is the talk of al's own loop with a model"))
}

/// A run apart from the project's history.
struct Apart {
    /// Removed with everything in it when this value is dropped.
    folder: TempDir,
    record: Option<PathBuf>,
}

impl Apart {
    fn new(args: &RunArgs) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::upstream("no_folder", format!("no folder for a run apart: {error}"))
        };
        let record = args.record.as_deref().map(std::path::absolute).transpose().map_err(failed)?;
        if let Some(there) = record.as_ref().filter(|record| record.exists()) {
            return Err(Failure::user(
                "file_exists",
                format!("{} is there already", there.display()),
            )
            .hint("a recording is a new file: choose another name, or remove that one"));
        }
        let folder = TempDir::with_prefix("al-").map_err(failed)?;
        Ok(Self { folder, record })
    }

    fn plan(&self, mut project: Project, args: &RunArgs) -> Plan {
        let named = |agent: &&mut Agent| args.agent.as_ref() == Some(&agent.name);
        if let Some(kind) = args.runtime
            && let Some(agent) = project.agents.iter_mut().find(named)
        {
            agent.runtime.kind = kind;
        }
        let places = Places::at(self.folder.path().join(".al"));
        Plan { record: self.record.clone(), ..Plan::single(project, places) }
    }
}

/// A host for one run leaves what was queued before to the next whole one, so nobody waits for that.
async fn must_go_on(engine: &Handle, run: &str) -> Result<(), Failure> {
    let id = run.to_owned();
    let left = move |view: &View| {
        view.runs.get(&id).is_some_and(|r| r.state == RunState::Queued && r.seq < view.from_seq)
    };
    match engine.look(left).await {
        Ok(false) => Ok(()),
        Ok(true) => Err(Failure::upstream("queued", format!("{run} has not started"))
            .hint("it waits for the next scheduler: al start")),
        Err(error) => Err(Failure::upstream("not_accepted", error.to_string())),
    }
}

fn tell_before(ordered: &Ordered) {
    if ordered.before {
        output::remark(&format!("the same run as before: {}\n", ordered.run));
    }
}

/// Nobody waits for a run that starts later.
fn later(ordered: &Ordered, at: Millis, context: &Context) -> Result<ExitCode, Failure> {
    let Ordered { run, before } = ordered;
    if !before {
        output::print(&format!("{run} starts at {}\n", times::soon(at, context.now_ms)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The body of an order; what is not asked for is left out.
fn trigger_body(args: &RunArgs, not_before: Option<Millis>) -> Value {
    let mut body = json!({ "prompt": args.prompt });
    if let Some(priority) = args.priority {
        body["priority"] = priority.name().into();
    }
    if let Some(at) = not_before {
        body["at"] = at.into();
    }
    if let Some(key) = &args.key {
        body["key"] = key.as_str().into();
    }
    if !args.params.is_empty() {
        let params: BTreeMap<_, _> = args.params.iter().cloned().collect();
        body["params"] = json!(params);
    }
    body
}

/// Asks the scheduler at work for the run.
fn ask(args: &RunArgs, not_before: Option<Millis>, context: &Context) -> Result<Ordered, Failure> {
    let (path, body) = match (&args.agent, &args.again) {
        (Some(agent), _) => (format!("/control/trigger/{agent}"), trigger_body(args, not_before)),
        (None, Some(run)) if is_run(run) => {
            let body = args.key.as_ref().map_or_else(|| json!({}), |key| json!({ "key": key }));
            (format!("/control/rerun/{run}"), body)
        }
        (None, Some(run)) => {
            return Err(Failure::user("not_found", format!("there is no run {run}")));
        }
        (None, None) => return Err(Failure::user("no_agent", "name an agent to run")),
    };
    let answer = Client::find(context)?.post(&path, &body)?;
    let run = answer["instanceId"].as_str().ok_or_else(|| {
        Failure::upstream("no_run", "the scheduler's answer names no run".to_owned())
    })?;
    Ok(Ordered { run: run.to_owned(), before: answer["duplicate"] == true })
}

async fn submit(engine: &Handle, args: &RunArgs) -> Result<Ordered, Failure> {
    let command = match (&args.agent, &args.again) {
        (Some(agent), _) => Command::Run(Order {
            prompt: args.prompt.clone(),
            params: args.params.iter().cloned().collect(),
            priority: args.priority,
            key: args.key.clone(),
            ..Order::of(agent)
        }),
        (None, Some(run)) => Command::Rerun { run: run.clone(), key: args.key.clone() },
        (None, None) => return Err(Failure::user("no_agent", "name an agent to run")),
    };
    let outcome = engine
        .command(command, &Who::shell(&ambient::user()), Confirmation::NotNeeded)
        .await
        .map_err(|e| Failure::upstream("not_accepted", e.to_string()))?;
    match outcome {
        Outcome::Answer(Answer::Fired { runs, .. }) if !runs.is_empty() => {
            Ok(Ordered { run: runs[0].clone(), before: false })
        }
        Outcome::Answer(Answer::Duplicate(known)) if !known.runs.is_empty() => {
            Ok(Ordered { run: known.runs[0].clone(), before: true })
        }
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
pub(super) struct Watched<'a> {
    pub run: &'a str,
    pub reader: &'a Reader,
    pub places: &'a Places,
    /// The scheduler that lives for this run alone.
    pub own: Option<&'a Handle>,
}

/// What is shown of its log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// Debug records too.
    pub all: bool,
    /// As JSON lines.
    pub json: bool,
}

/// Shows the run's log until it has ended. Ctrl-C and SIGTERM kill the run of a scheduler of its
/// own.
pub(super) fn follow(
    watched: &Watched<'_>,
    shown: Shown,
    context: &Context,
    tokio: &Tokio,
    signals: Signals,
) -> Result<ExitCode, Failure> {
    let run = watched.run;
    let mut query = Query::run(run)
        .ok_or_else(|| Failure::internal("bad_run_id", format!("{run} is no run id")))?;
    if !shown.all && !shown.json {
        (query.level_min, query.also) = (Level::Info, &TOOLS);
    }
    let follower = Follower::new(&watched.places.logs, query, None);
    let stopper = follower.stopper();
    let printer = || Printer::new(context.log_style(), false, context.now_ms);
    let printer = (!shown.json).then(|| printer().with_output(shown.all));
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
        output::insist(&format!("{run} {}: {why}\n", ended.state.name()));
    }
    Ok(exit_code(&ended))
}

/// Prints records as they come, for people or, without a printer, as they are stored. A reader that
/// went away ends it.
fn print_log(mut follower: Follower, mut printer: Option<Printer>) {
    let mut out = std::io::stdout().lock();
    let mut print = |records: Vec<Record>, printer: &mut Option<Printer>| -> std::io::Result<()> {
        for record in &records {
            match printer {
                Some(printer) => printer.print(record, &mut out)?,
                None => writeln!(out, "{}", record.to_line())?,
            }
        }
        if let Some(printer) = printer {
            printer.print_slow(ambient::now_ms(), &mut out)?;
        }
        out.flush()
    };
    loop {
        let patience = printer.as_ref().and_then(|printer| printer.patience(ambient::now_ms()));
        let Ok(Some(records)) = follower.next_within(BATCH, patience) else { break };
        if print(records, &mut printer).is_err() {
            return;
        }
    }
    // What was written between the last look and the end.
    if let Ok(records) = follower.poll(usize::MAX) {
        let _ = print(records, &mut printer);
    }
    if let Some(mut printer) = printer {
        let _ = printer.print_slow(i64::MAX, &mut out).and_then(|()| printer.print_used(&mut out));
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
        let waits = matches!(row.state, RunState::Queued | RunState::Waiting) && own.is_none();
        if waits && running::running(&places.al).is_none() {
            let went = if row.state == RunState::Queued { "start" } else { "go on" };
            let ended = format!("the scheduler ended before {run} could {went}");
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
    let _ = engine.command(command, &Who::shell(&ambient::user()), Confirmation::NotNeeded).await;
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
