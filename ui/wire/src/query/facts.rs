//! The facts of rows, by the names of their keys.

use super::{Key, Op, Value, plain};
use crate::{AgentRow, Need, Outcome, Priority, RunRow, RunState, TriggerRow};
use std::borrow::Cow;

/// A row that a filter looks at.
#[derive(Debug, Clone, Copy)]
pub enum Line<'r> {
    Agent(&'r AgentRow),
    Run(&'r RunRow),
    /// A firing, with what came of it as its runs are now.
    Trigger(&'r TriggerRow, Outcome),
    Need(&'r Need),
}

enum Fact<'r> {
    Word(Cow<'r, str>),
    Words(Vec<&'r str>),
    Number(i64),
    None,
}

pub fn holds(line: &Line<'_>, key: &Key, op: Op, value: &Value, now_ms: i64) -> bool {
    match (fact(line, key.name, now_ms), value) {
        (Fact::Number(fact), Value::Number(wanted)) => match op {
            Op::Is => fact == *wanted,
            Op::IsNot => fact != *wanted,
            Op::Less => fact < *wanted,
            Op::AtMost => fact <= *wanted,
            Op::More => fact > *wanted,
            Op::AtLeast => fact >= *wanted,
            Op::Has => false,
        },
        (Fact::Word(fact), Value::Words(wanted)) => compare(&[&fact], op, wanted),
        (Fact::Words(facts), Value::Words(wanted)) => compare(&facts, op, wanted),
        // What is not known is nothing, and so is not what it is compared with.
        _ => op == Op::IsNot,
    }
}

fn compare(facts: &[&str], op: Op, wanted: &[String]) -> bool {
    let any = |test: fn(&str, &str) -> bool| {
        facts.iter().map(|fact| plain(fact)).any(|fact| wanted.iter().any(|w| test(&fact, w)))
    };
    match op {
        Op::Is => any(|fact, wanted| fact == wanted),
        Op::IsNot => !any(|fact, wanted| fact == wanted),
        Op::Has => any(|fact, wanted| fact.contains(wanted)),
        Op::Less | Op::AtMost | Op::More | Op::AtLeast => false,
    }
}

fn word(text: &str) -> Fact<'_> {
    Fact::Word(Cow::Borrowed(text))
}

fn maybe(text: Option<&str>) -> Fact<'_> {
    text.map_or(Fact::None, word)
}

fn number(n: impl TryInto<i64>) -> Fact<'static> {
    Fact::Number(n.try_into().unwrap_or(i64::MAX))
}

fn fact<'r>(line: &Line<'r>, name: &str, now_ms: i64) -> Fact<'r> {
    match line {
        Line::Agent(row) => of_agent(row, name),
        Line::Run(row) => of_run(row, name, now_ms),
        Line::Trigger(row, outcome) => of_trigger(row, *outcome, name, now_ms),
        Line::Need(row) => match name {
            "agent" => maybe(row.agent.as_deref()),
            "kind" => word(row.kind.word()),
            "age" => Fact::Number(now_ms - row.since_ms),
            _ => Fact::None,
        },
    }
}

fn of_agent<'r>(row: &'r AgentRow, name: &str) -> Fact<'r> {
    match name {
        "agent" => word(&row.name),
        "state" => word(row.state_word()),
        "running" => number(row.running),
        "queued" => number(row.queued),
        "scale" => number(row.scale),
        "last" => maybe(row.last.as_ref().map(|last| last.state.word())),
        "engine" => word(&row.engine),
        "runtime" => word(&row.runtime),
        _ => Fact::None,
    }
}

fn of_run<'r>(row: &'r RunRow, name: &str, now_ms: i64) -> Fact<'r> {
    let usage = row.usage.as_ref();
    match name {
        "agent" => word(&row.agent),
        "state" => word(row.state.word()),
        "age" => Fact::Number(now_ms - row.queued_ms),
        "dur" => row.started_ms.map_or(Fact::None, |started_ms| {
            Fact::Number(row.ended_ms.unwrap_or(now_ms) - started_ms)
        }),
        "cost" => usage.and_then(|usage| usage.cost_micros).map_or(Fact::None, number),
        "tokens" => usage.map_or(Fact::None, |usage| {
            let parts = [
                usage.input_tokens,
                usage.output_tokens,
                usage.cache_read_tokens,
                usage.cache_write_tokens,
            ];
            number(parts.into_iter().fold(0, u64::saturating_add))
        }),
        "turns" => usage.map_or(Fact::None, |usage| number(usage.turns)),
        "attempt" => number(row.attempt),
        "exit" => row.exit_code.map_or(Fact::None, number),
        "source" => maybe(row.trigger.split_whitespace().next()),
        "trigger" => word(&row.trigger),
        "why" => word(&row.why),
        "run" => word(&row.id),
        "caller" => maybe(row.caller.as_deref()),
        "lane" => maybe(row.lane.as_deref()),
        "priority" => match row.priority {
            Priority::Normal => word("normal"),
            other => maybe(other.word()),
        },
        _ => Fact::None,
    }
}

fn of_trigger<'r>(row: &'r TriggerRow, outcome: Outcome, name: &str, now_ms: i64) -> Fact<'r> {
    match name {
        "agent" => Fact::Words(agents(row).collect()),
        "outcome" => word(outcome.word()),
        "age" => Fact::Number(now_ms - row.last_ms.unwrap_or(row.at_ms)),
        "source" => word(&row.source),
        "what" => word(&row.summary),
        "why" => match &row.dead {
            Some(dead) => Fact::Words(vec![dead, &row.why]),
            None => word(&row.why),
        },
        "run" => Fact::Words(row.runs.iter().map(String::as_str).collect()),
        "times" => number(row.times),
        _ => Fact::None,
    }
}

/// The agents of a firing's runs, which are the first part of a run's id.
fn agents(row: &TriggerRow) -> impl Iterator<Item = &str> {
    row.runs.iter().filter_map(|run| run.rsplit_once('-')).map(|(agent, _)| agent)
}

impl Line<'_> {
    /// Everything the row says, for words.
    pub fn text(&self) -> String {
        match self {
            Self::Agent(row) => said(&[
                Some(&row.name),
                Some(row.state_word()),
                row.status_text.as_deref(),
                row.description.as_deref(),
                row.error.as_deref(),
                Some(&row.triggers.join(" ")),
            ]),
            Self::Run(row) => said(&[
                Some(&row.id),
                Some(row.state.word()),
                Some(&row.trigger),
                Some(&row.why),
                row.status_text.as_deref(),
                row.return_value.as_deref().filter(|_| row.state == RunState::Succeeded),
            ]),
            Self::Trigger(row, outcome) => said(&[
                Some(&row.id),
                Some(&row.source),
                Some(&row.summary),
                Some(outcome.word()),
                Some(&row.why),
                row.dead.as_deref(),
                row.dead.is_some().then_some("dead letter"),
                row.by.as_deref(),
                row.replay_of.as_deref(),
                Some(&row.runs.join(" ")),
            ]),
            Self::Need(row) => said(&[Some(&row.text), Some(row.kind.word()), row.hint.as_deref()]),
        }
    }
}

fn said(parts: &[Option<&str>]) -> String {
    parts.iter().flatten().copied().collect::<Vec<_>>().join(" ")
}
