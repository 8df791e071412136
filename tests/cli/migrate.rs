//! Projects of both generations of Action Llama become ours, and what was there is kept.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use action_llama::project::edit;

use crate::world::World;

/// Written by us in the shape of a project with `agent-config.toml`.
const OLDER: &[(&str, &str)] = &[
    (
        "config.toml",
        "# ours\nmaxTriggerDepth = 2\n\n[model]\nprovider = \"anthropic\"\nmodel = \"claude-sonnet-4\"\n\n\
         [webhooks.github]\ntype = \"github\"\ncredential = \"default\"\n",
    ),
    (
        "agents/dev/agent-config.toml",
        "credentials = [\"github_token\"]\nschedule = \"0 */3 * * *\"\n\n[[preflight]]\n\
         provider = \"git-clone\"\nparams = { repo = \"acme/app\", dest = \"app\" }\n",
    ),
    ("agents/dev/ACTIONS.md", "Fix what is labelled.\n"),
    ("package.json", "{\"dependencies\": {\"@action-llama/action-llama\": \"^0.13\"}}"),
];

/// The same of one with `SKILL.md`.
const NEWER: &[(&str, &str)] = &[
    (
        "config.toml",
        "scale = 20\nwebhookQueueSize = 5\n[gateway]\nlockTimeout = 60\n[models.gpt]\n\
         provider = \"openai\"\nmodel = \"gpt-5.4\"\nauthType = \"api_key\"\n\
         [webhooks.github]\ntype = \"github\"\ncredential = \"default\"\n",
    ),
    (".env.toml", "projectName = \"acme\"\n[agents.dev]\nscale = 2\n"),
    (
        "agents/dev/config.toml",
        "models = [\"gpt\"]\ncredentials = []\nschedule = \"0 */3 * * *\"\ntimeout = 3600\nscale = 5\n\
         maxWorkQueueSize = 1\n[[webhooks]]\nsource = \"github\"\nevents = [\"issues\"]\n",
    ),
    ("agents/dev/SKILL.md", "---\ndescription: Fixes\n---\nFix it.\n"),
    ("agents/dev/Dockerfile", "FROM al-agent:latest\n"),
];

#[test]
fn both_generations_load_afterwards_and_a_second_time_nothing_is_to_do() {
    for files in [OLDER, NEWER] {
        let world = World::new(files);
        let (code, dry) = world.said(&["migrate"]);
        assert!(code == 0 && dry.contains("nothing was changed"), "{dry}");
        for (file, text) in files {
            assert_eq!(world.read(file), *text, "{file}");
        }
        let (code, done) = world.said(&["migrate", "--write", "--yes"]);
        assert_eq!(code, 0, "{done}");
        let (code, shown) = world.said(&["config", "show"]);
        assert!(code == 0 && !shown.contains("warning"), "{shown}");
        let (code, again) = world.said(&["migrate", "--write", "--yes"]);
        assert!(code == 0 && again.contains("nothing to migrate"), "{again}");
    }
}

#[test]
fn what_was_there_is_kept() {
    let world = World::new(OLDER);
    let closed = fs::Permissions::from_mode(0o600);
    for (file, _) in OLDER {
        fs::set_permissions(world.project().join(file), closed.clone()).unwrap();
    }
    assert_eq!(world.said(&["migrate", "--write", "--yes"]).0, 0);
    for (file, text) in OLDER {
        let kept = world.project().join(".al/before-migration").join(file);
        assert_eq!(fs::read_to_string(kept).unwrap(), *text, "{file}");
    }
    for file in ["config.toml", "agents/dev/config.toml", "agents/dev/SKILL.md"] {
        let meta = fs::metadata(world.project().join(file)).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{file}");
    }
    let config = world.read("agents/dev/config.toml");
    assert!(config.contains("git clone -- https://github.com/acme/app.git app"), "{config}");
    for gone in ["agents/dev/agent-config.toml", "agents/dev/ACTIONS.md", "package.json"] {
        assert!(!world.project().join(gone).exists(), "{gone}");
    }
}

#[test]
fn no_secret_of_a_file_is_shown() {
    let config = "[model]\nheaders = { x-key = \"planted-header\" }\nmine = \"planted-own\"\n\
                  provider = \"anthropic\"\nmodel = \"m\"\n";
    let agent = "schedule = \"@daily\"\n[[preflight]]\nprovider = \"http\"\nparams = { url = \"https://h/\", \
                 output = \"o\", headers = { Authorization = \"Bearer planted-bearer\" } }\n";
    let world = World::new(&[
        ("config.toml", config),
        ("agents/dev/agent-config.toml", agent),
        ("agents/dev/ACTIONS.md", "Works.\n"),
        ("agents/odd/agent-config.toml", "token = = \"planted-broken\"\n"),
    ]);
    for args in [&["migrate"][..], &["migrate", "--json"]] {
        let (code, text) = world.said(args);
        assert!(code == 0 && !text.contains("planted-"), "{text}");
        assert!(text.contains("x-key") && text.contains("(hidden)"), "{text}");
        assert!(text.contains("[redacted]"), "{text}");
    }
}

#[test]
fn nobody_to_agree_changes_nothing() {
    let world = World::new(OLDER);
    let (code, text) = world.said(&["migrate", "--write"]);
    assert!(code == 2 && text.contains("al migrate --write --yes"), "{text}");
    assert!(world.project().join("agents/dev/ACTIONS.md").exists());
    assert!(!world.project().join(".al").exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_left_as_it_was() {
    let world = World::new(OLDER);
    let output = world.al_read_only(&["agents/dev"], &["migrate", "--write", "--yes"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("the files are as they were"), "{text}");
    assert_eq!(output.status.code(), Some(4));
    for (file, before) in OLDER {
        assert_eq!(world.read(file), *before, "{file}");
    }
}

#[test]
fn a_broken_database_is_named() {
    let world = World::new(NEWER);
    fs::create_dir_all(world.project().join(".al")).unwrap();
    let text = "no database at all, but long enough to be looked at\n".repeat(20);
    fs::write(world.project().join(".al/action-llama.db"), text).unwrap();
    let (code, text) = world.said(&["migrate"]);
    assert!(code == 4 && text.contains("action-llama.db"), "{text}");
}

#[test]
fn what_somebody_else_did_since_the_look_is_not_written_over() {
    let world = World::new(OLDER);
    let lock = edit::lock(&world.project()).unwrap();
    let mut command = world.command(&["migrate", "--write", "--yes"]);
    let mut al = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // What it shows, it has read.
    al.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let theirs = "scale = 7\n";
    fs::write(world.project().join("config.toml"), theirs).unwrap();
    drop(lock);
    let output = al.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("changed by somebody else meanwhile"), "{text}");
    assert_eq!(fs::read_to_string(world.project().join("config.toml")).unwrap(), theirs);
    assert!(world.project().join("agents/dev/ACTIONS.md").exists());
}

#[test]
fn a_dry_run_knows_what_will_be_gone() {
    let world = World::new(OLDER);
    let (code, dry) = world.said(&["migrate"]);
    assert!(code == 0 && !dry.contains("is not read"), "{dry}");
}

#[test]
fn a_file_that_is_no_toml_has_an_exit_code() {
    let files = [&[("config.toml", "scale = = 1\n")], &OLDER[1..]].concat();
    let world = World::new(&files);
    for args in [&["migrate"][..], &["migrate", "--write", "--yes"]] {
        let (code, text) = world.said(args);
        assert!(code == 3 && text.contains("not valid TOML"), "{text}");
    }
}

#[test]
fn what_waits_in_a_queue_is_told_and_stays() {
    let world = World::new(NEWER);
    let database = |file: &str, sql: &str| {
        let path = world.project().join(".al").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
    };
    database(
        "work-queue.db",
        "CREATE TABLE work_queue (id TEXT, agent TEXT, payload TEXT, received_at INTEGER);
         INSERT INTO work_queue VALUES ('1', 'dev', '{}', 1), ('2', 'dev', '{}', 2);",
    );
    database(
        "state.db",
        "CREATE TABLE state (ns TEXT, key TEXT, value TEXT, expires_at INTEGER);
         INSERT INTO state VALUES ('queues', 'qa', '[{}]', NULL);",
    );
    let (code, text) = world.said(&["migrate"]);
    assert_eq!(code, 0, "{text}");
    for says in [
        ".al/work-queue.db\n  waiting in its queue: dev 2; they stay there, as here they would run at once\n",
        ".al/state.db\n  waiting in its queue: qa 1; ",
        "let Action Llama finish them before you leave it, or start them anew: al run AGENT",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
    let (_, text) = world.said(&["migrate", "--json"]);
    assert!(text.contains(r#""waiting":2,"waitingByAgent":{"dev":2}"#), "{text}");
    // The database of today has taken over what was in those.
    database("action-llama.db", "CREATE TABLE work_queue (id TEXT, agent TEXT);");
    let (_, text) = world.said(&["migrate"]);
    assert!(!text.contains("waiting in its queue"), "{text}");
}
