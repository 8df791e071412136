//! OpenAI's responses: which requests are valid.

use serde_json::Value;

use crate::exchange::Seen;
use crate::refusal::Complaint;
use crate::reply::Trouble;

/// Everything that a request may have.
const FIELDS: &[&str] = &[
    "access_programs",
    "background",
    "background_options",
    "context_management",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

pub fn check(seen: &Seen) -> Result<(), Complaint> {
    if seen.bearer().is_none() {
        return Err(Complaint::of(Trouble::Status(401)));
    }
    let Some(body) = seen.body.as_object() else {
        return Err(Complaint::wrong("We could not parse the JSON body of your request."));
    };
    for field in ["model", "input"] {
        if !body.contains_key(field) {
            let text = format!("Missing required parameter: '{field}'.");
            return Err(Complaint::wrong(text).at(field, "missing_required_parameter"));
        }
    }
    if let Some(unknown) = body.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        let text = format!("Unknown parameter: '{unknown}'.");
        return Err(Complaint::wrong(text).at(unknown.as_str(), "unknown_parameter"));
    }
    for (index, tool) in seen.body["tools"].as_array().into_iter().flatten().enumerate() {
        // Not in a `function`, as the chat completions have it.
        if tool["type"] == "function" && !tool["name"].is_string() {
            let at = format!("tools[{index}].name");
            let text = format!("Missing required parameter: '{at}'.");
            return Err(Complaint::wrong(text).at(at, "missing_required_parameter"));
        }
    }
    match &seen.body["input"] {
        Value::String(_) => Ok(()),
        Value::Array(items) => conversation(&seen.body, items),
        _ => {
            let text = "Invalid type for 'input': expected one of a string or array of objects.";
            Err(Complaint::wrong(text).at("input", "invalid_type"))
        }
    }
}

fn conversation(body: &Value, items: &[Value]) -> Result<(), Complaint> {
    let about =
        |text: String| Complaint { param: Some("input".to_owned()), ..Complaint::wrong(text) };
    let mut open: Vec<&str> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let call_id = item["call_id"].as_str().unwrap_or_default();
        match kind(item) {
            "message" => {
                message(index, item)?;
            }
            "reasoning" => thought(body, items, index)?,
            "function_call" if item["arguments"].is_string() => open.push(call_id),
            "function_call_output" => {
                let Some(at) = open.iter().position(|open| *open == call_id) else {
                    return Err(about(format!(
                        "No tool call found for function call output with call_id {call_id}."
                    )));
                };
                open.remove(at);
            }
            other => {
                let at = format!("input[{index}]");
                let text = format!("Invalid value: '{other}'.");
                return Err(Complaint::wrong(text).at(at, "invalid_value"));
            }
        }
    }
    match open.first() {
        None => Ok(()),
        Some(id) => Err(about(format!("No tool output found for function call {id}."))),
    }
}

/// Without a type it is a message.
fn kind(item: &Value) -> &str {
    item["type"].as_str().unwrap_or(if item["role"].is_string() { "message" } else { "" })
}

/// What the model said is `output_text`, what it was told is `input_text`.
fn message(index: usize, item: &Value) -> Result<(), Complaint> {
    let is_assistant = item["role"] == "assistant";
    for (at, part) in item["content"].as_array().into_iter().flatten().enumerate() {
        let kind = part["type"].as_str().unwrap_or_default();
        let expected: &[&str] = if is_assistant {
            &["output_text", "refusal"]
        } else {
            &["input_text", "input_image", "input_file"]
        };
        if !expected.contains(&kind) {
            let at = format!("input[{index}].content[{at}]");
            let supported = expected.join("', '");
            let text = format!("Invalid value: '{kind}'. Supported values are: '{supported}'.");
            return Err(Complaint::wrong(text).at(at, "invalid_value"));
        }
    }
    Ok(())
}

/// A thought goes with what followed it, and travels encrypted where nothing is kept.
fn thought(body: &Value, items: &[Value], index: usize) -> Result<(), Complaint> {
    let id = items[index]["id"].as_str().unwrap_or_default();
    let followed = items[index + 1..].iter().find(|item| kind(item) != "reasoning");
    let is_its = followed.is_some_and(|item| {
        kind(item) == "function_call" || (kind(item) == "message" && item["role"] == "assistant")
    });
    let text = if !items[index]["summary"].is_array() {
        let at = format!("input[{index}].summary");
        let text = format!("Missing required parameter: '{at}'.");
        return Err(Complaint::wrong(text).at(at, "missing_required_parameter"));
    } else if body["store"] == false && !items[index]["encrypted_content"].is_string() {
        format!(
            "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try \
             again with `store` set to true, or remove this item from your input."
        )
    } else if !is_its {
        format!("Item '{id}' of type 'reasoning' was provided without its required following item.")
    } else {
        return Ok(());
    };
    Err(Complaint { param: Some("input".to_owned()), ..Complaint::wrong(text) })
}
