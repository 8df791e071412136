//! Values that come without a question: `--field`, `--from-env`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use super::proof::Values;
use crate::ambient;
use crate::failure::Failure;
use crate::project::credential_types::{CredentialType, Field};
use crate::project::credentials::{self, MAX_BYTES, Reference, Secret};
use crate::project::did_you_mean;

/// Reads what `--field` says: `name=-` from stdin, `name=@file` from a file, and `name=value` for
/// what is no secret.
///
/// # Errors
/// When there is no such field, or its value cannot be had, or a secret would be an argument.
pub fn fields(of: &CredentialType, given: &[String]) -> Result<Values, Failure> {
    let mut values = BTreeMap::new();
    let mut stdin = None;
    for text in given {
        let Some((name, value)) = text.split_once('=') else {
            let field = of.asked().next().map_or("token", |field| &*field.name);
            return Err(Failure::user("bad_field", "--field is NAME=VALUE")
                .hint(format!("as in --field {field}=- for a value on stdin")));
        };
        if !credentials::names_a_field(name) {
            let message = match name {
                "" => "the name of a field is empty".to_owned(),
                _ => format!("`{}` cannot be the name of a field", name.escape_debug()),
            };
            return Err(Failure::user("bad_field", message).hint(
                "a field is a file: it has a name without `/`, and no dot at its beginning",
            ));
        }
        let Some(field) = of.field(name) else { return Err(no_field(of, name)) };
        let value = match value {
            "-" => {
                if let Some(other) = stdin.replace(name) {
                    let message = format!("{other} and {name} cannot both be read from stdin");
                    return Err(Failure::user("stdin_twice", message)
                        .hint(format!("--field {name}=@FILE reads it from a file")));
                }
                read(name, "stdin", std::io::stdin().lock())?
            }
            _ if value.starts_with('@') => {
                let path = &value[1..];
                let file = File::open(path).map_err(|e| unreadable(name, path, &e.to_string()))?;
                read(name, path, file)?
            }
            _ if field.is_secret => return Err(in_the_open(of, name)),
            value => Secret::new(value.trim()),
        };
        if values.insert(name.to_owned(), value).is_some() {
            return Err(Failure::user("field_twice", format!("{name} is given twice")));
        }
    }
    Ok(values)
}

fn no_field(of: &CredentialType, name: &str) -> Failure {
    let names = || of.fields.iter().map(|field| &*field.name);
    let message = format!("{} has no field {}", of.kind, name.escape_debug());
    let listed = names().collect::<Vec<_>>().join(", ");
    let hint = did_you_mean(name, names()).unwrap_or_else(|| format!("it has {listed}"));
    Failure::user("no_such_field", message).hint(hint)
}

/// The value is not repeated: it may be a secret, and this may be a log.
fn in_the_open(of: &CredentialType, name: &str) -> Failure {
    let message =
        format!("{name} is a secret, and arguments can be read by others on this machine");
    Failure::user("secret_argument", message)
        .hint(format!("on stdin: ... | al creds add {} --field {name}=-", of.kind))
        .hint(format!("from a file: --field {name}=@FILE"))
        .hint("and take it out of the history of your shell; a new one is safer")
}

fn unreadable(name: &str, path: &str, why: &str) -> Failure {
    let path = path.escape_debug();
    Failure::user("field_unreadable", format!("{name} cannot be read from {path}: {why}"))
}

fn read(name: &str, path: &str, from: impl Read) -> Result<Secret, Failure> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| unreadable(name, path, &e.to_string()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(unreadable(name, path, "it is too large for a credential"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(credentials::tidy(&text)),
        Err(_) => Err(unreadable(name, path, "it is not UTF-8 text")),
    }
}

/// Reads fields from the variables that hold them in runs, in other programs, or for `al`.
pub fn from_env(of: &CredentialType, reference: &Reference) -> Values {
    let mut values = BTreeMap::new();
    for field in of.asked() {
        let own = credentials::variable(reference, &field.name);
        let names = field.variables.iter().chain(field.elsewhere.iter().copied());
        let found = names.chain([own.as_str()]).find_map(ambient::env);
        if let Some(value) = found {
            values.insert(field.name.clone().into_owned(), credentials::tidy(&value));
        }
    }
    values
}

/// The variables that would be read.
pub fn variables(of: &CredentialType, reference: &Reference) -> Vec<String> {
    let names = |field: &Field| -> Vec<String> {
        let known = field.variables.iter().chain(field.elsewhere.iter().copied());
        let own = credentials::variable(reference, &field.name);
        known.map(str::to_owned).chain([own]).collect()
    };
    of.asked().flat_map(names).collect()
}
