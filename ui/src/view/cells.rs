//! Columns of each table and what stands in them.

use crate::clock;
use crate::pane::Pane;
use crate::pictures;
use crate::rows;
use crate::state::Ui;
use crate::table::{Column, Table, Width};
use crate::text;
use crate::theme::Role;
use al_wire::{AgentRow, Need, RunRow, RunState, TriggerRow};

/// One cell.
#[derive(Debug)]
pub struct Cell {
    pub text: String,
    pub role: Role,
}

fn cell(text: impl Into<String>, role: Role) -> Cell {
    Cell { text: text.into(), role }
}

const fn column(title: &'static str, width: Width, priority: u8) -> Column {
    Column { title, width, priority, right: false }
}

const fn right(title: &'static str, width: Width, priority: u8) -> Column {
    Column { right: true, ..column(title, width, priority) }
}

const AGENTS: &[Column] = &[
    column("AGENT", Width::Cells(10, 20), 0),
    column("STATE", Width::Fixed(11), 0),
    right("RUN", Width::Fixed(5), 1),
    right("Q", Width::Fixed(3), 1),
    column("NEXT", Width::Fixed(7), 3),
    column("LAST", Width::Fixed(10), 2),
    column("HOUR", Width::Fixed(12), 5),
    column("STATUS", Width::Rest(12), 4),
];
const RUNS: &[Column] = &[
    column("RUN", Width::Cells(14, 26), 0),
    column("STATE", Width::Fixed(12), 0),
    right("TIME", Width::Fixed(7), 1),
    right("CPU", Width::Fixed(5), 5),
    right("MEM", Width::Fixed(5), 5),
    right("COST", Width::Fixed(7), 5),
    column("START", Width::Fixed(6), 6),
    column("TRIGGER", Width::Rest(16), 2),
    column("STATUS", Width::Rest(15), 4),
];
const QUEUES: &[Column] = &[
    column("AGENT", Width::Cells(8, 20), 0),
    column("RUN", Width::Cells(12, 26), 2),
    right("AGE", Width::Fixed(5), 0),
    column("TRIGGER", Width::Rest(12), 1),
    column("WHY", Width::Rest(12), 3),
];
const TRIGGERS: &[Column] = &[
    column("TIME", Width::Fixed(8), 1),
    column("SOURCE", Width::Cells(6, 10), 0),
    column("WHAT", Width::Rest(10), 2),
    column("OUTCOME", Width::Fixed(11), 0),
    column("WHY", Width::Rest(10), 3),
];

const ALERTS: &[Column] = &[
    column("SINCE", Width::Fixed(6), 0),
    column("KIND", Width::Fixed(12), 1),
    column("WHAT", Width::Rest(20), 0),
    column("DO", Width::Rest(20), 2),
];

/// Whether rows can be ordered by a column.
pub fn sorts(column: &Column) -> bool {
    column.title != "HOUR"
}

pub fn columns(pane: Pane) -> &'static [Column] {
    match pane {
        Pane::Agents => AGENTS,
        Pane::Runs => RUNS,
        Pane::Queues => QUEUES,
        Pane::Triggers => TRIGGERS,
        Pane::Alerts => ALERTS,
        Pane::Logs | Pane::Stats | Pane::Timeline => &[],
    }
}

/// Title of the column by which a table is sorted, and whether the other way round.
pub fn sorted(table: &Table, pane: Pane) -> Option<(&'static str, bool)> {
    let sort = table.choice.sort?;
    columns(pane).get(sort.column).map(|column| (column.title, sort.reversed))
}

/// The cells of a row, one per column.
pub fn cells(ui: &Ui, pane: Pane, index: usize) -> Vec<Cell> {
    let fleet = &ui.fleet;
    match pane {
        Pane::Agents => fleet.agents.get(index).map_or_else(Vec::new, |row| agent(ui, row)),
        Pane::Runs => fleet.run_at(index).map_or_else(Vec::new, |row| run(ui, row)),
        Pane::Queues => fleet.runs.get(index).map_or_else(Vec::new, |row| queued(ui, row)),
        Pane::Triggers => fleet.trigger_at(index).map_or_else(Vec::new, |row| trigger(ui, row)),
        Pane::Alerts => fleet.needs.get(index).map_or_else(Vec::new, |row| need(ui, row)),
        Pane::Logs | Pane::Stats | Pane::Timeline => Vec::new(),
    }
}

fn state(ui: &Ui, role: Role, word: &str) -> Cell {
    cell(format!("{} {word}", ui.theme.glyphs.state(role)), role)
}

fn near(ui: &Ui, at_ms: i64) -> String {
    clock::near(at_ms, ui.now_ms, (ui.setup.zone_offset)(at_ms))
}

fn agent(ui: &Ui, row: &AgentRow) -> Vec<Cell> {
    let (role, word) = rows::agent_state(row);
    let scale = match ui.staged.as_ref().filter(|(name, _)| *name == row.name) {
        Some((_, to)) => cell(format!("{}>{to}", row.scale), Role::Strong),
        None => cell(format!("{}/{}", row.running, row.scale), Role::Text),
    };
    let next = match (row.next_ms, row.paused.is_some()) {
        (_, true) => cell("paused", Role::StatePaused),
        (Some(next_ms), _) => cell(near(ui, next_ms), Role::Text),
        (None, _) => cell(first_word(row), Role::Muted),
    };
    let last = row.last.as_ref().map_or_else(
        || cell("-", Role::Muted),
        |last| {
            let role = rows::run_role(last.state);
            let word = match last.state {
                RunState::Succeeded => "ok",
                RunState::Failed => "bad",
                RunState::TimedOut => "late",
                RunState::Killed => "kill",
                _ => "drop",
            };
            // A time of day, not an age, so that an idle screen stands still.
            cell(format!("{word} {}", near(ui, last.ended_ms)), role)
        },
    );
    let queued = if row.queued == 0 { Role::Muted } else { Role::StateQueued };
    let status = match (&row.error, &row.status_text) {
        (Some(error), _) => cell(text::line(error), Role::Danger),
        (None, Some(status)) => cell(text::line(status), Role::Text),
        (None, None) => cell(text::line(&row.triggers.join(", ")), Role::Muted),
    };
    vec![
        cell(text::line(&row.name), Role::Text),
        state(ui, role, word),
        scale,
        cell(row.queued.to_string(), queued),
        next,
        last,
        hour(ui, row),
        status,
    ]
}

/// Runs that ended in the last hour; where one failed, its sign.
fn hour(ui: &Ui, row: &AgentRow) -> Cell {
    let (bars, failed) = pictures::hour(ui, &row.name, 12);
    cell(bars, if failed { Role::StateFailed } else { Role::Text })
}

/// `webhook` for an agent without schedule that something else starts.
fn first_word(row: &AgentRow) -> String {
    let first = row.triggers.first().and_then(|trigger| trigger.split_whitespace().next());
    text::line(first.unwrap_or("-"))
}

fn run(ui: &Ui, row: &RunRow) -> Vec<Cell> {
    let word = if row.stopping && !row.state.ended() { "stopping" } else { row.state.word() };
    let time = match (row.started_ms, row.ended_ms) {
        (Some(started_ms), Some(ended_ms)) => clock::took(ended_ms - started_ms),
        (Some(started_ms), None) => clock::running(ui.now_ms - started_ms),
        (None, Some(_)) => "-".to_owned(),
        (None, None) => clock::ago(ui.now_ms - row.queued_ms),
    };
    let start = row.started_ms.map_or_else(|| "-".to_owned(), |at_ms| near(ui, at_ms));
    let load = ui.fleet.load(row);
    let cpu = load.and_then(|load| load.cpu_percent).map(|percent| format!("{percent}%"));
    let memory = load.map(|load| al_wire::size(load.memory_bytes));
    let micros = row.usage.as_ref().and_then(|usage| usage.cost_micros);
    let cost = micros.map(cost_words);
    let trigger = match row.rerun {
        Some(rerun) => format!("rerun {}/{}, {}", rerun.n, rerun.max, row.trigger),
        None => row.trigger.clone(),
    };
    vec![
        cell(text::line(&row.id), Role::Text),
        state(ui, rows::run_role(row.state), word),
        cell(time, Role::Text),
        known(cpu),
        known(memory),
        known(cost),
        cell(start, Role::Muted),
        cell(text::line(&trigger), Role::Text),
        cell(text::line(status(row)), Role::Muted),
    ]
}

/// `$1.90` of millionths of a dollar.
fn cost_words(micros: u64) -> String {
    let cents = micros.saturating_add(5_000) / 10_000;
    match micros {
        1..10_000 => format!("${}.{:04}", micros / 1_000_000, micros / 100),
        _ => format!("${}.{:02}", cents / 100, cents % 100),
    }
}

/// A measured value, or a dash where there is none.
fn known(value: Option<String>) -> Cell {
    value.map_or_else(|| cell("-", Role::Muted), |value| cell(value, Role::Text))
}

/// What a run says of itself, or what the scheduler says of it. How a run went wrong comes before
/// all that it said, and what it returned before what it was doing.
fn status(row: &RunRow) -> &str {
    let returned = row.return_value.as_deref().filter(|_| row.state.ended());
    let doing = row.status_text.as_deref();
    let wrong = row.state.ended() && row.state != RunState::Succeeded;
    let said = returned.or(doing).filter(|text| !wrong && !text.is_empty());
    said.unwrap_or(&row.why)
}

fn queued(ui: &Ui, row: &RunRow) -> Vec<Cell> {
    vec![
        cell(text::line(&row.agent), Role::Text),
        cell(text::line(&row.id), Role::Muted),
        cell(clock::ago(ui.now_ms - row.queued_ms), Role::Text),
        cell(text::line(&row.trigger), Role::Text),
        cell(text::line(&row.why), Role::Muted),
    ]
}

fn need(ui: &Ui, row: &Need) -> Vec<Cell> {
    vec![
        // A time of day, not an age, so that an idle screen stands still.
        cell(near(ui, row.since_ms), Role::Text),
        state(ui, rows::need_role(row.kind), row.kind.word()),
        cell(text::line(&row.text), Role::Text),
        cell(text::line(row.hint.as_deref().unwrap_or_default()), Role::Muted),
    ]
}

fn trigger(ui: &Ui, row: &TriggerRow) -> Vec<Cell> {
    let offset_s = (ui.setup.zone_offset)(row.at_ms);
    let time = match (ui.now_ms - row.at_ms).abs() < clock::DAY_MS {
        true => clock::seconds(row.at_ms, offset_s),
        false => near(ui, row.at_ms),
    };
    let outcome = rows::outcome(&ui.fleet, row);
    let role = rows::outcome_role(outcome);
    vec![
        cell(time, Role::Muted),
        cell(text::line(&row.source), Role::Text),
        cell(text::line(&row.summary), Role::Text),
        state(ui, role, outcome.word()),
        cell(text::line(&row.why), Role::Muted),
    ]
}
