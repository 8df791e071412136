//! Who in a run is asking: a request with the token of its attempt.
//!
//! The token comes as `Authorization: Bearer`, or where existing agents put it: as `secret` in the
//! body, and in the query of a GET. It is good as long as its attempt lives.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};

use super::reply::Problem;
use super::{App, body, token};
use crate::log::REDACTED;
use crate::scheduler::{Answer, Ask, Event, Report, View};
use crate::signal::RETURN_MAX;

/// The largest body: a return value or a call's context whose every character is escaped, and a
/// little more.
const BODY_MAX: usize = 6 * RETURN_MAX + 64 * 1024;

pub fn invalid_secret() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "invalid secret")
}

/// The body of what a run says or asks: an object.
pub struct Signal {
    secret: String,
    fields: Map<String, Value>,
}

impl Signal {
    pub async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        let whole = body::read(headers, body, BODY_MAX, &app.large_signals).await?;
        let mut fields: Map<String, Value> = serde_json::from_slice(&whole.bytes)
            .map_err(|_| Problem::bad_request("invalid JSON body"))?;
        let given = fields.remove("secret");
        let secret = bearer(headers).or_else(|| Some(given?.as_str()?.to_owned()));
        match secret.filter(|secret| !secret.is_empty()) {
            Some(secret) => Ok(Self { secret, fields }),
            None => Err(Problem::bad_request("missing secret")),
        }
    }

    /// A request without a body.
    pub fn of_query(headers: &HeaderMap, query: Option<&str>) -> Result<Self, Problem> {
        let query = query.unwrap_or_default();
        let asked = |(name, value): (_, _)| (name == "secret").then_some(value);
        let in_query = || form_urlencoded::parse(query.as_bytes()).into_owned().find_map(asked);
        match bearer(headers).or_else(in_query).filter(|secret| !secret.is_empty()) {
            Some(secret) => Ok(Self { secret, fields: Map::new() }),
            None => Err(Problem::bad_request("missing secret")),
        }
    }

    /// A text as it was sent.
    pub fn text(&self, field: &str) -> Result<&str, Problem> {
        self.maybe_text(field)?.ok_or_else(|| Problem::bad_request(format!("missing {field}")))
    }

    /// A text that need not be there.
    pub fn maybe_text(&self, field: &str) -> Result<Option<&str>, Problem> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::bad_request(format!("{field} must be a string"))),
        }
    }

    /// A span in whole seconds, as milliseconds. Nothing and 0 are the default of whoever is asked.
    pub fn maybe_ms(&self, field: &str, longest_s: i64) -> Result<Option<i64>, Problem> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_i64().filter(|s| (0..=longest_s).contains(s)) {
                Some(0) => Ok(None),
                Some(seconds) => Ok(Some(seconds * 1000)),
                None => Err(Problem::bad_request(format!(
                    "{field} must be a whole number of seconds, {longest_s} at most"
                ))),
            },
        }
    }

    pub fn flag(&self, field: &str) -> Result<bool, Problem> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(Problem::bad_request(format!("{field} must be true or false"))),
        }
    }

    /// Any other value.
    pub fn value(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    /// Who sent it, when the token is one of ours. Nothing is done with its texts before.
    pub fn verify(&self, app: &App) -> Result<Sender<'_>, Problem> {
        let verified = token::verify(&app.setup.token_key, &self.secret);
        let (run, attempt) = verified.ok_or_else(invalid_secret)?;
        Ok(Sender { run, attempt, token: &self.secret })
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// The attempt whose token came with a signal.
pub struct Sender<'s> {
    pub run: &'s str,
    pub attempt: u32,
    token: &'s str,
}

impl Sender<'_> {
    /// A text of the run without secrets, its own token among them.
    pub fn clean(&self, app: &App, text: &str) -> String {
        app.setup.redactor.text(text).replace(self.token, REDACTED)
    }

    /// Whether the attempt lives: with its end the token is good for nothing any more.
    pub async fn must_live(&self, app: &App) -> Result<(), Problem> {
        let (run, attempt) = (self.run.to_owned(), self.attempt);
        let lives = move |view: &View| {
            let run = view.runs.get(&run);
            run.is_some_and(|run| run.attempt == attempt && run.state.alive())
        };
        if app.engine().look(lives).await? { Ok(()) } else { Err(invalid_secret()) }
    }

    pub async fn report(&self, app: &App, report: Report) -> Result<(), Problem> {
        let event = Event::RunReported { run: self.run.to_owned(), attempt: self.attempt, report };
        self.submit(app, event).await.map(drop)
    }

    pub async fn ask(&self, app: &App, ask: Ask) -> Result<Answer, Problem> {
        let event = Event::RunAsked { run: self.run.to_owned(), attempt: self.attempt, ask };
        self.submit(app, event).await
    }

    async fn submit(&self, app: &App, event: Event) -> Result<Answer, Problem> {
        match app.engine().submit(event).await? {
            // The attempt has ended.
            Answer::NotFound { .. } => Err(invalid_secret()),
            answer => Ok(answer),
        }
    }
}
