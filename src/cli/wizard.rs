//! A wizard: what was said on the command line is not asked, and `--yes` takes what is proposed.

use super::prompt::{Choice, Prompt, Question};
use crate::failure::Failure;

/// Who answers.
#[derive(Debug, Clone, Copy)]
pub struct Wizard {
    pub prompt: Prompt,
    /// What is proposed is taken.
    pub yes: bool,
}

impl Wizard {
    /// The same, which asks nothing that has a proposal.
    pub fn proposing(self) -> Self {
        Self { yes: true, ..self }
    }

    /// A text that has to pass `check`.
    ///
    /// # Errors
    /// When what was said does not pass, or nobody is there to ask.
    pub fn text<F>(
        self,
        said: Option<&str>,
        question: &Question<'_>,
        proposed: Option<&str>,
        check: F,
    ) -> Result<String, Failure>
    where
        F: Fn(&str) -> Result<(), String> + Clone + 'static,
    {
        match (said, proposed) {
            (Some(said), _) => checked(said, question, &check),
            (None, Some(proposed)) if self.yes => checked(proposed, question, &check),
            (None, proposed) => self.prompt.text(question, proposed, check),
        }
    }

    /// One of several words.
    ///
    /// # Errors
    /// When what was said is none of them, or nobody is there to ask.
    pub fn one(
        self,
        said: Option<&str>,
        question: &Question<'_>,
        choices: &[Choice],
        proposed: usize,
    ) -> Result<usize, Failure> {
        match said {
            Some(said) => choices.iter().position(|choice| choice.word == said).ok_or_else(|| {
                let words: Vec<&str> = choices.iter().map(|choice| choice.word.as_str()).collect();
                Failure::user("bad_answer", format!("{} cannot be '{said}'", lower(question.text)))
                    .hint(format!("it is one of {}", words.join(", ")))
            }),
            None if self.yes => Ok(proposed),
            None => self.prompt.one(question, choices, proposed),
        }
    }

    /// Any number of several; `said` was looked at by the caller.
    ///
    /// # Errors
    /// When nobody is there to ask.
    pub fn several(
        self,
        question: &Question<'_>,
        choices: &[Choice],
        marked: &[usize],
    ) -> Result<Vec<usize>, Failure> {
        if self.yes {
            return Ok(marked.to_vec());
        }
        self.prompt.several(question, choices, marked)
    }

    /// Yes or no.
    ///
    /// # Errors
    /// When nobody is there to ask.
    pub fn yes(
        self,
        said: Option<bool>,
        question: &Question<'_>,
        proposed: bool,
    ) -> Result<bool, Failure> {
        match said {
            Some(said) => Ok(said),
            None if self.yes => Ok(proposed),
            None => self.prompt.yes(question, proposed),
        }
    }
}

fn checked(
    said: &str,
    question: &Question<'_>,
    check: &impl Fn(&str) -> Result<(), String>,
) -> Result<String, Failure> {
    let said = said.trim();
    check(said).map_err(|why| {
        Failure::user("bad_answer", format!("{} '{said}': {why}", lower(question.text)))
            .hint(format!("say it with {}", question.flag))
    })?;
    Ok(said.to_owned())
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

/// One line without control characters.
///
/// # Errors
/// Says what is wrong with it.
pub fn one_line(text: &str) -> Result<(), String> {
    match text {
        "" => Err("something has to stand here".to_owned()),
        _ if text.chars().any(|c| c.is_control() || al_wire::reorders(c)) => {
            Err("it has to be one line of text".to_owned())
        }
        _ if text.chars().count() > 1000 => Err("it is longer than 1000 characters".to_owned()),
        _ => Ok(()),
    }
}
