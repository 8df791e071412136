//! Which deliveries a binding wants.
//!
//! Each provider has one table of fields. Matching and the list of accepted names both read it, so that
//! no name can be accepted and then not looked at.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::explain::Verdict;

/// A field of `[[webhooks]]` in an agent's configuration.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    /// Other spellings of the same field; what both list is united.
    pub aliases: &'static [&'static str],
    pub rule: Rule,
}

/// How a list is compared with an event: exactly and case-sensitively.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// The event must have the value and the list hold it.
    Holds(fn(&Context) -> Option<&str>),
    /// The same, but events without the value pass.
    HoldsIfPresent(fn(&Context) -> Option<&str>),
    /// The event has at least one of the listed values.
    Overlaps(fn(&Context) -> &[String]),
}

impl Rule {
    fn admits(self, context: &Context, wanted: &[String]) -> bool {
        let wants = |value: &str| wanted.iter().any(|w| w == value);
        match self {
            Self::Holds(value) => value(context).is_some_and(wants),
            Self::HoldsIfPresent(value) => value(context).is_none_or(wants),
            Self::Overlaps(values) => values(context).iter().any(|v| wants(v)),
        }
    }

    fn found(self, context: &Context) -> Found {
        match self {
            Self::Holds(value) | Self::HoldsIfPresent(value) => {
                value(context).map_or(Found::Nothing(()), |value| Found::One(value.to_owned()))
            }
            Self::Overlaps(values) => Found::Many(values(context).to_owned()),
        }
    }
}

/// What an event has where a condition looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Found {
    /// Written as null.
    Nothing(()),
    One(String),
    Many(Vec<String>),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing(()) => f.write_str("nothing"),
            Self::One(value) => f.write_str(value),
            Self::Many(values) if values.is_empty() => f.write_str("nothing"),
            Self::Many(values) => f.write_str(&values.join(", ")),
        }
    }
}

impl Field {
    fn is_named(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

/// The names that a provider's bindings may use, besides `source`.
pub fn names(fields: &'static [Field]) -> impl Iterator<Item = &'static str> {
    fields.iter().flat_map(|field| std::iter::once(field.name).chain(field.aliases.iter().copied()))
}

/// The conditions of one binding; all must hold.
#[derive(Debug, Clone)]
pub(super) struct Filter(Vec<(&'static Field, Vec<String>)>);

impl Filter {
    /// Empty lists impose nothing.
    ///
    /// # Errors
    /// The name of a field that the provider does not have.
    pub fn new(
        fields: &'static [Field],
        written: &BTreeMap<String, Vec<String>>,
    ) -> Result<Self, String> {
        if let Some(name) = written.keys().find(|n| !fields.iter().any(|f| f.is_named(n))) {
            return Err(name.clone());
        }
        let conditions = fields.iter().map(|field| {
            let lists = written.iter().filter(|(name, _)| field.is_named(name));
            (field, lists.flat_map(|(_, list)| list.iter().cloned()).collect::<Vec<_>>())
        });
        Ok(Self(conditions.filter(|(_, wanted)| !wanted.is_empty()).collect()))
    }

    pub fn admits(&self, context: &Context) -> bool {
        self.0.iter().all(|(field, wanted)| field.rule.admits(context, wanted))
    }

    /// Each condition by itself, judged as [`Filter::admits`] does.
    pub fn verdicts(&self, context: &Context) -> Vec<Verdict> {
        let verdict = |(field, wanted): &(&'static Field, Vec<String>)| Verdict {
            field: field.name.to_owned(),
            wanted: wanted.clone(),
            found: field.rule.found(context),
            passes: field.rule.admits(context, wanted),
        };
        self.0.iter().map(verdict).collect()
    }
}
