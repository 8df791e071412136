//! Talking to the gateway from inside a run.

use serde_json::{Value, json};

use super::{FAILED, Place, Reply};
use crate::http::{self, HttpError, Limits, Method};

/// Exit code when nobody answers.
const UNREACHABLE: u8 = 6;

/// Best effort: whatever comes back, the command has done its work.
pub(super) fn tell(place: &Place, path: &str, body: Value) {
    if let (Some(gateway), Some(_)) = (&place.gateway, &place.secret) {
        let _ = post(place, gateway, path, body);
    }
}

/// `al-shutdown`.
pub(super) fn shutdown(place: &Place, reason: &str) -> Reply {
    let Some(gateway) = &place.gateway else { return Reply::silent() };
    let reason = if reason.is_empty() { "agent requested shutdown" } else { reason };
    match post(place, gateway, "/shutdown", json!({"reason": reason})) {
        Ok(answer) => {
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            Reply::print(body, exit_code(answer.status))
        }
        Err(error) => unreachable_reply(&error),
    }
}

/// What an agent can read when the gateway does not answer.
fn unreachable_reply(error: &HttpError) -> Reply {
    let body = json!({"ok": false, "reason": "gateway unreachable", "error": error.to_string()});
    Reply::json(&body, UNREACHABLE)
}

/// The table that agents are told to check: one exit code for each kind of answer.
pub(super) fn exit_code(status: u16) -> u8 {
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

/// One request with the run's secret in its body.
fn post(place: &Place, gateway: &str, path: &str, body: Value) -> Result<http::Reply, HttpError> {
    let url = format!("{}{path}", gateway.trim_end_matches('/'));
    let mut all = json!({"secret": place.secret.as_deref().unwrap_or_default()});
    if let (Some(all), Value::Object(body)) = (all.as_object_mut(), body) {
        all.extend(body);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| HttpError::Connect(error.to_string()))?;
    let answer =
        runtime.block_on(http::request(Method::POST, &url, None, Some(&all), Limits::default()));
    // A name that is still being looked up must not keep the command waiting.
    runtime.shutdown_background();
    answer
}

#[cfg(test)]
mod tests {
    use super::exit_code;

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
}
