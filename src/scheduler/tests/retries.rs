//! Attempts that follow one that failed.

use super::*;

fn fleet(attempts: u32, backoff_ms: Millis, on: &[RetryOn]) -> Fleet {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    fleet.rules("dev").retry = Retry { attempts, backoff_ms, on: on.to_vec() };
    fleet
}

fn ended(verdict: Verdict, code: Option<i32>) -> Exit {
    Exit { verdict, code, ..exited(0) }
}

#[test]
fn which_ends_are_tried_again_is_the_agents_choice() {
    let lost = || ended(Verdict::Lost, None);
    let late = || ended(Verdict::TimedOut { after_s: 9 }, Some(124));
    let chosen = |code| Exit { chosen: Some(code), ..exited(0) };
    let check = |on: &[RetryOn], exit: Exit, after: RunState| {
        let mut fleet = fleet(2, 0, on);
        let run = fleet.webhook(&["dev"]).remove(0);
        fleet.exit(&run, exit.clone());
        assert_eq!(fleet.state(&run), after, "{on:?} {exit:?}");
    };
    let by_default = Retry::default().on;
    check(&by_default, lost(), Starting);
    check(&by_default, exited(1), Failed);
    check(&by_default, late(), TimedOut);
    check(&[RetryOn::Timeout], late(), Starting);
    check(&[RetryOn::Error], exited(1), Starting);
    check(&[RetryOn::Error], ended(Verdict::Signalled { signal: 9 }, Some(137)), Starting);
    check(&[RetryOn::Error], lost(), Failed);
    check(&[RetryOn::Error], exited(0), Succeeded);
    // Who says that it cannot go on is believed; who says that it may go better later, too.
    check(&[RetryOn::Error], chosen(11), Failed);
    check(&[RetryOn::Error], chosen(12), Starting);
    check(&[], lost(), Failed);
}

#[test]
fn a_run_has_so_many_attempts_and_no_more() {
    let mut fleet = fleet(3, 0, &[RetryOn::Error]);
    let run = fleet.webhook(&["dev"]).remove(0);
    for attempt in 1..=3 {
        assert_eq!(fleet.view.runs[&run].attempt, attempt);
        fleet.exit(&run, exited(7));
    }
    assert_eq!((fleet.state(&run), fleet.ended[&run].retries), (Failed, 2));
}

#[test]
fn the_pause_before_an_attempt_doubles() {
    let mut fleet = fleet(4, 10_000, &[RetryOn::Error]);
    let run = fleet.webhook(&["dev"]).remove(0);
    for pause_ms in [10_000, 20_000, 40_000] {
        fleet.exit(&run, exited(7));
        let waiting = &fleet.view.runs[&run];
        assert_eq!((waiting.state, waiting.not_before), (Queued, Some(fleet.at + pause_ms)));
        fleet.at += pause_ms - 1;
        fleet.send(Event::TimerDue(Timer::Ready(run.clone())));
        assert_eq!(fleet.state(&run), Queued, "too early");
        fleet.at += 1;
        fleet.send(Event::TimerDue(Timer::Ready(run.clone())));
        assert_eq!(fleet.state(&run), Starting);
    }
    assert!(!fleet.view.timers.contains_key(&Timer::Ready(run)));
}

#[test]
fn another_attempt_knows_nothing_of_the_one_before() {
    let mut fleet = fleet(2, 0, &[RetryOn::Error]);
    let run = fleet.webhook(&["dev"]).remove(0);
    fleet.ask(&run, Ask::Lock { key: "a:b".into(), ttl_ms: None, waits: false });
    fleet.exit(
        &run,
        Exit { status: Some("half".into()), return_value: Some("1".into()), ..exited(7) },
    );
    let again = &fleet.view.runs[&run];
    assert_eq!((&again.status, &again.return_value, again.attempt), (&None, &None, 2));
    assert!(fleet.view.locks.is_empty(), "a lock is held by an attempt");
    let late = Event::RunExited { run: run.clone(), attempt: 1, exit: exited(0) };
    fleet.send(late);
    assert_eq!(fleet.state(&run), Starting, "late news of the first attempt");
}

#[test]
fn what_was_to_end_is_not_tried_again() {
    let mut fleet = fleet(5, 0, &[RetryOn::Error, RetryOn::Lost]);
    let run = fleet.webhook(&["dev"]).remove(0);
    fleet.command(Command::kill(Target::Runs(vec![run.clone()])));
    fleet.exit(&run, ended(Verdict::Lost, None));
    assert!(fleet.state(&run).ended());
}

#[test]
fn a_retry_waits_for_the_end_of_a_pause_and_is_never_pushed_out_of_the_queue() {
    let mut fleet = fleet(2, 0, &[RetryOn::Error]);
    fleet.rules("dev").queue_bound = 1;
    let run = fleet.webhook(&["dev"]).remove(0);
    fleet.command(Command::pause(agent("dev"), None));
    fleet.exit(&run, exited(7));
    for _ in 0..3 {
        fleet.webhook(&["dev"]);
    }
    assert_eq!(fleet.state(&run), Queued);
    fleet.command(Command::Resume { scope: agent("dev"), drop_held: false });
    assert_eq!(fleet.state(&run), Starting, "it is the oldest");
}
