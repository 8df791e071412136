use std::fs;
use std::os::unix::fs::symlink;

use super::*;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn binary(dynamic: bool, text: &str) -> Binary {
    let dir = folder(&[("al", text)]);
    let file = context::file(&dir.path().join("al")).unwrap();
    Binary { file, dynamic }
}

#[test]
fn the_base_is_that_of_the_project_or_one_in_which_al_runs() {
    for (image, dynamic, below) in [
        (None, false, "node:20-alpine"),
        (None, true, "node:20-bookworm-slim"),
        (Some("debian:bookworm-slim"), false, "debian:bookworm-slim"),
        (Some("registry:5000/a/b@sha256:01"), true, "registry:5000/a/b@sha256:01"),
    ] {
        let (found, layer) = base(image, &binary(dynamic, "al"), &["al-status", "rlock"]);
        assert_eq!(found, below);
        let text = layer.dockerfile.on("");
        assert!(text.contains(&format!("FROM {below}\n")), "{text}");
        assert!(text.ends_with(&format!("{PROBE}\n")), "{text}");
        let names: Vec<&str> = layer.context.entries.keys().map(String::as_str).collect();
        assert_eq!(names, ["bin", "bin/al", "bin/al-status", "bin/rlock"]);
        assert_eq!(layer.context.entries["bin/rlock"], Entry::Link("al".to_owned()));
    }
}

#[test]
fn another_al_another_base_and_another_command_are_other_inputs() {
    let inputs =
        |image, text, commands: &[&str]| base(Some(image), &binary(true, text), commands).1.inputs;
    let first = inputs("a", "al", &["rlock"]);
    assert_eq!(inputs("a", "al", &["rlock"]), first);
    assert_ne!(inputs("b", "al", &["rlock"]), first);
    assert_ne!(inputs("a", "newer al", &["rlock"]), first);
    assert_ne!(inputs("a", "al", &[]), first);
}

#[test]
fn a_dockerfile_is_a_layer_when_it_adds_something() {
    let check = |files: &[(&str, &str)], expected: Option<(&[&str], bool)>| {
        let dir = folder(files);
        let found = own_steps(dir.path(), "al-x", false).unwrap().map(|(layer, remark)| {
            let names: Vec<String> = layer.context.entries.into_keys().collect();
            (names, remark.is_some())
        });
        let expected = expected.map(|(names, remark)| {
            (names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), remark)
        });
        assert_eq!(found, expected, "{files:?}");
    };
    check(&[("a", "")], None);
    check(&[("Dockerfile", "# nothing\n\nFROM al-agent:latest\n"), ("a", "")], None);
    check(&[("Dockerfile", "FROM al-agent\nRUN x\n"), ("a", "")], Some((&[], false)));
    check(
        &[("Dockerfile", "FROM python:3.12\nCOPY a /a\n"), ("a", ""), ("b", "")],
        Some((&["a"], true)),
    );
    check(
        &[
            ("Dockerfile", "FROM al-agent\nCOPY . /x\n"),
            (".dockerignore", "b\nDockerfile\n.dockerignore\n"),
            (".git/HEAD", ""),
            (".al/log", ""),
            ("a", ""),
            ("b", ""),
        ],
        Some((&["a"], false)),
    );
}

#[test]
fn a_dockerfile_that_cannot_be_used_is_named() {
    let check = |files: &[(&str, &str)], message: &str| {
        let dir = folder(files);
        let error = own_steps(dir.path(), "al-x", false).unwrap_err();
        assert_eq!(error.to_string(), format!("{}/{message}", dir.path().display()));
        assert!(!error.hint().is_empty());
    };
    check(&[("Dockerfile", "RUN x\n")], "Dockerfile has no FROM");
    check(
        &[("Dockerfile", "FROM a\nRUN x\n"), (".dockerignore", "a\n[\n")],
        ".dockerignore:2: this pattern makes no sense",
    );
}

#[test]
fn an_agent_finds_its_files_and_what_is_shared() {
    let dir = folder(&[
        ("agents/dev/SKILL.md", ""),
        ("agents/dev/Dockerfile", ""),
        ("agents/dev/.dockerignore", "*"),
        ("agents/other/SKILL.md", ""),
        ("shared/notes/a", ""),
    ]);
    let agent = dir.path().join("agents/dev");
    let files = || static_files(dir.path(), &agent);
    let names: Vec<String> = files().unwrap().entries.into_keys().collect();
    assert_eq!(
        names,
        [
            "static",
            "static/.dockerignore",
            "static/Dockerfile",
            "static/SKILL.md",
            "static/shared",
            "static/shared/notes",
            "static/shared/notes/a",
        ]
    );
    symlink("../other/SKILL.md", agent.join("link")).unwrap();
    let error = files().unwrap_err();
    assert!(matches!(error, ContextError::Outside { .. }), "{error}");
}

#[test]
fn a_pipe_in_the_place_of_a_dockerfile_is_refused_and_not_read() {
    let dir = folder(&[]);
    let pipe = dir.path().join("Dockerfile");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    let error = own_steps(dir.path(), "al-x", false).unwrap_err();
    assert_eq!(error, RecipeError::Context(ContextError::Special { path: pipe }));
}
