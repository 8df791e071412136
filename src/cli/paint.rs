//! Colours with a meaning, never without the word that says the same.

/// What a text is, for the eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    #[default]
    Plain,
    /// Beside the point.
    Dim,
    /// A title.
    Strong,
    /// It went well.
    Good,
    /// It went wrong.
    Bad,
    /// Somebody should look.
    Warn,
    /// It is happening now.
    Live,
}

impl Tone {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Dim => Some("2"),
            Self::Strong => Some("1"),
            Self::Good => Some("32"),
            Self::Bad => Some("1;31"),
            Self::Warn => Some("33"),
            Self::Live => Some("36"),
        }
    }
}

/// Whether there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    pub color: bool,
}

impl Paint {
    pub const fn new(color: bool) -> Self {
        Self { color }
    }

    /// The text in its tone.
    pub fn on(self, tone: Tone, text: &str) -> String {
        match tone.code() {
            Some(code) if self.color && !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

/// Text of agents and deliveries on one line, unable to drive a terminal: control characters and
/// those that reorder text become blanks.
pub fn safe(text: &str) -> String {
    let blanked: String = text.chars().map(|c| if is_harmful(c) { ' ' } else { c }).collect();
    blanked.trim().to_owned()
}

/// A text that may have several lines, as unable to drive a terminal: its line ends and tabs stay.
pub fn tame(text: &str) -> String {
    let is_bad = |c: char| is_harmful(c) && c != '\n' && c != '\t';
    text.chars().map(|c| if is_bad(c) { ' ' } else { c }).collect()
}

/// Whether a character drives a terminal, or shows text in another order.
pub fn is_harmful(c: char) -> bool {
    c.is_control() || al_wire::reorders(c)
}

/// One line of others as it is, with what is not seen written out: escape sequences, characters
/// without width, those that reorder text, and tags that only a model reads.
pub fn visible(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\t' => text.push(c),
            c if c.is_control() || is_unseen(c) => text.extend(c.escape_unicode()),
            c => text.push(c),
        }
    }
    text
}

fn is_unseen(c: char) -> bool {
    al_wire::reorders(c)
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_written_out() {
        let check = |line: &str, expected: &str| assert_eq!(visible(line), expected, "{line:?}");
        check("  a\tb é 🦙", "  a\tb é 🦙");
        check("a\x1b[2Jb", "a\\u{1b}[2Jb");
        check("a\u{202e}b\u{200b}c", "a\\u{202e}b\\u{200b}c");
        check("x\u{e0041}", "x\\u{e0041}");
        check("a\u{9b}2J\rb", "a\\u{9b}2J\\u{d}b");
    }

    #[test]
    fn what_drives_a_terminal_or_reorders_text_becomes_a_blank() {
        assert_eq!(tame(" a\x1b[2J\n\tb\u{202e}c\r"), " a [2J\n\tb c ");
        assert_eq!(safe("\u{61c}a\u{200e}b\u{202e}c\u{2066}d\x1b[2J\n"), "a b c d [2J");
    }
}
