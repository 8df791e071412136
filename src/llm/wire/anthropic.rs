//! Anthropic's Messages.

use serde_json::{Map, Value, json};

use super::{Draft, Peer, count, object, text};
use crate::llm::{CallResult, Hear, Message, Part, Request, Stop, Thinking};

/// In front of the proof of a thought that came encrypted.
const REDACTED: &str = "redacted:";
/// Thinking is never worth less than this, says the provider.
const LEAST_BUDGET: u32 = 1024;

/// Everything but the messages.
pub fn head(peer: &Peer, request: &Request) -> Map<String, Value> {
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    put("model", json!(peer.spec.model));
    put("max_tokens", json!(peer.limits.max_tokens));
    put("stream", json!(true));
    if !request.system.is_empty() {
        // The mark covers the tools too: they come before it.
        let system = json!({"type": "text", "text": request.system, "cache_control": marked()});
        put("system", json!([system]));
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({"name": tool.name, "description": tool.about, "input_schema": tool.parameters})
        });
        put("tools", tools.collect());
    }
    if let Some(level) = peer.spec.thinking {
        think(peer, request, level, &mut put);
    }
    body
}

fn marked() -> Value {
    json!({"type": "ephemeral"})
}

fn think(
    peer: &Peer,
    request: &Request,
    level: Thinking,
    put: &mut impl FnMut(&str, Value) -> Option<Value>,
) {
    let ability = Ability::of(&peer.spec.model);
    match ability {
        Ability::Always if level == Thinking::Off && !is_restless(&peer.spec.model) => {
            put("thinking", json!({"type": "disabled"}));
        }
        Ability::Adaptive | Ability::Budget if level == Thinking::Off => {}
        Ability::None => {}
        Ability::Adaptive | Ability::Always => {
            put("thinking", json!({"type": "adaptive", "display": "summarized"}));
            put("output_config", json!({"effort": effort(&peer.spec.model, level)}));
        }
        Ability::Budget => {
            if let Some(budget) = budget(level, peer.limits.max_tokens)
                && may_think(peer, request)
            {
                put("thinking", json!({"type": "enabled", "budget_tokens": budget}));
            }
        }
    }
}

/// How a model can be told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    None,
    /// So many tokens.
    Budget,
    /// As much as it sees fit, with an effort.
    Adaptive,
    /// The same, and it does unless told otherwise.
    Always,
}

impl Ability {
    /// By the name: `claude-<family>-<major>-<minor>`, or `claude-<major>-<minor>-<family>` of the
    /// older ones. What is no Claude speaks this wire as it was when thinking came.
    pub fn of(model: &str) -> Self {
        match version(model) {
            None if model.contains("claude") => Self::Adaptive,
            None => Self::Budget,
            Some(version) if version < (3, 7) => Self::None,
            Some(version) if version < (4, 6) => Self::Budget,
            Some(version) if version < (5, 0) => Self::Adaptive,
            Some(_) => Self::Always,
        }
    }
}

/// Whether a model refuses to be told not to think. It is hurried instead.
fn is_restless(model: &str) -> bool {
    ["mythos", "fable"].iter().any(|family| model.contains(family))
}

fn version(model: &str) -> Option<(u32, u32)> {
    let (_, name) = model.split_once("claude-")?;
    // Longer numbers are dates.
    let number = |part: &str| part.parse::<u32>().ok().filter(|_| part.len() <= 2);
    let mut parts = name.split(['-', '.', '@']).skip_while(|part| number(part).is_none());
    let major = number(parts.next()?)?;
    Some((major, parts.next().and_then(number).unwrap_or(0)))
}

fn effort(model: &str, level: Thinking) -> &'static str {
    match level {
        Thinking::Off | Thinking::Minimal | Thinking::Low => "low",
        Thinking::Medium => "medium",
        Thinking::High => "high",
        Thinking::Xhigh if version(model).is_none_or(|version| version >= (4, 7)) => "xhigh",
        Thinking::Xhigh => "high",
    }
}

/// The budget is part of the reply's length, so it leaves room for the reply itself. None is too
/// little to think at all.
fn budget(level: Thinking, max_tokens: u32) -> Option<u32> {
    let wanted = match level {
        Thinking::Off => return None,
        Thinking::Minimal => LEAST_BUDGET,
        Thinking::Low => 4_096,
        Thinking::Medium => 10_240,
        Thinking::High => 20_480,
        Thinking::Xhigh => 32_768,
    };
    let most = max_tokens.saturating_sub((max_tokens / 4).clamp(1, 8_192));
    Some(wanted.min(most)).filter(|budget| *budget >= LEAST_BUDGET)
}

/// With a budget, a reply whose results are sent now has to begin with a thought. That of another
/// model does not; then this turn goes without. What a person says in between ends no turn: the
/// provider takes it and the results for one message.
fn may_think(peer: &Peer, request: &Request) -> bool {
    let mut any_result = false;
    for message in request.messages.iter().rev() {
        match message {
            Message::User(_) => {}
            Message::Results(_) => any_result = true,
            Message::Assistant(_) if !any_result => return true,
            Message::Assistant(parts) => {
                return match parts.first() {
                    Some(Part::Thinking { signature, .. }) => {
                        peer.proof(signature.as_deref()).is_some()
                    }
                    Some(Part::Text(_) | Part::Call(_)) | None => false,
                };
            }
        }
    }
    true
}

pub fn messages(peer: &Peer, messages: &[Message]) -> impl Iterator<Item = Value> {
    // A mark at the end of what was read last is found again from the next one. Two of them, because
    // the provider looks back over twenty blocks only, and a turn can have more.
    let mut told = messages.iter().enumerate().rev().filter(|(_, message)| is_told(message));
    let marked_from = told.nth(1).map_or(0, |(at, _)| at);
    messages.iter().enumerate().filter_map(move |(at, one)| {
        let is_marked = at >= marked_from && is_told(one);
        message(peer, one, is_marked)
    })
}

/// Whether a message says something to the model.
fn is_told(message: &Message) -> bool {
    match message {
        Message::User(_) => true,
        Message::Results(results) => !results.is_empty(),
        Message::Assistant(_) => false,
    }
}

fn message(peer: &Peer, message: &Message, is_marked: bool) -> Option<Value> {
    let (role, mut content): (&str, Vec<Value>) = match message {
        Message::User(text) => ("user", vec![json!({"type": "text", "text": text})]),
        Message::Assistant(parts) => {
            ("assistant", parts.iter().filter_map(|p| block(peer, p)).collect())
        }
        Message::Results(results) => ("user", results.iter().map(result).collect()),
    };
    if let Some(last) = content.last_mut().filter(|_| is_marked) {
        last["cache_control"] = marked();
    }
    // A reply of which nothing is left would be refused.
    (!content.is_empty()).then(|| json!({"role": role, "content": content}))
}

fn block(peer: &Peer, part: &Part) -> Option<Value> {
    match part {
        Part::Text(text) => {
            (!text.trim().is_empty()).then(|| json!({"type": "text", "text": text}))
        }
        Part::Thinking { text, signature } => {
            let proof = peer.proof(signature.as_deref())?;
            Some(match proof.strip_prefix(REDACTED) {
                Some(data) => json!({"type": "redacted_thinking", "data": data}),
                None => json!({"type": "thinking", "thinking": text, "signature": proof}),
            })
        }
        Part::Call(call) => Some(json!({
            "type": "tool_use",
            "id": id(&call.id),
            "name": call.tool,
            "input": object(&call.arguments),
        })),
    }
}

fn result(result: &CallResult) -> Value {
    let mut block = json!({"type": "tool_result", "tool_use_id": id(&result.id)});
    if !result.text.is_empty() {
        block["content"] = json!(result.text);
    }
    if result.is_error {
        block["is_error"] = json!(true);
    }
    block
}

/// Ids of other providers may have characters that are refused here.
fn id(id: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    id.chars().map(|c| if fine(c) { c } else { '_' }).collect()
}

pub fn read(data: &Value, draft: &mut Draft, hear: Hear<'_>) {
    let index = count(data, "/index");
    match text(data, "/type").unwrap_or_default() {
        "message_start" => usage(&data["message"]["usage"], draft),
        "content_block_start" => begin(&data["content_block"], index, draft, hear),
        "content_block_delta" => {
            let delta = &data["delta"];
            match text(delta, "/type").unwrap_or_default() {
                "text_delta" => draft.say(text(delta, "/text").unwrap_or_default(), hear),
                "thinking_delta" => {
                    draft.think(text(delta, "/thinking").unwrap_or_default(), hear);
                }
                "signature_delta" => draft.prove(text(delta, "/signature").unwrap_or_default()),
                "input_json_delta" => {
                    let more = text(delta, "/partial_json").unwrap_or_default();
                    draft.call(index, |call| call.arguments.push_str(more));
                }
                _ => {}
            }
        }
        "message_delta" => {
            usage(&data["usage"], draft);
            draft.stop = text(data, "/delta/stop_reason").map(stop).or(draft.stop);
        }
        "message_stop" => draft.over = true,
        // `ping`, `content_block_stop`, and whatever comes next.
        _ => {}
    }
}

fn begin(block: &Value, index: u64, draft: &mut Draft, hear: Hear<'_>) {
    match text(block, "/type").unwrap_or_default() {
        "text" => {
            draft.begin_text();
            draft.say(text(block, "/text").unwrap_or_default(), hear);
        }
        "thinking" => {
            draft.begin_thought();
            draft.think(text(block, "/thinking").unwrap_or_default(), hear);
            draft.prove(text(block, "/signature").unwrap_or_default());
        }
        "redacted_thinking" => {
            let data = text(block, "/data").unwrap_or_default();
            draft.begin_proven(&format!("{REDACTED}{data}"));
        }
        "tool_use" => draft.call(index, |call| {
            text(block, "/id").unwrap_or_default().clone_into(&mut call.id);
            text(block, "/name").unwrap_or_default().clone_into(&mut call.tool);
            // Servers that imitate this wire may send a short call whole.
            if let Some(input) = block["input"].as_object().filter(|input| !input.is_empty()) {
                call.arguments = Value::Object(input.clone()).to_string();
            }
        }),
        _ => {}
    }
}

/// Counts are totals so far; the last ones hold, and what a later event leaves out stays.
fn usage(usage: &Value, draft: &mut Draft) {
    let set = |key: &str, count: &mut u64| {
        if let Some(tokens) = usage[key].as_u64() {
            *count = tokens;
        }
    };
    set("input_tokens", &mut draft.usage.input);
    set("output_tokens", &mut draft.usage.output);
    set("cache_read_input_tokens", &mut draft.usage.cache_read);
    set("cache_creation_input_tokens", &mut draft.usage.cache_write);
}

fn stop(reason: &str) -> Stop {
    match reason {
        "tool_use" => Stop::Calls,
        "max_tokens" | "model_context_window_exceeded" => Stop::Length,
        "refusal" => Stop::Refused,
        _ => Stop::End,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_model_thinks_is_read_from_its_name() {
        for (model, expected) in [
            ("claude-3-opus-20240229", Ability::None),
            ("claude-3-5-sonnet-latest", Ability::None),
            ("claude-3-7-sonnet-20250219", Ability::Budget),
            ("claude-sonnet-4-20250514", Ability::Budget),
            ("claude-opus-4-5-20251101", Ability::Budget),
            ("claude-haiku-4-5", Ability::Budget),
            ("claude-sonnet-4-6", Ability::Adaptive),
            ("claude-opus-4-8", Ability::Adaptive),
            ("claude-sonnet-5", Ability::Always),
            ("us.anthropic.claude-opus-5-20261001-v1:0", Ability::Always),
            ("claude-mythos-preview", Ability::Adaptive),
            ("kimi-k2-thinking", Ability::Budget),
        ] {
            assert_eq!(Ability::of(model), expected, "{model}");
        }
    }

    #[test]
    fn a_budget_is_always_shorter_than_the_reply() {
        for (level, max_tokens, expected) in [
            (Thinking::Off, 32_000, None),
            (Thinking::Minimal, 32_000, Some(1_024)),
            (Thinking::High, 32_000, Some(20_480)),
            (Thinking::Xhigh, 32_000, Some(24_000)),
            (Thinking::High, 16_000, Some(12_000)),
            (Thinking::High, 1_400, Some(1_050)),
            (Thinking::High, 1_024, None),
            (Thinking::High, 0, None),
        ] {
            assert_eq!(budget(level, max_tokens), expected, "{level:?} of {max_tokens}");
        }
    }
}
