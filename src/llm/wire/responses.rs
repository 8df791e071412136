//! OpenAI's responses: what its thinking models want when they use tools.

use serde_json::{Map, Value, json};

use super::chat::word;
use super::{Draft, Peer, count, failed_text, object, text};
use crate::llm::fault;
use crate::llm::{Fault, Hear, Message, Part, Request, Stop, Thinking, Usage};

/// Everything but the messages.
pub fn head(peer: &Peer, request: &Request) -> Map<String, Value> {
    let model = peer.spec.model.as_str();
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    put("model", json!(model));
    put("stream", json!(true));
    // Nothing stays with the provider, so thoughts travel with the conversation, encrypted.
    put("store", json!(false));
    if !request.system.is_empty() {
        put("instructions", json!(request.system));
    }
    if let Some(max_tokens) = peer.spec.max_tokens {
        put("max_output_tokens", json!(max_tokens));
    }
    if thinks(model) {
        put("include", json!(["reasoning.encrypted_content"]));
        if let Some(level) = peer.spec.thinking {
            put("reasoning", reasoning(model, level));
        }
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({
                "type": "function", "name": tool.name, "description": tool.about,
                "parameters": tool.parameters, "strict": false,
            })
        });
        put("tools", tools.collect());
    }
    body
}

pub fn messages(peer: &Peer, messages: &[Message]) -> impl Iterator<Item = Value> {
    messages.iter().flat_map(|message| items(peer, message))
}

/// Whether a model of OpenAI thinks, and takes what goes with it.
pub fn thinks(model: &str) -> bool {
    let numbered = |prefix: char| {
        let digit = model.strip_prefix(prefix).and_then(|rest| rest.chars().next());
        digit.is_some_and(|c| c.is_ascii_digit())
    };
    let major = model.strip_prefix("gpt-").and_then(|rest| rest.split(['.', '-']).next());
    let newer = major.and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major >= 5);
    (newer && !model.contains("-chat")) || numbered('o') || model.starts_with("codex-")
}

fn reasoning(model: &str, level: Thinking) -> Value {
    if level == Thinking::Off {
        // The first of them cannot be silenced, only hurried.
        let effort = match model {
            _ if model.starts_with("gpt-5.") || model.starts_with("gpt-6") => "none",
            _ if model.starts_with("gpt-5") => "minimal",
            _ => "low",
        };
        return json!({"effort": effort});
    }
    // After the first gpt-5, `minimal` is gone.
    let level = match level {
        Thinking::Minimal if !model.starts_with("gpt-5") || model.starts_with("gpt-5.") => {
            Thinking::Low
        }
        Thinking::Xhigh if model.starts_with('o') => Thinking::High,
        level => level,
    };
    json!({"effort": word(level), "summary": "auto"})
}

fn items(peer: &Peer, message: &Message) -> Vec<Value> {
    match message {
        Message::User(text) => {
            let content = json!([{"type": "input_text", "text": text}]);
            vec![json!({"role": "user", "content": content})]
        }
        Message::Assistant(parts) => {
            // A thought that nothing followed is refused.
            let end = parts.iter().rposition(|part| !matches!(part, Part::Thinking { .. }));
            let parts = &parts[..end.map_or(0, |last| last + 1)];
            parts.iter().filter_map(|part| item(peer, part)).collect()
        }
        Message::Results(results) => results
            .iter()
            .map(|result| {
                let output = failed_text(&result.text, result.is_error);
                json!({"type": "function_call_output", "call_id": result.id, "output": output})
            })
            .collect(),
    }
}

fn item(peer: &Peer, part: &Part) -> Option<Value> {
    match part {
        Part::Text(text) => {
            let content = json!([{"type": "output_text", "text": text}]);
            Some(json!({"type": "message", "role": "assistant", "content": content}))
        }
        // The whole thought, as it came.
        Part::Thinking { signature, .. } => {
            serde_json::from_str(peer.proof(signature.as_deref())?).ok()
        }
        Part::Call(call) => Some(json!({
            "type": "function_call",
            "call_id": call.id,
            "name": call.tool,
            "arguments": object(&call.arguments).to_string(),
        })),
    }
}

/// # Errors
/// A reply that failed, with what the provider calls it.
pub fn read(data: &Value, draft: &mut Draft, hear: Hear<'_>) -> Result<(), Fault> {
    let key = count(data, "/output_index");
    let delta = text(data, "/delta").unwrap_or_default();
    match text(data, "/type").unwrap_or_default() {
        "response.output_item.added" => begin(&data["item"], key, draft),
        "response.output_text.delta" => draft.say(delta, hear),
        "response.refusal.delta" => {
            draft.say(delta, hear);
            draft.stop = Some(Stop::Refused);
        }
        "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
            draft.think(delta, hear);
        }
        // Parts of a summary are paragraphs.
        "response.reasoning_summary_part.added" if count(data, "/summary_index") > 0 => {
            draft.think("\n\n", hear);
        }
        "response.function_call_arguments.delta" => {
            draft.call(key, |call| call.arguments.push_str(delta));
        }
        "response.output_item.done" => end(&data["item"], key, draft),
        "response.completed" => finish(&data["response"], Stop::End, draft),
        "response.incomplete" => {
            let filtered = text(data, "/response/incomplete_details/reason");
            let filtered = filtered == Some("content_filter");
            finish(&data["response"], if filtered { Stop::Refused } else { Stop::Length }, draft);
        }
        "response.failed" => return Err(fault::told(&data["response"]["error"])),
        "error" => return Err(fault::told(data)),
        _ => {}
    }
    Ok(())
}

fn begin(item: &Value, key: u64, draft: &mut Draft) {
    match text(item, "/type").unwrap_or_default() {
        "message" => draft.begin_text(),
        "reasoning" => draft.begin_thought(),
        "function_call" => draft.call(key, |call| {
            text(item, "/call_id").unwrap_or_default().clone_into(&mut call.id);
            text(item, "/name").unwrap_or_default().clone_into(&mut call.tool);
        }),
        _ => {}
    }
}

fn end(item: &Value, key: u64, draft: &mut Draft) {
    match text(item, "/type").unwrap_or_default() {
        "reasoning" if item["encrypted_content"].is_string() => draft.prove(&item.to_string()),
        "function_call" => draft.call(key, |call| {
            text(item, "/call_id").unwrap_or_default().clone_into(&mut call.id);
            text(item, "/name").unwrap_or_default().clone_into(&mut call.tool);
            if let Some(whole) = text(item, "/arguments") {
                whole.clone_into(&mut call.arguments);
            }
        }),
        _ => {}
    }
}

fn finish(response: &Value, stop: Stop, draft: &mut Draft) {
    let counts = &response["usage"];
    let cache_read = count(counts, "/input_tokens_details/cached_tokens");
    draft.usage = Usage {
        input: count(counts, "/input_tokens").saturating_sub(cache_read),
        output: count(counts, "/output_tokens"),
        cache_read,
        cache_write: 0,
    };
    draft.stop = draft.stop.or(Some(stop));
    draft.over = true;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_models_think_is_read_from_the_name() {
        for (model, expected) in [
            ("gpt-4o", false),
            ("gpt-4.1-mini", false),
            ("gpt-5", true),
            ("gpt-5-mini-2025-08-07", true),
            ("gpt-5.4", true),
            ("gpt-6-astra", true),
            ("gpt-5-chat-latest", false),
            ("o3", true),
            ("o4-mini-high", true),
            ("omni-moderation-latest", false),
            ("codex-mini-latest", true),
        ] {
            assert_eq!(thinks(model), expected, "{model}");
        }
    }
}
