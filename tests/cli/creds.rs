//! Credentials from the command line: stored, listed, shown, replaced, removed.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;

use crate::world::{World, fed};

const DEV: &[(&str, &str)] = &[
    (
        "config.toml",
        r#"[models.sonnet]
provider = "anthropic"
model = "claude-sonnet-4-20250514"

[webhooks.hub]
type = "github"

[credentials.my_api]
fields = ["token", "url"]
env = { MY_API_TOKEN = "token", MY_API_URL = "url" }
public = ["url"]
optional = ["url"]
about = "for our own API"
"#,
    ),
    ("agents/dev/SKILL.md", "---\nname: dev\n---\nDevelop.\n"),
    (
        "agents/dev/config.toml",
        "models = [\"sonnet\"]\ncredentials = [\"github_token\", \"my_api\"]\nschedule = \"0 0 * * *\"\n",
    ),
];

fn told(world: &World, output: &Output) -> String {
    let mut text = format!("exit code {}\n", output.status.code().unwrap());
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            text.push_str(&format!("--- {name}\n{}", String::from_utf8_lossy(bytes)));
        }
    }
    world.steady(&text)
}

/// Adds a credential whose maker is not asked.
fn add(world: &World, reference: &str, field: &str, value: &str) -> String {
    let flag = format!("{field}=-");
    let args = ["creds", "add", reference, "--no-check", "--field", &flag];
    told(world, &fed(&mut world.command(&args), value))
}

/// Somebody who made credentials, and answers each question with the next of these.
struct Maker {
    url: String,
    asked: mpsc::Receiver<String>,
}

impl Maker {
    fn answering(answers: &[(u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers: Vec<(u16, String)> =
            answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let (tell, asked) = mpsc::channel();
        thread::spawn(move || {
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().unwrap();
                tell.send(request(&mut stream)).unwrap();
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} Word\r\ncontent-type: application/json\r\n\
                     content-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.try_iter().collect()
    }
}

/// The request line, the headers that say who asks, and the body.
fn request(stream: &mut impl Read) -> String {
    let (mut bytes, mut block) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
            if body.len() >= length.map_or(0, |length| length.trim().parse().unwrap()) {
                let who = ["authorization:", "private-token:", "x-api-key:", "x-goog-api-key:"];
                let who: Vec<&str> = head
                    .lines()
                    .filter(|line| who.iter().any(|w| line.to_ascii_lowercase().starts_with(w)))
                    .collect();
                let line = head.lines().next().unwrap();
                return format!("{line} | {} | {body}", who.join(" | "));
            }
        }
        match stream.read(&mut block).unwrap() {
            0 => return text,
            n => bytes.extend_from_slice(&block[..n]),
        }
    }
}

/// Adds one whose maker answers so; what was said, and what was asked.
fn ask_maker(
    kind: &str,
    fields: &[(&str, &str)],
    answers: &[(u16, &str)],
) -> (World, Output, Vec<String>) {
    let world = World::new(&[]);
    let maker = Maker::answering(answers);
    let mut args = vec!["creds".to_owned(), "add".to_owned(), kind.to_owned()];
    for (name, value) in fields {
        let file = world.home().join(name);
        fs::write(&file, value).unwrap();
        args.extend(["--field".to_owned(), format!("{name}=@{}", file.display())]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let variable = format!("AL_CHECK_URL_{}", kind.to_ascii_uppercase());
    let output = world.command(&args).env(variable, &maker.url).output().unwrap();
    let asked = maker.asked();
    (world, output, asked)
}

#[test]
fn what_is_there_and_what_is_missing_is_on_one_list() {
    let world = World::new(DEV);
    insta::assert_snapshot!(add(&world, "github_token", "token", "ghp_planted\r\n"));
    let ages = regex::Regex::new(r"\b\d+s\b").unwrap();
    let shown = world.shown(&["creds", "ls"]);
    insta::assert_snapshot!(ages.replace_all(&shown, "0s"));
    let document: serde_json::Value =
        serde_json::from_slice(&world.al(&["creds", "ls", "--json"]).stdout).unwrap();
    let rows = document["credentials"].as_array().unwrap();
    let states: Vec<_> = rows.iter().map(|r| (r["type"].as_str(), r["state"].as_str())).collect();
    assert_eq!(
        states,
        [
            (Some("anthropic_key"), Some("missing")),
            (Some("github_token"), Some("ok")),
            (Some("github_webhook_secret"), Some("missing")),
            (Some("my_api"), Some("missing")),
        ]
    );
    assert_eq!(rows[1]["wantedBy"], serde_json::json!(["dev"]));
    assert_eq!(rows[1]["lastUse"], serde_json::Value::Null);
}

#[test]
fn a_stored_credential_is_whole_and_for_its_owner_only() {
    let world = World::new(DEV);
    add(&world, "github_token:bot", "token", "ghp_planted");
    let folder = world.home().join(".action-llama/credentials/github_token/bot");
    let field = folder.join("token");
    assert_eq!(fs::read_to_string(&field).unwrap(), "ghp_planted\n");
    assert_eq!(fs::metadata(&field).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o7777, 0o700);
}

#[test]
fn nothing_prints_a_secret_but_who_is_told_to() {
    let world = World::new(DEV);
    add(&world, "my_api", "token", "planted-90ab");
    for args in [
        &["creds", "ls"][..],
        &["creds", "ls", "--json"],
        &["creds", "show", "my_api"],
        &["creds", "show", "my_api", "--json"],
        &["creds", "types", "my_api"],
        &["creds", "add", "my_api"],
        &["creds", "rm", "my_api"],
    ] {
        let shown = world.shown(args);
        assert!(!shown.contains("planted-90ab"), "{args:?}: {shown}");
    }
    let shown = world.shown(&["creds", "show", "my_api"]);
    assert!(shown.contains("token  (hidden)"), "{shown}");
    let shown = world.shown(&["creds", "show", "my_api", "--reveal"]);
    assert!(shown.contains("token  planted-90ab"), "{shown}");
}

#[test]
fn what_cannot_be_stored_says_why_and_never_what() {
    let world = World::new(DEV);
    add(&world, "github_token", "token", "ghp_old");
    let mut all = String::new();
    let mut check = |args: &[&str], stdin: &str| {
        let output = fed(&mut world.command(args), stdin);
        let shown = told(&world, &output);
        assert!(!shown.contains("planted"), "{shown}");
        all.push_str(&format!("$ al {}\n{shown}\n", args.join(" ").replace("planted", "[value]")));
    };
    check(&["creds", "add", "githb_token", "--field", "token=-"], "planted");
    check(&["creds", "add", "../x", "--field", "token=-"], "planted");
    check(&["creds", "add", "github_token:../../y", "--field", "token=-"], "planted");
    check(&["creds", "add", "linear_token", "--field", "token=planted"], "");
    check(&["creds", "add", "linear_token", "--field", "tokn=-"], "planted");
    check(&["creds", "add", "linear_token", "--field", "token"], "planted");
    check(&["creds", "add", "linear_token", "--field", "token=@nowhere"], "");
    check(&["creds", "add", "linear_token"], "");
    check(&["creds", "add"], "");
    check(
        &[
            "creds",
            "add",
            "aws",
            "--field",
            "access_key_id=AKIA1",
            "--field",
            "secret_access_key=-",
        ],
        "",
    );
    check(
        &["creds", "add", "aws", "--field", "access_key_id=-", "--field", "secret_access_key=-"],
        "planted",
    );
    check(&["creds", "add", "aws", "--from-env"], "");
    check(&["creds", "add", "openai_key", "--field", "token=-"], "planted");
    check(&["creds", "add", "git_ssh", "--field", "id_rsa=-"], "planted");
    check(&["creds", "add", "gcp_service_account", "--field", "key_json=-"], "planted");
    check(&["creds", "add", "linear_token", "--generate"], "");
    check(&["creds", "add", "github_token", "--field", "token=-"], "planted");
    check(&["creds", "add", "gateway_api_key"], "");
    check(&["creds", "rotate", "sentry_token", "--field", "token=-"], "planted");
    check(&["creds", "rm", "github_token"], "");
    check(&["creds", "rm", "github_tokn"], "");
    check(&["creds", "show", "sentry_token"], "");
    insta::assert_snapshot!(all);
    let store = world.home().join(".action-llama/credentials");
    let kinds: Vec<_> = fs::read_dir(store).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(kinds, ["github_token"], "nothing else was written");
    let old = world.shown(&["creds", "show", "github_token", "--reveal"]);
    assert!(old.contains("ghp_old"), "{old}");
}

#[test]
fn a_new_value_takes_the_place_of_the_old_one_and_names_stay() {
    let world = World::new(DEV);
    let both = ["creds", "add", "my_api", "--field", "token=-", "--field", "url=https://a.example"];
    fed(&mut world.command(&both), "first");
    let rotate = ["creds", "rotate", "my_api", "--field", "token=-"];
    let output = fed(&mut world.command(&rotate), "second");
    assert_eq!(output.status.code(), Some(0), "{}", told(&world, &output));
    let shown = world.shown(&["creds", "show", "my_api", "--reveal"]);
    assert!(
        shown.contains("token  second") && shown.contains("url    https://a.example"),
        "{shown}"
    );
    let output = world.al(&["creds", "rm", "my_api", "--yes"]);
    assert_eq!(
        told(&world, &output),
        "exit code 0\n--- stdout\nremoved my_api\n--- stderr\nwarning: my_api is wanted by dev\n"
    );
    assert_eq!(world.al(&["creds", "show", "my_api"]).status.code(), Some(1));
}

#[test]
fn the_key_of_the_gateway_is_rotated_elsewhere_even_when_it_cannot_be_read() {
    let world = World::new(DEV);
    world.credential("gateway_api_key/default/key", "made", 0o644);
    let output = world.al(&["creds", "rotate", "gateway_api_key"]);
    assert_eq!(
        told(&world, &output),
        "exit code 2\n--- stderr\nerror: the key of the gateway here makes itself\n\
         hint: a new one: al doctor --rotate-key\n"
    );
}

#[test]
fn a_type_that_nobody_describes_has_the_fields_that_are_named() {
    let world = World::new(DEV);
    let mut all = String::new();
    let mut check = |args: &[&str], stdin: &str| {
        let shown = told(&world, &fed(&mut world.command(args), stdin));
        // How long ago it was written is another thing on a slow machine.
        let lines = shown.lines().filter(|line| !line.starts_with("written:"));
        all.push_str(&format!(
            "$ al {}\n{}\n\n",
            args.join(" "),
            lines.collect::<Vec<_>>().join("\n")
        ));
    };
    let both = ["--field", "user=@user", "--field", "password=-"];
    fs::write(world.project().join("user"), "bob").unwrap();
    check(&["creds", "add", "acme_login"], "");
    check(&[&["creds", "add", "acme_login"][..], &both].concat(), "planted");
    check(&["creds", "add", "acme_login:b", "--field", "password=planted"], "");
    check(&["creds", "add", "acme_login:b", "--field", "../x=-"], "planted");
    check(&["creds", "add", "acme_mail", "--field", "=-"], "planted");
    check(&["creds", "show", "acme_login"], "");
    check(&["creds", "rotate", "acme_login", "--field", "password=-"], "other");
    check(&["creds", "show", "acme_login", "--reveal"], "");
    insta::assert_snapshot!(all);
}

#[test]
fn variables_that_hold_a_credential_can_be_read() {
    let world = World::new(DEV);
    let mut command = world.command(&["creds", "add", "aws", "--from-env", "--no-check"]);
    command.env("AWS_ACCESS_KEY_ID", "AKIA1").env("AWS_SECRET_ACCESS_KEY", "planted");
    assert_eq!(command.output().unwrap().status.code(), Some(0));
    let mut command = world.command(&["creds", "add", "anthropic_key", "--from-env", "--no-check"]);
    command.env("ANTHROPIC_API_KEY", "sk-ant-1");
    assert_eq!(command.output().unwrap().status.code(), Some(0));
    let shown = world.shown(&["creds", "show", "aws", "--reveal"]);
    assert!(shown.contains("secret_access_key  planted"), "{shown}");
}

#[test]
fn a_credential_of_the_environment_comes_before_the_file() {
    let world = World::new(DEV);
    add(&world, "github_token", "token", "ghp_file");
    let variable = "AL_SECRET_github_token__default__token";
    let shown = |args: &[&str]| {
        let output = world.command(args).env(variable, "ghp_env").output().unwrap();
        told(&world, &output)
    };
    let text = shown(&["creds", "show", "github_token", "--reveal"]);
    assert!(text.contains("from:    env") && text.contains("token  ghp_env"), "{text}");
    let text = shown(&["creds", "ls"]);
    let row = text.lines().find(|line| line.starts_with("github_token ")).unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(words, ["github_token", "ok", "env", "-", "-", "dev"]);
}

#[test]
fn the_maker_of_a_credential_is_asked_whether_it_holds() {
    let check = |kind: &str,
                 fields: &[(&str, &str)],
                 answers: &[(u16, &str)],
                 asked: &[&str],
                 said: &str| {
        let (world, output, heard) = ask_maker(kind, fields, answers);
        let text = told(&world, &output);
        assert_eq!(heard, asked, "{kind}: {text}");
        assert_eq!(output.status.code(), Some(0), "{kind}: {text}");
        assert!(text.contains(said), "{kind}: {text}");
    };
    check(
        "github_token",
        &[("token", "ghp_planted")],
        &[(200, r#"{"login": "octocat", "id": 1}"#), (200, "[]")],
        &[
            "GET /user HTTP/1.1 | authorization: Bearer ghp_planted | ",
            "GET /user/repos?per_page=1 HTTP/1.1 | authorization: Bearer ghp_planted | ",
        ],
        "(checked: it is that of octocat)",
    );
    check(
        "slack_bot_token",
        &[("token", "xoxb-planted")],
        &[(200, r#"{"ok": true, "team": "Acme", "user": "al"}"#)],
        &["POST /api/auth.test HTTP/1.1 | authorization: Bearer xoxb-planted | "],
        "(checked: it is that of Acme)",
    );
    check(
        "linear_token",
        &[("token", "lin_api_planted")],
        &[(200, r#"{"data": {"viewer": {"id": "u", "name": "Ada"}}}"#)],
        &["POST /graphql HTTP/1.1 | authorization: lin_api_planted | \
             {\"query\":\"{ viewer { id name } }\"}"],
        "(checked: it is that of Ada)",
    );
    check(
        "gitlab_token",
        &[("token", "glpat-planted")],
        &[(200, r#"{"id": 1, "username": "ada"}"#)],
        &["GET /api/v4/user HTTP/1.1 | private-token: glpat-planted | "],
        "(checked: it is that of ada)",
    );
    check(
        "reddit_oauth",
        &[
            ("client_id", "id"),
            ("client_secret", "planted"),
            ("username", "a&b"),
            ("password", "p w"),
        ],
        &[(200, r#"{"access_token": "t", "token_type": "bearer", "expires_in": 86400}"#)],
        &["POST /api/v1/access_token HTTP/1.1 | authorization: Basic aWQ6cGxhbnRlZA== | \
             grant_type=password&username=a%26b&password=p+w"],
        "(checked: it is accepted)",
    );
    check(
        "anthropic_key",
        &[("token", "sk-ant-api03-planted")],
        &[(200, r#"{"data": [], "has_more": false}"#)],
        &["GET /v1/models?limit=1 HTTP/1.1 | x-api-key: sk-ant-api03-planted | "],
        "(checked: it is accepted)",
    );
    check(
        "cloudflare_api_token",
        &[("api_token", "planted")],
        &[(200, r#"{"result": {"id": "x", "status": "active"}, "success": true}"#)],
        &["GET /client/v4/user/tokens/verify HTTP/1.1 | authorization: Bearer planted | "],
        "(checked: it is accepted)",
    );
    check(
        "npm_token",
        &[("token", "npm_planted")],
        &[(200, r#"{"username": "ada"}"#)],
        &["GET /-/whoami HTTP/1.1 | authorization: Bearer npm_planted | "],
        "(checked: it is that of ada)",
    );
    // A token of a sign-in is not asked about.
    check("anthropic_key", &[("token", "sk-ant-oat01-planted")], &[], &[], "stored anthropic_key");
}

#[test]
fn what_its_maker_refuses_is_not_stored_and_the_reason_has_no_secret() {
    let check = |kind: &str, fields: &[(&str, &str)], answer: (u16, &str), said: &str| {
        let (world, output, _) = ask_maker(kind, fields, &[answer]);
        let text = told(&world, &output);
        assert_eq!(output.status.code(), Some(2), "{kind}: {text}");
        assert!(text.contains(said) && text.contains("--no-check"), "{kind}: {text}");
        assert!(!text.contains("planted"), "{kind}: {text}");
        let stored = world.home().join(".action-llama/credentials").join(kind);
        assert!(!stored.exists(), "{kind}");
    };
    check(
        "github_token",
        &[("token", "ghp_planted")],
        (401, r#"{"message": "Bad credentials: ghp_planted", "status": "401"}"#),
        "was not accepted by its maker: Bad credentials: *** (status 401)",
    );
    check("npm_token", &[("token", "npm_planted")], (403, ""), "its maker: status 403");
    check(
        "slack_bot_token",
        &[("token", "xoxb-planted")],
        (200, r#"{"ok": false, "error": "invalid_auth"}"#),
        "its maker: invalid_auth",
    );
    check(
        "linear_token",
        &[("token", "lin_planted")],
        (400, r#"{"errors": [{"message": "Authentication required, not authenticated"}]}"#),
        "its maker: Authentication required, not authenticated (status 400)",
    );
    check(
        "google_key",
        &[("token", "AIzaplanted")],
        (400, r#"{"error": {"code": 400, "message": "API key not valid."}}"#),
        "its maker: API key not valid. (status 400)",
    );
    check(
        "cloudflare_api_token",
        &[("api_token", "planted")],
        (200, r#"{"result": {"id": "x", "status": "disabled"}, "success": true}"#),
        "its maker: it is disabled",
    );
    check(
        "reddit_oauth",
        &[("client_id", "id"), ("client_secret", "s"), ("username", "u"), ("password", "planted")],
        (200, r#"{"error": "invalid_grant"}"#),
        "its maker: invalid_grant",
    );
    check(
        "aws",
        &[("access_key_id", "AKIAX"), ("secret_access_key", "planted")],
        (
            403,
            r#"{"Error": {"Code": "InvalidClientTokenId", "Message": "The security token is invalid."}}"#,
        ),
        "its maker: The security token is invalid. (status 403)",
    );
}

#[test]
fn when_nobody_can_be_asked_that_is_a_warning() {
    let world = World::new(&[]);
    let nobody = format!("http://127.0.0.1:{}", crate::world::closed_port());
    let mut command = world.command(&["creds", "add", "github_token", "--field", "token=-"]);
    command.env("AL_CHECK_URL_GITHUB_TOKEN", nobody);
    let output = fed(&mut command, "ghp_planted");
    let text = told(&world, &output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("warning: it could not be checked: 127.0.0.1:"), "{text}");
    assert!(
        text.contains(
            "stored github_token in ~/.action-llama/credentials/github_token/default (not checked)"
        ),
        "{text}"
    );
    let (world, output, _) = ask_maker("npm_token", &[("token", "npm_x")], &[(503, "down")]);
    let text = told(&world, &output);
    assert!(text.contains("warning: it could not be checked: status 503"), "{text}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn an_address_to_ask_that_is_none_is_refused() {
    let world = World::new(DEV);
    let mut command = world.command(&["creds", "add", "github_token", "--field", "token=-"]);
    command.env("AL_CHECK_URL_GITHUB_TOKEN", "file:///etc/passwd");
    let shown = told(&world, &fed(&mut command, "planted"));
    assert!(shown.starts_with("exit code 2\n"), "{shown}");
    assert!(shown.contains("AL_CHECK_URL_GITHUB_TOKEN: "), "{shown}");
}

#[test]
fn a_key_for_ssh_is_made_read_from_a_file_and_looked_at() {
    let world = World::new(&[]);
    // No key is ever where everybody's temporary files are.
    let al = |args: &[&str]| world.command(args).env("TMPDIR", "/nowhere").output().unwrap();
    let output = al(&["creds", "add", "vps_ssh", "--generate"]);
    let text = told(&world, &output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("its public half, for the servers:\n  ssh-ed25519 AAAA"), "{text}");
    let folder = world.home().join(".action-llama/credentials/vps_ssh/default");
    let public = fs::read_to_string(folder.join("public_key")).unwrap();
    let key = folder.join("private_key");
    // From a file; its public half is found by itself.
    let flag = format!("private_key=@{}", key.display());
    let output = al(&["creds", "add", "vps_ssh:two", "--field", &flag]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&world, &output));
    let two = world.home().join(".action-llama/credentials/vps_ssh/two");
    let half = |text: &str| text.split(' ').nth(1).unwrap().trim().to_owned();
    assert_eq!(half(&fs::read_to_string(two.join("public_key")).unwrap()), half(&public));
    // One with a passphrase is of no use to a run.
    let locked = world.home().join("locked");
    fs::copy(&key, &locked).unwrap();
    let made = Command::new("ssh-keygen")
        .args(["-q", "-p", "-P", "", "-N", "planted", "-f"])
        .arg(&locked)
        .status()
        .unwrap();
    assert!(made.success());
    let flag = format!("id_rsa=@{}", locked.display());
    let text = told(&world, &al(&["creds", "add", "git_ssh", "--field", &flag]));
    assert!(text.contains("id_rsa of git_ssh has a passphrase, or is damaged"), "{text}");
    let store = fs::read_dir(world.home().join(".action-llama/credentials")).unwrap();
    let names: Vec<_> = store.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["vps_ssh"]);
}

#[test]
fn a_store_that_others_can_change_is_refused_with_the_command_that_mends_it() {
    let world = World::new(DEV);
    add(&world, "github_token", "token", "ghp_planted");
    let kind = world.home().join(".action-llama/credentials/github_token");
    fs::set_permissions(&kind, fs::Permissions::from_mode(0o775)).unwrap();
    let text = world.shown(&["creds", "ls"]);
    assert!(text.contains("unsafe"), "{text}");
    let fix = format!("(mode 0775); run: chmod 700 {}", kind.display());
    assert!(text.contains(&fix), "{text}");
    assert!(world.shown(&["creds", "show", "github_token"]).contains(&fix));
}

#[test]
fn types_say_where_to_get_one() {
    let world = World::new(DEV);
    insta::assert_snapshot!(world.shown(&["creds", "types"]));
    insta::assert_snapshot!(world.shown(&["creds", "types", "gitlab_token"]));
    insta::assert_snapshot!(world.shown(&["creds", "types", "my_api"]));
}

#[test]
fn nobody_at_the_terminal_is_told_which_flag_answers() {
    let world = World::new(&[]);
    let text = world.shown(&["creds", "add", "github_token"]);
    assert!(text.contains("say it with --field token=-"), "{text}");
}

#[test]
fn of_several_who_add_at_once_one_is_stored_and_whole() {
    let world = World::new(&[]);
    let children: Vec<_> = ["one", "two", "three", "four"]
        .iter()
        .map(|who| {
            let (id, secret) = (world.home().join(format!("{who}-id")), world.home().join(who));
            fs::write(&id, who).unwrap();
            fs::write(&secret, who).unwrap();
            let id = format!("access_key_id=@{}", id.display());
            let secret = format!("secret_access_key=@{}", secret.display());
            let args = ["creds", "add", "aws", "--no-check", "--field", &id, "--field", &secret];
            world.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let stored = children.into_iter().filter_map(|mut child| child.wait().unwrap().code());
    assert_eq!(stored.filter(|code| *code == 0).count(), 1);
    let folder = world.home().join(".action-llama/credentials/aws");
    let read = |name: &str| fs::read_to_string(folder.join("default").join(name)).unwrap();
    assert_eq!(read("access_key_id"), read("secret_access_key"));
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "nothing stays beside it");
}

#[test]
fn a_run_gets_no_credential_that_its_agent_does_not_list() {
    let agent = |listed: &str| {
        format!(
            "credentials = [{listed}]\nschedule = \"0 0 1 1 *\"\n[harness]\ntype = \"script\"\n\
             command = \"env; find $AL_CREDENTIALS_PATH -type f -exec cat {{}} +; echo over\"\n\
             [runtime]\ntype = \"process\"\n"
        )
    };
    let listed = agent("\"my_api\"");
    let config = "[credentials.my_api]\nfields = [\"token\"]\nenv = { MY_TOKEN = \"token\" }\n";
    let world = World::new(&[
        ("config.toml", config),
        ("agents/dev/SKILL.md", "Look.\n"),
        ("agents/dev/config.toml", &listed),
    ]);
    add(&world, "my_api", "token", "mine-4711");
    add(&world, "github_token", "token", "ghp_planted");
    add(&world, "my_api:other", "token", "planted-other");
    let mut command = world.command(&["run", "dev"]);
    command.env("AL_SECRET_jira__default__token", "planted-jira");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&world, &output));
    let logs = world.project().join(".al");
    let mut all = told(&world, &output);
    let mut left = vec![logs];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => left.push(entry.path()),
                kind if kind.is_file() => {
                    all.push_str(&String::from_utf8_lossy(&fs::read(entry.path()).unwrap()));
                }
                _ => {}
            }
        }
    }
    assert!(all.contains("MY_TOKEN="), "{all}");
    for secret in ["planted", "4711"] {
        assert!(!all.contains(secret), "{secret}");
    }
    // That it was given the one is known, and that it was not given the others.
    let rows: serde_json::Value =
        serde_json::from_slice(&world.al(&["creds", "ls", "--json"]).stdout).unwrap();
    let used: Vec<_> = rows["credentials"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| !row["lastUse"].is_null())
        .map(|row| (row["type"].as_str().unwrap(), row["instance"].as_str().unwrap()))
        .collect();
    assert_eq!(used, [("my_api", "default")]);
}
