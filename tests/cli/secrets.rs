//! Secrets that were planted everywhere they belong, and then offered everywhere they do not.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::live::{Process, said, stat, wait};
use crate::world::World;

const WEBHOOK: &str = "planted-webhook-secret-5d1c";
const CREDENTIAL: &str = "planted-credential-90ab";

/// Says what it should not, leaves its token where only this test looks, and waits.
const COMMAND: &str = r#"echo "$GITHUB_TOKEN"; echo "$SHUTDOWN_SECRET"
al-status "it is $GITHUB_TOKEN and $SHUTDOWN_SECRET"
al-return "$GITHUB_TOKEN $SHUTDOWN_SECRET"
printf %s "$SHUTDOWN_SECRET" > "$AL_PROJECT_DIR/../home/token.new"
mv "$AL_PROJECT_DIR/../home/token.new" "$AL_PROJECT_DIR/../home/token"
while [ ! -e "$AL_PROJECT_DIR/../home/go" ]; do sleep 0.05; done"#;

/// What the gateway said, head and body, all of it.
struct Client {
    addr: String,
    heard: String,
}

impl Client {
    fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        let mut stream = TcpStream::connect(&self.addr).unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: al\r\nConnection: close\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        self.heard.push_str(&answer);
        answer
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

fn start(world: &World) -> (Process, Client) {
    let mut command = world.command(&["start", "-H", "--port", "0"]);
    let out = fs::File::create(world.home().join("out")).unwrap();
    let err = fs::File::create(world.home().join("err")).unwrap();
    command.env("AL_LOG", "trace").stdout(out).stderr(err).stdin(Stdio::null());
    let process = Process(command.spawn().unwrap());
    let url = wait(|| stat(world, "/scheduler/gateway"));
    let addr = url.as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    (process, Client { addr, heard: String::new() })
}

fn world() -> World {
    let command = COMMAND.replace("$AL_PROJECT_DIR", "$PLACE");
    let world = World::new(&[("config.toml", "[webhooks.hub]\ntype = \"github\"\n")]);
    let place = world.project().display().to_string();
    let config = format!(
        "credentials = [\"github_token\"]\n[[webhooks]]\nsource = \"hub\"\n[harness]\n\
         type = \"script\"\ncommand = '''PLACE={place}\n{command}'''\n[runtime]\ntype = \"process\"\n"
    );
    crate::world::write(&world.project().join("agents/dev/SKILL.md"), "Leaks.\n");
    crate::world::write(&world.project().join("agents/dev/config.toml"), &config);
    world.credential("github_token/default/token", CREDENTIAL, 0o600);
    world.credential("github_webhook_secret/default/secret", WEBHOOK, 0o600);
    world
}

fn signature(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn deliver(client: &mut Client, id: &str, secret: &str) -> String {
    let body = json!({
        "action": "opened", "sender": {"login": "eve"},
        "repository": {"full_name": "acme/api", "owner": {"login": "acme"}},
        "issue": {"number": 12, "title": "It broke", "user": {"login": "eve"}},
    })
    .to_string();
    let signature = signature(secret, &body);
    let headers = [
        ("Content-Type", "application/json"),
        ("X-GitHub-Event", "issues"),
        ("X-GitHub-Delivery", id),
        ("X-Hub-Signature-256", &signature),
    ];
    client.send("POST", "/webhooks/github", &headers, &body)
}

/// Offers a secret wherever it is not asked for.
fn misuse(client: &mut Client, secret: &str, key: &str) {
    let bearer = format!("Bearer {key}");
    let auth = ("Authorization", &*bearer);
    let named = json!({"why": secret, "for": secret, secret: secret}).to_string();
    for path in ["agents/{}/pause", "kill/{}", "trigger/{}", "why/{}", "{}", "rerun/{}", "say/{}"] {
        let path = format!("/control/{}", path.replace("{}", secret));
        for method in ["GET", "POST"] {
            client.send(method, &path, &[auth], "");
            client.send(method, &path, &[], &named);
        }
    }
    for path in ["/webhooks/{}", "/{}", "/locks/list?secret={}", "/calls/{}", "/api/audit?{}=1"] {
        client.send("GET", &path.replace("{}", secret), &[auth], "");
        client.send("POST", &path.replace("{}", secret), &[], &named);
    }
    for body in [
        json!({"why": format!("with {secret} in it")}),
        json!({"for": secret}),
        json!({secret: 1}),
        json!({"why": [secret]}),
    ] {
        client.send(
            "POST",
            "/control/agents/dev/pause",
            &[auth, ("X-AL-By", secret)],
            &body.to_string(),
        );
    }
    client.send("POST", "/control/agents/dev/resume", &[auth, ("X-AL-By", secret)], "");
    client.send(
        "POST",
        "/control/locks/release",
        &[auth],
        &json!({"resourceKey": secret}).to_string(),
    );
    client.send("POST", "/control/pause", &[("Cookie", &format!("al_session={secret}"))], "");
    client.send(
        "POST",
        "/signals/status",
        &[],
        &json!({"secret": secret, "text": secret}).to_string(),
    );
    client.send("POST", "/locks/acquire", &[], &json!({"secret": secret, secret: 5}).to_string());
}

/// Everything that was written below a folder.
fn written(dir: &Path, texts: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(dir).into_iter().flatten().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            written(&path, texts);
        } else if kind.is_file() {
            texts.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
}

fn assert_unseen(texts: &BTreeMap<String, Vec<u8>>, secrets: &[(&str, &str)]) {
    for (place, bytes) in texts {
        for (name, secret) in secrets {
            let seen = bytes.windows(secret.len()).position(|window| window == secret.as_bytes());
            let around = seen.map(|at| {
                let near = &bytes[at.saturating_sub(200)..(at + 100).min(bytes.len())];
                String::from_utf8_lossy(near).replace(secret, "***")
            });
            assert_eq!(around, None, "{name} is in {place}");
        }
    }
}

#[test]
fn no_secret_is_found_in_records_logs_answers_and_errors_after_a_workout() {
    let world = world();
    let (mut scheduler, mut client) = start(&world);
    let key_file = world.home().join(".action-llama/credentials/gateway_api_key/default/key");
    assert_eq!(fs::metadata(&key_file).unwrap().mode() & 0o777, 0o600);
    let old_key = fs::read_to_string(&key_file).unwrap().trim().to_owned();

    let login = |client: &mut Client, key: &str| {
        let body = json!({"key": key}).to_string();
        let answer = client.send("POST", "/api/auth/login", &[("X-AL-By", key)], &body);
        let cookie = answer.split("al_session=").nth(1).and_then(|rest| rest.split(';').next());
        // The one place where it belongs.
        if let Some(id) = cookie {
            client.heard = client.heard.replace(&format!("set-cookie: al_session={id}"), "");
        }
        cookie.map(str::to_owned)
    };
    let id = login(&mut client, &old_key).unwrap();
    assert_eq!(login(&mut client, "a-wrong-key"), None);

    assert_eq!(status(&deliver(&mut client, "d-1", "a wrong secret")), "401");
    assert_eq!(status(&deliver(&mut client, "d-2", WEBHOOK)), "200");
    let token = wait(|| fs::read_to_string(world.home().join("token")).ok());
    for secret in [&*old_key, &*id, &*token, WEBHOOK, CREDENTIAL] {
        misuse(&mut client, secret, &old_key);
    }

    // Another key, while it runs.
    let rotated = world.shown(&["doctor", "--rotate-key"]);
    assert!(
        rotated.contains("there is a new API key") && !rotated.contains("warning"),
        "{rotated}"
    );
    let new_key = fs::read_to_string(&key_file).unwrap().trim().to_owned();
    assert_ne!(new_key, old_key);
    let check = |client: &mut Client, header: (&str, &str)| {
        status(&client.send("GET", "/api/auth/check", &[header], "")).to_owned()
    };
    assert_eq!(check(&mut client, ("Authorization", &format!("Bearer {old_key}"))), "401");
    assert_eq!(check(&mut client, ("Authorization", &format!("Bearer {new_key}"))), "200");
    assert_eq!(check(&mut client, ("Cookie", &format!("al_session={id}"))), "401");
    misuse(&mut client, &new_key, &new_key);
    let new_id = login(&mut client, &new_key).unwrap();
    misuse(&mut client, &new_id, &new_key);

    fs::write(world.home().join("go"), "").unwrap();
    wait(|| stat(&world, "/runs/0/state").is_none().then_some(()));
    let audit: Value =
        serde_json::from_str(&said(&world, &["audit", "-n", "500", "--json"])).unwrap();
    let kinds: Vec<&str> = audit["audit"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["kind"].as_str().unwrap())
        .collect();
    for kind in ["login", "login-failed", "pause", "kill", "key-changed", "rotate-key"] {
        assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
    }
    let mut shown = String::new();
    for args in [
        &["audit", "-n", "500"][..],
        &["runs", "--json"],
        &["triggers", "--json"],
        &["logs", "dev"],
        &["stat", "--json"],
    ] {
        shown += &world.shown(args);
    }
    said(&world, &["stop"]);
    assert_eq!(scheduler.exit_code(), Some(0));

    let mut texts = BTreeMap::new();
    written(&world.project(), &mut texts);
    for name in ["out", "err"] {
        texts.insert(name.to_owned(), fs::read(world.home().join(name)).unwrap());
    }
    texts.insert("the answers".to_owned(), client.heard.into_bytes());
    texts.insert("what al shows".to_owned(), (shown + &rotated).into_bytes());
    let log = texts.iter().find(|(path, _)| path.contains("logs/scheduler")).unwrap();
    assert!(String::from_utf8_lossy(log.1).contains("/control/kill/{run}"), "requests are logged");
    let hash = token.rsplit('.').next().unwrap();
    let digest = hex::encode(Sha256::digest(&old_key));
    assert_unseen(
        &texts,
        &[
            ("the API key", &old_key),
            ("the new API key", &new_key),
            ("a session", &id),
            ("a later session", &new_id),
            ("the token of a run", hash),
            ("the webhook secret", WEBHOOK),
            ("the credential", CREDENTIAL),
            ("the digest of the key", &digest),
        ],
    );
}
