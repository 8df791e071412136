//! What tests may rely on: bytes travel as told, and requests are judged.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::TcpStream;

use al_support::{Ending, Fake, Say};
use serde_json::{Value, json};

/// All that comes back on a connection of its own: head, body still in chunks.
fn post(fake: &Fake, path: &str, head: &str, body: &Value) -> String {
    let mut stream = TcpStream::connect(fake.url().strip_prefix("http://").unwrap()).unwrap();
    send(&mut stream, path, head, body);
    let mut bytes = Vec::new();
    // A connection that breaks has said what it has said.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn send(stream: &mut TcpStream, path: &str, head: &str, body: &Value) {
    let body = body.to_string();
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: fake\r\nconnection: close\r\ncontent-length: {length}\r\n\
         {head}\r\n{body}"
    )
    .unwrap();
}

const CHAT: &str = "/v1/chat/completions";
const KEY: &str = "authorization: Bearer k\r\n";

fn hello() -> Value {
    json!({"model": "gpt-4.1", "stream": true, "messages": [{"role": "user", "content": "Hi"}]})
}

#[test]
fn a_stream_comes_in_chunks_as_small_as_told() {
    let fake = Fake::start(vec![Say::text("zażółć").in_chunks(3)]);
    let answer = post(&fake, CHAT, KEY, &hello());
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    // The size of each chunk is a line in front of it.
    assert!(body.starts_with("3\r\ndat\r\n3\r\na: \r\n"), "{body}");
    assert!(body.ends_with("0\r\n\r\n"), "{body}");
}

#[test]
fn a_cut_stream_ends_well_or_badly_as_told() {
    for (how, ends_well) in [(Ending::Clean, true), (Ending::Broken, false)] {
        let fake = Fake::start(vec![Say::text("Hello there").cut(50, how)]);
        let answer = post(&fake, CHAT, KEY, &hello());
        assert_eq!(answer.ends_with("0\r\n\r\n"), ends_well, "{how:?}: {answer}");
        assert!(!answer.contains("[DONE]"), "{how:?}: {answer}");
    }
}

#[test]
fn a_stream_stalls_until_it_may_go_on() {
    let fake = Fake::start(vec![Say::text("Hello there").stalling(50)]);
    let mut stream = TcpStream::connect(fake.url().strip_prefix("http://").unwrap()).unwrap();
    send(&mut stream, CHAT, KEY, &hello());
    let mut seen = Vec::new();
    let mut block = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains("data: ") {
        let n = stream.read(&mut block).unwrap();
        seen.extend_from_slice(&block[..n]);
    }
    assert!(!String::from_utf8_lossy(&seen).contains("[DONE]"));
    fake.go_on();
    stream.read_to_end(&mut seen).unwrap();
    assert!(String::from_utf8_lossy(&seen).contains("[DONE]"));
}

#[test]
fn a_request_too_many_is_refused() {
    let fake = Fake::start(vec![Say::text("Once.")]);
    assert!(post(&fake, CHAT, KEY, &hello()).contains("Once."));
    let second = post(&fake, CHAT, KEY, &hello());
    assert!(second.contains("the script has no more answers"), "{second}");
}

/// A request is refused with this status and these words, and uses up no answer.
fn check(path: &str, head: &str, body: Value, status: u16, words: &str) {
    let fake = Fake::start(vec![Say::text("Never said.")]);
    let answer = post(&fake, path, head, &body);
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path} {body}: {answer}");
    assert!(answer.contains(words), "{path} {body}: {answer}");
    assert_eq!((fake.left(), fake.complaints().len()), (1, 1));
}

#[test]
fn what_a_provider_refuses_is_refused() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = hello();
        change(&mut body);
        body
    };
    let call = |id: &str| {
        json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": null,
            "tool_calls": [{"id": id, "type": "function",
                "function": {"name": "bash", "arguments": "{}"}}]}])
    };
    check(CHAT, "", hello(), 401, "You didn't provide an API key");
    check(CHAT, KEY, with(&|b| b["mesages"] = 1.into()), 400, "Unrecognized request argument");
    check(
        CHAT,
        KEY,
        with(&|b| b["messages"] = call("c1")),
        400,
        "did not have response messages: c1",
    );
    let mistral = "/mistral/v1/chat/completions";
    check(mistral, KEY, with(&|b| b["messages"] = call("c1")), 400, "with a length of 9");
    check(mistral, KEY, with(&|b| b["stream_options"] = json!({})), 422, "extra_forbidden");
    check("/v1/responses", KEY, json!({"model": "gpt-5"}), 400, "'input'");

    let anthropic = "x-api-key: k\r\nanthropic-version: 2023-06-01\r\n";
    let user = json!({"role": "user", "content": "Hi"});
    let ask = |messages: Value| json!({"model": "m", "max_tokens": 9, "messages": messages});
    let used = json!({"role": "assistant", "content": [
        {"type": "tool_use", "id": "t1", "name": "bash", "input": {}}]});
    let forged = json!({"role": "assistant", "content": [
        {"type": "thinking", "thinking": "Hm", "signature": "forged"}]});
    let path = "/v1/messages";
    check(path, "", ask(json!([user])), 401, "authentication_error");
    check(path, "x-api-key: k\r\n", ask(json!([user])), 400, "anthropic-version");
    check(path, anthropic, ask(json!([user, used, user])), 400, "`tool_use` ids were found");
    check(path, anthropic, ask(json!([user, forged, user])), 400, "Invalid `signature`");
    check(path, anthropic, ask(json!([])), 400, "at least one message");
    let sign_in = "authorization: Bearer sk-ant-oat01\r\nanthropic-version: 2023-06-01\r\n";
    check(path, sign_in, ask(json!([user])), 401, "OAuth");
    let unknown = "x-api-key: k\r\nanthropic-version: 2031-01-01\r\n";
    check(path, unknown, ask(json!([user])), 400, "is not a valid version");
    let newest = "authorization: Bearer k\r\nanthropic-version: 2026-10-21\r\n";
    let mut warm = ask(json!([user]));
    warm["temperature"] = 1.into();
    check(path, newest, warm, 400, "temperature: Extra inputs are not permitted");

    let gemini = "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse";
    let made = json!({"functionCall": {"name": "bash", "args": {}}});
    let contents = json!({"contents": [{"role": "model", "parts": [made]}]});
    check(gemini, "", json!({"contents": []}), 403, "PERMISSION_DENIED");
    check(gemini, "x-goog-api-key: k\r\n", contents, 400, "missing a thought_signature");
    check("/v1/nothing", KEY, hello(), 404, "nothing is at");
}
