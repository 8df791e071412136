//! What Anthropic refuses.

use serde_json::Value;

use super::super::{Asked, Verdict, bad};
use super::SIGNATURE;

const FIELDS: &[&str] = &[
    "model",
    "max_tokens",
    "messages",
    "stream",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "stop_sequences",
    "metadata",
    "service_tier",
    "cache_control",
    "container",
    "context_management",
    "diagnostics",
    "inference_geo",
    "mcp_servers",
    "speed",
    "user_profile_id",
    "workspace_id",
];
/// What the newest version of the interface no longer has.
const REMOVED: &[&str] = &["temperature", "top_p", "top_k"];
const VERSIONS: &[&str] = &["2023-01-01", "2023-06-01", "2026-10-21"];
/// So many marks may a request have.
const MARKS_MOST: usize = 4;

pub fn check(asked: &Asked) -> Verdict {
    if asked.header("x-api-key").is_none() && asked.header("authorization").is_none() {
        return Err((401, "x-api-key header is required".to_owned()));
    }
    // Newer clients send keys like this too; a token of a sign-in needs a word more.
    let token = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let beta = asked.header("anthropic-beta").unwrap_or_default();
    if token.is_some_and(|token| token.starts_with("sk-ant-oat")) && !beta.contains("oauth-") {
        return Err((401, "OAuth authentication is currently not supported.".to_owned()));
    }
    let Some(version) = asked.header("anthropic-version") else {
        return bad("anthropic-version: header is required");
    };
    if !VERSIONS.contains(&version) {
        return bad(format!("anthropic-version: \"{version}\" is not a valid version"));
    }
    let body = &asked.body;
    let Some(fields) = body.as_object() else {
        return bad("The request body is not valid JSON");
    };
    let is_newest = VERSIONS.last() == Some(&version);
    let known = |field: &str| FIELDS.contains(&field) || (REMOVED.contains(&field) && !is_newest);
    if let Some(field) = fields.keys().find(|field| !known(field)) {
        return bad(format!("{field}: Extra inputs are not permitted"));
    }
    if !body["model"].is_string() {
        return bad("model: Field required");
    }
    let Some(max_tokens) = body["max_tokens"].as_u64().filter(|tokens| *tokens > 0) else {
        return bad("max_tokens: Field required");
    };
    let Some(messages) = body["messages"].as_array().filter(|all| !all.is_empty()) else {
        return bad("messages: at least one message is required");
    };
    tools(&body["tools"])?;
    thinking(&body["thinking"], max_tokens)?;
    let marks = marks(body);
    if marks > MARKS_MOST {
        return bad(format!(
            "A maximum of 4 blocks with cache_control may be provided. Found {marks}."
        ));
    }
    conversation(messages, body["thinking"]["type"] == "enabled")
}

fn marks(value: &Value) -> usize {
    match value {
        Value::Object(map) => {
            usize::from(map.contains_key("cache_control")) + map.values().map(marks).sum::<usize>()
        }
        Value::Array(list) => list.iter().map(marks).sum(),
        _ => 0,
    }
}

fn name_is_fine(name: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (1..=128).contains(&name.len()) && name.chars().all(fine)
}

fn tools(tools: &Value) -> Verdict {
    let mut names = Vec::new();
    for (at, tool) in tools.as_array().into_iter().flatten().enumerate() {
        let name = tool["name"].as_str().unwrap_or_default();
        if !name_is_fine(name) {
            return bad(format!(
                "tools.{at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            ));
        }
        if names.contains(&name) {
            return bad("tools: Tool names must be unique.");
        }
        if tool["input_schema"]["type"] != "object" {
            return bad(format!("tools.{at}.custom.input_schema.type: Field required"));
        }
        names.push(name);
    }
    Ok(())
}

fn thinking(thinking: &Value, max_tokens: u64) -> Verdict {
    if thinking["type"] != "enabled" {
        return Ok(());
    }
    match thinking["budget_tokens"].as_u64() {
        None => bad("thinking.enabled.budget_tokens: Field required"),
        Some(budget) if budget < 1024 => {
            bad("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        }
        Some(budget) if budget >= max_tokens => {
            bad("`max_tokens` must be greater than `thinking.budget_tokens`.")
        }
        Some(_) => Ok(()),
    }
}

fn conversation(messages: &[Value], thinks: bool) -> Verdict {
    // Ids of the calls of the message before.
    let mut open: Vec<&str> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if !matches!(role, "user" | "assistant") || (at == 0 && role != "user") {
            return bad(format!("messages.{at}.role: Input should be 'user' or 'assistant'"));
        }
        let blocks = blocks(at, message)?;
        let answered: Vec<&str> =
            blocks.iter().filter_map(|block| block["tool_use_id"].as_str()).collect();
        if let Some(id) = open.iter().find(|id| !answered.contains(id)) {
            return bad(format!(
                "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately \
                 after: {id}. Each `tool_use` block must have a corresponding `tool_result` block \
                 in the next message.",
                at - 1
            ));
        }
        if let Some(id) = answered.iter().find(|id| !open.contains(id)) {
            return bad(format!(
                "messages.{at}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: \
                 {id}. Each `tool_result` block must have a corresponding `tool_use` block in the \
                 previous message."
            ));
        }
        open = blocks.iter().filter(|b| b["type"] == "tool_use").map(id).collect();
        if let Some(id) = open.iter().find(|id| !name_is_fine(id)) {
            return bad(format!(
                "messages.{at}.content.0.tool_use.id: String should match pattern \
                 '^[a-zA-Z0-9_-]+$': {id}"
            ));
        }
        let is_last_reply = at + 2 == messages.len();
        let begins = blocks.first().map(|block| &block["type"]);
        if thinks && is_last_reply && !open.is_empty() && begins.is_some_and(|kind| !thought(kind))
        {
            return bad(format!(
                "messages.{at}.content.0.type: Expected `thinking` or `redacted_thinking`, but \
                 found something else. When `thinking` is enabled, a final `assistant` message \
                 must start with a thinking block."
            ));
        }
    }
    if messages.last().is_some_and(|last| last["role"] == "assistant") {
        return bad(
            "This model does not support assistant message prefill. The conversation must end \
             with a user message.",
        );
    }
    Ok(())
}

fn id(block: &Value) -> &str {
    block["id"].as_str().unwrap_or_default()
}

fn thought(kind: &Value) -> bool {
    kind == "thinking" || kind == "redacted_thinking"
}

/// The blocks of a message, each of which is fine by itself.
fn blocks(at: usize, message: &Value) -> Result<&[Value], (u16, String)> {
    let blocks = match &message["content"] {
        Value::String(text) if !text.is_empty() => return Ok(&[]),
        Value::Array(blocks) if !blocks.is_empty() => blocks,
        _ => return bad(format!("messages.{at}: all messages must have non-empty content")),
    };
    let mut other_came = false;
    for block in blocks {
        match block["type"].as_str().unwrap_or_default() {
            "text" if block["text"].as_str().is_none_or(str::is_empty) => {
                return bad("messages: text content blocks must be non-empty");
            }
            "text" | "image" | "document" | "redacted_thinking" => other_came = true,
            "thinking" => {
                let signature = block["signature"].as_str().unwrap_or_default();
                if !signature.starts_with(SIGNATURE) {
                    return bad(format!(
                        "messages.{at}.content.0: Invalid `signature` in `thinking` block"
                    ));
                }
            }
            "tool_use" if message["role"] != "assistant" || !block["input"].is_object() => {
                return bad(format!(
                    "messages.{at}.content.0.tool_use.input: Input should be a valid dictionary"
                ));
            }
            "tool_use" => {}
            "tool_result" if message["role"] != "user" || other_came => {
                return bad(format!(
                    "messages.{at}: `tool_result` blocks come first, in messages of the user"
                ));
            }
            "tool_result" => {}
            kind => {
                return bad(format!("messages.{at}.content.0: Input tag '{kind}' is not known"));
            }
        }
    }
    Ok(blocks)
}
