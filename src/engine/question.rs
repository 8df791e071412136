//! What has to be answered before a command may be done.

use sha2::{Digest, Sha256};

use super::handle::{Confirmation, Outcome};
use super::turn::{Host, Input};
use crate::scheduler::Event;
use crate::scheduler::impact::{Impact, Level, impact};
use crate::store::StoreError;

impl Host {
    /// The question that this input has to be answered with; none when it may be done.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn question(
        &mut self,
        input: &Input,
        confirm: &Confirmation,
    ) -> Result<Option<Outcome>, StoreError> {
        let Event::Command { command, .. } = &input.event else { return Ok(None) };
        if *confirm == Confirmation::NotNeeded {
            return Ok(None);
        }
        self.view.facts = self.store.facts(&input.event)?;
        let impact = impact(&self.view, command, input.stamp.at);
        if impact.level == Level::Free {
            return Ok(None);
        }
        let token = token(&impact);
        Ok(match confirm {
            Confirmation::Given(given) if *given == token => None,
            Confirmation::Given(_) => Some(Outcome::Stale { impact }),
            Confirmation::Wanted | Confirmation::NotNeeded => {
                Some(Outcome::Confirm { impact, token })
            }
        })
    }
}

/// Equal impacts have equal tokens: a confirmation holds as long as its consequences do.
fn token(impact: &Impact) -> String {
    hex::encode(&Sha256::digest(format!("{impact:?}").as_bytes())[..8])
}
