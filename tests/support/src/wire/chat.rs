//! OpenAI's chat completions, and how others imitate them.

use serde_json::{Value, json};

use super::{Asked, Dialect, Event, unnamed};
use crate::say::{Refuse, Say, Stop, Why};

mod check;

pub use check::{bearer, check};

fn stop(say: &Say) -> &'static str {
    match say.stop() {
        Stop::End => "stop",
        Stop::Calls => "tool_calls",
        Stop::Length => "length",
        Stop::Refused => "content_filter",
    }
}

/// Mistral's ids have nine characters.
fn call_id(dialect: Dialect, turn: usize, at: usize) -> String {
    match dialect {
        Dialect::Mistral => format!("c{turn:06}{at:02}"),
        _ => format!("call_{turn:016}{at:08}"),
    }
}

fn usage(dialect: Dialect, say: &Say) -> Value {
    let counts = say.usage;
    let prompt = counts.input + counts.cache_read + counts.cache_write;
    let reasoning = if say.thinking.is_empty() { 0 } else { counts.output / 2 };
    // xAI leaves the thoughts out of what was completed.
    let completion = counts.output - if dialect == Dialect::Xai { reasoning } else { 0 };
    let mut usage = json!({
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + counts.output,
        "prompt_tokens_details": {"cached_tokens": counts.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    });
    if dialect == Dialect::OpenRouter {
        usage["prompt_tokens_details"]["cache_write_tokens"] = counts.cache_write.into();
        usage["cost"] = json!(0.0001);
    }
    usage
}

pub fn whole(dialect: Dialect, say: &Say, asked: &Asked, turn: usize) -> Value {
    let mut message = json!({"role": "assistant", "content": null});
    if dialect == Dialect::OpenAi {
        message["refusal"] = Value::Null;
    }
    if !say.text.is_empty() {
        message["content"] = say.text.as_str().into();
    }
    if !say.thinking.is_empty() {
        merge(&mut message, thought(dialect, &say.thinking));
    }
    // Where thoughts are chunks of the content, the text is one too.
    if let (Value::Array(chunks), false) = (&mut message["content"], say.text.is_empty()) {
        chunks.push(json!({"type": "text", "text": say.text}));
    }
    if !say.calls.is_empty() {
        let calls = say.calls.iter().enumerate().map(|(at, call)| {
            let function = json!({"name": call.tool, "arguments": call.arguments.text()});
            json!({"id": call_id(dialect, turn, at), "type": "function", "function": function})
        });
        message["tool_calls"] = calls.collect();
    }
    json!({
        "id": format!("chatcmpl-{turn}"), "object": "chat.completion", "created": 1_700_000_000,
        "model": asked.body["model"],
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": stop(say)}],
        "usage": usage(dialect, say),
    })
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// How a piece of a thought is shown. OpenAI shows none here.
fn thought(dialect: Dialect, text: &str) -> Value {
    match dialect {
        Dialect::OpenAi => json!({}),
        Dialect::Groq => json!({"reasoning": text}),
        Dialect::Xai | Dialect::Llama => json!({"reasoning_content": text}),
        Dialect::Mistral => {
            let chunk = json!({"type": "text", "text": text});
            json!({"content": [{"type": "thinking", "thinking": [chunk]}]})
        }
        Dialect::OpenRouter => json!({
            "reasoning": text,
            "reasoning_details": [{
                "type": "reasoning.text", "text": text, "format": "unknown", "index": 0,
            }],
        }),
    }
}

pub fn events(dialect: Dialect, say: &Say, asked: &Asked, turn: usize) -> Vec<Event> {
    let counted = asked.body["stream_options"]["include_usage"] == true;
    let chunk = |choices: Value| {
        json!({
            "id": format!("chatcmpl-{turn}"), "object": "chat.completion.chunk",
            "created": 1_700_000_000, "model": asked.body["model"], "choices": choices,
        })
    };
    let choice = |delta: Value, reason: Value| {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason});
        let mut chunk = chunk(json!([choice]));
        if counted && dialect == Dialect::OpenAi {
            chunk["usage"] = Value::Null;
        }
        chunk
    };
    let mut events = Vec::new();
    if dialect == Dialect::OpenRouter {
        events.push(": OPENROUTER PROCESSING\n\n".to_owned());
    }
    for delta in deltas(dialect, say, turn) {
        events.push(unnamed(&choice(delta, Value::Null)));
    }
    let mut last = choice(json!({}), stop(say).into());
    match dialect {
        Dialect::Mistral => last["usage"] = usage(dialect, say),
        Dialect::Groq => last["x_groq"] = json!({"id": "req_1", "usage": usage(dialect, say)}),
        Dialect::OpenAi | Dialect::Xai | Dialect::OpenRouter | Dialect::Llama => {}
    }
    events.push(unnamed(&last));
    if counted {
        let mut counts = chunk(json!([]));
        counts["usage"] = usage(dialect, say);
        events.push(unnamed(&counts));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn deltas(dialect: Dialect, say: &Say, turn: usize) -> Vec<Value> {
    let mut deltas = vec![json!({"role": "assistant", "content": ""})];
    if !say.thinking.is_empty() && dialect != Dialect::OpenAi {
        deltas.extend(Say::pieces(&say.thinking).iter().map(|piece| thought(dialect, piece)));
    }
    deltas.extend(Say::pieces(&say.text).iter().map(|piece| json!({"content": piece})));
    // These send each call whole.
    let whole = matches!(dialect, Dialect::Groq | Dialect::Xai | Dialect::Mistral);
    for (at, call) in say.calls.iter().enumerate() {
        let text = call.arguments.text();
        let first = if whole { text.as_str() } else { "" };
        let function = json!({"name": call.tool, "arguments": first});
        let id = call_id(dialect, turn, at);
        let begin = json!({"index": at, "id": id, "type": "function", "function": function});
        deltas.push(json!({"tool_calls": [begin]}));
        if !whole {
            deltas.extend(Say::pieces(&text).iter().map(
                |piece| json!({"tool_calls": [{"index": at, "function": {"arguments": piece}}]}),
            ));
        }
    }
    deltas
}

/// In the middle of a stream.
pub fn failure(dialect: Dialect) -> Event {
    if dialect == Dialect::OpenRouter {
        return unnamed(&json!({
            "id": "gen-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "error": {"code": 502, "message": "Provider disconnected unexpectedly"},
            "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
        }));
    }
    let message = "The server had an error while processing your request. Sorry about that!";
    unnamed(&json!({"error": {
        "message": message, "type": "server_error", "param": null, "code": null,
    }}))
}

pub fn refusal(dialect: Dialect, refuse: &Refuse, message: Option<&str>) -> Value {
    let (kind, code, usual) = reason(refuse);
    let message = message.unwrap_or(usual);
    match dialect {
        Dialect::OpenAi | Dialect::Groq => json!({"error": {
            "message": message, "type": kind, "param": null, "code": code,
        }}),
        Dialect::Xai => json!({"code": kind, "error": message}),
        Dialect::Mistral if refuse.status == 422 => json!({"detail": [{
            "type": "extra_forbidden", "loc": ["body"], "msg": message, "input": null,
        }]}),
        Dialect::Mistral => json!({
            "object": "error", "message": message, "type": kind, "param": null, "code": code,
        }),
        Dialect::OpenRouter => {
            json!({"error": {"code": refuse.status, "message": message}, "user_id": "user_1"})
        }
        Dialect::Llama => {
            let kind = match (refuse.why, refuse.status) {
                (Why::TooLong, _) => "exceed_context_size_error",
                (_, 401) => "authentication_error",
                (_, 503) => "unavailable_error",
                (_, 500..) => "server_error",
                _ => "invalid_request_error",
            };
            json!({"error": {"code": refuse.status, "message": message, "type": kind}})
        }
    }
}

/// Type, code and sentence.
fn reason(refuse: &Refuse) -> (&'static str, Value, &'static str) {
    let invalid = "invalid_request_error";
    match (refuse.why, refuse.status) {
        (Why::TooLong, _) => (
            invalid,
            json!("context_length_exceeded"),
            "This model's maximum context length is 128000 tokens. However, your messages resulted \
             in 213462 tokens. Please reduce the length of the messages.",
        ),
        (Why::NoCredit, _) => (
            "insufficient_quota",
            json!("insufficient_quota"),
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        (Why::Status, 401) => {
            (invalid, json!("invalid_api_key"), "Incorrect API key provided: sk-***.")
        }
        (Why::Status, 403) => (
            invalid,
            json!("unsupported_country_region_territory"),
            "Country, region, or territory not supported",
        ),
        (Why::Status, 404) => {
            (invalid, json!("model_not_found"), "The model `nobody` does not exist")
        }
        (Why::Status, 413) => (invalid, Value::Null, "Request too large"),
        (Why::Status, 429) => (
            "requests",
            json!("rate_limit_exceeded"),
            "Rate limit reached for requests. Please try again in 2s.",
        ),
        (Why::Status, 503 | 529) => (
            "service_unavailable_error",
            json!("server_is_overloaded"),
            "The engine is currently overloaded, please try again later",
        ),
        (Why::Status, 500..) => (
            "server_error",
            Value::Null,
            "The server had an error while processing your request. Sorry about that!",
        ),
        (Why::Status, _) => (invalid, Value::Null, "Invalid value."),
    }
}
