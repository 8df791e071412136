//! The loop around the rules: what is answered when, what a watcher sees, and what a full disk does.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use al_wire::{Down, LogSource, Reply, Row, Sieve, Snapshot, Up};
use tokio::runtime::Runtime as Tokio;

use super::after::Disk;
use super::writer::start_over;
use super::*;
use crate::log::LearningRedactor;
use crate::project::{Agent, RuntimeKind, ScriptCommand, Skill};
use crate::runtime::{self, Answer as Later, Presence, Runtime, Spec};
use crate::scheduler::{
    AgentRules, Answer, Cadence, Command, Event, Firing, ProjectRules, Replay, Scope, Stamp,
    Target, Timer, Trigger, TriggerKind, Who,
};
use crate::store::{RunsQuery, Store};

mod asking;
mod disk;

/// A runtime whose runs go on until a test ends them.
#[derive(Clone, Default)]
struct Patient {
    started: Arc<Mutex<Vec<String>>>,
    ends: Arc<Mutex<BTreeMap<String, tokio::sync::oneshot::Sender<runtime::Exit>>>>,
    waits: Arc<Mutex<BTreeMap<String, tokio::sync::oneshot::Receiver<runtime::Exit>>>>,
}

impl Patient {
    /// Ends a run, once it has started.
    fn end(&self, run: &str, code: i32) {
        let sender = wait_for(|| self.ends.lock().unwrap().remove(run));
        let exit = serde_json::json!({
            "code": code, "signal": null, "why": {"kind": "exited"}, "started_ms": 1, "ended_ms": 2,
            "return_value": null, "rerun": false, "exit_signal": null, "status": null,
            "lines": 0, "dropped_lines": 0,
        });
        sender.send(serde_json::from_value(exit).unwrap()).unwrap();
    }
}

impl Runtime for Patient {
    fn start(&self, spec: Spec) -> Later<'_, runtime::Handle> {
        let (end, wait) = tokio::sync::oneshot::channel();
        self.started.lock().unwrap().push(spec.run.clone());
        self.waits.lock().unwrap().insert(spec.run.clone(), wait);
        self.ends.lock().unwrap().insert(spec.run.clone(), end);
        Box::pin(
            async move { Ok(runtime::Handle { run: spec.run, attempt: spec.attempt, pid: 1 }) },
        )
    }

    fn stop<'a>(&'a self, run: &'a str, _: u32, _: Duration) -> Later<'a, bool> {
        self.end(run, 143);
        Box::pin(async { Ok(true) })
    }

    fn suspend<'a>(&'a self, _: &'a str, _: u32) -> Later<'a, bool> {
        Box::pin(async { Ok(true) })
    }

    fn resume<'a>(&'a self, _: &'a str, _: u32) -> Later<'a, bool> {
        Box::pin(async { Ok(true) })
    }

    fn inspect<'a>(&'a self, _: &'a str, _: u32) -> Later<'a, Presence> {
        Box::pin(async { Ok(Presence::Absent) })
    }

    fn wait<'a>(&'a self, handle: &'a runtime::Handle) -> Later<'a, runtime::Exit> {
        let wait = self.waits.lock().unwrap().remove(&handle.run).unwrap();
        Box::pin(async move { Ok(wait.await.unwrap()) })
    }

    fn remove<'a>(&'a self, _: &'a str) -> Later<'a, bool> {
        Box::pin(async { Ok(true) })
    }

    fn leftovers(&self, _: i64) -> Later<'_, Vec<String>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// Asks until there is an answer.
fn wait_for<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(std::time::Instant::now() < deadline, "it never happened");
        std::thread::yield_now();
    }
}

pub(super) fn agent(dir: &Path) -> Agent {
    Agent {
        name: "dev".into(),
        dir: dir.to_owned(),
        skill: Skill::default(),
        source: None,
        models: Vec::new(),
        credentials: Vec::new(),
        schedule: None,
        timezone: None,
        every_ms: None,
        missed: Default::default(),
        overlap: Default::default(),
        scale: 1,
        timeout_s: 900,
        max_work_queue_size: 100,
        priority: Default::default(),
        lane: None,
        keep_latest: None,
        retry: Default::default(),
        webhooks: Vec::new(),
        hooks_pre: Vec::new(),
        hooks_post: Vec::new(),
        preflight: Vec::new(),
        params: serde_json::Map::new(),
        runtime: crate::project::Runtime { kind: RuntimeKind::Process, ..Default::default() },
        engine: crate::project::Engine {
            kind: crate::project::EngineKind::Script,
            command: Some(ScriptCommand::Line("true".into())),
        },
        wait_timeout_s: 1800,
        compact_at: 0.8,
        budget: Default::default(),
    }
}

pub(super) fn config() -> crate::project::Config {
    use crate::project::{Config, Gateway, Local, Telemetry};
    Config {
        models: BTreeMap::new(),
        local: Local {
            enabled: true,
            image: None,
            memory: String::new(),
            cpus: None,
            timeout_s: 900,
        },
        gateway: Gateway { port: 0, ..Gateway::default() },
        webhooks: BTreeMap::new(),
        credentials: BTreeMap::new(),
        telemetry: Telemetry {
            enabled: false,
            provider: String::new(),
            endpoint: None,
            service_name: String::new(),
            headers: BTreeMap::new(),
            sampling_rate: None,
        },
        max_reruns: 10,
        max_call_depth: 3,
        work_queue_size: 100,
        resource_lock_timeout_s: 1800,
        scale: None,
        default_agent_scale: 1,
        history_retention_days: 14,
        default_wait_timeout_s: 1800,
        harness: None,
        server: None,
        cloud: None,
    }
}

fn defined(agent: Agent) -> Defined {
    let facts = Facts {
        project: String::new(),
        environment: None,
        gateway: None,
        version: "0".into(),
        pid: 1,
        started_ms: 0,
        webhooks: Vec::new(),
        agents: BTreeMap::new(),
    };
    let project = crate::project::Project {
        dir: agent.dir.clone(),
        name: "test".into(),
        environment: None,
        config: config(),
        agents: vec![agent],
    };
    Defined { facts: facts.of_project(&project, "UTC"), project }
}

struct World {
    dir: tempfile::TempDir,
    tokio: Tokio,
    runtime: Patient,
    engine: Handle,
    definitions: Arc<Definitions>,
}

fn rules() -> ProjectRules {
    ProjectRules { id_key: 7, ..ProjectRules::default() }
}

fn agents() -> Vec<(String, AgentRules)> {
    vec![("dev".to_owned(), AgentRules { scale: 1, queue_bound: 100, ..AgentRules::default() })]
}

impl World {
    fn new() -> Self {
        Self::over(None).0
    }

    /// With its writer, over a disk of the test's if there is one.
    fn over(disk: Option<Disk>) -> (Self, JoinHandle<io::Result<()>>) {
        let dir = tempfile::tempdir().unwrap();
        let tokio = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let store = Store::open(dir.path()).unwrap();
        let view = store.load(&rules(), &agents()).unwrap();
        let runtime = Patient::default();
        let definitions = Arc::new(Definitions::new(defined(agent(dir.path()))));
        let logs = dir.path().join("logs");
        let driver = |engine: &Handle| {
            Driver::new(
                engine,
                tokio.handle().clone(),
                Arc::new(runtime.clone()),
                Arc::clone(&definitions),
                Arc::new(|_, _| None),
                logs,
                Equipment { al_home: dir.path().join("home"), ..Equipment::default() },
            )
        };
        let host = Host::new(store, view);
        let (engine, writer) = match disk {
            Some(disk) => start_over(host, driver, disk).unwrap(),
            None => start(host, driver).unwrap(),
        };
        (Self { dir, tokio, runtime, engine, definitions }, writer)
    }

    fn webhook(&self) -> Vec<String> {
        match self.tokio.block_on(self.engine.submit(Event::Fired(firing()))).unwrap() {
            Answer::Fired { runs, .. } => runs,
            other => panic!("{other:?}"),
        }
    }

    fn command(&self, command: Command, confirm: Confirmation) -> Outcome {
        self.tokio.block_on(self.engine.command(command, &Who::console("ann"), confirm)).unwrap()
    }

    /// A console, by its two channels.
    fn console(&self) -> (mpsc::Sender<Up>, mpsc::Receiver<Down>) {
        let (up, commands) = mpsc::channel();
        let (down, rows) = mpsc::sync_channel(4);
        let redactor = LearningRedactor::default();
        redactor.learn(&["hunter22".to_owned()]);
        let session = Session {
            engine: self.engine.clone(),
            definitions: Arc::clone(&self.definitions),
            logs: self.dir.path().join("logs"),
            by: Who::console("ann"),
            keep_scale: Arc::new(|_, _| Err("the file is gone".into())),
            again: Arc::new(|receipt, by| {
                let replay = Some(Replay { of: receipt.to_owned(), by: by.clone() });
                match receipt {
                    "none" => Err("receipt not found".to_owned()),
                    _ => Ok(Firing { replay, dedupe: None, ..firing() }),
                }
            }),
            redactor,
            loads: Arc::new(crate::runtime::Loads::new(self.dir.path())),
        };
        serve(session, self.tokio.handle(), commands, down);
        (up, rows)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.engine.leave();
    }
}

fn firing() -> Firing {
    Firing {
        trigger: Trigger {
            kind: TriggerKind::Webhook,
            source: "github".into(),
            summary: "issues opened".into(),
        },
        dedupe: None,
        targets: vec!["dev".into()],
        payload: r#"{"type":"webhook"}"#.into(),
        envelope: None,
        replay: None,
    }
}

#[test]
fn what_was_answered_is_on_disk() {
    let world = World::new();
    let run = world.webhook().remove(0);
    let other = crate::store::Reader::new(world.dir.path().join(crate::store::FILE));
    assert_eq!(other.run(&run).unwrap().map(|run| run.id), Some(run));
}

#[test]
fn a_run_starts_ends_and_lets_the_next_one_start() {
    let world = World::new();
    let runs = [world.webhook().remove(0), world.webhook().remove(0)];
    world.runtime.end(&runs[0], 3);
    let reader = world.engine.reader();
    let ended = wait_for(|| reader.run(&runs[0]).unwrap().filter(|run| run.state.ended()));
    assert_eq!((ended.state, ended.exit_code), (crate::scheduler::RunState::Failed, Some(3)));
    wait_for(|| world.runtime.started.lock().unwrap().contains(&runs[1]).then_some(()));
}

#[test]
fn a_confirmation_holds_as_long_as_its_consequences() {
    let world = World::new();
    let runs = [world.webhook().remove(0), world.webhook().remove(0)];
    wait_for(|| world.runtime.started.lock().unwrap().contains(&runs[0]).then_some(()));
    let kill = || Command::kill(Target::Runs(vec![runs[0].clone()]));
    let ask = || match world.command(kill(), Confirmation::Wanted) {
        Outcome::Confirm { token, .. } => token,
        other => panic!("{other:?}"),
    };
    let token = ask();
    assert_eq!(token, ask(), "asking again asks the same");
    let drop = Command::Drop { runs: vec![runs[1].clone()] };
    world.command(drop, Confirmation::NotNeeded);
    let stale = world.command(kill(), Confirmation::Given(token));
    assert!(matches!(stale, Outcome::Stale { .. }), "nothing starts next any more: {stale:?}");
    let done = world.command(kill(), Confirmation::Given(ask()));
    assert!(matches!(done, Outcome::Answer(Answer::Done { .. })), "{done:?}");
}

/// Applies a delta as a console does.
fn merge(snapshot: &mut Snapshot, row: Row) {
    match row {
        Row::Host(host) => snapshot.host = host,
        Row::Agent(agent) => {
            if let Some(known) = snapshot.agents.iter_mut().find(|a| a.name == agent.name) {
                *known = agent;
            }
        }
        Row::Run(run) => {
            snapshot.runs.retain(|known| known.id != run.id);
            snapshot.runs.push(run);
        }
        Row::Trigger(trigger) => {
            snapshot.triggers.retain(|known| known.id != trigger.id);
            snapshot.triggers.push(trigger);
        }
        Row::AgentGone { .. } | Row::Unknown => {}
    }
}

/// Everything but the order and the moment.
fn comparable(mut snapshot: Snapshot) -> Snapshot {
    snapshot.runs.sort_by(|a, b| a.id.cmp(&b.id));
    snapshot.triggers.sort_by(|a, b| a.id.cmp(&b.id));
    snapshot.at_ms = 0;
    snapshot
}

fn first_snapshot(rows: &mpsc::Receiver<Down>) -> Snapshot {
    match rows.recv_timeout(Duration::from_secs(20)).unwrap() {
        Down::Snapshot(snapshot) => *snapshot,
        other => panic!("{other:?}"),
    }
}

#[test]
fn deltas_on_the_first_snapshot_are_the_last_snapshot() {
    let world = World::new();
    let (_up, rows) = world.console();
    let mut mine = first_snapshot(&rows);
    let runs: Vec<String> = (0..5).flat_map(|_| world.webhook()).collect();
    world.runtime.end(&runs[0], 0);
    world.command(Command::pause(Scope::Project, None), Confirmation::NotNeeded);
    world.command(Command::Drop { runs: vec![runs[3].clone()] }, Confirmation::NotNeeded);
    world.command(Command::Scale { agent: "dev".into(), scale: 2 }, Confirmation::NotNeeded);
    let reader = world.engine.reader();
    wait_for(|| reader.run(&runs[0]).unwrap().filter(|run| run.state.ended()));
    let fresh = || {
        let (_up, rows) = world.console();
        first_snapshot(&rows)
    };
    let last = wait_for(|| {
        let last = fresh();
        while mine.seq < last.seq {
            match rows.recv_timeout(Duration::from_secs(20)).unwrap() {
                Down::Delta(delta) => {
                    mine.seq = delta.seq;
                    delta.puts.into_iter().for_each(|row| merge(&mut mine, row));
                }
                other => panic!("{other:?}"),
            }
        }
        // A commit between the two is only a reason to look again.
        (mine.seq == last.seq).then_some(last)
    });
    assert_eq!(comparable(mine), comparable(last));
}

#[test]
fn a_console_asks_and_is_asked_back() {
    let world = World::new();
    let (up, rows) = world.console();
    first_snapshot(&rows);
    let mut id = 0;
    let mut submit = |command: al_wire::Command, token: Option<String>| {
        id += 1;
        up.send(Up::Submit { id, seen: 0, command, token }).unwrap();
        loop {
            match rows.recv_timeout(Duration::from_secs(20)).unwrap() {
                Down::Reply { id: of, reply } => {
                    assert_eq!(of, id);
                    return reply;
                }
                _ => continue,
            }
        }
    };
    let run = || al_wire::Command::run("dev", Some("look".into()));
    let Reply::Done { run: Some(first), .. } = submit(run(), None) else { panic!() };
    wait_for(|| world.runtime.started.lock().unwrap().contains(&first).then_some(()));
    let kill = || al_wire::Command::kill(al_wire::Target::Run(first.clone()));
    let Reply::NeedsConfirm(question) = submit(kill(), None) else { panic!() };
    assert_eq!(question.level, al_wire::Level::Loses);
    assert_eq!(question.cli, format!("al kill {first}"));
    assert!(matches!(submit(kill(), Some("stale".into())), Reply::Stale { .. }));
    assert!(matches!(submit(kill(), Some(question.token)), Reply::Done { .. }));
    let unknown = al_wire::Command::run("nobody", None);
    assert_eq!(submit(unknown, None), Reply::Refused { why: "there is no agent nobody".into() });
    let scale = al_wire::Command::Scale { agent: "dev".into(), scale: 3 };
    assert_eq!(
        submit(scale, None),
        Reply::Done {
            why: "dev may run 3 at once, until the files are read again: the file is gone".into(),
            run: None
        }
    );
}

#[test]
fn a_console_replays_a_delivery_after_a_question_and_in_its_operators_name() {
    let world = World::new();
    let (up, rows) = world.console();
    first_snapshot(&rows);
    let submit = |id: u64, receipt: &str, token: Option<&str>| {
        let command = al_wire::Command::Replay { receipt: receipt.to_owned() };
        up.send(Up::Submit { id, seen: 0, command, token: token.map(str::to_owned) }).unwrap();
        loop {
            if let Down::Reply { reply, .. } = rows.recv_timeout(Duration::from_secs(20)).unwrap() {
                return reply;
            }
        }
    };
    let refused = Reply::Refused { why: "receipt not found".into() };
    assert_eq!(submit(1, "none", None), refused);
    let Reply::NeedsConfirm(question) = submit(2, "r1", None) else { panic!() };
    assert_eq!(question.impact, ["as things are it is for dev"]);
    assert_eq!(question.cli, "al triggers replay r1");
    assert!(matches!(submit(3, "r1", Some("of another day")), Reply::Stale { .. }));
    let Reply::Done { run: Some(run), .. } = submit(4, "r1", Some(&question.token)) else {
        panic!()
    };
    let reader = world.engine.reader();
    let receipt = reader.run(&run).unwrap().unwrap().receipt;
    let receipt = reader.receipt(&receipt).unwrap().unwrap();
    assert_eq!(receipt.replay_of.as_deref(), Some("r1"));
    assert_eq!(receipt.by.as_deref(), Some("ann"));
}

#[test]
fn a_console_is_told_how_a_run_came_about() {
    let world = World::new();
    let (up, rows) = world.console();
    first_snapshot(&rows);
    let told = |id: &str| {
        up.send(Up::Why { id: id.to_owned() }).unwrap();
        loop {
            if let Down::Why { id: of, steps, .. } =
                rows.recv_timeout(Duration::from_secs(20)).unwrap()
            {
                assert_eq!(of, id);
                return steps.into_iter().map(|step| step.text).collect::<Vec<_>>();
            }
        }
    };
    let command = al_wire::Command::run("dev", Some("look".into()));
    up.send(Up::Submit { id: 1, seen: 0, command, token: None }).unwrap();
    let run = wait_for(|| world.runtime.started.lock().unwrap().first().cloned());
    let steps = told(&run);
    assert_eq!(steps[1..3], ["dev took it", "started at once: a slot is free"]);
    assert_eq!(told("nobody"), Vec::<String>::new());
}

#[test]
fn a_console_sees_the_log_it_asks_for_from_its_end_and_then_as_it_grows() {
    let world = World::new();
    let (up, rows) = world.console();
    let logs = world.dir.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    let mut writer =
        crate::log::Writer::open(&logs, "dev", crate::log::Redactor::default()).unwrap();
    // Of today: what is older than the retention is removed at start.
    let now = crate::ambient::now_ms();
    let mut write = |n: i64| {
        let record =
            crate::log::Record::new(now, crate::log::Level::Info, "dev", format!("line {n}"));
        writer.write(&record).unwrap();
    };
    (0..10).for_each(&mut write);
    let chunk = || loop {
        if let Down::Log(chunk) = rows.recv_timeout(Duration::from_secs(20)).unwrap() {
            return chunk;
        }
    };
    let text = |chunk: &al_wire::LogChunk| -> Vec<String> {
        chunk.records.iter().map(|record| record.msg.clone()).collect()
    };
    let source = LogSource::Agent("dev".into());
    up.send(Up::Tail { source: source.clone(), limit: 2, only: Sieve::default(), ask: 0 }).unwrap();
    let newest = chunk();
    assert_eq!((text(&newest), newest.reset), (vec!["line 8".into(), "line 9".into()], true));
    write(10);
    assert_eq!(text(&chunk()), ["line 10"]);
    up.send(Up::Older { source, before: newest.first.unwrap(), limit: 3, only: Sieve::default() })
        .unwrap();
    let older = chunk();
    assert_eq!(text(&older), ["line 5", "line 6", "line 7"]);
    assert!(older.older && older.more_before);
}

#[test]
fn on_a_full_disk_nothing_changes_and_later_everything_works() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let view = store.load(&rules(), &agents()).unwrap();
    let mut host = Host::new(store, view.clone());
    let input = |n: i64| Input {
        event: Event::Fired(Firing { payload: "x".repeat(200_000).into(), ..firing() }),
        stamp: Stamp { at: 1_800_000_000_000 + n, id: format!("receipt-{n}") },
    };
    host.store.fill(true);
    let refused = turn(&mut host, &[input(1), input(2)]).unwrap_err();
    assert!(matches!(refused, crate::store::StoreError::Full { .. }), "{refused}");
    host.store.fill(false);
    turn(&mut host, &[input(3)]).unwrap();
    let query = RunsQuery { limit: 10, ..RunsQuery::default() };
    let runs = host.store.reader().runs(&query).unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].seq, view.next_run, "the refused ones left no trace, not even a number");
}

#[test]
fn an_edit_that_cannot_be_written_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let view = store.load(&rules(), &agents()).unwrap();
    let mut host = Host::new(store, view);
    let stamp = Stamp { at: 1_800_000_000_000, id: "receipt".into() };
    let input = |event| Input { event, stamp: stamp.clone() };
    turn(&mut host, &[input(Event::Fired(firing()))]).unwrap();
    let before = host.view.clone();
    let every = crate::scheduler::Cadence::Every(60_000);
    let new = |n: usize| {
        let rules =
            AgentRules { queue_bound: 1, schedule: Some(every.clone()), ..AgentRules::default() };
        (format!("new-{n}"), rules)
    };
    let edit = || {
        input(Event::ConfigChanged(Box::new(crate::scheduler::NewConfig {
            rules: ProjectRules { scale: Some(1), ..rules() },
            agents: (0..2000).map(new).collect(),
            redefined: Default::default(),
            faults: Vec::new(),
        })))
    };
    host.store.fill(true);
    turn(&mut host, &[edit()]).unwrap_err();
    assert_eq!(host.view.agents, before.agents);
    assert_eq!(host.view.rules, before.rules);
    host.store.fill(false);
    turn(&mut host, &[edit()]).unwrap();
    assert_eq!((host.view.agents.len(), host.view.rules.scale), (2000, Some(1)));
}

#[test]
fn a_console_sees_agents_come_change_and_go() {
    let world = World::new();
    let (_up, rows) = world.console();
    first_snapshot(&rows);
    let run = world.webhook().remove(0);
    world.runtime.end(&run, 0);
    wait_for(|| world.engine.reader().run(&run).unwrap().filter(|run| run.state.ended()));
    let edit = |agents: Vec<Agent>, alerts: Vec<&str>| {
        let mut defined = defined(agent(world.dir.path()));
        defined.project.agents = agents;
        defined.facts = defined.facts.of_project(&defined.project, "UTC");
        let rules_of = |agent: &Agent| (agent.name.clone(), agent_rules(agent, "UTC").unwrap());
        let fault = |message: &str| crate::scheduler::Fault {
            key: crate::scheduler::Fault::config_key("config.toml"),
            agent: None,
            message: message.into(),
            hint: None,
            file: Some("config.toml".into()),
            line: Some(2),
        };
        let config = crate::scheduler::NewConfig {
            rules: rules(),
            agents: defined.project.agents.iter().map(rules_of).collect(),
            redefined: [Scope::Agent("dev".into())].into(),
            faults: alerts.into_iter().map(fault).collect(),
        };
        world.definitions.replace(defined);
        let event = Event::ConfigChanged(Box::new(config));
        world.tokio.block_on(world.engine.submit(event)).unwrap();
    };
    let told = |which: &dyn Fn(&Row) -> bool| {
        wait_for(|| match rows.recv_timeout(Duration::from_secs(20)).unwrap() {
            Down::Delta(delta) => delta.puts.into_iter().find(|row| which(row)),
            _ => None,
        })
    };
    let dev = agent(world.dir.path());
    let new = Agent { name: "new".into(), scale: 3, ..dev.clone() };
    edit(vec![Agent { timeout_s: 5, ..dev }, new.clone()], Vec::new());
    told(&|row| matches!(row, Row::Agent(agent) if agent.name == "dev" && agent.timeout_s == 5));
    edit(vec![new], vec!["not valid TOML"]);
    assert_eq!(
        told(&|row| matches!(row, Row::AgentGone { .. })),
        Row::AgentGone { name: "dev".into() }
    );
    edit(Vec::new(), vec!["still not"]);
    let alerts = |row: &Row| match row {
        Row::Host(host) => host.alerts.iter().any(|a| a.sentence() == "config.toml:2: still not"),
        _ => false,
    };
    told(&alerts);
    let (_up, late) = world.console();
    assert_eq!(first_snapshot(&late).agents, []);
    edit(vec![agent(world.dir.path())], Vec::new());
    let back = wait_for(|| match late.recv_timeout(Duration::from_secs(20)).unwrap() {
        Down::Delta(delta) => delta.puts.into_iter().find_map(|row| match row {
            Row::Agent(agent) => agent.last,
            _ => None,
        }),
        _ => None,
    });
    assert_eq!(back.run, run, "it has its history");
}
