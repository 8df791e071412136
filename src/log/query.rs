//! Which records are wanted.

use chrono::NaiveDate;
use memchr::memmem;
use regex::Regex;

use super::files::{LogFile, day_of, day_start_ms};
use super::{Level, Only, Record};

/// Records of one name, filtered.
#[derive(Debug, Clone)]
pub struct Query {
    /// Agent, or `scheduler`; exactly this one.
    pub name: String,
    /// Only this run, by its whole id.
    pub instance: Option<String>,
    pub level_min: Level,
    /// Messages that are wanted whatever their level.
    pub also: &'static [&'static str],
    /// Found in the message or in the stored line.
    pub grep: Option<Regex>,
    /// What a console wants of it.
    pub only: Option<Only>,
    /// Only records later than this instant.
    pub after_ms: Option<i64>,
    /// Only records earlier than this instant.
    pub before_ms: Option<i64>,
    /// Only the file of this UTC day.
    pub date: Option<NaiveDate>,
}

/// The agent of a run: its id without the last part, eight lower-case hexadecimal digits. None when
/// that cannot be the id of a run.
pub fn agent_of(run: &str) -> Option<&str> {
    let (agent, hex) = run.rsplit_once('-')?;
    let is_id = hex.len() == 8 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (is_id && !agent.is_empty()).then_some(agent)
}

impl Query {
    /// Every record of `name`.
    pub fn all(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            instance: None,
            level_min: Level::Trace,
            also: &[],
            grep: None,
            only: None,
            after_ms: None,
            before_ms: None,
            date: None,
        }
    }

    /// Every record of one run; none when that cannot be the id of a run.
    pub fn run(instance: impl Into<String>) -> Option<Self> {
        let instance = instance.into();
        let all = Self::all(agent_of(&instance)?);
        Some(Self { instance: Some(instance), ..all })
    }

    /// Could `file` hold a wanted record? Of a file we know its day, and that nothing in it is
    /// newer than its last change.
    pub(super) fn may_be_in(&self, file: &LogFile) -> bool {
        if self.date.is_some_and(|d| d != file.date) {
            return false;
        }
        if self.before_ms.is_some_and(|t| day_of(t) < file.date) {
            return false;
        }
        let Some(after) = self.after_ms.filter(|t| day_of(*t) > file.date) else { return true };
        let changed = std::fs::metadata(&file.path).and_then(|m| m.modified()).ok();
        let changed = changed.and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        changed.is_none_or(|t| t.as_millis() as i64 >= after)
    }

    /// The record of a line, when it is wanted. Most unwanted lines are told by a look at their
    /// bytes, without parsing.
    pub(super) fn wants(&self, line: &[u8], date: NaiveDate) -> Option<Record> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        if self.instance.as_ref().is_some_and(|i| memmem::find(line, i.as_bytes()).is_none()) {
            return None;
        }
        if let Some((level, time)) = prefix(line)
            && !((level >= self.level_min || self.may_be_also(line)) && self.in_time(time))
        {
            return None;
        }
        if self.only.as_ref().is_some_and(|only| !only.may_pass(line)) {
            return None;
        }
        let found = self.grep.as_ref().is_none_or(|grep| finds(grep, line));
        if !found && !self.grep.as_ref().is_some_and(|g| message_may_differ(g, line)) {
            return None;
        }
        let mut record = Record::from_line(line);
        if record.time == 0 {
            record.time = day_start_ms(date);
        }
        if record.name.is_empty() {
            record.name.clone_from(&self.name);
        }
        let wanted = (record.level >= self.level_min || self.also.contains(&record.msg.as_str()))
            && self.in_time(record.time)
            && (self.instance.is_none() || self.instance == record.instance)
            && self.only.as_ref().is_none_or(|only| only.passes(&record))
            && (found || self.grep.as_ref().is_some_and(|g| g.is_match(&record.msg)));
        wanted.then_some(record)
    }

    fn may_be_also(&self, line: &[u8]) -> bool {
        self.also.iter().any(|msg| memmem::find(line, msg.as_bytes()).is_some())
    }

    fn in_time(&self, time: i64) -> bool {
        self.after_ms.is_none_or(|t| time > t) && self.before_ms.is_none_or(|t| time < t)
    }
}

fn finds(grep: &Regex, line: &[u8]) -> bool {
    match std::str::from_utf8(line) {
        Ok(line) => grep.is_match(line),
        Err(_) => grep.is_match(&String::from_utf8_lossy(line)),
    }
}

/// The line says no; may the message, unescaped and with ends of its own, still say yes?
fn message_may_differ(grep: &Regex, line: &[u8]) -> bool {
    grep.as_str().contains(['^', '$', '\\']) || line.contains(&b'\\')
}

/// Level and time of a line as we write it: `{"level":30,"time":1763600000000,`.
pub(super) fn prefix(line: &[u8]) -> Option<(Level, i64)> {
    let rest = line.strip_prefix(br#"{"level":"#)?;
    let (level, rest) = number(rest)?;
    let (time, rest) = number(rest.strip_prefix(br#","time":"#)?)?;
    (rest.first() == Some(&b',')).then_some((Level::from_number(level), time))
}

fn number(text: &[u8]) -> Option<(i64, &[u8])> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).take(18).count();
    let value = text[..digits].iter().fold(0, |n, b| n * 10 + i64::from(b - b'0'));
    (digits > 0).then_some((value, &text[digits..]))
}
