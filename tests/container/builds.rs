//! `al build`: images made from a project's files.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::world::AL;
use crate::{docker, has_engine};

/// A project whose agents run in containers; its images go with it.
pub struct Project(TempDir);

impl Project {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.write("config.toml", "[local]\nimage = \"debian:bookworm-slim\"\n");
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn agent(self, name: &str, files: &[(&str, &str)]) -> Self {
        let config = "every = \"24h\"\n[harness]\ntype = \"script\"\ncommand = \"true\"\n";
        self.write(&format!("agents/{name}/config.toml"), config);
        let skill = format!("---\nname: {name}\ndescription: a test\n---\n");
        self.write(&format!("agents/{name}/SKILL.md"), &skill);
        for (path, text) in files {
            self.write(&format!("agents/{name}/{path}"), text);
        }
        self
    }

    fn al(&self, args: &[&str]) -> Output {
        Command::new(AL)
            .args(args)
            .current_dir(self.0.path())
            .env("AL_HOME", self.0.path().join("home"))
            .output()
            .unwrap()
    }

    /// What `al build --json` says, by agent.
    fn build(&self, args: &[&str]) -> Vec<Value> {
        let output = self.al(&[&["build", "--offline", "--json"], args].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        let document: Value = serde_json::from_str(&text)
            .unwrap_or_else(|e| panic!("{e}: {text}{}", String::from_utf8_lossy(&output.stderr)));
        document["images"].as_array().unwrap().clone()
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let label = format!("label=al.project={}", self.path().join(".al").display());
        let all = docker(&["image", "ls", "--quiet", "--no-trunc", "--filter", &label]);
        for id in all.lines() {
            docker(&["image", "rm", "--force", id]);
        }
    }
}

/// What a command prints in an image.
fn inside(image: &Value, line: &str) -> String {
    let image = image["image"].as_str().unwrap_or_else(|| panic!("{image}"));
    docker(&["run", "--rm", "--entrypoint", "/bin/sh", "--user", "1000:1000", image, "-c", line])
}

const FILES: &str = "cat /app/static/SKILL.md | head -2 | tail -1; cat /app/static/shared/s; \
                     test -x /app/bin/al-status && echo commands; al --version >/dev/null && echo runs; \
                     cat /made-by-project /made-by-agent 2>/dev/null";

#[test]
fn every_combination_of_dockerfiles_ends_in_an_image_with_al_and_the_agents_files() {
    if !has_engine() {
        return;
    }
    let of_agent = "FROM al-agent:latest\nUSER root\nRUN echo agent > /made-by-agent\nUSER node\n";
    let of_project = "FROM al-agent:latest\nRUN echo project > /made-by-project\n";
    let standalone = "FROM debian:bookworm-slim AS standalone\nRUN echo agent > /made-by-agent\n";
    for (project, agent, made) in [
        (None, None, ""),
        (None, Some(of_agent), "\nagent"),
        (Some(of_project), None, "\nproject"),
        (Some(of_project), Some(of_agent), "\nproject\nagent"),
        (Some("# nothing\nFROM al-agent:latest\n"), Some(of_agent), "\nagent"),
        (None, Some(standalone), "\nagent"),
    ] {
        let mut files = vec![("shared/s", "shared\n")];
        files.extend(project.map(|text| ("Dockerfile", text)));
        let own: Vec<_> = agent.map(|text| ("Dockerfile", text)).into_iter().collect();
        let world = Project::new(&files).agent("matrix", &own);
        let built = world.build(&[]);
        let want = format!("name: matrix\nshared\ncommands\nruns{made}");
        assert_eq!(inside(&built[0], FILES), want, "{project:?} {agent:?}");
    }
}

#[test]
fn what_has_not_changed_is_not_built_and_an_edit_concerns_its_agent_alone() {
    if !has_engine() {
        return;
    }
    let world = Project::new(&[]).agent("one", &[("f", "1")]).agent("two", &[("f", "2")]);
    let first = world.build(&[]);
    assert_eq!(first.iter().map(|image| &image["built"]).collect::<Vec<_>>(), [true, true]);
    // Side by side, and neither got the other's files.
    assert_eq!(inside(&first[0], "cat /app/static/f"), "1");
    assert_eq!(inside(&first[1], "cat /app/static/f"), "2");
    let again = world.build(&[]);
    for (first, again) in first.iter().zip(&again) {
        assert_eq!((&again["image"], &again["built"]), (&first["image"], &Value::Bool(false)));
    }
    world.write("agents/two/f", "3");
    let edited = world.build(&[]);
    assert_eq!(
        (&edited[0]["image"], &edited[0]["built"]),
        (&first[0]["image"], &Value::Bool(false))
    );
    assert_eq!(edited[1]["built"], true);
    assert_eq!(inside(&edited[1], "cat /app/static/f"), "3");
}

#[test]
fn an_image_that_cannot_be_built_is_explained_and_the_others_are_built() {
    if !has_engine() {
        return;
    }
    let broken = "FROM al-agent:latest\nRUN echo so far && ls /nowhere\n";
    let far =
        "FROM registry.invalid/base:1 AS tools\nFROM al-agent:latest\nCOPY --from=tools /a /a\n";
    let world = Project::new(&[])
        .agent("broken", &[("Dockerfile", broken)])
        .agent("far", &[("Dockerfile", far)])
        .agent("fine", &[]);
    let built = world.build(&[]);
    let said = |n: usize| format!("{} {}", built[n]["error"], built[n]["hint"]);
    assert!(said(0).contains("step 2 of") && said(0).contains("ls /nowhere"), "{}", said(0));
    assert!(built[0]["output"].to_string().contains("so far"), "{}", built[0]);
    assert!(said(1).contains("registry.invalid/base:1 is not on this machine"), "{}", said(1));
    assert!(said(1).contains("docker load"), "{}", said(1));
    assert_eq!(built[2]["built"], true, "{}", built[2]);
    assert_eq!(world.al(&["build", "--offline"]).status.code(), Some(1));
}

#[test]
fn a_base_that_is_not_there_is_named() {
    if !has_engine() {
        return;
    }
    let world = Project::new(&[("config.toml", "[local]\nimage = \"al-test-nowhere:1\"\n")])
        .agent("a", &[]);
    let built = world.build(&[]);
    let error = built[0]["error"].as_str().unwrap();
    assert!(error.contains("al-test-nowhere:1 is not on this machine"), "{error}");
}

#[test]
fn a_base_that_no_registry_gives_is_named_with_what_the_registry_said() {
    if !has_engine() {
        return;
    }
    let image = "registry.invalid/base:1";
    let world = Project::new(&[("config.toml", &format!("[local]\nimage = \"{image}\"\n"))])
        .agent("a", &[]);
    let output = world.al(&["build", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let error = document["images"][0]["error"].as_str().unwrap();
    let said = format!("{image} is not on this machine and cannot be fetched: ");
    assert!(error.contains(&said) && error.contains("registry.invalid"), "{error}");
    assert!(document["images"][0]["hint"].as_str().unwrap().contains("network"), "{document}");
}

#[test]
fn a_run_needs_no_command_of_its_own_to_get_its_image() {
    if !has_engine() {
        return;
    }
    let world = Project::new(&[]).agent("a", &[("note", "from the image\n")]);
    let config = "every = \"24h\"\n[harness]\ntype = \"script\"\ncommand = \"cat /app/static/note; al-status at-work; rlock file://x\"\n";
    world.write("agents/a/config.toml", config);
    let output = world.al(&["run", "a"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        text.contains("from the image") && text.contains("\"resourceKey\":\"file://x\""),
        "{text}"
    );
    let label = format!("label=al.project={}", world.path().join(".al").display());
    assert_eq!(
        docker(&["ps", "--all", "--quiet", "--filter", &label]),
        "",
        "its container is left"
    );
}
