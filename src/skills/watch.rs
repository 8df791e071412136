//! A child of ours at work for a while: what it says, how long it takes, what it writes.

use std::collections::VecDeque;
use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::error::SkillError;
use super::limits::Limits;
use super::repository::Stop;

/// How often it is looked at.
const BEAT: Duration = Duration::from_millis(50);
/// How long it is left alone at first when it says nothing any more: mostly it is about to end.
const SHORT: Duration = Duration::from_millis(2);
/// The last lines of what it said that a message may need.
const KEPT: usize = 12;
/// The longest line that is kept.
const LINE_MAX: usize = 500;

/// How it ended.
pub struct Ended {
    pub status: ExitStatus,
    /// The last lines on stderr that were no progress.
    pub said: Vec<String>,
}

/// Runs a command until it ends, or may not go on. With all it started it is a group of its own, so
/// that nothing of it stays.
///
/// # Errors
/// When it cannot be started, takes too long, writes too much into `folder`, or is to stop.
pub fn run(
    mut command: Command,
    folder: &Path,
    from: &str,
    limits: &Limits,
    stop: &Stop,
    progress: &mut dyn FnMut(&str),
) -> Result<Ended, SkillError> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(not_started)?;
    let mut lines = child.stderr.take().map(listen);
    let since = Instant::now();
    let (mut said, mut pause) = (VecDeque::new(), SHORT);
    loop {
        let goes_on = lines.as_ref().is_some_and(|lines| hear(lines, &mut said, progress));
        if !goes_on {
            lines = None;
            thread::sleep(pause);
            pause = (pause * 2).min(BEAT);
        }
        if let Some(error) = too_much(folder, from, limits, stop, since) {
            end(&mut child);
            return Err(error);
        }
        if let Some(status) = child.try_wait().map_err(SkillError::io("git"))? {
            if let Some(lines) = &lines {
                hear(lines, &mut said, progress);
            }
            return Ok(Ended { status, said: said.into() });
        }
    }
}

/// Why a program did not start.
pub fn not_started(error: std::io::Error) -> SkillError {
    match error.kind() {
        ErrorKind::NotFound => SkillError::NoGit,
        _ => SkillError::io("git")(error),
    }
}

fn too_much(
    folder: &Path,
    from: &str,
    limits: &Limits,
    stop: &Stop,
    since: Instant,
) -> Option<SkillError> {
    if stop.load(Ordering::Relaxed) {
        return Some(SkillError::Interrupted);
    }
    if since.elapsed() > limits.time {
        let seconds = limits.time.as_secs();
        return Some(SkillError::TooSlow { from: from.to_owned(), seconds });
    }
    if size_of(folder) > limits.fetched_bytes {
        let bytes = limits.fetched_bytes;
        return Some(SkillError::TooLarge { from: from.to_owned(), bytes });
    }
    None
}

fn end(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

/// Bytes of the files below a folder. What vanishes while we look counts nothing.
pub fn size_of(folder: &Path) -> u64 {
    let Ok(list) = fs::read_dir(folder) else { return 0 };
    list.flatten()
        .filter_map(|entry| entry.metadata().ok().map(|meta| (entry, meta)))
        .map(|(entry, meta)| if meta.is_dir() { size_of(&entry.path()) } else { meta.len() })
        .sum()
}

/// Takes what is said within a beat, however much it is. Whether there may be more.
fn hear(
    lines: &Receiver<String>,
    said: &mut VecDeque<String>,
    progress: &mut dyn FnMut(&str),
) -> bool {
    let until = Instant::now() + BEAT;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        match lines.recv_timeout(left) {
            Ok(line) if is_progress(&line) => progress(&line),
            Ok(line) => {
                said.push_back(line);
                if said.len() > KEPT {
                    said.pop_front();
                }
            }
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

/// `Receiving objects:  45% (9/20)`, and what the other side says of its own work.
fn is_progress(line: &str) -> bool {
    line.starts_with("remote:") || line.contains("% (")
}

fn listen(mut from: impl Read + Send + 'static) -> Receiver<String> {
    let (to, lines) = mpsc::sync_channel(64);
    thread::spawn(move || {
        let (mut buffer, mut line) = ([0; 4096], Vec::new());
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            for byte in &buffer[..n] {
                match byte {
                    b'\n' | b'\r' if line.is_empty() => {}
                    b'\n' | b'\r' => {
                        let text = String::from_utf8_lossy(&line).trim().to_owned();
                        line.clear();
                        if to.send(text).is_err() {
                            return; // nobody listens any more
                        }
                    }
                    byte if line.len() < LINE_MAX => line.push(*byte),
                    _ => {}
                }
            }
        }
        if !line.is_empty() {
            let _ = to.send(String::from_utf8_lossy(&line).trim().to_owned());
        }
    });
    lines
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn ran(line: &str, limits: &Limits, stop: bool) -> Result<Ended, SkillError> {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        let stop = Arc::new(AtomicBool::new(stop));
        run(command, dir.path(), "there", limits, &stop, &mut |_| {})
    }

    #[test]
    fn who_never_stops_talking_is_stopped() {
        let endless = "while :; do echo on and on >&2; done";
        let limits = Limits { time: Duration::ZERO, ..Limits::default() };
        assert!(matches!(ran(endless, &limits, false), Err(SkillError::TooSlow { .. })));
        let stopped = ran(endless, &Limits::default(), true);
        assert!(matches!(stopped, Err(SkillError::Interrupted)));
    }

    #[test]
    fn what_was_said_is_heard_to_the_end() {
        let ended = |line: &str| {
            let ended = ran(line, &Limits::default(), false).unwrap();
            (ended.status.code(), ended.said)
        };
        assert_eq!(
            ended("echo one >&2; echo '50% (1/2)' >&2; exit 3"),
            (Some(3), vec!["one".to_owned()])
        );
        assert_eq!(ended("echo two >&2; exec 2>&-; exit 0"), (Some(0), vec!["two".to_owned()]));
    }
}
