//! From place to place: focus, drilling in, history, Esc.

use crate::dialog::Dialog;
use crate::input::{Exit, Out};
use crate::pane::Pane;
use crate::state::{Behind, Place, Popup, Subject, Ui};
use al_wire::{Leave, LogSource, PageOf, PageQuery, Query, Up};

/// Places that history keeps.
const HISTORY: usize = 100;

/// Goes to a place and remembers the one before.
pub fn go(ui: &mut Ui, place: Place) {
    if place == ui.place {
        return;
    }
    ui.back.push(ui.place.clone());
    if ui.back.len() > HISTORY {
        ui.back.remove(0);
    }
    ui.forward.clear();
    arrive(ui, place);
}

fn arrive(ui: &mut Ui, place: Place) {
    if place.focus == Pane::Timeline {
        ui.pictures.lane = ui.agent().or(ui.pictures.lane.take());
    }
    if place.focus.is_table() {
        ui.table = place.focus;
    }
    ui.staged = None;
    ui.place = place;
}

/// Moves the focus; what is drilled into stays.
pub fn focus(ui: &mut Ui, pane: Pane) {
    let place = Place { focus: pane, ..ui.place.clone() };
    go(ui, place);
}

/// Goes in: Esc leads back.
pub fn drill(ui: &mut Ui, place: Place) {
    if place != ui.place {
        ui.trail.push(ui.place.clone());
        go(ui, place);
    }
}

/// Opens what is selected.
pub fn open(ui: &mut Ui) {
    match (ui.focus(), ui.selected(ui.focus())) {
        (Pane::Logs, _) => {
            if let Some(record) = ui.log.buffer.get(ui.log.cursor).cloned() {
                inspect(ui, Subject::Record(Box::new(record)));
            }
        }
        (Pane::Alerts, Subject::Run(id)) if ui.fleet.run(&id).is_some() => {
            reveal(ui, Pane::Runs, &id);
        }
        (Pane::Alerts, Subject::Trigger(id)) => reveal(ui, Pane::Triggers, &id),
        (Pane::Alerts, Subject::Agent(name)) => reveal(ui, Pane::Agents, &name),
        (_, Subject::Agent(name)) => {
            let place = Place { focus: Pane::Runs, scope: Some(name), pin: None };
            drill(ui, place);
        }
        (Pane::Runs | Pane::Alerts | Pane::Timeline, Subject::Run(id)) => {
            open_log(ui, LogSource::Run(id));
        }
        (_, Subject::Trigger(id)) => {
            match ui.fleet.trigger(&id).and_then(|trigger| trigger.runs.first()).cloned() {
                Some(run) => open_log(ui, LogSource::Run(run)),
                None => inspect(ui, Subject::Trigger(id)),
            }
        }
        (_, Subject::Nothing) => {}
        (_, subject) => inspect(ui, subject),
    }
}

pub fn open_log(ui: &mut Ui, source: LogSource) {
    let place = Place { focus: Pane::Logs, pin: Some(source), ..ui.place.clone() };
    drill(ui, place);
}

pub fn inspect(ui: &mut Ui, subject: Subject) {
    ui.popup = Some(Popup::Inspect { subject, top: 0 });
}

/// Shows who did what, as it is now.
pub fn events(ui: &mut Ui, out: &mut Vec<Out>) {
    let query = PageQuery {
        of: PageOf::Events,
        agent: None,
        filter: String::new(),
        before: None,
        limit: crate::past::PAGE,
    };
    if !ui.way.lost() {
        out.push(Out::Send(Up::Page(query)));
    }
    inspect(ui, Subject::Events);
}

/// Goes to a row, which nothing hides there.
pub fn reveal(ui: &mut Ui, pane: Pane, key: &str) {
    drill(ui, Place { focus: pane, scope: None, pin: None });
    let table = ui.table_mut(pane);
    table.filter = Query::default();
    table.select_key(key);
}

/// Leaves the outermost layer. False when there is none left.
pub fn leave_layer(ui: &mut Ui, out: &mut Vec<Out>) -> bool {
    let focus = ui.focus();
    if ui.staged.take().is_some() {
        return true;
    }
    if focus.is_table() && ui.table(focus).choice.has_marks() {
        ui.table_mut(focus).choice.unmark();
        return true;
    }
    if focus.is_table() && !ui.table(focus).filter.is_empty() {
        ui.table_mut(focus).filter = Query::default();
        return true;
    }
    if focus == Pane::Logs && leave_search(ui, out) {
        return true;
    }
    if std::mem::take(&mut ui.zoom) {
        return true;
    }
    if let Some(place) = ui.trail.pop() {
        go(ui, place);
        return true;
    }
    if ui.place.scope.is_some() || ui.place.pin.is_some() {
        let place = Place { focus: ui.place.focus, scope: None, pin: None };
        go(ui, place);
        return true;
    }
    false
}

/// Ends a search of the log, then forgets what was searched for, then shows what was filtered out.
fn leave_search(ui: &mut Ui, out: &mut Vec<Out>) -> bool {
    if super::logs::stop_finding(ui, out) {
        ui.say("the search has been stopped");
        return true;
    }
    if ui.log.needle.take().is_some() {
        ui.log.sift();
        return true;
    }
    if ui.log.filter.on {
        let filter = crate::logs::Filter { on: false, ..ui.log.filter.clone() };
        super::logs::set_filter(ui, filter, out);
        return true;
    }
    false
}

pub fn history(ui: &mut Ui, forward: bool) {
    let (from, to) =
        if forward { (&mut ui.forward, &mut ui.back) } else { (&mut ui.back, &mut ui.forward) };
    let Some(place) = from.pop() else {
        ui.complain(if forward { "nothing further on" } else { "nothing further back" });
        return;
    };
    to.push(ui.place.clone());
    ui.trail.clear();
    arrive(ui, place);
}

/// Swaps with the place before.
pub fn last_view(ui: &mut Ui) {
    if let Some(place) = ui.back.last().cloned() {
        ui.trail.clear();
        go(ui, place);
    }
}

/// Asks what becomes of the scheduler; an attached console just goes.
pub fn leave(ui: &mut Ui, out: &mut Vec<Out>) {
    if ui.setup.remote || ui.setup.read_only {
        depart(Leave::Detach, out);
    } else {
        ui.dialog = Some(Dialog::leave(ui.fleet.running(), ui.fleet.queued(), ui.beat_ms));
    }
}

pub fn depart(leave: Leave, out: &mut Vec<Out>) {
    out.push(Out::Send(Up::Leave(leave)));
    out.push(Out::Exit(match leave {
        Leave::Detach => Exit::Detach,
        Leave::Drain => Exit::Drain,
        Leave::StopNow => Exit::StopNow,
    }));
}

/// Freezes the picture, or catches up with what went on behind it.
pub fn freeze(ui: &mut Ui, out: &mut Vec<Out>) {
    match ui.behind.take() {
        None => {
            let (fleet, buffer) = (ui.fleet.clone(), ui.log.buffer.clone());
            let behind = Behind { fleet, buffer, sieve: ui.log.sieve() };
            ui.behind = Some(Box::new(behind));
        }
        Some(behind) => {
            ui.fleet = behind.fleet;
            let came = behind.buffer.end() - ui.log.buffer.end();
            if !ui.log.follow {
                ui.log.new += usize::try_from(came).unwrap_or(0);
            }
            ui.log.buffer = behind.buffer;
            ui.log.sift();
            // Answers went to the picture behind, and what was asked for meanwhile to nobody.
            if ui.log.waits() || ui.log.sieve() != behind.sieve {
                ui.log.forget_asks();
                super::logs::sift(ui, out);
            }
        }
    }
}
