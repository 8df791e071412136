//! Signing in with what another client has in its file: `authType = "pi_auth"`.
//!
//! The file, `~/.pi/agent/auth.json`, has an object for each provider: `{"type": "api_key", "key":
//! ".."}`, or `{"type": "oauth", "access": "..", "refresh": "..", "expires": <ms since 1970>}`. It
//! is only read; that client renews its tokens itself.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Auth;

/// Why there is nothing to sign in with. Each is told with what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    Missing,
    Unreadable(io::ErrorKind),
    /// No JSON object.
    Malformed,
    /// Nothing in it for this provider.
    NoProvider,
    /// What is there for this provider has another form.
    UnknownForm,
    Expired,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such file; sign in with pi first"),
            Self::Unreadable(kind) => write!(f, "cannot be read: {kind}"),
            Self::Malformed => f.write_str("is no JSON object; sign in with pi again"),
            Self::NoProvider => f.write_str("has no sign-in for this provider; `/login` in pi"),
            Self::UnknownForm => f.write_str("keeps this sign-in in a form that is not known here"),
            Self::Expired => f.write_str("its token has expired; pi renews it when it is used"),
        }
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Entry {
    ApiKey { key: String },
    Oauth { access: String, expires: Option<f64> },
}

/// Where that client keeps the file, in the home of a person.
pub fn file(home: &Path) -> PathBuf {
    home.join(".pi/agent/auth.json")
}

/// What the file at `path` has to sign in to `provider` with, at the time `now_ms`.
///
/// # Errors
/// [`Problem`]; nothing of the file's content is in it.
#[expect(clippy::cast_precision_loss)]
pub fn auth(path: &Path, provider: &str, now_ms: i64) -> Result<Auth, Problem> {
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Problem::Missing,
        kind => Problem::Unreadable(kind),
    })?;
    let mut entries: Map<String, Value> =
        serde_json::from_str(&text).map_err(|_| Problem::Malformed)?;
    let entry = entries.remove(provider).ok_or(Problem::NoProvider)?;
    match serde_json::from_value(entry).map_err(|_| Problem::UnknownForm)? {
        Entry::ApiKey { key } => Ok(Auth::Key(key)),
        Entry::Oauth { expires: Some(at_ms), .. } if at_ms <= now_ms as f64 => {
            Err(Problem::Expired)
        }
        Entry::Oauth { access, .. } => Ok(Auth::Bearer(access)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_is_found_in_every_form_and_what_is_wrong_is_said() {
        let check = |content: &str, expected: Result<Auth, Problem>| {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), content).unwrap();
            assert_eq!(auth(file.path(), "anthropic", 1_000), expected, "{content}");
        };
        let with = |entry: &str| format!(r#"{{"openai": 1, "anthropic": {entry}}}"#);
        let token = |expires: &str| {
            with(&format!(r#"{{"type":"oauth","access":"t","refresh":"r"{expires}}}"#))
        };
        check(&with(r#"{"type":"api_key","key":"k"}"#), Ok(Auth::Key("k".to_owned())));
        check(&token(r#","expires":1001"#), Ok(Auth::Bearer("t".to_owned())));
        check(&token(""), Ok(Auth::Bearer("t".to_owned())));
        check(&token(r#","expires":1000"#), Err(Problem::Expired));
        check(&with(r#"{"type":"passkey"}"#), Err(Problem::UnknownForm));
        check(&with("\"k\""), Err(Problem::UnknownForm));
        check(r#"{"openai": {"type":"api_key","key":"k"}}"#, Err(Problem::NoProvider));
        check("[]", Err(Problem::Malformed));
        check("", Err(Problem::Malformed));
        let nowhere = auth(Path::new("/nowhere/auth.json"), "anthropic", 0);
        assert_eq!(nowhere, Err(Problem::Missing));
        let folder = auth(Path::new("/"), "anthropic", 0);
        assert!(matches!(folder, Err(Problem::Unreadable(_))), "{folder:?}");
    }
}
