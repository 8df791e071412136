//! What a run gets of the credentials that its agent lists: environment variables, files, what the
//! agent is told of them, and what must not be seen afterwards.
//!
//! It is put together anew for each attempt, so a credential that was replaced counts from the next
//! one on. Of several instances of one type the first is the one in the environment; the others are
//! files only.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use serde_json::Value;

use super::credential_types::{self, CredentialType, OwnTypes, Owner, TYPES};
use super::credentials::{self, Reference, Secret};
use super::problem::did_you_mean;

/// Where in its environment a run finds the folder with [`Kit::files`].
pub const FOLDER: &str = "AL_CREDENTIALS_PATH";

/// Everything of a run's credentials.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Kit {
    /// Environment variables.
    pub env: Vec<(String, String)>,
    /// Paths below `$AL_CREDENTIALS_PATH` and contents: `github_token/default/token`.
    pub files: Vec<(String, String)>,
    /// One for each credential that the run gets, in the order of the list.
    pub notes: Vec<Note>,
    /// Texts that must not appear in logs and records.
    pub secrets: Vec<String>,
}

/// Values stay out of debug output.
impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kit").field("notes", &self.notes).finish_non_exhaustive()
    }
}

/// What the agent is told of one credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// As the agent lists it.
    pub reference: String,
    /// Environment variables that hold it.
    pub variables: Vec<String>,
    /// What it is good for, and how it is used.
    pub note: String,
}

/// Who uses a kit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearer {
    /// A program, which may ask models itself.
    Program,
    /// An agent with a model: keys of models are not for its commands.
    Thinker,
}

/// Why a credential cannot be given to a run, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    pub reference: String,
    pub why: String,
    pub todo: String,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "credential {}: {}; {}", self.reference, self.why, self.todo)
    }
}

/// All complaints in one line, for those who have room for one.
pub fn complaint(lacks: &[Lack]) -> String {
    let all: Vec<String> = lacks.iter().map(Lack::to_string).collect();
    all.join("; ")
}

/// Reads what these references name. `own` are the types that the project adds.
///
/// # Errors
/// Everything that is missing or cannot be used, one for each reference.
pub fn kit(
    al_home: &Path,
    own: &OwnTypes,
    references: &[String],
    bearer: Bearer,
) -> Result<Kit, Vec<Lack>> {
    Kits::new(al_home, own).kit(references, bearer)
}

/// What a credential has, or why that cannot be told.
type Fields = Result<BTreeMap<String, Secret>, String>;

/// Kits of several agents, put together at one time: each credential is read once.
#[derive(Debug)]
pub struct Kits<'a> {
    al_home: &'a Path,
    own: &'a OwnTypes,
    read: BTreeMap<Reference, Fields>,
}

impl<'a> Kits<'a> {
    pub fn new(al_home: &'a Path, own: &'a OwnTypes) -> Self {
        Self { al_home, own, read: BTreeMap::new() }
    }

    /// Puts one together, see [`kit`].
    ///
    /// # Errors
    /// Everything that is missing or cannot be used, one for each reference.
    pub fn kit(&mut self, references: &[String], bearer: Bearer) -> Result<Kit, Vec<Lack>> {
        let mut packer = Packer { kits: self, bearer, kit: Kit::default(), kinds: BTreeSet::new() };
        let mut packed = BTreeSet::new();
        let mut lacks = Vec::new();
        for text in references {
            match Reference::parse(text) {
                Ok(reference) if !packed.insert(reference.clone()) => {}
                Ok(reference) => lacks.extend(packer.pack(text, &reference).err()),
                Err(error) => lacks.push(lack(text, error.to_string(), "write `type:instance`")),
            }
        }
        if !lacks.is_empty() {
            return Err(lacks);
        }
        packer.configure_git();
        Ok(packer.kit)
    }

    fn fields(&mut self, reference: &Reference, known: Option<&CredentialType>) -> &Fields {
        self.read.entry(reference.clone()).or_insert_with(|| {
            let known = known.iter().flat_map(|known| known.fields.iter());
            let names: Vec<&str> = known.map(|field| &*field.name).collect();
            credentials::fields(self.al_home, reference, &names).map_err(|error| error.to_string())
        })
    }
}

fn lack(reference: &str, why: impl Into<String>, todo: impl Into<String>) -> Lack {
    Lack { reference: reference.to_owned(), why: why.into(), todo: todo.into() }
}

struct Packer<'k, 'a> {
    kits: &'k mut Kits<'a>,
    bearer: Bearer,
    kit: Kit,
    /// Types that are in the environment.
    kinds: BTreeSet<String>,
}

impl Packer<'_, '_> {
    fn pack(&mut self, text: &str, reference: &Reference) -> Result<(), Lack> {
        let known = credential_types::find(self.kits.own, &reference.kind);
        match known.map(|known| known.owner) {
            Some(Owner::Gateway) => return Ok(()),
            Some(Owner::Models) if self.bearer == Bearer::Thinker => return Ok(()),
            Some(Owner::Models | Owner::Run) | None => {}
        }
        let fields = self.read(text, reference, known)?;
        for (name, value) in &fields {
            let path = format!("{}/{}/{name}", reference.kind, reference.instance);
            // Keys are of no use to ssh without the last line's end.
            self.kit.files.push((path, format!("{}\n", value.reveal())));
            if known.and_then(|known| known.field(name)).is_none_or(|field| field.is_secret) {
                self.hide(value.reveal());
            }
        }
        let variables = self.export(text, reference, known, &fields)?;
        let note = match known {
            Some(known) if !variables.is_empty() && !known.note.is_empty() => {
                known.note.clone().into_owned()
            }
            _ => format!("in `${FOLDER}/{}/{}`", reference.kind, reference.instance),
        };
        self.kit.notes.push(Note { reference: text.to_owned(), variables, note });
        Ok(())
    }

    fn read(
        &mut self,
        text: &str,
        reference: &Reference,
        known: Option<&CredentialType>,
    ) -> Result<BTreeMap<String, Secret>, Lack> {
        let fields = self.kits.fields(reference, known).clone();
        let fields = fields.map_err(|why| lack(text, why, "then start the run again"))?;
        if fields.values().all(|value| value.reveal().is_empty()) {
            return Err(self.none(text, reference, known));
        }
        let value = |name: &str| fields.get(name).map(Secret::reveal);
        match known.and_then(|known| known.lack(value)) {
            Some(why) => Err(lack(text, why, format!("al creds rotate {reference}"))),
            None => Ok(fields),
        }
    }

    /// There is none. What is nearly a known type was meant to be one.
    fn none(&self, text: &str, reference: &Reference, known: Option<&CredentialType>) -> Lack {
        let kinds =
            TYPES.iter().map(|known| &*known.kind).chain(self.kits.own.keys().map(String::as_str));
        let meant = known.is_none().then(|| did_you_mean(&reference.kind, kinds)).flatten();
        let todo = match (known, meant) {
            (Some(_), _) => format!("al creds add {reference}"),
            (None, Some(meant)) => meant,
            (None, None) => {
                let folder = credentials::folder(self.kits.al_home, reference);
                format!("put it into {} (one file per field), mode 600", folder.display())
            }
        };
        lack(text, "there is none", todo)
    }

    /// Puts a credential into the environment; yields the names of its variables.
    fn export(
        &mut self,
        text: &str,
        reference: &Reference,
        known: Option<&CredentialType>,
        fields: &BTreeMap<String, Secret>,
    ) -> Result<Vec<String>, Lack> {
        let mut variables = Vec::new();
        let Some(known) = known else { return Ok(variables) };
        if !self.kinds.insert(reference.kind.clone()) {
            return Ok(variables);
        }
        for field in known.fields.iter() {
            let Some(value) = fields.get(&*field.name).map(Secret::reveal) else { continue };
            if value.contains('\0') && !field.variables.is_empty() {
                let why = format!("{} holds a NUL, which no variable can", field.name);
                return Err(lack(text, why, "write it as text"));
            }
            for name in field.variables.iter() {
                // Two types may share one: the first listed counts.
                if self.set(name, value) {
                    variables.push(name.to_owned());
                }
            }
        }
        if known.kind == "git_ssh" && fields.contains_key("id_rsa") {
            self.set("GIT_SSH_COMMAND", &ssh_command(&reference.instance));
            variables.insert(0, "GIT_SSH_COMMAND".to_owned());
        }
        if known.kind == "npm_token" {
            self.configure_npm(&reference.instance, fields.get("registry").map(Secret::reveal));
        }
        Ok(variables)
    }

    /// False when the variable has a value already.
    fn set(&mut self, name: &str, value: &str) -> bool {
        let is_new = self.kit.env.iter().all(|(other, _)| other != name);
        if is_new {
            self.kit.env.push((name.to_owned(), value.to_owned()));
        }
        is_new
    }

    /// The value must not be seen, nor may the key inside a document that holds one.
    fn hide(&mut self, value: &str) {
        if value.is_empty() {
            return;
        }
        self.kit.secrets.push(value.to_owned());
        if let Ok(Value::Object(document)) = serde_json::from_str(value) {
            let inside = ["private_key", "private_key_id", "client_secret", "refresh_token"];
            let inside = inside.iter().filter_map(|name| document.get(*name)?.as_str());
            self.kit.secrets.extend(inside.map(str::to_owned));
        }
    }

    /// Lets npm use the token, for its registry and no other. The token stands in no file.
    fn configure_npm(&mut self, instance: &str, registry: Option<&str>) {
        let registry = registry.unwrap_or(NPM_REGISTRY).trim_end_matches('/');
        let place = registry.split_once("://").map_or(registry, |(_, place)| place);
        let settings = format!("registry={registry}/\n//{place}/:_authToken=${{NPM_TOKEN}}\n");
        let path = format!("npm_token/{instance}/{NPM_SETTINGS}");
        self.set("NPM_CONFIG_USERCONFIG", &format!("${{{FOLDER}}}/{path}"));
        self.kit.files.push((path, settings));
    }

    /// Lets git answer for itself where it would ask for a password. The token goes to GitHub and to
    /// nobody else who asks, and a helper of this machine that would keep it is left out.
    fn configure_git(&mut self) {
        if self.kit.env.iter().all(|(name, _)| name != "GITHUB_TOKEN") {
            return;
        }
        self.set("GIT_TERMINAL_PROMPT", "0");
        self.set("GIT_CONFIG_COUNT", "2");
        for (n, value) in ["", HTTPS_HELPER].iter().enumerate() {
            self.set(&format!("GIT_CONFIG_KEY_{n}"), "credential.https://github.com.helper");
            self.set(&format!("GIT_CONFIG_VALUE_{n}"), value);
        }
    }
}

/// What npm is told when there is a token: npm reads no variable for it, but fills in those that a
/// file of settings names, and those in the name of that file.
const NPM_SETTINGS: &str = "npmrc";
const NPM_REGISTRY: &str = "https://registry.npmjs.org/";

/// Reads the token where it runs, so that it stands in no configuration.
const HTTPS_HELPER: &str = "!f() { if test \"$1\" = get; then \
     printf 'username=x-access-token\\npassword=%s\\n' \"$GITHUB_TOKEN\"; fi; }; f";

/// A line for the shell, which git starts it with.
fn ssh_command(instance: &str) -> String {
    let mut quoted = String::new();
    for c in instance.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    format!(
        "ssh -i \"${FOLDER}/git_ssh/{quoted}/id_rsa\" -o IdentitiesOnly=yes \
         -o StrictHostKeyChecking=accept-new"
    )
}

#[cfg(test)]
mod tests;
