//! A project in a temporary directory, with a home for credentials of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::http::SECRET;

/// The binary under test.
pub const AL: &str = env!("CARGO_BIN_EXE_al");
/// Nothing here takes this long unless it hangs.
const HANGS: Duration = Duration::from_secs(150);

/// Waits for the file `go` in the agent's folder.
pub const AWAIT_GO: &str = r#"until [ -e "$AL_AGENT_DIR/go" ]; do sleep 0.01; done"#;

pub struct Project {
    dir: TempDir,
}

impl Project {
    /// `config` is added to a `config.toml` that knows a source of signed deliveries.
    pub fn new(config: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("al-crash-").tempdir().unwrap();
        let project = Self { dir };
        fs::create_dir_all(project.dir()).unwrap();
        let source = "[webhooks.github]\ntype = \"github\"\ncredential = \"test\"\n";
        fs::write(project.dir().join("config.toml"), format!("{config}\n{source}")).unwrap();
        let secret = project.home().join("credentials/github_webhook_secret/test/secret");
        fs::create_dir_all(secret.parent().unwrap()).unwrap();
        fs::write(&secret, SECRET).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        project
    }

    /// An agent that runs `script` at every delivery; `config` goes to the top of its settings.
    pub fn agent(self, name: &str, config: &str, script: &str) -> Self {
        let text = format!(
            "{config}\n[[webhooks]]\nsource = \"github\"\nevents = [\"issues\"]\n\
             [harness]\ntype = \"script\"\ncommand = [\"run.sh\"]\n\
             [runtime]\ntype = \"process\"\n"
        );
        let dir = self.agent_dir(name);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("config.toml"), text).unwrap();
        fs::write(dir.join("SKILL.md"), "---\ndescription: Tries its luck\n---\nDo it.\n").unwrap();
        self.script(name, 0o755, script.as_bytes());
        self
    }

    /// Writes an agent's `run.sh`.
    pub fn script(&self, agent: &str, mode: u32, script: &[u8]) {
        let path = self.agent_dir(agent).join("run.sh");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn dir(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub fn state_dir(&self) -> PathBuf {
        self.dir().join(".al")
    }

    pub fn agent_dir(&self, name: &str) -> PathBuf {
        self.dir().join("agents").join(name)
    }

    /// Lets scripts that wait go on.
    pub fn go(&self, agent: &str) {
        fs::write(self.agent_dir(agent).join("go"), "").unwrap();
    }

    /// A file that a script leaves in its agent's folder, once it holds a whole line.
    pub fn left_by(&self, agent: &str, file: &str) -> String {
        let path = self.agent_dir(agent).join(file);
        await_some(file, || fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n')))
    }

    /// `al` in this project.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(AL);
        command
            .args(args)
            .arg("-p")
            .arg(self.dir())
            .env("AL_HOME", self.home())
            .env_remove("AL_ENV");
        command.env("NO_COLOR", "1").env("USER", "ada");
        command
    }

    pub fn al(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What a command that has to succeed prints as JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        read_json(self.command(args))
    }

    /// All runs, oldest first.
    pub fn runs(&self) -> Vec<Value> {
        rows(self.json(&["runs", "--json", "-n", "10000"]), "runs")
    }

    /// All receipts, oldest first.
    pub fn triggers(&self) -> Vec<Value> {
        rows(self.json(&["triggers", "--json", "-n", "10000"]), "triggers")
    }

    pub fn run(&self, id: &str) -> Option<Value> {
        self.runs().into_iter().find(|run| run["id"] == id)
    }

    /// The run, once it is in this state.
    pub fn await_state(&self, id: &str, state: &str) -> Value {
        await_some(&format!("{id} {state}"), || {
            let run = self.run(id)?;
            let ended = !run["ended_ms"].is_null();
            assert!(run["state"] == state || !ended, "it ended otherwise: {run}");
            (run["state"] == state).then_some(run)
        })
    }

    /// The run, once it has ended.
    pub fn await_end(&self, id: &str) -> Value {
        await_some(&format!("the end of {id}"), || {
            self.run(id).filter(|run| !run["ended_ms"].is_null())
        })
    }

    /// Records of an agent's log.
    pub fn log(&self, agent: &str) -> Vec<Value> {
        let dir = fs::read_dir(self.state_dir().join("logs"));
        let mut files: Vec<PathBuf> =
            dir.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.file_name().unwrap().to_string_lossy().starts_with(agent));
        files.sort();
        let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What the agent's programs wrote.
    pub fn output(&self, agent: &str) -> Vec<String> {
        let log = self.log(agent);
        let written = log.iter().filter(|record| record.get("stream").is_some());
        written.map(|record| record["msg"].as_str().unwrap().to_owned()).collect()
    }

    /// The database, to look into it or to prepare it while no scheduler runs.
    pub fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.state_dir().join("al.db")).unwrap()
    }

    /// What people see, without what is different every time.
    pub fn said(&self, output: &Output) -> String {
        let text = [&output.stdout[..], &output.stderr[..]].concat();
        let text = String::from_utf8(text).unwrap();
        let text = text.replace(&self.dir().display().to_string(), "<project>");
        format!("{text}exit code {}", output.status.code().unwrap())
    }

    /// Processes that were started for this project and live.
    pub fn processes(&self) -> Vec<u32> {
        let mark = self.dir.path().to_str().unwrap();
        let pids = fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let of_ours = |pid: &u32| {
            *pid != std::process::id()
                && lives(*pid)
                && ["environ", "cmdline"].iter().any(|what| {
                    let text = fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
                    memchr::memmem::find(&text, mark.as_bytes()).is_some()
                })
        };
        pids.filter(of_ours).collect()
    }
}

/// No test leaves a process behind; one that fails leaves none either.
impl Drop for Project {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for _ in 0..3 {
                self.processes().into_iter().for_each(kill_9);
            }
            return;
        }
        until("no process is left", || self.processes().is_empty());
    }
}

pub fn read_json(mut command: Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

pub fn rows(mut document: Value, name: &str) -> Vec<Value> {
    let Value::Array(mut rows) = document[name].take() else { panic!("no {name}: {document}") };
    rows.reverse();
    rows
}

/// Looks until there is something to see.
pub fn await_some<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + HANGS;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < give_up, "this hangs: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    await_some(what, || condition().then_some(()));
}

/// A process that exists and has not ended.
pub fn lives(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with(['Z', 'X']))
}

pub fn kill_9(pid: u32) {
    signal(pid, rustix::process::Signal::KILL);
}

/// A process that has just ended needs no signal.
pub fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    let _ = rustix::process::kill_process(pid, signal);
}
