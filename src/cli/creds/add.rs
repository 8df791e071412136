//! `al creds add` and `al creds rotate`.

use std::collections::BTreeSet;
use std::path::Path;

use super::proof::{Proven, Values, prove};
use super::{
    asking, describe, given, known, none, own_types, reference, shown, ssh, unreadable, unwritable,
};
use crate::cli::prompt::{Choice, Prompt, Question};
use crate::cli::{Context, ask, output};
use crate::failure::Failure;
use crate::project::credential_types::{CredentialType, Field, OwnTypes, Shape, TYPES};
use crate::project::credentials::{self, CredentialError, Put, Reference, Secret};

/// Store a credential: ask for its fields, check them, write them
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al creds add                                    asks for everything
  al creds add github_token
  al creds add git_ssh:bot --field id_rsa=@key --field username=bot
  pass gh | al creds add github_token --field token=-
  al creds add aws --from-env

Its maker is asked whether it holds. One that is refused is not stored; when
nobody answers, that is a warning. AL_CHECK_URL_<TYPE> names another address
to ask, as for a GitHub of your own:
  AL_CHECK_URL_GITHUB_TOKEN=https://github.example.com/api/v3

Exit codes: 0 stored, 2 refused or not complete, 4 it cannot be written,
130 interrupted: nothing was written")]
pub struct AddArgs {
    /// TYPE or TYPE:INSTANCE; asked for when it is not there
    #[arg(value_name = "CREDENTIAL")]
    pub credential: Option<String>,

    #[command(flatten)]
    pub values: ValueArgs,

    /// Replace one that is there
    #[arg(long)]
    pub force: bool,
}

/// Replace values of a credential; what is not given stays
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al creds rotate github_token              asks for the new value
  pass gh | al creds rotate github_token --field token=-
  al creds rotate git_ssh:bot --generate    a new key

Without --field, its secrets are asked for, and names and addresses stay. The
old values count until the new ones are written, all at once. Runs that live
keep what they were given; the next attempt gets the new values.")]
pub struct RotateArgs {
    /// TYPE or TYPE:INSTANCE
    #[arg(value_name = "CREDENTIAL")]
    pub credential: String,

    #[command(flatten)]
    pub values: ValueArgs,
}

/// Where values come from.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ValueArgs {
    /// A field: NAME=- from stdin, NAME=@FILE from a file, NAME=VALUE if it is no secret
    #[arg(long, value_name = "NAME=VALUE")]
    pub field: Vec<String>,

    /// Read the fields from the variables that usually hold them
    #[arg(long)]
    pub from_env: bool,

    /// Make a new key (git_ssh, vps_ssh)
    #[arg(long)]
    pub generate: bool,

    /// Store it without looking at it, and without asking its maker
    #[arg(long)]
    pub no_check: bool,
}

impl ValueArgs {
    fn any(&self) -> bool {
        !self.field.is_empty() || self.from_env || self.generate
    }

    /// The fields that are named.
    fn names(&self) -> BTreeSet<String> {
        let named = self.field.iter().filter_map(|text| text.split_once('='));
        named.map(|(name, _)| name.to_owned()).collect()
    }

    fn read(
        &self,
        of: &CredentialType,
        reference: &Reference,
        context: &Context,
    ) -> Result<Values, Failure> {
        let mut values = match self.from_env {
            true => given::from_env(of, reference),
            false => Values::new(),
        };
        if self.from_env && values.is_empty() {
            let names = given::variables(of, reference).join(", ");
            let message = format!("none of these variables is set: {names}");
            return Err(Failure::user("not_in_env", message));
        }
        values.extend(given::fields(of, &self.field)?);
        if self.generate {
            asking::generate(of, &mut values, &context.al_home)?;
        }
        Ok(values)
    }

    fn ready(
        &self,
        of: &CredentialType,
        reference: &Reference,
        values: Values,
        context: &Context,
        prompt: Prompt,
    ) -> Result<Ready, Failure> {
        match self.no_check {
            true => Ready::unchecked(of, reference, values),
            false => Ready::checked(of, reference, values, context, prompt),
        }
    }
}

pub fn add(args: &AddArgs, context: &Context) -> Result<(), Failure> {
    let prompt = Prompt::new(context.look.err);
    let mut own = own_types(context);
    if let Some(text) = &args.credential {
        describe(&mut own, &reference(text)?.kind, &args.values.names());
    }
    let reference = named(args, &own, prompt)?;
    let of = known(&own, &reference.kind)?;
    if let Some(failure) = makes_itself(&reference) {
        return Err(
            failure.hint("that of a gateway elsewhere: al creds add gateway_api_key:<environment>")
        );
    }
    let there = credentials::keeper(&context.al_home, &reference).map_err(|e| unreadable(&e))?;
    let is_there = there.is_some();
    let put = match (is_there, args.force) {
        (true, false) => {
            let failure = Failure::user(
                "credential_exists",
                format!("there is a credential {reference} already"),
            );
            let failure = failure
                .hint(format!("new values: al creds rotate {reference}"))
                .hint("in its place: --force")
                .hint(format!("beside it: al creds add {}:<instance>", reference.kind));
            return Err(failure);
        }
        (_, true) => Put::Replace,
        (false, false) => Put::New,
    };
    let values = args.values.read(of, &reference, context)?;
    let values = match complete(of, &values) && args.values.any() {
        true => values,
        false => asking::values(of, &reference, values, context, prompt)?,
    };
    args.values.ready(of, &reference, values, context, prompt)?.write(context, put)
}

/// Which one, asked for as far as it is not said.
fn named(args: &AddArgs, own: &OwnTypes, prompt: Prompt) -> Result<Reference, Failure> {
    let Some(text) = &args.credential else {
        let types: Vec<&CredentialType> =
            TYPES.iter().filter(|of| of.kind != "gateway_api_key").chain(own.values()).collect();
        let choices: Vec<Choice> =
            types.iter().map(|of| Choice::new(&*of.kind, &*of.title)).collect();
        let question = Question { text: "type", flag: "al creds add TYPE", help: "type to filter" };
        let chosen = prompt.one(&question, &choices, 0)?;
        let kind = types.get(chosen).map_or_else(String::new, |of| of.kind.clone().into_owned());
        return asking::instance(&Reference { kind, instance: "default".to_owned() }, prompt);
    };
    let named = reference(text)?;
    known(own, &named.kind)?;
    // Who says values says everything.
    match text.contains(':') || args.values.any() || !ask::somebody_there() {
        true => Ok(named),
        false => asking::instance(&named, prompt),
    }
}

pub fn rotate(args: &RotateArgs, context: &Context) -> Result<(), Failure> {
    let prompt = Prompt::new(context.look.err);
    let mut own = own_types(context);
    let reference = reference(&args.credential)?;
    if let Some(failure) = makes_itself(&reference) {
        return Err(failure);
    }
    let old = credentials::stored(&context.al_home, &reference).map_err(|e| unreadable(&e))?;
    let mut names = args.values.names();
    names.extend(old.keys().cloned());
    describe(&mut own, &reference.kind, &names);
    let of = known(&own, &reference.kind)?;
    let there = credentials::keeper(&context.al_home, &reference).map_err(|e| unreadable(&e))?;
    if there.is_none() {
        return Err(none(&reference, context));
    }
    let mut kept = old.clone();
    let new = match args.values.any() {
        true => args.values.read(of, &reference, context)?,
        false => {
            // Names and addresses stay; secrets are what one rotates.
            let stays = |name: &String| of.field(name).is_none_or(|field| !field.is_secret);
            let stay: Values = old.into_iter().filter(|(name, _)| stays(name)).collect();
            let values = asking::values(of, &reference, stay, context, prompt)?;
            kept.retain(|name, _| of.field(name).is_none_or(|field| field.optional));
            values
        }
    };
    // The public half of another key would be wrong.
    if new.contains_key("private_key") && !new.contains_key("public_key") {
        kept.remove("public_key");
    }
    kept.extend(new);
    args.values.ready(of, &reference, kept, context, prompt)?.write(context, Put::Replace)
}

/// Why nobody chooses its value, when it is the key of the gateway here.
fn makes_itself(reference: &Reference) -> Option<Failure> {
    let failure = || {
        let message = "the key of the gateway here makes itself";
        Failure::user("key_makes_itself", message).hint("a new one: al doctor --rotate-key")
    };
    credentials::is_gateway_key(reference).then(failure)
}

fn complete(of: &CredentialType, values: &Values) -> bool {
    of.lack(|name| values.get(name).map(Secret::reveal)).is_none()
}

/// Values that were looked at, and that nobody has written yet.
pub struct Ready {
    reference: Reference,
    values: Values,
    /// What its maker said.
    remark: String,
}

impl Ready {
    /// Takes the values as they are.
    fn unchecked(
        of: &CredentialType,
        reference: &Reference,
        mut values: Values,
    ) -> Result<Self, Failure> {
        values.retain(|_, value| !value.reveal().is_empty());
        match of.lack(|name| values.get(name).map(Secret::reveal)) {
            Some(why) => Err(incomplete(of, reference, &why, &values)),
            None => {
                let remark = "not checked".to_owned();
                Ok(Self { reference: reference.clone(), values, remark })
            }
        }
    }

    /// Looks at the values, and asks their maker. Where that says no and somebody is there, they
    /// decide.
    pub fn checked(
        of: &CredentialType,
        reference: &Reference,
        values: Values,
        context: &Context,
        prompt: Prompt,
    ) -> Result<Self, Failure> {
        let Self { reference, mut values, .. } = Self::unchecked(of, reference, values)?;
        let al_home = &context.al_home;
        shapes(of, &values, al_home)?;
        if of.kind == "vps_ssh" && !values.contains_key("public_key") {
            let key = values.get("private_key");
            let public = key.and_then(|key| ssh::public(key, al_home).ok().flatten());
            values.extend(public.map(|public| ("public_key".to_owned(), Secret::new(public))));
        }
        let remark = match prove(of, &values)? {
            Proven::Holds(Some(whose)) => format!("checked: it is that of {whose}"),
            Proven::Holds(None) => "checked: it is accepted".to_owned(),
            Proven::Unasked => String::new(),
            Proven::Unknown(why) => {
                output::remark(&format!("warning: it could not be checked: {why}\n"));
                "not checked".to_owned()
            }
            Proven::Refused(why) => {
                let message = format!("{reference} was not accepted by its maker: {why}");
                if !ask::somebody_there() {
                    return Err(refused(message));
                }
                output::remark(&format!("{message}\n"));
                let question =
                    Question { text: "Store it all the same?", flag: "--no-check", help: "" };
                if !prompt.yes(&question, false)? {
                    return Err(refused(message));
                }
                "not accepted".to_owned()
            }
        };
        Ok(Self { reference, values, remark })
    }

    /// Writes them, and says so.
    pub fn write(self, context: &Context, put: Put) -> Result<(), Failure> {
        let place = credentials::put(&context.al_home, &self.reference, &self.values, put)
            .map_err(|error| match (&error, put) {
                (CredentialError::Source { .. }, Put::New) if error.is_of_keyring() => unwritable(
                    &error, "written",
                )
                .hint(
                    "to keep it in a file: `file` before `keyring` in `order` in credentials.toml",
                ),
                _ => unwritable(&error, "written"),
            })?;
        let remark = match self.remark.as_str() {
            "" => String::new(),
            remark => format!(" ({remark})"),
        };
        output::print(&format!("stored {} in {}{remark}\n", self.reference, shown(&place)))
    }
}

fn refused(message: String) -> Failure {
    Failure::user("credential_refused", message).hint("to store it all the same: --no-check")
}

fn incomplete(of: &CredentialType, reference: &Reference, why: &str, values: &Values) -> Failure {
    let failure = Failure::user("incomplete_credential", format!("{reference}: {why}"));
    let lacks = |field: &&Field| !field.optional && !values.contains_key(&*field.name);
    let first = of.asked().find(lacks).or(of.asked().next());
    match first {
        Some(field) if field.is_secret => {
            failure.hint(format!("--field {}=- reads it from stdin", field.name))
        }
        Some(field) => failure.hint(format!("--field {}=VALUE", field.name)),
        None => failure,
    }
}

fn shapes(of: &CredentialType, values: &Values, al_home: &Path) -> Result<(), Failure> {
    for field in of.fields.iter() {
        let Some(value) = values.get(&*field.name) else { continue };
        let looked = field.shape.check(value.reveal());
        let looked = match field.shape {
            Shape::PrivateKey => looked.and_then(|()| ssh::public(value, al_home).map(drop)),
            _ => looked,
        };
        if let Err(why) = looked {
            let message = format!("{} of {} {why}", field.name, of.kind);
            let failure = Failure::user("bad_shape", message);
            return Err(failure.hint("to store it all the same: --no-check"));
        }
    }
    Ok(())
}
