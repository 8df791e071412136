//! `al creds`: the credentials of this person, and what agents want of them.
//!
//! Nothing here prints a secret but `show --reveal`, and nothing takes one as an argument, where
//! everybody on the machine could read it. What is written is asked for first, all of it.

mod add;
mod asking;
mod aws;
mod given;
mod ls;
mod proof;
mod show;
mod ssh;
mod types;
mod wants;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::process::ExitCode;

pub use asking::ask_for;

use super::paths::short;
use super::{Context, ask, output};
use crate::failure::Failure;
use crate::project::credential_types::{self, CredentialType, OwnTypes, TYPES};
use crate::project::credentials::{self, CredentialError, Keeper, Reference};
use crate::project::{self, did_you_mean};

/// Keep the credentials that agents and models use
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Examples:
  al creds ls                           what there is, and what is missing
  al creds add github_token             asks for it, checks it, stores it
  al creds add git_ssh:bot --generate   a new key, for the instance `bot`
  pass gh | al creds add github_token --field token=-
  al creds add aws --from-env           from AWS_ACCESS_KEY_ID and so on
  al creds rotate github_token          a new value; the old one until then

A credential is TYPE or TYPE:INSTANCE, as agents list it. They are kept below
~/.action-llama/credentials, one file per field, for you alone, or in the
keyring of the system: order = [\"env\", \"keyring\", \"file\"] in
~/.action-llama/credentials.toml puts new ones there. A secret is never an
argument: others on this machine can read those.")]
pub struct CredsArgs {
    #[command(subcommand)]
    pub act: CredsAct,
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub enum CredsAct {
    Ls(ls::LsArgs),
    Add(add::AddArgs),
    Rotate(add::RotateArgs),
    Rm(RmArgs),
    Show(show::ShowArgs),
    Types(types::TypesArgs),
}

/// Remove a credential, after it was shown who wants it
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct RmArgs {
    /// TYPE or TYPE:INSTANCE
    #[arg(value_name = "CREDENTIAL")]
    pub credential: String,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

pub fn run(args: &CredsArgs, context: &Context) -> Result<ExitCode, Failure> {
    match &args.act {
        CredsAct::Ls(args) => return ls::run(args, context),
        CredsAct::Add(args) => add::add(args, context)?,
        CredsAct::Rotate(args) => add::rotate(args, context)?,
        CredsAct::Rm(args) => rm(args, context)?,
        CredsAct::Show(args) => show::run(args, context)?,
        CredsAct::Types(args) => types::run(args, context)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn rm(args: &RmArgs, context: &Context) -> Result<(), Failure> {
    let reference = reference(&args.credential)?;
    let keeper = credentials::keeper(&context.al_home, &reference).map_err(|e| unreadable(&e))?;
    let folder = credentials::folder(&context.al_home, &reference);
    let keeper = match keeper {
        Some(keeper) => keeper,
        // Of one that was left half done, too.
        None if folder.is_dir() => Keeper::Files(folder),
        None => return Err(elsewhere_or_none(&reference, context)),
    };
    let wanted = wants::of(context);
    let users = wanted.by(&reference);
    if !args.yes {
        if !ask::somebody_there() {
            let message = format!("{reference} is removed only when somebody says so");
            return Err(Failure::user("nobody_to_ask", message).hint("say it with --yes"));
        }
        output::remark(&format!("{}\n", used_by(&reference, &users)));
        let what = match &keeper {
            Keeper::Files(_) => shown(&keeper),
            Keeper::Keyring => format!("{reference} from {}", shown(&keeper)),
        };
        if !ask::yes(&format!("Remove {what}?")) {
            return Err(Failure::nothing("kept", "nothing was removed"));
        }
    }
    let removed = credentials::remove(&context.al_home, &reference, &keeper)
        .map_err(|error| unwritable(&error, "removed"))?;
    if !removed {
        return Err(none(&reference, context));
    }
    output::print(&format!("removed {reference}\n"))?;
    if args.yes && !users.is_empty() {
        output::remark(&format!("warning: {}\n", used_by(&reference, &users)));
    }
    Ok(())
}

fn used_by(reference: &Reference, users: &[String]) -> String {
    match users {
        [] => format!("nothing in this project wants {reference}"),
        users => format!("{reference} is wanted by {}", users.join(", ")),
    }
}

/// That there is no such credential where it could be changed.
fn elsewhere_or_none(reference: &Reference, context: &Context) -> Failure {
    match credentials::origin(&context.al_home, reference) {
        Ok(Some(origin)) => {
            let message = format!("{reference} cannot be changed here: it comes from {origin}");
            Failure::user("credential_elsewhere", message)
        }
        Ok(None) | Err(_) => none(reference, context),
    }
}

fn none(reference: &Reference, context: &Context) -> Failure {
    let (all, _) = credentials::list(&context.al_home);
    let names: Vec<String> = all.iter().map(ToString::to_string).collect();
    let failure = Failure::nothing("no_credential", format!("there is no credential {reference}"));
    let wanted = reference.to_string();
    match did_you_mean(&wanted, names.iter().map(String::as_str)) {
        Some(hint) => failure.hint(hint),
        None => failure.hint("al creds ls"),
    }
}

/// A credential by what a person wrote.
fn reference(text: &str) -> Result<Reference, Failure> {
    Reference::parse(text).map_err(|error| {
        Failure::user("bad_credential", error.to_string())
            .hint("a credential is TYPE or TYPE:INSTANCE, as in git_ssh:bot")
    })
}

/// The types that the project here adds; none outside of a project, or in one that cannot be read.
fn own_types(context: &Context) -> OwnTypes {
    let (project, _) = context.request(project::survey);
    project.map(|project| project.config.credentials).unwrap_or_default()
}

/// A type that nobody describes becomes known by the fields that somebody names. One with nearly the
/// name of another is a slip of the pen.
fn describe(own: &mut OwnTypes, kind: &str, fields: &BTreeSet<String>) {
    let is_known = credential_types::find(own, kind).is_some();
    if !is_known && !fields.is_empty() && did_you_mean(kind, kinds(own)).is_none() {
        own.insert(kind.to_owned(), CredentialType::undescribed(kind, fields));
    }
}

fn kinds(own: &OwnTypes) -> impl Iterator<Item = &str> {
    TYPES.iter().map(|known| &*known.kind).chain(own.keys().map(String::as_str))
}

/// A type by its name.
fn known<'t>(own: &'t OwnTypes, kind: &str) -> Result<&'t CredentialType, Failure> {
    if let Some(found) = credential_types::find(own, kind) {
        return Ok(found);
    }
    let kind = kind.escape_debug().to_string();
    let failure = Failure::user("unknown_type", format!("no type of credential is named {kind}"));
    let failure = match did_you_mean(&kind, kinds(own)) {
        Some(hint) => failure.hint(hint),
        None => failure.hint("al creds types"),
    };
    Err(failure
        .hint(format!(
            "one of your own: `[credentials.{kind}]` with `fields = [\"token\"]` in config.toml"
        ))
        .hint(format!("or without a description: al creds add {kind} --field NAME=-")))
}

fn unreadable(error: &CredentialError) -> Failure {
    Failure::config("credential_unreadable", error.to_string())
}

/// That something was not done, such as `written`, as far as that is known.
fn unwritable(error: &CredentialError, done: &str) -> Failure {
    let outcome = match error {
        CredentialError::Unsure { .. } => format!("it may still be {done}"),
        _ => format!("nothing was {done}"),
    };
    let failure = Failure::upstream("credential_unwritable", format!("{outcome}: {error}"));
    match error {
        CredentialError::Exists(reference) => Failure::user("credential_exists", error.to_string())
            .hint(format!("replace it: al creds rotate {reference}")),
        CredentialError::Io { error, .. } => match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                failure.hint("make room; what was there counts as before")
            }
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                failure.hint("the folder has to be writable for you; another one: AL_HOME=DIR")
            }
            _ => failure,
        },
        CredentialError::Unsure { .. } => failure.hint("what there is by then: al creds ls"),
        _ => failure,
    }
}

/// Where a credential is, as messages show it.
fn shown(keeper: &Keeper) -> String {
    match keeper {
        Keeper::Files(folder) => short(folder),
        Keeper::Keyring => "the keyring".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_still_be_written_is_not_called_unwritten() {
        let check = |error: CredentialError, done: &str, expected: &str| {
            assert_eq!(unwritable(&error, done).message, expected);
        };
        let parts = || ("keyring".to_owned(), "why".to_owned());
        let (name, message) = parts();
        check(
            CredentialError::Source { name, message },
            "written",
            "nothing was written: keyring: why",
        );
        let (name, message) = parts();
        check(
            CredentialError::Unsure { name, message },
            "written",
            "it may still be written: keyring: why",
        );
        let (name, message) = parts();
        check(
            CredentialError::Unsure { name, message },
            "removed",
            "it may still be removed: keyring: why",
        );
    }
}
