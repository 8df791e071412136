//! The chain of one run.

use super::{Chain, Kind, Step, fired, in_order, lasted};
use crate::scheduler::words::{scope_name, used};
use crate::scheduler::{Lock, Millis, Receipt, Run, RunState, Said, Scope, Wakening, Why};
use crate::store::{CallRecord, Moment};

/// What the history has about a run.
#[derive(Debug, Clone)]
pub struct Rows {
    pub run: Run,
    /// None once it was pruned.
    pub receipt: Option<Receipt>,
    pub moments: Vec<Moment>,
    /// Pauses and their ends, of the project and of the agent.
    pub pauses: Vec<(Scope, Vec<Moment>)>,
    pub made: Vec<CallRecord>,
    pub served: Vec<CallRecord>,
    pub locks: Vec<Lock>,
    /// What people said to it.
    pub said: Vec<Said>,
    /// Firings that woke it.
    pub wakers: Vec<Receipt>,
    /// The firing of the rerun that it asked for.
    pub rerun: Option<Receipt>,
}

/// From what fired to the end of the run, or to `now`.
pub fn steps(rows: &Rows, now: Millis) -> Vec<Step> {
    let mut chain = Chain::of(&rows.run.id);
    let (at, dedupe) =
        rows.receipt.as_ref().map_or((rows.run.queued_at, None), |r| (r.at, r.dedupe.as_deref()));
    chain.add(at, Kind::Fired, fired(&rows.run.trigger, dedupe), None);
    chain.steps.extend(life(rows, now));
    in_order(chain.steps)
}

/// The same without what fired.
pub fn life(rows: &Rows, now: Millis) -> Vec<Step> {
    let mut chain = Chain::of(&rows.run.id);
    let waits = turns(rows, &mut chain);
    for (from, to) in &waits {
        for (scope, moments) in &rows.pauses {
            held(scope, moments, *from, *to, &mut chain);
        }
    }
    calls(rows, &mut chain);
    for lock in &rows.locks {
        let text = match lock.model() {
            Some(model) => format!("holds a slot of the model {model}"),
            None => {
                let until = lasted(lock.until - lock.since);
                format!("holds the lock {} for {until} unless renewed", lock.key)
            }
        };
        chain.add(lock.since, Kind::Locked, text, None);
    }
    for said in &rows.said {
        let text = format!("{} said: {}", said.by, first_line(&said.text));
        chain.add(said.at, Kind::Said, text, None);
    }
    match rows.run.ended_at {
        Some(at) => end(rows, at, &mut chain),
        None => state(&rows.run, now, &mut chain),
    }
    in_order(chain.steps)
}

/// The turns of its life; the result is when it stood in the queue.
fn turns(rows: &Rows, chain: &mut Chain) -> Vec<(Millis, Option<Millis>)> {
    let run = &rows.run;
    let starts = rows.moments.iter().filter(|m| m.why == Why::SlotFree).count() as u32;
    // The start of an only attempt stands in the run itself.
    let alone = if starts == 0 { run.started_at } else { None };
    let mut attempt = run.attempt.saturating_sub(starts.max(u32::from(alone.is_some())));
    let mut queued = Some(run.queued_at);
    let mut waits = Vec::new();
    let mut start = |at: Millis, queued: &mut Option<Millis>, chain: &mut Chain| {
        attempt += 1;
        let since = queued.take();
        let text = match since.filter(|since| at - since >= 1000) {
            Some(since) => format!("after {} in the queue", lasted(at - since)),
            None => "at once".to_owned(),
        };
        let text = match attempt {
            ..=1 => format!("started {text}: a slot is free"),
            n => format!("attempt {n} started {text}: a slot is free"),
        };
        chain.add(at, Kind::Started, text, Some(&Why::SlotFree));
        waits.extend(since.map(|since| (since, Some(at))));
    };
    let accepted = rows.moments.first().filter(|m| m.at == run.queued_at && waiting(&m.why));
    let text = match accepted {
        Some(moment) => format!("{} took it into its queue: {}", run.agent, moment.why.sentence()),
        None => format!("{} took it", run.agent),
    };
    chain.add(run.queued_at, Kind::Queued, text, accepted.map(|m| &m.why));
    if let Some(at) = alone {
        start(at, &mut queued, chain);
    }
    for moment in rows.moments.iter().skip(usize::from(accepted.is_some())) {
        if moment.why == Why::SlotFree {
            start(moment.at, &mut queued, chain);
            continue;
        }
        if matches!(moment.why, Why::Retry { .. }) {
            queued = Some(moment.at);
        }
        turn(rows, moment, chain);
    }
    waits.extend(queued.map(|since| (since, run.ended_at)));
    waits
}

/// Whether a run stands in the queue for this reason.
fn waiting(why: &Why) -> bool {
    matches!(
        why,
        Why::AgentBusy { .. }
            | Why::ProjectBusy { .. }
            | Why::QueueAhead { .. }
            | Why::Paused { .. }
            | Why::Disabled
            | Why::UnknownAgent
            | Why::Stopping
            | Why::LaneBusy { .. }
            | Why::NotBefore { .. }
    )
}

fn turn(rows: &Rows, moment: &Moment, chain: &mut Chain) {
    let why = &moment.why;
    let sentence = why.sentence();
    let (kind, text) = match why {
        Why::Retry { .. } => (Kind::Retried, format!("the attempt ended, {sentence}")),
        Why::Waits { .. } => (Kind::Waits, sentence),
        Why::Woken { by: Wakening::Trigger { receipt } } => {
            let waker = rows.wakers.iter().find(|waker| waker.id == *receipt);
            let what = waker.map_or(String::new(), |w| format!(", {}", fired(&w.trigger, None)));
            (Kind::Woken, format!("{sentence}{what} (receipt {receipt})"))
        }
        Why::Woken { .. } => (Kind::Woken, sentence),
        Why::GoesOn => (Kind::GoesOn, "went on, with a slot again".to_owned()),
        Why::OverBudget { .. } => (Kind::Budget, format!("was told that {sentence}")),
        Why::BudgetRaised { .. } => (Kind::Budget, sentence),
        _ => (Kind::Stopping, format!("was asked to end: {sentence}")),
    };
    chain.add(moment.at, kind, text, Some(why));
}

/// The pauses of a scope that kept the run waiting between two instants.
fn held(scope: &Scope, moments: &[Moment], from: Millis, to: Option<Millis>, chain: &mut Chain) {
    let within = |at: Millis| at >= from && to.is_none_or(|to| at <= to);
    for (n, moment) in moments.iter().enumerate() {
        let Why::Paused { .. } = moment.why else { continue };
        let next = moments.get(n + 1);
        // Until it ended, or was put in other words.
        if next.is_some_and(|next| next.at <= from) || to.is_some_and(|to| moment.at >= to) {
            continue;
        }
        chain.add(moment.at.max(from), Kind::Held, moment.why.sentence(), Some(&moment.why));
        if let Some(next) = next.filter(|next| within(next.at))
            && let Why::ResumedBy { .. } = next.why
        {
            let text = format!("{} was {}", scope_name(scope), next.why.sentence());
            chain.add(next.at, Kind::Released, text, Some(&next.why));
        }
    }
}

fn calls(rows: &Rows, chain: &mut Chain) {
    for CallRecord { call, other } in &rows.served {
        let depth = match rows.run.depth {
            ..=1 => String::new(),
            depth => format!(", {depth} calls deep"),
        };
        let state = other.as_ref().map_or("no longer in the history", |run| run.state.name());
        let text = format!("was called by {} ({state}{depth})", call.caller);
        chain.add(call.at, Kind::Called, text, None);
    }
    for CallRecord { call, other } in &rows.made {
        chain.add(call.at, Kind::Called, format!("called {}", call.run), None);
        let Some(callee) = other else { continue };
        match callee.ended_at {
            Some(at) => {
                let text = format!("{}, which it called, {}", callee.id, ended(callee));
                chain.add(at, Kind::Returned, text, Some(&callee.why));
            }
            None => {
                let text = format!("{} is {}", callee.id, callee.state.name());
                chain.add(call.at, Kind::Called, text, Some(&callee.why));
            }
        }
    }
}

/// How a run ended, with the reason.
fn ended(run: &Run) -> String {
    let how = match run.state {
        RunState::Succeeded => "succeeded",
        RunState::Failed => "failed",
        RunState::TimedOut => "ran out of time",
        RunState::Killed => "was killed",
        RunState::Dropped => "was dropped",
        RunState::Queued | RunState::Starting | RunState::Running | RunState::Waiting => "goes on",
    };
    format!("{how}: {}", run.why.sentence())
}

fn end(rows: &Rows, at: Millis, chain: &mut Chain) {
    let run = &rows.run;
    let took = run.started_at.map_or(String::new(), |s| format!(", after {}", lasted(at - s)));
    let tried = match run.retries {
        0 => String::new(),
        n => format!(", with {} attempts", n + 1),
    };
    let spent = spent(run).map_or(String::new(), |spent| format!(", with {spent}"));
    let text = format!("{}{took}{tried}{spent}", ended(run));
    chain.add(at, Kind::Ended, text, Some(&run.why));
    let Some(rerun) = &rows.rerun else { return };
    for next in &rerun.runs {
        chain.add(rerun.at, Kind::Followed, format!("{next} follows: it asked for a rerun"), None);
    }
    for (_, why) in &rerun.skipped {
        let text = format!("the rerun it asked for was skipped: {}", why.sentence());
        chain.add(rerun.at, Kind::Followed, text, Some(why));
    }
}

/// What it used of models, when it did.
fn spent(run: &Run) -> Option<String> {
    let spent = run.used.as_ref()?.total();
    (spent.turns > 0).then(|| used(&spent))
}

/// The beginning of what was said: the whole of it is in the history.
fn first_line(text: &str) -> String {
    const CHARS: usize = 200;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None if line.len() < text.trim_end().len() => format!("{line} ..."),
        None => line.to_owned(),
    }
}

fn state(run: &Run, now: Millis, chain: &mut Chain) {
    let why = run.stopping.as_ref().unwrap_or(&run.why);
    let for_ = |since: Millis| lasted((now - since).max(0));
    let text = match run.state {
        RunState::Queued => format!("is queued, {}", why.sentence()),
        RunState::Starting => "is starting".to_owned(),
        RunState::Waiting if run.holds_slot() => format!("is {}", why.sentence()),
        RunState::Waiting => format!("stands still, {}", why.sentence()),
        _ if run.stopping.is_some() => format!("is ending: {}", why.sentence()),
        _ => {
            let since = run.started_at.map_or(String::new(), |at| format!(" for {}", for_(at)));
            let said = run.status.as_ref().map_or(String::new(), |text| format!(": {text}"));
            let spent = spent(run).map_or(String::new(), |spent| format!(", with {spent} so far"));
            format!("is running{since}{spent}{said}")
        }
    };
    // A clock that went back does not turn the story around.
    let last = chain.steps.iter().map(|step| step.at_ms).max().unwrap_or(now);
    chain.add(now.max(last), Kind::Now, text, Some(why));
}
