//! `al agent`: making, listing, switching and renaming agents.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use insta::assert_snapshot;

use crate::world::{Gateway, World, closed_port, enqueue, trigger};
use action_llama::scheduler::TriggerKind;

const MODEL: (&str, &str) =
    ("config.toml", "[models.m]\nprovider = \"anthropic\"\nmodel = \"claude-sonnet-4-5\"\n");

/// Every template is an agent that the loader takes without a word, and with its credentials there is
/// nothing left for the doctor to say.
#[test]
fn every_template_is_ready_to_use() {
    let templates = ["dev", "reviewer", "devops", "triage", "custom"];
    let world = World::new(&[MODEL]);
    for template in templates {
        let args = ["agent", "new", template, "--template", template, "--model", "m"];
        world.check(&[&args[..], &["--runtime", "process", "--yes"]].concat(), 0, &["al doctor"]);
    }
    let port = format!("gateway.port={}", closed_port());
    world.check(&["config", "--set", &port], 0, &[]);
    // Only keys are missing.
    let output = world.al(&["doctor", "--json"]);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let problems = said["findings"].as_array().unwrap();
    let others: Vec<_> = problems
        .iter()
        .map(|problem| problem["what"].as_str().unwrap())
        .filter(|text| !["credential", "key", "program git"].iter().any(|word| text.contains(word)))
        .collect();
    assert_eq!(others, [""; 0], "{said}");
    world.credential("github_token/default/token", "t", 0o600);
    world.credential("anthropic_key/default/token", "k", 0o600);
    let path = action_llama::ambient::env_os("PATH").unwrap();
    let doctor = world.command(&["doctor", "--strict"]).env("PATH", path).output().unwrap();
    assert_eq!(doctor.status.code(), Some(0), "{}", String::from_utf8_lossy(&doctor.stdout));
    assert_snapshot!(world.shown(&["agent", "ls"]));
}

#[test]
fn a_script_runs_at_once() {
    let world = World::new(&[("config.toml", "")]);
    assert_snapshot!(world.shown(&["agent", "new", "hello", "--script", "--yes"]));
    world.check(&["config", "--set", &format!("gateway.port={}", closed_port())], 0, &[]);
    world.check(&["doctor"], 0, &[]);
    world.check(&["run", "hello"], 0, &["free on this disk"]);
}

#[test]
fn every_question_has_a_flag() {
    let world = World::new(&[(MODEL.0, &format!("{}[webhooks.hub]\ntype = \"test\"\n", MODEL.1))]);
    let mut args = vec!["agent", "new"];
    let answers: [&[&str]; 8] = [
        &["--template", "triage"],
        &["night-watch"],
        &["--description", "Watches at night"],
        &["--model", "m"],
        &["--runtime", "process"],
        &["--schedule", "0 3 * * *"],
        &["--webhook", "hub:opened,closed"],
        &["--credential", "github_token:watch"],
    ];
    for answer in answers {
        let flag = if answer.len() == 1 { "NAME" } else { answer[0] };
        world.check(&args, 2, &["nobody is there to answer", flag]);
        args.extend(answer);
    }
    world.check(&args, 2, &["Repository", "--param repo=VALUE"]);
    args.extend(["--param", "repo=acme/shop", "--param", "depth=3"]);
    world.check(&args, 0, &["agents/night-watch is there"]);
    assert_snapshot!(world.read("agents/night-watch/config.toml"));
}

#[test]
fn an_answer_that_cannot_be_is_refused_before_anything_is_asked() {
    let world = World::new(&[
        MODEL,
        ("agents/dev/SKILL.md", "x\n"),
        ("agents/dev/config.toml", "models = [\"m\"]\nevery = \"1h\"\n"),
    ]);
    let refused = |args: &[&str], words: &[&str]| {
        world.check(&[&["agent", "new"], args, &["--yes"]].concat(), 2, words);
        assert_eq!(fs::read_dir(world.project().join("agents")).unwrap().count(), 1);
    };
    refused(
        &["../dev", "--script"],
        &["'../dev' cannot be an agent", "has `.`", "what about dev?"],
    );
    refused(&["a/b", "--script"], &["has `/`", "what about a-b?"]);
    refused(&["..", "--script"], &["has `.`"]);
    refused(&["My Agent", "--script"], &["what about my-agent?"]);
    refused(&["default", "--script"], &["reserved"]);
    refused(&["dev", "--script"], &["there is an agent of this name already"]);
    refused(&["x", "--template", "boss"], &["there is no template 'boss'", "dev, reviewer"]);
    refused(&["x", "--template", "dev", "--model", "n"], &["has no model 'n'", "it has m"]);
    refused(
        &["x", "--script", "--webhook", "hub"],
        &["no webhook source 'hub'", "al config --set"],
    );
    refused(&["x", "--script", "--runtime", "cloud"], &["cannot be 'cloud'", "container, process"]);
    refused(&["x", "--script", "--schedule", "61 * * * *"], &["'61 * * * *'"]);
    refused(&["x", "--script", "--schedule", "soon"], &["neither a cron expression nor a span"]);
    refused(&["x", "--script", "--credential", "../x"], &["a credential is"]);
    refused(&["x", "--script", "--param", "x"], &["--param NAME=VALUE"]);
    refused(&["x", "--script", "--description", "a\nb"], &["one line of text"]);
}

#[test]
fn a_name_that_is_no_text_is_refused() {
    let world = World::new(&[MODEL]);
    let mut command = world.command(&["agent", "new"]);
    let output = command.arg(std::ffi::OsStr::from_bytes(b"\xff\xfe")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    fs::create_dir_all(world.project().join("agents").join(std::ffi::OsStr::from_bytes(b"a\xff")))
        .unwrap();
    fs::write(
        world.project().join("agents").join(std::ffi::OsStr::from_bytes(b"a\xff")).join("SKILL.md"),
        "",
    )
    .unwrap();
    let output = world.al(&["agent", "ls"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
}

#[test]
fn invalid_agents_are_listed_with_what_is_wrong() {
    let world = World::new(&[
        MODEL,
        ("agents/ok/SKILL.md", "---\ndescription: Does it\n---\n"),
        ("agents/ok/config.toml", "models = [\"m\"]\nschedule = \"*/5 * * * *\"\n"),
        ("agents/off/SKILL.md", ""),
        ("agents/off/config.toml", "models = [\"m\"]\nscale = 0\n"),
        ("agents/typo/SKILL.md", ""),
        ("agents/typo/config.toml", "models = [\"n\"]\nschedule = \"soon\"\n"),
        ("agents/broken/SKILL.md", ""),
        ("agents/broken/config.toml", "models = = 3\n"),
        ("agents/empty/notes.txt", ""),
    ]);
    assert_snapshot!(world.shown(&["agent", "ls"]));
    assert_snapshot!(world.json(&["agent", "ls", "--json"]));
}

#[test]
fn an_agent_is_switched_off_and_on_again() {
    let config = "models = [\"m\"]\r\nscale = 3 # three\r\nevery = \"1h\"\r\n";
    let world =
        World::new(&[MODEL, ("agents/dev/SKILL.md", ""), ("agents/dev/config.toml", config)]);
    world.check(&["agent", "disable", "dev"], 0, &["dev is disabled\n"]);
    let off = config.replace("= 3 # three", "= 0 # three (disabled; before: 3)");
    assert_eq!(world.read("agents/dev/config.toml"), off);
    world.check(&["agent", "disable", "dev"], 0, &["dev is disabled already"]);
    world.check(&["agent", "ls"], 0, &["off"]);
    world.check(&["agent", "enable", "dev"], 0, &["dev is enabled, scale 3\n"]);
    assert_eq!(world.read("agents/dev/config.toml"), config);
    world.check(&["agent", "enable", "dev"], 0, &["dev is enabled already"]);
    world.check(&["agent", "enable", "dve"], 2, &["did you mean 'dev'?"]);
    let _gateway = Gateway::answering(&world, 200, "{}");
    world.check(&["agent", "disable", "dev"], 0, &["the running scheduler takes it over"]);
}

#[test]
fn an_agent_gets_another_name() {
    let world = World::new(&[
        (
            "config.toml",
            "# mine\n[models.r]\nprovider = \"replay\"\nfile = \"agents/dev/tour.jsonl\"\n",
        ),
        ("agents/dev/SKILL.md", "---\nname: dev\n---\nx\n"),
        ("agents/dev/config.toml", "models = [\"r\"]\nevery = \"1h\"\n"),
        ("agents/dev/tour.jsonl", ""),
        ("agents/boss/SKILL.md", "Work.\n\nCall `al-call dev` and al-call devops.\n"),
        ("agents/boss/config.toml", "models = [\"r\"]\nevery = \"1h\"\n"),
    ]);
    for (name, why) in [
        ("../x", "has `.`"),
        ("a/b", "has `/`"),
        ("boss", "agents/boss is there already"),
        ("Dev", "capital letter"),
    ] {
        world.check(&["agent", "rename", "dev", name], 2, &[why]);
    }
    world.check(&["agent", "rename", "..", "x"], 2, &["no agent is named '..'"]);
    assert_snapshot!(world.shown(&["agent", "rename", "dev", "builder"]));
    assert_eq!(world.read("agents/builder/SKILL.md"), "---\nname: builder\n---\nx\n");
    assert!(world.read("config.toml").contains("file = \"agents/builder/tour.jsonl\""));
    assert!(!world.project().join("agents/dev").exists());
}

#[test]
fn an_agent_with_runs_keeps_its_name() {
    let world = World::shop();
    let by_hand = trigger(TriggerKind::Manual, "", "by hand");
    world.history(&[enqueue(1, "dev-00000001", by_hand, 60)]);
    world.check(
        &["agent", "rename", "dev", "builder"],
        2,
        &["1 run has not ended: dev-00000001", "al stop dev"],
    );
    assert!(world.project().join("agents/dev").exists());
}
