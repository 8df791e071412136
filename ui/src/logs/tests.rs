use super::*;
use crate::fixture::{record, records, tail};

fn pane(records: Vec<LogRecord>) -> LogPane {
    let mut pane = LogPane::default();
    let source = LogSource::Agent("dev".into());
    pane.restart(source.clone());
    pane.take(tail(source, records));
    pane
}

#[test]
fn hidden_levels_are_stepped_over() {
    let mut pane = pane(records(0..14));
    pane.level = LogLevel::Error;
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
    pane.take(tail(source, vec![record(0, LogLevel::Info, "403 again")]));
    assert_eq!(pane.hits(), [0]);
}
