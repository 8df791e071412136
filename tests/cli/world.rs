//! A project in a folder of its own, a home beside it, and what a call of `al` shows.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;

use action_llama::ambient;
use action_llama::scheduler::model::ReceiptOutcome;
use action_llama::scheduler::{Decision, Millis, Receipt, Run, Trigger, TriggerKind, Why};
use action_llama::store::{Lock, Store};
use tempfile::TempDir;

pub struct World {
    root: TempDir,
}

/// A project that uses every kind of setting; its next firing is far enough away to be the same
/// whenever the tests run.
pub const SHOP: &[(&str, &str)] = &[
    (
        "config.toml",
        r#"projectName = "shop"
scale = 3
maxReruns = 4

[models.sonnet]
provider = "anthropic"
model = "claude-sonnet-4-20250514"
thinkingLevel = "medium"
authType = "api_key"

[webhooks.github]
type = "github"
credential = "shop"

[telemetry]
enabled = true
provider = "otel"
headers = { authorization = "planted-secret" }
"#,
    ),
    (
        "agents/dev/SKILL.md",
        "---\nname: dev\ndescription: Fixes what is labelled\nlicense: MIT\n---\nFix it.\n",
    ),
    (
        "agents/dev/config.toml",
        r#"models = ["sonnet"]
credentials = ["github_token", "slack_bot_token:team"]
schedule = "0 0 12 1 1 * 2095"
timezone = "UTC"
scale = 2
timeout = 5400
maxWorkQueueSize = 7
overlap = "queue"
priority = "high"
lane = "{repo}#{number}"
keep = "latest"
retry = { attempts = 3, backoff = "90s", on = ["lost", "error"] }

[[webhooks]]
source = "github"
events = ["issues"]
labels = ["bug", "p1"]

[hooks]
pre = ["git fetch"]
post = ["git push"]

[params]
repo = "acme/shop"
depth = 3

[runtime]
type = "host-user"
run_as = "builder"
groups = ["docker"]
"#,
    ),
    ("agents/odd/SKILL.md", "Does odd jobs.\n"),
    (
        "agents/odd/config.toml",
        "scale = 0\n[harness]\ntype = \"script\"\ncommand = \"echo hi\"\n[runtime]\ntype = \"process\"\n",
    ),
    ("agents/reviewer-of-everything-that-comes-in-from-outside/SKILL.md", "Reviews.\n"),
    (
        "agents/reviewer-of-everything-that-comes-in-from-outside/config.toml",
        "models = [\"sonnet\"]\n[[webhooks]]\nsource = \"github\"\nevents = [\"pull_request\"]\n",
    ),
];

impl World {
    /// A project of these files, and a home without anything.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let world = Self { root: TempDir::new().unwrap() };
        fs::create_dir_all(world.project()).unwrap();
        fs::create_dir_all(world.root.path().join("home")).unwrap();
        for (path, text) in files {
            let file = world.project().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        world
    }

    pub fn shop() -> Self {
        Self::new(SHOP)
    }

    pub fn project(&self) -> PathBuf {
        self.root.path().join("project")
    }

    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    fn al_home(&self) -> PathBuf {
        self.root.path().join("home/.action-llama")
    }

    /// The file of an environment.
    pub fn environment(&self, name: &str) -> PathBuf {
        self.al_home().join(format!("environments/{name}.toml"))
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_al"));
        command
            .args(args)
            .current_dir(self.project())
            .env_clear()
            .env("HOME", self.root.path().join("home"))
            .env("AL_HOME", self.al_home())
            // What is seen does not depend on the engine of this machine.
            .env("DOCKER_HOST", "unix://../home/docker.sock")
            .env("USER", "ann")
            .stdin(Stdio::null());
        command
    }

    pub fn al(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// `al` for whom modes of files count, as they do not for root.
    pub fn al_under_modes(&self, args: &[&str]) -> Output {
        if !rustix::process::geteuid().is_root() {
            return self.al(args);
        }
        let plain = self.command(args);
        let mut command = Command::new("setpriv");
        command.arg("--bounding-set=-dac_override,-dac_read_search");
        command.arg(plain.get_program()).args(plain.get_args()).current_dir(self.project());
        command.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// What `al` says in a project whose folders take no new files.
    pub fn al_read_only(&self, folders: &[&str], args: &[&str]) -> Output {
        let set = |mode| {
            let places = folders.iter().map(|folder| self.project().join(folder));
            places.for_each(|at| fs::set_permissions(at, Permissions::from_mode(mode)).unwrap());
        };
        set(0o555);
        let output = self.al_under_modes(args);
        set(0o755);
        output
    }

    /// Exit code, stdout and stderr, without what differs between machines and moments.
    pub fn shown(&self, args: &[&str]) -> String {
        let output = self.al(args);
        let mut text = format!("exit code {}\n", output.status.code().unwrap());
        for (name, bytes) in [("stdout", output.stdout), ("stderr", output.stderr)] {
            if !bytes.is_empty() {
                text.push_str(&format!("--- {name}\n{}", String::from_utf8(bytes).unwrap()));
            }
        }
        self.steady(&text)
    }

    /// Exit code, and what is said on stdout and then on stderr.
    pub fn said(&self, args: &[&str]) -> (i32, String) {
        let output = self.al(args);
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }

    /// That a command ends with this code and says these words.
    #[track_caller]
    pub fn check(&self, args: &[&str], code: i32, words: &[&str]) {
        let (ended, said) = self.said(args);
        assert_eq!(ended, code, "{args:?}: {said}");
        for word in words {
            assert!(said.contains(word), "{word:?} is not in:\n{said}");
        }
    }

    /// The text of a file of the project.
    #[track_caller]
    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.project().join(file)).unwrap()
    }

    /// The JSON document that a command prints, indented.
    pub fn json(&self, args: &[&str]) -> String {
        let output = self.al(args);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        self.steady(&serde_json::to_string_pretty(&value).unwrap())
    }

    pub fn steady(&self, text: &str) -> String {
        let text = text.replace(&self.project().display().to_string(), "[project]");
        let days = regex::Regex::new(r"\b2\d{4}d\b").unwrap();
        let instants = regex::Regex::new(r"\b(1[789]\d{11})\b").unwrap();
        let text = days.replace_all(&text, "[days]");
        instants.replace_all(&text, "[ms]").into_owned()
    }

    /// The API key in the store of credentials.
    pub fn key(&self, key: &str) {
        self.credential("gateway_api_key/default/key", key, 0o600);
    }

    /// A field in the store of credentials: `type/instance/field`.
    pub fn credential(&self, path: &str, value: &str, mode: u32) {
        let file = self.al_home().join("credentials").join(path);
        // A store that others can look into would be told of.
        DirBuilder::new().recursive(true).mode(0o700).create(file.parent().unwrap()).unwrap();
        write(&file, value);
        fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
    }

    /// A history that these decisions made.
    pub fn history(&self, decisions: &[Decision]) {
        let dir = self.project().join(".al");
        fs::create_dir_all(&dir).unwrap();
        let store = Store::open(&dir).unwrap();
        store.begin().unwrap();
        decisions.iter().for_each(|decision| store.apply(decision).unwrap());
        store.commit().unwrap();
        store.close();
    }
}

/// Milliseconds since the epoch, this long before this test first asked: spans between two such
/// instants are exact.
pub fn ago_s(s: i64) -> Millis {
    static NOW: std::sync::LazyLock<Millis> = std::sync::LazyLock::new(ambient::now_ms);
    *NOW - s * 1000
}

pub fn trigger(kind: TriggerKind, source: &str, summary: &str) -> Trigger {
    Trigger { kind, source: source.to_owned(), summary: summary.to_owned() }
}

/// A run that was accepted `queued_s` ago.
pub fn enqueue(seq: u32, id: &str, trigger: Trigger, queued_s: i64) -> Decision {
    let agent = id.rsplit_once('-').unwrap().0;
    let run = Run {
        why: Why::AgentBusy { running: 2, scale: 2 },
        receipt: format!("receipt-{seq}"),
        ..Run::accepted(seq, id.to_owned(), agent, trigger, ago_s(queued_s))
    };
    Decision::Enqueue { run: Box::new(run), payload: "{}".into() }
}

pub fn start(id: &str, started_s: i64) -> [Decision; 2] {
    let run = || id.to_owned();
    let at = ago_s(started_s);
    [Decision::Start { run: run(), attempt: 1, at }, Decision::Running { run: run(), at }]
}

pub fn receipt(id: &str, at_s: i64, trigger: Trigger, outcome: ReceiptOutcome) -> Receipt {
    Receipt::new(id.to_owned(), ago_s(at_s), trigger, outcome)
}

/// Something that owns the project and answers like a gateway.
pub struct Gateway {
    /// Where it listens.
    pub url: String,
    _lock: Lock,
    asked: mpsc::Receiver<String>,
}

impl Gateway {
    /// Answers every request with this status and body.
    pub fn answering(world: &World, status: u16, body: &str) -> Self {
        let dir = world.project().join(".al");
        fs::create_dir_all(&dir).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let lock = Lock::take(&dir, 4242).unwrap().unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let file = serde_json::json!({"url": url, "pid": 4242}).to_string();
        fs::write(dir.join("gateway.json"), file).unwrap();
        let answer = format!(
            "HTTP/1.1 {status} Word\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let (tell, asked) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                tell.send(read_request(&mut stream)).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { url, _lock: lock, asked }
    }

    /// What was asked so far: request line, headers that matter, body.
    pub fn asked(&self) -> Vec<String> {
        self.asked.try_iter().collect()
    }
}

fn read_request(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let mut block = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let header = |name: &str| {
                head.lines()
                    .find_map(|l| l.strip_prefix(name))
                    .unwrap_or_default()
                    .trim()
                    .to_owned()
            };
            if body.len() >= header("content-length:").parse().unwrap_or(0) {
                let line = head.lines().next().unwrap();
                let (key, by) = (header("authorization:"), header("x-al-by:"));
                return format!("{line} | {key} | {by} | {body}");
            }
        }
        match stream.read(&mut block).unwrap() {
            0 => return text,
            n => bytes.extend_from_slice(&block[..n]),
        }
    }
}

/// Where nobody listens.
pub fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What a command says that gets this on stdin.
pub fn fed(command: &mut Command, text: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who refuses before it reads may be gone by now.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    child.wait_with_output().unwrap()
}

/// Names of what is in a folder, hidden ones too.
pub fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

pub fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
