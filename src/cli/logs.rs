//! `al logs`: what agents and the scheduler wrote.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use clap::Args;

use crate::ambient;
use crate::failure::Failure;
use crate::log::{Follower, From, Record, Stopper, page};

mod calls;
mod choose;
mod print;
mod safe;
mod when;
mod wrap;

pub use print::{Printer, Style};
pub use safe::safe;
pub(super) use when::instant;

/// Most lines that can be asked for.
const MAX_LINES: u64 = 1_000_000;
/// Records that are printed between two flushes while following.
const BATCH: usize = 1000;

/// Show logs of an agent, of one run, or of the scheduler.
#[derive(Debug, Clone, Args)]
pub struct LogsArgs {
    /// Agent, or run id like dev-1a2b3c4d; without it, the scheduler's own log.
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
    /// Debug records too: thoughts, and what tools gave back.
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
    let query = choose::query(args, project_dir, &dir, style, now)?;
    let limit = usize::try_from(args.lines).unwrap_or(usize::MAX);
    let newest = page(&dir, &query, From::End, limit).map_err(|e| unreadable(&dir, &e))?;
    if newest.records.is_empty() && !newest.more && !args.follow {
        return Err(choose::nothing(&query, newest.last.is_some()));
    }
    let form = if args.raw || args.json {
        Form::Json
    } else {
        let printer = Printer::new(style, query.instance.is_none(), now);
        Form::People(Box::new(printer.with_output(args.all)))
    };
    let mut out = Output { out: BufWriter::new(out), form };
    if newest.more && limit > 0 && style.tty {
        let more = limit.saturating_mul(4).min(MAX_LINES as usize);
        end(out.note(&format!("there is more before this: -n {more}")))?;
    }
    if !end(out.records(&newest.records))? {
        return Ok(());
    }
    if args.follow {
        let mut follower = Follower::new(&dir, query, newest.last);
        stop_on(follower.stopper())
            .map_err(|e| Failure::internal("signals", format!("cannot wait for Ctrl-C: {e}")))?;
        while let Some(records) =
            follower.next_within(BATCH, out.patience()).map_err(|e| unreadable(&dir, &e))?
        {
            if !end(out.records(&records).and_then(|()| out.slow(ambient::now_ms())))? {
                return Ok(());
            }
        }
    }
    end(out.slow(i64::MAX))?;
    Ok(())
}

enum Form {
    Json,
    People(Box<Printer>),
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

    /// Tools that are at work.
    fn slow(&mut self, now: i64) -> io::Result<()> {
        if let Form::People(printer) = &mut self.form {
            printer.print_slow(now, &mut self.out)?;
        }
        self.out.flush()
    }

    fn patience(&self) -> Option<Duration> {
        match &self.form {
            Form::Json => None,
            Form::People(printer) => printer.patience(ambient::now_ms()),
        }
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

fn unreadable(dir: &Path, error: &io::Error) -> Failure {
    Failure::upstream(
        "logs_unreadable",
        format!("cannot read the logs in {}: {error}", dir.display()),
    )
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
