//! Every way of starting work: what it meets and which trace it leaves.

use super::*;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Situation {
    Free,
    Busy,
    AgentPaused,
    AgentDrained,
    AgentStopped,
    ProjectPaused,
    ProjectDrained,
    Disabled,
    Unknown,
    Draining,
}

use Situation::*;

/// A fleet in which `dev` is in this situation, and `lead` runs.
fn in_situation(situation: Situation) -> (Fleet, String) {
    let mut fleet = Fleet::new(&[("dev", 1, 100), ("lead", 1, 100)]).scheduled("dev", "* * * * *");
    let caller = fleet.webhook(&["lead"]).remove(0);
    let hold = |scope, hold| Command::Pause { scope, why: None, hold, until: None, kill: false };
    match situation {
        Free | Unknown => {}
        Busy => {
            fleet.webhook(&["dev"]);
        }
        AgentPaused => {
            fleet.command(Command::pause(agent("dev"), None));
        }
        AgentDrained => {
            fleet.command(hold(agent("dev"), Hold::Drain));
        }
        AgentStopped => {
            fleet.command(hold(agent("dev"), Hold::Stop));
        }
        ProjectPaused => {
            fleet.command(Command::pause(Scope::Project, None));
        }
        ProjectDrained => {
            fleet.command(hold(Scope::Project, Hold::Drain));
        }
        Disabled => {
            fleet.command(Command::Scale { agent: "dev".into(), scale: 0 });
        }
        Draining => {
            fleet.webhook(&["dev"]);
            fleet.command(Command::Stop { clear_queues: false, kill: false });
        }
    }
    (fleet, caller)
}

/// What became of a firing, in a few words.
fn told(fleet: &Fleet, answer: Option<Answer>) -> String {
    match answer {
        Some(Answer::Fired { runs, skipped, .. }) => match (runs.first(), skipped.first()) {
            (Some(run), _) => fleet.state(run).name().to_owned(),
            (None, Some((_, why))) => format!("skipped: {}", why.sentence()),
            (None, None) => "no match".to_owned(),
        },
        Some(Answer::ToRun(ToRun::Called { run, .. })) => fleet.state(&run).name().to_owned(),
        Some(Answer::Refused(why)) => format!("refused: {}", why.sentence()),
        Some(Answer::NotFound { what }) => format!("not found: {what}"),
        other => format!("{other:?}"),
    }
}

/// Every way of starting work against each hindrance: webhook, manual start, tick, call, and the
/// rerun that the last run of the agent asked for.
#[test]
fn every_trigger_kind_meets_every_state() {
    let check = |situation: Situation, [webhook, manual, cron, call, rerun]: [&str; 5]| {
        let name = if situation == Unknown { "nobody" } else { "dev" };
        let same = |kind: &str, found: String, expected: &str| {
            assert_eq!(found, expected, "{kind} when {situation:?}");
        };
        let (mut fleet, _) = in_situation(situation);
        let answer = fleet.send(Event::Fired(firing(&[name], None)));
        same("webhook", told(&fleet, answer), webhook);
        let (mut fleet, _) = in_situation(situation);
        let answer = fleet.command(Command::Run(Order::of(name)));
        same("manual", told(&fleet, Some(answer)), manual);
        let (mut fleet, _) = in_situation(situation);
        let answer = fleet.tick(name);
        same("tick", told(&fleet, answer), cron);
        let (mut fleet, caller) = in_situation(situation);
        let answer = fleet.call(&caller, name);
        same("call", told(&fleet, Some(answer)), call);
        // One that was in flight before, and wants another.
        let (fleet, _) = in_situation(situation);
        let mut before = Fleet::new(&[("dev", 1, 100), ("lead", 1, 100)]);
        before.tick_now("dev");
        let run = before.view.agents["dev"].live.first().unwrap().clone();
        before.view.mode = fleet.view.mode;
        before.view.pauses.clone_from(&fleet.view.pauses);
        before.rules("dev").scale = fleet.view.agents["dev"].rules.scale;
        before.exit(&run, Exit { wants_rerun: true, ..exited(0) });
        let answer = before.last_answer.clone();
        same("rerun", told(&before, answer), rerun);
    };
    check(Free, ["starting", "starting", "starting", "starting", "starting"]);
    let full = "skipped: waiting for a slot: 1 of 1 are taken";
    check(Busy, ["queued", "queued", full, "queued", "starting"]);
    let all = |webhook: &'static str, why: &str| {
        let (skipped, refused) = (format!("skipped: {why}"), format!("refused: {why}"));
        [webhook.to_owned(), refused.clone(), skipped.clone(), refused, skipped]
    };
    let held = |situation, webhook: Option<&'static str>, why: &str| {
        let mut expected = all(webhook.unwrap_or_default(), why);
        if webhook.is_none() {
            expected[0] = format!("skipped: {why}");
        }
        check(situation, expected.each_ref().map(String::as_str));
    };
    held(AgentPaused, Some("queued"), "held: the agent was paused by ann");
    held(AgentDrained, None, "held: the agent is being drained by ann");
    held(AgentStopped, None, "held: the agent was stopped by ann");
    held(ProjectPaused, Some("queued"), "held: the scheduler was paused by ann");
    held(ProjectDrained, None, "held: the scheduler is being drained by ann");
    held(Disabled, None, "the agent is disabled (scale = 0)");
    held(Draining, Some("refused: the scheduler is stopping"), "the scheduler is stopping");
    check(
        Unknown,
        [
            "skipped: no agent of that name",
            "not found: agent nobody",
            "None",
            "refused: no agent of that name",
            "starting",
        ],
    );
}

#[test]
fn the_same_delivery_twice_is_one_firing() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    fleet.send(Event::Fired(firing(&["dev"], Some("github:1"))));
    let known = Known { receipt: "receipt-0".into(), runs: vec!["dev-1".into()], call: None };
    fleet.view.facts.known = Some(known.clone());
    let again = fleet.send(Event::Fired(firing(&["dev"], Some("github:1"))));
    assert_eq!(again, Some(Answer::Duplicate(known)));
    assert_eq!((fleet.receipts.len(), fleet.view.runs.len()), (1, 1));
}

#[test]
fn a_delivery_that_nobody_wants_leaves_a_receipt() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    assert_eq!(fleet.webhook(&[]), Vec::<String>::new());
    assert_eq!(fleet.receipts[0].outcome, model::ReceiptOutcome::NoMatch);
}

#[test]
fn cron_sets_its_next_tick_and_does_not_replay_what_it_missed() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]).scheduled("dev", "*/10 * * * * *");
    fleet.send(Event::HostStarted);
    assert!(fleet.view.runs.is_empty(), "nothing runs because the scheduler started");
    let next = |fleet: &Fleet| fleet.view.timers[&Timer::Cron("dev".into())];
    assert_eq!(next(&fleet), T0 + 10_000);
    fleet.at = T0 + 3_605_000;
    fleet.tick("dev");
    assert_eq!(fleet.view.runs.len(), 1);
    assert_eq!(next(&fleet), T0 + 3_610_000);
}

#[test]
fn a_clock_set_back_a_little_repeats_no_tick_and_set_back_far_silences_no_schedule() {
    const HOUR: Millis = 3_600_000;
    let armed_after = |back: Millis| {
        let mut fleet = Fleet::new(&[("dev", 1, 100)]).scheduled("dev", "0 * * * *");
        fleet.send(Event::HostStarted);
        fleet.at -= back;
        fleet.send(Event::ClockSetBack);
        fleet.view.timers[&Timer::Cron("dev".into())]
    };
    assert_eq!(armed_after(1_000), T0 + HOUR);
    assert_eq!(armed_after(3 * HOUR), T0 + HOUR);
    assert_eq!(armed_after(30 * 24 * HOUR), T0 - 30 * 24 * HOUR + HOUR);
}

#[test]
fn scheduled_runs_that_ask_for_it_run_again_up_to_the_limit_and_never_after_an_error() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]).scheduled("dev", "* * * * *");
    fleet.tick("dev");
    let mut seen = Vec::new();
    let next = |fleet: &Fleet| fleet.view.runs.values().next().cloned();
    while let Some(run) = next(&fleet) {
        seen.push(run.rerun);
        fleet.exit(&run.id, Exit { wants_rerun: true, ..exited(0) });
    }
    assert_eq!(seen, [0, 1, 2], "the run and two reruns");
    let last = fleet.receipts.last().unwrap();
    assert_eq!(last.skipped, [("dev".to_owned(), Why::RerunLimit { max: 2 })]);

    fleet.tick("dev");
    let run = fleet.view.runs.keys().next().unwrap().clone();
    fleet.exit(&run, Exit { wants_rerun: true, ..exited(1) });
    assert!(fleet.view.runs.is_empty(), "no rerun after an error");

    let run = fleet.webhook(&["dev"]).remove(0);
    fleet.exit(&run, Exit { wants_rerun: true, ..exited(0) });
    assert!(fleet.view.runs.is_empty(), "no rerun of a webhook's run");
}

#[test]
fn a_wish_for_a_rerun_that_comes_too_late_leaves_a_receipt() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]).scheduled("dev", "* * * * *");
    fleet.tick("dev");
    let run = fleet.view.runs.keys().next().unwrap().clone();
    fleet.command(Command::Stop { clear_queues: false, kill: false });
    fleet.exit(&run, Exit { wants_rerun: true, ..exited(0) });
    let last = fleet.receipts.last().unwrap();
    assert_eq!(last.skipped, [("dev".to_owned(), Why::Stopping)]);
}
