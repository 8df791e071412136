//! A scheduler of the real binary, and what can be seen of it from outside.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use tempfile::TempDir;

use crate::wire::{self, HANGS, Headers, Heard};

pub const SECRET: &str = "the secret of the sender";
pub const KEY: &str = "the-key-of-the-operator";

const CONFIG: &str = r#"
[gateway]
trustProxy = true

[webhooks.github]
type = "github"
"#;

/// Runs until somebody ends it, and leaves its token where the test finds it.
const AGENT: &str = r#"schedule = "0 0 1 1 *"
[[webhooks]]
source = "github"
[harness]
type = "script"
command = ["sh", "-c", 'echo "$SHUTDOWN_SECRET" > "$AL_AGENT_DIR/token"; exec sleep 600']
[runtime]
type = "process"
"#;

pub struct Target {
    dir: TempDir,
    child: Child,
    pub addr: SocketAddr,
}

/// As many open files as this process may have.
pub fn raise_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let _ = setrlimit(Resource::Nofile, raised);
}

/// How many connections this process may have.
pub fn connections() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files).unwrap_or(usize::MAX).saturating_sub(200)
}

impl Target {
    pub async fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("al-attack-").tempdir().unwrap();
        let (project, home) = (dir.path().join("project"), dir.path().join("home"));
        let agent = project.join("agents/one");
        fs::create_dir_all(&agent).unwrap();
        fs::write(project.join("config.toml"), CONFIG).unwrap();
        fs::write(agent.join("SKILL.md"), "---\ndescription: Waits\n---\nWait.\n").unwrap();
        fs::write(agent.join("config.toml"), AGENT).unwrap();
        put(&home.join("credentials/github_webhook_secret/default/secret"), SECRET);
        put(&home.join("credentials/gateway_api_key/default/key"), KEY);
        let out = File::create(dir.path().join("out.txt")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_al"))
            .args(["start", "-H", "--port", "0", "-p"])
            .arg(&project)
            .env("AL_HOME", &home)
            .env_remove("AL_ENV")
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        let addr = listening(&project.join(".al/gateway.json")).await;
        Self { dir, child, addr }
    }

    pub async fn ask(&self, method: &str, path: &str, headers: Headers<'_>, body: &str) -> Heard {
        wire::ask(self.addr, method, path, headers, body).await
    }

    /// With the operator's key.
    pub async fn order(&self, path: &str) -> Heard {
        let key = format!("Bearer {KEY}");
        self.ask("POST", path, &[("Authorization", &key)], "").await
    }

    /// Starts the agent's run; its id and its token.
    pub async fn run(&self) -> (String, String) {
        let heard = self.order("/control/trigger/one").await;
        let body = heard.text.split("\r\n\r\n").nth(1).unwrap_or_default();
        let answer: Value = serde_json::from_str(body).unwrap_or_default();
        let run = answer["instanceId"].as_str().unwrap_or_else(|| panic!("{heard:?}")).to_owned();
        let file = self.dir.path().join("project/agents/one/token");
        let token = until("a token", || {
            fs::read_to_string(&file).ok().filter(|token| token.contains(&run))
        })
        .await;
        (run, token.trim().to_owned())
    }

    /// Another key takes the place of the one before.
    pub fn write_key(&self, key: &str) {
        put(&self.dir.path().join("home/credentials/gateway_api_key/default/key"), key);
    }

    /// How long `/health` takes, once it answers.
    pub async fn until_healthy(&self) -> Duration {
        let since = Instant::now();
        loop {
            let began = Instant::now();
            if self.ask("GET", "/health", &[], "").await.status() == 200 {
                return began.elapsed();
            }
            assert!(since.elapsed() < HANGS, "the gateway does not recover");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn memory_mib(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most it ever had.
    pub fn peak_mib(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// Receipts of deliveries: what only somebody with the secret may leave behind.
    pub fn known(&self) -> i64 {
        self.count("kind = 'webhook' AND outcome <> 'refused'")
    }

    /// Rows that say how often something was refused.
    pub fn refusals(&self) -> i64 {
        self.count("kind = 'webhook' AND outcome = 'refused'")
    }

    fn count(&self, which: &str) -> i64 {
        let file = self.dir.path().join("project/.al").join(action_llama::store::FILE);
        let history = rusqlite::Connection::open(file).unwrap();
        let sql = format!("SELECT count(*) FROM receipts WHERE {which}");
        history.query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    /// What the scheduler says of bugs, in its log and on its terminal.
    pub fn complaints(&self) -> Vec<String> {
        let logs = fs::read_dir(self.dir.path().join("project/.al/logs")).unwrap();
        let logs = logs.map(|entry| entry.unwrap().path());
        let files: Vec<PathBuf> = logs.chain([self.dir.path().join("out.txt")]).collect();
        let texts = files.iter().filter_map(|file| fs::read_to_string(file).ok());
        let is_bug = |line: &&str| line.contains("panicked") || line.contains("because of a bug");
        texts
            .flat_map(|text| text.lines().filter(is_bug).map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // Asked once it lets its runs finish, asked again it ends them, so that none outlives it.
        let pid = rustix::process::Pid::from_child(&self.child);
        let since = Instant::now();
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            if since.elapsed() > HANGS {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}

/// A file of a secret as people write it.
fn put(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let beside = file.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(beside, file).unwrap();
}

async fn listening(file: &Path) -> SocketAddr {
    until("the gateway", || {
        let written: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
        written["url"].as_str()?.strip_prefix("http://")?.parse().ok()
    })
    .await
}

async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < HANGS, "there never was {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
