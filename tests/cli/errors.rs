//! What goes wrong says what, where and what to do, with an exit code of its kind.

use crate::world::{Gateway, World, write};

#[test]
fn an_unknown_command_is_guessed() {
    insta::assert_snapshot!(World::new(&[]).shown(&["statz"]));
}

#[test]
fn an_unknown_option_is_guessed() {
    insta::assert_snapshot!(World::new(&[]).shown(&["stat", "--jsn"]));
}

#[test]
fn an_unknown_agent_is_guessed() {
    let world = World::shop();
    insta::assert_snapshot!(world.shown(&["stat", "dve"]));
    insta::assert_snapshot!(world.shown(&["stat", "completely-different"]));
}

#[test]
fn without_a_scheduler_commands_say_how_to_start_one() {
    let world = World::shop();
    let expected = world.shown(&["pause"]);
    insta::assert_snapshot!(expected);
    for line in [&["stop"][..], &["resume", "dev"], &["kill", "dev"], &["scale", "dev", "2"]] {
        assert_eq!(world.shown(line), expected, "{line:?}");
    }
}

#[test]
fn a_scheduler_that_died_is_not_running() {
    let world = World::shop();
    drop(Gateway::answering(&world, 200, "{}"));
    insta::assert_snapshot!(world.shown(&["pause"]));
}

#[test]
fn a_scheduler_that_does_not_listen_yet_is_not_looked_for_elsewhere() {
    let world = World::shop();
    let gateway = Gateway::answering(&world, 200, "{}");
    std::fs::remove_file(world.project().join(".al/gateway.json")).unwrap();
    insta::assert_snapshot!(world.shown(&["pause"]));
    assert_eq!(gateway.asked(), Vec::<String>::new());
}

#[test]
fn an_api_key_that_cannot_be_written_says_where_it_belongs() {
    let world = World::shop();
    let credentials = world.home().join(".action-llama/credentials");
    std::fs::create_dir_all(&credentials).unwrap();
    write(&credentials.join("gateway_api_key"), "no folder");
    for line in [&["start", "-H"][..], &["doctor", "--rotate-key"]] {
        let shown = world.shown(line);
        assert!(shown.starts_with("exit code 3\n"), "{shown}");
        assert!(shown.contains("error: the API key cannot be used: "), "{shown}");
        assert!(
            shown.contains("/default/key: ") && shown.contains("hint: it is kept below $AL_HOME")
        );
    }
}

#[test]
fn problems_of_the_project_come_all_at_once() {
    let world = World::shop();
    write(
        &world.project().join("agents/dev/config.toml"),
        "scael = 2\nschedule = \"61 * * * *\"\ntimeout = \"soon\"\n",
    );
    insta::assert_snapshot!(world.shown(&["stat"]));
}

#[test]
fn warnings_stand_below_the_answer_and_apart_from_it() {
    let world = World::shop();
    let text = "scael = 2\nscale = 0\n[harness]\ntype = \"script\"\ncommand = \"true\"\n";
    write(&world.project().join("agents/odd/config.toml"), text);
    insta::assert_snapshot!(world.shown(&["stat"]));
}

#[test]
fn a_folder_without_a_project_says_what_one_is() {
    let world = World::new(&[]);
    insta::assert_snapshot!(world.shown(&["stat"]));
    insta::assert_snapshot!(world.shown(&["stat", "-p", "nowhere"]));
}

#[test]
fn the_project_is_named_by_option_or_variable() {
    let world = World::shop();
    let here = world.al(&["stat"]).stdout;
    let root = world.project().parent().unwrap().to_owned();
    let option = world.command(&["stat", "-p", "project"]).current_dir(&root).output().unwrap();
    assert_eq!(String::from_utf8(option.stdout).unwrap(), String::from_utf8(here.clone()).unwrap());
    let variable =
        world.command(&["stat"]).current_dir(&root).env("AL_PROJECT", "project").output().unwrap();
    assert_eq!(variable.stdout, here);
}
