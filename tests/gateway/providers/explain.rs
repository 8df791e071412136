//! What is told of a delivery before it is sent is what happens when it is.

use action_llama::triggers::{self, Explanation, Found, PROVIDERS, Provider, Sources, Unexplained};

use super::fixtures::{Fixture, NOW_MS, Secret, sources};

fn explain(
    sources: &Sources,
    source: Option<&str>,
    fixture: &Fixture,
) -> Result<Explanation, Unexplained> {
    let written =
        triggers::Fixture { headers: fixture.headers.clone(), body: fixture.body.clone() };
    triggers::explain(sources, source, &written, NOW_MS)
}

fn known() -> impl Iterator<Item = &'static Provider> {
    PROVIDERS.iter().copied().filter(|provider| provider.kind() != "generic")
}

/// The agents that a delivery with the secret of this source starts, and what they are told.
fn check(provider: &'static Provider, fixture: &Fixture, filters: &[(&str, &str)]) {
    let sources = sources(provider, filters);
    let mut all = Vec::new();
    for (secret, source) in [(Secret(1), "one"), (Secret(2), "two")] {
        let Some(sent) = fixture.clone().signed(secret).delivery(&sources) else { return };
        let told = explain(&sources, Some(source), fixture).unwrap();
        let what = format!("{} {} {filters:?}", provider.kind(), fixture.name);
        assert_eq!(told.delivery.context, sent.context, "{what}");
        assert_eq!(told.delivery.summary, sent.summary, "{what}");
        if provider.signature.is_some() {
            assert_eq!(told.delivery.matches, sent.matches, "{what}");
        }
        all.extend(sent.matches);
        for binding in &told.bindings {
            let passes = binding.filters.iter().all(|verdict| verdict.passes);
            let heard = binding.agent == format!("agent-{source}");
            let wanted = sent.context.is_some() && heard && passes;
            assert_eq!(binding.matched, wanted, "{what} {binding:?}");
            assert!(!binding.reasons.is_empty(), "{what}");
        }
    }
    // Of the provider as a whole: whatever secret signs.
    all.sort();
    all.dedup();
    let told = explain(&sources, Some(provider.kind()), fixture).unwrap();
    assert_eq!(told.delivery.matches, all, "{} {filters:?}", provider.kind());
}

#[test]
fn the_explanation_agrees_with_what_a_signed_delivery_does() {
    for provider in known() {
        for fixture in Fixture::all(provider) {
            check(provider, &fixture, &[]);
            let told = explain(&sources(provider, &[]), Some("one"), &fixture).unwrap();
            let Some(context) = told.delivery.context else { continue };
            for name in provider.table.names() {
                for value in ["x", &context.event, &context.repo, "main", "bug"] {
                    check(provider, &fixture, &[(name, value)]);
                }
            }
        }
    }
}

#[test]
fn the_headers_tell_who_sent_a_delivery() {
    for provider in known() {
        for fixture in Fixture::all(provider) {
            let signed = fixture.clone().signed(Secret(1));
            let told = explain(&sources(provider, &[]), None, &signed);
            let told = told.map(|told| told.delivery.source);
            assert_eq!(told, Ok(provider.kind()), "{}", fixture.name);
        }
    }
}

#[test]
fn an_event_without_a_branch_or_conclusion_passes_such_a_filter() {
    let github = triggers::find("github").unwrap();
    let fixture = Fixture::read(github, "issues");
    let sources = sources(github, &[("branches", "main"), ("conclusions", "failure")]);
    let told = explain(&sources, Some("one"), &fixture).unwrap();
    let verdicts = told.bindings[0].filters.iter().map(|v| (v.field.as_str(), &v.found, v.passes));
    let nothing = Found::Nothing(());
    assert_eq!(
        verdicts.collect::<Vec<_>>(),
        [("branches", &nothing, true), ("conclusions", &nothing, true)]
    );
    assert!(told.bindings[0].matched);
    assert_eq!(told.bindings[1].reasons, ["it listens to another source, 'two'"]);
}

#[test]
fn a_handshake_and_a_provider_without_a_source_start_nobody() {
    let slack = triggers::find("slack").unwrap();
    let fixture = Fixture::read(slack, "url_verification");
    let told = explain(&sources(slack, &[]), Some("slack"), &fixture).unwrap();
    assert_eq!((told.delivery.context, told.delivery.matches), (None, vec![]));
    assert_eq!(told.bindings[0].reasons, ["no agent is started by such an event"]);

    let github = triggers::find("github").unwrap();
    let told =
        explain(&sources(slack, &[]), Some("github"), &Fixture::read(github, "issues")).unwrap();
    let reason = "its source 'one' is of type slack, and this is of github";
    assert_eq!(
        (told.delivery.matches, &told.bindings[0].reasons[..]),
        (vec![], &[reason.to_owned()][..])
    );

    let unknown = explain(&sources(slack, &[]), Some("nobody"), &fixture).map(|_| ());
    assert_eq!(unknown, Err(Unexplained::NoSuchSource { name: "nobody".to_owned() }));
}

/// What `al webhook send` makes is what providers send.
#[test]
fn what_we_sign_is_taken_as_the_providers_own() {
    for provider in known() {
        let Some(scheme) = &provider.signature else { continue };
        let source = action_llama::project::WebhookSource {
            kind: provider.kind().to_owned(),
            credential: "first".to_owned(),
            allow_unsigned: false,
            generic: None,
        };
        let secret = String::from_utf8(Secret(1).stored(scheme.algorithm)).unwrap();
        for fixture in Fixture::all(provider) {
            let old = fixture.clone().signed_at(Secret(2), NOW_MS / 1000 - 9_000);
            let written = triggers::Fixture { headers: old.headers, body: old.body };
            let signed = triggers::signed(
                provider,
                &source,
                &written,
                Some("another-id"),
                Some(&secret),
                NOW_MS,
            );
            if provider.kind() == "discord" {
                assert_eq!(signed, Err(triggers::Unsignable::PrivateKey));
                continue;
            }
            let signed = signed.unwrap();
            let sent = Fixture { headers: signed.headers, body: signed.body, ..fixture };
            let Some(delivery) = sent.delivery(&sources(provider, &[])) else { continue };
            assert_eq!(delivery.signed_by, ["first"], "{} {}", provider.kind(), sent.name);
            let has_id = provider.delivery_id != triggers::DeliveryId::Nowhere;
            let id = has_id.then(|| "another-id".to_owned());
            assert_eq!(delivery.delivery_id, id, "{} {}", provider.kind(), sent.name);
        }
    }
}
