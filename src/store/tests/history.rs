//! Pages of the past hold what the rows say, whatever the filter.

use super::*;
use crate::scheduler::{EffectNews, Order, Target};

/// A past with every kind of end: each hour something happens.
fn past() -> Pair {
    let mut agents = agents();
    agents.push(("ops".to_owned(), AgentRules { scale: 2, ..AgentRules::default() }));
    let mut pair = Pair::with(&agents);
    for i in 0..12 {
        let at = T0 + i * 3_600_000;
        let unwanted = Firing { targets: Vec::new(), ..firing(None) };
        match i % 4 {
            0 => drop(pair.webhook(at, None)),
            1 => drop(pair.send(at, Event::Fired(unwanted))),
            _ => {
                let order = Order::of("ops");
                pair.command(at, Command::Run(order));
            }
        }
        end_all(&mut pair, at + 1000);
    }
    // One that never begins, and one that is dropped.
    pair.webhook(T0 + DAY, None);
    let commands: [fn(Vec<String>) -> Command; 2] =
        [|runs| Command::kill(Target::Runs(runs)), |runs| Command::Drop { runs }];
    for command in commands {
        pair.webhook(T0 + DAY, None);
        let waiting = pair.runs().remove(0);
        assert_eq!(waiting.state, RunState::Queued);
        pair.command(T0 + DAY, command(vec![waiting.id]));
    }
    pair
}

/// Ends whatever runs, by turns well and badly.
fn end_all(pair: &mut Pair, at: i64) {
    let live: Vec<Run> = pair.view.runs.values().filter(|run| run.attempt > 0).cloned().collect();
    for run in live {
        let (id, attempt) = (run.id.clone(), run.attempt);
        let start = Effect::Start { run: id.clone(), attempt };
        pair.send(at, Event::Effect(start, EffectNews::Done));
        let exit_code = i32::from(run.seq.is_multiple_of(3));
        pair.send(at, exited(id, attempt, exit_code));
    }
}

fn exited(run: String, attempt: u32, code: i32) -> Event {
    let exit = crate::scheduler::Exit {
        verdict: crate::scheduler::Verdict::Exited,
        code: Some(code),
        at: T0,
        return_value: None,
        status: None,
        wants_rerun: code == 0,
        chosen: None,
        spent: None,
    };
    Event::RunExited { run, attempt, exit }
}

/// What a page should be, by looking at every row.
fn expected(pair: &Pair, query: &HistoryQuery) -> Vec<Ended> {
    let reader = pair.store.reader();
    let ends = |run: &Run| match run.state {
        RunState::Succeeded if run.wants_rerun => End::Rerun,
        RunState::Succeeded => End::Completed,
        RunState::Dropped => End::DeadLetter,
        _ => End::Error,
    };
    let all = RunsQuery { limit: 1000, ..RunsQuery::default() };
    let runs = reader.runs(&all).unwrap().into_iter().filter(|run| {
        run.state.ended()
            && query.agent.as_ref().is_none_or(|agent| *agent == run.agent)
            && query.kinds.contains(&run.trigger.kind)
            && query.ends.contains(&ends(run))
            && (run.started_at.is_some() || !query.began)
            && query.since.is_none_or(|since| run.queued_at >= since)
    });
    let all = TriggersQuery { limit: 1000, ..TriggersQuery::default() };
    let receipts = reader.triggers(&all).unwrap().into_iter().map(|found| found.receipt);
    let receipts = receipts.filter(|receipt| {
        matches!(receipt.outcome, ReceiptOutcome::NoMatch | ReceiptOutcome::Refused)
            && query.agent.is_none()
            && !query.began
            && query.kinds.contains(&TriggerKind::Webhook)
            && query.ends.contains(&End::DeadLetter)
            && query.since.is_none_or(|since| receipt.at >= since)
    });
    let mut rows: Vec<(i64, Ended)> =
        runs.map(|run| (run.queued_at, Ended::Run(Box::new(run)))).collect();
    rows.extend(receipts.map(|receipt| (receipt.at, Ended::Unwanted(Box::new(receipt)))));
    rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    rows.into_iter().map(|(_, row)| row).collect()
}

#[test]
fn pages_put_together_are_the_past_whatever_is_asked_for() {
    let pair = past();
    let newest = HistoryQuery::newest(1000);
    let with = |change: &dyn Fn(&mut HistoryQuery)| {
        let mut query = newest.clone();
        change(&mut query);
        query
    };
    let queries = [
        newest.clone(),
        with(&|query| query.agent = Some("ops".to_owned())),
        with(&|query| query.agent = Some("nobody".to_owned())),
        with(&|query| query.began = true),
        with(&|query| (query.began, query.agent) = (true, Some("ops".to_owned()))),
        with(&|query| query.ends = vec![End::Error]),
        with(&|query| query.ends = vec![End::DeadLetter, End::Completed]),
        with(&|query| query.ends = Vec::new()),
        with(&|query| query.kinds = vec![TriggerKind::Manual]),
        with(&|query| query.kinds = vec![TriggerKind::Webhook]),
        with(&|query| query.since = Some(T0 + 5 * 3_600_000)),
        with(&|query| query.since = Some(T0 + 5 * 3_600_000 + 1)),
        with(&|query| query.since = Some(T0 + DAY)),
    ];
    for query in queries {
        let expected = expected(&pair, &query);
        for limit in [1, 2, 5, 1000] {
            let mut rows = Vec::new();
            loop {
                let offset = rows.len() as u32;
                let page = HistoryQuery { limit, offset, ..query.clone() };
                let page = pair.store.reader().history(&page).unwrap();
                assert_eq!(page.total, expected.len() as u64, "{query:?}");
                if page.rows.is_empty() {
                    break;
                }
                rows.extend(page.rows);
            }
            assert_eq!(rows, expected, "{query:?}");
        }
    }
    assert!(expected(&pair, &newest).len() >= 12, "the past has something to show");
}
