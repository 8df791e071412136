//! Chat completions: what is answered, by OpenAI and by all who imitate it in their own ways.

use serde_json::{Map, Value, json};

use super::text::{CREATED, deltas, unnamed};
use crate::Wire;
use crate::exchange::Seen;
use crate::refusal::Refusal;
use crate::reply::{Part, Reply, Stop, Usage};

fn id(seen: &Seen) -> String {
    let number = seen.number;
    match seen.wire {
        Wire::Mistral => format!("{number:032x}"),
        Wire::OpenRouter => format!("gen-{CREATED}-{number:020}"),
        Wire::Xai => format!("00000000-0000-4000-8000-{number:012x}"),
        _ => format!("chatcmpl-{number:029}"),
    }
}

fn call_id(seen: &Seen, index: usize, id: Option<&String>) -> String {
    let number = seen.number;
    let made = || match seen.wire {
        Wire::Mistral => format!("{number:05}{index:04}"),
        Wire::Xai => format!("call_{:08}", number * 100 + index as u64),
        Wire::LlamaServer => format!("{number:028}{index:04}"),
        _ => format!("call_{number:020}{index:04}"),
    };
    id.cloned().unwrap_or_else(made)
}

fn finish_reason(reply: &Reply) -> &'static str {
    match reply.stopped() {
        Stop::End => "stop",
        Stop::Calls => "tool_calls",
        Stop::Length => "length",
        Stop::Refused => "content_filter",
    }
}

fn usage(seen: &Seen, usage: Usage) -> Value {
    let prompt = usage.input + usage.cache_read + usage.cache_write;
    let total = prompt + usage.output;
    match seen.wire {
        Wire::OpenAi => json!({
            "prompt_tokens": prompt,
            "completion_tokens": usage.output,
            "total_tokens": total,
            "prompt_tokens_details": {"cached_tokens": usage.cache_read, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": usage.thinking,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }),
        Wire::Groq => json!({
            "queue_time": 0.02,
            "prompt_tokens": prompt,
            "prompt_time": 0.001,
            "completion_tokens": usage.output,
            "completion_time": 0.01,
            "total_tokens": total,
            "total_time": 0.011,
            "prompt_tokens_details": {"cached_tokens": usage.cache_read},
            "completion_tokens_details": {"reasoning_tokens": usage.thinking},
        }),
        // Thoughts are no part of the completion here, and of the total they are.
        Wire::Xai => json!({
            "prompt_tokens": prompt,
            "completion_tokens": usage.output - usage.thinking,
            "total_tokens": total,
            "prompt_tokens_details": {
                "text_tokens": prompt,
                "audio_tokens": 0,
                "image_tokens": 0,
                "cached_tokens": usage.cache_read,
            },
            "completion_tokens_details": {
                "reasoning_tokens": usage.thinking,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
            "num_sources_used": 0,
        }),
        Wire::Mistral => json!({
            "prompt_tokens": prompt,
            "completion_tokens": usage.output,
            "total_tokens": total,
            "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        }),
        Wire::OpenRouter => json!({
            "prompt_tokens": prompt,
            "completion_tokens": usage.output,
            "total_tokens": total,
            "cost": 0.0012,
            "is_byok": false,
            "prompt_tokens_details": {
                "cached_tokens": usage.cache_read,
                "cache_write_tokens": usage.cache_write,
                "audio_tokens": 0,
            },
            "completion_tokens_details": {"reasoning_tokens": usage.thinking},
        }),
        _ => json!({
            "completion_tokens": usage.output,
            "prompt_tokens": prompt,
            "total_tokens": total,
            "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        }),
    }
}

/// A thought, in the field where this provider has it.
fn thought(seen: &Seen, text: &str, signature: Option<&String>) -> Map<String, Value> {
    let fields = match seen.wire {
        Wire::OpenAi => json!({}),
        Wire::Groq => json!({"reasoning": text}),
        Wire::Mistral => json!({"content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": text}]},
        ]}),
        Wire::OpenRouter => json!({"reasoning": text, "reasoning_details": [{
            "type": "reasoning.text", "text": text, "signature": signature,
            "format": "anthropic-claude-v1", "index": 0,
        }]}),
        _ => json!({"reasoning_content": text}),
    };
    fields.as_object().cloned().unwrap_or_default()
}

fn call(seen: &Seen, index: usize, id: &str, name: &str, arguments: &str) -> Value {
    let function = json!({"name": name, "arguments": arguments});
    match seen.wire {
        Wire::Mistral => json!({"id": id, "function": function, "index": index}),
        _ => json!({"index": index, "id": id, "type": "function", "function": function}),
    }
}

/// The calls of a reply: id, name, arguments.
fn calls<'r>(seen: &'r Seen, reply: &'r Reply) -> impl Iterator<Item = (String, &'r str, &'r str)> {
    let calls = reply.parts.iter().filter_map(|part| match part {
        Part::Call { id, name, arguments, .. } => Some((id.as_ref(), name, arguments)),
        Part::Text(_) | Part::Thinking { .. } => None,
    });
    calls.enumerate().map(|(index, (id, name, arguments))| {
        (call_id(seen, index, id), name.as_str(), arguments.as_str())
    })
}

pub fn whole(seen: &Seen, reply: &Reply) -> Value {
    let mut texts = String::new();
    let mut message = Map::from_iter([("role".to_owned(), json!("assistant"))]);
    for part in &reply.parts {
        match part {
            Part::Text(text) => texts.push_str(text),
            Part::Thinking { text, signature } => {
                message.extend(thought(seen, text, signature.as_ref()));
            }
            Part::Call { .. } => {}
        }
    }
    match message.get_mut("content").and_then(Value::as_array_mut) {
        Some(chunks) => chunks.push(json!({"type": "text", "text": texts})),
        None => {
            let content = if texts.is_empty() { Value::Null } else { json!(texts) };
            message.insert("content".to_owned(), content);
        }
    }
    let calls = calls(seen, reply).enumerate().map(|(index, (id, name, arguments))| {
        let mut call = call(seen, index, &id, name, arguments);
        if let (Some(call), false) = (call.as_object_mut(), seen.wire == Wire::Mistral) {
            call.remove("index");
        }
        call
    });
    let calls: Vec<Value> = calls.collect();
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    let choice = json!({"index": 0, "message": message, "finish_reason": finish_reason(reply)});
    let mut body = json!({
        "id": id(seen),
        "object": "chat.completion",
        "created": CREATED,
        "model": seen.model(),
        "choices": [choice],
        "usage": usage(seen, reply.usage),
    });
    match seen.wire {
        Wire::OpenAi => body["choices"][0]["logprobs"] = Value::Null,
        Wire::Groq => body["x_groq"] = json!({"id": format!("req_{:026}", seen.number)}),
        Wire::OpenRouter => body["provider"] = json!("Fake"),
        _ => {}
    }
    body
}

/// Writes chunks of one reply.
struct Chunks<'s> {
    seen: &'s Seen,
    wants_usage: bool,
    events: Vec<String>,
}

impl Chunks<'_> {
    fn chunk(&self, choices: &Value) -> Value {
        let seen = self.seen;
        let mut chunk = json!({
            "id": id(seen),
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": seen.model(),
            "choices": choices,
        });
        match seen.wire {
            Wire::OpenAi => {
                chunk["service_tier"] = json!("default");
                chunk["system_fingerprint"] = json!("fp_0000000000");
                if self.wants_usage {
                    chunk["usage"] = Value::Null;
                }
            }
            Wire::Groq | Wire::Xai | Wire::LlamaServer => {
                chunk["system_fingerprint"] = json!("fp_0000000000");
            }
            Wire::OpenRouter => chunk["provider"] = json!("Fake"),
            _ => {}
        }
        chunk
    }

    fn choice(&self, delta: &Value, finish: Option<&str>) -> Value {
        let mut choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        if matches!(self.seen.wire, Wire::OpenAi | Wire::Groq) {
            choice["logprobs"] = Value::Null;
        }
        if self.seen.wire == Wire::OpenRouter {
            choice["native_finish_reason"] = json!(finish);
        }
        choice
    }

    fn delta(&mut self, mut delta: Map<String, Value>) {
        if self.seen.wire == Wire::OpenRouter {
            // Says who speaks with every word.
            delta.insert("role".to_owned(), json!("assistant"));
            delta.entry("content").or_insert(json!(""));
        }
        let choice = self.choice(&Value::Object(delta), None);
        self.events.push(unnamed(&self.chunk(&json!([choice]))));
    }

    fn put(&mut self, key: &str, value: Value) {
        self.delta(Map::from_iter([(key.to_owned(), value)]));
    }
}

pub fn stream(seen: &Seen, reply: &Reply, trouble: Option<&Refusal>) -> Vec<String> {
    let wants_usage = seen.body["stream_options"]["include_usage"] == true;
    let mut chunks = Chunks { seen, wants_usage, events: Vec::new() };
    begin(&mut chunks);
    for part in &reply.parts {
        match part {
            Part::Text(text) => {
                for delta in deltas(text) {
                    chunks.put("content", json!(delta));
                }
            }
            Part::Thinking { text, signature } => {
                let pieces = deltas(text);
                for (at, delta) in pieces.iter().enumerate() {
                    let signature = signature.as_ref().filter(|_| at + 1 == pieces.len());
                    let delta = thought(seen, delta, signature);
                    // OpenAI keeps its thoughts to itself on this wire.
                    if !delta.is_empty() {
                        chunks.delta(delta);
                    }
                }
            }
            Part::Call { .. } => {}
        }
    }
    for (index, (id, name, arguments)) in calls(seen, reply).enumerate() {
        tool_call(&mut chunks, index, &id, name, arguments);
    }
    match trouble {
        Some(refusal) => broken(&mut chunks, refusal),
        None => end(&mut chunks, reply),
    }
    chunks.events
}

fn begin(chunks: &mut Chunks<'_>) {
    let seen = chunks.seen;
    match seen.wire {
        Wire::OpenRouter => chunks.events.push(": OPENROUTER PROCESSING\n\n".to_owned()),
        Wire::Groq => {
            let delta = json!({"role": "assistant", "content": ""});
            let choice = chunks.choice(&delta, None);
            let mut chunk = chunks.chunk(&json!([choice]));
            chunk["x_groq"] = json!({"id": format!("req_{:026}", seen.number)});
            chunks.events.push(unnamed(&chunk));
        }
        Wire::OpenAi => {
            let delta = json!({"role": "assistant", "content": "", "refusal": null});
            chunks.delta(delta.as_object().cloned().unwrap_or_default());
        }
        Wire::LlamaServer => {
            let delta = json!({"role": "assistant", "content": null});
            chunks.delta(delta.as_object().cloned().unwrap_or_default());
        }
        _ => {
            let delta = json!({"role": "assistant", "content": ""});
            chunks.delta(delta.as_object().cloned().unwrap_or_default());
        }
    }
}

fn tool_call(chunks: &mut Chunks<'_>, index: usize, id: &str, name: &str, arguments: &str) {
    let seen = chunks.seen;
    match seen.wire {
        // In one piece.
        Wire::Groq | Wire::Xai | Wire::Mistral => {
            chunks.put("tool_calls", json!([call(seen, index, id, name, arguments)]));
        }
        _ => {
            chunks.put("tool_calls", json!([call(seen, index, id, name, "")]));
            for delta in deltas(arguments) {
                let mut piece = json!({"index": index, "function": {"arguments": delta}});
                if seen.wire == Wire::OpenRouter {
                    piece["type"] = json!("function");
                }
                chunks.put("tool_calls", json!([piece]));
            }
        }
    }
}

fn end(chunks: &mut Chunks<'_>, reply: &Reply) {
    let seen = chunks.seen;
    let usage = usage(seen, reply.usage);
    let mut delta = json!({});
    if matches!(seen.wire, Wire::Mistral | Wire::OpenRouter) {
        delta["content"] = json!("");
    }
    let choice = chunks.choice(&delta, Some(finish_reason(reply)));
    let mut last = chunks.chunk(&json!([choice]));
    match seen.wire {
        Wire::Groq => {
            let id = format!("req_{:026}", seen.number);
            last["x_groq"] = json!({"id": id, "usage": usage});
        }
        // With the last word, asked or not.
        Wire::Mistral => last["usage"] = usage.clone(),
        _ => {}
    }
    chunks.events.push(unnamed(&last));
    let unasked = matches!(seen.wire, Wire::OpenRouter | Wire::Xai);
    if seen.wire != Wire::Mistral && (chunks.wants_usage || unasked) {
        let choices = match seen.wire {
            Wire::OpenRouter => {
                let delta = json!({"role": "assistant", "content": ""});
                json!([chunks.choice(&delta, None)])
            }
            _ => json!([]),
        };
        let mut counts = chunks.chunk(&choices);
        counts["usage"] = usage;
        if seen.wire == Wire::LlamaServer {
            counts["timings"] = json!({"prompt_n": reply.usage.input, "predicted_n": 1});
        }
        chunks.events.push(unnamed(&counts));
    }
    chunks.events.push("data: [DONE]\n\n".to_owned());
}

/// An error of the provider in the middle: nothing comes behind it.
fn broken(chunks: &mut Chunks<'_>, refusal: &Refusal) {
    let event = match chunks.seen.wire {
        Wire::OpenRouter => {
            let choice = chunks.choice(&json!({"content": ""}), Some("error"));
            let mut chunk = chunks.chunk(&json!([choice]));
            chunk["error"] = refusal.body["error"].clone();
            unnamed(&chunk)
        }
        Wire::LlamaServer => format!("error: {}\n\n", refusal.body["error"]),
        _ => unnamed(&refusal.body),
    };
    chunks.events.push(event);
}
