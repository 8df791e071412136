//! Answers: always JSON, errors as `{"error": "..."}`.

use al_wire::Confirm;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::engine::EngineError;
use crate::scheduler::words::scope_name;
use crate::scheduler::{Hold, Why};

/// What a handler answers.
pub type Answered = Result<Response, Problem>;

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    pub text: String,
    pub retry_after_s: Option<u32>,
    /// The question that has to be answered first.
    pub confirm: Option<Box<Confirm>>,
    /// The answer, where existing clients expect another one than `{"error"}`.
    pub body: Option<Value>,
}

impl Problem {
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), retry_after_s: None, confirm: None, body: None }
    }

    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    /// It may work later.
    pub fn later(text: impl Into<String>, retry_after_s: u32) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, text);
        Self { retry_after_s: Some(retry_after_s), ..problem }
    }

    /// The scheduler asks back.
    pub fn asks(confirm: Confirm) -> Self {
        let problem = Self::new(StatusCode::PRECONDITION_REQUIRED, confirm.title.clone());
        Self { confirm: Some(Box::new(confirm)), ..problem }
    }

    /// A bug of ours; its details are for the log.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
    }

    /// Why the scheduler did not do it.
    pub fn refused(why: &Why) -> Self {
        match why {
            Why::Stopping => Self::later(why.sentence(), 10),
            Why::UnknownAgent => Self::not_found(why.sentence()),
            Why::Paused { scope, pause } => {
                let why = pause.why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
                let held = match pause.hold {
                    Hold::Pause => "paused",
                    Hold::Drain => "being drained",
                    Hold::Stop => "stopped",
                };
                let text = format!("{} is {held} by {}{why}", scope_name(scope), pause.by);
                Self::new(StatusCode::CONFLICT, text)
            }
            other => Self::new(StatusCode::CONFLICT, other.sentence()),
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Busy => Self::later(error.to_string(), 1),
            EngineError::NotWritten { .. } | EngineError::NotRead { .. } => {
                Self::later(error.to_string(), 5)
            }
            EngineError::Ended => Self::later(error.to_string(), 10),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut value = self.body.clone().unwrap_or_else(|| json!({"error": self.text}));
        if let Some(confirm) = &self.confirm {
            value["confirm"] = json!(confirm);
        }
        let mut response = json_response(self.status, &value);
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        // For the layer that takes secrets out of it.
        response.extensions_mut().insert(self);
        response
    }
}

/// 200 with a value.
pub fn ok(value: &impl Serialize) -> Response {
    json_response(StatusCode::OK, value)
}

/// 409 to a run: what it asked for cannot be had, and why. `more` are fields beside the reason,
/// which stands there under both names that agents look for.
pub fn declined(reason: &str, more: Value) -> Response {
    json_response(StatusCode::CONFLICT, &negative(reason, more))
}

/// 404 to a run, in the same form.
pub fn not_there(reason: &str) -> Response {
    json_response(StatusCode::NOT_FOUND, &negative(reason, json!({})))
}

fn negative(reason: &str, more: Value) -> Value {
    let mut body = json!({"ok": false});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
        body.insert("reason".to_owned(), reason.into());
        body.insert("error".to_owned(), reason.into());
    }
    body
}

fn json_response(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => {
            let kind = HeaderValue::from_static("application/json");
            (status, [(header::CONTENT_TYPE, kind)], text).into_response()
        }
        // None of our values can fail to be JSON.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
