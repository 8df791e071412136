//! Pauses, drains and stops of agents and of all of them, with reason and end.

use super::*;

fn hold(scope: Scope, hold: Hold, until: Option<Millis>, kill: bool) -> Command {
    Command::Pause { scope, why: Some("deploy".into()), hold, until, kill }
}

/// One run in flight and two that wait.
fn busy() -> (Fleet, Vec<String>) {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let runs = (0..3).flat_map(|_| fleet.webhook(&["dev"])).collect();
    (fleet, runs)
}

#[test]
fn what_a_hold_does_to_the_queue() {
    let check = |held: Hold, kill: bool, states: [RunState; 3], after_exit: [RunState; 3]| {
        let (mut fleet, runs) = busy();
        fleet.command(hold(agent("dev"), held, None, kill));
        assert_eq!(fleet.states(&runs), states, "{held:?}");
        assert_eq!(fleet.view.runs[&runs[0]].stopping.is_some(), kill);
        fleet.exit(&runs[0], exited(0));
        assert_eq!(fleet.states(&runs), after_exit, "{held:?}");
    };
    check(Hold::Pause, false, [Starting, Queued, Queued], [Succeeded, Queued, Queued]);
    check(Hold::Drain, false, [Starting, Queued, Queued], [Succeeded, Starting, Queued]);
    check(Hold::Stop, false, [Starting, Dropped, Dropped], [Succeeded, Dropped, Dropped]);
    check(Hold::Stop, true, [Starting, Dropped, Dropped], [Succeeded, Dropped, Dropped]);
}

#[test]
fn a_hold_ends_by_itself_when_it_was_told_to() {
    let (mut fleet, runs) = busy();
    let until = fleet.at + 7_200_000;
    fleet.command(hold(agent("dev"), Hold::Pause, Some(until), false));
    assert_eq!(
        fleet.view.runs[&runs[1]].why.sentence(),
        "held: the agent was paused by ann, for 2h (deploy)"
    );
    fleet.exit(&runs[0], exited(0));
    let timer = Timer::Unpause(agent("dev"));
    fleet.at = until - 1;
    fleet.send(Event::TimerDue(timer.clone()));
    assert_eq!(fleet.state(&runs[1]), Queued);
    fleet.at = until;
    fleet.send(Event::TimerDue(timer.clone()));
    assert_eq!(fleet.state(&runs[1]), Starting);
    assert!(fleet.view.pauses.is_empty() && !fleet.view.timers.contains_key(&timer));
}

#[test]
fn a_hold_ends_in_time_although_its_agent_has_left_the_project() {
    let (mut fleet, _) = busy();
    let until = fleet.at + 1000;
    fleet.command(hold(agent("dev"), Hold::Pause, Some(until), false));
    let rules = fleet.view.rules.clone();
    let gone = NewConfig { rules, agents: vec![], redefined: Default::default(), faults: vec![] };
    fleet.send(Event::ConfigChanged(Box::new(gone)));
    fleet.at = until;
    fleet.send(Event::TimerDue(Timer::Unpause(agent("dev"))));
    assert!(fleet.view.timers.is_empty() && fleet.view.pauses.is_empty());
}

#[test]
fn a_hold_can_be_changed_and_resumed_early() {
    let (mut fleet, _) = busy();
    let until = fleet.at + 1000;
    fleet.command(hold(agent("dev"), Hold::Pause, Some(until), false));
    fleet.command(hold(agent("dev"), Hold::Drain, None, false));
    assert_eq!(fleet.view.pauses[&agent("dev")].hold, Hold::Drain);
    assert!(fleet.view.timers.is_empty(), "the new one has no end");
    fleet.command(hold(agent("dev"), Hold::Drain, Some(until), false));
    fleet.command(Command::Resume { scope: agent("dev"), drop_held: false });
    assert!(fleet.view.timers.is_empty() && fleet.view.pauses.is_empty());
}

#[test]
fn a_stop_says_what_it_costs() {
    let (mut fleet, _) = busy();
    fleet.webhook(&["dev"]);
    let question = impact(&fleet.view, &hold(agent("dev"), Hold::Stop, None, true), T0);
    assert_eq!(
        (question.title.as_str(), question.cli.as_str()),
        ("Stop dev?", "al stop dev --now")
    );
    assert_eq!(
        question.lines,
        [
            "nothing new is taken until somebody resumes it",
            "3 runs in the queue are dropped",
            "1 run in flight is killed"
        ]
    );
}

#[test]
fn a_pause_without_end_takes_the_end_of_the_one_before() {
    let (mut fleet, _) = busy();
    let pause = |until| Command::Pause {
        scope: agent("dev"),
        why: None,
        hold: Hold::Pause,
        until,
        kill: false,
    };
    fleet.command(pause(Some(fleet.at + 7_200_000)));
    fleet.command(pause(None));
    assert_eq!(fleet.view.pauses[&agent("dev")].until, None);
    assert!(fleet.view.timers.is_empty());
}

#[test]
fn what_a_pause_held_is_said_to_be_worked_off_by_a_drain() {
    let (mut fleet, runs) = busy();
    fleet.command(hold(agent("dev"), Hold::Pause, None, false));
    fleet.command(hold(agent("dev"), Hold::Drain, None, false));
    assert_eq!(fleet.view.runs[&runs[1]].why.sentence(), "waiting for a slot: 1 of 1 are taken");
}
