//! Locks: one holder at a time, no longer than agreed, and nobody in a circle.

use super::*;

fn two() -> (Fleet, String, String) {
    let mut fleet = Fleet::new(&[("dev", 2, 100)]);
    let (a, b) = (fleet.webhook(&["dev"]).remove(0), fleet.webhook(&["dev"]).remove(0));
    (fleet, a, b)
}

fn lock(key: &str) -> Ask {
    Ask::Lock { key: key.into(), ttl_ms: None, waits: false }
}

fn insist(key: &str) -> Ask {
    Ask::Lock { key: key.into(), ttl_ms: None, waits: true }
}

fn held_by(key: &str, run: &str) -> Answer {
    Answer::ToRun(ToRun::HeldBy { key: key.into(), run: run.into(), since: T0 })
}

const TTL: Millis = 1_800_000;

#[test]
fn a_lock_has_one_holder() {
    let (mut fleet, a, b) = two();
    let locked = Answer::ToRun(ToRun::Locked { key: "x:1".into(), until: T0 + TTL });
    assert_eq!(fleet.ask(&a, lock("x:1")), locked);
    assert_eq!(fleet.ask(&b, lock("x:1")), held_by("x:1", &a));
    assert_eq!(fleet.ask(&a, lock("x:1")), locked, "once more is fine");
    assert!(
        matches!(fleet.ask(&b, lock("X:1")), Answer::ToRun(ToRun::Locked { .. })),
        "as it is written"
    );
    assert_eq!(fleet.ask(&b, Ask::Unlock { key: "x:1".into() }), held_by("x:1", &a));
    assert!(matches!(fleet.ask(&a, Ask::Unlock { key: "x:1".into() }), Answer::Done { .. }));
    let gone = Answer::ToRun(ToRun::NotLocked { key: "x:1".into() });
    assert_eq!(fleet.ask(&a, Ask::Unlock { key: "x:1".into() }), gone);
    assert!(matches!(fleet.ask(&b, lock("x:1")), Answer::ToRun(ToRun::Locked { .. })));
}

#[test]
fn a_lock_that_nobody_renews_is_free_at_its_time() {
    let (mut fleet, a, b) = two();
    let renew = |ttl_ms| Ask::Renew { key: "x:1".into(), ttl_ms };
    fleet.ask(&a, lock("x:1"));
    fleet.at += TTL - 1;
    assert_eq!(
        fleet.ask(&a, renew(Some(5000))),
        Answer::ToRun(ToRun::Locked { key: "x:1".into(), until: fleet.at + 5000 })
    );
    fleet.at += 5000;
    // Also before its timer was served.
    assert_eq!(fleet.ask(&a, renew(None)), Answer::ToRun(ToRun::NotLocked { key: "x:1".into() }));
    assert!(matches!(fleet.ask(&b, lock("x:1")), Answer::ToRun(ToRun::Locked { .. })));
    let timer = Timer::Lock("x:1".into());
    fleet.send(Event::TimerDue(timer.clone()));
    assert_eq!(fleet.view.locks["x:1"].run, b, "the old holder's timer frees nothing of the new");
    fleet.at += TTL;
    fleet.send(Event::TimerDue(timer));
    assert!(fleet.view.locks.is_empty() && fleet.view.timers.is_empty());
}

#[test]
fn locks_end_with_their_holder_however_it_ends() {
    let check = |end: &dyn Fn(&mut Fleet, &str)| {
        let (mut fleet, a, _) = two();
        fleet.ask(&a, lock("x:1"));
        fleet.ask(&a, lock("x:2"));
        end(&mut fleet, &a);
        assert!(fleet.view.locks.is_empty());
        assert!(fleet.view.timers.keys().all(|timer| !matches!(timer, Timer::Lock(_))));
    };
    check(&|fleet, run| fleet.exit(run, exited(0)));
    check(&|fleet, run| fleet.exit(run, exited(3)));
    check(&|fleet, run| fleet.exit(run, Exit { verdict: Verdict::Lost, code: None, ..exited(0) }));
    check(&|fleet, run| {
        let start = Effect::Start { run: run.into(), attempt: 1 };
        fleet.send(Event::Effect(start, EffectNews::Lost));
    });
}

#[test]
fn a_circle_of_waiting_runs_is_told_to_the_one_who_would_close_it() {
    let (mut fleet, a, b) = two();
    fleet.ask(&a, lock("x:1"));
    fleet.ask(&b, lock("x:2"));
    assert_eq!(fleet.ask(&a, insist("x:2")), held_by("x:2", &b));
    let cycle = vec![b.clone(), "x:1".into(), a.clone(), "x:2".into()];
    assert_eq!(fleet.ask(&b, insist("x:1")), Answer::ToRun(ToRun::Deadlock { cycle }));
}

#[test]
fn who_only_tried_does_not_wait() {
    let (mut fleet, a, b) = two();
    fleet.ask(&a, lock("x:1"));
    fleet.ask(&b, lock("x:2"));
    fleet.ask(&a, lock("x:2"));
    assert_eq!(fleet.ask(&b, lock("x:1")), held_by("x:1", &a), "a went on with something else");
    // Who comes again soon waits, whatever it says.
    fleet.at += 5000;
    fleet.ask(&a, lock("x:2"));
    assert!(matches!(fleet.ask(&b, lock("x:1")), Answer::ToRun(ToRun::Deadlock { .. })));
    // Who said that it waits and does not any more has given up.
    fleet.ask(&a, insist("x:2"));
    fleet.ask(&a, lock("x:2"));
    assert_eq!(fleet.ask(&b, lock("x:1")), held_by("x:1", &a));
    fleet.ask(&a, insist("x:2"));
    assert!(matches!(fleet.ask(&b, lock("x:1")), Answer::ToRun(ToRun::Deadlock { .. })));
    // Who does something else does not wait any more,
    fleet.ask(&a, Ask::Renew { key: "x:1".into(), ttl_ms: None });
    assert_eq!(fleet.ask(&b, lock("x:1")), held_by("x:1", &a));
    // and neither does who has not come back for long.
    fleet.ask(&a, insist("x:2"));
    fleet.at += 61_000;
    assert_eq!(fleet.ask(&b, lock("x:1")), held_by("x:1", &a));
}

#[test]
fn a_circle_that_goes_on_without_the_asker_is_not_its_own() {
    let mut fleet = Fleet::new(&[("dev", 3, 100)]);
    let runs: Vec<String> = (0..3).flat_map(|_| fleet.webhook(&["dev"])).collect();
    fleet.ask(&runs[0], lock("x:0"));
    fleet.ask(&runs[1], lock("x:1"));
    fleet.ask(&runs[0], insist("x:1"));
    fleet.ask(&runs[1], insist("x:0"));
    assert_eq!(fleet.ask(&runs[2], insist("x:0")), held_by("x:0", &runs[0]));
}

#[test]
fn a_person_can_take_a_lock_away() {
    let (mut fleet, a, b) = two();
    fleet.ask(&a, lock("x:1"));
    let unlock = || Command::Unlock { key: "x:1".into() };
    let question = impact(&fleet.view, &unlock(), T0);
    assert_eq!(question.level, Level::Loses);
    assert_eq!(question.lines[0], format!("{a} holds it and may go on as if it still did"));
    assert!(matches!(fleet.command(unlock()), Answer::Done { .. }));
    let question = impact(&fleet.view, &unlock(), T0);
    assert_eq!(question.level, Level::Free, "what is lost already needs no question");
    assert_eq!(fleet.command(unlock()), Answer::NotFound { what: "lock x:1".into() });
    assert!(matches!(fleet.ask(&b, lock("x:1")), Answer::ToRun(ToRun::Locked { .. })));
}

#[test]
fn who_has_ended_asks_for_nothing() {
    let (mut fleet, a, _) = two();
    fleet.exit(&a, exited(0));
    assert_eq!(fleet.ask(&a, lock("x:1")), Answer::NotFound { what: format!("live run {a}") });
}

#[test]
fn keys_are_uris() {
    let check = |key: &str, fits: bool| {
        assert_eq!(super::super::lock::bad_key(key).is_none(), fits, "{key:?}");
    };
    for key in ["github://acme/app/issues/42", "a:b", "file:///tmp/x", "s3+x.y-z:k", "A1:é"] {
        check(key, true);
    }
    for key in ["", "acme/app#1", ":x", "1a:x", "a b:x", "a:", "a:b c", "a:\n", "ä:x"] {
        check(key, false);
    }
    check(&format!("a:{}", "x".repeat(2000)), false);
}

#[test]
fn a_run_holds_so_many_locks_and_no_more() {
    let (mut fleet, a, _) = two();
    let max = super::super::lock::LOCKS_MAX;
    for n in 0..max {
        assert!(matches!(
            fleet.ask(&a, lock(&format!("x:{n}"))),
            Answer::ToRun(ToRun::Locked { .. })
        ));
    }
    assert_eq!(fleet.ask(&a, lock("y:1")), Answer::Refused(Why::TooManyLocks { max }));
    assert!(
        matches!(fleet.ask(&a, lock("x:0")), Answer::ToRun(ToRun::Locked { .. })),
        "one that it holds"
    );
}
