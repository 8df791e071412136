use super::*;
use crate::{
    AgentRow, AgentState, Hold, Need, NeedKind, Outcome, PauseRow, Priority, RunRow, RunState,
    TriggerRow, UsageRow,
};

const NOW_MS: i64 = 10_000_000_000;

fn run() -> RunRow {
    RunRow {
        id: "dev-1a2b3c4d".into(),
        agent: "dev".into(),
        state: RunState::TimedOut,
        why: "took longer than 30m".into(),
        trigger: "github issues opened acme/api#12".into(),
        receipt: None,
        attempt: 2,
        stopping: false,
        queued_ms: NOW_MS - 3_600_000,
        started_ms: Some(NOW_MS - 3_500_000),
        ended_ms: Some(NOW_MS - 1_700_000),
        exit_code: Some(3),
        status_text: Some("Running the tests".into()),
        return_value: None,
        rerun: None,
        retry: None,
        priority: Priority::High,
        lane: Some("acme/api#12".into()),
        not_before_ms: None,
        caller: None,
        wait: None,
        usage: Some(UsageRow {
            input_tokens: 20_000,
            output_tokens: 400,
            cache_read_tokens: 1_000,
            cache_write_tokens: 0,
            cost_micros: Some(510_000),
            turns: 6,
            text: String::new(),
        }),
    }
}

#[test]
fn a_run_passes_when_all_conditions_hold() {
    let row = run();
    let check = |source: &str, passes: bool| {
        let query = Query::parse(View::Runs, source).unwrap();
        assert_eq!(query.passes(&Line::Run(&row), NOW_MS), passes, "{source}");
    };
    check("", true);
    check("issues", true);
    check("ISSUES dev", true);
    check("!issues", false);
    check("!pull", true);
    check("state=timed-out agent=dev", true);
    check("state=Timed-Out", true);
    check("state=failed", false);
    check("state=failed,timed-out", true);
    check("state!=failed,timed-out", false);
    check("state~time", true);
    check("agent!=dev", false);
    check("agent=de", false);
    check("agent~de", true);
    check("agent=dev /issues opened", true);
    check("/issues closed", false);
    check("/!issues closed", true);
    check("/!issues opened", false);
    check("acme/api", true);
    check("\"running the\"", true);
    check("trigger~\"issues opened\"", true);
    check("trigger=\"github issues opened acme/api#12\"", true);
    check("source=github", true);
    check("age<2h", true);
    check("age<=1h", true);
    check("age>1h", false);
    check("dur>=30m dur<30m1s", true);
    check("cost>0.5", true);
    check("cost>=$0.51", true);
    check("cost>$1", false);
    check("tokens>=21.4k tokens<1M", true);
    check("turns=6 attempt=2 exit!=0", true);
    check("priority=high lane=acme/api#12", true);
    check("caller=dev", false);
    check("caller!=dev", true);
    check("run=dev-1a2b3c4d", true);
    check("a/b=c", false);
}

#[test]
fn other_rows_have_facts_of_their_own() {
    let agent = AgentRow {
        name: "docs".into(),
        description: None,
        state: AgentState::Paused,
        paused: Some(PauseRow {
            by: "ann".into(),
            since_ms: 0,
            why: None,
            hold: Hold::Drain,
            until_ms: None,
        }),
        running: 0,
        waiting: 0,
        scale: 2,
        queued: 7,
        queue_bound: 20,
        next_ms: None,
        schedule: None,
        schedule_words: None,
        triggers: vec!["sentry".into()],
        last: None,
        status_text: None,
        error: None,
        engine: "script".into(),
        runtime: "process".into(),
        timeout_s: 1,
    };
    let trigger = TriggerRow {
        id: "0199".into(),
        at_ms: NOW_MS - 60_000,
        source: "sentry".into(),
        summary: "issue alert".into(),
        outcome: Outcome::Accepted,
        why: "-> docs-0000000a".into(),
        runs: vec!["docs-0000000a".into(), "dev-0000000b".into()],
        times: 14,
        last_ms: Some(NOW_MS - 5_000),
        dead: None,
        by: None,
        replay_of: None,
        webhook: true,
    };
    let need = Need {
        key: "queue:docs".into(),
        kind: NeedKind::Queue,
        since_ms: NOW_MS - 60_000,
        agent: Some("docs".into()),
        text: "the queue of docs is full".into(),
        hint: None,
        about: crate::About::Agent("docs".into()),
    };
    let check = |view: View, source: &str, passes: bool| {
        let line = match view {
            View::Agents => Line::Agent(&agent),
            View::Triggers => Line::Trigger(&trigger, Outcome::Started),
            _ => Line::Need(&need),
        };
        let query = Query::parse(view, source).unwrap();
        assert_eq!(query.passes(&line, NOW_MS), passes, "{view:?} {source}");
    };
    check(View::Agents, "state=draining queued>5 running<1 engine=script", true);
    check(View::Agents, "last=failed", false);
    check(View::Agents, "sentry", true);
    check(View::Triggers, "outcome=started source=sentry agent=dev times>10 age<10s", true);
    check(View::Triggers, "outcome=accepted", false);
    check(View::Triggers, "agent!=dev", false);
    check(View::Triggers, "what~alert run=dev-0000000b", true);
    check(View::Alerts, "kind=queue-full agent=docs age>=1m", true);
    check(View::Alerts, "full", true);
}

#[test]
fn a_fault_says_where_and_what_was_meant() {
    let check = |view: View, source: &str, expected: &str| {
        let error = Query::parse(view, source).unwrap_err();
        assert_eq!(error.to_string(), expected, "{source}");
    };
    check(View::Runs, "stat=failed", "column 1: no key `stat`, did you mean `state`?");
    check(
        View::Runs,
        "dev state=faild",
        "column 11: `faild` is none of them, did you mean `failed`?",
    );
    check(View::Runs, "ü state<failed", "column 8: `state` knows = != ~, not <");
    check(View::Runs, "age=1h", "column 4: `age` knows < <= > >=, not =");
    check(
        View::Runs,
        "age<soon",
        "column 5: `soon` is no span of time: write 90s, 5m, 1h30m or 2d",
    );
    check(View::Runs, "age<5", "column 5: `5` is no span of time: write 90s, 5m, 1h30m or 2d");
    check(View::Runs, "tokens>x", "column 8: `x` is no number: write 3, 20k or 1.5M");
    check(View::Runs, "cost>1.2.3", "column 6: `1.2.3` is no amount: write 0.50 or $2");
    check(View::Runs, "state=", "column 7: `state` needs a value, as in `state=queued`");
    check(View::Runs, "age<", "column 5: `age` needs a value, as in `age>1h`");
    check(View::Alerts, "zzz=1", "column 1: no key `zzz`; there are agent, kind, age");
    check(
        View::Triggers,
        "state=failed",
        "column 1: no key `state`; there are agent, outcome, age, source, what, why, run, times",
    );
}

#[test]
fn words_of_a_shell_need_no_quotes_of_ours() {
    let check = |given: &[&str], expected: &str| {
        let given: Vec<String> = given.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(Query::of_words(View::Runs, &given).unwrap().to_string(), expected);
    };
    check(&["state=failed", "age<1h"], "state=failed age<1h");
    check(&["trigger~issues opened", "dev"], "trigger~\"issues opened\" dev");
    check(&["two words", "/the rest"], "\"two words\" /the rest");
}

#[test]
fn what_can_be_looked_up_is_told() {
    let only = |source: &str, name: &str| {
        let query = Query::parse(View::Runs, source).unwrap();
        query.only(name).map(str::to_owned)
    };
    assert_eq!(only("state=failed agent=dev", "agent").as_deref(), Some("dev"));
    assert_eq!(only("state=failed,killed", "state"), None);
    assert_eq!(only("state!=failed", "state"), None);
}

#[test]
fn keys_then_values_complete_a_word() {
    let complete = |word: &str| {
        let all = View::Runs.complete(word, ["dev", "docs"].into_iter());
        all.into_iter().filter(|found| found.starts_with(word)).collect::<Vec<_>>()
    };
    assert_eq!(complete("st"), ["state="]);
    assert_eq!(complete("state=f"), ["state=failed"]);
    assert_eq!(complete("agent="), ["agent=dev", "agent=docs"]);
    assert_eq!(complete("age<1"), ["age<10m", "age<1h"]);
    assert_eq!(complete("nope="), [""; 0]);
}

#[test]
fn nothing_that_is_typed_breaks_it() {
    let parts = ["state", "=", "!", "<", "\"", "/", " ", "1h", "é", "~", "$", "."];
    for a in parts {
        for b in parts {
            for c in parts {
                for view in [View::Agents, View::Runs, View::Triggers] {
                    let source = format!("{a}{b}{c}{a}");
                    if let Ok(query) = Query::parse(view, &source) {
                        query.passes(&Line::Run(&run()), NOW_MS);
                    }
                }
            }
        }
    }
}
