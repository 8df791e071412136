//! The rows behind a chain.

use super::run::Rows;
use super::{Step, firing, run};
use crate::scheduler::{Millis, Receipt, Run, Scope, Wakening, Why};
use crate::store::{Reader, StoreError};

/// Ids that are named when one is meant that is not clear.
const NAMED: u32 = 4;

/// What is known of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The whole id, and its chain.
    Known {
        id: String,
        steps: Vec<Step>,
    },
    /// Several ids begin like this.
    Unclear(Vec<String>),
    Unknown,
}

/// The chain of a run or a receipt, by its id or the beginning of it.
///
/// # Errors
/// When the history cannot be read.
pub fn why(reader: &Reader, id: &str, now: Millis) -> Result<Asked, StoreError> {
    let mut ids = if id.is_empty() { Vec::new() } else { reader.ids(id, NAMED)? };
    if ids.len() > 1 {
        return Ok(Asked::Unclear(ids));
    }
    let Some(id) = ids.pop() else { return Ok(Asked::Unknown) };
    let steps = if let Some(run) = reader.run(&id)? {
        run::steps(&rows(reader, run)?, now)
    } else if let Some(receipt) = reader.receipt(&id)? {
        of_firing(reader, &receipt, now)?
    } else {
        // Pruned since.
        return Ok(Asked::Unknown);
    };
    Ok(Asked::Known { id, steps })
}

fn of_firing(reader: &Reader, receipt: &Receipt, now: Millis) -> Result<Vec<Step>, StoreError> {
    let mut runs = Vec::new();
    for id in &receipt.runs {
        if let Some(run) = reader.run(id)? {
            runs.push(rows(reader, run)?);
        }
    }
    Ok(firing::steps(receipt, &runs, now))
}

fn rows(reader: &Reader, run: Run) -> Result<Rows, StoreError> {
    let moments = reader.moments(&run.id)?;
    let mut wakers = Vec::new();
    for moment in &moments {
        if let Why::Woken { by: Wakening::Trigger { receipt } } = &moment.why {
            wakers.extend(reader.receipt(receipt)?);
        }
    }
    let mut pauses = Vec::new();
    for scope in [Scope::Project, Scope::Agent(run.agent.clone())] {
        let moments = reader.moments(&scope.key())?;
        pauses.push((scope, moments));
    }
    let locks = match run.ended_at {
        Some(_) => Vec::new(),
        None => reader.locks()?.into_iter().filter(|lock| lock.run == run.id).collect(),
    };
    Ok(Rows {
        receipt: reader.receipt(&run.receipt)?,
        made: reader.calls_made(&run.id)?,
        served: reader.calls_served(&run.id)?,
        rerun: reader.rerun_of(&run.id)?,
        said: reader.said(&run.id, 0)?,
        moments,
        pauses,
        locks,
        wakers,
        run,
    })
}
