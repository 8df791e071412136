//! `al doctor` finds what would go wrong later, all of it at once; `al models` lists what is asked.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::Value;

use crate::world::{Gateway, World, closed_port, write};

const SKILL: &str = "Work.\n";
const SCRIPT: &str = "[harness]\ntype = \"script\"\ncommand = \"true\"\n\
                      [runtime]\ntype = \"process\"\n";

/// A project of these models, and one agent with this configuration in the process runtime.
fn project(models: &str, agent: &str) -> World {
    let config = format!("[gateway]\nport = {}\n{models}", closed_port());
    let agent = format!("schedule = \"0 5 * * *\"\n{agent}");
    World::new(&[
        ("config.toml", &config),
        ("agents/dev/SKILL.md", SKILL),
        ("agents/dev/config.toml", &agent),
    ])
}

/// What doctor finds in these groups, as `severity: what`, and the exit code.
fn found(world: &World, groups: &[&str], args: &[&str]) -> (i32, Vec<String>) {
    let (code, document) = document(world, args);
    let findings = document["findings"].as_array().unwrap().iter();
    let of_these = findings.filter(|f| groups.contains(&f["group"].as_str().unwrap()));
    let text = |f: &Value, key: &str| f[key].as_str().unwrap().to_owned();
    (code, of_these.map(|f| format!("{}: {}", text(f, "severity"), text(f, "what"))).collect())
}

fn document(world: &World, args: &[&str]) -> (i32, Value) {
    let output = world.al(&[&["doctor", "--json"], args].concat());
    let code = output.status.code().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(document["ok"], code == 0, "{document}");
    (code, document)
}

const MANY_FAULTS: &[(&str, &str)] = &[
    (
        "config.toml",
        r#"projectName = "shop"
unknwn = 1

[models.fast]
provider = "anthropic"
model = "claude-haiku-4"
[models.typo]
provider = "antropic"
model = "x"
[models.local]
provider = "custom"
model = "qwen"
baseUrl = "localhost:8080"
[models.nowhere]
provider = "custom"
model = "qwen"
[models.signed]
provider = "anthropic"
model = "claude"
authType = "pi_auth"
[models.tape]
provider = "replay"
file = "tape.jsonl"

[webhooks.gh]
type = "github"
[webhooks.open]
type = "github"
credential = "open"
allowUnsigned = true
[webhooks.lin]
type = "linear"
"#,
    ),
    ("tape.jsonl", "{}\n{\"a\":\n"),
    ("agents/dev/SKILL.md", SKILL),
    (
        "agents/dev/config.toml",
        r#"schedule = "0 5 * * *"
models = ["fast", "typo", "local", "nowhere", "tape", "missing"]
credentials = ["github_token", "git_ssh:bot"]
budget = { perRun = "$2" }
[runtime]
type = "process"
"#,
    ),
    ("agents/idle/SKILL.md", SKILL),
    ("agents/idle/config.toml", "models = [\"fast\"]\ncredentials = [\"not_needed\"]\nscale = 0\n"),
    ("agents/lost/SKILL.md", SKILL),
    ("agents/lost/config.toml", "models = [\"tape\"]\n[runtime]\ntype = \"process\"\n"),
    ("agents/pi/SKILL.md", SKILL),
    ("agents/pi/config.toml", "schedule = \"61 5 * * *\"\nmodels = [\"signed\"]\n"),
    ("agents/review/SKILL.md", SKILL),
    (
        "agents/review/config.toml",
        "models = [\"fast\"]\n[harness]\ntype = \"claude\"\n[[webhooks]]\nsource = \"lin\"\n\
         [runtime]\ntype = \"process\"\n",
    ),
    ("agents/scan/SKILL.md", SKILL),
    (
        "agents/scan/config.toml",
        r#"credentials = ["github_token", "exposed"]
[[webhooks]]
source = "gh"
[harness]
type = "script"
command = ["./run.sh"]
[runtime]
type = "process"
"#,
    ),
];

#[test]
fn sources_that_take_nothing_or_everything_are_told() {
    let sources = "[webhooks.bot]\ntype = \"discord\"\n[webhooks.team]\ntype = \"slack\"\n\
                   [webhooks.try]\ntype = \"test\"\n[webhooks.x]\ntype = \"twitter\"\n";
    let bindings: String = ["bot", "team", "try", "x"]
        .map(|source| format!("[[webhooks]]\nsource = \"{source}\"\n"))
        .concat();
    let world = project(sources, &format!("{bindings}{SCRIPT}"));
    world.credential("discord_bot/default/public_key", "copied badly", 0o600);
    world.credential("discord_bot/default/bot_token", "t", 0o600);
    world.credential("x_twitter_api/default/consumer_secret", "s", 0o600);
    let (code, found) = found(&world, &["webhooks"], &[]);
    let expected = [
        "error: [webhooks.bot]: the public key 'default' of discord is not 64 hexadecimal digits",
        "error: no delivery of [webhooks.team] is taken: `slack_signing_secret` holds no secret",
        "warning: [SECURITY] [webhooks.try] accepts deliveries of anybody (type test)",
    ];
    assert_eq!((code, found), (3, expected.map(str::to_owned).to_vec()));
}

#[test]
fn many_faults_are_found_in_one_pass() {
    let world = World::new(MANY_FAULTS);
    world.credential("exposed/default/token", "t", 0o644);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    write(&world.project().join(".env.toml"), &format!("[gateway]\nport = {port}\n"));
    let shown = world.shown(&["doctor"]);
    let shown = shown.replace(&port.to_string(), "[port]");
    let owner = regex::Regex::new(r"in use by .*").unwrap();
    let shown = owner.replace(&shown, "in use by [test]").into_owned();
    insta::assert_snapshot!(shown);
    let wide: Vec<&str> = shown.lines().filter(|line| line.chars().count() > 80).collect();
    // A command is never broken, so that it can be copied.
    assert!(wide.iter().all(|line| line.contains("= fix: ")), "{wide:?}");
}

#[test]
fn a_sound_project_is_told_so() {
    let world = project("", SCRIPT);
    insta::assert_snapshot!(world.shown(&["doctor", "--strict", "--online"]));
    assert_eq!(world.shown(&["doctor", "-q"]), "exit code 0\n");
}

#[test]
fn a_folder_without_a_project_is_an_error() {
    insta::assert_snapshot!(World::new(&[]).shown(&["doctor", "-p", "nowhere"]));
    let file = World::new(&[("file", "")]).shown(&["doctor", "-p", "file"]);
    assert!(file.contains("this is no folder"), "{file}");
    let (code, found) = found(&World::new(&[]), &["configuration"], &[]);
    assert_eq!((code, found), (0, vec!["warning: the project has no agents".to_owned()]));
}

#[test]
fn warnings_count_when_they_are_to() {
    let world = project("", &format!("scael = 1\n{SCRIPT}"));
    let check = |args: &[&str], code: i32, severity: &str| {
        let expected = vec![format!("{severity}: unknown key `scael`")];
        assert_eq!(found(&world, &["configuration"], args), (code, expected), "{args:?}");
    };
    check(&[], 0, "warning");
    check(&["--strict"], 3, "error");
}

#[test]
fn scripts_get_each_finding_with_its_place_and_fix() {
    let world = project("", &format!("credentials = [\"jira\"]\n{SCRIPT}"));
    let (code, document) = document(&world, &[]);
    assert_eq!(code, 3);
    let document = serde_json::to_string_pretty(&document).unwrap();
    insta::assert_snapshot!(world.steady(&document));
}

/// Every file below a folder, with its content and mode.
fn contents(dir: &Path) -> BTreeMap<String, (Vec<u8>, u32)> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let mode = entry.metadata().unwrap().permissions().mode();
        let bytes = fs::read(entry.path()).unwrap_or_default();
        all.insert(entry.path().display().to_string(), (bytes, mode));
        if entry.path().is_dir() {
            all.extend(contents(&entry.path()));
        }
    }
    all
}

#[test]
fn nothing_is_changed() {
    let world = World::new(MANY_FAULTS);
    world.credential("exposed/default/token", "t", 0o644);
    let root = world.project().parent().unwrap().to_owned();
    let before = contents(&root);
    assert_eq!(world.al(&["doctor"]).status.code(), Some(3));
    world.al(&["models"]);
    assert_eq!(contents(&root), before);
}

#[test]
fn a_model_needs_a_key_unless_its_own_server_does_not() {
    let check = |settings: &str, stored: Option<&str>, expected: &[&str]| {
        let models = format!("[models.m]\nmodel = \"x\"\n{settings}\n");
        let world = project(&models, "models = [\"m\"]\n[runtime]\ntype = \"process\"\n");
        if let Some(key) = stored {
            world.credential("anthropic_key/default/token", key, 0o600);
        }
        assert_eq!(found(&world, &["models"], &[]).1, expected, "{settings} {stored:?}");
    };
    let missing = "error: model `m` of agent `dev` has no key: there is no credential";
    let anthropic = "provider = \"anthropic\"";
    check(anthropic, None, &[&format!("{missing} `anthropic_key`")]);
    check(anthropic, Some(" \n"), &[&format!("{missing} `anthropic_key`")]);
    check(anthropic, Some("sk-ant-api03-x"), &[]);
    let looks_like_token = "warning: the key of model `m` looks like an OAuth token";
    check(anthropic, Some("sk-ant-oat01-x"), &[looks_like_token]);
    let oauth = &format!("{anthropic}\nauthType = \"oauth_token\"");
    check(oauth, Some("sk-ant-oat01-x"), &[]);
    let looks_like_none = "warning: the key of model `m` looks like no OAuth token";
    check(oauth, Some("sk-ant-api03-x"), &[looks_like_none]);
    check("provider = \"groq\"", Some("k"), &[&format!("{missing} `groq_key`")]);
    let own = "baseUrl = \"http://127.0.0.1:9/v1\"";
    check(&format!("{anthropic}\n{own}"), None, &[]);
    check(&format!("provider = \"custom\"\n{own}"), None, &[]);
    check(&format!("{oauth}\n{own}"), None, &[&format!("{missing} `anthropic_key`")]);
}

#[test]
fn one_exposed_key_is_one_finding() {
    let model =
        |name: &str| format!("[models.{name}]\nprovider = \"anthropic\"\nmodel = \"{name}\"\n");
    let agent = "models = [\"a\", \"b\"]\ncredentials = [\"anthropic_key\"]\n[harness]\n\
                 type = \"claude\"\n[runtime]\ntype = \"process\"\n";
    let world = project(&(model("a") + &model("b")), agent);
    world.credential("anthropic_key/default/token", "k", 0o604);
    let (_, document) = document(&world, &[]);
    let text = document.to_string();
    assert_eq!(text.matches("others can use this credential (mode 0604)").count(), 1, "{text}");
    assert!(text.contains("\"chmod 600 ~/.action-llama/credentials/anthropic_key"), "{text}");
}

#[test]
fn a_credential_of_a_known_type_needs_its_fields() {
    let world = project("", &format!("credentials = [\"linear_oauth\", \"jira\"]\n{SCRIPT}"));
    world.credential("linear_oauth/default/client_id", "7", 0o600);
    world.credential("jira/default/anything", "t", 0o600);
    let lacks = "error: credential `linear_oauth` of agent `dev`: it lacks access_token";
    assert_eq!(found(&world, &["credentials"], &[]).1, [lacks]);
}

#[test]
fn a_sign_in_of_pi_is_for_runs_outside_of_containers() {
    let models = "[models.m]\nprovider = \"anthropic\"\nmodel = \"x\"\nauthType = \"pi_auth\"\n";
    let check = |runtime: &str, auth: Option<&str>, expected: &[&str]| {
        let agent = format!("models = [\"m\"]\n[runtime]\ntype = \"{runtime}\"\n");
        let world = project(models, &agent);
        if let Some(auth) = auth {
            write(&world.home().join(".pi/agent/auth.json"), auth);
        }
        assert_eq!(found(&world, &["models"], &[]).1, expected, "{runtime} {auth:?}");
    };
    let signed_in =
        Some("{\"anthropic\":{\"type\":\"oauth\",\"access\":\"a\",\"expires\":99999999999999}}");
    let contained = "error: agent `dev` runs in a container, where model `m` cannot use `pi_auth`";
    check("container", signed_in, &[contained]);
    check("process", signed_in, &[]);
    let and = "error: model `m` uses `pi_auth`, and ~/.pi/agent/auth.json:";
    check("process", None, &[&format!("{and} there is no such file; sign in with pi first")]);
    let none = format!("{and} has no sign-in for this provider; `/login` in pi");
    check("process", Some("{}"), &[&none]);
}

#[test]
fn budgets_want_prices() {
    let check = |price: &str, budget: &str, expected: &[&str]| {
        let models = format!(
            "[models.m]\nprovider = \"custom\"\nmodel = \"x\"\nbaseUrl = \"http://127.0.0.1:9\"\n{price}\n"
        );
        let agent = format!("models = [\"m\"]\n{budget}\n[runtime]\ntype = \"process\"\n");
        assert_eq!(found(&project(&models, &agent), &["models"], &[]).1, expected);
    };
    let budget = "budget = { perDay = 20 }";
    let unknown = "warning: agent `dev` has a budget, but nobody knows what it pays for `m`";
    check("", budget, &[unknown]);
    check("price = { input = 0, output = 0 }", budget, &[]);
    check("", "", &[]);
}

/// A server that answers everything with 404.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n");
        }
    });
    url
}

#[test]
fn servers_of_models_are_asked_only_when_that_is_wanted() {
    let (up, down) = (server(), format!("http://127.0.0.1:{}/v1", closed_port()));
    let model = |name: &str, url: &str| {
        format!("[models.{name}]\nprovider = \"custom\"\nmodel = \"x\"\nbaseUrl = \"{url}\"\n")
    };
    let models = model("up", &up) + &model("down", &down) + &model("again", &down);
    let agent = "models = [\"up\", \"down\", \"again\"]\n[runtime]\ntype = \"process\"\n";
    let world = project(&models, agent);
    assert_eq!(found(&world, &["models"], &[]).1, Vec::<String>::new());
    let silent = format!(
        "warning: model `again` of agent `dev` does not answer at {down}: cannot connect: \
         Connection refused (os error 111)"
    );
    assert_eq!(found(&world, &["models"], &["--online"]).1, [silent]);
}

#[test]
fn other_engines_are_started_once_for_a_look() {
    let models = "[models.gpt]\nprovider = \"openai\"\nmodel = \"g\"\n\
                  [models.sonnet]\nprovider = \"anthropic\"\nmodel = \"s\"\n";
    let check = |program: Option<&str>, named: &str, signed_in: bool, expected: &[&str]| {
        let agent = format!(
            "models = [{named}]\n[harness]\ntype = \"codex\"\n[runtime]\ntype = \"process\"\n"
        );
        let world = project(models, &agent);
        let bin = world.home().join("bin");
        fs::create_dir_all(&bin).unwrap();
        if let Some(program) = program {
            write(&bin.join("codex"), &format!("#!/bin/sh\n{program}\n"));
            fs::set_permissions(bin.join("codex"), fs::Permissions::from_mode(0o755)).unwrap();
        }
        if signed_in {
            write(&world.home().join(".codex/auth.json"), "{}");
        }
        let mut command = world.command(&["doctor", "--json"]);
        let output = command.env("PATH", &bin).output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = document["findings"].as_array().unwrap().iter();
        let engines = findings.filter(|finding| finding["group"] == "engines");
        let whats: Vec<String> = engines
            .map(|finding| finding["what"].as_str().unwrap())
            .map(|what| what.replace(&bin.display().to_string(), "[bin]"))
            .collect();
        assert_eq!(whats, expected, "{program:?} {named}");
    };
    let works = Some("[ \"$1\" = --version ] && echo 1");
    let engine = "engine codex of agent `dev`:";
    let failed = format!("{engine} [bin]/codex --version failed, exit status: 3");
    check(works, "\"gpt\"", false, &[]);
    check(works, "\"sonnet\", \"gpt\"", false, &[]);
    check(None, "\"gpt\"", false, &[&format!("{engine} no program codex on the PATH")]);
    check(Some("exit 3"), "\"gpt\"", false, &[&failed]);
    let other = "agent `dev`: engine codex asks models of openai, not `sonnet`";
    check(works, "\"sonnet\"", false, &[other]);
    let none = "agent `dev`: engine codex has no model with a key";
    check(works, "", false, &[none]);
    let unseen = format!("{none}, and runs do not see ~/.codex/auth.json");
    check(works, "", true, &[&unseen]);
}

/// An engine without anything special at the socket that the world's commands are told of.
fn engine(world: &World, info: &'static str) {
    let listener = UnixListener::bind(world.home().join("docker.sock")).unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n";
            let answer = format!("{head}content-length: {}\r\n\r\n{info}", info.len());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
}

#[test]
fn an_engine_that_is_not_there_stops_all_containers() {
    let world = World::new(&[
        ("agents/a/SKILL.md", SKILL),
        ("agents/a/config.toml", "schedule = \"@daily\"\n"),
        ("agents/b/SKILL.md", SKILL),
        ("agents/b/config.toml", "schedule = \"@daily\"\n[runtime]\ntype = \"container\"\n"),
        ("agents/c/SKILL.md", SKILL),
        ("agents/c/config.toml", "schedule = \"@daily\"\n[runtime]\ntype = \"process\"\n"),
    ]);
    let found = || found(&world, &["machine"], &[]).1.join("\n");
    let why =
        "error: agents `a` and `b` run in containers: no container engine: there is no socket at";
    assert_eq!(found(), format!("{why} ../home/docker.sock"));
    engine(&world, "{\"Runtimes\":{\"runc\":{\"path\":\"runc\"}}}");
    assert_eq!(found(), "");
}

#[test]
fn what_an_engine_or_machine_has_not_is_told_before_a_run_wants_it() {
    let world = project(
        "[local]\ncpus = 4000\n",
        &format!(
            "{}runtime = \"runsc\"\ngpus = \"all\"\nmemory = \"900t\"\n\
             mounts = [\"cache:/cache\", \"agents:/agents\", \"/no/such/place:/x:rw\"]\n",
            SCRIPT.replace("process", "container")
        ),
    );
    engine(&world, "{\"Runtimes\":{\"runc\":{\"path\":\"runc\"}}}");
    let shown = world.shown(&["doctor"]);
    let amounts = regex::Regex::new("containers get [0-9.]+").unwrap();
    insta::assert_snapshot!(amounts.replace_all(&shown, "containers get [n]"));
}

#[test]
fn an_engine_that_talks_nonsense_is_not_taken_for_one() {
    let world = project("", "[runtime]\ntype = \"container\"\n");
    engine(&world, "<html>");
    let (code, found) = found(&world, &["machine"], &[]);
    assert_eq!((code, found.len()), (3, 1), "{found:?}");
    let why = "error: agent `dev` runs in a container: the container engine does not answer: ";
    assert!(found[0].starts_with(why), "{found:?}");
}

/// A project whose agent runs as a user that nobody has, and programs that say what is so.
fn host_user(programs: &[(&str, &str)]) -> (World, PathBuf) {
    let world = project("", &SCRIPT.replace("process\"", "host-user\"\nrun_as = \"builder\""));
    let bin = world.home().join("bin");
    fs::create_dir_all(&bin).unwrap();
    for (program, script) in programs {
        write(&bin.join(program), &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(bin.join(program), fs::Permissions::from_mode(0o755)).unwrap();
    }
    (world, bin)
}

/// `id` for a machine on which ann is a user, and the others that are named.
const ID: &str = "case \"$*\" in -un) echo ann;; '-u -- builder') exit 1;; *) echo 990;; esac";

#[test]
fn a_user_that_is_not_there_is_found_and_made_only_when_somebody_agrees() {
    let (world, bin) =
        host_user(&[("id", ID), ("sudo", "exit 0"), ("useradd", "echo \"$@\" >> made")]);
    let doctor = |args: &[&str]| {
        let mut command = world.command(&[&["doctor"], args].concat());
        let output = command.env("PATH", &bin).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let made = || fs::read_to_string(world.project().join("made")).unwrap_or_default();
    for args in [&[][..], &["--check"]] {
        let (code, shown) = doctor(args);
        assert_eq!(code, Some(3), "{shown}");
        assert!(shown.contains("there is no user `builder` on this machine"), "{shown}");
        assert!(shown.contains("`al doctor --fix` shows what it would do"), "{shown}");
    }
    let (code, shown) = doctor(&["--fix"]);
    assert_eq!(code, Some(2), "nobody is there to ask: {shown}");
    assert!(shown.contains("al doctor --fix --yes"), "{shown}");
    assert_eq!(made(), "");
    let (_, shown) = doctor(&["--fix", "--yes"]);
    let useradd = "useradd --system --create-home --shell /usr/sbin/nologin -- builder";
    assert!(shown.contains(useradd), "{shown}");
}

#[test]
fn a_project_with_errors_has_nothing_made() {
    let (world, bin) = host_user(&[("id", ID), ("sudo", "exit 0"), ("useradd", "echo >> made")]);
    write(&world.project().join("config.toml"), "scale = -1\n");
    let mut command = world.command(&["doctor", "--fix", "--yes"]);
    assert_eq!(command.env("PATH", &bin).output().unwrap().status.code(), Some(3));
    assert!(!world.project().join("made").exists());
}

#[test]
fn fixing_and_looking_exclude_each_other() {
    let world = project("", SCRIPT);
    assert_eq!(world.al(&["doctor", "--fix", "--check"]).status.code(), Some(2));
    assert_eq!(world.al(&["doctor", "--yes"]).status.code(), Some(2));
}

#[test]
fn a_port_may_be_taken_by_the_projects_own_scheduler() {
    let world = project("", SCRIPT);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    write(&world.project().join("config.toml"), &format!("[gateway]\nport = {port}\n"));
    let (code, problems) = found(&world, &["machine"], &[]);
    assert_eq!((code, problems.len()), (3, 1));
    assert!(problems[0].starts_with(&format!("error: port {port} is in use by ")), "{problems:?}");

    let _running = Gateway::answering(&world, 200, "{}");
    assert_eq!(found(&world, &["machine"], &[]), (0, Vec::new()));
}

#[test]
fn history_needs_a_folder() {
    let world = project("", SCRIPT);
    write(&world.project().join(".al"), "");
    let expected = "error: this has to be a folder: history and logs go there";
    assert_eq!(found(&world, &["machine"], &[]), (3, vec![expected.to_owned()]));
}

#[test]
fn a_start_says_who_knows_more() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let start = |world: &World| {
        let output = world.al(&["start", "-H", "--port", &port]);
        assert_eq!(output.status.code(), Some(4));
        let said = String::from_utf8(output.stderr).unwrap();
        said.lines().filter(|line| line.contains("al doctor")).map(str::to_owned).collect()
    };
    let said: Vec<String> = start(&project("", SCRIPT));
    assert_eq!(said, Vec::<String>::new());
    let missing = format!("credentials = [\"jira\", \"github_token\"]\n{SCRIPT}");
    let said: Vec<String> = start(&project("", &missing));
    assert_eq!(said, ["2 things will fail; what to do about it: al doctor"]);
}

#[test]
fn models_are_listed_with_their_keys_and_users() {
    let world = World::new(MANY_FAULTS);
    write(
        &world.project().join(".env.toml"),
        "[models.fast]\ncontextWindow = 200000\nprice = { input = 1, output = 5.5 }\n",
    );
    world.credential("anthropic_key/default/token", "k", 0o600);
    insta::assert_snapshot!(world.shown(&["models"]));
    insta::assert_snapshot!(world.json(&["models", "--json"]));
}

#[test]
fn a_project_without_models_says_how_to_add_one() {
    insta::assert_snapshot!(project("", SCRIPT).shown(&["models"]));
}
