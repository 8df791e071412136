//! What the scheduler answers, and how the console ends.

use super::mouse;
use crate::fixture::{Desk, run};
use crate::input::{Exit, Input, Out};
use al_wire::*;
use crossterm::event::{MouseButton, MouseEventKind};

fn asked(level: Level) -> Desk {
    let mut desk = Desk::new();
    desk.press("X");
    desk.out.clear();
    let confirm = crate::view::tests::confirm(level);
    desk.hear(Down::Reply { id: 1, reply: Reply::NeedsConfirm(confirm) });
    desk
}

#[test]
fn a_question_is_accepted_by_its_level_only() {
    let check = |level, keys: &str, accepted: bool| {
        let mut desk = asked(level);
        desk.press(keys);
        let sent = desk.sent();
        let kill = Up::Submit {
            id: 2,
            seen: 41,
            command: Command::kill(Target::Agent("dev".into())),
            token: Some("t-9".into()),
        };
        let sent: Vec<Up> = sent.into_iter().filter(|up| matches!(up, Up::Submit { .. })).collect();
        assert_eq!(sent, if accepted { vec![kill] } else { vec![] }, "{level:?} {keys}");
    };
    check(Level::Small, "y", true);
    check(Level::Small, "Enter", false);
    check(Level::Loses, "y", false);
    check(Level::Loses, "Enter", false);
    check(Level::Loses, "n Tab Enter", false);
    check(Level::Loses, "Tab Enter", true);
    check(Level::Loses, "Right Enter", true);
    check(Level::Wide, "Enter", false);
    check(Level::Wide, "'kill 3' Enter", false);
    check(Level::Wide, "'kill 3' Tab Tab Enter", false);
    check(Level::Wide, "'kill 2' Enter", true);
    check(Level::Wide, "'kill 2' Tab Enter", false);
    check(Level::Wide, "'kill 2' Esc", false);
}

#[test]
fn a_key_meant_for_what_was_there_before_accepts_nothing() {
    for level in [Level::Small, Level::Loses] {
        let mut desk = asked(level);
        for key in ["Tab", "Enter", "y"] {
            desk.now_ms -= 950;
            desk.press(key);
        }
        assert_eq!(desk.sent(), [], "{level:?}");
        assert!(desk.ui.dialog.is_some());
    }
}

#[test]
fn a_click_that_comes_with_the_dialog_presses_no_button() {
    let click = MouseEventKind::Down(MouseButton::Left);
    let mut desk = asked(Level::Loses);
    let kill = crate::view::buttons(&desk.ui)[1];
    mouse(&mut desk, click, kill.x + 1, kill.y);
    assert_eq!(desk.commands(), []);
    desk.now_ms += 300;
    mouse(&mut desk, click, kill.x + 1, kill.y);
    assert_eq!(desk.commands().len(), 1);
}

#[test]
fn when_the_world_moved_the_dialog_says_so_and_offers_to_ask_again() {
    let stale =
        || Down::Reply { id: 2, reply: Reply::Stale { now: vec!["dev-000000b2 ended".into()] } };
    let mut desk = asked(Level::Loses);
    desk.press("Tab Enter").hear(stale());
    assert!(
        desk.screen().contains("Kill the runs of dev? Things have changed"),
        "{}",
        desk.screen()
    );
    assert!(desk.screen().contains("dev-000000b2 ended"));
    desk.out.clear();
    desk.press("Tab Enter");
    let again = Up::Submit {
        id: 3,
        seen: 41,
        command: Command::kill(Target::Agent("dev".into())),
        token: None,
    };
    assert_eq!(desk.sent(), [again]);

    let mut desk = Desk::new();
    desk.press("2 X");
    let ended = run("dev-000000b2", RunState::Succeeded, 60);
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts: vec![Row::Run(ended)] }));
    desk.hear(Down::Reply { id: 1, reply: Reply::Stale { now: vec!["it already ended".into()] } });
    assert!(!desk.screen().contains("Ask again"));
}

#[test]
fn results_flash_with_what_undoes_them_and_go_away() {
    let mut desk = Desk::new();
    desk.press("p");
    desk.hear(Down::Reply { id: 1, reply: Reply::Done { why: "paused dev.".into(), run: None } });
    assert_eq!(desk.last_row(), "paused dev, p resumes");
    desk.wait(10_000);
    assert!(desk.last_row().starts_with("? help"));
    desk.press("p");
    desk.hear(Down::Reply { id: 2, reply: Reply::Refused { why: "the host is draining".into() } });
    assert_eq!(desk.last_row(), "! the host is draining");
}

#[test]
fn an_old_console_survives_what_it_does_not_know() {
    let mut desk = Desk::new();
    let before = desk.screen();
    desk.hear(Down::Unknown);
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts: vec![Row::Unknown] }));
    assert_eq!(desk.screen(), before);
    desk.press("X").hear(Down::Reply { id: 1, reply: Reply::Unknown });
    assert!(desk.last_row().starts_with("! the scheduler is newer"));
}

#[test]
fn leaving_is_not_stopping() {
    let check = |keys: &str, leave: Leave, exit: Exit| {
        let mut desk = Desk::new();
        desk.press(keys);
        assert_eq!(desk.out, [Out::Send(Up::Leave(leave)), Out::Exit(exit)], "{keys}");
    };
    check("q Tab Enter", Leave::Detach, Exit::Detach);
    check("q Tab Tab Enter", Leave::Drain, Exit::Drain);
    check("Ctrl-c S-Tab Enter", Leave::StopNow, Exit::StopNow);
    check(": 'q' Enter Right Enter", Leave::Detach, Exit::Detach);

    let mut desk = Desk::new();
    desk.press("q Enter q Esc q n Esc Esc");
    assert_eq!(desk.out, []);

    let mut desk = Desk::new();
    desk.ui.setup.remote = true;
    desk.press("q");
    assert_eq!(desk.out, [Out::Send(Up::Leave(Leave::Detach)), Out::Exit(Exit::Detach)]);
}

#[test]
fn the_end_of_the_host_and_signals_end_the_console() {
    let check = |input: Input, exit: Exit| {
        let mut desk = Desk::new();
        desk.give(input);
        assert_eq!(desk.out, [Out::Exit(exit)]);
    };
    check(Input::Down(Down::Bye { why: "stopped".into() }), Exit::Host("stopped".into()));
    check(Input::HostGone, Exit::Host("the connection to the scheduler ended".into()));
    check(Input::Stop, Exit::Signal);
}

fn lost(why: &str) -> Down {
    Down::Link(Link::Lost { why: why.into() })
}

#[test]
fn a_lost_connection_says_that_what_is_shown_is_old_and_asks_nothing() {
    let mut desk = Desk::new();
    desk.ui.setup.remote = true;
    desk.hear(Down::Link(Link::Open { round_trip_ms: 18, url: None }));
    assert!(desk.row(0).contains("REMOTE  18 ms  run"), "{}", desk.row(0));
    desk.press("X");
    desk.hear(lost("the connection broke"));
    assert!(desk.row(0).contains("LOST 0s (the connection broke)"), "{}", desk.row(0));
    assert_eq!(desk.last_row(), "! the connection broke: whether that was done is not known");
    desk.now_ms += 2_000;
    desk.hear(lost("cannot connect"));
    assert!(desk.row(0).contains("LOST 2s (cannot connect)"), "{}", desk.row(0));
    desk.out.clear();
    desk.press("X");
    assert_eq!(desk.sent(), []);
    assert_eq!(desk.last_row(), "! the connection is lost: nothing was asked");
    desk.hear(Down::Link(Link::Open { round_trip_ms: 20, url: None }));
    assert_eq!(desk.last_row(), "the connection is back");
    assert!(!desk.row(0).contains("LOST"), "{}", desk.row(0));
}

#[test]
fn an_answer_that_comes_after_the_connection_was_lost_belongs_to_nothing() {
    let mut desk = Desk::new();
    desk.press("X");
    desk.hear(lost("gone"));
    let confirm = crate::view::tests::confirm(Level::Small);
    desk.hear(Down::Reply { id: 1, reply: Reply::NeedsConfirm(confirm) });
    assert!(desk.ui.dialog.is_none());
}
