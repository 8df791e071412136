//! An answer that is no reply.

use serde_json::Value;

use crate::{Reply, Trouble};

/// What a provider says instead of a reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub status: u16,
    pub body: Value,
    pub retry_after_s: Option<u32>,
}

/// What is to be refused, told to the wire that finds the words.
#[derive(Debug, Clone, PartialEq)]
pub struct Complaint {
    pub trouble: Trouble,
    /// What the provider says in detail; none is what it says in general.
    pub message: Option<String>,
    /// The field that is wrong.
    pub param: Option<String>,
    /// A name of the provider for this mistake.
    pub code: Option<&'static str>,
    pub retry_after_s: Option<u32>,
}

impl Complaint {
    /// A request that is wrong, 400.
    pub fn wrong(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::of(Trouble::Status(400)) }
    }

    pub fn of(trouble: Trouble) -> Self {
        Self { trouble, message: None, param: None, code: None, retry_after_s: None }
    }

    pub fn at(mut self, param: impl Into<String>, code: &'static str) -> Self {
        (self.param, self.code) = (Some(param.into()), Some(code));
        self
    }

    /// What a script refuses with.
    pub fn scripted(reply: &Reply) -> Option<Self> {
        let retry_after_s = reply.retry_after_s;
        reply.trouble.map(|trouble| Self { retry_after_s, ..Self::of(trouble) })
    }

    /// The detailed message, else this one.
    pub fn or(&self, general: &str) -> String {
        self.message.clone().unwrap_or_else(|| general.to_owned())
    }
}
