//! The fake provider as a client without any library sees it: bytes on a connection. What libraries
//! make of it is looked at in `tests/support/validate`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use al_support::{Fake, Gate, Reply, Script, Stop, Trouble, Wire, file};
use serde_json::{Value, json};

/// What came back, as far as it came.
#[derive(Debug)]
struct Came {
    status: u16,
    head: String,
    /// The chunks of the body.
    chunks: Vec<Vec<u8>>,
    is_complete: bool,
    error: Option<ErrorKind>,
}

impl Came {
    fn text(&self) -> String {
        String::from_utf8(self.chunks.concat()).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }
}

/// Where each interface is, below the address of its provider.
fn place(wire: Wire) -> &'static str {
    match wire {
        Wire::Anthropic => "/v1/messages",
        Wire::Gemini => "/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
        _ => "/chat/completions",
    }
}

fn begin(fake: &Fake, wire: Wire, path: &str, headers: &str, body: &Value) -> TcpStream {
    let url = fake.url(wire) + path;
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let body = body.to_string();
    let length = body.len();
    write!(stream, "POST /{path} HTTP/1.1\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
        .unwrap();
    stream
}

const SIGNED: &str = "X-Api-Key: key\r\nanthropic-version: 2023-06-01\r\nAuthorization: Bearer key\r\n\
                      x-goog-api-key: key\r\n";

/// Reads until the reply is complete or cannot become so.
fn read(stream: &mut TcpStream) -> Came {
    let mut bytes = Vec::new();
    let mut error = None;
    while !bytes.ends_with(b"\r\n0\r\n\r\n") {
        let mut buffer = [0; 65_536];
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(e) => {
                error = Some(e.kind());
                break;
            }
        }
    }
    came(&bytes, error)
}

fn came(bytes: &[u8], error: Option<ErrorKind>) -> Came {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let mut rest = bytes.get(end + 4..).unwrap_or_default();
    let mut chunks = Vec::new();
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = String::from_utf8_lossy(&rest[..line]).into_owned();
        let size = usize::from_str_radix(&size, 16).unwrap();
        if size == 0 {
            return Came { status, head, chunks, is_complete: true, error };
        }
        chunks.push(rest[line + 2..line + 2 + size].to_vec());
        rest = &rest[line + 2 + size + 2..];
    }
    Came { status, head, chunks, is_complete: false, error }
}

fn ask(fake: &Fake, wire: Wire, body: &Value) -> Came {
    read(&mut begin(fake, wire, place(wire), SIGNED, body))
}

/// The smallest request that is valid.
fn request(wire: Wire) -> Value {
    match wire {
        Wire::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}),
        _ => {
            let mut body = json!({
                "model": "m", "stream": true, "messages": [{"role": "user", "content": "hello"}],
            });
            if wire == Wire::Anthropic {
                body["max_tokens"] = json!(100);
            }
            body
        }
    }
}

/// Its first answer to a valid request.
fn answered(wire: Wire, reply: Reply) -> Came {
    ask(&Fake::start(Script::new([reply])), wire, &request(wire))
}

fn long() -> Reply {
    Reply::thinking("hm, häufig 💭")
        .and_text("Schöne Grüße! ".repeat(20))
        .call("bash", json!({"a": "ü"}))
}

#[test]
fn a_reply_is_the_same_however_it_is_cut() {
    for wire in Wire::ALL {
        let whole = answered(wire, long().whole());
        assert_eq!((whole.status, whole.chunks.len()), (200, 1), "{wire:?}");
        for bytes in [1, 3, 64] {
            let cut = answered(wire, long().every(bytes));
            assert_eq!(cut.text(), whole.text(), "{wire:?}");
            assert!(cut.chunks.iter().all(|chunk| chunk.len() <= bytes), "{wire:?}");
        }
        let events = answered(wire, long());
        assert_eq!(events.text(), whole.text(), "{wire:?}");
        assert!(events.chunks.iter().all(|chunk| chunk.ends_with(b"\n")), "{wire:?}");
    }
}

#[test]
fn a_reply_breaks_off_at_the_byte_that_was_said() {
    let check = |reply: Reply, length: usize, is_complete: bool, error: Option<ErrorKind>| {
        let came = answered(Wire::OpenAi, reply);
        let found = (came.chunks.concat().len(), came.is_complete, came.error);
        assert_eq!(found, (length, is_complete, error));
    };
    check(long().reset_after(500), 500, false, Some(ErrorKind::ConnectionReset));
    check(long().closed_after(500), 500, false, None);
    check(long().short_after(500), 500, true, None);
    check(long().closed_after(0), 0, false, None);
    check(Reply::hanging_up(), 0, false, None);
}

#[test]
fn a_reply_waits_at_its_gates() {
    let (answer, middle) = (Gate::new(), Gate::new());
    let reply = long().hold_answer(&answer).hold_at(100, &middle);
    let fake = Fake::start(Script::new([reply]));
    let mut stream =
        begin(&fake, Wire::OpenAi, place(Wire::OpenAi), SIGNED, &request(Wire::OpenAi));
    answer.wait_reached(1);
    stream.set_nonblocking(true).unwrap();
    let nothing = stream.read(&mut [0; 8]).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    stream.set_nonblocking(false).unwrap();
    answer.open();
    middle.wait_reached(1);
    middle.open();
    let came = read(&mut stream);
    assert!(came.is_complete);
    assert!(
        came.chunks
            .iter()
            .map(Vec::len)
            .scan(0, |sum, n| {
                *sum += n;
                Some(*sum)
            })
            .any(|n| n == 100)
    );
}

#[test]
fn pieces_are_let_through_one_by_one() {
    let gate = Gate::new();
    let fake = Fake::start(Script::new([Reply::text("one").hold_each(&gate)]));
    let mut stream =
        begin(&fake, Wire::OpenAi, place(Wire::OpenAi), SIGNED, &request(Wire::OpenAi));
    for piece in 1..=3 {
        gate.wait_reached(piece);
        gate.let_one();
    }
    gate.wait_reached(4);
    gate.open();
    assert!(read(&mut stream).text().ends_with("data: [DONE]\n\n"));
}

#[test]
fn who_leaves_while_a_reply_stalls_is_noticed() {
    let gate = Gate::new();
    let fake = Fake::start(Script::new([long().hold_at(50, &gate)]));
    let stream =
        begin(&fake, Wire::Anthropic, place(Wire::Anthropic), SIGNED, &request(Wire::Anthropic));
    gate.wait_reached(1);
    assert!(!fake.requests()[0].hung_up);
    drop(stream);
    assert!(fake.wait_for(|seen| seen[0].hung_up)[0].hung_up);
}

#[test]
fn megabytes_arrive_in_full() {
    let text = "schön ".repeat(1_000_000);
    let came = answered(Wire::Anthropic, Reply::text(&text));
    let texts = came.text();
    let events = texts.lines().filter_map(|line| line.strip_prefix("data: "));
    let said = events.map(|data| serde_json::from_str::<Value>(data).unwrap());
    let said: String = said.filter_map(|e| Some(e["delta"]["text"].as_str()?.to_owned())).collect();
    assert!(said == text, "{} of {} bytes", said.len(), text.len());
}

#[test]
fn what_was_asked_is_kept() {
    let fake = Fake::start(Script::new([]).then(Reply::text("hello")));
    ask(&fake, Wire::Anthropic, &request(Wire::Anthropic));
    ask(&fake, Wire::Gemini, &request(Wire::Gemini));
    let seen = fake.wait_for_requests(2);
    assert_eq!(seen[0].header("x-api-key"), Some("key"));
    assert_eq!((seen[0].wire, seen[0].body.clone()), (Wire::Anthropic, request(Wire::Anthropic)));
    assert_eq!((seen[1].model(), seen[1].streams()), ("gemini-2.5-pro", true));
    assert_eq!((seen[1].query("alt"), seen[1].bearer()), (Some("sse"), Some("key")));
    assert_eq!((seen[0].connection, seen[1].connection), (1, 2));
    assert_eq!(fake.refused(), Vec::<Value>::new());
}

#[test]
fn a_script_may_look_at_what_is_asked() {
    let fake = Fake::start(Script::answering(|seen| Reply::text(seen.model().to_uppercase())));
    assert!(ask(&fake, Wire::OpenAi, &request(Wire::OpenAi)).text().contains(r#""content":"M""#));
}

#[test]
fn a_request_too_many_says_so() {
    let fake = Fake::start(Script::new([]));
    let came = ask(&fake, Wire::OpenAi, &request(Wire::OpenAi));
    let error = json!("the script has no reply for request 1");
    assert_eq!((came.status, &came.json()["error"]["message"]), (400, &error));
}

#[test]
fn refusals_have_the_form_of_their_provider() {
    let check = |wire: Wire, trouble: Trouble, status: u16, pointer: &str, expected: Value| {
        let came = answered(wire, Reply::refusing(trouble).retry_after_s(7));
        let body = came.json();
        assert_eq!(came.status, status, "{body}");
        assert_eq!(body.pointer(pointer), Some(&expected), "{wire:?}: {body}");
        let in_header = came.head.contains("retry-after: 7");
        assert_eq!(in_header, wire != Wire::Gemini, "Google says it in the body: {}", came.head);
    };
    let status = Trouble::Status;
    check(Wire::Anthropic, status(529), 529, "/error/type", json!("overloaded_error"));
    check(Wire::Anthropic, status(429), 429, "/error/type", json!("rate_limit_error"));
    check(Wire::Anthropic, status(413), 413, "/error/type", json!("request_too_large"));
    check(Wire::OpenAi, status(529), 503, "/error/type", json!("server_error"));
    check(Wire::OpenAi, Trouble::WrongKey, 401, "/error/code", json!("invalid_api_key"));
    check(Wire::OpenAi, Trouble::TooLong, 400, "/error/code", json!("context_length_exceeded"));
    check(Wire::OpenAi, Trouble::Quota, 429, "/error/code", json!("insufficient_quota"));
    check(Wire::Groq, status(429), 429, "/error/code", json!("rate_limit_exceeded"));
    check(
        Wire::Xai,
        Trouble::WrongKey,
        400,
        "/code",
        json!("Client specified an invalid argument"),
    );
    check(Wire::Mistral, status(401), 401, "/detail", json!("Unauthorized"));
    check(Wire::Mistral, status(404), 400, "/type", json!("invalid_model"));
    check(Wire::OpenRouter, Trouble::Quota, 402, "/error/code", json!(402));
    check(Wire::LlamaServer, Trouble::TooLong, 400, "/error/n_ctx", json!(8192));
    check(
        Wire::Gemini,
        Trouble::WrongKey,
        400,
        "/error/details/0/reason",
        json!("API_KEY_INVALID"),
    );
    check(Wire::Gemini, status(429), 429, "/error/details/0/retryDelay", json!("7s"));
}

#[test]
fn a_stream_can_break_off_with_an_error_of_the_provider() {
    let check = |wire: Wire, expected: &str| {
        let text = answered(wire, Reply::text("so far").then_trouble(Trouble::Status(529))).text();
        let last = text.trim_end().rsplit("\n\n").next().unwrap();
        assert!(text.contains("so far") && last.contains(expected), "{wire:?}: {last}");
    };
    check(Wire::Anthropic, "event: error\ndata: {\"type\":\"error\"");
    check(Wire::OpenAi, "data: {\"error\":{\"message\"");
    check(Wire::OpenRouter, "\"finish_reason\":\"error\"");
    check(Wire::LlamaServer, "error: {\"code\":503");
    check(Wire::Gemini, "\"status\":\"UNAVAILABLE\"");
}

/// `change` makes a valid request one that is refused with `status` and these words; the script is
/// not asked.
#[track_caller]
fn refused(wire: Wire, change: impl Fn(&mut Value), status: u16, words: &str) {
    let fake = Fake::start(Script::new([Reply::text("fine")]));
    let mut body = request(wire);
    change(&mut body);
    let came = ask(&fake, wire, &body);
    assert!(came.text().contains(words), "{wire:?}: {}", came.text());
    assert_eq!(came.status, status);
    assert_eq!(fake.refused(), [came.json()]);
    assert_eq!(ask(&fake, wire, &request(wire)).status, 200, "the reply is still there");
}

#[test]
fn anthropic_refuses_what_the_real_one_refuses() {
    let refused = |change: fn(&mut Value), words| refused(Wire::Anthropic, change, 400, words);
    refused(|body| body["frequency_penalty"] = json!(1), "Extra inputs are not permitted");
    refused(
        |body| drop(body.as_object_mut().unwrap().remove("max_tokens")),
        "max_tokens: Field required",
    );
    refused(|body| body["messages"] = json!([]), "at least one message");
    refused(|body| body["messages"][0]["content"] = json!(""), "non-empty content");
    refused(|body| body["messages"][0]["role"] = json!("assistant"), "first message must use");
    refused(
        |body| body["thinking"] = json!({"type": "enabled", "budget_tokens": 2000}),
        "max_tokens",
    );
    refused(
        |body| body["tools"] = json!([{"name": "a b", "input_schema": {"type": "object"}}]),
        "pattern",
    );
    refused(
        |body| {
            let marked =
                json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}});
            body["messages"][0]["content"] = json!([marked, marked, marked, marked, marked]);
        },
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    );
    refused(
        |body| {
            let call = json!({"type": "tool_use", "id": "t1", "name": "bash", "input": {}});
            let messages = body["messages"].as_array_mut().unwrap();
            messages.push(json!({"role": "assistant", "content": [call]}));
            messages.push(json!({"role": "user", "content": "and?"}));
        },
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t1",
    );
    refused(
        |body| {
            let result = json!({"type": "tool_result", "tool_use_id": "t2", "content": "x"});
            body["messages"][0]["content"] = json!([result]);
        },
        "unexpected `tool_use_id` found in `tool_result` blocks: t2",
    );
}

#[test]
fn who_does_not_sign_in_is_refused() {
    for (wire, headers, status) in [
        (Wire::Anthropic, "anthropic-version: 2023-06-01\r\n", 401),
        (
            Wire::Anthropic,
            "anthropic-version: 2023-06-01\r\nauthorization: Bearer sk-ant-oat\r\n",
            401,
        ),
        (Wire::Anthropic, "x-api-key: key\r\n", 400),
        (Wire::Anthropic, "x-api-key: key\r\nanthropic-version: tomorrow\r\n", 400),
        (Wire::OpenAi, "", 401),
        (Wire::Mistral, "", 401),
        (Wire::LlamaServer, "", 200),
        (Wire::Gemini, "", 403),
    ] {
        let fake = Fake::start(Script::new([Reply::text("fine")]));
        let mut stream = begin(&fake, wire, place(wire), headers, &request(wire));
        assert_eq!(read(&mut stream).status, status, "{wire:?} {headers}");
    }
}

#[test]
fn the_imitators_of_openai_differ_in_what_they_take() {
    let unknown = |body: &mut Value| body["colour"] = json!("red");
    refused(Wire::OpenAi, unknown, 400, "Unknown parameter: 'colour'.");
    refused(Wire::Groq, unknown, 400, "property 'colour' is unsupported");
    refused(Wire::Mistral, unknown, 422, "extra_forbidden");
    let counted = |body: &mut Value| body["stream_options"] = json!({"include_usage": true});
    refused(Wire::Mistral, counted, 422, "stream_options");
    let called = |body: &mut Value| {
        let function = json!({"name": "bash", "arguments": "{}"});
        let call = json!({"id": "call_1", "type": "function", "function": function});
        let messages = body["messages"].as_array_mut().unwrap();
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": [call]}));
    };
    refused(Wire::OpenAi, called, 400, "did not have response messages: call_1");
    let answered = |body: &mut Value| {
        called(body);
        let result = json!({"role": "tool", "tool_call_id": "call_1", "content": "x"});
        body["messages"].as_array_mut().unwrap().push(result);
    };
    refused(Wire::Mistral, answered, 400, "must be a-z, A-Z, 0-9, with a length of 9");
    let stray = |body: &mut Value| {
        body["messages"] = json!([{"role": "tool", "tool_call_id": "x", "content": "y"}]);
    };
    refused(Wire::OpenAi, stray, 400, "must be a response to a preceeding message");
    let old = |body: &mut Value| (body["model"], body["max_tokens"]) = (json!("gpt-5"), json!(9));
    refused(Wire::OpenAi, old, 400, "Use 'max_completion_tokens' instead.");
}

#[test]
fn gemini_refuses_what_the_real_one_refuses() {
    let refused = |change: fn(&mut Value), words| refused(Wire::Gemini, change, 400, words);
    refused(
        |body| body["messages"] = json!([]),
        "Unknown name \\\"messages\\\": Cannot find field.",
    );
    refused(|body| body["contents"] = json!([]), "contents is not specified");
    refused(|body| body["contents"][0]["role"] = json!("assistant"), "Please use a valid role");
    refused(
        |body| {
            let parameters = json!({"type": "object", "additionalProperties": false});
            body["tools"] =
                json!([{"functionDeclarations": [{"name": "f", "parameters": parameters}]}]);
        },
        "Unknown name \\\"additionalProperties\\\" at 'tools[0].function_declarations[0].parameters'",
    );
    refused(
        |body| {
            let call = json!({"functionCall": {"name": "f", "args": {}}});
            let contents = body["contents"].as_array_mut().unwrap();
            contents.push(json!({"role": "model", "parts": [call, call]}));
            let response = json!({"functionResponse": {"name": "f", "response": {}}});
            contents.push(json!({"role": "user", "parts": [response]}));
        },
        "number of function response parts is equal to the number of function call parts",
    );
}

#[test]
fn gemini_wants_calls_proven_from_the_third_generation_on() {
    let fake = Fake::start(Script::new([Reply::text("fine")]));
    let mut body = request(Wire::Gemini);
    let contents = body["contents"].as_array_mut().unwrap();
    contents.push(json!({"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}));
    let response = json!({"functionResponse": {"name": "f", "response": {}}});
    contents.push(json!({"role": "user", "parts": [response]}));
    let path = "/models/gemini-3-pro:streamGenerateContent?alt=sse";
    let came = read(&mut begin(&fake, Wire::Gemini, path, SIGNED, &body));
    assert!(came.text().contains("missing a thought_signature"), "{}", came.text());
    body["contents"][1]["parts"][0]["thoughtSignature"] = json!("cHJvb2Y=");
    assert_eq!(read(&mut begin(&fake, Wire::Gemini, path, SIGNED, &body)).status, 200);
}

#[test]
fn the_responses_of_openai_hold_a_conversation_together() {
    let check = |input: Value, status: u16, words: &str| {
        let fake = Fake::start(Script::new([Reply::text("fine")]));
        let body = json!({"model": "gpt-5", "input": input, "store": false, "stream": true});
        let came = read(&mut begin(&fake, Wire::OpenAi, "/responses", SIGNED, &body));
        assert!(came.text().contains(words), "{}", came.text());
        assert_eq!(came.status, status);
    };
    let call = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"});
    let output = json!({"type": "function_call_output", "call_id": "c", "output": "x"});
    let thought =
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"});
    let bare = json!({"type": "reasoning", "id": "rs_1", "summary": []});
    check(json!("hello"), 200, "response.completed");
    check(json!([thought, call, output]), 200, "response.completed");
    check(json!([call]), 400, "No tool output found for function call c.");
    check(json!([output]), 400, "No tool call found for function call output with call_id c.");
    check(json!([thought, {"role": "user", "content": "x"}]), 400, "required following item");
    check(json!([bare, call, output]), 400, "Items are not persisted when `store` is set to false");
    let wrong = json!([{"role": "user", "content": [{"type": "text", "text": "x"}]}]);
    check(wrong, 400, "Supported values are: 'input_text'");
}

#[test]
fn why_a_reply_ends_is_said_in_the_words_of_each_provider() {
    let check = |wire: Wire, stop: Stop, expected: &str| {
        let text = answered(wire, Reply::text("x").stop(stop)).text();
        assert!(text.contains(expected), "{wire:?} {stop:?}: {text}");
    };
    check(Wire::Anthropic, Stop::Length, r#""stop_reason":"max_tokens""#);
    check(Wire::Anthropic, Stop::Refused, r#""stop_reason":"refusal""#);
    check(Wire::OpenAi, Stop::Refused, r#""finish_reason":"content_filter""#);
    check(Wire::Mistral, Stop::Length, r#""finish_reason":"length""#);
    check(Wire::Gemini, Stop::Length, r#""finishReason":"MAX_TOKENS""#);
    let malformed = Reply::default().malformed_call("bash", "{\"command\": ls");
    assert!(answered(Wire::Gemini, malformed.clone()).text().contains("MALFORMED_FUNCTION_CALL"));
    assert!(answered(Wire::OpenAi, malformed).text().contains("{\\\"command\\"));
}

#[test]
fn scripts_can_be_written_down() {
    let script = r#"{"replies": [
        {"status": 429, "retryAfter": 2},
        {"say": [{"text": "Hello"}, {"call": {"name": "bash", "arguments": {"command": "ls"}}}]},
        {"say": "never whole", "closed": 30}
    ], "then": {"say": "Nothing more."}}"#;
    let fake = Fake::start(file::parse(script).unwrap());
    let next = || ask(&fake, Wire::OpenAi, &request(Wire::OpenAi));
    let first = next();
    assert!(first.status == 429 && first.head.contains("retry-after: 2"), "{first:?}");
    assert!(next().text().contains("bash"));
    assert_eq!(next().chunks.concat().len(), 30);
    assert!(next().text().contains("Nothing more") && next().text().contains("Nothing more"));
}

#[test]
fn a_script_with_a_mistake_says_where() {
    let check = |script: &str, words: &str| {
        let error = file::parse(script).unwrap_err();
        assert!(error.contains(words) && error.contains("line 1"), "{error}");
    };
    check(r#"{"replies": [{"sya": "x"}]}"#, "unknown field `sya`");
    check(r#"{"replies": [{"say": "x", "usage": {"in": 1}}]}"#, "unknown field `in`");
    check(r#"{"replies": [{"say": "x", "stop": "why"}]}"#, "unknown variant `why`");
}
