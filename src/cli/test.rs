//! `al test`: runs the tests of agents, with recordings in place of their models.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime as Tokio;

use super::host::{Hosted, Places, Plan};
use super::logs::Printer;
use super::paint::Tone;
use super::start::Signals;
use super::{Context, output, start};
use crate::ambient;
use crate::engine::Confirmation;
use crate::failure::Failure;
use crate::harness::report;
use crate::log::{Follower, Query, Record};
use crate::project::{Agent, AuthType, Model, Project, RuntimeKind};
use crate::scheduler::{
    Answer, Command, Event, Firing, Run, RunState, Target, Trigger, TriggerKind, Who,
};

/// How often an ended run is looked for.
const LOOK: Duration = Duration::from_millis(20);
/// The name of the model that plays a recording.
const REPLAY: &str = "recording";

/// Run the tests of agents, with recordings in place of models
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "A test is a file agents/<name>/tests/<test>.toml:

  recording = \"fix.jsonl\"       # beside it; made with `al run --record`
  [trigger]
  type = \"manual\"               # or schedule, webhook, agent
  prompt = \"fix the typo\"
  [expect]
  commands = [\"make test\"]      # what the agent ran, in order
  status = \"done\"
  return = \"fixed\"
  exit = 0

No key and no network is needed: the recording says what the model says. What
the agent does is real: its hooks and commands run, as you, in a folder of
their own, without its credentials.")]
pub struct TestArgs {
    /// One agent; all agents unless told
    #[arg(value_name = "AGENT")]
    pub agent: Option<String>,

    /// One test of it, by the name of its file
    #[arg(value_name = "TEST")]
    pub test: Option<String>,

    /// Show the log of every test, not only of those that fail
    #[arg(short, long)]
    pub verbose: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A test as its file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    recording: PathBuf,
    /// The trigger as scripts get it; manual without a prompt unless told.
    #[serde(default)]
    trigger: Map<String, Value>,
    /// Over the agent's own.
    #[serde(default)]
    params: Map<String, Value>,
    expect: Expect,
}

/// What a test expects; what it does not name may be anything.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Expect {
    /// All commands that the agent ran with its tool `bash`, in order.
    commands: Option<Vec<String>>,
    /// The last status text.
    status: Option<String>,
    #[serde(rename = "return")]
    result: Option<String>,
    /// 0 unless told.
    exit: i32,
}

/// A test and where it is from.
struct Case<'a> {
    agent: &'a Agent,
    name: String,
    test: Test,
}

/// What came of it.
struct Outcome {
    differences: Vec<String>,
    took_ms: i64,
    log: Vec<Record>,
}

/// Runs the tests.
///
/// # Errors
/// When a test cannot be read, or there is none.
pub fn run(args: &TestArgs, context: &Context) -> Result<ExitCode, Failure> {
    let project = start::load(context)?;
    if let Some(agent) = &args.agent
        && !project.agents.iter().any(|known| known.name == *agent)
    {
        return Err(context.unknown_agent(agent));
    }
    let cases = cases(&project, args)?;
    if cases.is_empty() {
        return Err(Failure::nothing("no_tests", "there is no such test")
            .hint("a test is a file agents/<name>/tests/<test>.toml: al test --help"));
    }
    let tokio = start::tokio()?;
    let mut signals = tokio.block_on(async { Signals::listen() })?;
    let (mut failed, mut report) = (0, Vec::new());
    for case in &cases {
        let outcome = play(case, &project, &tokio, &mut signals, context)?;
        failed += usize::from(!outcome.differences.is_empty());
        if args.json {
            report.push(outcome.to_json(case));
        } else {
            outcome.print(case, args, context)?;
        }
    }
    if args.json {
        output::print(&format!("{}\n", json!({"tests": report, "failed": failed})))?;
    } else {
        output::print(&format!("\n{} passed, {failed} failed\n", cases.len() - failed))?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The tests of the agents, by agent and name.
fn cases<'a>(project: &'a Project, args: &TestArgs) -> Result<Vec<Case<'a>>, Failure> {
    let mut cases = Vec::new();
    let wanted = |agent: &&Agent| args.agent.as_ref().is_none_or(|name| *name == agent.name);
    for agent in project.agents.iter().filter(wanted) {
        let Ok(files) = fs::read_dir(agent.dir.join("tests")) else { continue };
        let mut files: Vec<PathBuf> = files
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|file| file.extension().is_some_and(|ext| ext == "toml"))
            .collect();
        files.sort();
        for file in files {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if args.test.as_ref().is_none_or(|test| *test == name) {
                cases.push(Case { agent, name, test: read(&file)? });
            }
        }
    }
    Ok(cases)
}

fn read(file: &Path) -> Result<Test, Failure> {
    let failed = |why: String| {
        Failure::config("bad_test", format!("{}: {}", file.display(), why.trim_end()))
            .hint("what a test says: al test --help")
    };
    let text = fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    let mut test: Test = toml::from_str(&text).map_err(|error| failed(error.to_string()))?;
    test.recording = file.with_file_name(&test.recording);
    if !test.recording.is_file() {
        return Err(failed(format!("there is no recording {}", test.recording.display())));
    }
    let kind = test.trigger.entry("type").or_insert_with(|| "manual".into());
    if trigger_kind(kind).is_none() {
        return Err(failed(format!(
            "trigger.type is {kind}; it is one of manual, schedule, webhook, agent"
        )));
    }
    Ok(test)
}

/// The project as it is for one test: the recording is the agent's only model, and it gets no
/// credentials.
fn rehearsed(project: &Project, case: &Case<'_>) -> Project {
    let mut project = project.clone();
    let recording = Model {
        provider: "replay".to_owned(),
        model: "replay".to_owned(),
        auth_type: AuthType::ApiKey,
        thinking_level: None,
        base_url: None,
        context_window: None,
        max_tokens: None,
        slots: None,
        headers: Default::default(),
        price: None,
        file: Some(case.test.recording.clone()),
        more: Map::new(),
    };
    project.config.models.insert(REPLAY.to_owned(), recording);
    for agent in &mut project.agents {
        agent.credentials.clear();
        agent.runtime.kind = RuntimeKind::Process;
        if agent.name == case.agent.name {
            agent.models = vec![REPLAY.to_owned()];
            agent.scale = agent.scale.max(1);
            agent.retry.on.clear();
            agent.params.extend(case.test.params.clone());
        }
    }
    project
}

fn play(
    case: &Case<'_>,
    project: &Project,
    tokio: &Tokio,
    signals: &mut Signals,
    context: &Context,
) -> Result<Outcome, Failure> {
    let folder = TempDir::with_prefix("al-test-").map_err(|error| {
        Failure::upstream("no_folder", format!("no folder for a test: {error}"))
    })?;
    let places = Places::at(folder.path().join(".al"));
    let plan = Plan::single(rehearsed(project, case), places);
    let began = ambient::now_ms();
    let hosted = Hosted::start(tokio, plan, context)?;
    let ended = tokio.block_on(until_ended(&hosted, firing(case), signals));
    let log = ended.as_ref().map_or_else(|_| Vec::new(), |run| log_of(&hosted, &run.id));
    hosted.end(tokio)?;
    let differences = differences(&case.test.expect, &ended?, &log);
    Ok(Outcome { differences, took_ms: ambient::now_ms() - began, log })
}

/// What fires, as scripts get its name.
fn trigger_kind(kind: &Value) -> Option<TriggerKind> {
    Some(match kind.as_str()? {
        "manual" => TriggerKind::Manual,
        "schedule" => TriggerKind::Schedule,
        "webhook" => TriggerKind::Webhook,
        "agent" => TriggerKind::Call,
        _ => return None,
    })
}

fn firing(case: &Case<'_>) -> Firing {
    let trigger = &case.test.trigger;
    let text = |key: &str| trigger.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = trigger.get("type").and_then(trigger_kind).unwrap_or(TriggerKind::Manual);
    Firing {
        trigger: Trigger { kind, source: text("source"), summary: format!("test {}", case.name) },
        dedupe: None,
        targets: vec![case.agent.name.clone()],
        payload: Value::Object(trigger.clone()).to_string().into(),
        envelope: None,
        replay: None,
    }
}

/// The run as it ended; one that waits is ended, because nobody is there to answer and what a test
/// waits for never comes.
async fn until_ended(
    hosted: &Hosted,
    firing: Firing,
    signals: &mut Signals,
) -> Result<Run, Failure> {
    let lost = |why: String| Failure::upstream("not_accepted", why);
    let engine = &hosted.engine;
    let answer = engine.submit(Event::Fired(firing)).await.map_err(|e| lost(e.to_string()))?;
    let run = match answer {
        Answer::Fired { runs, .. } => runs.into_iter().next(),
        _ => None,
    };
    let run = run.ok_or_else(|| lost("the test's run was not accepted".to_owned()))?;
    loop {
        match engine.reader().run(&run)? {
            Some(row) if row.state.ended() => return Ok(row),
            Some(row) if row.state == RunState::Waiting => {
                kill(hosted, &run).await;
                return Ok(row);
            }
            Some(_) => {}
            None => return Err(lost(format!("the record of {run} is gone"))),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = signals.recv() => {
                kill(hosted, &run).await;
                return Err(Failure::nothing("interrupted", "the tests were interrupted"));
            }
        }
    }
}

/// Ends a run and waits until it has ended, so that nothing of it is left.
async fn kill(hosted: &Hosted, run: &str) {
    let command = Command::kill(Target::Runs(vec![run.to_owned()]));
    let killed = hosted
        .engine
        .command(command, &Who::shell(&ambient::user()), Confirmation::NotNeeded)
        .await;
    if killed.is_err() {
        return;
    }
    while matches!(hosted.engine.reader().run(run), Ok(Some(row)) if !row.state.ended()) {
        tokio::time::sleep(LOOK).await;
    }
}

fn log_of(hosted: &Hosted, run: &str) -> Vec<Record> {
    let Some(query) = Query::run(run) else { return Vec::new() };
    Follower::new(&hosted.places.logs, query, None).poll(usize::MAX).unwrap_or_default()
}

/// What is not as it was expected, a line or more each.
fn differences(expect: &Expect, run: &Run, log: &[Record]) -> Vec<String> {
    let mut all = Vec::new();
    let exit = run.exit_code.unwrap_or(-1);
    if !run.state.ended() {
        all.push(format!("a test cannot wait, and it {}", run.why.sentence()));
    } else if exit != expect.exit {
        all.push(format!("exit code: {exit} instead of {} ({})", expect.exit, run.why.sentence()));
    }
    let mut text = |what: &str, want: &Option<String>, got: &Option<String>| {
        if want.is_some() && want != got {
            let show = |text: &Option<String>| {
                text.as_ref().map_or_else(|| "none".to_owned(), |text| format!("{text:?}"))
            };
            all.push(format!("{what}: {} instead of {}", show(got), show(want)));
        }
    };
    text("status", &expect.status, &run.status);
    text("return value", &expect.result, &run.return_value);
    if let Some(want) = &expect.commands {
        let want: Vec<String> = want.iter().map(|cmd| report::cut(cmd, report::CMD_MAX)).collect();
        let got: Vec<String> = log
            .iter()
            .filter(|record| record.msg == "bash")
            .filter_map(|record| record.fields.get("cmd")?.as_str().map(str::to_owned))
            .collect();
        if want != got {
            all.push("commands:".to_owned());
            let lost = want.iter().filter(|cmd| !got.contains(cmd));
            let more = got.iter().filter(|cmd| !want.contains(cmd));
            let before = all.len();
            all.extend(lost.map(|cmd| format!("  - {cmd}")));
            all.extend(more.map(|cmd| format!("  + {cmd}")));
            if all.len() == before {
                all.push(format!("  in another order: {}", got.join("; ")));
            }
        }
    }
    all
}

impl Outcome {
    fn print(&self, case: &Case<'_>, args: &TestArgs, context: &Context) -> Result<(), Failure> {
        let paint = context.look.out;
        let word = match self.differences.is_empty() {
            true => paint.on(Tone::Good, "ok    "),
            false => paint.on(Tone::Bad, "FAILED"),
        };
        let Case { agent, name, .. } = case;
        output::print(&format!("{word}  {}/{name}  {} ms\n", agent.name, self.took_ms))?;
        if self.differences.is_empty() && !args.verbose {
            return Ok(());
        }
        let mut printer = Printer::new(context.log_style(), args.verbose, context.now_ms);
        for record in &self.log {
            // A reader that went away is no failure.
            let _ = printer.print(record, &mut output::stdout());
        }
        for difference in &self.differences {
            output::print(&format!("        {difference}\n"))?;
        }
        Ok(())
    }

    fn to_json(&self, case: &Case<'_>) -> Value {
        json!({
            "agent": case.agent.name,
            "test": case.name,
            "ok": self.differences.is_empty(),
            "differences": self.differences,
            "durationMs": self.took_ms,
        })
    }
}
