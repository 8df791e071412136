//! What is written is what is read, and what the rules see after a restart is what they saw before.

mod audit;
mod history;
mod receipts;
mod series;
mod spent;
mod tallies;

use std::fs;

use super::*;
use crate::scheduler::model::ReceiptOutcome;
use crate::scheduler::{
    Ask, Command, Decision, Event, Firing, Order, Run, RunState, Scope, Stamp, Trigger,
    TriggerKind, WaitFor, Wakening, Who, Why, settle, step,
};

const T0: i64 = 1_800_000_000_000;
const DAY: i64 = 86_400_000;

fn rules() -> ProjectRules {
    ProjectRules { id_key: 7, ..ProjectRules::default() }
}

fn agents() -> Vec<(String, AgentRules)> {
    let rules = AgentRules { scale: 1, queue_bound: 3, ..AgentRules::default() };
    vec![("dev".to_owned(), rules)]
}

/// A history on disk, and the view beside it.
struct Pair {
    dir: tempfile::TempDir,
    store: Store,
    view: View,
    n: u32,
}

impl Pair {
    fn new() -> Self {
        Self::with(&agents())
    }

    fn with(agents: &[(String, AgentRules)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let view = store.load(&rules(), agents).unwrap();
        Self { dir, store, view, n: 0 }
    }

    fn send(&mut self, at: i64, event: Event) -> Vec<Decision> {
        self.n += 1;
        let stamp = Stamp { at, id: format!("receipt-{}", self.n) };
        self.store.begin().unwrap();
        self.view.facts = self.store.facts(&event).unwrap();
        let mut all = Vec::new();
        let mut next = step(&self.view, &event, &stamp);
        while !next.is_empty() {
            for decision in &next {
                self.store.apply(decision).unwrap();
                self.view.apply(decision);
            }
            all.append(&mut next);
            next = settle(&self.view, at);
        }
        self.store.commit().unwrap();
        self.view.facts = Facts::default();
        all
    }

    fn webhook(&mut self, at: i64, dedupe: Option<&str>) -> Vec<Decision> {
        self.send(at, Event::Fired(firing(dedupe)))
    }

    fn command(&mut self, at: i64, command: Command) {
        self.send(at, Event::Command { command, by: Who::console("ann") });
    }

    fn runs(&self) -> Vec<Run> {
        let query = RunsQuery { limit: 100, ..RunsQuery::default() };
        self.store.reader().runs(&query).unwrap()
    }
}

fn firing(dedupe: Option<&str>) -> Firing {
    Firing {
        trigger: Trigger {
            kind: TriggerKind::Webhook,
            source: "github".into(),
            summary: "issues opened acme/api#1".into(),
        },
        dedupe: dedupe.map(str::to_owned),
        targets: vec!["dev".into()],
        payload: r#"{"type":"webhook"}"#.into(),
        envelope: Some(crate::scheduler::Envelope {
            headers: "{}".into(),
            body: b"body".to_vec(),
            ..crate::scheduler::Envelope::default()
        }),
        replay: None,
    }
}

#[test]
fn a_restart_sees_what_was_there_before() {
    let mut pair = Pair::new();
    for _ in 0..6 {
        pair.webhook(T0, None);
    }
    pair.command(T0, Command::pause(Scope::Project, Some("deploy".into())));
    pair.send(T0, Event::HostStarted);
    let first = pair.runs().pop().unwrap();
    pair.send(
        T0,
        Event::RunReported {
            run: first.id.clone(),
            attempt: 1,
            report: crate::scheduler::Report::Status("half way".into()),
        },
    );
    let loaded = Store::open(pair.dir.path()).unwrap().load(&rules(), &agents()).unwrap();
    assert_eq!(loaded, pair.view);
}

#[test]
fn a_restart_sees_locks_waits_calls_and_retries() {
    let mut pair = Pair::new();
    pair.webhook(T0, None);
    let run = pair.runs()[0].id.clone();
    let ask = |pair: &mut Pair, at, ask| {
        let attempt = pair.view.runs[&run].attempt;
        pair.send(at, Event::RunAsked { run: run.clone(), attempt, ask });
        let loaded = Store::open(pair.dir.path()).unwrap().load(&rules(), &agents()).unwrap();
        assert_eq!(loaded, pair.view);
    };
    let effect = |pair: &mut Pair, effect: fn(String, u32) -> Effect| {
        let attempt = pair.view.runs[&run].attempt;
        let done = crate::scheduler::EffectNews::Done;
        pair.send(T0, Event::Effect(effect(run.clone(), attempt), done));
    };
    effect(&mut pair, |run, attempt| Effect::Start { run, attempt });
    ask(&mut pair, T0 + 1, Ask::Lock { key: "x:1".into(), ttl_ms: Some(5000), waits: false });
    let key = Some("k".to_owned());
    ask(&mut pair, T0 + 2, Ask::Call { agent: "dev".into(), context: "c".into(), key });
    let what = WaitFor::Answer { question: "go?".into(), choices: vec!["yes".into()] };
    ask(&mut pair, T0 + 3, Ask::Wait { what, timeout_ms: None });
    let wait = pair.view.runs[&run].wait.clone().unwrap();
    effect(&mut pair, |run, attempt| Effect::Suspend { run, attempt });
    pair.command(T0 + 4, Command::Answer { run: run.clone(), text: "yes".into() });
    assert_eq!(pair.view.runs[&run].state, RunState::Running);
    let record = pair.store.reader().wait(&wait).unwrap().unwrap();
    let by = Wakening::Answer { by: "ann".into(), text: "yes".into() };
    assert_eq!((record.ended_at, record.by), (Some(T0 + 4), Some(by)), "the answer stays");
    effect(&mut pair, |run, attempt| Effect::Resume { run, attempt });
    let lost = crate::scheduler::EffectNews::Lost;
    pair.send(T0 + 5, Event::Effect(Effect::Start { run: run.clone(), attempt: 1 }, lost));
    assert_eq!(pair.view.runs[&run].attempt, 2);
    assert!(pair.store.reader().locks().unwrap().is_empty());
    let loaded = Store::open(pair.dir.path()).unwrap().load(&rules(), &agents()).unwrap();
    assert_eq!(loaded, pair.view);
    let turns: Vec<String> = pair
        .store
        .reader()
        .moments(&run)
        .unwrap()
        .into_iter()
        .map(|moment| moment.why.sentence())
        .collect();
    assert_eq!(
        turns,
        [
            "asks: go? [yes]",
            "ann answered: yes",
            "running again",
            "a slot is free",
            "attempt 2 of 2 follows: its process vanished without an exit status",
            "a slot is free",
        ]
    );
}

#[test]
fn keys_of_manual_runs_and_calls_are_known_again() {
    let mut pair = Pair::new();
    let order = |key: &str| Command::Run(Order { key: Some(key.into()), ..Order::of("dev") });
    pair.command(T0, order("k"));
    let first = pair.runs()[0].id.clone();
    pair.command(T0 + 1, order("k"));
    assert_eq!(pair.runs().len(), 1);
    pair.command(T0 + 2, order("other"));
    assert_eq!(pair.runs().len(), 2);
    let known = pair
        .store
        .facts(&Event::Command { command: order("k"), by: Who::console("bob") })
        .unwrap()
        .known
        .unwrap();
    assert_eq!(known.runs, [first]);
}

#[test]
fn after_an_edit_the_view_is_what_the_rows_amount_to() {
    let mut pair = Pair::new();
    for _ in 0..3 {
        pair.webhook(T0, None);
    }
    let rules = ProjectRules { scale: Some(2), ..rules() };
    let every = crate::scheduler::Cadence::Every(60_000);
    let new = AgentRules { queue_bound: 9, schedule: Some(every), ..AgentRules::default() };
    let fault = crate::scheduler::Fault {
        key: crate::scheduler::Fault::config_key("agents/dev/config.toml"),
        agent: Some("dev".into()),
        message: "bad schedule".into(),
        hint: Some("try it: al cron".into()),
        file: Some("agents/dev/config.toml".into()),
        line: Some(3),
    };
    let mut check = |agents: Vec<(String, AgentRules)>, faults: Vec<crate::scheduler::Fault>| {
        let config = crate::scheduler::NewConfig {
            rules: rules.clone(),
            agents: agents.clone(),
            redefined: Default::default(),
            faults,
        };
        pair.send(T0, Event::ConfigChanged(Box::new(config)));
        let loaded = Store::open(pair.dir.path()).unwrap().load(&rules, &agents).unwrap();
        assert_eq!(loaded, pair.view);
        pair.store.reader().alerts().unwrap()
    };
    let alerts = check(vec![("new".into(), new.clone())], vec![fault.clone()]);
    assert_eq!(alerts, [crate::scheduler::Alert { at: T0, fault }]);
    let both = [agents(), vec![("new".into(), AgentRules { scale: 0, ..new })]].concat();
    assert_eq!(check(both, Vec::new()), []);
}

#[test]
fn effects_stay_until_their_attempt_has_ended() {
    let mut pair = Pair::new();
    pair.webhook(T0, None);
    let start = Effect::Start { run: pair.runs()[0].id.clone(), attempt: 1 };
    assert_eq!(pair.store.effects().unwrap(), [(start.clone(), EffectState::Todo)]);
    pair.send(T0, Event::Effect(start.clone(), crate::scheduler::EffectNews::Begun));
    assert_eq!(pair.store.effects().unwrap(), [(start.clone(), EffectState::Begun)]);
    let message = "no such file".to_owned();
    pair.send(T0, Event::Effect(start, crate::scheduler::EffectNews::Failed { message }));
    assert_eq!(pair.store.effects().unwrap(), []);
}

#[test]
fn what_was_rolled_back_never_happened() {
    let pair = Pair::new();
    pair.store.begin().unwrap();
    let pause = crate::scheduler::Pause::begin("ann", T0, None);
    pair.store.apply(&Decision::Pause { scope: Scope::Project, pause }).unwrap();
    pair.store.roll_back();
    assert_eq!(pair.store.load(&rules(), &agents()).unwrap(), pair.view);
}

#[test]
fn a_delivery_that_came_before_is_known_by_its_key() {
    let mut pair = Pair::new();
    pair.webhook(T0, Some("github:1"));
    let again = pair.webhook(T0 + 5, Some("github:1"));
    let duplicate = crate::scheduler::Answer::Duplicate(crate::scheduler::Known {
        receipt: "receipt-1".into(),
        runs: vec![pair.runs()[0].id.clone()],
        call: None,
    });
    let [Decision::Again { receipt, more: 1 }, answer] = &again[..] else { panic!("{again:?}") };
    assert_eq!((receipt.times, answer), (2, &Decision::Answer(duplicate)));
    assert_eq!(pair.runs().len(), 1);
}

#[test]
fn receipts_say_what_became_of_a_firing() {
    let mut pair = Pair::new();
    pair.webhook(T0, None);
    pair.command(T0, Command::Scale { agent: "dev".into(), scale: 0 });
    pair.webhook(T0, None);
    let query = TriggersQuery { limit: 10, ..TriggersQuery::default() };
    let receipts = pair.store.reader().triggers(&query).unwrap();
    let told = |n: usize| {
        let receipt = &receipts[n].receipt;
        (receipt.outcome, receipt.runs.len(), &*receipt.skipped)
    };
    let disabled = ("dev".to_owned(), Why::Disabled);
    assert_eq!(told(0), (ReceiptOutcome::Skipped, 0, &[disabled][..]));
    assert_eq!(told(1), (ReceiptOutcome::Accepted, 1, &[][..]));
}

#[test]
fn history_is_pruned_by_age_and_live_runs_stay() {
    let mut pair = Pair::new();
    pair.webhook(T0, Some("github:old"));
    let run = pair.runs()[0].clone();
    let exit = crate::scheduler::Exit {
        verdict: crate::scheduler::Verdict::Exited,
        code: Some(0),
        at: T0 + 10,
        return_value: None,
        status: None,
        wants_rerun: false,
        chosen: None,
        spent: None,
    };
    pair.send(T0 + 10, Event::RunExited { run: run.id.clone(), attempt: 1, exit });
    pair.webhook(T0 + 20, None);
    let live = pair.runs()[0].clone();
    pair.webhook(T0 + 15 * DAY, None);

    pair.send(T0 + 15 * DAY, Event::TimerDue(crate::scheduler::Timer::Prune));
    let left: Vec<String> = pair.runs().into_iter().map(|run| run.id).collect();
    assert_eq!(left.len(), 2, "the queued one and the running one: {left:?}");
    assert!(left.contains(&live.id) && !left.contains(&run.id));
    let receipts = pair
        .store
        .reader()
        .triggers(&TriggersQuery { limit: 10, ..TriggersQuery::default() })
        .unwrap();
    assert_eq!(receipts.len(), 2, "old receipts go, but for that of a live run");
}

#[test]
fn a_number_is_never_given_away_twice() {
    let mut pair = Pair::new();
    pair.webhook(T0, None);
    let run = pair.runs()[0].clone();
    pair.command(T0, Command::kill(crate::scheduler::Target::Runs(vec![run.id])));
    pair.send(
        T0,
        Event::Effect(
            Effect::Start { run: pair.runs()[0].id.clone(), attempt: 1 },
            crate::scheduler::EffectNews::Lost,
        ),
    );
    assert_eq!(pair.runs()[0].state, RunState::Failed);
    pair.send(T0 + 100 * DAY, Event::TimerDue(crate::scheduler::Timer::Prune));
    let loaded = Store::open(pair.dir.path()).unwrap().load(&rules(), &agents()).unwrap();
    assert_eq!(loaded.next_run, pair.view.next_run);
}

#[test]
fn keys_are_drawn_once() {
    let dir = tempfile::tempdir().unwrap();
    let first = Keys { id_key: 1, token_key: [1; 32] };
    let later = Keys { id_key: 2, token_key: [2; 32] };
    assert!(Store::open(dir.path()).unwrap().keys(first).unwrap() == first);
    assert!(Store::open(dir.path()).unwrap().keys(later).unwrap() == first);
}

#[test]
fn the_history_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let pair = Pair::new();
    for file in fs::read_dir(pair.dir.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.path().display());
    }
}

#[test]
fn what_cannot_be_opened_says_what_to_do() {
    let check = |prepare: fn(&Path), code: &str, message: &str| {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let failure = crate::failure::Failure::from(Store::open(dir.path()).unwrap_err());
        assert_eq!(failure.code, code, "{failure:?}");
        assert!(failure.message.contains(message), "{}", failure.message);
        assert!(!failure.hints.is_empty());
    };
    check(
        |dir| fs::write(dir.join(FILE), "this is no database at all, only text").unwrap(),
        "history_damaged",
        "is damaged",
    );
    check(
        |dir| {
            Store::open(dir).unwrap().conn.execute_batch("PRAGMA user_version = 99").unwrap();
        },
        "history_newer",
        &format!("was written by a newer al (schema 99, this one knows {KNOWN})"),
    );
    check(|dir| fs::create_dir(dir.join(FILE)).unwrap(), "history_unwritable", "cannot write");
}

#[test]
fn a_history_of_an_older_al_is_read_once_it_was_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(FILE);
    let old = Connection::open(&file).unwrap();
    old.execute_batch(&format!("{} PRAGMA user_version = 1;", MIGRATIONS[0])).unwrap();
    let failure = crate::failure::Failure::from(Reader::existing(file.clone()).unwrap_err());
    assert_eq!(failure.code, "history_older");
    let versions = format!("was written by an older al (schema 1, this one reads {KNOWN})");
    assert!(failure.message.ends_with(&versions));
    let store = Store::open(dir.path()).unwrap();
    let log = dir.path().join(format!("{FILE}-wal"));
    assert_eq!(fs::metadata(log).unwrap().len(), 0, "what it took is given back");
    drop(store);
    assert!(Reader::existing(file).unwrap().is_some());
}

#[test]
fn one_scheduler_per_project() {
    let dir = tempfile::tempdir().unwrap();
    let lock = Lock::take(dir.path(), 4711).unwrap().unwrap();
    // The second one is another process in real life; a second descriptor is the same to flock.
    assert_eq!(Lock::take(dir.path(), 12).unwrap().unwrap_err().pid, Some(4711));
    assert_eq!(Lock::owner(dir.path()).unwrap().pid, Some(4711));
    drop(lock);
    assert_eq!(Lock::owner(dir.path()), None);
    assert!(Lock::take(dir.path(), 12).unwrap().is_ok());
}

#[test]
fn there_is_room_again_when_something_can_be_written() {
    let pair = Pair::new();
    pair.store.try_room().unwrap();
    pair.store.set_room(Some(0));
    let full = StoreError::Full { path: pair.store.path().to_owned() };
    assert_eq!(pair.store.try_room(), Err(full));
    pair.store.set_room(None);
    pair.store.try_room().unwrap();
    // It is still the schema that it was, and no transaction is left open.
    pair.store.begin().unwrap();
    pair.store.commit().unwrap();
    drop(pair.store);
    Store::open(pair.dir.path()).unwrap();
}

#[test]
fn a_disk_that_refuses_every_write_is_told_from_a_write_that_is_wrong() {
    let check = |code: std::ffi::c_int, expected: bool| {
        let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        let error = StoreError::from_sqlite(Path::new("al.db"), error);
        assert_eq!(error.is_everywhere(), expected, "{error:?}");
    };
    check(rusqlite::ffi::SQLITE_FULL, true);
    check(rusqlite::ffi::SQLITE_IOERR_WRITE, true);
    check(rusqlite::ffi::SQLITE_IOERR_FSYNC, true);
    check(rusqlite::ffi::SQLITE_READONLY, true);
    check(rusqlite::ffi::SQLITE_CORRUPT, true);
    check(rusqlite::ffi::SQLITE_CONSTRAINT, false);
    check(rusqlite::ffi::SQLITE_TOOBIG, false);
}
