//! Who in a run is asking: a request with the token of its attempt.
//!
//! The token comes as `Authorization: Bearer`, or where existing agents put it: as `secret` in the
//! body, and in the query of a GET. It is good as long as its attempt lives.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::admit::bearer;
use super::fields::Fields;
use super::reply::Problem;
use super::{App, body, token};
use crate::log::REDACTED;
use crate::scheduler::{Answer, Ask, Event, Report, View};
use crate::signal::RETURN_MAX;

/// The largest body: a return value or a context whose every character is escaped, and a little
/// more.
const BODY_MAX: usize = 6 * RETURN_MAX + 64 * 1024;

/// The one answer to every token that is good for nothing.
pub fn invalid_secret() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "invalid secret")
}

fn missing_secret() -> Problem {
    Problem::bad_request("missing secret")
}

/// A request of a run, before anybody looked whose it is.
pub struct Signal {
    secret: String,
    pub fields: Fields,
}

impl Signal {
    /// The body of a `POST`: an object. The token stands in the header, or as `secret` beside the
    /// other fields.
    pub async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        let whole = body::read(headers, body, BODY_MAX, &app.large_signals).await?;
        let mut fields: Map<String, Value> = serde_json::from_slice(&whole.bytes)
            .map_err(|_| Problem::bad_request("invalid JSON body"))?;
        let in_body = fields.remove("secret");
        let secret = match (bearer(headers), in_body) {
            (Some(token), _) => token.to_owned(),
            (None, Some(Value::String(token))) => token,
            (None, _) => String::new(),
        };
        if secret.is_empty() {
            return Err(missing_secret());
        }
        Ok(Self { secret, fields: Fields::new(fields) })
    }

    /// A `GET`, which has no body. Its query may hold the token and so is never written down.
    pub fn of_query(headers: &HeaderMap, query: Option<&str>) -> Result<Self, Problem> {
        let query = query.unwrap_or_default().as_bytes();
        let in_query = || {
            let (_, token) = form_urlencoded::parse(query).find(|(name, _)| name == "secret")?;
            Some(token.into_owned())
        };
        let token = bearer(headers).map(str::to_owned).or_else(in_query);
        let secret = token.filter(|token| !token.is_empty()).ok_or_else(missing_secret)?;
        Ok(Self { secret, fields: Fields::default() })
    }

    /// Who sent it, when the token is one of ours. Nothing is done with its texts before.
    pub fn verify(&self, app: &App) -> Result<Sender<'_>, Problem> {
        let verified = token::verify(&app.setup.token_key, &self.secret);
        let (run, attempt) = verified.ok_or_else(invalid_secret)?;
        Ok(Sender { run, attempt, token: &self.secret })
    }
}

/// The attempt whose token came with a request.
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

    /// Hands in what the run says.
    pub async fn report(&self, app: &App, report: Report) -> Result<(), Problem> {
        let event = Event::RunReported { run: self.run.to_owned(), attempt: self.attempt, report };
        self.submit(app, event).await.map(drop)
    }

    /// Hands in what the run asks for.
    pub async fn ask(&self, app: &App, ask: Ask) -> Result<Answer, Problem> {
        let event = Event::RunAsked { run: self.run.to_owned(), attempt: self.attempt, ask };
        self.submit(app, event).await
    }

    /// Hands in an event of its own.
    pub async fn submit(&self, app: &App, event: Event) -> Result<Answer, Problem> {
        match app.engine().submit(event).await? {
            // The attempt has ended: its token is good for nothing any more.
            Answer::NotFound { .. } => Err(invalid_secret()),
            answer => Ok(answer),
        }
    }

    /// A look at the state now, as long as the attempt lives.
    pub async fn look<T: Send + 'static>(
        &self,
        app: &App,
        look: impl FnOnce(&View) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let (id, attempt) = (self.run.to_owned(), self.attempt);
        let seen = app.engine().look(move |view| {
            let run = view.runs.get(&id)?;
            (run.attempt == attempt && run.state.alive()).then(|| look(view))
        });
        seen.await?.ok_or_else(invalid_secret)
    }
}
