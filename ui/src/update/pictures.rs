//! Keys in the pictures, and what the host is asked for them.

use super::go;
use crate::action::Action;
use crate::input::Out;
use crate::layout;
use crate::pane::Pane;
use crate::pictures::{Span, timeline};
use crate::state::{Place, Subject, Ui};
use crate::view::timeline_area;
use al_wire::{RunRow, Series, Up};
use ratatui::layout::Rect;

/// Goes to a picture of one agent or of all.
pub fn open(ui: &mut Ui, pane: Pane, lane: Option<String>) {
    go::drill(ui, Place { focus: pane, ..ui.place.clone() });
    ui.pictures.lane = lane;
}

/// What stands in the lanes: all together, then each agent.
pub fn lanes(ui: &Ui) -> Vec<Option<&str>> {
    let agents = ui.fleet.agents.iter().map(|agent| Some(agent.name.as_str()));
    // The timeline has no lane for all of them.
    let all = (ui.focus() == Pane::Stats).then_some(None);
    all.into_iter().chain(agents).collect()
}

fn lane_at(ui: &Ui) -> usize {
    let lane = ui.pictures.lane.as_deref();
    lanes(ui).iter().position(|known| *known == lane).unwrap_or(0)
}

/// The agent whose lane is chosen.
fn lane(ui: &Ui) -> Option<&str> {
    lanes(ui).get(lane_at(ui)).copied().flatten()
}

/// Columns of the timeline.
pub fn columns(ui: &Ui) -> usize {
    usize::from(timeline_area(ui).width)
}

/// What is selected in the picture that has the focus.
pub fn pictured(ui: &Ui) -> Subject {
    let Some(agent) = lane(ui) else { return Subject::Nothing };
    if ui.focus() == Pane::Timeline
        && let Some(run) = run_at_cursor(ui, agent)
    {
        return Subject::Run(run.id.clone());
    }
    Subject::Agent(agent.to_owned())
}

fn runs_of<'a>(ui: &'a Ui, agent: &str) -> Vec<&'a RunRow> {
    ui.fleet.known_runs().into_iter().filter(|run| run.agent == agent).collect()
}

fn run_at_cursor<'a>(ui: &'a Ui, agent: &str) -> Option<&'a RunRow> {
    let window = ui.pictures.timeline.window(columns(ui), ui.now_ms);
    timeline::lane(&runs_of(ui, agent), &window).get(window.cursor).and_then(|spot| spot.run)
}

/// True when the action was one of the picture.
pub fn act(ui: &mut Ui, action: Action) -> bool {
    use Action as A;
    let rows = i64::from(timeline_area(ui).height).max(2);
    match action {
        A::Down => step(ui, 1),
        A::Up => step(ui, -1),
        A::HalfDown => step(ui, rows / 2),
        A::HalfUp => step(ui, -rows / 2),
        A::PageDown => step(ui, rows),
        A::PageUp => step(ui, -rows),
        A::Closer | A::Wider => zoom(ui, action == A::Closer),
        A::Top | A::Bottom if ui.focus() == Pane::Stats => {
            step(ui, if action == A::Top { i64::MIN } else { i64::MAX });
        }
        A::Top => first(ui),
        A::Bottom => ui.pictures.timeline.go_to_now(),
        A::Earlier => shift(ui, -1),
        A::Later => shift(ui, 1),
        A::PageEarlier | A::PageLater => {
            let (columns, now_ms) = (columns(ui), ui.now_ms);
            let by = columns as i64 / 2;
            let by = if action == A::PageEarlier { -by } else { by };
            ui.pictures.timeline.pan(by, columns, now_ms);
        }
        A::NextRun => next(ui, true, false),
        A::PreviousRun => next(ui, false, false),
        A::NextBad => next(ui, true, true),
        A::PreviousBad => next(ui, false, true),
        _ => return false,
    }
    true
}

/// Another lane.
pub fn step(ui: &mut Ui, by: i64) {
    let last = lanes(ui).len().saturating_sub(1);
    let by = isize::try_from(by).unwrap_or(if by < 0 { isize::MIN } else { isize::MAX });
    let at = lane_at(ui).saturating_add_signed(by).min(last);
    ui.pictures.lane = lanes(ui).get(at).copied().flatten().map(str::to_owned);
}

fn shift(ui: &mut Ui, by: i64) {
    let (columns, now_ms) = (columns(ui), ui.now_ms);
    ui.pictures.timeline.step(by, columns, now_ms);
}

/// To the oldest run that is known; the host tells more once it is in view.
fn first(ui: &mut Ui) {
    let oldest = ui.fleet.known_runs().iter().map(|run| run.queued_ms).min();
    let (columns, now_ms) = (columns(ui), ui.now_ms);
    match oldest {
        Some(at_ms) => ui.pictures.timeline.go(at_ms, columns, now_ms),
        None => ui.complain("no runs yet"),
    }
}

fn zoom(ui: &mut Ui, closer: bool) {
    let changed = if ui.focus() == Pane::Stats {
        let next = ui.pictures.counts.span.step(!closer);
        next.map(|span| ui.pictures.counts.span = span).is_some()
    } else {
        let (columns, now_ms) = (columns(ui), ui.now_ms);
        ui.pictures.timeline.zoom(closer, columns, now_ms)
    };
    if !changed {
        ui.complain(if closer { "no closer look" } else { "no wider look" });
    }
}

fn next(ui: &mut Ui, forward: bool, only_bad: bool) {
    let Some(agent) = lane(ui).map(str::to_owned) else { return };
    let (columns, now_ms) = (columns(ui), ui.now_ms);
    let window = ui.pictures.timeline.window(columns, now_ms);
    let found = timeline::next_end(&runs_of(ui, &agent), &window, forward, only_bad);
    match found {
        Some(at_ms) => ui.pictures.timeline.go(at_ms, columns, now_ms),
        None => {
            let what = if only_bad { "failure" } else { "run" };
            let side = if forward { "later" } else { "earlier" };
            ui.complain(format!("no {side} {what} of {agent} is known here"));
        }
    }
}

/// Puts lane and column under the mouse. True when they were there before.
pub fn click(ui: &mut Ui, rect: Rect, x: u16, y: u16) -> bool {
    let area = timeline_area(ui);
    if !layout::inside(rect).contains((x, y).into()) || !(area.top()..area.bottom()).contains(&y) {
        return false;
    }
    let lane = ui.pictures.top + usize::from(y - area.y);
    let Some(lane) = lanes(ui).get(lane).copied().flatten().map(str::to_owned) else {
        return false;
    };
    let (columns, now_ms) = (columns(ui), ui.now_ms);
    let window = ui.pictures.timeline.window(columns, now_ms);
    let column = x.checked_sub(area.x).map(usize::from);
    let again = ui.pictures.lane.as_ref() == Some(&lane) && column == Some(window.cursor);
    ui.pictures.lane = Some(lane);
    if let Some(column) = column {
        ui.pictures.timeline.go(window.start_of(column), columns, now_ms);
    }
    again
}

// --- the host -------------------------------------------------------------------------------------

/// Spans that are shown.
fn shown(ui: &Ui) -> Option<Span> {
    if ui.focus() == Pane::Stats {
        return Some(ui.pictures.counts.span);
    }
    let screen = ui.screen();
    (screen.rect(Pane::Agents).is_some() || screen.detail.is_some()).then_some(Span::Hour)
}

/// Keeps the chosen lane in view, and asks for what the pictures in view need.
pub fn settle(ui: &mut Ui, out: &mut Vec<Out>) {
    if ui.focus().is_picture() {
        let rows = usize::from(timeline_area(ui).height).max(1);
        let (at, count) = (lane_at(ui), lanes(ui).len());
        let top = ui.pictures.top.clamp((at + 1).saturating_sub(rows), at);
        ui.pictures.top = top.min(count.saturating_sub(rows));
        let chosen = lane(ui).map(str::to_owned);
        ui.pictures.lane = chosen.or(ui.pictures.lane.take().filter(|_| count == 0));
    }
    if ui.fleet.host.is_none() || ui.behind.is_some() || ui.way.lost() {
        return;
    }
    if let Some(span) = shown(ui)
        && ui.pictures.counts.ask(span, ui.now_ms)
    {
        let (every_ms, buckets) = (span.every_ms(), span.buckets());
        out.push(Out::Send(Up::Count { every_ms, buckets }));
    }
    if ui.focus() == Pane::Timeline {
        let window = ui.pictures.timeline.window(columns(ui), ui.now_ms);
        if let Some((from_ms, to_ms)) = ui.pictures.timeline.past.ask(&window) {
            out.push(Out::Send(Up::Past { from_ms, to_ms, limit: timeline::LIMIT }));
        }
    }
}

/// When a picture in view changes by itself.
pub fn due_ms(ui: &Ui) -> Option<i64> {
    if ui.fleet.host.is_none() || ui.behind.is_some() || ui.way.lost() {
        return None;
    }
    let watches = ui.focus() == Pane::Stats;
    let counts = shown(ui).and_then(|span| ui.pictures.counts.due_ms(span, watches));
    let line = (ui.focus() == Pane::Timeline).then(|| ui.pictures.timeline.due_ms(ui.now_ms));
    counts.into_iter().chain(line.flatten()).min()
}

pub fn count(ui: &mut Ui, series: Series) {
    let now_ms = ui.now_ms;
    // What is frozen stays as it is; it is asked for again afterwards.
    match ui.behind {
        Some(_) => ui.pictures.counts.ask_anew(),
        None => ui.pictures.counts.take(series, now_ms),
    }
}

pub fn past(ui: &mut Ui, bounds: (i64, i64), runs: Vec<RunRow>, whole: bool) {
    if ui.pictures.timeline.past.take(bounds, whole, ui.now_ms) {
        match &mut ui.behind {
            Some(behind) => behind.fleet.between = runs,
            None => ui.fleet.between = runs,
        }
    }
}

pub fn outdate(ui: &mut Ui, puts: &[al_wire::Row]) {
    if puts.iter().any(|row| matches!(row, al_wire::Row::Run(_))) {
        ui.pictures.counts.outdate();
    }
}

pub fn ask_anew(ui: &mut Ui) {
    ui.pictures.counts.ask_anew();
    ui.pictures.timeline.past = Default::default();
}
