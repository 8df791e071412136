//! Anthropic's Messages.

use serde_json::{Value, json};

use super::{Asked, Event, named};
use crate::say::{Refuse, Say, Stop, Why};
use crate::server::request_id;

mod check;

pub use check::check;

/// What the signatures given here begin with.
const SIGNATURE: &str = "EqQBCkYIARgCKkDk";

fn stop(say: &Say) -> &'static str {
    match say.stop() {
        Stop::End => "end_turn",
        Stop::Calls => "tool_use",
        Stop::Length => "max_tokens",
        Stop::Refused => "refusal",
    }
}

fn message(say: &Say, asked: &Asked, turn: usize) -> Value {
    json!({
        "id": format!("msg_{turn:024}"), "type": "message", "role": "assistant",
        "model": asked.body["model"], "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": usage(say, 1),
    })
}

fn usage(say: &Say, output: u64) -> Value {
    json!({
        "input_tokens": say.usage.input,
        "cache_creation_input_tokens": say.usage.cache_write,
        "cache_read_input_tokens": say.usage.cache_read,
        "output_tokens": output,
        "service_tier": "standard",
    })
}

fn call_id(turn: usize, at: usize) -> String {
    format!("toolu_{turn:016}{at:08}")
}

pub fn whole(say: &Say, asked: &Asked, turn: usize) -> Value {
    let mut content = Vec::new();
    if !say.thinking.is_empty() {
        let signature = format!("{SIGNATURE}{turn}");
        content.push(json!({"type": "thinking", "thinking": say.thinking, "signature": signature}));
    }
    if !say.text.is_empty() {
        content.push(json!({"type": "text", "text": say.text}));
    }
    for (at, call) in say.calls.iter().enumerate() {
        content.push(json!({
            "type": "tool_use", "id": call_id(turn, at), "name": call.tool,
            "input": call.arguments.object(),
        }));
    }
    let mut message = message(say, asked, turn);
    message["content"] = content.into();
    message["stop_reason"] = stop(say).into();
    message["usage"] = usage(say, say.usage.output);
    message
}

pub fn events(say: &Say, asked: &Asked, turn: usize) -> Vec<Event> {
    let start = json!({"type": "message_start", "message": message(say, asked, turn)});
    let mut events = vec![named(&start)];
    let mut blocks = 0;
    let mut block = |begin: Value, deltas: Vec<Value>| {
        let index = blocks;
        blocks += 1;
        events.push(named(
            &json!({"type": "content_block_start", "index": index, "content_block": begin}),
        ));
        if index == 0 {
            events.push(named(&json!({"type": "ping"})));
        }
        for delta in deltas {
            let delta = json!({"type": "content_block_delta", "index": index, "delta": delta});
            events.push(named(&delta));
        }
        events.push(named(&json!({"type": "content_block_stop", "index": index})));
    };
    let deltas = |kind: &str, key: &str, text: &str| -> Vec<Value> {
        Say::pieces(text).iter().map(|piece| json!({"type": kind, key: piece})).collect()
    };
    if !say.thinking.is_empty() {
        let mut thought = deltas("thinking_delta", "thinking", &say.thinking);
        thought.push(json!({"type": "signature_delta", "signature": format!("{SIGNATURE}{turn}")}));
        block(json!({"type": "thinking", "thinking": "", "signature": ""}), thought);
    }
    if !say.text.is_empty() {
        let text = deltas("text_delta", "text", &say.text);
        block(json!({"type": "text", "text": ""}), text);
    }
    for (at, call) in say.calls.iter().enumerate() {
        let id = call_id(turn, at);
        let begin = json!({"type": "tool_use", "id": id, "name": call.tool, "input": {}});
        // The real one begins with an empty piece.
        let mut input = vec![json!({"type": "input_json_delta", "partial_json": ""})];
        input.extend(deltas("input_json_delta", "partial_json", &call.arguments.text()));
        block(begin, input);
    }
    events.push(named(&json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop(say), "stop_sequence": null},
        "usage": usage(say, say.usage.output),
    })));
    events.push(named(&json!({"type": "message_stop"})));
    events
}

/// In the middle of a stream.
pub fn failure() -> Event {
    let error = json!({"type": "overloaded_error", "message": "Overloaded"});
    named(&json!({"type": "error", "error": error}))
}

pub fn refusal(refuse: &Refuse, message: Option<&str>) -> Value {
    let (kind, usual) = match (refuse.why, refuse.status) {
        (Why::TooLong, _) => {
            ("invalid_request_error", "prompt is too long: 213462 tokens > 200000 maximum")
        }
        (Why::NoCredit, _) => (
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & \
             Billing to upgrade or purchase credits.",
        ),
        (Why::Status, 401) => ("authentication_error", "invalid x-api-key"),
        (Why::Status, 402) => ("billing_error", "There is a problem with your billing."),
        (Why::Status, 403) => (
            "permission_error",
            "Your API key does not have permission to use the specified resource.",
        ),
        (Why::Status, 404) => ("not_found_error", "model: claude-nobody-1"),
        (Why::Status, 413) => ("request_too_large", "Request exceeds the maximum size"),
        (Why::Status, 429) => {
            ("rate_limit_error", "This request would exceed your organization's rate limit.")
        }
        (Why::Status, 529) => ("overloaded_error", "Overloaded"),
        (Why::Status, 500..) => ("api_error", "Internal server error"),
        (Why::Status, _) => ("invalid_request_error", "messages: Field required"),
    };
    let error = json!({"type": kind, "message": message.unwrap_or(usual)});
    json!({"type": "error", "error": error, "request_id": request_id(0)})
}
