//! OpenAI's responses.

use serde_json::{Value, json};

use super::{Asked, Event, Verdict, bad, chat, named};
use crate::say::{Say, Stop};

/// What encrypted thoughts given here begin with.
const ENCRYPTED: &str = "gAAAAAB";

fn usage(say: &Say) -> Value {
    let counts = say.usage;
    let input = counts.input + counts.cache_read + counts.cache_write;
    let reasoning = if say.thinking.is_empty() { 0 } else { counts.output / 2 };
    json!({
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": counts.cache_read},
        "output_tokens": counts.output,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": input + counts.output,
    })
}

/// The response without anything in it.
fn empty(asked: &Asked, turn: usize) -> Value {
    json!({
        "id": format!("resp_{turn:032}"), "object": "response", "created_at": 1_700_000_000,
        "status": "in_progress", "error": null, "incomplete_details": null,
        "instructions": asked.body["instructions"], "model": asked.body["model"], "output": [],
        "parallel_tool_calls": true, "tool_choice": "auto", "tools": asked.body["tools"],
        "store": asked.body["store"], "temperature": 1.0, "top_p": 1.0, "usage": null,
        "metadata": {},
    })
}

/// The items of a reply, complete.
fn items(say: &Say, asked: &Asked, turn: usize) -> Vec<Value> {
    let mut items = Vec::new();
    if !say.thinking.is_empty() {
        let mut item = json!({
            "id": format!("rs_{turn:032}"), "type": "reasoning",
            "summary": [{"type": "summary_text", "text": say.thinking}],
        });
        let include = asked.body["include"].as_array().into_iter().flatten();
        if include.into_iter().any(|what| what == "reasoning.encrypted_content") {
            item["encrypted_content"] = format!("{ENCRYPTED}{turn}").into();
        }
        items.push(item);
    }
    if !say.text.is_empty() || say.stop() == Stop::Refused {
        let part = match say.stop() {
            Stop::Refused => json!({"type": "refusal", "refusal": say.text}),
            Stop::End | Stop::Calls | Stop::Length => {
                json!({"type": "output_text", "text": say.text, "annotations": [], "logprobs": []})
            }
        };
        items.push(json!({
            "id": format!("msg_{turn:032}"), "type": "message", "status": "completed",
            "role": "assistant", "content": [part],
        }));
    }
    for (at, call) in say.calls.iter().enumerate() {
        items.push(json!({
            "id": format!("fc_{turn:024}{at:08}"), "type": "function_call", "status": "completed",
            "call_id": format!("call_{turn:016}{at:08}"), "name": call.tool,
            "arguments": call.arguments.text(),
        }));
    }
    items
}

pub fn whole(say: &Say, asked: &Asked, turn: usize) -> Value {
    let mut response = empty(asked, turn);
    response["output"] = items(say, asked, turn).into();
    response["usage"] = usage(say);
    let cut = say.stop() == Stop::Length;
    response["status"] = if cut { "incomplete" } else { "completed" }.into();
    if cut {
        response["incomplete_details"] = json!({"reason": "max_output_tokens"});
    }
    response
}

/// Events, each with its number.
struct Stream(Vec<Event>);

impl Stream {
    fn push(&mut self, kind: &str, fields: Value) {
        let mut event = json!({"type": kind, "sequence_number": self.0.len()});
        if let (Value::Object(event), Value::Object(fields)) = (&mut event, fields) {
            event.extend(fields);
        }
        self.0.push(named(&event));
    }
}

pub fn events(say: &Say, asked: &Asked, turn: usize) -> Vec<Event> {
    let mut stream = Stream(Vec::new());
    stream.push("response.created", json!({"response": empty(asked, turn)}));
    stream.push("response.in_progress", json!({"response": empty(asked, turn)}));
    for (index, item) in items(say, asked, turn).iter().enumerate() {
        match item["type"].as_str().unwrap_or_default() {
            "reasoning" => reasoning(&mut stream, index, item),
            "message" => message(&mut stream, index, item),
            _ => call(&mut stream, index, item),
        }
        stream.push("response.output_item.done", json!({"output_index": index, "item": item}));
    }
    let end = if say.stop() == Stop::Length { "response.incomplete" } else { "response.completed" };
    stream.push(end, json!({"response": whole(say, asked, turn)}));
    stream.0
}

/// The item as it is announced: with these fields still empty.
fn added(stream: &mut Stream, index: usize, item: &Value, empty: Value) {
    let mut begun = item.clone();
    if let (Value::Object(begun), Value::Object(empty)) = (&mut begun, empty) {
        begun.extend(empty);
    }
    stream.push("response.output_item.added", json!({"output_index": index, "item": begun}));
}

fn reasoning(stream: &mut Stream, index: usize, item: &Value) {
    added(stream, index, item, json!({"summary": []}));
    let at = json!({"item_id": item["id"], "output_index": index, "summary_index": 0});
    let with = |key: &str, value: Value| with(&at, key, value);
    let empty = json!({"type": "summary_text", "text": ""});
    stream.push("response.reasoning_summary_part.added", with("part", empty));
    let part = &item["summary"][0];
    for piece in Say::pieces(part["text"].as_str().unwrap_or_default()) {
        stream.push("response.reasoning_summary_text.delta", with("delta", piece.into()));
    }
    stream.push("response.reasoning_summary_text.done", with("text", part["text"].clone()));
    stream.push("response.reasoning_summary_part.done", with("part", part.clone()));
}

fn message(stream: &mut Stream, index: usize, item: &Value) {
    added(stream, index, item, json!({"content": [], "status": "in_progress"}));
    let at = json!({"item_id": item["id"], "output_index": index, "content_index": 0});
    let with = |key: &str, value: Value| with(&at, key, value);
    let part = &item["content"][0];
    let kind = part["type"].as_str().unwrap_or_default();
    let key = if kind == "refusal" { "refusal" } else { "text" };
    let mut empty = part.clone();
    empty[key] = "".into();
    stream.push("response.content_part.added", with("part", empty));
    for piece in Say::pieces(part[key].as_str().unwrap_or_default()) {
        let mut delta = with("delta", piece.into());
        if kind == "output_text" {
            delta["logprobs"] = json!([]);
        }
        stream.push(&format!("response.{kind}.delta"), delta);
    }
    let mut done = with(key, part[key].clone());
    if kind == "output_text" {
        done["logprobs"] = json!([]);
    }
    stream.push(&format!("response.{kind}.done"), done);
    stream.push("response.content_part.done", with("part", part.clone()));
}

fn call(stream: &mut Stream, index: usize, item: &Value) {
    added(stream, index, item, json!({"arguments": "", "status": "in_progress"}));
    let at = json!({"item_id": item["id"], "output_index": index});
    for piece in Say::pieces(item["arguments"].as_str().unwrap_or_default()) {
        let delta = with(&at, "delta", piece.into());
        stream.push("response.function_call_arguments.delta", delta);
    }
    let mut done = with(&at, "arguments", item["arguments"].clone());
    done["name"] = item["name"].clone();
    stream.push("response.function_call_arguments.done", done);
}

fn with(at: &Value, key: &str, value: Value) -> Value {
    let mut fields = at.clone();
    fields[key] = value;
    fields
}

/// In the middle of a stream, after so many events.
pub fn failure(number: usize) -> Event {
    named(&json!({
        "type": "error", "sequence_number": number, "code": "server_error", "param": null,
        "message": "The server had an error while processing your request. Sorry about that!",
    }))
}

const FIELDS: &[&str] = &[
    "model",
    "input",
    "instructions",
    "stream",
    "store",
    "tools",
    "tool_choice",
    "include",
    "reasoning",
    "max_output_tokens",
    "parallel_tool_calls",
    "previous_response_id",
    "metadata",
    "temperature",
    "top_p",
    "text",
    "truncation",
    "user",
    "service_tier",
    "prompt_cache_key",
    "stream_options",
    "background",
    "safety_identifier",
];

pub fn check(asked: &Asked) -> Verdict {
    chat::bearer(asked)?;
    let Some(fields) = asked.body.as_object() else {
        return bad("We could not parse the JSON body of your request.");
    };
    if let Some(field) = fields.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        return bad(format!("Unknown parameter: '{field}'."));
    }
    if !asked.body["model"].is_string() {
        return bad("Missing required parameter: 'model'.");
    }
    for (at, tool) in asked.body["tools"].as_array().into_iter().flatten().enumerate() {
        if tool["type"] == "function" && !tool["name"].is_string() {
            return bad(format!("Missing required parameter: 'tools[{at}].name'."));
        }
    }
    match &asked.body["input"] {
        Value::String(_) => Ok(()),
        Value::Array(items) if !items.is_empty() => conversation(items),
        _ => bad("Missing required parameter: 'input'."),
    }
}

fn conversation(items: &[Value]) -> Verdict {
    let ids = |kind: &str| -> Vec<&str> {
        let of_kind = items.iter().filter(|item| item["type"] == kind);
        of_kind.filter_map(|item| item["call_id"].as_str()).collect()
    };
    let (made, answered) = (ids("function_call"), ids("function_call_output"));
    if let Some(id) = made.iter().find(|id| !answered.contains(id)) {
        return bad(format!("No tool output found for function call {id}."));
    }
    if let Some(id) = answered.iter().find(|id| !made.contains(id)) {
        return bad(format!("No tool call found for function call output with call_id {id}."));
    }
    for (at, item) in items.iter().enumerate() {
        match item["type"].as_str().unwrap_or("message") {
            "message" => message_is_fine(at, item)?,
            "function_call" if item["arguments"].is_string() && item["name"].is_string() => {}
            "function_call_output" if item["output"].is_string() || item["output"].is_array() => {}
            "reasoning" => {
                let encrypted = item["encrypted_content"].as_str();
                if encrypted.is_some_and(|text| !text.starts_with(ENCRYPTED)) {
                    return bad("The encrypted content could not be verified.");
                }
                let next = items.get(at + 1).map(|next| &next["type"]);
                if next.is_none_or(|next| next == "function_call_output") {
                    let id = item["id"].as_str().unwrap_or_default();
                    return bad(format!(
                        "Item '{id}' of type 'reasoning' was provided without its required \
                         following item."
                    ));
                }
            }
            kind => return bad(format!("Invalid value: 'input[{at}]' of type '{kind}'.")),
        }
    }
    Ok(())
}

fn message_is_fine(at: usize, item: &Value) -> Verdict {
    let role = item["role"].as_str().unwrap_or_default();
    if !matches!(role, "user" | "assistant" | "system" | "developer") {
        return bad(format!("Invalid value: 'input[{at}].role' is '{role}'."));
    }
    // What was said is `output_text`, what is told is `input_text`.
    let wrong = if role == "assistant" { "input_text" } else { "output_text" };
    let parts = item["content"].as_array().into_iter().flatten();
    if parts.into_iter().any(|part| part["type"] == wrong) {
        return bad(format!("Invalid value: '{wrong}' ('input[{at}].content[0]')."));
    }
    Ok(())
}
