//! Calling a person, and leading them to what needs them.

use super::{down, go};
use crate::action::Action;
use crate::input::Out;
use crate::pane::Pane;
use crate::state::Ui;
use crate::text;

/// Characters of a notification.
const NOTE: usize = 120;

/// Takes in what needs a person now; what is new is told once.
pub fn heed(ui: &mut Ui, out: &mut Vec<Out>) {
    let now_ms = ui.now_ms;
    let fleet = down::intake(ui);
    fleet.take_stock(now_ms);
    let needs = fleet.needs.clone();
    let host = fleet.host.as_ref().map(|host| (host.project.clone(), host.environment.clone()));
    ui.attention.of_host(host);
    let new = ui.attention.new_ones(&needs, now_ms);
    // What a recording tells is long over.
    let Some(newest) = new.last().filter(|_| !ui.way.recorded()) else { return };
    let more = match new.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    let told = text::line(&format!("{}{more}", newest.text));
    // An answer to the person is read first; the count in the first line tells of this too.
    if ui.flash.is_none() {
        let more = ui.settings.keymap.remark("; ", Action::Alerts, "goes there");
        ui.complain(format!("{told}{more}"));
    }
    if ui.attention.bell {
        let note: String = format!("al {}: {told}", text::line(&ui.setup.project))
            .chars()
            .filter(|c| !c.is_control())
            .take(NOTE)
            .collect();
        out.push(Out::Notify(note));
    }
}

/// The oldest of what needs a person, then the next, around the end.
pub fn next(ui: &mut Ui) {
    if ui.fleet.needs.is_empty() {
        return ui.say("nothing needs you");
    }
    let there = ui.focus() == Pane::Alerts;
    go::focus(ui, Pane::Alerts);
    let table = ui.table_mut(Pane::Alerts);
    if !there {
        table.filter = al_wire::Query::default();
    }
    let to = if there && table.at + 1 < table.shown.len() { table.at + 1 } else { 0 };
    table.select(to);
}
