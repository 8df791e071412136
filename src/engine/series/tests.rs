use al_wire::count::{LONGEST_MS, MINUTE_MS};

use super::*;
use crate::scheduler::{RunState, Spent, Used};

/// The middle of a minute, and of an hour.
const NOW: i64 = 1_767_269_083_000 / HOUR_MS * HOUR_MS + HOUR_MS / 2 + MINUTE_MS / 2;

fn lived(agent: &str, state: RunState, minutes: [Option<i64>; 3]) -> Lived {
    let [queued, started, ended] = minutes.map(|m| m.map(|m| NOW - m * MINUTE_MS));
    Lived {
        agent: agent.to_owned(),
        state,
        attempt: u32::from(started.is_some()),
        queued_at: queued.unwrap(),
        started_at: started,
        ended_at: ended,
        used: None,
    }
}

/// What a line says, a character a bucket: `-` where nothing is known.
fn told(series: &Series, agent: Option<&str>, measure: Measure) -> String {
    let lines = match agent {
        None => &series.total,
        Some(name) => match series.agents.iter().find(|known| known.agent == name) {
            Some(known) => &known.lines,
            None => return "nothing".to_owned(),
        },
    };
    let line = lines.iter().find(|line| line.measure == measure);
    let value = |value: &Option<u64>| value.map_or("-".to_owned(), |n| n.to_string());
    line.map_or("nothing".to_owned(), |line| line.values.iter().map(value).collect())
}

#[test]
fn minutes_come_from_the_runs_themselves() {
    use RunState::{Dropped, Failed, Queued, Running, Succeeded};
    let used = Used {
        now: Spent { input_tokens: 5, output_tokens: 2, cost_micros: Some(9), ..Spent::default() },
        ..Used::default()
    };
    let runs = [
        Lived { used: Some(used), ..lived("dev", Succeeded, [Some(9), Some(7), Some(6)]) },
        lived("dev", Failed, [Some(6), Some(6), Some(2)]),
        lived("dev", Running, [Some(3), Some(1), None]),
        lived("dev", Queued, [Some(1), None, None]),
        lived("qa", Dropped, [Some(5), None, Some(3)]),
    ];
    let series = Frame::new(MINUTE_MS, 8, NOW).of_lived(&runs, true, Some(NOW - HOUR_MS));
    assert_eq!(
        (series.buckets, series.unknown, series.from_ms),
        (8, 0, NOW - 30_000 - 7 * MINUTE_MS)
    );
    let check = |agent, measure, want: &str| assert_eq!(told(&series, agent, measure), want);
    check(Some("dev"), Measure::Accepted, "01001010");
    check(Some("dev"), Measure::Ended, "01000100");
    check(Some("dev"), Measure::Failed, "00000100");
    // The first waited into the picture, the last one waits still, and who leaves makes room.
    check(Some("dev"), Measure::Queued, "10001111");
    check(Some("qa"), Measure::Queued, "00111000");
    check(None, Measure::Queued, "10111111");
    check(Some("qa"), Measure::Ended, "nothing");
    check(Some("dev"), Measure::Tokens, "07000000");
    check(None, Measure::CostMicros, "09000000");
}

#[test]
fn what_is_not_known_is_not_told_as_nothing() {
    use RunState::{Failed, Succeeded};
    let frame = Frame::new(MINUTE_MS, 8, NOW);
    let twice = Lived { attempt: 2, ..lived("dev", Failed, [Some(6), Some(4), Some(3)]) };
    let series = frame.of_lived(std::slice::from_ref(&twice), true, Some(NOW - 7 * MINUTE_MS));
    assert_eq!(told(&series, None, Measure::Queued), "0---0000");
    // The history is younger than the picture, or none.
    let series = frame.of_lived(std::slice::from_ref(&twice), true, Some(NOW - 5 * MINUTE_MS));
    assert_eq!((series.unknown, told(&series, None, Measure::Ended)), (2, "--001000".into()));
    assert_eq!(frame.of_lived(&[], true, None).unknown, 7);
    // Too many runs: the last one that is left out may have ended with the first that is not.
    let run = lived("dev", Succeeded, [Some(6), Some(4), Some(3)]);
    let series = frame.of_lived(&[run], false, Some(NOW - HOUR_MS));
    assert_eq!((series.unknown, &series.uncounted[..]), (5, &[Measure::Queued][..]));
}

#[test]
fn hours_come_from_what_was_counted() {
    let tally = |bucket, what, detail: &str, n| HourTally {
        bucket,
        agent: "dev".into(),
        what,
        detail: detail.into(),
        n,
    };
    let tallies = [
        tally(0, Counted::Accepted, "webhook", 2),
        tally(1, Counted::Accepted, "schedule", 1),
        tally(1, Counted::Ended, "succeeded", 3),
        tally(1, Counted::Ended, "timed_out", 2),
        tally(1, Counted::Ended, "dropped", 4),
        tally(2, Counted::Used, "input", 3),
        tally(2, Counted::Used, "cache_read", 4),
        tally(2, Counted::Used, "turns", 1),
        tally(2, Counted::Used, "cost_micros", 8),
    ];
    let frame = Frame::new(HOUR_MS, 3, NOW);
    let series = frame.of_hours(&tallies, Some(NOW - 24 * HOUR_MS));
    let check = |measure, want: &str| {
        assert_eq!(told(&series, Some("dev"), measure), want);
        assert_eq!(told(&series, None, measure), want);
    };
    check(Measure::Accepted, "210");
    check(Measure::Ended, "050");
    check(Measure::Failed, "020");
    check(Measure::Tokens, "007");
    check(Measure::CostMicros, "008");
    check(Measure::Queued, "nothing");
    assert_eq!(series.uncounted, [Measure::Queued]);
}

#[test]
fn a_question_has_a_bound() {
    let check = |every, buckets, want: (i64, usize)| {
        let frame = Frame::new(every, buckets, NOW);
        assert_eq!((frame.every, frame.buckets), want);
        assert!(frame.from % frame.every == 0 && frame.bucket(NOW) == Some(frame.buckets - 1));
    };
    check(60_000, 60, (60_000, 60));
    check(i64::MIN, 0, (60_000, 1));
    check(90_000, u32::MAX, (60_000, 400));
    check(HOUR_MS + 5, 48, (HOUR_MS, 48));
    check(24 * HOUR_MS, 400, (24 * HOUR_MS, 92));
    check(i64::MAX, 400, (LONGEST_MS, 1));
}
