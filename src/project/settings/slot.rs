//! What may stand under a key, by the schema.

use super::Refused;
use crate::project::check::elsewhere;
use crate::project::problem::{did_you_mean, quoted};
use crate::project::providers::{PROVIDERS, Provider};
use crate::project::schema::{self, File, Kind, Scope};

/// What may stand under a key.
#[derive(Debug, Clone, Copy)]
pub enum Slot {
    Known(Kind),
    /// Whatever the project wants: `params.x`.
    Any,
    /// A filter of an agent's `[[webhooks]]`.
    Filter,
}

/// What may stand under the key with these parts.
///
/// # Errors
/// When there is no such key, with the one that was probably meant.
pub fn slot(file: File, parts: &[String]) -> Result<Slot, Refused> {
    in_scope(file, file.scope(), parts)
}

fn in_scope(file: File, scope: &'static Scope, parts: &[String]) -> Result<Slot, Refused> {
    let Some((first, rest)) = parts.split_first() else {
        return Err(Refused::new("a setting needs a name"));
    };
    if let Some(key) = scope.key(first).filter(|key| key.is_in(file)) {
        return within(file, key.kind, first, rest);
    }
    // Sources may name the instance by the credential's type.
    let is_credential = |p: &Provider| p.secret.is_some_and(|s| s.credential == *first);
    if std::ptr::eq(scope, &schema::WEBHOOK) && PROVIDERS.iter().any(|p| is_credential(p)) {
        return Ok(Slot::Known(Kind::Text));
    }
    Err(unknown(file, scope, first))
}

fn unknown(file: File, scope: &Scope, name: &str) -> Refused {
    let refused = Refused::new(format!("{} has no setting {}", file.name(), quoted(name)));
    if let Some(now) = scope.keys.iter().find(|key| key.was.contains(&name)) {
        return refused.hint(format!("it is called `{}` now", now.name));
    }
    if let Some(key) = scope.key(name) {
        let files: Vec<&str> = key.files.iter().map(|file| file.name()).collect();
        return refused.hint(format!("it belongs in {}", files.join(" or ")));
    }
    let known = scope.keys.iter().filter(|key| key.is_in(file)).map(|key| key.name);
    match did_you_mean(name, known).or_else(|| elsewhere(file, name)) {
        Some(hint) => refused.hint(hint),
        None => refused,
    }
}

fn within(file: File, kind: Kind, name: &str, parts: &[String]) -> Result<Slot, Refused> {
    let Some((first, rest)) = parts.split_first() else { return Ok(Slot::Known(kind)) };
    match kind {
        Kind::Table(scope) => in_scope(file, scope, parts),
        Kind::Named(scope) => within(file, Kind::Table(scope), first, rest),
        Kind::Tables(scope) => {
            in_list(name, first).and_then(|()| within(file, Kind::Table(scope), first, rest))
        }
        Kind::Bindings => {
            in_list(name, first)?;
            match rest {
                [] => Ok(Slot::Known(Kind::Free)),
                [field] if field == "source" => Ok(Slot::Known(Kind::Text)),
                [_] => Ok(Slot::Filter),
                [field, ..] => Err(no_table(field)),
            }
        }
        Kind::Pairs if rest.is_empty() => Ok(Slot::Known(Kind::Text)),
        Kind::Free => Ok(Slot::Any),
        _ => Err(no_table(name)),
    }
}

fn in_list(name: &str, place: &str) -> Result<(), Refused> {
    if place.parse::<usize>().is_ok() {
        return Ok(());
    }
    Err(Refused::new(format!("`{name}` is a list, and `{place}` no place in it"))
        .hint(format!("the first is `{name}.0`")))
}

fn no_table(name: &str) -> Refused {
    Refused::new(format!("`{name}` has no settings of its own"))
}
