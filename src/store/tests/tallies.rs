//! What was counted on the way equals what a count of all rows says.

use proptest::prelude::*;

use super::*;
use crate::scheduler::{Ask, EffectNews, Exit, Order, Report, Retry, RetryOn, Target, Verdict};

#[derive(Debug, Clone)]
enum Act {
    Webhook(bool),
    Tick(usize),
    Manual(usize),
    Call(usize, usize),
    Exit(usize, i32),
    Vanish(usize),
    TimeOut(usize),
    Rerun(usize),
    Kill(usize),
    Pause(usize, bool),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => any::<bool>().prop_map(Act::Webhook),
        2 => (0..2usize).prop_map(Act::Tick),
        1 => (0..2usize).prop_map(Act::Manual),
        3 => (any::<usize>(), 0..2usize).prop_map(|(n, agent)| Act::Call(n, agent)),
        5 => (any::<usize>(), 0..2i32).prop_map(|(n, code)| Act::Exit(n, code)),
        2 => any::<usize>().prop_map(Act::Vanish),
        1 => any::<usize>().prop_map(Act::TimeOut),
        1 => any::<usize>().prop_map(Act::Rerun),
        1 => any::<usize>().prop_map(Act::Kill),
        1 => (0..2usize, any::<bool>()).prop_map(|(n, pause)| Act::Pause(n, pause)),
    ]
}

const NAMES: [&str; 2] = ["dev", "qa"];

fn fleet() -> Vec<(String, AgentRules)> {
    let retry = Retry {
        attempts: 3,
        backoff_ms: 0,
        on: vec![RetryOn::Lost, RetryOn::Timeout, RetryOn::Error],
    };
    let dev = AgentRules { scale: 2, queue_bound: 2, retry, ..AgentRules::default() };
    let qa = AgentRules { scale: 1, queue_bound: 1, ..AgentRules::default() };
    vec![("dev".to_owned(), dev), ("qa".to_owned(), qa)]
}

fn exit(verdict: Verdict, code: Option<i32>, at: i64) -> Exit {
    let (return_value, status) = (None, None);
    Exit { verdict, code, at, return_value, status, wants_rerun: false, chosen: None, spent: None }
}

impl Pair {
    fn act(&mut self, act: &Act, at: i64) {
        let mut live: Vec<&Run> = self.view.runs.values().filter(|r| r.state.alive()).collect();
        live.sort_by_key(|run| run.seq);
        let pick =
            |n: usize| live.get(n % live.len().max(1)).map(|run| (run.id.clone(), run.attempt));
        let exited = |n: usize, exit: Exit| {
            pick(n).map(|(run, attempt)| Event::RunExited { run, attempt, exit })
        };
        let command = |command| Some(Event::Command { command, by: Who::console("ann") });
        let event = match act {
            Act::Webhook(wanted) => {
                let mut firing = super::firing(None);
                firing.targets = if *wanted { vec!["dev".into(), "qa".into()] } else { vec![] };
                Some(Event::Fired(firing))
            }
            Act::Tick(n) => Some(Event::TimerDue(crate::scheduler::Timer::Cron(NAMES[*n].into()))),
            Act::Manual(n) => command(Command::Run(Order::of(NAMES[*n]))),
            Act::Call(n, agent) => pick(*n).map(|(run, attempt)| Event::RunAsked {
                run,
                attempt,
                ask: Ask::Call { agent: NAMES[*agent].into(), context: "do".into(), key: None },
            }),
            Act::Exit(n, code) => exited(*n, exit(Verdict::Exited, Some(*code), at)),
            Act::TimeOut(n) => exited(*n, exit(Verdict::TimedOut { after_s: 9 }, Some(124), at)),
            Act::Vanish(n) => pick(*n).map(|(run, attempt)| {
                Event::Effect(Effect::Start { run, attempt }, EffectNews::Lost)
            }),
            Act::Rerun(n) => pick(*n).map(|(run, attempt)| Event::RunReported {
                run,
                attempt,
                report: Report::Rerun,
            }),
            Act::Kill(n) => {
                pick(*n).and_then(|(run, _)| command(Command::kill(Target::Runs(vec![run]))))
            }
            Act::Pause(n, true) => command(Command::pause(Scope::Agent(NAMES[*n].into()), None)),
            Act::Pause(n, false) => {
                command(Command::Resume { scope: Scope::Agent(NAMES[*n].into()), drop_held: true })
            }
        };
        if let Some(event) = event {
            self.send(at, event);
        }
    }

    fn tallies(&self) -> Vec<(i64, String, String, String, i64, i64)> {
        let mut all = self
            .store
            .conn
            .prepare("SELECT hour, who, what, detail, n, ms FROM tallies ORDER BY 1, 2, 3, 4")
            .unwrap();
        let rows = all.query_map([], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// Counts the rows as if the history came from before there were tallies.
    fn recount(&self) {
        let undo = "DROP TABLE tallies; DROP INDEX runs_ended; DROP INDEX receipts_rerun;";
        self.store.conn.execute_batch(&format!("{undo} {}", MIGRATIONS[3])).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_was_counted_equals_a_count_of_all_rows(
        acts in prop::collection::vec((act(), 0..1_500_000i64), 1..60),
    ) {
        let mut pair = Pair::with(&fleet());
        // Nobody waits for the disk here.
        pair.store.conn.execute_batch("PRAGMA synchronous = OFF").unwrap();
        let mut at = T0;
        for (act, later_ms) in acts {
            at += later_ms;
            pair.act(&act, at);
        }
        let counted = pair.tallies();
        pair.recount();
        prop_assert_eq!(counted, pair.tallies());
    }
}

/// What was counted of `who`, as `what detail n`.
fn told(pair: &Pair, since: Option<i64>) -> Vec<String> {
    let tallies = pair.store.reader().tallies(since).unwrap();
    let told = tallies.iter().map(|t| format!("{} {} {} {}", t.who, t.what.name(), t.detail, t.n));
    told.collect()
}

#[test]
fn each_thing_is_counted_by_what_it_was() {
    let mut pair = Pair::with(&fleet());
    let acts = [
        Act::Webhook(true),  // dev and qa run
        Act::Webhook(false), // nobody wants it
        Act::Call(1, 0),     // qa calls dev
        Act::Vanish(0),      // dev's first is tried again
        Act::TimeOut(0),
        Act::Pause(1, true),
        Act::Call(0, 1), // which is not taken
        Act::Kill(2),    // what qa called
        Act::Exit(2, 1),
        Act::Exit(1, 0),
    ];
    for (n, act) in acts.iter().enumerate() {
        pair.act(act, T0 + n as i64);
    }
    insta::assert_snapshot!(told(&pair, None).join("\n"));
}

#[test]
fn pruning_takes_the_hours_and_leaves_the_sums() {
    let mut pair = Pair::new();
    pair.webhook(T0, None);
    pair.webhook(T0 + 15 * DAY, None);
    pair.send(T0 + 15 * DAY, Event::TimerDue(crate::scheduler::Timer::Prune));
    let later = ["dev accepted webhook 1", "github fired accepted 1"];
    assert_eq!(told(&pair, Some(T0)), later);
    let ever = ["dev accepted webhook 2", "github fired accepted 2"];
    assert_eq!(told(&pair, None), ever);
}

#[test]
fn what_was_rolled_back_is_not_counted() {
    let mut pair = Pair::new();
    pair.store.begin().unwrap();
    let run = Run::accepted(9, "dev-9".into(), "dev", super::firing(None).trigger, T0);
    let run = Box::new(run);
    pair.store.apply(&Decision::Enqueue { run, payload: "{}".into() }).unwrap();
    pair.store.roll_back();
    pair.webhook(T0, None);
    assert_eq!(told(&pair, None), ["dev accepted webhook 1", "github fired accepted 1"]);
}

#[test]
fn spans_are_those_of_the_newest_runs_that_ran() {
    let mut pair = Pair::new();
    for n in 0..3 {
        pair.webhook(T0 + n * 10, None);
    }
    for (n, at) in [(0, T0 + 100), (1, T0 + 500)] {
        let run = pair.runs().into_iter().rev().nth(n).unwrap().id;
        let exit = exit(Verdict::Exited, Some(0), at);
        pair.send(at, Event::RunExited { run, attempt: 1, exit });
    }
    let spans = |since, limit| pair.store.reader().spans("dev", since, limit).unwrap();
    let (first, second) =
        (Spans { waited_ms: 0, took_ms: 100 }, Spans { waited_ms: 90, took_ms: 400 });
    assert_eq!(spans(0, 10), [second, first]);
    assert_eq!(spans(0, 1), [second]);
    assert_eq!(spans(T0 + 101, 10), [second]);
}

#[test]
fn pages_of_receipts_follow_each_other_from_both_ends() {
    let mut pair = Pair::new();
    for n in 0..5 {
        pair.webhook(T0 + n, None);
    }
    let page = |before: Option<&str>, oldest, limit| {
        let query = TriggersQuery {
            before: before.map(|id| Before::Receipt(id.to_owned())),
            oldest,
            limit,
            ..TriggersQuery::default()
        };
        let page = pair.store.reader().triggers(&query).unwrap();
        page.into_iter().map(|found| found.receipt.id).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(page(None, false, 2), "receipt-5 receipt-4");
    assert_eq!(page(Some("receipt-4"), false, 2), "receipt-3 receipt-2");
    assert_eq!(page(Some("receipt-2"), false, 2), "receipt-1");
    assert_eq!(page(None, true, 2), "receipt-1 receipt-2");
    assert_eq!(page(Some("nobody"), false, 2), "");
}

#[test]
fn a_clock_that_was_never_set_does_not_count_twice() {
    let mut pair = Pair::new();
    pair.webhook(2, None);
    let once = ["dev accepted webhook 1", "github fired accepted 1"];
    assert_eq!(
        (told(&pair, None), told(&pair, Some(0))),
        (once.map(Into::into).to_vec(), once.map(Into::into).to_vec())
    );
    let counted = pair.tallies();
    pair.recount();
    assert_eq!(counted, pair.tallies());
}
