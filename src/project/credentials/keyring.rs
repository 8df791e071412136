//! Credentials in the keyring of the system.
//!
//! A credential is one entry, its secret an object of JSON with all fields, so that a new one is there
//! whole or not at all. There is one keyring, whatever `AL_HOME` says.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{CredentialError, MAX_BYTES, Reference, Secret, Source, check_part, tidy};
use crate::keyring::{Entry, Keyring, Trouble};

/// What messages and `order` call it.
pub const NAME: &str = "keyring";

/// That it cannot be used, as an error of a credential.
pub fn failed(trouble: Trouble) -> CredentialError {
    CredentialError::Source { name: NAME.to_owned(), message: trouble.to_string() }
}

/// The same of something that was to change: what does not answer in time may still do it.
fn undone(trouble: Trouble) -> CredentialError {
    let unsure = trouble.is_unsure();
    match failed(trouble) {
        CredentialError::Source { name, message } if unsure => {
            CredentialError::Unsure { name, message }
        }
        error => error,
    }
}

/// Writes all fields at once, in the place of what is there.
///
/// # Errors
/// When it cannot be written; then everything is as it was, unless it is [`CredentialError::Unsure`].
pub fn put(
    keyring: Keyring,
    reference: &Reference,
    fields: &BTreeMap<String, Secret>,
) -> Result<(), CredentialError> {
    let field = |(name, value): (&String, &Secret)| {
        (name.clone(), Value::String(value.reveal().to_owned()))
    };
    let secret = Value::Object(fields.iter().map(field).collect::<Map<_, _>>()).to_string();
    keyring.put(entry(reference), secret).map_err(undone)
}

/// Takes a credential away; false when there is none.
///
/// # Errors
/// When it cannot be removed, or that is [`CredentialError::Unsure`].
pub fn remove(keyring: Keyring, reference: &Reference) -> Result<bool, CredentialError> {
    keyring.remove(entry(reference)).map_err(undone)
}

fn entry(reference: &Reference) -> Entry {
    Entry { kind: reference.kind.clone(), instance: reference.instance.clone() }
}

/// The fields in the secret of an entry; none when it is none of ours, or too large.
fn parse(secret: &str) -> Option<BTreeMap<String, Secret>> {
    let fields: BTreeMap<String, String> = serde_json::from_str(secret).ok()?;
    let sound = |(name, value): (&String, &String)| {
        check_part(name).is_ok() && value.len() as u64 <= MAX_BYTES
    };
    let all = fields.iter().all(sound);
    all.then(|| fields.iter().map(|(name, value)| (name.clone(), tidy(value))).collect())
}

impl Source for Keyring {
    fn name(&self) -> &str {
        NAME
    }

    fn has(&self, reference: &Reference, _known: &[&str]) -> Result<bool, CredentialError> {
        Self::has(*self, entry(reference)).map_err(failed)
    }

    fn field(&self, reference: &Reference, name: &str) -> Result<Option<Secret>, CredentialError> {
        Ok(self.found_field(reference, name)?.flatten())
    }

    fn fields(
        &self,
        reference: &Reference,
        known: &[&str],
    ) -> Result<BTreeMap<String, Secret>, CredentialError> {
        Ok(self.found(reference, known)?.unwrap_or_default())
    }

    fn found(
        &self,
        reference: &Reference,
        _known: &[&str],
    ) -> Result<Option<BTreeMap<String, Secret>>, CredentialError> {
        let Some(secret) = self.get(entry(reference)).map_err(failed)? else { return Ok(None) };
        parse(&secret).map(Some).ok_or_else(|| CredentialError::Source {
            name: NAME.to_owned(),
            message: format!(
                "what it has for {reference} is not the fields of a credential as JSON: al creds \
                 rm {reference}, then al creds add {reference}"
            ),
        })
    }

    fn found_field(
        &self,
        reference: &Reference,
        name: &str,
    ) -> Result<Option<Option<Secret>>, CredentialError> {
        Ok(self.found(reference, &[])?.map(|mut fields| fields.remove(name)))
    }

    fn list(&self, kind: Option<&str>) -> Result<Vec<Reference>, CredentialError> {
        let all = Self::list(*self, kind.map(str::to_owned)).map_err(failed)?;
        // What could lead out of a store is none of ours.
        let sound = |of: &Entry| check_part(&of.kind).is_ok() && check_part(&of.instance).is_ok();
        let sound = all.into_iter().filter(sound);
        Ok(sound.map(|of| Reference { kind: of.kind, instance: of.instance }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_is_late_may_still_come() {
        let late = Trouble::Late(std::time::Duration::from_secs(1));
        assert!(matches!(undone(late.clone()), CredentialError::Unsure { .. }));
        assert!(undone(late.clone()).is_of_keyring());
        assert!(matches!(failed(late), CredentialError::Source { .. }));
        assert!(matches!(undone(Trouble::Locked), CredentialError::Source { .. }));
    }

    #[test]
    fn an_entry_is_an_object_of_texts_with_names_of_fields() {
        let check = |secret: &str, expected: Option<&[(&str, &str)]>| {
            let fields = parse(secret);
            let fields: Option<Vec<(&str, &str)>> = fields
                .as_ref()
                .map(|all| all.iter().map(|(name, value)| (&**name, value.reveal())).collect());
            assert_eq!(fields.as_deref(), expected, "{secret:.60}");
        };
        check(r#"{"token":" ghp_1\r\n"}"#, Some(&[("token", "ghp_1")]));
        let two = [("id_rsa", "a\nb"), ("username", "käse")];
        check(r#"{"id_rsa":"a\nb","username":"käse"}"#, Some(&two));
        check("{}", Some(&[]));
        check("ghp_1", None);
        check(r#""ghp_1""#, None);
        check(r#"{"port":1}"#, None);
        check(r#"{"../x":"1"}"#, None);
        check(&format!(r#"{{"token":"{}"}}"#, "x".repeat(64 * 1024 + 1)), None);
    }
}
