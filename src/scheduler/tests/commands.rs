//! What people ask for: kills, pauses, resumes, scales, stops, and the questions before them.

use super::*;

#[test]
fn a_kill_ends_what_waits_at_once_and_asks_what_runs_to_stop() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let runs: Vec<String> = (0..3).flat_map(|_| fleet.webhook(&["dev"])).collect();
    fleet.command(Command::kill(Target::Runs(runs[..2].to_vec())));
    assert_eq!(fleet.states(&runs), [Starting, Killed, Queued]);
    assert!(fleet.todo.contains(&Effect::Stop { run: runs[0].clone(), attempt: 1 }));
    let stopped = Exit { verdict: Verdict::Stopped, code: Some(143), ..exited(0) };
    fleet.exit(&runs[0], stopped);
    assert_eq!(fleet.states(&runs), [Killed, Killed, Starting]);
    assert_eq!(fleet.ended[&runs[0]].why.sentence(), "killed by ann");
    let gone = fleet.command(Command::kill(Target::Runs(vec![runs[0].clone()])));
    assert_eq!(gone, Answer::NotFound { what: format!("live run {}", runs[0]) });
}

#[test]
fn killing_an_agent_leaves_its_queue() {
    let mut fleet = Fleet::new(&[("dev", 2, 100)]);
    let runs: Vec<String> = (0..3).flat_map(|_| fleet.webhook(&["dev"])).collect();
    fleet.command(Command::kill(Target::Agent("dev".into())));
    let stopping: Vec<bool> =
        runs.iter().map(|run| fleet.view.runs[run].stopping.is_some()).collect();
    assert_eq!(stopping, [true, true, false]);
}

#[test]
fn on_resume_the_operator_decides_what_becomes_of_what_came_in() {
    let check = |drop_held: bool, states: [RunState; 2]| {
        let mut fleet = Fleet::new(&[("dev", 1, 100)]);
        fleet.command(Command::pause(agent("dev"), Some("deploy".into())));
        let runs: Vec<String> = (0..2).flat_map(|_| fleet.webhook(&["dev"])).collect();
        assert_eq!(
            fleet.view.runs[&runs[0]].why.sentence(),
            "held: the agent was paused by ann (deploy)"
        );
        fleet.command(Command::Resume { scope: agent("dev"), drop_held });
        assert_eq!(fleet.states(&runs), states);
    };
    check(false, [Starting, Queued]);
    check(true, [Dropped, Dropped]);
}

#[test]
fn a_kill_can_be_tried_again() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let run = fleet.webhook(&["dev"]).remove(0);
    let kill = || Command::kill(Target::Runs(vec![run.clone()]));
    let stop = Effect::Stop { run: run.clone(), attempt: 1 };
    fleet.command(kill());
    fleet.send(Event::Effect(stop.clone(), EffectNews::Failed { message: "full".into() }));
    fleet.command(kill());
    assert_eq!(fleet.todo.iter().filter(|effect| **effect == stop).count(), 2);
}

#[test]
fn dropping_what_was_held_leaves_what_waited_before_the_pause() {
    let mut fleet = Fleet::new(&[("dev", 1, 100), ("ops", 1, 100)]);
    let before: Vec<String> = (0..2).flat_map(|_| fleet.webhook(&["dev"])).collect();
    fleet.at += 1000;
    fleet.command(Command::pause(Scope::Project, None));
    fleet.command(Command::pause(agent("ops"), None));
    let held: Vec<String> = ["dev", "ops"].iter().flat_map(|a| fleet.webhook(&[a])).collect();
    fleet.command(Command::Resume { scope: Scope::Project, drop_held: true });
    assert_eq!(fleet.states(&before), [Starting, Queued]);
    assert_eq!(fleet.states(&held), [Dropped, Queued], "ops is still paused itself");
    assert_eq!(fleet.view.runs[&held[1]].why.sentence(), "held: the agent was paused by ann",);
}

#[test]
fn stop_waits_for_runs_in_flight_and_then_quits() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let runs: Vec<String> = (0..2).flat_map(|_| fleet.webhook(&["dev"])).collect();
    fleet.command(Command::Stop { clear_queues: true, kill: false });
    assert_eq!(fleet.states(&runs), [Starting, Dropped]);
    assert!(!fleet.quit);
    fleet.exit(&runs[0], exited(0));
    assert!(fleet.quit);
}

#[test]
fn a_signal_keeps_the_queue_for_the_next_start() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let runs: Vec<String> = (0..2).flat_map(|_| fleet.webhook(&["dev"])).collect();
    fleet.command(Command::Stop { clear_queues: false, kill: false });
    fleet.exit(&runs[0], exited(0));
    assert_eq!(fleet.states(&runs), [Succeeded, Queued]);
    assert!(fleet.quit);
}

#[test]
fn scale_zero_disables_and_one_enables_again_with_its_schedule() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]).scheduled("dev", "@hourly");
    fleet.send(Event::HostStarted);
    let timer = Timer::Cron("dev".into());
    fleet.command(Command::Scale { agent: "dev".into(), scale: 0 });
    assert!(!fleet.view.timers.contains_key(&timer));
    fleet.command(Command::Scale { agent: "dev".into(), scale: 1 });
    assert!(fleet.view.timers.contains_key(&timer));
}

#[test]
fn a_kill_says_what_it_would_do_and_the_same_question_stays_the_same() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let runs: Vec<String> = (0..2).flat_map(|_| fleet.webhook(&["dev"])).collect();
    let kill = Command::kill(Target::Runs(vec![runs[0].clone()]));
    let asked = impact(&fleet.view, &kill, T0);
    assert_eq!(asked.level, Level::Loses);
    assert_eq!(
        asked.lines,
        [
            format!("{}: its process group is ended, attempt 1", runs[0]),
            format!("{} starts next", runs[1]),
        ]
    );
    assert_eq!(asked.cli, format!("al kill {}", runs[0]));
    assert_eq!(asked, impact(&fleet.view, &kill, T0 + 5_000), "time alone changes nothing");
    fleet.exit(&runs[0], exited(0));
    assert_ne!(asked, impact(&fleet.view, &kill, T0), "but the end of the run does");
}

#[test]
fn wide_kills_ask_for_a_word() {
    let mut fleet = Fleet::new(&[("dev", 3, 100)]);
    let runs: Vec<String> = (0..3).flat_map(|_| fleet.webhook(&["dev"])).collect();
    let all = impact(&fleet.view, &Command::kill(Target::Runs(runs)), T0);
    assert_eq!((all.level, all.word.as_deref()), (Level::Wide, Some("kill 3")));
}
