//! What runs use of models, the limits of it, and whose turn it is to ask a model.

use super::*;

const DOLLAR: u64 = 1_000_000;
const DAY: Millis = 86_400_000;

fn spent(cost_micros: u64) -> Spent {
    Spent { input_tokens: 10, turns: 1, cost_micros: Some(cost_micros), ..Spent::default() }
}

fn budget(per_run: Option<u64>, per_day: Option<u64>, then: Overspent) -> Budget {
    Budget { per_run_micros: per_run, per_day_micros: per_day, then }
}

fn fleet(budget: Budget) -> Fleet {
    let mut fleet = Fleet::new(&[("dev", 3, 100)]);
    fleet.rules("dev").budget = budget;
    fleet
}

impl Fleet {
    /// A run of `dev` that runs.
    fn begun(&mut self) -> String {
        let run = self.webhook(&["dev"]).remove(0);
        self.did("start");
        run
    }

    fn used(&mut self, run: &str, spent: Spent) -> Option<Over> {
        let (run, attempt) = (run.to_owned(), self.view.runs[run].attempt);
        match self.send(Event::RunReported { run, attempt, report: Report::Spent(spent) }) {
            Some(Answer::ToRun(ToRun::Counted { over })) => over,
            other => panic!("{other:?}"),
        }
    }

    fn total(&self, run: &str) -> Spent {
        let run = self.view.runs.get(run).or_else(|| self.ended.get(run)).unwrap();
        run.used.as_ref().map(|used| used.total()).unwrap_or_default()
    }
}

fn over(limit: Limit, limit_micros: u64, spent_micros: u64, then: Overspent) -> Option<Over> {
    Some(Over { limit, limit_micros, spent_micros, then })
}

#[test]
fn what_an_attempt_used_never_shrinks_and_attempts_add_up() {
    let mut fleet = fleet(Budget::default());
    let run = fleet.begun();
    fleet.used(&run, spent(5));
    fleet.used(&run, spent(3));
    fleet.used(&run, Spent { cost_micros: None, output_tokens: 4, ..spent(0) });
    assert_eq!(fleet.total(&run), Spent { output_tokens: 4, ..spent(5) });
    let start = Effect::Start { run: run.clone(), attempt: 1 };
    fleet.send(Event::Effect(start, EffectNews::Lost));
    fleet.did("start");
    fleet.used(&run, spent(2));
    let late = Report::Spent(spent(900));
    let told = fleet.send(Event::RunReported { run: run.clone(), attempt: 1, report: late });
    assert!(matches!(told, Some(Answer::NotFound { .. })), "of an attempt that ended");
    fleet.exit(&run, Exit { spent: Some(spent(7)), ..exited(0) });
    let sum = Spent { input_tokens: 20, output_tokens: 4, turns: 2, ..spent(12) };
    assert_eq!(fleet.total(&run), sum);
    assert_eq!(fleet.view.day_micros("dev", T0), 12);
}

#[test]
fn a_run_that_uses_nothing_leaves_nothing() {
    let mut fleet = fleet(Budget::default());
    let run = fleet.begun();
    assert_eq!(fleet.used(&run, Spent::default()), None);
    assert_eq!(fleet.view.runs[&run].used, None);
}

#[test]
fn a_limit_is_reached_by_what_is_spent() {
    let check = |per_run: u64, per_day: u64, cost: u64, expected: Option<Over>| {
        let mut fleet = fleet(budget(Some(per_run), Some(per_day), Overspent::Stop));
        let run = fleet.begun();
        assert_eq!(fleet.used(&run, spent(cost)), expected, "{per_run} {per_day} {cost}");
    };
    check(100, 200, 99, None);
    check(100, 200, 100, over(Limit::PerRun, 100, 100, Overspent::Stop));
    check(100, 90, 95, over(Limit::PerDay, 90, 95, Overspent::Stop));
    check(100, 90, 130, over(Limit::PerRun, 100, 130, Overspent::Stop));
}

#[test]
fn a_day_counts_all_its_runs_and_the_next_one_begins_anew() {
    let mut fleet = fleet(budget(None, Some(20 * DOLLAR), Overspent::Stop));
    let (first, second) = (fleet.begun(), fleet.begun());
    assert_eq!(fleet.used(&first, spent(15 * DOLLAR)), None);
    let spent_up = over(Limit::PerDay, 20 * DOLLAR, 20 * DOLLAR, Overspent::Stop);
    assert_eq!(fleet.used(&second, spent(5 * DOLLAR)), spent_up);
    let late = fleet.begun();
    assert_eq!(fleet.used(&late, Spent::default()), spent_up, "before its first turn");
    let alert = &fleet.view.alerts["budget:dev"];
    assert_eq!(alert.fault.message, "the budget of $20 per day is spent");
    fleet.exit(&late, exited(1));
    assert_eq!(fleet.ended[&late].why.sentence(), "the budget of $20 per day is spent");
    fleet.exit(&second, exited(0));
    assert_eq!(fleet.ended[&second].why, Why::Exited { code: 0 }, "it ended well");

    let midnight = fleet.view.timers[&Timer::Budget("dev".into())];
    assert_eq!((midnight % DAY, midnight > fleet.at), (0, true));
    fleet.at = midnight;
    fleet.send(Event::TimerDue(Timer::Budget("dev".into())));
    assert!(fleet.view.alerts.is_empty() && fleet.view.timers.is_empty());
    assert_eq!(fleet.used(&first, spent(16 * DOLLAR)), None);
}

#[test]
fn a_run_that_fails_for_its_budget_is_not_tried_again() {
    let mut fleet = fleet(budget(Some(5 * DOLLAR), None, Overspent::Stop));
    fleet.rules("dev").retry = Retry { attempts: 3, backoff_ms: 0, on: vec![RetryOn::Error] };
    let run = fleet.begun();
    fleet.used(&run, spent(6 * DOLLAR));
    fleet.exit(&run, exited(1));
    assert_eq!(fleet.state(&run), Failed);
    assert_eq!(fleet.ended[&run].why.sentence(), "the budget of $5 per run is spent ($6)");
}

#[test]
fn a_person_lets_a_run_spend_the_same_again_and_twice_is_once() {
    let mut fleet = fleet(budget(Some(100), None, Overspent::Ask));
    let run = fleet.begun();
    let more = |fleet: &mut Fleet| fleet.ask(&run, Ask::More { limit: Limit::PerRun });
    assert_eq!(
        more(&mut fleet),
        Answer::ToRun(ToRun::Counted { over: None }),
        "nothing is reached"
    );
    assert!(fleet.used(&run, spent(120)).is_some());
    assert_eq!(more(&mut fleet), Answer::ToRun(ToRun::Counted { over: None }));
    assert_eq!(more(&mut fleet), Answer::ToRun(ToRun::Counted { over: None }));
    assert_eq!(fleet.used(&run, spent(199)), None);
    let again = over(Limit::PerRun, 200, 450, Overspent::Ask);
    assert_eq!(fleet.used(&run, spent(450)), again);
    more(&mut fleet);
    assert_eq!(fleet.used(&run, spent(499)), None, "above what is spent");
    assert!(fleet.used(&run, spent(500)).is_some());
}

#[test]
fn a_fixed_budget_is_not_raised() {
    let mut fleet = fleet(budget(Some(100), None, Overspent::Stop));
    let run = fleet.begun();
    fleet.used(&run, spent(120));
    let refused = fleet.ask(&run, Ask::More { limit: Limit::PerRun });
    assert_eq!(refused, Answer::Refused(Why::BudgetFixed));
}

#[test]
fn an_alert_goes_when_the_budget_is_raised_in_the_files() {
    let mut fleet = fleet(budget(None, Some(10), Overspent::Stop));
    let run = fleet.begun();
    fleet.used(&run, spent(15));
    let reload = |fleet: &mut Fleet, per_day: u64| {
        let mut rules = fleet.rules("dev").clone();
        rules.budget.per_day_micros = Some(per_day);
        fleet.send(Event::ConfigChanged(Box::new(NewConfig {
            rules: fleet.view.rules.clone(),
            agents: vec![("dev".into(), rules)],
            redefined: Default::default(),
            faults: vec![],
        })));
        fleet.view.alerts.contains_key("budget:dev")
    };
    assert!(reload(&mut fleet, 15));
    assert!(!reload(&mut fleet, 16));
    assert!(fleet.view.timers.is_empty());
}

// --- slots ------------------------------------------------------------------------------------

fn slot() -> Ask {
    Ask::Slot { model: "local".into() }
}

fn free() -> Ask {
    Ask::FreeSlot { model: "local".into() }
}

/// Three runs, and one slot of the model.
fn three() -> (Fleet, [String; 3]) {
    let mut fleet = fleet(Budget::default());
    fleet.view.rules.slots.insert("local".into(), 1);
    let runs = [fleet.begun(), fleet.begun(), fleet.begun()];
    (fleet, runs)
}

fn waits(fleet: &mut Fleet, run: &str) {
    let answer = fleet.ask(run, slot());
    assert!(matches!(answer, Answer::ToRun(ToRun::Waits { .. })), "{answer:?}");
}

#[test]
fn a_model_is_asked_by_one_run_after_the_other_oldest_first() {
    let (mut fleet, [a, b, c]) = three();
    let locked = fleet.ask(&a, slot());
    assert!(matches!(locked, Answer::ToRun(ToRun::Locked { .. })));
    assert_eq!(fleet.ask(&a, slot()), locked, "once more is the same");
    waits(&mut fleet, &c);
    fleet.at += 10;
    waits(&mut fleet, &b);
    assert_eq!(fleet.state(&b), Waiting);
    assert_eq!(fleet.view.runs[&b].why.sentence(), "waiting for a slot of the model local");
    fleet.ask(&a, free());
    assert_eq!((fleet.state(&c), fleet.state(&b)), (Running, Waiting));
    fleet.exit(&c, exited(3));
    assert_eq!(fleet.state(&b), Running);
    assert_eq!(fleet.view.locks["slot 1 of local"].run, b);
    fleet.ask(&b, free());
    assert!(fleet.view.locks.is_empty() && fleet.view.waits.is_empty());
}

#[test]
fn who_waits_for_a_model_keeps_its_place_and_its_processes_go_on() {
    let (mut fleet, [a, b, _]) = three();
    let queued = fleet.webhook(&["dev"]).remove(0);
    fleet.ask(&a, slot());
    waits(&mut fleet, &b);
    assert_eq!(fleet.state(&queued), Queued);
    assert_eq!((fleet.view.running(), fleet.view.runs[&b].pace), (3, Pace::Going));
    assert!(fleet.todo.iter().all(|effect| effect.act() != "suspend"));
    fleet.exit(&b, exited(0));
    assert_eq!((fleet.state(&queued), fleet.view.running()), (Starting, 3));
}

#[test]
fn slots_follow_the_files() {
    let (mut fleet, [a, b, c]) = three();
    fleet.ask(&a, slot());
    waits(&mut fleet, &b);
    waits(&mut fleet, &c);
    let reload = |fleet: &mut Fleet, slots: Option<u32>| {
        let mut rules = fleet.view.rules.clone();
        rules.slots = slots.map(|n| ("local".to_owned(), n)).into_iter().collect();
        let agents = vec![("dev".into(), fleet.rules("dev").clone())];
        fleet.send(Event::ConfigChanged(Box::new(NewConfig {
            rules,
            agents,
            redefined: Default::default(),
            faults: vec![],
        })));
    };
    reload(&mut fleet, Some(2));
    assert_eq!((fleet.state(&b), fleet.state(&c)), (Running, Waiting));
    reload(&mut fleet, Some(1));
    fleet.ask(&a, free());
    assert_eq!(fleet.state(&c), Waiting, "there is one too many still");
    reload(&mut fleet, None);
    assert_eq!(fleet.state(&c), Running);
    assert!(matches!(fleet.ask(&a, slot()), Answer::Done { .. }), "no limit");
}

#[test]
fn whoever_waits_for_something_else_or_asks_another_model_holds_no_slot() {
    let check = |ask: Ask| {
        let (mut fleet, [a, b, _]) = three();
        fleet.view.rules.slots.insert("other".into(), 1);
        fleet.ask(&a, slot());
        waits(&mut fleet, &b);
        fleet.ask(&a, ask);
        assert_eq!(fleet.state(&b), Running);
    };
    check(Ask::Slot { model: "other".into() });
    let what = WaitFor::Call { from: None, matches: BTreeMap::new() };
    check(Ask::Wait { what, timeout_ms: None });
}

#[test]
fn a_slot_that_never_comes_lets_the_run_go_on_without() {
    let (mut fleet, [a, b, _]) = three();
    fleet.ask(&a, slot());
    waits(&mut fleet, &b);
    let wait = fleet.view.runs[&b].wait.clone().unwrap();
    fleet.at += DAY;
    fleet.send(Event::TimerDue(Timer::Wait(wait)));
    assert_eq!((fleet.state(&b), fleet.view.running()), (Running, 3));
}

#[test]
fn no_run_can_name_a_slot_as_a_lock() {
    for key in [lock::slot_key("local", 1), lock::slot_key("ollama:7b", 1)] {
        assert!(lock::bad_key(&key).is_some(), "{key}");
    }
    let slot = Lock::slot("a of b", 12, "dev-1", 1, T0);
    assert_eq!(slot.model(), Some("a of b"));
}

// --- what people say --------------------------------------------------------------------------

fn say(run: &str) -> Command {
    Command::Say { run: run.into(), text: "stop there".into(), key: None }
}

#[test]
fn a_text_is_taken_by_what_became_of_the_run() {
    let check = |before: SaidBefore, expected: &str| {
        let mut fleet = fleet(Budget::default());
        let run = fleet.begun();
        fleet.view.facts.said = Some(before);
        let told = match fleet.command(say(&run)) {
            Answer::Done { done, .. } => done,
            Answer::Refused(why) => why.sentence(),
            other => panic!("{other:?}"),
        };
        assert_eq!(told.replace(&run, "dev-1"), expected);
    };
    check(SaidBefore::default(), "told dev-1");
    check(SaidBefore { texts: 120, unread: 99, ..SaidBefore::default() }, "told dev-1");
    check(SaidBefore { same: true, unread: 100, ..SaidBefore::default() }, "told dev-1 already");
    let full = "the run has not read the last 100 texts it was told";
    check(SaidBefore { texts: 120, unread: 100, ..SaidBefore::default() }, full);
}

#[test]
fn nobody_is_told_anything_after_the_end() {
    let mut fleet = fleet(Budget::default());
    fleet.view.facts.said = Some(SaidBefore { ended: Some(TimedOut), ..SaidBefore::default() });
    let why = Why::RunEnded { state: TimedOut };
    assert_eq!(fleet.command(say("dev-1")), Answer::Refused(why));
    fleet.view.facts.said = None;
    assert!(matches!(fleet.command(say("dev-1")), Answer::NotFound { .. }));
    let run = fleet.begun();
    fleet.command(Command::kill(Target::Runs(vec![run.clone()])));
    let why = Why::KilledBy { by: "ann".into() };
    assert_eq!(fleet.command(say(&run)), Answer::Refused(why), "it is ending");
}

#[test]
fn amounts_are_written_as_people_write_them() {
    let check = |micros: u64, expected: &str| assert_eq!(words::dollars(micros), expected);
    check(0, "$0");
    check(12, "$0.0001");
    check(3_100, "$0.0031");
    check(420_000, "$0.42");
    check(2_000_000, "$2");
    check(1_999_999, "$2.00");
    check(20_500_000, "$20.50");
    let check = |n: u64, expected: &str| assert_eq!(words::tokens(n), expected);
    check(999, "999");
    check(14_250, "14.2k");
    check(999_999, "999k");
    check(1_300_000, "1.3M");
}
