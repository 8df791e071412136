//! Whatever happens in whatever order.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Act {
    Webhook(usize),
    Tick(usize),
    Manual(usize),
    Exit(usize, i32),
    Kill(usize),
    Pause(usize),
    Resume(usize, bool),
    Scale(usize, u32),
    Lock(usize, u8),
    Unlock(usize, u8),
    Call(usize, usize),
    Wait(usize),
    Answer(usize),
    Wake(usize),
    /// The world carries out the newest of these effects.
    Did(&'static str),
    Later(usize),
    Pass(i64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..3usize).prop_map(Act::Webhook),
        2 => (0..3usize).prop_map(Act::Tick),
        1 => (0..3usize).prop_map(Act::Manual),
        5 => (any::<usize>(), 0..2i32).prop_map(|(n, code)| Act::Exit(n, code)),
        1 => any::<usize>().prop_map(Act::Kill),
        1 => (0..4usize).prop_map(Act::Pause),
        1 => (0..4usize, any::<bool>()).prop_map(|(n, drop)| Act::Resume(n, drop)),
        1 => (0..3usize, 0..3u32).prop_map(|(n, scale)| Act::Scale(n, scale)),
        2 => (any::<usize>(), 0..3u8).prop_map(|(n, key)| Act::Lock(n, key)),
        1 => (any::<usize>(), 0..3u8).prop_map(|(n, key)| Act::Unlock(n, key)),
        2 => (any::<usize>(), 0..3usize).prop_map(|(n, agent)| Act::Call(n, agent)),
        2 => any::<usize>().prop_map(Act::Wait),
        1 => any::<usize>().prop_map(Act::Answer),
        1 => (0..3usize).prop_map(Act::Wake),
        3 => prop::sample::select(vec!["start", "suspend", "resume"]).prop_map(Act::Did),
        1 => (0..3usize).prop_map(Act::Later),
        1 => (-60_000..600_000i64).prop_map(Act::Pass),
    ]
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn scope(n: usize) -> Scope {
    NAMES.get(n).map_or(Scope::Project, |name| agent(name))
}

proptest! {
    /// Whatever happens: bounds hold after every event (checked in `send`), every accepted run
    /// is either live or ended exactly once, and every firing has its receipt.
    #[test]
    fn no_run_is_lost(acts in prop::collection::vec(act(), 1..80)) {
        let mut fleet = Fleet::new(&[("a", 1, 2), ("b", 2, 3), ("c", 1, 0)])
            .scheduled("a", "* * * * *")
            .scheduled("b", "* * * * *")
            .scheduled("c", "* * * * *");
        fleet.view.rules.scale = Some(3);
        fleet.rules("a").retry = Retry { attempts: 3, backoff_ms: 1000, on: vec![RetryOn::Error] };
        fleet.rules("b").overlap = Overlap::Queue;
        fleet.rules("b").lane = Some(Template::parse("{lane}").unwrap());
        fleet.rules("c").priority = Priority::High;
        for act in acts {
            let live: Vec<String> = {
                let mut live: Vec<&Run> = fleet.view.runs.values().collect();
                live.sort_by_key(|run| run.seq);
                live.iter().map(|run| run.id.clone()).collect()
            };
            match act {
                Act::Webhook(n) => { fleet.webhook(&[NAMES[n]]); }
                Act::Tick(n) => { fleet.tick(NAMES[n]); }
                Act::Manual(n) => {
                    fleet.command(Command::Run(Order::of(NAMES[n])));
                }
                Act::Exit(n, code) if !live.is_empty() => {
                    let run = live[n % live.len()].clone();
                    fleet.exit(&run, exited(code));
                }
                Act::Kill(n) if !live.is_empty() => {
                    let run = live[n % live.len()].clone();
                    fleet.command(Command::kill(Target::Runs(vec![run])));
                }
                Act::Pause(n) => {
                    fleet.command(Command::pause(scope(n), None));
                }
                Act::Resume(n, drop_held) => {
                    fleet.command(Command::Resume { scope: scope(n), drop_held });
                }
                Act::Scale(n, scale) => {
                    fleet.command(Command::Scale { agent: NAMES[n].into(), scale });
                }
                Act::Lock(n, key) if !live.is_empty() => {
                    let key = format!("x:{key}");
                    fleet.ask(&live[n % live.len()], Ask::Lock { key, ttl_ms: None, waits: n % 2 == 0 });
                }
                Act::Unlock(n, key) if !live.is_empty() => {
                    fleet.ask(&live[n % live.len()], Ask::Unlock { key: format!("x:{key}") });
                }
                Act::Call(n, agent) if !live.is_empty() => {
                    fleet.call(&live[n % live.len()], NAMES[agent]);
                }
                Act::Wait(n) if !live.is_empty() => {
                    let what = match n % 2 {
                        0 => WaitFor::Answer { question: "?".into(), choices: Vec::new() },
                        _ => WaitFor::Webhook { source: None, event: None, matches: BTreeMap::new() },
                    };
                    fleet.ask(&live[n % live.len()], Ask::Wait { what, timeout_ms: Some(30_000) });
                }
                Act::Answer(n) if !live.is_empty() => {
                    let (run, text) = (live[n % live.len()].clone(), "yes".to_owned());
                    fleet.command(Command::Answer { run, text });
                }
                Act::Wake(n) => { fleet.webhook(&[NAMES[n]]); }
                Act::Did(act) if fleet.todo.iter().any(|effect| effect.act() == act) => fleet.did(act),
                Act::Later(n) => {
                    let not_before = Some(fleet.at + 20_000);
                    fleet.command(Command::Run(Order { not_before, ..Order::of(NAMES[n]) }));
                }
                Act::Pass(ms) => {
                    fleet.at += ms;
                    let due = |at: &Millis| *at <= fleet.at;
                    let timers: Vec<Timer> = fleet.view.timers.iter()
                        .filter(|(_, at)| due(at)).map(|(timer, _)| timer.clone()).collect();
                    for timer in timers {
                        fleet.send(Event::TimerDue(timer));
                    }
                }
                Act::Exit(..) | Act::Kill(_) | Act::Lock(..) | Act::Unlock(..) | Act::Call(..)
                | Act::Wait(_) | Act::Answer(_) | Act::Did(_) => {}
            }
        }
        // A run that a firing woke was promised before.
        let promised: std::collections::BTreeSet<&String> =
            fleet.receipts.iter().flat_map(|receipt| &receipt.runs).collect();
        prop_assert_eq!(promised.len(), fleet.view.runs.len() + fleet.ended.len());
    }
}
