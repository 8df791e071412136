//! `al creds show`: one credential, with its secrets only for who asks for them.

use serde_json::{Map, Value, json};

use super::{elsewhere_or_none, known, own_types, reference, unreadable, used_by, wants};
use crate::cli::paint::{Tone, safe, visible};
use crate::cli::paths::short;
use crate::cli::{Context, output, times};
use crate::failure::Failure;
use crate::project::credential_types;
use crate::project::credentials::{self, Reference, Secret};

/// Show a credential; its secrets stay hidden
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ShowArgs {
    /// TYPE or TYPE:INSTANCE
    #[arg(value_name = "CREDENTIAL")]
    pub credential: String,

    /// Print the secrets too
    #[arg(long)]
    pub reveal: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &ShowArgs, context: &Context) -> Result<(), Failure> {
    let reference = reference(&args.credential)?;
    let own = own_types(context);
    let of = credential_types::find(&own, &reference.kind);
    let names: Vec<&str> = of.iter().flat_map(|of| of.fields.iter()).map(|f| &*f.name).collect();
    let home = &context.al_home;
    let fields = credentials::fields(home, &reference, &names).map_err(|e| unreadable(&e))?;
    if fields.is_empty() {
        known(&own, &reference.kind)?;
        return Err(elsewhere_or_none(&reference, context));
    }
    let origin = credentials::origin(home, &reference).map_err(|e| unreadable(&e))?;
    let is_secret =
        |name: &str| of.and_then(|of| of.field(name)).is_none_or(|field| field.is_secret);
    let shown: Vec<Shown> = fields
        .iter()
        .map(|(name, value)| Shown { name, value, hidden: is_secret(name) && !args.reveal })
        .collect();
    let page = Page { reference: &reference, origin: origin.unwrap_or_default(), shown };
    output::print(&match args.json {
        true => format!("{}\n", page.document(context)),
        false => page.text(of.map(|of| &*of.title), context),
    })
}

struct Shown<'a> {
    name: &'a str,
    value: &'a Secret,
    hidden: bool,
}

struct Page<'a> {
    reference: &'a Reference,
    origin: String,
    shown: Vec<Shown<'a>>,
}

/// A value for the eyes: what would drive the terminal is written out. One of many lines begins on
/// a line of its own.
fn shown(value: &str) -> String {
    let lines: Vec<String> = value.split('\n').map(visible).collect();
    match lines.len() {
        1 => lines.concat(),
        _ => format!("\n{}", lines.join("\n")),
    }
}

impl Page<'_> {
    fn text(&self, title: Option<&str>, context: &Context) -> String {
        let (paint, home) = (context.look.out, &context.al_home);
        let mut lines = vec![("from", self.place(context))];
        if let Some(at) = credentials::written_ms(home, self.reference) {
            lines.push((
                "written",
                format!("{} ago", times::span(context.now_ms.saturating_sub(at))),
            ));
        }
        lines.push((
            "used",
            match credentials::last_use(home, self.reference) {
                Some(used) => format!(
                    "{} ago by {} of {}",
                    times::span(context.now_ms.saturating_sub(used.at)),
                    used.agent,
                    used.project
                ),
                None => "never, as far as is known".to_owned(),
            },
        ));
        let users = wants::of(context).by(self.reference);
        if !users.is_empty() {
            lines.push(("wanted", used_by(self.reference, &users)));
        }
        let name = paint.on(Tone::Strong, &self.reference.to_string());
        let mut text = match title {
            Some(title) => format!("{name}  {title}\n"),
            None => format!("{name}  no known type\n"),
        };
        for (word, value) in lines {
            text.push_str(&format!("{:<9}{}\n", format!("{word}:"), safe(&value)));
        }
        text.push('\n');
        let width = self.shown.iter().map(|field| field.name.len()).max().unwrap_or_default();
        for Shown { name, value, hidden } in &self.shown {
            let value = match hidden {
                // Not even how long it is.
                true => paint.on(Tone::Dim, "(hidden)"),
                false => shown(value.reveal()),
            };
            text.push_str(&format!("{:<width$}  {value}\n", safe(name)));
        }
        if self.shown.iter().any(|field| field.hidden) {
            text.push_str(&format!("\nal creds show {} --reveal prints all\n", self.reference));
        }
        text
    }

    fn place(&self, context: &Context) -> String {
        match self.origin.as_str() {
            "file" => short(&credentials::folder(&context.al_home, self.reference)),
            other => other.to_owned(),
        }
    }

    fn document(&self, context: &Context) -> Value {
        let home = &context.al_home;
        let field = |shown: &Shown<'_>| {
            let value = if shown.hidden { Value::Null } else { json!(shown.value.reveal()) };
            (shown.name.to_owned(), json!({"hidden": shown.hidden, "value": value}))
        };
        json!({
            "type": self.reference.kind,
            "instance": self.reference.instance,
            "source": self.origin,
            "folder": (self.origin == "file").then(|| credentials::folder(home, self.reference)),
            "writtenMs": credentials::written_ms(home, self.reference),
            "lastUse": credentials::last_use(home, self.reference),
            "wantedBy": wants::of(context).by(self.reference),
            "fields": self.shown.iter().map(field).collect::<Map<_, _>>(),
        })
    }
}
