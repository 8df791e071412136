//! Taking skills in.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::Value;

use super::upstream::{Upstream, agents, al, command, left_over};
use crate::world::{World, closed_port};

pub const REVIEWER: &str = "---\nname: reviewer\ndescription: Reviews pull requests\nlicense: MIT\n---\n# Review\n\nRead the diff.\n";

fn project() -> World {
    World::new(&[(
        "config.toml",
        "[models.sonnet]\nprovider = \"anthropic\"\nmodel = \"claude-sonnet-4\"\n\
         [webhooks.github]\ntype = \"github\"\n",
    )])
}

/// Three skills: one with everything beside it, one with nothing, one in `agents`.
fn shelf(world: &World) -> Upstream {
    let mut upstream = Upstream::new(world);
    upstream
        .file("README.md", "# Skills\n")
        .file("skills/reviewer/SKILL.md", REVIEWER)
        .file(
            "skills/reviewer/config.toml",
            "# theirs\nmodels = [\"sonnet\"]\ncredentials = [\"github_token\", \"slack_bot_token:team\"]\n\
             source = \"somebody/else\"\n\n[[webhooks]]\nsource = \"github\"\nevents = [\"pull_request\"]\n",
        )
        .file("skills/reviewer/Dockerfile", "FROM al-agent:latest\nRUN apt-get install -y jq\n")
        .program("skills/reviewer/bin/check", "#!/bin/sh\nexit 0\n")
        .file("skills/reviewer/.gitattributes", "* filter=lfs\n")
        .file("skills/triage/SKILL.md", "Sort the inbox.\n")
        .file(
            "agents/nightly/SKILL.md",
            "---\ndescription: Sweeps at night\n---\nSweep. Today is !`date +%F`.\n",
        )
        .file(
            "agents/nightly/config.toml",
            "models = [\"sonnet\"]\nschedule = \"0 3 * * *\"\n[hooks]\npre = [\"git fetch --all\"]\n\
             [runtime]\ntype = \"process\"\n",
        );
    upstream.commit();
    upstream
}

#[test]
fn a_skill_becomes_an_agent_that_knows_where_it_is_from() {
    let world = project();
    let commit = shelf(&world).commit();
    world.credential("github_token/default/token", "ghp_1", 0o600);
    let (code, out, err) = al(&world, &["add", "acme/skills", "--skill", "reviewer", "--yes"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    insta::assert_snapshot!(out);
    assert_eq!(
        agents(&world),
        ["reviewer/Dockerfile", "reviewer/SKILL.md", "reviewer/bin/check", "reviewer/config.toml"]
    );
    assert_eq!(world.read("agents/reviewer/SKILL.md"), REVIEWER);
    insta::assert_snapshot!(world.read("agents/reviewer/config.toml"));
    assert!(world.read("agents/reviewer/config.toml").contains(&commit));
    let mode =
        |path: &str| fs::metadata(world.project().join(path)).unwrap().permissions().mode() & 0o111;
    assert_eq!(mode("agents/reviewer/SKILL.md"), 0);
    assert_ne!(mode("agents/reviewer/bin/check"), 0);
    // The loader knows the keys.
    let (_, out, err) = al(&world, &["doctor"]);
    assert!(!format!("{out}{err}").contains("unknown key"), "{out}{err}");
}

#[test]
fn a_skill_without_settings_is_off_until_somebody_says_when_it_starts() {
    let world = project();
    shelf(&world);
    let (code, out, _) = al(&world, &["add", "acme/skills", "-s", "triage", "-y"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("say in agents/triage/config.toml when it starts"), "{out}");
    let config = world.read("agents/triage/config.toml");
    assert!(
        config.contains("scale = 0\nmodels = [\"sonnet\"]\nsource = \"acme/skills\"\n"),
        "{config}"
    );
    assert!(config.contains("sourcePath = \"skills/triage\"\n"), "{config}");
    let (code, out, _) = al(&world, &["stat", "--json"]);
    assert_eq!(code, 0, "the project can be read: {out}");
}

#[test]
fn what_it_runs_and_where_is_said_before_it_is_written() {
    let world = project();
    shelf(&world);
    let (code, out, err) = al(&world, &["add", "acme/skills", "--skill", "nightly", "--dry-run"]);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!(out);
    assert_eq!(agents(&world), Vec::<String>::new(), "nothing is written");
}

#[test]
fn where_there_are_several_somebody_has_to_choose() {
    let world = project();
    shelf(&world);
    let (code, _, err) = al(&world, &["add", "acme/skills"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(err);
    let (code, _, err) = al(&world, &["add", "acme/skills", "--skill", "reviewr"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("has no skill 'reviewr'") && err.contains("nightly, reviewer, triage"),
        "{err}"
    );
    // Nobody agreed.
    let (code, _, err) = al(&world, &["add", "acme/skills", "--skill", "triage"]);
    assert_eq!(code, 2);
    assert!(err.contains("--yes"), "{err}");
    let (code, _, err) = al(&world, &["add", "acme/skills", "--all", "--name", "x", "-y"]);
    assert_eq!(code, 2);
    assert!(err.contains("--name is for one skill"), "{err}");
    assert_eq!(agents(&world), Vec::<String>::new());
    let (code, out, _) = al(&world, &["add", "acme/skills", "--all", "--yes", "--json"]);
    assert_eq!(code, 0);
    let document: Value = serde_json::from_str(&out).unwrap();
    let names: Vec<&Value> =
        document["skills"].as_array().unwrap().iter().map(|skill| &skill["agent"]).collect();
    assert_eq!(names, ["nightly", "reviewer", "triage"]);
    assert_eq!(document["skills"][1]["credentials"][0]["present"], false);
    assert_eq!(document["skills"][0]["commands"][1]["command"], "git fetch --all");
    assert_eq!(document["skills"][0]["added"], true);
}

#[test]
fn an_agent_that_is_there_stays_and_the_new_one_takes_another_name() {
    let world = project();
    shelf(&world);
    let add = ["add", "acme/skills", "-s", "reviewer", "-y"];
    assert_eq!(al(&world, &add).0, 0);
    fs::write(world.project().join("agents/reviewer/SKILL.md"), "mine\n").unwrap();
    let (code, _, err) = al(&world, &add);
    assert_eq!(code, 2);
    insta::assert_snapshot!(err);
    assert_eq!(world.read("agents/reviewer/SKILL.md"), "mine\n");
    let (code, _, err) = al(&world, &[&add[..], &["--name", "Second One"]].concat());
    assert_eq!(code, 2);
    assert!(err.contains("--name second-one"), "{err}");
    assert_eq!(al(&world, &[&add[..], &["--name", "second-one"]].concat()).0, 0);
    assert_eq!(world.read("agents/second-one/SKILL.md"), REVIEWER);
}

#[test]
fn agents_of_the_first_generation_come_under_the_names_of_today() {
    let world = project();
    let mut upstream = Upstream::new(&world);
    upstream
        .file("agents/dev/ACTIONS.md", "Fix issues.\n")
        .file("agents/dev/agent-config.toml", "schedule = \"0 5 * * *\"\nmodels = [\"sonnet\"]\n")
        .file("agents/notes/ACTIONS.md", "No settings, no agent.\n");
    upstream.commit();
    let (code, out, err) = al(&world, &["add", "acme/skills", "--yes"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("ACTIONS.md becomes SKILL.md"), "{out}");
    assert_eq!(agents(&world), ["dev/SKILL.md", "dev/config.toml"]);
}

#[test]
fn models_of_another_project_are_replaced_by_one_of_this() {
    let world = project();
    let mut upstream = Upstream::new(&world);
    upstream.file("SKILL.md", "Work.\n");
    upstream.file("config.toml", "models = [\"gpt\"] # best\nschedule = \"0 5 * * *\"\n");
    upstream.commit();
    let (code, out, _) = al(&world, &["add", "acme/skills", "--dry-run"]);
    assert_eq!(code, 0);
    assert!(out.contains("unknown model `gpt`") && out.contains("--model NAME"), "{out}");
    assert!(out.contains("agents/skills from the whole of it"), "{out}");
    let (code, _, err) = al(&world, &["add", "acme/skills", "--yes", "--model", "opus"]);
    assert_eq!(code, 2);
    assert!(err.contains("it has sonnet"), "{err}");
    let (code, out, _) = al(&world, &["add", "acme/skills", "--yes", "--model", "sonnet"]);
    assert_eq!(code, 0);
    assert!(!out.contains("to mend"), "{out}");
    let config = world.read("agents/skills/config.toml");
    assert!(config.contains("models = [\"sonnet\"]"), "{config}");
}

#[test]
fn a_branch_a_tag_and_a_commit_can_be_asked_for() {
    let world = project();
    let mut upstream = Upstream::new(&world);
    let first = upstream.file("SKILL.md", "First.\n").commit();
    upstream.said(&["update-ref", "refs/tags/v1", &first], b"");
    upstream.file("SKILL.md", "Second.\n").commit();
    for (reference, name) in
        [("v1", "by-tag"), (first.as_str(), "by-commit"), ("main", "by-branch")]
    {
        let (code, _, err) =
            al(&world, &["add", "acme/skills", "--ref", reference, "-y", "--name", name]);
        assert_eq!(code, 0, "{err}");
    }
    assert_eq!(world.read("agents/by-tag/SKILL.md"), "First.\n");
    assert_eq!(world.read("agents/by-commit/SKILL.md"), "First.\n");
    assert_eq!(world.read("agents/by-branch/SKILL.md"), "Second.\n");
    assert!(world.read("agents/by-tag/config.toml").contains("sourceRef = \"v1\"\n"));
    let (code, _, err) = al(&world, &["add", "acme/skills", "--ref", "nowhere"]);
    assert_eq!(code, 4);
    assert!(err.contains("hint: `--ref` names a branch"), "{err}");
    let (code, _, err) = al(&world, &["add", "acme/skills", "--ref=--upload-pack=x"]);
    assert_eq!(code, 2);
    assert!(err.contains("is no branch, tag or commit"), "{err}");
}

#[test]
fn a_folder_is_a_place_to_take_from_too() {
    let world = project();
    let folder = world.home().join("mine/My Skill");
    fs::create_dir_all(folder.join("bin")).unwrap();
    fs::write(folder.join("SKILL.md"), "Work.\n").unwrap();
    fs::write(folder.join("bin/run"), "#!/bin/sh\n").unwrap();
    let (code, out, err) = al(&world, &["add", "../home/mine/My Skill", "--yes"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(agents(&world), ["my-skill/SKILL.md", "my-skill/bin/run", "my-skill/config.toml"]);
    assert!(!out.contains(" at "), "it has no commit: {out}");
    let config = world.read("agents/my-skill/config.toml");
    assert!(config.contains("sourcePath = \".\"") && !config.contains("sourceCommit"), "{config}");
    let (code, _, err) = al(&world, &["add", "../home/nothing", "--yes"]);
    assert_eq!(code, 2);
    assert!(err.contains("there is no folder"), "{err}");
}

#[test]
fn outside_of_a_project_nothing_is_fetched() {
    let world = World::new(&[]);
    shelf(&world);
    let (code, _, err) = al(&world, &["add", "acme/skills", "--all", "--yes"]);
    assert_eq!(code, 2);
    assert!(err.contains("is no project"), "{err}");
}

#[test]
fn what_cannot_be_fetched_says_so() {
    let world = project();
    let (code, _, err) = al(&world, &["add", "acme/nothing", "--yes"]);
    assert_eq!(code, 4);
    assert!(err.contains("acme/nothing cannot be fetched:"), "{err}");
    let output = command(&world, &["add", "acme/skills", "--yes"])
        .env("AL_GIT_BASE", format!("http://127.0.0.1:{}", closed_port()))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let output = command(&world, &["add", "acme/skills", "--yes"])
        .env("PATH", world.home())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(said.contains("`git` is not installed"), "{said}");
}

#[test]
fn ctrl_c_ends_a_fetch_and_leaves_nothing() {
    let world = project();
    // Somebody who takes calls and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", silent.local_addr().unwrap());
    let mut child = command(&world, &["add", "acme/skills", "--yes"])
        .env("AL_GIT_BASE", base)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (_stream, _) = silent.accept().unwrap();
    assert_eq!(left_over(&world).len(), 1);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let status = child.wait().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(130), "interrupted: nothing was changed\n"));
    assert_eq!(left_over(&world), Vec::<String>::new());
    assert_eq!(agents(&world), Vec::<String>::new());
}
