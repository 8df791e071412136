//! Running a command with limits: on its time, and on what is kept of its output.

use std::collections::VecDeque;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::ambient;

use super::group::Group;
use super::report;

/// Between SIGTERM and SIGKILL when the time is over.
const GRACE: Duration = Duration::from_secs(2);
/// How long output that is on its way may take when the command has ended.
const LINGER: Duration = Duration::from_millis(250);
/// A killed process that is not gone by then hangs in the kernel.
const GIVE_UP: Duration = Duration::from_secs(5);
/// In which steps time is counted: the whole run may be stopped in between, which costs a command
/// no more than this.
const STEP: Duration = Duration::from_millis(250);
/// The longest complaint.
const COMPLAINT_MAX: usize = 500;

/// Where commands of a run work.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub dir: PathBuf,
    /// What `setenv` wrote so far.
    pub env_file: Option<PathBuf>,
}

impl Place {
    /// That of this process's run.
    pub fn here() -> Self {
        let path = |name| ambient::env_os(name).map(PathBuf::from);
        Self {
            dir: path("AL_WORK_DIR").unwrap_or_else(|| PathBuf::from(".")),
            env_file: path("AL_ENV_FILE"),
        }
    }

    /// A line for the shell, with the variables that `setenv` has set so far.
    pub fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").current_dir(&self.dir);
        match &self.env_file {
            Some(file) if is_filled(file) => {
                command.env("AL_ENV_FILE", file).arg(format!(". \"$AL_ENV_FILE\"; {line}"));
            }
            Some(file) => {
                command.env("AL_ENV_FILE", file).arg(line);
            }
            None => {
                command.arg(line);
            }
        }
        command
    }
}

fn is_filled(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() > 0)
}

/// What a command may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub time: Duration,
    /// Bytes kept of each stream; the middle of what is longer is left out.
    pub output: usize,
}

/// A command that has ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
    end: End,
}

#[derive(Debug)]
enum End {
    Exited(ExitStatus),
    TimedOut { after: Duration },
}

impl Ran {
    /// Why it did not succeed, in one sentence; none when it did.
    pub fn failure(&self) -> Option<String> {
        let status = match self.end {
            End::TimedOut { after } => {
                return Some(format!("it took longer than {} s and was ended", after.as_secs()));
            }
            End::Exited(status) if status.success() => return None,
            End::Exited(status) => status,
        };
        Some(match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, signal) => format!("ended by signal {}", signal.unwrap_or(0)),
        })
    }

    /// The last of what it complained about, else how it ended; none when it succeeded.
    pub fn complaint(&self) -> Option<String> {
        let failure = self.failure()?;
        Some(match (&self.end, self.stderr.trim()) {
            (End::TimedOut { .. }, _) | (_, "") => failure,
            (End::Exited(_), said) => last(said, COMPLAINT_MAX).to_owned(),
        })
    }
}

/// The end of a text, at most so many bytes.
fn last(text: &str, max: usize) -> &str {
    let mut at = text.len().saturating_sub(max);
    while !text.is_char_boundary(at) {
        at += 1;
    }
    &text[at..]
}

/// Runs a command to its end in a process group of its own. When its time is over, the whole group
/// is ended. What it leaves in the background goes on, but nobody listens to it any more.
///
/// # Errors
/// When it cannot be started or waited for.
pub(super) async fn run(mut command: Command, limits: Limits) -> io::Result<Ran> {
    // Before there is a child, so that none ends unseen.
    let mut children = signal(SignalKind::child())?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let began = Instant::now();
    let mut child = command.spawn()?;
    let mut group = Group::of(&child);
    let mut out = Stream::new(child.stdout.take(), limits.output);
    let mut err = Stream::new(child.stderr.take(), limits.output);

    let mut wait = async |until: Until, mut left: Duration| {
        loop {
            let ended = group.has_lost_its_leader();
            match until {
                Until::Ended if ended => return true,
                Until::Silent if out.is_silent() && err.is_silent() => return true,
                Until::Ended | Until::Silent if left.is_zero() => return false,
                Until::Ended | Until::Silent => {}
            }
            let step = left.min(STEP);
            let from = Instant::now();
            tokio::select! {
                () = out.read(), if !out.is_silent() => {}
                () = err.read(), if !err.is_silent() => {}
                _ = children.recv(), if !ended => {}
                () = tokio::time::sleep(step) => {}
            }
            left = left.saturating_sub(from.elapsed().min(step));
        }
    };
    let in_time = wait(Until::Ended, limits.time).await;
    if !in_time {
        group.signal(Signal::TERM);
        wait(Until::Ended, GRACE).await;
        group.signal(Signal::KILL);
        wait(Until::Ended, GIVE_UP).await;
    }
    wait(Until::Silent, LINGER).await;
    let status = tokio::time::timeout(GIVE_UP, child.wait()).await;
    group.forget();
    let end = match (in_time, status) {
        (true, Ok(status)) => End::Exited(status?),
        (true, Err(late)) => return Err(io::Error::other(late)),
        (false, _) => End::TimedOut { after: limits.time },
    };
    Ok(Ran { stdout: out.text(), stderr: err.text(), took: began.elapsed(), end })
}

#[derive(Clone, Copy)]
enum Until {
    Ended,
    Silent,
}

/// One stream of output, and what is kept of it.
struct Stream<R> {
    pipe: Option<R>,
    buffer: Vec<u8>,
    kept: Kept,
}

impl<R: AsyncRead + Unpin> Stream<R> {
    fn new(pipe: Option<R>, max: usize) -> Self {
        Self { pipe, buffer: vec![0; 8 * 1024], kept: Kept::new(max) }
    }

    fn is_silent(&self) -> bool {
        self.pipe.is_none()
    }

    async fn read(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        match pipe.read(&mut self.buffer).await {
            Ok(0) | Err(_) => self.pipe = None,
            Ok(count) => self.kept.push(&self.buffer[..count]),
        }
    }

    fn text(self) -> String {
        self.kept.text()
    }
}

/// The beginning and the end of something long.
struct Kept {
    half: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    lost: u64,
}

impl Kept {
    fn new(max: usize) -> Self {
        Self { half: max / 2, head: Vec::new(), tail: VecDeque::new(), lost: 0 }
    }

    fn push(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(self.half - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(self.half);
        self.tail.drain(..over);
        self.lost += over as u64;
    }

    fn text(self) -> String {
        let mut bytes = self.head;
        if self.lost > 0 {
            bytes.extend_from_slice(format!("\n[{} bytes left out]\n", self.lost).as_bytes());
        }
        bytes.extend(self.tail);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// What a command said, into the log.
pub(super) fn tell(what: &str, ran: &Ran) {
    for (stream, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        let text = text.trim_end();
        if !text.is_empty() {
            report::info(&format!("{what} {stream}"), serde_json::json!({"text": text}));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { time: Duration::from_secs(100), output: 64 };

    fn place(dir: &Path) -> Place {
        Place { dir: dir.to_owned(), env_file: Some(dir.join("env.sh")) }
    }

    async fn check(line: &str, stdout: &str, complaint: Option<&str>) {
        let dir = tempfile::tempdir().unwrap();
        let ran = run(place(dir.path()).shell(line), LIMITS).await.unwrap();
        assert_eq!(
            (ran.stdout.as_str(), ran.complaint().as_deref()),
            (stdout, complaint),
            "{line}"
        );
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_command_says_what_it_wrote_and_why_it_failed() {
        check("echo a; echo b >&2", "a\n", None).await;
        check("exit 3", "", Some("exit code 3")).await;
        check("kill -9 $$", "", Some("ended by signal 9")).await;
        check("echo no such thing >&2; exit 1", "", Some("no such thing")).await;
        check("read x; echo \"<$x>\"", "<>\n", None).await;
        let long = format!("{}\n[36 bytes left out]\n{}", "x".repeat(32), "x".repeat(32));
        check("printf 'x%.0s' $(seq 100)", &long, None).await;
        let long = "y".repeat(600);
        let cut = format!("{}\n[{} bytes left out]\n{}", &long[..32], 536, &long[..32]);
        check(&format!("echo {long} | tr -d '\\n' >&2; exit 1"), "", Some(&cut)).await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_command_that_takes_too_long_is_ended_with_all_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let line =
            "trap '' TERM; (trap '' TERM; echo $BASHPID; sleep 1000) & echo $! > pid; sleep 1000";
        let limits = Limits { time: Duration::from_millis(300), ..LIMITS };
        let ran = run(place(dir.path()).shell(line), limits).await.unwrap();
        assert_eq!(ran.complaint().unwrap(), "it took longer than 0 s and was ended");
        let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        // A zombie until whoever inherited it has looked.
        while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_stays_in_the_background_does_not_keep_the_command() {
        check("sleep 1000 & echo on", "on\n", None).await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn variables_that_were_set_are_there_in_the_next_command() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(dir.path());
        for (line, want) in [
            ("echo \"<$A>\"; echo \"export A='1 2'\" >> \"$AL_ENV_FILE\"", "<>\n"),
            ("echo \"<$A>\"", "<1 2>\n"),
        ] {
            assert_eq!(run(place.shell(line), LIMITS).await.unwrap().stdout, want);
        }
    }
}
