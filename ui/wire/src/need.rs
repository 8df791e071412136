//! What needs a person, made from what a host tells: one list for the console's alerts, its bell
//! and the shell.

use crate::{AgentRow, AlertRow, HostRow, Outcome, RunRow, RunState, TriggerRow};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A refusal that nobody repeated for so long needs nobody any more.
const REFUSAL_MS: i64 = 24 * 3_600_000;

/// What sort of need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeedKind {
    /// A run waits for an answer.
    Asks,
    /// The newest run of an agent went wrong.
    Failed,
    /// An agent has spent what it may.
    Budget,
    /// A file of the project that cannot be read as it is.
    Files,
    /// Deliveries that the gateway turned away, most often for their signature.
    Refused,
    /// What comes now has no place left to wait.
    Queue,
    /// An image that cannot be built.
    Image,
    /// The machine, the certificate and the like.
    Host,
    #[serde(other)]
    Unknown,
}

impl NeedKind {
    pub const ALL: [Self; 8] = [
        Self::Asks,
        Self::Failed,
        Self::Budget,
        Self::Files,
        Self::Refused,
        Self::Queue,
        Self::Image,
        Self::Host,
    ];

    /// The kind as people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Asks => "asks",
            Self::Failed => "failed",
            Self::Budget => "budget",
            Self::Files => "files",
            Self::Refused => "refused",
            Self::Queue => "queue full",
            Self::Image => "image",
            Self::Host => "host",
            Self::Unknown => "unknown",
        }
    }

    /// Of an alert, which says so in its key.
    fn of(key: &str) -> Self {
        match key.split_once(':').map_or(key, |(kind, _)| kind) {
            "budget" => Self::Budget,
            "config" => Self::Files,
            "image" => Self::Image,
            _ => Self::Host,
        }
    }
}

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    Agent(String),
    Run(String),
    /// A receipt.
    Trigger(String),
    /// The host's alert with this key.
    Alert(String),
    #[serde(other)]
    Unknown,
}

/// One thing that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The same need has the same key; a new failure is a new need.
    pub key: String,
    pub kind: NeedKind,
    pub since_ms: i64,
    /// None when it concerns the project.
    pub agent: Option<String>,
    /// A sentence without a full stop.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
    pub about: About,
}

/// Everything that needs a person, the oldest first. An answered question, a later run of the agent
/// that succeeds, a later delivery that passes and a mended file each take their item away.
pub fn needs(
    host: Option<&HostRow>,
    agents: &[AgentRow],
    runs: &[RunRow],
    triggers: &[TriggerRow],
    now_ms: i64,
) -> Vec<Need> {
    let mut needs: Vec<Need> = runs.iter().filter_map(asks).collect();
    needs.extend(failures(agents, runs));
    needs.extend(agents.iter().filter_map(|agent| full(agent, runs, now_ms)));
    needs.extend(host.iter().flat_map(|host| &host.alerts).map(alert));
    needs.extend(refusals(triggers, now_ms));
    needs.sort_by(|a, b| (a.since_ms, &a.key).cmp(&(b.since_ms, &b.key)));
    needs
}

fn asks(run: &RunRow) -> Option<Need> {
    let wait = run.wait.as_ref().filter(|_| run.state == RunState::Waiting)?;
    let question = wait.question.as_ref()?;
    let hint = match &wait.choices[..] {
        [] => "answer it".to_owned(),
        choices => format!("answer {}", choices.join(" or ")),
    };
    Some(Need {
        key: format!("asks:{}:{}", run.id, wait.until_ms),
        kind: NeedKind::Asks,
        // An older host does not say since when.
        since_ms: wait.since_ms.or(run.started_ms).unwrap_or(run.queued_ms),
        agent: Some(run.agent.clone()),
        text: format!("{} asks: {question}", run.id),
        hint: Some(hint),
        about: About::Run(run.id.clone()),
    })
}

/// How the newest run of an agent ended, and how many went wrong in a row.
struct Streak<'r> {
    run: &'r str,
    state: RunState,
    ended_ms: i64,
    why: Option<&'r str>,
    times: usize,
    over: bool,
}

/// Agents whose newest run went wrong. What a person ended, and what never began, says nothing of
/// the agent.
fn failures<'r>(
    agents: &'r [AgentRow],
    runs: &'r [RunRow],
) -> impl Iterator<Item = Need> + use<'r> {
    let mut ended: Vec<&RunRow> =
        runs.iter().filter(|run| told(run.state) && run.ended_ms.is_some()).collect();
    ended.sort_by_key(|run| std::cmp::Reverse(run.ended_ms));
    let mut streaks: BTreeMap<&str, Streak<'_>> = BTreeMap::new();
    for run in ended {
        let streak = streaks.entry(&run.agent).or_insert(Streak {
            run: &run.id,
            state: run.state,
            ended_ms: run.ended_ms.unwrap_or(run.queued_ms),
            why: Some(&run.why),
            times: 0,
            over: false,
        });
        streak.over |= !wrong(run.state);
        streak.times += usize::from(!streak.over);
    }
    agents.iter().filter_map(move |agent| {
        let known = streaks.remove(agent.name.as_str());
        let last = agent.last.as_ref().filter(|last| told(last.state));
        let newer = last.filter(|last| {
            known
                .as_ref()
                .is_none_or(|known| known.ended_ms < last.ended_ms && known.run != last.run)
        });
        let streak = match newer {
            Some(last) => Streak {
                run: &last.run,
                state: last.state,
                ended_ms: last.ended_ms,
                why: None,
                times: 1,
                over: false,
            },
            None => known?,
        };
        wrong(streak.state).then(|| failed(agent, &streak))
    })
}

fn failed(agent: &AgentRow, streak: &Streak<'_>) -> Need {
    let times = match streak.times {
        0 | 1 => String::new(),
        n => format!(" {n} times in a row"),
    };
    let why = streak.why.filter(|why| !why.is_empty()).map_or(String::new(), |w| format!(": {w}"));
    Need {
        key: format!("failed:{}", streak.run),
        kind: NeedKind::Failed,
        since_ms: streak.ended_ms,
        agent: Some(agent.name.clone()),
        text: format!("{} {}{times}{why}", agent.name, streak.state.word()),
        hint: Some("read its log, rerun it".to_owned()),
        about: About::Run(streak.run.to_owned()),
    }
}

fn wrong(state: RunState) -> bool {
    matches!(state, RunState::Failed | RunState::TimedOut)
}

fn told(state: RunState) -> bool {
    wrong(state) || state == RunState::Succeeded
}

fn full(agent: &AgentRow, runs: &[RunRow], now_ms: i64) -> Option<Need> {
    if agent.queue_bound == 0 || agent.queued < agent.queue_bound {
        return None;
    }
    let queued = runs.iter().filter(|r| r.agent == agent.name && r.state == RunState::Queued);
    let oldest_ms = queued.map(|run| run.queued_ms).min().unwrap_or(now_ms);
    let hint = match agent.paused {
        Some(_) => "resume the agent, or drop what waits",
        None => "raise its scale, or drop what waits",
    };
    Some(Need {
        key: format!("queue:{}", agent.name),
        kind: NeedKind::Queue,
        since_ms: oldest_ms,
        agent: Some(agent.name.clone()),
        text: format!("the queue of {} is full: {} wait", agent.name, agent.queued),
        hint: Some(hint.to_owned()),
        about: About::Agent(agent.name.clone()),
    })
}

fn alert(alert: &AlertRow) -> Need {
    Need {
        key: alert.key.clone(),
        kind: NeedKind::of(&alert.key),
        since_ms: alert.at_ms,
        agent: alert.agent.clone(),
        text: alert.sentence(),
        hint: alert.hint.clone(),
        about: About::Alert(alert.key.clone()),
    }
}

/// Refusals by source and reason, as long as nothing later of that source passed.
fn refusals(triggers: &[TriggerRow], now_ms: i64) -> Vec<Need> {
    let mut passed: BTreeMap<&str, i64> = BTreeMap::new();
    for trigger in triggers.iter().filter(|t| t.webhook && t.outcome != Outcome::Refused) {
        let at_ms = passed.entry(&trigger.source).or_insert(i64::MIN);
        *at_ms = (*at_ms).max(last_ms(trigger));
    }
    let mut found: BTreeMap<(&str, &str), (&TriggerRow, i64, u64)> = BTreeMap::new();
    for trigger in triggers.iter().filter(|trigger| trigger.outcome == Outcome::Refused) {
        let at_ms = last_ms(trigger);
        let stale = passed.get(trigger.source.as_str()).is_some_and(|passed| *passed >= at_ms);
        if stale || at_ms + REFUSAL_MS < now_ms {
            continue;
        }
        let why = trigger.dead.as_deref().unwrap_or("refused");
        let (newest, since_ms, times) =
            found.entry((&trigger.source, why)).or_insert((trigger, trigger.at_ms, 0));
        if last_ms(newest) < at_ms {
            *newest = trigger;
        }
        *since_ms = (*since_ms).min(trigger.at_ms);
        *times += u64::from(trigger.times);
    }
    let need =
        |((source, why), (newest, since_ms, times)): ((&str, &str), (&TriggerRow, _, u64))| {
            let signature = why == "validation_failed";
            let what = if signature { "bad signature".to_owned() } else { why.replace('_', " ") };
            let times = if times > 1 { format!(" x {times}") } else { String::new() };
            let hint = match signature {
                true => "compare the secrets",
                false => "see who sends it",
            };
            Need {
                key: format!("refused:{source}:{why}"),
                kind: NeedKind::Refused,
                since_ms,
                agent: None,
                text: format!("webhook {source}: {what}{times}"),
                hint: Some(hint.to_owned()),
                about: About::Trigger(newest.id.clone()),
            }
        };
    found.into_iter().map(need).collect()
}

fn last_ms(trigger: &TriggerRow) -> i64 {
    trigger.last_ms.unwrap_or(trigger.at_ms)
}

#[cfg(test)]
mod tests;
