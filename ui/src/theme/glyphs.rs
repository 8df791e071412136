//! The characters that are not text: borders, marks and state signs.

use super::Role;

/// One set of characters, each one column wide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glyphs {
    pub idle: String,
    pub queued: String,
    pub running: String,
    pub waiting: String,
    pub done: String,
    pub failed: String,
    pub paused: String,
    /// Before the selected row.
    pub cursor: String,
    /// Stands for what was cut out of a name.
    pub ellipsis: String,
    /// Corners (top left, top right, bottom left, bottom right), horizontal, vertical.
    pub plain: [&'static str; 6],
    pub focus: [&'static str; 6],
    /// Pictures have Braille dots.
    pub braille: bool,
}

/// The names of the glyphs that a theme may override.
pub const NAMES: [&str; 9] = [
    "state.idle",
    "state.queued",
    "state.running",
    "state.waiting",
    "state.done",
    "state.failed",
    "state.paused",
    "cursor",
    "ellipsis",
];

/// Sets of glyphs by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlyphSet {
    Unicode,
    Ascii,
    Nerd,
}

impl GlyphSet {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "unicode" => Some(Self::Unicode),
            "ascii" => Some(Self::Ascii),
            "nerd" => Some(Self::Nerd),
            _ => None,
        }
    }
}

impl Glyphs {
    pub fn of(set: GlyphSet) -> Self {
        match set {
            GlyphSet::Unicode => Self::unicode(),
            GlyphSet::Ascii => Self::ascii(),
            GlyphSet::Nerd => Self::nerd(),
        }
    }

    /// For fonts that are patched with symbols.
    pub fn nerd() -> Self {
        Self {
            idle: "\u{f10c}".into(),
            queued: "\u{f017}".into(),
            running: "\u{f04b}".into(),
            waiting: "\u{f128}".into(),
            done: "\u{f00c}".into(),
            failed: "\u{f00d}".into(),
            paused: "\u{f04c}".into(),
            ..Self::unicode()
        }
    }

    /// Characters whose width no terminal disagrees about, apart from the box lines that every
    /// terminal program uses.
    pub fn unicode() -> Self {
        Self {
            running: "▸".into(),
            done: "✓".into(),
            failed: "✗".into(),
            queued: "◦".into(),
            plain: ["┌", "┐", "└", "┘", "─", "│"],
            focus: ["╔", "╗", "╚", "╝", "═", "║"],
            braille: true,
            ..Self::ascii()
        }
    }

    /// For terminals and fonts that know no more.
    pub fn ascii() -> Self {
        Self {
            idle: "o".into(),
            queued: ".".into(),
            running: "*".into(),
            waiting: "~".into(),
            done: "+".into(),
            failed: "x".into(),
            paused: "=".into(),
            cursor: ">".into(),
            ellipsis: "..".into(),
            plain: ["+", "+", "+", "+", "-", "|"],
            focus: ["+", "+", "+", "+", "=", "|"],
            braille: false,
        }
    }

    /// The sign of a state.
    pub fn state(&self, role: Role) -> &str {
        match role {
            Role::StateQueued => &self.queued,
            Role::StateRunning => &self.running,
            Role::StateWaiting => &self.waiting,
            Role::StateDone => &self.done,
            Role::StateFailed => &self.failed,
            Role::StatePaused => &self.paused,
            _ => &self.idle,
        }
    }

    /// The glyph that a theme file calls `name`.
    pub(super) fn slot(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "state.idle" => &mut self.idle,
            "state.queued" => &mut self.queued,
            "state.running" => &mut self.running,
            "state.waiting" => &mut self.waiting,
            "state.done" => &mut self.done,
            "state.failed" => &mut self.failed,
            "state.paused" => &mut self.paused,
            "cursor" => &mut self.cursor,
            "ellipsis" => &mut self.ellipsis,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn no_sign_has_a_width_that_terminals_disagree_about() {
        for mut glyphs in [Glyphs::unicode(), Glyphs::ascii()] {
            for name in NAMES {
                let glyph = glyphs.slot(name).unwrap();
                assert_eq!(glyph.width(), glyph.width_cjk(), "{name} {glyph}");
                assert!(name == "ellipsis" || glyph.width() == 1, "{name} {glyph}");
            }
        }
    }
}
