//! Deliveries of Mintlify: builds of documentation.

use chrono::DateTime;
use serde::Deserialize;

use super::context::{Context, cut, timestamp};
use super::headers::Headers;
use super::lenient::{Node, Text};
use super::provider::{DeliveryId, Event, Handshake, Message, Provider};
use super::refusal::Refusal;
use super::signature::{Algorithm, Digits, Scheme, Signed};
use crate::ambient::Millis;
use crate::project::providers;

pub(super) static PROVIDER: Provider = Provider {
    table: &providers::MINTLIFY,
    signature: Some(Scheme {
        algorithm: Algorithm::HmacSha256,
        headers: &["x-mintlify-signature", "mintlify-signature"],
        prefix: "",
        digits: Digits::Hex,
        signed: Signed::Body,
    }),
    also: &[],
    delivery_id: DeliveryId::Nowhere,
    handshake: Handshake::Nothing,
    events: &["build"],
    read,
};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    project: Text<'a>,
    #[serde(borrow)]
    organization: Text<'a>,
    #[serde(borrow)]
    user: Node<User<'a>>,
    #[serde(borrow)]
    timestamp: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    error: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    build_url: Text<'a>,
    #[serde(borrow)]
    logs_url: Text<'a>,
    #[serde(borrow)]
    branch: Text<'a>,
    #[serde(borrow)]
    git: Node<Git<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct User<'a> {
    #[serde(borrow)]
    email: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Git<'a> {
    #[serde(borrow)]
    branch: Text<'a>,
}

/// The first that is there and says something.
fn first(texts: &[&Text<'_>]) -> Option<String> {
    texts.iter().find_map(|text| text.get().filter(|t| !t.is_empty())).map(str::to_owned)
}

fn read(_: &Headers<'_>, body: &str, now_ms: Millis) -> Result<Message, Refusal> {
    let body: Node<Body<'_>> = serde_json::from_str(body).map_err(|_| Refusal::InvalidJson)?;
    let context = body.get().and_then(|body| context(body, now_ms));
    Ok(PROVIDER.event(Event { context, ..Event::default() }))
}

/// None without an action.
fn context(body: &Body<'_>, now_ms: Millis) -> Option<Context> {
    let action = first(&[&body.action, &body.status])?;
    let (user, git) = (body.user.get(), body.git.get());
    let sender = user.and_then(|user| first(&[&user.email, &user.name]));
    let branch = first(&[&body.branch]).or_else(|| git.and_then(|git| first(&[&git.branch])));
    let error = first(&[&body.error]);
    let conclusion = conclusion(&action);
    let text = match (conclusion, &error) {
        (Some("failure"), Some(error)) => Some(format!("Build failed: {error}")),
        _ => first(&[&body.message, &body.error, &body.description]),
    };
    Some(Context {
        source: PROVIDER.kind().to_owned(),
        event: first(&[&body.event]).unwrap_or_else(|| "build".to_owned()),
        repo: first(&[&body.project, &body.organization]).unwrap_or_else(|| "unknown".to_owned()),
        title: first(&[&body.title]).or_else(|| Some(format!("Build {action}"))),
        body: text.and_then(|text| cut(&text)),
        url: first(&[&body.url, &body.build_url, &body.logs_url]),
        branch: branch.or_else(|| Some("main".to_owned())),
        conclusion: conclusion.map(str::to_owned),
        sender: sender.unwrap_or_else(|| PROVIDER.kind().to_owned()),
        timestamp: time(body).unwrap_or_else(|| timestamp(now_ms)),
        action: Some(action),
        ..Context::default()
    })
}

fn conclusion(action: &str) -> Option<&'static str> {
    match action {
        "failed" | "failure" => Some("failure"),
        "succeeded" | "success" => Some("success"),
        _ => None,
    }
}

/// Theirs, as long as it is a time.
fn time(body: &Body<'_>) -> Option<String> {
    let time = DateTime::parse_from_rfc3339(body.timestamp.get()?).ok()?;
    Some(timestamp(time.timestamp_millis()))
}
