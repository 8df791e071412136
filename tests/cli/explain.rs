//! What a code means, and where a person learns of it.

use crate::world::World;

#[test]
fn a_code_is_explained_with_what_to_do() {
    let world = World::new(&[]);
    insta::assert_snapshot!(world.shown(&["explain", "port_in_use"]));
    insta::assert_snapshot!(world.json(&["explain", "no_engine", "--json"]));
    insta::assert_snapshot!(world.shown(&["explain", "port_used"]));
    insta::assert_snapshot!(world.shown(&["explain", "something"]));
}

#[test]
fn all_codes_are_listed_within_80_columns() {
    let world = World::new(&[]);
    let page = world.shown(&["explain"]);
    let wide: Vec<&str> = page.lines().filter(|line| line.chars().count() > 80).collect();
    assert_eq!(wide, Vec::<&str>::new());
    let all: serde_json::Value =
        serde_json::from_slice(&world.al(&["explain", "--json"]).stdout).unwrap();
    let all = all["codes"].as_array().unwrap();
    assert_eq!(all.len() + 3, page.lines().count(), "two lines of the shell, one of titles");
    assert!(all.iter().any(|entry| entry["code"] == "not_running"), "{all:?}");
}

#[test]
fn scripts_see_errors_as_they_were() {
    let said = String::from_utf8(World::shop().al(&["pause"]).stderr).unwrap();
    assert_eq!(said, "error: the scheduler is not running\nhint: al start\n");
}
