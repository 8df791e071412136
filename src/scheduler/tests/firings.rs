//! Every way of starting work: what it meets and which trace it leaves.

use super::*;

/// One line for each way of starting work against each hindrance (pains 24, 32, 35).
#[test]
fn every_trigger_kind_meets_every_state() {
    #[derive(Clone, Copy)]
    enum Situation {
        Free,
        Busy,
        AgentPaused,
        ProjectPaused,
        Disabled,
        Unknown,
        Draining,
    }
    use Situation::*;
    let check = |situation: Situation, webhook: &str, manual: &str, cron: &str| {
        let prepare = || {
            let mut fleet = Fleet::new(&[("dev", 1, 100)]).scheduled("dev", "* * * * *");
            match situation {
                Free | Unknown => {}
                Busy => {
                    fleet.webhook(&["dev"]);
                }
                AgentPaused => {
                    fleet.command(Command::pause(agent("dev"), None));
                }
                ProjectPaused => {
                    fleet.command(Command::pause(Scope::Project, None));
                }
                Disabled => {
                    fleet.command(Command::Scale { agent: "dev".into(), scale: 0 });
                }
                Draining => {
                    fleet.webhook(&["dev"]);
                    fleet.command(Command::Stop { clear_queues: false, kill: false });
                }
            }
            fleet
        };
        let name = if matches!(situation, Unknown) { "nobody" } else { "dev" };
        let told = |fleet: &Fleet, answer: Option<Answer>| match answer {
            Some(Answer::Fired { runs, skipped, .. }) => match (runs.first(), skipped.first()) {
                (Some(run), _) => fleet.state(run).name().to_owned(),
                (None, Some((_, why))) => format!("skipped: {}", why.sentence()),
                (None, None) => "no match".to_owned(),
            },
            Some(Answer::Refused(why)) => format!("refused: {}", why.sentence()),
            Some(Answer::NotFound { what }) => format!("not found: {what}"),
            other => format!("{other:?}"),
        };
        let mut fleet = prepare();
        let answer = fleet.send(Event::Fired(firing(&[name], None)));
        assert_eq!(told(&fleet, answer), webhook);
        let mut fleet = prepare();
        let answer = fleet.command(Command::Run(Order::of(name)));
        assert_eq!(told(&fleet, Some(answer)), manual);
        let mut fleet = prepare();
        let answer = fleet.tick(name);
        assert_eq!(told(&fleet, answer), cron);
    };
    check(Free, "starting", "starting", "starting");
    check(Busy, "queued", "queued", "skipped: waiting for a slot: 1 of 1 are taken");
    check(
        AgentPaused,
        "queued",
        "refused: held: the agent was paused by ann",
        "skipped: held: the agent was paused by ann",
    );
    check(
        ProjectPaused,
        "queued",
        "refused: held: the scheduler was paused by ann",
        "skipped: held: the scheduler was paused by ann",
    );
    check(
        Disabled,
        "skipped: the agent is disabled (scale = 0)",
        "refused: the agent is disabled (scale = 0)",
        "skipped: the agent is disabled (scale = 0)",
    );
    check(Unknown, "skipped: no agent of that name", "not found: agent nobody", "None");
    check(
        Draining,
        "refused: the scheduler is stopping",
        "refused: the scheduler is stopping",
        "skipped: the scheduler is stopping",
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
fn scheduled_runs_that_ask_for_it_run_again_up_to_the_limit_and_never_after_an_error() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]).scheduled("dev", "* * * * *");
    fleet.tick("dev");
    let mut seen = Vec::new();
    while let Some(run) = fleet.view.runs.values().next().cloned() {
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
