//! Google's Gemini: what is answered.

use serde_json::{Value, json};

use super::text::deltas;
use crate::exchange::Seen;
use crate::refusal::{Complaint, Refusal};
use crate::reply::{Part, Reply, Stop, Trouble, Usage};

/// Without `alt=sse` a stream is one JSON array.
pub fn is_sse(seen: &Seen) -> bool {
    seen.query("alt") == Some("sse")
}

fn usage(usage: Usage) -> Value {
    let prompt = usage.input + usage.cache_read + usage.cache_write;
    let said = usage.output - usage.thinking;
    let mut counts = json!({
        "promptTokenCount": prompt,
        "candidatesTokenCount": said,
        "totalTokenCount": prompt + usage.output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
    });
    // What is nothing is not there.
    if usage.cache_read > 0 {
        counts["cachedContentTokenCount"] = json!(usage.cache_read);
        counts["cacheTokensDetails"] =
            json!([{"modality": "TEXT", "tokenCount": usage.cache_read}]);
    }
    if usage.thinking > 0 {
        counts["thoughtsTokenCount"] = json!(usage.thinking);
    }
    counts
}

/// The parts of a reply, each as often as it takes to say it.
fn parts(reply: &Reply, whole: bool) -> Vec<Value> {
    let mut found = Vec::new();
    // The proof of a thought stands at what came of it.
    let mut proof: Option<&String> = None;
    let pieces = |text| if whole { vec![text] } else { deltas(text) };
    for part in &reply.parts {
        match part {
            Part::Thinking { text, signature } => {
                let thoughts = pieces(text.as_str()).into_iter();
                found.extend(thoughts.map(|piece| json!({"text": piece, "thought": true})));
                proof = signature.as_ref();
            }
            Part::Text(text) => {
                found.extend(pieces(text.as_str()).into_iter().map(|piece| json!({"text": piece})));
            }
            Part::Call { id, name, arguments, signature } => {
                let args = serde_json::from_str(arguments).unwrap_or(Value::Null);
                let mut call = json!({"name": name, "args": args});
                if let Some(id) = id {
                    call["id"] = json!(id);
                }
                let mut part = json!({"functionCall": call});
                // Of parallel calls only the first is proven.
                if let Some(signature) = signature.as_ref().or(proof.take()) {
                    part["thoughtSignature"] = json!(signature);
                }
                found.push(part);
            }
        }
    }
    if let Some(signature) = proof {
        found.push(json!({"text": "", "thoughtSignature": signature}));
    }
    found
}

/// A call whose arguments are no object is none: the provider drops it and says so.
fn is_malformed(reply: &Reply) -> bool {
    reply.parts.iter().any(|part| match part {
        Part::Call { arguments, .. } => {
            !serde_json::from_str::<Value>(arguments).is_ok_and(|value| value.is_object())
        }
        Part::Text(_) | Part::Thinking { .. } => false,
    })
}

fn response(seen: &Seen, parts: &[Value], finish: Option<&str>, usage: &Value) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if let Some(finish) = finish {
        candidate["finishReason"] = json!(finish);
        if parts.is_empty() {
            candidate["content"] = json!({"role": "model"});
        }
        if finish == "MALFORMED_FUNCTION_CALL" {
            candidate["content"] = json!({});
            candidate["finishMessage"] = json!("Malformed function call: print(default_api.");
        }
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": seen.model(),
        "responseId": format!("fake{:018}", seen.number),
    })
}

fn finish(reply: &Reply) -> &'static str {
    match reply.stopped() {
        _ if is_malformed(reply) => "MALFORMED_FUNCTION_CALL",
        Stop::End | Stop::Calls => "STOP",
        Stop::Length => "MAX_TOKENS",
        Stop::Refused => "SAFETY",
    }
}

pub fn whole(seen: &Seen, reply: &Reply) -> Value {
    let parts = if is_malformed(reply) { Vec::new() } else { parts(reply, true) };
    response(seen, &parts, Some(finish(reply)), &usage(reply.usage))
}

pub fn stream(seen: &Seen, reply: &Reply, trouble: Option<&Refusal>) -> Vec<String> {
    let mut parts = if is_malformed(reply) { Vec::new() } else { parts(reply, false) };
    let counts = usage(reply.usage);
    // The last part comes with the reason to stop.
    let last: Vec<Value> = parts.pop().into_iter().collect();
    let mut chunks: Vec<Value> =
        parts.into_iter().map(|part| response(seen, &[part], None, &counts)).collect();
    match trouble {
        None => chunks.push(response(seen, &last, Some(finish(reply)), &counts)),
        Some(refusal) => {
            chunks.push(response(seen, &last, None, &counts));
            chunks.push(refusal.body.clone());
        }
    }
    if is_sse(seen) {
        return chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect();
    }
    let count = chunks.len();
    let listed = chunks.iter().enumerate().map(|(at, chunk)| {
        let (before, after) =
            (if at == 0 { "[" } else { "" }, if at + 1 == count { "]" } else { "," });
        format!("{before}{chunk}\n{after}\r\n")
    });
    listed.collect()
}

pub fn refusal(complaint: &Complaint) -> Refusal {
    let (code, status, general) = match complaint.trouble {
        Trouble::WrongKey => {
            (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
        }
        Trouble::TooLong => (
            400,
            "INVALID_ARGUMENT",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        ),
        Trouble::Quota => (
            429,
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        Trouble::Status(code) => match code {
            401 => (
                401,
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login \
                 cookie or other valid authentication credential.",
            ),
            403 => (
                403,
                "PERMISSION_DENIED",
                "Method doesn't allow unregistered callers (callers without established identity). \
                 Please use API Key or other form of API consumer identity to call this API.",
            ),
            404 => (
                404,
                "NOT_FOUND",
                "models/unknown is not found for API version v1beta, or is not supported for \
                 generateContent.",
            ),
            429 => (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
            503 | 529 => (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
            504 => (504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
            500.. => (
                code,
                "INTERNAL",
                "An internal error has occurred. Please retry or report in \
                 https://developers.generativeai.google/guide/troubleshooting",
            ),
            _ => (code, "INVALID_ARGUMENT", "Request contains an invalid argument."),
        },
    };
    let mut error = json!({"code": code, "message": complaint.or(general), "status": status});
    let mut details = Vec::new();
    if complaint.trouble == Trouble::WrongKey {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": {"service": "generativelanguage.googleapis.com"},
        }));
    }
    if let Some(seconds) = complaint.retry_after_s {
        // In the body, and there only.
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": format!("{seconds}s"),
        }));
    }
    if !details.is_empty() {
        error["details"] = Value::Array(details);
    }
    Refusal { status: code, body: json!({"error": error}), retry_after_s: None }
}
