//! Texts cut into what a stream says at once.

use serde_json::Value;

/// Deltas of one text at most: huge ones come in larger pieces.
const MOST: usize = 64;
/// The shortest delta, in bytes.
const LEAST: usize = 12;

/// The pieces of a text, cut between characters.
pub fn deltas(text: &str) -> Vec<&str> {
    let size = LEAST.max(text.len() / MOST);
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = size.min(rest.len());
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        let (delta, after) = rest.split_at(end);
        found.push(delta);
        rest = after;
    }
    found
}

/// An event with a name.
pub fn named(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// An event without one.
pub fn unnamed(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// Seconds since 1970 of everything that is said here: the fake has no clock.
pub const CREATED: u64 = 1_760_000_000;

#[test]
fn deltas_are_the_text_and_never_cut_a_character() {
    for text in ["", "short", "ä".repeat(100).as_str(), "x".repeat(1_000_000).as_str()] {
        let found = deltas(text);
        assert_eq!(found.concat(), text);
        assert!(found.len() <= MOST + 1, "{}", found.len());
    }
}
