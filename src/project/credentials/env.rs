//! Credentials in the environment of this process: `AL_SECRET_<type>__<instance>__<field>`.
//!
//! What stands in a name and is no letter, digit or underscore is written as `_x` and two digits:
//! `AL_SECRET_git_ssh__my_x2Dbot__id_rsa`. No run inherits these variables.

use std::collections::BTreeMap;

use super::{CredentialError, Reference, Secret, Source, check_part, tidy};
use crate::ambient;

/// What messages call it.
pub const NAME: &str = "env";
const PREFIX: &str = "AL_SECRET_";
const GAP: &str = "__";

/// The variable of a field.
pub fn variable(reference: &Reference, field: &str) -> String {
    format!("{}{}", prefix(reference), encoded(field))
}

fn prefix(reference: &Reference) -> String {
    let (kind, instance) = (encoded(&reference.kind), encoded(&reference.instance));
    format!("{PREFIX}{kind}{GAP}{instance}{GAP}")
}

fn encoded(part: &str) -> String {
    let mut out = String::new();
    for byte in part.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => out.push(char::from(byte)),
            byte => out.push_str(&format!("_x{byte:02X}")),
        }
    }
    out
}

/// What was encoded; none when it is no text.
fn decoded(part: &str) -> Option<String> {
    let bytes = part.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        let digits = bytes[at..].strip_prefix(b"_x").and_then(|rest| rest.get(..2));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(coded) => {
                out.push(coded);
                at += 4;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).ok()
}

/// The variables of this process that are credentials.
pub struct Env {
    variables: Vec<(String, String)>,
}

impl Env {
    pub fn here() -> Self {
        Self::of(ambient::variables())
    }

    fn of(variables: Vec<(String, String)>) -> Self {
        let ours = |(name, value): &(String, String)| name.starts_with(PREFIX) && !value.is_empty();
        Self { variables: variables.into_iter().filter(ours).collect() }
    }
}

impl Source for Env {
    fn name(&self) -> &str {
        NAME
    }

    fn has(&self, reference: &Reference, _known: &[&str]) -> Result<bool, CredentialError> {
        let prefix = prefix(reference);
        Ok(self.variables.iter().any(|(name, _)| name.starts_with(&prefix)))
    }

    fn field(&self, reference: &Reference, name: &str) -> Result<Option<Secret>, CredentialError> {
        let wanted = variable(reference, name);
        let found = self.variables.iter().find(|(name, _)| *name == wanted);
        Ok(found.map(|(_, value)| tidy(value)))
    }

    fn fields(
        &self,
        reference: &Reference,
        _known: &[&str],
    ) -> Result<BTreeMap<String, Secret>, CredentialError> {
        let prefix = prefix(reference);
        let field = |(name, value): &(String, String)| {
            let field = decoded(name.strip_prefix(&prefix)?)?;
            check_part(&field).is_ok().then(|| (field, tidy(value)))
        };
        Ok(self.variables.iter().filter_map(field).collect())
    }

    fn list(&self, kind: Option<&str>) -> Result<Vec<Reference>, CredentialError> {
        let reference = |(name, _): &(String, String)| {
            let (kind, rest) = name.strip_prefix(PREFIX)?.split_once(GAP)?;
            let (instance, _) = rest.rsplit_once(GAP)?;
            let (kind, instance) = (decoded(kind)?, decoded(instance)?);
            let sound = check_part(&kind).is_ok() && check_part(&instance).is_ok();
            sound.then_some(Reference { kind, instance })
        };
        let mut all: Vec<Reference> = self.variables.iter().filter_map(reference).collect();
        all.retain(|reference| kind.is_none_or(|kind| reference.kind == kind));
        all.sort();
        all.dedup();
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_one_variable_and_is_found_by_it() {
        let check = |text: &str, field: &str, expected: &str| {
            let reference = Reference::parse(text).unwrap();
            assert_eq!(variable(&reference, field), expected);
            let env = Env::of(vec![(expected.to_owned(), " s3cret\r\n".to_owned())]);
            assert_eq!(env.list(None).unwrap(), std::slice::from_ref(&reference));
            assert!(env.has(&reference, &[]).unwrap());
            let fields = env.fields(&reference, &[]).unwrap();
            let found: Vec<_> = fields.iter().map(|(k, v)| (k.as_str(), v.reveal())).collect();
            assert_eq!(found, [(field, "s3cret")]);
            assert_eq!(env.field(&reference, field).unwrap().unwrap().reveal(), "s3cret");
            assert_eq!(env.field(&reference, "other").unwrap(), None);
        };
        check("github_token", "token", "AL_SECRET_github_token__default__token");
        check("git_ssh:my-bot", "id_rsa", "AL_SECRET_git_ssh__my_x2Dbot__id_rsa");
        check("jira:ops@acme.eu", "url", "AL_SECRET_jira__ops_x40acme_x2Eeu__url");
        check("jira:käse", "url", "AL_SECRET_jira__k_xC3_xA4se__url");
    }

    #[test]
    fn what_is_no_credential_is_left_alone() {
        let names =
            ["AL_SECRET_", "AL_SECRET_x", "AL_SECRET_x__y", "AL_SECRET_x__y_x2F__z", "PATH"];
        let env = Env::of(names.map(|name| (name.to_owned(), "v".to_owned())).to_vec());
        assert_eq!(env.list(None).unwrap(), []);
    }
}
