//! Deliveries of X's Account Activity API.

use std::fmt;

use chrono::DateTime;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::context::{Context, timestamp};
use super::headers::Headers;
use super::lenient::{List, Node, Object, Text};
use super::provider::{DeliveryId, Event, Handshake, Message, Provider};
use super::refusal::Refusal;
use super::signature::{Algorithm, Digits, Scheme, Signed};
use crate::ambient::Millis;
use crate::project::providers;

pub(super) static PROVIDER: Provider = Provider {
    table: &providers::TWITTER,
    signature: Some(Scheme {
        algorithm: Algorithm::HmacSha256,
        headers: &["x-twitter-webhooks-signature"],
        prefix: "sha256=",
        digits: Digits::Base64,
        signed: Signed::Body,
    }),
    also: &[],
    delivery_id: DeliveryId::Nowhere,
    handshake: Handshake::Crc,
    events: &[
        "tweet_create_events",
        "tweet_delete_events",
        "favorite_events",
        "follow_events",
        "unfollow_events",
        "block_events",
        "unblock_events",
        "mute_events",
        "unmute_events",
        "direct_message_events",
        "direct_message_indicate_typing_events",
        "direct_message_mark_read_events",
    ],
    read,
};

/// The first key that holds a list says what happened, and the list's first element to what.
#[derive(Default)]
struct Body<'a> {
    for_user_id: Text<'a>,
    event: Option<(String, List<Object<Item<'a>>>)>,
}

/// What happened: each kind has some of this.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    id_str: Text<'a>,
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    created_at: Text<'a>,
    #[serde(borrow)]
    timestamp_ms: Text<'a>,
    #[serde(borrow)]
    user: Node<User<'a>>,
    /// What was deleted.
    #[serde(borrow)]
    status: Node<Status<'a>>,
    /// What was liked.
    #[serde(borrow)]
    favorited_status: Node<Status<'a>>,
    /// Who does something to whom.
    #[serde(borrow)]
    source: Node<User<'a>>,
    #[serde(borrow)]
    target: Node<User<'a>>,
    #[serde(borrow)]
    sender_id: Text<'a>,
    #[serde(borrow)]
    message_create: Node<DirectMessage<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct User<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    id_str: Text<'a>,
    #[serde(borrow)]
    screen_name: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    id_str: Text<'a>,
    #[serde(borrow)]
    user_id: Text<'a>,
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    user: Node<User<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DirectMessage<'a> {
    #[serde(borrow)]
    sender_id: Text<'a>,
    #[serde(borrow)]
    message_data: Node<MessageData<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MessageData<'a> {
    #[serde(borrow)]
    text: Text<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Body<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Keys<'a> {
            type Value = Body<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body<'a>, A::Error> {
                let mut body = Body::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "for_user_id" => body.for_user_id = map.next_value()?,
                        "user_has_blocked" => drop(map.next_value::<IgnoredAny>()?),
                        _ if body.event.is_some() => drop(map.next_value::<IgnoredAny>()?),
                        _ => {
                            let items: List<Object<Item<'a>>> = map.next_value()?;
                            body.event = items.0.is_some().then_some((key, items));
                        }
                    }
                }
                Ok(body)
            }
        }
        deserializer.deserialize_map(Keys(std::marker::PhantomData))
    }
}

impl User<'_> {
    /// `ada`, else the number.
    fn name(&self) -> Option<String> {
        [&self.screen_name, &self.id_str, &self.id].into_iter().find_map(Text::owned)
    }
}

fn name(user: &Node<User<'_>>) -> Option<String> {
    user.get().and_then(User::name)
}

fn read(_: &Headers<'_>, body: &str, now_ms: Millis) -> Result<Message, Refusal> {
    // Numbers and words are JSON too, and anybody gets those signed: as the token of a challenge.
    if !body.trim_start().starts_with('{') {
        return Err(Refusal::InvalidJson);
    }
    let body: Node<Body<'_>> = serde_json::from_str(body).map_err(|_| Refusal::InvalidJson)?;
    let context = body.get().and_then(|body| context(body, now_ms));
    Ok(PROVIDER.event(Event { context, ..Event::default() }))
}

/// None when nothing happened.
fn context(body: &Body<'_>, now_ms: Millis) -> Option<Context> {
    let (event, items) = body.event.as_ref()?;
    let item = items.iter().next()?;
    let what = event.strip_suffix("_events").unwrap_or(event);
    let base = Context {
        source: PROVIDER.kind().to_owned(),
        event: event.clone(),
        action: what.rsplit('_').next().map(str::to_owned),
        repo: body.for_user_id.owned().unwrap_or_else(|| "unknown".to_owned()),
        sender: "unknown".to_owned(),
        timestamp: timestamp(now_ms),
        ..Context::default()
    };
    Some(match what {
        "tweet_create" => about_tweet(base, item),
        "tweet_delete" => about_deletion(base, item),
        "favorite" => about_like(base, item),
        "follow" | "unfollow" | "block" | "unblock" | "mute" | "unmute" => {
            about_relation(base, what, item)
        }
        "direct_message" => about_message(base, item),
        "direct_message_indicate_typing" => about_sender(base, "Typing by", item),
        "direct_message_mark_read" => about_sender(base, "Direct messages read by", item),
        _ => Context { title: Some(what.to_owned()), ..base },
    })
}

fn about_tweet(base: Context, tweet: &Item<'_>) -> Context {
    let by = name(&tweet.user);
    let url = by.as_ref().zip(tweet.id_str.get()).map(|(by, id)| address(by, id));
    Context {
        title: tweet.text.cut(),
        body: tweet.text.cut(),
        url,
        timestamp: time(&tweet.created_at).unwrap_or(base.timestamp),
        sender: by.unwrap_or(base.sender),
        ..base
    }
}

fn about_deletion(base: Context, item: &Item<'_>) -> Context {
    let status = item.status.get();
    let id = status.and_then(|s| s.id.owned().or_else(|| s.id_str.owned()));
    let at_ms = item.timestamp_ms.get().and_then(|ms| ms.parse().ok());
    Context {
        title: Some(format!("Deleted tweet {}", id.as_deref().unwrap_or("unknown"))),
        sender: status.and_then(|s| s.user_id.owned()).unwrap_or(base.sender),
        timestamp: at_ms.map_or(base.timestamp, timestamp),
        ..base
    }
}

fn about_like(base: Context, item: &Item<'_>) -> Context {
    let liked = item.favorited_status.get();
    let by = liked.and_then(|status| name(&status.user));
    let id = liked.and_then(|status| status.id_str.get());
    Context {
        title: Some(format!("Liked tweet by @{}", by.as_deref().unwrap_or("unknown"))),
        body: liked.and_then(|status| status.text.cut()),
        url: by.as_ref().zip(id).map(|(by, id)| address(by, id)),
        timestamp: time(&item.created_at).unwrap_or(base.timestamp),
        sender: name(&item.user).unwrap_or(base.sender),
        ..base
    }
}

/// An `unfollow` comes among the `follow_events`, with its type.
fn about_relation(base: Context, what: &str, item: &Item<'_>) -> Context {
    let verb = match item.kind.get().unwrap_or(what) {
        "unfollow" => "unfollowed",
        "block" => "blocked",
        "unblock" => "unblocked",
        "mute" => "muted",
        "unmute" => "unmuted",
        _ => "followed",
    };
    let (source, target) = (name(&item.source), name(&item.target));
    let called = |user: &Option<String>| user.clone().unwrap_or_else(|| "unknown".to_owned());
    Context {
        title: Some(format!("@{} {verb} @{}", called(&source), called(&target))),
        sender: called(&source),
        ..base
    }
}

fn about_message(base: Context, item: &Item<'_>) -> Context {
    let message = item.message_create.get();
    let sender = message.and_then(|m| m.sender_id.owned()).unwrap_or(base.sender);
    let text = message.and_then(|m| m.message_data.get()).and_then(|data| data.text.cut());
    Context { title: Some(format!("Direct message from {sender}")), body: text, sender, ..base }
}

fn about_sender(base: Context, what: &str, item: &Item<'_>) -> Context {
    let sender = item.sender_id.owned().unwrap_or(base.sender);
    Context { title: Some(format!("{what} {sender}")), sender, ..base }
}

fn address(by: &str, id: &str) -> String {
    format!("https://twitter.com/{by}/status/{id}")
}

/// `Wed Oct 10 20:19:24 +0000 2018`
fn time(text: &Text<'_>) -> Option<String> {
    let time = DateTime::parse_from_str(text.get()?, "%a %b %d %H:%M:%S %z %Y").ok()?;
    Some(timestamp(time.timestamp_millis()))
}
