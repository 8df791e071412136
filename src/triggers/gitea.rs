//! Deliveries of Gitea, and of Forgejo, which began as Gitea. Both write what GitHub writes, but for
//! reviews and a few names.

use super::github::{self, Dialect};
use super::headers::Headers;
use super::provider::{DeliveryId, Handshake, Message, Provider};
use super::refusal::Refusal;
use super::signature::{Algorithm, Digits, Scheme, Signed};
use crate::ambient::Millis;
use crate::project::providers;

const EVENTS: &[&str] = &[
    "issues",
    "issue_comment",
    "pull_request",
    "pull_request_approved",
    "pull_request_rejected",
    "pull_request_comment",
    "push",
    "workflow_run",
];

pub(super) static GITEA: Provider = Provider {
    table: &providers::GITEA,
    signature: Some(scheme(&["x-gitea-signature"])),
    also: &[],
    delivery_id: DeliveryId::Header("x-gitea-delivery"),
    handshake: Handshake::Nothing,
    events: EVENTS,
    read: read_gitea,
};

/// Forgejo sends the headers of Gitea too, for receivers that know only these.
pub(super) static FORGEJO: Provider = Provider {
    table: &providers::FORGEJO,
    signature: Some(scheme(&["x-forgejo-signature", "x-gitea-signature"])),
    also: &[],
    delivery_id: DeliveryId::FirstOf(&["x-forgejo-delivery", "x-gitea-delivery"]),
    handshake: Handshake::Nothing,
    events: EVENTS,
    read: read_forgejo,
};

const fn scheme(headers: &'static [&'static str]) -> Scheme {
    Scheme {
        algorithm: Algorithm::HmacSha256,
        headers,
        prefix: "",
        digits: Digits::Hex,
        signed: Signed::Body,
    }
}

fn read_gitea(headers: &Headers<'_>, body: &str, now_ms: Millis) -> Result<Message, Refusal> {
    let dialect = Dialect { provider: &GITEA, event_headers: &["x-gitea-event"] };
    github::read_as(&dialect, headers, body, now_ms)
}

fn read_forgejo(headers: &Headers<'_>, body: &str, now_ms: Millis) -> Result<Message, Refusal> {
    let event_headers = &["x-forgejo-event", "x-gitea-event"];
    github::read_as(&Dialect { provider: &FORGEJO, event_headers }, headers, body, now_ms)
}
