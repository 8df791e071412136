//! The fleet of the recording at a real scheduler: its agents are scripts that say what the
//! recording says, and then wait for the test.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::project::{Project, on};
use crate::replay::FLEET;
use crate::tmux::Terminal;

const HANGS: Duration = Duration::from_secs(30);
/// The run whose records every run of `dev` writes.
const TOLD: &str = "dev-1a2b3c4d";

/// Says what stands in `log`, then works until it is let go.
const DEV: &str = r#"
rlock "repo://acme/api/$AL_INSTANCE_ID" >/dev/null
cat "$AL_AGENT_DIR/log"
al-status "opening pull request" >/dev/null
until [ -e "$AL_AGENT_DIR/gate-$AL_INSTANCE_ID" ] || [ ! -e "$AL_AGENT_DIR/run.sh" ]; do sleep 0.1; done
"#;
const REVIEWER: &str = r#"
al-status "reading the change" >/dev/null
al-ask "May I push to main?" yes no
"#;
const RELEASE: &str = r#"
echo "building 3 of 14 targets"
echo "target 9: the linker was killed" >&2
exit 3
"#;
/// Fifty records a second.
const ONCALL: &str = r#"
n=0
until [ ! -e "$AL_AGENT_DIR/run.sh" ]; do
  n=$((n + 1))
  echo "line $n of many"
  sleep 0.02
done
"#;
/// As many records as it is told to, as fast as it can.
const FLOOD: &str = r#"
seq -f "line %.0f of the flood" 1 100000
until [ ! -e "$AL_AGENT_DIR/run.sh" ]; do sleep 0.1; done
"#;
const NOTHING: &str = "\n:\n";

pub struct Live {
    /// The scheduler's terminal, where the console is attached to it. It goes first: its socket is
    /// in the project's folder.
    host: Option<Terminal>,
    pub project: Project,
}

impl Live {
    /// The fleet, at work.
    pub fn fleet(attached: bool) -> Self {
        let project = Project::bare("projectName = \"acme-bots\"\nscale = 8\n");
        let webhook = |event: &str, scale: u32| format!("scale = {scale}\n{}", on(event));
        project.agent("dev", &webhook("issues", 3), DEV);
        fs::write(project.path().join("agents/dev/log"), told()).unwrap();
        project.agent("docs", &webhook("push", 1), NOTHING);
        project.agent("oncall", &webhook("release", 2), ONCALL);
        project.agent("planner", "schedule = \"0 6 * * *\"", NOTHING);
        project.agent("release", &webhook("create", 1), RELEASE);
        project.agent("reviewer", &webhook("pull_request", 2), REVIEWER);
        project.agent("triager", &webhook("delete", 1), FLOOD);
        let mut live = Self::headless(project);
        live.al(&["pause", "docs", "--why", "the style guide changes"]);
        for agent in ["release", "reviewer"] {
            live.project.begin(agent);
        }
        live.settle();
        live.leave_to_consoles(attached);
        live
    }

    /// Agents that nothing starts.
    pub fn quiet(attached: bool) -> Self {
        let mut live = Self::headless(Project::new());
        live.leave_to_consoles(attached);
        live
    }

    fn headless(project: Project) -> Self {
        let host = project.terminal((100, 24), "", "start -H --port 0");
        project.await_gateway();
        Self { host: Some(host), project }
    }

    /// A console that is the scheduler takes its project over from the one before.
    fn leave_to_consoles(&mut self, attached: bool) {
        if !attached {
            self.end_scheduler();
            self.host = None;
        }
    }

    /// It vanishes; its runs go on, and the next one finds them.
    fn end_scheduler(&self) {
        if let Some(pid) = self.project.pid_if_running() {
            let _ = kill_process(pid, Signal::KILL);
            Project::await_end(pid);
            self.project.forget_gateway();
        }
    }

    /// What a shell runs for a console over the fleet, or that is its scheduler.
    pub fn line(&self, variables: &str, words: &str) -> String {
        if self.host.is_some() {
            return self.project.line(variables, &format!("attach {words}"));
        }
        self.end_scheduler();
        self.project.line(variables, &format!("start --port 0 {words}"))
    }

    /// Waits until everything is there that a console shows.
    pub fn opened(&self) {
        self.project.await_gateway();
        if self.project.path().join("agents/dev/log").exists() {
            self.settle();
        }
    }

    /// The fleet is as a stage promises, whatever was done to it. A run that was only starting when
    /// its scheduler vanished, or that was being killed, still becomes what it was to become.
    fn settle(&self) {
        self.until("three runs of dev at work, two that wait", || {
            let there = self.runs("dev", &["starting", "running", "queued"]).len();
            for _ in there..5 {
                self.project.begin("dev");
            }
            self.running("dev").len() == 3 && self.runs("dev", &["queued"]).len() == 2
        });
        self.until("a question", || self.runs("reviewer", &["waiting"]).len() == 1);
        self.until("a failed release", || self.runs("release", &["failed"]).len() == 1);
    }

    #[track_caller]
    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let until = Instant::now() + HANGS;
        while !holds() {
            assert!(Instant::now() < until, "never: {what}\n{}", self.al(&["runs"]));
        }
    }

    /// What `al` says with these words, beside the console.
    #[track_caller]
    pub fn al(&self, words: &[&str]) -> String {
        let output = self.project.al(words);
        let (said, wrong) = (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
        assert!(output.status.success(), "al {words:?}: {wrong}");
        String::from_utf8(said).unwrap()
    }

    fn rows(&self, words: &[&str], name: &str) -> Vec<Value> {
        let said: Value = serde_json::from_str(&self.al(words)).unwrap();
        said[name].as_array().unwrap().clone()
    }

    /// Runs of an agent in one of these states, newest first.
    fn runs(&self, agent: &str, states: &[&str]) -> Vec<String> {
        let rows = self.rows(&["runs", agent, "-n", "100", "--json"], "runs");
        let wanted = |row: &&Value| states.iter().any(|state| row["state"] == *state);
        rows.iter().filter(wanted).map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }

    pub fn running(&self, agent: &str) -> Vec<String> {
        self.runs(agent, &["running"])
    }

    /// Lets a run of `dev` come to its end.
    pub fn end(&self, run: &str) {
        fs::write(self.project.path().join(format!("agents/dev/gate-{run}")), "").unwrap();
    }

    /// What was done from consoles, in the order in which it was.
    pub fn done(&self) -> Vec<String> {
        // Those of this test are somebody else's.
        let rows = self.rows(&["audit", "--by", "ada", "-n", "1000", "--json"], "audit");
        let orders = rows.iter().filter(|row| row["ending"] == "done");
        let mut orders: Vec<String> =
            orders.map(|row| row["kind"].as_str().unwrap().to_owned()).collect();
        orders.reverse();
        orders
    }
}

/// Lines that a run prints to have written the records of the recording.
fn told() -> String {
    let recording = fs::read_to_string(FLEET).unwrap();
    let messages = recording.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut lines = String::new();
    for message in messages {
        for record in message["down"]["records"].as_array().into_iter().flatten() {
            if record["run"] != TOLD || record["msg"] == "run started" {
                continue;
            }
            let mut line = json!({"_log": true, "level": record["level"], "msg": record["msg"]});
            if let Some(fields) = record["fields"].as_object() {
                line.as_object_mut().unwrap().extend(fields.clone());
            }
            lines.push_str(&format!("{line}\n"));
        }
    }
    lines
}
