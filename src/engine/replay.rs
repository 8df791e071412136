//! A console's order to take a stored delivery again: asked about first, with what it would start.

use al_wire::{Confirm, Level, Reply};

use super::session::{Session, reply};
use super::{EngineError, Outcome};
use crate::scheduler::{Event, Firing};

impl Session {
    /// Takes the delivery of a receipt again, once the operator has said yes to what comes of it.
    pub(super) async fn replay(&self, receipt: String, token: Option<String>) -> Reply {
        let (again, by, id) = (self.again.clone(), self.by.clone(), receipt.clone());
        // The delivery is read from disk.
        let firing = match tokio::task::spawn_blocking(move || again(&id, &by)).await {
            Ok(Ok(firing)) => firing,
            Ok(Err(why)) => return Reply::Refused { why },
            Err(_) => return reply(Err(EngineError::Ended)),
        };
        let question = question(&receipt, &firing);
        match token {
            Some(token) if token == question.token => {
                reply(self.engine.submit(Event::Fired(firing)).await.map(Outcome::Answer))
            }
            Some(_) => Reply::Stale { now: question.impact },
            None => Reply::NeedsConfirm(question),
        }
    }
}

/// What comes of it is in the token: whoever said yes to something else is asked again.
fn question(receipt: &str, firing: &Firing) -> Confirm {
    let mut agents = firing.targets.clone();
    agents.dedup();
    let wanted = match &agents[..] {
        [] => "no agent wants it as things are: it leaves a receipt and starts nothing".to_owned(),
        agents => format!("as things are it is for {}", agents.join(", ")),
    };
    Confirm {
        token: format!("replay:{}", firing.targets.join(",")),
        level: Level::Small,
        title: format!("Replay {}?", firing.trigger.summary.trim_start_matches("replay: ")),
        impact: vec![wanted],
        cli: format!("al triggers replay {receipt}"),
        accept: "Replay".to_owned(),
        word: None,
        left: Vec::new(),
    }
}
