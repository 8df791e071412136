//! The types of credentials: their fields, the environment variables that hold them in a run, what
//! an agent is told of them, where a person gets one, and how it is checked.
//!
//! [`TYPES`] is the one list of those that come with `al`; a project adds its own as
//! `[credentials.<type>]`.

mod shape;
mod table;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

pub use shape::Shape;
pub use table::TYPES;

/// A type of credential.
#[derive(Debug, Clone, PartialEq)]
pub struct CredentialType {
    /// `github_token`, the first half of a reference.
    pub kind: Cow<'static, str>,
    /// What it is, in a few words.
    pub title: Cow<'static, str>,
    /// Where a person gets one; empty when there is nothing to say.
    pub from: &'static str,
    pub fields: Vec<Field>,
    pub owner: Owner,
    /// What an agent is told that lists it.
    pub note: Cow<'static, str>,
    /// What is asked of its maker to see that it holds.
    pub proofs: &'static [Proof],
}

/// Who a credential is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Runs of agents that list it.
    Run,
    /// Whoever asks models. A program without a model may do so itself; the commands of a model's
    /// agent are never given the key that pays for it.
    Models,
    /// The scheduler: what others are recognised by. No run is given it.
    Gateway,
}

/// One file of a credential.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: Cow<'static, str>,
    /// The environment variables that hold it.
    pub variables: Words,
    /// Where other programs keep it: read when a person says that it is in the environment, and
    /// never given to a run.
    pub elsewhere: &'static [&'static str],
    /// Whether it must not be seen; names and addresses may.
    pub is_secret: bool,
    /// Whether the credential is of use without it.
    pub optional: bool,
    /// A name of an earlier generation: read, and not asked for.
    pub is_old: bool,
    pub shape: Shape,
}

/// Some words.
#[derive(Debug, Clone)]
pub enum Words {
    Known(&'static [&'static str]),
    Own(Vec<String>),
}

impl Words {
    pub fn iter(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match self {
            Self::Known(words) => Box::new(words.iter().copied()),
            Self::Own(words) => Box::new(words.iter().map(String::as_str)),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl PartialEq for Words {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

/// One question to whoever made a credential, and what a good answer is. In texts, `{field}` stands
/// for the value of a field; a proof with a field that is not there is not asked.
#[derive(Debug, PartialEq)]
pub struct Proof {
    /// Where it is asked, without a slash at the end. `{field|default}` is the field, or this.
    pub base: &'static str,
    pub path: &'static str,
    pub headers: &'static [(&'static str, &'static str)],
    /// What is sent; none is a GET.
    pub body: Option<&'static str>,
    pub signed: Signed,
    pub good: Good,
    /// Further statuses than 401 and 403 that say no.
    pub refusals: &'static [u16],
    /// Where the answer says whose it is: a JSON pointer, or empty.
    pub whose: &'static str,
    /// Not asked of values that begin so.
    pub unless: &'static str,
}

/// What a request is signed with, besides its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    No,
    /// Basic authentication with these two fields.
    Basic(&'static str, &'static str),
    /// Signature version 4 of AWS.
    Aws,
}

/// When an answer with a good status says yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Good {
    /// Always.
    Status,
    /// When this is `true`, as JSON pointers name it; the reason is at the second.
    True(&'static str, &'static str),
    /// When this is that word.
    Is(&'static str, &'static str),
    /// When this is there, and not null.
    Has(&'static str),
}

/// The types that a project adds, by name.
pub type OwnTypes = BTreeMap<String, CredentialType>;

impl CredentialType {
    /// A type that nobody describes: of its fields nothing is known but their names, so all of them
    /// are secret.
    pub fn undescribed(kind: &str, fields: &BTreeSet<String>) -> Self {
        let field = |name: &String| Field {
            name: Cow::Owned(name.clone()),
            variables: Words::Known(&[]),
            elsewhere: &[],
            is_secret: true,
            optional: false,
            is_old: false,
            shape: Shape::Text,
        };
        Self {
            kind: Cow::Owned(kind.to_owned()),
            title: Cow::Borrowed("a type that nobody describes"),
            from: "",
            fields: fields.iter().map(field).collect(),
            owner: Owner::Run,
            note: Cow::Borrowed(""),
            proofs: &[],
        }
    }

    /// A field by its name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Fields that a person is asked for.
    pub fn asked(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !field.is_old)
    }

    /// Why values cannot be such a credential; none when they may be one.
    ///
    /// `value` yields that of a field.
    pub fn lack<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Option<String> {
        let is_there = |field: &&Field| value(&field.name).is_some_and(|value| !value.is_empty());
        let missing: Vec<&str> = self
            .fields
            .iter()
            .filter(|field| !field.optional && !is_there(field))
            .map(|field| &*field.name)
            .collect();
        if !missing.is_empty() {
            return Some(format!("it lacks {}", missing.join(", ")));
        }
        if !self.fields.iter().any(|field| is_there(&field)) {
            let names: Vec<&str> = self.asked().map(|field| &*field.name).collect();
            return Some(format!("it needs one of {}", names.join(", ")));
        }
        None
    }
}

/// A type by its name, of those that come with `al`.
pub fn credential_type(kind: &str) -> Option<&'static CredentialType> {
    TYPES.iter().find(|known| known.kind == kind)
}

/// Those that come with `al` and that runs may be given.
pub fn of_runs() -> impl Iterator<Item = &'static CredentialType> {
    TYPES.iter().filter(|known| known.owner == Owner::Run)
}

/// A type by its name. What comes with `al` cannot be replaced.
pub fn find<'t>(own: &'t OwnTypes, kind: &str) -> Option<&'t CredentialType> {
    credential_type(kind).or_else(|| own.get(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::providers::PROVIDERS;

    #[test]
    fn every_type_is_there_once_with_fields_and_variables_that_are_names() {
        let mut kinds = BTreeSet::new();
        for known in TYPES.iter() {
            assert!(kinds.insert(&*known.kind), "{}", known.kind);
            let names: BTreeSet<&str> = known.fields.iter().map(|field| &*field.name).collect();
            assert_eq!(names.len(), known.fields.len(), "{}", known.kind);
            assert_eq!(known.note.is_empty(), known.owner == Owner::Gateway, "{}", known.kind);
            assert!(!known.title.is_empty(), "{}", known.kind);
            for variable in known.fields.iter().flat_map(|field| field.variables.iter()) {
                let upper = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
                assert!(variable.bytes().all(upper), "{variable}");
                assert_eq!(known.owner, Owner::Run, "{variable} would be in a run");
            }
        }
    }

    #[test]
    fn what_senders_of_webhooks_sign_with_stays_with_the_gateway() {
        // A bot's own credential may serve both.
        for secret in PROVIDERS.iter().filter_map(|provider| provider.secret) {
            let known = credential_type(secret.credential).unwrap();
            assert!(known.field(secret.field).is_some(), "{}", secret.credential);
            assert!(
                known.owner == Owner::Gateway || known.field(secret.field).unwrap().optional,
                "{}",
                secret.credential
            );
        }
    }
}
