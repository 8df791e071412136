//! `/api/auth/*`: sessions for browsers, opened with the API key.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::admit::{COOKIE, current_key, record, same_site, session, try_key, unauthorized};
use super::reply::{Answered, Problem, ok};
use super::sessions::LONGEST_MS;
use super::who::{self, Caller};
use super::{App, body, clean};
use crate::ambient;
use crate::scheduler::words::counted;
use crate::scheduler::{Deed, DeedKind, Door, Ending, Who};

/// The largest body: a key.
const BODY_MAX: usize = 16 * 1024;

#[derive(Debug, Default, Deserialize)]
struct LoginBody {
    key: Option<String>,
}

/// Opens a session for whoever has the key. Its id is in the cookie and nowhere else.
pub async fn login(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Body,
) -> Answered {
    let from = who::client_addr(&extensions).ok_or_else(unauthorized)?;
    let LoginBody { key } =
        body::read_json(&headers, body, BODY_MAX, &app.large_deliveries).await?;
    let key = key.ok_or_else(|| Problem::bad_request("key must be the API key, a text"))?;
    let epoch = current_key(&app).await?;
    let wrong = || Problem::new(StatusCode::UNAUTHORIZED, "Invalid API key");
    try_key(&app, from, &key, wrong).await?;
    let by = clean::text(&app, &who::by(&headers, "web"));
    let opened = app.sessions.open(&by, epoch, ambient::now_ms()).map_err(|error| {
        tracing::error!(target: "gateway", error = %error, "no random numbers");
        Problem::internal()
    })?;
    let id = opened.ok_or_else(wrong)?;
    let by = Who { name: by, door: Door::Session, address: Some(from.to_string()) };
    let recorded = record(&app, Deed::of(by, DeedKind::Login, Ending::Done, "")).await;
    if recorded.is_err() {
        // Nobody is in who is not on record.
        app.sessions.close(&id);
    }
    recorded?;
    let secure = who::wants_secure_cookie(&headers, &extensions);
    with_cookie(ok(&json!({"success": true})), &id, LONGEST_MS / 1000, secure)
}

/// Ends the session of the cookie; there may be none any more.
pub async fn logout(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Answered {
    if let Some(id) = session(&headers) {
        same_site(&Method::POST, &headers)?;
        if let Some(name) = app.sessions.close(id) {
            let address = who::client_addr(&extensions).map(|from| from.to_string());
            let by = Who { name, door: Door::Session, address };
            record(&app, Deed::of(by, DeedKind::Logout, Ending::Done, "")).await?;
        }
    }
    let secure = who::wants_secure_cookie(&headers, &extensions);
    with_cookie(ok(&json!({"success": true})), "", 0, secure)
}

/// Who comes this far was let in.
pub async fn check() -> Answered {
    Ok(ok(&json!({"authenticated": true})))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokeBody {
    /// It is done because the key was replaced.
    #[serde(default)]
    rotated: bool,
}

/// Ends all sessions, that of the asker among them.
pub async fn revoke(State(app): State<Arc<App>>, caller: Caller, body: Body) -> Answered {
    let body: RevokeBody =
        body::read_json(&caller.headers, body, BODY_MAX, &app.large_orders).await?;
    let revoked = app.sessions.revoke();
    let kind = if body.rotated { DeedKind::RotateKey } else { DeedKind::RevokeSessions };
    let detail = format!("{} ended", counted(revoked, "session"));
    record(&app, Deed::of(caller.who, kind, Ending::Done, detail)).await?;
    Ok(ok(&json!({"success": true, "revoked": revoked})))
}

fn with_cookie(mut response: Response, id: &str, age_s: i64, secure: bool) -> Answered {
    let mut cookie = format!("{COOKIE}={id}; HttpOnly; SameSite=Strict; Path=/; Max-Age={age_s}");
    if secure {
        cookie.push_str("; Secure");
    }
    let mut cookie = HeaderValue::try_from(cookie).map_err(|_| Problem::internal())?;
    cookie.set_sensitive(true);
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
