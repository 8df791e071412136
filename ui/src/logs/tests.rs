use super::*;
use crate::fixture::{record, records, tail, work};

fn pane(records: Vec<LogRecord>) -> LogPane {
    let mut pane = LogPane::default();
    let source = LogSource::Agent("dev".into());
    pane.restart("shop", source.clone());
    pane.take(tail(source, records));
    pane
}

#[test]
fn hidden_levels_are_stepped_over() {
    let mut pane = pane(records(0..14));
    pane.level = LogLevel::Error;
    pane.sift();
    pane.turn_to(0);
    let errors = [pane.after(0), pane.after(5), pane.after(12), pane.before(12), pane.before(5)];
    assert_eq!(errors, [Some(5), Some(12), None, Some(5), None]);
    pane.step(1);
    assert_eq!(pane.cursor, 5);
    pane.step(9);
    assert_eq!(pane.cursor, 12);
}

#[test]
fn search_finds_what_comes_later_and_forgets_what_is_gone() {
    let mut pane = pane(records(0..14));
    pane.look_for("403");
    assert_eq!(pane.hits(), [5, 12]);
    let source = LogSource::Agent("dev".into());
    pane.take(crate::fixture::more(source.clone(), records(14..21)));
    assert_eq!(pane.hits(), [5, 12, 19]);
    pane.asked = Asked::Tail;
    pane.take(tail(source, vec![record(0, LogLevel::Info, "403 again")]));
    assert_eq!(pane.hits(), [21]);
}

/// Goes to the next one among what is held.
fn go(pane: &mut LogPane, what: What, forward: bool) -> bool {
    match pane.next(what, forward) {
        Next::Here(number) => {
            pane.turn_to(number);
            true
        }
        Next::Nowhere => false,
        Next::Beyond(from) => panic!("all of it is held, and {from:?} asked for"),
    }
}

#[test]
fn turns_and_errors_are_jumped_to_and_a_record_knows_its_turn() {
    let mut pane = pane(work());
    pane.turn_to(0);
    assert_eq!(pane.turn(), None);
    let mut seen = Vec::new();
    while go(&mut pane, What::Turn, true) {
        seen.push((pane.cursor, pane.turn()));
    }
    assert_eq!(seen, [(6, Some(1)), (11, Some(2))]);
    assert!(go(&mut pane, What::Turn, false) && pane.cursor == 6);
    assert!(!go(&mut pane, What::Turn, false));
    assert!(go(&mut pane, What::Error, true) && pane.cursor == 8 && pane.turn() == Some(1));
    pane.turn_to(12);
    assert_eq!(pane.turn(), Some(2), "the sum stands after the last turn");
    pane.level = LogLevel::Warn;
    pane.sift();
    assert!(!go(&mut pane, What::Turn, false), "what is hidden is not jumped to");
}

#[test]
fn the_start_of_a_command_is_told_once() {
    let mut pane = pane(work());
    pane.turn_to(2);
    pane.step(1);
    assert_eq!(pane.cursor, 4);
}
