//! What leaves the console as text: copies and the pager.

use crate::action::Action;
use crate::input::Out;
use crate::inspect;
use crate::logs::line;
use crate::pane::Pane;
use crate::state::{Popup, Subject, Ui};

pub fn copy(ui: &mut Ui, action: Action, out: &mut Vec<Out>) {
    let text = match action {
        Action::CopyRow => row(ui),
        Action::CopyId => id(ui),
        Action::CopyJson => inspect::json(ui, &subject(ui)),
        _ => cli(ui).map(|cli| format!("{cli}{}", ui.setup.shell_suffix)),
    };
    match text {
        Some(text) => {
            let shown: String = text.lines().next().unwrap_or_default().chars().take(60).collect();
            ui.say(format!("copied: {shown}"));
            out.push(Out::Copy(text));
        }
        None => ui.complain("nothing is selected"),
    }
}

/// What is selected; in the log pane the record.
fn subject(ui: &Ui) -> Subject {
    match ui.focus() {
        Pane::Logs => ui
            .log
            .buffer
            .get(ui.log.cursor)
            .map_or(Subject::Nothing, |record| Subject::Record(Box::new(record.clone()))),
        pane => ui.selected(pane),
    }
}

fn row(ui: &Ui) -> Option<String> {
    match subject(ui) {
        Subject::Nothing => None,
        Subject::Record(record) => Some(line::plain(&record)),
        subject => {
            let facts = inspect::facts(ui, &subject);
            Some(
                facts
                    .iter()
                    .map(|fact| format!("{} {}", fact.label, fact.value))
                    .collect::<Vec<_>>()
                    .join("\n"),
            )
        }
    }
}

fn id(ui: &Ui) -> Option<String> {
    match ui.selected(ui.focus()) {
        Subject::Agent(id) | Subject::Run(id) | Subject::Trigger(id) => Some(id),
        Subject::Alert(key) => Some(key),
        Subject::Record(_) | Subject::Nothing => None,
    }
}

fn cli(ui: &Ui) -> Option<String> {
    match (ui.focus(), ui.selected(ui.focus())) {
        (_, Subject::Agent(name) | Subject::Run(name)) => Some(format!("al logs {name}")),
        (_, Subject::Trigger(id)) => Some(format!("al triggers show {id}")),
        (_, Subject::Alert(_)) => Some("al alerts".to_owned()),
        (Pane::Logs, Subject::Nothing) => Some("al logs".to_owned()),
        _ => None,
    }
}

/// The text of what is open, for the pager.
pub fn page(ui: &Ui) -> String {
    if let Some(Popup::Inspect { subject, .. }) = &ui.popup {
        return inspect::page(ui, subject);
    }
    match subject(ui) {
        _ if ui.focus() == Pane::Logs => {
            let buffer = &ui.log.buffer;
            let records = (buffer.start()..buffer.end()).filter_map(|number| buffer.get(number));
            let lines = records.filter(|record| ui.log.passes(record)).map(|record| {
                let at = crate::clock::full(record.at_ms, (ui.setup.zone_offset)(record.at_ms));
                format!("{at} {} {}\n", line::level(record.level).0, line::plain(record))
            });
            lines.collect()
        }
        subject => inspect::page(ui, &subject),
    }
}
