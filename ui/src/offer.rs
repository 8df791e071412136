//! What makes sense for what is selected: for the hint line and the menu of actions.

use crate::action::Action;
use crate::pane::Pane;
use crate::state::{Subject, Ui};
use al_wire::{RunRow, RunState};

/// True for what is done with the selection, not with the console.
pub fn on_selection(action: Action) -> bool {
    use Action as A;
    matches!(
        action,
        A::Open
            | A::Start
            | A::Pause
            | A::Answer
            | A::Say
            | A::Shell
            | A::Kill
            | A::Rerun
            | A::Drop
            | A::More
            | A::Fewer
            | A::OpenLogs
            | A::Inspect
            | A::Pager
            | A::Write
            | A::CopyRow
            | A::CopyId
            | A::CopyJson
            | A::CopyCli
            | A::CopyLink
    )
}

/// True when the key would do something for what is selected.
pub fn applies(ui: &Ui, action: Action) -> bool {
    let subject = ui.selected(ui.focus());
    let run = match &subject {
        Subject::Run(id) => ui.fleet.run(id),
        _ => None,
    };
    let agent = match &subject {
        Subject::Agent(name) => ui.fleet.agent(name),
        _ => None,
    };
    let trigger = match &subject {
        Subject::Trigger(id) => ui.fleet.trigger(id),
        _ => None,
    };
    let meant = || crate::update::meant(ui);
    match action {
        Action::Start | Action::Pause => ui.agent().is_some(),
        Action::Kill => {
            agent.is_some_and(|agent| agent.running > 0)
                || run.is_some_and(|run| !run.state.ended() && run.state != RunState::Queued)
        }
        Action::Drop => {
            agent.is_some_and(|agent| agent.queued > 0)
                || run.is_some_and(|run| run.state == RunState::Queued)
        }
        Action::Rerun => {
            agent.is_some_and(|agent| agent.last.is_some())
                || run.is_some_and(|run| run.state.ended())
                || trigger.is_some_and(|trigger| trigger.webhook || !trigger.runs.is_empty())
        }
        Action::Answer => {
            let asks = |run: &RunRow| run.wait.as_ref().is_some_and(|wait| wait.question.is_some());
            match &subject {
                Subject::Run(_) => run.is_some_and(asks),
                Subject::Agent(name) => {
                    ui.fleet.runs.iter().any(|run| run.agent == *name && asks(run))
                }
                _ => false,
            }
        }
        Action::Say => meant().is_some_and(|run| !run.state.ended()),
        Action::Shell => {
            !ui.setup.remote && meant().is_some_and(|run| run.state == RunState::Running)
        }
        Action::More | Action::Fewer => ui.agent().is_some(),
        Action::CopyRow
        | Action::CopyId
        | Action::CopyJson
        | Action::CopyCli
        | Action::CopyLink => ui.focus() == Pane::Logs || subject != Subject::Nothing,
        Action::NextMatch if ui.focus().is_table() => !ui.table(ui.focus()).filter.is_empty(),
        Action::NextMatch => ui.log.needle.is_some(),
        Action::OpenLogs => ui.focus() != Pane::Logs && subject != Subject::Nothing,
        Action::Inspect | Action::Open if ui.focus().is_table() => subject != Subject::Nothing,
        _ => true,
    }
}
