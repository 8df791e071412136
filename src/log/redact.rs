//! Keeping secrets out of what is written.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::Record;
use super::tokens::{HINTS, TOKENS};

/// What stands where a secret stood.
pub const REDACTED: &str = "[redacted]";

/// Shorter values are too likely to be ordinary words.
const MIN_SECRET: usize = 6;
/// Lines of a value of several lines (a key file) are secrets of their own from this length on.
const MIN_SECRET_LINE: usize = 16;

/// Replaces secrets in records and texts: the exact values it was given, also as base64, URL
/// encoded and JSON escaped, and everything that looks like a well-known kind of token.
///
/// It looks at one record at a time. A value that a run prints in two pieces, on two lines, is not
/// recognised (but each line of a value that itself has several lines is).
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Option<Arc<AhoCorasick>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor") // never its contents
    }
}

impl Redactor {
    /// A redactor for these values and for well-known kinds of tokens.
    pub fn new<I, S>(secrets: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let mut forms = BTreeSet::new();
        for secret in secrets {
            let secret = secret.as_ref().trim();
            add_forms(secret, &mut forms);
            if secret.contains('\n') {
                let lines = secret.lines().map(str::trim);
                lines
                    .filter(|l| l.len() >= MIN_SECRET_LINE && !l.contains(char::is_whitespace))
                    .for_each(|l| add_forms(l, &mut forms));
            }
        }
        if forms.is_empty() {
            return Self::default();
        }
        let build = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(forms);
        Self { secrets: build.ok().map(Arc::new) }
    }

    /// `text` without secrets.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let exact = match &self.secrets {
            Some(secrets) if secrets.is_match(text) => {
                let mut clean = String::with_capacity(text.len());
                secrets.replace_all_with(text, &mut clean, |_, _, clean| {
                    clean.push_str(REDACTED);
                    true
                });
                Cow::Owned(clean)
            }
            _ => Cow::Borrowed(text),
        };
        if !HINTS.is_match(exact.as_ref()) {
            return exact;
        }
        match TOKENS.replace_all(&exact, format!("${{keep}}{REDACTED}")) {
            Cow::Borrowed(_) => exact,
            Cow::Owned(clean) => Cow::Owned(clean),
        }
    }

    /// `record` without secrets in its message and, however deep, in its fields.
    pub fn record(&self, record: &mut Record) {
        replace(&mut record.msg, |t| self.text(t));
        self.map(&mut record.fields);
    }

    /// Appends the clean line of `record`. A record without a trace of a secret, which is nearly
    /// every one, costs one pass over its line and no allocation.
    pub(super) fn append_line(&self, record: &Record, line: &mut Vec<u8>) {
        let start = line.len();
        record.append_to(line);
        let written = &line[start..];
        let suspicious =
            HINTS.is_match(written) || self.secrets.as_ref().is_some_and(|s| s.is_match(written));
        if suspicious {
            let mut clean = record.clone();
            self.record(&mut clean);
            line.truncate(start);
            clean.append_to(line);
        }
    }

    fn map(&self, map: &mut Map<String, Value>) {
        if map.keys().any(|k| matches!(self.text(k), Cow::Owned(_))) {
            let old = std::mem::take(map);
            map.extend(old.into_iter().map(|(k, v)| (self.text(&k).into_owned(), v)));
        }
        map.values_mut().for_each(|v| self.value(v));
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(s) => replace(s, |t| self.text(t)),
            Value::Array(items) => items.iter_mut().for_each(|v| self.value(v)),
            Value::Object(map) => self.map(map),
            // A secret of digits, printed as a number.
            Value::Number(n) => {
                let digits = n.to_string();
                if self.secrets.as_ref().is_some_and(|s| s.is_match(&digits)) {
                    *value = REDACTED.into();
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

fn replace(text: &mut String, clean: impl Fn(&str) -> Cow<'_, str>) {
    if let Cow::Owned(clean) = clean(text) {
        *text = clean;
    }
}

/// Every way in which `secret` may be written.
fn add_forms(secret: &str, forms: &mut BTreeSet<String>) {
    if secret.len() < MIN_SECRET {
        return;
    }
    forms.insert(secret.to_owned());
    // In JSON, and in JSON that is a text inside JSON.
    let escaped = json_escaped(secret);
    forms.insert(escaped.replace('/', "\\/"));
    forms.insert(json_escaped(&escaped));
    forms.insert(escaped);
    forms.insert(url_encoded(secret, false));
    forms.insert(url_encoded(secret, true));
    forms.insert(hex::encode(secret));
    // In base64 a value looks different at each of three places in what was encoded with it
    // ("user:password"); the outermost characters also hold bits of the neighbours.
    for place in 0..3 {
        let mut bytes = vec![0; place];
        bytes.extend_from_slice(secret.as_bytes());
        let own = [0, 2, 3][place]..bytes.len() * 8 / 6;
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&bytes);
            forms.extend(
                encoded.get(own.clone()).filter(|f| f.len() >= MIN_SECRET).map(str::to_owned),
            );
        }
    }
}

fn json_escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn url_encoded(secret: &str, lower: bool) -> String {
    let mut out = String::with_capacity(secret.len());
    for byte in secret.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(byte.into());
            }
            _ if lower => out.push_str(&format!("%{byte:02x}")),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
