//! Asking a person for a credential.

use std::fs;
use std::path::Path;

use super::add::Ready;
use super::proof::Values;
use super::{known, own_types, ssh, unreadable, unwritable};
use crate::cli::paths::expanded;
use crate::cli::prompt::{Choice, Prompt, Question};
use crate::cli::{Context, output};
use crate::failure::Failure;
use crate::project::credential_types::{CredentialType, Field, Shape};
use crate::project::credentials::{self, CredentialError, Put, Reference, Secret};

/// Asks for what is missing of one credential, all of it or some fields, checks it and stores it.
/// Whoever interrupts has written nothing.
///
/// # Errors
/// When nobody is there to ask, they interrupt, its maker refuses it, there is a whole one by now, or
/// it cannot be read or written.
pub fn ask_for(reference: &Reference, context: &Context, prompt: Prompt) -> Result<(), Failure> {
    let own = own_types(context);
    let of = known(&own, &reference.kind)?;
    let home = &context.al_home;
    let there = credentials::keeper(home, reference).map_err(|error| unreadable(&error))?;
    let mut known = match &there {
        Some(_) => credentials::stored(home, reference).map_err(|error| unreadable(&error))?,
        None => Values::new(),
    };
    known.retain(|_, value| !value.reveal().is_empty());
    if there.is_some() && of.lack(|name| known.get(name).map(Secret::reveal)).is_none() {
        return Err(unwritable(&CredentialError::Exists(reference.clone()), "written"));
    }
    // The public half of another key would be wrong.
    if !known.contains_key("private_key") {
        known.remove("public_key");
    }
    let put = if there.is_some() { Put::Replace } else { Put::New };
    let values = values(of, reference, known, context, prompt)?;
    let ready = Ready::checked(of, reference, values, context, prompt)?;
    ready.write(context, put)
}

/// Asks for the fields that are not there yet.
pub fn values(
    of: &CredentialType,
    reference: &Reference,
    mut values: Values,
    context: &Context,
    prompt: Prompt,
) -> Result<Values, Failure> {
    // Where nobody is, the question says which flag answers it.
    if crate::cli::ask::somebody_there() {
        output::remark(&intro(of, reference));
    }
    let only = of.asked().count() == 1;
    for field in of.asked() {
        if values.contains_key(&*field.name) {
            continue;
        }
        if field.shape == Shape::PrivateKey && crate::cli::ask::somebody_there() {
            key(of, field, &mut values, context, prompt)?;
            continue;
        }
        let needed = only || !field.optional;
        // A script is told of what it has to say, not of what it may.
        if !needed && !crate::cli::ask::somebody_there() {
            continue;
        }
        let check = checker(field.shape, needed);
        let text = match needed {
            true => spoken(&field.name),
            false => format!("{} (may be empty)", spoken(&field.name)),
        };
        let sign = if field.is_secret { "-" } else { "VALUE" };
        let flag = format!("--field {}={sign}", field.name);
        let question = Question { text: &text, flag: &flag, help: "" };
        let value = match field.is_secret {
            true => prompt.secret(&question, check)?,
            false => Secret::new(prompt.text(&question, None, check)?),
        };
        if !value.reveal().is_empty() {
            values.insert(field.name.clone().into_owned(), value);
        }
    }
    Ok(values)
}

fn intro(of: &CredentialType, reference: &Reference) -> String {
    let from = match of.from {
        "" => String::new(),
        from => format!("  {from}\n"),
    };
    format!("{reference}: {}\n{from}", of.title)
}

/// `client_id` as a person says it.
fn spoken(name: &str) -> String {
    name.replace('_', " ")
}

fn checker(shape: Shape, needed: bool) -> impl Fn(&str) -> Result<(), String> + Clone + 'static {
    move |typed: &str| match typed.is_empty() && !needed {
        true => Ok(()),
        false => shape.check(typed).map_err(|why| format!("it {why}")),
    }
}

/// A private key comes from a file or is made: it has too many lines to be typed.
fn key(
    of: &CredentialType,
    field: &Field,
    values: &mut Values,
    context: &Context,
    prompt: Prompt,
) -> Result<(), Failure> {
    const FILE: &str = "file";
    const NEW: &str = "new";
    let mut choices =
        vec![Choice::new(FILE, "a key that is in a file"), Choice::new(NEW, "make one (ed25519)")];
    if of.kind == "git_ssh" {
        choices.push(Choice::new("none", "name and address for commits only"));
    }
    let text = format!("{} from where", spoken(&field.name));
    let flag = format!("--generate, or --field {}=@FILE", field.name);
    let chosen = prompt.one(&Question { text: &text, flag: &flag, help: "" }, &choices, 0)?;
    match choices.get(chosen).map(|choice| choice.word.as_str()) {
        Some(FILE) => from_file(field, &flag, values, &context.al_home, prompt),
        Some(NEW) => generate(of, values, &context.al_home),
        _ => Ok(()),
    }
}

fn from_file(
    field: &Field,
    flag: &str,
    values: &mut Values,
    al_home: &Path,
    prompt: Prompt,
) -> Result<(), Failure> {
    let home = al_home.to_owned();
    let look = move |typed: &str| private_key(typed, &home).map(drop);
    let default = ["id_ed25519", "id_rsa"].map(|name| format!("~/.ssh/{name}"));
    let default = default.iter().find(|path| expanded(path).is_file()).map(String::as_str);
    let question = Question { text: "file of the private key", flag, help: "" };
    let path = prompt.text(&question, default, look)?;
    let key = private_key(&path, al_home).map_err(|why| Failure::user("field_unreadable", why))?;
    values.insert(field.name.clone().into_owned(), key);
    Ok(())
}

/// A private key from the file that somebody named.
fn private_key(path: &str, al_home: &Path) -> Result<Secret, String> {
    let file = expanded(path);
    let text = fs::read_to_string(&file).map_err(|error| format!("cannot be read: {error}"))?;
    let key = credentials::tidy(&text);
    Shape::PrivateKey.check(key.reveal()).map_err(|why| format!("the file {why}"))?;
    ssh::public(&key, al_home).map_err(|why| format!("the key {why}"))?;
    Ok(key)
}

/// Makes a key for the type; yields its public half.
///
/// # Errors
/// When the type has no key, or none can be made.
pub fn generate(of: &CredentialType, values: &mut Values, al_home: &Path) -> Result<(), Failure> {
    let Some(field) = of.asked().find(|field| field.shape == Shape::PrivateKey) else {
        let message = format!("{} has no key that al could make", of.kind);
        return Err(Failure::user("nothing_to_generate", message));
    };
    let pair = ssh::generate(al_home)?;
    values.insert(field.name.clone().into_owned(), pair.private);
    if of.field("public_key").is_some() {
        values.insert("public_key".to_owned(), Secret::new(pair.public.clone()));
    }
    output::remark(&format!("its public half, for the servers:\n  {}\n", pair.public));
    Ok(())
}

/// The name of an instance that is free, or that somebody chose.
pub fn instance(reference: &Reference, prompt: Prompt) -> Result<Reference, Failure> {
    let kind = reference.kind.clone();
    let check = {
        let kind = kind.clone();
        move |typed: &str| match Reference::parse(&format!("{kind}:{typed}")) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    };
    let flag = format!("{kind}:INSTANCE");
    let question = Question {
        text: "name of the instance",
        flag: &flag,
        help: "agents list it as TYPE:INSTANCE; `default` is TYPE alone",
    };
    let instance = prompt.text(&question, Some("default"), check)?;
    Reference::parse(&format!("{kind}:{instance}"))
        .map_err(|error: CredentialError| unreadable(&error))
}
