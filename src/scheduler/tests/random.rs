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
                Act::Exit(..) | Act::Kill(_) => {}
            }
        }
        let promised: usize = fleet.receipts.iter().map(|receipt| receipt.runs.len()).sum();
        prop_assert_eq!(promised, fleet.view.runs.len() + fleet.ended.len());
    }
}
