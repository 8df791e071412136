//! Anthropic's Messages: what is answered.

use serde_json::{Value, json};

use super::text::{deltas, named};
use crate::exchange::Seen;
use crate::refusal::{Complaint, Refusal};
use crate::reply::{Part, Reply, Stop, Trouble, Usage};

pub fn headers(seen: &Seen) -> Vec<(&'static str, String)> {
    let reset = "2026-01-01T00:00:00Z".to_owned();
    vec![
        ("request-id", request_id(seen)),
        ("anthropic-organization-id", "00000000-0000-4000-8000-000000000000".to_owned()),
        ("anthropic-ratelimit-requests-limit", "4000".to_owned()),
        ("anthropic-ratelimit-requests-remaining", "3999".to_owned()),
        ("anthropic-ratelimit-requests-reset", reset.clone()),
        ("anthropic-ratelimit-input-tokens-limit", "2000000".to_owned()),
        ("anthropic-ratelimit-input-tokens-remaining", "1999000".to_owned()),
        ("anthropic-ratelimit-input-tokens-reset", reset.clone()),
        ("anthropic-ratelimit-output-tokens-limit", "400000".to_owned()),
        ("anthropic-ratelimit-output-tokens-remaining", "399000".to_owned()),
        ("anthropic-ratelimit-output-tokens-reset", reset.clone()),
        ("anthropic-ratelimit-tokens-limit", "2400000".to_owned()),
        ("anthropic-ratelimit-tokens-remaining", "2398000".to_owned()),
        ("anthropic-ratelimit-tokens-reset", reset),
    ]
}

fn request_id(seen: &Seen) -> String {
    format!("req_{:024}", seen.number)
}

fn stop_reason(reply: &Reply) -> &'static str {
    match reply.stopped() {
        Stop::End => "end_turn",
        Stop::Calls => "tool_use",
        Stop::Length => "max_tokens",
        Stop::Refused => "refusal",
    }
}

fn usage(usage: Usage, output: u64) -> Value {
    json!({
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write,
            "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": output,
        "output_tokens_details": {"thinking_tokens": usage.thinking.min(output)},
        "service_tier": "standard",
    })
}

fn message(seen: &Seen, content: &[Value], stop: Option<&str>, usage: &Value) -> Value {
    json!({
        "id": format!("msg_{:024}", seen.number),
        "type": "message",
        "role": "assistant",
        "model": seen.model(),
        "content": content,
        "stop_reason": stop,
        "stop_sequence": null,
        "usage": usage,
    })
}

fn tool_id(seen: &Seen, index: usize, id: Option<&String>) -> String {
    id.cloned().unwrap_or_else(|| format!("toolu_{:020}{index:04}", seen.number))
}

pub fn whole(seen: &Seen, reply: &Reply) -> Value {
    let blocks = reply.parts.iter().enumerate().map(|(index, part)| match part {
        Part::Text(text) => json!({"type": "text", "text": text}),
        Part::Thinking { text, signature } => {
            json!({"type": "thinking", "thinking": text, "signature": signature})
        }
        Part::Call { id, name, arguments, .. } => {
            // Here the provider has to give an object, so it wraps what is none.
            let input = serde_json::from_str::<Value>(arguments).ok().filter(Value::is_object);
            let input = input.unwrap_or_else(|| json!({"INVALID_JSON": arguments}));
            let id = tool_id(seen, index, id.as_ref());
            json!({"type": "tool_use", "id": id, "name": name, "input": input})
        }
    });
    let blocks: Vec<Value> = blocks.collect();
    message(seen, &blocks, Some(stop_reason(reply)), &usage(reply.usage, reply.usage.output))
}

pub fn stream(seen: &Seen, reply: &Reply, trouble: Option<&Refusal>) -> Vec<String> {
    let start = message(seen, &[], None, &usage(reply.usage, 1));
    let mut events =
        vec![named("message_start", &json!({"type": "message_start", "message": start}))];
    for (index, part) in reply.parts.iter().enumerate() {
        block(seen, index, part, &mut events);
        if index == 0 {
            // Keeps the connection alive; comes behind the start of the first block.
            events.insert(2, named("ping", &json!({"type": "ping"})));
        }
    }
    if let Some(refusal) = trouble {
        events.push(named("error", &refusal.body));
        return events;
    }
    let delta = json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason(reply), "stop_sequence": null},
        "usage": {
            "input_tokens": reply.usage.input,
            "cache_creation_input_tokens": reply.usage.cache_write,
            "cache_read_input_tokens": reply.usage.cache_read,
            "output_tokens": reply.usage.output,
            "output_tokens_details": {"thinking_tokens": reply.usage.thinking},
        },
    });
    events.push(named("message_delta", &delta));
    events.push(named("message_stop", &json!({"type": "message_stop"})));
    events
}

fn block(seen: &Seen, index: usize, part: &Part, events: &mut Vec<String>) {
    let (block, deltas) = match part {
        Part::Text(text) => {
            let deltas = deltas(text).into_iter();
            let deltas = deltas.map(|delta| json!({"type": "text_delta", "text": delta}));
            (json!({"type": "text", "text": ""}), deltas.collect::<Vec<_>>())
        }
        Part::Thinking { text, signature } => {
            let deltas = deltas(text).into_iter();
            let deltas = deltas.map(|delta| json!({"type": "thinking_delta", "thinking": delta}));
            let signed = signature
                .iter()
                .map(|signature| json!({"type": "signature_delta", "signature": signature}));
            let start = json!({"type": "thinking", "thinking": "", "signature": ""});
            (start, deltas.chain(signed).collect())
        }
        Part::Call { id, name, arguments, .. } => {
            let id = tool_id(seen, index, id.as_ref());
            // The first piece is empty, always.
            let deltas = std::iter::once("").chain(deltas(arguments));
            let deltas =
                deltas.map(|delta| json!({"type": "input_json_delta", "partial_json": delta}));
            let start = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
            (start, deltas.collect())
        }
    };
    let start = json!({"type": "content_block_start", "index": index, "content_block": block});
    events.push(named("content_block_start", &start));
    for delta in deltas {
        let delta = json!({"type": "content_block_delta", "index": index, "delta": delta});
        events.push(named("content_block_delta", &delta));
    }
    let stop = json!({"type": "content_block_stop", "index": index});
    events.push(named("content_block_stop", &stop));
}

pub fn refusal(seen: &Seen, complaint: &Complaint) -> Refusal {
    let (status, kind, general) = match complaint.trouble {
        Trouble::WrongKey | Trouble::Status(401) => {
            (401, "authentication_error", "invalid x-api-key")
        }
        Trouble::TooLong => {
            (400, "invalid_request_error", "prompt is too long: 213456 tokens > 200000 maximum")
        }
        Trouble::Quota => (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & \
             Billing to upgrade or purchase credits.",
        ),
        Trouble::Status(status) => match status {
            402 => (402, "billing_error", "There is an issue with your billing or payment."),
            403 => (
                403,
                "permission_error",
                "Your API key does not have permission to use the specified resource.",
            ),
            404 => (404, "not_found_error", "Not Found"),
            413 => (413, "request_too_large", "Request exceeds the maximum size"),
            429 => (
                429,
                "rate_limit_error",
                "This request would exceed your organization's rate limit of 4,000 requests per \
                 minute.",
            ),
            529 => (529, "overloaded_error", "Overloaded"),
            503 => (503, "overloaded_error", "Overloaded"),
            504 => (504, "timeout_error", "Request timed out"),
            500.. => (status, "api_error", "Internal server error"),
            _ => (status, "invalid_request_error", "Error"),
        },
    };
    let message = match complaint.trouble {
        Trouble::Status(404) if complaint.message.is_none() => format!("model: {}", seen.model()),
        _ => complaint.or(general),
    };
    let body = json!({
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": request_id(seen),
    });
    Refusal { status, body, retry_after_s: complaint.retry_after_s }
}
