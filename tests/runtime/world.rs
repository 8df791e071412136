//! A project in a temporary directory and what a scheduler would do with it.

use std::fs;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use action_llama::project::ScriptCommand;
use action_llama::runtime::{Attempt, Exit, ExitWhy, Handle, Process, Runtime, Spec};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The binary under test.
pub const AL: &str = env!("CARGO_BIN_EXE_al");
/// Nothing here takes this long unless it hangs.
const HANGS: Duration = Duration::from_secs(120);

pub struct World {
    dir: TempDir,
    pub runtime: Process,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("agents/a")).unwrap();
        let al = dir.path().join(".al");
        let runtime = Process::new(&al, &al.join("logs"), AL.into(), &[]).unwrap();
        Self { dir, runtime }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn logs_dir(&self) -> PathBuf {
        self.path().join(".al/logs")
    }

    /// A file in the agent's folder.
    pub fn file(&self, name: &str, mode: u32, text: &str) -> PathBuf {
        let path = self.path().join("agents/a").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// The first attempt of run `a-1`.
    pub fn spec(&self, command: ScriptCommand) -> Spec {
        Spec {
            run: "a-1".to_owned(),
            attempt: 1,
            agent: "a".to_owned(),
            place: action_llama::runtime::Place::Process,
            adopt: false,
            agent_dir: self.path().join("agents/a"),
            command,
            env: vec![],
            files: vec![],
            trigger: json!({"type": "manual"}),
            input: None,
            params: json!({}),
            timeout_s: 100,
            secrets: vec![],
            gateway: None,
        }
    }

    pub fn line(&self, line: &str) -> Spec {
        self.spec(ScriptCommand::Line(line.to_owned()))
    }

    pub fn attempt(&self) -> Attempt {
        self.runtime.attempt("a-1", 1).unwrap()
    }

    /// Starts it and waits for its end.
    pub async fn run(&self, spec: Spec) -> Exit {
        let handle = self.runtime.start(spec).await.unwrap();
        self.wait(&handle).await
    }

    pub async fn wait(&self, handle: &Handle) -> Exit {
        soon(self.runtime.wait(handle)).await.unwrap()
    }

    /// A file of the working directory, once it is there and holds a line.
    pub async fn await_work_file(&self, name: &str) -> String {
        let path = self.attempt().work().join(name);
        await_some(|| fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n'))).await
    }

    /// The agent's log.
    pub fn log(&self) -> Vec<Value> {
        let mut files: Vec<PathBuf> = fs::read_dir(self.logs_dir())
            .map(|dir| dir.map(|entry| entry.unwrap().path()).collect())
            .unwrap_or_default();
        files.sort();
        let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Messages of the agent's log, without times.
    pub fn messages(&self) -> Vec<String> {
        self.log().iter().map(|record| without_times(record["msg"].as_str().unwrap())).collect()
    }

    /// What the program itself wrote.
    pub fn output(&self) -> Vec<String> {
        self.texts(|stream| stream.is_some())
    }

    /// What it wrote to stdout; shells have something to say about signals on stderr.
    pub fn stdout(&self) -> Vec<String> {
        self.texts(|stream| stream.is_some_and(|stream| stream == "stdout"))
    }

    fn texts(&self, wanted: impl Fn(Option<&Value>) -> bool) -> Vec<String> {
        self.log()
            .iter()
            .filter(|record| wanted(record.get("stream")))
            .map(|record| record["msg"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// `in 1.2s` is different every time.
fn without_times(msg: &str) -> String {
    msg.split(' ')
        .map(|word| {
            let is_time = word
                .strip_suffix('s')
                .and_then(|n| n.split_once('.'))
                .is_some_and(|(a, b)| a.parse::<u32>().is_ok() && b.parse::<u32>().is_ok());
            if is_time { "<time>" } else { word }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// An exit to compare with: the program ended by itself and left nothing.
pub fn exited(code: i32) -> Exit {
    Exit {
        code: Some(code),
        signal: None,
        why: ExitWhy::Exited,
        started_ms: 0,
        ended_ms: 0,
        return_value: None,
        rerun: false,
        exit_signal: None,
        status: None,
        spent: None,
        lines: 0,
        dropped_lines: 0,
    }
}

/// The same without its times, which must make sense.
pub fn timeless(exit: Exit) -> Exit {
    assert!(exit.started_ms > 1_600_000_000_000, "{exit:?}");
    assert!(exit.started_ms <= exit.ended_ms, "{exit:?}");
    Exit { started_ms: 0, ended_ms: 0, ..exit }
}

/// Fails instead of hanging.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANGS, what).await.expect("this hangs")
}

/// Looks until there is something to see.
pub async fn await_some<T>(mut look: impl FnMut() -> Option<T>) -> T {
    soon(async {
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

pub async fn until(mut condition: impl FnMut() -> bool) {
    await_some(|| condition().then_some(())).await;
}

/// A process that exists and has not ended.
pub fn lives(pid: u32) -> bool {
    state(pid).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// A process that was told to stand still.
pub fn is_stopped(pid: u32) -> bool {
    state(pid) == Some('T')
}

/// The letter in `/proc/<pid>/stat`.
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ").unwrap().1.chars().next()
}

pub fn kill_9(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}
