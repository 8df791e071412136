//! Why a delivery was not taken.

use std::fmt;

/// Each has the HTTP status and the error text that existing senders know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No source of that name or type is configured.
    UnknownSource { segment: String },
    /// The signature is missing or wrong, or there is no secret to check it with.
    Signature,
    /// A form without a field `payload`.
    MissingPayload,
    /// The body, or the form's payload, is not JSON.
    InvalidJson,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::UnknownSource { .. } => 404,
            Self::Signature => 401,
            Self::MissingPayload | Self::InvalidJson => 400,
        }
    }

    /// A word for receipts and counters.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::UnknownSource { .. } => "unknown_source",
            Self::Signature | Self::MissingPayload => "validation_failed",
            Self::InvalidJson => "parse_error",
        }
    }
}

/// The text of the field `error` in the response.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownSource { segment } => write!(f, "unknown webhook source: {segment}"),
            Self::Signature => f.write_str("signature validation failed"),
            Self::MissingPayload => f.write_str("missing payload in form body"),
            Self::InvalidJson => f.write_str("invalid JSON body"),
        }
    }
}

impl std::error::Error for Refusal {}
