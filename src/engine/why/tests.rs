//! Rows in, sentences out.

use super::run::{Rows, steps};
use super::*;
use crate::scheduler::model::ReceiptOutcome;
use crate::scheduler::{Call, Hold, Lock, Pause, Receipt, Run, RunState, Scope, WaitFor, Wakening};
use crate::store::{CallRecord, Moment};

const T0: Millis = 1_800_000_000_000;

fn trigger() -> Trigger {
    let (source, summary) = ("github".to_owned(), "issues opened acme/api#1".to_owned());
    Trigger { kind: TriggerKind::Webhook, source, summary }
}

fn receipt(id: &str, at_s: i64, runs: &[&str]) -> Receipt {
    let (at, outcome) = (T0 + at_s * 1000, ReceiptOutcome::Accepted);
    Receipt {
        runs: runs.iter().map(|run| (*run).to_owned()).collect(),
        ..Receipt::new(id.to_owned(), at, trigger(), outcome)
    }
}

fn run(id: &str) -> Run {
    Run {
        receipt: "r1".to_owned(),
        ..Run::accepted(1, id.to_owned(), id.rsplit_once('-').unwrap().0, trigger(), T0)
    }
}

fn moment(at_s: i64, why: Why) -> Moment {
    Moment { at: T0 + at_s * 1000, why }
}

/// A run that was started at once and still runs.
fn rows() -> Rows {
    let run = Run {
        state: RunState::Running,
        why: Why::Started,
        attempt: 1,
        started_at: Some(T0),
        ..run("dev-1")
    };
    Rows {
        run,
        receipt: Some(receipt("r1", 0, &["dev-1"])),
        moments: Vec::new(),
        pauses: Vec::new(),
        made: Vec::new(),
        served: Vec::new(),
        locks: Vec::new(),
        said: Vec::new(),
        wakers: Vec::new(),
        rerun: None,
    }
}

fn ended(at_s: i64, state: RunState, why: Why) -> Rows {
    let mut rows = rows();
    rows.run = Run { state, why, ended_at: Some(T0 + at_s * 1000), ..rows.run };
    rows
}

fn told(steps: &[Step]) -> Vec<String> {
    steps.iter().map(|step| format!("{}s {}", (step.at_ms - T0) / 1000, step.text)).collect()
}

#[track_caller]
fn check(rows: &Rows, expected: &[&str]) {
    // Whatever happens, it begins like this.
    let all = told(&steps(rows, T0 + 1_000_000));
    assert_eq!(all[0], "0s a webhook of github came: issues opened acme/api#1");
    assert_eq!(all[1..], *expected);
}

#[test]
fn a_run_that_had_a_slot_was_started_at_once() {
    check(
        &ended(65, RunState::Succeeded, Why::Exited { code: 0 }),
        &[
            "0s dev took it",
            "0s started at once: a slot is free",
            "65s succeeded: finished, after 1m5s",
        ],
    );
}

#[test]
fn a_run_that_goes_on_says_how_things_stand() {
    let mut rows = rows();
    rows.run.status = Some("half way".to_owned());
    rows.locks = vec![Lock {
        key: "db".into(),
        run: "dev-1".into(),
        attempt: 1,
        since: T0 + 5000,
        until: T0 + 65_000,
    }];
    check(
        &rows,
        &[
            "0s dev took it",
            "0s started at once: a slot is free",
            "5s holds the lock db for 1m unless renewed",
            "1000s is running for 16m40s: half way",
        ],
    );
}

#[test]
fn what_waits_says_for_what_it_waited() {
    let mut rows = ended(40, RunState::Failed, Why::Exited { code: 3 });
    rows.run.started_at = Some(T0 + 30_000);
    rows.moments = vec![moment(0, Why::AgentBusy { running: 2, scale: 2 })];
    check(
        &rows,
        &[
            "0s dev took it into its queue: waiting for a slot: 2 of 2 are taken",
            "30s started after 30s in the queue: a slot is free",
            "40s failed: exit code 3, after 10s",
        ],
    );
}

#[test]
fn only_pauses_that_kept_it_waiting_are_told() {
    let pause = |since_s: i64| Why::Paused {
        scope: Scope::Project,
        pause: Pause {
            by: "ann".into(),
            since: T0 + since_s * 1000,
            why: Some("deploy".into()),
            hold: Hold::Pause,
            until: None,
        },
    };
    let over = || Why::ResumedBy { by: "bob".into() };
    let mut rows = ended(40, RunState::Succeeded, Why::Exited { code: 0 });
    rows.run.started_at = Some(T0 + 30_000);
    rows.moments = vec![moment(0, Why::AgentBusy { running: 1, scale: 1 })];
    let moments = [
        (-90, pause(-90)),
        (-80, over()),
        (10, pause(10)),
        (25, over()),
        (31, pause(31)),
        (35, over()),
    ];
    let moments = moments.map(|(at, why)| moment(at, why)).to_vec();
    rows.pauses = vec![(Scope::Project, moments)];
    check(
        &rows,
        &[
            "0s dev took it into its queue: waiting for a slot: 1 of 1 are taken",
            "10s held: the scheduler was paused by ann (deploy)",
            "25s the scheduler was resumed by bob",
            "30s started after 30s in the queue: a slot is free",
            "40s succeeded: finished, after 10s",
        ],
    );
}

#[test]
fn each_attempt_is_told_with_its_end() {
    let retry =
        |because: Why| Why::Retry { next: 2, of: 2, after_ms: 10_000, because: Box::new(because) };
    let mut rows = ended(50, RunState::TimedOut, Why::TimedOut { after_s: 9 });
    rows.run = Run { attempt: 2, retries: 1, started_at: Some(T0 + 41_000), ..rows.run };
    rows.moments =
        vec![moment(0, Why::SlotFree), moment(30, retry(Why::Lost)), moment(41, Why::SlotFree)];
    check(
        &rows,
        &[
            "0s dev took it",
            "0s started at once: a slot is free",
            "30s the attempt ended, attempt 2 of 2 follows after 10s: its process vanished without \
             an exit status",
            "41s attempt 2 started after 11s in the queue: a slot is free",
            "50s ran out of time: timed out after 9 s, after 9s, with 2 attempts",
        ],
    );
}

#[test]
fn waits_are_told_with_what_ended_them() {
    let question = WaitFor::Answer { question: "deploy?".into(), choices: vec![] };
    let webhook = WaitFor::Webhook { source: None, event: None, matches: Default::default() };
    let waits = |wait| Why::Waits { wait, until: T0 };
    let answer = Wakening::Answer { by: "ann".into(), text: "yes".into() };
    let mut rows = ended(90, RunState::Succeeded, Why::Exited { code: 0 });
    rows.moments = vec![
        moment(10, waits(question)),
        moment(20, Why::Woken { by: answer }),
        moment(21, Why::GoesOn),
        moment(30, waits(webhook)),
        moment(40, Why::Woken { by: Wakening::Trigger { receipt: "r9".into() } }),
        moment(41, Why::GoesOn),
    ];
    rows.wakers = vec![receipt("r9", 40, &["dev-1"])];
    check(
        &rows,
        &[
            "0s dev took it",
            "0s started at once: a slot is free",
            "10s asks: deploy?",
            "20s ann answered: yes",
            "21s went on, with a slot again",
            "30s waiting for a webhook",
            "40s what it waited for came, a webhook of github came: issues opened acme/api#1 \
             (receipt r9)",
            "41s went on, with a slot again",
            "90s succeeded: finished, after 1m30s",
        ],
    );
}

#[test]
fn calls_are_told_from_both_ends() {
    let call = |at_s: i64, caller: &str, run: &str| Call {
        id: "c".into(),
        caller: caller.into(),
        run: run.into(),
        receipt: "r".into(),
        at: T0 + at_s * 1000,
    };
    let callee = Run {
        state: RunState::Failed,
        why: Why::Exited { code: 1 },
        ended_at: Some(T0 + 20_000),
        ..run("qa-2")
    };
    let mut rows = ended(30, RunState::Succeeded, Why::Exited { code: 0 });
    rows.served = vec![CallRecord { call: call(0, "lead-9", "dev-1"), other: None }];
    rows.made = vec![CallRecord { call: call(10, "dev-1", "qa-2"), other: Some(callee) }];
    check(
        &rows,
        &[
            "0s dev took it",
            "0s started at once: a slot is free",
            "0s was called by lead-9 (no longer in the history)",
            "10s called qa-2",
            "20s qa-2, which it called, failed: exit code 1",
            "30s succeeded: finished, after 30s",
        ],
    );
}

#[test]
fn who_killed_or_replaced_it_and_what_followed_is_told() {
    let killed = || Why::KilledBy { by: "ann".into() };
    let mut rows = ended(12, RunState::Killed, killed());
    rows.moments = vec![moment(10, killed())];
    check(
        &rows,
        &[
            "0s dev took it",
            "0s started at once: a slot is free",
            "10s was asked to end: killed by ann",
            "12s was killed: killed by ann, after 12s",
        ],
    );
    let replaced = Why::Replaced { by: "dev-2".into(), key: "acme/api#1".into() };
    let mut rows = ended(12, RunState::Dropped, replaced);
    rows.run = Run { attempt: 0, started_at: None, ..rows.run };
    rows.moments = vec![moment(0, Why::AgentBusy { running: 1, scale: 1 })];
    check(
        &rows,
        &[
            "0s dev took it into its queue: waiting for a slot: 1 of 1 are taken",
            "12s was dropped: replaced by dev-2, which is about acme/api#1 too",
        ],
    );
    let mut rows = ended(12, RunState::Succeeded, Why::Exited { code: 42 });
    rows.rerun = Some(receipt("r2", 12, &["dev-2"]));
    let last = told(&steps(&rows, T0)).pop();
    assert_eq!(last.as_deref(), Some("12s dev-2 follows: it asked for a rerun"));
}

#[test]
fn a_firing_says_that_it_is_a_replay_came_again_or_was_refused() {
    let check = |receipt: Receipt, expected: &[&str]| {
        assert_eq!(told(&firing::steps(&receipt, &[], T0 + 1_000_000)), expected);
    };
    let nothing = Receipt { outcome: ReceiptOutcome::NoMatch, ..receipt("r2", 0, &[]) };
    let came = "0s a webhook of github came: issues opened acme/api#1";
    let no_agent = "0s nothing started: no agent wants it";
    let (replay_of, by) = (Some("r1".to_owned()), Some("ann".to_owned()));
    check(
        Receipt { replay_of, by, ..nothing.clone() },
        &[came, "0s ann replayed the delivery of r1", no_agent],
    );
    check(
        nothing.clone().again(2, T0 + 9000),
        &[came, no_agent, "9s it came again, 3 times in all, and counts once"],
    );
    let (outcome, by) = (ReceiptOutcome::Refused, Some("192.0.2.1".to_owned()));
    check(
        Receipt { outcome, by, ..nothing.again(213, T0 + 9000) },
        &[
            "0s a webhook of github was refused: issues opened acme/api#1",
            "9s nothing started or was kept: x 214 from 192.0.2.1",
        ],
    );
}

#[test]
fn a_firing_says_what_it_did_for_each_agent() {
    let check = |receipt: &Receipt, runs: &[Rows], expected: &[&str]| {
        let all = super::firing::steps(receipt, runs, T0 + 60_000);
        let told: Vec<String> =
            all.iter().skip(1).map(|step| format!("{} {}", step.about, step.text)).collect();
        assert_eq!(told, expected);
    };
    check(&receipt("r1", 0, &[]), &[], &["r1 nothing started: no agent wants it"]);
    let mut skipped = receipt("r1", 0, &[]);
    skipped.skipped = vec![("dev".into(), Why::Disabled)];
    check(
        &skipped,
        &[],
        &[
            "r1 dev was skipped: the agent is disabled (scale = 0)",
            "r1 nothing started: no agent that wants it could take it",
        ],
    );
    let mut woken = rows();
    woken.run.id = "qa-2".into();
    woken.run.receipt = "r0".into();
    check(
        &receipt("r1", 0, &["dev-1", "qa-2", "old-3"]),
        &[rows(), woken],
        &[
            "dev-1 dev took it",
            "dev-1 started at once: a slot is free",
            "r1 woke qa-2, which waited for it",
            "r1 started old-3, which the history no longer has",
            "dev-1 is running for 1m",
        ],
    );
}
