//! A stored delivery once more, because a person wants it: judged by the bindings of today. Its
//! signature was proven when it came and is not kept, so it is not asked for again.

use std::fmt;

use serde_json::{Map, Value};

use super::sources::LiveSources;
use super::webhook;
use crate::ambient;
use crate::engine::Handle;
use crate::scheduler::{Firing, Replay, Who};
use crate::triggers::{self, Headers, Received, Refusal};

/// Why a delivery cannot be taken again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoReplay {
    NoReceipt,
    /// It was no webhook, or its delivery was not kept.
    NoPayload,
    /// Only the beginning of its body was kept.
    Cut {
        from_bytes: u32,
    },
    /// Where it was sent to was not noted: an older `al` kept it, or nobody sent it.
    Unaddressed,
    /// Nobody would take it today.
    Refused(Refusal),
    /// The history cannot be read; why is in the scheduler's log.
    NotRead,
}

impl fmt::Display for NoReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NO_PAYLOAD: &str = "receipt has no stored payload";
        match self {
            Self::NoReceipt => f.write_str("receipt not found"),
            Self::NoPayload => f.write_str(NO_PAYLOAD),
            Self::Cut { from_bytes } => {
                write!(f, "{NO_PAYLOAD}: of its {from_bytes} bytes only the beginning was kept")
            }
            Self::Unaddressed => {
                write!(f, "{NO_PAYLOAD}: it is not known where it was sent to")
            }
            Self::Refused(refusal) => refusal.fmt(f),
            Self::NotRead => f.write_str("the history cannot be read"),
        }
    }
}

impl std::error::Error for NoReplay {}

/// The firing that this receipt's delivery amounts to today. Reads the history: for a thread that
/// may wait for the disk.
///
/// # Errors
/// When there is no such receipt, its delivery was not kept as a whole, or nobody takes it.
pub fn replay(
    engine: &Handle,
    sources: &LiveSources,
    receipt: &str,
    by: &Who,
) -> Result<Firing, NoReplay> {
    let not_read = |error: &dyn fmt::Display| {
        tracing::error!(target: "gateway", error = %error, "history not read");
        NoReplay::NotRead
    };
    let reader = engine.reader();
    reader.receipt(receipt).map_err(|e| not_read(&e))?.ok_or(NoReplay::NoReceipt)?;
    let kept = reader.envelope(receipt).map_err(|e| not_read(&e))?.ok_or(NoReplay::NoPayload)?;
    if let Some(from_bytes) = kept.cut_from_bytes {
        return Err(NoReplay::Cut { from_bytes });
    }
    if kept.segment.is_empty() {
        return Err(NoReplay::Unaddressed);
    }
    let stored: Map<String, Value> = serde_json::from_str(&kept.headers).unwrap_or_default();
    let headers: Headers<'_> = stored
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?.as_bytes())))
        .collect();
    let (sources, now_ms) = (sources.get(), ambient::now_ms());
    let (segment, signed_by) = (&kept.segment, &kept.signed_by);
    let received = triggers::again(&sources, segment, signed_by, &headers, &kept.body, now_ms);
    let Received::Delivery(mut delivery) = received.map_err(NoReplay::Refused)? else {
        // Handshakes leave no receipts; today it would be one.
        return Err(NoReplay::NoPayload);
    };
    delivery.summary.insert_str(0, "replay: ");
    let envelope = webhook::envelope(&mut delivery, &kept.segment, kept.body);
    let replay = Replay { of: receipt.to_owned(), by: by.clone() };
    let firing = webhook::fired(*delivery, envelope);
    Ok(Firing { dedupe: None, replay: Some(replay), ..firing })
}
