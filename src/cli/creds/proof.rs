//! Whether a credential holds: asked of whoever made it.
//!
//! What is asked stands in the table of types. A value never stands in what is said about it.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::aws;
use crate::ambient;
use crate::cli::start;
use crate::failure::Failure;
use crate::http;
use crate::llm::fetch::{Question, Reply, fetch};
use crate::project::credential_types::{CredentialType, Good, Proof, Signed};
use crate::project::credentials::Secret;

/// How long one answer may take.
const LIMIT: Duration = Duration::from_secs(10);
/// The longest reason of somebody else that is shown, in characters.
const REASON_MOST: usize = 160;

/// Values by the names of their fields.
pub type Values = BTreeMap<String, Secret>;

/// What became of the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proven {
    /// It holds; whose it is, when that was said.
    Holds(Option<String>),
    /// It does not, and why.
    Refused(String),
    /// Nobody could be asked, or the answer says neither.
    Unknown(String),
    /// There is nobody to ask about this type.
    Unasked,
}

/// Asks whoever made the credential.
///
/// # Errors
/// When no thread can be had, or the address to ask is none.
pub fn prove(of: &CredentialType, values: &Values) -> Result<Proven, Failure> {
    let variable = format!("AL_CHECK_URL_{}", of.kind.to_ascii_uppercase());
    let moved = ambient::env(&variable);
    if let Some(url) = &moved {
        http::check_url(url).map_err(|error| {
            Failure::user("bad_url", format!("{variable}: {error}"))
                .hint("name the address that is asked in its place, or --no-check asks nobody")
        })?;
    }
    let mut last = Proven::Unasked;
    let mut tokio = None;
    for proof in of.proofs {
        let Some(question) = question(proof, values, moved.as_deref()) else { continue };
        let tokio = match &mut tokio {
            Some(tokio) => tokio,
            None => tokio.insert(start::tokio()?),
        };
        let proven = match tokio.block_on(fetch(&question, LIMIT)) {
            Ok(reply) => judge(proof, &reply, values),
            Err(why) => Proven::Unknown(without(&why, values)),
        };
        match (&last, proven) {
            // Whose it is was said by the first.
            (Proven::Holds(Some(_)), Proven::Holds(None)) => {}
            (_, proven) => last = proven,
        }
        if !matches!(last, Proven::Holds(_)) {
            break;
        }
    }
    Ok(last)
}

/// What is asked; none when a value that it needs is not there.
fn question(proof: &Proof, values: &Values, moved: Option<&str>) -> Option<Question> {
    let barred =
        |value: &Secret| !proof.unless.is_empty() && value.reveal().starts_with(proof.unless);
    if values.values().any(barred) {
        return None;
    }
    let base = filled(proof.base, values, str::to_owned)?;
    let base = moved.map_or(base, str::to_owned);
    let url = format!("{}{}", base.trim_end_matches('/'), proof.path);
    let form = |value: &str| form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let body = match proof.body {
        // Braces of JSON are no fields.
        Some(body) if body.starts_with('{') => Some(body.to_owned()),
        Some(body) => Some(filled(body, values, form)?),
        None => None,
    };
    let mut headers = Vec::new();
    for (name, value) in proof.headers {
        headers.push(((*name).to_owned(), filled(value, values, str::to_owned)?));
    }
    let value = |name: &str| values.get(name).map(Secret::reveal).filter(|v| !v.is_empty());
    match proof.signed {
        Signed::No => {}
        Signed::Basic(user, password) => {
            let pair = format!("{}:{}", value(user)?, value(password)?);
            headers.push(("authorization".to_owned(), format!("Basic {}", STANDARD.encode(pair))));
        }
        Signed::Aws => {
            let key = aws::Key {
                id: value("access_key_id")?,
                secret: value("secret_access_key")?,
                session: value("session_token"),
            };
            let body = body.as_deref().unwrap_or_default();
            headers.extend(aws::sign(&key, &url, proof.headers, body, ambient::now_ms()));
        }
    }
    Some(Question { url, headers, body })
}

/// A text with the values in their places: `{field}`, or `{field|default}`.
fn filled(text: &str, values: &Values, write: fn(&str) -> String) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        let (name, default) = match name.split_once('|') {
            Some((name, default)) => (name, Some(default)),
            None => (name, None),
        };
        let value = values.get(name).map(Secret::reveal).filter(|value| !value.is_empty());
        out.push_str(before);
        out.push_str(&write(value.or(default)?));
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

fn judge(proof: &Proof, reply: &Reply, values: &Values) -> Proven {
    let json: Value = serde_json::from_str(&reply.body).unwrap_or_default();
    let text = |pointer: &str| json.pointer(pointer).and_then(Value::as_str);
    let said = |why: &str| without(&short(why), values);
    match reply.status {
        401 | 403 => return Proven::Refused(with_reason(reply.status, reason(&json), &said)),
        status if proof.refusals.contains(&status) => {
            return Proven::Refused(with_reason(status, reason(&json), &said));
        }
        200..300 => {}
        status => return Proven::Unknown(with_reason(status, reason(&json), &said)),
    }
    let refused = match proof.good {
        Good::Status => None,
        Good::True(pointer, why) => match json.pointer(pointer).and_then(Value::as_bool) {
            Some(true) => None,
            _ => Some(text(why).unwrap_or("it says no").to_owned()),
        },
        Good::Is(pointer, word) => match text(pointer) {
            Some(found) if found == word => None,
            found => Some(format!("it is {}", found.unwrap_or("unknown there"))),
        },
        Good::Has(pointer) => match json.pointer(pointer) {
            Some(found) if !found.is_null() => None,
            _ => Some(reason(&json).unwrap_or("it is unknown there").to_owned()),
        },
    };
    match refused {
        Some(why) => Proven::Refused(said(&why)),
        None => Proven::Holds(text(proof.whose).filter(|whose| !whose.is_empty()).map(said)),
    }
}

/// Where answers say why.
fn reason(json: &Value) -> Option<&str> {
    let places = [
        "/error/message",
        "/errors/0/message",
        "/message",
        "/error_description",
        "/detail",
        "/Error/Message",
        "/error",
        "/0/error/message",
    ];
    places.iter().find_map(|place| json.pointer(place)?.as_str()).filter(|text| !text.is_empty())
}

fn with_reason(status: u16, reason: Option<&str>, said: &dyn Fn(&str) -> String) -> String {
    match reason {
        Some(reason) => format!("{} (status {status})", said(reason)),
        None => format!("status {status}"),
    }
}

fn short(text: &str) -> String {
    let line = crate::cli::paint::safe(text);
    match line.chars().count() > REASON_MOST {
        true => line.chars().take(REASON_MOST - 3).chain("...".chars()).collect(),
        false => line,
    }
}

/// What somebody else said, without the values that it may repeat. A short value would make a riddle
/// of the sentence, and is no secret.
fn without(text: &str, values: &Values) -> String {
    let long = values.values().map(Secret::reveal).filter(|value| value.len() >= 6);
    long.fold(text.to_owned(), |text, value| text.replace(value, "***"))
}
