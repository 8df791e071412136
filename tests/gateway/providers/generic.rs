//! Senders that only the project knows, and the two ways of GitLab to prove itself.

use std::collections::BTreeMap;

use action_llama::project::{
    Generic, Hash, Locator, Mapped, Signature, WebhookBinding, WebhookSource,
};
use action_llama::triggers::{
    self, Delivery, Headers, Problem, Received, Refusal, Secrets, Sources,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::fixtures::{Fixture, NOW_MS, Secret};

const SECRET: &str = "the secret of billing";

fn hmac(header: &str, prefix: &str, hash: Hash, is_base64: bool) -> Option<Signature> {
    let (header, prefix) = (header.to_owned(), prefix.to_owned());
    Some(Signature::Hmac { header, prefix, hash, is_base64 })
}

fn generic(signature: Option<Signature>, id: &str, fields: &[(Mapped, &str)]) -> Generic {
    let locator = |text: &str| Locator::parse(text).unwrap();
    Generic {
        signature,
        delivery_id: (!id.is_empty()).then(|| locator(id)),
        fields: fields.iter().map(|(field, at)| (*field, locator(at))).collect(),
    }
}

fn billing(signature: Option<Signature>) -> Generic {
    let fields = [
        (Mapped::Event, "header:X-Billing-Event"),
        (Mapped::Action, "data.status"),
        (Mapped::Repo, "/data/account/path"),
        (Mapped::Number, "data.number"),
        (Mapped::Title, "data.subject"),
        (Mapped::Body, "data.lines.1"),
        (Mapped::Url, "/data/links/html~1ui"),
        (Mapped::Labels, "data.tags.*.name"),
        (Mapped::Branch, "data.no.such.thing"),
        (Mapped::Sender, "actor.email"),
    ];
    generic(signature, "header:x-billing-delivery", &fields)
}

/// One generic source `billing`, with this secret, and an agent that wants what the filters say.
fn project(generic: Generic, secret: &[u8], filters: &[(&str, &str)]) -> (Sources, Vec<Problem>) {
    let source = WebhookSource {
        kind: "generic".to_owned(),
        credential: "billing".to_owned(),
        allow_unsigned: false,
        generic: Some(Box::new(generic)),
    };
    let tables = BTreeMap::from([("billing".to_owned(), source)]);
    let instances = BTreeMap::from([("billing".to_owned(), secret.to_vec())]);
    let secrets = Secrets::from([("generic".to_owned(), instances)]);
    let filters =
        filters.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]));
    let binding = WebhookBinding { source: "billing".to_owned(), filters: filters.collect() };
    Sources::new(&tables, [("dev", 0, &binding)], &secrets)
}

fn read(name: &str) -> Fixture {
    Fixture::read(triggers::find("generic").unwrap(), name)
}

fn post(sources: &Sources, segment: &str, fixture: &Fixture) -> Result<Delivery, Refusal> {
    let headers: Headers<'_> =
        fixture.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
    match triggers::receive(sources, segment, &headers, &fixture.body, NOW_MS)? {
        Received::Delivery(delivery) => Ok(*delivery),
        Received::Handshake(answer) => panic!("a handshake: {answer}"),
    }
}

fn tag(algorithm: ring::hmac::Algorithm, body: &[u8]) -> Vec<u8> {
    let key = ring::hmac::Key::new(algorithm, SECRET.as_bytes());
    ring::hmac::sign(&key, body).as_ref().to_vec()
}

#[test]
fn what_the_configuration_maps_is_what_an_agent_is_told() {
    let signature = hmac("x-billing-signature", "sha256=", Hash::Sha256, false);
    let (sources, problems) = project(billing(signature), SECRET.as_bytes(), &[]);
    assert_eq!(problems, []);
    let fixture = read("invoice");
    let digits = hex::encode(tag(ring::hmac::HMAC_SHA256, &fixture.body));
    let signed = fixture.header("X-Billing-Signature", &format!("sha256={digits}"));
    let delivery = post(&sources, "billing", &signed).unwrap();
    assert_eq!(delivery.summary, "billing invoice overdue acme/europe#77");
    assert_eq!(delivery.delivery_id.as_deref(), Some("dlv_1001"));
    assert_eq!(
        serde_json::to_value(delivery.context).unwrap(),
        json!({
            "source": "generic",
            "event": "invoice",
            "action": "overdue",
            "repo": "acme/europe",
            "number": 77,
            "title": "Invoice 77 is overdue",
            "body": "launch pad",
            "url": "https://billing.example/invoices/77",
            "labels": ["urgent", "eu"],
            "sender": "ada@acme.example",
            "timestamp": "2026-11-20T12:34:56.789Z",
        })
    );
    let kept: Value = serde_json::from_str(&delivery.stored_headers).unwrap();
    assert_eq!(kept["x-billing-event"], "invoice");
    assert_eq!(kept.get("x-billing-signature"), None, "a signature is kept nowhere");
    assert!(post(&sources, "generic", &signed).is_ok(), "the only one may go by its type");
}

#[test]
fn every_hash_and_writing_of_a_signature_is_checked() {
    let fixture = read("invoice");
    let hashes = [
        (Hash::Sha1, ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        (Hash::Sha256, ring::hmac::HMAC_SHA256),
        (Hash::Sha512, ring::hmac::HMAC_SHA512),
    ];
    for (hash, algorithm) in hashes {
        for is_base64 in [false, true] {
            for prefix in ["", "v0:"] {
                let signature = hmac("x-sig", prefix, hash, is_base64);
                let (sources, _) = project(billing(signature), SECRET.as_bytes(), &[]);
                let bytes = tag(algorithm, &fixture.body);
                let write = |bytes: &[u8]| match is_base64 {
                    true => BASE64_STANDARD.encode(bytes),
                    false => hex::encode(bytes),
                };
                let with = |value: &str| {
                    post(&sources, "billing", &fixture.clone().header("x-sig", value))
                };
                let right = format!("{prefix}{}", write(&bytes));
                assert!(with(&right).is_ok(), "{hash:?} {right}");
                let mut flipped = bytes.clone();
                flipped[0] ^= 1;
                let mut cases = vec![
                    String::new(),
                    prefix.to_owned(),
                    format!("x{right}"),
                    format!("{right}00"),
                    format!("{prefix}{}", write(&flipped)),
                    format!("{prefix}{}", write(&bytes[..bytes.len() - 1])),
                ];
                if !prefix.is_empty() {
                    cases.push(write(&bytes));
                }
                for wrong in cases {
                    assert_eq!(
                        with(&wrong).map(|_| ()),
                        Err(Refusal::Signature),
                        "{hash:?} {wrong}"
                    );
                }
                assert_eq!(
                    post(&sources, "billing", &fixture).map(|_| ()),
                    Err(Refusal::Signature)
                );
            }
        }
    }
}

/// From the documentation of Standard Webhooks.
#[test]
fn the_published_signature_of_standard_webhooks_is_right() {
    let at_ms = 1_614_265_330_000;
    let generic = generic(Some(Signature::StandardWebhooks), "", &[]);
    let (sources, problems) = project(generic, b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &[]);
    assert_eq!(problems, []);
    let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let send = |signature: &str, id: &str, stamp: &str, now_ms: i64| {
        let headers: Headers<'_> = [
            ("webhook-id", id.as_bytes()),
            ("webhook-timestamp", stamp.as_bytes()),
            ("webhook-signature", signature.as_bytes()),
        ]
        .into_iter()
        .collect();
        let body = br#"{"test": 2432232314}"#;
        triggers::receive(&sources, "billing", &headers, body, now_ms).is_ok()
    };
    let (id, stamp) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330");
    let check = |signature: &str, expected: bool| {
        assert_eq!(send(signature, id, stamp, at_ms), expected, "{signature}");
    };
    check(right, true);
    check(&format!("v1,AAAA {right}"), true);
    check(&format!("v1a,AAAA {right} v2,x"), true);
    check("", false);
    check("v1,", false);
    check(&right.replace("v1,", "v2,"), false);
    check(&right.replace("v1,", ""), false);
    check(&right.replace('g', "h"), false);
    check(&format!("{}{right}", "v1,AAAA ".repeat(8)), false);
    assert!(!send(right, "msg_other", stamp, at_ms), "the id is signed");
    assert!(!send(right, id, "1614265331", at_ms), "the time is signed");
    for (apart_s, expected) in [(0, true), (300, true), (301, false), (-300, true), (-301, false)] {
        assert_eq!(send(right, id, stamp, at_ms + apart_s * 1000), expected, "{apart_s} s");
    }
}

#[test]
fn a_secret_of_standard_webhooks_has_to_be_base64() {
    let sources =
        |secret: &[u8]| project(generic(Some(Signature::StandardWebhooks), "", &[]), secret, &[]).1;
    let (provider, instance) = ("generic", "billing".to_owned());
    let malformed = Problem::MalformedKey { provider, instance: instance.clone() };
    assert_eq!(
        malformed.to_string(),
        "the webhook secret 'billing' of generic is not base64 after `whsec_`"
    );
    assert_eq!(sources(b"whsec_?"), [malformed]);
    assert!(sources(b"").contains(&Problem::EmptySecret { provider, instance }));
    assert_eq!(sources(b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), []);
}

#[test]
fn filters_look_at_mapped_fields() {
    let fixture = read("invoice");
    let digits = hex::encode(tag(ring::hmac::HMAC_SHA256, &fixture.body));
    let signed = fixture.header("x-sig", &digits);
    let matched = |name: &str, value: &str| {
        let signature = hmac("x-sig", "", Hash::Sha256, false);
        let (sources, _) = project(billing(signature), SECRET.as_bytes(), &[(name, value)]);
        !post(&sources, "billing", &signed).unwrap().matches.is_empty()
    };
    let table = [
        ("events", "invoice", true),
        ("events", "invoice.overdue", false),
        ("actions", "overdue", true),
        ("actions", "paid", false),
        ("repos", "acme/europe", true),
        ("repos", "acme", false),
        ("orgs", "acme", true),
        ("orgs", "europe", false),
        ("labels", "eu", true),
        ("labels", "us", false),
        ("author", "ada", false),
        // Nothing stands there, and such events pass.
        ("branches", "main", true),
    ];
    for (name, value, expected) in table {
        assert_eq!(matched(name, value), expected, "{name} = {value}");
    }
}

#[test]
fn what_is_not_mapped_or_not_there_has_plain_words() {
    let told = |fields: &[(Mapped, &str)]| {
        let generic = generic(Some(Signature::StandardWebhooks), "/data/id", fields);
        let (sources, _) = project(generic, &Secret(1).stored(STANDARD), &[]);
        let source = standard_source();
        let provider = triggers::find("generic").unwrap();
        let fixture = read("standard");
        let written =
            triggers::Fixture { headers: fixture.headers.clone(), body: fixture.body.clone() };
        let secret = String::from_utf8(Secret(1).stored(STANDARD)).unwrap();
        let signed = triggers::signed(provider, &source, &written, None, Some(&secret), NOW_MS);
        let signed = signed.unwrap();
        let sent = Fixture { headers: signed.headers, body: signed.body, ..fixture };
        let delivery = post(&sources, "billing", &sent).unwrap();
        let id = "1f81eb52-5198-4599-803e-771906343485";
        assert_eq!(delivery.delivery_id.as_deref(), Some(id), "it stands in the body");
        delivery.context.unwrap()
    };
    let bare = told(&[]);
    assert_eq!(
        (bare.event.as_str(), bare.sender.as_str(), bare.repo.as_str()),
        ("webhook", "unknown", "")
    );
    assert_eq!((bare.labels, bare.title), (None, None));
    let lost = told(&[(Mapped::Event, "data.nothing"), (Mapped::Number, "data.name")]);
    assert_eq!((lost.event.as_str(), lost.number), ("unknown", None));
    let labels = told(&[(Mapped::Labels, "data.tags"), (Mapped::Event, "type")]);
    assert_eq!(
        (labels.event.as_str(), labels.labels),
        ("contact.created", Some(vec!["vip".to_owned()]))
    );
    let one = told(&[(Mapped::Labels, "data.name")]);
    assert_eq!(one.labels, Some(vec!["Ada".to_owned()]));
    // An object is no text.
    assert_eq!(told(&[(Mapped::Title, "data")]).title, None);
}

const STANDARD: triggers::Algorithm = triggers::Algorithm::StandardWebhooks;

fn standard_source() -> WebhookSource {
    WebhookSource {
        kind: "generic".to_owned(),
        credential: "billing".to_owned(),
        allow_unsigned: false,
        generic: Some(Box::new(generic(Some(Signature::StandardWebhooks), "", &[]))),
    }
}

/// Two senders have nothing in common but that this program does not know them.
#[test]
fn several_generic_sources_are_addressed_by_name() {
    let table = |credential: &str, header: &str| WebhookSource {
        kind: "generic".to_owned(),
        credential: credential.to_owned(),
        allow_unsigned: false,
        generic: Some(Box::new(billing(hmac(header, "", Hash::Sha256, false)))),
    };
    let tables = BTreeMap::from([
        ("billing".to_owned(), table("billing", "x-sig")),
        ("shop".to_owned(), table("shop", "x-shop-sig")),
    ]);
    let instances = BTreeMap::from([
        ("billing".to_owned(), SECRET.as_bytes().to_vec()),
        ("shop".to_owned(), b"another".to_vec()),
    ]);
    let secrets = Secrets::from([("generic".to_owned(), instances)]);
    let (sources, _) = Sources::new(&tables, [], &secrets);
    let fixture = read("invoice");
    let digits = hex::encode(tag(ring::hmac::HMAC_SHA256, &fixture.body));
    let signed = fixture.header("x-sig", &digits);
    let refused = |segment: &str| post(&sources, segment, &signed).map(|d| d.signed_by);
    assert_eq!(refused("billing"), Ok(vec!["billing".to_owned()]));
    assert_eq!(refused("shop"), Err(Refusal::Signature));
    let unknown = Refusal::UnknownSource { segment: "generic".to_owned() };
    assert_eq!(refused("generic"), Err(unknown));
    let written = triggers::Fixture { headers: signed.headers.clone(), body: signed.body.clone() };
    let told = triggers::explain(&sources, None, &written, NOW_MS).unwrap();
    assert_eq!(told.delivery.summary, "billing invoice overdue acme/europe#77");
}

#[test]
fn gitlab_proves_itself_with_its_token_or_signs() {
    let gitlab = triggers::find("gitlab").unwrap();
    let source = WebhookSource {
        kind: "gitlab".to_owned(),
        credential: "default".to_owned(),
        allow_unsigned: false,
        generic: None,
    };
    let tables = BTreeMap::from([("lab".to_owned(), source.clone())]);
    let fixture = Fixture::read(gitlab, "emoji");
    let taken = |stored: &str, used: &str| {
        let instances = BTreeMap::from([("default".to_owned(), stored.as_bytes().to_vec())]);
        let (sources, problems) =
            Sources::new(&tables, [], &Secrets::from([("gitlab".to_owned(), instances)]));
        assert_eq!(problems, []);
        let written =
            triggers::Fixture { headers: fixture.headers.clone(), body: fixture.body.clone() };
        let id = Some("another-id");
        let signed = triggers::signed(gitlab, &source, &written, id, Some(used), NOW_MS).unwrap();
        let sent = Fixture { headers: signed.headers, body: signed.body, ..fixture.clone() };
        post(&sources, "lab", &sent).map(|delivery| delivery.delivery_id)
    };
    let signing = format!("whsec_{}", BASE64_STANDARD.encode([7; 32]));
    let other = format!("whsec_{}", BASE64_STANDARD.encode([8; 32]));
    let id = Some("another-id".to_owned());
    assert_eq!(taken("a token", "a token"), Ok(id.clone()));
    assert_eq!(taken("a token", "a tokem"), Err(Refusal::Signature));
    assert_eq!(taken("a token", "a toke"), Err(Refusal::Signature));
    assert_eq!(taken(&signing, &signing), Ok(id));
    assert_eq!(taken(&signing, &other), Err(Refusal::Signature));
    assert_eq!(taken(&signing, "a token"), Err(Refusal::Signature));
}
