//! The providers whose deliveries are understood, one entry each.

use super::context::Context;
use super::filter::Field;
use super::github;
use super::headers::Headers;
use super::refusal::Refusal;
use super::signature::Scheme;
use crate::ambient::Millis;

/// All that is particular to one sender of webhooks.
#[derive(Debug)]
pub struct Provider {
    /// `type` of `[webhooks.<name>]` and the last part of the URL.
    pub kind: &'static str,
    pub signature: Scheme,
    /// Header with an id that stays the same when a delivery is repeated.
    pub delivery_id_header: &'static str,
    /// What bindings can filter by.
    pub fields: &'static [Field],
    /// Reads an authenticated body, after forms were unpacked.
    pub(super) read: fn(&Headers<'_>, &str, Millis) -> Result<Event, Refusal>,
}

/// What happened at the provider.
#[derive(Debug)]
pub(super) struct Event {
    /// `issues opened acme/api#12`
    pub summary: String,
    /// None for what no agent can want, such as a ping.
    pub context: Option<Context>,
}

pub static PROVIDERS: &[Provider] = &[github::PROVIDER];

/// The provider of that `type`.
pub fn find(kind: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.kind == kind)
}
