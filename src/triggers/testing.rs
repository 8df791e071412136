//! Deliveries of the type `test`: a context as it is, from anybody, for trying bindings.

use serde::Deserialize;

use super::context::{Context, timestamp};
use super::headers::Headers;
use super::lenient::{List, Node, Number, Text};
use super::provider::{DeliveryId, Event, Handshake, Message, Provider};
use super::refusal::Refusal;
use crate::ambient::Millis;
use crate::project::providers;

pub(super) static PROVIDER: Provider = Provider {
    table: &providers::TEST,
    signature: None,
    also: &[],
    delivery_id: DeliveryId::Nowhere,
    handshake: Handshake::Nothing,
    events: &[],
    read,
};

/// The fields of a [`Context`].
#[derive(Deserialize, Default)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    source: Text<'a>,
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(borrow)]
    repo: Text<'a>,
    number: Number,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    body: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    author: Text<'a>,
    #[serde(borrow)]
    assignee: Text<'a>,
    #[serde(borrow)]
    labels: List<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    branch: Text<'a>,
    #[serde(borrow)]
    conclusion: Text<'a>,
    #[serde(borrow)]
    comment: Text<'a>,
    #[serde(borrow)]
    sender: Text<'a>,
    #[serde(borrow)]
    timestamp: Text<'a>,
}

fn read(_: &Headers<'_>, body: &str, now_ms: Millis) -> Result<Message, Refusal> {
    let body: Node<Body<'_>> = serde_json::from_str(body).map_err(|_| Refusal::InvalidJson)?;
    let empty = Body::default();
    let context = context(body.get().unwrap_or(&empty), now_ms);
    Ok(PROVIDER.event(Event { context: Some(context), ..Event::default() }))
}

fn context(body: &Body<'_>, now_ms: Millis) -> Context {
    let or_test = |text: &Text<'_>| text.owned().unwrap_or_else(|| PROVIDER.kind().to_owned());
    let labels = body.labels.0.as_ref();
    Context {
        source: or_test(&body.source),
        event: or_test(&body.event),
        action: body.action.owned(),
        repo: body.repo.owned().unwrap_or_default(),
        number: body.number.0,
        title: body.title.owned(),
        body: body.body.cut(),
        url: body.url.owned(),
        author: body.author.owned(),
        assignee: body.assignee.owned(),
        labels: labels
            .map(|labels| labels.iter().map(|label| label.clone().into_owned()).collect()),
        branch: body.branch.owned(),
        conclusion: body.conclusion.owned(),
        comment: body.comment.cut(),
        sender: or_test(&body.sender),
        timestamp: body.timestamp.owned().unwrap_or_else(|| timestamp(now_ms)),
        receipt_id: None,
    }
}
