//! Text of agents on an operator's terminal.

use std::fmt::Write as _;

/// Appends `text` so that it cannot drive a terminal. Escape sequences are dropped, except colours
/// and styles when `sgr` is set (then a reset follows); other control characters and the ones that
/// reorder text become visible, tabs become spaces.
pub fn safe(text: &str, sgr: bool, out: &mut String) {
    let mut rest = text.chars();
    let mut column = 0;
    let mut styled = false;
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => {
                let (after, style) = escape(rest.as_str());
                if let Some(style) = style.filter(|_| sgr) {
                    out.push_str("\u{1b}[");
                    out.push_str(style);
                    styled = true;
                }
                rest = after.chars();
                continue;
            }
            '\u{9b}' => rest = control(rest.as_str()).0.chars(),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => rest = string(rest.as_str()).chars(),
            '\t' => {
                let width = 8 - column % 8;
                out.extend(std::iter::repeat_n(' ', width));
                column += width;
                continue;
            }
            '\0'..='\u{1f}' => {
                out.push('^');
                out.push(char::from(c as u8 + 0x40));
            }
            '\u{7f}' => out.push_str("^?"),
            c if c.is_control() || al_wire::reorders(c) => {
                let _ = write!(out, "<U+{:04X}>", u32::from(c)); // memory takes it
            }
            c => out.push(c),
        }
        column += 1;
    }
    if styled {
        out.push_str("\u{1b}[0m");
    }
}

/// What follows an ESC: the text after the sequence, and the sequence when it is a style (`31m`).
fn escape(text: &str) -> (&str, Option<&str>) {
    let mut chars = text.chars();
    match chars.next() {
        Some('[') => control(chars.as_str()),
        Some(']' | 'P' | 'X' | '^' | '_') => (string(chars.as_str()), None),
        // Two characters with others in between: "ESC ( B".
        Some(' '..='/') => (
            chars.as_str().trim_start_matches(|c| matches!(c, ' '..='/')).get(1..).unwrap_or(""),
            None,
        ),
        Some('0'..='~') => (chars.as_str(), None),
        _ => (text, None),
    }
}

/// A control sequence after its introducer, as far as its final character.
fn control(text: &str) -> (&str, Option<&str>) {
    let end = text.find(|c| !matches!(c, ' '..='?')).unwrap_or(text.len());
    let Some(last) = text[end..].chars().next() else { return ("", None) };
    if !matches!(last, '@'..='~') {
        return (&text[end..], None); // broken off
    }
    let plain = text[..end].bytes().all(|b| matches!(b, b'0'..=b'9' | b';' | b':'));
    (&text[end + 1..], (last == 'm' && plain).then(|| &text[..=end]))
}

/// A string (title, link, device data) as far as its terminator, or all of the line.
fn string(text: &str) -> &str {
    let Some(end) = text.find(['\u{7}', '\u{1b}', '\u{9c}']) else { return "" };
    let after = &text[end..];
    after
        .strip_prefix("\u{1b}\\")
        .or_else(|| after.strip_prefix(['\u{7}', '\u{9c}']))
        .unwrap_or(after)
}
