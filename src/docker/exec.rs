//! A command in a container that runs already.

use std::pin::Pin;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{ResizeExecOptions, StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use futures_util::{Stream, StreamExt as _};
use tokio::io::AsyncWrite;

/// A command that was started in a container, and what leads to it.
pub struct Session {
    docker: Docker,
    id: String,
    /// Its stdin, for whoever takes it; shutting it down is the end of its input.
    pub input: Option<Pin<Box<dyn AsyncWrite + Send>>>,
    output: Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>,
}

/// What a command said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
}

/// Starts a command; `terminal` are the columns and rows of the one it gets.
///
/// # Errors
/// What the engine says: no such container (404), one that does not run or is paused (409).
pub async fn start(
    docker: &Docker,
    container: &str,
    command: Vec<String>,
    env: Vec<String>,
    terminal: Option<(u16, u16)>,
) -> Result<Session, Error> {
    let tty = terminal.is_some();
    let config = ExecConfig {
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(tty),
        // A person's keys are all for the command.
        detach_keys: None,
        env: Some(env),
        cmd: Some(command),
        ..Default::default()
    };
    let id = docker.create_exec(container, config).await?.id;
    let options = StartExecOptions { detach: false, tty, output_capacity: None };
    match docker.start_exec(&id, Some(options)).await? {
        StartExecResults::Attached { output, input } => {
            let session = Session { docker: docker.clone(), id, input: Some(input), output };
            if let Some((columns, rows)) = terminal {
                session.resize(columns, rows).await;
            }
            Ok(session)
        }
        StartExecResults::Detached => Err(std::io::Error::other("it went its own way").into()),
    }
}

impl Session {
    /// Its terminal has another size now.
    pub async fn resize(&self, columns: u16, rows: u16) {
        // One that has ended has none.
        let size = ResizeExecOptions { height: rows, width: columns };
        let _ = self.docker.resize_exec(&self.id, size).await;
    }

    /// The next piece of its output; none at its end.
    ///
    /// # Errors
    /// When the engine goes away.
    pub async fn said(&mut self) -> Result<Option<Said>, Error> {
        loop {
            return Ok(match self.output.next().await.transpose()? {
                None => None,
                Some(LogOutput::StdErr { message }) => Some(Said::Stderr(message.to_vec())),
                Some(LogOutput::StdOut { message } | LogOutput::Console { message }) => {
                    Some(Said::Stdout(message.to_vec()))
                }
                Some(LogOutput::StdIn { .. }) => continue,
            });
        }
    }

    /// Its exit code; none while it runs.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn code(&self) -> Result<Option<i64>, Error> {
        let seen = self.docker.inspect_exec(&self.id).await?;
        Ok(seen.exit_code.filter(|_| seen.running != Some(true)))
    }
}
