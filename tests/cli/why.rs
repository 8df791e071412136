//! `al why` and `al stats`.

use action_llama::scheduler::{Call, Decision, RunState, TriggerKind, Why};

use crate::stat::busy;
use crate::world::{Gateway, World, ago_s, enqueue, start, trigger, write};

fn narrow(page: &str) {
    let wide: Vec<&str> = page.lines().filter(|line| line.chars().count() > 80).collect();
    assert_eq!(wide, Vec::<&str>::new());
}

/// Times of day differ each time.
fn timeless(page: &str) -> String {
    let clock = regex::Regex::new(r"\b\d\d:\d\d:\d\d\b").unwrap();
    let day = regex::Regex::new(r"(?m)^20\d\d-\d\d-\d\d\n").unwrap();
    day.replace_all(&clock.replace_all(page, "[clock]"), "").into_owned()
}

#[test]
fn a_run_is_told_from_its_trigger_to_its_end() {
    let world = busy();
    let page = world.shown(&["why", "dev-00000001"]);
    narrow(&page);
    insta::assert_snapshot!(timeless(&page));
    insta::assert_snapshot!(world.json(&["why", "dev-00000001", "--json"]));
}

#[test]
fn a_tick_that_started_nothing_says_why() {
    insta::assert_snapshot!(timeless(&busy().shown(&["why", "r2"])));
    insta::assert_snapshot!(timeless(&busy().shown(&["why", "r3"])));
}

#[test]
fn the_beginning_of_an_id_is_enough_when_it_is_clear() {
    let world = busy();
    assert_eq!(world.shown(&["why", "reviewer"]), world.shown(&["why", "reviewer-of"]));
    insta::assert_snapshot!(world.shown(&["why", "dev"]));
    insta::assert_snapshot!(world.shown(&["why", "nobody"]));
}

#[test]
fn a_history_on_another_machine_is_asked_for_there() {
    let (here, there) = (World::shop(), World::shop());
    let answer = serde_json::json!({
        "id": "dev-1",
        "steps": [{"at_ms": 0, "about": "dev-1", "step": "ended", "text": "succeeded: finished"}],
    });
    let remote = Gateway::answering(&there, 200, &answer.to_string());
    let url = format!("[gateway]\nurl = \"{}\"\n[server]\nhost = \"example.org\"\n", remote.url);
    write(&here.environment("prod"), &url);
    let shown = here.shown(&["why", "dev-1", "-E", "prod"]);
    assert!(shown.contains("succeeded: finished"), "{shown}");
    assert_eq!(remote.asked(), ["GET /control/why/dev-1 HTTP/1.1 |  | ann | "]);
}

#[test]
fn numbers_of_all_agents_and_of_one_fit_80_columns() {
    let world = busy();
    let page = world.shown(&["stats"]);
    narrow(&page);
    insta::assert_snapshot!(page);
    let page = world.shown(&["stats", "dev", "-n", "2"]);
    narrow(&page);
    insta::assert_snapshot!(page);
    insta::assert_snapshot!(world.json(&["stats", "dev", "-n", "1", "--json"]));
}

#[test]
fn numbers_may_be_of_late_only() {
    let world = busy();
    assert_ne!(world.shown(&["stats"]), world.shown(&["stats", "--since", "2h"]));
    let nothing = World::shop().shown(&["stats", "--since", "2h"]);
    assert_eq!(nothing, "exit code 0\n--- stdout\nnothing happened in that time\n");
    assert_eq!(
        World::shop().shown(&["stats"]),
        "exit code 0\n--- stdout\nno runs yet; `al run <agent>` starts one\n"
    );
    insta::assert_snapshot!(world.shown(&["stats", "dve"]));
    insta::assert_snapshot!(world.shown(&["stats", "--since", "soon"]));
}

#[test]
fn who_calls_whom_is_counted_with_what_failed() {
    let world = busy();
    let none = world.shown(&["stats", "--calls"]);
    assert_eq!(none, "exit code 0\n--- stdout\nno agent called another\n");
    let by = || trigger(TriggerKind::Call, "dev", "by dev-00000003");
    let mut decisions = Vec::new();
    for (seq, state) in [(11, RunState::Succeeded), (12, RunState::Failed)] {
        let id = format!("odd-{seq}");
        decisions.push(enqueue(seq, &id, by(), 90));
        decisions.push(Decision::Call(Call {
            id: format!("call-{seq}"),
            caller: "dev-00000003".into(),
            run: id.clone(),
            receipt: "r9".into(),
            at: ago_s(90),
        }));
        decisions.extend(start(&id, 80));
        let (code, at) = (i32::from(state == RunState::Failed), ago_s(60));
        let why = Why::Exited { code };
        decisions.push(Decision::Finish { run: id, state, why, exit_code: Some(code), at });
    }
    world.history(&decisions);
    insta::assert_snapshot!(world.shown(&["stats", "--calls"]));
    insta::assert_snapshot!(timeless(&world.shown(&["why", "dev-00000003"])));
}

#[test]
fn ids_of_receipts_can_be_listed_page_by_page() {
    let world = busy();
    insta::assert_snapshot!(world.shown(&["triggers", "--ids", "-n", "2"]));
    insta::assert_snapshot!(world.shown(&["triggers", "--ids", "--before", "r2"]));
    insta::assert_snapshot!(world.shown(&["triggers", "--ids", "--oldest", "-n", "1"]));
    let end = world.shown(&["triggers", "--before", "r1"]);
    assert_eq!(end, "exit code 0\n--- stdout\nnothing fired before that\n");
}
