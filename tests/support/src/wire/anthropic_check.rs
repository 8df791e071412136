//! Anthropic's Messages: which requests are valid.

use serde_json::Value;

use crate::exchange::Seen;
use crate::refusal::Complaint;
use crate::reply::Trouble;

/// Everything that a request may have.
const FIELDS: &[&str] = &[
    "model",
    "messages",
    "max_tokens",
    "cache_control",
    "container",
    "context_management",
    "diagnostics",
    "inference_geo",
    "mcp_servers",
    "metadata",
    "output_config",
    "output_format",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "thinking",
    "tool_choice",
    "tools",
    "user_profile_id",
    "workspace_id",
];

/// What was there once, and is refused since the version of the API that removed it.
const REMOVED: &[&str] = &["temperature", "top_k", "top_p"];

/// Versions of the API, the newest last.
const VERSIONS: &[&str] = &["2023-01-01", "2023-06-01", "2026-10-21"];

pub fn check(seen: &Seen) -> Result<(), Complaint> {
    if seen.api.is_none() {
        let missing = Complaint::of(Trouble::Status(404));
        return Err(Complaint { message: Some("Not Found".to_owned()), ..missing });
    }
    signed_in(seen)?;
    let Some(version) = seen.header("anthropic-version") else {
        return Err(Complaint::wrong("anthropic-version: header is required"));
    };
    if !VERSIONS.contains(&version) {
        return Err(Complaint::wrong(format!(
            "anthropic-version: \"{version}\" is not a valid version"
        )));
    }
    let body = seen.body.as_object();
    let body = body.ok_or_else(|| Complaint::wrong("The request body is not valid JSON"))?;
    for field in ["model", "max_tokens", "messages"] {
        if !body.contains_key(field) {
            return Err(Complaint::wrong(format!("{field}: Field required")));
        }
    }
    let newest = VERSIONS.last() == Some(&version);
    let known = |key: &str| FIELDS.contains(&key) || (REMOVED.contains(&key) && !newest);
    if let Some(unknown) = body.keys().find(|key| !known(key)) {
        return Err(Complaint::wrong(format!("{unknown}: Extra inputs are not permitted")));
    }
    // Nothing is said with 0, and the cache is filled.
    let Some(max_tokens) = body["max_tokens"].as_u64() else {
        return Err(Complaint::wrong("max_tokens: Input should be a valid integer"));
    };
    thinking(&seen.body, max_tokens)?;
    tools(&seen.body["tools"])?;
    marks(&seen.body)?;
    system(&seen.body["system"])?;
    messages(&seen.body)
}

fn signed_in(seen: &Seen) -> Result<(), Complaint> {
    let refuse = |text: &str| {
        let message = Some(text.to_owned());
        Err(Complaint { message, ..Complaint::of(Trouble::Status(401)) })
    };
    if seen.header("x-api-key").is_some_and(|key| !key.is_empty()) {
        return Ok(());
    }
    match seen.bearer() {
        None => refuse("x-api-key header is required"),
        // A key as the newer clients send it.
        Some(token) if !token.starts_with("sk-ant-oat") => Ok(()),
        Some(_) => {
            let beta = seen.header("anthropic-beta").unwrap_or_default();
            if beta.split(',').any(|name| name.trim().starts_with("oauth-")) {
                Ok(())
            } else {
                refuse("OAuth authentication is currently not supported.")
            }
        }
    }
}

fn thinking(body: &Value, max_tokens: u64) -> Result<(), Complaint> {
    let thinking = &body["thinking"];
    match thinking["type"].as_str() {
        None if thinking.is_null() => Ok(()),
        Some("disabled" | "between_tools") => Ok(()),
        Some("adaptive") => warm(body),
        Some("enabled") => {
            let budget = thinking["budget_tokens"].as_u64().unwrap_or(0);
            if budget < 1024 {
                return Err(Complaint::wrong(
                    "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
                ));
            }
            if budget >= max_tokens {
                return Err(Complaint::wrong(
                    "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our \
                     documentation at https://docs.claude.com/en/docs/build-with-claude/extended-\
                     thinking#max-tokens-and-context-window-size",
                ));
            }
            warm(body)
        }
        Some(_) | None => Err(Complaint::wrong(
            "thinking: Input tag found using 'type' does not match any of the expected tags: \
             'adaptive', 'between_tools', 'disabled', 'enabled'",
        )),
    }
}

/// Thinking and a temperature exclude each other.
fn warm(body: &Value) -> Result<(), Complaint> {
    match body["temperature"].as_f64() {
        #[expect(clippy::float_cmp, reason = "exactly 1 is what is allowed")]
        Some(temperature) if temperature != 1.0 => {
            Err(Complaint::wrong("`temperature` may only be set to 1 when thinking is enabled."))
        }
        Some(_) | None => Ok(()),
    }
}

fn is_name(name: &str, most: usize) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (1..=most).contains(&name.len()) && name.chars().all(fits)
}

fn tools(tools: &Value) -> Result<(), Complaint> {
    let mut names = Vec::new();
    for (index, tool) in tools.as_array().into_iter().flatten().enumerate() {
        let at = format!("tools.{index}.custom");
        // Tools of the provider itself have a type and no schema.
        if tool["type"].as_str().is_some_and(|kind| kind != "custom") {
            continue;
        }
        let name = tool["name"].as_str().unwrap_or_default();
        if !is_name(name, 128) {
            return Err(Complaint::wrong(format!(
                "{at}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            )));
        }
        if names.contains(&name) {
            return Err(Complaint::wrong("tools: Tool names must be unique."));
        }
        names.push(name);
        if tool["input_schema"].is_null() {
            return Err(Complaint::wrong(format!("{at}.input_schema: Field required")));
        }
        if tool["input_schema"]["type"] != "object" {
            return Err(Complaint::wrong(format!(
                "{at}.input_schema.type: Input should be 'object'"
            )));
        }
    }
    Ok(())
}

/// Marks for the cache: four, however they are spread.
fn marks(body: &Value) -> Result<(), Complaint> {
    fn count(value: &Value) -> usize {
        match value {
            Value::Object(map) => {
                let own = usize::from(map.get("cache_control").is_some_and(|mark| !mark.is_null()));
                // What a tool is called with is data.
                let inner = map.iter().filter(|(key, _)| *key != "input" && *key != "input_schema");
                own + inner.map(|(_, value)| count(value)).sum::<usize>()
            }
            Value::Array(list) => list.iter().map(count).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        }
    }
    match count(body) {
        0..=4 => Ok(()),
        found => Err(Complaint::wrong(format!(
            "A maximum of 4 blocks with cache_control may be provided. Found {found}."
        ))),
    }
}

fn system(system: &Value) -> Result<(), Complaint> {
    let mut blocks = system.as_array().into_iter().flatten();
    if blocks.any(|block| block["text"].as_str().is_none_or(str::is_empty)) {
        return Err(Complaint::wrong("system: text content blocks must be non-empty"));
    }
    Ok(())
}

/// A content is a list of blocks, or a text that stands for one.
fn blocks(message: &Value) -> Vec<&Value> {
    message["content"].as_array().map(|list| list.iter().collect()).unwrap_or_default()
}

fn messages(body: &Value) -> Result<(), Complaint> {
    let none = Vec::new();
    let list = body["messages"].as_array().unwrap_or(&none);
    if list.is_empty() {
        return Err(Complaint::wrong("messages: at least one message is required"));
    }
    if list[0]["role"] != "user" {
        return Err(Complaint::wrong("messages: first message must use the \"user\" role"));
    }
    let mut open: Vec<&str> = Vec::new();
    for (index, message) in list.iter().enumerate() {
        let is_last = index + 1 == list.len();
        match message["role"].as_str() {
            Some("user") => results(index, message, &open)?,
            Some("assistant") if open.is_empty() => {}
            Some("assistant") => return Err(unanswered(index - 1, &open)),
            Some(_) | None => {
                return Err(Complaint::wrong(format!(
                    "messages.{index}.role: Input should be 'user' or 'assistant'"
                )));
            }
        }
        content(index, message, is_last)?;
        thought_first(body, list, index)?;
        open = blocks(message)
            .into_iter()
            .filter(|block| block["type"] == "tool_use")
            .filter_map(|block| block["id"].as_str())
            .collect();
    }
    if open.is_empty() { Ok(()) } else { Err(unanswered(list.len() - 1, &open)) }
}

fn unanswered(index: usize, ids: &[&str]) -> Complaint {
    Complaint::wrong(format!(
        "messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: \
         {}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
        ids.join(", ")
    ))
}

/// Each result belongs to a call of the message before, and each call has its result.
fn results(index: usize, message: &Value, open: &[&str]) -> Result<(), Complaint> {
    let blocks = blocks(message);
    let results: Vec<&str> = blocks
        .iter()
        .filter(|block| block["type"] == "tool_result")
        .filter_map(|block| block["tool_use_id"].as_str())
        .collect();
    if let Some((at, id)) = results.iter().enumerate().find(|(_, id)| !open.contains(id)) {
        return Err(Complaint::wrong(format!(
            "messages.{index}.content.{at}: unexpected `tool_use_id` found in `tool_result` blocks: \
             {id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous \
             message."
        )));
    }
    let missing: Vec<&str> = open.iter().copied().filter(|id| !results.contains(id)).collect();
    let leading = blocks.iter().take_while(|block| block["type"] == "tool_result").count();
    if !missing.is_empty() || leading < results.len() {
        let ids = if missing.is_empty() { open } else { &missing };
        return Err(unanswered(index - 1, ids));
    }
    if (1..results.len()).any(|at| results[..at].contains(&results[at])) {
        return Err(Complaint::wrong(format!(
            "messages.{index}.content: each tool_use must have a single result."
        )));
    }
    Ok(())
}

fn content(index: usize, message: &Value, is_last: bool) -> Result<(), Complaint> {
    let is_assistant = message["role"] == "assistant";
    let content = &message["content"];
    let empty = content.as_str().is_some_and(str::is_empty)
        || content.as_array().is_some_and(Vec::is_empty)
        || content.is_null();
    // Only a last reply, which the model would go on with, may be empty.
    if empty && !(is_assistant && is_last) {
        return Err(Complaint::wrong(format!(
            "messages.{index}: all messages must have non-empty content except for the optional final \
             assistant message"
        )));
    }
    for (at, block) in blocks(message).into_iter().enumerate() {
        let place = format!("messages.{index}.content.{at}");
        match block["type"].as_str() {
            Some("text") => {
                let text = block["text"].as_str().unwrap_or_default();
                if text.is_empty() {
                    return Err(Complaint::wrong(
                        "messages: text content blocks must be non-empty",
                    ));
                }
                if text.trim().is_empty() {
                    return Err(Complaint::wrong(
                        "messages: text content blocks must contain non-whitespace text",
                    ));
                }
            }
            Some("thinking") if is_assistant => {
                if block["signature"].as_str().is_none() {
                    return Err(Complaint::wrong(format!(
                        "{place}.thinking.signature: Field required"
                    )));
                }
                if block["signature"] == "" {
                    return Err(Complaint::wrong(format!(
                        "{place}: Invalid `signature` in `thinking` block"
                    )));
                }
            }
            Some("redacted_thinking") if is_assistant => {}
            Some("tool_use") if is_assistant => {
                if !block["id"].as_str().is_some_and(|id| is_name(id, 200)) {
                    return Err(Complaint::wrong(format!(
                        "{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
                    )));
                }
                if !block["input"].is_object() {
                    return Err(Complaint::wrong(format!(
                        "{place}.tool_use.input: Input should be a valid dictionary"
                    )));
                }
            }
            Some("tool_result" | "image" | "document") if !is_assistant => {}
            other => {
                let found = other.unwrap_or_default();
                return Err(Complaint::wrong(format!(
                    "{place}: Input tag '{found}' found using 'type' does not match any of the \
                     expected tags"
                )));
            }
        }
    }
    trailing(index, message, is_last)
}

fn trailing(index: usize, message: &Value, is_last: bool) -> Result<(), Complaint> {
    let last = blocks(message).last().and_then(|block| block["text"].as_str());
    let text = message["content"].as_str().or(last);
    let spaced = text.is_some_and(|text| text.ends_with(char::is_whitespace));
    if index > 0 && is_last && spaced && message["role"] == "assistant" {
        return Err(Complaint::wrong(
            "messages: final assistant content cannot end with trailing whitespace",
        ));
    }
    Ok(())
}

/// With a budget, the reply whose results come now has to begin with a thought.
fn thought_first(body: &Value, list: &[Value], index: usize) -> Result<(), Complaint> {
    let is_last_reply = list[index]["role"] == "assistant"
        && !list[index + 1..].iter().any(|message| message["role"] == "assistant");
    let calls = blocks(&list[index]).iter().any(|block| block["type"] == "tool_use");
    let answered = list
        .last()
        .is_some_and(|last| blocks(last).iter().any(|block| block["type"] == "tool_result"));
    if body["thinking"]["type"] != "enabled" || !is_last_reply || !calls || !answered {
        return Ok(());
    }
    match blocks(&list[index]).first().and_then(|block| block["type"].as_str()) {
        Some("thinking" | "redacted_thinking") => Ok(()),
        first => Err(Complaint::wrong(format!(
            "messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but found \
             `{}`. When `thinking` is enabled, a final `assistant` message must start with a thinking \
             block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend \
             you include thinking blocks from previous turns. To avoid this requirement, disable \
             `thinking`.",
            first.unwrap_or_default()
        ))),
    }
}
