//! `al audit`, and the key of the gateway.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use action_llama::scheduler::{Decision, Deed, DeedKind, Door, Ending, Who};

use crate::world::{Gateway, World, ago_s, closed_port};

fn deed(kind: DeedKind, name: &str, door: Door, address: Option<&str>, at_s: i64) -> Decision {
    let address = address.map(str::to_owned);
    let by = Who { name: name.to_owned(), door, address };
    let mut deed = Deed::of(by, kind, Ending::Done, "");
    if matches!(kind, DeedKind::Pause | DeedKind::Run) {
        let agent = || Some("dev".to_owned());
        deed = Deed { on: agent(), agent: agent(), ..deed };
    }
    match kind {
        DeedKind::Pause => deed.detail = "paused dev".to_owned(),
        DeedKind::Run => {
            deed.ending = Ending::Refused;
            deed.detail = "dev is paused by ann".to_owned();
        }
        DeedKind::LoginFailed => {
            deed.ending = Ending::Refused;
            deed.detail = "12 wrong keys from 192.0.2.7".to_owned();
        }
        _ => {}
    }
    Decision::Audited { deed: Box::new(deed), at: ago_s(at_s) }
}

fn world() -> World {
    let world = World::shop();
    world.history(&[
        deed(DeedKind::Login, "ann", Door::Session, Some("127.0.0.1"), 7200),
        deed(DeedKind::Pause, "ann", Door::Session, Some("127.0.0.1"), 7000),
        deed(DeedKind::Run, "bob", Door::Key, Some("10.0.0.4"), 300),
        deed(DeedKind::LoginFailed, "somebody", Door::Outside, Some("192.0.2.7"), 60),
        deed(DeedKind::KeyChanged, "scheduler", Door::Host, None, 30),
    ]);
    world
}

#[test]
fn records_are_listed_newest_first() {
    let world = world();
    let page = world.shown(&["audit"]);
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    insta::assert_snapshot!(page);
    insta::assert_snapshot!(world.json(&["audit", "-n", "1", "--agent", "dev", "--json"]));
}

#[test]
fn records_are_chosen_by_person_agent_and_time() {
    let world = world();
    let names = |args: &[&str]| {
        let output = world.al(&[&["audit", "--json"], args].concat());
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let rows = value["audit"].as_array().unwrap().clone();
        rows.iter().map(|row| row["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["--by", "ann"]), ["pause", "login"]);
    assert_eq!(names(&["--agent", "dev"]), ["run", "pause"]);
    assert_eq!(names(&["--since", "1h"]), ["key-changed", "login-failed", "run"]);
    assert_eq!(names(&["-n", "1"]), ["key-changed"]);
    let none = world.shown(&["audit", "--by", "eve"]);
    assert_eq!(none, "exit code 0\n--- stdout\nno such record\n");
    assert!(world.shown(&["audit", "--agent", "dve"]).contains("did you mean 'dev'?"));
    let empty = World::shop().shown(&["audit"]);
    assert_eq!(empty, "exit code 0\n--- stdout\nnobody has done anything yet\n");
}

#[test]
fn a_key_is_replaced_without_a_scheduler_and_that_is_on_record() {
    let world = world();
    world.key("the-old-key");
    let file = world.home().join(".action-llama/credentials/gateway_api_key/default/key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let shown = world.shown(&["doctor", "--rotate-key"]);
    let key = fs::read_to_string(&file).unwrap();
    assert!(key.trim().len() == 43 && !shown.contains(key.trim()), "{shown}");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    insta::assert_snapshot!(shown);
    let newest = world.json(&["audit", "-n", "1", "--json"]);
    assert!(
        newest.contains(r#""kind": "rotate-key""#) && newest.contains(r#""by": "ann""#),
        "{newest}"
    );
}

#[test]
fn a_scheduler_is_told_with_the_new_key_that_there_is_one() {
    let world = World::shop();
    world.key("the-old-key");
    let scheduler = Gateway::answering(&world, 200, r#"{"success": true, "revoked": 2}"#);
    let shown = world.shown(&["doctor", "--rotate-key"]);
    assert!(shown.starts_with("exit code 0\n"), "{shown}");
    let asked = scheduler.asked();
    let file = world.home().join(".action-llama/credentials/gateway_api_key/default/key");
    let key = fs::read_to_string(file).unwrap();
    let expected = format!(
        "POST /api/auth/revoke HTTP/1.1 | Bearer {} | ann | {{\"rotated\":true}}",
        key.trim()
    );
    assert_eq!(asked, [expected]);
}

#[test]
fn a_key_that_others_can_read_is_told_and_mended() {
    // Somebody may have a scheduler at the usual port.
    let config = format!("projectName = \"shop\"\n[gateway]\nport = {}\n", closed_port());
    let world = World::new(&[
        ("config.toml", &config),
        ("agents/dev/SKILL.md", "Work.\n"),
        (
            "agents/dev/config.toml",
            "schedule = \"@yearly\"\n[harness]\ntype = \"script\"\ncommand = \"true\"\n\
             [runtime]\ntype = \"process\"\n",
        ),
    ]);
    world.key("the-old-key");
    let file = world.home().join(".action-llama/credentials/gateway_api_key/default/key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let told = world.shown(&["doctor", "--quiet"]);
    assert!(told.starts_with("exit code 3\n"), "{told}");
    assert!(told.contains("others can use this credential (mode 0644)"), "{told}");
    assert!(told.contains("al doctor --fix, and then --rotate-key"), "{told}");
    assert!(world.shown(&["doctor", "--fix"]).contains("nobody is there"));
    let mended = world.shown(&["doctor", "--fix", "--yes", "--quiet"]);
    assert!(mended.starts_with("exit code 0\n") && mended.contains("chmod 600"), "{mended}");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
}
