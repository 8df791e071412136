//! What is wrong with a project: one value per problem, and how a person sees them.

use std::fmt::Write;
use std::ops::Range;
use std::path::PathBuf;

use annotate_snippets::renderer::DEFAULT_TERM_WIDTH;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::hidden;
use super::source::{At, Named};

/// Whether the project can be used in spite of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    /// `error` or `warning`, in JSON too.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// Absolute path.
    pub file: PathBuf,
    /// One sentence without a full stop.
    pub message: String,
    /// What to do, a line each.
    pub hints: Vec<String>,
    /// What else is known of it. Apart, so that a problem is a small error.
    pub more: Box<More>,
    /// The place, then others of the same file that it takes to see what is wrong. Empty when the
    /// file as a whole is meant.
    at: Vec<At>,
}

/// The rest of a [`Problem`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct More {
    /// Stable word for its kind: `key_unknown`. Empty until somebody gives it one.
    pub code: &'static str,
    /// A command that mends it, to be copied.
    pub fix: Option<String>,
    /// What may be changed in the project to mend it.
    pub mend: Option<Mend>,
    shown: Box<str>,
    /// Its line, where that must not be shown.
    line: Option<usize>,
}

/// A change that mends a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mend {
    /// What stands at the place is called this.
    Rename(String),
    /// The file is called this.
    Move(String),
    /// The file or folder has this mode.
    Mode(u32),
    /// These lines stand at the end of the file, which may not be there yet.
    Append(String),
    /// The file is gone.
    Remove,
    /// The folder is gone, with what is in it.
    RemoveFolder,
    /// Whoever found it knows what.
    Apart,
}

/// Line and column of the first character and of the one after the last, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
}

impl More {
    fn of(shown: &str) -> Box<Self> {
        Box::new(Self { shown: harmless(shown).into(), ..Self::default() })
    }
}

impl Problem {
    /// A problem of a file as a whole.
    pub fn error(file: &Named, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.path.clone(),
            message: harmless(&message.into()),
            hints: Vec::new(),
            more: More::of(&file.shown),
            at: Vec::new(),
        }
    }

    /// A problem of a place in a file.
    pub fn error_at(at: &At, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: at.source.path.clone(),
            message: harmless(&message.into()),
            hints: Vec::new(),
            more: More::of(&at.source.shown),
            at: vec![at.clone()],
        }
    }

    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Names a line of the file without showing it: it may be a secret.
    #[must_use]
    pub fn on_line(mut self, line: usize) -> Self {
        self.more.line = Some(line);
        self
    }

    /// Says which kind of problem it is.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.more.code = code;
        self
    }

    /// Adds the command that mends it.
    #[must_use]
    pub fn fix(mut self, command: impl Into<String>) -> Self {
        self.more.fix = Some(harmless(&command.into()));
        self
    }

    /// Adds what may be changed to mend it.
    #[must_use]
    pub fn mend(mut self, mend: Option<Mend>) -> Self {
        self.more.mend = mend;
        self
    }

    /// Shows a second place of the same file with it.
    #[must_use]
    pub fn and_at(mut self, other: &At) -> Self {
        self.at.push(other.clone());
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(harmless(&hint.into()));
        self
    }

    /// Adds what to do about it, when there is something.
    #[must_use]
    pub fn maybe_hint(self, hint: Option<String>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// File, line and message on one line.
    pub fn sentence(&self) -> String {
        match self.at.first() {
            Some(at) => format!("{}:{}: {}", self.more.shown, at.line(), self.message),
            None => format!("{}: {}", self.more.shown, self.message),
        }
    }

    /// Where in the file; none when the file as a whole is meant.
    pub fn place(&self) -> Option<Place> {
        let Some(at) = self.at.first() else {
            let line = self.more.line?;
            return Some(Place { line, column: 1, end_line: line, end_column: 1 });
        };
        let (line, column) = position(&at.source.text, at.span.start);
        let (end_line, end_column) = position(&at.source.text, at.span.end);
        Some(Place { line, column, end_line, end_column })
    }

    /// The bytes of the file that are meant, and its text as it was read.
    pub fn span(&self) -> Option<(Range<usize>, &str)> {
        let at = self.at.first()?;
        Some((at.span.clone(), at.source.text.as_str()))
    }

    /// The file as messages show it.
    pub fn shown(&self) -> &str {
        &self.more.shown
    }

    /// A problem of the whole file comes first in it.
    fn offset(&self) -> Option<usize> {
        self.at.first().map(|at| at.span.start)
    }
}

fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let line = 1 + before.bytes().filter(|b| *b == b'\n').count();
    (line, 1 + before[line_start..].chars().count())
}

/// Collects problems while reading goes on.
#[derive(Debug, Default)]
pub struct Problems {
    list: Vec<Problem>,
    /// Unknown keys are errors.
    strict: bool,
}

impl Problems {
    pub fn new(strict: bool) -> Self {
        Self { list: Vec::new(), strict }
    }

    pub fn push(&mut self, problem: Problem) {
        self.list.push(problem);
    }

    /// Something that is not understood and would be ignored.
    pub fn unknown(&mut self, problem: Problem) {
        self.list.push(if self.strict { problem } else { problem.warning() });
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// All of them, by file in the order of reading, then by place.
    pub fn into_sorted(self) -> Vec<Problem> {
        let mut files: Vec<PathBuf> = Vec::new();
        let mut keyed: Vec<_> = self
            .list
            .into_iter()
            .map(|p| {
                let file = files.iter().rposition(|f| *f == p.file).unwrap_or_else(|| {
                    files.push(p.file.clone());
                    files.len() - 1
                });
                ((file, p.offset()), p)
            })
            .collect();
        keyed.sort_by_key(|(key, _)| *key);
        keyed.into_iter().map(|(_, p)| p).collect()
    }
}

/// Shows problems one below the other, each with its line, and counts them at the end. Of very
/// many the first are shown.
pub fn render(problems: &[Problem], color: bool) -> String {
    render_each(problems, color) + &count(problems)
}

/// [`render`] without the count.
pub fn render_each(problems: &[Problem], color: bool) -> String {
    render_as(problems, color, false)
}

/// [`render_each`] with the word for each kind: `error[key_unknown]: `.
pub fn render_coded(problems: &[Problem], color: bool) -> String {
    render_as(problems, color, true)
}

fn render_as(problems: &[Problem], color: bool, coded: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(WIDTH);
    let mut out = String::new();
    for problem in problems.iter().take(MOST_SHOWN) {
        out.push_str(&renderer.render(&[group(problem, coded)]));
        out.push_str("\n\n");
    }
    if problems.len() > MOST_SHOWN {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "... and {} more\n", problems.len() - MOST_SHOWN);
    }
    out
}

const MOST_SHOWN: usize = 100;

const WIDTH: usize = if DEFAULT_TERM_WIDTH < 80 { DEFAULT_TERM_WIDTH } else { 80 };

fn group(problem: &Problem, coded: bool) -> Group<'_> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let code = if coded { problem.more.code } else { "" };
    let head = "warning: ".len() + if code.is_empty() { 0 } else { code.len() + 2 };
    let title = level.primary_title(wrap(&problem.message, WIDTH - head));
    let title = if code.is_empty() { title } else { title.id(code) };
    let place = match problem.at.split_first() {
        Some((at, others)) => Group::with_title(title).element(
            Snippet::source(hidden::veiled(&at.source))
                .path(&*problem.more.shown)
                .annotation(AnnotationKind::Primary.span(first_line(at)))
                .annotations(others.iter().map(|at| AnnotationKind::Context.span(first_line(at)))),
        ),
        None => {
            let origin = Origin::path(&*problem.more.shown);
            Group::with_title(title).element(match problem.more.line {
                Some(line) => origin.line(line),
                None => origin,
            })
        }
    };
    // Room for the line number, its rule and `help: `.
    let room = WIDTH - 14;
    let help = problem.hints.iter().map(|hint| Level::HELP.message(wrap(hint, room)));
    // Whole, however long it is, so that it can be copied.
    let fix = problem.more.fix.iter().map(|command| Level::HELP.with_name("fix").message(command));
    place.elements(help.chain(fix))
}

/// A problem is shown on one line, even where a table or a text goes over many.
fn first_line(at: &At) -> std::ops::Range<usize> {
    let text = &at.source.text;
    let start = at.span.start.min(text.len());
    let end = at.span.end.clamp(start, text.len());
    match text[start..end].find('\n') {
        Some(n) => start..start + n,
        None => start..end,
    }
}

/// `2 errors, 1 warning` and a line end; nothing for none.
pub fn count<'a>(problems: impl IntoIterator<Item = &'a Problem>) -> String {
    let (mut errors, mut warnings) = (0, 0);
    for problem in problems {
        match problem.severity {
            Severity::Error => errors += 1,
            Severity::Warning => warnings += 1,
        }
    }
    let mut out = String::new();
    for (n, noun) in [(errors, "error"), (warnings, "warning")] {
        if n > 0 {
            let comma = if out.is_empty() { "" } else { ", " };
            let plural = if n == 1 { "" } else { "s" };
            let _ = write!(out, "{comma}{n} {noun}{plural}");
        }
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// Breaks a text between words, but not between backticks, so that no line is longer than `width`
/// where that is possible.
fn wrap(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut used = 0;
    let mut quoting = false;
    for word in text.split(' ') {
        let len = word.chars().count();
        let whole = if quoting { len } else { unbroken(&text[offset(text, word)..]) };
        if used > 0 && !quoting && used + 1 + whole > width {
            out.push('\n');
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        quoting ^= word.matches('`').count() % 2 == 1;
        out.push_str(word);
        used += len;
    }
    out
}

/// Characters up to the next space that is not between backticks.
fn unbroken(text: &str) -> usize {
    let mut quoting = false;
    let stop = |c: char| {
        quoting ^= c == '`';
        c == ' ' && !quoting
    };
    text.split(stop).next().map_or(0, |s| s.chars().count())
}

/// Where a part of a text starts in it.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr().addr() - text.as_ptr().addr()
}

/// A text of one line that cannot command a terminal, nor show itself in another order.
fn harmless(text: &str) -> String {
    let is_harmful = |c: char| c.is_control() || al_wire::reorders(c);
    text.chars().map(|c| if is_harmful(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// What somebody wrote, between backticks and shortened.
pub fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// `a, b and c`, each between backticks.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(quoted).collect();
    match names.split_last() {
        None => "none".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// The candidate that was probably meant, when one is near enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // `max_reruns`, `max-reruns` and `MaxReruns` all mean `maxReruns`.
    let plain = |s: &str| s.replace(['_', '-'], "").to_lowercase();
    let word: String = plain(&word.chars().take(100).collect::<String>());
    let limit = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(&word, &plain(k)), k))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

/// [`nearest`] as a hint.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, known).map(|k| format!("did you mean `{k}`?"))
}
