//! `al runs` and `al triggers`.

use action_llama::scheduler::{Decision, Spent, Used};

use crate::stat::busy;
use crate::world::{World, ago_s};

#[test]
fn an_empty_history_says_so() {
    let world = World::shop();
    assert_eq!(
        world.shown(&["runs"]),
        "exit code 0\n--- stdout\nno runs yet; `al run <agent>` starts one\n"
    );
    assert_eq!(
        world.shown(&["triggers"]),
        "exit code 0\n--- stdout\nnothing has fired yet; `al stat` says what will\n"
    );
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

/// `dev` has used a model.
fn spent() -> World {
    let world = busy();
    let spent = Spent {
        input_tokens: 48_200,
        output_tokens: 1_900,
        cache_read_tokens: 310_000,
        cache_write_tokens: 12_000,
        cost_micros: Some(423_000),
        turns: 14,
    };
    world.history(&[Decision::Spend {
        run: "dev-00000003".to_owned(),
        agent: "dev".to_owned(),
        used: Box::new(Used { attempt: 1, now: spent, ..Used::default() }),
        added: spent,
        at: ago_s(30),
        told: None,
    }]);
    world
}

#[test]
fn what_models_cost_is_listed_where_they_were_used() {
    let world = spent();
    let page = world.shown(&["runs"]);
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    insta::assert_snapshot!(page);
    insta::assert_snapshot!(world.json(&["runs", "dev", "-n", "2", "--json"]));
    insta::assert_snapshot!(world.shown(&["stats"]));
}

#[test]
fn runs_and_firings_pass_the_filters_of_the_console() {
    let world = busy();
    insta::assert_snapshot!(world.shown(&["runs", "state=queued"]));
    insta::assert_snapshot!(world.shown(&["runs", "dev", "state=succeeded", "age<30d"]));
    insta::assert_snapshot!(world.shown(&["runs", "stat=failed"]));
    insta::assert_snapshot!(world.shown(&["runs", "/no such text"]));
    insta::assert_snapshot!(world.shown(&["triggers", "outcome=started,queued"]));
    insta::assert_snapshot!(world.shown(&["triggers", "age<", "x"]));
}
