//! How attempts end, and what late or missing news changes.

use super::*;

#[test]
fn how_an_attempt_ends_is_how_the_run_ends() {
    let check = |exit: Exit, state: RunState, sentence: &str| {
        let mut fleet = Fleet::new(&[("dev", 1, 100)]);
        fleet.rules("dev").retry.attempts = 1;
        let run = fleet.webhook(&["dev"]).remove(0);
        fleet.exit(&run, exit);
        let ended = &fleet.ended[&run];
        assert_eq!((ended.state, ended.why.sentence().as_str()), (state, sentence));
    };
    let with = |verdict: Verdict, code: Option<i32>| Exit { verdict, code, ..exited(0) };
    check(exited(0), Succeeded, "finished");
    check(exited(3), Failed, "exit code 3");
    check(exited(42), Succeeded, "finished and asked for a rerun (exit code 42)");
    let limit_bytes = 512 << 20;
    let why = "it needed more than its 512 MB of memory: raise [runtime] memory or [local] memory";
    check(with(Verdict::OutOfMemory { limit_bytes }, Some(137)), Failed, why);
    check(with(Verdict::Signalled { signal: 11 }, Some(139)), Failed, "ended by signal 11");
    check(with(Verdict::TimedOut { after_s: 9 }, Some(124)), TimedOut, "timed out after 9 s");
    check(with(Verdict::Lost, None), Failed, "its process vanished without an exit status");
    check(
        with(Verdict::CannotStart { message: "no such file".into() }, Some(127)),
        Failed,
        "could not start: no such file",
    );
    check(Exit { code: None, ..exited(0) }, Failed, "its process vanished without an exit status");
    check(Exit { chosen: Some(0), ..exited(3) }, Succeeded, "finished, as the agent said");
    check(
        Exit { chosen: Some(10), ..exited(0) },
        Failed,
        "the agent ended with code 10: authentication failed",
    );
}

#[test]
fn late_news_of_an_old_attempt_changes_nothing() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let run = fleet.webhook(&["dev"]).remove(0);
    fleet.send(Event::Effect(Effect::Start { run: run.clone(), attempt: 1 }, EffectNews::Absent));
    assert_eq!(fleet.view.runs[&run].attempt, 2, "it never ran, so it is started again");
    fleet.send(Event::RunExited { run: run.clone(), attempt: 1, exit: exited(1) });
    assert_eq!(fleet.state(&run), Starting);
    let report = Report::Status("old".into());
    let answer = fleet.send(Event::RunReported { run: run.clone(), attempt: 1, report });
    assert_eq!(answer, Some(Answer::NotFound { what: format!("live run {run}") }));
    fleet.exit(&run, exited(0));
    assert_eq!(fleet.state(&run), Succeeded);
}

#[test]
fn a_run_that_was_killed_before_it_began_does_not_begin_after_a_crash() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let run = fleet.webhook(&["dev"]).remove(0);
    fleet.command(Command::kill(Target::Runs(vec![run.clone()])));
    let start = Effect::Start { run: run.clone(), attempt: 1 };
    fleet.send(Event::Effect(start, EffectNews::Absent));
    assert_eq!(fleet.ended[&run].why.sentence(), "killed by ann");
}

#[test]
fn a_run_that_was_seen_running_did_run_even_when_its_traces_are_gone() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    fleet.rules("dev").retry.attempts = 1;
    let run = fleet.webhook(&["dev"]).remove(0);
    let start = || Effect::Start { run: run.clone(), attempt: 1 };
    fleet.send(Event::Effect(start(), EffectNews::Done));
    fleet.send(Event::Effect(start(), EffectNews::Absent));
    assert_eq!((fleet.state(&run), &fleet.ended[&run].why), (Failed, &Why::Lost));
}

#[test]
fn nothing_leaves_an_ended_state() {
    for state in RunState::ALL {
        let exits = RunState::ALL.into_iter().filter(|next| state.may_become(*next)).count();
        assert_eq!(exits == 0, state.ended(), "{state:?}");
        assert_eq!(RunState::from_name(state.name()), Some(state));
    }
}
