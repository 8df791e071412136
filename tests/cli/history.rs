//! `al runs` and `al triggers`.

use crate::stat::busy;
use crate::world::World;

#[test]
fn an_empty_history_says_so() {
    let world = World::shop();
    assert_eq!(world.shown(&["runs"]), "exit code 0\n--- stdout\nno runs yet\n");
    assert_eq!(world.shown(&["triggers"]), "exit code 0\n--- stdout\nnothing has fired yet\n");
    assert_eq!(world.json(&["runs", "--json"]), "{\n  \"runs\": []\n}");
}

#[test]
fn runs_are_listed_newest_first() {
    let world = busy();
    insta::assert_snapshot!(world.shown(&["runs"]));
    insta::assert_snapshot!(world.shown(&["runs", "dev", "-n", "1"]));
    insta::assert_snapshot!(world.json(&["runs", "dev", "-n", "1", "--json"]));
    insta::assert_snapshot!(world.shown(&["runs", "dve"]));
}

#[test]
fn firings_are_listed_with_what_came_of_them() {
    let world = busy();
    insta::assert_snapshot!(world.shown(&["triggers"]));
    insta::assert_snapshot!(world.json(&["triggers", "-n", "1", "--json"]));
}
