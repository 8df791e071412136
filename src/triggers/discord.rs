//! Interactions of Discord: commands, buttons and forms of its users.

use serde::Deserialize;

use super::context::{Context, cut, timestamp};
use super::headers::Headers;
use super::lenient::{List, Node, Number, Object, Scalar, Text};
use super::provider::{DeliveryId, Event, Handshake, Message, Provider, Reply};
use super::refusal::Refusal;
use super::signature::{Algorithm, Digits, Scheme, Signed};
use crate::ambient::Millis;
use crate::project::providers;

pub(super) static PROVIDER: Provider = Provider {
    table: &providers::DISCORD,
    signature: Some(Scheme {
        algorithm: Algorithm::Ed25519,
        headers: &["x-signature-ed25519"],
        prefix: "",
        digits: Digits::Hex,
        signed: Signed::Timestamped {
            header: "x-signature-timestamp",
            before: "",
            after: "",
            window_s: None,
        },
    }),
    also: &[],
    delivery_id: DeliveryId::Body("id"),
    handshake: Handshake::Ping,
    events: &["application_command", "message_component", "autocomplete", "modal_submit"],
    read,
};

/// What happened, by the number that Discord gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interaction {
    Command,
    Component,
    Autocomplete,
    Modal,
}

impl Interaction {
    fn of(kind: u64) -> Option<Self> {
        Some(match kind {
            2 => Self::Command,
            3 => Self::Component,
            4 => Self::Autocomplete,
            5 => Self::Modal,
            _ => return None,
        })
    }

    fn event(self) -> &'static str {
        match self {
            Self::Command => "application_command",
            Self::Component => "message_component",
            Self::Autocomplete => "autocomplete",
            Self::Modal => "modal_submit",
        }
    }

    /// Discord wants an answer within three seconds and shows a failure for any but its own: that
    /// one follows later, or that there is nothing to choose from. A deferred reply that never
    /// comes would stand there as "thinking" for a quarter of an hour.
    fn reply(self) -> Reply {
        let same = |answer| Reply { taken: answer, left: answer };
        match self {
            Self::Command | Self::Modal => Reply { taken: r#"{"type":5}"#, left: NOBODY },
            Self::Component => same(r#"{"type":6}"#),
            Self::Autocomplete => same(r#"{"type":8,"data":{"choices":[]}}"#),
        }
    }
}

/// The answer to the number 1, a ping.
const PONG: &str = r#"{"type":1}"#;

/// A message that only who asked can see.
const NOBODY: &str = r#"{"type":4,"data":{"content":"No agent takes this.","flags":64}}"#;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: Number,
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    guild_id: Text<'a>,
    #[serde(borrow)]
    channel_id: Text<'a>,
    #[serde(borrow)]
    member: Node<Member<'a>>,
    #[serde(borrow)]
    user: Node<User<'a>>,
    #[serde(borrow)]
    data: Node<Data<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Member<'a> {
    #[serde(borrow)]
    user: Node<User<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct User<'a> {
    #[serde(borrow)]
    username: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    custom_id: Text<'a>,
    component_type: Scalar,
    #[serde(borrow)]
    options: List<Object<Choice<'a>>>,
}

/// An option of a command; a subcommand has options of its own.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Choice<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    value: Scalar,
    #[serde(borrow)]
    options: List<Object<Choice<'a>>>,
}

fn read(_: &Headers<'_>, body: &str, now_ms: Millis) -> Result<Message, Refusal> {
    let body: Node<Body<'_>> = serde_json::from_str(body).map_err(|_| Refusal::InvalidJson)?;
    let Some(body) = body.get() else { return Ok(PROVIDER.nothing("")) };
    let kind = body.kind.0.unwrap_or_default();
    if kind == 1 {
        return Ok(Message::Handshake(PONG.to_owned()));
    }
    let Some(interaction) = Interaction::of(kind) else { return Ok(PROVIDER.nothing("")) };
    Ok(PROVIDER.event(Event {
        id: body.id.owned(),
        context: Some(context(interaction, body, now_ms)),
        reply: Some(interaction.reply()),
        ..Event::default()
    }))
}

fn context(interaction: Interaction, body: &Body<'_>, now_ms: Millis) -> Context {
    let username = |user: &Node<User<'_>>| user.get().and_then(|u| u.username.owned());
    let member = body.member.get().and_then(|member| username(&member.user));
    let base = Context {
        source: PROVIDER.kind().to_owned(),
        event: interaction.event().to_owned(),
        repo: body.guild_id.owned().unwrap_or_default(),
        branch: Some(body.channel_id.owned().unwrap_or_default()),
        sender: member.or_else(|| username(&body.user)).unwrap_or_else(|| "unknown".to_owned()),
        timestamp: timestamp(now_ms),
        ..Context::default()
    };
    let none = Data::default();
    let data = body.data.get().unwrap_or(&none);
    let custom_id = |otherwise: &str| data.custom_id.owned().or_else(|| Some(otherwise.to_owned()));
    match interaction {
        Interaction::Command => Context {
            action: data.name.owned(),
            title: data.name.owned(),
            body: cut(&options(&data.options)),
            ..base
        },
        Interaction::Component => {
            Context { action: data.component_type.text(), title: custom_id("component"), ..base }
        }
        Interaction::Autocomplete => {
            Context { action: data.name.owned(), title: data.name.owned(), ..base }
        }
        Interaction::Modal => {
            Context { action: custom_id("modal"), title: custom_id("modal"), ..base }
        }
    }
}

/// `name: value, name: value`, with those of a subcommand after its name.
fn options(list: &List<Object<Choice<'_>>>) -> String {
    let mut texts = Vec::new();
    for option in list.iter() {
        let name = option.name.get().unwrap_or_default();
        texts.push(match option.value.text() {
            Some(value) => format!("{name}: {value}"),
            None => name.to_owned(),
        });
        let inner = options(&option.options);
        if !inner.is_empty() {
            texts.push(inner);
        }
    }
    texts.join(", ")
}
