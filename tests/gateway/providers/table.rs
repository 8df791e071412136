//! A cell for each provider and each of signature, handshake, events, filters, duplicates.

use std::collections::BTreeSet;

use action_llama::project::providers;
use action_llama::triggers::{
    Algorithm, Context, Delivery, DeliveryId, Handshake, PROVIDERS, Provider, Received, Refusal,
    Signed,
};
use serde_json::{Value, json};

use super::fixtures::{Fixture, NOW_MS, Secret, sources};

/// Of a generic sender there is nothing to know without a project.
fn for_each(check: fn(&'static Provider)) {
    for provider in PROVIDERS.iter().filter(|provider| provider.kind() != "generic") {
        check(provider);
    }
}

fn deliveries(provider: &'static Provider) -> Vec<Delivery> {
    let sources = sources(provider, &[]);
    let all = Fixture::all(provider).into_iter();
    all.filter_map(|fixture| fixture.signed(Secret(1)).delivery(&sources)).collect()
}

fn contexts(provider: &'static Provider) -> Vec<Context> {
    deliveries(provider).into_iter().filter_map(|delivery| delivery.context).collect()
}

fn agents(delivery: &Delivery) -> Vec<&str> {
    delivery.matches.iter().map(|matched| matched.agent.as_str()).collect()
}

#[test]
fn signature_the_secret_that_verifies_selects_the_bindings() {
    for_each(|provider| {
        if provider.signature.is_none() {
            return;
        }
        let sources = sources(provider, &[]);
        let fixture = first_event(provider);
        for (secret, instance, agent) in
            [(Secret(1), "first", "agent-one"), (Secret(2), "second", "agent-two")]
        {
            let delivery = fixture.clone().signed(secret).delivery(&sources).unwrap();
            assert_eq!(delivery.signed_by, [instance], "{}", provider.kind());
            assert_eq!(agents(&delivery), [agent], "{}", provider.kind());
        }
    });
}

fn first_event(provider: &'static Provider) -> Fixture {
    let sources = sources(provider, &[]);
    let is_event = |fixture: &Fixture| {
        let delivery = fixture.clone().signed(Secret(1)).delivery(&sources);
        delivery.is_some_and(|delivery| delivery.context.is_some())
    };
    Fixture::all(provider).into_iter().find(is_event).unwrap()
}

#[test]
fn signature_what_is_not_signed_right_is_refused_alike() {
    for_each(|provider| {
        let Some(scheme) = &provider.signature else { return };
        let (name, fixture) = (scheme.headers[0], first_event(provider));
        let signed = fixture.clone().signed(Secret(1));
        let value = |f: &Fixture| f.headers.iter().find(|(n, _)| n == name).unwrap().1.clone();
        let right = value(&signed);
        let digits = right.strip_prefix(scheme.prefix).unwrap();
        let mut flipped = digits.to_owned();
        flipped.replace_range(0..1, if digits.starts_with('a') { "b" } else { "a" });
        let mut other_body = signed.clone();
        other_body.body.push(b' ');
        let with = |value: &str| signed.clone().header(name, value);
        let mut cases = vec![
            ("missing", fixture.clone()),
            ("of another secret", fixture.clone().signed(Secret(3))),
            ("of another body", other_body),
            ("one digit else", with(&format!("{}{flipped}", scheme.prefix))),
            ("empty", with("")),
            ("prefix only", with(scheme.prefix)),
            ("wrong prefix", with(&format!("md5={digits}"))),
            ("too short", with(&right[..right.len() - 4])),
            ("too long", with(&format!("{right}0000"))),
            ("no digits", with(&format!("{}{}", scheme.prefix, "?".repeat(digits.len())))),
        ];
        if !scheme.prefix.is_empty() {
            cases.push(("without prefix", with(digits)));
        }
        if scheme.algorithm == Algorithm::Token {
            // Whoever knows the token may send what he likes.
            cases.retain(|(case, _)| *case != "of another body");
        }
        for (case, fixture) in cases {
            let refused = fixture.send(&sources(provider, &[]));
            assert_eq!(refused, Err(Refusal::Signature), "{} {case}", provider.kind());
        }
    });
}

#[test]
fn signature_a_time_that_is_old_or_no_number_is_refused() {
    for_each(|provider| {
        let Some(scheme) = &provider.signature else { return };
        let Signed::Timestamped { header, window_s, .. } = scheme.signed else { return };
        let (sources, now_s) = (sources(provider, &[]), NOW_MS / 1000);
        let fixture = first_event(provider);
        let sent_at = |at_s: i64| fixture.clone().signed_at(Secret(1), at_s).send(&sources).is_ok();
        let in_window = |apart_s: u64| window_s.is_none_or(|window_s| apart_s <= window_s);
        for apart_s in [0_u32, 1, 299, 300, 301, 86_400] {
            let expected = in_window(apart_s.into());
            assert_eq!(sent_at(now_s - i64::from(apart_s)), expected, "{apart_s} s ago");
            assert_eq!(sent_at(now_s + i64::from(apart_s)), expected, "in {apart_s} s");
        }
        let signed = fixture.clone().signed(Secret(1));
        let mut without = signed.clone();
        without.headers.retain(|(name, _)| name != header);
        assert_eq!(without.send(&sources), Err(Refusal::Signature), "without a time");
        let other = (now_s - 1).to_string();
        for stamp in ["", "NaN", "soon", "-1", "+1795178096", "1795178096.5", " 1795178096", "1e9"]
        {
            let refused = signed.clone().header(header, stamp).send(&sources);
            assert_eq!(refused, Err(Refusal::Signature), "{} {stamp}", provider.kind());
        }
        let refused = signed.clone().header(header, &other).send(&sources);
        assert_eq!(refused, Err(Refusal::Signature), "a time that was not signed");
        let huge = "9".repeat(40);
        assert_eq!(signed.header(header, &huge).send(&sources), Err(Refusal::Signature));
    });
}

#[test]
fn signature_either_header_of_mintlify_will_do() {
    let provider = action_llama::triggers::find("mintlify").unwrap();
    let headers = provider.signature.as_ref().unwrap().headers;
    assert_eq!(headers, ["x-mintlify-signature", "mintlify-signature"]);
    let mut signed = first_event(provider).signed(Secret(1));
    let (name, value) = signed.headers.pop().unwrap();
    assert_eq!(name, headers[0]);
    let older = signed.header(headers[1], &value);
    assert!(older.send(&sources(provider, &[])).is_ok());
    let both = older.header(headers[0], &"0".repeat(64));
    assert_eq!(both.send(&sources(provider, &[])), Err(Refusal::Signature), "the first counts");
}

#[test]
fn signature_of_all_providers_is_kept_nowhere() {
    for_each(|provider| {
        for fixture in Fixture::all(provider) {
            let Some(delivery) = fixture.signed(Secret(1)).delivery(&sources(provider, &[])) else {
                continue;
            };
            let kept: Value = serde_json::from_str(&delivery.stored_headers).unwrap();
            let schemes = provider.signature.iter();
            for name in schemes.flat_map(|scheme| scheme.headers) {
                assert_eq!(kept.get(name), None, "{}", provider.kind());
            }
        }
    });
}

#[test]
fn handshake_is_answered_when_it_is_signed_and_is_no_delivery() {
    for_each(|provider| {
        let sources = sources(provider, &[]);
        let (name, expected) = match provider.handshake {
            Handshake::UrlVerification => {
                let challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P";
                ("url_verification", json!({ "challenge": challenge }))
            }
            Handshake::Ping => ("ping", json!({"type": 1})),
            // Asked by GET, or never.
            Handshake::Crc | Handshake::Nothing => {
                for fixture in Fixture::all(provider) {
                    let received = fixture.signed(Secret(1)).send(&sources).unwrap();
                    assert!(matches!(received, Received::Delivery(_)), "{}", provider.kind());
                }
                return;
            }
        };
        let fixture = Fixture::read(provider, name);
        let Received::Handshake(answer) = fixture.clone().signed(Secret(2)).send(&sources).unwrap()
        else {
            panic!("{}: a delivery", provider.kind())
        };
        assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), expected);
        assert_eq!(fixture.clone().send(&sources), Err(Refusal::Signature));
        assert_eq!(fixture.signed(Secret(3)).send(&sources), Err(Refusal::Signature));
    });
}

#[test]
fn events_that_the_table_names_are_those_of_the_fixtures() {
    for_each(|provider| {
        let seen: BTreeSet<String> = contexts(provider).into_iter().map(|c| c.event).collect();
        for event in provider.events {
            assert!(seen.contains(*event), "{}: no fixture of {event}", provider.kind());
        }
        for context in contexts(provider) {
            assert_eq!(context.source, provider.kind());
        }
    });
}

/// Every value of a context that a filter could name.
fn values(context: &Context) -> Vec<String> {
    let owner = context.repo.split('/').next().map(str::to_owned);
    let channel = context.comment.as_ref().and_then(|c| c.strip_prefix("channel:"));
    let single = [
        Some(context.event.clone()),
        Some(context.repo.clone()),
        owner,
        channel.map(str::to_owned),
        context.action.clone(),
        context.author.clone(),
        context.assignee.clone(),
        context.branch.clone(),
        context.conclusion.clone(),
        context.title.clone(),
    ];
    single.into_iter().flatten().chain(context.labels.iter().flatten().cloned()).collect()
}

/// Agents once ran for every organisation, because a filter was read and then not looked at.
#[test]
fn filters_that_are_accepted_decide() {
    for_each(|provider| {
        for name in provider.table.names() {
            let matched = |fixture: &Fixture, value: &str| {
                let sources = sources(provider, &[(name, value)]);
                let delivery = fixture.clone().signed(Secret(1)).delivery(&sources);
                delivery.is_some_and(|delivery| !delivery.matches.is_empty())
            };
            let decides = Fixture::all(provider).into_iter().any(|fixture| {
                let signed = fixture.clone().signed(Secret(1));
                let delivery = signed.delivery(&sources(provider, &[]));
                let context = delivery.and_then(|delivery| delivery.context);
                let values = context.as_ref().map(values).unwrap_or_default();
                values.iter().any(|value| {
                    matched(&fixture, value) && !matched(&fixture, &format!("{value}-not"))
                })
            });
            assert!(decides, "{}: {name} changes nothing", provider.kind());
        }
    });
}

#[test]
fn events_of_every_type_that_can_be_configured_are_received() {
    let received: Vec<&str> = PROVIDERS.iter().map(|provider| provider.kind()).collect();
    for kind in &received {
        assert!(providers::provider(kind).is_some(), "{kind}");
    }
    let unknown = providers::PROVIDERS.iter().map(|p| p.kind).filter(|k| !received.contains(k));
    assert_eq!(unknown.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn duplicates_are_known_by_the_id_that_the_table_names() {
    for_each(|provider| {
        for fixture in Fixture::all(provider) {
            let Some(delivery) =
                fixture.clone().signed(Secret(1)).delivery(&sources(provider, &[]))
            else {
                continue;
            };
            let header = |name: &str| fixture.headers.iter().find(|(n, _)| n == name);
            let id = match provider.delivery_id {
                DeliveryId::Header(name) => header(name).map(|(_, value)| value.clone()),
                DeliveryId::FirstOf(names) => {
                    names.iter().find_map(|name| header(name)).map(|(_, value)| value.clone())
                }
                DeliveryId::Body(name) => fixture.json()[name].as_str().map(str::to_owned),
                DeliveryId::Nowhere => None,
            };
            let has_id = provider.delivery_id != DeliveryId::Nowhere;
            assert_eq!(id.is_some(), has_id, "{} {}", provider.kind(), fixture.name);
            assert_eq!(delivery.delivery_id, id, "{} {}", provider.kind(), fixture.name);
            let other = fixture.signed(Secret(2)).delivery(&sources(provider, &[])).unwrap();
            assert!(
                id.is_none()
                    || provider.signature.is_none()
                    || other.dedupe_key != delivery.dedupe_key,
                "{}: another secret uses up the id",
                provider.kind()
            );
        }
    });
}
