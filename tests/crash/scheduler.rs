//! A scheduler of the real binary: `al start -H --port 0`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::http;
use crate::project::{Project, await_some, signal};

pub struct Scheduler {
    child: Child,
    pub url: String,
    out: PathBuf,
}

impl Project {
    /// Starts a scheduler and waits until it answers.
    pub fn start(&self) -> Scheduler {
        self.start_by(self.command(&["start", "-H", "--port", "0"]), |_| self.state_dir())
    }

    /// Starts one by another command; `state_dir` says where its `.al` is seen from here.
    pub fn start_by(&self, mut command: Command, state_dir: impl Fn(u32) -> PathBuf) -> Scheduler {
        let out = self.home().join("out.txt");
        let to = File::create(&out).unwrap();
        command.stdin(Stdio::null()).stdout(to.try_clone().unwrap()).stderr(to);
        let mut child = command.spawn().unwrap();
        let pid = child.id();
        let url = await_some("a scheduler that answers", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("{status}: {}", fs::read_to_string(&out).unwrap());
            }
            gateway(&state_dir(pid), pid).filter(|url| http::healthy(url))
        });
        Scheduler { child, url, out }
    }
}

/// What `gateway.json` says, when this process wrote it.
fn gateway(state_dir: &Path, pid: u32) -> Option<String> {
    let text = fs::read_to_string(state_dir.join("gateway.json")).ok()?;
    let written: Value = serde_json::from_str(&text).ok()?;
    (written["pid"] == pid).then(|| written["url"].as_str().unwrap().to_owned())
}

impl Scheduler {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Accepts a delivery for one agent; the run that came of it.
    pub fn accept(&self, project: &Project, id: &str) -> String {
        let (status, answer) = http::deliver(&self.url, id).unwrap();
        assert_eq!((status, &answer["matched"]), (200, &1.into()), "{answer}");
        let receipt = answer["receiptId"].clone();
        let run = project.runs().into_iter().find(|run| run["receipt"] == receipt);
        run.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Waits until it has printed this.
    pub fn says(&self, text: &str) {
        await_some(text, || fs::read_to_string(&self.out).unwrap().contains(text).then_some(()));
    }

    pub fn signal(&self, which: Signal) {
        signal(self.pid(), which);
    }

    /// The end that nobody prepares for.
    pub fn kill_9(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its end, which somebody else brought about.
    pub fn wait(mut self) -> ExitStatus {
        await_some("the scheduler's end", || self.child.try_wait().unwrap())
    }

    /// Ends it as a service manager does.
    pub fn end(self) {
        self.signal(Signal::TERM);
        let out = self.out.clone();
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "{}", fs::read_to_string(out).unwrap());
    }

    /// What it printed so far.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.out).unwrap()
    }
}

/// A failed test ends what it started.
impl Drop for Scheduler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
