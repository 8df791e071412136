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
    let harmful = |c: char| c.is_control() || al_wire::reorders(c);
    let blanked: String = text.chars().map(|c| if harmful(c) { ' ' } else { c }).collect();
    blanked.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_or_reorders_text_becomes_a_blank() {
        assert_eq!(safe("\u{61c}a\u{200e}b\u{202e}c\u{2066}d\x1b[2J\n"), "a b c d [2J");
    }
}
