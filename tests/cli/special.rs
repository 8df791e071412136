//! Runs that wait, call, retry or start later, and the locks that they hold: how lists show them.

use std::collections::BTreeMap;

use action_llama::scheduler::{
    Decision, Hold, Lock, Pause, Priority, Run, Scope, TriggerKind, Wait, WaitFor, Why,
};

use crate::world::{World, ago_s, enqueue, start, trigger};

/// `dev` asks a person, called `odd`, and has more to do.
fn world() -> World {
    let world = World::shop();
    let tick = || trigger(TriggerKind::Schedule, "@hourly", "@hourly");
    let issue = || trigger(TriggerKind::Webhook, "github", "issues labeled acme/shop#12");
    let call = trigger(TriggerKind::Call, "dev", "by dev-00000001");
    let mut decisions = vec![
        enqueue(1, "dev-00000001", tick(), 7240),
        special(enqueue(2, "odd-00000002", call, 5440), |run| {
            run.caller = Some("dev-00000001".to_owned());
        }),
        special(enqueue(3, "dev-00000003", issue(), 600), |run| {
            run.priority = Priority::High;
            run.lane = Some("acme/shop#12".to_owned());
        }),
        special(enqueue(4, "dev-00000004", issue(), 500), |run| {
            // Far enough away to be the same whenever the tests run.
            run.not_before = Some(3_976_214_400_000);
        }),
    ];
    decisions.extend(start("dev-00000001", 7230));
    decisions.extend(start("odd-00000002", 5430));
    decisions.extend(start("dev-00000003", 400));
    decisions.push(Decision::Requeue {
        run: "dev-00000003".to_owned(),
        why: Why::Retry { next: 2, of: 3, after_ms: 0, because: Box::new(Why::Lost) },
        not_before: None,
        at: ago_s(380),
    });
    decisions.push(Decision::Wait(Box::new(Wait {
        id: "w1".to_owned(),
        run: "dev-00000001".to_owned(),
        attempt: 1,
        what: WaitFor::Answer {
            question: "Merge it?".to_owned(),
            choices: vec!["yes".to_owned(), "no".to_owned()],
        },
        since: ago_s(310),
        until: ago_s(-3300),
        over: false,
    })));
    decisions.push(Decision::Lock(Lock {
        key: "github://acme/shop/issues/12".to_owned(),
        run: "odd-00000002".to_owned(),
        attempt: 1,
        since: ago_s(130),
        until: ago_s(-1750),
    }));
    let pause = Pause {
        hold: Hold::Drain,
        until: Some(ago_s(-6450)),
        ..Pause::begin("ann", ago_s(750), Some("moving".to_owned()))
    };
    decisions.push(Decision::Pause { scope: Scope::Agent("dev".to_owned()), pause });
    world.history(&decisions);
    world
}

fn special(mut decision: Decision, change: impl Fn(&mut Run)) -> Decision {
    if let Decision::Enqueue { run, .. } = &mut decision {
        change(run);
    }
    decision
}

#[test]
fn lists_show_what_runs_wait_for_and_what_is_special_about_them() {
    let world = world();
    let shown = |args: &[&str]| {
        let page = world.shown(args);
        let wide: Vec<&str> = page.lines().filter(|line| line.chars().count() > 80).collect();
        assert_eq!(wide, Vec::<&str>::new(), "{args:?}");
        page
    };
    insta::assert_snapshot!("special_stat", shown(&["stat"]));
    insta::assert_snapshot!("special_stat_tree", shown(&["stat", "--tree"]));
    insta::assert_snapshot!("special_runs", shown(&["runs"]));
    insta::assert_snapshot!("special_locks", shown(&["locks"]));
    let mut wide = world.command(&["stat", "dev"]);
    let output = wide.env("COLUMNS", "140").env("TZ", "UTC").output().unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    let page = page.replace(&world.project().display().to_string(), "[project]");
    insta::assert_snapshot!("special_stat_agent", page);
}

#[test]
fn scripts_get_the_same_facts() {
    let world = world();
    let of = |args: &[&str], list: &str| -> BTreeMap<String, serde_json::Value> {
        let mut document: serde_json::Value =
            serde_json::from_slice(&world.al(args).stdout).unwrap();
        let serde_json::Value::Array(rows) = document[list].take() else { panic!("{list}") };
        rows.into_iter().map(|row| (row["id"].as_str().unwrap_or("-").to_owned(), row)).collect()
    };
    let runs = of(&["runs", "--json"], "runs");
    assert_eq!(runs["dev-00000001"]["wait"]["choices"], serde_json::json!(["yes", "no"]));
    assert_eq!(runs["odd-00000002"]["caller"], "dev-00000001");
    assert_eq!(runs["dev-00000003"]["priority"], "high");
    assert_eq!(runs["dev-00000003"]["retry"], serde_json::json!({"n": 2, "of": 3}));
    assert_eq!(runs["dev-00000004"]["not_before_ms"], 3_976_214_400_000_i64);
    let tree = of(&["stat", "--tree", "--json"], "tree");
    assert_eq!(tree["dev-00000001"]["called"][0]["id"], "odd-00000002");
    let locks = of(&["locks", "--json"], "locks");
    assert_eq!(locks["-"]["holder"], "odd-00000002");
}
