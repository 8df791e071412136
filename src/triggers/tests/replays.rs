//! Deliveries that were taken once and are judged again.

use super::*;

/// Again without its signature, which is not kept.
fn replayed(setup: &Setup, segment: &str, signed_by: &[&str]) -> Result<Vec<String>, Refusal> {
    let request = Request::issue();
    let headers = request.headers.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
    let signed_by: Vec<String> = signed_by.iter().map(|&s| s.to_owned()).collect();
    let sources = setup.build().0;
    match again(&sources, segment, &signed_by, &headers, &request.body, NOW_MS)? {
        Received::Delivery(delivery) => Ok(matched(Ok(*delivery))),
        Received::Handshake(answer) => panic!("a handshake: {answer}"),
    }
}

#[test]
fn a_replay_is_for_the_bindings_of_today_that_its_signature_reaches() {
    let check = |setup: &Setup, segment: &str, signed_by: &[&str], expected: &[&str]| {
        assert_eq!(replayed(setup, segment, signed_by).unwrap(), expected, "{segment}");
    };
    let then = Setup::signed().source("other", "other", false).secret("other", "two");
    check(&then, "github", &["default"], &["dev 0"]);
    check(&then, "github", &["other"], &[]);
    // Its secret is another one by now, and another agent came.
    let now = then.secret("default", "changed").agent("new", "hub").agent("else", "other");
    check(&now, "github", &["default"], &["dev 0", "new 0"]);
    check(&now, "hub", &["default"], &["dev 0", "new 0"]);
    check(&now, "github", &["other"], &["else 0"]);
    check(&now, "github", &["gone"], &[]);
    // What was taken unsigned reaches what still asks for no signature.
    check(&now, "github", &[], &[]);
    let open = now.source("open", "none", true).agent("o", "open");
    check(&open, "github", &[], &["o 0"]);
    let unknown = Refusal::UnknownSource { segment: "sentry".to_owned() };
    assert_eq!(replayed(&open, "sentry", &["default"]), Err(unknown));
}
