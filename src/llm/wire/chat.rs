//! OpenAI's chat completions, as OpenAI, Groq, xAI, Mistral, OpenRouter and the servers people run
//! themselves speak it.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Draft, Peer, count, failed_text, object, text};
use crate::llm::{Call, CallResult, Hear, Message, Part, Request, Stop, Thinking, Usage};

/// Everything but the messages.
pub fn head(peer: &Peer, request: &Request) -> Map<String, Value> {
    let provider = peer.provider.name;
    let model = peer.spec.model.as_str();
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    put("model", json!(model));
    put("stream", json!(true));
    // Mistral counts unasked, and refuses what it does not know.
    if provider != "mistral" {
        put("stream_options", json!({"include_usage": true}));
    }
    if let Some(max_tokens) = peer.spec.max_tokens {
        // The newer name is all that OpenAI's thinking models take, and what others do not know.
        let newer = provider == "openai" && super::responses::thinks(model);
        put(if newer { "max_completion_tokens" } else { "max_tokens" }, json!(max_tokens));
    }
    if let Some(level) = peer.spec.thinking {
        for (key, value) in thinking(provider, model, level) {
            put(key, value);
        }
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({"type": "function", "function": {
                "name": tool.name, "description": tool.about, "parameters": tool.parameters,
            }})
        });
        put("tools", tools.collect());
    }
    body
}

/// What tells a model how long to think, which is different wherever this wire is spoken.
fn thinking(provider: &str, model: &str, level: Thinking) -> Vec<(&'static str, Value)> {
    let off = level == Thinking::Off;
    let effort = |word: &str| vec![("reasoning_effort", json!(word))];
    match provider {
        "openrouter" if off => vec![("reasoning", json!({"enabled": false}))],
        "openrouter" => vec![("reasoning", json!({"effort": word(level)}))],
        // Known to think as they do, and to refuse to be told.
        "mistral" if model.starts_with("magistral") => Vec::new(),
        "xai" if model.starts_with("grok-4") || off => Vec::new(),
        "xai" if level <= Thinking::Low => effort("low"),
        "xai" => effort("high"),
        "mistral" => effort(if off { "none" } else { "high" }),
        "groq" if model.contains("qwen") => effort(if off { "none" } else { "default" }),
        "groq" if off => Vec::new(),
        "groq" if level <= Thinking::Low => effort("low"),
        "groq" if level >= Thinking::High => effort("high"),
        // llama-server and vLLM have a switch in the template of the model, Ollama has the word.
        "custom" if off => vec![
            ("reasoning_effort", json!("none")),
            ("chat_template_kwargs", json!({"enable_thinking": false})),
        ],
        _ => effort(word(level)),
    }
}

/// A level as OpenAI calls it.
pub fn word(level: Thinking) -> &'static str {
    match level {
        Thinking::Off => "none",
        Thinking::Minimal => "minimal",
        Thinking::Low => "low",
        Thinking::Medium => "medium",
        Thinking::High => "high",
        Thinking::Xhigh => "xhigh",
    }
}

pub fn messages(peer: &Peer, request: &Request) -> impl Iterator<Item = Value> {
    let system = &request.system;
    let system = (!system.is_empty()).then(|| json!({"role": "system", "content": system}));
    system.into_iter().chain(request.messages.iter().flat_map(|one| message(peer, one)))
}

fn message(peer: &Peer, message: &Message) -> Vec<Value> {
    match message {
        Message::User(text) => vec![json!({"role": "user", "content": text})],
        Message::Assistant(parts) => assistant(peer, parts).into_iter().collect(),
        Message::Results(results) => results.iter().map(|r| result(peer, r)).collect(),
    }
}

fn assistant(peer: &Peer, parts: &[Part]) -> Option<Value> {
    let mut said: Vec<&str> = Vec::new();
    let mut thought = String::new();
    let mut details: Vec<Value> = Vec::new();
    let mut calls: Vec<Value> = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => said.push(text),
            Part::Thinking { text, signature } => {
                if let Some(proof) = peer.proof(signature.as_deref()) {
                    details.extend(serde_json::from_str::<Value>(proof).ok());
                } else if signature.is_none() {
                    thought.push_str(text);
                }
            }
            Part::Call(call) => calls.push(tool_call(peer, call)),
        }
    }
    if said.is_empty() && calls.is_empty() {
        return None;
    }
    // Some templates stumble over a message without a text.
    let mut message = json!({"role": "assistant", "content": said.join("\n")});
    if !calls.is_empty() {
        message["tool_calls"] = Value::Array(calls);
    }
    match peer.provider.name {
        "openrouter" if !details.is_empty() => message["reasoning_details"] = Value::Array(details),
        // Models that think between their calls go on better with what they thought.
        "custom" | "openai" if !thought.is_empty() => message["reasoning_content"] = json!(thought),
        _ => {}
    }
    Some(message)
}

fn tool_call(peer: &Peer, call: &Call) -> Value {
    json!({"id": id(peer, &call.id), "type": "function", "function": {
        "name": call.tool, "arguments": object(&call.arguments).to_string(),
    }})
}

fn result(peer: &Peer, result: &CallResult) -> Value {
    let content = failed_text(&result.text, result.is_error);
    json!({"role": "tool", "tool_call_id": id(peer, &result.id), "content": content})
}

/// Mistral takes ids of nine letters and digits only; one of another provider becomes such.
fn id(peer: &Peer, id: &str) -> String {
    let fits = id.len() == 9 && id.chars().all(|c| c.is_ascii_alphanumeric());
    if peer.provider.name != "mistral" || fits {
        return id.to_owned();
    }
    hex::encode(Sha256::digest(id))[..9].to_owned()
}

pub fn read(data: &Value, draft: &mut Draft, hear: Hear<'_>) {
    // Groq has its counts in a corner of its own; the last ones hold.
    for counts in [&data["usage"], &data["x_groq"]["usage"]] {
        if counts.is_object() {
            draft.usage = usage(counts);
        }
    }
    let choice = &data["choices"][0];
    let delta = &choice["delta"];
    for thought in ["/reasoning_content", "/reasoning"] {
        // Whoever sends both says the same twice.
        if let Some(more) = text(delta, thought) {
            draft.think(more, hear);
            break;
        }
    }
    for detail in delta["reasoning_details"].as_array().into_iter().flatten() {
        draft.detail(detail);
    }
    match &delta["content"] {
        Value::String(more) => draft.say(more, hear),
        Value::Array(chunks) => chunks.iter().for_each(|chunk| mistral_chunk(chunk, draft, hear)),
        _ => {}
    }
    draft.say(text(delta, "/refusal").unwrap_or_default(), hear);
    for call in delta["tool_calls"].as_array().into_iter().flatten() {
        tool_call_delta(call, draft);
    }
    if let Some(reason) = text(choice, "/finish_reason") {
        draft.stop = Some(match reason {
            "length" | "model_length" => Stop::Length,
            "content_filter" => Stop::Refused,
            "tool_calls" | "function_call" => Stop::Calls,
            _ => Stop::End,
        });
    }
}

/// Mistral's thinking models write their content in typed chunks.
fn mistral_chunk(chunk: &Value, draft: &mut Draft, hear: Hear<'_>) {
    match text(chunk, "/type").unwrap_or_default() {
        "text" => draft.say(text(chunk, "/text").unwrap_or_default(), hear),
        "thinking" => {
            for thought in chunk["thinking"].as_array().into_iter().flatten() {
                draft.think(text(thought, "/text").unwrap_or_default(), hear);
            }
        }
        _ => {}
    }
}

fn tool_call_delta(delta: &Value, draft: &mut Draft) {
    let id = text(delta, "/id").unwrap_or_default();
    // Some servers number nothing and send each call whole: one with an id is then a new one.
    let key = delta["index"].as_u64().unwrap_or_else(|| {
        let begun = draft.calls();
        if id.is_empty() { begun.saturating_sub(1) } else { begun }
    });
    draft.call(key, |call| {
        if call.id.is_empty() {
            id.clone_into(&mut call.id);
        }
        if call.tool.is_empty() {
            text(delta, "/function/name").unwrap_or_default().clone_into(&mut call.tool);
        }
        match &delta["function"]["arguments"] {
            Value::String(more) => call.arguments.push_str(more),
            Value::Object(whole) => call.arguments = Value::Object(whole.clone()).to_string(),
            _ => {}
        }
    });
}

fn usage(counts: &Value) -> Usage {
    let read = count(counts, "/prompt_tokens");
    let cache_read = count(counts, "/prompt_tokens_details/cached_tokens");
    let cache_write = count(counts, "/prompt_tokens_details/cache_write_tokens");
    // xAI leaves its thoughts out of the reply's count, and has them in the sum.
    let rest = count(counts, "/total_tokens").saturating_sub(read);
    Usage {
        input: read.saturating_sub(cache_read + cache_write),
        output: count(counts, "/completion_tokens").max(rest),
        cache_read,
        cache_write,
    }
}
