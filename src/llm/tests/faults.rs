//! What goes wrong between us and a provider.

use std::net::TcpListener;
use std::time::Duration;

use super::server::{End, Say, Server};
use super::{ask, asked_by, spec};
use crate::llm::client::{Patience, connect_with};
use crate::llm::{Auth, Fault, FaultKind, Message, ModelSpec, Request, connect};

const CHAT: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hal\"}}]}\n\n\
                    data: {\"choices\":[{\"delta\":{\"content\":\"lo\"}}]}\n\n";
const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

fn asked(say: Say) -> Result<String, Fault> {
    let server = Server::start(vec![say]);
    let mut spec = spec("openai", "gpt-4o");
    spec.base_url = Some(server.url("/v1"));
    spec.auth = Auth::Key("sk-very-secret".to_owned());
    asked_at(&spec)
}

fn asked_at(spec: &ModelSpec) -> Result<String, Fault> {
    let patience =
        Patience { connect: Duration::from_secs(2), silence: Duration::from_millis(300) };
    let model = connect_with(spec, patience).unwrap();
    asked_by(&*model, &Request::default()).map(|reply| reply.text())
}

fn check(say: Say, kind: FaultKind, message: &str) {
    let fault = asked(say).unwrap_err();
    assert_eq!((fault.kind, fault.message.as_str()), (kind, message));
}

#[test]
fn a_reply_without_an_end_is_cut() {
    let ended = "the reply ended in its middle";
    check(Say::events(CHAT), FaultKind::Cut, ended);
    check(Say::events(""), FaultKind::Cut, ended);
    let fault = asked(Say::events(CHAT).ending(End::Cut)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Cut);
    assert!(fault.message.starts_with("the reply broke off: "), "{fault}");
    let silent = "the provider said nothing for 0.3 s";
    check(Say::events(CHAT).ending(End::Silent), FaultKind::Cut, silent);
    let noise = "the provider sent an event that is no JSON";
    check(Say::events("data: <oh>\n\n"), FaultKind::Cut, noise);
}

#[test]
fn what_came_of_a_reply_that_is_cut_was_heard() {
    let server = Server::start(vec![Say::events(CHAT)]);
    let mut spec = spec("custom", "m");
    spec.base_url = Some(server.url("/v1"));
    let mut heard = Vec::new();
    ask(&*connect(&spec).unwrap(), &Request::default(), &mut heard).unwrap_err();
    assert_eq!(heard, ["Hal", "lo"]);
}

#[test]
fn a_reply_that_says_why_it_stopped_needs_no_further_end() {
    let done = format!("{CHAT}{STOP}data: [DONE]\n\n");
    for say in [
        Say::events(done.clone()),
        // The connection stays open, and nobody waits for it.
        Say::events(done).ending(End::Silent),
        Say::events(format!("{CHAT}{STOP}")),
        Say::events(format!("{CHAT}{STOP}")).ending(End::Cut),
        Say::events(format!("{CHAT}{}", STOP.trim_end())),
    ] {
        assert_eq!(asked(say).unwrap(), "Hallo");
    }
}

#[test]
fn an_error_before_or_in_a_reply_is_told_by_its_type() {
    let said = "{\"error\":{\"message\":\"so it is\",\"type\":\"server_error\",\"code\":503}}";
    let limited = asked(Say::error(429, said).with("retry-after", "3")).unwrap_err();
    assert_eq!((limited.status, limited.retry_after_ms), (Some(429), Some(3_000)));
    check(Say::error(500, said), FaultKind::Overloaded, "so it is");
    check(Say::events(format!("{CHAT}data: {said}\n\n")), FaultKind::Overloaded, "so it is");
}

#[test]
fn every_status_is_told_apart() {
    for (status, kind) in [
        (401, FaultKind::Auth),
        (402, FaultKind::Forbidden),
        (403, FaultKind::Forbidden),
        (404, FaultKind::NotFound),
        (413, FaultKind::TooLong),
        (422, FaultKind::Rejected),
        (429, FaultKind::RateLimited),
        (500, FaultKind::Server),
        (502, FaultKind::Server),
        (503, FaultKind::Overloaded),
        (529, FaultKind::Overloaded),
    ] {
        let fault = asked(Say::error(status, "so it is")).unwrap_err();
        assert_eq!((fault.kind, fault.status), (kind, Some(status)));
        assert!(fault.message.starts_with("so it is"), "{fault}");
    }
}

#[test]
fn how_long_to_wait_may_be_a_date() {
    let limited = Say::error(429, "{}")
        .with("date", "Wed, 21 Oct 2026 07:28:00 GMT")
        .with("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT");
    assert_eq!(asked(limited).unwrap_err().retry_after_ms, Some(30_000));
}

#[test]
fn an_error_that_breaks_off_is_told_as_far_as_it_came() {
    check(Say::error(500, "so it").ending(End::Cut), FaultKind::Server, "so it");
    check(Say::error(529, "so it").ending(End::Silent), FaultKind::Overloaded, "so it");
}

#[test]
fn an_encrypted_address_of_a_server_that_speaks_openly_is_unreachable() {
    let server = Server::start(vec![Say::events(CHAT)]);
    let mut spec = spec("custom", "m");
    spec.base_url = Some(server.url("/v1").replace("http:", "https:"));
    let fault = asked_at(&spec).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable, "{fault}");
}

#[test]
fn a_key_in_a_header_of_the_project_is_in_no_message_either() {
    let server = Server::start(vec![Say::error(403, "not with very-secret-2")]);
    let mut spec = spec("custom", "m");
    spec.base_url = Some(server.url("/v1"));
    spec.headers.insert("x-team-key".to_owned(), "very-secret-2".to_owned());
    assert_eq!(asked_at(&spec).unwrap_err().message, "not with ***");
    assert_eq!(server.got()[0].header("x-team-key"), Some("very-secret-2"));
}

#[test]
fn a_key_is_in_no_message() {
    let echo = "{\"error\":{\"message\":\"no such key: sk-very-secret\"}}";
    check(Say::error(401, echo), FaultKind::Auth, "no such key: ***");
    let echo = format!("data: {echo}\n\n");
    check(Say::events(echo), FaultKind::Server, "no such key: ***");
}

#[test]
fn an_address_that_is_not_the_provider_s_is_said() {
    let moved = Say::error(302, "").with("location", "https://elsewhere/v1");
    let message =
        "the provider is elsewhere; write this address as `baseUrl`: https://elsewhere/v1";
    check(moved, FaultKind::NotFound, message);

    let server = Server::start(vec![
        Say { headers: vec![("content-type", "text/html".to_owned())], ..Say::events("<html>") },
        Say::error(404, ""),
    ]);
    let mut spec = spec("custom", "m");
    spec.base_url = Some(server.url("/"));
    let page = asked_at(&spec).unwrap_err();
    assert_eq!(page.kind, FaultKind::NotFound);
    assert!(page.message.ends_with("is a web page; is `baseUrl` right?"), "{page}");
    let nothing = asked_at(&spec).unwrap_err();
    assert_eq!((nothing.kind, nothing.status), (FaultKind::NotFound, Some(404)));
    assert!(nothing.message.ends_with("a `baseUrl` that ends in /v1"), "{nothing}");
}

#[test]
fn nobody_at_the_address_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut spec = spec("custom", "m");
    spec.base_url = Some(format!("http://127.0.0.1:{port}/v1"));
    let fault = asked_at(&spec).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert!(fault.message.starts_with(&format!("127.0.0.1:{port}: ")), "{fault}");
    assert!(fault.message.contains("refused"), "{fault}");
}

#[test]
fn a_refusal_without_a_type_is_for_the_length_of_what_fills_the_window() {
    for (window, expected) in [
        (Some(1_000), FaultKind::TooLong),
        (Some(100_000), FaultKind::Rejected),
        (None, FaultKind::Rejected),
    ] {
        let server = Server::start(vec![Say::error(400, "{\"error\":{\"message\":\"no\"}}")]);
        let mut spec = spec("custom", "m");
        spec.base_url = Some(server.url("/v1"));
        spec.context_window = window;
        let messages = vec![Message::User("word ".repeat(600))];
        let request = Request { messages, ..Request::default() };
        let fault = asked_by(&*connect(&spec).unwrap(), &request).unwrap_err();
        assert_eq!(fault.kind, expected, "{window:?}");
    }
}

#[test]
fn a_model_that_cannot_be_asked_is_said_before_anything_is_sent() {
    let check = |change: &dyn Fn(&mut ModelSpec), expected: &str| {
        let mut spec = spec("openai", "m");
        spec.auth = Auth::Key("k".to_owned());
        change(&mut spec);
        let fault = connect(&spec).err().unwrap();
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Setup, expected));
    };
    check(
        &|spec| spec.provider = "opena".to_owned(),
        "model `it`: no provider `opena`; there are anthropic, openai, groq, google, xai, \
         mistral, openrouter, custom, replay",
    );
    check(&|spec| spec.auth = Auth::None, "model `it`: no key; it belongs into `openai_key`");
    check(
        &|spec| spec.provider = "custom".to_owned(),
        "model `it`: provider `custom` needs a `baseUrl`",
    );
    check(
        &|spec| spec.base_url = Some("localhost:80".to_owned()),
        "model `it`: `baseUrl` is no address: it begins with http:// or https://: localhost:80",
    );
    check(
        &|spec| spec.auth = Auth::Key("a\nb".to_owned()),
        "model `it`: its key has characters that no key has",
    );
    check(
        &|spec| drop(spec.headers.insert("a b".to_owned(), String::new())),
        "model `it`: header `a b` cannot be sent",
    );
    check(
        &|spec| spec.provider = "replay".to_owned(),
        "model `it`: `replay` plays a `file`, and there is none",
    );
}
