//! Chat completions: which requests are valid, and to whom.

use serde_json::Value;

use crate::Wire;
use crate::exchange::Seen;
use crate::refusal::Complaint;
use crate::reply::Trouble;

/// What OpenAI knows.
const OPENAI: &[&str] = &[
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

/// What Groq knows besides most of that.
const GROQ: &[&str] = &[
    "citation_options",
    "compound_custom",
    "disable_tool_validation",
    "documents",
    "exclude_domains",
    "include_domains",
    "include_reasoning",
    "reasoning_format",
    "search_settings",
];

/// All that Mistral knows.
const MISTRAL: &[&str] = &[
    "frequency_penalty",
    "guardrails",
    "logprobs",
    "max_tokens",
    "messages",
    "metadata",
    "min_tokens",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_logprobs",
    "prompt_mode",
    "random_seed",
    "reasoning_effort",
    "repetition_penalty",
    "response_format",
    "safe_prompt",
    "stop",
    "stream",
    "temperature",
    "tool_choice",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
    "top_prompt_logprobs",
];

pub fn check(seen: &Seen) -> Result<(), Complaint> {
    if seen.api.is_none() {
        let text = format!("Invalid URL ({} {})", seen.method, seen.path);
        let missing = Complaint::of(Trouble::Status(404));
        return Err(Complaint { message: Some(text), ..missing });
    }
    // A server of one's own is open unless its owner says otherwise.
    if seen.bearer().is_none() && seen.wire != Wire::LlamaServer {
        return Err(Complaint::of(Trouble::Status(401)));
    }
    let Some(body) = seen.body.as_object() else {
        return Err(Complaint::wrong(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't \
             using your HTTP library correctly.)",
        ));
    };
    // Such a server has one model, whatever it is called.
    let wanted: &[&str] = match seen.wire {
        Wire::LlamaServer => &["messages"],
        _ => &["model", "messages"],
    };
    if let Some(field) = wanted.iter().find(|field| !body.contains_key(**field)) {
        let code =
            if seen.wire == Wire::Mistral { "missing" } else { "missing_required_parameter" };
        let text = format!("Missing required parameter: '{field}'.");
        return Err(Complaint::wrong(text).at(*field, code));
    }
    known(seen, body.keys())?;
    if seen.wire == Wire::OpenAi {
        openai(&seen.body)?;
    }
    tools(&seen.body["tools"])?;
    messages(seen)
}

fn known<'k>(seen: &Seen, keys: impl Iterator<Item = &'k String>) -> Result<(), Complaint> {
    for key in keys.map(String::as_str) {
        let (is_known, code) = match seen.wire {
            Wire::OpenAi => (OPENAI.contains(&key), "unknown_parameter"),
            Wire::Groq => (OPENAI.contains(&key) || GROQ.contains(&key), "unknown_parameter"),
            Wire::Mistral => (MISTRAL.contains(&key), "extra_forbidden"),
            // These look at what they know and at nothing else.
            _ => (true, ""),
        };
        if !is_known {
            let text = match seen.wire {
                Wire::Groq => format!("property '{key}' is unsupported"),
                _ => format!("Unknown parameter: '{key}'."),
            };
            return Err(Complaint::wrong(text).at(key, code));
        }
    }
    Ok(())
}

fn openai(body: &Value) -> Result<(), Complaint> {
    let model = body["model"].as_str().unwrap_or_default();
    let mut letters = model.chars();
    let numbered =
        letters.next() == Some('o') && letters.next().is_some_and(|c| c.is_ascii_digit());
    let thinks = numbered || (model.starts_with("gpt-5") && !model.contains("-chat"));
    if thinks && !body["max_tokens"].is_null() {
        let text = "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                    'max_completion_tokens' instead.";
        return Err(Complaint::wrong(text).at("max_tokens", "unsupported_parameter"));
    }
    if !thinks && !body["reasoning_effort"].is_null() {
        let text = "Unrecognized request argument supplied: reasoning_effort";
        return Err(Complaint::wrong(text));
    }
    if body["stream_options"].is_object() && body["stream"] != true {
        let text = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Complaint::wrong(text));
    }
    Ok(())
}

fn tools(tools: &Value) -> Result<(), Complaint> {
    if tools.as_array().is_some_and(Vec::is_empty) {
        let text = "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an \
                    empty array instead.";
        return Err(Complaint::wrong(text).at("tools", "empty_array"));
    }
    for (index, tool) in tools.as_array().into_iter().flatten().enumerate() {
        let at = format!("tools[{index}]");
        if tool["type"] != "function" {
            let text = format!("Missing required parameter: '{at}.type'.");
            return Err(
                Complaint::wrong(text).at(format!("{at}.type"), "missing_required_parameter")
            );
        }
        let name = tool["function"]["name"].as_str().unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !(1..=64).contains(&name.len()) || !name.chars().all(fits) {
            let at = format!("{at}.function.name");
            let text = format!(
                "Invalid '{at}': string does not match pattern. Expected a string that matches the \
                 pattern '^[a-zA-Z0-9_-]+$'."
            );
            return Err(Complaint::wrong(text).at(at, "invalid_value"));
        }
        let schema = &tool["function"]["parameters"];
        if !schema.is_null() && schema["type"] != "object" {
            let text = format!(
                "Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \
                 \"object\"', got 'type: \"{}\"'.",
                schema["type"].as_str().unwrap_or("None")
            );
            let at = format!("{at}.function.parameters");
            return Err(Complaint::wrong(text).at(at, "invalid_function_parameters"));
        }
    }
    Ok(())
}

fn messages(seen: &Seen) -> Result<(), Complaint> {
    let none = Vec::new();
    let list = seen.body["messages"].as_array().unwrap_or(&none);
    if list.is_empty() {
        let text = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got \
                    an empty array instead.";
        return Err(Complaint::wrong(text).at("messages", "empty_array"));
    }
    let mut open: Vec<&str> = Vec::new();
    for (index, message) in list.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if role == "tool" {
            result(index, message, &mut open)?;
            continue;
        }
        if !open.is_empty() {
            return Err(unanswered(seen, index, &open));
        }
        if !["system", "developer", "user", "assistant"].contains(&role) {
            let at = format!("messages[{index}].role");
            let text = format!(
                "Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', \
                 'function', 'tool', and 'developer'."
            );
            return Err(Complaint::wrong(text).at(at, "invalid_value"));
        }
        if seen.wire == Wire::Mistral {
            mistral(index, list)?;
        }
        open = calls(seen, index, message)?;
    }
    if open.is_empty() { Ok(()) } else { Err(unanswered(seen, list.len(), &open)) }
}

fn unanswered(seen: &Seen, index: usize, ids: &[&str]) -> Complaint {
    if seen.wire == Wire::Mistral {
        return Complaint {
            code: Some("invalid_request_message_order"),
            ..Complaint::wrong("Not the same number of function calls and responses")
        };
    }
    let text = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each \
         'tool_call_id'. The following tool_call_ids did not have response messages: {}",
        ids.join(", ")
    );
    let at = format!("messages.[{index}].role");
    Complaint { param: Some(at), ..Complaint::wrong(text) }
}

fn result(index: usize, message: &Value, open: &mut Vec<&str>) -> Result<(), Complaint> {
    let Some(id) = message["tool_call_id"].as_str() else {
        let at = format!("messages[{index}].tool_call_id");
        let text = format!("Missing required parameter: '{at}'.");
        return Err(Complaint::wrong(text).at(at, "missing_required_parameter"));
    };
    let Some(at) = open.iter().position(|open| *open == id) else {
        let place = format!("messages.[{index}].role");
        let text = "Invalid parameter: messages with role 'tool' must be a response to a preceeding \
                    message with 'tool_calls'.";
        return Err(Complaint { param: Some(place), ..Complaint::wrong(text) });
    };
    open.remove(at);
    if message["content"].is_null() {
        let at = format!("messages[{index}].content");
        let text = format!("Invalid value for '{at}': expected a string, got null.");
        return Err(Complaint { param: Some(at), ..Complaint::wrong(text) });
    }
    Ok(())
}

/// The ids of the calls in a message, which are answered next.
fn calls<'m>(seen: &Seen, index: usize, message: &'m Value) -> Result<Vec<&'m str>, Complaint> {
    let made = message["tool_calls"].as_array();
    if made.is_none_or(Vec::is_empty) && message["content"].is_null() {
        let at = format!("messages.[{index}].content");
        let text = "Invalid value for 'content': expected a string, got null.";
        return Err(Complaint { param: Some(at), ..Complaint::wrong(text) });
    }
    let mut ids = Vec::new();
    for call in made.into_iter().flatten() {
        let Some(arguments) = call["function"]["arguments"].as_str() else {
            let at = format!("messages[{index}].tool_calls[{}].function.arguments", ids.len());
            let text = format!("Invalid type for '{at}': expected a string.");
            return Err(Complaint::wrong(text).at(at, "invalid_type"));
        };
        let id = call["id"].as_str().unwrap_or_default();
        let nine = id.len() == 9 && id.chars().all(|c| c.is_ascii_alphanumeric());
        if seen.wire == Wire::Mistral && !nine {
            let text =
                format!("Tool call id was {id} but must be a-z, A-Z, 0-9, with a length of 9.");
            return Err(Complaint {
                code: Some("invalid_function_call"),
                ..Complaint::wrong(text)
            });
        }
        // Groq and llama-server read the arguments, to fill in templates.
        let read = serde_json::from_str::<Value>(arguments).is_ok_and(|value| value.is_object());
        if !read && matches!(seen.wire, Wire::Groq | Wire::LlamaServer | Wire::Mistral) {
            return Err(Complaint::wrong(format!(
                "Failed to parse tool call arguments as JSON: {arguments}"
            )));
        }
        ids.push(id);
    }
    Ok(ids)
}

/// Mistral minds the order.
fn mistral(index: usize, list: &[Value]) -> Result<(), Complaint> {
    let order = |text: &str| {
        Err(Complaint { code: Some("invalid_request_message_order"), ..Complaint::wrong(text) })
    };
    let role = &list[index]["role"];
    if role == "system" && index > 0 && list[index - 1]["role"] == "assistant" {
        return order("Unexpected role 'system' after role 'assistant'");
    }
    if index + 1 == list.len() && role == "assistant" && list[index]["prefix"] != true {
        return order(
            "Expected last role User or Tool (or Assistant with prefix True) for serving but got \
             assistant",
        );
    }
    Ok(())
}
