//! The menu over all settings of a file. Every entry says which flag does the same.
//!
//! What is chosen is gathered and written at once at the end, so that Ctrl-C anywhere leaves the
//! file as it was.

use super::sections::sections;
use super::target::{Plan, Target, refusal, show};
use crate::cli::prompt::{Choice, Prompt, Question};
use crate::cli::{diff, output};
use crate::failure::Failure;
use crate::llm::providers::PROVIDERS as MODEL_PROVIDERS;
use crate::project::credential_types::of_runs;
use crate::project::providers::{PROVIDERS, provider};
use crate::project::schema::{self, Scope};
use crate::project::settings::{Change, Settings, path};
use crate::project::{Key, Kind, Project, Severity};

const BACK: &str = "back";
const ADD: &str = "add";
/// Characters of a line below a question, with room for how several are chosen.
const HELP: usize = 76;
const OTHER: &str = "other";

/// Edits a file until its person has enough.
///
/// # Errors
/// When they interrupt, or the file cannot be read or written; it is as it was then.
pub fn menu(target: &Target<'_>) -> Result<(), Failure> {
    let text = target.read()?;
    let settings = target.settings(&text)?;
    let problems = target.problems();
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        show(&problems, target.context());
    }
    let (project, _) = target.context().request(crate::project::survey);
    let prompt = Prompt::new(target.context().look.err);
    let mut menu = Menu { target, prompt, settings, text, changes: Vec::new(), project };
    while !menu.round()? {}
    Ok(())
}

struct Menu<'t> {
    target: &'t Target<'t>,
    prompt: Prompt,
    /// With all changes.
    settings: Settings,
    /// As it was when the menu began.
    text: String,
    changes: Vec<Change>,
    project: Option<Project>,
}

type Parts<'p> = &'p [String];

impl Menu<'_> {
    /// One choice at the top; whether it was the last.
    fn round(&mut self) -> Result<bool, Failure> {
        let sections = sections(self.target.kind());
        let mut choices: Vec<Choice> =
            sections.iter().map(|section| Choice::new(section.word, section.about)).collect();
        let n = self.changes.len();
        let (save, leave) = match n {
            0 => (None, "nothing was changed"),
            _ => (Some(choices.len()), "forget what was chosen"),
        };
        if save.is_some() {
            choices.push(Choice::new("save", format!("show the {}, and write it", changes(n))));
        }
        choices.push(Choice::new("leave", leave));
        let title = format!("Settings of {}", self.target.shown());
        let chosen =
            self.one(&title, "KEY=VALUE", &choices, "Ctrl-C leaves everything as it was")?;
        if let Some(section) = sections.get(chosen) {
            self.section(section.keys)?;
            return Ok(false);
        }
        if Some(chosen) == save {
            return self.save();
        }
        output::remark("nothing was changed\n");
        Ok(true)
    }

    /// Whether it was written.
    fn save(&mut self) -> Result<bool, Failure> {
        loop {
            let plan = self.target.plan(&self.changes)?;
            if plan.old == plan.new {
                output::remark("nothing to change\n");
                return Ok(true);
            }
            let paint = self.target.context().look.err;
            output::remark(&diff::unified(self.target.shown(), &plan.old, &plan.new, paint));
            if !plan.introduced.is_empty() {
                show(&plan.introduced, self.target.context());
                output::remark("not written: the project would have these errors\n");
                return Ok(false);
            }
            let question = self.question("Write it", "KEY=VALUE", "");
            if !self.prompt.yes(&Question { text: "Write it?", ..question.as_ref() }, true)? {
                return Ok(false);
            }
            match self.target.save(&self.changes, Some(&plan.old)) {
                Ok(_) => {
                    output::remark(&self.target.said(&self.changes));
                    return Ok(true);
                }
                Err(failure) if failure.code == "changed_meanwhile" => {
                    output::remark(&format!("{failure}; here it is again\n"));
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    fn section(&mut self, keys: &[&str]) -> Result<(), Failure> {
        let scope = self.target.kind().scope();
        let keys: Vec<&'static Key> = keys.iter().filter_map(|name| scope.key(name)).collect();
        if let [key] = keys[..] {
            return self.key(&[key.name.to_owned()], key);
        }
        self.keys(&[], &keys)
    }

    fn keys(&mut self, parts: Parts<'_>, keys: &[&'static Key]) -> Result<(), Failure> {
        let mut start = 0;
        loop {
            let mut choices: Vec<Choice> = keys
                .iter()
                .map(|key| Choice::new(key.name, self.state(&below(parts, key.name), key)))
                .collect();
            choices.push(Choice::new(BACK, ""));
            let title = if parts.is_empty() { "Choose a setting".to_owned() } else { path(parts) };
            let flag = format!("{}KEY=VALUE", prefix(parts));
            start = self.one_from(&title, &flag, &choices, "", start)?;
            let Some(key) = keys.get(start) else { return Ok(()) };
            self.key(&below(parts, key.name), key)?;
        }
    }

    /// What a key is now, in a line.
    fn state(&self, parts: Parts<'_>, key: &Key) -> String {
        let is_table = matches!(
            key.kind,
            Kind::Table(_)
                | Kind::Named(_)
                | Kind::Tables(_)
                | Kind::Bindings
                | Kind::Free
                | Kind::Pairs
        );
        if is_table {
            let keys = self.settings.keys_of(parts);
            return if keys.is_empty() { key.about.to_owned() } else { keys.join(", ") };
        }
        match (self.settings.shown(parts), key.default) {
            (Some(value), _) => format!("{value}   {}", key.about),
            (None, "") => key.about.to_owned(),
            (None, default) => format!("({default})   {}", key.about),
        }
    }

    fn key(&mut self, parts: Parts<'_>, key: &'static Key) -> Result<(), Failure> {
        match key.kind {
            Kind::Table(scope) => self.keys(parts, &keys_of(scope, self)),
            Kind::Named(scope) => self.named(parts, scope),
            Kind::Tables(scope) => {
                let Some(first) = scope.keys.first() else { return Ok(()) };
                let first = First { name: first.name, kind: first.kind, about: first.about };
                self.list(parts, first, |menu, table| {
                    menu.table_or_gone(table, &keys_of(scope, menu))
                })
            }
            Kind::Bindings => self.list(parts, SOURCE, Self::binding),
            Kind::Free | Kind::Pairs => self.free(parts, key),
            _ => self.leaf(parts, key.kind, key.about, key.default),
        }
    }

    /// Tables by names: models, sources of webhooks.
    fn named(&mut self, parts: Parts<'_>, scope: &'static Scope) -> Result<(), Failure> {
        loop {
            let Some(name) = self.entry(parts)? else { return Ok(()) };
            let name = match name {
                Some(name) => name,
                None => {
                    let flag = format!("{}NAME.KEY=VALUE", prefix(parts));
                    let name = self.text("Name", &flag, "", None)?;
                    self.begin(&below(parts, &name), scope)?;
                    name
                }
            };
            let inside = below(parts, &name);
            if self.settings.get(&inside).is_some() {
                self.table_or_gone(&inside, &keys_of(scope, self))?;
            }
        }
    }

    /// What a new table cannot do without, asked at once.
    fn begin(&mut self, parts: Parts<'_>, scope: &'static Scope) -> Result<(), Failure> {
        let needs: &[&str] =
            if std::ptr::eq(scope, &schema::MODEL) { &["provider", "model"] } else { &["type"] };
        let mut changes = Vec::new();
        for name in needs {
            let Some(key) = scope.key(name) else { continue };
            let parts = below(parts, name);
            let value = self.value(&parts, key.kind, key.about)?;
            changes.push(Change::Set { key: path(&parts), value });
        }
        self.attempt(changes)
    }

    /// Tables in a list. A new one is begun with its `first` key; `open` is what can be done with one.
    fn list(
        &mut self,
        parts: Parts<'_>,
        first: First<'_>,
        open: impl Fn(&mut Self, Parts<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        loop {
            let Some(place) = self.entry(parts)? else { return Ok(()) };
            let place = match place {
                Some(place) => place,
                None => {
                    let place = self.settings.keys_of(parts).len().to_string();
                    let inside = below(&below(parts, &place), first.name);
                    let value = self.value(&inside, first.kind, first.about)?;
                    self.attempt(vec![Change::Set { key: path(&inside), value }])?;
                    place
                }
            };
            if self.settings.keys_of(parts).contains(&place) {
                open(self, &below(parts, &place))?;
            }
        }
    }

    /// One of `[[webhooks]]` of an agent.
    fn binding(&mut self, parts: Parts<'_>) -> Result<(), Failure> {
        loop {
            let source = self.settings.text_of(&below(parts, "source")).unwrap_or_default();
            let kind = self.project.as_ref().and_then(|p| p.config.webhooks.get(&source));
            let fields: Vec<&str> = kind
                .and_then(|source| provider(&source.kind))
                .map(|provider| provider.names().collect())
                .unwrap_or_default();
            let fields: Vec<String> = match fields.is_empty() {
                true => self.settings.keys_of(parts),
                false => ["source"].into_iter().chain(fields).map(str::to_owned).collect(),
            };
            let mut choices: Vec<Choice> = fields
                .iter()
                .map(|field| {
                    let value = self.settings.shown(&below(parts, field)).unwrap_or_default();
                    Choice::new(field, value)
                })
                .collect();
            choices.push(Choice::new("remove", "take this webhook out"));
            choices.push(Choice::new(BACK, ""));
            let flag = format!("{}KEY=VALUE", prefix(parts));
            let chosen = self.one(&path(parts), &flag, &choices, "all filters have to agree")?;
            match fields.get(chosen) {
                Some(field) if field == "source" => {
                    self.leaf(&below(parts, field), SOURCE.kind, SOURCE.about, "")?;
                }
                Some(field) => {
                    self.leaf(&below(parts, field), Kind::Texts, "One or more, by commas.", "")?;
                }
                None if chosen == fields.len() => {
                    return self.attempt(vec![Change::Unset { key: path(parts) }]);
                }
                None => return Ok(()),
            }
        }
    }

    /// Keys that the project chooses itself.
    fn free(&mut self, parts: Parts<'_>, key: &'static Key) -> Result<(), Failure> {
        loop {
            let Some(name) = self.entry(parts)? else { return Ok(()) };
            let name = match name {
                Some(name) => name,
                None => {
                    let flag = format!("{}NAME=VALUE", prefix(parts));
                    self.text("Name", &flag, "", None)?
                }
            };
            self.leaf(&below(parts, &name), Kind::Text, key.about, "")?;
        }
    }

    /// One of what there is, or a new one (`Some(None)`); none for back.
    fn entry(&self, parts: Parts<'_>) -> Result<Option<Option<String>>, Failure> {
        let keys = self.settings.keys_of(parts);
        let about = |key: &String| {
            let inside = below(parts, key);
            let inner = self.settings.keys_of(&inside);
            if inner.is_empty() {
                return self.settings.shown(&inside).unwrap_or_default();
            }
            let said = |key: &String| {
                let value = self.settings.shown(&below(&inside, key))?;
                (!value.contains('\n')).then(|| format!("{key} = {value}"))
            };
            inner.iter().take(3).filter_map(said).collect::<Vec<_>>().join(", ")
        };
        let mut choices: Vec<Choice> = keys.iter().map(|k| Choice::new(k, about(k))).collect();
        choices.push(Choice::new(ADD, "a new one"));
        choices.push(Choice::new(BACK, ""));
        let flag = format!("{}NAME...=VALUE", prefix(parts));
        let chosen = self.one(&path(parts), &flag, &choices, "")?;
        Ok(match keys.get(chosen) {
            Some(key) => Some(Some(key.clone())),
            None if chosen == keys.len() => Some(None),
            None => None,
        })
    }

    fn table_or_gone(&mut self, parts: Parts<'_>, keys: &[&'static Key]) -> Result<(), Failure> {
        let choices = [
            Choice::new("change", "its settings, one by one"),
            Choice::new("remove", "take it out"),
            Choice::new(BACK, ""),
        ];
        match self.one(&path(parts), &format!("{}KEY=VALUE", prefix(parts)), &choices, "")? {
            0 => self.keys(parts, keys),
            1 => self.attempt(vec![Change::Unset { key: path(parts) }]),
            _ => Ok(()),
        }
    }

    fn leaf(
        &mut self,
        parts: Parts<'_>,
        kind: Kind,
        about: &str,
        default: &str,
    ) -> Result<(), Failure> {
        if let Some(value) = self.settings.shown(parts) {
            let out = match default {
                "" => "no such setting".to_owned(),
                default => format!("then it is {default}"),
            };
            let choices = [
                Choice::new("change", format!("now {value}")),
                Choice::new("take out", out),
                Choice::new(BACK, ""),
            ];
            match self.one(&path(parts), &format!("{}=VALUE", path(parts)), &choices, about)? {
                0 => {}
                1 => return self.attempt(vec![Change::Unset { key: path(parts) }]),
                _ => return Ok(()),
            }
        }
        let value = self.value(parts, kind, about)?;
        self.attempt(vec![Change::Set { key: path(parts), value }])
    }

    /// Asks for a value, out of a list where there is one.
    fn value(&self, parts: Parts<'_>, kind: Kind, about: &str) -> Result<String, Failure> {
        let title = path(parts);
        let flag = format!("{title}=VALUE");
        let now = self.settings.text_of(parts).filter(|_| !self.is_hidden(parts));
        let words = self.words(parts, kind);
        if matches!(kind, Kind::Texts | Kind::SomeOf(_)) && !words.is_empty() {
            return self.values(parts, kind, words, about);
        }
        if words.is_empty() {
            // What is hidden is typed anew.
            let written = || self.settings.get(parts).filter(|_| !self.is_hidden(parts));
            let shown = now.or_else(written);
            return self.text(&title, &flag, about, shown.as_deref());
        }
        let mut choices: Vec<Choice> = words.iter().map(|word| Choice::new(word, "")).collect();
        if matches!(kind, Kind::Text) {
            choices.push(Choice::new(OTHER, "type it"));
        }
        let start = words.iter().position(|word| Some(word) == now.as_ref()).unwrap_or(0);
        let chosen = self.one_from(&title, &flag, &choices, about, start)?;
        match words.get(chosen) {
            Some(word) => Ok(word.clone()),
            None => self.text(&title, &flag, about, now.as_deref()),
        }
    }

    fn is_hidden(&self, parts: Parts<'_>) -> bool {
        self.settings.shown(parts) != self.settings.get(parts)
    }

    fn values(
        &self,
        parts: Parts<'_>,
        kind: Kind,
        mut words: Vec<String>,
        about: &str,
    ) -> Result<String, Failure> {
        let title = path(parts);
        let flag = format!("{title}=VALUE,VALUE");
        let now = self.settings.texts_of(parts);
        words.extend(now.iter().filter(|one| !words.contains(one)).cloned().collect::<Vec<_>>());
        let marked: Vec<usize> =
            now.iter().filter_map(|one| words.iter().position(|word| word == one)).collect();
        let mut choices: Vec<Choice> = words.iter().map(|word| Choice::new(word, "")).collect();
        if !matches!(kind, Kind::SomeOf(_)) {
            choices.push(Choice::new(OTHER, "type one"));
        }
        let question = self.question(&title, &flag, about);
        let chosen = self.prompt.several(&question.as_ref(), &choices, &marked)?;
        let mut values: Vec<String> =
            chosen.iter().filter_map(|n| words.get(*n)).cloned().collect();
        if chosen.contains(&words.len()) {
            values.push(self.text(&title, &flag, about, None)?);
        }
        let list: toml_edit::Array = values.into_iter().collect();
        Ok(list.to_string())
    }

    /// What can be chosen there; none when it is typed.
    fn words(&self, parts: Parts<'_>, kind: Kind) -> Vec<String> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let last = parts.last().map(String::as_str).unwrap_or_default();
        let first = parts.first().map(String::as_str).unwrap_or_default();
        let project = self.project.as_ref();
        match (kind, first, last) {
            (Kind::Bool, ..) => owned(&["true", "false"]),
            (Kind::OneOf(words) | Kind::SomeOf(words), ..) => owned(words),
            (Kind::Text, "models" | "model", "provider") => {
                MODEL_PROVIDERS.iter().map(|provider| provider.name.to_owned()).collect()
            }
            (Kind::Text, "webhooks", "type") => {
                PROVIDERS.iter().map(|provider| provider.kind.to_owned()).collect()
            }
            (Kind::Text, "webhooks", "source") => {
                project.iter().flat_map(|p| p.config.webhooks.keys().cloned()).collect()
            }
            (Kind::Texts, "models", "models") => {
                project.iter().flat_map(|p| p.config.own_models().cloned()).collect()
            }
            (Kind::Texts, "credentials", "credentials") => {
                of_runs().map(|known| known.kind.clone().into_owned()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Takes changes over when they can be made. What they break is told at once, and whether it is
    /// to be mended by more of them is for the person to say.
    fn attempt(&mut self, changes: Vec<Change>) -> Result<(), Failure> {
        let mut settings = self.settings.clone();
        for change in &changes {
            if let Err(refused) = settings.change(change) {
                output::failure(&refusal(&refused), self.target.context().look.err);
                return Ok(());
            }
        }
        let plan = self.target.judge(self.text.clone(), settings.text());
        let before = self.target.judge(self.text.clone(), self.settings.text());
        let new = news(&plan, &before);
        if !new.is_empty() {
            show(&new, self.target.context());
            let question = self.question("Keep it, and mend that next?", "KEY=VALUE", "");
            if !self.prompt.yes(&question.as_ref(), false)? {
                return Ok(());
            }
        }
        self.project = plan.project.or(self.project.take());
        self.settings = settings;
        self.changes.extend(changes);
        Ok(())
    }

    fn text(
        &self,
        title: &str,
        flag: &str,
        help: &str,
        now: Option<&str>,
    ) -> Result<String, Failure> {
        let question = self.question(title, flag, help);
        let filled = |typed: &str| match typed {
            "" => Err("something has to stand here".to_owned()),
            _ => Ok(()),
        };
        self.prompt.text(&question.as_ref(), now, filled)
    }

    fn one(
        &self,
        title: &str,
        flag: &str,
        choices: &[Choice],
        help: &str,
    ) -> Result<usize, Failure> {
        self.one_from(title, flag, choices, help, 0)
    }

    fn one_from(
        &self,
        title: &str,
        flag: &str,
        choices: &[Choice],
        help: &str,
        start: usize,
    ) -> Result<usize, Failure> {
        let question = self.question(title, flag, help);
        self.prompt.one(&question.as_ref(), choices, start)
    }

    fn question(&self, title: &str, flag: &str, help: &str) -> Asked {
        let flag = format!("{} --set {flag}", self.target.command());
        // Where keys are chosen there is nothing to set yet.
        let same = if flag.ends_with("KEY=VALUE") { String::new() } else { format!("or {flag}") };
        let both = [help, &same].into_iter().filter(|part| !part.is_empty());
        let both = both.collect::<Vec<_>>().join("  ");
        // What it means stood in the list already; the flag is new.
        let help = if both.chars().count() > HELP { same } else { both };
        Asked { title: title.to_owned(), help, flag }
    }
}

/// The key that a new table of a list begins with.
#[derive(Clone, Copy)]
struct First<'a> {
    name: &'a str,
    kind: Kind,
    about: &'a str,
}

const SOURCE: First<'static> =
    First { name: "source", kind: Kind::Text, about: "Source of the project." };

/// A question with its words.
struct Asked {
    title: String,
    flag: String,
    help: String,
}

impl Asked {
    fn as_ref(&self) -> Question<'_> {
        Question { text: &self.title, flag: &self.flag, help: &self.help }
    }
}

fn below(parts: Parts<'_>, name: &str) -> Vec<String> {
    parts.iter().cloned().chain([name.to_owned()]).collect()
}

fn prefix(parts: Parts<'_>) -> String {
    if parts.is_empty() { String::new() } else { format!("{}.", path(parts)) }
}

fn keys_of(scope: &'static Scope, menu: &Menu<'_>) -> Vec<&'static Key> {
    scope.keys.iter().filter(|key| key.is_in(menu.target.kind())).collect()
}

fn changes(n: usize) -> String {
    if n == 1 { "change".to_owned() } else { format!("{n} changes") }
}

/// Errors that the newest changes brought.
fn news(plan: &Plan, before: &Plan) -> Vec<crate::project::Problem> {
    let known = |new: &&crate::project::Problem| {
        !before.introduced.iter().any(|old| old.file == new.file && old.message == new.message)
    };
    plan.introduced.iter().filter(known).cloned().collect()
}
