//! A repository as people publish them: everything in it comes in and can be used.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::upstream::{Upstream, agents, al};
use crate::world::World;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/skills")
}

fn publish(upstream: &mut Upstream, dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            publish(upstream, &path);
            continue;
        }
        let name = path.strip_prefix(fixture()).unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        if fs::metadata(&path).unwrap().permissions().mode() & 0o111 != 0 {
            upstream.program(&name, &text);
        } else {
            upstream.file(&name, &text);
        }
    }
}

#[test]
fn agents_and_skills_of_a_public_repository_come_in_and_load_clean() {
    let config = fs::read_to_string(fixture().join("config.toml")).unwrap();
    let world = World::new(&[("config.toml", &config)]);
    for (path, value) in [
        ("github_token/default/token", "ghp_1"),
        ("github_webhook_secret/default/secret", "s"),
        ("git_ssh/default/id_rsa", "k"),
        ("git_ssh/default/username", "bot"),
        ("git_ssh/default/email", "bot@example.com"),
        ("openai_key/default/token", "sk-1"),
    ] {
        world.credential(path, value, 0o600);
    }
    let mut upstream = Upstream::new(&world);
    publish(&mut upstream, &fixture());
    upstream.commit();

    let (code, out, err) = al(&world, &["add", "acme/skills", "--all", "--yes"]);
    assert_eq!(code, 0, "{err}");
    insta::assert_snapshot!(out);
    assert!(agents(&world).contains(&"planner/SKILL.md".to_owned()));
    assert!(agents(&world).contains(&"release-notes/references/style.md".to_owned()));

    let (_, out, err) = al(&world, &["doctor", "--json"]);
    let document: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    let findings: Vec<String> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        // This machine, and an engine that is not there in tests, are beside the point.
        .filter(|finding| {
            ["configuration", "agents", "credentials", "webhooks", "models"]
                .contains(&finding["group"].as_str().unwrap())
        })
        .map(|finding| format!("{}: {}", finding["severity"], finding["what"]))
        .collect();
    insta::assert_snapshot!(findings.join("\n"));

    let (code, out, _) = al(&world, &["update", "--dry-run"]);
    assert_eq!(code, 0, "{out}");
}
