//! Waiting: what a run asked to be woken for, and what wakes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::{Millis, Trigger, TriggerKind};

/// A run's request to stand still until something happens. It outlives the scheduler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Sorts by the time it was made: who asked first is woken first.
    pub id: String,
    pub run: String,
    pub attempt: u32,
    pub what: WaitFor,
    pub since: Millis,
    pub until: Millis,
    /// What it waited for came; the run goes on as soon as it gets a slot.
    pub over: bool,
}

/// What ends a wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum WaitFor {
    /// A delivery that the agent would take.
    Webhook {
        /// The provider.
        source: Option<String>,
        event: Option<String>,
        /// What has to stand in the payload, by dotted path.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        matches: BTreeMap<String, String>,
    },
    /// A call by another agent.
    Call {
        from: Option<String>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        matches: BTreeMap<String, String>,
    },
    /// What a person says.
    Answer {
        question: String,
        /// One of these, when there are any.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        choices: Vec<String>,
    },
    /// One of the slots of a model.
    Slot { model: String },
}

/// The longest wait for a slot of a model. It may ask again.
pub const SLOT_WAIT_MS: Millis = 86_400_000;

impl WaitFor {
    /// Whether this firing, with this payload, is what is waited for. `caller` is the agent behind a
    /// call.
    pub fn is_met_by(&self, trigger: &Trigger, caller: Option<&str>, payload: &Value) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_ref().is_none_or(|wanted| Some(wanted.as_str()) == found)
        };
        let all = |matches: &BTreeMap<String, String>| {
            matches.iter().all(|(path, text)| at(payload, path).as_ref() == Some(text))
        };
        match self {
            Self::Webhook { source, event, matches } => {
                trigger.kind == TriggerKind::Webhook
                    && same(source, Some(&trigger.source))
                    && same(event, payload.get("event").and_then(Value::as_str))
                    && all(matches)
            }
            Self::Call { from, matches } => {
                trigger.kind == TriggerKind::Call && same(from, caller) && all(matches)
            }
            Self::Answer { .. } | Self::Slot { .. } => false,
        }
    }
}

/// The value at a dotted path, as text.
fn at(payload: &Value, path: &str) -> Option<String> {
    let value = path.split('.').try_fold(payload, |value, step| match value {
        Value::Object(fields) => fields.get(step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })?;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Null => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}
