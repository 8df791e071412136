//! What `al` says about itself.

use crate::world::World;

const VERBS: [&str; 39] = [
    "new",
    "agent",
    "config",
    "start",
    "attach",
    "run",
    "stop",
    "stat",
    "logs",
    "runs",
    "triggers",
    "why",
    "stats",
    "audit",
    "cron",
    "locks",
    "pause",
    "drain",
    "resume",
    "kill",
    "exec",
    "shell",
    "answer",
    "scale",
    "doctor",
    "explain",
    "help",
    "man",
    "add",
    "update",
    "build",
    "models",
    "keys",
    "theme",
    "alerts",
    "completions",
    "version",
    "webhook",
    "status",
];

#[test]
fn the_front_page_groups_the_commands() {
    insta::assert_snapshot!(World::new(&[]).shown(&["--help"]));
}

#[test]
fn without_a_command_the_front_page_is_shown_as_wrong_use() {
    let world = World::new(&[]);
    let (asked, missing) = (world.al(&["--help"]), world.al(&[]));
    assert_eq!(missing.status.code(), Some(2));
    assert_eq!(missing.stderr, asked.stdout);
    assert_eq!(world.al(&["help"]).stdout, asked.stdout);
    assert_eq!(world.al(&["help", "stat"]).stdout, world.al(&["stat", "--help"]).stdout);
}

#[test]
fn every_command_explains_itself_within_80_columns() {
    let world = World::new(&[]);
    for verb in VERBS {
        let page = world.shown(&[verb, "--help"]);
        let wide: Vec<&str> = page.lines().filter(|line| line.chars().count() > 80).collect();
        assert_eq!(wide, Vec::<&str>::new(), "al {verb} --help");
        insta::assert_snapshot!(format!("help_{verb}"), page);
    }
}

#[test]
fn every_command_about_webhooks_explains_itself_within_80_columns() {
    let world = World::new(&[]);
    for verb in ["ls", "replay", "simulate", "send", "tunnel-help"] {
        let page = world.shown(&["webhook", verb, "--help"]);
        let wide: Vec<&str> = page.lines().filter(|line| line.chars().count() > 80).collect();
        assert_eq!(wide, Vec::<&str>::new(), "al webhook {verb} --help");
        insta::assert_snapshot!(format!("help_webhook_{verb}"), page);
    }
}

#[test]
fn the_help_of_a_command_is_there_as_json() {
    let world = World::new(&[]);
    let output = world.al(&["help", "creds", "add", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["command"], "creds add");
    assert!(json["text"].as_str().unwrap().contains("--from-env"), "{json}");
}

#[test]
fn the_version_is_text_or_json() {
    let world = World::new(&[]);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(world.shown(&["--version"]), format!("exit code 0\n--- stdout\nal {version}\n"));
    assert_eq!(world.shown(&["version"]), format!("exit code 0\n--- stdout\nal {version}\n"));
    let json: serde_json::Value =
        serde_json::from_slice(&world.al(&["version", "--json"]).stdout).unwrap();
    assert_eq!(json, serde_json::json!({"name": "al", "version": version}));
}

#[test]
fn every_key_of_the_console_is_listed_within_80_columns() {
    let world = World::new(&[]);
    let page = world.shown(&["keys"]);
    let wide: Vec<&str> = page.lines().filter(|line| line.chars().count() > 80).collect();
    assert_eq!(wide, Vec::<&str>::new());
    insta::assert_snapshot!(page);
    let all: serde_json::Value =
        serde_json::from_slice(&world.al(&["keys", "--json"]).stdout).unwrap();
    let all = all["keys"].as_array().unwrap();
    assert_eq!(all.len() + 3, page.lines().count(), "two lines of the shell, one of titles");
    let kill = all.iter().find(|key| key["id"] == "kill").unwrap();
    assert_eq!(
        kill,
        &serde_json::json!({
            "context": "everywhere",
            "id": "kill",
            "keys": ["X"],
            "title": "kill the run, or every run of the agent",
            "danger": true,
            "changes": true,
            "from": ["default"],
        })
    );
}

#[test]
fn keys_of_the_user_are_listed_with_their_place() {
    let world = World::new(&[(
        "../home/.action-llama/console.toml",
        "[keys]\nkill = [\"F9\"]\nzooom = []\n",
    )]);
    let output = world.al(&["keys", "--json"]);
    let all: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let kill = all["keys"].as_array().unwrap().iter().find(|key| key["id"] == "kill").unwrap();
    assert_eq!(kill["keys"], serde_json::json!(["X", "F9"]));
    assert!(kill["from"][1].as_str().unwrap().ends_with("console.toml:2"), "{kill}");
    assert_eq!(all["problems"][0]["line"], 3);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("line 3: no action is called `zooom`, did you mean `zoom`?"), "{said}");
}

#[test]
fn colours_are_only_where_they_are_wanted() {
    let world = World::shop();
    let colored = |args: &[&str], variable: Option<(&str, &str)>| {
        let output = world.command(args).envs(variable).output().unwrap();
        output.stdout.contains(&0x1b) || output.stderr.contains(&0x1b)
    };
    for args in [&["stat"][..], &["--help"], &["nope"], &["pause"], &["cron", "61 * * * *"]] {
        assert!(!colored(args, None), "{args:?} into a pipe");
        let never = [args, &["--color", "never"]].concat();
        assert!(!colored(&never, None), "{never:?}");
    }
    for args in [&["--color", "always", "stat"][..], &["--color=always", "nope"]] {
        assert!(colored(args, None), "{args:?}");
        // Who asks for colours on the command line gets them.
        assert!(colored(args, Some(("NO_COLOR", "1"))), "{args:?} with NO_COLOR");
    }
}

#[test]
fn schedules_are_explained_in_words_and_as_json() {
    let world = World::new(&[]);
    let from = "2026-03-28T00:00:00+01:00";
    let line = ["cron", "30 2 * * *", "--tz", "Europe/Berlin", "--from", from, "-n", "3"];
    insta::assert_snapshot!(world.shown(&line));
    insta::assert_snapshot!(world.json(&[&line[..], &["--json"]].concat()));
    insta::assert_snapshot!(world.shown(&["cron", "0 0 9,61 * *", "--tz", "UTC"]));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let world = World::new(&[]);
    let line = ["cron", "* * * * *", "--tz", "UTC", "-n", "10000"];
    let mut command = world.command(&line);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn themes_are_listed_and_files_of_themes_checked() {
    let own =
        "inherits = \"harbor\"\n[palette]\nsun = \"#ffff00\"\n[roles]\nhnt = { dim = true }\n";
    let world = World::new(&[
        ("../home/.action-llama/themes/own.toml", own),
        ("good.toml", "inherits = \"mono\"\n"),
    ]);
    let listed = world.shown(&["theme", "ls"]);
    for name in ["terminal", "mono", "harbor", "harbor-day", "high-contrast", "deuteranopia", "own"]
    {
        assert!(listed.lines().any(|line| line.starts_with(&format!("{name} "))), "{listed}");
    }
    let bad = "../home/.action-llama/themes/own.toml";
    assert_eq!(
        world.shown(&["theme", "check", bad]),
        format!(
            "exit code 3\n--- stdout\n\
             {bad}:3: warning: nothing uses `sun` of [palette]\n\
             {bad}:5: error: unknown role `hnt`, did you mean `hint`?\n"
        )
    );
    assert_eq!(
        world.shown(&["theme", "check", "good.toml"]),
        "exit code 0\n--- stdout\ngood.toml: nothing to mend\n"
    );
    let json: serde_json::Value = serde_json::from_slice(
        &world.al(&["theme", "check", "../home/.action-llama/themes/own.toml", "--json"]).stdout,
    )
    .unwrap();
    assert_eq!(
        json["findings"][1],
        serde_json::json!({
            "severity": "error",
            "line": 5,
            "what": "unknown role `hnt`, did you mean `hint`?",
        })
    );
    assert_eq!(world.al(&["theme", "check", "nope.toml"]).status.code(), Some(2));
}
