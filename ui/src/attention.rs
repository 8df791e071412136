//! What needs a person: what the console remembers of it.

use crate::fleet::Fleet;
use crate::state::Subject;
use al_wire::{About, Need};
use std::collections::{BTreeMap, BTreeSet};

/// What comes and goes rings at most this often.
const AGAIN_MS: i64 = 10 * 60_000;

/// What was there and what rang.
#[derive(Debug, Default)]
pub struct Attention {
    /// Whether the terminal's bell rings.
    pub bell: bool,
    /// Keys of the needs that are there; none before the first snapshot.
    present: Option<BTreeSet<String>>,
    /// When each rang.
    rung: BTreeMap<String, i64>,
    /// Whose needs they are: project and environment.
    host: Option<(String, Option<String>)>,
}

impl Attention {
    /// What another host needs is not new because the console turned to it.
    pub fn of_host(&mut self, host: Option<(String, Option<String>)>) {
        if self.host != host {
            *self = Self { bell: self.bell, host, ..Self::default() };
        }
    }

    /// Takes in what there is now. What has come since the last time, unless it has only just come
    /// and gone; nothing when it is the first time.
    pub fn new_ones<'n>(&mut self, needs: &'n [Need], now_ms: i64) -> Vec<&'n Need> {
        let keys = needs.iter().map(|need| need.key.clone()).collect();
        let Some(before) = self.present.replace(keys) else { return Vec::new() };
        self.rung.retain(|_, at_ms| *at_ms + AGAIN_MS > now_ms);
        let is_new =
            |need: &&Need| !before.contains(&need.key) && !self.rung.contains_key(&need.key);
        let new: Vec<&Need> = needs.iter().filter(is_new).collect();
        self.rung.extend(new.iter().map(|need| (need.key.clone(), now_ms)));
        new
    }
}

/// What the need with this key is about.
pub fn subject(fleet: &Fleet, key: &str) -> Subject {
    match fleet.need(key).map(|need| need.about.clone()) {
        Some(About::Agent(name)) => Subject::Agent(name),
        Some(About::Run(id)) => Subject::Run(id),
        Some(About::Trigger(id)) => Subject::Trigger(id),
        Some(About::Alert(key)) => Subject::Alert(key),
        Some(About::Unknown) | None => Subject::Nothing,
    }
}
