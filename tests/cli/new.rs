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

#[test]
fn an_agent_brings_a_model_that_the_project_does_not_have() {
    let config = "scale = 2 # two\n\n[models.sonnet] # mine\nprovider = \"custom\"\nmodel = \"m\"\n\
                  baseUrl = \"http://localhost:1/v1\"\n";
    let world = World::new(&[("config.toml", config)]);
    let new = |name: &str, more: &str| {
        let line = format!("agent new {name} --template custom --runtime process --yes {more}");
        let output = world.al(&line.split_whitespace().collect::<Vec<_>>());
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    };
    let agent = |name: &str| {
        let file = world.project().join(format!("agents/{name}/config.toml"));
        let table: toml::Table = fs::read_to_string(file).unwrap().parse().unwrap();
        table["models"][0].as_str().unwrap().to_owned()
    };
    let (code, said) = new("a", "--provider openai --model gpt-5");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("[models.gpt]\nnext:\n  al creds add openai_key\n"), "{said}");
    let added = format!("{config}\n[models.gpt]\nprovider = \"openai\"\nmodel = \"gpt-5\"\n");
    let now = || fs::read_to_string(world.project().join("config.toml")).unwrap();
    assert_eq!((now(), agent("a").as_str()), (added.clone(), "gpt"));
    // The same one again is the one that is there.
    assert_eq!(new("b", "--provider openai --model gpt-5").0, 0);
    assert_eq!((now(), agent("b").as_str()), (added, "gpt"));
    // One whose name is taken by another model has another.
    assert_eq!(new("c", "--provider anthropic --model claude-sonnet-4-5").0, 0);
    assert_eq!(agent("c"), "claude-sonnet-4-5");
    let before = now();
    let check = |more: &str, says: &str| {
        let (code, said) = new("d", more);
        assert!(code == 2 && said.contains(says), "{more}: {code} {said}");
        assert_eq!(now(), before);
        assert!(!world.project().join("agents/d").exists());
    };
    check("--provider nobody --model x", "who offers the model cannot be 'nobody'");
    check("--provider openai --model x --model y", "--provider adds one model");
    check("--model x", "to add one: --provider anthropic, with --model as the provider calls it");
    check("--provider custom --model x --base-url ftp://h", "http:// or https://");
    assert_eq!(new("e", "--provider openai --script").0, 2);
    // An agent that cannot be made leaves no model behind.
    let (code, _) = new("a", "--provider xai --model grok-4");
    assert!(code == 2 && now() == before);
}
