//! Secrets of other providers than GitHub: keys that are none, sources that ask for none, and the
//! challenge that asks whether we know ours.

use super::*;

/// The public key that belongs to 32 bytes of 7.
const PUBLIC_KEY: &str = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";

fn discord(key: &str) -> (Sources, Vec<Problem>) {
    Setup::default()
        .source_of("discord", "bot", "default", false)
        .secret_of("discord", "default", key)
        .agent("dev", "bot")
        .build()
}

#[test]
fn a_public_key_is_64_hexadecimal_digits() {
    assert_eq!(discord(PUBLIC_KEY).1, []);
    assert_eq!(discord(&PUBLIC_KEY.to_uppercase()).1, []);
    let (short, zeros, base64) = (&PUBLIC_KEY[2..], "0".repeat(64), "6kpsY+KcUgq+9VB7Ey7F+Q==");
    for key in [short, &PUBLIC_KEY[1..], &format!("{PUBLIC_KEY}00"), &zeros, base64, "key"] {
        let expected =
            Problem::MalformedKey { provider: "discord", instance: "default".to_owned() };
        assert_eq!(discord(key).1, [expected], "{key}");
    }
}

/// What is meant as a key and is none must not open the door that no key would open.
#[test]
fn a_malformed_key_is_not_like_none() {
    for allow_unsigned in [false, true] {
        let setup = Setup::default()
            .source_of("discord", "bot", "default", allow_unsigned)
            .secret_of("discord", "default", "key")
            .agent("dev", "bot");
        let command = Request::event("x", &json!({"type": 2, "data": {"name": "launch"}}));
        assert_eq!(setup.post("discord", &command), Err(Refusal::Signature));
        assert_eq!(setup.build().0.unsigned().count(), 0);
    }
}

#[test]
fn a_problem_never_shows_the_secret() {
    let (_, problems) = discord("planted-secret");
    assert!(!problems.is_empty());
    for problem in problems {
        assert!(!format!("{problem} {problem:?}").contains("planted"), "{problem}");
    }
}

/// Existing systems took deliveries of the type `test` as soon as there was any other source.
#[test]
fn a_test_is_received_only_where_it_is_configured_and_says_that_anybody_may_send_it() {
    let request = Request::event("x", &json!({"event": "deploy"}));
    let without = Setup::signed();
    let unknown = Refusal::UnknownSource { segment: "test".to_owned() };
    assert_eq!(without.post("test", &request), Err(unknown));
    let setup = Setup::signed().source_of("test", "try", "default", false).agent("dev", "try");
    let (sources, problems) = setup.build();
    assert_eq!(problems, []);
    assert_eq!(sources.unsigned().collect::<Vec<_>>(), [("try", Open::Test)]);
    for segment in ["test", "try"] {
        assert_eq!(matched(setup.post(segment, &request)), ["dev 1"], "{segment}");
    }
    let github = setup.post("github", &request);
    assert_eq!(github, Err(Refusal::Signature), "it opens no other source");
}

#[test]
fn a_source_without_a_secret_may_take_handshakes_of_anybody() {
    let setup = |allow| Setup::default().source_of("slack", "team", "default", allow);
    let request = Request::event("x", &json!({"type": "url_verification", "challenge": "abc"}));
    let headers: Headers<'_> =
        request.headers.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
    let receive =
        |setup: Setup| receive(&setup.build().0, "slack", &headers, &request.body, NOW_MS);
    let answer = Received::Handshake(r#"{"challenge":"abc"}"#.to_owned());
    assert_eq!(receive(setup(true)), Ok(answer));
    assert_eq!(receive(setup(false)), Err(Refusal::Signature));
}

fn crc(setup: &Setup, segment: &str, query: &str) -> Result<String, NoAnswer> {
    challenge(&setup.build().0, segment, query)
}

/// With the secret of the first source in use, or of the one that the address names.
#[test]
fn a_challenge_is_answered_with_the_secret_of_the_source() {
    let twitter =
        |name: &str, instance: &str| Setup::default().source_of("twitter", name, instance, false);
    let setup = twitter("x", "b")
        .source_of("twitter", "y", "c", false)
        .secret_of("twitter", "a", "unused")
        .secret_of("twitter", "b", "one")
        .secret_of("twitter", "c", "two");
    // printf abc | openssl dgst -sha256 -hmac one -binary | base64
    let one =
        r#"{"response_token":"sha256=WSGUWFQHxE6CUox/zSJRHqxclangyeBp2gL8rigm3Ck="}"#.to_owned();
    let two =
        r#"{"response_token":"sha256=lZ/gIM+WahWadCmSiSLGd3v+F8p7HxBbGKGPzJX3Bhg="}"#.to_owned();
    assert_eq!(crc(&setup, "twitter", "crc_token=abc"), Ok(one.clone()));
    assert_eq!(crc(&setup, "x", "nonce=1&crc_token=abc"), Ok(one));
    assert_eq!(crc(&setup, "y", "crc_token=abc"), Ok(two));
    assert_eq!(crc(&twitter("x", "b"), "twitter", "crc_token=abc"), Err(NoAnswer::Failed));
    assert_eq!(crc(&Setup::signed(), "github", "crc_token=abc"), Err(NoAnswer::NotSupported));
    assert_eq!(crc(&setup, "nobody", "crc_token=abc"), Err(NoAnswer::NotSupported));
}

/// Anybody may ask for the digest of a token, and with the same digest a delivery is signed.
#[test]
fn no_token_is_a_delivery() {
    let setup = Setup::default()
        .source_of("twitter", "x", "default", false)
        .secret_of("twitter", "default", "one");
    let long = "a".repeat(501);
    for token in ["{}", "%7B%7D", "[1]", "\"a\"", "a%20b", "a&b", "payload%3D%257B%257D", &long] {
        let answer = crc(&setup, "twitter", &format!("crc_token={token}"));
        let harmless = token == "a&b";
        assert_eq!(answer.is_ok(), harmless, "{token}");
    }
    assert!(crc(&setup, "twitter", "crc_token=MTU4NTQ5_a-b.c~d%2B%2F%3D").is_ok());
}

/// Numbers are tokens and JSON.
#[test]
fn the_answer_to_a_challenge_signs_no_delivery() {
    let setup = Setup::default()
        .source_of("twitter", "x", "default", false)
        .secret_of("twitter", "default", "one");
    for token in ["1", "null", "payload=1"] {
        let answer = crc(&setup, "twitter", &format!("crc_token={}", token.replace('=', "%3D")));
        let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
        let form = ("content-type", "application/x-www-form-urlencoded");
        let request = Request::event("x", &json!({}))
            .body(token)
            .header("x-twitter-webhooks-signature", answer["response_token"].as_str().unwrap());
        let request = if token.contains('=') { request.header(form.0, form.1) } else { request };
        assert_eq!(setup.post("twitter", &request), Err(Refusal::InvalidJson), "{token}");
    }
}
