//! `[webhooks.<name>]` of the type `generic`: a sender that the project describes.

use std::fmt;

use super::model::{Generic, Hash, Locator, Mapped, Signature, Step};
use super::problem::{Problem, Problems, quoted};
use super::providers::Field;
use super::tree::{Entry, Node, Table};

/// Keys that only a generic source has.
pub const KEYS: [&str; 3] = ["signature", "deliveryId", "fields"];

impl Mapped {
    pub const ALL: [Self; 14] = [
        Self::Event,
        Self::Action,
        Self::Repo,
        Self::Number,
        Self::Title,
        Self::Body,
        Self::Url,
        Self::Author,
        Self::Assignee,
        Self::Labels,
        Self::Branch,
        Self::Conclusion,
        Self::Comment,
        Self::Sender,
    ];

    /// The key in `[webhooks.<name>.fields]`, and the name in the context.
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Action => "action",
            Self::Repo => "repo",
            Self::Number => "number",
            Self::Title => "title",
            Self::Body => "body",
            Self::Url => "url",
            Self::Author => "author",
            Self::Assignee => "assignee",
            Self::Labels => "labels",
            Self::Branch => "branch",
            Self::Conclusion => "conclusion",
            Self::Comment => "comment",
            Self::Sender => "sender",
        }
    }
}

/// What a filter of a generic source looks at; none for filters that it does not have.
pub fn looked_at(filter: Field) -> Option<Mapped> {
    Some(match filter {
        Field::Events => Mapped::Event,
        Field::Actions => Mapped::Action,
        Field::Repos | Field::Orgs => Mapped::Repo,
        Field::Labels => Mapped::Labels,
        Field::Assignee => Mapped::Assignee,
        Field::Author => Mapped::Author,
        Field::Branches => Mapped::Branch,
        Field::Conclusions => Mapped::Conclusion,
        Field::Resources
        | Field::Organizations
        | Field::Projects
        | Field::Guilds
        | Field::DiscordChannels
        | Field::Commands
        | Field::SlackChannels
        | Field::TeamIds
        | Field::Users => return None,
    })
}

impl Locator {
    /// Reads `header:<name>`, a JSON pointer (`/data/id`), or a path with dots (`data.labels.*.name`)
    /// in which `*` is every element of a list.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("header:") {
            return header(name.trim()).map(Self::Header);
        }
        if let Some(pointer) = text.strip_prefix('/') {
            let steps = pointer.split('/').map(|step| unescaped(step).map(Step::Key));
            return steps.collect::<Result<_, _>>().map(Self::Body);
        }
        let steps = text.split('.').map(|step| match step {
            "" => Err("there has to be a name between the dots".to_owned()),
            "*" => Ok(Step::Each),
            name => Ok(Step::Key(name.to_owned())),
        });
        steps.collect::<Result<_, _>>().map(Self::Body)
    }
}

/// As it would be written.
impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = match self {
            Self::Header(name) => return write!(f, "header:{name}"),
            Self::Body(steps) => steps,
        };
        let dotted = |step: &Step| match step {
            Step::Each => true,
            Step::Key(name) => !name.is_empty() && name != "*" && !name.contains(['.', '/']),
        };
        if steps.iter().all(dotted) {
            let names = steps.iter().map(|step| match step {
                Step::Each => "*",
                Step::Key(name) => name.as_str(),
            });
            return f.write_str(&names.collect::<Vec<_>>().join("."));
        }
        steps.iter().try_for_each(|step| match step {
            Step::Each => f.write_str("/*"),
            Step::Key(name) => write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")),
        })
    }
}

/// The name of a header in lower case.
fn header(name: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(format!("{} is no name of a header", quoted(name)));
    }
    Ok(name.to_ascii_lowercase())
}

/// `~1` is a slash and `~0` a tilde.
fn unescaped(step: &str) -> Result<String, String> {
    let mut parts = step.split('~');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (c, rest) = match (part.strip_prefix('0'), part.strip_prefix('1')) {
            (Some(rest), _) => ('~', rest),
            (None, Some(rest)) => ('/', rest),
            (None, None) => {
                return Err("`~` in a JSON pointer is written `~0`, and `/` is `~1`".to_owned());
            }
        };
        text.push(c);
        text.push_str(rest);
    }
    Ok(text)
}

/// Reads what describes the sender; `entry` is the table of the source.
pub fn read(entry: &Entry, table: &Table, unsigned: bool, problems: &mut Problems) -> Generic {
    let signature = match table.table("signature") {
        Some(signature) => read_signature(table.node("signature"), signature, problems),
        None => {
            if !unsigned && !table.is_bad("signature") {
                let message = format!("generic webhook source {} has no `signature`", entry.key);
                problems.push(Problem::error_at(&entry.key_at, message).code("webhook_signature").hint(
                    "say how its deliveries are signed: `signature = { header = \"x-signature\" }`, \
                     or `{ scheme = \"standard-webhooks\" }`",
                ));
            }
            None
        }
    };
    let empty = Table::default();
    let fields = table.table("fields").unwrap_or(&empty);
    Generic {
        signature,
        delivery_id: locator(table, "deliveryId", problems),
        fields: Mapped::ALL
            .into_iter()
            .filter_map(|field| Some((field, locator(fields, field.name(), problems)?)))
            .collect(),
    }
}

fn read_signature(
    node: Option<&Node>,
    table: &Table,
    problems: &mut Problems,
) -> Option<Signature> {
    if table.text("scheme") == Some("standard-webhooks") {
        for entry in table.entries.iter().filter(|entry| entry.key != "scheme") {
            let message = format!("`{}` is not read: Standard Webhooks say all of it", entry.key);
            problems.push(Problem::error_at(&entry.key_at, message).code("key_unread").warning());
        }
        return Some(Signature::StandardWebhooks);
    }
    let Some(name) = table.text("header") else {
        if !table.is_bad("header") && !table.is_bad("scheme") {
            let message = "`signature` has no `header`".to_owned();
            if let Some(node) = node {
                let problem = Problem::error_at(&node.at, message).code("webhook_signature");
                problems.push(problem.hint("name it: `header = \"x-signature\"`"));
            }
        }
        return None;
    };
    match header(name) {
        Ok(header) => Some(Signature::Hmac {
            header,
            prefix: table.text("prefix").unwrap_or_default().to_owned(),
            hash: match table.text("algorithm") {
                Some("sha1") => Hash::Sha1,
                Some("sha512") => Hash::Sha512,
                _ => Hash::Sha256,
            },
            is_base64: table.text("encoding") == Some("base64"),
        }),
        Err(why) => {
            if let Some(node) = table.node("header") {
                problems.push(Problem::error_at(&node.at, why).code("webhook_signature"));
            }
            None
        }
    }
}

fn locator(table: &Table, key: &str, problems: &mut Problems) -> Option<Locator> {
    let node = table.node(key)?;
    match Locator::parse(table.text(key)?) {
        Ok(locator) => Some(locator),
        Err(why) => {
            let problem =
                Problem::error_at(&node.at, format!("bad `{key}`: {why}")).code("value_wrong");
            problems.push(problem.hint(
                "it is `header:<name>`, a JSON pointer like `/data/id`, or a path like `data.id`",
            ));
            None
        }
    }
}

/// That a filter looks at something of which the source does not say where it stands. Such a filter
/// would hold always or never.
pub fn unmapped(entry: &Entry, filter: Field, source: &str, table: &Table) -> Option<Problem> {
    let name = looked_at(filter)?.name();
    if table.table("fields").is_some_and(|fields| fields.node(name).is_some()) {
        return None;
    }
    let message =
        format!("`{}` cannot be judged: [webhooks.{source}] has no field `{name}`", entry.key);
    let hint = format!("add `{name} = \"...\"` to [webhooks.{source}.fields]");
    Some(Problem::error_at(&entry.key_at, message).code("filter_unmapped").hint(hint))
}

/// Says that keys of a generic source are not looked at in another one.
pub fn not_read(table: &Table, kind: &str, problems: &mut Problems) {
    for entry in table.entries.iter().filter(|entry| KEYS.contains(&entry.key.as_str())) {
        let message = format!("`{}` is for `type = \"generic\"`; this is {kind}", entry.key);
        problems.push(
            Problem::error_at(&entry.key_at, message)
                .code("key_unread")
                .warning()
                .hint("take it out"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::schema;

    #[test]
    fn a_place_in_a_delivery_is_a_header_a_pointer_or_a_path() {
        let check = |text: &str, wanted: Result<Locator, &str>| {
            let found = Locator::parse(text);
            assert_eq!(found.as_ref().map_err(String::as_str), wanted.as_ref().map_err(|e| *e));
            if let Ok(found) = found {
                assert_eq!(Locator::parse(&found.to_string()), Ok(found), "{text}");
            }
        };
        let body = |steps: &[&str]| {
            let step = |s: &&str| if *s == "*" { Step::Each } else { Step::Key((*s).to_owned()) };
            Ok(Locator::Body(steps.iter().map(step).collect()))
        };
        check("header:X-Event", Ok(Locator::Header("x-event".to_owned())));
        check("header: x-event", Ok(Locator::Header("x-event".to_owned())));
        check("event", body(&["event"]));
        check("data.labels.*.name", body(&["data", "labels", "*", "name"]));
        check("data.commits.0.id", body(&["data", "commits", "0", "id"]));
        check("/data/id", body(&["data", "id"]));
        check("/a~1b/c~0d/e.f", body(&["a/b", "c~d", "e.f"]));
        check("/", body(&[""]));
        check("/a~2b", Err("`~` in a JSON pointer is written `~0`, and `/` is `~1`"));
        check("/a~", Err("`~` in a JSON pointer is written `~0`, and `/` is `~1`"));
        check("", Err("there has to be a name between the dots"));
        check("data..id", Err("there has to be a name between the dots"));
        check("header:", Err("`` is no name of a header"));
        check("header:a b", Err("`a b` is no name of a header"));
        assert_eq!(Locator::parse("/*"), Ok(Locator::Body(vec![Step::Key("*".to_owned())])));
    }

    #[test]
    fn every_field_of_the_context_has_its_key() {
        let keys: Vec<&str> = schema::MAPPED.keys.iter().map(|key| key.name).collect();
        assert_eq!(keys, Mapped::ALL.map(Mapped::name));
        for key in KEYS {
            assert!(schema::WEBHOOK.key(key).is_some(), "{key}");
        }
    }
}
