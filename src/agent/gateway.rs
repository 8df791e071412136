//! Talking to the gateway from inside a run.

use std::ffi::OsString;
use std::time::Duration;

use serde_json::{Value, json};

use super::usage::Misuse;
use super::{FAILED, Input, Place, Reply, words};
use crate::http::{self, HttpError, Limits, Method};

/// Exit code when nobody answers.
const UNREACHABLE: u8 = 6;
/// A return value whose every character is escaped has six times [`crate::signal::RETURN_MAX`]
/// bytes; what a webhook brought may be larger.
const ANSWER_MAX: usize = 16 * 1024 * 1024;
/// How long the answer to an ordinary request may take.
pub(super) const ANSWERS_IN: Duration = Duration::from_secs(10);
/// The same for what nobody would dare to ask for twice.
const ANSWERS_AT_LAST: Duration = Duration::from_secs(60);

/// What came of a request.
pub(super) type Answer = Result<http::Reply, HttpError>;

/// The gateway, as this run sees it.
#[derive(Debug)]
pub(super) struct Gateway<'a> {
    url: &'a str,
    secret: Option<&'a str>,
}

impl<'a> Gateway<'a> {
    /// The one that this run was told about.
    pub fn of(place: &'a Place) -> Option<Self> {
        let url = place.gateway.as_deref()?;
        Some(Self { url: url.trim_end_matches('/'), secret: place.secret.as_deref() })
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, None, ANSWERS_IN)
    }

    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.request(Method::POST, path, Some(self.signed(body)), ANSWERS_IN)
    }

    /// Begins something that would be begun twice if it were asked for again.
    pub fn begin(&self, path: &str, body: Value) -> Answer {
        self.request(Method::POST, path, Some(self.signed(body)), ANSWERS_AT_LAST)
    }

    /// The body with the secret of this run in front, where existing gateways look for it.
    fn signed(&self, body: Value) -> Value {
        let mut all = json!({"secret": self.secret.unwrap_or_default()});
        if let (Some(all), Value::Object(body)) = (all.as_object_mut(), body) {
            all.extend(body);
        }
        all
    }

    fn request(&self, method: Method, path: &str, body: Option<Value>, total: Duration) -> Answer {
        let url = format!("{}{path}", self.url);
        let limits = Limits { total, body: ANSWER_MAX, ..Limits::default() };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| HttpError::Connect(error.to_string()))?;
        let request = http::request(method, &url, self.secret, body.as_ref(), limits);
        let answer = runtime.block_on(request);
        // A name that is still being looked up must not keep the command waiting.
        runtime.shutdown_background();
        answer
    }
}

/// A path with an id that somebody gave as an argument.
pub(super) fn path_of(collection: &str, id: &str) -> String {
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("{collection}/{id}")
}

/// The answer is no last word: asked again, the gateway may say something else.
pub(super) fn may_change(answer: &Answer) -> bool {
    match answer {
        Ok(reply) => reply.status >= 500 || matches!(reply.status, 408 | 429),
        Err(HttpError::Connect(_) | HttpError::Timeout(_) | HttpError::Broken(_)) => true,
        Err(HttpError::BadUrl { .. } | HttpError::TooLarge { .. }) => false,
    }
}

/// The answer as a command's own: its body, and the exit code of its status.
pub(super) fn pass_on(answer: Answer) -> Reply {
    match answer {
        Ok(reply) => {
            let body = String::from_utf8_lossy(&reply.body).into_owned();
            Reply::print(body, exit_code(reply.status))
        }
        Err(HttpError::TooLarge { limit }) => {
            Reply::error(&HttpError::TooLarge { limit }.to_string(), FAILED)
        }
        Err(error) => {
            let text = "gateway unreachable";
            let body = json!({"ok": false, "reason": text, "error": text});
            // The cause is for the log: agents compare the body.
            Reply { stderr: error.to_string(), ..Reply::json(&body, UNREACHABLE) }
        }
    }
}

/// Best effort: whatever comes back, the command has done its work.
pub(super) fn tell(place: &Place, path: &str, body: Value) {
    if let Some(gateway) = Gateway::of(place)
        && gateway.secret.is_some()
    {
        let _ = gateway.post(path, body);
    }
}

/// `al-shutdown`.
pub(super) fn shutdown(place: &Place, args: &[OsString], _: Input) -> Result<Reply, Misuse> {
    let Some(gateway) = Gateway::of(place) else { return Ok(Reply::silent()) };
    let mut reason = words(args);
    if reason.is_empty() {
        reason = "agent requested shutdown".to_owned();
    }
    Ok(pass_on(gateway.post("/shutdown", json!({"reason": reason}))))
}

/// The table that agents are told to check: one exit code for each kind of answer.
fn exit_code(status: u16) -> u8 {
    match status {
        200..=299 => 0,
        409 => 1,
        404 => 2,
        403 => 3,
        400 => 4,
        503 => 5,
        502 => 10,
        504 => 11,
        500 => 12,
        _ => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::{exit_code, path_of};

    #[test]
    fn every_kind_of_answer_has_its_exit_code() {
        let table = [
            (200, 0),
            (409, 1),
            (404, 2),
            (403, 3),
            (400, 4),
            (503, 5),
            (418, 7),
            (301, 7),
            (502, 10),
            (504, 11),
            (500, 12),
        ];
        for (status, code) in table {
            assert_eq!((status, exit_code(status)), (status, code));
        }
    }

    #[test]
    fn an_id_cannot_lead_to_another_place() {
        let check = |id: &str, path: &str| assert_eq!(path_of("/calls", id), path);
        check("0190-ab", "/calls/0190-ab");
        check("../locks?x=#1", "/calls/..%2Flocks%3Fx%3D%231");
        check("ü", "/calls/%C3%BC");
    }
}
