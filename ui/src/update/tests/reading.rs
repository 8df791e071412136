//! Reading logs.

use super::{dev, mouse};
use crate::fixture::{Desk, more, records, snapshot, tail};
use crate::input::{Input, Out};
use crate::pane::Pane;
use al_wire::*;
use crossterm::event::MouseEventKind;
use proptest::prelude::*;

#[test]
fn the_log_follows_the_cursor_once_it_rests() {
    let mut desk = Desk::new();
    desk.press("j");
    desk.now_ms -= 990;
    desk.press("j");
    assert_eq!(desk.sent(), []);
    desk.wait(100);
    let oncall = LogSource::Agent("oncall".into());
    assert_eq!(desk.sent(), [Up::Tail { source: oncall, limit: 500 }]);
    desk.press("2").wait(100);
    let run = LogSource::Run("dev-000000b2".into());
    assert_eq!(desk.sent(), [Up::Tail { source: run, limit: 500 }]);
    desk.press("4 j j").wait(100);
    assert_eq!(desk.sent(), [Up::Tail { source: LogSource::Scheduler, limit: 500 }]);
    desk.press(": 'logs planner' Enter 1 j").wait(1_000);
    let planner = LogSource::Agent("planner".into());
    assert_eq!(desk.sent(), [Up::Tail { source: planner, limit: 500 }], "a pinned log stays");
}

#[test]
fn the_first_log_is_asked_for_at_once() {
    let mut desk = Desk::fresh((80, 24), "terminal");
    desk.hear(Down::Snapshot(Box::new(snapshot())));
    assert_eq!(desk.sent(), [Up::Tail { source: LogSource::Agent("dev".into()), limit: 500 }]);
}

#[test]
fn reading_back_stops_following_and_counts_what_comes() {
    let mut desk = Desk::new();
    desk.press("5 k k k");
    let top = desk.row(3);
    desk.hear(Down::Log(more(dev(), records(40..47))));
    assert_eq!(desk.row(3), top);
    assert!(desk.row(2).contains("follow off  v 7 new"), "{}", desk.row(2));
    desk.press("G");
    assert!(desk.row(22 - 1).contains("step 46"), "{}", desk.screen());
    desk.hear(Down::Log(more(dev(), records(47..49))));
    assert!(desk.row(22 - 1).contains("step 48"), "{}", desk.screen());
}

#[test]
fn pages_and_the_wheel_move_the_view_and_follow_again_at_the_end() {
    let mut desk = Desk::new();
    let down = MouseEventKind::ScrollDown;
    desk.press("5").hear(Down::Log(tail(dev(), records(0..100))));
    assert!(desk.row(3).contains("step 81"), "{}", desk.screen());
    mouse(&mut desk, MouseEventKind::ScrollUp, 5, 10);
    assert!(desk.row(3).contains("step 78"), "{}", desk.screen());
    desk.press("PgUp");
    assert!(desk.row(3).contains("step 59"), "{}", desk.screen());
    desk.press("PgDn PgDn").press("PgDn");
    assert!(desk.ui.log.follow && desk.row(21).contains("step 99"), "{}", desk.screen());
    mouse(&mut desk, MouseEventKind::ScrollUp, 5, 10);
    mouse(&mut desk, down, 5, 10);
    assert!(!desk.ui.log.follow);
    mouse(&mut desk, down, 5, 10);
    assert!(desk.ui.log.follow);
}

#[test]
fn older_pages_come_near_the_top() {
    let mut desk = Desk::new();
    let chunk = LogChunk { more_before: true, ..tail(dev(), records(100..300)) };
    desk.hear(Down::Log(chunk));
    desk.press("5 k");
    assert_eq!(desk.sent(), []);
    desk.press("g g");
    let older = Up::Older { source: dev(), before: "c0".into(), limit: 500 };
    assert_eq!(desk.sent(), [older]);
    assert!(desk.row(2).contains("loading"));
    let before = desk.row(3);
    desk.hear(Down::Log(LogChunk {
        older: true,
        reset: false,
        first: Some("c-1".into()),
        ..tail(dev(), records(0..100))
    }));
    assert_eq!(desk.row(3), before, "the reader stays");
    assert!(desk.press("g g").row(3).contains("step 0"));
    assert_eq!(desk.sent(), [], "nothing stands before");
}

#[test]
fn search_counts_and_walks_around_the_end() {
    let mut desk = Desk::new();
    desk.press("5 / '403' Enter");
    let counter = |desk: &Desk| {
        desk.row(2)
            .split_whitespace()
            .find(|word| word.contains('/') && word.len() < 5 && !word.starts_with('/'))
            .map(str::to_owned)
    };
    assert_eq!(counter(&desk), Some("5/5".into()));
    assert_eq!(counter(desk.press("n")), Some("1/5".into()));
    assert_eq!(counter(desk.press("N N")), Some("4/5".into()));
    desk.press("/ 'nowhere' Enter");
    assert_eq!(desk.last_row(), "! `nowhere` is not among the records here");
}

#[test]
fn levels_errors_times_and_wrap_are_named_in_the_title() {
    let mut desk = Desk::new();
    desk.press("5 v");
    assert!(
        desk.row(2).contains("level >=info") && !desk.screen().contains(" D "),
        "{}",
        desk.screen()
    );
    desk.press("v v");
    assert!(desk.row(2).contains("level error") && !desk.screen().contains(" I "));
    assert!(desk.press("v E").row(2).contains("follow off"));
    for (keys, word) in
        [("t", "time utc"), ("t", "time since"), ("t", "time none"), ("w", "wrap on")]
    {
        assert!(desk.press(keys).row(2).contains(word), "{}", desk.row(2));
    }
    assert!(!desk.press("t").row(2).contains("time"));
}

#[derive(Debug, Clone)]
enum Event {
    Key(&'static str),
    Append(i64),
    Older(i64),
    Size(u16, u16),
}

fn event() -> impl Strategy<Value = Event> {
    let keys = [
        "j",
        "k",
        "Ctrl-d",
        "Ctrl-u",
        "PgUp",
        "G",
        "g g",
        "v",
        "w",
        "f",
        "e",
        "E",
        "n",
        "/ '403' Enter",
        "Esc",
    ];
    prop_oneof![
        4 => proptest::sample::select(keys.to_vec()).prop_map(Event::Key),
        2 => (0..40_i64).prop_map(Event::Append),
        1 => (0..40_i64).prop_map(Event::Older),
        1 => (60..180_u16, 12..50_u16).prop_map(|(width, height)| Event::Size(width, height)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn the_reader_stays_where_the_reader_is(events in proptest::collection::vec(event(), 1..40)) {
        let mut desk = Desk::new();
        desk.press("5");
        let mut next = 40;
        for event in events {
            let at = desk.ui.log.buffer.get(desk.ui.log.cursor).cloned();
            let follows = desk.ui.log.follow;
            let data = matches!(event, Event::Append(_) | Event::Older(_));
            match event {
                Event::Key(keys) => { desk.press(keys); }
                Event::Append(n) => {
                    desk.hear(Down::Log(more(dev(), records(next..next + n))));
                    next += n;
                }
                Event::Older(n) => {
                    let chunk = LogChunk { older: true, reset: false, ..tail(dev(), records(-n..0)) };
                    desk.hear(Down::Log(chunk));
                }
                Event::Size(width, height) => { desk.give(Input::Resize(width, height)); }
            }
            let log = &desk.ui.log;
            let rect = desk.ui.screen().rect(Pane::Logs).unwrap();
            let rows = crate::view::log_rows(&desk.ui, crate::layout::inside(rect));
            prop_assert!(log.top.record <= log.cursor);
            prop_assert!(rows.iter().any(|(number, _)| *number == log.cursor), "the cursor is in view");
            if log.follow {
                prop_assert_eq!(rows.last().map(|(number, _)| *number), log.before(i64::MAX));
            }
            if data && !follows {
                prop_assert_eq!(log.buffer.get(log.cursor).cloned(), at, "data does not move the cursor");
            }
        }
    }
}

#[test]
fn inspect_asks_why_and_asks_again_when_something_happens() {
    let mut desk = Desk::new();
    desk.press("2 i");
    let id = "dev-000000b2".to_owned();
    let why = Out::Send(Up::Why { id: id.clone() });
    let asked = |desk: &Desk| desk.out.iter().filter(|out| **out == why).count();
    assert_eq!(asked(&desk), 1);
    let step = |text: &str| WhyStep { at_ms: 0, about: id.clone(), text: text.into() };
    desk.hear(Down::Why {
        id: "another".into(),
        steps: vec![step("not this one")],
        delivery: None,
    });
    desk.hear(Down::Why { id: id.clone(), steps: vec![step("started at once")], delivery: None });
    assert!(desk.screen().contains("started at once"));
    assert_eq!(asked(&desk), 1);
    let row = crate::fixture::run(&id, RunState::Running, 9);
    desk.hear(Down::Delta(Delta { seq: 43, at_ms: 0, puts: vec![Row::Run(row)] }));
    assert_eq!(asked(&desk), 2);
    assert!(desk.screen().contains("started at once"), "until the answer is there");
    desk.press("Esc");
    assert_eq!(desk.ui.chain, None);
}

#[test]
fn inspect_shows_what_was_delivered_and_it_drives_no_terminal() {
    let mut desk = Desk::new();
    desk.press("4 i");
    let delivery = DeliveryRow {
        headers: vec![("x-github-event".into(), "issues\u{1b}[2J".into())],
        body: "{\n  \"title\": \"\u{1b}[31mred\"\n}".into(),
        remark: Some("the first 262144 of 300000 bytes".into()),
    };
    desk.hear(Down::Why { id: "t3".into(), steps: Vec::new(), delivery: Some(delivery) });
    let page = crate::inspect::delivery(&desk.ui);
    assert_eq!(
        page,
        [
            "x-github-event: issues",
            "",
            "(the first 262144 of 300000 bytes)",
            "{",
            "  \"title\": \"red\"",
            "}",
        ]
    );
    let shown = (0..24).any(|row| desk.row(row).contains("x-github-event: issues"));
    assert!(shown, "on the screen too");
}

#[test]
fn a_firing_says_how_far_its_runs_are_as_soon_as_they_are() {
    let mut desk = Desk::new();
    let outcome =
        |desk: &Desk| crate::rows::outcome(&desk.ui.fleet, desk.ui.fleet.trigger("t3").unwrap());
    assert_eq!(outcome(&desk), Outcome::Queued);
    let run = desk.ui.fleet.run("dev-000000c2").unwrap().clone();
    let hear = |desk: &mut Desk, seq: u64, run: RunRow| {
        let seq = desk.ui.fleet.seq + seq;
        desk.hear(Down::Delta(Delta { seq, at_ms: 0, puts: vec![Row::Run(run)] }));
    };
    let dropped = RunRow { state: RunState::Dropped, ..run.clone() };
    hear(&mut desk, 1, dropped);
    assert_eq!(outcome(&desk), Outcome::Dropped);
    hear(&mut desk, 1, RunRow { state: RunState::Running, attempt: 1, ..run });
    assert_eq!(outcome(&desk), Outcome::Started);
    desk.press("4 / 'outcome=started' Enter");
    assert_eq!(desk.ui.table(crate::pane::Pane::Triggers).shown.len(), 1);
}
