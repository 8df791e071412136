//! Deliveries of Linear.

use serde::Deserialize;

use super::context::{Context, timestamp};
use super::headers::Headers;
use super::lenient::{List, Node, Number, Object, Text};
use super::provider::{DeliveryId, Event, Handshake, Message, Provider};
use super::refusal::Refusal;
use super::signature::{Algorithm, Digits, Scheme, Signed};
use crate::ambient::Millis;
use crate::project::providers;

pub(super) static PROVIDER: Provider = Provider {
    table: &providers::LINEAR,
    signature: Some(Scheme {
        algorithm: Algorithm::HmacSha256,
        headers: &["linear-signature"],
        prefix: "",
        digits: Digits::Hex,
        signed: Signed::Body,
    }),
    also: &[],
    delivery_id: DeliveryId::Header("linear-delivery"),
    handshake: Handshake::Nothing,
    events: &["issues", "issue_comment"],
    read,
};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, rename = "organizationId")]
    organization_id: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow, rename = "createdBy")]
    created_by: Node<User<'a>>,
    #[serde(borrow, rename = "updatedBy")]
    updated_by: Node<User<'a>>,
    #[serde(borrow)]
    actor: Node<User<'a>>,
    #[serde(borrow)]
    data: Node<Data<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct User<'a> {
    #[serde(borrow)]
    email: Text<'a>,
}

/// An issue, a comment, or something else.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Data<'a> {
    number: Number,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    body: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    creator: Node<User<'a>>,
    #[serde(borrow)]
    assignee: Node<User<'a>>,
    #[serde(borrow)]
    labels: List<Object<Label<'a>>>,
    #[serde(borrow)]
    team: Node<Team<'a>>,
    #[serde(borrow, rename = "createdBy")]
    created_by: Node<User<'a>>,
    #[serde(borrow, rename = "updatedBy")]
    updated_by: Node<User<'a>>,
    #[serde(borrow)]
    issue: Node<Issue<'a>>,
}

/// What a comment belongs to.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Issue<'a> {
    number: Number,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    creator: Node<User<'a>>,
    #[serde(borrow)]
    labels: List<Object<Label<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Label<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Team<'a> {
    #[serde(borrow)]
    organization: Node<Organization<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Organization<'a> {
    #[serde(borrow)]
    id: Text<'a>,
}

fn email(user: &Node<User<'_>>) -> Option<String> {
    user.get().and_then(|user| user.email.owned())
}

fn names(labels: &List<Object<Label<'_>>>) -> Option<Vec<String>> {
    Some(labels.iter().filter_map(|label| label.name.owned()).collect())
}

fn read(_: &Headers<'_>, body: &str, now_ms: Millis) -> Result<Message, Refusal> {
    let body: Node<Body<'_>> = serde_json::from_str(body).map_err(|_| Refusal::InvalidJson)?;
    let context = body.get().and_then(|body| context(body, now_ms));
    Ok(PROVIDER.event(Event { context, ..Event::default() }))
}

/// None without an action, a type, an organization, or what it is about.
fn context(body: &Body<'_>, now_ms: Millis) -> Option<Context> {
    let (action, kind, data) = (body.action.owned()?, body.kind.get()?, body.data.get()?);
    let of_team = || data.team.get()?.organization.get()?.id.owned();
    let users =
        [&body.created_by, &data.created_by, &body.updated_by, &data.updated_by, &body.actor];
    let base = Context {
        source: PROVIDER.kind().to_owned(),
        event: event(kind),
        action: Some(action.clone()),
        repo: body.organization_id.owned().or_else(of_team)?,
        sender: users.into_iter().find_map(email).unwrap_or_else(|| "unknown".to_owned()),
        timestamp: timestamp(now_ms),
        ..Context::default()
    };
    let url = data.url.owned().or_else(|| body.url.owned());
    Some(match kind {
        "Issue" => Context {
            number: data.number.0,
            title: data.title.owned(),
            body: data.description.cut(),
            url,
            author: email(&data.creator),
            assignee: email(&data.assignee),
            labels: names(&data.labels),
            ..base
        },
        "Comment" => {
            let issue = data.issue.get()?;
            Context {
                number: issue.number.0,
                title: issue.title.owned(),
                url: data.url.owned().or_else(|| issue.url.owned()).or(url),
                author: email(&issue.creator),
                comment: data.body.cut(),
                labels: names(&issue.labels),
                ..base
            }
        }
        _ => Context { title: data.title.owned().or(Some(action)), url, ..base },
    })
}

/// The names that bindings know from elsewhere, else Linear's own in lower case.
fn event(kind: &str) -> String {
    match kind {
        "Issue" => "issues".to_owned(),
        "Comment" => "issue_comment".to_owned(),
        other => other.to_lowercase(),
    }
}
