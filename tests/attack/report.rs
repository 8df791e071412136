//! What was tried and what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use crate::target::Target;
use crate::wire::Heard;

pub struct Report<'a> {
    pub target: &'a Target,
    rows: Vec<Row>,
}

struct Row {
    attack: &'static str,
    sent: usize,
    /// By status; 0 is a connection that was cut without an answer.
    answered: BTreeMap<u16, usize>,
    took: Duration,
    memory_mib: u64,
    violations: Vec<String>,
}

/// One attack while it goes on.
pub struct Attack {
    name: &'static str,
    began: Instant,
    sent: usize,
    answered: BTreeMap<u16, usize>,
    violations: Vec<String>,
}

impl Attack {
    pub fn new(name: &'static str) -> Self {
        let (answered, violations) = Default::default();
        Self { name, began: Instant::now(), sent: 0, answered, violations }
    }

    /// Counts what came back for one request. `allowed` are the statuses that give nothing away.
    pub fn heard(&mut self, what: &str, heard: &Heard, allowed: &[u16]) {
        let statuses = heard.statuses();
        self.count(what, heard.status(), allowed);
        if heard.hung {
            self.violations.push(format!("{what}: neither answered nor closed"));
        }
        if statuses.len() > 1 {
            self.violations.push(format!("{what}: {statuses:?} for one request"));
        }
    }

    pub fn count(&mut self, what: &str, status: u16, allowed: &[u16]) {
        self.sent += 1;
        *self.answered.entry(status).or_default() += 1;
        if !allowed.contains(&status) {
            self.violations.push(format!("{what}: answered {status}"));
        }
    }

    pub fn must(&mut self, holds: bool, otherwise: impl Into<String>) {
        if !holds {
            self.violations.push(otherwise.into());
        }
    }

    /// How many were answered so.
    pub fn answered(&self, status: u16) -> usize {
        self.answered.get(&status).copied().unwrap_or(0)
    }
}

impl<'a> Report<'a> {
    pub fn new(target: &'a Target) -> Self {
        Self { target, rows: Vec::new() }
    }

    pub fn add(&mut self, attack: Attack) {
        let Attack { name, began, sent, answered, violations } = attack;
        let (took, memory_mib) = (began.elapsed(), self.target.memory_mib());
        self.rows.push(Row { attack: name, sent, answered, took, memory_mib, violations });
    }

    pub fn fail_if_violated(&self) {
        let all: Vec<String> = self
            .rows
            .iter()
            .flat_map(|row| row.violations.iter().map(|what| format!("{}: {what}", row.attack)))
            .collect();
        assert!(
            all.is_empty(),
            "{} violations:\n{}",
            all.len(),
            all[..all.len().min(50)].join("\n")
        );
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, cells: [&str; 6]| {
            let [attack, sent, answered, took, memory, verdict] = cells;
            writeln!(f, "{attack:<34} {sent:>6} {took:>8} {memory:>8}  {verdict:<8} {answered}")
        };
        line(f, ["attack", "sent", "answered", "time", "memory", ""])?;
        for row in &self.rows {
            let answered = row.answered.iter().map(|(status, n)| match status {
                0 => format!("{n} x cut"),
                status => format!("{n} x {status}"),
            });
            let answered = answered.collect::<Vec<_>>().join(", ");
            let verdict = if row.violations.is_empty() { "held" } else { "BROKEN" };
            let took = format!("{:.1} s", row.took.as_secs_f64());
            let memory = format!("{} MiB", row.memory_mib);
            line(f, [row.attack, &row.sent.to_string(), &answered, &took, &memory, verdict])?;
        }
        Ok(())
    }
}
