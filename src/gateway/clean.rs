//! Answers without secrets: who puts a key into a URL or a wrong field is not to find it in an
//! error, which somebody writes to a log.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::reply::Problem;
use crate::log::REDACTED;

/// Digits in the id of a session and in the signature of a token.
const DIGITS: usize = 64;

/// Takes secrets out of what errors say.
pub async fn errors(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let text = text(&app, &problem.text);
    if text == problem.text { response } else { Problem { text, ..problem }.into_response() }
}

/// A text without the secrets that are known, and without what looks like a session or a token.
pub fn text(app: &App, text: &str) -> String {
    without_ids(&app.setup.redactor.text(text))
}

fn without_ids(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        let (run, after) = rest.split_at(digits);
        clean.push_str(if digits >= DIGITS { REDACTED } else { run });
        let other = after.find(|c: char| c.is_ascii_hexdigit()).unwrap_or(after.len());
        clean.push_str(&after[..other]);
        rest = &after[other..];
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, clean: &str) {
        assert_eq!(without_ids(text), clean);
    }

    #[test]
    fn ids_and_tokens_are_taken_out_and_nothing_else() {
        let id = "0123456789abcdef".repeat(4);
        check("agent dev-1a2b3c4d not found", "agent dev-1a2b3c4d not found");
        check(&format!("agent {id} not found"), "agent [redacted] not found");
        check(&format!("dev-1a2b3c4d.1.{id}"), "dev-1a2b3c4d.1.[redacted]");
        check(&id[1..], &id[1..]);
        check("", "");
        check("\u{fc}\u{20ac}", "\u{fc}\u{20ac}");
    }
}
