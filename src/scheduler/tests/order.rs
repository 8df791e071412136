//! Who starts first: priorities, fairness, lanes, places, times.

use super::*;

fn run(fleet: &mut Fleet, order: Order) -> String {
    match fleet.command(Command::Run(order)) {
        Answer::Fired { mut runs, .. } => runs.remove(0),
        other => panic!("{other:?}"),
    }
}

fn about(number: u32) -> Event {
    let payload = serde_json::json!({"repo": "acme/api", "number": number}).to_string();
    Event::Fired(Firing { payload: payload.into(), ..firing(&["dev"], None) })
}

fn fired(fleet: &mut Fleet, number: u32) -> String {
    match fleet.send(about(number)) {
        Some(Answer::Fired { mut runs, .. }) => runs.remove(0),
        other => panic!("{other:?}"),
    }
}

fn template(text: &str) -> Option<Template> {
    Some(Template::parse(text).unwrap())
}

/// The order in which the runs start, one after the other.
fn starts(fleet: &mut Fleet, runs: &[String]) -> Vec<usize> {
    let mut order = Vec::new();
    for _ in runs {
        let started =
            |at: &usize| fleet.view.runs.get(&runs[*at]).is_some_and(|r| r.state == Starting);
        let Some(at) = (0..runs.len()).find(|at| !order.contains(at) && started(at)) else { break };
        order.push(at);
        fleet.exit(&runs[at], exited(0));
    }
    order
}

#[test]
fn the_more_urgent_start_first_and_waiting_makes_urgent() {
    let check = |waited_ms: Millis, expected: [usize; 3]| {
        let mut fleet = Fleet::new(&[("dev", 1, 100)]);
        let busy = fleet.webhook(&["dev"]).remove(0);
        let order = |fleet: &mut Fleet, priority| {
            run(fleet, Order { priority: Some(priority), ..Order::of("dev") })
        };
        let low = order(&mut fleet, Priority::Low);
        fleet.at += waited_ms;
        let normal = order(&mut fleet, Priority::Normal);
        let high = order(&mut fleet, Priority::High);
        fleet.exit(&busy, exited(0));
        assert_eq!(starts(&mut fleet, &[low, normal, high]), expected, "after {waited_ms} ms");
    };
    check(0, [2, 1, 0]);
    check(600_000, [2, 0, 1]);
    check(1_200_000, [0, 2, 1]);
}

#[test]
fn an_agent_with_much_to_do_starves_nobody() {
    let mut fleet = Fleet::new(&[("many", 5, 1000), ("few", 1, 100)]);
    fleet.view.rules.scale = Some(1);
    let mut runs: Vec<String> = (0..10).flat_map(|_| fleet.webhook(&["many"])).collect();
    runs.extend(fleet.webhook(&["few"]));
    assert_eq!(starts(&mut fleet, &runs)[..3], [0, 10, 1], "few's turn is longest ago");
}

#[test]
fn one_lane_goes_one_at_a_time_and_others_beside_it() {
    let mut fleet = Fleet::new(&[("dev", 3, 100)]);
    fleet.rules("dev").lane = template("{repo}#{number}");
    let runs: Vec<String> = [1, 1, 2, 1].iter().map(|number| fired(&mut fleet, *number)).collect();
    assert_eq!(fleet.states(&runs), [Starting, Queued, Starting, Queued]);
    assert_eq!(
        fleet.view.runs[&runs[1]].why.sentence(),
        format!("waiting for {}, which is in lane acme/api#1", runs[0])
    );
    fleet.exit(&runs[0], exited(0));
    assert_eq!(fleet.states(&runs), [Succeeded, Starting, Starting, Queued]);
    // A payload that does not say where it belongs is in nobody's way.
    assert_eq!(fleet.webhook(&["dev"]).len(), 1);
    assert_eq!(fleet.view.running(), 3);
}

#[test]
fn a_waiting_run_stays_in_its_lane() {
    let mut fleet = Fleet::new(&[("dev", 3, 100)]);
    fleet.rules("dev").lane = template("{number}");
    let (first, second) = (fired(&mut fleet, 1), fired(&mut fleet, 1));
    let what = WaitFor::Answer { question: "?".into(), choices: Vec::new() };
    fleet.ask(&first, Ask::Wait { what, timeout_ms: None });
    assert_eq!((fleet.state(&first), fleet.state(&second)), (Waiting, Queued));
}

#[test]
fn the_latest_of_a_key_takes_the_place_of_the_one_before() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    fleet.rules("dev").keep_latest = template("{number}");
    let busy = fired(&mut fleet, 1);
    let runs: Vec<String> = [1, 2, 1, 1].iter().map(|number| fired(&mut fleet, *number)).collect();
    assert_eq!(fleet.states(&runs), [Dropped, Queued, Dropped, Queued]);
    assert_eq!(
        fleet.ended[&runs[0]].why.sentence(),
        format!("replaced by {}, which is about 1 too", runs[2])
    );
    fleet.exit(&busy, exited(0));
    assert_eq!(
        fleet.states(&runs),
        [Dropped, Queued, Dropped, Starting],
        "in the first one's place"
    );
}

#[test]
fn what_began_once_is_not_replaced() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    fleet.rules("dev").keep_latest = template("{number}");
    let first = fired(&mut fleet, 1);
    fleet.command(Command::pause(agent("dev"), None));
    fleet.exit(&first, Exit { verdict: Verdict::Lost, code: None, ..exited(0) });
    fired(&mut fleet, 1);
    assert_eq!(fleet.state(&first), Queued, "it is tried again");
}

#[test]
fn a_run_for_later_starts_at_its_time() {
    let mut fleet = Fleet::new(&[("dev", 2, 2)]);
    let at = fleet.at + 1_800_000;
    let later = run(&mut fleet, Order { not_before: Some(at), ..Order::of("dev") });
    assert_eq!(fleet.view.runs[&later].why, Why::NotBefore { at });
    let now = run(&mut fleet, Order::of("dev"));
    assert_eq!((fleet.state(&later), fleet.state(&now)), (Queued, Starting), "nobody waits for it");
    fleet.at = at;
    fleet.send(Event::TimerDue(Timer::Ready(later.clone())));
    assert_eq!(fleet.state(&later), Starting);
}

#[test]
fn a_run_whose_time_had_come_before_the_clock_went_back_is_not_forgotten() {
    let check = |back: Event| {
        let mut fleet = Fleet::new(&[("dev", 1, 2)]);
        let at = fleet.at + 1000;
        let busy = run(&mut fleet, Order::of("dev"));
        let later = run(&mut fleet, Order { not_before: Some(at), ..Order::of("dev") });
        let timer = Timer::Ready(later.clone());
        fleet.at = at;
        fleet.send(Event::TimerDue(timer.clone()));
        fleet.at = at - 500;
        fleet.send(back);
        fleet.exit(&busy, exited(0));
        assert_eq!(fleet.state(&later), Queued, "its time is still to come");
        fleet.at = fleet.view.timers[&timer];
        fleet.send(Event::TimerDue(timer));
        assert_eq!(fleet.state(&later), Starting);
    };
    check(Event::ClockSetBack);
    // The clock was set while no scheduler ran.
    check(Event::HostStarted);
}

#[test]
fn runs_for_later_are_bounded_and_never_pushed_out() {
    let mut fleet = Fleet::new(&[("dev", 1, 2)]);
    let not_before = Some(fleet.at + 1000);
    let later = Order { not_before, ..Order::of("dev") };
    let runs: Vec<String> = (0..2).map(|_| run(&mut fleet, later.clone())).collect();
    let full = Answer::Refused(Why::LaterFull { bound: 2 });
    assert_eq!(fleet.command(Command::Run(later)), full);
    for _ in 0..5 {
        fleet.webhook(&["dev"]);
    }
    assert_eq!(fleet.states(&runs), [Queued, Queued]);
}

#[test]
fn the_less_urgent_give_way_first() {
    let mut fleet = Fleet::new(&[("dev", 1, 2)]);
    fleet.webhook(&["dev"]);
    let high = run(&mut fleet, Order { priority: Some(Priority::High), ..Order::of("dev") });
    let runs: Vec<String> = (0..2).flat_map(|_| fleet.webhook(&["dev"])).collect();
    assert_eq!((fleet.state(&high), fleet.states(&runs)), (Queued, vec![Dropped, Queued]));
}

#[test]
fn parameters_and_key_of_a_manual_run_are_its_own() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let params = BTreeMap::from([("depth".to_owned(), "3".to_owned())]);
    let key = Some("nightly-1".to_owned());
    run(&mut fleet, Order { params, key, ..Order::of("dev") });
    let dedupe = fleet.receipts[0].dedupe.as_deref();
    assert_eq!(dedupe, Some(&*manual_key("dev", "nightly-1")));
}

#[test]
fn what_is_ordered_for_a_time_neither_replaces_nor_is_replaced() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    fleet.rules("dev").keep_latest = template("all");
    fleet.webhook(&["dev"]);
    let waiting = fleet.webhook(&["dev"]).remove(0);
    let not_before = Some(fleet.at + 86_400_000);
    let later = run(&mut fleet, Order { not_before, ..Order::of("dev") });
    assert_eq!((fleet.state(&waiting), fleet.state(&later)), (Queued, Queued));
    let newer = fleet.webhook(&["dev"]).remove(0);
    assert_eq!(fleet.states(&[waiting, later, newer]), [Dropped, Queued, Queued]);
}
