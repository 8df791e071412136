//! Older rows, page by page.

use crate::fixture::{Desk, NOW_MS, run, snapshot};
use crate::pane::Pane;
use al_wire::*;

fn asked(desk: &mut Desk) -> Vec<PageQuery> {
    desk.pages()
}

fn old(n: u32) -> RunRow {
    run(&format!("dev-{n:08x}"), RunState::Succeeded, 100_000 + i64::from(n))
}

fn answer(query: PageQuery, numbers: std::ops::Range<u32>, more: bool) -> Down {
    Down::Page(Box::new(Page {
        query,
        runs: numbers.clone().map(|n| old(n + 0x100)).collect(),
        triggers: Vec::new(),
        events: Vec::new(),
        next: more.then(|| old(numbers.end + 0xff).id),
        total: Some(100_000),
    }))
}

#[test]
fn scrolling_down_asks_for_what_is_older_than_the_oldest_run() {
    let mut desk = Desk::new();
    assert_eq!(asked(desk.press("j")), [], "nobody looks at runs");
    let mut first = asked(desk.press("2"));
    let query = first.pop().unwrap();
    assert_eq!(first, []);
    let expected = PageQuery {
        of: PageOf::Runs,
        agent: None,
        filter: String::new(),
        before: Some("planner-0000000f".into()),
        limit: 500,
    };
    assert_eq!(query, expected);
    assert_eq!(asked(desk.press("G")), [], "one question at a time");
    assert_eq!(desk.selected(), "planner-0000000f");
    desk.hear(answer(query, 0..500, true));
    assert_eq!(desk.selected(), "planner-0000000f", "the selection stays on its row");
    assert!(desk.screen().contains("Runs 508 of 100000 "), "{}", desk.screen());
    assert_eq!(asked(desk.press("g g")), [], "the end is far away");
    let mut second = asked(desk.press("G"));
    assert_eq!(desk.selected(), old(0x100 + 499).id);
    assert_eq!(second[0].before.as_ref(), Some(&old(0x100 + 499).id));
    desk.hear(answer(second.remove(0), 500..600, false));
    assert_eq!(asked(desk.press("G")), [], "nothing is older");
    assert_eq!(desk.selected(), old(0x100 + 599).id);
    desk.press("Enter");
    assert_eq!(desk.ui.focus(), Pane::Logs, "an old run is opened like another");
}

#[test]
fn a_filter_is_looked_for_in_what_is_older_too() {
    let mut desk = Desk::new();
    desk.press("2");
    let stale = asked(&mut desk).remove(0);
    desk.press("/ 'state=failed'");
    assert_eq!(asked(&mut desk), [], "not while it is typed");
    let query = asked(desk.press("Enter")).remove(0);
    assert_eq!((&*query.filter, &query.agent), ("state=failed", &None));
    desk.hear(answer(stale, 0..5, true));
    assert_eq!(desk.ui.table(Pane::Runs).shown.len(), 1, "the answer to another question");
    desk.hear(answer(query, 5..10, true));
    assert!(desk.screen().contains("Runs 6+ of 100000 /state=failed"), "{}", desk.screen());
    let next = asked(&mut desk).remove(0);
    desk.hear(answer(next, 10..11, false));
    assert!(desk.screen().contains("Runs 7 of 100000 /state=failed"), "{}", desk.screen());
    desk.press("Esc");
    assert!(desk.screen().contains("Runs 8 of 100000 "), "{}", desk.screen());
    desk.press("1 Enter");
    let query = asked(&mut desk).pop().unwrap();
    assert_eq!((query.agent.as_deref(), &*query.filter), (Some("dev"), ""));
}

#[test]
fn rows_stand_once_wherever_they_are_told() {
    let mut desk = Desk::new();
    let query = asked(desk.press("2")).remove(0);
    let mut page = match answer(query, 0..3, true) {
        Down::Page(page) => *page,
        _ => unreachable!(),
    };
    page.runs.push(run("dev-000000b1", RunState::Running, 243));
    desk.hear(Down::Page(Box::new(page)));
    let shown = |desk: &Desk| desk.ui.table(Pane::Runs).shown.len();
    assert_eq!(shown(&desk), 11);
    let again = RunRow { status_text: Some("changed".into()), ..old(0x101) };
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts: vec![Row::Run(again)] }));
    assert_eq!(shown(&desk), 11);
    assert_eq!(desk.ui.fleet.run(&old(0x102).id), Some(&old(0x102)));
    let fresh = run("dev-0000ffff", RunState::Queued, 1);
    desk.hear(Down::Delta(Delta { seq: 43, at_ms: 0, puts: vec![Row::Run(fresh)] }));
    assert!(desk.screen().contains("Runs 12 of 100001 "), "{}", desk.screen());
    desk.out.clear();
    desk.hear(Down::Snapshot(Box::new(snapshot())));
    assert_eq!(shown(&desk), 8, "what happened in between is not known");
    assert_eq!(asked(desk.press("G")).len(), 1);
}

#[test]
fn what_falls_out_of_the_newest_runs_stays_in_the_table() {
    let mut desk = Desk::new();
    let query = asked(desk.press("2")).remove(0);
    desk.hear(answer(query, 0..3, false));
    let puts = (0..1_100).map(|n| {
        let id = format!("dev-{:08x}", 0x10_0000 + n);
        Row::Run(RunRow { ended_ms: Some(NOW_MS + n), ..run(&id, RunState::Succeeded, 20) })
    });
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts: puts.collect() }));
    let ids: Vec<&str> = desk
        .ui
        .table(Pane::Runs)
        .shown
        .iter()
        .filter_map(|at| desk.ui.fleet.run_at(*at))
        .map(|run| run.id.as_str())
        .collect();
    assert_eq!(ids.len(), 8 + 3 + 1_100);
    assert_eq!(ids[ids.len() - 3..], [old(0x100).id, old(0x101).id, old(0x102).id]);
}

#[test]
fn firings_are_paged_too() {
    let mut desk = Desk::new();
    let query = asked(desk.press("4")).remove(0);
    assert_eq!((query.of, query.before.as_deref()), (PageOf::Triggers, Some("t1")));
    let row = TriggerRow { id: "t0".into(), ..snapshot().triggers.remove(2) };
    desk.hear(Down::Page(Box::new(Page {
        query,
        runs: Vec::new(),
        triggers: vec![row],
        events: Vec::new(),
        next: None,
        total: Some(4),
    })));
    desk.press("G i");
    assert!(desk.screen().contains("trigger t0"), "{}", desk.screen());
}

#[test]
fn pages_without_a_row_are_not_asked_for_for_ever() {
    let mut desk = Desk::new();
    desk.press("2 / 'nosuchword' Enter");
    let mut asked = 0;
    while let Some(query) = desk.pages().pop() {
        asked += 1;
        assert!(asked < 9, "it goes on and on");
        desk.hear(answer(query, 9..9, true));
    }
    desk.press("j");
    assert_eq!(desk.pages().len(), 1, "a key wants more");
}

#[test]
fn a_page_that_cannot_be_read_is_asked_for_again_by_the_next_key() {
    let mut desk = Desk::new();
    let query = asked(desk.press("2")).remove(0);
    let why = "disk I/O error".to_owned();
    desk.hear(Down::Unanswered { asked: Question::Page(query.clone()), why });
    assert!(desk.screen().contains("the scheduler has no answer: disk I/O error"));
    assert_eq!(asked(desk.wait(60_000)), [], "nobody asks on his own");
    assert_eq!(asked(desk.press("j")), [query]);
}
