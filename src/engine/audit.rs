//! Who did what, as people and scripts are shown it.

use serde::Serialize;

use crate::scheduler::{Deed, Millis, Who};
use crate::store::{AuditQuery, AuditRecord, Reader, StoreError};

/// Which records; newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only from this instant on.
    pub since: Option<Millis>,
    /// Only of a person of exactly this name.
    pub by: Option<String>,
    /// Only what concerns this agent.
    pub agent: Option<String>,
    /// Only records older than this number.
    pub before: Option<i64>,
    pub limit: u32,
}

/// Records, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditPage {
    pub audit: Vec<AuditRow>,
    /// The `before` of the page that follows; none when this is the last.
    pub next: Option<i64>,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// Later ones have larger numbers.
    pub n: i64,
    pub at_ms: Millis,
    /// As they call themselves.
    pub by: String,
    /// The way in: `console`, `shell`, `key`, `session`, `run`, `host`, `outside`.
    pub door: &'static str,
    pub address: Option<String>,
    pub kind: &'static str,
    pub on: Option<String>,
    pub agent: Option<String>,
    /// `done`, `refused`, `not-found`, `stale`.
    pub ending: &'static str,
    pub detail: String,
    pub runs: Vec<String>,
}

/// A page of what was done.
///
/// # Errors
/// When the history cannot be read.
pub fn audit(reader: &Reader, filter: &AuditFilter) -> Result<AuditPage, StoreError> {
    let AuditFilter { since, by, agent, before, limit } = filter.clone();
    // One more says whether anything follows.
    let query = AuditQuery { since, by, agent, before, limit: limit.saturating_add(1) };
    let mut records = reader.audit(&query)?;
    let more = records.len() > limit as usize;
    records.truncate(limit as usize);
    let next = records.last().filter(|_| more).map(|record| record.n);
    Ok(AuditPage { audit: records.into_iter().map(row).collect(), next })
}

fn row(AuditRecord { n, at, deed }: AuditRecord) -> AuditRow {
    let Deed { by: Who { name, door, address }, kind, on, agent, ending, detail, runs } = deed;
    AuditRow {
        n,
        at_ms: at,
        by: name,
        door: door.name(),
        address,
        kind: kind.name(),
        on,
        agent,
        ending: ending.name(),
        detail,
        runs,
    }
}
