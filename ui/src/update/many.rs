//! Actions on marked rows: one question for all of them.

use super::{ask, table};
use crate::action::Action;
use crate::command::in_flight;
use crate::dialog::Dialog;
use crate::input::Out;
use crate::pane::Pane;
use crate::state::Ui;
use al_wire::{Command, RunRow, RunState, Scope, Target};

/// Does `action` to the marked rows. False when none is marked, or it is nothing for many.
pub fn act(ui: &mut Ui, action: Action, out: &mut Vec<Out>) -> bool {
    let pane = ui.focus();
    if !pane.is_table() || !ui.table(pane).choice.has_marks() {
        return false;
    }
    let marked = table::marked(ui, pane);
    match (action, pane) {
        (Action::Kill, Pane::Agents | Pane::Runs | Pane::Queues) => {
            let runs = runs(ui, pane, &marked, in_flight);
            match runs.is_empty() {
                true => ui.complain("no marked run is in flight"),
                false => ask(ui, Command::kill(Target::Runs(runs)), None, out),
            }
        }
        (Action::Drop, Pane::Agents | Pane::Runs | Pane::Queues) => {
            let runs = runs(ui, pane, &marked, |run| run.state == RunState::Queued);
            match runs.is_empty() {
                true => ui.complain("nothing that is marked is queued"),
                false => ask(ui, Command::Drop { runs }, None, out),
            }
        }
        (Action::Rerun, Pane::Runs) => {
            let runs = runs(ui, pane, &marked, |run| run.state.ended());
            let commands = runs.into_iter().map(|run| Command::Rerun { run }).collect();
            question(ui, "Rerun", "run", commands);
        }
        (Action::Rerun, Pane::Agents) => {
            let agents = marked.iter().filter_map(|name| ui.fleet.agent(name));
            let last = agents.filter_map(|agent| agent.last.as_ref());
            let commands = last.map(|last| Command::Rerun { run: last.run.clone() }).collect();
            question(ui, "Rerun", "run", commands);
        }
        (Action::Rerun, Pane::Triggers) => {
            let kept = marked.iter().filter_map(|id| ui.fleet.trigger(id));
            let kept = kept.filter(|trigger| trigger.webhook);
            let commands =
                kept.map(|trigger| Command::Replay { receipt: trigger.id.clone() }).collect();
            question(ui, "Replay", "webhook", commands);
        }
        (Action::Pause, Pane::Agents) => {
            let free =
                |name: &&String| ui.fleet.agent(name).is_some_and(|agent| agent.paused.is_none());
            let names: Vec<String> = marked.iter().filter(free).cloned().collect();
            if names.is_empty() {
                ui.complain("every marked agent is paused already");
            }
            for name in names {
                ask(ui, Command::pause(Scope::Agent(name)), None, out);
            }
        }
        _ => return false,
    }
    true
}

/// The marked runs, or those of the marked agents, that fit.
fn runs(ui: &Ui, pane: Pane, marked: &[String], fits: impl Fn(&RunRow) -> bool) -> Vec<String> {
    let fitting = |run: &&RunRow| fits(run);
    match pane {
        Pane::Agents => {
            let of_them = ui.fleet.runs.iter().filter(|run| marked.contains(&run.agent));
            of_them.filter(fitting).map(|run| run.id.clone()).collect()
        }
        _ => {
            let rows = marked.iter().filter_map(|id| ui.fleet.run(id));
            rows.filter(fitting).map(|run| run.id.clone()).collect()
        }
    }
}

/// Asks once for all of them.
fn question(ui: &mut Ui, verb: &str, what: &str, commands: Vec<Command>) {
    if commands.is_empty() {
        return ui.complain(format!("no marked row can be taken for {}", verb.to_lowercase()));
    }
    let mut dialog = Dialog::many(verb, what, commands, ui.beat_ms);
    if let Some(name) = ui.settings.protected() {
        dialog.require(name);
    }
    ui.dialog = Some(dialog);
}
