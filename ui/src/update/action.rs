//! What each action does.

use super::{ask, attention, chooser, copy, go, logs, many, pictures, table};
use crate::action::Action;
use crate::dialog::Dialog;
use crate::form::Form;
use crate::input::Out;
use crate::layout;
use crate::pane::Pane;
use crate::prompt::{Kind, Prompt};
use crate::rows;
use crate::state::{Popup, Subject, Ui};
use al_wire::{AgentState, Command, RunRow, RunState, Scope, Target};

pub fn act(ui: &mut Ui, action: Action, out: &mut Vec<Out>) {
    use Action as A;
    if ui.focus().is_picture() && pictures::act(ui, action) || many::act(ui, action, out) {
        return;
    }
    match action {
        A::Help => help(ui, false, ""),
        A::Menu => chooser::actions(ui),
        A::Command => ui.prompt = Some(Prompt::new(Kind::Command, "")),
        A::Go(pane) => go::focus(ui, pane),
        A::NextPane => go::focus(ui, ui.focus().step(1)),
        A::PreviousPane => go::focus(ui, ui.focus().step(Pane::ALL.len() - 1)),
        A::Down => step(ui, 1),
        A::Up => step(ui, -1),
        A::HalfDown => scroll(ui, ui.focus(), page(ui) / 2),
        A::HalfUp => scroll(ui, ui.focus(), -page(ui) / 2),
        A::PageDown => scroll(ui, ui.focus(), page(ui)),
        A::PageUp => scroll(ui, ui.focus(), -page(ui)),
        A::Top => top(ui, out),
        A::Bottom => bottom(ui, out),
        A::Open => match ui.staged.take() {
            Some((agent, scale)) => ask(ui, Command::Scale { agent, scale }, None, out),
            None if ui.focus() == Pane::Logs && logs::load_gap(ui, out) => {}
            None => go::open(ui),
        },
        A::Leave => {
            go::leave_layer(ui, out);
        }
        A::Cancel | A::Quit => {
            if !go::leave_layer(ui, out) {
                go::leave(ui, out);
            }
        }
        A::HistoryBack => go::history(ui, false),
        A::HistoryForward => go::history(ui, true),
        A::LastView => go::last_view(ui),
        A::Zoom => ui.zoom = !ui.zoom,
        A::Freeze => go::freeze(ui, out),
        A::Inspect => match (ui.focus(), ui.selected(ui.focus())) {
            (Pane::Logs, Subject::Nothing) => go::open(ui),
            (_, Subject::Nothing) => ui.complain("nothing is selected"),
            (_, subject) => go::inspect(ui, subject),
        },
        A::Alerts => attention::next(ui),
        A::Events => go::events(ui, out),
        A::OpenLogs => open_logs(ui),
        A::Pager => out.push(Out::Page(copy::page(ui))),
        A::Write if ui.focus().is_table() => copy::write(ui),
        A::Start | A::Pause | A::PauseAll | A::More | A::Fewer => agent_action(ui, action, out),
        A::Answer => answer(ui),
        A::Say => say(ui),
        A::Shell => shell(ui, out),
        A::Rerun | A::Kill | A::Drop => run_action(ui, action, out),
        A::CopyRow | A::CopyId | A::CopyJson | A::CopyCli | A::CopyLink => {
            copy::copy(ui, action, out)
        }
        A::Mouse => {
            ui.mouse = !ui.mouse;
            let on = ui.settings.keymap.remark("; ", Action::Mouse, "turns it on");
            ui.say(match ui.mouse {
                true => "mouse on".to_owned(),
                false => format!("mouse off, the terminal selects text{on}"),
            });
            out.push(Out::Mouse(ui.mouse));
        }
        A::Redraw => out.push(Out::Redraw),
        A::Suspend => out.push(Out::Suspend),
        A::Filter => {
            let pane = ui.focus();
            let before = ui.table(pane).filter.clone();
            let text = before.to_string();
            ui.prompt = Some(Prompt::new(Kind::Filter { pane, before }, &text));
        }
        A::NextMatch | A::PreviousMatch if ui.focus().is_table() => {
            table::next_match(ui, action == A::NextMatch);
        }
        A::Mark => table::mark(ui),
        A::MarkRange => table::mark_range(ui),
        A::MarkAll => table::mark_all(ui),
        A::Sort => table::open_menu(ui, table::What::Sort),
        A::Columns => table::open_menu(ui, table::What::Columns),
        A::WideColumns => {
            let choice = &mut ui.table_mut(ui.focus()).choice;
            choice.wide = !choice.wide;
        }
        A::NextBad if ui.focus().is_table() => bad(ui, true),
        A::PreviousBad if ui.focus().is_table() => bad(ui, false),
        A::NextBad
        | A::PreviousBad
        | A::Search
        | A::LogFilter
        | A::GoToTime
        | A::Write
        | A::Bookmark
        | A::NextBookmark
        | A::NextMatch
        | A::PreviousMatch
        | A::NextTurn
        | A::PreviousTurn
        | A::Fold
        | A::Level
        | A::Follow
        | A::Wrap
        | A::Time
        | A::ScrollLeft
        | A::ScrollRight
        | A::LineStart
        | A::LineEnd => logs::act(ui, action, out),
        // Of pictures alone.
        A::Earlier
        | A::Later
        | A::PageEarlier
        | A::PageLater
        | A::Closer
        | A::Wider
        | A::NextRun
        | A::PreviousRun => {}
    }
}

pub fn help(ui: &mut Ui, all: bool, search: &str) {
    let search = tui_input::Input::new(search.to_owned());
    ui.popup = Some(Popup::Help { all, search, typing: false, top: 0 });
}

/// Rows of the focused pane.
fn page(ui: &Ui) -> i64 {
    let rect = ui.screen().rect(ui.focus()).unwrap_or_default();
    let rows = if ui.focus().is_table() { layout::table_rows(rect) } else { layout::inside(rect) };
    i64::from(rows.height).max(2)
}

/// Moves a pane by more than a row, whether it has the focus or not.
pub fn scroll(ui: &mut Ui, pane: Pane, by: i64) {
    if pane.is_picture() {
        pictures::step(ui, by);
    } else if pane.is_table() {
        ui.table_mut(pane).step(isize::try_from(by).unwrap_or(0));
    } else {
        ui.log.scroll(by);
    }
}

fn step(ui: &mut Ui, by: i64) {
    let focus = ui.focus();
    if focus == Pane::Logs {
        ui.log.step(by);
    } else {
        ui.staged = None;
        ui.table_mut(focus).step(isize::try_from(by).unwrap_or(0));
    }
}

fn top(ui: &mut Ui, out: &mut Vec<Out>) {
    let focus = ui.focus();
    if focus == Pane::Logs { logs::top(ui, out) } else { ui.table_mut(focus).select(0) }
}

fn bottom(ui: &mut Ui, out: &mut Vec<Out>) {
    let focus = ui.focus();
    match focus.is_table() {
        true => ui.table_mut(focus).select(usize::MAX),
        false => logs::bottom(ui, out),
    }
}

/// The log of what is selected; of what is marked, all as one.
fn open_logs(ui: &mut Ui) {
    let pane = ui.focus();
    let marked = if pane.is_table() { table::marked(ui, pane) } else { Vec::new() };
    let subject = |key: String| match pane {
        Pane::Agents => Subject::Agent(key),
        Pane::Triggers => Subject::Trigger(key),
        _ => Subject::Run(key),
    };
    let mut sources = Vec::new();
    for source in marked.into_iter().map(|key| ui.log_of(&subject(key))) {
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    match crate::command::merged(sources) {
        Ok(source) => {
            let source = source.unwrap_or_else(|| ui.log_of(&ui.selected(pane)));
            go::open_log(ui, source);
            ui.zoom = true;
        }
        Err(why) => ui.complain(why),
    }
}

fn bad(ui: &mut Ui, forward: bool) {
    let focus = ui.focus();
    let table = ui.table(focus);
    let mut rows = table.shown.iter().enumerate();
    let is_bad = |(_, index): &(usize, &usize)| rows::bad(&ui.fleet, focus, **index);
    let found = if forward {
        rows.skip(table.at + 1).find(is_bad)
    } else {
        rows.by_ref().take(table.at).filter(is_bad).last()
    };
    match found.map(|(at, _)| at) {
        Some(at) => ui.table_mut(focus).select(at),
        None => {
            ui.complain(if forward { "no failure further down" } else { "no failure further up" })
        }
    }
}

/// Actions on the agent of the selection, and on all of them.
fn agent_action(ui: &mut Ui, action: Action, out: &mut Vec<Out>) {
    if action == Action::PauseAll {
        let held = ui.fleet.queued();
        match ui.fleet.paused() {
            false => ask(ui, Command::pause(Scope::Project), None, out),
            true => resume(ui, Scope::Project, held, out),
        }
        return;
    }
    let Some(agent) = ui.agent().and_then(|name| ui.fleet.agent(&name)).cloned() else {
        ui.complain("select an agent or one of its runs first");
        return;
    };
    match action {
        Action::Start => ui.form = Some(Form::new(&agent.name, ui.beat_ms)),
        Action::Pause if agent.state == AgentState::Paused || agent.paused.is_some() => {
            resume(ui, Scope::Agent(agent.name), agent.queued, out);
        }
        Action::Pause => {
            ask(ui, Command::pause(Scope::Agent(agent.name)), None, out);
        }
        _ => {
            let (name, from) = ui
                .staged
                .take()
                .filter(|(name, _)| *name == agent.name)
                .unwrap_or((agent.name, agent.scale));
            let to = if action == Action::More {
                from.saturating_add(1)
            } else {
                from.saturating_sub(1)
            };
            ui.staged = (to != agent.scale).then_some((name, to));
        }
    }
}

pub fn resume(ui: &mut Ui, scope: Scope, held: u32, out: &mut Vec<Out>) {
    if held > 0 {
        ui.dialog = Some(Dialog::resume(scope, held, ui.beat_ms));
    } else {
        ask(ui, Command::Resume { scope, drop_held: false }, None, out);
    }
}

/// The question of the selected run, or the oldest one of the selected agent.
fn answer(ui: &mut Ui) {
    let subject = ui.selected(ui.focus());
    let asks = |run: &&RunRow| run.wait.as_ref().is_some_and(|wait| wait.question.is_some());
    let asking = match &subject {
        Subject::Run(id) => ui.fleet.run(id).filter(asks),
        Subject::Agent(name) => {
            let runs = ui.fleet.runs.iter().filter(|run| run.agent == *name).filter(asks);
            runs.min_by_key(|run| run.queued_ms)
        }
        Subject::Alert(_)
        | Subject::Events
        | Subject::Trigger(_)
        | Subject::Record(_)
        | Subject::Nothing => None,
    };
    match (asking.cloned(), subject) {
        (Some(run), _) => ui.dialog = Dialog::answer(&run, ui.beat_ms),
        (None, Subject::Run(id)) => ui.complain(format!("{id} asks nothing")),
        (None, Subject::Agent(name)) => ui.complain(format!("no run of {name} asks anything")),
        (None, _) => ui.complain("select a run that asks something first"),
    }
}

/// The selected run, or the only one of the selected agent that has not ended.
pub fn meant(ui: &Ui) -> Option<&RunRow> {
    match &ui.selected(ui.focus()) {
        Subject::Run(id) => ui.fleet.run(id),
        Subject::Agent(name) => {
            let live = |run: &&RunRow| run.agent == *name && !run.state.ended();
            let mut runs = ui.fleet.runs.iter().filter(live);
            runs.next().filter(|_| runs.next().is_none())
        }
        Subject::Alert(_)
        | Subject::Events
        | Subject::Trigger(_)
        | Subject::Record(_)
        | Subject::Nothing => None,
    }
}

/// A text for the run that is meant.
fn say(ui: &mut Ui) {
    match meant(ui).map(|run| (run.id.clone(), run.state.ended())) {
        Some((run, false)) => ui.dialog = Some(Dialog::say(&run, ui.beat_ms)),
        Some((run, true)) => ui.complain(format!("{run} already ended")),
        None => ui.complain("select a run first"),
    }
}

/// A shell where the run is that is meant.
fn shell(ui: &mut Ui, out: &mut Vec<Out>) {
    if ui.setup.remote {
        return ui.complain("a shell can be had only where the scheduler runs");
    }
    match meant(ui).map(|run| (run.id.clone(), run.state)) {
        None => ui.complain("select a run first"),
        Some((run, RunState::Running)) => out.push(Out::Shell(run)),
        Some((run, RunState::Waiting)) => ui.complain(format!("{run} waits, and stands still")),
        Some((run, state)) if state.ended() => ui.complain(format!("{run} already ended")),
        Some((run, _)) => ui.complain(format!("{run} has not started")),
    }
}

/// Actions on the selected run, or on the runs of the selected agent.
fn run_action(ui: &mut Ui, action: Action, out: &mut Vec<Out>) {
    match ui.selected(ui.focus()) {
        Subject::Run(id) => {
            let state = ui.fleet.run(&id).map_or(RunState::Unknown, |run| run.state);
            match (action, state) {
                (Action::Kill, RunState::Queued) => {
                    let drop = ui.settings.keymap.remark("; ", Action::Drop, "drops it");
                    ui.complain(format!("{id} has not started{drop}"));
                }
                (Action::Kill, state) if state.ended() => {
                    ui.complain(format!("{id} already ended"))
                }
                (Action::Kill, _) => ask(ui, Command::kill(Target::Run(id)), None, out),
                (Action::Rerun, state) if state.ended() => {
                    ask(ui, Command::Rerun { run: id }, None, out)
                }
                (Action::Rerun, _) => ui.complain(format!("{id} has not ended yet")),
                (_, RunState::Queued) => ask(ui, Command::Drop { runs: vec![id] }, None, out),
                _ => ui.complain(format!("{id} is not queued")),
            }
        }
        Subject::Agent(name) => agent_runs(ui, action, name, out),
        Subject::Trigger(id) => {
            let trigger = ui.fleet.trigger(&id);
            let webhook = trigger.is_some_and(|trigger| trigger.webhook);
            let run = trigger.and_then(|trigger| trigger.runs.first()).cloned();
            match (action, run) {
                // As it was delivered, for the agents' webhooks as they are now.
                (Action::Rerun, _) if webhook => {
                    ask(ui, Command::Replay { receipt: id }, None, out);
                }
                (Action::Rerun, Some(run)) => ask(ui, Command::Rerun { run }, None, out),
                (_, Some(run)) => ui.complain(format!("select the run {run} first")),
                (_, None) => ui.complain("this firing led to no run"),
            }
        }
        Subject::Record(_) | Subject::Alert(_) | Subject::Events | Subject::Nothing => {
            ui.complain("select a run first");
        }
    }
}

fn agent_runs(ui: &mut Ui, action: Action, name: String, out: &mut Vec<Out>) {
    let running = ui.fleet.agent(&name).map_or(0, |agent| agent.running + agent.waiting);
    let queued = ui.fleet.runs.iter().filter(|r| r.agent == name && r.state == RunState::Queued);
    let queued: Vec<String> = queued.map(|run| run.id.clone()).collect();
    let last =
        ui.fleet.agent(&name).and_then(|agent| agent.last.as_ref()).map(|last| last.run.clone());
    match action {
        Action::Kill if running == 0 => ui.complain(format!("{name} has no run in flight")),
        Action::Kill => ask(ui, Command::kill(Target::Agent(name)), None, out),
        Action::Drop if queued.is_empty() => ui.complain(format!("{name} has nothing queued")),
        Action::Drop => ask(ui, Command::Drop { runs: queued }, None, out),
        _ => match last {
            Some(run) => ask(ui, Command::Rerun { run }, None, out),
            None => ui.complain(format!("{name} has not run yet")),
        },
    }
}
