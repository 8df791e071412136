//! Reading logs.

use super::{dev, mouse};
use crate::fixture::{Desk, more, page, place, record, records, snapshot, tail};
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
    assert_eq!(
        desk.sent(),
        [Up::Tail { source: oncall, limit: 500, only: Sieve::default(), ask: 0 }]
    );
    desk.press("2").wait(100);
    let run = LogSource::Run("dev-000000b2".into());
    assert_eq!(desk.sent(), [Up::Tail { source: run, limit: 500, only: Sieve::default(), ask: 0 }]);
    desk.press("4 j j").wait(100);
    assert_eq!(
        desk.sent(),
        [Up::Tail { source: LogSource::Scheduler, limit: 500, only: Sieve::default(), ask: 0 }]
    );
    desk.press(": 'logs planner' Enter 1 j").wait(1_000);
    let planner = LogSource::Agent("planner".into());
    assert_eq!(
        desk.sent(),
        [Up::Tail { source: planner, limit: 500, only: Sieve::default(), ask: 0 }],
        "a pinned log stays"
    );
}

#[test]
fn the_first_log_is_asked_for_at_once() {
    let mut desk = Desk::fresh((80, 24), "terminal");
    desk.hear(Down::Snapshot(Box::new(snapshot())));
    assert_eq!(
        desk.sent(),
        [Up::Tail {
            source: LogSource::Agent("dev".into()),
            limit: 500,
            only: Sieve::default(),
            ask: 0
        }]
    );
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

/// A window in the middle of a log, whose live end is elsewhere.
fn middle(range: std::ops::Range<i64>, at: Option<usize>) -> LogChunk {
    let chunk = page(dev(), range);
    LogChunk { reset: true, more_before: true, more_after: at.is_some(), at, ..chunk }
}

#[test]
fn pages_come_near_both_ends_and_the_reader_stays() {
    let mut desk = Desk::new();
    desk.press("5").hear(Down::Log(middle(100..300, None)));
    assert_eq!(desk.sent(), []);
    desk.press("PgUp PgUp PgUp PgUp PgUp PgUp PgUp PgUp");
    let only = Sieve::default();
    let older = Up::Older { source: dev(), before: place(100), limit: 500, only: only.clone() };
    assert_eq!(desk.sent(), [older]);
    assert!(desk.row(2).contains("loading"));
    let before = desk.row(3);
    let chunk = LogChunk { older: true, ..page(dev(), 0..100) };
    desk.hear(Down::Log(chunk));
    assert_eq!(desk.row(3), before, "the reader stays");
    assert!(desk.press("g g").row(3).contains("step 0"));
    assert_eq!(desk.sent(), [], "nothing stands before");

    desk.press("@ '-5m' Enter");
    let place = |place: i64| LogPlace::Time(place);
    let at = |place, only| Up::At { source: dev(), place, limit: 500, only, ask: 0 };
    let then = desk.now_ms - 300_000;
    assert_eq!(desk.sent(), [at(place(then), only.clone())]);
    desk.hear(Down::Log(middle(1_000..1_300, Some(150))));
    assert!(desk.row(6).contains("step 1150"), "{}", desk.screen());
    desk.press("PgDn PgDn PgDn");
    let newer = Up::Newer { source: dev(), after: crate::fixture::place(1_300), limit: 500, only };
    assert_eq!(desk.sent(), [newer]);
    let before = desk.row(3);
    desk.hear(Down::Log(page(dev(), 5_000..5_007)));
    assert!(desk.row(2).contains("v 7 new") && desk.row(3) == before, "{}", desk.screen());
    desk.hear(Down::Log(LogChunk { newer: true, ..page(dev(), 1_300..1_310) }));
    assert!(desk.ui.log.buffer.live && desk.row(3) == before);
}

#[test]
fn the_start_and_the_end_are_asked_for_without_what_is_between() {
    let mut desk = Desk::new();
    desk.press("5").hear(Down::Log(middle(100..300, None))).press("g g");
    let only = Sieve::default();
    let start =
        Up::At { source: dev(), place: LogPlace::Start, limit: 500, only: only.clone(), ask: 0 };
    assert_eq!(desk.sent(), [start]);
    let chunk = LogChunk { more_before: false, ..middle(0..50, Some(0)) };
    desk.hear(Down::Log(chunk));
    assert!(desk.row(3).contains("step 0") && desk.row(2).contains("follow off"));
    assert_eq!(desk.sent().len(), 1, "what comes after the 50 records");
    desk.press("G");
    assert_eq!(desk.sent(), [Up::Tail { source: dev(), limit: 500, only, ask: 0 }]);
    desk.hear(Down::Log(middle(100..300, None)));
    assert!(desk.ui.log.follow && desk.row(21).contains("retry in 299s"), "{}", desk.screen());
}

/// Keys are faster than disks: of several answers that are on their way only the last counts.
#[test]
fn an_answer_that_was_overtaken_by_another_question_changes_nothing() {
    let mut desk = Desk::new();
    desk.press("5").hear(Down::Log(middle(100..300, None)));
    desk.press("k").sent();
    desk.press("v v v v");
    let asks = desk.asks().into_iter().filter_map(|up| match up {
        Up::At { ask, only, .. } => Some((ask, only)),
        _ => None,
    });
    let asks: Vec<_> = asks.collect();
    assert_eq!(asks.len(), 4);
    for (ask, only) in &asks[..3] {
        assert!(!only.is_open());
        desk.hear(Down::Log(LogChunk { ask: *ask, ..middle(0..1, Some(0)) }));
        assert_eq!(desk.ui.log.buffer.end() - desk.ui.log.buffer.start(), 200);
    }
    let (ask, only) = asks[3].clone();
    assert!(only.is_open());
    desk.hear(Down::Log(LogChunk { ask, ..middle(50..350, Some(150)) }));
    assert_eq!(desk.ui.log.buffer.end() - desk.ui.log.buffer.start(), 300);
}

#[test]
fn the_end_of_the_log_after_the_way_was_lost_does_not_move_the_reader() {
    let mut desk = Desk::new();
    desk.press("5").hear(Down::Log(middle(100..300, None))).press("PgUp PgUp");
    let before = desk.row(3);
    desk.hear(Down::Log(middle(400..600, None)));
    assert_eq!(desk.row(3), before);
    assert!(!desk.ui.log.buffer.live);
}

#[test]
fn what_is_set_and_what_was_set_in_a_frozen_picture_is_told_to_the_host() {
    let mut desk = Desk::new();
    desk.press("5").hear(Down::Log(LogChunk { more_before: false, ..middle(0..20, None) }));
    desk.sent();
    let tail = |level| {
        let only = Sieve { level, ..Sieve::default() };
        Up::Tail { source: dev(), limit: 500, only, ask: 0 }
    };
    desk.press(": 'set level warn' Enter");
    assert_eq!(desk.sent(), [tail(LogLevel::Warn)]);
    desk.press("F v");
    assert_eq!(desk.sent(), [], "a frozen picture asks for nothing");
    desk.press("F");
    assert_eq!(desk.sent(), [tail(LogLevel::Error)]);
    desk.press("F F");
    assert_eq!(
        desk.sent(),
        [tail(LogLevel::Error)],
        "the answer may have gone to the other picture"
    );
}

#[test]
fn what_was_asked_for_before_the_way_was_lost_is_asked_for_again() {
    let mut desk = Desk::new();
    desk.press("5").hear(Down::Log(middle(100..300, None)));
    desk.press("PgUp PgUp PgUp PgUp PgUp PgUp PgUp PgUp");
    assert!(matches!(desk.sent()[..], [Up::Older { .. }]));
    desk.hear(Down::Link(Link::Lost { why: "gone".into() }));
    desk.hear(Down::Link(Link::Open { round_trip_ms: 1, url: None }));
    desk.press("k");
    assert!(desk.sent().iter().any(|up| matches!(up, Up::Older { .. })));
}

#[test]
fn what_was_left_out_comes_from_disk_on_enter() {
    let mut desk = Desk::new();
    desk.press("5").hear(Down::Log(LogChunk { more_before: false, ..middle(0..20, None) }));
    desk.hear(Down::Log(LogChunk { skipped: 1_204, ..page(dev(), 20..22) }));
    assert!(desk.screen().contains("-- 1,204 records not received, Enter loads them from disk --"));
    desk.press("k").sent();
    desk.press("Enter");
    let gap = LogPlace::Place(place(20));
    let at = Up::At { source: dev(), place: gap, limit: 500, only: Sieve::default(), ask: 0 };
    assert_eq!(desk.sent(), [at]);
    desk.hear(Down::Log(LogChunk { more_before: false, ..middle(0..1_240, Some(20)) }));
    assert!(!desk.screen().contains("not received"));
    assert!(desk.press("Enter").screen().contains("record of dev"), "Enter opens the record");
}

#[test]
fn level_and_filter_hide_at_once_and_what_they_let_through_is_asked_for() {
    let mut desk = Desk::new();
    desk.press("5").hear(Down::Log(middle(100..300, None)));
    let level = |level, says| Sieve { level, says, msg: None };
    let tail = |only| Up::Tail { source: dev(), limit: 500, only, ask: 0 };
    desk.press("v v");
    let info = level(LogLevel::Info, vec![]);
    let warn = level(LogLevel::Warn, vec![]);
    assert_eq!(desk.sent(), [tail(info), tail(warn)]);
    assert!(!desk.screen().contains(" I "));
    desk.hear(Down::Log(middle(200..300, None))).press("v v").sent();
    desk.hear(Down::Log(middle(100..300, None)));

    desk.press("k k & '!step'");
    assert!(
        !desk.screen().contains(", step") && desk.screen().contains("403"),
        "{}",
        desk.screen()
    );
    assert_eq!(desk.sent(), [], "what is typed is tried on what is here");
    desk.press("Esc");
    assert!(desk.screen().contains("step"));
    desk.press("& '!step' Enter");
    assert!(desk.row(2).contains("Log dev &!step"), "{}", desk.row(2));
    let only = level(LogLevel::Trace, vec![Says { text: "step".into(), not: true }]);
    let cursor = desk.ui.log.buffer.get(desk.ui.log.cursor).unwrap().place.clone().unwrap();
    let place = LogPlace::Place(cursor.clone());
    let at = Up::At { source: dev(), place, limit: 500, only: only.clone(), ask: 0 };
    assert_eq!(desk.sent(), [tail(only), at], "the end too, so that what comes is sifted");
    // The end is not where the reader is.
    desk.hear(Down::Log(middle(290..300, None)));
    assert_eq!(desk.ui.log.buffer.find_place(&cursor), Some(desk.ui.log.cursor));
    desk.hear(Down::Log(middle(100..300, Some(194))));
    assert_eq!(
        desk.ui.log.buffer.get(desk.ui.log.cursor).unwrap().msg,
        "403 rate limited, retry in 292s"
    );
    desk.press("& Enter");
    assert!(!desk.row(2).contains("&!step") && desk.screen().contains("step"));
    assert!(desk.press("& Enter").row(2).contains("&!step"));
    assert!(!desk.press("Esc").row(2).contains("&!step"), "one layer less");
}

#[test]
fn what_is_not_here_is_looked_for_by_the_host() {
    let mut desk = Desk::new();
    desk.press("5").hear(Down::Log(middle(100..300, None))).press("/ 'nowhere' Enter");
    assert!(desk.last_row().contains("N looks further up, n down"), "{}", desk.last_row());
    assert!(desk.row(2).contains("/nowhere 0/0+"), "{}", desk.row(2));
    desk.press("N");
    let find = |id, from: Option<String>, back, what| Up::Find {
        id,
        source: dev(),
        from,
        back,
        what,
        only: Sieve::default(),
        limit: 500,
    };
    let says =
        Sieve { says: vec![Says { text: "nowhere".into(), not: false }], ..Sieve::default() };
    assert_eq!(desk.sent(), [find(1, Some(place(100)), true, says.clone())]);
    let told = |id, looked, state| Down::Find(LogFind { id, looked, of: 4 << 20, state });
    desk.hear(told(1, 1 << 20, FindState::Looking));
    assert!(desk.row(2).contains("looking for match: 1M of 4M, Esc stops"), "{}", desk.row(2));
    desk.press("Esc");
    assert_eq!(desk.sent(), [Up::Unfind]);
    desk.hear(told(1, 2 << 20, FindState::Nothing));
    assert!(desk.last_row().contains("the search has been stopped"), "{}", desk.last_row());

    desk.press("N");
    desk.hear(told(2, 4 << 20, FindState::Paused { place: place(50) }));
    assert!(desk.last_row().contains("no match in 4M; the same key looks further"));
    desk.sent();
    desk.press("N");
    assert_eq!(desk.sent(), [find(3, Some(place(50)), true, says)]);
    let chunk = Box::new(middle(0..40, Some(12)));
    desk.hear(told(3, 5 << 20, FindState::Found { chunk }));
    assert!(
        desk.row(6).contains("retry in 12s") && desk.ui.log.finding.is_none(),
        "{}",
        desk.screen()
    );

    // Errors and turns too.
    desk.sent();
    desk.press("E E");
    let error = Sieve { level: LogLevel::Error, ..Sieve::default() };
    assert_eq!(desk.sent(), [find(4, Some(place(0)), true, error)]);
    desk.hear(told(4, 1, FindState::Nothing));
    assert!(desk.last_row().contains("no error further up"), "{}", desk.last_row());
    desk.press("}");
    let turn = Sieve { msg: Some("turn".into()), ..Sieve::default() };
    assert_eq!(desk.sent(), [find(5, Some(place(40)), false, turn)]);
}

#[test]
fn bookmarks_are_listed_gone_to_and_remembered() {
    let mut desk = Desk::new();
    desk.press("5 k k Space k k k Space k");
    assert_eq!(desk.ui.log.marks.len(), 2);
    assert!(desk.screen().contains(" I'tool"), "{}", desk.screen());
    let at = |desk: &Desk| desk.ui.log.buffer.get(desk.ui.log.cursor).unwrap().place.clone();
    assert_eq!(at(desk.press("'")), Some(place(34)));
    assert_eq!(at(desk.press("'")), Some(place(37)));
    assert_eq!(at(desk.press("'")), Some(place(34)), "around the end");
    desk.press(": 'bookmarks' Enter j");
    insta::assert_snapshot!("bookmarks", desk.screen());
    assert_eq!(at(desk.press("Enter")), Some(place(37)));
    desk.press("Space");
    assert_eq!(desk.ui.log.marks.len(), 1, "the same key takes it away");
    // Elsewhere and back.
    desk.press("1 j").wait(100).press("k").wait(100);
    assert_eq!(desk.ui.log.marks.len(), 1);
    desk.press("5 G").hear(Down::Log(middle(5_000..5_100, None))).sent();
    desk.press("'");
    let found = LogPlace::Place(place(34));
    let at = Up::At { source: dev(), place: found, limit: 500, only: Sieve::default(), ask: 0 };
    assert_eq!(desk.sent(), [at]);
}

#[test]
fn what_was_read_last_is_read_on() {
    let mut desk = Desk::new();
    desk.press("5 k k v 1 j").wait(100);
    desk.sent();
    desk.press("k").wait(100);
    let only = Sieve { level: LogLevel::Info, ..Sieve::default() };
    let place = LogPlace::Place(place(37));
    let at = Up::At { source: dev(), place, limit: 500, only: only.clone(), ask: 0 };
    assert_eq!(desk.sent(), [Up::Tail { source: dev(), limit: 500, only, ask: 0 }, at]);
    // Another session has it as a bookmark.
    desk.hear(Down::Log(middle(0..40, Some(37))));
    let project = desk.ui.setup.project.clone();
    desk.ui.log.keep(&project);
    let text = desk.ui.log.memory.to_text();
    let mut desk = Desk::fresh((80, 24), "terminal");
    desk.ui.log.memory = crate::logs::Memory::parse(&text);
    desk.hear(Down::Snapshot(Box::new(snapshot())));
    let log = &desk.ui.log;
    assert!(log.follow && log.level == LogLevel::Info && log.marks.len() == 1 && log.marks[0].left);
}

#[test]
fn several_logs_are_one_with_their_names() {
    let mut desk = Desk::at((120, 40), "terminal");
    desk.press("Space Space o").wait(100);
    let marked = LogSource::Merged(vec![dev(), LogSource::Agent("docs".into())]);
    let both = Up::Tail { source: marked, limit: 500, only: Sieve::default(), ask: 0 };
    assert_eq!(desk.sent(), [both], "what is marked");
    desk.press("1 : 'logs dev,000000e1' Enter");
    let run = LogSource::Run("reviewer-of-everything-in-eu-west-000000e1".into());
    let source = LogSource::Merged(vec![dev(), run.clone()]);
    assert_eq!(
        desk.sent(),
        [Up::Tail { source: source.clone(), limit: 500, only: Sieve::default(), ask: 0 }]
    );
    let mut records = records(0..6);
    for one in &mut records[2..4] {
        one.name = "reviewer-of-everything-in-eu-west".into();
        one.run = Some("reviewer-of-everything-in-eu-west-000000e1".into());
    }
    desk.hear(Down::Log(tail(source, records)));
    insta::assert_snapshot!("merged_logs", crate::fixture::styled(&crate::view::buffer(&desk.ui)));
    let text = crate::update::copy::log_text(&desk.ui);
    assert!(
        text.lines().nth(2).unwrap().contains("I reviewer-of-everything-in-eu-west-000000e1 tool")
    );
}

#[test]
fn what_is_shown_goes_into_a_file_and_a_clipboard_that_is_large_enough() {
    let mut desk = Desk::new();
    desk.press("5 & '403' Enter").sent();
    desk.press("W");
    assert!(desk.screen().contains(">dev-20260101"), "{}", desk.screen());
    desk.press("Enter");
    let Some(Out::Write { text, .. }) = desk.out.pop() else { panic!("nothing was written") };
    assert_eq!(text.lines().count(), 5);
    desk.give(Input::Wrote(Err("x.txt is there already; choose another name".into())));
    assert!(desk.last_row().contains("choose another name"));

    let huge = record(40, LogLevel::Info, "x");
    let fields = serde_json::json!({"a": "é".repeat(4_000), "b": "y".repeat(70_000)});
    let huge = LogRecord { fields: fields.as_object().unwrap().clone(), ..huge };
    desk.press("& Enter G").hear(Down::Log(more(dev(), vec![huge])));
    desk.out.clear();
    desk.press("y j");
    let Some(Out::Copy(text)) = desk.out.pop() else { panic!("nothing was copied") };
    assert!((74_990..=74_994).contains(&text.len()), "{}", text.len());
    assert!(desk.last_row().contains("copied the first 74,994 of"), "{}", desk.last_row());
}

#[test]
fn an_empty_log_says_why() {
    let check = |select: &str, id: &str, note: Option<&str>, says: &str| {
        let mut desk = Desk::new();
        desk.press(select).wait(100);
        let source = LogSource::Run(id.into());
        let note = note.map(str::to_owned);
        desk.hear(Down::Log(LogChunk { note, ..tail(source, Vec::new()) }));
        assert!(desk.screen().contains(says), "{}", desk.screen());
    };
    check("2", "dev-000000b2", None, "no records yet: it has written nothing so far");
    check("3", "dev-000000c1", None, "no records: it waits in the queue; a slot was free");
    check("2", "dev-000000b2", Some("its log was removed"), "its log was removed");
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
    assert_eq!(desk.last_row(), "! `nowhere` is not in this log");
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
