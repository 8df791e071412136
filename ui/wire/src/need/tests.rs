use super::*;
use crate::{AgentState, Hold, HostMode, LastRun, PauseRow, Priority, WaitRow};

const NOW_MS: i64 = 1_000_000_000;
const MINUTE_MS: i64 = 60_000;

fn agent(name: &str) -> AgentRow {
    AgentRow {
        name: name.into(),
        description: None,
        state: AgentState::Idle,
        paused: None,
        running: 0,
        waiting: 0,
        scale: 1,
        queued: 0,
        queue_bound: 20,
        next_ms: None,
        schedule: None,
        schedule_words: None,
        triggers: Vec::new(),
        last: None,
        status_text: None,
        error: None,
        engine: String::new(),
        runtime: String::new(),
        timeout_s: 60,
    }
}

/// A run of the agent in its name, that ended or waits since so many minutes.
fn run(id: &str, state: RunState, minutes: i64) -> RunRow {
    let at_ms = NOW_MS - minutes * MINUTE_MS;
    RunRow {
        id: id.into(),
        agent: id.split('-').next().unwrap().into(),
        state,
        why: "exit code 3".into(),
        trigger: String::new(),
        receipt: None,
        attempt: 1,
        stopping: false,
        queued_ms: at_ms,
        started_ms: Some(at_ms),
        ended_ms: state.ended().then_some(at_ms),
        exit_code: None,
        status_text: None,
        return_value: None,
        rerun: None,
        retry: None,
        priority: Priority::Normal,
        lane: None,
        not_before_ms: None,
        caller: None,
        wait: None,
        usage: None,
    }
}

fn delivery(id: &str, source: &str, outcome: Outcome, minutes: i64, times: u32) -> TriggerRow {
    TriggerRow {
        id: id.into(),
        at_ms: NOW_MS - minutes * MINUTE_MS,
        source: source.into(),
        summary: String::new(),
        outcome,
        why: String::new(),
        runs: Vec::new(),
        times,
        last_ms: None,
        dead: (outcome == Outcome::Refused).then(|| "validation_failed".into()),
        by: None,
        replay_of: None,
        webhook: true,
    }
}

fn host(alerts: Vec<AlertRow>) -> HostRow {
    HostRow {
        project: "shop".into(),
        environment: None,
        gateway: None,
        mode: HostMode::Running,
        paused: None,
        scale: None,
        started_ms: 0,
        version: String::new(),
        pid: 1,
        alerts,
    }
}

/// Kind, age in minutes and sentence of each, and where to look.
fn told(
    host: Option<&HostRow>,
    agents: &[AgentRow],
    runs: &[RunRow],
    triggers: &[TriggerRow],
) -> Vec<String> {
    let line = |need: Need| {
        let minutes = (NOW_MS - need.since_ms) / MINUTE_MS;
        format!("{} {minutes} {} -> {:?}", need.kind.word(), need.text, need.about)
    };
    needs(host, agents, runs, triggers, NOW_MS).into_iter().map(line).collect()
}

#[test]
fn the_newest_run_of_an_agent_tells_whether_it_fails() {
    let check = |runs: &[RunRow], last: Option<LastRun>, expected: &[&str]| {
        let agents = [AgentRow { last, ..agent("dev") }];
        assert_eq!(told(None, &agents, runs, &[]), expected, "{runs:?}");
    };
    use RunState::{Dropped, Failed, Killed, Queued, Running, Succeeded, TimedOut};
    let once = r#"failed 5 dev failed: exit code 3 -> Run("dev-b")"#;
    check(&[run("dev-b", Failed, 5), run("dev-a", Succeeded, 9)], None, &[once]);
    check(&[run("dev-b", Succeeded, 5), run("dev-a", Failed, 9)], None, &[]);
    let twice = r#"failed 5 dev timed out 2 times in a row: exit code 3 -> Run("dev-b")"#;
    let row = [run("dev-b", TimedOut, 5), run("dev-a", Failed, 9), run("dev-0", Succeeded, 10)];
    check(&row, None, &[twice]);
    for other in [Killed, Dropped, Running, Queued] {
        check(&[run("dev-c", other, 1), run("dev-b", Failed, 5)], None, &[once]);
    }
    let last = |state, minutes: i64| {
        let ended_ms = NOW_MS - minutes * MINUTE_MS;
        Some(LastRun { run: "dev-z".into(), state, ended_ms, duration_ms: 1 })
    };
    check(&[], last(Failed, 7), &[r#"failed 7 dev failed -> Run("dev-z")"#]);
    check(&[run("dev-b", Failed, 5)], last(Succeeded, 1), &[]);
    check(&[run("dev-b", Failed, 5)], last(Succeeded, 8), &[once]);
    check(&[run("gone-b", Failed, 5)], None, &[]);
}

#[test]
fn a_question_is_a_need_until_it_is_answered() {
    let wait = |question: Option<&str>| WaitRow {
        question: question.map(str::to_owned),
        choices: vec!["yes".into(), "no".into()],
        since_ms: Some(NOW_MS - 3 * MINUTE_MS),
        until_ms: NOW_MS,
    };
    let asking = RunRow { wait: Some(wait(Some("May I?"))), ..run("dev-a", RunState::Waiting, 9) };
    let found = needs(None, &[], std::slice::from_ref(&asking), &[], NOW_MS);
    assert_eq!(
        (&*found[0].text, found[0].hint.as_deref()),
        ("dev-a asks: May I?", Some("answer yes or no"))
    );
    assert_eq!(found[0].since_ms, NOW_MS - 3 * MINUTE_MS);
    let called = RunRow { wait: Some(wait(None)), ..asking.clone() };
    let answered = RunRow { state: RunState::Running, ..asking };
    assert_eq!(needs(None, &[], &[called, answered], &[], NOW_MS), []);
}

#[test]
fn refusals_count_by_source_and_reason_until_one_passes_or_a_day_is_over() {
    let check = |triggers: &[TriggerRow], expected: &[&str]| {
        assert_eq!(told(None, &[], &[], triggers), expected);
    };
    let refused = |id, minutes, times| delivery(id, "sentry", Outcome::Refused, minutes, times);
    let all = r#"refused 90 webhook sentry: bad signature x 14 -> Trigger("t2")"#;
    check(&[refused("t2", 22, 4), refused("t1", 90, 10)], &[all]);
    let other = delivery("t3", "github", Outcome::Accepted, 1, 1);
    check(&[other, refused("t2", 22, 4), refused("t1", 90, 10)], &[all]);
    let passed = delivery("t3", "sentry", Outcome::NoMatch, 10, 1);
    check(&[passed, refused("t2", 22, 4)], &[]);
    let before = delivery("t0", "sentry", Outcome::Accepted, 100, 1);
    check(
        &[refused("t2", 22, 1), before],
        &[r#"refused 22 webhook sentry: bad signature -> Trigger("t2")"#],
    );
    check(&[refused("t1", 25 * 60, 1)], &[]);
}

#[test]
fn alerts_of_the_host_and_full_queues_stand_in_order_of_age() {
    let alert = |key: &str, minutes: i64| AlertRow {
        key: key.into(),
        at_ms: NOW_MS - minutes * MINUTE_MS,
        agent: None,
        message: "spent".into(),
        hint: Some("wait".into()),
        file: None,
        line: None,
    };
    let alerts = vec![
        alert("config:config.toml", 1),
        alert("budget:dev", 4),
        alert("image:dev", 2),
        alert("engine", 8),
    ];
    let pause =
        PauseRow { by: "ann".into(), since_ms: 0, why: None, hold: Hold::Pause, until_ms: None };
    let docs = AgentRow { queued: 2, queue_bound: 2, paused: Some(pause), ..agent("docs") };
    let fine = AgentRow { queued: 1, queue_bound: 2, ..agent("fine") };
    let runs = [run("docs-b", RunState::Queued, 3), run("docs-a", RunState::Queued, 6)];
    let expected = [
        r#"host 8 spent -> Alert("engine")"#,
        r#"queue full 6 the queue of docs is full: 2 wait -> Agent("docs")"#,
        r#"budget 4 spent -> Alert("budget:dev")"#,
        r#"image 2 spent -> Alert("image:dev")"#,
        r#"files 1 spent -> Alert("config:config.toml")"#,
    ];
    assert_eq!(told(Some(&host(alerts)), &[docs, fine], &runs, &[]), expected);
}

#[test]
fn a_need_has_one_json_form() {
    let need = needs(None, &[agent("dev")], &[run("dev-a", RunState::Failed, 1)], &[], NOW_MS);
    let golden = r#"[{"key":"failed:dev-a","kind":"failed","since_ms":999940000,"agent":"dev","text":"dev failed: exit code 3","hint":"read its log, rerun it","about":{"run":"dev-a"}}]"#;
    assert_eq!(serde_json::to_string(&need).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Vec<Need>>(golden).unwrap(), need);
    assert_eq!(serde_json::from_str::<NeedKind>(r#""hologram""#).unwrap(), NeedKind::Unknown);
}
