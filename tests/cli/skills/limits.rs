//! Limits of a fetch, with small ones.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use action_llama::skills::{Limits, Origin, Repository, SkillError, Stop, find};

use super::upstream::Upstream;
use crate::world::World;

fn fetch(origin: &Origin, limits: Limits) -> Result<Repository, SkillError> {
    Repository::fetch(origin, None, limits, &Stop::default(), &mut |_| {})
}

fn local(upstream: &Upstream) -> Origin {
    let dir = upstream.dir().to_str().unwrap();
    Origin::parse(dir, "https://example.com", Path::new("/")).unwrap()
}

#[test]
fn a_repository_that_is_too_large_is_not_fetched_to_its_end() {
    let world = World::new(&[]);
    let mut upstream = Upstream::new(&world);
    let noise: Vec<u8> =
        (0..300_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
    upstream.file("SKILL.md", "x").file("noise", noise).commit();
    let limits = Limits { fetched_bytes: 100_000, ..Limits::default() };
    let error = fetch(&local(&upstream), limits).unwrap_err();
    assert!(matches!(error, SkillError::TooLarge { bytes: 100_000, .. }), "{error}");
    fetch(&local(&upstream), Limits::default()).unwrap();
}

#[test]
fn who_never_answers_is_not_waited_for_forever() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/acme/skills", silent.local_addr().unwrap());
    let origin = Origin::parse(&url, "https://example.com", Path::new("/")).unwrap();
    let limits = Limits { time: Duration::from_millis(300), ..Limits::default() };
    let error = fetch(&origin, limits).unwrap_err();
    assert!(matches!(error, SkillError::TooSlow { .. }), "{error}");
}

#[test]
fn more_skills_than_anybody_looks_at() {
    let world = World::new(&[]);
    let mut upstream = Upstream::new(&world);
    for n in 0..4 {
        upstream.file(format!("skills/s{n}/SKILL.md"), "x");
    }
    upstream.commit();
    let limits = Limits { skills: 3, ..Limits::default() };
    let error = find(&fetch(&local(&upstream), limits).unwrap()).unwrap_err();
    assert!(error.to_string().contains("more than 3 skills"), "{error}");
    assert_eq!(find(&fetch(&local(&upstream), Limits::default()).unwrap()).unwrap().len(), 4);
}
