//! Schedules: intervals, ticks that were missed, ticks that find no slot.

use super::*;

const EVERY: Millis = 305_000;

fn every(fleet: &mut Fleet) {
    fleet.rules("dev").schedule = Some(Cadence::Every(EVERY));
}

fn due(fleet: &Fleet) -> Millis {
    fleet.view.timers[&Timer::Cron("dev".into())]
}

#[test]
fn an_interval_keeps_its_phase_over_restarts_and_clock_jumps() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    every(&mut fleet);
    fleet.send(Event::HostStarted);
    assert_eq!(due(&fleet), T0 + EVERY, "nothing starts because the scheduler started");
    let check = |fleet: &mut Fleet, at: Millis, event: Event, next: Millis| {
        fleet.at = at;
        fleet.send(event);
        assert_eq!(due(fleet) - T0, next, "at {}", at - T0);
    };
    let tick = || Event::TimerDue(Timer::Cron("dev".into()));
    check(&mut fleet, T0 + EVERY + 20, tick(), 2 * EVERY);
    check(&mut fleet, T0 + 2 * EVERY + 7, Event::HostStarted, 3 * EVERY);
    check(&mut fleet, T0 + 9 * EVERY + 7, tick(), 10 * EVERY);
    // The clock went back a day: the next tick is one interval away, not a day.
    check(&mut fleet, T0 - 86_400_000, Event::HostStarted, -86_400_000 + EVERY);
}

#[test]
fn a_restart_before_the_planned_tick_leaves_it_where_it_is() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    every(&mut fleet);
    for passed in [0, 1, EVERY / 2, EVERY - 1] {
        fleet.at = T0 + passed;
        fleet.send(Event::HostStarted);
        assert_eq!(due(&fleet), T0 + EVERY, "after {passed} ms");
    }
}

#[test]
fn what_waits_for_its_time_does_not_silence_a_schedule() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]).scheduled("dev", "* * * * *");
    let not_before = Some(T0 + 7 * 86_400_000);
    fleet.command(Command::Run(Order { not_before, ..Order::of("dev") }));
    let Some(Answer::Fired { runs, .. }) = fleet.tick("dev") else { panic!() };
    assert_eq!(fleet.states(&runs), [Starting]);
}

#[test]
fn a_host_for_one_run_leaves_the_ticks_to_the_next_whole_one() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    every(&mut fleet);
    fleet.rules("dev").missed = Missed::Once;
    fleet.send(Event::HostStarted);
    // `al run` of something else: no schedule is known to it.
    let schedule = fleet.rules("dev").schedule.take();
    fleet.view.from_seq = fleet.view.next_run;
    fleet.at += 2 * EVERY;
    fleet.send(Event::HostStarted);
    assert_eq!(due(&fleet), T0 + EVERY);
    fleet.rules("dev").schedule = schedule;
    fleet.view.from_seq = 0;
    fleet.send(Event::HostStarted);
    assert_eq!(fleet.receipts.len(), 1, "what was missed runs once");
}

#[test]
fn a_tick_of_a_schedule_that_was_just_edited_away_starts_nothing() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    every(&mut fleet);
    fleet.send(Event::HostStarted);
    // It was due when it was noticed; the edit before it armed the next one.
    fleet.at += EVERY;
    fleet.view.timers.insert(Timer::Cron("dev".into()), fleet.at + EVERY);
    assert_eq!(fleet.send(Event::TimerDue(Timer::Cron("dev".into()))), None);
    assert!(fleet.receipts.is_empty());
}

#[test]
fn missed_ticks_are_one_receipt_or_one_run() {
    let check = |missed: Missed, expected: &str| {
        let mut fleet = Fleet::new(&[("dev", 1, 100)]);
        every(&mut fleet);
        fleet.rules("dev").missed = missed;
        fleet.send(Event::HostStarted);
        assert!(fleet.receipts.is_empty());
        fleet.at += 10 * EVERY;
        fleet.send(Event::HostStarted);
        let [receipt] = fleet.receipts.as_slice() else { panic!("{:?}", fleet.receipts) };
        let told = match (receipt.runs.first(), receipt.skipped.first()) {
            (Some(run), _) => fleet.state(run).name().to_owned(),
            (None, Some((_, why))) => why.sentence(),
            (None, None) => "nothing".to_owned(),
        };
        assert_eq!(told, expected);
    };
    check(Missed::Skip, "missed while the scheduler was down");
    check(Missed::Once, "starting");
}

#[test]
fn several_agents_may_have_missed_something() {
    let mut fleet = Fleet::new(&[("a", 1, 100), ("b", 1, 100)])
        .scheduled("a", "* * * * *")
        .scheduled("b", "* * * * *");
    fleet.send(Event::HostStarted);
    fleet.at += 3_600_000;
    fleet.send(Event::HostStarted);
    let ids: Vec<&str> = fleet.receipts.iter().map(|receipt| receipt.id.as_str()).collect();
    assert_eq!(ids, ["id-000002", "id-000002-2"], "each has a receipt of its own");
}

#[test]
fn a_tick_that_finds_no_slot_is_skipped_or_waits_once() {
    let check = |overlap: Overlap, expected: [&str; 3]| {
        let mut fleet = Fleet::new(&[("dev", 1, 100)]).scheduled("dev", "* * * * *");
        fleet.rules("dev").overlap = overlap;
        let told: Vec<String> = (0..3)
            .map(|_| match fleet.tick("dev") {
                Some(Answer::Fired { runs, skipped, .. }) => match runs.first() {
                    Some(run) => fleet.state(run).name().to_owned(),
                    None => skipped[0].1.sentence(),
                },
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, expected);
    };
    let full = "waiting for a slot: 1 of 1 are taken";
    check(Overlap::Skip, ["starting", full, full]);
    check(Overlap::Queue, ["starting", "queued", "1 queued before it"]);
}

#[test]
fn a_tick_does_not_wait_for_its_lane() {
    let mut fleet = Fleet::new(&[("dev", 2, 100)]).scheduled("dev", "* * * * *");
    fleet.rules("dev").lane = Some(Template::parse("{type}").unwrap());
    fleet.tick("dev");
    let Some(Answer::Fired { runs, skipped, .. }) = fleet.tick("dev") else { panic!() };
    assert!(runs.is_empty());
    assert!(matches!(&skipped[0].1, Why::LaneBusy { lane, .. } if lane == "schedule"));
}
