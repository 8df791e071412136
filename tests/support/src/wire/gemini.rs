//! Google's `generateContent`.

use serde_json::{Value, json};

use super::{Asked, Event, Verdict, bad, unnamed};
use crate::say::{Refuse, Say, Stop, Why};

/// What the proofs given here begin with.
const PROOF: &str = "CqYBAc";
/// What stands in for a proof of a call that came from elsewhere.
const UNPROVEN: &str = "skip_thought_signature_validator";

fn proof(turn: usize) -> String {
    format!("{PROOF}{turn:06}")
}

fn stop(say: &Say) -> &'static str {
    match say.stop() {
        Stop::End | Stop::Calls => "STOP",
        Stop::Length => "MAX_TOKENS",
        Stop::Refused => "SAFETY",
    }
}

fn usage(say: &Say) -> Value {
    let counts = say.usage;
    let thoughts = if say.thinking.is_empty() { 0 } else { counts.output / 2 };
    let prompt = counts.input + counts.cache_read + counts.cache_write;
    json!({
        "promptTokenCount": prompt,
        "candidatesTokenCount": counts.output - thoughts,
        "thoughtsTokenCount": thoughts,
        "cachedContentTokenCount": counts.cache_read,
        "totalTokenCount": prompt + counts.output,
    })
}

fn answer(say: &Say, asked: &Asked, turn: usize, parts: Vec<Value>, reason: Value) -> Value {
    let model = asked.path.split_once("/models/").map_or("", |(_, rest)| rest);
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if !reason.is_null() {
        candidate["finishReason"] = reason;
    }
    json!({
        "candidates": [candidate], "usageMetadata": usage(say),
        "modelVersion": model.split(':').next(), "responseId": format!("resp{turn}"),
    })
}

/// Calls come whole; the first of a reply is proven.
fn calls(say: &Say, turn: usize) -> Vec<Value> {
    let made = say.calls.iter().enumerate().map(|(at, call)| {
        let id = format!("fc{turn:04}{at:02}");
        let made = json!({"id": id, "name": call.tool, "args": call.arguments.object()});
        let mut part = json!({"functionCall": made});
        if at == 0 {
            part["thoughtSignature"] = proof(turn).into();
        }
        part
    });
    made.collect()
}

pub fn whole(say: &Say, asked: &Asked, turn: usize) -> Value {
    let mut parts = Vec::new();
    if !say.thinking.is_empty() {
        parts.push(json!({"text": say.thinking, "thought": true}));
    }
    if !say.text.is_empty() {
        parts.push(json!({"text": say.text}));
    }
    parts.extend(calls(say, turn));
    answer(say, asked, turn, parts, stop(say).into())
}

pub fn events(say: &Say, asked: &Asked, turn: usize) -> Vec<Event> {
    let mut parts: Vec<Value> = Vec::new();
    let thoughts = Say::pieces(&say.thinking);
    parts.extend(thoughts.iter().map(|piece| json!({"text": piece, "thought": true})));
    parts.extend(Say::pieces(&say.text).iter().map(|piece| json!({"text": piece})));
    parts.extend(calls(say, turn));
    let mut events: Vec<Event> = parts
        .into_iter()
        .map(|part| event(&answer(say, asked, turn, vec![part], Value::Null)))
        .collect();
    let mut last = json!({"text": ""});
    if say.calls.is_empty() && !say.thinking.is_empty() {
        last["thoughtSignature"] = proof(turn).into();
    }
    events.push(event(&answer(say, asked, turn, vec![last], stop(say).into())));
    events
}

/// Lines end as Google ends them.
fn event(data: &Value) -> Event {
    unnamed(data).replace('\n', "\r\n")
}

/// In the middle of a stream.
pub fn failure() -> Event {
    event(&refusal(&Refuse { status: 503, retry_after: None, why: Why::Status }, None))
}

pub fn refusal(refuse: &Refuse, message: Option<&str>) -> Value {
    let (status, usual) = match (refuse.why, refuse.status) {
        (Why::TooLong, _) => (
            "INVALID_ARGUMENT",
            "The input token count (1348576) exceeds the maximum number of tokens allowed \
             (1048576).",
        ),
        (Why::NoCredit, _) => (
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        (Why::Status, 400) => ("INVALID_ARGUMENT", "Request contains an invalid argument."),
        (Why::Status, 401) => (
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials. Expected OAuth 2 access token.",
        ),
        (Why::Status, 403) => (
            "PERMISSION_DENIED",
            "Method doesn't allow unregistered callers (callers without established identity).",
        ),
        (Why::Status, 404) => ("NOT_FOUND", "models/gemini-nobody is not found"),
        (Why::Status, 429) => ("RESOURCE_EXHAUSTED", "You exceeded your current quota."),
        (Why::Status, 503 | 529) => {
            ("UNAVAILABLE", "The model is overloaded. Please try again later.")
        }
        (Why::Status, 500..) => ("INTERNAL", "An internal error has occurred."),
        (Why::Status, _) => ("FAILED_PRECONDITION", "Request cannot be served."),
    };
    let message = message.unwrap_or(usual);
    let mut error = json!({"code": refuse.status, "message": message, "status": status});
    // Google tells when to come back in the body.
    if let Some(seconds) = &refuse.retry_after {
        let kind = "type.googleapis.com/google.rpc.RetryInfo";
        error["details"] = json!([{"@type": kind, "retryDelay": format!("{seconds}s")}]);
    }
    json!({"error": error})
}

const FIELDS: &[&str] = &[
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "generationConfig",
    "safetySettings",
    "cachedContent",
    "system_instruction",
    "tool_config",
    "generation_config",
];

pub fn check(asked: &Asked) -> Verdict {
    let in_query = asked.query.split('&').any(|pair| pair.starts_with("key="));
    let signed =
        ["x-goog-api-key", "authorization"].iter().any(|name| asked.header(name).is_some());
    if !signed && !in_query {
        let message = "Method doesn't allow unregistered callers (callers without established \
                       identity). Please use API Key or other form of API consumer identity.";
        return Err((403, message.to_owned()));
    }
    let streams = asked.path.ends_with(":streamGenerateContent");
    if streams && !asked.query.split('&').any(|pair| pair == "alt=sse") {
        return bad("this fake streams events only: alt=sse");
    }
    let Some(fields) = asked.body.as_object() else {
        return bad("Invalid JSON payload received.");
    };
    if let Some(field) = fields.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        return bad(format!(
            "Invalid JSON payload received. Unknown name \"{field}\": Cannot find field."
        ));
    }
    match asked.body["contents"].as_array().filter(|all| !all.is_empty()) {
        Some(contents) => conversation(contents, &asked.path),
        None => bad("* GenerateContentRequest.contents: contents is not specified"),
    }
}

fn conversation(contents: &[Value], path: &str) -> Verdict {
    // Only the third generation insists on proofs.
    let proofs = path.contains("/gemini-3");
    let mut called = 0;
    for content in contents {
        let role = content["role"].as_str().unwrap_or("user");
        if !matches!(role, "user" | "model") {
            return bad("Please use a valid role: user, model.");
        }
        let Some(parts) = content["parts"].as_array().filter(|parts| !parts.is_empty()) else {
            return bad(
                "* GenerateContentRequest.contents.parts: contents.parts must not be empty.",
            );
        };
        let calls: Vec<&Value> =
            parts.iter().filter(|part| part["functionCall"].is_object()).collect();
        let answers = parts.iter().filter(|part| part["functionResponse"].is_object()).count();
        if answers != called {
            return bad(
                "Please ensure that the number of function response parts is equal to the number \
                 of function call parts of the function call turn.",
            );
        }
        called = calls.len();
        if parts.iter().any(|part| {
            part["functionResponse"].is_object()
                && !part["functionResponse"]["response"].is_object()
        }) {
            return bad("Invalid value at 'contents.parts.function_response.response' (Struct)");
        }
        let first = calls.first().map(|part| part["thoughtSignature"].as_str().unwrap_or_default());
        let proven = first.is_none_or(|proof| proof == UNPROVEN || proof.starts_with(PROOF));
        if proofs && !proven {
            return bad(
                "Function call is missing a thought_signature in functionCall parts. This is \
                 required for tools to work correctly.",
            );
        }
    }
    if called > 0 {
        return bad("Please ensure that function call turn comes with its function responses.");
    }
    Ok(())
}
