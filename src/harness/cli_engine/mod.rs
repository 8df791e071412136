//! Engines that are command lines of others: a prompt goes in on stdin, JSON lines come out, and
//! become the same records, the same count and the same end as those of our own loop.
//!
//! What differs is a [`Dialect`]: [`claude`](super::claude) and [`codex`](super::codex) know how to
//! start theirs and what its lines mean. The program runs in the process group of the run, so that
//! whoever suspends or ends the run does it to this one too, and what it leaves behind ends with
//! the run.

mod heard;
mod lines;
mod place;
mod probe;
mod teller;

use std::fmt;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::{End, Meter, report};
use lines::Lines;
use teller::Teller;

pub use heard::{Failed, Heard, Kind, Named, choose, count, secret, text};
pub use place::Place;
pub use probe::{Probe, SignIn, probe};

/// Silence of a pipe, once the program has ended, after which whoever still holds it is left alone.
const SILENCE: Duration = Duration::from_millis(500);
/// Read at once.
const BLOCK: usize = 64 * 1024;
/// Blocks that are read ahead of who understands them.
const AHEAD: usize = 4;

/// How a program is asked to work.
#[derive(Clone, PartialEq, Eq)]
pub struct Invocation {
    pub program: &'static str,
    pub args: Vec<String>,
    /// Beside the environment of the run: the key, and what makes the program behave alone.
    pub env: Vec<(&'static str, String)>,
    pub stdin: String,
    /// Whom it asks.
    pub model: Named,
}

/// The key stays out of debug output.
impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation").field("program", &self.program).finish_non_exhaustive()
    }
}

/// What the lines of a program mean.
pub trait Dialect {
    /// One line; unknown ones say nothing.
    fn line(&mut self, line: &Value, heard: &mut Vec<Heard>);

    /// After the last line.
    fn end(&mut self, heard: &mut Vec<Heard>);
}

/// Runs the program until it ends, tells what it does, and says how it went.
pub async fn run(
    invocation: &Invocation,
    dialect: &mut (dyn Dialect + Send),
    place: &Place,
    meter: &mut Meter,
) -> End {
    let program = invocation.program;
    let Some(path) = place.find(program) else {
        return End::aborted(format!(
            "there is no program {program} on the PATH: {}",
            install(program)
        ));
    };
    let mut command = Command::new(&path);
    command
        .args(&invocation.args)
        .envs(invocation.env.iter().map(|(name, value)| (*name, value.as_str())))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(dir) = &place.work_dir {
        command.current_dir(dir);
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return End::aborted(format!("cannot start {}: {error}", path.display())),
    };
    let mut teller = Teller::new(meter, &invocation.model, program, Instant::now());
    let attended = attend(&mut child, invocation, dialect, &mut teller).await;
    let end = match attended {
        Ok(status) => teller.end(status),
        Err(error) => End::aborted(format!("cannot wait for {program}: {error}")),
    };
    match teller.result() {
        Some(result) if end.code == 0 => End::with_text(result.to_owned()),
        Some(_) | None => end,
    }
}

/// What to do when a program is not there.
pub fn install(program: &str) -> String {
    let package = match program {
        "claude" => "@anthropic-ai/claude-code",
        "codex" => "@openai/codex",
        other => other,
    };
    format!("npm install -g {package}")
}

/// What comes out of the program.
enum Block {
    Out(Vec<u8>),
    Err(Vec<u8>),
}

/// Feeds the program and listens to it until it has ended and its pipes are empty.
async fn attend(
    child: &mut Child,
    invocation: &Invocation,
    dialect: &mut (dyn Dialect + Send),
    teller: &mut Teller<'_>,
) -> std::io::Result<ExitStatus> {
    if let Some(mut stdin) = child.stdin.take() {
        let prompt = invocation.stdin.clone().into_bytes();
        // A program that ends before it has read everything says why itself.
        tokio::spawn(async move {
            let _ = stdin.write_all(&prompt).await;
        });
    }
    let (send, mut blocks) = mpsc::channel(AHEAD);
    if let Some(out) = child.stdout.take() {
        tokio::spawn(pump(out, Block::Out, send.clone()));
    }
    if let Some(err) = child.stderr.take() {
        tokio::spawn(pump(err, Block::Err, send.clone()));
    }
    drop(send);
    let mut hearing = Hearing { program: invocation.program, ..Hearing::default() };
    let mut ended = None;
    loop {
        let next = async {
            match ended {
                // Something it started may hold the pipes open; nobody waits for that.
                Some(_) => tokio::time::timeout(SILENCE, blocks.recv()).await.ok().flatten(),
                None => blocks.recv().await,
            }
        };
        tokio::select! {
            biased;
            block = next => match block {
                Some(block) => hearing.take(block, dialect, teller),
                None => break,
            },
            status = child.wait(), if ended.is_none() => ended = Some(status?),
        }
    }
    let status = match ended {
        Some(status) => status,
        None => child.wait().await?,
    };
    hearing.finish(dialect, teller);
    Ok(status)
}

async fn pump(
    mut source: impl AsyncRead + Unpin,
    of: fn(Vec<u8>) -> Block,
    send: mpsc::Sender<Block>,
) {
    loop {
        let mut block = Vec::with_capacity(BLOCK);
        match source.read_buf(&mut block).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if send.send(of(block)).await.is_err() {
            return;
        }
    }
}

/// From bytes to what they mean.
#[derive(Default)]
struct Hearing {
    program: &'static str,
    out: Lines,
    err: Lines,
    heard: Vec<Heard>,
}

impl Hearing {
    fn take(&mut self, block: Block, dialect: &mut (dyn Dialect + Send), teller: &mut Teller<'_>) {
        match block {
            Block::Out(bytes) => {
                let (program, heard) = (self.program, &mut self.heard);
                self.out.feed(&bytes, |line| understand(program, line, dialect, heard));
            }
            Block::Err(bytes) => {
                self.err.feed(&bytes, |line| complain(self.program, line, teller));
            }
        }
        self.tell(teller);
    }

    /// The last line may lack its end.
    fn finish(&mut self, dialect: &mut (dyn Dialect + Send), teller: &mut Teller<'_>) {
        let (program, heard) = (self.program, &mut self.heard);
        self.out.finish(|line| understand(program, line, dialect, heard));
        self.err.finish(|line| complain(program, line, teller));
        dialect.end(&mut self.heard);
        self.tell(teller);
    }

    fn tell(&mut self, teller: &mut Teller<'_>) {
        let now = Instant::now();
        for heard in self.heard.drain(..) {
            teller.tell(heard, now);
        }
    }
}

fn understand(
    program: &str,
    line: Result<&[u8], usize>,
    dialect: &mut (dyn Dialect + Send),
    heard: &mut Vec<Heard>,
) {
    let bytes = match line {
        Ok(bytes) => bytes,
        Err(length) => {
            let what = format!("{program} wrote a line of {length} bytes, which is not looked at");
            return heard.push(Heard::Notice(what));
        }
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return;
    }
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value) if value.is_object() => dialect.line(&value, heard),
        Ok(_) | Err(_) => {
            let text = String::from_utf8_lossy(bytes);
            let text = report::cut(text.trim(), 200);
            heard.push(Heard::Notice(format!("{program} wrote a line that is no event: {text}")));
        }
    }
}

fn complain(program: &str, line: Result<&[u8], usize>, teller: &mut Teller<'_>) {
    let text = match line {
        Ok(bytes) => String::from_utf8_lossy(bytes).trim_end().to_owned(),
        Err(length) => format!("a line of {length} bytes"),
    };
    if !text.trim().is_empty() {
        report::warn(&report::cut(&text, 2000), serde_json::json!({"from": program}));
        teller.complaint(text);
    }
}

#[cfg(test)]
pub(super) mod tests;
