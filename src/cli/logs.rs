//! `al logs`: what agents and the scheduler wrote.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use clap::Args;
use regex::Regex;

use crate::ambient;
use crate::failure::Failure;
use crate::log::{
    Follower, From, Level, Query, Record, SCHEDULER, Stopper, names, page, parse_day,
};

mod print;
mod safe;
mod when;

pub use print::{Printer, Style};
pub use safe::safe;

/// Most lines that can be asked for.
const MAX_LINES: u64 = 1_000_000;
/// Records that are printed between two flushes while following.
const BATCH: usize = 1000;

/// Show logs of an agent, of one run, or of the scheduler.
#[derive(Debug, Clone, Args)]
pub struct LogsArgs {
    /// Agent or run id (<agent>-<8 hex>); without it, the scheduler's own log.
    #[arg(value_name = "AGENT|RUN")]
    pub target: Option<String>,
    /// How many of the newest records to show.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(..=MAX_LINES))]
    pub lines: u64,
    /// Go on printing what is written, until Ctrl-C.
    #[arg(short, long, conflicts_with = "before")]
    pub follow: bool,
    /// Only the file of this UTC day.
    #[arg(short, long, value_name = "YYYY-MM-DD")]
    pub date: Option<String>,
    /// JSON lines as they are stored.
    #[arg(short, long)]
    pub raw: bool,
    /// Only this run: its id, or the 8 hex digits after an agent.
    #[arg(short, long, value_name = "RUN")]
    pub instance: Option<String>,
    /// Debug records too.
    #[arg(short, long)]
    pub all: bool,
    /// Only records whose message or stored line matches.
    #[arg(short, long, value_name = "REGEX")]
    pub grep: Option<String>,
    /// Only records after this time: 30m, 2h, 7d, 2026-11-20, '2026-11-20 14:30' or RFC 3339.
    #[arg(long, value_name = "TIME")]
    pub after: Option<String>,
    /// Only records before this time; written like --after.
    #[arg(long, value_name = "TIME")]
    pub before: Option<String>,
    /// The same as --raw.
    #[arg(long)]
    pub json: bool,
}

/// Prints what `args` ask for from the logs of the project in `project_dir`. A reader that goes
/// away (`al logs | head`) ends it quietly.
///
/// # Errors
/// An unknown agent, arguments that cannot be understood, files that cannot be read, and, with exit
/// code 1, nothing to show.
pub fn run(
    args: &LogsArgs,
    project_dir: &Path,
    out: &mut dyn Write,
    style: Style,
) -> Result<(), Failure> {
    show(args, project_dir, out, style, ambient::now_ms(), stop_on_signal)
}

/// [`run`] with its time, and with what may end following.
fn show(
    args: &LogsArgs,
    project_dir: &Path,
    out: &mut dyn Write,
    style: Style,
    now: i64,
    stop_on: impl FnOnce(Stopper) -> io::Result<()>,
) -> Result<(), Failure> {
    let dir = project_dir.join(".al").join("logs");
    let query = query(args, project_dir, &dir, style, now)?;
    let limit = usize::try_from(args.lines).unwrap_or(usize::MAX);
    let newest = page(&dir, &query, From::End, limit).map_err(|e| unreadable(&dir, &e))?;
    if newest.records.is_empty() && !newest.more && !args.follow {
        return Err(nothing(&query, newest.last.is_some()));
    }
    let form = if args.raw || args.json {
        Form::Json
    } else {
        Form::People(Printer::new(style, query.instance.is_none(), now))
    };
    let mut out = Output { out: BufWriter::new(out), form };
    if newest.more && limit > 0 && style.tty {
        let more = limit.saturating_mul(4).min(MAX_LINES as usize);
        end(out.note(&format!("there is more before this: -n {more}")))?;
    }
    if end(out.records(&newest.records))? && args.follow {
        let mut follower = Follower::new(&dir, query, newest.last);
        stop_on(follower.stopper())
            .map_err(|e| Failure::internal("signals", format!("cannot wait for Ctrl-C: {e}")))?;
        while let Some(records) = follower.next(BATCH).map_err(|e| unreadable(&dir, &e))? {
            if !end(out.records(&records))? {
                break;
            }
        }
    }
    Ok(())
}

enum Form {
    Json,
    People(Printer),
}

struct Output<'o> {
    out: BufWriter<&'o mut dyn Write>,
    form: Form,
}

impl Output<'_> {
    fn records(&mut self, records: &[Record]) -> io::Result<()> {
        for record in records {
            match &mut self.form {
                Form::Json => writeln!(self.out, "{}", record.to_line())?,
                Form::People(printer) => printer.print(record, &mut self.out)?,
            }
        }
        self.out.flush()
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        match &self.form {
            Form::Json => Ok(()),
            Form::People(printer) => printer.note(text, &mut self.out),
        }
    }
}

/// False when nobody reads any more.
fn end(written: io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(Failure::upstream("output", format!("cannot write the output: {e}"))),
    }
}

fn query(
    args: &LogsArgs,
    project_dir: &Path,
    dir: &Path,
    style: Style,
    now: i64,
) -> Result<Query, Failure> {
    let time = |text: &Option<String>| {
        text.as_deref().map(|t| when::parse(t, now, style.zone)).transpose()
    };
    let mut query = target(args, project_dir, dir)?;
    query.level_min = if args.all { Level::Trace } else { Level::Info };
    query.grep = match &args.grep {
        Some(pattern) => Some(Regex::new(pattern).map_err(|e| bad_pattern(&e))?),
        None => None,
    };
    query.after_ms = time(&args.after)?.map(|t| t - 1); // that moment included
    query.before_ms = time(&args.before)?;
    query.date = match &args.date {
        Some(text) => Some(parse_day(text).ok_or_else(|| {
            let message = format!("{text:?} is not a date");
            Failure::user("bad_date", message)
                .hint("Dates are written 2026-11-20; files are by UTC day.")
        })?),
        None => None,
    };
    Ok(query)
}

/// Which log, and which run in it.
fn target(args: &LogsArgs, project_dir: &Path, dir: &Path) -> Result<Query, Failure> {
    let known = known(project_dir, dir)?;
    let is_known = |name: &String| known.contains(name);
    let query = match (&args.target, &args.instance) {
        (None, None) => Query::all(SCHEDULER),
        (Some(target), None) if is_known(target) => Query::all(target),
        (Some(target), None) => Query::run(target).unwrap_or_else(|| Query::all(target)),
        (Some(agent), Some(id)) => {
            let of_agent = Query::run(format!("{agent}-{id}")).filter(|_| id.len() == 8);
            let run = of_agent.or_else(|| Query::run(id).filter(|q| q.name == *agent));
            run.ok_or_else(|| bad_run(id, Some(agent)))?
        }
        (None, Some(id)) => Query::run(id).ok_or_else(|| bad_run(id, None))?,
    };
    if !is_known(&query.name) && query.name != SCHEDULER {
        return Err(unknown_agent(&query.name, &known));
    }
    Ok(query)
}

/// Names that make sense here: agents of the project, and whatever has a log.
fn known(project_dir: &Path, dir: &Path) -> Result<Vec<String>, Failure> {
    let mut known = names(dir).map_err(|e| unreadable(dir, &e))?;
    // A project without agents is fine: then only what has logs is known.
    for entry in std::fs::read_dir(project_dir.join("agents")).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            known.extend(entry.file_name().into_string());
        }
    }
    known.sort();
    known.dedup();
    Ok(known)
}

fn unknown_agent(name: &str, known: &[String]) -> Failure {
    let failure =
        Failure::user("unknown_agent", format!("there is no agent {name:?} and no log of one"));
    let distance = |k: &String| strsim::damerau_levenshtein(k, name);
    let close =
        known.iter().filter(|k| distance(k) <= 1 + name.len() / 4).min_by_key(|k| distance(k));
    match close {
        Some(close) => failure.hint(format!("Did you mean {close:?}?")),
        None if known.is_empty() => failure,
        None => failure.hint(format!("There are: {}", known.join(", "))),
    }
}

fn bad_run(id: &str, agent: Option<&String>) -> Failure {
    let message = match agent {
        Some(agent) => format!("{id:?} is not the id of a run of {agent:?}"),
        None => format!("{id:?} is not the id of a run"),
    };
    Failure::user("bad_run", message).hint("A run's id is its agent and 8 hex digits: dev-1a2b3c4d")
}

fn bad_pattern(error: &regex::Error) -> Failure {
    Failure::user("bad_pattern", format!("--grep: {error}"))
}

fn unreadable(dir: &Path, error: &io::Error) -> Failure {
    Failure::upstream(
        "logs_unreadable",
        format!("cannot read the logs in {}: {error}", dir.display()),
    )
}

/// Exit code 1, with the reason.
fn nothing(query: &Query, has_files: bool) -> Failure {
    let whose = query.instance.as_ref().unwrap_or(&query.name);
    let filtered = query.grep.is_some()
        || query.after_ms.is_some()
        || query.before_ms.is_some()
        || query.date.is_some();
    if filtered {
        Failure::nothing("no_match", format!("no log record of {whose} matches"))
    } else if has_files && query.level_min > Level::Trace {
        let failure = Failure::nothing("no_logs", format!("no log record of {whose} to show"));
        failure.hint("Debug records are shown with --all.")
    } else {
        let failure = Failure::nothing("no_logs", format!("{whose} has logged nothing yet"));
        failure.hint("Add -f to wait for it.")
    }
}

/// Ctrl-C and SIGTERM end following as a success: it was asked for.
fn stop_on_signal(stopper: Stopper) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    std::thread::Builder::new().name("al-signals".into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        stopper.stop();
    })?;
    Ok(())
}

#[cfg(test)]
mod tests;
