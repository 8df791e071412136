//! Receipts: what is counted on them, how they are found, and what they keep of deliveries.

use super::*;
use crate::packed;
use crate::scheduler::{Envelope, Exit, ReceiptState, Refused, Replay, Verdict, Who};
use crate::store::receipts::sql;

fn refused(at: i64, times: u32, from: &str) -> Event {
    Event::Refused(Refused {
        source: "github".into(),
        segment: "github".into(),
        reason: "validation_failed".into(),
        text: "signature validation failed".into(),
        times,
        at,
        from: vec![from.to_owned()],
    })
}

fn found(pair: &Pair, query: &TriggersQuery) -> Vec<Found> {
    pair.store.reader().triggers(&TriggersQuery { limit: 100, ..query.clone() }).unwrap()
}

fn everything(pair: &Pair) -> Vec<Found> {
    found(pair, &TriggersQuery::default())
}

fn count(pair: &Pair, sql: &str) -> i64 {
    pair.store.conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn duplicates_are_counted_on_the_receipt_of_the_first() {
    let mut pair = Pair::new();
    pair.webhook(T0, Some("github:1"));
    for n in 1..=3 {
        pair.webhook(T0 + n, Some("github:1"));
    }
    let all = everything(&pair);
    assert_eq!(all.len(), 1, "a flood of duplicates is no flood of rows");
    assert_eq!((all[0].receipt.times, all[0].receipt.last_at), (4, Some(T0 + 3)));
    let repeated = TriggersQuery { repeated: true, ..TriggersQuery::default() };
    assert_eq!(found(&pair, &repeated), all);
    let counted = pair.store.reader().tallies(None).unwrap();
    let duplicates = counted.iter().find(|tally| tally.detail == "duplicate").unwrap();
    assert_eq!((duplicates.who.as_str(), duplicates.n), ("github", 3));
}

#[test]
fn what_is_refused_is_a_row_an_hour_that_counts() {
    let mut pair = Pair::new();
    pair.send(T0, refused(T0, 3, "192.0.2.1"));
    pair.send(T0, refused(T0 + 1, 211, "192.0.2.2"));
    let all = everything(&pair);
    let [Found { receipt, state: ReceiptState::Refused }] = &all[..] else { panic!("{all:?}") };
    assert_eq!((receipt.times, receipt.by.as_deref()), (214, Some("192.0.2.1, 192.0.2.2")));
    assert_eq!(receipt.dead_letter(), Some("validation_failed"));
    assert_eq!(pair.store.reader().envelope(&receipt.id).unwrap(), None, "bodies are not kept");
    pair.send(T0, refused(T0 + 3_600_000, 1, "192.0.2.1"));
    assert_eq!(everything(&pair).len(), 2);
    let tallies = pair.store.reader().tallies(None).unwrap();
    let by_reason = tallies.iter().find(|tally| tally.what == Counted::Refused).unwrap();
    assert_eq!((by_reason.detail.as_str(), by_reason.n), ("validation_failed", 215));
}

#[test]
fn a_receipt_says_how_far_its_runs_are() {
    let mut pair = Pair::new();
    let state = |pair: &Pair, n: usize| everything(pair).into_iter().rev().nth(n).unwrap().state;
    (0..3).for_each(|n| drop(pair.webhook(T0 + n, None)));
    assert_eq!(state(&pair, 0), ReceiptState::Started);
    assert_eq!(state(&pair, 1), ReceiptState::Queued);
    let waits = pair.runs()[0].id.clone();
    pair.command(T0, Command::Drop { runs: vec![waits] });
    assert_eq!(state(&pair, 2), ReceiptState::Dropped);
    for (state, receipts) in [
        (ReceiptState::Started, "receipt-1"),
        (ReceiptState::Queued, "receipt-2"),
        (ReceiptState::Dropped, "receipt-3"),
        (ReceiptState::Accepted, ""),
    ] {
        let query = TriggersQuery { state: Some(state), ..TriggersQuery::default() };
        assert_eq!(ids(&found(&pair, &query)), receipts, "{state:?}");
    }
    pair.store.conn.execute_batch("DELETE FROM runs").unwrap();
    assert_eq!(state(&pair, 0), ReceiptState::Accepted);
}

fn ids(found: &[Found]) -> String {
    found.iter().map(|found| found.receipt.id.as_str()).collect::<Vec<_>>().join(" ")
}

/// 1: dev runs it. 2: nobody wants it. 3: refused. 4: a person. 5: off cannot. 6: a replay of 2.
fn mixed() -> Pair {
    let rules = AgentRules { scale: 1, queue_bound: 3, ..AgentRules::default() };
    let off = AgentRules { scale: 0, ..rules.clone() };
    let mut pair = Pair::with(&[("dev".to_owned(), rules), ("dev_off".to_owned(), off)]);
    let fired = |source: &str, summary: &str, targets: &[&str], replay| {
        let trigger =
            Trigger { kind: TriggerKind::Webhook, source: source.into(), summary: summary.into() };
        let targets = targets.iter().map(|&agent| agent.to_owned()).collect();
        Event::Fired(Firing { trigger, targets, replay, ..firing(None) })
    };
    let replay = Replay { of: "receipt-2".into(), by: Who::console("ann") };
    for (n, event) in [
        fired("github", "issues opened acme/api#1", &["dev"], None),
        fired("sentry", "100% of events_x", &[], None),
        refused(T0 + 2, 7, "192.0.2.1"),
        Event::Command { command: Command::Run(Order::of("dev")), by: Who::console("ann") },
        fired("github", "push", &["dev_off"], None),
        fired("sentry", "replay: 100% of events_x", &[], Some(replay)),
    ]
    .into_iter()
    .enumerate()
    {
        pair.send(T0 + n as i64, event);
    }
    pair
}

#[test]
fn receipts_are_found_by_what_is_known_of_them() {
    let pair = mixed();
    let check = |query: TriggersQuery, expected: &str| {
        let numbers = ids(&found(&pair, &query)).replace("receipt-", "");
        assert_eq!(numbers, expected, "{query:?}");
    };
    let all = TriggersQuery::default;
    let some = |text: &str| Some(text.to_owned());
    check(all(), "6 5 4 3 2 1");
    check(TriggersQuery { dead: true, ..all() }, "6 3 2");
    check(TriggersQuery { dead: true, source: some("sentry"), ..all() }, "6 2");
    check(TriggersQuery { dead: true, oldest: true, ..all() }, "2 3 6");
    let after = some("receipt-3");
    check(TriggersQuery { oldest: true, after: after.clone(), ..all() }, "4 5 6");
    let before = Some(Before::Receipt("receipt-5".to_owned()));
    check(TriggersQuery { after: after.clone(), before, ..all() }, "4");
    check(TriggersQuery { after: some("receipt-6"), ..all() }, "");
    check(TriggersQuery { after: some("nobody"), ..all() }, "");
    check(TriggersQuery { state: Some(ReceiptState::Refused), ..all() }, "3");
    check(TriggersQuery { state: Some(ReceiptState::Skipped), ..all() }, "5");
    check(TriggersQuery { state: Some(ReceiptState::NoMatch), ..all() }, "6 2");
    check(TriggersQuery { kind: Some(TriggerKind::Manual), ..all() }, "4");
    check(TriggersQuery { source: some("github"), ..all() }, "5 3 1");
    check(TriggersQuery { source: some("manual"), ..all() }, "4");
    check(TriggersQuery { agent: some("dev"), ..all() }, "4 1");
    check(TriggersQuery { agent: some("dev_off"), ..all() }, "5");
    check(TriggersQuery { agent: some("dev-off"), ..all() }, "");
    check(TriggersQuery { since: Some(T0 + 4), ..all() }, "6 5");
    check(TriggersQuery { text: some("ACME"), ..all() }, "1");
    check(TriggersQuery { text: some("100%"), ..all() }, "6 2");
    check(TriggersQuery { text: some("00_"), ..all() }, "");
    check(TriggersQuery { text: some("s_x"), ..all() }, "6 2");
    check(TriggersQuery { text: some("receipt-4"), ..all() }, "4");
    check(TriggersQuery { text: some("dev_o"), ..all() }, "5");
    check(TriggersQuery { text: some("validation"), ..all() }, "3");
    check(TriggersQuery { text: some("'; DROP TABLE receipts"), ..all() }, "");
    let replayed = pair.store.reader().found("receipt-6").unwrap().unwrap().receipt;
    assert_eq!(replayed.replay_of.as_deref(), Some("receipt-2"));
    assert_eq!(replayed.by.as_deref(), Some("ann"));
}

/// Cursors hold while receipts come and go.
#[test]
fn pages_follow_each_other_to_the_end_whatever_comes_in_between() {
    let mut pair = Pair::new();
    let fire = |pair: &mut Pair| drop(pair.webhook(T0, None));
    (0..7).for_each(|_| fire(&mut pair));
    let mut query = TriggersQuery { limit: 3, ..TriggersQuery::default() };
    let mut seen = Vec::new();
    loop {
        let page = pair.store.reader().receipts(&query).unwrap();
        seen.extend(page.rows.into_iter().map(|found| found.receipt.id));
        fire(&mut pair);
        let Some(next) = page.next else { break };
        query.before = Some(Before::Place(next));
    }
    let expected: Vec<String> = (1..=7).rev().map(|n| format!("receipt-{n}")).collect();
    assert_eq!(seen, expected);
    pair.store.conn.execute_batch("DELETE FROM receipts WHERE id = 'receipt-3'").unwrap();
    query.before = Some(Before::Receipt("receipt-3".to_owned()));
    assert_eq!(pair.store.reader().receipts(&query).unwrap(), Page::default());
}

#[test]
fn no_search_sorts_or_reads_more_than_a_part_of_the_history() {
    let pair = mixed();
    let some = |text: &str| Some(text.to_owned());
    let all = TriggersQuery::default;
    for query in [
        all(),
        TriggersQuery { oldest: true, ..all() },
        TriggersQuery { text: some("x"), agent: some("dev"), since: Some(T0), ..all() },
        TriggersQuery { source: some("github"), kind: Some(TriggerKind::Webhook), ..all() },
        TriggersQuery { state: Some(ReceiptState::Queued), ..all() },
        TriggersQuery { state: Some(ReceiptState::Started), ..all() },
        TriggersQuery { state: Some(ReceiptState::Dropped), ..all() },
        TriggersQuery { repeated: true, ..all() },
        TriggersQuery { dead: true, text: some("x"), ..all() },
    ] {
        let (sql, values) = sql(&query, &(1..50_001), 50);
        let mut plan = pair.store.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = plan
            .query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3))
            .unwrap();
        let steps: Vec<String> = steps.map(Result::unwrap).collect();
        let by = if query.dead { "INDEX receipts_dead" } else { "INTEGER PRIMARY KEY" };
        let search = |step: &String| step.starts_with("SEARCH receipts USING") && step.contains(by);
        assert!(search(&steps[0]), "{query:?}: {steps:?}");
        let bad = |step: &String| {
            step.contains("TEMP B-TREE") || step.contains("SCAN receipts") || step == "SCAN runs"
        };
        assert!(!steps.iter().any(bad), "{query:?}: {steps:?}");
    }
}

#[test]
fn a_packed_body_comes_back_as_it_was_and_a_damaged_one_is_told() {
    let mut pair = Pair::new();
    let body = br#"{"id":1042,"login":"octocat"}"#.repeat(500);
    let envelope = Envelope {
        headers: r#"{"x-github-event":"push"}"#.into(),
        body: packed::pack(&body).unwrap(),
        unpacked_bytes: Some(body.len() as u32),
        cut_from_bytes: Some(300_000),
        segment: "hub".into(),
        signed_by: vec!["default".into()],
    };
    pair.send(T0, Event::Fired(Firing { envelope: Some(envelope.clone()), ..firing(None) }));
    let stored = count(&pair, "SELECT length(body) FROM envelopes");
    assert!(stored < body.len() as i64 / 4, "{stored} of {}", body.len());
    let read = || pair.store.reader().envelope("receipt-1");
    assert_eq!(read().unwrap(), Some(Envelope { body, unpacked_bytes: None, ..envelope }));
    pair.store.conn.execute_batch("UPDATE envelopes SET unpacked_bytes = 4000000000").unwrap();
    let message = read().unwrap_err().to_string();
    assert!(message.contains("the stored body is damaged: receipt receipt-1"), "{message}");
}

#[test]
fn what_was_delivered_is_pruned_with_its_receipt() {
    let mut pair = Pair::new();
    for n in 0..3 {
        pair.webhook(T0 + n * 10 * DAY, None);
    }
    assert_eq!(count(&pair, "SELECT count(*) FROM envelopes"), 3);
    pair.command(T0 + 20 * DAY, Command::Drop { runs: vec![pair.runs()[1].id.clone()] });
    let exit = Exit {
        verdict: Verdict::Exited,
        code: Some(0),
        at: T0 + 20 * DAY,
        return_value: None,
        status: None,
        wants_rerun: false,
        chosen: None,
        spent: None,
    };
    let run = pair.runs().last().unwrap().id.clone();
    pair.send(T0 + 20 * DAY, Event::RunExited { run, attempt: 1, exit });
    pair.send(T0 + 25 * DAY, Event::TimerDue(crate::scheduler::Timer::Prune));
    assert_eq!(ids(&everything(&pair)), "receipt-3");
    assert_eq!(count(&pair, "SELECT count(*) FROM envelopes"), 1);
    let read = |id: &str| pair.store.reader().envelope(id).unwrap().map(|kept| kept.body);
    assert_eq!((read("receipt-1"), read("receipt-3")), (None, Some(b"body".to_vec())));
}

#[test]
fn deliveries_that_an_older_al_kept_are_still_there() {
    let dir = tempfile::tempdir().unwrap();
    let old = Connection::open(dir.path().join(FILE)).unwrap();
    old.execute_batch(&format!(
        "{} PRAGMA user_version = 5;
         INSERT INTO receipts (id, at, kind, source, summary, outcome, runs, skipped, headers, body)
         VALUES ('r1', 1, 'webhook', 'github', 'ping', 'no_match', '[]', '[]',
                 '{{\"a\":\"b\",\"x-al-cut-from-bytes\":\"300000\"}}', CAST('text' AS BLOB)),
                ('r2', 2, 'schedule', 'dev', 'tick', 'skipped', '[]', '[]', NULL, NULL);",
        MIGRATIONS[..5].concat()
    ))
    .unwrap();
    drop(old);
    let reader = Store::open(dir.path()).unwrap().reader();
    let kept = reader.envelope("r1").unwrap().unwrap();
    let expected = Envelope {
        headers: r#"{"a":"b"}"#.into(),
        body: b"text".to_vec(),
        cut_from_bytes: Some(300_000),
        ..Envelope::default()
    };
    assert_eq!(kept, expected);
    assert_eq!(reader.envelope("r2").unwrap(), None);
    let dead = TriggersQuery { dead: true, limit: 9, ..TriggersQuery::default() };
    assert_eq!(ids(&reader.triggers(&dead).unwrap()), "r1");
}

#[test]
fn runs_and_dead_letters_are_one_list_by_time() {
    let pair = mixed();
    let list = |query: FiringsQuery| {
        let (rows, total) = pair.store.reader().firings(&query).unwrap();
        let rows = rows.iter().map(|row| match row {
            Fired::Run(run) => run.receipt.replace("receipt-", "run of "),
            Fired::Dead(receipt) => receipt.id.replace("receipt-", "dead "),
        });
        (rows.collect::<Vec<_>>().join(", "), total)
    };
    let check = |query: FiringsQuery, rows: &str, total| {
        assert_eq!(list(query.clone()), (rows.to_owned(), total), "{query:?}");
    };
    let page = |limit, offset| FiringsQuery { limit, offset, ..FiringsQuery::default() };
    check(page(9, 0), "run of 4, run of 1", 2);
    check(FiringsQuery { dead: true, ..page(3, 0) }, "dead 6, run of 4, dead 3", 5);
    check(FiringsQuery { dead: true, ..page(3, 3) }, "dead 2, run of 1", 5);
    check(FiringsQuery { dead: true, since: Some(T0 + 3), ..page(9, 0) }, "dead 6, run of 4", 2);
    let dev = || Some("dev".to_owned());
    check(FiringsQuery { dead: true, agent: dev(), ..page(1, 1) }, "run of 1", 2);
    let kind = Some(TriggerKind::Manual);
    check(FiringsQuery { dead: true, kind, ..page(9, 0) }, "run of 4", 1);
}
