//! Who is let in, with what, and for how long.

use std::fs;

use action_llama::runtime::ExitWhy;
use action_llama::scheduler::RunState;
use serde_json::json;

use crate::client::Answer;
use crate::stage::exit;
use crate::world::{API_KEY, World, write_key};

/// Everything that is the operator's.
const PROTECTED: [(&str, &str); 10] = [
    ("GET", "/control/status"),
    ("GET", "/control/why/x"),
    ("POST", "/control/pause"),
    ("POST", "/control/nothing"),
    ("GET", "/metrics"),
    ("GET", "/locks/status"),
    ("GET", "/api/audit"),
    ("GET", "/api/auth/check"),
    ("POST", "/api/auth/revoke"),
    ("POST", "/control/trigger/one"),
];

async fn login(world: &World, headers: &[(&str, &str)], key: &str) -> Answer {
    let body = json!({"key": key}).to_string();
    world.send("POST", "/api/auth/login", headers, body.as_bytes()).await
}

/// The cookie that a login gave, as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie").unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

async fn logged_in(world: &World) -> String {
    let answer = login(world, &[("X-AL-By", "ana")], API_KEY).await;
    assert_eq!(answer.both(), (200, json!({"success": true})));
    cookie(&answer)
}

async fn with_cookie(world: &World, method: &str, path: &str, cookie: &str) -> u16 {
    let headers = [("Cookie", cookie), ("X-AL-CSRF", "1")];
    world.send(method, path, &headers, b"").await.status
}

// --- the door ---------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_refused_everywhere_and_a_browser_is_sent_nowhere() {
    let world = World::new().await;
    let id = "0".repeat(64);
    let dead = format!("al_session={id}");
    let offers: [&[(&str, &str)]; 4] = [
        &[],
        &[("Accept", "text/html,application/xhtml+xml")],
        &[("Cookie", &dead), ("X-AL-CSRF", "1")],
        &[("Cookie", "al_session="), ("Sec-Fetch-Site", "same-origin")],
    ];
    for headers in offers {
        for (method, path) in PROTECTED {
            let answer = world.send(method, path, headers, b"").await;
            let expected = (401, json!({"error": "Unauthorized"}));
            assert_eq!(answer.both(), expected, "{method} {path} {headers:?}");
        }
    }
    assert_eq!(world.count("SELECT count(*) FROM audit"), 0, "nothing was tried");
    assert_eq!(world.count("SELECT count(*) FROM runs"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_nobody_is_let_in() {
    let world = World::new().await;
    let cookie = logged_in(&world).await;
    fs::remove_file(world.key_file()).unwrap();
    let error = json!({"error": "there is no API key; `al start` makes one"});
    for key in ["", API_KEY] {
        assert_eq!(login(&world, &[], key).await.both(), (503, error.clone()), "{key:?}");
    }
    assert_eq!(with_cookie(&world, "GET", "/api/auth/check", &cookie).await, 503);
    assert_eq!(world.send("GET", "/metrics", &[], b"").await.status, 503);
    write_key(&world.key_file(), API_KEY);
    assert_eq!(with_cookie(&world, "GET", "/api/auth/check", &cookie).await, 401);
}

// --- sessions ---------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_a_cookie_that_says_nothing_of_the_key() {
    let world = World::new().await;
    let answer = login(&world, &[], API_KEY).await;
    assert_eq!(answer.both(), (200, json!({"success": true})));
    let whole = answer.header("set-cookie").unwrap();
    let id = cookie(&answer).strip_prefix("al_session=").unwrap().to_owned();
    let rest = "; httponly; samesite=strict; path=/; max-age=2592000";
    assert_eq!(whole, format!("al_session={id}{rest}"));
    assert!(id.len() == 64 && id.bytes().all(|digit| digit.is_ascii_hexdigit()), "{id}");
    assert!(!id.contains(API_KEY) && id != hex::encode(API_KEY));
    assert_ne!(logged_in(&world).await, format!("al_session={id}"), "each is another");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let https = [("X-Forwarded-Proto", "https")];
    let secure = login(&world, &https, API_KEY).await;
    assert!(secure.header("set-cookie").unwrap().ends_with("; secure"), "{}", secure.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_may_do_what_the_key_may_until_it_ends() {
    let world = World::new().await;
    let (ana, other) = (logged_in(&world).await, logged_in(&world).await);
    let check = world.send("GET", "/api/auth/check", &[("Cookie", &ana)], b"").await;
    assert_eq!(check.both(), (200, json!({"authenticated": true})));
    assert_eq!(with_cookie(&world, "POST", "/control/pause", &ana).await, 200);
    assert_eq!(world.count("SELECT count(*) FROM pauses WHERE by = 'ana'"), 1);

    let out =
        world.send("POST", "/api/auth/logout", &[("Cookie", &ana), ("X-AL-CSRF", "1")], b"").await;
    assert_eq!(out.both(), (200, json!({"success": true})));
    assert_eq!(cookie(&out), "al_session=");
    assert!(out.header("set-cookie").unwrap().contains("max-age=0"), "{}", out.head);
    assert_eq!(with_cookie(&world, "GET", "/api/auth/check", &ana).await, 401, "replayed");
    assert_eq!(with_cookie(&world, "GET", "/api/auth/check", &other).await, 200);
    assert_eq!(world.send("POST", "/api/auth/logout", &[], b"").await.status, 200);

    let key = format!("Bearer {API_KEY}");
    let revoked = world.send("POST", "/api/auth/revoke", &[("Authorization", &key)], b"").await;
    assert_eq!(revoked.both(), (200, json!({"success": true, "revoked": 1})));
    assert_eq!(with_cookie(&world, "GET", "/api/auth/check", &other).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_ends_every_session_at_once() {
    let world = World::new().await;
    let cookie = logged_in(&world).await;
    write_key(&world.key_file(), "another-key");
    assert_eq!(with_cookie(&world, "GET", "/control/status", &cookie).await, 401);
    write_key(&world.key_file(), API_KEY);
    assert_eq!(with_cookie(&world, "GET", "/control/status", &cookie).await, 401, "for good");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_login_is_refused_in_words() {
    let world = World::new().await;
    let check = async |body: &str, status: u16, error: &str| {
        let answer = world.send("POST", "/api/auth/login", &[], body.as_bytes()).await;
        assert_eq!(answer.both(), (status, json!({"error": error})), "{body}");
        assert_eq!(answer.header("set-cookie"), None);
    };
    check(r#"{"key": "guess"}"#, 401, "Invalid API key").await;
    check(r#"{"key": ""}"#, 401, "Invalid API key").await;
    check("{", 400, "invalid JSON body").await;
    check("[]", 400, "the body must be a JSON object").await;
    check("", 400, "key must be the API key, a text").await;
    check("{}", 400, "key must be the API key, a text").await;
    let wrong = "invalid type: integer `5`, expected a string at line 1 column 9";
    check(r#"{"key": 5}"#, 400, wrong).await;
    let large = format!(r#"{{"key": "{}"}}"#, "x".repeat(20_000));
    check(&large, 413, "payload too large").await;
    assert_eq!(world.send("GET", "/api/auth/login", &[], b"").await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_writes_nothing_with_the_cookie_of_its_visitor() {
    let world = World::new().await;
    let cookie = logged_in(&world).await;
    let check = async |more: &[(&str, &str)], status: u16| {
        let headers = [&[("Cookie", &*cookie)], more].concat();
        for path in ["/control/pause", "/control/resume"] {
            let answer = world.send("POST", path, &headers, b"").await;
            assert_eq!(answer.status, status, "{path} {more:?} {answer:?}");
        }
        let read = world.send("GET", "/control/status", &headers, b"").await;
        assert_eq!(read.status, 200, "{more:?}");
    };
    check(&[], 403).await;
    check(&[("Sec-Fetch-Site", "cross-site")], 403).await;
    check(&[("Origin", "https://evil.example.org")], 403).await;
    check(&[("Sec-Fetch-Site", "same-origin")], 200).await;
    check(&[("Origin", "http://al")], 200).await;
    check(&[("X-AL-CSRF", "1")], 200).await;
    let foreign = world.send("POST", "/api/auth/logout", &[("Cookie", &cookie)], b"").await;
    assert_eq!(foreign.status, 403, "not even out");
    let key = format!("Bearer {API_KEY}");
    let by_key = [("Authorization", &*key), ("Sec-Fetch-Site", "cross-site")];
    assert_eq!(world.send("POST", "/control/pause", &by_key, b"").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_a_wrong_key_is_not_let_in_by_a_cookie_beside_it() {
    let world = World::new().await;
    let cookie = logged_in(&world).await;
    let both = [("Authorization", "Bearer guess"), ("Cookie", &*cookie)];
    assert_eq!(world.send("GET", "/control/status", &both, b"").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_are_counted_wherever_they_are_tried() {
    let world = World::new().await;
    let wrong = [("Authorization", "Bearer guess")];
    for n in 0..5 {
        let status = match n % 2 {
            0 => login(&world, &[], "guess").await.status,
            _ => world.send("GET", "/metrics", &wrong, b"").await.status,
        };
        assert_eq!(status, 401);
    }
    let late = login(&world, &[], "guess").await;
    assert_eq!((late.status, late.header("retry-after")), (429, Some("1")));
    let later = world.send("GET", "/control/status", &wrong, b"").await;
    assert_eq!((later.status, later.header("retry-after")), (429, Some("2")));
    let error = json!({"error": "too many wrong API keys, try again in 2 s"});
    assert_eq!(later.body, error);
    // The operator is on this machine, and so are the runs of agents.
    logged_in(&world).await;
    assert_eq!(login(&world, &[], "guess").await.status, 401, "it starts anew");
}

// --- runs -------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_run_opens_nothing_once_the_run_has_ended() {
    let world = World::new().await;
    let run = world.running("one").await;
    let token = world.token(&run);
    let bearer = format!("Bearer {token}");
    let header = [("Authorization", &*bearer)];
    let in_header = async || world.send("GET", "/locks/list", &header, b"").await.status;
    let in_query =
        async || world.send("GET", &format!("/locks/list?secret={token}"), &[], b"").await.status;
    let body = json!({"text": "x", "secret": token}).to_string();
    let in_body = async || world.send("POST", "/signals/status", &[], body.as_bytes()).await.status;
    assert_eq!((in_header().await, in_query().await, in_body().await), (200, 200, 200));
    assert_eq!(world.send("GET", "/control/status", &header, b"").await.status, 401);
    world.stage.end(&run, 1, exit(ExitWhy::Exited, 0));
    world.until(&run, |run| run.state == RunState::Succeeded).await;
    assert_eq!((in_header().await, in_query().await, in_body().await), (403, 403, 403));
}

// --- words ------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn an_error_does_not_repeat_what_should_not_be_where_it_was() {
    let world = World::new().await;
    let planted = crate::world::PLANTED;
    let cookie = logged_in(&world).await;
    let id = cookie.strip_prefix("al_session=").unwrap();
    for secret in [planted, id] {
        let answers: [Answer; 4] = [
            world.order(&format!("agents/{secret}/pause")).await,
            world.order(&format!("kill/{secret}")).await,
            world.control("POST", "pause", &json!({"for": secret}).to_string()).await,
            world.control("POST", "pause", &json!({secret: 1}).to_string()).await,
        ];
        for answer in answers {
            let text = answer.body["error"].as_str().unwrap();
            assert!(text.contains("[redacted]") && !text.contains(secret), "{text}");
        }
        let body = json!({"why": format!("because of {secret}")}).to_string();
        assert_eq!(world.control("POST", "pause", &body).await.status, 200);
        let status = world.control("GET", "status", "").await;
        assert!(!status.body.to_string().contains(secret), "{}", status.body);
    }
}
