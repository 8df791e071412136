//! The tools: their names, what a model is told of them, what they take. The JSON Schemas and the
//! checks of arguments come from here.

use serde_json::{Map, Value, json};

use crate::llm::Tool;

use super::arguments::Given;
use super::orders::{self, Order};
use super::{Outcome, Workshop, edit, find, grep, ls, read, write};

/// One tool.
pub(super) struct Row {
    pub name: &'static str,
    pub about: &'static str,
    pub fields: &'static [Field],
    /// It changes nothing, here or elsewhere.
    pub read_only: bool,
    pub does: Does,
}

/// One argument.
pub(super) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    pub about: &'static str,
}

/// What an argument may be.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A text with something in it.
    Text,
    /// A text that may be empty.
    AnyText,
    /// A span of time: seconds, or `90s`, `30m`, `1h30m`.
    Span,
    Number {
        least: u64,
        most: u64,
        default: u64,
    },
    /// True or false; false unless told.
    Flag,
    Texts,
    /// An object of texts.
    Pairs,
    OneOf(&'static [&'static str]),
}

/// What a tool does with its arguments.
#[derive(Clone, Copy)]
pub(super) enum Does {
    /// Runs a shell command.
    Shell,
    /// Works with files.
    Files(fn(&Workshop, &Given) -> Outcome),
    /// Uses a command of agents.
    Order(fn(&Given) -> Order),
}

const fn needs(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, required: true, about }
}

const fn may(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, required: false, about }
}

const TIMEOUT: Field =
    may("timeout", Kind::Span, "give up after this time: seconds, or 90s, 30m, 1h30m");

pub(super) const TABLE: [Row; 16] = [
    Row {
        name: "bash",
        about: "Runs a shell command in the work folder and returns its output (stdout and stderr \
                as they come) and its exit code. Every call is a new shell with empty stdin: a `cd` \
                ends with the call, variables set with `setenv NAME VALUE` stay. The middle of long \
                output is left out; all of it is then in a file that the result names. Programs in \
                the background go on after the call only when their output is redirected.",
        fields: &[
            needs("command", Kind::Text, "the command; several lines are fine"),
            may(
                "timeout_s",
                Kind::Number { least: 1, most: 3600, default: 120 },
                "seconds after which the command and all it started is ended",
            ),
        ],
        read_only: false,
        does: Does::Shell,
    },
    Row {
        name: "read",
        about: "Reads a text file and returns its lines, each after its number and a tab, which are \
                no part of the file. Relative paths begin at the work folder; your own files (those \
                beside SKILL.md) are found too. Of a long file you get a part: go on with `offset`.",
        fields: &[
            needs("path", Kind::Text, "the file"),
            may(
                "offset",
                Kind::Number { least: 1, most: 1 << 40, default: 1 },
                "the first line, counted from 1",
            ),
            may("limit", Kind::Number { least: 1, most: 10_000, default: 2000 }, "how many lines"),
        ],
        read_only: true,
        does: Does::Files(read::read),
    },
    Row {
        name: "write",
        about: "Writes a file, in place of the one that is there; folders on the way are made. To \
                change part of a file use `edit`.",
        fields: &[
            needs("path", Kind::Text, "the file"),
            needs("content", Kind::AnyText, "all of its text"),
        ],
        read_only: false,
        does: Does::Files(write::write),
    },
    Row {
        name: "edit",
        about: "Replaces a text in a file. `old` must be exactly what stands there, white space \
                included and without line numbers, and must stand there once: take in lines around \
                it until it does.",
        fields: &[
            needs("path", Kind::Text, "the file"),
            needs("old", Kind::Text, "the text that is there"),
            needs("new", Kind::AnyText, "the text that takes its place"),
        ],
        read_only: false,
        does: Does::Files(edit::edit),
    },
    Row {
        name: "grep",
        about: "Finds lines in files by a regular expression (no look-around, no back-references) \
                and returns them as path:line:text. Looks through a folder with all below it, except \
                for binary files, .git and what .gitignore names.",
        fields: &[
            needs("pattern", Kind::Text, "the regular expression, held against each line"),
            may("path", Kind::Text, "the file or folder; the work folder unless told"),
            may(
                "glob",
                Kind::Text,
                "only these files: `*.rs`, `src/**/*.ts`; or not these: `!*.lock`",
            ),
            may("ignore_case", Kind::Flag, "whether upper and lower case are the same"),
            may(
                "context",
                Kind::Number { least: 0, most: 20, default: 0 },
                "lines to show before and after each",
            ),
            may("limit", Kind::Number { least: 1, most: 1000, default: 100 }, "how many matches"),
        ],
        read_only: true,
        does: Does::Files(grep::grep),
    },
    Row {
        name: "find",
        about: "Finds files and folders by a glob and returns their paths, folders with a / at the \
                end. A glob without / is held against names at any depth, one with / against paths. \
                Leaves out .git and what .gitignore names.",
        fields: &[
            needs("pattern", Kind::Text, "the glob: `*.toml`, `src/**/mod.rs`"),
            may("path", Kind::Text, "the folder; the work folder unless told"),
            may("limit", Kind::Number { least: 1, most: 2000, default: 200 }, "how many paths"),
        ],
        read_only: true,
        does: Does::Files(find::find),
    },
    Row {
        name: "ls",
        about: "Lists a folder by name: folders with a / at the end, files with their size in \
                bytes, links with where they lead.",
        fields: &[
            may("path", Kind::Text, "the folder; the work folder unless told"),
            may("limit", Kind::Number { least: 1, most: 5000, default: 500 }, "how many names"),
        ],
        read_only: true,
        does: Does::Files(ls::ls),
    },
    Row {
        name: "set_status",
        about: "Shows a person, in one short sentence, what you are doing.",
        fields: &[needs("text", Kind::Text, "the sentence")],
        read_only: false,
        does: Does::Order(orders::status),
    },
    Row {
        name: "return_value",
        about: "Leaves the result of this run for whoever called it; the last one counts.",
        fields: &[needs("value", Kind::AnyText, "the result")],
        read_only: false,
        does: Does::Order(orders::result),
    },
    Row {
        name: "request_rerun",
        about: "Asks for another run after this one, because more work is waiting.",
        fields: &[],
        read_only: false,
        does: Does::Order(orders::rerun),
    },
    Row {
        name: "acquire_lock",
        about: "Takes a lock, so that no other run works on the same thing. Answers at once whether \
                it is yours, unless you wait for it.",
        fields: &[
            needs("resource_key", Kind::Text, "a URI, like github://owner/repo/issues/1"),
            may(
                "ttl",
                Kind::Span,
                "when it frees itself: seconds, or 30m (what it is unless told)",
            ),
            may("wait", Kind::Span, "try again for so long; a deadlock ends it at once"),
        ],
        read_only: false,
        does: Does::Order(orders::acquire),
    },
    Row {
        name: "release_lock",
        about: "Frees a lock of this run.",
        fields: &[needs("resource_key", Kind::Text, "the same as when it was taken")],
        read_only: false,
        does: Does::Order(orders::release),
    },
    Row {
        name: "call_agent",
        about: "Starts a run of another agent and returns the id of the call at once; `check_call` \
                says what came of it.",
        fields: &[
            needs("agent", Kind::Text, "its name"),
            may("context", Kind::AnyText, "what it is told: all it needs to know"),
            may("key", Kind::Text, "calls with the same key are one call"),
        ],
        read_only: false,
        does: Does::Order(orders::call),
    },
    Row {
        name: "check_call",
        about: "Says how a call stands, and what it returned when it has ended.",
        fields: &[needs("call_id", Kind::Text, "what `call_agent` answered")],
        read_only: true,
        does: Does::Order(orders::check),
    },
    Row {
        name: "wait_for_trigger",
        about: "Waits for a webhook, or for a call by another agent, and returns what it brought. \
                This run stands still meanwhile.",
        fields: &[
            needs("type", Kind::OneOf(&["webhook", "agent_trigger"]), "what to wait for"),
            may("source", Kind::Text, "webhook: of this source only"),
            may("event", Kind::Text, "webhook: of this kind only"),
            may(
                "match",
                Kind::Pairs,
                "webhook: only with these texts, by path, like {\"action\": \"opened\"}",
            ),
            may("source_agent", Kind::Text, "agent_trigger: called by this one only"),
            TIMEOUT,
        ],
        read_only: false,
        does: Does::Order(orders::wait_for),
    },
    Row {
        name: "ask_operator",
        about: "Asks a person a question and returns the answer. This run stands still meanwhile, \
                which may take long: ask only what you cannot find out or decide.",
        fields: &[
            needs("question", Kind::Text, "the question, with all one needs to know to answer it"),
            may("choices", Kind::Texts, "answers to choose from"),
            TIMEOUT,
        ],
        read_only: false,
        does: Does::Order(orders::ask),
    },
];

/// The tool of that name.
///
/// # Errors
/// A sentence with the names there are.
pub(super) fn find(name: &str) -> Result<&'static Row, String> {
    const ROWS: &[Row] = &TABLE;
    ROWS.iter().find(|row| row.name == name).ok_or_else(|| {
        let all: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        let name = super::super::report::cut(name, 60);
        format!("there is no tool {name:?}; there are {}", all.join(", "))
    })
}

impl Row {
    /// The argument of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// As a model is told of it.
    pub fn tool(&self) -> Tool {
        let properties: Map<String, Value> =
            self.fields.iter().map(|field| (field.name.to_owned(), field.schema())).collect();
        let required: Vec<&str> =
            self.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        let parameters = json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        Tool { name: self.name, about: self.about.to_owned(), parameters }
    }
}

impl Field {
    fn schema(&self) -> Value {
        let mut schema = self.kind.schema();
        schema["description"] = self.about.into();
        schema
    }
}

impl Kind {
    fn schema(self) -> Value {
        match self {
            Self::Text | Self::AnyText | Self::Span => json!({"type": "string"}),
            Self::Number { least, most, default } => {
                json!({"type": "integer", "minimum": least, "maximum": most, "default": default})
            }
            Self::Flag => json!({"type": "boolean", "default": false}),
            Self::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Self::Pairs => json!({"type": "object", "additionalProperties": {"type": "string"}}),
            Self::OneOf(all) => json!({"type": "string", "enum": all}),
        }
    }

    /// What it is, in a complaint.
    pub fn wants(self) -> String {
        match self {
            Self::Text => "a text that is not empty".to_owned(),
            Self::AnyText => "a text".to_owned(),
            Self::Span => "a span of time like \"90s\" or \"1h30m\"".to_owned(),
            Self::Number { least, most, .. } => format!("a whole number from {least} to {most}"),
            Self::Flag => "true or false".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Pairs => "an object whose values are texts".to_owned(),
            Self::OneOf(all) => format!("one of {}", all.join(", ")),
        }
    }
}
