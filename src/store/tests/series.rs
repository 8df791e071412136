//! What pictures are made from: tallies by the hour, and the runs between two instants.

use super::*;
use crate::scheduler::{Order, Target};
use crate::store::Counted;

const HOUR: i64 = 3_600_000;

/// Every two hours a run that takes one minute, five of them, and one that lives.
fn past() -> Pair {
    let mut pair =
        Pair::with(&[("dev".to_owned(), AgentRules { scale: 9, ..AgentRules::default() })]);
    for n in 0..6 {
        let at = T0 + n * 2 * HOUR;
        pair.command(at, Command::Run(Order::of("dev")));
        let run = pair.runs().remove(0);
        if n < 5 {
            pair.command(at + 60_000, Command::kill(Target::Runs(vec![run.id])));
            let run = pair.runs().remove(0);
            let exit = exit(at + 60_000);
            pair.send(at + 60_000, Event::RunExited { run: run.id, attempt: run.attempt, exit });
        }
    }
    pair
}

fn exit(at: i64) -> crate::scheduler::Exit {
    crate::scheduler::Exit {
        verdict: crate::scheduler::Verdict::Exited,
        code: Some(0),
        at,
        return_value: None,
        status: None,
        wants_rerun: false,
        chosen: None,
        spent: None,
    }
}

#[test]
fn the_runs_between_two_instants_are_told_with_a_bound() {
    let pair = past();
    let reader = pair.store.reader();
    let check = |from: i64, to: i64, limit, want: &[i64], whole: bool| {
        let part = reader.runs_between(from, to, limit).unwrap();
        let hours: Vec<i64> =
            part.rows.iter().map(|run| (run.queued_at - T0) / (2 * HOUR)).collect();
        assert_eq!((&hours[..], part.whole), (want, whole));
        let lived = reader.lived(from, to, limit).unwrap();
        let same = lived.rows.iter().zip(&part.rows).all(|(a, b)| a.ended_at == b.ended_at);
        assert!(same && lived.rows.len() == part.rows.len());
    };
    let end = T0 + 10 * HOUR;
    check(T0, end, 9, &[5, 4, 3, 2, 1, 0], true);
    // One that began before and ended within is part of it, one that came later is not.
    check(T0 + 2 * HOUR + 30_000, T0 + 4 * HOUR, 9, &[2, 1], true);
    check(T0, T0 + 9 * HOUR, 2, &[4, 3], false);
    check(T0 + 9 * HOUR, T0 + 9 * HOUR, 9, &[], true);
}

#[test]
fn hours_are_told_in_groups() {
    let pair = past();
    let told = |hours: i64| -> Vec<(i64, i64)> {
        let tallies = pair.store.reader().hourly(T0, hours).unwrap();
        let accepted = tallies.iter().filter(|tally| tally.what == Counted::Accepted);
        accepted.map(|tally| (tally.bucket, tally.n)).collect()
    };
    assert_eq!(told(2), (0..6).map(|bucket| (bucket, 1)).collect::<Vec<_>>());
    assert_eq!(told(6), [(0, 3), (1, 3)]);
}
