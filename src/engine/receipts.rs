//! Receipts for those who look at them: pages, one with all that is known of it, and what was
//! delivered.

use al_wire::{DeliveryRow, RunRow, TriggerRow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::{Map, Value};

use super::present::{self, Repeats};
use crate::scheduler::{Envelope, Receipt, ReceiptState};
use crate::store::{Found, Reader, StoreError, TriggersQuery};

/// The word under which deliveries are found that came more than once.
const DUPLICATE: &str = "duplicate";
/// The longest body that a console is told, in bytes.
const SHOWN_MAX: usize = 32 * 1024;

/// Some receipts as rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReceiptsPage {
    pub triggers: Vec<TriggerRow>,
    /// Where the next page begins; none when there is none. A page may have fewer rows than were
    /// wanted, and still be followed by another.
    pub next: Option<String>,
}

/// A receipt and all that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub receipt: Receipt,
    pub row: TriggerRow,
    /// Its runs that the history still has.
    pub runs: Vec<RunRow>,
    /// What was delivered; none where nothing was, or nothing was kept.
    pub delivery: Option<Delivered>,
}

/// What is kept of a delivery.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivered {
    /// The provider or source that the URL named; none when an older `al` kept it.
    pub sent_to: Option<String>,
    /// Instances whose secret signed it.
    pub signed_by: Vec<String>,
    pub headers: Map<String, Value>,
    /// The whole body's length, when only its beginning was kept.
    pub cut_from_bytes: Option<u32>,
    /// What was kept of the body, in bytes.
    pub kept_bytes: usize,
    #[serde(flatten)]
    pub body: Body,
}

/// A body as JSON can hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Body {
    #[serde(rename = "body")]
    Text(String),
    /// It is no text.
    #[serde(rename = "bodyBase64")]
    Base64(String),
}

impl Body {
    /// A body that was cut may end within a character, which is left out then.
    fn of(bytes: Vec<u8>, cut: bool) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => {
                let (valid, why) = (error.utf8_error().valid_up_to(), error.utf8_error());
                let mut bytes = error.into_bytes();
                if cut && why.error_len().is_none() {
                    bytes.truncate(valid);
                    return Self::Text(String::from_utf8_lossy(&bytes).into_owned());
                }
                Self::Base64(BASE64.encode(bytes))
            }
        }
    }
}

/// A page of receipts, newest first. What it costs does not depend on how long the history is.
///
/// # Errors
/// When the history cannot be read.
pub fn receipts(reader: &Reader, query: &TriggersQuery) -> Result<ReceiptsPage, StoreError> {
    let page = reader.receipts(query)?;
    Ok(ReceiptsPage { triggers: rows(&page.rows), next: page.next.map(|place| place.to_string()) })
}

/// The rows of these receipts.
pub fn rows(found: &[Found]) -> Vec<TriggerRow> {
    found.iter().map(|found| present::trigger_row(&found.receipt, found.state)).collect()
}

/// All that is known of a receipt; none when there is none of that id. `repeats` says how often
/// runs of an agent are repeated.
///
/// # Errors
/// When the history cannot be read, or what was delivered is damaged.
pub fn receipt(
    reader: &Reader,
    id: &str,
    repeats: impl Fn(&str) -> Repeats,
) -> Result<Option<Told>, StoreError> {
    let Some(Found { receipt, state }) = reader.found(id)? else { return Ok(None) };
    let mut runs = Vec::new();
    for id in &receipt.runs {
        let run = reader.run(id)?;
        runs.extend(run.map(|run| present::run_row(&run, repeats(&run.agent))));
    }
    let delivery = reader.envelope(id)?.map(delivered);
    let row = present::trigger_row(&receipt, state);
    Ok(Some(Told { receipt, row, runs, delivery }))
}

fn delivered(kept: Envelope) -> Delivered {
    Delivered {
        sent_to: Some(kept.segment).filter(|segment| !segment.is_empty()),
        signed_by: kept.signed_by,
        headers: serde_json::from_str(&kept.headers).unwrap_or_default(),
        cut_from_bytes: kept.cut_from_bytes,
        kept_bytes: kept.body.len(),
        body: Body::of(kept.body, kept.cut_from_bytes.is_some()),
    }
}

impl Delivered {
    /// The body for people: JSON is indented.
    pub fn readable(&self) -> String {
        let (Body::Text(text) | Body::Base64(text)) = &self.body;
        let value = serde_json::from_str::<Value>(text);
        value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or(text.clone())
    }

    /// What is missing or was changed about the body.
    pub fn remark(&self) -> Option<String> {
        match (self.cut_from_bytes, &self.body) {
            (Some(whole), _) => Some(format!("the first {} of {whole} bytes", self.kept_bytes)),
            (None, Body::Base64(_)) => Some("no text, shown in base64".to_owned()),
            (None, Body::Text(_)) => None,
        }
    }
}

/// What was delivered, for a console: as much of it as anybody reads there.
pub fn delivery_row(kept: Envelope) -> DeliveryRow {
    let delivered = delivered(kept);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let headers = delivered.headers.iter().map(|(name, value)| (name.clone(), text(value)));
    let (mut body, mut remark) = (delivered.readable(), delivered.remark());
    if body.len() > SHOWN_MAX {
        body.truncate(body.floor_char_boundary(SHOWN_MAX));
        remark.get_or_insert_with(|| "its beginning; `al triggers show --body` has it all".into());
    }
    DeliveryRow { headers: headers.collect(), body, remark }
}

/// Looks for one outcome, by its word: `started`, `no-match`, `duplicate`. False for a word that
/// means none.
pub fn by_outcome(query: &mut TriggersQuery, word: &str) -> bool {
    let word = word.replace(['-', ' '], "_");
    query.repeated = word == DUPLICATE;
    query.state = ReceiptState::from_name(&word);
    query.repeated || query.state.is_some()
}

/// The words that [`by_outcome`] knows, for a message.
pub fn outcome_words() -> String {
    let words = ReceiptState::ALL.map(|state| state.name().replace('_', "-"));
    format!("{}, {DUPLICATE}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_text_where_it_can_be() {
        let text = |text: &str| Body::Text(text.to_owned());
        assert_eq!(Body::of(b"{}".to_vec(), false), text("{}"));
        assert_eq!(Body::of("a\u{e9}".as_bytes()[..2].to_vec(), true), text("a"));
        assert_eq!(Body::of(b"a\xffb".to_vec(), true), Body::Base64("Yf9i".to_owned()));
        assert_eq!(Body::of(b"a\xff".to_vec(), false), Body::Base64("Yf8=".to_owned()));
    }

    #[test]
    fn outcomes_are_looked_for_by_their_words() {
        let check = |word: &str, state: Option<ReceiptState>, repeated: bool| {
            let mut query = TriggersQuery::default();
            assert_eq!(by_outcome(&mut query, word), state.is_some() || repeated, "{word}");
            assert_eq!((query.state, query.repeated), (state, repeated), "{word}");
        };
        check("no-match", Some(ReceiptState::NoMatch), false);
        check("no_match", Some(ReceiptState::NoMatch), false);
        check("started", Some(ReceiptState::Started), false);
        check("duplicate", None, true);
        check("done", None, false);
    }
}
