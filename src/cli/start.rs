//! `al start`: a scheduler, with a console over it or without.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use al_ui::Exit;
use al_wire::Down;
use tokio::runtime::{Builder, Runtime as Tokio};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;

use super::console::{self, Draw};
use super::host::{self, Hosted, Places, Plan};
use super::lines::{Lines, Sayer};
use super::paint::safe;
use super::{Context, Paint, Tone, doctor, output, times, told};
use crate::ambient;
use crate::engine::{Confirmation, Handle, Mirror, Outcome, alert_row, serve};
use crate::failure::Failure;
use crate::project::{self, Project};
use crate::scheduler::{Answer, Command, Who};

/// Messages that may wait for the console; what comes on top is merged.
const DOWN_WAITING: usize = 64;

/// Run the project: scheduler, gateway and console
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al start                 the console in this terminal
  al start -H              without a console: one line per event, for servers
  al start --port 9000     the gateway on another port
  al start -e              reachable from other machines

A second `al start` on the same project is refused. Without a console, Ctrl-C
lets runs in flight finish, a second one kills them, and a third one ends at
once; what is queued waits for the next start. SIGTERM does the same. Runs
survive a crash: the next start goes on with them.

Edits of the project count while it runs; what is wrong in them is an alert.")]
pub struct StartArgs {
    /// No console: print one readable line per event
    #[arg(short = 'H', long)]
    pub headless: bool,

    /// Port of the gateway [default: `gateway.port` of the project, else 8080]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,

    /// Listen on all interfaces, not on loopback alone
    #[arg(short, long)]
    pub expose: bool,

    /// Ask no registry for images of containers
    #[arg(long)]
    pub offline: bool,

    #[command(flatten)]
    pub draw: Draw,
}

/// Runs a scheduler until it is told to end.
///
/// # Errors
/// When the project has errors or the scheduler cannot be put together.
pub fn run(args: &StartArgs, context: &Context) -> Result<ExitCode, Failure> {
    let project = load(context)?;
    let plan = Plan {
        port: args.port.unwrap_or(project.config.gateway.port),
        places: Places::of(&project.dir),
        project,
        expose: args.expose,
        whole: true,
        record: None,
        offline: args.offline,
    };
    let show = Show { headless: args.headless, draw: &args.draw, fake: false };
    host(plan, &show, context, |_, _| {})
}

/// How a scheduler is shown.
pub(super) struct Show<'a> {
    pub headless: bool,
    pub draw: &'a Draw,
    /// Nothing of it is worth waiting for: leaving it kills its runs.
    pub fake: bool,
}

/// Hosts a scheduler until it ends, with whatever is to go on `beside` it.
///
/// # Errors
/// When the scheduler cannot be put together.
pub(super) fn host(
    plan: Plan,
    show: &Show<'_>,
    context: &Context,
    beside: impl FnOnce(&Tokio, Handle),
) -> Result<ExitCode, Failure> {
    let tokio = tokio()?;
    point_to_doctor(&doctor::errors(&plan.project, context, &tokio), context);
    let headless = show.headless || !std::io::stdout().is_terminal();
    let name = plan.project.name.clone();
    // Before anybody can know of this scheduler: until then a signal ends the process at once.
    let signals = tokio.block_on(async { Signals::listen() })?;
    let hosted = Hosted::start(&tokio, plan, context)?;
    beside(&tokio, hosted.engine.clone());
    let outcome = if headless {
        let lines = Lines::start();
        announce(&hosted, &lines);
        let nothing = if show.fake { Asked::Drain } else { Asked::Nothing };
        until_ended(&tokio, &hosted, context, signals, lines, nothing)
    } else {
        with_console(&tokio, &hosted, show, context, name, signals)
    };
    hosted.end(&tokio)?;
    outcome
}

/// What is wrong is said up to so many times.
const MOST_SAID: usize = 5;

/// Says what will fail, and who knows what to do about it.
pub(super) fn point_to_doctor(errors: &[String], context: &Context) {
    let things = match errors.len() {
        0 => return,
        1 => "1 thing".to_owned(),
        n => format!("{n} things"),
    };
    let bad = context.look.err.on(Tone::Bad, "error:");
    let said = errors.iter().take(MOST_SAID).map(|what| format!("{bad} {}\n", safe(what)));
    let suffix = console::shell_suffix(context);
    let said: String = said.collect();
    output::remark(&format!("{said}{things} will fail; what to do about it: al doctor{suffix}\n"));
}

/// The project, after its warnings were shown.
pub(super) fn load(context: &Context) -> Result<Project, Failure> {
    let loaded = context.load()?;
    if !loaded.warnings.is_empty() {
        output::remark(&project::render(&loaded.warnings, context.look.err.color));
    }
    Ok(loaded.project)
}

/// The async side: few threads, as nearly everything waits.
pub(super) fn tokio() -> Result<Tokio, Failure> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(64)
        .enable_all()
        .build()
        .map_err(|e| Failure::upstream("no_threads", format!("no threads to be had: {e}")))
}

fn announce(hosted: &Hosted, lines: &Lines) {
    let defined = hosted.definitions.get();
    let facts = &defined.facts;
    let url = facts.gateway.as_deref().unwrap_or("-");
    let agents = match facts.agents.len() {
        1 => "1 agent".to_owned(),
        n => format!("{n} agents"),
    };
    let heard = std::sync::Mutex::new(lines.sayer());
    hosted.tell_builds(Box::new(move |line| {
        heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner).say(line);
    }));
    let mut lines = lines.sayer();
    lines.say(&format!("{}: {agents}, gateway {url}, pid {}", facts.project, facts.pid));
    if !output::is_quiet() {
        lines.say("Ctrl-C lets runs finish and ends; a second one kills them, a third one leaves");
    }
}

// --- headless ---------------------------------------------------------------------------------

/// What a scheduler without a console was asked for so far: each signal asks for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    /// Let runs finish.
    Drain,
    /// Kill them.
    Kill,
    /// Do not even wait for that.
    Leave,
}

impl Asked {
    fn more(self) -> Self {
        match self {
            Self::Nothing => Self::Drain,
            Self::Drain => Self::Kill,
            Self::Kill | Self::Leave => Self::Leave,
        }
    }
}

/// Prints what happens until the scheduler ends, by itself or because signals asked for it.
fn until_ended(
    tokio: &Tokio,
    hosted: &Hosted,
    context: &Context,
    mut signals: Signals,
    lines: Lines,
    mut asked: Asked,
) -> Result<ExitCode, Failure> {
    tokio.block_on(async {
        let events = print_events(hosted.engine.clone(), lines.sayer(), context.look.out);
        let printer = tokio::spawn(events);
        loop {
            tokio::select! {
                () = hosted.engine.ended() => break,
                () = signals.recv() => {}
            }
            asked = asked.more();
            match asked {
                Asked::Nothing => {}
                Asked::Drain => stop(&hosted.engine, false, &mut lines.sayer()).await,
                Asked::Kill => stop(&hosted.engine, true, &mut lines.sayer()).await,
                Asked::Leave => {
                    lines.sayer().say("leaving; what still runs is adopted at the next start");
                    hosted.engine.leave();
                }
            }
        }
        printer.abort();
        // An aborted task is gone, with its way to the lines, once it was waited for.
        let _ = printer.await;
    });
    lines.end();
    Ok(ExitCode::SUCCESS)
}

/// Ctrl-C and SIGTERM: both ask for an end.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From here on they are waited for, and no longer end the process.
    pub(super) fn listen() -> Result<Self, Failure> {
        let interrupt = listen(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: listen(SignalKind::terminate())? })
    }

    pub(super) async fn recv(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

pub(super) fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|e| Failure::upstream("no_signals", format!("signals: {e}")))
}

/// Nothing new starts; what waits stays for the next start.
async fn stop(engine: &Handle, kill: bool, lines: &mut Sayer) {
    let command = Command::Stop { clear_queues: false, kill };
    let by = Who::shell(&ambient::user());
    match engine.command(command, &by, Confirmation::NotNeeded).await {
        Ok(Outcome::Answer(Answer::Done { done, runs })) => {
            let more = match (runs.is_empty(), kill) {
                (true, _) => "",
                (false, false) => "; again: kill them",
                (false, true) => "; again: leave at once",
            };
            lines.say(&format!("{done}{more}"));
        }
        // It ended meanwhile, or cannot write: then it cannot wait for runs either.
        _ => engine.leave(),
    }
}

async fn print_events(engine: Handle, mut lines: Sayer, paint: Paint) {
    let mut first = true;
    loop {
        let Ok(mut watch) = engine.watch().await else { return };
        if std::mem::take(&mut first) {
            for alert in watch.view.alerts.values() {
                let clock = paint.on(Tone::Dim, &times::clock(alert.at));
                lines.say(&format!("{clock} {}", told::alert(&alert_row(alert), paint)));
            }
        }
        let mut told = told::Told::default();
        let mut mirror = Mirror::new(&watch, std::collections::HashMap::new());
        loop {
            match watch.commits.recv().await {
                Ok(commit) => {
                    let changes = mirror.apply(&commit);
                    let clock = paint.on(Tone::Dim, &times::clock(commit.at));
                    for line in changes.iter().filter_map(|c| told.change(&mirror, c, paint)) {
                        lines.say(&format!("{clock} {line}"));
                    }
                }
                Err(RecvError::Lagged(n)) => {
                    lines.leave_out(n);
                    break;
                }
                Err(RecvError::Closed) => return,
            }
        }
    }
}

// --- console ----------------------------------------------------------------------------------

/// `al exec` of this project, to which the console adds a run.
fn way_into_runs(context: &Context) -> Vec<OsString> {
    let Ok(al) = host::own_binary() else { return Vec::new() };
    vec![al.into(), "--project".into(), context.dir.clone().into(), "exec".into()]
}

fn with_console(
    tokio: &Tokio,
    hosted: &Hosted,
    show: &Show<'_>,
    context: &Context,
    project: String,
    signals: Signals,
) -> Result<ExitCode, Failure> {
    let stop_flag = Arc::new(AtomicBool::new(false));
    let hung_up =
        tokio.block_on(async { console::close_on_signals(signals.terminate, &stop_flag) })?;
    let (up, commands) = mpsc::channel();
    let (down, rows) = mpsc::sync_channel::<Down>(DOWN_WAITING);
    serve(hosted.session(), tokio.handle(), commands, down);
    let options = al_ui::Options {
        project,
        enter: way_into_runs(context),
        debug: show.fake,
        context: hosted.definitions.get().project.environment.clone(),
        ..console::options(show.draw, context)
    };
    let link = al_ui::Link { up, down: rows };
    let exit = al_ui::run(link, options, Arc::clone(&stop_flag));
    if hung_up.load(Ordering::Relaxed) {
        if show.fake {
            tokio.block_on(stop(&hosted.engine, true, &mut Lines::start().sayer()));
            tokio.block_on(hosted.engine.ended());
        }
        return Ok(ExitCode::SUCCESS); // no terminal to talk to; the next start adopts the runs
    }
    let exit = exit.map_err(|e| {
        console::no_terminal(&e).hint("al start -H prints a line per event instead")
    })?;
    after_console(tokio, hosted, exit, show.fake, context)
}

/// What its end means for the scheduler. One with made-up work is not left alone.
fn after_console(
    tokio: &Tokio,
    hosted: &Hosted,
    exit: Exit,
    fake: bool,
    context: &Context,
) -> Result<ExitCode, Failure> {
    let exit = match exit {
        Exit::Drain | Exit::Signal if fake => Exit::StopNow,
        exit => exit,
    };
    let asked = match exit {
        Exit::Detach if fake => Asked::Drain,
        Exit::Host(_) | Exit::Detach => Asked::Nothing,
        Exit::Drain | Exit::Signal => Asked::Drain,
        Exit::StopNow => Asked::Kill,
    };
    let lines = Lines::start();
    match exit {
        Exit::Host(_) => {}
        Exit::Detach => {
            lines.sayer().say("the console is closed, the scheduler goes on here; look at it: al stat, al logs -f");
            announce(hosted, &lines);
        }
        Exit::Drain | Exit::Signal => {
            tokio.block_on(stop(&hosted.engine, false, &mut lines.sayer()));
        }
        Exit::StopNow => tokio.block_on(stop(&hosted.engine, true, &mut lines.sayer())),
    }
    let signals = tokio.block_on(async { Signals::listen() })?;
    until_ended(tokio, hosted, context, signals, lines, asked)
}
