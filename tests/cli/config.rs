//! `al config` and `al agent config` without a terminal: what they change, and what they refuse.

use std::fs;
use std::process::{Command, Output};

use insta::assert_snapshot;

use crate::world::{Gateway, World};

const PROJECT: &[(&str, &str)] = &[
    (
        "config.toml",
        "# All of it.\nscale = 2 # two\n\n# Who thinks.\n[models.m]\nprovider = \"anthropic\"\nmodel = \"m\"\n",
    ),
    ("agents/dev/SKILL.md", "Works.\n"),
    ("agents/dev/config.toml", "models = [\"m\"] # mine\nevery = \"1h\"\n"),
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The command is refused with these words, and no file of the project is another one.
#[track_caller]
fn refused(world: &World, output: &Output, code: i32, words: &[&str]) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in:\n{said}");
    }
    for (file, before) in PROJECT {
        assert_eq!(world.read(file), *before, "{file}");
    }
}

#[test]
fn a_setting_is_changed_with_its_comments_kept_and_the_difference_shown() {
    let world = World::new(PROJECT);
    assert_snapshot!(world.shown(&[
        "config",
        "--set",
        "scale=4",
        "--set",
        "models.m.price.input=3",
        "--set",
        "gateway.port=8123"
    ]));
    assert_snapshot!(world.read("config.toml"));
    assert_snapshot!(world.shown(&["config", "--set", "scale=4"]));
    let dev = ["agent", "config", "dev"];
    let args = |rest: &[&'static str]| [&dev[..], rest].concat();
    world.shown(&args(&[
        "--unset",
        "every",
        "--set",
        "schedule=*/5 * * * *",
        "--set",
        "params.n=3",
    ]));
    assert_eq!(
        world.read("agents/dev/config.toml"),
        "models = [\"m\"] # mine\nschedule = \"*/5 * * * *\"\n\n[params]\nn = 3\n"
    );
}

#[test]
fn a_dry_run_shows_and_changes_nothing() {
    let world = World::new(PROJECT);
    let output = world.al(&["config", "--set", "scale=4", "--dry-run"]);
    assert!(text(&output.stdout).contains("+scale = 4 # two\n"));
    refused(&world, &output, 0, &[]);
}

#[test]
fn what_would_make_the_project_invalid_is_not_written() {
    let world = World::new(PROJECT);
    let check = |args: &[&str], words: &[&str]| refused(&world, &world.al(args), 3, words);
    let nothing = "nothing was written: config.toml is as it was";
    check(
        &["config", "--set", "scale=many"],
        &["config.toml:2", "must be a whole number", nothing],
    );
    // The agent names it.
    check(
        &["config", "--unset", "models.m"],
        &["agents/dev/config.toml:1", "unknown model", nothing],
    );
    check(
        &["agent", "config", "dev", "--set", "schedule=every day", "--unset", "every"],
        &["schedule", "agents/dev/config.toml is as it was"],
    );
    check(&["agent", "config", "dev", "--unset", "every"], &["neither schedule nor webhooks"]);
    check(
        &["agent", "config", "dev", "--set", "webhooks.0.source=hub"],
        &["unknown webhook source"],
    );
    check(&["config", "--set", "models.n.provider=openai"], &["model `n` has no `model`"]);
}

#[test]
fn a_name_that_is_none_is_refused_with_what_was_meant() {
    let world = World::new(PROJECT);
    let check = |args: &[&str], words: &[&str]| refused(&world, &world.al(args), 2, words);
    check(&["config", "--set", "scael=3"], &["no setting `scael`", "did you mean `scale`?"]);
    check(&["config", "--set", "schedule=@daily"], &["config.toml has no setting `schedule`"]);
    check(&["config", "--unset", "gateway.port"], &["`gateway.port` is not set"]);
    check(&["config", "--set", "scale"], &["write it as KEY=VALUE"]);
    check(&["agent", "config", "dve", "--set", "scale=1"], &["did you mean 'dev'?"]);
    check(&["agent", "config", "../dev", "--set", "scale=1"], &["no agent is named '../dev'"]);
    check(&["agent", "config", "/etc", "--set", "scale=1"], &["no agent is named '/etc'"]);
}

#[test]
fn without_a_terminal_the_flags_are_named() {
    let world = World::new(PROJECT);
    assert_snapshot!(world.shown(&["config"]));
    assert_snapshot!(world.shown(&["agent", "config", "dev"]));
}

/// An agent with errors can be mended one by one, and gets no new ones.
#[test]
fn an_invalid_agent_can_be_mended() {
    let broken = "models = [\"gone\"]\nscale = \"many\"\ntimeuot = 3\n";
    let world = World::new(&[PROJECT[0], PROJECT[1], (PROJECT[2].0, broken)]);
    let set = |setting: &str| world.al(&["agent", "config", "dev", "--set", setting]);
    let one = set("scale=3");
    let said = text(&one.stderr);
    assert_eq!(one.status.code(), Some(0), "{said}");
    assert!(said.contains("the project still has"), "{said}");
    assert_eq!(set("timeout=never").status.code(), Some(3));
    assert_eq!(set("scale=-1").status.code(), Some(3));
    assert_eq!(set("models=m").status.code(), Some(0));
    let last = set("every=1h");
    assert!(!text(&last.stderr).contains("still has"), "{}", text(&last.stderr));
    assert_eq!(
        world.read("agents/dev/config.toml"),
        "models = [\"m\"]\nscale = 3\ntimeuot = 3\nevery = \"1h\"\n"
    );
}

#[test]
fn a_file_that_is_no_toml_is_left_to_its_person() {
    let world = World::new(&[("config.toml", "scale = = 2\n"), PROJECT[1]]);
    assert_snapshot!(world.shown(&["config", "--set", "scale=4"]));
    assert_eq!(world.read("config.toml"), "scale = = 2\n");
    fs::write(world.project().join("config.toml"), b"name = \"\xff\"\n").unwrap();
    let output = world.al(&["config", "--set", "scale=4"]);
    assert!(text(&output.stderr).contains("not UTF-8: byte 0xff on line 1"));
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn files_of_windows_stay_what_they_are() {
    let text = "\u{feff}# All.\r\nscale = 2 # two\r\n\r\n[local]\r\nmemory = \"2g\"\r\n";
    let world = World::new(&[("config.toml", text), PROJECT[1]]);
    assert_eq!(world.al(&["config", "--set", "scale=4"]).status.code(), Some(0));
    assert_eq!(world.read("config.toml"), text.replace("= 2 #", "= 4 #"));
    assert_eq!(world.al(&["config", "--set", "workQueueSize=9"]).status.code(), Some(0));
    let after = text.replace("= 2 # two\r\n", "= 4 # two\r\nworkQueueSize = 9\r\n");
    assert_eq!(world.read("config.toml"), after);
}

#[test]
fn instructions_that_are_too_long_do_not_stand_in_the_way() {
    let world = World::new(PROJECT);
    let skill = world.project().join("agents/dev/SKILL.md");
    fs::write(&skill, "word ".repeat(2_000_000)).unwrap();
    let output = world.al(&["agent", "config", "dev", "--set", "timeout=60"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("the project still has 1 error"), "{said}");
    assert!(world.shown(&["agent", "ls"]).contains("1 error"));
}

/// `al` in a shell that lets no file grow: what a full disk does to whoever writes.
fn without_room(world: &World, args: &[&str]) -> Output {
    with_blocks(world, 0, args)
}

/// The same with room for files of so many times 512 bytes.
fn with_blocks(world: &World, blocks: u32, args: &[&str]) -> Output {
    let mut command = Command::new("/bin/sh");
    let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    command.args(["-c", &line, "sh", env!("CARGO_BIN_EXE_al")]).args(args);
    command.current_dir(world.project()).env_clear();
    command.env("HOME", world.home()).env("AL_HOME", world.home().join(".action-llama"));
    command.output().unwrap()
}

#[test]
fn a_disk_without_room_costs_nothing() {
    let world = World::new(PROJECT);
    let output = without_room(&world, &["config", "--set", "scale=4"]);
    refused(&world, &output, 4, &["config.toml cannot be written", "nothing was changed"]);
    let output = without_room(&world, &["agent", "disable", "dev"]);
    refused(&world, &output, 4, &["agents/dev/config.toml cannot be written"]);
    let new = ["agent", "new", "b", "--template", "dev", "--script", "--yes"];
    refused(&world, &without_room(&world, &new), 4, &["agents/b cannot be written"]);
    let output = without_room(&world, &["new", "sub", "--yes"]);
    refused(&world, &output, 4, &["sub cannot be written"]);
    let mut left: Vec<_> =
        fs::read_dir(world.project()).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["agents", "config.toml"]);
    assert_eq!(fs::read_dir(world.project().join("agents")).unwrap().count(), 1);
}

/// Whichever of the files has no room.
#[test]
fn a_new_name_that_cannot_be_written_everywhere_is_written_nowhere() {
    let long = format!("# {}\n", "x".repeat(2000));
    for (of_config, of_skill) in [(long.as_str(), ""), ("", &long)] {
        let config = format!(
            "{of_config}[models.m]\nprovider = \"replay\"\nmodel = \"m\"\nfile = \"agents/dev/m\"\n"
        );
        let skill = format!("---\nname: dev\n---\n{of_skill}");
        let files = [("config.toml", config.as_str()), ("agents/dev/SKILL.md", &skill), PROJECT[2]];
        let world = World::new(&files);
        let output = with_blocks(&world, 1, &["agent", "rename", "dev", "other"]);
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(4) && said.contains("cannot be written"), "{said}");
        for (file, before) in files {
            assert_eq!(world.read(file), before, "{file}");
        }
        let output = world.al(&["agent", "rename", "dev", "other"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(world.read("config.toml").contains("agents/other/m"));
        assert!(world.read("agents/other/SKILL.md").contains("name: other\n"));
    }
}

#[test]
fn a_project_that_cannot_be_written_is_told_so() {
    let world = World::new(PROJECT);
    let check = |args: &[&str], words: &[&str]| {
        let output = world.al_read_only(&["", "agents", "agents/dev"], args);
        refused(&world, &output, 4, words);
    };
    let hint = "the folder has to be writable; nothing was changed";
    check(&["config", "--set", "scale=4"], &["config.toml cannot be written", hint]);
    check(&["agent", "disable", "dev"], &["agents/dev/config.toml cannot be written", hint]);
    check(&["agent", "rename", "dev", "other"], &["agents cannot be written", hint]);
    check(&["agent", "new", "b", "--script", "--yes"], &["agents/b cannot be written", hint]);
    check(&["new", "sub", "--yes"], &["sub cannot be written", hint]);
}

#[test]
fn another_layer_that_wins_is_named() {
    let world = World::new(&[PROJECT[0], PROJECT[1], PROJECT[2], (".env.toml", "scale = 9\n")]);
    let said = text(&world.al(&["config", "--set", "scale=4"]).stderr);
    assert!(said.contains("note: .env.toml wins here with scale = 9"), "{said}");
}

#[test]
fn no_secret_of_a_file_is_shown_with_what_changes() {
    let headers = "[models.m.headers]\nx-key = \"planted-old\"\n";
    let config = format!("{}{headers}", PROJECT[0].1);
    let env = "[models.m.headers]\nx-key = \"planted-env\"\n[gateway]\nurl = \"http://a:planted-pass@h\"\n";
    let world = World::new(&[("config.toml", &config), PROJECT[1], PROJECT[2], (".env.toml", env)]);
    let check = |setting: &str, expected: &[&str]| {
        let output = world.al(&["config", "--set", setting]);
        let said = text(&[output.stdout, output.stderr].concat());
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(!said.contains("planted-"), "{said}");
        expected.iter().for_each(|words| assert!(said.contains(words), "{words}: {said}"));
    };
    check(
        "models.m.headers.x-key=planted-new",
        &[
            "\n-x-key = \"(hidden)\"\n+x-key = \"(hidden, new)\"\n",
            "wins here with models.m.headers.x-key = \"(hidden)\"\n",
        ],
    );
    check(
        "models.m.headers={ a = \"planted-2\" }",
        &["= { a = \"(hidden, new)\" }\n", "headers = x-key = \"(hidden)\"\n"],
    );
    check(
        "gateway.url=http://b:planted-mine@h",
        &["+url = \"http://(hidden, new)@h\"\n", "gateway.url = \"http://(hidden)@h\"\n"],
    );
    assert!(world.read("config.toml").contains("planted-2"));
}

#[test]
fn a_running_scheduler_is_named() {
    let world = World::new(PROJECT);
    let _gateway = Gateway::answering(&world, 200, "{}");
    let said = text(&world.al(&["config", "--set", "scale=4"]).stderr);
    assert!(said.contains("the running scheduler takes it over by itself"), "{said}");
    let said = text(&world.al(&["config", "--set", "gateway.port=9001"]).stderr);
    assert!(said.contains("count from the next start") && !said.contains("by itself"), "{said}");
}

#[test]
fn a_folder_that_is_no_project_is_told_so() {
    let world = World::new(&[]);
    assert_snapshot!(world.shown(&["config", "--set", "scale=4"]));
}

#[test]
fn every_setting_is_listed_with_its_default() {
    let world = World::new(&[]);
    assert_snapshot!(world.shown(&["config", "keys", "budget", "--agent"]));
    assert_snapshot!(world.shown(&["config", "keys", "nothing"]));
    let all: serde_json::Value =
        serde_json::from_str(&world.json(&["config", "keys", "--json"])).unwrap();
    let keys = all["keys"].as_array().unwrap();
    assert!(keys.iter().any(|key| key["key"] == "models.<name>.provider"));
}
