//! Which deliveries a binding wants.
//!
//! The names come from the provider's table in `project::providers`; what each is compared with is
//! said here, for all of them, so that no name can be accepted and then not looked at.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::explain::Verdict;
use crate::project::providers::{Field, Provider};

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
    /// What a field is compared with.
    pub const fn of(field: Field) -> Self {
        match field {
            Field::Events | Field::Resources => Self::Holds(|c| Some(&c.event)),
            Field::Actions => Self::Holds(|c| c.action.as_deref()),
            // What stands in place of a repository where there is none.
            Field::Repos
            | Field::Organizations
            | Field::Projects
            | Field::Guilds
            | Field::TeamIds
            | Field::Users => Self::Holds(|c| Some(&c.repo)),
            Field::Orgs => Self::Holds(|c| c.repo.split('/').next()),
            Field::Labels => Self::Overlaps(|c| c.labels.as_deref().unwrap_or_default()),
            Field::Assignee => Self::Holds(|c| c.assignee.as_deref()),
            Field::Author => Self::Holds(|c| c.author.as_deref()),
            Field::Branches => Self::HoldsIfPresent(|c| c.branch.as_deref()),
            Field::Conclusions => Self::HoldsIfPresent(|c| c.conclusion.as_deref()),
            Field::DiscordChannels => {
                Self::HoldsIfPresent(|c| c.branch.as_deref().filter(|id| !id.is_empty()))
            }
            Field::Commands => Self::HoldsIfPresent(command),
            Field::SlackChannels => {
                Self::Holds(|c| c.comment.as_deref().and_then(|c| c.strip_prefix("channel:")))
            }
        }
    }

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

/// The name of the command; a button or a form is none.
fn command(context: &Context) -> Option<&str> {
    let is_command = matches!(context.event.as_str(), "application_command" | "autocomplete");
    is_command.then(|| context.title.as_deref().unwrap_or_default())
}

/// The conditions of one binding; all must hold.
#[derive(Debug, Clone)]
pub(super) struct Filter(Vec<(Field, Vec<String>)>);

impl Filter {
    /// Empty lists impose nothing.
    ///
    /// # Errors
    /// The name of a field that the provider does not have.
    pub fn new(
        provider: &Provider,
        written: &BTreeMap<String, Vec<String>>,
    ) -> Result<Self, String> {
        if let Some(name) = written.keys().find(|name| provider.field(name).is_none()) {
            return Err(name.clone());
        }
        let conditions = provider.fields.iter().map(|&field| {
            let lists = written.iter().filter(|(name, _)| field.is_named(name));
            (field, lists.flat_map(|(_, list)| list.iter().cloned()).collect::<Vec<_>>())
        });
        Ok(Self(conditions.filter(|(_, wanted)| !wanted.is_empty()).collect()))
    }

    pub fn admits(&self, context: &Context) -> bool {
        self.0.iter().all(|(field, wanted)| Rule::of(*field).admits(context, wanted))
    }

    /// Each condition by itself, judged as [`Filter::admits`] does.
    pub fn verdicts(&self, context: &Context) -> Vec<Verdict> {
        let verdict = |(field, wanted): &(Field, Vec<String>)| Verdict {
            field: field.words().names.first().copied().unwrap_or_default().to_owned(),
            wanted: wanted.clone(),
            found: Rule::of(*field).found(context),
            passes: Rule::of(*field).admits(context, wanted),
        };
        self.0.iter().map(verdict).collect()
    }
}
