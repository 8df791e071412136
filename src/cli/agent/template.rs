//! Agents that are ready to use, and what their files say.

use serde_json::Value as Json;
use toml_edit::{Array, Value};

use crate::cli::offer::Offer;
use crate::cli::stage::NewFile;

/// A kind of agent.
#[derive(Debug)]
pub struct Template {
    pub word: &'static str,
    pub about: &'static str,
    /// What the agent is for, unless its person says otherwise.
    pub description: &'static str,
    skill: &'static str,
    pub schedule: &'static str,
    pub credentials: &'static [&'static str],
    /// Values for its prompt: name, what it is, and what stands there until somebody says.
    pub params: &'static [(&'static str, &'static str, &'static str)],
    /// Filters of the webhook that it is made for.
    filters: &'static [(&'static str, &'static [&'static str])],
}

const REPO: (&str, &str, &str) = ("repo", "Repository", "owner/name");

/// All of them; the last is for everything else.
pub static TEMPLATES: &[Template] = &[
    Template {
        word: "dev",
        about: "turns labelled issues into pull requests",
        description: "Turns labelled issues into pull requests",
        skill: include_str!("templates/dev.md"),
        schedule: "0 * * * *",
        credentials: &["github_token"],
        params: &[REPO, ("label", "Label", "al")],
        filters: &[("events", &["issues"]), ("actions", &["labeled"]), ("labels", &["al"])],
    },
    Template {
        word: "reviewer",
        about: "reviews pull requests, and never merges",
        description: "Reviews open pull requests",
        skill: include_str!("templates/reviewer.md"),
        schedule: "*/30 * * * *",
        credentials: &["github_token"],
        params: &[REPO],
        filters: &[("events", &["pull_request"]), ("actions", &["opened", "synchronize"])],
    },
    Template {
        word: "devops",
        about: "finds out why something failed, and reports it",
        description: "Finds out why builds and services fail",
        skill: include_str!("templates/devops.md"),
        schedule: "*/15 * * * *",
        credentials: &["github_token"],
        params: &[REPO, ("urls", "Addresses that have to answer", "https://example.com/")],
        filters: &[("events", &["workflow_run"]), ("conclusions", &["failure"])],
    },
    Template {
        word: "triage",
        about: "labels new issues, and asks for what is missing",
        description: "Sorts new issues and asks for what is missing",
        skill: include_str!("templates/triage.md"),
        schedule: "*/10 * * * *",
        credentials: &["github_token"],
        params: &[REPO],
        filters: &[("events", &["issues"]), ("actions", &["opened"])],
    },
    Template {
        word: "custom",
        about: "an outline for everything else",
        description: "Does something useful",
        skill: include_str!("templates/custom.md"),
        schedule: "0 * * * *",
        credentials: &[],
        params: &[],
        filters: &[("events", &["issues"])],
    },
];

const SCRIPT: &str = include_str!("templates/script.sh");
/// What a script is called in its folder.
const PROGRAM: &str = "run.sh";

pub fn template(word: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.word == word)
}

/// Who thinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thinker {
    /// Our own loop with these models, in the order of preference.
    Models(Vec<String>),
    /// Another command line, with these models' keys.
    Engine(&'static str, Vec<String>),
    /// A program.
    Script,
}

/// An agent that is to be.
#[derive(Debug, Clone)]
pub struct Plan {
    pub name: String,
    pub description: String,
    pub template: &'static Template,
    pub thinker: Thinker,
    /// The model that it thinks with, when the project is to get it now.
    pub offer: Option<Offer>,
    pub runtime: String,
    /// A cron expression or a span; none for an agent without.
    pub schedule: Option<String>,
    /// Sources of the project, with the events that are wanted; none for what the template takes.
    pub webhooks: Vec<(String, Vec<String>)>,
    pub credentials: Vec<String>,
    pub params: Vec<(String, String)>,
}

impl Plan {
    /// The files of its folder.
    pub fn files(&self) -> Vec<NewFile> {
        let mut files = vec![
            NewFile::new("SKILL.md", self.fill(self.template.skill)),
            NewFile::new("config.toml", self.config()),
        ];
        if self.thinker == Thinker::Script {
            files.push(NewFile::program(PROGRAM, self.fill(SCRIPT)));
        }
        files
    }

    fn fill(&self, text: &str) -> String {
        let (front, body) = match text.strip_prefix("---\n").and_then(|t| t.split_once("\n---\n")) {
            Some((front, body)) => {
                let front = front.replace("{{description}}", &yaml(&self.description));
                (format!("---\n{front}\n---\n"), body)
            }
            None => (String::new(), text),
        };
        let sentence = match self.description.ends_with(['.', '!', '?']) {
            true => self.description.clone(),
            false => format!("{}.", self.description),
        };
        let title = self.name.replace('-', " ");
        let mut letters = title.chars();
        let title: String =
            letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        let body = body.replace("{{description}}", &sentence).replace("{{title}}", &title);
        format!("{front}{body}").replace("{{name}}", &self.name)
    }

    fn config(&self) -> String {
        let name = &self.name;
        let mut text = format!(
            "# When and how {name} runs. What it does stands in SKILL.md.\n\
             # al agent config {name} changes this, al config keys --agent lists all there is.\n\n"
        );
        self.who(&mut text);
        self.when(&mut text);
        self.limits(&mut text);
        self.webhooks(&mut text);
        self.params(&mut text);
        if self.thinker == Thinker::Script {
            text.push_str(&format!(
                "\n# A program thinks here, not a model.\n[harness]\ntype = \"script\"\n\
                 command = [\"{PROGRAM}\"]\n"
            ));
        }
        if let Thinker::Engine(engine, _) = self.thinker {
            text.push_str(&format!("\n[harness]\ntype = \"{engine}\"\n"));
        }
        text.push_str(&format!(
            "\n# container: apart from this machine. process: here, as you. host-user: as\n\
             # another user.\n\
             [runtime]\ntype = {}\n",
            string(&self.runtime)
        ));
        text
    }

    fn who(&self, text: &mut String) {
        match &self.thinker {
            Thinker::Models(models) | Thinker::Engine(_, models) if !models.is_empty() => {
                text.push_str("# [models.<name>] of the project's config.toml; the first that answers counts.\n");
                text.push_str(&format!("models = {}\n\n", list(models)));
            }
            Thinker::Models(_) | Thinker::Engine(..) | Thinker::Script => {}
        }
        text.push_str("# What its runs are given, and nothing else: al creds ls\n");
        match self.credentials.is_empty() {
            true => text.push_str("# credentials = [\"github_token\"]\n"),
            false => text.push_str(&format!("credentials = {}\n", list(&self.credentials))),
        }
    }

    fn when(&self, text: &mut String) {
        text.push_str("\n# When it starts by itself; al cron '<expression>' says it in words.\n");
        let example = string(self.template.schedule);
        match &self.schedule {
            Some(span) if is_span(span) => {
                text.push_str(&format!("every = {}\n# schedule = {example}\n", string(span)));
            }
            Some(schedule) => {
                text.push_str(&format!("schedule = {}\n", string(schedule)));
                text.push_str("# timezone = \"Europe/Berlin\"\n");
            }
            None => text.push_str(&format!("# schedule = {example}\n")),
        }
    }

    fn limits(&self, text: &mut String) {
        text.push('\n');
        if self.schedule.is_none() && self.webhooks.is_empty() {
            text.push_str(
                "scale = 0          # nothing starts it; take this out with a schedule\n",
            );
        } else {
            text.push_str("# scale = 1          # runs at once; 0 switches it off\n");
        }
        text.push_str("# timeout = 900      # seconds that a run may take\n");
        if self.thinker != Thinker::Script {
            text.push_str("# budget = { perRun = \"$2\", perDay = \"$20\" }\n");
        }
    }

    fn webhooks(&self, text: &mut String) {
        let filters = |mark: &str| {
            let line = |(key, values): &(&str, &[&str])| {
                let values: Vec<String> = values.iter().map(|v| (*v).to_owned()).collect();
                format!("{mark}{key} = {}\n", list(&values))
            };
            self.template.filters.iter().map(line).collect::<String>()
        };
        if self.webhooks.is_empty() {
            text.push_str("\n# Deliveries that start it, from [webhooks.github] of the project's config.toml.\n");
            text.push_str("# [[webhooks]]\n# source = \"github\"\n");
            text.push_str(&filters("# "));
        }
        for (source, events) in &self.webhooks {
            text.push_str(&format!("\n[[webhooks]]\nsource = {}\n", string(source)));
            match events.is_empty() {
                true => text
                    .push_str("# events = []       # without filters, every delivery starts it\n"),
                false => text.push_str(&format!("events = {}\n", list(events))),
            }
        }
    }

    fn params(&self, text: &mut String) {
        match self.params.is_empty() {
            true => {
                text.push_str("\n# Values for its prompt.\n# [params]\n# repo = \"owner/name\"\n")
            }
            false => text.push_str("\n# Values for its prompt.\n[params]\n"),
        }
        for (name, value) in &self.params {
            let value = value.parse::<Value>().unwrap_or_else(|_| value.as_str().into());
            let key = toml_edit::Key::new(name.as_str());
            text.push_str(&format!("{} = {}\n", key.display_repr(), value.to_string().trim()));
        }
    }
}

/// `5m`, as opposed to a cron expression.
pub fn is_span(text: &str) -> bool {
    !text.contains(' ') && !text.starts_with('@')
}

fn string(text: &str) -> String {
    Value::from(text).to_string()
}

fn list(texts: &[String]) -> String {
    texts.iter().map(String::as_str).collect::<Array>().to_string()
}

/// A text of front matter, in quotes where YAML would read something else.
fn yaml(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " ,.;()/-".contains(c);
    let is_words = text.contains(' ') && text.starts_with(char::is_alphabetic);
    match is_words && text.chars().all(plain) && !text.ends_with(' ') {
        true => text.to_owned(),
        false => Json::from(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            name: "night-watch".to_owned(),
            description: "Looks: every \"hour\"".to_owned(),
            template: &TEMPLATES[4],
            thinker: Thinker::Models(vec!["sonnet".to_owned()]),
            offer: None,
            runtime: "process".to_owned(),
            schedule: Some("5m".to_owned()),
            webhooks: vec![("github".to_owned(), vec!["push".to_owned()])],
            credentials: vec!["github_token".to_owned()],
            params: vec![("repo".to_owned(), "a/b".to_owned()), ("n".to_owned(), "3".to_owned())],
        }
    }

    #[test]
    fn a_description_stays_what_it_was() {
        let check = |text: &str, expected: &str| assert_eq!(yaml(text), expected);
        check(
            "Turns labelled issues into pull requests",
            "Turns labelled issues into pull requests",
        );
        check("Looks: every \"hour\"", "\"Looks: every \\\"hour\\\"\"");
        check("true", "\"true\"");
        check("- a b", "\"- a b\"");
        let files = plan().files();
        assert!(files[0].text.contains("\n# Night watch\n"), "{}", files[0].text);
        assert!(!files[0].text.contains("{{"), "{}", files[0].text);
    }
}
