//! The last line: keys that help now, or a flash, or the prompt with what could follow.

use super::paint::{clear, put};
use crate::action::{Action, Entry};
use crate::chooser::{Chooser, Of};
use crate::command::{Completion, Known, VERBS, complete, complete_filter, parse};
use crate::layout::Screen;
use crate::offer::applies;
use crate::prompt::{Kind, Prompt};
use crate::state::{Popup, Subject, Ui};
use crate::text;
use crate::theme::{Role, Theme};
use al_wire::AgentState;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use unicode_width::UnicodeWidthStr;

/// Draws the last line and, while something is typed, the line above it.
pub fn line(ui: &Ui, screen: &Screen, buf: &mut Buffer) -> Option<Position> {
    if let Some(prompt) = &ui.prompt {
        let above = Rect { y: screen.hint.y.saturating_sub(1), ..screen.hint };
        clear(buf, above);
        below_prompt(ui, prompt, screen.hint, buf);
        return typed(ui, prompt, above, buf);
    }
    if let Some(flash) = &ui.flash {
        let role = if flash.error { Role::FlashError } else { Role::Flash };
        let mark = if flash.error { "! " } else { "" };
        let text = text::cut_end(
            &format!("{mark}{}", flash.text),
            usize::from(screen.hint.width),
            &ui.theme.glyphs.ellipsis,
        );
        put(buf, screen.hint, screen.hint.x, screen.hint.y, &text, ui.theme.style(role));
        return None;
    }
    hints(ui, screen.hint, buf, &wanted(ui));
    None
}

/// The last line of a screen that is too small for panes.
pub fn small(ui: &Ui, line: Rect, buf: &mut Buffer) -> Option<Position> {
    if let Some(prompt) = &ui.prompt {
        clear(buf, line);
        return typed(ui, prompt, line, buf);
    }
    match &ui.flash {
        Some(flash) => {
            put(buf, line, line.x, line.y, &flash.text, ui.theme.style(Role::Flash));
        }
        None => {
            let leave = ui.settings.keymap.remark("", Action::Quit, "leave");
            put(buf, line, line.x, line.y, &leave, ui.theme.style(Role::Hint));
        }
    }
    None
}

fn typed(ui: &Ui, prompt: &Prompt, line: Rect, buf: &mut Buffer) -> Option<Position> {
    let room = usize::from(line.width.saturating_sub(2));
    let skip = prompt.text.visual_scroll(room);
    let mut column = 0;
    let shown: String = prompt
        .text
        .value()
        .chars()
        .skip_while(|c| {
            let here = column;
            column += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
            here < skip
        })
        .collect();
    let start = put(buf, line, line.x, line.y, prompt.mark(), ui.theme.style(Role::HintKey));
    let end = put(buf, line, start, line.y, &shown, ui.theme.style(Role::Text));
    if prompt.cycle.is_none()
        && let Some(ghost) = completion(ui, prompt).ghost(prompt.text.value())
    {
        put(buf, line, end, line.y, &ghost, ui.theme.style(Role::Ghost));
    }
    let cursor =
        u16::try_from(prompt.text.visual_cursor().saturating_sub(skip)).unwrap_or(u16::MAX);
    let x = start.saturating_add(cursor).min(line.right().saturating_sub(1));
    Some(Position::new(x, line.y))
}

fn completion(ui: &Ui, prompt: &Prompt) -> Completion {
    let line = prompt.text.value();
    match &prompt.kind {
        Kind::Command => {
            let themes = Theme::names(&ui.settings.files);
            let known = Known { themes: &themes, environments: &ui.setup.environments };
            complete(line, &ui.fleet, &known, ui.setup.read_only)
        }
        Kind::Filter { pane, .. } => complete_filter(line, *pane, &ui.fleet),
        Kind::Search | Kind::LogFilter { .. } | Kind::Time | Kind::Write => Completion::default(),
    }
}

fn below_prompt(ui: &Ui, prompt: &Prompt, line: Rect, buf: &mut Buffer) {
    let muted = ui.theme.style(Role::Hint);
    if let Some(error) = &prompt.error {
        let error = format!("! {}", text::line(error));
        put(buf, line, line.x, line.y, &error, ui.theme.style(Role::FlashError));
        return;
    }
    let value = prompt.text.value();
    let completion = completion(ui, prompt);
    let (candidates, at) = match &prompt.cycle {
        Some(cycle) => (&cycle.candidates, Some(cycle.at)),
        None => (&completion.candidates, None),
    };
    if prompt.kind != Kind::Command && candidates.is_empty() {
        let says = match prompt.kind {
            Kind::Command | Kind::Filter { .. } | Kind::Search => "Enter keeps it, Esc drops it",
            Kind::LogFilter { .. } => {
                "word: only what says it; !word: what does not; nothing: off and on; Esc drops it"
            }
            Kind::Time => "14:03, 14:03:22, -5m, 2026-11-27T14:03; Z at the end: UTC",
            Kind::Write => "Enter writes what is shown to this new file, Esc does not",
        };
        put(buf, line, line.x, line.y, says, muted);
        return;
    }
    let verb = value.split_whitespace().next().unwrap_or_default();
    let usage = VERBS.iter().find(|(known, _)| *known == verb && value.contains(' '));
    let mut x = line.x;
    if let Some((verb, words)) = usage.filter(|_| prompt.kind == Kind::Command && at.is_none()) {
        x = put(buf, line, x, line.y, &format!("{verb} {words}   "), muted);
    }
    if candidates.is_empty()
        && !value.trim().is_empty()
        && let Err(error) = parse(value, &ui.fleet, ui.now_ms, ui.setup.read_only)
    {
        put(buf, line, x, line.y, &text::line(&error), ui.theme.style(Role::FlashError));
        return;
    }
    // What Tab has come to stays in view.
    let room = usize::from(line.right().saturating_sub(x));
    let mut first = 0;
    while at.is_some_and(|at| {
        let upto = candidates.get(first..=at).unwrap_or_default();
        first < at && upto.iter().map(|word| word.width() + 2).sum::<usize>() > room
    }) {
        first += 1;
    }
    for (n, candidate) in candidates.iter().enumerate().skip(first) {
        let width = u16::try_from(candidate.width()).unwrap_or(u16::MAX);
        if x.saturating_add(width) > line.right() {
            break;
        }
        let role = if at == Some(n) { Role::Selection } else { Role::HintKey };
        x = put(buf, line, x, line.y, candidate, ui.theme.style(role)).saturating_add(2);
    }
}

fn hints(ui: &Ui, line: Rect, buf: &mut Buffer, wanted: &[(String, String)]) {
    let mut x = line.x;
    let last = wanted.last().map_or(0, |(key, word)| key.width() + word.width() + 1);
    for (i, (key, word)) in wanted.iter().enumerate() {
        let width = key.width() + word.width() + 1;
        // The last one, how to get out, is kept room for.
        let reserve = if i + 1 == wanted.len() { 0 } else { last + 2 };
        if usize::from(x) + width + reserve > usize::from(line.right()) {
            continue;
        }
        x = put(buf, line, x, line.y, key, ui.theme.style(Role::HintKey));
        x = put(buf, line, x.saturating_add(1), line.y, word, ui.theme.style(Role::Hint))
            .saturating_add(2);
    }
}

/// Keys and words for the present state, the most useful first and the way out last.
fn wanted(ui: &Ui) -> Vec<(String, String)> {
    let pair = |key: &str, word: &str| (key.to_owned(), word.to_owned());
    if let Some(dialog) = &ui.dialog {
        let accept = if dialog.small { vec![pair("y", "accept")] } else { Vec::new() };
        let moves = [pair("Tab", "next button"), pair("Enter", "press"), pair("Esc", "cancel")];
        let twin = dialog.cli.as_ref().filter(|_| !dialog.typing).map(|_| pair("c", "copy shell"));
        return accept.into_iter().chain(moves).chain(twin).collect();
    }
    if ui.form.is_some() {
        return vec![pair("Tab", "next field"), pair("Enter", "start"), pair("Esc", "cancel")];
    }
    if ui.menu.is_some() {
        return vec![pair("j k", "move"), pair("Esc", "close")];
    }
    match &ui.popup {
        Some(Popup::Help { typing: true, .. }) => {
            return vec![pair("Enter", "keep"), pair("Esc", "clear")];
        }
        Some(Popup::Help { .. }) => {
            return vec![pair("/", "search"), moves(ui, "scroll"), closes(ui)];
        }
        Some(Popup::Inspect { .. }) => {
            let pager = ui.settings.keymap.key(Action::Pager).map(|key| (key, "pager".to_owned()));
            let scroll = [moves(ui, "scroll")].into_iter();
            return scroll.chain(pager).chain([closes(ui)]).collect();
        }
        Some(Popup::Choose(Chooser { typing: true, .. })) => {
            return vec![pair("Enter", "choose"), pair("Esc", "clear")];
        }
        Some(Popup::Choose(Chooser { of: Of::Settings, .. })) => {
            return vec![pair("j k", "move"), pair("Enter", "next value"), pair("Esc", "close")];
        }
        Some(Popup::Choose(Chooser { of, .. })) => {
            let esc = if matches!(of, Of::Themes { .. }) { "as before" } else { "close" };
            let search = [pair("j k", "move"), pair("/", "search")];
            return search.into_iter().chain([pair("Enter", "choose"), pair("Esc", esc)]).collect();
        }
        Some(Popup::Bookmarks { .. }) => {
            let (go, take) = (pair("Enter", "go there"), pair("D", "take away"));
            return vec![go, moves(ui, "move"), take, closes(ui)];
        }
        None => {}
    }
    if !ui.typed.is_empty() {
        let next = ui.settings.keymap.continuations(&ui.typed, ui.focus(), ui.setup.read_only);
        let short = |title: &'static str| {
            title.strip_prefix("go to ").or(title.strip_prefix("copy ")).unwrap_or(title).to_owned()
        };
        let mut next: Vec<_> = next.into_iter().map(|(key, title)| (key, short(title))).collect();
        next.push(pair("Esc", "cancel"));
        return next;
    }
    if let Some((agent, to)) = &ui.staged {
        return vec![
            (format!("scale {}", text::line(agent)), format!("to {to}:")),
            pair("Enter", "applies"),
            pair("Esc", "drops it"),
        ];
    }
    let offered = || ui.settings.keymap.offered(ui.focus(), ui.setup.read_only);
    let last = offered().filter(|row| row.entry.action == Action::Quit);
    offered()
        .filter(|row| row.entry.action != Action::Quit)
        .chain(last)
        .filter(|row| !row.entry.hint.is_empty() && applies(ui, row.entry.action))
        .filter_map(|row| Some((row.bindings.first()?.shown(), word(ui, row.entry).to_owned())))
        .collect()
}

/// The keys that move in what stands in front of the panes.
fn moves(ui: &Ui, word: &str) -> (String, String) {
    let key = |action, otherwise: &str| {
        ui.settings.keymap.key(action).unwrap_or_else(|| otherwise.to_owned())
    };
    (format!("{} {}", key(Action::Down, "Down"), key(Action::Up, "Up")), word.to_owned())
}

/// The key that closes it.
fn closes(ui: &Ui) -> (String, String) {
    let keys = [Action::Leave, Action::Quit, Action::Cancel];
    let key = keys.into_iter().find_map(|action| ui.settings.keymap.key(action));
    (key.unwrap_or_else(|| "Esc".to_owned()), "close".to_owned())
}

fn word(ui: &Ui, entry: &Entry) -> &'static str {
    let paused = || {
        let agent = ui.agent().and_then(|name| ui.fleet.agent(&name));
        agent.is_some_and(|agent| agent.state == AgentState::Paused || agent.paused.is_some())
    };
    let webhook = || match ui.selected(ui.focus()) {
        Subject::Trigger(id) => ui.fleet.trigger(&id).is_some_and(|trigger| trigger.webhook),
        _ => false,
    };
    match entry.action {
        Action::Pause if paused() => "resume",
        Action::Rerun if webhook() => "replay",
        Action::Quit if ui.trail.is_empty() => "leave",
        _ => entry.hint,
    }
}
