//! What all clients of the status stream are sent: the state, made once for all of them, and for
//! each of them which other answers got old since it last heard.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Bytes;
use serde::Serialize;

use super::sse;

/// Entries of the log of what got old; a client that was away for longer is told that everything did.
const KEPT: usize = 1000;
/// Runs that one push names; more are said to be all.
const NAMED: usize = 200;

/// An answer of the API that got old.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Stale {
    #[serde(rename = "type")]
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    #[serde(rename = "instanceId", skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Runs,
    Triggers,
    Stats,
    Instance,
    Config,
}

impl Stale {
    pub fn all(kind: Kind) -> Self {
        Self { kind, agent: None, run: None }
    }

    pub fn of(kind: Kind, agent: &str) -> Self {
        Self { agent: Some(agent.to_owned()), ..Self::all(kind) }
    }

    pub fn run(agent: &str, run: &str) -> Self {
        Self { run: Some(run.to_owned()), ..Self::of(Kind::Instance, agent) }
    }

    /// Everything.
    fn everything() -> BTreeSet<Self> {
        [Kind::Runs, Kind::Triggers, Kind::Stats, Kind::Instance, Kind::Config]
            .map(Self::all)
            .into()
    }
}

/// What a client has heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It is new: nothing it has can be old.
    Nothing,
    /// All up to this push.
    UpTo(u64),
    /// Something that is no longer known.
    Something,
}

/// One push, for everybody.
#[derive(Debug)]
pub struct Push {
    /// Tells the pushes of this process and this producer from others.
    epoch: i64,
    /// Counts from 1.
    pub n: u64,
    /// The state as an object without its last brace.
    state: Arc<str>,
    /// The event for those who heard the push before, which are nearly all.
    next: Bytes,
    /// What got old with each push, as JSON without brackets; the newest last.
    log: VecDeque<Old>,
}

#[derive(Debug, Clone)]
struct Old {
    n: u64,
    count: usize,
    text: Arc<str>,
}

impl Push {
    /// The first one: an object, as JSON.
    pub fn first(epoch: i64, state: &str) -> Self {
        Self::new(epoch, 1, state, VecDeque::new())
    }

    /// The next one, and what got old in between.
    pub fn next(&self, state: &str, mut stale: BTreeSet<Stale>) -> Self {
        if stale.len() > NAMED {
            stale.retain(|stale| stale.kind != Kind::Instance);
            stale.insert(Stale::all(Kind::Instance));
        }
        let mut log = self.log.clone();
        log.push_back(Old { n: self.n + 1, count: stale.len(), text: fragment(&stale) });
        while log.iter().map(|old| old.count + 1).sum::<usize>() > KEPT {
            log.pop_front();
        }
        Self::new(self.epoch, self.n + 1, state, log)
    }

    fn new(epoch: i64, n: u64, state: &str, log: VecDeque<Old>) -> Self {
        let state = state.strip_suffix('}').unwrap_or(state).into();
        let mut push = Self { epoch, n, state, next: Bytes::new(), log };
        push.next = push.written(push.since(n - 1).as_deref());
        push
    }

    /// The id of this push.
    pub fn id(&self) -> String {
        format!("{}-{}", self.epoch, self.n)
    }

    /// What a client has heard that received this id last.
    pub fn heard(&self, id: &str) -> Heard {
        let parsed = id
            .split_once('-')
            .and_then(|(epoch, n)| Some((epoch.parse::<i64>().ok()?, n.parse::<u64>().ok()?)));
        match parsed {
            Some((epoch, n)) if epoch == self.epoch && n <= self.n => Heard::UpTo(n),
            _ => Heard::Something,
        }
    }

    /// The event for a client.
    pub fn event(&self, heard: Heard) -> Bytes {
        match heard {
            Heard::UpTo(n) if n + 1 == self.n => self.next.clone(),
            Heard::UpTo(n) if n < self.n => match self.since(n) {
                Some(old) => self.written(Some(&old)),
                None => self.event(Heard::Something),
            },
            Heard::Something => self.written(Some(&fragment(&Stale::everything()))),
            Heard::Nothing | Heard::UpTo(_) => self.written(None),
        }
    }

    /// What got old since push `n`; none when the log does not go back that far.
    fn since(&self, n: u64) -> Option<String> {
        let known = self.log.front().is_some_and(|oldest| oldest.n <= n + 1);
        let later = self.log.iter().filter(|old| old.n > n && old.count > 0);
        known.then(|| later.map(|old| &*old.text).collect::<Vec<_>>().join(","))
    }

    fn written(&self, old: Option<&str>) -> Bytes {
        let mut data = String::with_capacity(self.state.len() + old.map_or(0, str::len) + 32);
        data.push_str(&self.state);
        if let Some(old) = old {
            // Writing to memory does not fail.
            let _ = write!(data, r#","invalidated":[{old}]"#);
        }
        data.push('}');
        sse::event(None, Some(&self.id()), &data).into()
    }
}

fn fragment(stale: &BTreeSet<Stale>) -> Arc<str> {
    let rows: Vec<String> =
        stale.iter().filter_map(|stale| serde_json::to_string(stale).ok()).collect();
    rows.join(",").into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What is invalid according to an event.
    fn invalidated(event: &Bytes) -> Value {
        let text = std::str::from_utf8(event).unwrap();
        let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["state"], 7, "{text}");
        data["invalidated"].clone()
    }

    /// Pushes that each make the runs of another agent old.
    fn pushes(count: usize) -> Vec<Push> {
        let mut pushes = vec![Push::first(5, r#"{"state":7}"#)];
        for i in 1..count {
            let stale = BTreeSet::from([Stale::of(Kind::Runs, &format!("a{i}"))]);
            let next = pushes[i - 1].next(r#"{"state":7}"#, stale);
            pushes.push(next);
        }
        pushes
    }

    fn runs(agents: std::ops::Range<usize>) -> Value {
        agents.map(|i| json!({"type": "runs", "agent": format!("a{i}")})).collect()
    }

    #[test]
    fn each_client_hears_what_got_old_since_it_last_heard() {
        let pushes = pushes(4);
        let last = &pushes[3];
        assert_eq!(last.id(), "5-4");
        assert_eq!(invalidated(&last.event(Heard::Nothing)), Value::Null);
        assert_eq!(invalidated(&last.event(last.heard("5-3"))), runs(3..4));
        assert_eq!(invalidated(&last.event(last.heard("5-1"))), runs(1..4));
        // The same again for another client: nobody takes it away.
        assert_eq!(invalidated(&last.event(last.heard("5-1"))), runs(1..4));
        assert_eq!(invalidated(&last.event(last.heard("5-4"))), Value::Null);
    }

    #[test]
    fn who_was_away_too_long_hears_that_everything_is_old() {
        let kinds = ["runs", "triggers", "stats", "instance", "config"];
        let everything: Value = kinds.iter().map(|kind| json!({"type": kind})).collect();
        let few = pushes(4);
        for id in ["4-3", "5-5", "5-0", "5-x", "x", ""] {
            assert_eq!(invalidated(&few[3].event(few[3].heard(id))), everything, "{id}");
        }
        let many = pushes(1200);
        let last = many.last().unwrap();
        assert_eq!(invalidated(&last.event(last.heard("5-1"))), everything);
        assert_eq!(invalidated(&last.event(last.heard("5-1000"))), runs(1000..1200));
    }

    #[test]
    fn very_many_runs_are_named_as_all() {
        let first = Push::first(5, r#"{"state":7}"#);
        let stale = (0..500).map(|i| Stale::run("a", &format!("a-{i}")));
        let push = first.next(r#"{"state":7}"#, stale.collect());
        assert_eq!(invalidated(&push.event(Heard::UpTo(1))), json!([{"type": "instance"}]));
        let one = BTreeSet::from([Stale::run("a", "a-1")]);
        let push = first.next(r#"{"state":7}"#, one);
        let named = json!([{"type": "instance", "agent": "a", "instanceId": "a-1"}]);
        assert_eq!(invalidated(&push.event(Heard::UpTo(1))), named);
    }
}
