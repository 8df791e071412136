//! The menus of `al config` and `al agent config`.

use super::{CTRL_C, DOWN, ENTER, Session};
use crate::world::World;

const CONFIG: &str =
    "# All of it.\nscale = 2 # two\n\n[models.m]\nprovider = \"anthropic\"\nmodel = \"m\"\n";

fn world() -> World {
    World::new(&[("config.toml", CONFIG)])
}

fn text(world: &World) -> String {
    world.read("config.toml")
}

/// Typing chooses, as lists are searched by it.
const WAY: [(&str, &str); 6] = [
    ("Settings of config.toml", "limits\r"),
    ("Choose a setting", "workQueue\r"),
    ("workQueueSize=VALUE", "7\r"),
    ("Choose a setting", "back\r"),
    ("Settings of config.toml", "save\r"),
    ("Write it?", ENTER),
];

#[test]
fn a_setting_is_found_changed_shown_and_written() {
    let world = world();
    let mut session = Session::open(&world, &["config"]);
    for (question, keys) in WAY {
        session.expect(question).keys(keys);
    }
    let (code, shown) = session.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("+workQueueSize = 7\n"), "{shown}");
    assert_eq!(text(&world), CONFIG.replace("# two\n", "# two\nworkQueueSize = 7\n"));
}

#[test]
fn who_leaves_a_menu_anywhere_has_changed_nothing() {
    for last in 0..WAY.len() {
        let world = world();
        let mut session = Session::open(&world, &["config"]);
        for (question, keys) in &WAY[..last] {
            session.expect(question).keys(keys);
        }
        session.expect(WAY[last].0).keys(CTRL_C);
        let (code, shown) = session.end();
        assert_eq!(code, 130, "{shown}");
        assert!(shown.ends_with("interrupted: nothing was changed\n"), "{shown}");
        assert_eq!(text(&world), CONFIG);
    }
}

#[test]
fn what_is_wrong_is_told_before_it_is_kept() {
    let world = world();
    let mut session = Session::open(&world, &["config"]);
    session.expect("Settings of config.toml").keys("limits\r");
    session
        .expect("Choose a setting")
        .keys("workQueue\r")
        .expect("workQueueSize=VALUE")
        .keys("many\r");
    session.expect("must be a whole number").expect("Keep it").keys(ENTER);
    session.expect("Choose a setting").keys("back\r");
    session.expect("Settings of config.toml").keys("leave\r");
    let (code, shown) = session.end();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(text(&world), CONFIG);
}

/// A model needs a provider and a name at once, an agent that is invalid can be mended.
#[test]
fn an_invalid_agent_is_mended_in_the_menu() {
    let world = World::new(&[
        ("config.toml", CONFIG),
        ("agents/dev/SKILL.md", "Works.\n"),
        ("agents/dev/config.toml", "models = [\"gone\"] # mine\nevery = \"1h\"\n"),
    ]);
    let mut session = Session::open(&world, &["agent", "config", "dev"]);
    session.expect("unknown model `gone`");
    session.expect("Settings of agents/dev/config.toml").keys(ENTER);
    session.expect("Choose a setting").keys(ENTER).expect("take out").keys(ENTER);
    // Two names: `m` is the model of the project, `gone` the one that is marked.
    session.expect("models=VALUE,VALUE").keys(" ").keys(DOWN).keys(" ").keys(ENTER);
    session.expect("Choose a setting").keys("back\r");
    session.expect("Settings of").keys("save\r").expect("Write it?").keys(ENTER);
    let (code, shown) = session.end();
    assert_eq!(code, 0, "{shown}");
    let text = world.read("agents/dev/config.toml");
    assert_eq!(text, "models = [\"m\"] # mine\nevery = \"1h\"\n");
}

#[test]
fn a_header_is_changed_and_never_shown() {
    let headers = |value: &str| format!("[models.m]\nheaders = {{ k = \"{value}\" }}\n");
    let config = CONFIG.replace("[models.m]\n", &headers("planted-old"));
    let world = World::new(&[("config.toml", &config)]);
    let mut session = Session::open(&world, &["config"]);
    session.expect("Settings of config.toml").keys("models\r");
    session.expect("Choose a setting").keys(ENTER);
    session.expect("headers = { k = \"(hidden)\" }").keys(ENTER);
    session.expect("its settings, one by one").keys(ENTER);
    session.expect("back").keys("headers\r");
    session.expect("\"(hidden)\"").keys(ENTER);
    session.expect("now \"(hidden)\"").keys(ENTER);
    session.expect("headers.k=VALUE").keys("fresh\r");
    for list in ["models.m.headers  ", "models.m  ", "models  ", "Choose a setting  "] {
        session.expect(list).expect("back").keys("back\r");
    }
    session.expect("Settings of config.toml").keys("save\r");
    session.expect("Write it?").keys(ENTER);
    let (code, shown) = session.end();
    assert!(code == 0 && !shown.contains("planted-"), "{shown}");
    assert_eq!(text(&world), config.replace("planted-old", "fresh"));
}

#[test]
fn two_menus_at_once_keep_what_each_changed() {
    let world = world();
    let open = |key: &str, value: &str| {
        let mut session = Session::open(&world, &["config"]);
        session.expect("Settings of config.toml").keys("limits\r");
        session.expect("Choose a setting").keys(&format!("{key}\r"));
        session.expect(&format!("{key}=VALUE")).keys(&format!("{value}\r"));
        session.expect("Choose a setting").keys("back\r");
        session.expect("Settings of config.toml").keys("save\r").expect("Write it?");
        session
    };
    let (mut one, mut two) = (open("workQueueSize", "7"), open("maxReruns", "3"));
    one.keys(ENTER);
    assert_eq!(one.end().0, 0);
    two.keys(ENTER).expect("changed by somebody else meanwhile; here it is again");
    two.expect(" workQueueSize = 7").expect("+maxReruns = 3").expect("Write it?").keys(ENTER);
    assert_eq!(two.end().0, 0);
    let both = "# two\nworkQueueSize = 7\nmaxReruns = 3\n";
    assert_eq!(text(&world), CONFIG.replace("# two\n", both));
}
