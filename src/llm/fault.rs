//! What went wrong, told apart by status and by what providers call it. Their sentences are for
//! people and change; nothing here reads them.

use std::error::Error;

use chrono::DateTime;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{Fault, FaultKind};

/// The longest message, in characters.
const MESSAGE_MOST: usize = 500;
/// The shortest text that is taken for a secret, in bytes.
const SECRET_LEAST: usize = 6;
/// Nobody is believed who wants to be left alone for longer.
const ALONE_MOST_MS: u64 = 24 * 3_600 * 1_000;

impl Fault {
    /// A fault with a message of our own or of the provider, bounded and on one line.
    pub fn new(kind: FaultKind, message: impl AsRef<str>) -> Self {
        Self { kind, message: bounded(message.as_ref()), status: None, retry_after_ms: None }
    }

    /// The same without these texts, which may be repeated in what the provider said.
    pub fn without<'s>(mut self, secrets: impl IntoIterator<Item = &'s str>) -> Self {
        for secret in secrets {
            // Shorter ones are no secrets, and would make a riddle of the message.
            if secret.len() >= SECRET_LEAST {
                self.message = self.message.replace(secret, "***");
                self.cut_beginning_of(secret);
            }
        }
        self
    }

    /// The bound of a message may have left the beginning of a secret at its end.
    fn cut_beginning_of(&mut self, secret: &str) {
        let Some(kept) = self.message.strip_suffix('…') else { return };
        let begins = |end: &usize| secret.is_char_boundary(*end) && kept.ends_with(&secret[..*end]);
        if let Some(end) = (SECRET_LEAST..secret.len()).rev().find(begins) {
            let kept = kept.len() - end;
            self.message.truncate(kept);
            self.message.push('…');
        }
    }
}

fn bounded(message: &str) -> String {
    let words = message.split(|c: char| c.is_whitespace() || c.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MESSAGE_MOST {
        return line;
    }
    line.chars().take(MESSAGE_MOST - 1).chain(['…']).collect()
}

/// An answer that is no reply.
pub fn answered(status: u16, headers: &HeaderMap, body: &str) -> Fault {
    let json = serde_json::from_str::<Value>(body).unwrap_or(Value::Null);
    // Google sends a list of one.
    let json = json.get(0).unwrap_or(&json);
    let error = error_in(json).unwrap_or(json);
    let kind = of_names(error).filter(|_| status != 413).unwrap_or_else(|| of_status(status));
    let message = match sentence(error).or_else(|| sentence(json)) {
        Some(message) => message.to_owned(),
        // A page is for a browser, not for a message.
        None if body.trim().is_empty() || body.trim_start().starts_with('<') => {
            "the provider answered with an error and gave no reason".to_owned()
        }
        None => body.to_owned(),
    };
    let retry_after_ms = retry_after(headers).or_else(|| retry_delay(error));
    Fault { status: Some(status), retry_after_ms, ..Fault::new(kind, message) }
}

/// An error in the middle of a reply.
pub fn told(error: &Value) -> Fault {
    let message = sentence(error).unwrap_or("the provider broke the reply off and gave no reason");
    let kind = of_names(error).unwrap_or(FaultKind::Server);
    Fault { retry_after_ms: retry_delay(error), ..Fault::new(kind, message) }
}

/// The error in an answer or event, when it is one.
pub fn error_in(json: &Value) -> Option<&Value> {
    json.get("error").filter(|error| error.is_object() || error.is_string())
}

/// A request that got no answer.
pub fn unanswered(error: reqwest::Error) -> Fault {
    let kind = if error.is_builder() {
        FaultKind::Setup
    } else if error.is_connect() || error.is_timeout() {
        FaultKind::Unreachable
    } else {
        FaultKind::Cut
    };
    let place = error.url().map(|url| {
        let port = url.port_or_known_default().unwrap_or_default();
        format!("{}:{port}: ", url.host_str().unwrap_or_default())
    });
    let message = format!("{}{}", place.unwrap_or_default(), causes(&error.without_url()));
    Fault::new(kind, message)
}

/// A reply that broke off.
pub fn broken(error: reqwest::Error) -> Fault {
    let message = format!("the reply broke off: {}", causes(&error.without_url()));
    Fault::new(FaultKind::Cut, message)
}

fn causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Wrappers like to repeat what they wrap.
        if !message.ends_with(&more) {
            message = format!("{message}: {more}");
        }
        cause = error.source();
    }
    message
}

fn sentence(error: &Value) -> Option<&str> {
    let texts = [error, &error["message"], &error["detail"], &error["error"]];
    texts.into_iter().find_map(|text| text.as_str().filter(|text| !text.is_empty()))
}

fn of_status(status: u16) -> FaultKind {
    match status {
        401 => FaultKind::Auth,
        402 | 403 => FaultKind::Forbidden,
        // An address that leads elsewhere is the wrong one too.
        300..400 | 404 | 405 | 410 => FaultKind::NotFound,
        413 => FaultKind::TooLong,
        429 => FaultKind::RateLimited,
        503 | 529 => FaultKind::Overloaded,
        // What was late or in somebody's way may work the next time.
        408 | 409 | 425 => FaultKind::Server,
        400..500 => FaultKind::Rejected,
        _ => FaultKind::Server,
    }
}

/// By the names that providers give their errors: a code says more than a type.
fn of_names(error: &Value) -> Option<FaultKind> {
    let details = error["details"].as_array().into_iter().flatten();
    let reasons = details.map(|detail| &detail["reason"]);
    let names = [&error["code"], &error["status"], &error["type"]].into_iter().chain(reasons);
    let kinds: Vec<FaultKind> = names.filter_map(of_name).collect();
    // A key that is wrong is a wrong argument to some.
    let key = kinds.iter().find(|kind| **kind == FaultKind::Auth);
    key.or(kinds.first()).copied()
}

fn of_name(name: &Value) -> Option<FaultKind> {
    if let Some(status) = name.as_u64().and_then(|status| u16::try_from(status).ok()) {
        // 400 is what the type next to it is for.
        return (401..600).contains(&status).then(|| of_status(status));
    }
    Some(match name.as_str()? {
        "overloaded_error"
        | "overloaded"
        | "UNAVAILABLE"
        | "server_overloaded"
        | "service_unavailable"
        | "unavailable_error"
        | "slow_down"
        | "engine_overloaded"
        | "capacity_exceeded" => FaultKind::Overloaded,
        "rate_limit_error"
        | "rate_limit_exceeded"
        | "RESOURCE_EXHAUSTED"
        | "rate_limited"
        | "requests"
        | "tokens" => FaultKind::RateLimited,
        "insufficient_quota"
        | "billing_error"
        | "billing_hard_limit_reached"
        | "billing_not_active"
        | "permission_error"
        | "PERMISSION_DENIED"
        | "access_denied"
        | "account_deactivated"
        | "unsupported_country_region_territory" => FaultKind::Forbidden,
        "authentication_error"
        | "invalid_api_key"
        | "UNAUTHENTICATED"
        | "API_KEY_INVALID"
        | "invalid_authentication" => FaultKind::Auth,
        "not_found_error" | "model_not_found" | "NOT_FOUND" | "NotFoundError" | "invalid_model" => {
            FaultKind::NotFound
        }
        "context_length_exceeded"
        | "request_too_large"
        | "exceed_context_size_error"
        | "model_context_window_exceeded" => FaultKind::TooLong,
        "api_error"
        | "server_error"
        | "internal_server_error"
        | "INTERNAL"
        | "timeout_error"
        | "DEADLINE_EXCEEDED"
        | "InternalServerError" => FaultKind::Server,
        _ => return None,
    })
}

fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let header = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let seconds = |text: &str| text.parse::<f64>().ok().map(|s| s * 1_000.0);
    let ms = ["retry-after-ms", "x-ms-retry-after-ms"].into_iter().find_map(header);
    if let Some(ms) = ms.and_then(|ms| ms.parse::<f64>().ok()) {
        return bounded_ms(ms);
    }
    let after = header("retry-after")?;
    if let Some(ms) = seconds(after) {
        return bounded_ms(ms);
    }
    // A date is held against the provider's own clock, which may be wrong in the same way.
    let date = |text| DateTime::parse_from_rfc2822(text).ok();
    let wait = date(after)? - date(header("date")?)?;
    u64::try_from(wait.num_milliseconds()).ok().map(|ms| ms.min(ALONE_MOST_MS))
}

/// Google says it in the error: `"retryDelay": "34.5s"`.
fn retry_delay(error: &Value) -> Option<u64> {
    let mut details = error["details"].as_array()?.iter();
    let delay = details.find_map(|detail| detail["retryDelay"].as_str())?;
    bounded_ms(delay.strip_suffix('s')?.parse::<f64>().ok()? * 1_000.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn bounded_ms(ms: f64) -> Option<u64> {
    (ms.is_finite() && ms >= 0.0).then(|| (ms.ceil() as u64).min(ALONE_MOST_MS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use FaultKind::{
        Auth, Forbidden, NotFound, Overloaded, RateLimited, Rejected, Server, TooLong,
    };

    #[test]
    fn an_answer_is_told_by_status_and_by_what_the_provider_calls_it() {
        let check = |status: u16, body: &str, kind: FaultKind, message: &str| {
            let fault = answered(status, &HeaderMap::new(), body);
            let found = (fault.kind, fault.message.as_str(), fault.status);
            assert_eq!(found, (kind, message, Some(status)), "{body}");
        };
        let anthropic = |name: &str| {
            format!(r#"{{"type":"error","error":{{"type":"{name}","message":"so it is"}}}}"#)
        };
        let openai = |kind: &str, code: &str| {
            format!(r#"{{"error":{{"message":"so it is","type":"{kind}","code":{code}}}}}"#)
        };
        let google = |code: u16, status: &str, reason: &str| {
            format!(
                r#"[{{"error":{{"code":{code},"message":"so it is","status":"{status}",
                "details":[{{"reason":"{reason}"}}]}}}}]"#
            )
        };
        check(401, &anthropic("authentication_error"), Auth, "so it is");
        check(429, &anthropic("rate_limit_error"), RateLimited, "so it is");
        check(529, &anthropic("overloaded_error"), Overloaded, "so it is");
        check(500, &anthropic("overloaded_error"), Overloaded, "so it is");
        check(400, &anthropic("invalid_request_error"), Rejected, "so it is");
        check(413, &anthropic("request_too_large"), TooLong, "so it is");
        check(404, &anthropic("not_found_error"), NotFound, "so it is");
        check(
            400,
            &openai("invalid_request_error", "\"context_length_exceeded\""),
            TooLong,
            "so it is",
        );
        check(429, &openai("insufficient_quota", "\"insufficient_quota\""), Forbidden, "so it is");
        check(429, &openai("tokens", "\"rate_limit_exceeded\""), RateLimited, "so it is");
        check(413, &openai("tokens", "\"rate_limit_exceeded\""), TooLong, "so it is");
        check(400, &openai("exceed_context_size_error", "400"), TooLong, "so it is");
        check(400, &openai("invalid_request_error", "null"), Rejected, "so it is");
        check(400, &google(400, "INVALID_ARGUMENT", "API_KEY_INVALID"), Auth, "so it is");
        check(429, &google(429, "RESOURCE_EXHAUSTED", ""), RateLimited, "so it is");
        check(403, &google(403, "PERMISSION_DENIED", ""), Forbidden, "so it is");
        check(400, r#"{"object":"error","message":"so it is"}"#, Rejected, "so it is");
        check(422, r#"{"detail":"so it is"}"#, Rejected, "so it is");
        check(404, r#"{"error":"so it is"}"#, NotFound, "so it is");
        check(402, "pay\n  first", Forbidden, "pay first");
        let nothing = "the provider answered with an error and gave no reason";
        check(502, "<html>Bad Gateway</html>", Server, nothing);
        check(503, "", Overloaded, nothing);
        check(302, "", NotFound, nothing);
        check(408, "", Server, nothing);
    }

    #[test]
    fn an_error_in_the_middle_of_a_reply_is_told_by_its_name() {
        for (error, kind) in [
            (r#"{"type":"overloaded_error","message":"m"}"#, Overloaded),
            (r#"{"code":429,"message":"m"}"#, RateLimited),
            (r#"{"code":"rate_limit_exceeded","message":"m"}"#, RateLimited),
            (r#"{"code":"server_error","message":"m"}"#, Server),
            (r#"{"code":"who_knows","message":"m"}"#, Server),
            ("\"m\"", Server),
        ] {
            let fault = told(&serde_json::from_str(error).unwrap());
            assert_eq!((fault.kind, fault.message.as_str()), (kind, "m"), "{error}");
        }
    }

    #[test]
    fn how_long_to_wait_is_understood_in_every_form() {
        let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
        for (headers, expected) in [
            (vec![("retry-after", "7")], Some(7_000)),
            (vec![("retry-after", "0.25")], Some(250)),
            (vec![("retry-after", "9"), ("retry-after-ms", "1234")], Some(1_234)),
            (vec![("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"), date], Some(30_000)),
            (vec![("retry-after", "Wed, 21 Oct 2026 07:27:30 GMT"), date], None),
            (vec![("retry-after", "soon")], None),
            (vec![("retry-after", "-3")], None),
            (vec![("retry-after", "99999999999")], Some(ALONE_MOST_MS)),
            (vec![], None),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(answered(429, &map, "").retry_after_ms, expected, "{headers:?}");
        }
        let google = r#"{"error":{"code":429,"message":"m","details":[{"retryDelay":"34.5s"}]}}"#;
        assert_eq!(answered(429, &HeaderMap::new(), google).retry_after_ms, Some(34_500));
    }

    #[test]
    fn messages_are_bounded_and_hold_no_key() {
        let fault = Fault::new(Auth, format!("bad key sk-secret-1 {}", "é".repeat(900)));
        let fault = fault.without(["sk-secret-1", "a"]);
        assert!(fault.message.starts_with("bad key *** éé"), "{fault}");
        assert!(fault.message.chars().count() <= MESSAGE_MOST);

        let at_the_bound = format!("{} sk-secret-1", "a".repeat(MESSAGE_MOST - 10));
        let fault = Fault::new(Auth, at_the_bound).without(["sk-secret-1"]);
        assert!(!fault.message.contains("sk-"), "{fault}");
    }
}
