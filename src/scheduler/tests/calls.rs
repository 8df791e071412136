//! Calls: who may call whom, and what a kill of the caller says.

use super::*;

fn called(answer: Answer) -> String {
    match answer {
        Answer::ToRun(ToRun::Called { run, .. }) => run,
        other => panic!("{other:?}"),
    }
}

fn refused(answer: Answer) -> String {
    match answer {
        Answer::Refused(why) => why.sentence(),
        other => panic!("{other:?}"),
    }
}

fn fleet() -> Fleet {
    Fleet::new(&[("a", 1, 100), ("b", 1, 100), ("c", 1, 100), ("d", 1, 100), ("e", 1, 100)])
}

#[test]
fn a_callee_is_one_deeper_than_its_caller_and_knows_it() {
    let mut fleet = fleet();
    let top = fleet.webhook(&["a"]).remove(0);
    let callee = called(fleet.call(&top, "b"));
    let run = &fleet.view.runs[&callee];
    assert_eq!((run.depth, run.caller.as_deref()), (1, Some(&*top)));
    assert_eq!((run.trigger.kind, &*run.trigger.source), (TriggerKind::Call, "a"));
    assert_eq!(fleet.calls[0].run, callee);
    assert_eq!(fleet.receipts.last().unwrap().runs, [callee]);
}

#[test]
fn calls_go_as_deep_as_the_project_says() {
    let mut fleet = fleet();
    let mut run = fleet.webhook(&["a"]).remove(0);
    for next in ["b", "c", "d"] {
        run = called(fleet.call(&run, next));
    }
    assert_eq!(refused(fleet.call(&run, "e")), "calls go 3 deep at most");
    let skipped = &fleet.receipts.last().unwrap().skipped;
    assert_eq!(skipped, &[("e".to_owned(), Why::CallDepth { max: 3 })], "it leaves a receipt");
}

#[test]
fn what_could_never_start_is_refused_at_once() {
    let mut fleet = fleet();
    let a = fleet.webhook(&["a"]).remove(0);
    assert_eq!(refused(fleet.call(&a, "a")), "an agent cannot call itself");
    let b = called(fleet.call(&a, "b"));
    assert_eq!(refused(fleet.call(&b, "a")), "it would wait for its own callers: a -> b -> a");
    // With a second slot it is a call like any other, until it is too deep.
    fleet.rules("a").scale = 2;
    let again = called(fleet.call(&b, "a"));
    assert_eq!(fleet.state(&again), Starting);
    fleet.view.rules.scale = Some(3);
    assert_eq!(refused(fleet.call(&again, "c")), "its callers take all 3 slots of the project");
}

#[test]
fn a_call_of_a_busy_agent_waits() {
    let mut fleet = fleet();
    let first = fleet.webhook(&["b"]).remove(0);
    let a = fleet.webhook(&["a"]).remove(0);
    let callee = called(fleet.call(&a, "b"));
    assert_eq!(fleet.state(&callee), Queued);
    fleet.exit(&first, exited(0));
    assert_eq!(fleet.state(&callee), Starting);
}

#[test]
fn the_same_key_is_the_same_call() {
    let mut fleet = fleet();
    let a = fleet.webhook(&["a"]).remove(0);
    let known =
        Known { receipt: "id-1".into(), runs: vec!["b-1".into()], call: Some("call-1".into()) };
    fleet.view.facts.known = Some(known.clone());
    let ask = Ask::Call { agent: "b".into(), context: String::new(), key: Some("k".into()) };
    assert_eq!(fleet.ask(&a, ask), Answer::Duplicate(known));
    assert_eq!(fleet.view.runs.len(), 1);
}

#[test]
fn a_kill_says_whom_the_run_called_and_takes_them_along_when_asked() {
    let mut fleet = fleet();
    let a = fleet.webhook(&["a"]).remove(0);
    let b = called(fleet.call(&a, "b"));
    let c = called(fleet.call(&b, "c"));
    let kill = |tree| Command::Kill { target: Target::Runs(vec![a.clone()]), tree };
    let alone = impact(&fleet.view, &kill(false), T0);
    assert!(alone.lines.contains(&format!("{b}, which it called, goes on")), "{alone:?}");
    assert_eq!(alone.left, [b.clone(), c.clone()]);
    let all = impact(&fleet.view, &kill(true), T0);
    assert_eq!((all.word.as_deref(), all.left.len()), (Some("kill 3"), 0));
    fleet.command(kill(true));
    let ending = |run: &String| fleet.view.runs[run].stopping.is_some();
    assert!([&a, &b, &c].into_iter().all(ending));
}
