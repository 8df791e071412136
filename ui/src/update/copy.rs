//! What leaves the console as text: copies and the pager.

use crate::action::Action;
use crate::input::Out;
use crate::inspect;
use crate::logs::line;
use crate::pane::Pane;
use crate::prompt::{Kind, Prompt};
use crate::state::{Popup, Subject, Ui};
use crate::text;
use al_wire::{LogSource, story};

pub fn copy(ui: &mut Ui, action: Action, out: &mut Vec<Out>) {
    if action == Action::CopyLink && ui.gateway().is_none() {
        ui.complain("there is no gateway for a link to lead to");
        return;
    }
    let text = match action {
        Action::CopyRow => row(ui),
        Action::CopyId => id(ui),
        Action::CopyJson => inspect::json(ui, &subject(ui)),
        Action::CopyLink => link(ui),
        _ => cli(ui).map(|cli| format!("{cli}{}", ui.setup.shell_suffix)),
    };
    match text {
        Some(text) => {
            let (text, said) = clipped(text);
            ui.say(said);
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
        Subject::Record(record) => Some(story::plain(&record)),
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
        Subject::Record(_) | Subject::Events | Subject::Nothing => None,
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

/// Where the gateway tells of what is selected, to whoever has its key.
fn link(ui: &Ui) -> Option<String> {
    let gateway = ui.gateway()?.trim_end_matches('/');
    let agent_of = |run: &str| ui.fleet.run(run).map(|run| run.agent.clone());
    let path = match (ui.focus(), ui.selected(ui.focus())) {
        (Pane::Logs, _) => match ui.log.buffer.source.as_ref()? {
            LogSource::Scheduler | LogSource::Merged(_) => "/api/logs/scheduler".to_owned(),
            LogSource::Agent(name) => format!("/api/logs/agents/{name}"),
            LogSource::Run(run) => format!("/api/logs/agents/{}/{run}", agent_of(run)?),
        },
        (_, Subject::Agent(name)) => format!("/api/dashboard/agents/{name}"),
        (_, Subject::Run(run)) => {
            format!("/api/dashboard/agents/{}/instances/{run}", agent_of(&run)?)
        }
        (_, Subject::Trigger(id)) => format!("/control/triggers/{id}"),
        (_, Subject::Alert(_)) => "/control/alerts".to_owned(),
        (_, Subject::Events) => "/api/audit".to_owned(),
        (_, Subject::Record(_) | Subject::Nothing) => return None,
    };
    Some(format!("{gateway}{path}"))
}

/// Asks for the name of a file for the rows that are shown.
pub fn write(ui: &mut Ui) {
    let at = crate::clock::full(ui.now_ms, (ui.setup.zone_offset)(ui.now_ms));
    let at: String = at.chars().filter(char::is_ascii_digit).collect();
    let name = format!("{}-{at}.ndjson", ui.focus().title().to_lowercase());
    ui.prompt = Some(Prompt::new(Kind::Write, &name));
}

/// What a file of what is shown holds: the records of a log, or a row of a table in each line.
pub fn shown(ui: &Ui) -> String {
    if ui.focus().is_table() { rows(ui) } else { log_text(ui) }
}

/// The rows that the filter lets through, in their order.
fn rows(ui: &Ui) -> String {
    let pane = ui.focus();
    let keys = ui.table(pane).shown.iter().filter_map(|at| crate::rows::key(&ui.fleet, pane, *at));
    let rows = keys.filter_map(|key| {
        let subject = match pane {
            Pane::Agents => Subject::Agent(key.to_owned()),
            Pane::Triggers => Subject::Trigger(key.to_owned()),
            Pane::Alerts => Subject::Alert(key.to_owned()),
            _ => Subject::Run(key.to_owned()),
        };
        let json: serde_json::Value = serde_json::from_str(&inspect::json(ui, &subject)?).ok()?;
        Some(format!("{json}\n"))
    });
    rows.collect()
}

/// The text of what is open, for the pager.
pub fn page(ui: &Ui) -> String {
    if let Some(Popup::Inspect { subject, .. }) = &ui.popup {
        return inspect::page(ui, subject);
    }
    match subject(ui) {
        _ if ui.focus() == Pane::Logs => log_text(ui),
        subject => inspect::page(ui, &subject),
    }
}

/// The records held that are shown, a line each.
pub fn log_text(ui: &Ui) -> String {
    let buffer = &ui.log.buffer;
    let held = (buffer.start()..buffer.end()).filter_map(|number| buffer.held(number));
    let merged = matches!(buffer.source, Some(LogSource::Merged(_)));
    let lines = held.filter(|held| held.shown).map(|held| {
        let record = &held.record;
        let at = crate::clock::full(record.at_ms, (ui.setup.zone_offset)(record.at_ms));
        let writer = record.run.as_ref().unwrap_or(&record.name);
        let writer = if merged { format!("{} ", text::line(writer)) } else { String::new() };
        format!("{at} {} {writer}{}\n", line::level(record.level).0, story::plain(record))
    });
    lines.collect()
}

/// As much of a text as terminals take into the clipboard: xterm and those after it let through
/// 100,000 bytes of base64, which are 74,994 of text.
const CLIPBOARD: usize = 74_994;

/// The text as it is copied, and what to say about it.
fn clipped(mut text: String) -> (String, String) {
    let shown: String = text.lines().next().unwrap_or_default().chars().take(60).collect();
    let whole = text.len();
    if whole <= CLIPBOARD {
        return (text, format!("copied: {shown}"));
    }
    text.truncate(text.floor_char_boundary(CLIPBOARD));
    let said = format!("copied the first 74,994 of {whole} bytes, all that a terminal takes");
    (text, said)
}
