//! Moving, drilling in, getting out.

use super::{dev, mouse};
use crate::fixture::{Desk, agent, more, record};
use crate::input::Input;
use crate::layout::{Plan, Screen};
use crate::pane::Pane;
use al_wire::*;
use crossterm::event::{MouseButton, MouseEventKind};

#[test]
fn moves_and_letters_lead_to_the_same_rows() {
    let check = |keys: &str, selected: &str| {
        let mut desk = Desk::new();
        desk.press(keys);
        assert_eq!(desk.selected(), selected, "{keys}");
    };
    check("j", "docs");
    check("Down Down Up", "docs");
    check("j j k", "docs");
    check("G", "reviewer-of-everything-in-eu-west");
    check("End g g", "dev");
    check("Ctrl-d Home", "dev");
    check("PgDn", "reviewer-of-everything-in-eu-west");
    check("e", "oncall");
    check("e e", "release");
    check("e e E", "oncall");
    check("/ 'rele' Enter", "release");
    check("/ 'rele' Esc", "release");
    check("/ 're' Down Enter", "release");
    check("/ 're' Backspace Backspace Backspace G", "reviewer-of-everything-in-eu-west");
}

#[test]
fn selection_stays_on_its_row_while_rows_come_and_go() {
    let mut desk = Desk::new();
    desk.press("j j");
    let puts = vec![
        Row::AgentGone { name: "dev".into() },
        Row::Agent(agent("aaa", AgentState::Idle, 0, 0)),
        Row::Agent(agent("bbb", AgentState::Idle, 0, 0)),
    ];
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts }));
    assert_eq!(desk.selected(), "oncall");
    desk.hear(Down::Delta(Delta {
        seq: 43,
        at_ms: 0,
        puts: vec![Row::AgentGone { name: "oncall".into() }],
    }));
    assert_eq!(desk.selected(), "planner");
}

#[test]
fn esc_takes_away_one_layer_and_never_leaves() {
    let mut desk = Desk::new();
    desk.press("Enter / 'b' Enter z ?");
    let layers = |desk: &Desk| {
        (
            desk.ui.popup.is_some(),
            desk.ui.table(Pane::Runs).filter.to_string(),
            desk.ui.zoom,
            desk.ui.place.scope.is_some(),
        )
    };
    assert_eq!(layers(&desk), (true, "b".into(), true, true));
    assert_eq!(layers(desk.press("Esc")), (false, "b".into(), true, true));
    assert_eq!(layers(desk.press("Esc")), (false, String::new(), true, true));
    assert_eq!(layers(desk.press("Esc")), (false, String::new(), false, true));
    assert_eq!(layers(desk.press("Esc")), (false, String::new(), false, false));
    assert_eq!(desk.ui.focus(), Pane::Agents);
    desk.press("Esc Esc Esc");
    assert!(desk.ui.dialog.is_none() && desk.commands().is_empty());
}

#[test]
fn history_goes_back_and_forward() {
    let mut desk = Desk::new();
    let mut focus = |keys: &str| desk.press(keys).ui.focus();
    assert_eq!(focus("2 3 ["), Pane::Runs);
    assert_eq!(focus("["), Pane::Agents);
    assert_eq!(focus("] ]"), Pane::Queues);
    assert_eq!(focus("`"), Pane::Runs);
    assert_eq!(focus("`"), Pane::Queues);
    assert_eq!(focus(": 'runs dev state=running' Enter"), Pane::Runs);
    assert!(desk.screen().contains("Runs of dev 2 /state=running"), "{}", desk.screen());
    assert_eq!(desk.press("[").ui.focus(), Pane::Queues);
}

#[test]
fn clicks_select_then_open_and_the_wheel_scrolls_what_is_under_it() {
    let click = MouseEventKind::Down(MouseButton::Left);
    let mut desk = Desk::new();
    mouse(&mut desk, click, 5, 6);
    assert_eq!(desk.selected(), "oncall");
    mouse(&mut desk, click, 5, 6);
    assert_eq!((desk.ui.focus(), desk.ui.place.scope.as_deref()), (Pane::Runs, Some("oncall")));
    mouse(&mut desk, click, 1, 1);
    assert_eq!(desk.ui.focus(), Pane::Agents);
    mouse(&mut desk, MouseEventKind::ScrollUp, 5, 20);
    assert!(!desk.ui.log.follow);
    desk.press("M");
    mouse(&mut desk, click, 5, 4);
    assert_eq!(desk.selected(), "oncall");
}

#[test]
fn a_frozen_picture_stands_still_while_intake_goes_on() {
    let mut desk = Desk::new();
    desk.press("F");
    let before = desk.screen();
    let mut dev_row = agent("dev", AgentState::Idle, 0, 0);
    dev_row.status_text = Some("all done".into());
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts: vec![Row::Agent(dev_row)] }));
    desk.hear(Down::Log(more(dev(), vec![record(60, LogLevel::Info, "fresh")])));
    assert_eq!(desk.screen(), before);
    desk.press("F");
    assert!(
        desk.screen().contains("all done") && desk.screen().contains("fresh"),
        "{}",
        desk.screen()
    );
}

#[test]
fn suspending_a_local_console_says_that_the_scheduler_stands_still() {
    let check = |remote: bool, help: &str, flash: Option<&str>| {
        let mut desk = Desk::new();
        desk.ui.setup.remote = remote;
        desk.press("? / 'suspend' Enter");
        assert!(desk.screen().contains(help), "{}", desk.screen());
        desk.give(Input::Resumed { away_ms: 95_000 });
        assert_eq!(desk.ui.flash.map(|flash| flash.text).as_deref(), flash);
    };
    let stood_still = "the scheduler stood still with the console for 1m35s";
    check(false, "suspend al, scheduler included", Some(stood_still));
    check(true, "suspend to the shell", None);
}

#[test]
fn the_focused_pane_is_on_every_screen() {
    for width in [60, 80, 99, 100, 120, 159, 160, 200] {
        for height in [12, 15, 16, 19, 20, 24, 27, 28, 40, 60] {
            for pane in Pane::ALL {
                let (size, plan) = ((width, height), Plan::default());
                let screen = Screen::of(size, &plan, pane, pane, false);
                let rect = screen.rect(pane);
                let fits = rect.is_some_and(|rect| rect.height >= 3 && rect.width >= 20);
                // Only a log has had no table before it.
                assert!(fits || pane == Pane::Logs, "{pane:?} at {width}x{height}: {rect:?}");
                let area: u32 = screen.panes.iter().map(|(_, rect)| rect.area()).sum();
                let detail = screen.detail.map_or(0, ratatui::layout::Rect::area);
                assert_eq!(area + detail, screen.body.area(), "{pane:?} at {width}x{height}");
            }
        }
    }
}

#[test]
fn who_did_what_is_asked_for_and_shown() {
    let mut desk = Desk::new();
    desk.press("g e");
    assert!(desk.screen().contains("nobody has done anything yet"), "{}", desk.screen());
    let query = desk.pages().remove(0);
    assert_eq!(query.of, PageOf::Events);
    let event = EventRow {
        at_ms: crate::fixture::NOW_MS - 5_000,
        by: "ann".into(),
        via: "console".into(),
        what: "pause docs".into(),
        ending: "done".into(),
        detail: "paused docs".into(),
    };
    desk.hear(Down::Page(Box::new(Page {
        query,
        runs: Vec::new(),
        triggers: Vec::new(),
        events: vec![event],
        next: None,
        total: None,
    })));
    let line = "13:04:38  ann (console) pause docs, done: paused docs";
    assert!(desk.screen().contains(line), "{}", desk.screen());
    desk.press("Esc : 'events' Enter");
    assert_eq!(desk.pages().len(), 1, "it is asked for anew");
}
