//! Where somebody was in a log, and what they marked: for the session for each run, and beyond it
//! for each agent.

use al_wire::{LogLevel, LogRecord, LogSource};
use serde::{Deserialize, Serialize};

/// Logs that are remembered.
const LOGS: usize = 100;
/// Bookmarks of one log.
pub const MARKS: usize = 32;
/// Characters of a record that a bookmark says.
const SAYS: usize = 80;

/// A record to come back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
    pub place: String,
    pub at_ms: i64,
    /// The beginning of what it says.
    pub says: String,
    /// Not marked by anybody: where the reader was when the console was left.
    #[serde(default)]
    pub left: bool,
}

impl Bookmark {
    /// None for a record that cannot be come back to.
    pub fn of(record: &LogRecord) -> Option<Self> {
        let says = al_wire::story::plain(record).chars().take(SAYS).collect();
        Some(Self { place: record.place.clone()?, at_ms: record.at_ms, says, left: false })
    }
}

/// What is shown of a log, whatever else there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    pub text: String,
    pub not: bool,
    pub on: bool,
}

impl Filter {
    /// `words`, or `!words` for what does not say them.
    pub fn parse(text: &str) -> Self {
        let not = text.starts_with('!');
        let text = text.strip_prefix('!').unwrap_or(text).trim().to_owned();
        Self { on: !text.is_empty(), text, not }
    }
}

/// What is remembered of one log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub level: LogLevel,
    pub filter: Filter,
    /// Where the reader was; none at the end, following.
    pub place: Option<Bookmark>,
    pub marks: Vec<Bookmark>,
}

/// What is remembered, the latest last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    logs: Vec<(String, Kept)>,
    /// Something is not written yet.
    #[serde(skip)]
    pub changed: bool,
}

impl Memory {
    /// Reads what an earlier session wrote. What cannot be read is as good as nothing.
    pub fn parse(text: &str) -> Self {
        let mut memory: Self = serde_json::from_str(text).unwrap_or_default();
        for (_, kept) in &mut memory.logs {
            // Somebody who comes back wants to see what happens now; the place is a bookmark.
            if let Some(place) = kept.place.take() {
                kept.marks.retain(|mark| !mark.left);
                kept.marks.push(Bookmark { left: true, ..place });
            }
        }
        memory
    }

    /// What is worth keeping beyond the session: logs of agents, not those of single runs.
    pub fn to_text(&self) -> String {
        let lasting = |key: &String| !key.contains("/run:");
        let logs = self.logs.iter().filter(|(key, _)| lasting(key)).cloned().collect();
        serde_json::to_string(&Self { logs, changed: false }).unwrap_or_default()
    }

    pub fn get(&self, project: &str, source: &LogSource) -> Option<Kept> {
        let key = key(project, source);
        let known = self.logs.iter().find(|(known, _)| *known == key);
        known.map(|(_, kept)| kept.clone())
    }

    pub fn put(&mut self, project: &str, source: &LogSource, kept: Kept) {
        if self.get(project, source).as_ref() == Some(&kept) {
            return;
        }
        let key = key(project, source);
        self.logs.retain(|(known, _)| *known != key);
        self.logs.push((key, kept));
        if self.logs.len() > LOGS {
            self.logs.remove(0);
        }
        self.changed = true;
    }
}

fn key(project: &str, source: &LogSource) -> String {
    format!("{project}/{}", word(source))
}

fn word(source: &LogSource) -> String {
    match source {
        LogSource::Scheduler => "scheduler".to_owned(),
        LogSource::Agent(name) => format!("agent:{name}"),
        LogSource::Run(id) => format!("run:{id}"),
        LogSource::Merged(sources) => {
            let words: Vec<String> = sources.iter().map(word).collect();
            format!("run:{}", words.join(","))
        }
    }
}
