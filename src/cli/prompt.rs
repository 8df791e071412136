//! What a wizard asks, one question at a time.
//!
//! Each question has a flag that answers it, so a script never needs a terminal: where nobody is
//! there to ask, the failure names the flag. Questions are written to stderr. Ctrl-C and Esc end
//! the command with [`Kind::Interrupted`](crate::failure::Kind::Interrupted), so whoever asks has to
//! ask everything before it writes anything.

use std::fmt;

use inquire::ui::{Attributes, Color, RenderConfig, StyleSheet, Styled};
use inquire::validator::Validation;
use inquire::{Confirm, InquireError, MultiSelect, Password, PasswordDisplayMode, Select, Text};

use super::ask;
use super::paint::Paint;
use super::table::{Fit, cut};
use crate::failure::Failure;
use crate::project::credentials::Secret;

/// Rows of a list that are seen at once.
const ROWS: usize = 12;

/// Columns of what a choice means: a line has 80.
const ABOUT: usize = 56;
/// How several are chosen.
const MARKS: &str = "space marks, enter goes on";

/// One question.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// `Name of the agent`, without a question mark.
    pub text: &'a str,
    /// What answers it without a terminal: `--name NAME`.
    pub flag: &'a str,
    /// One line below it; empty for none.
    pub help: &'a str,
}

/// One of several answers: its word, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub word: String,
    pub about: String,
}

impl Choice {
    pub fn new(word: impl Into<String>, about: impl Into<String>) -> Self {
        Self { word: word.into(), about: about.into() }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.about.as_str() {
            "" => f.write_str(&self.word),
            about => write!(f, "{:<18} {}", self.word, cut(about, ABOUT, Fit::End)),
        }
    }
}

/// Asks the person at the terminal.
#[derive(Debug, Clone, Copy)]
pub struct Prompt {
    paint: Paint,
}

impl Prompt {
    /// `paint` is that of stderr.
    pub fn new(paint: Paint) -> Self {
        Self { paint }
    }

    /// A line of text. With a `default`, an empty line means it.
    ///
    /// # Errors
    /// When nobody is there, or they interrupt.
    pub fn text<F>(
        self,
        question: &Question<'_>,
        default: Option<&str>,
        check: F,
    ) -> Result<String, Failure>
    where
        F: Fn(&str) -> Result<(), String> + Clone + 'static,
    {
        somebody(question)?;
        let mut text = Text::new(question.text).with_render_config(self.config());
        text.help_message = help(question);
        text.default = default;
        let text = text.with_validator(move |typed: &str| Ok(judged(check(typed.trim()))));
        text.prompt().map(|typed| typed.trim().to_owned()).map_err(ended)
    }

    /// A line that is not shown, not even its length.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn secret<F>(self, question: &Question<'_>, check: F) -> Result<Secret, Failure>
    where
        F: Fn(&str) -> Result<(), String> + Clone + 'static,
    {
        somebody(question)?;
        let mut secret = Password::new(question.text)
            .with_render_config(self.config())
            .with_display_mode(PasswordDisplayMode::Hidden)
            .without_confirmation();
        secret.help_message = help(question);
        let secret = secret.with_validator(move |typed: &str| Ok(judged(check(typed.trim()))));
        secret.prompt().map(|typed| Secret::new(typed.trim())).map_err(ended)
    }

    /// Yes or no; an empty line means `default`.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn yes(self, question: &Question<'_>, default: bool) -> Result<bool, Failure> {
        somebody(question)?;
        let mut confirm =
            Confirm::new(question.text).with_default(default).with_render_config(self.config());
        confirm.help_message = help(question);
        confirm.prompt().map_err(ended)
    }

    /// One of several, by its place in `choices`.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn one(
        self,
        question: &Question<'_>,
        choices: &[Choice],
        start: usize,
    ) -> Result<usize, Failure> {
        somebody(question)?;
        let mut select = Select::new(question.text, choices.to_vec())
            .with_page_size(ROWS)
            .with_starting_cursor(start.min(choices.len().saturating_sub(1)))
            .with_formatter(&|chosen| chosen.value.word.clone())
            .with_render_config(self.config());
        if let Some(help) = help(question) {
            select.help_message = Some(help);
        }
        select.raw_prompt().map(|chosen| chosen.index).map_err(ended)
    }

    /// Any number of several, by their places in `choices`; `marked` are so from the start.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn several(
        self,
        question: &Question<'_>,
        choices: &[Choice],
        marked: &[usize],
    ) -> Result<Vec<usize>, Failure> {
        somebody(question)?;
        let formatter = |chosen: &[inquire::list_option::ListOption<&Choice>]| {
            let words: Vec<&str> = chosen.iter().map(|one| one.value.word.as_str()).collect();
            words.join(", ")
        };
        let mut select = MultiSelect::new(question.text, choices.to_vec())
            .with_page_size(ROWS)
            .with_default(marked)
            .with_formatter(&formatter)
            .with_render_config(self.config());
        let help = match help(question) {
            Some(help) => format!("{MARKS}; {help}"),
            None => MARKS.to_owned(),
        };
        select.help_message = Some(&help);
        let chosen = select.raw_prompt().map_err(ended)?;
        Ok(chosen.into_iter().map(|one| one.index).collect())
    }

    fn config(self) -> RenderConfig<'static> {
        let mark = Styled::new("?");
        if !self.paint.color {
            return RenderConfig::empty().with_prompt_prefix(mark);
        }
        let cyan = StyleSheet::new().with_fg(Color::DarkCyan);
        RenderConfig::default()
            .with_prompt_prefix(mark.with_fg(Color::DarkCyan))
            .with_answered_prompt_prefix(mark.with_fg(Color::DarkGreen))
            .with_help_message(StyleSheet::new().with_fg(Color::DarkGrey))
            .with_answer(cyan.with_attr(Attributes::BOLD))
    }
}

fn help<'a>(question: &Question<'a>) -> Option<&'a str> {
    (!question.help.is_empty()).then_some(question.help)
}

fn judged(checked: Result<(), String>) -> Validation {
    match checked {
        Ok(()) => Validation::Valid,
        Err(why) => Validation::Invalid(why.into()),
    }
}

fn somebody(question: &Question<'_>) -> Result<(), Failure> {
    if ask::somebody_there() {
        return Ok(());
    }
    Err(ask::nobody(&format!("answer: {}", question.text))
        .hint(format!("say it with {}", question.flag)))
}

fn ended(error: InquireError) -> Failure {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => {
            Failure::interrupted()
        }
        error => Failure::upstream("terminal", format!("the terminal cannot be used: {error}")),
    }
}
