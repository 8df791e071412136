//! What a style means. Themes name roles; drawing code names roles; colours stand only in themes.

/// A meaning that a theme gives a style to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Text,
    Muted,
    Strong,
    Title,
    Border,
    BorderFocus,
    Selection,
    SelectionBlur,
    Match,
    Header,
    Column,
    State,
    StateIdle,
    StateQueued,
    StateRunning,
    StateWaiting,
    StateDone,
    StateFailed,
    StatePaused,
    Level,
    LevelError,
    LevelWarn,
    LevelInfo,
    LevelDebug,
    Danger,
    Hint,
    HintKey,
    Flash,
    FlashError,
    Field,
    Gap,
    Ghost,
}

impl Role {
    /// True where a word, a sign or a place says the same as the style.
    pub fn carried(self) -> bool {
        !matches!(
            self,
            Self::Strong
                | Self::Title
                | Self::Selection
                | Self::SelectionBlur
                | Self::Match
                | Self::Danger
                | Self::HintKey
                | Self::Ghost
        )
    }

    /// Every role with its name in theme files.
    pub const ALL: [(Self, &'static str); 32] = [
        (Self::Text, "text"),
        (Self::Muted, "text.muted"),
        (Self::Strong, "text.strong"),
        (Self::Title, "title"),
        (Self::Border, "border"),
        (Self::BorderFocus, "border.focus"),
        (Self::Selection, "selection"),
        (Self::SelectionBlur, "selection.blur"),
        (Self::Match, "match"),
        (Self::Header, "header"),
        (Self::Column, "column"),
        (Self::State, "state"),
        (Self::StateIdle, "state.idle"),
        (Self::StateQueued, "state.queued"),
        (Self::StateRunning, "state.running"),
        (Self::StateWaiting, "state.waiting"),
        (Self::StateDone, "state.done"),
        (Self::StateFailed, "state.failed"),
        (Self::StatePaused, "state.paused"),
        (Self::Level, "level"),
        (Self::LevelError, "level.error"),
        (Self::LevelWarn, "level.warn"),
        (Self::LevelInfo, "level.info"),
        (Self::LevelDebug, "level.debug"),
        (Self::Danger, "danger"),
        (Self::Hint, "hint"),
        (Self::HintKey, "hint.key"),
        (Self::Flash, "flash"),
        (Self::FlashError, "flash.error"),
        (Self::Field, "field"),
        (Self::Gap, "gap"),
        (Self::Ghost, "ghost"),
    ];
}
