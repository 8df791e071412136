//! Google's `streamGenerateContent`.

use serde_json::{Map, Value, json};

use super::{Draft, Peer, count, object, text};
use crate::llm::{
    CallResult, Fault, FaultKind, Hear, Message, Part, Request, Stop, Thinking, Usage,
};

/// What Google wants in place of a proof for calls that one of its models did not make.
const UNPROVEN: &str = "skip_thought_signature_validator";

/// Everything but the messages.
pub fn head(peer: &Peer, request: &Request) -> Map<String, Value> {
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    if !request.system.is_empty() {
        put("systemInstruction", json!({"parts": [{"text": request.system}]}));
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({
                "name": tool.name, "description": tool.about,
                "parametersJsonSchema": tool.parameters,
            })
        });
        put("tools", json!([{"functionDeclarations": tools.collect::<Value>()}]));
    }
    let mut config = Map::new();
    if let Some(max_tokens) = peer.spec.max_tokens {
        config.insert("maxOutputTokens".to_owned(), json!(max_tokens));
    }
    if let Some(thinking) = peer.spec.thinking.and_then(|l| thinking(&peer.spec.model, l)) {
        config.insert("thinkingConfig".to_owned(), thinking);
    }
    if !config.is_empty() {
        put("generationConfig", Value::Object(config));
    }
    body
}

pub fn messages(peer: &Peer, messages: &[Message]) -> impl Iterator<Item = Value> {
    messages.iter().filter_map(|message| content(peer, message))
}

/// The third generation is told a level, the one before a number of tokens, those before nothing.
fn thinking(model: &str, level: Thinking) -> Option<Value> {
    let off = level == Thinking::Off;
    let pro = model.contains("pro");
    if model.contains("gemini-1") || model.contains("gemini-2.0") {
        return None;
    }
    if model.contains("gemini-2.5") {
        let budget = match level {
            // What cannot be silenced gets the least there is.
            Thinking::Off if pro => 128,
            Thinking::Off => 0,
            Thinking::Minimal => 512,
            Thinking::Low => 2_048,
            Thinking::Medium => 8_192,
            Thinking::High => 16_384,
            Thinking::Xhigh => 24_576,
        };
        return Some(json!({"thinkingBudget": budget, "includeThoughts": !off}));
    }
    let word = match level {
        Thinking::Off | Thinking::Minimal if pro => "low",
        Thinking::Off | Thinking::Minimal => "minimal",
        Thinking::Low => "low",
        Thinking::Medium => "medium",
        Thinking::High | Thinking::Xhigh => "high",
    };
    Some(json!({"thinkingLevel": word, "includeThoughts": !off}))
}

fn content(peer: &Peer, message: &Message) -> Option<Value> {
    let (role, parts): (&str, Vec<Value>) = match message {
        Message::User(text) => ("user", vec![json!({"text": text})]),
        Message::Assistant(parts) => ("model", model_parts(peer, parts)),
        Message::Results(results) => ("user", results.iter().map(result).collect()),
    };
    (!parts.is_empty()).then(|| json!({"role": role, "parts": parts}))
}

fn model_parts(peer: &Peer, parts: &[Part]) -> Vec<Value> {
    let mut first_call = true;
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Part::Text(text) => out.push(json!({"text": text})),
            // Thoughts themselves are not sent back, only the proof that came with a text.
            Part::Thinking { signature, .. } => {
                let proof = peer.proof(signature.as_deref());
                out.extend(proof.map(|proof| json!({"text": "", "thoughtSignature": proof})));
            }
            Part::Call(call) => {
                let arguments = object(&call.arguments);
                let made = json!({"id": call.id, "name": call.tool, "args": arguments});
                let mut part = json!({"functionCall": made});
                let proof = peer.proof(call.signature.as_deref());
                // Only the first call of a reply is proven.
                if let Some(proof) = proof.or(first_call.then_some(UNPROVEN)) {
                    part["thoughtSignature"] = json!(proof);
                }
                first_call = false;
                out.push(part);
            }
        }
    }
    out
}

fn result(result: &CallResult) -> Value {
    let word = if result.is_error { "error" } else { "output" };
    json!({"functionResponse": {
        "id": result.id, "name": result.tool, "response": {word: result.text},
    }})
}

/// # Errors
/// A call that the provider itself could not read.
pub fn read(data: &Value, draft: &mut Draft, hear: Hear<'_>) -> Result<(), Fault> {
    if data["usageMetadata"].is_object() {
        draft.usage = usage(&data["usageMetadata"]);
    }
    if data["promptFeedback"]["blockReason"].is_string() {
        draft.stop = Some(Stop::Refused);
    }
    let candidate = &data["candidates"][0];
    for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
        read_part(part, draft, hear);
    }
    if let Some(reason) = text(candidate, "/finishReason") {
        draft.stop = Some(stop(reason)?);
    }
    Ok(())
}

fn read_part(part: &Value, draft: &mut Draft, hear: Hear<'_>) {
    let proof = text(part, "/thoughtSignature").unwrap_or_default();
    let made = &part["functionCall"];
    if made.is_object() {
        let key = draft.calls();
        draft.call(key, |call| {
            text(made, "/id").unwrap_or_default().clone_into(&mut call.id);
            text(made, "/name").unwrap_or_default().clone_into(&mut call.tool);
            if made["args"].is_object() {
                call.arguments = made["args"].to_string();
            }
            proof.clone_into(&mut call.proof);
        });
        return;
    }
    let said = text(part, "/text").unwrap_or_default();
    if part["thought"] == true {
        draft.think(said, hear);
    } else {
        draft.say(said, hear);
    }
    if !proof.is_empty() {
        draft.begin_proven(proof);
    }
}

fn usage(counts: &Value) -> Usage {
    let cache_read = count(counts, "/cachedContentTokenCount");
    let read = count(counts, "/promptTokenCount") + count(counts, "/toolUsePromptTokenCount");
    Usage {
        input: read.saturating_sub(cache_read),
        output: count(counts, "/candidatesTokenCount") + count(counts, "/thoughtsTokenCount"),
        cache_read,
        cache_write: 0,
    }
}

fn stop(reason: &str) -> Result<Stop, Fault> {
    Ok(match reason {
        "MAX_TOKENS" => Stop::Length,
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII"
        | "IMAGE_SAFETY" => Stop::Refused,
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" => {
            let message = format!("the model wrote a call that cannot be read: {reason}");
            return Err(Fault::new(FaultKind::Cut, message));
        }
        _ => Stop::End,
    })
}
