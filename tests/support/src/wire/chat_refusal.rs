//! What OpenAI and its imitators say instead of a reply.

use serde_json::{Value, json};

use crate::Wire;
use crate::exchange::Seen;
use crate::refusal::{Complaint, Refusal};
use crate::reply::Trouble;

pub fn refusal(seen: &Seen, complaint: &Complaint) -> Refusal {
    let (status, body) = match seen.wire {
        Wire::Mistral => mistral(seen, complaint),
        Wire::OpenRouter => openrouter(complaint),
        Wire::Xai => xai(seen, complaint),
        Wire::LlamaServer => llama(complaint),
        Wire::Groq => groq(seen, complaint),
        Wire::OpenAi | Wire::Anthropic | Wire::Gemini => openai(seen, complaint),
    };
    Refusal { status, body, retry_after_s: complaint.retry_after_s }
}

fn openai(seen: &Seen, complaint: &Complaint) -> (u16, Value) {
    let (status, kind, code, general) = match complaint.trouble {
        Trouble::WrongKey => (
            401,
            "invalid_request_error",
            Some("invalid_api_key"),
            "Incorrect API key provided: sk-wrong. You can find your API key at \
             https://platform.openai.com/account/api-keys."
                .to_owned(),
        ),
        Trouble::TooLong => (
            400,
            "invalid_request_error",
            Some("context_length_exceeded"),
            "Your input exceeds the context window of this model. Please adjust your input and try \
             again."
                .to_owned(),
        ),
        Trouble::Quota => (
            429,
            "insufficient_quota",
            Some("insufficient_quota"),
            "You exceeded your current quota, please check your plan and billing details.".to_owned(),
        ),
        Trouble::Status(status) => {
            let (kind, code, general) = match status {
                401 => (
                    "invalid_request_error",
                    None,
                    "You didn't provide an API key. You need to provide your API key in an \
                     Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
                        .to_owned(),
                ),
                403 => (
                    "invalid_request_error",
                    Some("model_not_found"),
                    format!("Project does not have access to model `{}`", seen.model()),
                ),
                404 => (
                    "invalid_request_error",
                    Some("model_not_found"),
                    format!(
                        "The model `{}` does not exist or you do not have access to it.",
                        seen.model()
                    ),
                ),
                413 => ("invalid_request_error", None, "Request body too large".to_owned()),
                429 => (
                    "requests",
                    Some("rate_limit_exceeded"),
                    format!(
                        "Rate limit reached for {} in organization org-fake on requests per min (RPM): \
                         Limit 3, Used 3, Requested 1. Please try again in 20s.",
                        seen.model()
                    ),
                ),
                503 | 529 => (
                    "server_error",
                    Some("server_overloaded"),
                    "The server is overloaded or not ready yet.".to_owned(),
                ),
                500.. => (
                    "server_error",
                    None,
                    "The server had an error while processing your request. Sorry about that!"
                        .to_owned(),
                ),
                _ => ("invalid_request_error", None, "Invalid request.".to_owned()),
            };
            // It does not know 529.
            (if status == 529 { 503 } else { status }, kind, code, general)
        }
    };
    let body = json!({"error": {
        "message": complaint.or(&general),
        "type": kind,
        "param": complaint.param,
        "code": complaint.code.or(code.filter(|_| complaint.message.is_none())),
    }});
    (status, body)
}

fn groq(seen: &Seen, complaint: &Complaint) -> (u16, Value) {
    let (mut status, mut body) = openai(seen, complaint);
    let (kind, code, message) = match complaint.trouble {
        Trouble::WrongKey | Trouble::Status(401) => {
            ("invalid_request_error", Some("invalid_api_key"), Some("Invalid API Key"))
        }
        Trouble::TooLong => (
            "invalid_request_error",
            Some("context_length_exceeded"),
            Some("Please reduce the length of the messages or completion."),
        ),
        Trouble::Status(429) => ("tokens", Some("rate_limit_exceeded"), None),
        Trouble::Status(503 | 529) => ("internal_server_error", None, Some("Service Unavailable")),
        Trouble::Status(500..) => ("internal_server_error", None, Some("Internal Server Error")),
        Trouble::Quota | Trouble::Status(_) => return (status, body),
    };
    if complaint.message.is_none() {
        if let Some(message) = message {
            body["error"]["message"] = json!(message);
        }
        body["error"]["code"] = json!(code);
    }
    body["error"]["type"] = json!(kind);
    if matches!(complaint.trouble, Trouble::WrongKey) {
        status = 401;
    }
    (status, body)
}

fn xai(seen: &Seen, complaint: &Complaint) -> (u16, Value) {
    // A code that is a sentence, and an error that is another.
    let (status, code, general) = match complaint.trouble {
        Trouble::WrongKey => (
            400,
            "Client specified an invalid argument",
            "Incorrect API key provided: wr***ng. You can obtain an API key from \
             https://console.x.ai."
                .to_owned(),
        ),
        Trouble::TooLong => (
            400,
            "Client specified an invalid argument",
            "This model's maximum prompt length is 131072 but the request contains 200000 tokens."
                .to_owned(),
        ),
        Trouble::Quota => (
            403,
            "The caller does not have permission to execute the specified operation",
            "Your team has used all available credits or reached its monthly spending limit."
                .to_owned(),
        ),
        Trouble::Status(status) => match status {
            401 => (
                401,
                "Unauthenticated",
                "No API key was provided; send it as `Authorization: Bearer <key>`.".to_owned(),
            ),
            404 => (
                404,
                "Some requested entity was not found",
                format!("The model {} does not exist or your team has no access.", seen.model()),
            ),
            429 => (
                429,
                "Some resource has been exhausted",
                "Too many requests for this team.".to_owned(),
            ),
            503 | 529 => (
                503,
                "The service is currently unavailable",
                "The model is at capacity. Please try again later.".to_owned(),
            ),
            500.. => (status, "Internal error", "Internal error".to_owned()),
            _ => (status, "Client specified an invalid argument", "Invalid request".to_owned()),
        },
    };
    (status, json!({"code": code, "error": complaint.or(&general)}))
}

fn mistral(seen: &Seen, complaint: &Complaint) -> (u16, Value) {
    if complaint.code == Some("extra_forbidden") || complaint.code == Some("missing") {
        let (kind, text) = match complaint.code {
            Some("missing") => ("missing", "Field required"),
            _ => ("extra_forbidden", "Extra inputs are not permitted"),
        };
        let place = complaint.param.clone().unwrap_or_default();
        let detail = json!([{"type": kind, "loc": ["body", place], "msg": text, "input": null}]);
        let body = json!({
            "object": "error",
            "message": {"detail": detail},
            "type": "invalid_request_error",
            "param": null,
            "code": null,
            "raw_status_code": 422,
        });
        return (422, body);
    }
    let (status, kind, code, general) = match complaint.trouble {
        Trouble::WrongKey | Trouble::Status(401) => {
            return (401, json!({"detail": complaint.or("Unauthorized")}));
        }
        Trouble::TooLong => (
            400,
            "invalid_request_prompt",
            json!("3051"),
            "Prompt contains 200000 tokens and 0 draft tokens, too large for model with 131072 maximum \
             context length"
                .to_owned(),
        ),
        Trouble::Quota => (402, "payment_required", Value::Null, "Payment required".to_owned()),
        Trouble::Status(status) => match status {
            404 | 400 if complaint.message.is_none() => (
                400,
                "invalid_model",
                json!("1500"),
                format!("Invalid model: {}", seen.model()),
            ),
            429 => (429, "rate_limited", json!("1300"), "Rate limit exceeded".to_owned()),
            503 | 529 => (
                503,
                "unreachable_backend",
                json!("1100"),
                "Internal server error: service unavailable".to_owned(),
            ),
            500.. => {
                (status, "internal_server_error", json!("1000"), "Internal server error".to_owned())
            }
            _ => (status, "invalid_request_error", json!("1000"), "Invalid request".to_owned()),
        },
    };
    let body = json!({
        "object": "error",
        "message": complaint.or(&general),
        "type": complaint.code.unwrap_or(kind),
        "param": null,
        "code": code,
        "raw_status_code": status,
    });
    (status, body)
}

fn openrouter(complaint: &Complaint) -> (u16, Value) {
    let (status, general) = match complaint.trouble {
        Trouble::WrongKey => (401, "User not found."),
        Trouble::TooLong => (
            400,
            "This endpoint's maximum context length is 131072 tokens. However, you requested about \
             200000 tokens. Please reduce the length of either one.",
        ),
        Trouble::Quota => {
            (402, "Insufficient credits. Add more using https://openrouter.ai/settings/credits")
        }
        Trouble::Status(status) => match status {
            401 => (401, "No auth credentials found"),
            404 => (404, "No endpoints found for this model."),
            503 | 529 => (503, "No instances available"),
            status => (status, "Provider returned error"),
        },
    };
    let mut error = json!({"message": complaint.or(general), "code": status});
    if complaint.message.is_none() && matches!(status, 429 | 500..) {
        error["metadata"] = json!({"provider_name": "Fake", "raw": "upstream error"});
    }
    (status, json!({"error": error, "user_id": "user_fake"}))
}

fn llama(complaint: &Complaint) -> (u16, Value) {
    let (status, kind, general) = match complaint.trouble {
        Trouble::WrongKey | Trouble::Status(401) => {
            (401, "authentication_error", "Invalid API Key")
        }
        Trouble::TooLong => (
            400,
            "exceed_context_size_error",
            "the request exceeds the available context size, try increasing it",
        ),
        Trouble::Quota | Trouble::Status(429) => (429, "rate_limit_error", "Too many requests"),
        Trouble::Status(status) => match status {
            403 => (403, "permission_error", "Forbidden"),
            404 => (404, "not_found_error", "File Not Found"),
            503 | 529 => (503, "unavailable_error", "Loading model"),
            500.. => (status, "server_error", "Internal error"),
            _ => (status, "invalid_request_error", "Invalid request"),
        },
    };
    let mut error = json!({"code": status, "message": complaint.or(general), "type": kind});
    if complaint.trouble == Trouble::TooLong {
        error["n_prompt_tokens"] = json!(9000);
        error["n_ctx"] = json!(8192);
    }
    (status, json!({"error": error}))
}
