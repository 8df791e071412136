//! `[credentials.<type>]`: types of credentials that a project adds to those that `al` knows.

use std::borrow::Cow;

use super::credential_types::{
    CredentialType, Field, OwnTypes, Owner, Shape, Words, credential_type,
};
use super::problem::{Problem, Problems, did_you_mean, listed, quoted};
use super::source::At;
use super::tree::{Entry, Node, Table, Tree};

/// Reads them; one with a mistake is reported and left out.
pub fn read(table: &Table, problems: &mut Problems) -> OwnTypes {
    let own = table.entries.iter();
    own.filter_map(|entry| Some((entry.key.clone(), own_type(entry, problems)?))).collect()
}

fn own_type(entry: &Entry, problems: &mut Problems) -> Option<CredentialType> {
    let Tree::Table(table) = &entry.node.value else { return None };
    let before = problems.len();
    if credential_type(&entry.key).is_some() {
        let message = format!("{} is a type of credential that al has", quoted(&entry.key));
        let problem = Problem::error_at(&entry.key_at, message).code("credential_type");
        problems.push(problem.hint("give yours another name; `al creds types` lists all"));
    }
    if let Some(why) = no_name(&entry.key) {
        let message = format!("{} cannot name a type of credential: {why}", quoted(&entry.key));
        problems.push(Problem::error_at(&entry.key_at, message).code("credential_type"));
    }
    let names = fields(entry, table, problems);
    let optional = some_of(table, "optional", &names, problems);
    let public = some_of(table, "public", &names, problems);
    let variables = variables(table, &names, problems);
    if problems.len() > before || table.is_bad("fields") {
        return None;
    }
    let field = |name: &String| Field {
        name: Cow::Owned(name.clone()),
        variables: Words::Own(
            variables.iter().filter(|(_, of)| of == name).map(|(v, _)| v.clone()).collect(),
        ),
        elsewhere: &[],
        is_secret: !public.contains(name),
        optional: optional.contains(name),
        is_old: false,
        // Nobody but the project knows what it looks like, and keys have many lines.
        shape: Shape::Text,
    };
    Some(CredentialType {
        kind: Cow::Owned(entry.key.clone()),
        title: Cow::Borrowed("of this project"),
        from: "",
        fields: names.iter().map(field).collect(),
        owner: Owner::Run,
        note: Cow::Owned(table.text("about").unwrap_or_default().to_owned()),
        proofs: &[],
    })
}

/// Why something cannot be the name of a type or a field.
fn no_name(name: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match name {
        "" => Some("it is empty"),
        name if !name.chars().all(plain) => Some("it has letters, digits, `_` and `-`"),
        name if name.len() > 100 => Some("it is too long"),
        _ => None,
    }
}

fn fields(entry: &Entry, table: &Table, problems: &mut Problems) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (at, name) in texts(table, "fields") {
        let why = match no_name(name) {
            None if names.iter().any(|other| other == name) => Some("it is there twice"),
            why => why,
        };
        match why {
            Some(why) => {
                let message = format!("{} cannot name a field: {why}", quoted(name));
                problems.push(Problem::error_at(at, message).code("credential_type"));
            }
            None => names.push(name.to_owned()),
        }
    }
    if table.list("fields").is_empty() && !table.is_bad("fields") {
        let message = format!("the type {} has no `fields`", quoted(&entry.key));
        let problem = Problem::error_at(&entry.key_at, message).code("credential_type");
        problems.push(problem.hint("as in `fields = [\"token\"]`"));
    }
    names
}

/// A list of some of the fields.
fn some_of(table: &Table, key: &str, names: &[String], problems: &mut Problems) -> Vec<String> {
    let named = texts(table, key);
    named.map(|(at, name)| checked(at, name, names, problems)).map(str::to_owned).collect()
}

fn checked<'n>(at: &At, name: &'n str, names: &[String], problems: &mut Problems) -> &'n str {
    if !names.is_empty() && names.iter().all(|known| known != name) {
        let known = || names.iter().map(String::as_str);
        let hint = did_you_mean(name, known())
            .unwrap_or_else(|| format!("its fields are {}", listed(known())));
        let message = format!("there is no field {}", quoted(name));
        problems.push(Problem::error_at(at, message).code("credential_type").hint(hint));
    }
    name
}

/// Variables and the fields that they hold.
fn variables(table: &Table, names: &[String], problems: &mut Problems) -> Vec<(String, String)> {
    let Some(env) = table.table("env") else { return Vec::new() };
    let mut variables = Vec::new();
    for Entry { key, key_at, node } in &env.entries {
        if let Some(why) = no_variable(key) {
            let message = format!("{} cannot be a variable of a credential: {why}", quoted(key));
            problems.push(Problem::error_at(key_at, message).code("credential_type"));
        }
        if let Tree::Text(field) = &node.value {
            checked(&node.at, field, names, problems);
            variables.push((key.clone(), field.clone()));
        }
    }
    variables
}

fn no_variable(name: &str) -> Option<&'static str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(word) || name.starts_with(|c: char| c.is_ascii_digit())
    {
        return Some("a shell knows letters, digits and `_`, and no digit at the start");
    }
    let ours = ["PATH", "HOME", "GATEWAY_URL", "SHUTDOWN_SECRET"];
    (ours.contains(&name) || name.starts_with("AL_")).then_some("al sets it itself")
}

fn texts<'t>(table: &'t Table, key: &str) -> impl Iterator<Item = (&'t At, &'t str)> {
    table.list(key).iter().filter_map(|Node { value, at }| match value {
        Tree::Text(text) => Some((at, text.as_str())),
        _ => None,
    })
}
