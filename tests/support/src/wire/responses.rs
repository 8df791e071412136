//! OpenAI's responses: what is answered.

use serde_json::{Value, json};

use super::text::{CREATED, deltas, named};
use crate::exchange::Seen;
use crate::refusal::Refusal;
use crate::reply::{Part, Reply, Stop, Usage};

/// An item of the output when it is complete.
fn item(seen: &Seen, index: usize, part: &Part, refused: bool) -> Value {
    let tail = format!("{:020}{index:04}", seen.number);
    match part {
        Part::Text(text) => json!({
            "id": format!("msg_{tail}"),
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [content(text, refused)],
        }),
        Part::Thinking { text, signature } => {
            let mut item = json!({
                "id": format!("rs_{tail}"),
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": text}],
            });
            if wants_encrypted(seen) {
                item["encrypted_content"] = json!(signature.as_deref().unwrap_or("ZW5jcnlwdGVk"));
            }
            item
        }
        Part::Call { id, name, arguments, .. } => json!({
            "id": format!("fc_{tail}"),
            "type": "function_call",
            "status": "completed",
            "arguments": arguments,
            "call_id": id.clone().unwrap_or_else(|| format!("call_{tail}")),
            "name": name,
        }),
    }
}

fn content(text: &str, refused: bool) -> Value {
    if refused {
        json!({"type": "refusal", "refusal": text})
    } else {
        json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text})
    }
}

/// Thoughts are given away encrypted when somebody asks, for conversations that are not kept.
fn wants_encrypted(seen: &Seen) -> bool {
    let include = seen.body["include"].as_array();
    include.is_some_and(|list| list.iter().any(|name| name == "reasoning.encrypted_content"))
}

fn usage(usage: Usage) -> Value {
    let input = usage.input + usage.cache_read + usage.cache_write;
    json!({
        "input_tokens": input,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.thinking},
        "total_tokens": input + usage.output,
    })
}

fn response(seen: &Seen, status: &str, output: &[Value], counts: &Value) -> Value {
    let of = |key: &str, general: Value| match &seen.body[key] {
        Value::Null => general,
        value => value.clone(),
    };
    json!({
        "id": format!("resp_{:028}", seen.number),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": seen.body["instructions"],
        "max_output_tokens": seen.body["max_output_tokens"],
        "model": seen.model(),
        "output": output,
        "parallel_tool_calls": of("parallel_tool_calls", json!(true)),
        "previous_response_id": null,
        "reasoning": of("reasoning", json!({"effort": null, "summary": null})),
        "service_tier": "default",
        "store": of("store", json!(true)),
        "temperature": of("temperature", json!(1.0)),
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": of("tool_choice", json!("auto")),
        "tools": of("tools", json!([])),
        "top_p": of("top_p", json!(1.0)),
        "truncation": "disabled",
        "usage": counts,
        "user": null,
        "metadata": {},
    })
}

/// The response at its end.
fn last(seen: &Seen, reply: &Reply) -> Value {
    let refused = reply.stopped() == Stop::Refused;
    let items = reply.parts.iter().enumerate().map(|(at, part)| item(seen, at, part, refused));
    let items: Vec<Value> = items.collect();
    let (status, reason) = match reply.stopped() {
        Stop::End | Stop::Calls => ("completed", None),
        Stop::Length => ("incomplete", Some("max_output_tokens")),
        // With words it is a message that refuses, without it is cut off.
        Stop::Refused if items.is_empty() => ("incomplete", Some("content_filter")),
        Stop::Refused => ("completed", None),
    };
    let mut response = response(seen, status, &items, &usage(reply.usage));
    if let Some(reason) = reason {
        response["incomplete_details"] = json!({"reason": reason});
    }
    response
}

pub fn whole(seen: &Seen, reply: &Reply) -> Value {
    last(seen, reply)
}

/// Writes events with their numbers.
#[derive(Default)]
struct Events(Vec<String>);

impl Events {
    fn put(&mut self, kind: &str, mut data: Value) {
        let mut event = json!({"type": kind, "sequence_number": self.0.len()});
        if let (Some(event), Some(data)) = (event.as_object_mut(), data.as_object_mut()) {
            event.append(data);
        }
        self.0.push(named(kind, &event));
    }
}

pub fn stream(seen: &Seen, reply: &Reply, trouble: Option<&Refusal>) -> Vec<String> {
    let mut events = Events::default();
    let begun = response(seen, "in_progress", &[], &Value::Null);
    events.put("response.created", json!({"response": begun}));
    events.put("response.in_progress", json!({"response": begun}));
    let refused = reply.stopped() == Stop::Refused;
    for (index, part) in reply.parts.iter().enumerate() {
        output(seen, index, part, refused, &mut events);
    }
    if let Some(refusal) = trouble {
        broken(seen, refusal, &mut events);
        return events.0;
    }
    let response = last(seen, reply);
    let kind = match response["status"].as_str() {
        Some("incomplete") => "response.incomplete",
        _ => "response.completed",
    };
    events.put(kind, json!({"response": response}));
    events.0
}

fn output(seen: &Seen, index: usize, part: &Part, refused: bool, events: &mut Events) {
    let done = item(seen, index, part, refused);
    let id = done["id"].clone();
    let mut added = done.clone();
    match part {
        Part::Text(_) => added["content"] = json!([]),
        Part::Thinking { .. } => added["summary"] = json!([]),
        Part::Call { .. } => added["arguments"] = json!(""),
    }
    if added["status"].is_string() {
        added["status"] = json!("in_progress");
    }
    events.put("response.output_item.added", json!({"output_index": index, "item": added}));
    match part {
        Part::Text(text) => say(&id, index, text, refused, events),
        Part::Thinking { text, .. } => think(&id, index, text, events),
        Part::Call { name, arguments, .. } => {
            for delta in deltas(arguments) {
                let data = json!({"item_id": id, "output_index": index, "delta": delta});
                events.put("response.function_call_arguments.delta", data);
            }
            let data = json!({
                "item_id": id, "output_index": index, "arguments": arguments, "name": name,
            });
            events.put("response.function_call_arguments.done", data);
        }
    }
    events.put("response.output_item.done", json!({"output_index": index, "item": done}));
}

fn say(id: &Value, index: usize, text: &str, refused: bool, events: &mut Events) {
    let place = json!({"item_id": id, "output_index": index, "content_index": 0});
    let put = |events: &mut Events, kind: &str, key: &str, value: Value| {
        let mut data = place.clone();
        data[key] = value;
        if kind.starts_with("response.output_text") {
            data["logprobs"] = json!([]);
        }
        events.put(kind, data);
    };
    let (word, name) = if refused { ("refusal", "refusal") } else { ("output_text", "text") };
    put(events, "response.content_part.added", "part", content("", refused));
    for delta in deltas(text) {
        put(events, &format!("response.{word}.delta"), "delta", json!(delta));
    }
    put(events, &format!("response.{word}.done"), name, json!(text));
    put(events, "response.content_part.done", "part", content(text, refused));
}

fn think(id: &Value, index: usize, text: &str, events: &mut Events) {
    let put = |events: &mut Events, kind: &str, key: &str, value: Value| {
        let mut data = json!({"item_id": id, "output_index": index, "summary_index": 0});
        data[key] = value;
        events.put(kind, data);
    };
    let part = |text: &str| json!({"type": "summary_text", "text": text});
    put(events, "response.reasoning_summary_part.added", "part", part(""));
    for delta in deltas(text) {
        put(events, "response.reasoning_summary_text.delta", "delta", json!(delta));
    }
    put(events, "response.reasoning_summary_text.done", "text", json!(text));
    put(events, "response.reasoning_summary_part.done", "part", part(text));
}

/// The error, and a response that failed with it.
fn broken(seen: &Seen, refusal: &Refusal, events: &mut Events) {
    let error = &refusal.body["error"];
    let code = match &error["code"] {
        Value::Null if refusal.status == 429 => json!("rate_limit_exceeded"),
        Value::Null => json!("server_error"),
        code => code.clone(),
    };
    let mut failed = response(seen, "failed", &[], &Value::Null);
    failed["error"] = json!({"code": code, "message": error["message"]});
    events.put("response.failed", json!({"response": failed}));
}
