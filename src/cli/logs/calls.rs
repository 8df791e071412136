//! Uses of tools that have begun: begin and end become one line.

use std::time::Duration;

use al_wire::story::Told;

use crate::log::Record;

/// A tool that is at work for longer is told before it ends.
const SLOW_MS: i64 = 2_000;
/// Calls that are remembered; one whose end never comes is forgotten some time.
const MOST: usize = 1_000;

/// Those without an end so far, oldest first.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    id: String,
    begin: Record,
    /// `$ cargo test`
    head: String,
    told: bool,
}

impl Calls {
    /// Remembers a begin. False when it has no id to be joined by.
    pub fn begin(&mut self, record: &Record, told: &Told<'_>) -> bool {
        let Some(id) = told.call else { return false };
        let known = |call: &&mut Call| call.id == id && call.begin.instance == record.instance;
        if let Some(call) = self.open.iter_mut().find(known) {
            call.head = told.head.clone().into_owned();
            return true;
        }
        if self.open.len() >= MOST {
            self.open.remove(0);
        }
        let (id, head) = (id.to_owned(), told.head.clone().into_owned());
        self.open.push(Call { id, begin: record.clone(), head, told: false });
        true
    }

    /// What it was that ends here.
    pub fn end(&mut self, record: &Record, told: &Told<'_>) -> Option<String> {
        let same = |call: &Call| {
            Some(call.id.as_str()) == told.call && call.begin.instance == record.instance
        };
        let at = self.open.iter().position(same)?;
        Some(self.open.remove(at).head)
    }

    /// Those that are to be told although they have not ended, each once.
    pub fn slow(&mut self, now: i64) -> Vec<(Record, String)> {
        let slow = |call: &&mut Call| !call.told && now.saturating_sub(call.begin.time) >= SLOW_MS;
        let tell = |call: &mut Call| {
            call.told = true;
            (call.begin.clone(), call.head.clone())
        };
        self.open.iter_mut().filter(slow).map(tell).collect()
    }

    /// How long until one of them is slow.
    pub fn patience(&self, now: i64) -> Option<Duration> {
        let rest = |call: &Call| (call.begin.time + SLOW_MS - now).clamp(0, SLOW_MS);
        let least = self.open.iter().filter(|call| !call.told).map(rest).min()?;
        u64::try_from(least).ok().map(|ms| Duration::from_millis(ms.max(1)))
    }
}
