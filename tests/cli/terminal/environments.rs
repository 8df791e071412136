//! The questions of `al env init` and `al env set`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{CTRL_C, DOWN, ENTER, Session};
use crate::world::World;

/// The questions for an environment that has everything, and their answers.
const INIT: [(&str, &str); 7] = [
    ("Where its scheduler answers", "http://al.example.org\r"),
    ("The API key would go there unencrypted. Allow it", "y\r"),
    ("Host that deployment goes to", "h.test\r"),
    ("User to sign in there as", "ops\r"),
    ("Port of ssh", "2222\r"),
    ("Private key to sign in with", "~/.ssh/al\r"),
    ("Folder on the host", "/srv/al\r"),
];

fn answer(session: &mut Session, questions: &[(&str, &str)]) {
    for (question, keys) in questions {
        session.expect(question).keys(keys);
    }
}

/// The files of all environments, hidden ones too.
fn files(world: &World) -> Vec<String> {
    let folder = world.environment("x").parent().unwrap().to_owned();
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn table(world: &World, name: &str) -> toml::Table {
    fs::read_to_string(world.environment(name)).unwrap().parse().unwrap()
}

#[test]
fn an_environment_is_what_was_answered() {
    let world = World::new(&[]);
    let mut session = Session::open(&world, &["env", "init", "prod"]);
    answer(&mut session, &INIT);
    let (code, shown) = session.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("does its scheduler answer? al env check prod\n"), "{shown}");
    let expected = toml::toml! {
        [gateway]
        url = "http://al.example.org"
        insecure = true
        [server]
        host = "h.test"
        user = "ops"
        port = 2222
        keyPath = "~/.ssh/al"
        basePath = "/srv/al"
    };
    assert_eq!(table(&world, "prod"), expected);
    let mode = fs::metadata(world.environment("prod")).unwrap().permissions().mode();
    assert_eq!((mode & 0o777, files(&world)), (0o600, vec!["prod.toml".to_owned()]));
}

#[test]
fn what_is_left_empty_is_left_out_and_asks_no_more() {
    let world = World::new(&[]);
    let mut session = Session::open(&world, &["env", "init", "later"]);
    answer(&mut session, &[(INIT[0].0, ENTER), (INIT[2].0, ENTER)]);
    let (code, shown) = session.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("say where its scheduler answers"), "{shown}");
    assert_eq!(table(&world, "later"), toml::Table::new());
    let mut session = Session::open(&world, &["env", "init", "usual"]);
    answer(&mut session, &[(INIT[0].0, "https://h.test/\r"), (INIT[2].0, "h.test\r")]);
    answer(&mut session, &INIT[3..].iter().map(|(text, _)| (*text, ENTER)).collect::<Vec<_>>());
    assert_eq!(session.end().0, 0);
    let expected = toml::toml! {
        [gateway]
        url = "https://h.test"
        [server]
        host = "h.test"
        user = "root"
        port = 22
        basePath = "/opt/action-llama"
    };
    assert_eq!(table(&world, "usual"), expected);
}

#[test]
fn a_wrong_answer_is_asked_again_and_a_key_in_the_clear_only_with_a_yes() {
    let world = World::new(&[]);
    let mut session = Session::open(&world, &["env", "init", "prod"]);
    session.expect(INIT[0].0).keys("ftp://h\r").expect("http:// or https://");
    session.keys(&"\x7f".repeat(7)).keys("http://h.test\r");
    session.expect(INIT[1].0).keys(ENTER).expect(INIT[2].0).keys(ENTER);
    let (code, shown) = session.end();
    assert!(code == 2 && shown.contains("could be read on its way"), "{shown}");
    assert_eq!(files(&world), [""; 0]);
    let mut session = Session::open(&world, &["env", "init", "prod"]);
    answer(&mut session, &[(INIT[0].0, ENTER), (INIT[2].0, "h\r"), (INIT[3].0, ENTER)]);
    session.expect(INIT[4].0).keys("0\r").expect("a port is a number from 1 to 65535");
    session.keys("\x7f22\r").expect(INIT[5].0).keys(ENTER);
    session.expect(INIT[6].0).keys("srv\r").expect("it must start with `/`").keys(CTRL_C);
    assert_eq!(session.end().0, 130);
    assert_eq!(files(&world), [""; 0]);
}

#[test]
fn an_environment_whose_person_leaves_at_any_question_is_none() {
    let world = World::new(&[]);
    for last in 0..INIT.len() {
        let mut session = Session::open(&world, &["env", "init", "prod"]);
        answer(&mut session, &INIT[..last]);
        session.expect(INIT[last].0).keys(CTRL_C);
        let (code, shown) = session.end();
        assert_eq!(code, 130, "{shown}");
        assert!(shown.ends_with("interrupted: nothing was changed\n"), "{shown}");
        assert_eq!(files(&world), [""; 0], "{}", INIT[last].0);
    }
}

#[test]
fn of_two_who_make_one_environment_at_once_the_first_does() {
    let world = World::new(&[]);
    let open = || {
        let mut session = Session::open(&world, &["env", "init", "prod"]);
        session.expect(INIT[0].0);
        session
    };
    let (mut one, mut two) = (open(), open());
    one.keys("https://first.test\r").expect(INIT[2].0).keys(ENTER);
    assert_eq!(one.end().0, 0);
    two.keys("https://second.test\r").expect(INIT[2].0).keys(ENTER);
    let (code, shown) = two.end();
    assert!(code == 2 && shown.contains("environment `prod` exists already"), "{shown}");
    assert_eq!(table(&world, "prod")["gateway"]["url"].as_str(), Some("https://first.test"));
    assert_eq!(files(&world), ["prod.toml"]);
}

/// Two environments to choose from, and a project that says something.
fn bindable() -> World {
    let world = World::new(&[("config.toml", ""), (".env.toml", "# mine\nscale = 2 # two\n")]);
    for name in ["one", "two"] {
        let url = format!("https://{name}.test");
        assert!(world.al(&["env", "init", name, "--url", &url]).status.success());
    }
    world
}

fn bound(world: &World) -> String {
    fs::read_to_string(world.project().join(".env.toml")).unwrap()
}

#[test]
fn a_project_is_bound_to_what_is_chosen() {
    let world = bindable();
    let mut session = Session::open(&world, &["env", "set"]);
    session.expect("Environment").expect("https://two.test").keys(DOWN).keys(ENTER);
    let (code, shown) = session.end();
    assert!(code == 0 && shown.contains(".env.toml: environment = \"two\"\n"), "{shown}");
    assert_eq!(bound(&world), "# mine\nscale = 2 # two\nenvironment = \"two\"\n");
}

#[test]
fn who_leaves_the_choice_leaves_the_project_as_it_is() {
    let world = bindable();
    let before = bound(&world);
    let mut session = Session::open(&world, &["env", "set"]);
    session.expect("Environment").keys(DOWN).keys(CTRL_C);
    let (code, shown) = session.end();
    assert_eq!(code, 130, "{shown}");
    assert!(shown.ends_with("interrupted: nothing was changed\n"), "{shown}");
    assert_eq!(bound(&world), before);
}

#[test]
fn of_two_who_bind_a_project_at_once_the_last_counts_and_the_rest_stays() {
    let world = bindable();
    let open = || {
        let mut session = Session::open(&world, &["env", "set"]);
        session.expect("https://two.test");
        session
    };
    let (mut one, mut two) = (open(), open());
    one.keys(DOWN).keys(ENTER);
    assert_eq!(one.end().0, 0);
    two.keys(ENTER);
    assert_eq!(two.end().0, 0);
    assert_eq!(bound(&world), "# mine\nscale = 2 # two\nenvironment = \"one\"\n");
    let names: Vec<_> = fs::read_dir(world.project())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".tmp"))
        .collect();
    assert_eq!(names, [""; 0]);
}
