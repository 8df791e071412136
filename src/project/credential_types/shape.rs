//! What a value must look like to be what it is said to be. Nothing here repeats a value.

use serde_json::Value;

/// The look of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Any text.
    Text,
    /// One line.
    Line,
    /// One word.
    Token,
    /// A word that begins with one of these.
    Prefix(&'static [&'static str]),
    /// A line of at least so many characters.
    Least(usize),
    /// `http://` or `https://`.
    Url,
    /// A private key as PEM or in the form of OpenSSH.
    PrivateKey,
    /// The JSON document of a service account of Google.
    ServiceAccount,
}

impl Shape {
    /// Why a value is not of this shape.
    ///
    /// # Errors
    /// The reason, in words that follow the name of the field.
    pub fn check(self, value: &str) -> Result<(), String> {
        let no = |why: &str| Err(why.to_owned());
        if value.trim().is_empty() {
            return no("is empty");
        }
        if value.contains('\0') {
            return no("holds a NUL, which no variable can");
        }
        match self {
            Self::PrivateKey if !value.contains("PRIVATE KEY-----") => {
                no("is no private key: such a file begins with -----BEGIN ... PRIVATE KEY-----")
            }
            Self::PrivateKey | Self::Text => Ok(()),
            Self::ServiceAccount => service_account(value),
            _ if value.chars().any(char::is_control) => no("has more than one line"),
            Self::Line => Ok(()),
            Self::Least(least) if value.chars().count() < least => {
                Err(format!("is too short: it has at least {least} characters"))
            }
            Self::Least(_) => Ok(()),
            _ if value.contains(char::is_whitespace) => no("has a blank inside"),
            Self::Prefix(prefixes) if !prefixes.iter().any(|p| value.starts_with(p)) => {
                Err(format!("does not begin with {}", prefixes.join(" or ")))
            }
            Self::Url if !["http://", "https://"].iter().any(|p| value.starts_with(p)) => {
                no("does not begin with https:// or http://")
            }
            Self::Token | Self::Prefix(_) | Self::Url => Ok(()),
        }
    }
}

fn service_account(value: &str) -> Result<(), String> {
    let Ok(Value::Object(document)) = serde_json::from_str(value) else {
        return Err("is no JSON object".to_owned());
    };
    let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("type") != "service_account" {
        return Err("is no service account: its `type` says something else".to_owned());
    }
    let missing = ["private_key", "client_email", "project_id"].into_iter();
    let missing: Vec<&str> = missing.filter(|name| text(name).is_empty()).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("lacks {}", missing.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_cannot_be_it_is_refused_with_the_reason_and_never_repeated() {
        let check = |shape: Shape, value: &str, expected: &str| {
            let said = shape.check(value).err().unwrap_or_default();
            assert_eq!(said, expected, "{value:?}");
        };
        check(Shape::Token, "ghp_1", "");
        check(Shape::Token, " ", "is empty");
        check(Shape::Token, "a\0b", "holds a NUL, which no variable can");
        check(Shape::Token, "two words", "has a blank inside");
        check(Shape::Token, "two\nlines", "has more than one line");
        check(Shape::Line, "two words", "");
        check(Shape::Prefix(&["sk-"]), "sk-1", "");
        check(Shape::Prefix(&["xoxb-", "xoxe."]), "s3cret", "does not begin with xoxb- or xoxe.");
        check(Shape::Least(8), "short", "is too short: it has at least 8 characters");
        check(Shape::Url, "git.example.com", "does not begin with https:// or http://");
        let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----";
        check(Shape::PrivateKey, key, "");
        check(
            Shape::PrivateKey,
            "ssh-ed25519 AAAA",
            "is no private key: such a file begins with -----BEGIN ... PRIVATE KEY-----",
        );
        check(Shape::ServiceAccount, "{", "is no JSON object");
        check(
            Shape::ServiceAccount,
            r#"{"type": "authorized_user"}"#,
            "is no service account: its `type` says something else",
        );
        check(
            Shape::ServiceAccount,
            r#"{"type": "service_account", "project_id": "p"}"#,
            "lacks private_key, client_email",
        );
    }
}
