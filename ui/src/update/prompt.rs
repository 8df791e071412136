//! Keys in the prompt.

use super::{ask, chooser, copy, go, logs, travel};
use crate::command::{self, Completion, Line};
use crate::dialog::Dialog;
use crate::input::Out;
use crate::key::Chord;
use crate::logs::Filter as LogFilter;
use crate::pane::Pane;
use crate::prompt::{Cycle, Kind, Prompt};
use crate::settings;
use crate::state::{Place, Ui};
use crate::theme::Theme;
use al_wire::{Command, Leave, Query, Scope};
use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::Input as TextInput;
use tui_input::backend::crossterm::EventHandler;

/// Command lines that are remembered.
const SAID: usize = 100;

pub fn key(ui: &mut Ui, event: KeyEvent, out: &mut Vec<Out>) {
    let Some(prompt) = &mut ui.prompt else { return };
    let chord = Chord::of(&event);
    let at_end = prompt.text.cursor() == prompt.text.value().chars().count();
    match chord.code {
        KeyCode::Esc => cancel(ui),
        KeyCode::Char('c') if chord.ctrl => cancel(ui),
        // Deleting what is not there ends the prompt, with nothing in it.
        KeyCode::Backspace if prompt.text.value().is_empty() => cancel(ui),
        KeyCode::Enter => enter(ui, out),
        KeyCode::Tab => complete(ui, true),
        KeyCode::BackTab => complete(ui, false),
        KeyCode::Right if at_end && prompt.kind != Kind::Search => accept_ghost(ui),
        KeyCode::Up | KeyCode::Down if matches!(prompt.kind, Kind::Filter { .. }) => {
            let by = if chord.code == KeyCode::Up { -1 } else { 1 };
            let pane = ui.focus();
            ui.table_mut(pane).step(by);
        }
        KeyCode::Up if prompt.kind == Kind::Command => recall(ui, true),
        KeyCode::Down if prompt.kind == Kind::Command => recall(ui, false),
        _ => {
            let event = alt_word_keys(event);
            prompt.text.handle_event(&Event::Key(event));
            prompt.error = None;
            prompt.cycle = None;
            typed(ui);
        }
    }
}

/// Alt-b and Alt-f, which the editing library knows under the name Meta only.
fn alt_word_keys(event: KeyEvent) -> KeyEvent {
    use crossterm::event::KeyModifiers as M;
    match event.code {
        KeyCode::Char('b') if event.modifiers == M::ALT => KeyEvent::new(KeyCode::Left, M::CONTROL),
        KeyCode::Char('f') if event.modifiers == M::ALT => {
            KeyEvent::new(KeyCode::Right, M::CONTROL)
        }
        _ => event,
    }
}

/// The text changed: what follows it while it is typed.
pub fn typed(ui: &mut Ui) {
    let Some(prompt) = &ui.prompt else { return };
    let text = prompt.text.value().to_owned();
    match prompt.kind.clone() {
        // While it makes no sense yet, the rows stay as they are.
        Kind::Filter { pane, .. } => match Query::parse(pane.view(), &text) {
            Ok(filter) => ui.table_mut(pane).filter = filter,
            Err(error) => complain(ui, error.to_string()),
        },
        Kind::Search => ui.log.look_for(&text),
        Kind::LogFilter { before, at } => {
            (ui.log.cursor, ui.log.top) = at;
            // What is typed is tried on what is held; nothing typed is what was.
            let typed = LogFilter::parse(&text);
            ui.log.filter = if typed.on { typed } else { before };
            ui.log.sift();
        }
        Kind::Command | Kind::Time | Kind::Write => {}
    }
}

fn complain(ui: &mut Ui, error: String) {
    if let Some(prompt) = &mut ui.prompt {
        prompt.error = Some(error);
    }
}

fn cancel(ui: &mut Ui) {
    match ui.prompt.take().map(|prompt| prompt.kind) {
        Some(Kind::Filter { pane, before }) => ui.table_mut(pane).filter = before,
        Some(Kind::Search) => {
            ui.log.needle = None;
            ui.log.sift();
        }
        Some(Kind::LogFilter { before, at }) => {
            (ui.log.cursor, ui.log.top) = at;
            ui.log.filter = before;
            ui.log.sift();
        }
        Some(Kind::Command | Kind::Time | Kind::Write) | None => {}
    }
}

fn enter(ui: &mut Ui, out: &mut Vec<Out>) {
    let Some(prompt) = ui.prompt.take() else { return };
    let text = prompt.text.value().trim().to_owned();
    match prompt.kind {
        Kind::Filter { pane, .. } => {
            if let Err(error) = Query::parse(pane.view(), &text) {
                ui.prompt = Some(Prompt { error: Some(error.to_string()), ..prompt });
            }
        }
        Kind::Search => {
            if !text.is_empty() && ui.log.hits().is_empty() {
                match ui.log.buffer.is_whole() {
                    true => ui.complain(format!("`{text}` is not in this log")),
                    false => ui.say(format!(
                        "`{text}` is not among the records here; N looks further up, n down"
                    )),
                }
            }
        }
        Kind::LogFilter { before, .. } => match LogFilter::parse(&text) {
            typed if typed.on => logs::set_filter(ui, typed, out),
            _ => logs::toggle_filter(ui, before, out),
        },
        Kind::Time if text.is_empty() => {}
        Kind::Time => {
            if let Err(error) = logs::go_to_time(ui, &text, out) {
                ui.prompt = Some(Prompt { error: Some(error), ..prompt });
            }
        }
        Kind::Write if text.is_empty() => {}
        Kind::Write => out.push(Out::Write { file: text, text: copy::shown(ui) }),
        Kind::Command if text.is_empty() => {}
        Kind::Command => {
            let line = command::parse(&text, &ui.fleet, ui.now_ms, ui.setup.read_only);
            match line.and_then(|line| obey(ui, line, out)) {
                Ok(()) => {
                    ui.said.retain(|said| *said != text);
                    ui.said.push(text);
                    if ui.said.len() > SAID {
                        ui.said.remove(0);
                    }
                }
                Err(error) => ui.prompt = Some(Prompt { error: Some(error), ..prompt }),
            }
        }
    }
}

fn obey(ui: &mut Ui, line: Line, out: &mut Vec<Out>) -> Result<(), String> {
    match line {
        Line::View { pane, scope, filter } => {
            let focus = Place { focus: pane, scope, pin: None };
            go::drill(ui, focus);
            ui.table_mut(pane).filter = filter;
        }
        Line::Logs(None) => go::focus(ui, Pane::Logs),
        Line::Logs(Some(source)) => go::open_log(ui, source),
        Line::Ask(_) if ui.setup.read_only => {
            return Err("read-only: this console changes nothing".to_owned());
        }
        Line::Ask(Command::Resume { scope, .. }) => {
            let held = match &scope {
                Scope::Project => ui.fleet.queued(),
                Scope::Agent(name) => ui.fleet.agent(name).map_or(0, |agent| agent.queued),
            };
            super::action::resume(ui, scope, held, out);
        }
        Line::Ask(command) => ask(ui, command, None, out),
        Line::Theme(name) => chooser::keep(ui, &name)?,
        Line::Set(name, value) => {
            settings::options::put(ui, name, value, out);
            ui.say(format!("{name} {value}"));
        }
        Line::Picture(pane, lane) => super::pictures::open(ui, pane, lane),
        Line::Settings => chooser::settings(ui),
        Line::Themes => chooser::themes(ui),
        Line::Bookmarks => logs::bookmarks(ui),
        Line::Events => go::events(ui, out),
        Line::Help(search) => super::action::help(ui, false, &search),
        Line::Keys => super::action::help(ui, true, ""),
        Line::Quit => go::leave(ui, out),
        Line::Leave(leave) => depart(ui, leave, out)?,
        Line::Steer(steer) => travel::steer(ui, steer, out)?,
        Line::Panic if ui.setup.debug => out.push(Out::Panic),
        Line::Panic => return Err("only a console of `al dev` breaks down on demand".to_owned()),
        Line::Environments => travel::environments(ui),
        Line::Record(file) => travel::record(ui, file, out)?,
    }
    Ok(())
}

/// Leaves as it is said. What ends runs or the process stays a question.
fn depart(ui: &mut Ui, leave: Leave, out: &mut Vec<Out>) -> Result<(), String> {
    let elsewhere = ui.setup.remote || ui.setup.read_only;
    match leave {
        Leave::Detach => go::depart(leave, out),
        Leave::Drain | Leave::StopNow if elsewhere => {
            return Err("the scheduler is elsewhere: `al stop` ends it, :detach leaves".to_owned());
        }
        Leave::Drain | Leave::StopNow => {
            let (running, queued) = (ui.fleet.running(), ui.fleet.queued());
            ui.dialog = Some(Dialog::end(leave, running, queued, ui.beat_ms));
        }
    }
    Ok(())
}

fn completion(ui: &Ui) -> Option<Completion> {
    let prompt = ui.prompt.as_ref()?;
    let line = prompt.text.value();
    match &prompt.kind {
        Kind::Command => {
            let themes = Theme::names(&ui.settings.files);
            let known = command::Known { themes: &themes, environments: &ui.setup.environments };
            Some(command::complete(line, &ui.fleet, &known, ui.setup.read_only))
        }
        Kind::Filter { pane, .. } => Some(command::complete_filter(line, *pane, &ui.fleet)),
        Kind::Search | Kind::LogFilter { .. } | Kind::Time | Kind::Write => None,
    }
}

/// As far as all candidates agree, then from one to the next.
fn complete(ui: &mut Ui, forward: bool) {
    let found = completion(ui);
    let Some(prompt) = &mut ui.prompt else { return };
    let line = prompt.text.value().to_owned();
    let next = match (prompt.cycle.take(), found) {
        (Some(cycle), _) => {
            let n = cycle.candidates.len().max(1);
            let step = if forward { 1 } else { n - 1 };
            Some(Cycle { at: (cycle.at + step) % n, ..cycle })
        }
        (None, Some(found)) => match found.apply(&line) {
            Some(longer) if longer != line => {
                prompt.text = TextInput::new(longer);
                None
            }
            Some(_) => Some(Cycle {
                head: line.get(..found.start).unwrap_or_default().to_owned(),
                at: if forward { 0 } else { found.candidates.len().saturating_sub(1) },
                candidates: found.candidates,
            }),
            None => None,
        },
        (None, None) => None,
    };
    if let Some(cycle) = next {
        let word = cycle.candidates.get(cycle.at).map_or("", String::as_str);
        prompt.text = TextInput::new(format!("{}{word}", cycle.head));
        prompt.cycle = Some(cycle);
    }
    prompt.error = None;
    typed(ui);
}

fn accept_ghost(ui: &mut Ui) {
    let Some(completion) = completion(ui) else { return };
    if let Some(prompt) = &mut ui.prompt
        && let Some(rest) = completion.ghost(prompt.text.value())
    {
        prompt.text = TextInput::new(format!("{}{rest}", prompt.text.value()));
        prompt.error = None;
        prompt.cycle = None;
        typed(ui);
    }
}

/// Walks through what was said before.
fn recall(ui: &mut Ui, older: bool) {
    let Some(prompt) = &mut ui.prompt else { return };
    let at = match (prompt.recalled, older) {
        (None, true) => ui.said.len().checked_sub(1),
        (Some(at), true) => Some(at.saturating_sub(1)),
        (Some(at), false) => Some(at + 1).filter(|at| *at < ui.said.len()),
        (None, false) => return,
    };
    let text = at.and_then(|at| ui.said.get(at)).cloned().unwrap_or_default();
    prompt.text = TextInput::new(text);
    prompt.recalled = at;
    prompt.error = None;
    prompt.cycle = None;
}
