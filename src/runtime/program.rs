//! Finding and starting an agent's program, and saying in plain words why that did not work.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{CANNOT_EXECUTE, NOT_FOUND};
use crate::ambient;
use crate::project::ScriptCommand;

/// A program that did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// As a shell would exit: 126 or 127.
    pub code: i32,
    pub message: String,
}

impl Refusal {
    fn not_found(message: String) -> Self {
        Self { code: NOT_FOUND, message }
    }

    pub fn cannot(message: String) -> Self {
        Self { code: CANNOT_EXECUTE, message }
    }
}

/// Where the output of a program goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outputs {
    /// Into pipes, for whoever starts it.
    Piped,
    /// Where that of this process goes.
    Shared,
}

/// Starts the program of a run in a process group of its own, with a pipe at its stdin.
pub(super) fn start(
    command: &ScriptCommand,
    agent_dir: &Path,
    work: &Path,
    env: &[(String, String)],
    outputs: Outputs,
) -> Result<Child, Refusal> {
    let output = || match outputs {
        Outputs::Piped => Stdio::piped(),
        Outputs::Shared => Stdio::inherit(),
    };
    let (program, arguments) = match command {
        ScriptCommand::Line(line) => {
            (PathBuf::from("/bin/sh"), vec!["-c".to_owned(), line.clone()])
        }
        ScriptCommand::Program(words) => {
            let Some((name, arguments)) = words.split_first() else {
                return Err(Refusal::not_found("the agent's command is empty".to_owned()));
            };
            let path = env.iter().find(|(n, _)| n == "PATH").map_or("", |(_, v)| v.as_str());
            (find(name, agent_dir, path)?, arguments.to_vec())
        }
    };
    let mut command = Command::new(&program);
    command
        .args(arguments)
        .env_clear()
        .envs(env.iter().map(|(n, v)| (n, v)))
        .current_dir(work)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(output())
        .stderr(output());
    spawn(&mut command).map_err(|error| explain(&program, agent_dir, work, &error))
}

/// A script that was just written may still be open for writing in another process for a moment.
fn spawn(command: &mut Command) -> io::Result<Child> {
    for _ in 0..20 {
        match command.spawn() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(25));
            }
            started => return started,
        }
    }
    command.spawn()
}

/// A name with a slash, or of a file in the agent's folder, is found there; others on `PATH`.
fn find(name: &str, agent_dir: &Path, path: &str) -> Result<PathBuf, Refusal> {
    let here = agent_dir.join(name); // an absolute name stays what it is
    if name.contains('/') || here.is_file() {
        return Ok(here);
    }
    path.split(':')
        .filter(|dir| dir.starts_with('/'))
        .map(|dir| Path::new(dir).join(name))
        .find(|file| is_executable(file))
        .ok_or_else(|| {
            Refusal::not_found(format!(
                "no program {name:?}: it is neither in {} nor on PATH",
                short(agent_dir, agent_dir)
            ))
        })
}

/// Why an agent's program could not be started as things are now; none when it looks well.
pub fn missing_program(command: &ScriptCommand, agent_dir: &Path) -> Option<String> {
    let ScriptCommand::Program(words) = command else { return None };
    let path = ambient::env("PATH").unwrap_or_default();
    match find(words.first()?, agent_dir, &path) {
        Err(refusal) => Some(refusal.message),
        Ok(file) if !file.is_file() => Some(format!("no such file: {}", short(&file, agent_dir))),
        Ok(file) if !is_executable(&file) => {
            Some(format!("not executable: run `chmod +x {}`", short(&file, agent_dir)))
        }
        Ok(_) => None,
    }
}

fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// Why a program did not start, and what to do.
fn explain(program: &Path, agent_dir: &Path, work: &Path, error: &io::Error) -> Refusal {
    let name = short(program, agent_dir);
    if !work.is_dir() {
        return Refusal::cannot(format!("the working directory {} is gone", work.display()));
    }
    let Ok(file) = fs::metadata(program) else {
        return Refusal::not_found(format!("no such file: {name}"));
    };
    if file.is_dir() {
        return Refusal::cannot(format!("{name} is a directory, not a program"));
    }
    if file.permissions().mode() & 0o111 == 0 {
        return Refusal::cannot(format!("not executable: run `chmod +x {name}`"));
    }
    let interpreter = interpreter(program);
    match (error.kind(), interpreter) {
        (ErrorKind::NotFound, Some(line)) if line.ends_with('\r') => Refusal::cannot(format!(
            "{name} has Windows line endings: remove the carriage returns (its first line is {line:?})"
        )),
        (ErrorKind::NotFound, Some(line)) => Refusal::cannot(format!(
            "the interpreter of {name} does not exist: its first line says `#!{line}`"
        )),
        (_, None) if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            Refusal::cannot(format!(
                "{name} is no program: put its interpreter into the first line, as in `#!/bin/sh`"
            ))
        }
        _ => Refusal::cannot(format!("cannot execute {name}: {error}")),
    }
}

/// What stands after `#!`.
fn interpreter(program: &Path) -> Option<String> {
    let mut start = Vec::new();
    File::open(program).ok()?.take(256).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|b| *b == b'\n').next()?;
    Some(String::from_utf8_lossy(line).trim_start().to_owned())
}

/// `agents/triage/run.sh` instead of the whole path, for files of the agent.
fn short(file: &Path, agent_dir: &Path) -> String {
    let project = agent_dir.parent().and_then(Path::parent);
    let shown = match project {
        Some(project) if file.starts_with(agent_dir) => file.strip_prefix(project).unwrap_or(file),
        _ => file,
    };
    shown.display().to_string()
}
