//! Deliveries of Sentry's integrations.

use std::borrow::Cow;

use serde::Deserialize;

use super::context::{Context, cut, timestamp};
use super::headers::Headers;
use super::lenient::{Maybe, Node, Shape, Text};
use super::provider::{DeliveryId, Event, Handshake, Message, Provider};
use super::refusal::Refusal;
use super::signature::{Algorithm, Digits, Scheme, Signed};
use crate::ambient::Millis;
use crate::project::providers;

pub(super) static PROVIDER: Provider = Provider {
    table: &providers::SENTRY,
    signature: Some(Scheme {
        algorithm: Algorithm::HmacSha256,
        headers: &["sentry-hook-signature"],
        prefix: "",
        digits: Digits::Hex,
        signed: Signed::Body,
    }),
    also: &[],
    delivery_id: DeliveryId::Header("request-id"),
    handshake: Handshake::Nothing,
    events: &["event_alert", "metric_alert", "issue", "error", "comment"],
    read,
};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(borrow)]
    actor: Node<Actor<'a>>,
    #[serde(borrow)]
    data: Node<Data<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Actor<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data<'a> {
    #[serde(borrow)]
    triggered_rule: Text<'a>,
    #[serde(borrow)]
    event: Node<Subject<'a>>,
    #[serde(borrow)]
    metric_alert: Node<Subject<'a>>,
    #[serde(borrow)]
    issue: Node<Subject<'a>>,
    #[serde(borrow)]
    error: Node<Subject<'a>>,
    #[serde(borrow)]
    comment: Maybe<Comment<'a>>,
    #[serde(borrow)]
    web_url: Text<'a>,
    #[serde(borrow)]
    project_slug: Text<'a>,
}

/// What an event is about: all of them have some of this.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Subject<'a> {
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    web_url: Text<'a>,
    #[serde(borrow)]
    permalink: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    project: Node<Slug<'a>>,
    #[serde(borrow)]
    organization: Node<Slug<'a>>,
    #[serde(borrow, rename = "assignedTo")]
    assigned_to: Node<Actor<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Slug<'a> {
    #[serde(borrow)]
    slug: Text<'a>,
}

/// An object with a text, or the text itself.
struct Comment<'a>(Cow<'a, str>);

#[derive(Deserialize, Default)]
#[serde(default)]
struct Said<'a> {
    #[serde(borrow)]
    text: Text<'a>,
}

impl<'de: 'a, 'a> Shape<'de> for Comment<'a> {
    fn from_text(text: Cow<'de, str>) -> Option<Self> {
        Some(Self(text))
    }

    fn from_map<A: serde::de::MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        let said = Said::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(said.text.0.map(Self))
    }
}

impl Subject<'_> {
    /// Where a person reads it, before where programs do.
    fn address(&self) -> Option<String> {
        [&self.web_url, &self.permalink, &self.url].into_iter().find_map(Text::owned)
    }
}

fn slug(node: &Node<Slug<'_>>) -> String {
    node.get().and_then(|node| node.slug.owned()).unwrap_or_default()
}

fn read(headers: &Headers<'_>, body: &str, now_ms: Millis) -> Result<Message, Refusal> {
    let body: Node<Body<'_>> = serde_json::from_str(body).map_err(|_| Refusal::InvalidJson)?;
    let empty = Body::default();
    let body = body.get().unwrap_or(&empty);
    let resource = headers.text("sentry-hook-resource");
    let context = resource.and_then(|resource| context(resource, body, now_ms));
    Ok(PROVIDER.event(Event { context, ..Event::default() }))
}

/// None when the body lacks what the resource is about.
fn context(resource: &str, body: &Body<'_>, now_ms: Millis) -> Option<Context> {
    let actor = body.actor.get();
    let sender = actor.and_then(|a| a.name.owned().or_else(|| a.kind.owned()));
    let base = Context {
        source: PROVIDER.kind().to_owned(),
        event: resource.to_owned(),
        action: body.action.owned(),
        sender: sender.unwrap_or_else(|| "unknown".to_owned()),
        timestamp: timestamp(now_ms),
        ..Context::default()
    };
    let none = Data::default();
    let data = body.data.get().unwrap_or(&none);
    Some(match resource {
        "event_alert" => {
            let event = data.event.get()?;
            let repo = data.triggered_rule.owned().unwrap_or_default();
            Context { repo, body: event.message.cut(), ..about(base, event) }
        }
        "metric_alert" => {
            let alert = data.metric_alert.get()?;
            let about = about(base, alert);
            let url = about.url.clone().or_else(|| data.web_url.owned());
            Context { repo: slug(&alert.organization), url, ..about }
        }
        "issue" => {
            let issue = data.issue.get()?;
            let assignee = issue.assigned_to.get().and_then(|actor| actor.name.owned());
            Context { repo: slug(&issue.project), assignee, ..about(base, issue) }
        }
        "error" => {
            let error = data.error.get()?;
            Context { repo: slug(&error.project), body: error.message.cut(), ..about(base, error) }
        }
        "comment" => about_comment(base, data)?,
        _ => Context { title: body.action.owned().or_else(|| Some(resource.to_owned())), ..base },
    })
}

fn about(base: Context, subject: &Subject<'_>) -> Context {
    Context { title: subject.title.cut(), url: subject.address(), ..base }
}

/// Newer deliveries bring the project beside the comment, and no issue.
fn about_comment(base: Context, data: &Data<'_>) -> Option<Context> {
    let comment = data.comment.0.as_ref()?;
    let none = Subject::default();
    let issue = data.issue.get().unwrap_or(&none);
    let project = issue.project.get().and_then(|project| project.slug.owned());
    Some(Context {
        repo: project.or_else(|| data.project_slug.owned()).unwrap_or_default(),
        comment: cut(&comment.0),
        ..about(base, issue)
    })
}
