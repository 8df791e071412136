//! What a run and its scheduler agree about: the commands in a run keep to it before they speak, the
//! gateway before it takes.

use serde::{Deserialize, Serialize};

/// The longest return value, in bytes. A longer one is refused rather than cut: half a value is
/// worse than none.
pub const RETURN_MAX: usize = 256 * 1024;
/// The longest context of a call, in bytes. A longer one is refused.
pub const CONTEXT_MAX: usize = 256 * 1024;
/// The longest status text, in bytes. A longer one is cut.
pub const STATUS_MAX: usize = 4 * 1024;
/// The longest text that people may say to a run at once, in bytes. A longer one is refused.
pub const SAID_MAX: usize = 64 * 1024;
/// What `al-exit` means without a code: an error that a rerun will not mend.
pub const EXIT_DEFAULT: u8 = 15;

/// What an attempt has used of models so far. It is written after each turn to the file
/// [`SPENT_FILE`] among the signals, so that it is known whatever ends the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spent {
    /// Tokens read at full price.
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_write_tokens: u64,
    /// Millionths of a US dollar; none when the price of a model is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<u64>,
    /// Replies of models.
    pub turns: u32,
}

/// Name of the file with [`Spent`] in `$AL_SIGNAL_DIR`, as JSON.
pub const SPENT_FILE: &str = "spent";
