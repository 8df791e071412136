//! A project with as many agents as wanted, and a scheduler of the real binary.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::http;

pub const AL: &str = env!("CARGO_BIN_EXE_al");

pub struct Project {
    dir: TempDir,
}

impl Project {
    /// Agents take deliveries; their program is `command`, as TOML.
    pub fn new(agents: usize, command: &str) -> Self {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let project = Self { dir };
        fs::create_dir(project.dir()).unwrap();
        fs::write(
            project.dir().join("config.toml"),
            "[webhooks.github]\ntype = \"github\"\ncredential = \"test\"\n",
        )
        .unwrap();
        let secret = project.home().join("credentials/github_webhook_secret/test/secret");
        fs::create_dir_all(secret.parent().unwrap()).unwrap();
        fs::write(&secret, http::SECRET).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        for n in 0..agents {
            let agent = project.dir().join(format!("agents/agent-{n}"));
            fs::create_dir_all(&agent).unwrap();
            let config = format!(
                "schedule = \"0 0 1 1 *\"\n[[webhooks]]\nsource = \"github\"\n\
                 events = [\"issues\"]\n[harness]\ntype = \"script\"\ncommand = {command}\n\
                 [runtime]\ntype = \"process\"\n"
            );
            fs::write(agent.join("config.toml"), config).unwrap();
            let skill = format!("---\nname: agent-{n}\ndescription: Waits\n---\n\nWait.\n");
            fs::write(agent.join("SKILL.md"), skill).unwrap();
        }
        project
    }

    pub fn dir(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub fn al(&self, args: &[&str]) -> Command {
        let mut command = Command::new(AL);
        command.args(args).arg("-p").arg(self.dir()).env("AL_HOME", self.home());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// `key=value` for whoever starts `al` in another way.
    pub fn home_variable(&self) -> (String, PathBuf) {
        ("AL_HOME".to_owned(), self.home())
    }

    pub fn start(&self) -> Scheduler {
        let mut child = self.al(&["start", "-H", "--port", "0"]).spawn().unwrap();
        let url = self.answering(child.id(), || child.try_wait().unwrap().is_some());
        Scheduler { child, url }
    }

    /// The address of a scheduler, once it answers.
    pub fn answering(&self, pid: u32, mut ended: impl FnMut() -> bool) -> String {
        let file = self.dir().join(".al/gateway.json");
        loop {
            if let Some(url) = gateway(&file, pid).filter(|url| http::healthy(url)) {
                return url;
            }
            assert!(!ended(), "the scheduler ended");
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

fn gateway(file: &Path, pid: u32) -> Option<String> {
    let written: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
    (written["pid"] == pid).then(|| written["url"].as_str().unwrap().to_owned())
}

pub struct Scheduler {
    child: Child,
    pub url: String,
}

impl Scheduler {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}
