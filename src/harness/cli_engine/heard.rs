//! What another engine says, in our words.

use serde_json::Value;

use crate::llm::{Auth, ModelSpec, Price, Stop, Usage};

/// One thing that was said.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    Thinking(String),
    Text(String),
    ToolStart {
        call: String,
        tool: String,
        input: String,
        /// The command, when the tool is a shell.
        cmd: Option<String>,
    },
    ToolEnd {
        call: String,
        exit: Option<i32>,
        is_error: bool,
        result: String,
    },
    /// A reply is complete; the texts and calls before it were its parts.
    Turn {
        usage: Usage,
        stop: Option<Stop>,
    },
    /// What everything cost so far, as the engine itself counts: truer than the sum of its turns.
    Sum {
        usage: Usage,
        cost_micros: Option<u64>,
    },
    /// The work is done, and this came of it.
    Done(String),
    /// The work ended without a result.
    Failed(Failed),
    /// Worth a warning, and the work goes on.
    Notice(String),
}

/// Why it did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub kind: Kind,
    /// The engine's own words.
    pub message: String,
}

/// Kinds of failures, by what is to be done about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Not signed in, or not allowed.
    Auth,
    /// Too many requests, or nothing left of a quota.
    Limited,
    /// The provider is overloaded, broken or out of reach.
    Unavailable,
    /// The most turns it may take.
    Turns,
    Other,
}

impl Kind {
    /// By the status of the provider's answer.
    pub fn of_status(status: u64) -> Self {
        match status {
            401..=403 => Self::Auth,
            429 => Self::Limited,
            500..=599 => Self::Unavailable,
            _ => Self::Other,
        }
    }
}

/// Whom the engine asks, for records and prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The project's name of the model.
    pub model: String,
    pub provider: String,
    /// In whole millionths, because equality is asked of it.
    price: Option<[u64; 4]>,
}

impl Named {
    /// As the project has it; without a model in the project, the engine chooses.
    pub fn of(spec: Option<&ModelSpec>, engine: &str, provider: &str) -> Self {
        let micros = |dollars: f64| (dollars * 1e6).round().max(0.0) as u64;
        Self {
            model: spec.map_or_else(|| engine.to_owned(), |spec| spec.name.clone()),
            provider: spec.map_or_else(|| provider.to_owned(), |spec| spec.provider.clone()),
            price: spec
                .and_then(|spec| spec.price)
                .map(|p| [p.input, p.output, p.cache_read, p.cache_write].map(micros)),
        }
    }

    /// What a usage costs; none when nobody said.
    pub fn cost_micros(&self, usage: Usage) -> Option<u64> {
        let [input, output, cache_read, cache_write] =
            self.price?.map(|micros| micros as f64 / 1e6);
        Some(Price { input, output, cache_read, cache_write }.cost_micros(usage))
    }
}

/// The first model that the engine can ask: one of `provider`, or one that stands elsewhere. None
/// when the project names no model at all, and the engine asks its own.
///
/// # Errors
/// When there are models and none of them fits.
pub fn choose<'a>(
    models: &'a [ModelSpec],
    engine: &str,
    provider: &str,
) -> Result<Option<&'a ModelSpec>, String> {
    let fits = |spec: &&ModelSpec| spec.provider == provider || spec.base_url.is_some();
    match models.iter().find(fits) {
        None if !models.is_empty() => {
            let names: Vec<_> =
                models.iter().map(|m| format!("{} ({})", m.name, m.provider)).collect();
            Err(format!(
                "the engine {engine} asks models of {provider} and this agent has {}: give it one, or a baseUrl that speaks like {provider}",
                names.join(", ")
            ))
        }
        found => Ok(found),
    }
}

/// The secret of a model.
pub fn secret(spec: &ModelSpec) -> Option<&str> {
    match &spec.auth {
        Auth::None => None,
        Auth::Key(key) | Auth::Bearer(key) => Some(key),
    }
}

/// A text at one of these places of a value.
pub fn text<'v>(value: &'v Value, pointers: &[&str]) -> Option<&'v str> {
    pointers.iter().find_map(|pointer| value.pointer(pointer).and_then(Value::as_str))
}

/// A count at one of these places.
pub fn count(value: &Value, pointers: &[&str]) -> Option<u64> {
    pointers.iter().find_map(|pointer| value.pointer(pointer).and_then(Value::as_u64))
}
