//! `bash`: a shell command in a process group of its own, until it and its output are at an end or
//! its time is over.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};

use super::super::group::Group;
use super::arguments::Given;
use super::captured::Captured;
use super::{Done, Workshop};

/// What fits into one argument of a program on Linux, with room for what stands in front.
const COMMAND_MAX: usize = 120_000;
/// Between SIGTERM and SIGKILL when the time is over: enough for a program to remove its locks.
const GRACE: Duration = Duration::from_secs(2);
/// How long what is still on its way may take when the shell has ended.
const LINGER: Duration = Duration::from_millis(250);
/// A killed process that is not gone by then hangs in the kernel.
const GIVE_UP: Duration = Duration::from_secs(5);
/// In which steps time is counted: the scheduler may stop this process and let it continue hours
/// later, which takes no more of the time limit than this.
const STEP: Duration = Duration::from_millis(250);
/// Exit code of a command that took too long, as `timeout` has it.
const TIMED_OUT: i32 = 124;

/// Reads what `setenv` wrote, in words that every shell knows. A file that cannot be read ends some
/// shells, whose last words then say why the command did not run.
const ENVIRONMENT: &str = r#"trap 'echo "the variables in $AL_ENV_FILE cannot be read, so the command did not run: mend or remove that file" >&2' EXIT; . "$AL_ENV_FILE"; trap - EXIT; "#;

pub(super) async fn run(shop: &Workshop, given: &Given) -> Done {
    let command = given.text("command");
    if command.len() > COMMAND_MAX {
        let text = format!(
            "the command is longer than {COMMAND_MAX} bytes: put it into a file with `write` and run \
             that file"
        );
        return Err(text).into();
    }
    let limit_s = given.number("timeout_s");
    match carry_out(shop, command, Duration::from_secs(limit_s)).await {
        Ok(ended) => ended.told(limit_s),
        Err(error) => {
            let (shell, dir) = (shop.shell.display(), shop.work_dir.display());
            Err(format!("{shell} cannot be started in {dir}: {error}")).into()
        }
    }
}

/// How a command ended.
struct Ended {
    output: String,
    /// None when it hangs in the kernel.
    status: Option<ExitStatus>,
    in_time: bool,
    /// Something in the background held on to the output.
    held: bool,
}

impl Ended {
    fn told(self, limit_s: u64) -> Done {
        let mut text = self.output;
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        if self.held {
            text.push_str(
                "[a program in the background still held the output and was ended; redirect its \
                 output to let it go on]\n",
            );
        }
        let code = self.status.map(|status| match (status.code(), status.signal()) {
            (Some(code), _) => code,
            (None, signal) => 128 + signal.unwrap_or(0),
        });
        let exit = if self.in_time { code } else { Some(TIMED_OUT) };
        text.push_str(&match (self.in_time, code) {
            (false, _) => format!(
                "[ended because it took longer than {limit_s} s; `timeout_s` gives it more time, or \
                 let it run in the background with its output in a file]"
            ),
            (true, Some(code)) => format!("[exit code {code}]"),
            (true, None) => "[it does not end]".to_owned(),
        });
        Done { text, is_error: exit != Some(0), exit }
    }
}

async fn carry_out(shop: &Workshop, command: &str, limit: Duration) -> io::Result<Ended> {
    let mut running = Running::start(shop, command)?;
    let in_time = running.exits_within(limit).await;
    if !in_time {
        running.group.signal(Signal::TERM);
        running.exits_within(GRACE).await;
        running.group.signal(Signal::KILL);
        running.exits_within(GIVE_UP).await;
    }
    let mut held = false;
    if !running.falls_silent_within(LINGER).await {
        held = in_time;
        running.group.signal(Signal::KILL);
        // Whoever left the group keeps the pipe, but not this call.
        running.falls_silent_within(LINGER).await;
    }
    let status = timeout(GIVE_UP, running.child.wait()).await.ok().transpose()?;
    running.group.forget();
    Ok(Ended { output: running.output.text(), status, in_time, held })
}

/// A command that runs.
struct Running<'a> {
    /// In front of `child`: it goes first, while its number is its own.
    group: Group,
    child: Child,
    children: tokio::signal::unix::Signal,
    /// Both its stdout and its stderr, so that their order is that of the program.
    pipe: pipe::Receiver,
    buffer: Vec<u8>,
    output: Captured<'a>,
    /// Ended, but not waited for: so its number stays that of its group.
    exited: bool,
    /// Nobody holds the other end of the pipe.
    silent: bool,
}

impl<'a> Running<'a> {
    fn start(shop: &'a Workshop, command: &str) -> io::Result<Self> {
        // Before there is a child, so that none ends unseen.
        let children = signal(SignalKind::child())?;
        let (ours, theirs) = io::pipe()?;
        let child = shell(shop, command)
            .stdout(Stdio::from(theirs.try_clone()?))
            .stderr(Stdio::from(theirs))
            .spawn()?;
        Ok(Self {
            group: Group::of(&child),
            child,
            children,
            pipe: pipe::Receiver::from_owned_fd(OwnedFd::from(ours))?,
            buffer: vec![0; 64 * 1024],
            output: Captured::new(&shop.work_dir),
            exited: false,
            silent: false,
        })
    }

    async fn exits_within(&mut self, left: Duration) -> bool {
        self.comes_to(|running| running.exited, left).await
    }

    async fn falls_silent_within(&mut self, left: Duration) -> bool {
        self.comes_to(|running| running.silent, left).await
    }

    /// Reads and waits until it is as wanted, or the time is over.
    async fn comes_to(&mut self, wanted: fn(&Self) -> bool, mut left: Duration) -> bool {
        while !wanted(self) {
            if left.is_zero() {
                return false;
            }
            let step = left.min(STEP);
            let began = Instant::now();
            tokio::select! {
                read = self.pipe.read(&mut self.buffer), if !self.silent => match read {
                    Ok(0) | Err(_) => self.silent = true,
                    Ok(count) => self.output.push(&self.buffer[..count]),
                },
                _ = self.children.recv(), if !self.exited => {}
                () = sleep(step) => {}
            }
            self.exited = self.exited || self.group.has_lost_its_leader();
            left = left.saturating_sub(began.elapsed().min(step));
        }
        true
    }
}

fn shell(shop: &Workshop, command: &str) -> Command {
    let mut shell = Command::new(&shop.shell);
    shell.arg("-c").current_dir(&shop.work_dir).stdin(Stdio::null()).process_group(0);
    match &shop.place.env_file {
        Some(file) => {
            shell.env("AL_ENV_FILE", file);
            let before = if file.is_file() { ENVIRONMENT } else { "" };
            shell.arg(format!("{before}{command}"));
        }
        None => {
            shell.arg(command);
        }
    }
    shell
}
