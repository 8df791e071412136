use super::*;
use crate::fixture::{NOW_MS, run};

/// Columns of two minutes; now stands in the last but two.
fn window(timeline: &Timeline) -> Window {
    timeline.window(20, NOW_MS)
}

fn drawn(runs: &[RunRow]) -> String {
    let refs: Vec<&RunRow> = runs.iter().collect();
    let sign = |spot: &Spot<'_>| match (spot.mark, spot.at_once) {
        (Mark::Nothing, _) => ' ',
        (Mark::Queued, _) => '.',
        (Mark::Runs, n) => char::from_digit(u32::try_from(n).unwrap(), 10).unwrap(),
        (Mark::Dropped, _) => 'd',
        (Mark::Well, _) => '+',
        (Mark::Killed, _) => '=',
        (Mark::Waits, _) => '~',
        (Mark::Lives, _) => '*',
        (Mark::Badly, _) => 'x',
    };
    lane(&refs, &window(&Timeline::default())).iter().map(sign).collect()
}

/// A run with these minutes before now.
fn lived(state: RunState, queued: i64, started: Option<i64>, ended: Option<i64>) -> RunRow {
    let at = |minutes: i64| NOW_MS - minutes * 60_000;
    RunRow {
        queued_ms: at(queued),
        started_ms: started.map(at),
        ended_ms: ended.map(at),
        ..run("dev-00000001", state, 0)
    }
}

#[test]
fn a_lane_shows_what_a_run_did_when() {
    use RunState::{Dropped, Failed, Killed, Queued, Running, Succeeded, Waiting};
    let check = |runs: &[RunRow], want: &str| assert_eq!(drawn(runs), format!("{want:<20}"));
    check(&[], "");
    check(&[lived(Succeeded, 30, Some(24), Some(20))], "  ...11+");
    check(&[lived(Failed, 30, Some(30), Some(30))], "  x");
    check(&[lived(Running, 12, Some(8), None)], "           ..1111*");
    check(&[lived(Waiting, 4, Some(4), None)], "               11~");
    check(&[lived(Queued, 4, None, None)], "               ...");
    check(&[lived(Killed, 8, Some(6), Some(2))], "             .11=");
    check(&[lived(Dropped, 8, None, Some(2))], "             ...d");
    // From before the view to after it, and outside of it.
    check(&[lived(Running, 500, Some(400), None)], "11111111111111111*");
    check(&[lived(Succeeded, 500, Some(400), Some(300))], "");
    // What matters more hides what matters less.
    let two = [
        lived(Running, 12, Some(12), None),
        lived(Failed, 10, Some(10), Some(6)),
        lived(Succeeded, 8, Some(8), Some(6)),
    ];
    check(&two, "           123x11*");
}

#[test]
fn the_cursor_takes_the_view_along_and_comes_back_to_now() {
    let mut timeline = Timeline::default();
    let start = window(&timeline);
    assert_eq!((start.cursor, start.follows), (17, true));
    assert_eq!(start.column(NOW_MS), Some(17));
    timeline.step(-17, 20, NOW_MS);
    assert_eq!(window(&timeline), Window { cursor: 0, ..start });
    timeline.step(-3, 20, NOW_MS);
    let moved = window(&timeline);
    assert_eq!((moved.cursor, moved.follows), (0, false));
    assert_eq!(moved.from_ms, start.from_ms - 3 * start.step_ms);
    timeline.pan(-10, 20, NOW_MS);
    assert_eq!(window(&timeline).from_ms, moved.from_ms - 10 * start.step_ms);
    timeline.step(1_000, 20, NOW_MS);
    assert_eq!(window(&timeline), start);
    timeline.pan(i64::MIN, 20, NOW_MS);
    assert!(window(&timeline).from_ms >= -start.step_ms * 20);
    timeline.go_to_now();
    assert_eq!(window(&timeline), start);
}

#[test]
fn a_closer_look_keeps_the_instant_under_the_cursor() {
    let mut timeline = Timeline::default();
    timeline.step(-12, 20, NOW_MS);
    let at_ms = |timeline: &Timeline| {
        let window = window(timeline);
        (window.cursor, window.start_of(window.cursor))
    };
    let (cursor, before) = at_ms(&timeline);
    assert!(timeline.zoom(true, 20, NOW_MS));
    assert_eq!(at_ms(&timeline), (cursor, before));
    while timeline.zoom(false, 20, NOW_MS) {}
    assert!(window(&timeline).end_ms() > NOW_MS, "no further than now");
    while timeline.zoom(true, 20, NOW_MS) {}
    assert_eq!(window(&timeline).step_ms, STEPS_MS[0]);
}

#[test]
fn the_host_is_asked_for_what_is_in_view_and_not_known() {
    let mut timeline = Timeline::default();
    let here = window(&timeline);
    let mut past = Past::default();
    let bounds = past.ask(&here).unwrap();
    assert_eq!(bounds, (here.from_ms - 40 * 60_000, NOW_MS + 40 * 60_000));
    assert_eq!(past.ask(&here), None, "one question at a time");
    assert!(!past.take((0, 1), true, NOW_MS), "not what was asked");
    assert!(past.take(bounds, true, NOW_MS));
    let later = Timeline::default().window(20, NOW_MS + 3_600_000);
    assert_eq!(past.ask(&later), None, "what came since is told by itself");
    timeline.pan(-30, 20, NOW_MS);
    let bounds = past.ask(&window(&timeline)).unwrap();
    assert!(past.take(bounds, false, NOW_MS) && !past.whole());
    assert_eq!(past.ask(&window(&timeline)), None, "there were too many; asking again is no help");
    timeline.zoom(true, 20, NOW_MS);
    assert!(past.ask(&window(&timeline)).is_some(), "a closer look may be whole");
}

#[test]
fn from_run_to_run_and_from_failure_to_failure() {
    let runs = [
        lived(RunState::Succeeded, 30, Some(29), Some(28)),
        lived(RunState::Failed, 20, Some(19), Some(18)),
        lived(RunState::Succeeded, 10, Some(9), Some(8)),
        lived(RunState::Running, 6, Some(5), None),
    ];
    let refs: Vec<&RunRow> = runs.iter().collect();
    let mut timeline = Timeline::default();
    let mut to = |forward, only_bad| {
        let at_ms = next_end(&refs, &window(&timeline), forward, only_bad)?;
        timeline.go(at_ms, 20, NOW_MS);
        Some((NOW_MS - at_ms) / 60_000)
    };
    assert_eq!(to(false, false), Some(8));
    assert_eq!(to(false, true), Some(18));
    assert_eq!(to(false, true), None);
    assert_eq!(to(false, false), Some(28));
    assert_eq!(to(true, false), Some(18));
    assert_eq!(to(true, true), None);
    assert_eq!((to(true, false), to(true, false)), (Some(8), Some(0)));
}
