use FaultKind::{
    Auth, Cut, Forbidden, NotFound, Overloaded, RateLimited, Rejected, Server, Setup, TooLong,
    Unreachable,
};

use proptest::prelude::*;

use super::*;

/// What happens to whoever is asked.
#[derive(Debug, Clone, Copy)]
enum Then {
    Replies,
    Fails(FaultKind),
    /// Fails, and wants to be left alone for so many milliseconds.
    Alone(FaultKind, u64),
    /// Fails after so many milliseconds.
    Late(FaultKind, u64),
}
use Then::{Alone, Fails, Late, Replies};

/// Plays what happens through a chain of so many models, without chance, and writes down what it
/// said: `2` is the use of the second model, `~1000` a wait, and at last why it is exhausted.
fn play(models: usize, happens: &[Then]) -> String {
    let mut chain = Chain::new(models);
    let mut happens = happens.iter().copied();
    let (mut now_ms, mut said) = (0, Vec::new());
    loop {
        match chain.next(now_ms, 0.0) {
            Move::Use(model) => {
                let Some(then) = happens.next() else { break };
                said.push((model + 1).to_string());
                let (kind, retry_after_ms) = match then {
                    Replies => {
                        chain.answered(model);
                        continue;
                    }
                    Fails(kind) => (kind, None),
                    Alone(kind, ms) => (kind, Some(ms)),
                    Late(kind, ms) => {
                        now_ms += ms;
                        (kind, None)
                    }
                };
                let fault = Fault { retry_after_ms, ..Fault::new(kind, format!("{kind:?}")) };
                chain.failed(model, &fault, now_ms, 0.0);
            }
            Move::Wait { ms } => {
                said.push(format!("~{ms}"));
                now_ms += ms;
            }
            Move::Exhausted { why } => {
                said.push(match why {
                    Why::Passes(fault) => format!("passes: {fault}"),
                    Why::Unusable(fault) => format!("unusable: {fault}"),
                    Why::Rejected(fault) => format!("rejected: {fault}"),
                    Why::Empty => "empty".to_owned(),
                });
                break;
            }
        }
    }
    said.join(" ")
}

fn check(models: usize, happens: &[Then], expected: &str) {
    assert_eq!(play(models, happens), expected, "{happens:?}");
}

#[test]
fn the_first_is_asked_as_long_as_it_replies() {
    check(3, &[Replies, Replies], "1 1");
    check(0, &[], "empty");
}

#[test]
fn who_is_overloaded_is_passed_over_for_a_minute() {
    for kind in [RateLimited, Overloaded, Server, Unreachable] {
        check(3, &[Fails(kind), Replies, Replies], "1 2 2");
        check(3, &[Fails(kind), Fails(kind), Replies], "1 2 3");
    }
    // The second fails 50 s later, and by then the first may be asked again 10 s after.
    check(2, &[Fails(Overloaded), Replies, Late(Cut, 59_999), Replies, Replies], "1 2 2 ~1000 2 1");
    check(2, &[Alone(RateLimited, 200_000), Late(Cut, 100_000), Replies, Replies], "1 2 ~1000 2 2");
}

#[test]
fn when_all_fail_they_are_asked_again_after_longer_and_longer_waits() {
    check(
        1,
        &[Fails(Unreachable); 9],
        "1 ~1000 1 ~2000 1 ~4000 1 ~30000 1 ~60000 1 ~120000 1 passes: Unreachable",
    );
    check(
        2,
        &[Fails(RateLimited), Fails(Server), Fails(Server), Fails(Overloaded), Replies, Replies],
        "1 2 ~1000 1 2 ~2000 1 1",
    );
}

#[test]
fn nobody_is_asked_earlier_than_it_said() {
    check(1, &[Alone(RateLimited, 20_000), Replies], "1 ~20000 1");
    check(1, &[Alone(RateLimited, 500), Replies], "1 ~1000 1");
    // It is not believed for ever.
    check(1, &[Alone(RateLimited, 86_400_000), Replies], "1 ~900000 1");
    // Whoever may be asked first is asked first; the other one keeps its time.
    check(
        2,
        &[Alone(RateLimited, 20_000), Alone(Overloaded, 3_000), Replies, Replies],
        "1 2 ~3000 2 2",
    );
}

#[test]
fn a_reply_that_breaks_off_is_asked_for_again() {
    check(2, &[Fails(Cut), Replies], "1 ~1000 1");
    check(2, &[Fails(Cut); 5], "1 ~1000 1 ~2000 1 ~4000 1 2 ~1000");
    // The count begins anew with each turn.
    check(
        1,
        &[Fails(Cut), Fails(Cut), Replies, Fails(Cut), Replies],
        "1 ~1000 1 ~2000 1 1 ~1000 1",
    );
}

#[test]
fn who_cannot_be_used_is_out_for_the_run() {
    for kind in [Auth, Forbidden, NotFound, Setup] {
        check(2, &[Fails(kind), Replies, Replies], "1 2 2");
        check(1, &[Fails(kind)], &format!("1 unusable: {kind:?}"));
    }
    check(2, &[Fails(Auth), Fails(NotFound)], "1 2 unusable: Auth");
    // The one that is left is waited for.
    check(2, &[Fails(Auth), Fails(Overloaded), Replies], "1 2 ~1000 2");
}

#[test]
fn a_request_that_is_rejected_is_tried_once_more_elsewhere() {
    check(1, &[Fails(Rejected)], "1 rejected: Rejected");
    check(3, &[Fails(Rejected), Fails(Rejected)], "1 2 rejected: Rejected");
    check(3, &[Fails(Rejected), Fails(Server)], "1 2 rejected: Rejected");
    // The next request is another one.
    check(2, &[Fails(Rejected), Replies, Replies], "1 2 1");
}

#[test]
fn a_conversation_that_is_too_long_is_made_shorter_twice() {
    check(2, &[Fails(TooLong), Replies], "1 1");
    check(2, &[Fails(TooLong), Fails(TooLong), Fails(TooLong), Replies], "1 1 1 2");
    check(1, &[Fails(TooLong); 3], "1 1 1 rejected: TooLong");
}

#[test]
fn a_turn_that_begins_with_everybody_tripped_does_not_wait() {
    let mut chain = Chain::new(1);
    assert_eq!(chain.next(0, 0.0), Move::Use(0));
    chain.failed(0, &Fault::new(Overloaded, ""), 0, 0.0);
    assert_eq!(chain.next(0, 0.0), Move::Wait { ms: 1_000 });
    // Who asks too early is told the rest, and no pass is lost.
    assert_eq!(chain.next(400, 0.0), Move::Wait { ms: 600 });
    assert_eq!(chain.next(1_000, 0.0), Move::Use(0));
    chain.answered(0);
    assert_eq!(chain.next(1_000, 0.0), Move::Use(0));

    let mut chain = Chain::new(2);
    chain.next(0, 0.0);
    chain.failed(0, &Fault::new(Overloaded, ""), 0, 0.0);
    chain.next(0, 0.0);
    chain.failed(1, &Fault::new(Auth, ""), 0, 0.0);
    chain.answered(1);
    assert_eq!(chain.next(10, 0.0), Move::Use(0));
}

#[test]
fn chance_makes_waits_up_to_a_quarter_longer() {
    for (chance, ms) in [(0.0, 1_000), (0.5, 1_125), (1.0, 1_250), (7.0, 1_250), (-1.0, 1_000)] {
        let mut chain = Chain::new(1);
        chain.next(0, chance);
        chain.failed(0, &Fault::new(Server, ""), 0, chance);
        assert_eq!(chain.next(0, chance), Move::Wait { ms }, "{chance}");
    }
}

/// Anything that may come of asking.
fn anything() -> impl Strategy<Value = Then> {
    let kind = || {
        prop::sample::select(vec![
            RateLimited,
            Overloaded,
            Server,
            Unreachable,
            Cut,
            Auth,
            Forbidden,
            NotFound,
            TooLong,
            Rejected,
            Setup,
        ])
    };
    prop_oneof![
        1 => Just(Replies),
        6 => kind().prop_map(Fails),
        2 => (kind(), 0..2 * ALONE_MOST_MS).prop_map(|(kind, ms)| Alone(kind, ms)),
        1 => (kind(), 0..200_000_u64).prop_map(|(kind, ms)| Late(kind, ms)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Each use is answered by the next of `happens`, from the first again when they are used up.
    #[test]
    fn a_turn_always_ends_and_nobody_is_asked_who_is_out(
        models in 1..5_usize,
        happens in prop::collection::vec(anything(), 1..40),
        chance in 0.0..1.0_f64,
        turns in 1..4_usize,
    ) {
        let mut chain = Chain::new(models);
        let mut happens = happens.iter().copied().cycle();
        let (mut now_ms, mut out) = (0, vec![false; models]);
        let mut alone_until = vec![0; models];
        for _ in 0..turns {
            // Passes, each with everybody, and what is asked again within them.
            let most = models * (WAITS_MS.len() + 2 + CUTS_MOST as usize + SHORTER_MOST as usize);
            let mut asked = 0;
            loop {
                let model = match chain.next(now_ms, chance) {
                    Move::Use(model) => model,
                    Move::Wait { ms } => {
                        prop_assert!(0 < ms && ms <= ALONE_MOST_MS, "waits {ms}");
                        now_ms += ms;
                        continue;
                    }
                    Move::Exhausted { .. } => return Ok(()),
                };
                prop_assert!(!out[model], "{model} is out");
                prop_assert!(alone_until[model] <= now_ms, "{model} wants to be left alone");
                asked += 1;
                prop_assert!(asked <= most, "asked {asked} times");
                let (kind, retry_after_ms, took_ms) = match happens.next().unwrap_or(Replies) {
                    Replies => {
                        chain.answered(model);
                        break;
                    }
                    Fails(kind) => (kind, None, 0),
                    Alone(kind, ms) => (kind, Some(ms), 0),
                    Late(kind, ms) => (kind, None, ms),
                };
                now_ms += took_ms;
                match kind {
                    Auth | Forbidden | NotFound | Setup => out[model] = true,
                    RateLimited | Overloaded | Server | Unreachable => {
                        let ms = retry_after_ms.unwrap_or(0).min(ALONE_MOST_MS);
                        alone_until[model] = now_ms + ms;
                    }
                    Cut | TooLong | Rejected => {}
                }
                let fault = Fault { retry_after_ms, ..Fault::new(kind, "") };
                chain.failed(model, &fault, now_ms, chance);
            }
        }
    }
}
