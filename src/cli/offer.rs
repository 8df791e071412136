//! A model that a project does not have yet: who offers it, and what they call it.

use toml_edit::Value;

use super::prompt::{Choice, Question};
use super::providers::REPLAY;
use super::wizard::{Wizard, one_line};
use crate::failure::Failure;
use crate::llm::providers::{PROVIDERS, provider};
use crate::project::Model;
use crate::project::settings::Change;

/// A model that is proposed: what the provider calls it, and what the project does.
fn proposed_model(provider: &str) -> Option<(&'static str, &'static str)> {
    Some(match provider {
        "anthropic" => ("claude-sonnet-4-5", "sonnet"),
        "openai" => ("gpt-5", "gpt"),
        "google" => ("gemini-2.5-pro", "gemini"),
        "groq" => ("openai/gpt-oss-120b", "gpt-oss"),
        "xai" => ("grok-4", "grok"),
        "mistral" => ("mistral-large-latest", "mistral"),
        "openrouter" => ("anthropic/claude-sonnet-4.5", "sonnet"),
        _ => return None,
    })
}

/// What was said of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Said<'a> {
    pub provider: Option<&'a str>,
    pub model: Option<&'a str>,
    pub base_url: Option<&'a str>,
}

/// A model that is to be in a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// In the project: letters, digits and hyphens, so it needs no quotes as a key.
    pub name: String,
    pub provider: String,
    pub model: String,
    pub base_url: Option<String>,
}

/// Asks what was not said. `none` is what it means to want no model, where that is an answer.
///
/// # Errors
/// When something that was said cannot be, somebody interrupts, or nobody is there.
pub fn ask(said: Said<'_>, wizard: Wizard, none: Option<Choice>) -> Result<Option<Offer>, Failure> {
    let mut choices: Vec<Choice> = PROVIDERS
        .iter()
        .filter(|provider| provider.name != REPLAY)
        .map(|provider| match provider.name {
            "custom" => Choice::new("custom", "a server of your own that speaks like OpenAI's"),
            name => Choice::new(name, format!("needs a key: {name}_key")),
        })
        .collect();
    let offered = choices.len();
    choices.extend(none);
    let question = Question {
        text: "Who offers the model",
        flag: "--provider NAME",
        help: "more can be added with al config",
    };
    // Where nobody is asked, none is the one that needs no key.
    let start = if wizard.yes { choices.len() - 1 } else { 0 };
    let chosen = wizard.one(said.provider, &question, &choices, start)?;
    if chosen == offered {
        return Ok(None);
    }
    let provider = choices[chosen].word.clone();
    let proposed = proposed_model(&provider);
    let question =
        Question { text: "Model", flag: "--model NAME", help: "as the provider calls it" };
    let words = proposed.map(|(model, _)| model);
    let model = wizard.text(said.model, &question, words, one_line)?;
    let name = match proposed {
        Some((known, name)) if known == model => name.to_owned(),
        _ => short_name(&model),
    };
    let base_url = match provider.as_str() {
        "custom" => {
            let question = Question {
                text: "Address of the server",
                flag: "--base-url URL",
                help: "as in http://localhost:8000/v1",
            };
            Some(wizard.text(said.base_url, &question, None, is_url)?)
        }
        _ => said.base_url.map(str::to_owned),
    };
    if let Some(url) = &base_url {
        is_url(url).map_err(|why| Failure::user("bad_answer", format!("--base-url: {why}")))?;
    }
    Ok(Some(Offer { name, provider, model, base_url }))
}

fn is_url(text: &str) -> Result<(), String> {
    match text.starts_with("http://") || text.starts_with("https://") {
        true => one_line(text),
        false => Err("it has to start with http:// or https://".to_owned()),
    }
}

/// `qwen2.5-coder:7b` is long in a list of models.
fn short_name(model: &str) -> String {
    let last = model.rsplit('/').next().unwrap_or(model);
    let word: String = last
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let word = word.trim_matches('-').to_owned();
    if word.is_empty() { "model".to_owned() } else { word }
}

impl Offer {
    /// What it is called where these names are taken.
    pub fn renamed(mut self, taken: &[String]) -> Self {
        let numbered = |name: &str| {
            let mut others = (2..).map(|n| format!("{name}-{n}"));
            others.find(|name| !taken.contains(name)).unwrap_or_else(|| name.to_owned())
        };
        if taken.contains(&self.name) {
            let other = short_name(&self.model);
            self.name = if taken.contains(&other) { numbered(&self.name) } else { other };
        }
        self
    }

    /// Whether this model of the project is the same.
    pub fn is_as(&self, there: &Model) -> bool {
        let (provider, model) = (&there.provider, &there.model);
        provider == &self.provider && model == &self.model && there.base_url == self.base_url
    }

    /// The credential of its key; none when it needs none.
    pub fn key(&self) -> Option<&'static str> {
        let known = provider(&self.provider)?;
        known.needs_key(self.base_url.as_deref()).then_some(known.credential).flatten()
    }

    /// Its keys in `config.toml`, with their values as TOML has them.
    fn keys(&self) -> impl Iterator<Item = (&'static str, String)> {
        let base_url = self.base_url.as_deref().map(|url| ("baseUrl", url));
        let keys = [("provider", &*self.provider), ("model", &*self.model)];
        keys.into_iter().chain(base_url).map(|(key, text)| (key, Value::from(text).to_string()))
    }

    /// Its table in `config.toml`.
    pub fn table(&self) -> String {
        let lines = self.keys().map(|(key, value)| format!("{key} = {value}\n"));
        format!("[models.{}]\n{}", self.name, lines.collect::<String>())
    }

    /// The change that takes it out of there again.
    pub fn undo(&self) -> Change {
        Change::Unset { key: format!("models.{}", self.name) }
    }

    /// The changes that put it into a `config.toml`.
    pub fn changes(&self) -> Vec<Change> {
        let set = |(key, value)| Change::Set { key: format!("models.{}.{key}", self.name), value };
        self.keys().map(set).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_has_a_short_name_in_its_project() {
        let check = |model: &str, expected: &str| assert_eq!(short_name(model), expected);
        check("qwen/Qwen2.5-coder:7b", "qwen2-5-coder-7b");
        check("///", "model");
    }

    #[test]
    fn the_models_that_are_proposed_are_those_of_known_providers() {
        for provider in PROVIDERS {
            let own = ["custom", REPLAY].contains(&provider.name);
            assert_eq!(proposed_model(provider.name).is_none(), own, "{}", provider.name);
        }
    }

    #[test]
    fn a_name_that_is_taken_is_not_taken_again() {
        let check = |model: &str, taken: &[&str], expected: &str| {
            let (name, provider) = ("sonnet".to_owned(), "anthropic".to_owned());
            let offer = Offer { name, provider, model: model.to_owned(), base_url: None };
            let taken: Vec<String> = taken.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(offer.renamed(&taken).name, expected);
        };
        check("claude-sonnet-4-5", &["gpt"], "sonnet");
        check("claude-sonnet-4-5", &["sonnet"], "claude-sonnet-4-5");
        check("claude-sonnet-4-5", &["sonnet", "claude-sonnet-4-5"], "sonnet-2");
        check("sonnet", &["sonnet", "sonnet-2"], "sonnet-3");
    }
}
