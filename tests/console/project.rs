//! A project made for one test: agents that are shell scripts, held at gates that the test opens.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use sha2::Sha256;
use tempfile::TempDir;

use crate::tmux::Terminal;

/// The binary under test.
const AL: &str = env!("CARGO_BIN_EXE_al");
const SECRET: &str = "walk-with-me";
const HANGS: Duration = Duration::from_secs(30);

/// Runs until the test opens its gate, or is over and the project gone.
pub const DEPLOY: &str = r#"
echo "step 1 of 3: fetch"
echo "step 2 of 3: build"
al-status "built, waits for the gate" >/dev/null
until [ -e "$AL_AGENT_DIR/gate" ] || [ ! -e "$AL_AGENT_DIR/run.sh" ]; do sleep 0.05; done
echo "step 3 of 3: ship"
al-return '{"shipped": true}' >/dev/null
"#;
/// Says something all the time.
const CHATTER: &str = r#"
n=0
until [ -e "$AL_AGENT_DIR/gate" ] || [ ! -e "$AL_AGENT_DIR/run.sh" ]; do
  n=$((n + 1))
  echo "line $n of many"
  sleep 0.02
done
"#;
const BROKEN: &str = r#"
echo "looking for the map"
echo "there is no map" >&2
exit 3
"#;

pub struct Project {
    dir: TempDir,
}

impl Project {
    /// Three agents that only start when something asks for it.
    pub fn new() -> Self {
        let project = Self::bare("scale = 4\n");
        project.agent("broken", &on("release"), BROKEN);
        project.agent("chatter", &on("push"), CHATTER);
        project.agent("deploy", &on("issues"), DEPLOY);
        project
    }

    /// No agents, but where GitHub's events go.
    pub fn bare(config: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("al-").tempdir().unwrap();
        let project = Self { dir };
        let secret = project.home().join("credentials/github_webhook_secret/walk/secret");
        fs::create_dir_all(secret.parent().unwrap()).unwrap();
        fs::write(&secret, SECRET).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let config =
            format!("{config}[webhooks.github]\ntype = \"github\"\ncredential = \"walk\"\n");
        fs::create_dir(project.path()).unwrap();
        fs::write(project.path().join("config.toml"), config).unwrap();
        project
    }

    /// Adds an agent: what starts it, and its script.
    pub fn agent(&self, name: &str, starts: &str, script: &str) {
        let dir = self.path().join("agents").join(name);
        fs::create_dir_all(&dir).unwrap();
        fs::write(
            dir.join("SKILL.md"),
            format!("---\nname: {name}\ndescription: For the walk\n---\n"),
        )
        .unwrap();
        let how =
            "[harness]\ntype = \"script\"\ncommand = [\"run.sh\"]\n[runtime]\ntype = \"process\"\n";
        fs::write(dir.join("config.toml"), format!("{starts}\n{how}")).unwrap();
        fs::write(dir.join("run.sh"), format!("#!/bin/sh{script}")).unwrap();
        fs::set_permissions(dir.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("walk")
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// An environment of this machine, with a key of its own or without.
    pub fn environment(&self, name: &str, url: &str, key: Option<&str>) {
        let file = self.home().join(format!("environments/{name}.toml"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("[gateway]\nurl = \"{url}\"\n")).unwrap();
        if let Some(key) = key {
            let file = self.home().join(format!("credentials/gateway_api_key/{name}/key"));
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, key).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    /// An environment that does not say where its scheduler is.
    pub fn bare_environment(&self, name: &str) {
        self.environment(name, "", None);
        fs::write(self.home().join(format!("environments/{name}.toml")), "").unwrap();
    }

    /// The key of this machine's gateways.
    pub fn key(&self) -> String {
        fs::read_to_string(self.home().join("credentials/gateway_api_key/default/key")).unwrap()
    }

    /// `al start` in a terminal, and a shell after it.
    pub fn start(&self, size: (u16, u16)) -> Terminal {
        self.start_with(size, "")
    }

    /// The same with variables set: `NO_COLOR=1`.
    pub fn start_with(&self, size: (u16, u16), variables: &str) -> Terminal {
        let terminal = self.terminal(size, variables, "start --port 0");
        terminal.shows("[1 Agents]");
        terminal.shows("gateway http");
        self.await_gateway();
        terminal
    }

    /// `al` with some words in a terminal, and a shell after it that says how it ended.
    pub fn terminal(&self, size: (u16, u16), variables: &str, words: &str) -> Terminal {
        let line = self.line(variables, words);
        let line = format!("{line}; echo \"al ended with $?\"; PS1='$ ' exec sh");
        Terminal::open(self.dir.path(), size, &line)
    }

    /// Waits until the gateway takes deliveries.
    #[track_caller]
    pub fn await_gateway(&self) {
        let until = Instant::now() + HANGS;
        while self.gateway_file().is_none() {
            assert!(Instant::now() < until, "no gateway");
            sleep(Duration::from_millis(10));
        }
    }

    /// The line for a shell that runs `al` with some words on this project.
    pub fn line(&self, variables: &str, words: &str) -> String {
        let project = self.path();
        let (home, project) = (self.home(), project.to_str().unwrap());
        let home = home.display();
        format!(
            "env -C '{project}' -u NO_COLOR -u COLORTERM -u AL_LOG -u AL_THEME HOME='{home}' AL_HOME='{home}' \
             USER=ada TZ=UTC {variables} '{AL}' {words}"
        )
    }

    /// A shell with job control, as people have it.
    pub fn shell(&self, size: (u16, u16)) -> Terminal {
        Terminal::open(self.dir.path(), size, "PS1='$ ' exec sh -i")
    }

    /// Runs `al` beside the console.
    pub fn al(&self, words: &[&str]) -> Output {
        let mut command = Command::new(AL);
        command.args(words).arg("-p").arg(self.path()).env("NO_COLOR", "1").env("USER", "bob");
        command.env("AL_HOME", self.home()).env("HOME", self.home()).output().unwrap()
    }

    pub fn open_gate(&self, agent: &str) {
        fs::write(self.gate(agent), "").unwrap();
    }

    pub fn close_gate(&self, agent: &str) {
        fs::remove_file(self.gate(agent)).unwrap();
    }

    fn gate(&self, agent: &str) -> PathBuf {
        self.path().join("agents").join(agent).join("gate")
    }

    /// The process of the running scheduler.
    pub fn pid(&self) -> Pid {
        self.pid_if_running().expect("a scheduler runs")
    }

    pub fn pid_if_running(&self) -> Option<Pid> {
        let pid = self.gateway_file()?["pid"].as_i64()?;
        Pid::from_raw(i32::try_from(pid).ok()?)
    }

    /// Where its gateway listens.
    pub fn port(&self) -> u16 {
        let url = self.gateway_file().unwrap()["url"].as_str().unwrap().to_owned();
        url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Removes the file that a killed scheduler leaves behind. One that had time to end did it itself.
    pub fn forget_gateway(&self) {
        let removed = fs::remove_file(self.path().join(".al/gateway.json"));
        assert!(removed.is_ok() || self.gateway_file().is_none(), "{removed:?}");
    }

    fn gateway_file(&self) -> Option<serde_json::Value> {
        let text = fs::read_to_string(self.path().join(".al/gateway.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits until a process is gone.
    #[track_caller]
    pub fn await_end(pid: Pid) {
        let until = Instant::now() + HANGS;
        while test_kill_process(pid).is_ok() {
            assert!(Instant::now() < until, "{pid:?} still runs");
            sleep(Duration::from_millis(10));
        }
    }

    /// Sends an opened issue as GitHub would, signed, and expects it to be taken.
    #[track_caller]
    pub fn deliver(&self, number: u32) {
        let body = format!(
            r#"{{"action":"opened","issue":{{"number":{number},"title":"Ship it"}},"repository":{{"full_name":"acme/rocket"}},"sender":{{"login":"ada"}}}}"#
        );
        let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        let digest = hex::encode(mac.chain_update(&body).finalize().into_bytes());
        let more = format!(
            "X-GitHub-Event: issues\r\nX-GitHub-Delivery: walk-{number}\r\n\
             X-Hub-Signature-256: sha256={digest}\r\n"
        );
        self.post("/webhooks/github", &more, &body);
    }

    /// Starts a run of an agent, as another program would.
    #[track_caller]
    pub fn begin(&self, agent: &str) {
        let key = format!("Authorization: Bearer {}\r\n", self.key().trim());
        self.post(&format!("/control/trigger/{agent}"), &key, "{}");
    }

    #[track_caller]
    fn post(&self, path: &str, headers: &str, body: &str) {
        let url = self.gateway_file().unwrap()["url"].as_str().unwrap().to_owned();
        let mut gateway = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        write!(
            gateway,
            "POST {path} HTTP/1.1\r\nHost: al\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len(),
        )
        .unwrap();
        let mut answer = String::new();
        gateway.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
}

impl Drop for Project {
    /// Ends the scheduler when the test left it running, and with the agents' folder its runs.
    fn drop(&mut self) {
        if let Some(pid) = self.pid_if_running() {
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = fs::remove_dir_all(self.path().join("agents"));
        let until = Instant::now() + HANGS;
        while in_use(self.dir.path()) && Instant::now() < until {
            sleep(Duration::from_millis(10));
        }
    }
}

/// Does a process work in this folder, or hold a file of it open?
fn in_use(path: &Path) -> bool {
    let below = |link: PathBuf| fs::read_link(link).is_ok_and(|target| target.starts_with(path));
    let entries = |dir: PathBuf| fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    entries("/proc".into()).map(|process| process.path()).any(|process| {
        below(process.join("cwd")) || entries(process.join("fd")).any(|file| below(file.path()))
    })
}

/// What starts an agent: a GitHub event.
pub fn on(event: &str) -> String {
    format!("[[webhooks]]\nsource = \"github\"\nevents = [\"{event}\"]")
}
