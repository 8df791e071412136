//! One key press, as terminals report it and as people write it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::fmt;

/// A key with the modifiers that distinguish it. Shift is part of the character: `X`, not `S-x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    pub code: KeyCode,
    pub ctrl: bool,
    pub alt: bool,
}

impl Chord {
    /// Terminals differ in whether they set the shift flag beside an upper-case character, and
    /// some report Shift-Tab as Tab with shift.
    pub fn of(event: &KeyEvent) -> Self {
        let shift = event.modifiers.contains(KeyModifiers::SHIFT);
        let code = match event.code {
            KeyCode::Tab if shift => KeyCode::BackTab,
            KeyCode::Char(c) if shift && c.is_ascii_lowercase() => {
                KeyCode::Char(c.to_ascii_uppercase())
            }
            code => code,
        };
        Self {
            code,
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
            alt: event.modifiers.contains(KeyModifiers::ALT),
        }
    }

    /// Reads `j`, `X`, `Ctrl-d`, `Alt-b`, `PgDn`, `F9`. None for what is no key.
    pub fn parse(text: &str) -> Option<Self> {
        let after = |text: &'_ str, prefix: &str| {
            let (head, rest) = text.split_at_checked(prefix.len())?;
            (head.eq_ignore_ascii_case(prefix) && !rest.is_empty()).then(|| rest.to_owned())
        };
        let (ctrl, name) =
            after(text, "Ctrl-").map_or((false, text.to_owned()), |rest| (true, rest));
        let (alt, name) = after(&name, "Alt-").map_or((false, name.clone()), |rest| (true, rest));
        let named = NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
        let function =
            || name.strip_prefix(['F', 'f'])?.parse().ok().filter(|n| (1..=12).contains(n));
        let mut chars = name.chars();
        let code = match (named, chars.next(), chars.next()) {
            (Some((_, code)), ..) => *code,
            (None, Some(c), None) if !c.is_control() => KeyCode::Char(c),
            _ => KeyCode::F(function()?),
        };
        Some(Self { code, ctrl, alt })
    }

    /// Reads keys one after the other, `g g`, also without the blank: `gg`.
    pub fn parse_all(text: &str) -> Option<Vec<Self>> {
        let words: Option<Vec<Self>> = text.split(' ').map(Self::parse).collect();
        let letters = || {
            let two = text.chars().count() == 2 && !text.contains(' ');
            two.then(|| text.chars().map(|c| Self::parse(c.encode_utf8(&mut [0; 4]))).collect())?
        };
        words.or_else(letters)
    }

    /// The keys that have names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|(name, _)| *name)
    }
}

const NAMED: [(&str, KeyCode); 16] = [
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("S-Tab", KeyCode::BackTab),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("Space", KeyCode::Char(' ')),
    ("Backspace", KeyCode::Backspace),
    ("Delete", KeyCode::Delete),
    ("Insert", KeyCode::Insert),
];

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        if self.alt {
            f.write_str("Alt-")?;
        }
        match (NAMED.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, KeyCode::F(n)) => write!(f, "F{n}"),
            (None, other) => write!(f, "{other:?}"),
        }
    }
}
