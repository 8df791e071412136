//! What `al doctor` finds in a project with everything wrong, what `--fix` makes of it, and that
//! projects as people have them are left in peace.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use action_llama::scheduler::{Decision, Lock};
use serde_json::Value;

use crate::terminal::Session;
use crate::world::{World, closed_port, write};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/doctor");

/// A copy of a project from the fixtures; what looks like a secret is not kept there.
fn copy(name: &str, port: u16) -> World {
    fn files(dir: &Path) -> Vec<PathBuf> {
        let paths = fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
        let (folders, mut all): (Vec<PathBuf>, Vec<PathBuf>) = paths.partition(|p| p.is_dir());
        all.extend(folders.iter().flat_map(|dir| files(dir)));
        all
    }
    let world = World::new(&[]);
    let from = Path::new(FIXTURES).join(name);
    for file in files(&from) {
        let text = fs::read_to_string(&file).unwrap();
        let text = text.replace("@PORT@", &port.to_string());
        let text = text.replace("@TOKEN@", &format!("sk-{}", "a1b2".repeat(8)));
        let path = file.strip_prefix(&from).unwrap();
        match path.strip_prefix("environments") {
            Ok(name) => {
                write(&world.environment(name.file_stem().unwrap().to_str().unwrap()), &text)
            }
            Err(_) => write(&world.project().join(path), &text),
        }
    }
    world
}

/// An engine without anything special at the socket that the world's commands are told of.
fn engine(world: &World) {
    let listener = UnixListener::bind(world.home().join("docker.sock")).unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let info = "{\"Runtimes\":{\"runc\":{\"path\":\"runc\"}}}";
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n";
            let answer = format!("{head}content-length: {}\r\n\r\n{info}", info.len());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The project with everything wrong; what no file can say is done to it here.
fn faults(port: u16) -> World {
    let world = copy("faults", port);
    world.credential("exposed/default/token", "t", 0o644);
    world.credential("unused/default/token", "t", 0o640);
    mode(&world.home().join(".action-llama/credentials"), 0o755);
    mode(&world.project().join("agents/scan/SKILL.md"), 0o666);
    fs::create_dir(world.project().join(".al")).unwrap();
    mode(&world.project().join(".al"), 0o777);
    write(&world.project().join(".al/gateway.json"), "{\"url\":\"http://127.0.0.1:9\",\"pid\":7}");
    git_init(&world);
    world
}

fn git_init(world: &World) {
    let git = Command::new("git").args(["init", "-q"]).current_dir(world.project()).status();
    assert!(git.unwrap().success());
}

/// Each finding as `code place`, in the order of the report.
fn codes(world: &World, document: &Value) -> Vec<String> {
    let shown = |file: &str| {
        let file = file.replace(&format!("{}/", world.project().display()), "");
        file.replace(&world.home().display().to_string(), "~")
    };
    let findings = document["findings"].as_array().unwrap().iter();
    let text = |f: &Value| {
        let line = f["line"].as_u64().map_or_else(String::new, |line| format!(":{line}"));
        let file = shown(f["file"].as_str().unwrap());
        format!("{} {file}{line}", f["code"].as_str().unwrap())
    };
    findings.map(text).collect()
}

fn document(world: &World, args: &[&str]) -> (i32, Value) {
    let output = world.al(&[&["doctor", "--json"], args].concat());
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), document)
}

#[test]
fn every_planted_fault_is_found_in_one_pass() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let world = faults(port);
    let (code, found) = document(&world, &[]);
    let codes = codes(&world, &found);
    insta::assert_snapshot!("planted_faults", codes.join("\n"));
    assert_eq!(code, 3);
    let kinds: std::collections::BTreeSet<&str> =
        codes.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert!(kinds.len() >= 40 && codes.len() >= 50, "{} of {}", codes.len(), kinds.len());

    let shown = world.shown(&["doctor", "--check"]);
    let shown = shown.replace(&port.to_string(), "[port]");
    let owner = regex::Regex::new(r"in use by .*").unwrap();
    let shown = owner.replace(&shown, "in use by [test]").into_owned();
    let amounts = regex::Regex::new("containers get [0-9.]+").unwrap();
    let shown = amounts.replace_all(&shown, "containers get [n]").into_owned();
    let shown = shown.replace(&world.home().display().to_string(), "[home]");
    assert!(!shown.contains("a1b2"), "a secret is never shown");
    let wide: Vec<&str> = shown.lines().filter(|line| line.chars().count() > 80).collect();
    // A command is never broken, so that it can be copied.
    assert!(wide.iter().all(|line| line.contains("= fix: ")), "{wide:?}");
    insta::assert_snapshot!("report", shown);
}

#[test]
fn projects_as_people_have_them_are_in_order() {
    for (name, warnings) in [("fleet", 0), ("classic", 8)] {
        let world = copy(name, closed_port());
        engine(&world);
        for (path, value) in [
            ("openai_key/default/token", "sk-x"),
            ("anthropic_key/default/token", "sk-ant-api03-x"),
            ("github_token/default/token", "t"),
            ("github_webhook_secret/default/secret", "s"),
            ("linear_webhook_secret/default/secret", "secret-of-linear"),
            ("linear_token/default/token", "t"),
            ("sentry_token/default/token", "t"),
            ("sentry_client_secret/default/secret", "s"),
            ("git_ssh/default/id_rsa", "PRIVATE KEY"),
            ("git_ssh/default/username", "ann"),
            ("git_ssh/default/email", "ann@example.com"),
            ("git_ssh/bot/id_rsa", "PRIVATE KEY"),
            ("git_ssh/bot/username", "bot"),
            ("git_ssh/bot/email", "bot@example.com"),
        ] {
            world.credential(path, value, 0o600);
        }
        let (code, found) = document(&world, &["--check"]);
        let codes = codes(&world, &found);
        assert_eq!(
            (code, &found["errors"], codes.len()),
            (0, &Value::from(0), warnings),
            "{codes:#?}"
        );
        let older = |line: &String| {
            ["key_old", "file_old", "model_unnamed"].iter().any(|c| line.starts_with(c))
        };
        assert!(codes.iter().all(older), "{codes:#?}");
    }
}

#[test]
fn an_older_project_is_brought_up_to_date_and_keeps_its_comments() {
    let world = copy("classic", closed_port());
    let config = world.project().join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        format!("# ours\n{text}scael = 3 # not a word\n")
            .replace("maxReruns", "scael = 4 # typo\nmaxReruns")
            .replace("scael = 3 # not a word\n", ""),
    )
    .unwrap();
    let before = fs::read_to_string(&config).unwrap();

    // Nobody is there to ask, so nothing is changed.
    let asked = world.al(&["doctor", "--fix"]);
    assert_eq!(asked.status.code(), Some(2), "{}", String::from_utf8_lossy(&asked.stderr));
    assert_eq!(fs::read_to_string(&config).unwrap(), before);

    let mended = world.al(&["doctor", "--fix", "--yes", "--quiet"]);
    insta::assert_snapshot!("what_is_mended", String::from_utf8(mended.stderr).unwrap());
    let after = fs::read_to_string(&config).unwrap();
    let expected = before
        .replace("scael", "scale")
        .replace("maxTriggerDepth", "maxCallDepth")
        .replace("webhookQueueSize", "workQueueSize");
    assert_eq!(after, expected);
    for agent in ["dev", "planner"] {
        let folder = world.project().join("agents").join(agent);
        assert!(folder.join("SKILL.md").exists() && folder.join("config.toml").exists());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    }
    let (_, found) = document(&world, &[]);
    let codes = codes(&world, &found);
    assert!(
        !codes.iter().any(|code| code.starts_with("file_old") || code.starts_with("key_")),
        "{codes:?}"
    );
}

#[test]
fn each_change_is_asked_about() {
    let world = faults(closed_port());
    let project = world.project();
    let args = ["doctor", "--fix", "--quiet"];
    let mut session = Session::open_with(&world, &project, &args, &[("AL_PAGER", "cat")]);
    // No to the first, yes to the second, and then to all.
    for answer in ["n\r", "y\r", "a\r"] {
        session.expect("[y/N, a: all]").keys(answer);
    }
    let (_, shown) = session.end();
    assert_eq!(shown.matches("[y/N, a: all]").count(), 3, "{shown}");
    let text = |path: &str| fs::read_to_string(project.join(path)).unwrap();
    assert!(text("config.toml").contains("scael = 3"), "{shown}");
    assert_eq!(text(".gitignore"), "node_modules\n.al/\n.env.toml\n");
    assert_eq!(mode_of(&project.join("agents/scan/SKILL.md")), 0o664);
    assert_eq!(mode_of(&project.join(".al")), 0o775);
    assert_eq!(mode_of(&world.home().join(".action-llama/credentials")), 0o700);
    let exposed = world.home().join(".action-llama/credentials/exposed/default/token");
    assert_eq!(mode_of(&exposed), 0o600);
    assert!(!project.join(".al/gateway.json").exists());
    assert!(project.join("agents/old/SKILL.md").exists());
}

#[test]
fn where_nothing_can_be_written_the_old_file_stays() {
    let world = copy("classic", closed_port());
    let config = world.project().join("config.toml");
    let before = fs::read_to_string(&config).unwrap();
    let output = world.al_read_only(&[""], &["doctor", "--fix", "--yes", "--quiet"]);
    assert_eq!(fs::read_to_string(&config).unwrap(), before);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("config.toml is as it was: "), "{said}");
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn a_file_that_takes_no_bytes_is_left_whole() {
    let world = copy("classic", closed_port());
    // `.gitignore` is one that would be new.
    git_init(&world);
    let config = world.project().join("config.toml");
    let before = fs::read_to_string(&config).unwrap();
    // A limit on the size of files stands in for a full disk.
    let al = env!("CARGO_BIN_EXE_al");
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("trap '' XFSZ; ulimit -f 0; exec {al} doctor --fix --yes --quiet")]);
    let command = world.command(&[]);
    shell.env_clear().envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let output = shell.current_dir(world.project()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("config.toml is as it was: "), "{said}");
    assert_eq!(fs::read_to_string(&config).unwrap(), before);
    assert!(said.contains(".gitignore is as it was: "), "{said}");
    assert!(!world.project().join(".gitignore").exists());
    assert_eq!(output.status.code(), Some(4), "{said}");
}

#[test]
fn what_a_killed_command_was_writing_is_named_and_removed() {
    let world = World::new(&[
        ("agents/dev/SKILL.md", "Works.\n"),
        ("agents/dev/config.toml", "[harness]\ntype = \"script\"\ncommand = \"ls\"\n"),
    ]);
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let (dead, alive) = (dead.id(), std::process::id());
    let left = |pid: u32| {
        let project = world.project();
        [
            project.join(format!(".config.toml.{pid}-0.tmp")),
            project.join(format!("agents/dev/.SKILL.md.{pid}-3.tmp")),
            project.join(format!("agents/.new-one.{pid}.new/SKILL.md")),
            world.environment("x").with_file_name(format!(".x.toml.{pid}-0.tmp")),
        ]
    };
    left(dead).iter().chain(&left(alive)).for_each(|file| write(file, ""));
    let found = |args: &[&str]| {
        let (_, found) = document(&world, args);
        let found = found["findings"].as_array().unwrap().clone();
        found.iter().filter(|finding| finding["code"] == "half_written").count()
    };
    assert_eq!(found(&[]), 4);
    assert_eq!(found(&["--fix", "--yes"]), 0);
    assert!(left(dead).iter().all(|file| !file.parent().unwrap().exists() || !file.exists()));
    assert!(left(alive).iter().all(|file| file.exists()), "whose writer lives stays");
}

#[test]
fn a_lock_of_a_run_that_is_over_is_freed_while_no_scheduler_runs() {
    let world = copy("fleet", closed_port());
    engine(&world);
    let lock = Lock {
        key: "github://acme/shop/issues/4".to_owned(),
        run: "builder-1".to_owned(),
        attempt: 1,
        since: 0,
        until: i64::MAX,
    };
    world.history(&[Decision::Lock(lock)]);
    let stale =
        || codes(&world, &document(&world, &[]).1).iter().any(|c| c.starts_with("lock_stale"));
    assert!(stale());
    let output = world.al(&["doctor", "--fix", "--yes"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("free the lock github://acme/shop/issues/4"), "{said}");
    assert!(!stale());
}

#[test]
fn a_history_of_a_newer_al_is_told() {
    let world = copy("fleet", closed_port());
    world.history(&[]);
    let db = rusqlite::Connection::open(world.project().join(".al/al.db")).unwrap();
    db.pragma_update(None, "user_version", 999).unwrap();
    drop(db);
    let (_, found) = document(&world, &[]);
    assert!(codes(&world, &found).contains(&"history_newer .al/al.db".to_owned()), "{found}");
}

#[test]
fn only_silence_has_an_exit_code_of_its_own() {
    let world = World::new(&[
        ("config.toml", &format!("[gateway]\nport = {}\n", closed_port())),
        ("agents/dev/SKILL.md", "Work.\n"),
        (
            "agents/dev/config.toml",
            "schedule = \"@daily\"\n[harness]\ntype = \"script\"\ncommand = \"true\"\n",
        ),
    ]);
    let (code, found) = document(&world, &[]);
    assert_eq!(
        (code, codes(&world, &found)),
        (4, vec!["docker_silent agents/dev/config.toml".to_owned()])
    );
    engine(&world);
    assert_eq!(document(&world, &[]).0, 0);
}

/// A server that lists these models to whoever has this key, and thinks that it is 1999.
fn provider(key: &'static str, models: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut asked = [0; 4096];
            let n = stream.read(&mut asked).unwrap_or_default();
            let asked = String::from_utf8_lossy(&asked[..n]).into_owned();
            let body = format!("{{\"data\":[{models}]}}");
            let status = match asked.contains(&format!("Bearer {key}\r\n")) {
                true if asked.starts_with("GET /v1/models ") => "200 OK",
                true => "404 Not Found",
                false => "401 Unauthorized",
            };
            let date = "date: Fri, 31 Dec 1999 23:59:00 GMT";
            let head = format!("HTTP/1.1 {status}\r\n{date}\r\nconnection: close\r\n");
            let _ = stream.write_all(
                format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes(),
            );
        }
    });
    url
}

#[test]
fn a_server_is_asked_for_key_name_and_time() {
    let url = provider("good", "{\"id\":\"gpt-5\"},{\"id\":\"gpt-5-mini\"}");
    let model = |name: &str, model: &str| {
        format!(
            "[models.{name}]\nprovider = \"openai\"\nmodel = \"{model}\"\nbaseUrl = \"{url}\"\n"
        )
    };
    let config = format!("[gateway]\nport = {}\n", closed_port())
        + &model("right", "gpt-5")
        + &model("wrong", "gtp-5-mini");
    let world = World::new(&[
        ("config.toml", &config),
        ("agents/dev/SKILL.md", "Work.\n"),
        (
            "agents/dev/config.toml",
            "schedule = \"@daily\"\nmodels = [\"right\", \"wrong\"]\n[runtime]\ntype = \"process\"\n",
        ),
    ]);
    world.credential("openai_key/default/token", "good", 0o600);
    let (code, found) = document(&world, &["--online"]);
    assert_eq!(codes(&world, &found), ["model_not_offered config.toml:9", "clock_wrong ."]);
    assert_eq!(
        (code, found["findings"][0]["hints"][0].as_str()),
        (3, Some("did you mean `gpt-5-mini`?"))
    );
    world.credential("openai_key/default/token", "bad", 0o600);
    let (code, found) = document(&world, &["--online"]);
    assert_eq!((code, codes(&world, &found)[0].as_str()), (3, "model_key_refused config.toml:4"));
}

#[test]
fn a_folder_without_agents_is_not_wrong() {
    // Somebody may have a scheduler at the usual port.
    let config = format!("[gateway]\nport = {}\n", closed_port());
    let (code, found) = document(&World::new(&[("config.toml", &config)]), &[]);
    assert_eq!((code, &found["findings"][0]["code"]), (0, &Value::from("no_agents")));
}

#[test]
fn missing_credentials_are_asked_for_in_a_terminal() {
    let world = World::new(&[
        ("config.toml", &format!("[gateway]\nport = {}\n", closed_port())),
        ("agents/dev/SKILL.md", "Work.\n"),
        (
            "agents/dev/config.toml",
            "schedule = \"@daily\"\ncredentials = [\"mintlify_token\"]\n[harness]\n\
             type = \"script\"\ncommand = \"true\"\n[runtime]\ntype = \"process\"\n",
        ),
    ]);
    let add = "Add the credential mintlify_token now?";
    let (_, shown) = Session::open(&world, &["doctor", "--check"]).end();
    assert!(shown.contains("al creds add mintlify_token") && !shown.contains(add), "{shown}");

    let mut declined = Session::open(&world, &["doctor"]);
    declined.expect(add).keys("n\r");
    assert_eq!(declined.end().0, 3);

    // Somebody else adds it meanwhile.
    let mut late = Session::open(&world, &["doctor"]);
    late.expect(add).keys("y\r").expect("? token");
    world.credential("mintlify_token/default/token", "theirs", 0o600);
    late.keys("mine\r");
    let (_, shown) = late.end();
    assert!(shown.contains("there is a credential mintlify_token already"), "{shown}");
    let kind = world.home().join(".action-llama/credentials/mintlify_token");
    assert_eq!(fs::read_to_string(kind.join("default/token")).unwrap(), "theirs");
    // Or before anybody typed a secret, which is not asked for then.
    fs::remove_dir_all(&kind).unwrap();
    let mut late = Session::open(&world, &["doctor"]);
    late.expect(add);
    world.credential("mintlify_token/default/token", "theirs", 0o600);
    late.keys("y\r");
    let (_, shown) = late.end();
    assert!(shown.contains("there is a credential mintlify_token already"), "{shown}");
    assert!(!shown.contains("? token"), "{shown}");

    // One that is there without its value is completed.
    world.credential("mintlify_token/default/token", "", 0o600);
    let mut empty = Session::open(&world, &["doctor"]);
    empty.expect(add).keys("y\r").expect("? token").keys("typed\r");
    let (code, shown) = empty.end();
    assert!(code == 0 && shown.contains("nothing is wrong"), "{code} {shown}");
    assert_eq!(fs::read_to_string(kind.join("default/token")).unwrap(), "typed\n");
    fs::remove_dir_all(kind).unwrap();

    let mut session = Session::open(&world, &["doctor"]);
    session.expect(add).keys("y\r");
    session.expect("api-keys").expect("? token").keys("a-secret-of-mintlify\r");
    let (code, shown) = session.end();
    assert!(code == 0 && shown.contains("nothing is wrong"), "{code} {shown}");
    assert!(!shown.contains("a-secret-of-mintlify"), "{shown}");
}
