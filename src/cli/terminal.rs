//! A person's terminal at a command in a container.

use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::thread;
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::io::AsyncWriteExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, channel};

use crate::ambient;
use crate::docker::exec::{self, Said, Session};
use crate::docker::{Docker, container};
use crate::failure::Failure;

/// Keys and text on their way to the command.
const ON_THE_WAY: usize = 16;
const PIECE: usize = 16 * 1024;
/// How long an exit code may come after the end of the output.
const CODE_COMES: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A terminal whose keys all go to a command; it becomes as it was when this value goes.
struct Raw(Termios);

impl Raw {
    fn take() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.0);
    }
}

/// Whether a person types and reads, and is no program.
pub fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Executes a command in a container with this process's input and output, and on a terminal when
/// there is one; its exit code. A signal to this process ends it; what becomes of the command then
/// is the container's.
///
/// # Errors
/// When the engine refuses, or goes away meanwhile.
pub async fn attach(
    docker: &Docker,
    container: &str,
    command: Vec<String>,
) -> Result<i64, Failure> {
    let failed = |error| refused(container, &error);
    let terminal = has_terminal().then(size);
    let env = ambient::env("TERM").filter(|_| terminal.is_some());
    let env = env.map(|term| format!("TERM={term}")).into_iter().collect();
    let mut session =
        exec::start(docker, container, command, env, terminal).await.map_err(failed)?;
    let raw = terminal.map(|_| Raw::take()).transpose().map_err(|e| no_terminal(&e))?;
    let mut input = session.input.take();
    let mut typed = typed().map_err(|e| no_terminal(&e))?;
    // Beside the output: a command that is not read does not read either.
    tokio::spawn(async move {
        let Some(input) = &mut input else { return };
        while let Some(piece) = typed.recv().await {
            if input.write_all(&piece).await.and(input.flush().await).is_err() {
                return;
            }
        }
        let _ = input.shutdown().await;
    });
    let told = listen(&mut session).await;
    drop(raw);
    match told? {
        Told::Ended => code(&session).await.map_err(failed),
        Told::Signal(signal) => Ok(128 + i64::from(signal)),
        Told::Unread => Ok(0),
    }
}

/// Why nobody listens any more.
enum Told {
    Ended,
    Signal(i32),
    /// Whoever read the output has gone.
    Unread,
}

async fn listen(session: &mut Session) -> Result<Told, Failure> {
    let on = |kind: SignalKind| signal(kind).map_err(|e| no_terminal(&e));
    let (mut hangup, mut ended) = (on(SignalKind::hangup())?, on(SignalKind::terminate())?);
    let (mut interrupted, mut resized) =
        (on(SignalKind::interrupt())?, on(SignalKind::window_change())?);
    let heard = |signal: SignalKind| Ok(Told::Signal(signal.as_raw_value()));
    loop {
        tokio::select! {
            said = session.said() => match said {
                Ok(None) => return Ok(Told::Ended),
                Ok(Some(said)) => match say(&said) {
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(Told::Unread),
                    Err(error) => return Err(no_terminal(&error)),
                    Ok(()) => {}
                },
                Err(error) => return Err(Failure::upstream(
                    "engine_away",
                    format!("the container engine went away: {}", container::words(&error)),
                )),
            },
            _ = resized.recv() => {
                let (columns, rows) = size();
                session.resize(columns, rows).await;
            }
            _ = hangup.recv() => return heard(SignalKind::hangup()),
            _ = ended.recv() => return heard(SignalKind::terminate()),
            _ = interrupted.recv() => return heard(SignalKind::interrupt()),
        }
    }
}

fn say(said: &Said) -> io::Result<()> {
    match said {
        Said::Stdout(bytes) => {
            let mut out = io::stdout().lock();
            out.write_all(bytes)?;
            out.flush()
        }
        Said::Stderr(bytes) => io::stderr().lock().write_all(bytes),
    }
}

/// What comes on stdin. The thread ends with the process: nobody can wake a read of a terminal.
fn typed() -> io::Result<Receiver<Vec<u8>>> {
    let (pieces, typed) = channel(ON_THE_WAY);
    thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut piece = vec![0; PIECE];
        while let Ok(length @ 1..) = io::stdin().lock().read(&mut piece) {
            if pieces.blocking_send(piece[..length].to_vec()).is_err() {
                return;
            }
        }
    })?;
    Ok(typed)
}

/// Columns and rows.
fn size() -> (u16, u16) {
    match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    }
}

async fn code(session: &Session) -> Result<i64, crate::docker::Error> {
    let wait = async {
        loop {
            if let Some(code) = session.code().await? {
                return Ok(code);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    let unknown = |_| Err(io::Error::other("it does not say how the command ended").into());
    tokio::time::timeout(CODE_COMES, wait).await.unwrap_or_else(unknown)
}

fn refused(container: &str, error: &crate::docker::Error) -> Failure {
    let words = container::words(error);
    match container::status(error) {
        Some(404) => {
            Failure::upstream("no_container", format!("there is no container {container}"))
        }
        Some(409) => Failure::upstream("not_entered", format!("nobody can enter now: {words}")),
        _ => Failure::upstream("engine", format!("the container engine refuses: {words}")),
    }
}

fn no_terminal(error: &io::Error) -> Failure {
    Failure::upstream("terminal", format!("the terminal cannot be used: {error}"))
}
