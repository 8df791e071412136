//! What attempts tell of their use of models, and the limits of it.

use super::Step;
use crate::scheduler::alert::budget_of;
use crate::scheduler::decision::{Answer, Decision, ToRun};
use crate::scheduler::model::{Millis, Run, Timer, Why};
use crate::scheduler::usage::{Limit, Over, Overspent, Spent, Used, next_day};
use crate::scheduler::view::View;
use crate::scheduler::words::dollars;
use crate::scheduler::{Alert, Fault};

impl Step<'_> {
    /// A live attempt says what it has used so far, and is told whether that is too much.
    pub(super) fn spent(&mut self, run: &Run, spent: &Spent) {
        let mut used = Used::told(run.used.as_deref(), run.attempt, spent);
        let at = self.stamp.at;
        used.over = self.over(run, &used, at);
        let newly = used.over.filter(|over| {
            let before = run.used.as_ref().and_then(|used| used.over);
            before.is_none_or(|before| before.limit != over.limit)
        });
        let over = used.over;
        self.spend(run, used, at, newly.map(|over| Why::OverBudget { over }));
        self.answer(Answer::ToRun(ToRun::Counted { over }));
    }

    /// What an attempt has used when it ends. It cannot be told any more that it was too much.
    pub(super) fn spent_at_end(&mut self, run: &Run, spent: &Spent, at: Millis) {
        let used = Used::told(run.used.as_deref(), run.attempt, spent);
        self.spend(run, used, at, None);
    }

    /// A person lets the run go on, up to the same amount again. Said twice it counts once, because
    /// then the limit is no longer reached.
    pub(super) fn more(&mut self, run: &Run, limit: Limit) {
        let Some(budget) = self.view.agents.get(&run.agent).map(|agent| agent.rules.budget) else {
            return self.answer(Answer::ToRun(ToRun::Counted { over: None }));
        };
        let mut used = run.used.as_deref().cloned().unwrap_or_default();
        let Some(over) = used.over.filter(|over| over.limit == limit) else {
            return self.answer(Answer::ToRun(ToRun::Counted { over: used.over }));
        };
        if budget.then == Overspent::Stop {
            return self.answer(Answer::Refused(Why::BudgetFixed));
        }
        used.raised = budget.raise(used.raised, limit, over.spent_micros);
        let at = self.stamp.at;
        used.over = self.over(run, &used, at);
        let limit_micros = budget.limit(used.raised, limit).unwrap_or(over.limit_micros);
        let over = used.over;
        self.spend(run, used, at, Some(Why::BudgetRaised { limit, limit_micros }));
        self.answer(Answer::ToRun(ToRun::Counted { over }));
    }

    /// The limit that the run has reached with this.
    fn over(&self, run: &Run, used: &Used, at: Millis) -> Option<Over> {
        let budget = self.view.agents.get(&run.agent)?.rules.budget;
        let day = self.view.day_micros(&run.agent, at).saturating_add(added(run, used).cost());
        budget.over(used.raised, used.total().cost(), day)
    }

    fn spend(&mut self, run: &Run, used: Used, at: Millis, told: Option<Why>) {
        let (added, known) = (added(run, &used), run.used.as_deref());
        let nothing = known.is_none() && used.total() == Spent::default() && used.over.is_none();
        if nothing || known == Some(&used) {
            return;
        }
        let day = self.view.day_micros(&run.agent, at).saturating_add(added.cost());
        self.alarm(&run.agent, day, at);
        let (run, agent) = (run.id.clone(), run.agent.clone());
        self.out.push(Decision::Spend { run, agent, used: Box::new(used), added, at, told });
    }

    /// Somebody should know that a day's budget is spent, until the day is over.
    fn alarm(&mut self, agent: &str, day_micros: u64, at: Millis) {
        let budget = self.view.agents.get(agent).and_then(|a| a.rules.budget.per_day_micros);
        let Some(budget) = budget.filter(|budget| day_micros >= *budget) else { return };
        let key = Fault::budget_key(agent);
        if self.view.alerts.contains_key(&key) {
            return;
        }
        let fault = Fault {
            key,
            agent: Some(agent.to_owned()),
            message: format!("the budget of {} per day is spent", dollars(budget)),
            hint: Some("the next day begins at 00:00 UTC; or raise perDay".to_owned()),
            file: None,
            line: None,
        };
        self.out.push(Decision::Raise { alert: Box::new(Alert { at, fault }) });
        let timer = Timer::Budget(agent.to_owned());
        self.out.push(Decision::SetTimer { timer, at: next_day(at) });
    }

    /// The day of a spent budget is over.
    pub(super) fn budget_due(&mut self, agent: &str) {
        let (timer, key) = (Timer::Budget(agent.to_owned()), Fault::budget_key(agent));
        match self.view.timers.get(&timer) {
            // The clock went back.
            Some(at) if *at > self.stamp.at => {}
            _ => self.calm(timer, key),
        }
    }

    fn calm(&mut self, timer: Timer, key: String) {
        self.out.push(Decision::ClearTimer { timer });
        if self.view.alerts.contains_key(&key) {
            self.out.push(Decision::Clear { key });
        }
    }

    /// Takes alerts back about budgets that `view` does not have any more or that are not spent in
    /// it.
    pub(super) fn calm_budgets(&mut self, view: &View) {
        let at = self.stamp.at;
        let spent = |agent: &str| {
            let budget = view.agents.get(agent).and_then(|a| a.rules.budget.per_day_micros);
            budget.is_some_and(|budget| view.day_micros(agent, at) >= budget)
        };
        let agents = self.view.alerts.keys().filter_map(|key| budget_of(key));
        let over: Vec<String> = agents.filter(|name| !spent(name)).map(str::to_owned).collect();
        for agent in over {
            self.calm(Timer::Budget(agent.clone()), Fault::budget_key(&agent));
        }
    }
}

fn added(run: &Run, used: &Used) -> Spent {
    let before = run.used.as_deref().map(Used::total).unwrap_or_default();
    used.total().since(&before)
}
