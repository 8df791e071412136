//! Who gets to see which route.

use action_llama::gateway::{self, Peer};
use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt;

use crate::world::{API_KEY, World};

/// From where somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    ThisMachine,
    /// Through a proxy on this machine.
    Proxy(&'static str),
    AnotherMachine,
}

const ALL: [From; 5] = [
    From::ThisMachine,
    From::Proxy("x-forwarded-for"),
    From::Proxy("forwarded"),
    From::Proxy("x-real-ip"),
    From::AnotherMachine,
];

async fn status(world: &World, from: From, method: &str, path: &str, key: bool) -> u16 {
    let peer = match from {
        From::ThisMachine | From::Proxy(_) => [127, 0, 0, 1],
        From::AnotherMachine => [192, 0, 2, 1],
    };
    let mut request = Request::builder().method(method).uri(path).extension(Peer(peer.into()));
    if let From::Proxy(header) = from {
        request = request.header(header, "127.0.0.1");
    }
    if key {
        request = request.header("authorization", format!("Bearer {API_KEY}"));
    }
    let router = gateway::router(world.app.clone());
    router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status().as_u16()
}

/// Status here, and outside with `gateway.api = false` and with `true`.
type Expected = (u16, u16, u16);

async fn check(row: (&str, &str, bool), expected: Expected) {
    for (api, outside) in [(false, expected.1), (true, expected.2)] {
        let world = World::with_settings(&format!("[gateway]\napi = {api}\n")).await;
        let (method, path, key) = row;
        for from in ALL {
            let want = if from == From::ThisMachine { expected.0 } else { outside };
            let seen = status(&world, from, method, path, key).await;
            assert_eq!(seen, want, "{method} {path} key={key} api={api} {from:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_webhooks_face_everybody() {
    check(("GET", "/health", false), (200, 200, 200)).await;
    check(("POST", "/webhooks/github", false), (401, 401, 401)).await;
    check(("POST", "/webhooks/nobody", false), (404, 404, 404)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_faces_others_only_when_that_is_said_and_wants_its_key() {
    check(("GET", "/control/status", true), (200, 404, 200)).await;
    check(("GET", "/control/status", false), (401, 404, 401)).await;
    check(("GET", "/control/pause", true), (405, 404, 405)).await;
    check(("GET", "/control/nothing", true), (404, 404, 404)).await;
    check(("GET", "/metrics", true), (200, 404, 200)).await;
    check(("GET", "/locks/status", true), (200, 404, 200)).await;
    check(("GET", "/locks/status", false), (401, 404, 401)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_runs_is_not_there_for_anybody_outside() {
    for path in ["/signals/status", "/signals/return", "/locks/acquire", "/calls", "/shutdown"] {
        check(("POST", path, true), (400, 404, 404)).await;
    }
    check(("GET", "/locks/list", true), (403, 404, 404)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_spelling_of_a_path_opens_nothing() {
    let world = World::with_settings("[gateway]\napi = false\n").await;
    for path in [
        "/webhooks/../control/status",
        "/webhooks/..%2fcontrol%2fstatus",
        "/webhooks/%2e%2e/control/status",
        "//control/status",
        "/control/../control/status",
        "/CONTROL/status",
        "/control/status/",
        "/control%2fstatus",
        "/health/../control/status",
        "/webhooks/x/../../signals/status",
    ] {
        for from in [From::AnotherMachine, From::Proxy("x-forwarded-for")] {
            for method in ["GET", "POST"] {
                assert_eq!(status(&world, from, method, path, true).await, 404, "{path} {from:?}");
            }
        }
    }
}
