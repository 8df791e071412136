//! What is different from one provider and model to the next, without a connection.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::llm::known::limits;
use crate::llm::providers::provider;
use crate::llm::tests::spec;
use crate::llm::{Call, CallResult, FaultKind, Message, Part, Piece, Reply, Stop, Thinking, Usage};

fn peer(provider_name: &str, model: &str) -> Peer {
    let spec = spec(provider_name, model);
    let provider = provider(provider_name).unwrap();
    Peer { wire: provider.wire(&spec), limits: limits(&spec), provider, spec }
}

fn body(peer: &Peer, messages: &[Message]) -> Value {
    let messages = messages.to_vec();
    let body = peer.wire.body(peer, &Request { messages, ..Request::default() }).unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// The reply in these events, and what was heard of it.
fn reply(peer: &Peer, events: &[Value]) -> Result<(Reply, String), Fault> {
    let mut draft = Draft::new(peer.origin(), 1);
    let mut heard = String::new();
    let mut hear = |piece: Piece<'_>| match piece {
        Piece::Text(text) => heard.push_str(text),
        Piece::Thinking(text) => heard.push_str(&format!("[{text}]")),
    };
    for event in events {
        let event = sse::Event { name: String::new(), data: event.to_string() };
        peer.wire.read(&event, &mut draft, &mut hear)?;
    }
    Ok((draft.finish(), heard))
}

fn call(id: &str, signature: Option<&str>) -> Part {
    Part::Call(Call {
        id: id.to_owned(),
        tool: "ls".to_owned(),
        arguments: Arguments::Valid(Map::new()),
        signature: signature.map(str::to_owned),
    })
}

fn result(id: &str) -> CallResult {
    CallResult { id: id.to_owned(), tool: "ls".to_owned(), text: "ok".to_owned(), is_error: false }
}

fn thought(text: &str, signature: &str) -> Part {
    Part::Thinking { text: text.to_owned(), signature: Some(signature.to_owned()) }
}

/// A reply with a call, and its result.
fn used(parts: Vec<Part>) -> Vec<Message> {
    let go = Message::User("go".to_owned());
    vec![go, Message::Assistant(parts), Message::Results(vec![result("a:1")])]
}

#[test]
fn every_provider_is_told_how_long_to_think_in_its_own_way() {
    use Thinking::{High, Low, Medium, Minimal, Off, Xhigh};
    // What is in the request beside what always is.
    let check = |provider: &str, model: &str, level: Thinking, expected: Value| {
        let mut peer = peer(provider, model);
        peer.spec.thinking = Some(level);
        let mut body = body(&peer, &[]);
        let known = ["thinking", "output_config", "reasoning", "reasoning_effort"];
        let known = known.into_iter().chain(["chat_template_kwargs", "generationConfig"]);
        let found: Map<String, Value> = known
            .filter_map(|key| Some((key.to_owned(), body.as_object_mut()?.remove(key)?)))
            .collect();
        assert_eq!(Value::Object(found), expected, "{provider} {model} {level:?}");
    };
    let adaptive = |effort: &str| {
        json!({"thinking": {"type": "adaptive", "display": "summarized"},
               "output_config": {"effort": effort}})
    };
    let budget = |tokens: u32| json!({"thinking": {"type": "enabled", "budget_tokens": tokens}});
    check("anthropic", "claude-sonnet-4-6", Minimal, adaptive("low"));
    check("anthropic", "claude-sonnet-4-6", Xhigh, adaptive("high"));
    check("anthropic", "claude-opus-4-8", Xhigh, adaptive("xhigh"));
    check("anthropic", "claude-opus-4-8", Off, json!({}));
    check("anthropic", "claude-sonnet-5", Off, json!({"thinking": {"type": "disabled"}}));
    check("anthropic", "claude-mythos-5", Off, adaptive("low"));
    check("anthropic", "claude-haiku-4-5", Low, budget(4_096));
    check("anthropic", "claude-haiku-4-5", Xhigh, budget(24_000));
    check("anthropic", "claude-3-5-haiku-latest", High, json!({}));

    let summed = |effort: &str| json!({"reasoning": {"effort": effort, "summary": "auto"}});
    check("openai", "gpt-5", Minimal, summed("minimal"));
    check("openai", "gpt-5.4", Minimal, summed("low"));
    check("openai", "gpt-5.4", Xhigh, summed("xhigh"));
    check("openai", "o3", Xhigh, summed("high"));
    check("openai", "gpt-5.4", Off, json!({"reasoning": {"effort": "none"}}));
    check("openai", "gpt-5", Off, json!({"reasoning": {"effort": "minimal"}}));
    check("openai", "gpt-4.1", High, json!({}));

    let google = |config: Value| json!({"generationConfig": {"thinkingConfig": config}});
    let level = |word: &str| google(json!({"thinkingLevel": word, "includeThoughts": true}));
    check("google", "gemini-3-pro-preview", Minimal, level("low"));
    check("google", "gemini-3-flash-preview", Minimal, level("minimal"));
    check("google", "gemini-3-pro-preview", Xhigh, level("high"));
    let tokens = |n: u32, shown| google(json!({"thinkingBudget": n, "includeThoughts": shown}));
    check("google", "gemini-2.5-pro", Off, tokens(128, false));
    check("google", "gemini-2.5-flash", Off, tokens(0, false));
    check("google", "gemini-2.5-flash", Medium, tokens(8_192, true));
    check("google", "gemini-2.0-flash", High, json!({}));

    let effort = |word: &str| json!({"reasoning_effort": word});
    check("groq", "openai/gpt-oss-120b", Xhigh, effort("high"));
    check("groq", "qwen/qwen3-32b", Off, effort("none"));
    check("xai", "grok-3-mini", Medium, effort("high"));
    check("xai", "grok-4", High, json!({}));
    check("mistral", "mistral-small-latest", Low, effort("high"));
    check("mistral", "magistral-medium-latest", Low, json!({}));
    check("openrouter", "x/y", Medium, json!({"reasoning": {"effort": "medium"}}));
    check("openrouter", "x/y", Off, json!({"reasoning": {"enabled": false}}));
    check("custom", "qwen3", High, effort("high"));
    let off = json!({"reasoning_effort": "none", "chat_template_kwargs":
        {"enable_thinking": false}});
    check("custom", "qwen3", Off, off);
}

#[test]
fn the_name_of_a_model_is_sent_as_it_stands() {
    for (provider, model) in [
        ("mistral", "mistral-medium"),
        ("openai", "o4-mini-high"),
        ("custom", "qwen3-max"),
        ("openrouter", "a::b/c-low"),
        ("anthropic", "claude-x-none"),
    ] {
        assert_eq!(body(&peer(provider, model), &[])["model"], model);
    }
    let gemini = Wire::Gemini.path("http://h/", "gemini-3-high");
    assert_eq!(gemini, "models/gemini-3-high:streamGenerateContent?alt=sse");
}

#[test]
fn only_anthropic_is_told_what_to_remember_and_mistral_nothing_it_does_not_know() {
    for provider in ["openai", "groq", "google", "xai", "mistral", "openrouter", "custom"] {
        let body = body(&peer(provider, "m"), &used(vec![call("a:1", None)])).to_string();
        assert!(!body.contains("cache"), "{provider}: {body}");
    }
    let body = body(&peer("mistral", "m"), &[]);
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["model", "stream", "messages"]);
}

#[test]
fn what_another_model_thought_is_not_sent() {
    let foreign = [
        ("anthropic", "claude-opus-4-8"),
        ("openai", "gpt-5.4"),
        ("google", "gemini-3-pro"),
        ("openrouter", "x/y"),
    ];
    for (provider, model) in foreign {
        let peer = peer(provider, model);
        let parts = vec![thought("psst", "somebody/else#c2ln"), call("a:1", Some("some/one#c2ln"))];
        let body = body(&peer, &used(parts)).to_string();
        assert!(!body.contains("psst") && !body.contains("c2ln"), "{provider}: {body}");
    }
}

#[test]
fn a_turn_that_another_model_began_goes_on_without_a_budget_for_thoughts() {
    let mut peer = peer("anthropic", "claude-haiku-4-5");
    peer.spec.thinking = Some(Thinking::Low);
    let own = thought("hm", "anthropic/claude-haiku-4-5#c2ln");
    let foreign = thought("hm", "anthropic/claude-opus-4-5#c2ln");
    for (first, expected) in [(Some(own), true), (Some(foreign), false), (None, false)] {
        let mut messages = used(first.into_iter().chain([call("a:1", None)]).collect());
        assert_eq!(body(&peer, &messages).get("thinking").is_some(), expected);
        // What a person says in between is read together with the results.
        messages.push(Message::User("and".to_owned()));
        assert_eq!(body(&peer, &messages).get("thinking").is_some(), expected);
        // After a reply that wanted nothing, a new turn begins.
        messages.push(Message::Assistant(vec![Part::Text("done".to_owned())]));
        messages.push(Message::User("more".to_owned()));
        assert!(body(&peer, &messages).get("thinking").is_some());
    }
}

#[test]
fn ids_of_calls_fit_where_they_go() {
    let messages = used(vec![call("a:1", None)]);
    let anthropic = body(&peer("anthropic", "claude-opus-4-8"), &messages);
    assert_eq!(anthropic["messages"][1]["content"][0]["id"], "a_1");
    assert_eq!(anthropic["messages"][2]["content"][0]["tool_use_id"], "a_1");

    let mistral = body(&peer("mistral", "m"), &messages);
    let id = mistral["messages"][1]["tool_calls"][0]["id"].as_str().unwrap();
    assert!(id.len() == 9 && id.chars().all(|c| c.is_ascii_alphanumeric()), "{id}");
    assert_eq!(mistral["messages"][2]["tool_call_id"], id);
    let own = body(&peer("mistral", "m"), &used(vec![call("Abc123xyZ", None)]));
    assert_eq!(own["messages"][1]["tool_calls"][0]["id"], "Abc123xyZ");
}

#[test]
fn google_wants_a_proof_of_the_first_call_only() {
    let gemini = peer("google", "gemini-3-pro");
    let parts = vec![call("a:1", None), call("a:2", None)];
    let parts = &body(&gemini, &used(parts))["contents"][1]["parts"];
    assert_eq!(parts[0]["thoughtSignature"], "skip_thought_signature_validator");
    assert_eq!(parts[1].get("thoughtSignature"), None);
}

#[test]
fn a_reply_of_which_nothing_is_left_is_not_sent() {
    let messages = used(vec![thought("hm", "somebody/else#c2ln")]);
    for (provider, key, left) in [
        ("anthropic", "messages", 2),
        ("openai", "input", 2),
        ("google", "contents", 2),
        ("custom", "messages", 2),
    ] {
        let body = body(&peer(provider, "gpt-5"), &messages);
        assert_eq!(body[key].as_array().unwrap().len(), left, "{provider}: {body}");
    }
}

#[test]
fn tokens_are_counted_alike_whoever_counts() {
    let check = |provider: &str, event: Value, expected: (u64, u64, u64, u64)| {
        let (reply, _) = reply(&peer(provider, "m"), &[event]).unwrap();
        let Usage { input, output, cache_read, cache_write } = reply.usage;
        assert_eq!((input, output, cache_read, cache_write), expected, "{provider}");
    };
    let counts = json!({"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10}});
    check("openrouter", json!({"choices": [], "usage": counts}), (30, 7, 60, 10));
    check("groq", json!({"choices": [], "x_groq": {"usage": counts}}), (30, 7, 60, 10));
    let thoughts_apart = json!({"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 157});
    check("xai", json!({"choices": [], "usage": thoughts_apart}), (100, 57, 0, 0));
    check("custom", json!({"choices": [], "usage": null}), (0, 0, 0, 0));
    let google = json!({"promptTokenCount": 100, "thoughtsTokenCount": 5});
    check("google", json!({"usageMetadata": google}), (100, 5, 0, 0));
}

#[test]
fn why_a_reply_stopped_is_understood() {
    let check = |provider: &str, event: Value, expected: Stop| {
        let (reply, _) = reply(&peer(provider, "m"), std::slice::from_ref(&event)).unwrap();
        assert_eq!(reply.stop, expected, "{provider} {event}");
    };
    let anthropic = |r: &str| json!({"type": "message_delta", "delta": {"stop_reason": r}});
    check("anthropic", anthropic("end_turn"), Stop::End);
    check("anthropic", anthropic("max_tokens"), Stop::Length);
    check("anthropic", anthropic("refusal"), Stop::Refused);
    // Without a call there is nothing to be called.
    check("anthropic", anthropic("tool_use"), Stop::End);
    let chat = |r: &str| json!({"choices": [{"delta": {}, "finish_reason": r}]});
    check("custom", chat("stop"), Stop::End);
    check("mistral", chat("model_length"), Stop::Length);
    check("custom", chat("content_filter"), Stop::Refused);
    let whole = json!({"tool_calls": [{"id": "a", "function": {"name": "ls", "arguments": {}}}]});
    check("custom", json!({"choices": [{"delta": whole, "finish_reason": "stop"}]}), Stop::Calls);
    let incomplete = |r: &str| json!({"type": "response.incomplete", "response": {"incomplete_details": {"reason": r}}});
    check("openai", incomplete("max_output_tokens"), Stop::Length);
    check("openai", incomplete("content_filter"), Stop::Refused);
    let google = |r: &str| json!({"candidates": [{"finishReason": r}]});
    check("google", google("MAX_TOKENS"), Stop::Length);
    check("google", google("SAFETY"), Stop::Refused);
    check("google", json!({"promptFeedback": {"blockReason": "OTHER"}}), Stop::Refused);
}

#[test]
fn what_goes_wrong_in_a_reply_is_told_by_its_name() {
    let check = |provider: &str, event: Value, expected: FaultKind| {
        let fault = reply(&peer(provider, "m"), std::slice::from_ref(&event)).unwrap_err();
        assert_eq!(fault.kind, expected, "{provider} {event}");
    };
    let anthropic = json!({"type": "error", "error": {"type": "overloaded_error"}});
    check("anthropic", anthropic, FaultKind::Overloaded);
    let failed = json!({"error": {"code": "rate_limit_exceeded", "message": "m"}});
    let failed = json!({"type": "response.failed", "response": failed});
    check("openai", failed, FaultKind::RateLimited);
    let long = json!({"type": "error", "code": "context_length_exceeded", "message": "m"});
    check("openai", long, FaultKind::TooLong);
    check(
        "google",
        json!({"error": {"code": 503, "status": "UNAVAILABLE"}}),
        FaultKind::Overloaded,
    );
    let unread = json!({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]});
    check("google", unread, FaultKind::Cut);
    check("openrouter", json!({"error": {"code": 402}, "choices": []}), FaultKind::Forbidden);
}

#[test]
fn openrouter_gets_its_thoughts_back_in_one_piece() {
    let peer = peer("openrouter", "x/y");
    let delta = |delta: Value| json!({"choices": [{"delta": delta}]});
    let detail = |more: Value| delta(json!({"reasoning_details": [more]}));
    let (reply, heard) = reply(
        &peer,
        &[
            delta(json!({"reasoning": "h", "reasoning_details":
                [{"type": "reasoning.text", "index": 0, "text": "h"}]})),
            delta(json!({"reasoning": "m", "reasoning_details":
                [{"type": "reasoning.text", "index": 0, "text": "m"}]})),
            detail(json!({"type": "reasoning.text", "index": 0, "signature": "s", "text": null})),
            detail(json!({"type": "reasoning.encrypted", "index": 1, "data": "d"})),
            delta(json!({"content": "Hi"})),
        ],
    )
    .unwrap();
    assert_eq!(heard, "[h][m]Hi");
    let sent = body(&peer, &[Message::Assistant(reply.parts)]);
    assert_eq!(
        sent["messages"][0],
        json!({"role": "assistant", "content": "Hi", "reasoning_details": [
            {"type": "reasoning.text", "index": 0, "text": "hm", "signature": "s"},
            {"type": "reasoning.encrypted", "index": 1, "data": "d"},
        ]})
    );
}

#[test]
fn mistral_writes_its_content_in_chunks_when_it_thinks() {
    let thinking = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]);
    let text = json!([{"type": "text", "text": "Hi"}]);
    let delta = |content: Value| json!({"choices": [{"delta": {"content": content}}]});
    let mistral = peer("mistral", "magistral-small");
    let (reply, heard) =
        reply(&mistral, &[delta(thinking), delta(text), delta(json!("!"))]).unwrap();
    assert_eq!((heard.as_str(), reply.text().as_str()), ("[hm]Hi!", "Hi!"));
}

#[test]
fn calls_that_nobody_numbers_are_told_apart_by_their_ids() {
    let call = |id: &str, arguments: &str| {
        json!({"choices": [{"delta": {"tool_calls":
            [{"id": id, "function": {"name": "ls", "arguments": arguments}}]}}]})
    };
    let events = [call("a", "{"), call("", "}"), call("b", "{}")];
    let (reply, _) = reply(&peer("custom", "m"), &events).unwrap();
    let calls: Vec<(&str, &Arguments)> =
        reply.calls().map(|call| (call.id.as_str(), &call.arguments)).collect();
    let none = Arguments::Valid(Map::new());
    assert_eq!(calls, [("a", &none), ("b", &none)]);
}

/// A stream of each wire: a thought, a text that is cut in the middle of a character by half of all
/// chunks, a call, tokens, and what nobody knows in between.
fn streams() -> [(Peer, String); 4] {
    let named = |data: &Value| format!("event: {}\r\ndata: {data}\r\n\r\n", data["type"]);
    let plain = |data: &Value| format!("data: {data}\n\n");
    let block = |at: u8, block: Value| json!({"type": "content_block_start", "index": at, "content_block": block});
    let delta =
        |at: u8, delta: Value| json!({"type": "content_block_delta", "index": at, "delta": delta});
    let anthropic = [
        json!({"type": "message_start", "message": {"usage": {"input_tokens": 3}}}),
        json!({"type": "ping"}),
        json!({"type": "who_knows", "index": 0, "delta": {"type": "text_delta", "text": "?"}}),
        block(0, json!({"type": "thinking", "thinking": ""})),
        delta(0, json!({"type": "thinking_delta", "thinking": "hm"})),
        delta(0, json!({"type": "signature_delta", "signature": "c2ln"})),
        block(1, json!({"type": "who_knows", "text": "?"})),
        delta(1, json!({"type": "who_knows", "text": "?"})),
        block(2, json!({"type": "text", "text": ""})),
        delta(2, json!({"type": "text_delta", "text": "żółw 🦀"})),
        block(3, json!({"type": "tool_use", "id": "a", "name": "ls", "input": {}})),
        delta(3, json!({"type": "input_json_delta", "partial_json": "{\"a\": \"🦀\"}"})),
        json!({"type": "content_block_stop", "index": 3}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"},
               "usage": {"output_tokens": 5}}),
        json!({"type": "message_stop"}),
    ];
    let choice = |delta: Value| json!({"choices": [{"index": 0, "delta": delta}], "new": {}});
    let function = json!({"name": "ls", "arguments": "{\"a\": \"🦀\"}"});
    let chat = [
        choice(json!({"reasoning_content": "hm", "who_knows": [1]})),
        choice(json!({"content": "żółw 🦀"})),
        choice(json!({"tool_calls": [{"index": 0, "id": "a", "function": function}]})),
        json!({"object": "who_knows"}),
        json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}],
               "usage": {"prompt_tokens": 3, "completion_tokens": 5}}),
    ];
    let call = json!({"type": "function_call", "call_id": "a", "name": "ls",
        "arguments": "{\"a\": \"🦀\"}"});
    let thought = json!({"type": "reasoning", "encrypted_content": "c2ln"});
    let done = |at: u8, item: &Value| json!({"type": "response.output_item.done", "output_index": at, "item": item});
    let responses = [
        json!({"type": "response.reasoning_summary_text.delta", "delta": "hm"}),
        done(0, &thought),
        json!({"type": "response.who_knows.delta", "delta": "?"}),
        json!({"type": "response.output_text.delta", "delta": "żółw 🦀"}),
        done(2, &json!({"type": "who_knows_call", "call_id": "?"})),
        done(3, &call),
        json!({"type": "response.completed", "response":
            {"usage": {"input_tokens": 3, "output_tokens": 5}}}),
    ];
    let parts = |parts: Value| json!({"candidates": [{"content": {"parts": parts}}]});
    let call = json!({"id": "a", "name": "ls", "args": {"a": "🦀"}});
    let gemini = [
        parts(json!([{"text": "hm", "thought": true}, {"whoKnows": {"text": "?"}}])),
        parts(json!([{"text": "żółw 🦀"}, {"functionCall": call, "thoughtSignature": "c2ln"}])),
        json!({"whoKnows": 1, "candidates": [{"finishReason": "STOP"}],
               "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 5}}),
    ];
    [
        (peer("anthropic", "claude-opus-4-8"), anthropic.iter().map(named).collect()),
        (peer("custom", "m"), chat.iter().map(plain).collect::<String>() + "data: [DONE]\n\n"),
        (peer("openai", "gpt-5"), responses.iter().map(named).collect()),
        (peer("google", "gemini-3-pro"), gemini.iter().map(plain).collect()),
    ]
}

/// The reply in a stream that comes in these pieces.
fn reply_in<'b>(peer: &Peer, pieces: impl IntoIterator<Item = &'b [u8]>) -> Reply {
    let mut draft = Draft::new(peer.origin(), 1);
    let mut decoder = sse::Decoder::default();
    let mut take = |event: &sse::Event| peer.wire.read(event, &mut draft, &mut |_| {}).unwrap();
    for piece in pieces {
        decoder.feed(piece).iter().for_each(&mut take);
    }
    decoder.finish().iter().for_each(&mut take);
    draft.finish()
}

#[test]
fn a_reply_is_the_same_in_chunks_of_every_size_and_what_nobody_knows_is_passed_over() {
    for (peer, stream) in streams() {
        let whole = reply_in(&peer, [stream.as_bytes()]);
        let call = whole.calls().next().unwrap();
        let arguments = Map::from_iter([("a".to_owned(), json!("🦀"))]);
        assert_eq!((call.id.as_str(), call.tool.as_str()), ("a", "ls"), "{whole:?}");
        assert_eq!(call.arguments, Arguments::Valid(arguments));
        assert_eq!((whole.calls().count(), whole.text().as_str()), (1, "żółw 🦀"), "{whole:?}");
        assert_eq!((whole.usage.input, whole.usage.output), (3, 5), "{whole:?}");
        assert_eq!(whole.stop, Stop::Calls);
        assert_eq!(whole.parts.len(), 3, "{whole:?}");
        for size in 1..stream.len() {
            assert_eq!(reply_in(&peer, stream.as_bytes().chunks(size)), whole, "by {size}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn a_reply_is_the_same_wherever_its_stream_is_cut(
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        for (peer, stream) in streams() {
            let bytes = stream.as_bytes();
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
            ends.push(bytes.len());
            ends.sort_unstable();
            let begins = [0].into_iter().chain(ends.iter().copied());
            let pieces = begins.zip(&ends).map(|(begin, end)| &bytes[begin..*end]);
            prop_assert_eq!(reply_in(&peer, pieces), reply_in(&peer, [bytes]));
        }
    }
}

#[test]
fn anthropic_remembers_up_to_the_newest_two_messages_that_it_was_told() {
    let mut messages = used(vec![call("a:1", None)]);
    messages.push(Message::Assistant(vec![call("a:2", None), call("a:3", None)]));
    messages.push(Message::Results(vec![result("a:2"), result("a:3")]));
    let body = body(&peer("anthropic", "claude-opus-4-8"), &messages);
    let sent = body["messages"].as_array().unwrap();
    let marked: Vec<Vec<bool>> = sent
        .iter()
        .map(|message| message["content"].as_array().unwrap())
        .map(|blocks| blocks.iter().map(|block| block.get("cache_control").is_some()).collect())
        .collect();
    let expected: [&[bool]; 5] = [&[false], &[false], &[true], &[false, false], &[false, true]];
    assert_eq!(marked, expected);
}
