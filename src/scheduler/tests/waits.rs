//! Runs that stand still until something happens.

use super::*;

fn webhook(event: &str) -> WaitFor {
    let matches = BTreeMap::from([("repo".to_owned(), "acme/api".to_owned())]);
    WaitFor::Webhook { source: Some("github".into()), event: Some(event.into()), matches }
}

fn question(choices: &[&str]) -> WaitFor {
    let choices = choices.iter().map(|c| (*c).to_owned()).collect();
    WaitFor::Answer { question: "push to main?".into(), choices }
}

fn delivery(agents: &[&str], event: &str, repo: &str) -> Event {
    let payload = serde_json::json!({"type": "webhook", "event": event, "repo": repo});
    Event::Fired(Firing { payload: payload.to_string().into(), ..firing(agents, None) })
}

/// A fleet with one run that runs.
fn running() -> (Fleet, String) {
    let mut fleet = Fleet::new(&[("dev", 1, 100), ("ops", 1, 100)]);
    let run = fleet.webhook(&["dev"]).remove(0);
    fleet.did("start");
    (fleet, run)
}

fn wait(fleet: &mut Fleet, run: &str, what: WaitFor) -> String {
    match fleet.ask(run, Ask::Wait { what, timeout_ms: Some(60_000) }) {
        Answer::ToRun(ToRun::Waits { wait, until }) => {
            assert_eq!(until, fleet.at + 60_000);
            wait
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_waiting_run_gives_its_slot_to_the_next() {
    let (mut fleet, run) = running();
    let next = fleet.webhook(&["dev"]).remove(0);
    wait(&mut fleet, &run, webhook("issues"));
    assert_eq!((fleet.state(&run), fleet.state(&next)), (Waiting, Starting));
    assert_eq!(
        fleet.view.runs[&run].why.sentence(),
        "waiting for a webhook github issues with repo=acme/api"
    );
    let pace = |fleet: &Fleet| fleet.view.runs[&run].pace;
    assert_eq!(pace(&fleet), Pace::Suspending);
    fleet.did("suspend");
    assert_eq!(pace(&fleet), Pace::Suspended);
}

#[test]
fn what_it_waits_for_wakes_it_and_starts_nothing_else() {
    let (mut fleet, run) = running();
    wait(&mut fleet, &run, webhook("issues"));
    fleet.did("suspend");
    let check = |fleet: &mut Fleet, event: Event, woken: bool| {
        let runs = fleet.view.runs.len();
        let Some(Answer::Fired { runs: told, .. }) = fleet.send(event) else { panic!() };
        assert_eq!(told.contains(&run), woken);
        assert_eq!(fleet.view.runs.len(), runs + usize::from(!woken));
    };
    check(&mut fleet, delivery(&["ops"], "issues", "acme/api"), false);
    check(&mut fleet, delivery(&["dev"], "push", "acme/api"), false);
    check(&mut fleet, delivery(&["dev"], "issues", "acme/web"), false);
    check(&mut fleet, delivery(&["dev"], "issues", "acme/api"), true);
    assert!(fleet.todo.iter().all(|effect| effect.act() != "resume"), "its slot is taken");
    let other = fleet.view.agents["dev"].live.first().unwrap().clone();
    fleet.exit(&other, exited(0));
    assert_eq!(fleet.state(&run), Running, "before the older of the queue");
    fleet.did("resume");
    assert_eq!(fleet.view.runs[&run].pace, Pace::Going);
    check(&mut fleet, delivery(&["dev"], "issues", "acme/api"), false);
}

#[test]
fn the_first_to_wait_is_the_first_to_be_woken() {
    let mut fleet = Fleet::new(&[("dev", 5, 100)]);
    let runs: Vec<String> = (0..2).flat_map(|_| fleet.webhook(&["dev"])).collect();
    for run in &runs {
        wait(&mut fleet, run, webhook("issues"));
        fleet.did("suspend");
    }
    for run in &runs {
        fleet.send(delivery(&["dev", "dev"], "issues", "acme/api"));
        assert_eq!(fleet.state(run), Running, "one at a time");
    }
}

#[test]
fn a_call_wakes_who_waits_for_one_and_its_result_is_that_runs() {
    let (mut fleet, run) = running();
    let caller = fleet.webhook(&["ops"]).remove(0);
    let from = |agent: &str| WaitFor::Call { from: Some(agent.into()), matches: BTreeMap::new() };
    wait(&mut fleet, &run, from("ops"));
    fleet.did("suspend");
    let Answer::ToRun(ToRun::Called { run: callee, .. }) = fleet.call(&caller, "dev") else {
        panic!()
    };
    assert_eq!((callee, fleet.state(&run)), (run, Running));
}

#[test]
fn who_waits_in_vain_goes_on_at_its_time() {
    let (mut fleet, run) = running();
    let id = wait(&mut fleet, &run, question(&[]));
    fleet.did("suspend");
    fleet.at += 59_999;
    fleet.send(Event::TimerDue(Timer::Wait(id.clone())));
    assert_eq!(fleet.state(&run), Waiting);
    fleet.at += 1;
    fleet.send(Event::TimerDue(Timer::Wait(id.clone())));
    assert_eq!(fleet.state(&run), Running);
    assert!(!fleet.view.timers.contains_key(&Timer::Wait(id)) && fleet.view.waits.is_empty());
}

#[test]
fn questions_are_answered_once_and_with_a_choice() {
    let (mut fleet, run) = running();
    let answer = |text: &str| Command::Answer { run: run.clone(), text: text.into() };
    let none = Answer::NotFound { what: format!("open question of run {run}") };
    assert_eq!(fleet.command(answer("yes")), none);
    wait(&mut fleet, &run, question(&["yes", "no"]));
    assert_eq!(fleet.view.runs[&run].why.sentence(), "asks: push to main? [yes / no]");
    let choices = vec!["yes".to_owned(), "no".to_owned()];
    assert_eq!(fleet.command(answer("maybe")), Answer::Refused(Why::NoSuchChoice { choices }));
    assert!(matches!(fleet.command(answer("yes")), Answer::Done { .. }));
    assert_eq!(fleet.command(answer("no")), none);
    assert_eq!(fleet.state(&run), Waiting, "it is still being told to stand still");
    fleet.did("suspend");
    assert_eq!(fleet.state(&run), Running);
}

#[test]
fn a_run_that_waits_again_at_once_stands_still_again() {
    let (mut fleet, run) = running();
    wait(&mut fleet, &run, question(&[]));
    fleet.did("suspend");
    fleet.command(Command::Answer { run: run.clone(), text: "go".into() });
    wait(&mut fleet, &run, question(&[]));
    assert_eq!(fleet.state(&run), Waiting, "news of its going on is still on the way");
    fleet.did("resume");
    fleet.did("suspend");
    let waiting = &fleet.view.runs[&run];
    assert_eq!((waiting.state, waiting.pace), (Waiting, Pace::Suspended));
    let other = fleet.ask(&run, Ask::Wait { what: webhook("push"), timeout_ms: None });
    assert_eq!(other, Answer::Refused(Why::WaitsAlready), "one thing at a time");
}

#[test]
fn a_waiting_run_can_end() {
    let check = |exit: Exit, state: RunState| {
        let (mut fleet, run) = running();
        wait(&mut fleet, &run, question(&[]));
        fleet.command(Command::kill(Target::Agent("dev".into())));
        assert!(fleet.todo.iter().any(|effect| effect.act() == "stop"));
        fleet.exit(&run, exit);
        assert_eq!(fleet.state(&run), state);
        assert!(fleet.view.waits.is_empty() && fleet.view.agents["dev"].waiting.is_empty());
        assert!(fleet.view.timers.is_empty());
    };
    check(Exit { verdict: Verdict::Stopped, code: Some(143), ..exited(0) }, Killed);
    check(Exit { verdict: Verdict::Lost, code: None, ..exited(0) }, Failed);
}

#[test]
fn work_in_flight_goes_on_whatever_holds_back_new_work() {
    let check = |hold: &dyn Fn(&mut Fleet)| {
        let (mut fleet, run) = running();
        wait(&mut fleet, &run, question(&[]));
        fleet.did("suspend");
        hold(&mut fleet);
        fleet.command(Command::Answer { run: run.clone(), text: "go".into() });
        assert_eq!(fleet.state(&run), Running);
    };
    check(&|fleet| {
        fleet.command(Command::pause(Scope::Project, None));
    });
    check(&|fleet| {
        fleet.command(Command::Scale { agent: "dev".into(), scale: 0 });
    });
    check(&|fleet| {
        fleet.webhook(&["ops"]);
        fleet.command(Command::Stop { clear_queues: true, kill: false });
    });
}

#[test]
fn a_host_that_stops_leaves_waiting_runs_to_the_next_one() {
    let (mut fleet, run) = running();
    wait(&mut fleet, &run, question(&[]));
    let answer = fleet.command(Command::Stop { clear_queues: true, kill: false });
    let done = "stopping, nothing is running; 1 waiting goes on after the next start".to_owned();
    assert_eq!(answer, Answer::Done { done, runs: vec![run] });
    assert!(fleet.quit);
}

#[test]
fn a_stop_now_ends_waiting_runs_before_the_host_ends() {
    let (mut fleet, run) = running();
    wait(&mut fleet, &run, webhook("issues"));
    fleet.did("suspend");
    fleet.command(Command::Stop { clear_queues: true, kill: true });
    assert!(!fleet.quit && fleet.todo.iter().any(|effect| effect.act() == "stop"));
    fleet.exit(&run, Exit { verdict: Verdict::Stopped, code: Some(143), ..exited(0) });
    assert!(fleet.quit);
}

#[test]
fn a_woken_run_goes_on_in_a_project_that_starts_nothing() {
    let (mut fleet, run) = running();
    wait(&mut fleet, &run, question(&[]));
    fleet.did("suspend");
    fleet.view.rules.scale = Some(0);
    fleet.command(Command::Answer { run: run.clone(), text: "yes".into() });
    assert_eq!(fleet.state(&run), Running);
}

#[test]
fn who_did_not_hear_the_answer_may_ask_to_wait_again() {
    let (mut fleet, run) = running();
    let id = wait(&mut fleet, &run, webhook("issues"));
    let again = fleet.ask(&run, Ask::Wait { what: webhook("issues"), timeout_ms: Some(60_000) });
    assert_eq!(again, Answer::ToRun(ToRun::Waits { wait: id, until: fleet.at + 60_000 }));
    let other = fleet.ask(&run, Ask::Wait { what: webhook("push"), timeout_ms: None });
    assert_eq!(other, Answer::Refused(Why::WaitsAlready));
}
