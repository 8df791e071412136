//! What a text may do to whoever reads it.

/// Whether a character changes the order of what stands beside it, so that text reads as something
/// else than it is: the bidirectional marks, embeddings, overrides and isolates of Unicode (its
/// property `Bidi_Control`).
pub const fn reorders(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}
