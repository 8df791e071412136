//! What a text may do to whoever reads it.

use std::str::Chars;

/// Whether a character changes the order of what stands beside it, so that text reads as something
/// else than it is: the bidirectional marks, embeddings, overrides and isolates of Unicode (its
/// property `Bidi_Control`).
pub const fn reorders(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// A text on one line that cannot drive a terminal: escape sequences dropped, tabs expanded, control
/// characters shown as `^X`.
pub fn line(raw: &str) -> String {
    const TAB: usize = 4;
    let mut out = String::with_capacity(raw.len());
    let mut column = 0;
    let mut put = |c: char| {
        out.push(c);
        column += 1;
        column
    };
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => drop(escape(&mut chars)),
            // The one-character form of ESC [.
            '\u{9b}' => drop(csi(&mut chars)),
            '\t' => while put(' ') % TAB != 0 {},
            '\n' => {
                put(' ');
            }
            // A carriage return before a newline is a line end, not content.
            '\r' if chars.as_str().starts_with('\n') || chars.as_str().is_empty() => {}
            c if c.is_ascii_control() => {
                put('^');
                put(char::from((c as u8) ^ 0x40));
            }
            c if c.is_control() || reorders(c) => {
                format!("<{:04X}>", c as u32).chars().for_each(|c| {
                    put(c);
                });
            }
            c => {
                put(c);
            }
        }
    }
    out
}

/// Swallows an escape sequence after ESC; the parameters when it was SGR.
pub fn escape(chars: &mut Chars<'_>) -> Option<String> {
    match chars.clone().next()? {
        '[' => {
            chars.next();
            csi(chars)
        }
        // Strings: title, clipboard, device control; up to BEL or ESC \.
        ']' | 'P' | 'X' | '^' | '_' => {
            while let Some(c) = chars.next() {
                if c == '\u{7}' || c == '\u{9c}' {
                    break;
                }
                if c == '\u{1b}' && chars.as_str().starts_with('\\') {
                    chars.next();
                    break;
                }
            }
            None
        }
        // Two or more characters: intermediates, then a final one.
        _ => {
            while let Some(c) = chars.clone().next().filter(|c| (' '..='~').contains(c)) {
                chars.next();
                if c >= '0' {
                    break;
                }
            }
            None
        }
    }
}

/// Swallows a sequence after its introducer (ESC `[`); the parameters when it was SGR.
pub fn csi(chars: &mut Chars<'_>) -> Option<String> {
    let mut parameters = String::new();
    // Anything that cannot be part of a sequence ends it and is shown.
    while let Some(c) = chars.clone().next().filter(|c| (' '..='~').contains(c)) {
        chars.next();
        match c {
            'm' => return Some(parameters),
            '@'..='~' => return None,
            c => parameters.push(c),
        }
    }
    None
}
