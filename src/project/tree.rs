//! TOML as a tree in which every key and value remembers its file and place, so that layers can be
//! merged and a problem still points at the line that somebody wrote.

use std::sync::Arc;

use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

use super::problem::Problem;
use super::source::{At, Source};
use crate::duration;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Node {
    pub value: Tree,
    pub at: At,
}

#[derive(Debug, Clone)]
pub enum Tree {
    Text(String),
    Int(i128),
    Float(f64),
    Bool(bool),
    Time(String),
    List(Vec<Node>),
    Table(Table),
    /// Something of the wrong type, which was reported: present, but without a value.
    Bad,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub key: String,
    pub key_at: At,
    pub node: Node,
}

/// Keys in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Table {
    pub entries: Vec<Entry>,
}

/// Reads TOML. The parser bounds how deep tables nest, so walking them recursively is safe.
///
/// # Errors
/// The first mistake in its syntax.
pub fn parse(source: &Arc<Source>) -> Result<Table, Problem> {
    match DeTable::parse(&source.text) {
        Ok(table) => Ok(convert_table(table.get_ref(), source)),
        Err(e) => {
            let end = source.text.len();
            let span = e.span().unwrap_or(end..end);
            let at = At { source: source.clone(), span };
            let message = e.message().lines().collect::<Vec<_>>().join(", ");
            Err(Problem::error_at(&at, format!("not valid TOML: {message}")).code("toml_bad"))
        }
    }
}

fn convert_table(table: &DeTable<'_>, source: &Arc<Source>) -> Table {
    let entries = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_at: At { source: source.clone(), span: key.span() },
            node: Node {
                value: convert(value.get_ref(), source),
                at: At { source: source.clone(), span: value.span() },
            },
        })
        .collect();
    Table { entries }
}

fn convert(value: &DeValue<'_>, source: &Arc<Source>) -> Tree {
    match value {
        DeValue::String(s) => Tree::Text(s.to_string()),
        DeValue::Integer(n) => {
            Tree::Int(i128::from_str_radix(n.as_str(), n.radix()).unwrap_or(i128::MAX))
        }
        DeValue::Float(n) => Tree::Float(n.as_str().parse().unwrap_or(f64::INFINITY)),
        DeValue::Boolean(b) => Tree::Bool(*b),
        DeValue::Datetime(t) => Tree::Time(t.to_string()),
        DeValue::Array(list) => Tree::List(
            list.iter()
                .map(|v| Node {
                    value: convert(v.get_ref(), source),
                    at: At { source: source.clone(), span: v.span() },
                })
                .collect(),
        ),
        DeValue::Table(table) => Tree::Table(convert_table(table, source)),
    }
}

impl Tree {
    /// What it is, with its article.
    pub fn found(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Bool(_) => "a boolean",
            Self::Time(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Bad => "something else",
        }
    }

    /// A number; `nan` when it is none.
    pub fn number(&self) -> f64 {
        match self {
            Self::Int(n) => *n as f64,
            Self::Float(n) => *n,
            _ => f64::NAN,
        }
    }

    /// An amount of US dollars, written as a number or like `"$2.50"`, in millionths; none when it is
    /// no such amount, or not above 0, or more than a million.
    #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation)]
    pub fn micros(&self) -> Option<u64> {
        let dollars = match self {
            Self::Text(text) => {
                let digits = text.trim().strip_prefix('$').unwrap_or(text.trim());
                digits.trim().parse().ok()?
            }
            other => other.number(),
        };
        let micros = (dollars * 1e6).round();
        (1.0..=1e12).contains(&micros).then_some(micros as u64)
    }

    /// As JSON; what JSON cannot say (`nan`, `inf`) is null, dates are strings.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Text(s) | Self::Time(s) => Value::String(s.clone()),
            Self::Int(n) => match (i64::try_from(*n), u64::try_from(*n)) {
                (Ok(n), _) => n.into(),
                (_, Ok(n)) => n.into(),
                _ => number(*n as f64),
            },
            Self::Float(n) => number(*n),
            Self::Bool(b) => Value::Bool(*b),
            Self::List(list) => list.iter().map(|n| n.value.to_json()).collect(),
            Self::Table(table) => Value::Object(table.to_json()),
            Self::Bad => Value::Null,
        }
    }
}

fn number(n: f64) -> Value {
    Number::from_f64(n).map_or(Value::Null, Value::Number)
}

impl Table {
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.key == key)
    }

    pub fn node(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|e| &e.node)
    }

    /// Whether the key is there with something of the wrong type.
    pub fn is_bad(&self, key: &str) -> bool {
        self.node(key).is_some_and(|n| matches!(n.value, Tree::Bad))
    }

    pub fn take(&mut self, key: &str) -> Option<Node> {
        let i = self.entries.iter().position(|e| e.key == key)?;
        Some(self.entries.remove(i).node)
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.node(key)?.value {
            Tree::Text(s) => Some(s),
            _ => None,
        }
    }

    pub fn int<N: TryFrom<i128>>(&self, key: &str) -> Option<N> {
        match self.node(key)?.value {
            Tree::Int(n) => N::try_from(n).ok(),
            _ => None,
        }
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        Some(self.node(key)?.value.number()).filter(|n| !n.is_nan())
    }

    /// An amount of US dollars, in millionths.
    pub fn micros(&self, key: &str) -> Option<u64> {
        self.node(key)?.value.micros()
    }

    pub fn bool(&self, key: &str) -> Option<bool> {
        match self.node(key)?.value {
            Tree::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// A span of time, in milliseconds.
    pub fn span_ms(&self, key: &str) -> Option<u64> {
        duration::parse_ms(self.text(key)?).ok()?.try_into().ok()
    }

    pub fn list(&self, key: &str) -> &[Node] {
        match self.node(key).map(|n| &n.value) {
            Some(Tree::List(list)) => list,
            _ => &[],
        }
    }

    pub fn texts(&self, key: &str) -> Vec<String> {
        texts(self.list(key))
    }

    pub fn table(&self, key: &str) -> Option<&Table> {
        match &self.node(key)?.value {
            Tree::Table(table) => Some(table),
            _ => None,
        }
    }

    pub fn to_json(&self) -> Map<String, Value> {
        self.entries.iter().map(|e| (e.key.clone(), e.node.value.to_json())).collect()
    }

    /// Lays a later layer over this one: tables merge, everything else is replaced.
    pub fn merge(&mut self, later: Table) {
        for entry in later.entries {
            match self.entries.iter_mut().find(|e| e.key == entry.key) {
                None => self.entries.push(entry),
                Some(mine) => match (&mut mine.node.value, entry.node.value) {
                    (Tree::Table(mine), Tree::Table(theirs)) => mine.merge(theirs),
                    (_, value) => {
                        *mine = Entry {
                            node: Node { value, at: entry.node.at },
                            key: entry.key,
                            key_at: entry.key_at,
                        }
                    }
                },
            }
        }
    }
}

/// The strings of a list.
pub fn texts(list: &[Node]) -> Vec<String> {
    list.iter()
        .filter_map(|n| match &n.value {
            Tree::Text(s) => Some(s.clone()),
            _ => None,
        })
        .collect()
}
