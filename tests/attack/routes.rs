//! All routes there are, as the source says, without what opens them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::report::{Attack, Report};

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"];
/// Where routes are nested.
const NESTS: [&str; 4] = ["", "/control", "/api", "/dashboard/api"];
/// What anybody may ask: it gives nothing away.
const PUBLIC: [&str; 3] = ["/health", "/openapi.json", "/api/auth/logout"];
/// Every no, and no other answer.
const NO: [u16; 8] = [400, 401, 403, 404, 405, 411, 415, 429];

/// Every path that some `route("...")` of the gateway names, below everything it may be nested in.
fn paths() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gateway")) {
        let text = fs::read_to_string(file).unwrap();
        for rest in text.split("route(").skip(1) {
            let Some(path) = rest.trim_start().strip_prefix('"') else { continue };
            let path = path.split('"').next().unwrap();
            found.extend(NESTS.iter().map(|nest| format!("{nest}{}", filled(path))));
        }
    }
    assert!(found.contains("/control/pause") && found.contains("/signals/status"), "{found:?}");
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The path with something in place of its variable part.
fn filled(path: &str) -> String {
    let parts = path.split('/');
    let filled = parts.map(|part| if part.starts_with('{') { "one" } else { part });
    filled.collect::<Vec<_>>().join("/")
}

pub async fn nobody_gets_in_without_the_key(report: &mut Report<'_>) {
    let mut attack = Attack::new("every route, without a key");
    for path in paths().iter().filter(|path| !PUBLIC.contains(&path.as_str())) {
        for method in METHODS {
            let heard = report.target.ask(method, path, &[], "").await;
            attack.heard(&format!("{method} {path}"), &heard, &NO);
        }
    }
    report.add(attack);

    let mut attack = Attack::new("wrong keys, and in wrong places");
    let guesses: [(&str, &str); 6] = [
        ("Authorization", "Bearer "),
        ("Authorization", "Bearer guessed"),
        ("Authorization", "Basic YWxhZGRpbjpvcGVuc2VzYW1l"),
        ("Authorization", crate::target::KEY),
        ("X-Api-Key", crate::target::KEY),
        ("Cookie", "al_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ];
    for guess in guesses {
        for path in ["/control/status", "/control/pause", "/metrics", "/locks/status"] {
            let method = if path == "/control/pause" { "POST" } else { "GET" };
            let heard = report.target.ask(method, path, &[guess], "").await;
            attack.heard(&format!("{method} {path} {guess:?}"), &heard, &[401, 429]);
        }
    }
    let in_query = format!("/control/status?key={0}&access_token={0}", crate::target::KEY);
    let heard = report.target.ask("GET", &in_query, &[], "").await;
    attack.heard("the key in the query", &heard, &[401]);
    report.add(attack);
}

pub async fn nothing_but_webhooks_faces_a_proxy(report: &mut Report<'_>) {
    let mut attack = Attack::new("every route, through a proxy");
    let key = format!("Bearer {}", crate::target::KEY);
    let headers = [("Authorization", key.as_str()), ("X-Forwarded-For", "192.0.2.200")];
    for path in paths().iter().filter(|path| *path != "/health" && !path.starts_with("/webhooks")) {
        for method in ["GET", "POST"] {
            let heard = report.target.ask(method, path, &headers, "{}").await;
            attack.heard(&format!("{method} {path}"), &heard, &[404]);
        }
    }
    report.add(attack);
}

pub async fn another_spelling_of_a_path_opens_nothing(report: &mut Report<'_>) {
    let mut attack = Attack::new("other spellings of paths");
    for path in [
        "/../../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/webhooks/../control/status",
        "/webhooks/..%2fcontrol%2fstatus",
        "/webhooks/..;/control/status",
        "/health/../control/status",
        "//control/status",
        "/./control/status",
        "/control%2fstatus",
        "/%63ontrol%2Fstatus",
        "/control\\status",
        "/control/status%00",
        "/control/status/.",
        "/control/kill/..%2f..%2fone",
        "/control/trigger/..%2f..%2fone",
        "/control/agents/../status",
        "/webhooks/%ff%fe",
        "/webhooks/..%5c..%5cconfig.toml",
        "/.al/history.db",
        "/?/control/status",
        "/#/control/status",
    ] {
        for method in ["GET", "POST"] {
            let heard = report.target.ask(method, path, &[], "{}").await;
            attack.heard(&format!("{method} {path}"), &heard, &NO);
        }
    }
    report.add(attack);
}
