//! What runs used and what they were told, over restarts and prunings.

use super::*;
use crate::scheduler::{Budget, Limit, Overspent, Report, Spent, Timer};

fn spent(cost: u64) -> Report {
    let cost_micros = Some(cost);
    Report::Spent(Spent { input_tokens: 100, cost_micros, turns: 1, ..Spent::default() })
}

impl Pair {
    fn report(&mut self, at: i64, run: &str, report: Report) {
        let (run, attempt) = (run.to_owned(), self.view.runs[run].attempt);
        self.send(at, Event::RunReported { run, attempt, report });
    }

    fn say(&mut self, at: i64, run: &str, text: &str, key: Option<&str>) -> Vec<Decision> {
        let (run, text, key) = (run.to_owned(), text.to_owned(), key.map(str::to_owned));
        let command = Command::Say { run, text, key };
        self.send(at, Event::Command { command, by: Who::console("ann") })
    }

    /// What the next host would see.
    fn same_after_restart(&self, agents: &[(String, AgentRules)]) {
        let loaded = self.store.load(&rules(), agents).unwrap();
        assert_eq!(loaded, self.view);
    }
}

fn with_budget() -> Vec<(String, AgentRules)> {
    let mut agents = agents();
    let per_day_micros = Some(500);
    agents[0].1.budget = Budget { per_day_micros, then: Overspent::Ask, ..Budget::default() };
    agents
}

#[test]
fn what_was_used_is_there_after_a_restart() {
    let mut pair = Pair::with(&with_budget());
    pair.webhook(T0, None);
    let run = pair.runs()[0].id.clone();
    pair.report(T0 + 1, &run, spent(400));
    pair.same_after_restart(&with_budget());
    pair.report(T0 + DAY, &run, spent(1000));
    pair.same_after_restart(&with_budget());
    let (run, attempt) = (run.clone(), 1);
    let ask = Ask::More { limit: Limit::PerDay };
    pair.send(T0 + DAY, Event::RunAsked { run: run.clone(), attempt, ask });
    pair.same_after_restart(&with_budget());
    assert_eq!(
        (pair.view.day_micros("dev", T0), pair.view.day_micros("dev", T0 + DAY)),
        (400, 600)
    );
    let row = pair.store.reader().run(&run).unwrap().unwrap();
    assert_eq!(row.used.unwrap().total().cost_micros, Some(1000));
    let told: Vec<String> = pair
        .store
        .reader()
        .moments(&run)
        .unwrap()
        .iter()
        .map(|moment| moment.why.sentence())
        .collect();
    let was = ["the budget of $0.0005 per day is spent ($0.0006)", "may spend $0.0010 per day"];
    assert_eq!(told, was);
}

#[test]
fn days_are_forgotten_with_the_history() {
    let mut pair = Pair::with(&with_budget());
    pair.webhook(T0, None);
    let run = pair.runs()[0].id.clone();
    pair.report(T0, &run, spent(400));
    pair.send(T0 + 16 * DAY, Event::TimerDue(Timer::Prune));
    assert_eq!(pair.view.days.len(), 0);
    pair.same_after_restart(&with_budget());
    assert!(pair.view.runs[&run].used.is_some(), "what lives is not forgotten");
}

#[test]
fn what_was_used_is_counted_by_what_it_is() {
    let mut pair = Pair::new();
    pair.webhook(T0, None);
    let run = pair.runs()[0].id.clone();
    pair.report(T0, &run, spent(400));
    pair.report(T0, &run, spent(700));
    let tallies = pair.store.reader().tallies(None).unwrap();
    let used = tallies.iter().filter(|tally| tally.what == Counted::Used);
    let used: Vec<_> = used.map(|tally| (tally.detail.as_str(), tally.n)).collect();
    assert_eq!(used, [("cost_micros", 700), ("input", 100), ("turns", 1)]);
}

#[test]
fn what_was_said_stays_when_it_was_read_and_a_key_counts_once() {
    let mut pair = Pair::new();
    pair.webhook(T0, None);
    let run = pair.runs()[0].id.clone();
    pair.say(T0, &run, "one", None);
    pair.say(T0, &run, "two", Some("k"));
    pair.say(T0, &run, "two", Some("k"));
    pair.report(T0, &run, Report::Heard(1));
    pair.say(T0, &run, "three", None);
    let reader = pair.store.reader();
    let heard = |after| {
        let said = reader.said(&run, after).unwrap();
        said.into_iter().map(|said| format!("{} {}", said.seq, said.text)).collect::<Vec<_>>()
    };
    assert_eq!(heard(0), ["1 one", "2 two", "3 three"]);
    assert_eq!(heard(2), ["3 three"]);
    assert_eq!((reader.is_unread(&run, 1), reader.is_unread(&run, 2)), (Ok(false), Ok(true)));
}

#[test]
fn a_run_that_reads_nothing_is_told_so_much() {
    let mut pair = Pair::new();
    pair.webhook(T0, None);
    let run = pair.runs()[0].id.clone();
    for n in 0..100 {
        pair.say(T0, &run, &format!("text {n}"), None);
    }
    let told = pair.say(T0, &run, "one more", None);
    let why = Why::TooManyUnread { max: 100 };
    assert_eq!(told.first(), Some(&Decision::Answer(crate::scheduler::Answer::Refused(why))));
    assert!(matches!(told[1..], [Decision::Audited { .. }]), "nothing is said, but it is known");
    pair.report(T0, &run, Report::Heard(100));
    pair.say(T0, &run, "one more", None);
    assert_eq!(pair.store.reader().said(&run, 100).unwrap().len(), 1);
}
