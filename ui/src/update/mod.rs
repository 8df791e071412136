//! One input, one step: what it changes in the console and what it wants done outside. No clock,
//! no terminal, no channel.

mod action;
mod attention;
mod chooser;
mod copy;
mod dialog;
mod down;
mod form;
mod go;
pub(crate) mod logs;
mod many;
mod mouse;
mod pictures;
mod popup;
mod prompt;
pub mod table;
mod travel;

pub use pictures::{columns as timeline_columns, due_ms as pictures_due_ms, lanes, pictured};

use crate::dialog::Dialog;
use crate::input::{Exit, Input, Out};
use crate::key::Chord;
use crate::keymap::Meaning;
use crate::layout;
use crate::pane::Pane;
use crate::prompt::Kind;
use crate::rows;
use crate::settings;
use crate::state::{Chain, Popup, Subject, Ui};
use al_wire::{Command, Down, PageOf, Scope, Up};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};

pub use action::meant;

/// Time that the cursor has to rest before its log is asked for.
const REST_MS: i64 = 80;

/// Takes one input at `at_ms`.
pub fn update(ui: &mut Ui, at_ms: i64, input: Input) -> Vec<Out> {
    ui.beat_ms = ui.beat_ms.max(at_ms);
    ui.now_ms = ui.way.time_at(ui.beat_ms);
    let mut out = Vec::new();
    let log_only = matches!(input, Input::Down(Down::Log(_)));
    match input {
        Input::Key(event) if event.kind == KeyEventKind::Press => key(ui, event, &mut out),
        Input::Key(_) | Input::Tick => {}
        Input::Mouse(event) => mouse::mouse(ui, event, &mut out),
        Input::Paste(text) => paste(ui, &text),
        Input::Resize(width, height) => ui.size = (width, height),
        Input::Down(message) => down::down(ui, message, &mut out),
        Input::HostGone => {
            out.push(Out::Exit(Exit::Host("the connection to the scheduler ended".to_owned())));
        }
        Input::Files(files) => settings::take(ui, *files, &mut out),
        Input::Background(appearance) => settings::background(ui, appearance),
        Input::Wrote(Ok(said)) => ui.say(said),
        Input::Wrote(Err(why)) => ui.complain(why),
        Input::Stop => out.push(Out::Exit(Exit::Signal)),
        Input::Resumed { away_ms } => {
            out.push(Out::Redraw);
            if !ui.setup.remote && away_ms > 1_000 {
                let away = crate::clock::took(away_ms);
                ui.say(format!("the scheduler stood still with the console for {away}"));
            }
        }
    }
    if !log_only {
        settle_tables(ui);
    }
    settle(ui, &mut out);
    out
}

fn key(ui: &mut Ui, event: KeyEvent, out: &mut Vec<Out>) {
    ui.flash = None;
    ui.log.hope();
    ui.fleet.hope();
    if ui.dialog.is_some() {
        dialog::key(ui, event, out);
    } else if ui.prompt.is_some() {
        prompt::key(ui, event, out);
    } else if ui.form.is_some() {
        form::key(ui, event, out);
    } else if ui.menu.is_some() {
        table::key(ui, event);
    } else if ui.popup.is_some() {
        popup::key(ui, event, out);
    } else {
        pane_key(ui, event, out);
    }
}

fn pane_key(ui: &mut Ui, event: KeyEvent, out: &mut Vec<Out>) {
    let chord = Chord::of(&event);
    if chord.code == KeyCode::Esc && !ui.typed.is_empty() {
        ui.typed.clear();
        return;
    }
    ui.typed.push(chord);
    match ui.meaning() {
        Meaning::Prefix => {}
        Meaning::Does(action) => {
            ui.typed.clear();
            action::act(ui, action, out);
        }
        Meaning::ReadOnly => {
            ui.typed.clear();
            ui.complain("read-only: this console changes nothing");
        }
        Meaning::Nothing => ui.typed.clear(),
    }
}

/// Text that is pasted is never taken for keys.
fn paste(ui: &mut Ui, text: &str) {
    let text: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(10_000).collect();
    let dialog = ui.dialog.as_mut().filter(|dialog| dialog.typing);
    if let Some(input) = dialog.and_then(|dialog| dialog.text.as_mut()) {
        insert(input, &text);
    } else if let Some(input) = ui.form.as_mut().and_then(form::focused) {
        insert(input, &text);
    } else if let Some(prompt) = &mut ui.prompt {
        insert(&mut prompt.text, &text);
        prompt.error = None;
        prompt::typed(ui);
    }
}

fn insert(input: &mut tui_input::Input, text: &str) {
    for c in text.chars() {
        input.handle(tui_input::InputRequest::InsertChar(c));
    }
}

/// Asks for something that its operator has agreed to: a small question about it is not asked again.
fn ask_agreed(ui: &mut Ui, command: Command, out: &mut Vec<Out>) {
    let before = ui.last_id;
    ask(ui, command, None, out);
    if ui.last_id != before {
        ui.agreed.insert(ui.last_id);
    }
}

/// Asks the scheduler for something.
fn ask(ui: &mut Ui, command: Command, token: Option<String>, out: &mut Vec<Out>) {
    if ui.fleet.host.is_none() {
        ui.complain("the scheduler is still starting");
        return;
    }
    if ui.setup.read_only {
        ui.complain("read-only: this console changes nothing");
        return;
    }
    if ui.way.lost() {
        ui.complain("the connection is lost: nothing was asked");
        return;
    }
    if let (Some(word), None) = (ui.settings.protected(), &token)
        && done_at_once(&command)
    {
        let word = word.to_owned();
        if ui.dialog.as_mut().is_some_and(|dialog| dialog.join(&command)) {
            return;
        }
        ui.dialog = Some(Dialog::protect(down::question(&command), word, command, ui.beat_ms));
        return;
    }
    submit(ui, command, token, out);
}

/// True for what the scheduler may do without a question of its own.
fn done_at_once(command: &Command) -> bool {
    let whole = matches!(command, Command::Pause { scope: Scope::Project, .. });
    let asks = matches!(
        command,
        Command::Kill { .. }
            | Command::Rerun { .. }
            | Command::Replay { .. }
            | Command::Drop { .. }
    );
    !whole && !asks
}

/// Sends a command that nothing stands against.
fn submit(ui: &mut Ui, command: Command, token: Option<String>, out: &mut Vec<Out>) {
    ui.last_id += 1;
    ui.asked.insert(ui.last_id, command.clone());
    out.push(Out::Send(Up::Submit { id: ui.last_id, seen: ui.fleet.seq, command, token }));
}

/// Makes what is selected and in view in the tables agree with what there is.
fn settle_tables(ui: &mut Ui) {
    ui.fleet.take_stock(ui.now_ms);
    let screen = ui.screen();
    for pane in Pane::TABLES {
        let rows = screen.rect(pane).map_or(1, |rect| layout::table_rows(rect).height);
        let scope = ui.scope(pane).map(str::to_owned);
        let mut table = std::mem::take(ui.table_mut(pane));
        let filter = table.filter.to_string();
        match pane {
            Pane::Runs => ui.fleet.past_runs.turn_to(scope.as_deref(), &filter),
            Pane::Triggers => ui.fleet.past_triggers.turn_to(None, &filter),
            _ => {}
        }
        if ui.table != pane {
            table.let_go();
        }
        let sort = crate::view::sorted(&table, pane);
        let shown = rows::shown(&ui.fleet, pane, &table.filter, sort, scope.as_deref(), ui.now_ms);
        table.settle(shown, |index| rows::key(&ui.fleet, pane, index), usize::from(rows));
        // While a filter is typed, what it hides for a moment stays marked.
        if !matches!(&ui.prompt, Some(prompt) if prompt.kind != Kind::Command) {
            let shown = table.shown.iter().filter_map(|index| rows::key(&ui.fleet, pane, *index));
            table.choice.keep_shown(shown);
        }
        *ui.table_mut(pane) = table;
    }
}

/// Makes what is in view and asked for agree with what there is.
fn settle(ui: &mut Ui, out: &mut Vec<Out>) {
    if ui.flash.as_ref().is_some_and(|flash| flash.until_ms <= ui.beat_ms) {
        ui.flash = None;
    }
    if let Some(rect) = ui.screen().rect(Pane::Logs) {
        let inside = layout::inside(rect);
        let settled = ui.log.settled(usize::from(inside.height), &ui.look(inside.width));
        (ui.log.cursor, ui.log.top) = settled;
    }
    turn_log(ui, out);
    logs::ask_pages(ui, out);
    ask_page(ui, out);
    ask_why(ui, out);
    pictures::settle(ui, out);
}

/// Older rows are asked for when somebody comes near the end of those that are there.
fn ask_page(ui: &mut Ui, out: &mut Vec<Out>) {
    let of = match ui.focus() {
        Pane::Runs => PageOf::Runs,
        Pane::Triggers => PageOf::Triggers,
        _ => return,
    };
    // A filter that is still being typed is not asked for letter by letter.
    let typing = matches!(&ui.prompt, Some(prompt) if prompt.kind != Kind::Command);
    if ui.fleet.host.is_none() || ui.behind.is_some() || ui.way.lost() || typing {
        return;
    }
    let rows = ui.screen().rect(ui.focus()).map_or(1, |rect| layout::table_rows(rect).height);
    let table = ui.table(ui.focus());
    if table.top + 3 * usize::from(rows) >= table.shown.len()
        && let Some(query) = ui.fleet.ask_older(of)
    {
        out.push(Out::Send(Up::Page(query)));
    }
}

/// What is inspected tells how it came to be so, and anew when something happens to it.
fn ask_why(ui: &mut Ui, out: &mut Vec<Out>) {
    let Some(Popup::Inspect { subject: Subject::Run(id) | Subject::Trigger(id), .. }) = &ui.popup
    else {
        ui.chain = None;
        return;
    };
    let known = ui.chain.take().filter(|chain| chain.id == *id);
    let stale = known.as_ref().is_none_or(|chain| chain.stale);
    let (steps, delivery) = known.map(|chain| (chain.steps, chain.delivery)).unwrap_or_default();
    if stale && ui.behind.is_none() {
        out.push(Out::Send(Up::Why { id: id.clone() }));
    }
    let stale = stale && ui.behind.is_some();
    ui.chain = Some(Chain { id: id.clone(), steps, delivery, stale });
}

/// The log pane shows what the cursor rests on, or what it is pinned to.
fn turn_log(ui: &mut Ui, out: &mut Vec<Out>) {
    if ui.fleet.host.is_none() || ui.behind.is_some() {
        return;
    }
    let wanted = ui.place.pin.clone().unwrap_or_else(|| ui.log_of(&ui.selected(ui.table)));
    if ui.log.buffer.source.as_ref() == Some(&wanted) {
        ui.wish = None;
        return;
    }
    let rests_from = match &ui.wish {
        Some((wish, due_ms)) if *wish == wanted => *due_ms,
        // What was asked for by name, and the first log of all, are not waited for.
        _ if ui.log.buffer.source.is_none() || ui.place.pin.is_some() => ui.beat_ms,
        _ => ui.beat_ms + REST_MS,
    };
    if rests_from > ui.beat_ms {
        ui.wish = Some((wanted, rests_from));
        return;
    }
    ui.wish = None;
    logs::tail(ui, wanted, out);
}

#[cfg(test)]
mod tests;
