//! What chat completions refuse.

use serde_json::Value;

use super::super::{Asked, Dialect, Verdict, bad};

/// Fields of the request that only some know are refused by the others.
const FIELDS: &[&str] = &[
    "model",
    "messages",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "n",
    "stop",
    "user",
    "seed",
    "store",
    "metadata",
    "parallel_tool_calls",
    "reasoning_effort",
    "response_format",
    "service_tier",
    "prompt_cache_key",
    "safety_identifier",
    "verbosity",
];

/// A key as a bearer.
pub fn bearer(asked: &Asked) -> Verdict {
    let token = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    if token.is_some_and(|token| !token.trim().is_empty()) {
        return Ok(());
    }
    let message = "You didn't provide an API key. You need to provide your API key in an \
                   Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";
    Err((401, message.to_owned()))
}

pub fn check(dialect: Dialect, asked: &Asked) -> Verdict {
    if dialect != Dialect::Llama {
        bearer(asked)?;
    }
    let body = &asked.body;
    let Some(fields) = body.as_object() else {
        return bad("We could not parse the JSON body of your request.");
    };
    let strict = matches!(dialect, Dialect::OpenAi | Dialect::Groq | Dialect::Mistral);
    let unknown = fields.keys().find(|field| !FIELDS.contains(&field.as_str()));
    if let Some(field) = unknown.filter(|_| strict) {
        return bad(format!("Unrecognized request argument supplied: {field}"));
    }
    if dialect == Dialect::Mistral && !body["stream_options"].is_null() {
        return Err((422, "Extra inputs are not permitted".to_owned()));
    }
    let Some(model) = body["model"].as_str() else {
        return bad("you must provide a model parameter");
    };
    if !body["stream_options"].is_null() && body["stream"] != true {
        return bad("The 'stream_options' parameter is only allowed when 'stream' is enabled.");
    }
    let thinks = model.starts_with("o3") || model.starts_with("o4") || model.starts_with("gpt-5");
    if dialect == Dialect::OpenAi && thinks && !body["max_tokens"].is_null() {
        return bad("Unsupported parameter: 'max_tokens' is not supported with this model. Use \
             'max_completion_tokens' instead.");
    }
    tools(&body["tools"])?;
    match body["messages"].as_array().filter(|all| !all.is_empty()) {
        Some(messages) => conversation(dialect, messages),
        None => bad("Invalid 'messages': empty array. Expected an array with minimum length 1."),
    }
}

fn tools(tools: &Value) -> Verdict {
    if tools.as_array().is_some_and(Vec::is_empty) {
        return bad("Invalid 'tools': empty array. Expected an array with minimum length 1.");
    }
    for (at, tool) in tools.as_array().into_iter().flatten().enumerate() {
        let name = tool["function"]["name"].as_str().unwrap_or_default();
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if tool["type"] != "function" || !(1..=64).contains(&name.len()) || !name.chars().all(fine)
        {
            return bad(format!(
                "Invalid 'tools[{at}].function.name': string does not match pattern. Expected a \
                 string that matches the pattern '^[a-zA-Z0-9_-]+$'."
            ));
        }
        let parameters = &tool["function"]["parameters"];
        if !parameters.is_null() && parameters["type"] != "object" {
            return bad(format!("Invalid schema for function '{name}': type is not \"object\"."));
        }
    }
    Ok(())
}

fn conversation(dialect: Dialect, messages: &[Value]) -> Verdict {
    // Ids of calls that wait for their results.
    let mut open: Vec<&str> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if role != "tool" && !open.is_empty() {
            return unanswered(&open);
        }
        let content = &message["content"];
        match role {
            "system" | "developer" | "user" if content.is_string() || content.is_array() => {}
            "assistant" => open = calls(dialect, at, message)?,
            "tool" => {
                let id = message["tool_call_id"].as_str().unwrap_or_default();
                let before = open.len();
                open.retain(|call| *call != id);
                if open.len() == before {
                    return bad(format!(
                        "Invalid parameter: messages with role 'tool' must be a response to a \
                         preceeding message with 'tool_calls' (messages[{at}], {id})."
                    ));
                }
                if !content.is_string() && !content.is_array() {
                    return bad(format!("Invalid value for 'messages[{at}].content'."));
                }
            }
            _ => return bad(format!("Invalid value for 'messages[{at}]': role {role}.")),
        }
    }
    if !open.is_empty() {
        return unanswered(&open);
    }
    let last = messages.last().map(|message| &message["role"]);
    if dialect == Dialect::Mistral && last.is_some_and(|role| role != "user" && role != "tool") {
        return bad("Expected last role User or Tool (or Assistant with prefix True).");
    }
    Ok(())
}

fn unanswered(open: &[&str]) -> Verdict {
    bad(format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to \
         each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
        open.join(", ")
    ))
}

/// Ids of the calls of a reply.
fn calls(dialect: Dialect, at: usize, message: &Value) -> Result<Vec<&str>, (u16, String)> {
    let calls = message["tool_calls"].as_array();
    if dialect == Dialect::Groq && !message["reasoning_content"].is_null() {
        return bad(format!("'messages.{at}' : property 'reasoning_content' is unsupported"));
    }
    if calls.is_none_or(Vec::is_empty) && message["content"].is_null() {
        return bad(format!("Invalid value for 'content': expected a string, got null ({at})."));
    }
    let mut ids = Vec::new();
    for call in calls.into_iter().flatten() {
        let id = call["id"].as_str().unwrap_or_default();
        if id.is_empty() || call["type"] != "function" || !call["function"]["name"].is_string() {
            return bad(format!("Missing required parameter: 'messages[{at}].tool_calls[0]'."));
        }
        let alphanumeric = id.chars().all(|c| c.is_ascii_alphanumeric());
        if dialect == Dialect::Mistral && (id.len() != 9 || !alphanumeric) {
            return bad(format!(
                "Tool call id was {id} but must be a-z, A-Z, 0-9, with a length of 9."
            ));
        }
        let Some(arguments) = call["function"]["arguments"].as_str() else {
            return bad(format!(
                "Invalid type for 'messages[{at}].tool_calls[0].function.arguments': expected a \
                 string."
            ));
        };
        // OpenAI reads them back as a text; those who use templates parse them.
        if dialect != Dialect::OpenAi && serde_json::from_str::<Value>(arguments).is_err() {
            return bad(format!("messages[{at}]: arguments of {id} are no JSON"));
        }
        ids.push(id);
    }
    Ok(ids)
}
