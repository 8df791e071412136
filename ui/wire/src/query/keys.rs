//! The facts that filters know, in one table.

use super::{Op, Value, nearest, plain};

/// Whose rows are filtered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    Agents,
    Runs,
    /// Runs that wait for their turn.
    Queues,
    Triggers,
    Alerts,
}

/// What a fact can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One of these words, or any word where none is listed.
    Word(&'static [&'static str]),
    /// Milliseconds, written as `90s`, `1h30m`.
    Span,
    /// A number, written as `3`, `20k`, `1.5M`.
    Count,
    /// Millionths of a dollar, written as `0.50` or `$2`.
    Money,
}

/// A fact by its name.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    pub views: &'static [View],
    pub about: &'static str,
}

const AGENT_STATES: &[&str] =
    &["idle", "running", "waiting", "paused", "draining", "stopped", "disabled", "invalid"];
const RUN_STATES: &[&str] = &[
    "queued",
    "starting",
    "running",
    "waiting",
    "succeeded",
    "failed",
    "timed-out",
    "killed",
    "dropped",
];
const OUTCOMES: &[&str] =
    &["accepted", "started", "queued", "dropped", "skipped", "duplicate", "no-match", "refused"];
const PRIORITIES: &[&str] = &["low", "normal", "high"];
const NEEDS: &[&str] =
    &["asks", "failed", "budget", "files", "refused", "queue-full", "image", "host"];

const fn key(name: &'static str, kind: Kind, views: &'static [View], about: &'static str) -> Key {
    Key { name, kind, views, about }
}

/// Every key, in the order in which they are listed.
#[rustfmt::skip]
pub const KEYS: &[Key] = {
    use Kind::{Count, Money, Span, Word};
    use View::{Agents, Alerts, Queues, Runs, Triggers};
    const ANY: Kind = Word(&[]);
    const BOTH: &[View] = &[Runs, Queues];
    &[
        key("agent", ANY, &[Agents, Runs, Queues, Triggers, Alerts], "name of the agent"),
        key("state", Word(AGENT_STATES), &[Agents], "what the agent does"),
        key("state", Word(RUN_STATES), &[Runs], "where the run is in its life"),
        key("outcome", Word(OUTCOMES), &[Triggers], "what came of the firing"),
        key("kind", Word(NEEDS), &[Alerts], "what sort of alert"),
        key("age", Span, &[Runs, Queues, Triggers, Alerts], "how long ago it was accepted, fired or began"),
        key("dur", Span, &[Runs], "how long it ran"),
        key("cost", Money, &[Runs], "dollars spent on models"),
        key("tokens", Count, &[Runs], "tokens of all its requests"),
        key("turns", Count, &[Runs], "replies of models"),
        key("attempt", Count, &[Runs], "number of its newest attempt"),
        key("exit", Count, &[Runs], "exit code"),
        key("source", ANY, &[Runs, Queues, Triggers], "who fired: github, schedule, manual, call"),
        key("trigger", ANY, BOTH, "what started it, in words"),
        key("what", ANY, &[Triggers], "what fired, in words"),
        key("why", ANY, &[Runs, Queues, Triggers], "the decision behind its state"),
        key("run", ANY, &[Runs, Queues, Triggers], "id of the run"),
        key("caller", ANY, BOTH, "id of the run that called it"),
        key("lane", ANY, BOTH, "lane that it runs in"),
        key("priority", Word(PRIORITIES), BOTH, "who goes first"),
        key("times", Count, &[Triggers], "how often it came"),
        key("running", Count, &[Agents], "runs that hold a slot"),
        key("queued", Count, &[Agents], "runs that wait for their turn"),
        key("scale", Count, &[Agents], "slots"),
        key("last", Word(RUN_STATES), &[Agents], "how its newest run ended"),
        key("engine", ANY, &[Agents], "harness"),
        key("runtime", ANY, &[Agents], "where its runs execute"),
    ]
};

/// The keys of a view.
pub fn of(view: View) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.views.contains(&view))
}

impl View {
    /// What may stand for `word` in a filter: keys with their first operator, then values.
    /// `agents` are the names of those that there are.
    pub fn complete<'a>(self, word: &str, agents: impl Iterator<Item = &'a str>) -> Vec<String> {
        let Some((name, op, _)) = super::operator(word) else {
            let sign = |key: &Key| key.kind.ops().first().map_or("", |op| op.sign());
            return of(self).map(|key| format!("{}{}", key.name, sign(key))).collect();
        };
        let with = |value: &str| format!("{name}{}{value}", op.sign());
        match of(self).find(|key| key.name == name).map(|key| key.kind) {
            Some(Kind::Word(&[])) if name == "agent" => agents.map(with).collect(),
            Some(Kind::Word(words)) => words.iter().map(|word| with(word)).collect(),
            Some(Kind::Span) => ["10m", "1h", "24h", "7d"].map(with).to_vec(),
            Some(Kind::Count | Kind::Money) | None => Vec::new(),
        }
    }
}

impl Key {
    pub(super) fn example(&self) -> String {
        let value = match self.kind {
            Kind::Word(words) => {
                return format!("`{}={}`", self.name, words.first().unwrap_or(&"dev"));
            }
            Kind::Span => "1h",
            Kind::Count => "10",
            Kind::Money => "0.50",
        };
        format!("`{}>{value}`", self.name)
    }
}

impl Kind {
    /// The operators that make sense, the usual one first.
    pub(super) fn ops(self) -> &'static [Op] {
        match self {
            Self::Word(_) => &[Op::Is, Op::IsNot, Op::Has],
            Self::Span => &[Op::Less, Op::AtMost, Op::More, Op::AtLeast],
            Self::Count | Self::Money => {
                &[Op::More, Op::AtLeast, Op::Less, Op::AtMost, Op::Is, Op::IsNot]
            }
        }
    }

    /// A value; `part` is to be found within the fact, and need not be a whole word.
    pub(super) fn read(self, value: &str, part: bool) -> Result<Value, String> {
        match self {
            Self::Word(_) if part => Ok(Value::Words(vec![plain(value)])),
            Self::Word(known) => {
                let words: Vec<String> =
                    value.split(',').filter(|word| !word.is_empty()).map(plain).collect();
                let strange =
                    words.iter().find(|word| !known.is_empty() && !known.contains(&word.as_str()));
                match strange {
                    None => Ok(Value::Words(words)),
                    Some(word) => Err(match nearest(word, known.iter().copied()) {
                        Some(near) => format!("`{word}` is none of them, did you mean `{near}`?"),
                        None => format!("`{word}` is none of {}", known.join(", ")),
                    }),
                }
            }
            Self::Span => span(value)
                .map(Value::Number)
                .ok_or_else(|| format!("`{value}` is no span of time: write 90s, 5m, 1h30m or 2d")),
            Self::Count => count(value)
                .map(Value::Number)
                .ok_or_else(|| format!("`{value}` is no number: write 3, 20k or 1.5M")),
            Self::Money => count_in(value.strip_prefix('$').unwrap_or(value), 1_000_000)
                .map(Value::Number)
                .ok_or_else(|| format!("`{value}` is no amount: write 0.50 or $2")),
        }
    }
}

/// Milliseconds of `90s`, `1h30m`, `2d`.
pub fn span(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let n: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            _ => return None,
        };
        total = total.checked_add(n.checked_mul(unit)?)?;
        rest = &rest[letters..];
    }
    (!text.is_empty()).then_some(total)
}

fn count(text: &str) -> Option<i64> {
    match text.chars().last()? {
        'k' => count_in(&text[..text.len() - 1], 1_000),
        'M' => count_in(&text[..text.len() - 1], 1_000_000),
        _ => text.parse().ok(),
    }
}

/// A number with at most six places behind the point, in so many parts of one.
fn count_in(text: &str, parts: i64) -> Option<i64> {
    let (whole, after) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if !digits(whole) || !digits(after) || after.len() > 6 || whole.len() + after.len() == 0 {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut place = parts;
    let mut total = whole.checked_mul(parts)?;
    for digit in after.chars().filter_map(|c| c.to_digit(10)) {
        place /= 10;
        total = total.checked_add(i64::from(digit) * place)?;
    }
    Some(total)
}
