//! The chain of one firing: what it did for each agent, and how that went on.

use super::run::{self, Rows};
use super::{Chain, Kind, Step, fired, in_order};
use crate::engine::present::refused_words;
use crate::scheduler::model::ReceiptOutcome;
use crate::scheduler::{Millis, Receipt, Why};

/// From what fired to the ends of all it started, or to `now`. `runs` are those of the receipt that
/// the history still has.
pub fn steps(receipt: &Receipt, runs: &[Rows], now: Millis) -> Vec<Step> {
    let mut chain = Chain::of(&receipt.id);
    if receipt.outcome == ReceiptOutcome::Refused {
        return refused(receipt, chain);
    }
    let what = fired(&receipt.trigger, receipt.dedupe.as_deref());
    chain.add(receipt.at, Kind::Fired, what, None);
    if let (Some(of), Some(by)) = (&receipt.replay_of, &receipt.by) {
        chain.add(receipt.at, Kind::Fired, format!("{by} replayed the delivery of {of}"), None);
    }
    if let Some(last) = receipt.last_at {
        let text = format!("it came again, {} times in all, and counts once", receipt.times);
        chain.add(last, Kind::Fired, text, None);
    }
    for (agent, why) in &receipt.skipped {
        let text = format!("{agent} was skipped: {}", why.sentence());
        chain.add(receipt.at, Kind::Skipped, text, Some(why));
    }
    match (receipt.runs.is_empty(), receipt.skipped.is_empty()) {
        (true, true) => {
            let text = format!("nothing started: {}", Why::NoMatch.sentence());
            chain.add(receipt.at, Kind::Nothing, text, Some(&Why::NoMatch));
        }
        (true, false) => {
            let text = "nothing started: no agent that wants it could take it";
            chain.add(receipt.at, Kind::Nothing, text, None);
        }
        (false, _) => {}
    }
    for id in &receipt.runs {
        match runs.iter().find(|rows| rows.run.id == *id) {
            None => {
                let text = format!("started {id}, which the history no longer has");
                chain.add(receipt.at, Kind::Queued, text, None);
            }
            // Its own life began with another firing.
            Some(rows) if rows.run.receipt != receipt.id => {
                let text = format!("woke {id}, which waited for it");
                chain.add(receipt.at, Kind::Woken, text, None);
            }
            Some(rows) => chain.steps.extend(run::life(rows, now)),
        }
    }
    in_order(chain.steps)
}

/// What became of deliveries that were not taken.
fn refused(receipt: &Receipt, mut chain: Chain) -> Vec<Step> {
    let (source, why) = (&receipt.trigger.source, &receipt.trigger.summary);
    let text = format!("a webhook of {source} was refused: {why}");
    chain.add(receipt.at, Kind::Fired, text, None);
    let text = format!("nothing started or was kept: {}", refused_words(receipt));
    chain.add(receipt.last_at.unwrap_or(receipt.at), Kind::Nothing, text, None);
    chain.steps
}
