//! Deliveries of Slack's Events API.

use serde::Deserialize;

use super::context::{Context, timestamp};
use super::headers::Headers;
use super::lenient::{Node, Text};
use super::provider::{DeliveryId, Event, Handshake, Message, Provider};
use super::refusal::Refusal;
use super::signature::{Algorithm, Digits, Scheme, Signed};
use crate::ambient::Millis;
use crate::project::providers;

pub(super) static PROVIDER: Provider = Provider {
    table: &providers::SLACK,
    signature: Some(Scheme {
        algorithm: Algorithm::HmacSha256,
        headers: &["x-slack-signature"],
        prefix: "v0=",
        digits: Digits::Hex,
        signed: Signed::Timestamped {
            header: "x-slack-request-timestamp",
            before: "v0:",
            after: ":",
            window_s: Some(300),
        },
    }),
    also: &[],
    delivery_id: DeliveryId::Body("event_id"),
    handshake: Handshake::UrlVerification,
    events: &["message", "app_mention", "reaction_added", "reaction_removed"],
    read,
};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    challenge: Text<'a>,
    #[serde(borrow)]
    event_id: Text<'a>,
    #[serde(borrow)]
    team_id: Text<'a>,
    #[serde(borrow)]
    event: Node<Inner<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Inner<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    user: Text<'a>,
    #[serde(borrow)]
    bot_id: Text<'a>,
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    channel: Text<'a>,
    #[serde(borrow)]
    reaction: Text<'a>,
    #[serde(borrow)]
    item: Node<Item<'a>>,
}

/// What a reaction belongs to.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    channel: Text<'a>,
}

fn read(_: &Headers<'_>, body: &str, now_ms: Millis) -> Result<Message, Refusal> {
    let body: Node<Body<'_>> = serde_json::from_str(body).map_err(|_| Refusal::InvalidJson)?;
    let Some(body) = body.get() else { return Ok(PROVIDER.nothing("")) };
    match body.kind.get().unwrap_or_default() {
        "url_verification" => {
            let challenge = body.challenge.get().unwrap_or_default();
            Ok(Message::Handshake(serde_json::json!({"challenge": challenge}).to_string()))
        }
        "event_callback" => {
            let context = context(body, now_ms);
            Ok(PROVIDER.event(Event { id: body.event_id.owned(), context, ..Event::default() }))
        }
        other => Ok(PROVIDER.nothing(other)),
    }
}

fn context(body: &Body<'_>, now_ms: Millis) -> Option<Context> {
    let event = body.event.get()?;
    let kind = event.kind.owned()?;
    let sender = event.user.owned().or_else(|| event.bot_id.owned());
    let base = Context {
        source: PROVIDER.kind().to_owned(),
        event: kind.clone(),
        repo: body.team_id.owned().unwrap_or_default(),
        sender: sender.unwrap_or_else(|| "unknown".to_owned()),
        timestamp: timestamp(now_ms),
        ..Context::default()
    };
    Some(match kind.as_str() {
        "message" | "app_mention" => Context {
            body: event.text.cut(),
            comment: event.channel.get().map(|id| format!("channel:{id}")),
            ..base
        },
        "reaction_added" | "reaction_removed" => Context {
            title: event.reaction.owned(),
            comment: event.item.get().and_then(reacted_to),
            ..base
        },
        _ => Context { title: Some(kind), body: event.text.cut(), ..base },
    })
}

/// `message:C024BE91L`
fn reacted_to(item: &Item<'_>) -> Option<String> {
    Some(format!("{}:{}", item.kind.get()?, item.channel.get()?))
}
