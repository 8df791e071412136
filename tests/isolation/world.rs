//! A project with an agent in a container and one that is a process, and the engine as others see it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use action_llama::ambient;
use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub const AL: &str = env!("CARGO_BIN_EXE_al");
/// The agent in a container.
pub const BOXED: &str = "isobox";
/// The agent that is a process.
pub const PLAIN: &str = "isoplain";
/// Nothing here takes as long unless it hangs.
const HANGS: Duration = Duration::from_secs(30);
/// Stands in the credential of both agents.
pub const SECRET: &str = "ghp_planted0000000000000000000000secret";

pub struct World {
    dir: TempDir,
    hosts: Vec<Child>,
}

impl World {
    /// None where there is to be no engine; says so.
    pub fn new() -> Option<Self> {
        if ambient::env("AL_TEST_NO_DOCKER").is_some() {
            eprintln!("SKIPPED: AL_TEST_NO_DOCKER is set, nothing is known of containers");
            return None;
        }
        let world = Self { dir: TempDir::new().unwrap(), hosts: Vec::new() };
        world.write("config.toml", "[local]\nimage = \"debian:bookworm-slim\"\n");
        world.agent(BOXED, "memory = \"256m\"\npids = 64\ncpus = 0.5\nnetwork = \"none\"\n");
        world.agent(PLAIN, "type = \"process\"\n");
        let token = world.home().join("credentials/github_token/default/token");
        fs::create_dir_all(token.parent().unwrap()).unwrap();
        fs::write(&token, SECRET).unwrap();
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
        world.image();
        Some(world)
    }

    fn agent(&self, name: &str, runtime: &str) {
        let skill = format!("---\nname: {name}\ndescription: Waits\n---\nWait.\n");
        self.write(&format!("agents/{name}/SKILL.md"), &skill);
        let config = format!(
            "every = \"24h\"\ncredentials = [\"github_token\"]\n[harness]\ntype = \"script\"\n\
             command = \"echo up; [ -n \\\"$BRIEF\\\" ] || sleep 300\"\n[runtime]\n{runtime}"
        );
        self.write(&format!("agents/{name}/config.toml"), &config);
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.project().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Builds the image, so that no test waits for it.
    fn image(&self) {
        self.said(&["build", "--offline"]);
    }

    pub fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// What this project's containers are labelled with.
    pub fn label(&self) -> String {
        let project = fs::canonicalize(self.project()).unwrap();
        format!("al.project={}", project.join(".al").display())
    }

    /// `al` in this project.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(AL);
        command.arg("-p").arg(self.project()).args(args);
        command.env("AL_HOME", self.home()).env("USER", "ada").env("COLUMNS", "80");
        command.env_remove("AL_ENV");
        command
    }

    pub fn al(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The output of a command that has to succeed.
    pub fn said(&self, args: &[&str]) -> String {
        let output = self.al(args);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {err}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Exit code and complaint of a command that fails.
    pub fn fails(&self, args: &[&str]) -> (i32, String) {
        let output = self.al(args);
        assert!(!output.status.success(), "{args:?} succeeds");
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    /// What lives, as `al ps` tells it.
    pub fn living(&self) -> Vec<Value> {
        let document: Value = serde_json::from_str(&self.said(&["ps", "--json"])).unwrap();
        document["running"].as_array().unwrap().clone()
    }

    /// Starts a run and waits until its program works; its id.
    pub fn start(&mut self, agent: &str) -> String {
        let mut run = self.command(&["run", agent]);
        run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.hosts.push(run.spawn().unwrap());
        await_some("the run", || {
            let rows = self.living();
            let row = rows.iter().find(|row| row["agent"] == agent && row["state"] == "running")?;
            let id = row["run"].as_str()?.to_owned();
            self.al(&["exec", &id, "--", "true"]).status.success().then_some(id)
        })
    }

    /// Ends the schedulers without a word. What they started goes on.
    pub fn kill_hosts(&mut self) {
        for mut host in self.hosts.drain(..) {
            let _ = host.kill();
            let _ = host.wait();
        }
    }

    /// Names of this project's containers.
    pub fn containers(&self) -> Vec<String> {
        let filter = format!("label={}", self.label());
        let names = docker(&["ps", "-a", "--filter", &filter, "--format", "{{.Names}}"]);
        names.lines().map(str::to_owned).collect()
    }

    /// A container that waits, with these labels.
    pub fn plant(&self, labels: &[&str]) -> Planted {
        let mut args = vec!["run", "-d", "--network", "none"];
        for label in labels {
            args.extend(["--label", label]);
        }
        // A container has the labels of its image too, and this one has none.
        args.extend(["debian:bookworm-slim", "sleep", "300"]);
        Planted(docker(&args).trim().to_owned())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill_hosts();
        // Their supervisors see it, and end.
        for name in self.containers() {
            let _ = Command::new("docker").args(["rm", "-f", &name]).output();
        }
        let runs = fs::read_dir(self.project().join(".al/runs")).into_iter().flatten().flatten();
        for run in runs {
            end(&run.path());
        }
    }
}

/// Ends the supervisors of a run's attempts.
fn end(run: &Path) {
    for attempt in fs::read_dir(run).into_iter().flatten().flatten() {
        let Ok(claim) = fs::read(attempt.path().join("claim")) else { continue };
        let Ok(claim) = serde_json::from_slice::<Value>(&claim) else { continue };
        let Some(pid) = claim["supervisor"]["pid"].as_u64() else { continue };
        let _ = Command::new("kill").arg(pid.to_string()).output();
        await_some("the end of a supervisor", || {
            let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            (!line.contains("__supervise")).then_some(())
        });
    }
}

/// A container of a test; it goes with this value.
pub struct Planted(pub String);

impl Planted {
    pub fn lives(&self) -> bool {
        let seen = Command::new("docker").args(["inspect", &self.0]).output().unwrap();
        seen.status.success()
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "-f", &self.0]).output();
    }
}

/// The engine's own command, which has to succeed.
pub fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).env("DOCKER_BUILDKIT", "0").output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {args:?}: {err}");
    String::from_utf8(output.stdout).unwrap()
}

/// Asks until there is an answer.
pub fn await_some<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + HANGS;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what}: it never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}
