//! What a run and its scheduler agree about: the commands in a run keep to it before they speak, the
//! gateway before it takes.

/// The longest return value, in bytes. A longer one is refused rather than cut: half a value is
/// worse than none.
pub const RETURN_MAX: usize = 256 * 1024;
/// The longest context of a call, in bytes. A longer one is refused.
pub const CONTEXT_MAX: usize = 256 * 1024;
/// The longest status text, in bytes. A longer one is cut.
pub const STATUS_MAX: usize = 4 * 1024;
/// What `al-exit` means without a code: an error that a rerun will not mend.
pub const EXIT_DEFAULT: u8 = 15;
