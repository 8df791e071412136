//! Wizards: each question has an answer, each can be the last one, and nothing is left half done.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{CTRL_C, DOWN, ENTER, Session};
use crate::world::{World, names, write};

/// The questions of `al new` for an agent with a model, and their answers.
const NEW: [(&str, &str); 10] = [
    ("Folder of the project", ENTER),
    ("Name of the project", "shop\r"),
    ("Who offers the model", ENTER),
    ("Model", ENTER),
    ("First agent", ENTER),
    ("What it is called", ENTER),
    ("Where it runs", ENTER),
    ("Repository", "acme/shop\r"),
    ("Label", ENTER),
    ("Begin a Git repository?", "n\r"),
];

/// Answers the first questions of a wizard.
fn answer(session: &mut Session, questions: &[(&str, &str)]) {
    for (question, keys) in questions {
        session.expect(question).keys(keys);
    }
}

#[test]
fn a_project_is_what_was_answered() {
    let world = World::new(&[]);
    let mut session = Session::open(&world, &["new"]);
    answer(&mut session, &NEW);
    let (code, shown) = session.end();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(names(&world.project()), [".gitignore", "AGENTS.md", "agents", "config.toml"]);
    let steps = shown.rsplit_once("next:\n").unwrap().1;
    insta::assert_snapshot!(steps, @r"
      al creds add anthropic_key
      al creds add github_token
      al doctor            what is missing
      al run dev           one run, with its log
      al start             all agents, with the console
    ");
    let agent = world.read("agents/dev/config.toml");
    assert!(agent.contains("models = [\"sonnet\"]"), "{agent}");
    assert!(agent.contains("repo = \"acme/shop\""), "{agent}");
}

#[test]
fn a_project_whose_person_leaves_at_any_question_is_none() {
    for last in 0..NEW.len() {
        let world = World::new(&[]);
        let mut session = Session::open(&world, &["new"]);
        answer(&mut session, &NEW[..last]);
        session.expect(NEW[last].0).keys(CTRL_C);
        let (code, shown) = session.end();
        assert_eq!(code, 130, "{shown}");
        assert!(shown.ends_with("interrupted: nothing was changed\n"), "{shown}");
        assert_eq!(names(&world.project()), [""; 0], "{}", NEW[last].0);
    }
}

const PROJECT: &[(&str, &str)] = &[(
    "config.toml",
    "[models.m]\nprovider = \"anthropic\"\nmodel = \"m\"\n\n[webhooks.hub]\ntype = \"test\"\n",
)];

const AGENT: [(&str, &str); 9] = [
    ("Template", "\x1b[B\x1b[B\x1b[B\r"),
    ("Name of the agent", "sorter\r"),
    ("What it is for", "Sorts: all of it\r"),
    ("Who thinks", ENTER),
    ("Where it runs", ENTER),
    ("When it starts by itself", "15m\r"),
    ("Deliveries that start it", " \r"),
    ("What its runs are given", ENTER),
    ("Repository", "acme/shop\r"),
];

#[test]
fn an_agent_is_what_was_answered() {
    let world = World::new(PROJECT);
    let mut session = Session::open(&world, &["agent", "new"]);
    answer(&mut session, &AGENT);
    let (code, shown) = session.end();
    assert_eq!(code, 0, "{shown}");
    let agent = world.read("agents/sorter/config.toml");
    insta::assert_snapshot!(agent);
    let skill = world.read("agents/sorter/SKILL.md");
    let front = "---\nname: sorter\ndescription: \"Sorts: all of it\"\n---\n\n# Triage\n";
    assert!(skill.starts_with(front), "{skill}");
}

/// An agent that thinks with a model that the project does not have.
const WITH_MODEL: [(&str, &str); 4] = [
    ("Who thinks", "another\r"),
    ("Who offers the model", "custom\r"),
    ("Model", "qwen/Qwen3:8b\r"),
    ("Address of the server", "http://localhost:8000/v1\r"),
];

fn with_model(world: &World) -> Session {
    let args = ["agent", "new", "dev", "--template", "custom", "--description", "D"];
    let rest = ["--runtime", "process", "--schedule", "1h", "--credential", "none"];
    Session::open(world, &args.into_iter().chain(rest).collect::<Vec<_>>())
}

#[test]
fn a_model_that_is_not_there_yet_comes_with_the_agent() {
    let world = World::new(PROJECT);
    let mut session = with_model(&world);
    answer(&mut session, &WITH_MODEL);
    session.expect("Deliveries that start it").keys(ENTER);
    let (code, shown) = session.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("its model is new in config.toml: [models.qwen3-8b]\n"), "{shown}");
    let config = fs::read_to_string(world.project().join("config.toml")).unwrap();
    let models = "[models.m]\nprovider = \"anthropic\"\nmodel = \"m\"\n";
    assert!(config.contains(models), "{config}");
    let config: toml::Table = config.parse().unwrap();
    let model = toml::toml! {
        provider = "custom"
        model = "qwen/Qwen3:8b"
        baseUrl = "http://localhost:8000/v1"
    };
    assert_eq!(config["models"]["qwen3-8b"].as_table(), Some(&model));
    let agent = fs::read_to_string(world.project().join("agents/dev/config.toml")).unwrap();
    assert!(agent.contains("models = [\"qwen3-8b\"]"), "{agent}");
}

#[test]
fn who_leaves_while_a_model_is_asked_for_has_added_none() {
    let world = World::new(PROJECT);
    for last in 1..WITH_MODEL.len() {
        let mut session = with_model(&world);
        answer(&mut session, &WITH_MODEL[..last]);
        session.expect(WITH_MODEL[last].0).keys(CTRL_C);
        assert_eq!(session.end().0, 130);
        assert_eq!(names(&world.project()), ["config.toml"]);
        let config = fs::read_to_string(world.project().join("config.toml")).unwrap();
        assert_eq!(config, PROJECT[0].1);
    }
}

#[test]
fn an_agent_whose_person_leaves_at_any_question_is_none() {
    let world = World::new(PROJECT);
    for last in 0..AGENT.len() {
        let mut session = Session::open(&world, &["agent", "new"]);
        answer(&mut session, &AGENT[..last]);
        session.expect(AGENT[last].0).keys(CTRL_C);
        let (code, shown) = session.end();
        assert_eq!(code, 130, "{shown}");
        assert!(shown.ends_with("interrupted: nothing was changed\n"), "{shown}");
        assert_eq!(names(&world.project()), ["config.toml"], "{}", AGENT[last].0);
    }
}

/// What does not pass is asked again, with the reason.
#[test]
fn a_wrong_answer_is_told_at_once() {
    let world = World::new(PROJECT);
    let mut session = Session::open(&world, &["agent", "new", "--template", "custom"]);
    session.expect("Name of the agent").keys("My Agent\r").expect("this name has");
    // Ctrl-U empties the line.
    session.keys(&"\x7f".repeat(8)).keys("../x\r").expect("this name has `.`");
    session.keys(CTRL_C);
    assert_eq!(session.end().0, 130);
}

#[test]
fn two_wizards_at_once_make_one_agent() {
    let world = World::new(PROJECT);
    let open = || {
        let args = ["agent", "new", "dev", "--template", "dev", "--model", "m"];
        let rest = ["--description", "D", "--runtime", "process", "--schedule", "1h"];
        let last = ["--credential", "none", "--param", "repo=a/b", "--webhook", "hub"];
        let args: Vec<&str> = args.into_iter().chain(rest).chain(last).collect();
        let mut session = Session::open(&world, &args);
        session.expect("Label");
        session
    };
    let (mut one, mut two) = (open(), open());
    one.keys("first\r");
    assert_eq!(one.end().0, 0);
    two.keys("second\r");
    let (code, shown) = two.end();
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("agents/dev is there already"), "{shown}");
    let config = world.read("agents/dev/config.toml");
    assert!(config.contains("label = \"first\""), "{config}");
    assert_eq!(names(&world.project().join("agents")), ["dev"]);
}

#[test]
fn two_wizards_at_once_make_one_project() {
    let world = World::new(&[]);
    let open = || {
        let args = ["new", "shop", "--provider", "none", "--agent", "a", "--runtime", "process"];
        let mut session =
            Session::open(&world, &args.into_iter().chain(["--no-git"]).collect::<Vec<_>>());
        session.expect("Name of the project");
        session
    };
    let (mut one, mut two) = (open(), open());
    one.keys("first\r");
    assert_eq!(one.end().0, 0);
    two.keys("second\r");
    let (code, shown) = two.end();
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("shop is a project already"), "{shown}");
    let config = world.read("shop/config.toml");
    assert!(config.contains("projectName = \"first\""), "{config}");
    assert_eq!(names(&world.project()), ["shop"]);
}

/// Somebody else makes the environment while the questions are answered.
#[test]
fn an_environment_takes_the_place_of_no_other() {
    let world = World::new(&[("config.toml", "")]);
    let file = world.environment("prod");
    let mut session = Session::open(&world, &["env", "init", "prod"]);
    session.expect("Where its scheduler answers");
    write(&file, "# another\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    session.keys(ENTER).expect("Host that deployment goes to").keys(ENTER);
    let (code, shown) = session.end();
    assert!(code == 2 && shown.contains("environment `prod` exists already"), "{shown}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "# another\n");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn questions_have_colours_unless_there_are_to_be_none() {
    let world = World::new(PROJECT);
    let raw = |args: &[&str], env: &[(&str, &str)]| {
        let mut session = Session::open_with(&world, &world.project(), args, env);
        session.expect("Template").keys(DOWN).expect("reviewer").keys(CTRL_C);
        session.expect("interrupted");
        session.raw()
    };
    let colours = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
    let ask: &[&str] = &["agent", "new"];
    assert!(colours.is_match(&raw(ask, &[])));
    let plain = |raw: String| {
        let found: Vec<&str> = colours.find_iter(&raw).map(|found| found.as_str()).collect();
        // Nothing but an end to what was never begun.
        assert!(found.iter().all(|sequence| ["\x1b[0m", "\x1b[m"].contains(sequence)), "{raw:?}");
    };
    plain(raw(ask, &[("NO_COLOR", "1")]));
    plain(raw(&["--color", "never", "agent", "new"], &[]));
}
