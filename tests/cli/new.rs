//! `al new` without a terminal.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use insta::assert_snapshot;

use crate::world::{World, closed_port};

#[test]
fn a_project_without_a_question() {
    let world = World::new(&[]);
    assert_snapshot!(world.shown(&["new", "shop", "--yes", "--no-git"]));
    let at = |args: &[&'static str]| [&["-p", "shop"], args].concat();
    assert_snapshot!(world.read("shop/config.toml"));
    let port = format!("gateway.port={}", closed_port());
    world.check(&["-p", "shop", "config", "--set", &port], 0, &[]);
    world.check(&at(&["doctor", "--strict"]), 0, &[]);
    world.check(&at(&["run", "hello"]), 0, &["free on this disk"]);
    assert_snapshot!(world.read("shop/agents/hello/config.toml"));
}

#[test]
fn every_question_has_a_flag() {
    let world = World::new(&[]);
    let mut args = vec!["new"];
    let answers: [&[&str]; 8] = [
        &["it's"],
        &["--name", "Shop \"A\""],
        &["--provider", "custom"],
        &["--model", "qwen/Qwen3"],
        &["--base-url", "http://127.0.0.1:9/v1"],
        &["--template", "custom"],
        &["--agent", "first"],
        &["--runtime", "process"],
    ];
    for answer in answers {
        let flag = if answer.len() == 1 { "DIR" } else { answer[0] };
        world.check(&args, 2, &["nobody is there to answer", flag]);
        args.extend(answer);
    }
    world.check(&args, 2, &["--git or --no-git"]);
    args.push("--git");
    // A hook of another repository may be who calls.
    let other = world.home().join("other.git");
    let mut made = world.command(&args);
    made.env("GIT_DIR", &other).env("GIT_WORK_TREE", world.home());
    let made = made.output().unwrap();
    let said = String::from_utf8([made.stdout, made.stderr].concat()).unwrap();
    assert!(made.status.success() && said.contains("cd 'it'\\''s'"), "{said}");
    let shop = world.project().join("it's");
    assert!(shop.join(".git").is_dir() && !other.exists());
    let config = fs::read_to_string(shop.join("config.toml")).unwrap();
    assert!(config.contains("[models.qwen3]\nprovider = \"custom\"\nmodel = \"qwen/Qwen3\"\nbaseUrl = \"http://127.0.0.1:9/v1\"\n"), "{config}");
}

#[test]
fn what_is_there_already_is_left_alone() {
    let world = World::new(&[
        ("full/notes.txt", "mine"),
        ("project/config.toml", ""),
        ("file", ""),
        ("repo/.git/HEAD", "x"),
    ]);
    world.check(&["new", "full", "--yes"], 2, &["full is not empty: it has notes.txt"]);
    world.check(
        &["new", "project", "--yes"],
        2,
        &["is a project already", "al agent new", "al config"],
    );
    world.check(&["new", "file", "--yes"], 2, &["file is a file"]);
    world.check(&["new", "no/such/place", "--yes"], 2, &["there is no folder no/such", "mkdir -p"]);
    world.check(
        &["new", "x", "--yes", "--provider", "acme"],
        2,
        &["cannot be 'acme'", "anthropic"],
    );
    world.check(&["new", "x", "--yes", "--agent", "../x"], 2, &["has `.`"]);
    for said in [["--model", "gpt-5"], ["--base-url", "http://h/v1"], ["--template", "dev"]] {
        let words = [said[0], "needs a model", "--provider"];
        world.check(&[&["new", "x", "--yes"][..], &said].concat(), 2, &words);
    }
    assert!(!world.project().join("x").exists());
    // A repository without anything in it is a good place.
    world.check(&["new", "repo", "--yes"], 0, &["al doctor"]);
    assert_eq!(world.read("repo/.git/HEAD"), "x");
}

#[test]
fn a_folder_whose_name_is_no_text_needs_a_name() {
    let world = World::new(&[]);
    let new = |args: &[&str]| {
        let mut command = world.command(&["new"]);
        command.arg(OsStr::from_bytes(b"a\xff")).args(args).output().unwrap()
    };
    let output = new(&["--yes"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--name TEXT"));
    assert_eq!(new(&["--yes", "--name", "a"]).status.code(), Some(0));
}
