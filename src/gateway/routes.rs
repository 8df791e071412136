//! The table of routes and what lies around all of them.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, MatchedPath, Path, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;

use super::proxy::Client;
use super::reply::{Problem, ok};
use super::serve::Peer;
use super::table::{Row, Table as Router, get, post};
use super::{
    App, admit, api, audit, auth, calls, clean, console, control, fixture, locks, metrics, past,
    proxy, receipts, said, signals, slots, starts, status, usage, waits, webhook,
};

/// All routes. Each request carries its [`super::Peer`] among the extensions; one without it counts
/// as from outside.
pub fn router(app: Arc<App>) -> axum::Router {
    finished(all(&app), app)
}

/// Every route that the gateway has.
pub fn list(app: &Arc<App>) -> Vec<Row> {
    all(app).rows()
}

fn all(app: &Arc<App>) -> Router<Arc<App>> {
    common()
        .route("/openapi.json", get(api::openapi))
        .route("/webhooks/{source}", post(webhook::receive).get(webhook::challenge))
        .nest("/control", control(app))
        .merge(operators(app))
        .merge(sessions(app))
        .merge(runs())
}

/// What is not for others than this machine does not exist for them. Notes who asks.
async fn face(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    if is_hidden(&app, &request) {
        return Problem::not_found("not found").into_response();
    }
    if let Some(peer) = request.extensions().get::<Peer>() {
        let trust_proxy = app.config(|gateway| gateway.trust_proxy);
        let client = Client::of(*peer, request.headers(), trust_proxy);
        request.extensions_mut().insert(client);
    }
    next.run(request).await
}

fn is_hidden(app: &App, request: &Request) -> bool {
    let path = request.uri().path();
    let is_public = path == "/health" || path.starts_with("/webhooks/");
    !is_public
        && proxy::is_outside(request.extensions().get().copied(), request.headers())
        && !app.config(|gateway| gateway.api)
}

/// What a run in a container can see of the gateway: nothing that is for others.
pub fn for_containers(app: Arc<App>) -> axum::Router {
    finished(common().merge(runs()), app)
}

fn common() -> Router<Arc<App>> {
    Router::new().route("/health", get(async || ok(&json!({"status": "ok"}))))
}

fn finished(routes: Router<Arc<App>>, app: Arc<App>) -> axum::Router {
    routes
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&app), face))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(Arc::clone(&app), clean::errors))
        .layer(from_fn(note))
        .with_state(app)
}

/// What runs say and ask for.
fn runs() -> Router<Arc<App>> {
    Router::new()
        .route("/signals/status", post(signals::status))
        .route("/signals/return", post(signals::return_value))
        .route("/signals/rerun", post(signals::rerun))
        .route("/signals/trigger", post(calls::trigger))
        .route("/shutdown", post(signals::shutdown))
        .route("/locks/acquire", post(locks::acquire))
        .route("/locks/release", post(locks::release))
        .route("/locks/heartbeat", post(locks::heartbeat))
        .route("/locks/list", get(locks::list))
        .route("/calls", post(calls::call))
        .route("/calls/{id}", get(calls::check))
        .route("/waits", post(waits::wait))
        .route("/waits/{id}", get(waits::check))
        .route("/asks", post(waits::ask))
        .route("/usage", post(usage::report))
        .route("/usage/more", post(usage::more))
        .route("/slots/acquire", post(slots::acquire))
        .route("/slots/release", post(slots::release))
        .route("/said", get(said::list))
        .route_layer(from_fn(signals::this_machine_only))
}

/// With the key wherever the gateway listens: names of agents are nobody else's business, and what
/// is open on this machine alone is open to every run on it.
fn control(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/why/{id}", get(past::why))
        .route("/stats", get(past::stats))
        .route("/triggers", get(receipts::list))
        .route("/triggers/{receipt}", get(receipts::one))
        .route("/status", get(status::status))
        .route("/instances", get(status::instances))
        .route("/alerts", get(status::alerts))
        .route("/pause", post(control::pause))
        .route("/resume", post(control::resume))
        .route("/drain", post(control::drain))
        .route("/stop", post(control::stop))
        .route("/trigger/{name}", post(starts::trigger))
        .route("/rerun/{run}", post(starts::rerun))
        .route("/kill/{run}", post(control::kill))
        .route("/runs/{run}/drop", post(control::drop_run))
        .route("/answer/{run}", post(control::answer))
        .route("/say/{run}", post(said::say))
        .route("/locks/release", post(control::release))
        .route("/webhooks/replay", post(fixture::replay))
        .route("/project/scale", post(control::scale_project))
        .route("/agents/{name}/pause", post(control::pause_agent))
        .route("/agents/{name}/disable", post(control::pause_agent))
        .route("/agents/{name}/drain", post(control::drain_agent))
        .route("/agents/{name}/stop", post(control::stop_agent))
        .route("/agents/{name}/resume", post(control::resume_agent))
        .route("/agents/{name}/enable", post(control::resume_agent))
        .route("/agents/{name}/kill", post(control::kill_agent))
        .route("/agents/{name}/scale", post(control::scale_agent))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(app), admit::operators_only))
}

/// What operators ask outside `/control`, where existing clients look for it.
fn operators(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/locks/status", get(status::all_locks))
        .route("/metrics", get(metrics::metrics))
        .route("/api/stats/triggers", get(receipts::triggers))
        .route("/api/stats/webhooks/{receipt}", get(receipts::stored))
        .route("/api/webhooks/{receipt}/replay", post(receipts::replay))
        .route("/api/audit", get(audit::audit))
        .route("/api/console", get(console::open))
        .route("/api/console/{id}", post(console::say))
        .merge(api::routes())
        .route_layer(from_fn_with_state(Arc::clone(app), admit::operators_only))
}

/// For browsers: a session instead of the key.
fn sessions(app: &Arc<App>) -> Router<Arc<App>> {
    let inside = Router::new()
        .route("/api/auth/check", get(auth::check))
        .route("/api/auth/revoke", post(auth::revoke))
        .route_layer(from_fn_with_state(Arc::clone(app), admit::operators_only));
    let outside = Router::new()
        .route("/api/auth/login", post(auth::login))
        .route("/api/auth/logout", post(auth::logout));
    inside.merge(outside)
}

async fn unknown() -> Problem {
    Problem::not_found("not found")
}

async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
}

/// The message of a panic may hold anything, so nobody sees it outside.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!(target: "gateway", "a request was given up because of a bug");
    Problem::internal().into_response()
}

/// The route and not the path, in which anything may stand; no query, in which a token may.
async fn note(request: Request, next: Next) -> Response {
    if !tracing::enabled!(target: "gateway", tracing::Level::DEBUG) {
        return next.run(request).await;
    }
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| "unknown".to_owned(), |route| route.as_str().to_owned());
    let method = request.method().clone();
    let began = Instant::now();
    let response = next.run(request).await;
    let (status, took_us) = (response.status().as_u16(), began.elapsed().as_micros() as u64);
    tracing::debug!(target: "gateway", %method, route, status, took_us, "request");
    response
}

/// The one variable part of a path.
pub struct Name(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        path.map(|Path(name)| Self(name)).map_err(|_| Problem::not_found("not found"))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn ask(router: axum::Router, request: Request) -> (u16, String) {
        let response = router.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1024).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_bug_is_answered_without_its_details() {
        async fn buggy() -> Response {
            panic!("details")
        }
        let router = axum::Router::new()
            .route("/", get(buggy))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn(note));
        let answer = ask(router, Request::new(Body::empty())).await;
        assert_eq!(answer, (500, r#"{"error":"internal error"}"#.to_owned()));
    }

    async fn check_signal_from(peer: Option<IpAddr>, status: u16) {
        let router = axum::Router::new()
            .route("/", get(async || ok(&json!({}))))
            .route_layer(from_fn(signals::this_machine_only));
        let mut request = Request::new(Body::empty());
        if let Some(peer) = peer {
            request.extensions_mut().insert(Peer(peer));
        }
        assert_eq!(ask(router, request).await.0, status, "{peer:?}");
    }

    #[tokio::test]
    async fn signals_come_from_this_machine_only() {
        check_signal_from(Some([127, 0, 0, 1].into()), 200).await;
        check_signal_from(Some([0, 0, 0, 0, 0, 0, 0, 1].into()), 200).await;
        check_signal_from(Some([192, 0, 2, 1].into()), 404).await;
        check_signal_from(Some([10, 0, 0, 1].into()), 404).await;
        check_signal_from(None, 404).await;
    }
}
