//! From an empty folder to agents at work, as a newcomer does it.

use super::{CTRL_C, ENTER, Session};
use crate::world::{World, closed_port};

const SECRET: &str = "planted-0123456789-secret";

fn done(session: Session) -> String {
    let (code, shown) = session.end();
    assert_eq!(code, 0, "{shown}");
    shown
}

#[test]
fn an_empty_folder_becomes_agents_at_work() {
    let world = World::new(&[]);
    let shop = world.project().join("shop");
    let open = |args: &[&str]| Session::open_with(&world, &shop, args, &[]);

    let mut new = Session::open(&world, &["new", "shop", "--provider", "none"]);
    new.expect("Name of the project").keys(ENTER);
    new.expect("What it is called").keys(ENTER);
    new.expect("Where it runs").keys(ENTER);
    new.expect("Begin a Git repository?").keys("n\r");
    let shown = done(new);
    assert!(shown.contains("cd shop\n") && shown.contains("al run hello"), "{shown}");

    let mut agent = open(&["agent", "new", "watch", "--script"]);
    agent.expect("What it is for").keys("Looks after it\r");
    agent.expect("Where it runs").keys(ENTER);
    agent.expect("When it starts by itself").keys("@hourly\r");
    agent.expect("What its runs are given").keys(ENTER);
    let shown = done(agent);
    assert!(shown.contains("agents/watch is there"), "{shown}");

    let shown = done(open(&["agent", "ls"]));
    assert!(shown.contains("every 5m") && shown.contains("Looks after it"), "{shown}");

    // What is typed here is a secret: it is stored, and not seen.
    let mut creds = open(&["creds", "add", "github_webhook_secret", "--no-check"]);
    creds
        .expect("? name of the instance")
        .keys(ENTER)
        .expect("? secret")
        .keys(&format!("{SECRET}\r"));
    let shown = done(creds);
    assert!(!shown.contains(SECRET), "{shown}");
    let stored =
        world.home().join(".action-llama/credentials/github_webhook_secret/default/secret");
    assert_eq!(std::fs::read_to_string(stored).unwrap().trim(), SECRET);

    done(open(&["config", "--set", &format!("gateway.port={}", closed_port())]));
    done(open(&["doctor"]));
    let shown = done(open(&["run", "hello"]));
    assert!(shown.contains("free on this disk"), "{shown}");

    let mut start = open(&["start", "-H", "--port", "0"]);
    start.expect("a third one leaves");
    start.keys(CTRL_C);
    let (_, shown) = start.end();
    assert!(!shown.contains("panicked"), "{shown}");
}
