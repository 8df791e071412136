//! The pictures of time: what is asked of the host, and where keys lead in them.

use crate::fixture::{Desk, run, series, snapshot};
use crate::pane::Pane;
use crate::state::Subject;
use al_wire::{Delta, Down, LogSource, Row, RunRow, RunState, Series, Up};

/// True when numbers were asked for since the last look.
fn counted(desk: &mut Desk, every_ms: i64) -> bool {
    std::mem::take(&mut desk.counts).contains(&Up::Count { every_ms, buckets: 60 })
}

#[test]
fn the_host_counts_anew_when_something_changed_and_is_in_view() {
    let mut desk = Desk::fresh((80, 24), "terminal");
    desk.hear(Down::Snapshot(Box::new(snapshot())));
    assert!(counted(&mut desk, 60_000));
    desk.hear(Down::Series(Box::new(series()))).wait(10_000);
    assert!(!counted(&mut desk, 60_000), "nothing changed");
    let puts = vec![Row::Run(run("dev-000000b2", RunState::Succeeded, 60))];
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts }));
    assert!(counted(&mut desk, 60_000));
    desk.hear(Down::Series(Box::new(series()))).wait(60_000);
    assert!(counted(&mut desk, 60_000), "another minute began");
    desk.hear(Down::Series(Box::new(series()))).press("5 z").wait(60_000);
    assert!(!counted(&mut desk, 60_000), "nobody sees it");
}

#[test]
fn a_frozen_picture_is_not_counted_anew() {
    let mut desk = Desk::new();
    let before = desk.press("F").screen();
    let other = Series { at_ms: 0, ..series() };
    desk.hear(Down::Series(Box::new(other))).wait(120_000);
    assert_eq!(desk.screen(), before);
    assert!(!counted(&mut desk, 60_000));
    desk.press("F").wait(1);
    assert!(counted(&mut desk, 60_000));
}

#[test]
fn stats_look_closer_and_wider_and_at_another_agent() {
    let mut desk = Desk::new();
    desk.press("g s");
    let title = |desk: &Desk| desk.row(2).trim_matches(['╔', '═', ' ', '╗']).to_owned();
    assert!(title(&desk).starts_with("Stats of all agents, last hour"), "{}", title(&desk));
    desk.press("<");
    assert!(counted(&mut desk, 3_600_000));
    assert!(desk.screen().contains("not counted yet"));
    desk.press("> > j");
    assert!(title(&desk).starts_with("Stats of dev, last hour"), "{}", title(&desk));
    assert_eq!(desk.ui.selected(desk.ui.focus()), Subject::Agent("dev".into()));
    desk.press("G");
    assert!(title(&desk).starts_with("Stats of reviewer"), "{}", title(&desk));
    desk.press("Esc Esc 1 : 'pulse release' Enter");
    assert!(title(&desk).starts_with("Stats of release"), "{}", title(&desk));
    desk.press("Esc");
    assert_eq!(desk.ui.focus(), Pane::Agents);
}

#[test]
fn the_timeline_starts_at_the_selected_agent_and_enter_opens_the_run_under_the_cursor() {
    let mut desk = Desk::new();
    desk.press("G g m");
    let lane = |desk: &Desk| desk.ui.pictures.lane.clone().unwrap();
    assert!(lane(&desk).starts_with("reviewer"));
    desk.press("Home k k");
    assert_eq!(lane(&desk), "planner");
    desk.press("End N");
    assert_eq!(desk.ui.selected(Pane::Timeline), Subject::Run("planner-0000000f".into()));
    desk.press("Enter");
    assert_eq!(desk.ui.focus(), Pane::Logs);
    assert_eq!(desk.ui.place.pin, Some(LogSource::Run("planner-0000000f".into())));
    desk.press("Esc");
    assert_eq!(desk.ui.focus(), Pane::Timeline);
    desk.press("E");
    assert!(desk.last_row().contains("no earlier failure of planner"), "{}", desk.last_row());
    desk.press("j e");
    assert_eq!(desk.ui.selected(Pane::Timeline), Subject::Run("release-0000000f".into()));
}

#[test]
fn runs_that_the_console_does_not_hold_are_asked_for_and_can_be_opened() {
    let mut desk = Desk::new();
    desk.press("T");
    let asked = |desk: &mut Desk| {
        let sent = desk.sent();
        sent.iter().find_map(|up| match up {
            Up::Past { from_ms, to_ms, .. } => Some((*from_ms, *to_ms)),
            _ => None,
        })
    };
    let bounds = asked(&mut desk).unwrap();
    assert!(bounds.1 > desk.now_ms);
    let old = RunRow {
        trigger: "found in the past".into(),
        ..run("dev-0000dddd", RunState::TimedOut, 3_000)
    };
    let (from_ms, to_ms) = bounds;
    desk.hear(Down::Past { from_ms, to_ms, runs: vec![old], whole: true });
    assert_eq!(asked(&mut desk), None);
    desk.press("E");
    assert!(desk.screen().contains("dev-0000dddd  ✗ timed out 19s"), "{}", desk.screen());
    assert!(desk.screen().contains("found in the past"));
    desk.press("i");
    assert!(desk.screen().contains("timed out"), "{}", desk.screen());
    desk.press("Esc ( ( ( ( (");
    let further = asked(&mut desk).unwrap();
    assert!(further.0 < from_ms);
    desk.hear(Down::Snapshot(Box::new(snapshot())));
    assert!(asked(&mut desk).is_some(), "the way to the host broke, or the console lagged");
}
