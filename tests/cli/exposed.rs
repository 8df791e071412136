//! A gateway with a certificate of its own, as `al doctor`, `al start` and other commands see it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::Value;

use crate::world::World;

const CONFIG: &str = "[gateway.tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";
const AGENT: &str = "schedule = \"0 0 1 1 *\"\n[harness]\ntype = \"script\"\ncommand = \"true\"\n\
                     [runtime]\ntype = \"process\"\n";

fn world(mode: u32) -> World {
    let world = World::new(&[
        ("config.toml", CONFIG),
        ("agents/dev/SKILL.md", "Work.\n"),
        ("agents/dev/config.toml", AGENT),
    ]);
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(world.project().join("cert.pem"), cert.pem()).unwrap();
    let key = world.project().join("key.pem");
    fs::write(&key, signing_key.serialize_pem()).unwrap();
    fs::set_permissions(key, Permissions::from_mode(mode)).unwrap();
    world
}

/// What doctor says of the certificate.
fn found(world: &World) -> Vec<String> {
    let output = world.al(&["doctor", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = document["findings"].as_array().unwrap().iter();
    let of_these = findings.filter(|finding| finding["group"] == "webhooks");
    let text = |f: &Value, key: &str| f[key].as_str().unwrap().to_owned();
    let said = of_these.map(|f| format!("{}: {}", text(f, "severity"), text(f, "what")));
    said.map(|line| line.replace(&world.project().display().to_string(), "[project]")).collect()
}

#[test]
fn doctor_says_who_may_use_the_private_key() {
    let check = |mode, expected: &[&str]| assert_eq!(found(&world(mode)), expected, "{mode:o}");
    check(0o600, &[]);
    check(0o400, &[]);
    check(
        0o640,
        &["warning: [SECURITY] the group of its file may use the private key [project]/key.pem"],
    );
    check(
        0o644,
        &["error: [SECURITY] every user of this machine may use the private key [project]/key.pem"],
    );
}

#[test]
fn a_certificate_that_cannot_be_used_is_found_and_keeps_a_scheduler_from_starting() {
    let world = world(0o600);
    fs::write(world.project().join("cert.pem"), "rubbish").unwrap();
    let why = "the certificate cannot be used: [project]/cert.pem holds no certificate";
    assert_eq!(found(&world), [format!("error: {why}")]);
    let shown = world.shown(&["start", "-H", "--port", "0"]);
    let shown = world.steady(&shown);
    assert!(shown.contains("exit code 3") && shown.contains(why), "{shown}");
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn commands_reach_a_scheduler_with_a_certificate_as_any_other() {
    let world = world(0o600);
    let mut start = world.command(&["start", "-H", "--port", "0"]);
    let child = start.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let _running = Running(child);
    let began = Instant::now();
    while !world.al(&["pause", "dev"]).status.success() {
        assert!(began.elapsed() < Duration::from_secs(40), "{}", world.shown(&["pause", "dev"]));
    }
    let written = world.read(".al/gateway.json");
    let url = serde_json::from_str::<Value>(&written).unwrap()["url"].as_str().unwrap().to_owned();
    let shown = world.shown(&["attach", &url.replace("http:", "https:")]);
    assert!(shown.contains("exit code 4") && shown.contains("invalid peer certificate"), "{shown}");
    assert!(shown.contains("from an authority that is known everywhere"), "{shown}");
    assert!(!shown.contains("al start"), "it runs: {shown}");
}
