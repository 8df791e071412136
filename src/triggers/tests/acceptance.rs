//! Who gets in, and whom it reaches.

use super::*;

#[test]
fn a_signed_delivery_is_understood_completely() {
    let delivery = Setup::signed().post("github", &Request::issue().sign("s3cret")).unwrap();
    let id = "72d3162e-cc78-11e3-81ab-4c9367dc0958";
    assert_eq!(
        delivery,
        Delivery {
            source: "github",
            delivery_id: Some(id.to_owned()),
            dedupe_key: Some(format!("github/github/default:{id}")),
            summary: "issues opened acme/api#12".to_owned(),
            signed_by: vec!["default".to_owned()],
            context: delivery.context.clone(),
            matches: vec![Match { agent: "dev".to_owned(), binding: 0 }],
            stored_headers: json!({
                "x-github-event": "issues",
                "x-github-delivery": id,
                "content-type": "application/json",
            })
            .to_string(),
            reply: None,
        }
    );
}

/// From GitHub's documentation of its signatures.
#[test]
fn a_published_signature_is_right() {
    let known = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_eq!(signature("It's a Secret to Everybody", b"Hello, World!"), known);
    let setup = Setup::default()
        .source("hub", "default", false)
        .secret("default", "It's a Secret to Everybody");
    let request = Request::issue().body("Hello, World!").header("X-Hub-Signature-256", known);
    assert_eq!(setup.post("github", &request), Err(Refusal::InvalidJson));
}

#[test]
fn what_is_not_signed_right_is_refused_alike() {
    let signed = Request::issue().sign("s3cret");
    let right = signature("s3cret", &signed.body);
    let digest = right.strip_prefix("sha256=").unwrap();
    let with = |value: &[u8]| signed.clone().header("X-Hub-Signature-256", value);
    let cases = [
        ("missing", Request::issue()),
        ("empty", with(b"")),
        ("prefix only", with(b"sha256=")),
        ("of another secret", Request::issue().sign("other")),
        ("of another body", signed.clone().body("{}")),
        ("truncated", with(&right.as_bytes()[..right.len() - 2])),
        ("half a byte short", with(&right.as_bytes()[..right.len() - 1])),
        ("too long", with(format!("{right}00").as_bytes())),
        ("without prefix", with(digest.as_bytes())),
        ("wrong prefix", with(format!("sha1={digest}").as_bytes())),
        ("not hexadecimal", with(format!("sha256={}", "z".repeat(64)).as_bytes())),
        ("not text", with(b"sha256=\xff\xfe\x00")),
        ("not ASCII", with("sha256=äöü".as_bytes())),
        (
            "old SHA-1 only",
            Request::issue()
                .header("X-Hub-Signature", "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6"),
        ),
    ];
    for (name, request) in cases {
        assert_eq!(Setup::signed().post("github", &request), Err(Refusal::Signature), "{name}");
        assert_eq!(Setup::signed().post("hub", &request), Err(Refusal::Signature), "{name}");
    }
    assert!(
        Setup::signed()
            .post("github", &with(format!("sha256={}", digest.to_uppercase()).as_bytes()))
            .is_ok()
    );
}

#[test]
fn the_signature_is_judged_before_the_body() {
    let request = Request::issue().body("not json");
    assert_eq!(Setup::signed().post("github", &request), Err(Refusal::Signature));
    let form = request.header("Content-Type", "application/x-www-form-urlencoded").body("a=b");
    assert_eq!(Setup::signed().post("github", &form), Err(Refusal::Signature));
}

#[test]
fn no_secret_and_no_allow_unsigned_is_refused() {
    let setup = Setup::default().source("hub", "default", false).agent("dev", "hub");
    for request in [Request::issue(), Request::issue().sign("guess"), Request::issue().sign("")] {
        assert_eq!(setup.post("github", &request), Err(Refusal::Signature));
    }
    assert_eq!(
        setup.build().1,
        [Problem::NoSecret {
            source: "hub".into(),
            provider: "github",
            instance: "default".into()
        }]
    );
}

/// With an empty secret anybody can sign.
#[test]
fn an_empty_secret_is_no_secret() {
    let setup =
        Setup::default().source("hub", "default", false).secret("default", "").agent("dev", "hub");
    let request = Request::issue().sign("");
    assert_eq!(setup.post("github", &request), Err(Refusal::Signature));
    let empty = Problem::EmptySecret { provider: "github", instance: "default".into() };
    assert!(setup.build().1.contains(&empty));
}

#[test]
fn allow_unsigned_takes_and_triggers_whatever_the_table_is_called() {
    for name in ["github", "my-hook"] {
        let setup = Setup::default().source(name, "default", true).agent("dev", name);
        for segment in ["github", name] {
            for request in [Request::issue(), Request::issue().sign("whatever")] {
                let delivery = setup.post(segment, &request).unwrap();
                assert_eq!(
                    (&delivery.signed_by, delivery.matches.len()),
                    (&vec![], 1),
                    "{segment}"
                );
            }
        }
        assert_eq!(setup.build().0.unsigned().collect::<Vec<_>>(), [(name, Open::AllowUnsigned)]);
    }
}

#[test]
fn a_secret_counts_also_where_unsigned_is_allowed() {
    let setup = Setup::default()
        .source("hub", "default", true)
        .secret("default", "s3cret")
        .agent("dev", "hub");
    assert_eq!(setup.post("github", &Request::issue()), Err(Refusal::Signature));
    assert_eq!(matched(setup.post("github", &Request::issue().sign("s3cret"))), ["dev 0"]);
    assert_eq!(setup.build().0.unsigned().count(), 0);
}

/// Two organisations and a source that asks for no secret.
fn three_sources() -> Setup {
    Setup::default()
        .source("acme", "acme", false)
        .secret("acme", "one")
        .source("beta", "beta", false)
        .secret("beta", "two")
        .source("open", "none", true)
        .agent("a", "acme")
        .agent("b", "beta")
        .agent("o", "open")
        .agent("all", "acme")
        .agent("all", "beta")
        .agent("all", "open")
}

#[test]
fn the_secret_that_verifies_selects_the_bindings() {
    let setup = three_sources();
    let one = Request::issue().sign("one");
    let two = Request::issue().sign("two");
    assert_eq!(matched(setup.post("github", &one)), ["a 0", "all 0"]);
    assert_eq!(matched(setup.post("github", &two)), ["b 0", "all 1"]);
    assert_eq!(matched(setup.post("github", &Request::issue())), ["o 0", "all 2"]);
    assert_eq!(setup.post("github", &Request::issue().sign("three")), Err(Refusal::Signature));
}

#[test]
fn the_url_of_a_source_tries_only_its_secret() {
    let setup = three_sources();
    let one = Request::issue().sign("one");
    assert_eq!(matched(setup.post("acme", &one)), ["a 0", "all 0"]);
    assert_eq!(setup.post("beta", &one), Err(Refusal::Signature));
    assert_eq!(setup.post("acme", &Request::issue()), Err(Refusal::Signature));
    assert_eq!(matched(setup.post("open", &one)), ["o 0", "all 2"]);
}

#[test]
fn sources_with_the_same_secret_all_get_the_delivery() {
    let setup = Setup::default()
        .source("acme", "acme", false)
        .secret("acme", "same")
        .source("beta", "beta", false)
        .secret("beta", "same")
        .source("beta-too", "beta", false)
        .agent("a", "acme")
        .agent("b", "beta")
        .agent("c", "beta-too");
    let request = Request::issue().sign("same");
    let delivery = setup.post("github", &request).unwrap();
    assert_eq!(delivery.signed_by, ["acme", "beta"]);
    assert_eq!(matched(Ok(delivery)), ["a 0", "b 0", "c 0"]);
    assert_eq!(matched(setup.post("beta-too", &request)), ["c 0"]);
}

#[test]
fn nobody_can_use_up_the_delivery_id_of_another_sender() {
    let key =
        |segment, request: Request| three_sources().post(segment, &request).unwrap().dedupe_key;
    let signed = key("github", Request::issue().sign("one"));
    assert_eq!(signed, key("github", Request::issue().sign("one")));
    for other in [
        key("github", Request::issue()),
        key("github", Request::issue().sign("two")),
        key("acme", Request::issue().sign("one")),
        key("github", Request::issue().sign("one").header("X-GitHub-Delivery", "another")),
    ] {
        assert_ne!(signed, other);
    }
    for unusable in [b"".as_slice(), b"\xff", &[b'a'; 201]] {
        assert_eq!(
            key("github", Request::issue().sign("one").header("X-GitHub-Delivery", unusable)),
            None
        );
    }
}

#[test]
fn an_address_without_a_source_is_unknown() {
    let unknown = |setup: &Setup, segment: &str| match setup
        .post(segment, &Request::issue().sign("s3cret"))
    {
        Err(refusal @ Refusal::UnknownSource { .. }) => refusal.to_string(),
        other => panic!("{segment}: {other:?}"),
    };
    let setup =
        Setup::signed().source_of("pigeon", "errors", "default", false).agent("dev", "errors");
    assert_eq!(unknown(&setup, "githib"), "unknown webhook source: githib");
    // A type that is not received, by its type and by its name.
    assert_eq!(unknown(&setup, "pigeon"), "unknown webhook source: pigeon");
    assert_eq!(unknown(&setup, "errors"), "unknown webhook source: errors");
    assert_eq!(unknown(&Setup::default(), "github"), "unknown webhook source: github");
    assert_eq!(unknown(&setup, "a\nb"), "unknown webhook source: a b");
    assert!(unknown(&setup, &"x".repeat(5000)).len() < 300);
}

#[test]
fn what_cannot_work_is_reported_and_the_rest_works() {
    let setup = Setup::signed()
        .source_of("pigeon", "errors", "default", false)
        .source("bare", "absent", false)
        .agent("dev", "errors")
        .agent("dev", "nowhere")
        .agent_that_wants("ops", "hub", &[("repository", &["acme/api"])])
        .agent_that_wants("ops", "hub", &[("weather", &["rain"])]);
    let (sources, problems) = setup.build();
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(problems.join("\n"), @r#"
    [webhooks.bare]: no delivery is taken before there is a secret, github_webhook_secret:absent; `al webhook ls` says in which file
    [webhooks.errors]: deliveries of type 'pigeon' are not received
    agent 'dev', webhook 3: there is no [webhooks.nowhere]
    agent 'ops', webhook 1: 'repository' is not a filter of github, so this webhook is not used
    agent 'ops', webhook 2: 'weather' is not a filter of github, so this webhook is not used
    "#);
    assert_eq!(matched(Request::issue().sign("s3cret").send(&sources, "github")), ["dev 0"]);
}

#[test]
fn each_refusal_has_its_status_its_words_and_its_reason() {
    let unknown = Refusal::UnknownSource { segment: "x".to_owned() };
    let table = [
        (unknown, 404, "unknown webhook source: x", "unknown_source"),
        (Refusal::Signature, 401, "signature validation failed", "validation_failed"),
        (Refusal::MissingPayload, 400, "missing payload in form body", "validation_failed"),
        (Refusal::InvalidJson, 400, "invalid JSON body", "parse_error"),
    ];
    for (refusal, status, text, reason) in table {
        assert_eq!(
            (refusal.status(), refusal.to_string().as_str(), refusal.reason()),
            (status, text, reason)
        );
    }
}

#[test]
fn a_form_carries_the_json_in_its_field_payload() {
    let setup = Setup::signed();
    let form = |body: String| {
        let content_type = "application/x-www-form-urlencoded; charset=utf-8";
        setup.post(
            "github",
            &Request::issue().header("content-type", content_type).body(body).sign("s3cret"),
        )
    };
    let encode =
        |json: &str| -> String { form_urlencoded::byte_serialize(json.as_bytes()).collect() };
    let payload = encode(&issue_opened().to_string());
    let plain = setup.post("github", &Request::issue().sign("s3cret")).unwrap();
    for body in [format!("payload={payload}"), format!("a=1&payload={payload}&payload=2")] {
        let delivery = form(body).unwrap();
        assert_eq!(
            (delivery.context, delivery.matches),
            (plain.context.clone(), plain.matches.clone())
        );
    }
    assert_eq!(form("other=1".to_owned()), Err(Refusal::MissingPayload));
    assert_eq!(form(String::new()), Err(Refusal::MissingPayload));
    assert_eq!(form("payload=".to_owned()), Err(Refusal::InvalidJson));
    assert_eq!(form(format!("payload={}", &payload[..40])), Err(Refusal::InvalidJson));
}

#[test]
fn a_body_that_is_no_json_is_refused() {
    let deep = "[".repeat(1_000_000);
    for body in
        ["", " ", "{", "not json", "{} {}", "{\"action\": }", "{'action': 1}", "\u{feff}{}", &deep]
    {
        let request = Request::issue().body(body).sign("s3cret");
        assert_eq!(
            Setup::signed().post("github", &request),
            Err(Refusal::InvalidJson),
            "{body:.20}"
        );
    }
    let request = Request::issue().body(b"{\"a\": \"\xff\"}".as_slice()).sign("s3cret");
    assert_eq!(Setup::signed().post("github", &request), Err(Refusal::InvalidJson));
}

#[test]
fn receipts_keep_no_signature_and_no_secret() {
    let request = Request::issue()
        .header("X-Hub-Signature", "sha1=00")
        .header("Authorization", "Bearer hunter2")
        .header("Cookie", "a=hunter2")
        .header("User-Agent", b"GitHub-Hookshot/\xff".as_slice())
        .sign("s3cret");
    let mut request = request;
    request.headers.push(("X-Via".to_owned(), b"one".to_vec()));
    request.headers.push(("x-via".to_owned(), b"two".to_vec()));
    let stored = Setup::signed().post("github", &request).unwrap().stored_headers;
    let stored: Value = serde_json::from_str(&stored).unwrap();
    let expected = json!({
        "x-github-event": "issues",
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/\u{fffd}",
        "x-via": "one, two",
    });
    assert_eq!(stored, expected);
}

#[test]
fn secrets_are_not_shown_by_debug() {
    let shown = format!("{:?}", Setup::signed().build().0);
    assert!(!shown.contains("s3cret") && !shown.contains("115, 51"), "{shown}");
}
