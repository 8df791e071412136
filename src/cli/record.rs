//! `al record`: what a console would be told, into a file.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, remove_file};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use al_wire::recording::{self, Header, Recorder, Said};
use al_wire::{AgentRow, Down, Link, LogSource, MERGED, Row, Up};

use super::carrier::{self, DOWN_WAITING, Session};
use super::start::{self, Signals};
use super::{Context, attach, output};
use crate::ambient;
use crate::duration;
use crate::failure::Failure;

/// The largest recording.
const MOST: u64 = 1 << 30;
/// Records of each log from before the recording.
const RECORDS: usize = 500;

/// Record what a console is told, for a report or a test
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al record                          the scheduler of this project, until Ctrl-C
  al record -o bug.ndjson --for 60s  a minute of it
  al record -E vps1                  the scheduler of an environment
  al replay bug.ndjson               the console over what was recorded

In the file is what a console shows: agents, runs, triggers with what was
delivered when somebody looked at it, status texts, and the logs of up to 16
agents. Secrets are as absent as in the console; prompts, paths and what
models said are there. Look through it before you pass it on: it is text, a
line per message. A recording ends at 1 GiB.")]
pub struct RecordArgs {
    /// The gateway [default: that of the project's scheduler]
    #[arg(value_name = "URL")]
    pub url: Option<String>,

    /// Let the API key go to a plain http:// URL on another machine
    #[arg(long, requires = "url")]
    pub insecure: bool,

    /// The file [default: al-<project>.ndjson]; it must not be there yet
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// How long: 60s, 5m [default: until Ctrl-C]
    #[arg(long = "for", value_name = "TIME", value_parser = duration::parse_ms)]
    pub length_ms: Option<i64>,
}

/// Records until the time is over or a signal comes.
///
/// # Errors
/// When nobody answers, or the file cannot be written.
pub fn run(args: &RecordArgs, context: &Context) -> Result<ExitCode, Failure> {
    let aim = attach::aim(args.url.as_deref(), args.insecure, context)?;
    let tokio = start::tokio()?;
    let client = aim.client(context)?;
    let first =
        tokio.block_on(Session::open(&client.server())).map_err(|no| no.failure(&client))?;
    let file = args.output.clone().unwrap_or_else(|| default_file(&aim.project));
    let header = Header {
        console_recording: recording::VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        project: aim.project.clone(),
        at_ms: ambient::now_ms(),
    };
    let recorder = begin(&file, &header).map_err(|error| unwritable(&file, &error))?;
    let mut signals = tokio.block_on(async { Signals::listen() })?;
    output::remark(&format!("recording {} to {}; Ctrl-C ends it\n", aim.project, file.display()));

    let (up, said) = mpsc::channel();
    let (down, rows) = mpsc::sync_channel(DOWN_WAITING);
    let said = carrier::in_async(said);
    tokio.spawn(carrier::carry(aim, context.clone(), first, said, down));
    let (over, ended) = tokio::sync::oneshot::channel();
    let writer = std::thread::spawn(move || {
        let mut tape = Tape { recorder, up, followed: BTreeSet::new() };
        let kept = rows.into_iter().try_for_each(|message| tape.keep(message));
        let _ = over.send(()); // nobody waits any more
        (tape.recorder.entries(), kept)
    });
    tokio.block_on(async {
        tokio::select! {
            () = elapsed(args.length_ms) => {}
            () = signals.recv() => {}
            _ = ended => {}
        }
    });
    // With its carrier gone the writer ends, after what has come already.
    tokio.shutdown_background();
    let (entries, kept) =
        writer.join().map_err(|_| Failure::internal("recorder_died", "the recorder broke down"))?;
    match kept {
        Err(error) if error.kind() == ErrorKind::FileTooLarge => {
            output::remark("the recording is as large as it may be\n");
        }
        Err(error) => return Err(unwritable(&file, &error)),
        Ok(()) => {}
    }
    Ok(told(&file, entries))
}

/// Waits that long; without a length for ever.
async fn elapsed(length_ms: Option<i64>) {
    match length_ms.and_then(|ms| u64::try_from(ms).ok()) {
        Some(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
        None => std::future::pending().await,
    }
}

/// Says what came of it. A file without anything in it is taken away.
fn told(file: &Path, entries: u64) -> ExitCode {
    if entries == 0 {
        drop(remove_file(file));
        output::insist("nothing came, so there is no recording\n");
        return ExitCode::from(1);
    }
    let name = file.display();
    output::remark(&format!("{entries} messages; al replay {name} shows them\n"));
    ExitCode::SUCCESS
}

fn default_file(project: &str) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
    PathBuf::from(format!("al-{}.ndjson", project.chars().map(plain).collect::<String>()))
}

fn begin(file: &Path, header: &Header) -> io::Result<Recorder<File>> {
    // What runs said is nobody else's business.
    let to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    // Nothing in a file is only in the way of the next try.
    Recorder::begin(to, header, MOST).inspect_err(|_| drop(remove_file(file)))
}

fn unwritable(file: &Path, error: &io::Error) -> Failure {
    let failure = Failure::user("not_written", format!("{}: {error}", file.display()));
    match error.kind() {
        ErrorKind::AlreadyExists => failure.hint("-o names another file"),
        _ => failure,
    }
}

struct Tape {
    recorder: Recorder<File>,
    up: Sender<Up>,
    followed: BTreeSet<String>,
}

impl Tape {
    fn keep(&mut self, message: Down) -> io::Result<()> {
        match &message {
            Down::Snapshot(snapshot) => {
                // A session that begins anew follows nothing; another says again what it follows.
                self.followed.clear();
                self.say(Up::Follow { source: LogSource::Scheduler, limit: RECORDS })?;
                let (busy, idle): (Vec<_>, Vec<_>) = snapshot.agents.iter().partition(|a| busy(a));
                busy.into_iter().chain(idle).try_for_each(|agent| self.follow(&agent.name))?;
            }
            Down::Delta(delta) => {
                for row in &delta.puts {
                    if let Row::Agent(agent) = row
                        && busy(agent)
                    {
                        self.follow(&agent.name)?;
                    }
                }
            }
            Down::Link(Link::Lost { why }) => output::remark(&format!("connection lost: {why}\n")),
            _ => {}
        }
        self.recorder.keep(ambient::now_ms(), Said::Down(message))
    }

    fn follow(&mut self, agent: &str) -> io::Result<()> {
        if self.followed.len() + 1 < MERGED && self.followed.insert(agent.to_owned()) {
            self.say(Up::Follow { source: LogSource::Agent(agent.to_owned()), limit: RECORDS })?;
        }
        Ok(())
    }

    fn say(&mut self, up: Up) -> io::Result<()> {
        self.recorder.keep(ambient::now_ms(), Said::Up(up.clone()))?;
        // A carrier that has ended says nothing any more, and so ends the writer.
        let _ = self.up.send(up);
        Ok(())
    }
}

fn busy(agent: &AgentRow) -> bool {
    agent.running > 0 || agent.waiting > 0
}
