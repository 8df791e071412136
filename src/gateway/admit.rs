//! The door of everything that is the operator's: the API key, or a session that it opened.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::digest::Digest;
use super::key::{Epoch, Verdict};
use super::reply::Problem;
use super::throttle::{Price, hold_back};
use super::{App, clean, who};
use crate::ambient;
use crate::scheduler::words::counted;
use crate::scheduler::{Deed, DeedKind, Door, Ending, Event, Who};

/// The cookie of a session.
pub const COOKIE: &str = "al_session";

/// Lets only operators in, and says to those behind it who it is. A browser is refused like anybody
/// else: there is no page that it could go to.
pub async fn operators_only(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let (method, headers) = (request.method(), request.headers());
    match admit(&app, method, headers, request.extensions()).await {
        Ok((who, pass)) => {
            request.extensions_mut().insert(who);
            request.extensions_mut().insert(pass);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn admit(
    app: &Arc<App>,
    method: &Method,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<(Who, Pass), Problem> {
    let from = who::client_addr(extensions).ok_or_else(unauthorized)?;
    // Looked at before anything is judged: what changes meanwhile ends it.
    let revoked = app.sessions.revoked();
    let epoch = current_key(app).await?;
    let mut pass = Pass { app: Arc::clone(app), epoch, revoked, session: None };
    // Who shows a key is judged by it, whatever else comes with it.
    let (name, door) = match (bearer(headers), session(headers)) {
        (Some(key), _) => {
            try_key(app, from, key, unauthorized).await?;
            (who::by(headers, "api"), who::door_of_key(headers, extensions))
        }
        (None, Some(id)) => {
            let by = app.sessions.find(id, ambient::now_ms()).ok_or_else(unauthorized)?;
            same_site(method, headers)?;
            pass.session = Some(Digest::of(id));
            (by, Door::Session)
        }
        (None, None) => return Err(unauthorized()),
    };
    let who = Who { name: clean::text(app, &name), door, address: Some(from.to_string()) };
    Ok((who, pass))
}

/// What a request was let in with, for what goes on for long: another key, or an end to all
/// sessions or to its own, ends what they let in.
#[derive(Debug, Clone)]
pub struct Pass {
    app: Arc<App>,
    epoch: Epoch,
    revoked: u64,
    session: Option<Digest>,
}

impl Pass {
    /// Whether it would still be let in.
    pub fn is_good(&self) -> bool {
        let sessions = &self.app.sessions;
        let is_open = |session| sessions.is_open(session, ambient::now_ms());
        self.app.setup.api_key.now().0 == self.epoch
            && sessions.revoked() == self.revoked
            && self.session.as_ref().is_none_or(is_open)
    }
}

/// The key that counts now; sessions of another one have ended.
///
/// # Errors
/// When there is none, or it could not be written down that it is another one.
pub async fn current_key(app: &App) -> Result<Epoch, Problem> {
    let (epoch, is_there) = app.setup.api_key.now();
    if let Some(ended) = app.sessions.follow(epoch) {
        app.setup
            .redactor
            .learn(app.setup.api_key.read().map(|key| key.reveal().to_owned()).iter());
        let sessions = format!("{} ended", counted(ended, "session"));
        tracing::info!(target: "gateway", "the API key is another one, {sessions}");
        record(app, Deed::of(Who::host(), DeedKind::KeyChanged, Ending::Done, sessions)).await?;
    }
    if is_there { Ok(epoch) } else { Err(no_key()) }
}

/// Looks at an offered key, and makes whoever offers wrong ones wait.
///
/// # Errors
/// `wrong()` when it is not the key, 429 when that came too often.
pub async fn try_key(
    app: &Arc<App>,
    from: IpAddr,
    key: &str,
    wrong: impl Fn() -> Problem,
) -> Result<(), Problem> {
    let now = ambient::now_ms();
    if let Price::Wait { seconds } = app.throttle.wait(from, now) {
        return Err(too_many(seconds));
    }
    match app.setup.api_key.check(key) {
        Verdict::NoKey => Err(no_key()),
        Verdict::Right => {
            app.throttle.forgive(from);
            Ok(())
        }
        Verdict::Wrong => {
            let price = app.throttle.note(from, now);
            app.failures.note(app, from, now);
            tokio::time::sleep(hold_back(from, price)).await;
            Err(match price {
                Price::Nothing => wrong(),
                Price::Wait { seconds } => too_many(seconds),
            })
        }
    }
}

/// Writes down what somebody did.
///
/// # Errors
/// When it cannot be written.
pub async fn record(app: &App, deed: Deed) -> Result<(), Problem> {
    app.engine().submit(Event::Deed(Box::new(deed))).await?;
    Ok(())
}

/// Whether a write with a cookie comes from a page of this gateway: a browser sends cookies along
/// with what a foreign page makes it ask.
///
/// # Errors
/// 403 when it does not, or nothing says so.
pub fn same_site(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // A foreign page cannot add a header without asking first, and nobody here would say yes.
    let ours = method.is_safe()
        || text("x-al-csrf") == Some("1")
        || match (text("sec-fetch-site"), text("origin")) {
            (Some(site), _) => site == "same-origin",
            (None, Some(origin)) => {
                let host = origin.parse::<Uri>().ok();
                let host = host.as_ref().and_then(|uri| uri.authority().map(|a| a.as_str()));
                host.is_some() && host == headers.get(header::HOST).and_then(|h| h.to_str().ok())
            }
            (None, None) => false,
        };
    if ours { Ok(()) } else { Err(foreign()) }
}

fn foreign() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "a write with a cookie has to come from the same site, or with the header X-AL-CSRF: 1",
    )
}

/// The id in the cookie.
pub fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|all| all.to_str().ok());
    let mut pairs = cookies.flat_map(|all| all.split(';')).filter_map(|one| one.split_once('='));
    pairs.find(|(name, _)| name.trim() == COOKIE).map(|(_, id)| id.trim())
}

/// What stands behind `Authorization: Bearer`; a header of another kind is no key.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

pub fn unauthorized() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "Unauthorized")
}

fn no_key() -> Problem {
    Problem::later("there is no API key; `al start` makes one", 60)
}

fn too_many(seconds: u32) -> Problem {
    let text = format!("too many wrong API keys, try again in {seconds} s");
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, text);
    Problem { retry_after_s: Some(seconds), ..problem }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
        let named = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        all.iter().map(named).collect()
    }

    #[track_caller]
    fn check_write(all: &[(&'static str, &'static str)], ours: bool) {
        assert_eq!(same_site(&Method::POST, &headers(all)).is_ok(), ours, "{all:?}");
        assert!(same_site(&Method::GET, &headers(all)).is_ok(), "reading changes nothing");
    }

    #[test]
    fn only_pages_of_the_gateway_write_with_its_cookie() {
        let host = ("host", "al.example.org:8080");
        check_write(&[host], false);
        check_write(&[host, ("sec-fetch-site", "same-origin")], true);
        check_write(&[host, ("sec-fetch-site", "same-site")], false);
        check_write(&[host, ("sec-fetch-site", "cross-site")], false);
        check_write(&[host, ("sec-fetch-site", "none")], false);
        check_write(&[host, ("origin", "http://al.example.org:8080")], true);
        check_write(&[host, ("origin", "https://al.example.org:8080")], true);
        check_write(&[host, ("origin", "http://al.example.org")], false);
        check_write(&[host, ("origin", "http://evil.example.org")], false);
        check_write(&[host, ("origin", "null")], false);
        check_write(&[("origin", "http://al.example.org:8080")], false);
        let foreign =
            [host, ("sec-fetch-site", "cross-site"), ("origin", "http://al.example.org:8080")];
        check_write(&foreign, false);
        check_write(&[host, ("x-al-csrf", "1")], true);
        check_write(&[host, ("x-al-csrf", "0")], false);
    }

    #[track_caller]
    fn check_cookie(cookie: &'static str, id: Option<&str>) {
        assert_eq!(session(&headers(&[("cookie", cookie)])), id, "{cookie}");
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        check_cookie("al_session=abc", Some("abc"));
        check_cookie("a=b; al_session=abc; c=d", Some("abc"));
        check_cookie("al_session=", Some(""));
        check_cookie("xal_session=abc", None);
        check_cookie("al_session", None);
        check_cookie("", None);
    }
}
