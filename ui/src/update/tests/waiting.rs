//! Runs that ask, and runs that called others.

use crate::fixture::{Desk, run};
use al_wire::*;

const ASKING: &str = "dev-000000b2";

fn asking(choices: &[&str]) -> RunRow {
    RunRow {
        why: "asks: Merge it?".into(),
        wait: Some(WaitRow {
            question: Some("Merge it into main?".into()),
            choices: choices.iter().map(|choice| (*choice).into()).collect(),
            since_ms: Some(crate::fixture::NOW_MS - 30_000),
            until_ms: crate::fixture::NOW_MS + 3_600_000,
        }),
        ..run(ASKING, RunState::Waiting, 52)
    }
}

fn desk(row: RunRow) -> Desk {
    let mut desk = Desk::new();
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts: vec![Row::Run(row)] }));
    desk.press("2 g g");
    assert_eq!(desk.selected(), ASKING);
    desk.out.clear();
    desk
}

fn answer(text: &str) -> Command {
    Command::Answer { run: ASKING.into(), text: text.into() }
}

#[test]
fn a_question_is_answered_with_a_choice_or_with_words() {
    let check = |choices: &[&str], keys: &str, expected: &[Command]| {
        let mut desk = desk(asking(choices));
        desk.press(keys);
        assert_eq!(desk.commands(), expected, "{choices:?} {keys}");
    };
    let (few, many) = (["yes", "no"], ["a", "b", "c", "d", "e"]);
    check(&few, "A Tab Enter", &[answer("yes")]);
    check(&few, "A Tab Tab Enter", &[answer("no")]);
    check(&few, "A Enter", &[]);
    check(&few, "A Esc", &[]);
    check(&[], "A 'into the other one' Enter", &[answer("into the other one")]);
    check(&[], "A Enter", &[]);
    check(&many, "A 'c' Enter", &[answer("c")]);
    check(&[], ": 'answer 000000b2 go on' Enter", &[answer("go on")]);
    check(&[], "1 g g A 'yes' Enter", &[answer("yes")]);
}

#[test]
fn a_run_is_told_something_with_a_key_or_a_command() {
    let say = |text: &str| Command::Say { run: ASKING.into(), text: text.into() };
    let check = |state: RunState, keys: &str, expected: &[Command]| {
        let mut desk = desk(run(ASKING, state, 52));
        desk.press(keys);
        assert_eq!(desk.commands(), expected, "{state:?} {keys}");
    };
    check(RunState::Running, "m 'stop there' Enter", &[say("stop there")]);
    check(RunState::Running, "m Enter", &[]);
    check(RunState::Running, "m 'stop' Esc", &[]);
    check(RunState::Running, ": 'say 000000b2 go on' Enter", &[say("go on")]);
    let mut desk = desk(run(ASKING, RunState::Running, 52));
    let failed = Row::Run(run(ASKING, RunState::Failed, 52));
    desk.hear(Down::Delta(Delta { seq: 43, at_ms: 0, puts: vec![failed] }));
    desk.press("m");
    assert_eq!(desk.last_row(), format!("! {ASKING} already ended"));
}

#[test]
fn the_question_stands_with_its_choices_and_a_refusal_is_told() {
    let mut desk = desk(asking(&["yes", "no"]));
    desk.press("A");
    insta::assert_snapshot!("answer_dialog", desk.screen());
    desk.press("Tab Enter");
    let why = "the choices are: yes, no".to_owned();
    desk.hear(Down::Reply { id: 1, reply: Reply::Refused { why } });
    assert_eq!(desk.last_row(), "! the choices are: yes, no");
}

#[test]
fn who_asks_nothing_cannot_be_answered() {
    let mut desk = desk(run(ASKING, RunState::Running, 52));
    desk.press("A");
    assert_eq!((desk.last_row(), desk.commands()), (format!("! {ASKING} asks nothing"), vec![]));
}

#[test]
fn what_a_run_waits_for_and_whom_it_called_is_inspected() {
    let called = RunRow {
        caller: Some(ASKING.into()),
        lane: Some("acme/api#12".into()),
        priority: Priority::High,
        not_before_ms: Some(crate::fixture::NOW_MS + 60_000),
        retry: Some(TryOf { n: 2, of: Some(3) }),
        ..run("planner-000000f1", RunState::Queued, 20)
    };
    let mut desk = desk(asking(&["yes", "no"]));
    desk.hear(Down::Delta(Delta { seq: 43, at_ms: 0, puts: vec![Row::Run(called)] }));
    let facts = |desk: &Desk, id: &str| {
        let subject = crate::state::Subject::Run(id.into());
        let facts = crate::inspect::facts(&desk.ui, &subject);
        let lines = facts.iter().map(|fact| format!("{:<10} {}", fact.label, fact.value));
        lines.collect::<Vec<_>>().join("\n")
    };
    let both = [facts(&desk, ASKING), facts(&desk, "planner-000000f1")].join("\n\n");
    insta::assert_snapshot!("inspect_calls_and_waits", both);
}

#[test]
fn a_kill_offers_to_take_called_runs_along() {
    let mut desk = desk(run(ASKING, RunState::Running, 52));
    desk.press("X");
    desk.out.clear();
    let confirm = Confirm {
        impact: vec!["planner-000000f1, which it called, goes on".into()],
        left: vec!["planner-000000f1".into()],
        ..crate::view::tests::confirm(Level::Loses)
    };
    desk.hear(Down::Reply { id: 1, reply: Reply::NeedsConfirm(confirm) });
    insta::assert_snapshot!("kill_leaves_called_runs", desk.screen());
    desk.press("Tab Tab Enter");
    let tree = Command::Kill { target: Target::Run(ASKING.into()), tree: true };
    assert_eq!(desk.commands(), [tree]);
}
