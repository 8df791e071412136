//! By what rows can be sorted: a value for each column of each table.

use crate::fleet::Fleet;
use crate::pane::Pane;
use crate::rows;
use al_wire::{AgentRow, RunRow};
use std::borrow::Cow;

/// What a cell is sorted by. What is not known stands last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value<'r> {
    Number(i64),
    Text(Cow<'r, str>),
    Unknown,
}

/// The value of a row in the column with this title. Numbers are such that the most wanted comes
/// first: the newest, the longest, the dearest.
pub fn value<'r>(
    fleet: &'r Fleet,
    pane: Pane,
    index: usize,
    title: &str,
    now_ms: i64,
) -> Value<'r> {
    let found = match pane {
        Pane::Agents => fleet.agents.get(index).map(|row| of_agent(row, title)),
        Pane::Runs | Pane::Queues => {
            fleet.run_at(index).map(|row| of_run(fleet, row, title, now_ms))
        }
        Pane::Triggers => fleet.trigger_at(index).map(|row| match title {
            "TIME" => most(row.at_ms),
            "SOURCE" => text(&row.source),
            "WHAT" => text(&row.summary),
            "OUTCOME" => text(rows::outcome(fleet, row).word()),
            _ => text(&row.why),
        }),
        Pane::Alerts => fleet.needs.get(index).map(|row| match title {
            "SINCE" => Value::Number(row.since_ms),
            "KIND" => text(row.kind.word()),
            "WHAT" => text(&row.text),
            _ => maybe(row.hint.as_deref()),
        }),
        Pane::Logs | Pane::Stats | Pane::Timeline => None,
    };
    found.unwrap_or(Value::Unknown)
}

fn text(text: &str) -> Value<'_> {
    Value::Text(Cow::Borrowed(text))
}

fn maybe(found: Option<&str>) -> Value<'_> {
    found.filter(|found| !found.is_empty()).map_or(Value::Unknown, text)
}

/// The largest first.
fn most(n: impl TryInto<i64>) -> Value<'static> {
    Value::Number(n.try_into().unwrap_or(i64::MAX).saturating_neg())
}

fn of_agent<'r>(row: &'r AgentRow, title: &str) -> Value<'r> {
    match title {
        "AGENT" => text(&row.name),
        "STATE" => text(row.state_word()),
        "RUN" => most(row.running),
        "Q" => most(row.queued),
        "NEXT" => row.next_ms.map_or(Value::Unknown, Value::Number),
        "LAST" => row.last.as_ref().map_or(Value::Unknown, |last| most(last.ended_ms)),
        _ => maybe(row.status_text.as_deref()),
    }
}

fn of_run<'r>(fleet: &'r Fleet, row: &'r RunRow, title: &str, now_ms: i64) -> Value<'r> {
    let load = || fleet.load(row);
    let usage = row.usage.as_ref();
    match title {
        "RUN" => text(&row.id),
        "AGENT" => text(&row.agent),
        "STATE" => text(row.state.word()),
        "TIME" => row
            .started_ms
            .map_or(Value::Unknown, |started_ms| most(row.ended_ms.unwrap_or(now_ms) - started_ms)),
        "CPU" => load().and_then(|load| load.cpu_percent).map_or(Value::Unknown, most),
        "MEM" => load().map_or(Value::Unknown, |load| most(load.memory_bytes)),
        "START" => row.started_ms.map_or(Value::Unknown, most),
        "AGE" => Value::Number(row.queued_ms),
        "COST" => usage.and_then(|usage| usage.cost_micros).map_or(Value::Unknown, most),
        "TRIGGER" => text(&row.trigger),
        "WHY" => text(&row.why),
        _ => maybe(row.status_text.as_deref()),
    }
}
