//! The form behind `s`: a run with all that can be said of it.

use crate::clock::{self, DAY_MS};
use crate::problem::nearest;
use al_wire::{Command, Priority, RunHow};
use std::collections::BTreeMap;
use tui_input::Input;

/// The lines of the form.
pub const FIELDS: [(&str, &str); 5] = [
    ("Agent", ""),
    ("Prompt", "may stay empty"),
    ("Params", "name=value name=\"two words\""),
    ("Priority", "low, normal or high; empty is the agent's own"),
    ("Start", "now; or in 30m, or at 14:30"),
];
const AGENT: usize = 0;
const PROMPT: usize = 1;
const PARAMS: usize = 2;
const PRIORITY: usize = 3;
const START: usize = 4;
/// Places of the focus behind the fields.
pub const CANCEL: usize = FIELDS.len();
pub const ACCEPT: usize = CANCEL + 1;

/// An open form.
#[derive(Debug, Clone)]
pub struct Form {
    pub inputs: [Input; FIELDS.len()],
    /// A field, Cancel or Start.
    pub focus: usize,
    pub opened_ms: i64,
    /// What is wrong with the field that has the focus.
    pub error: Option<String>,
}

impl Form {
    pub fn new(agent: &str, opened_ms: i64) -> Self {
        let mut inputs: [Input; FIELDS.len()] = Default::default();
        inputs[AGENT] = Input::new(agent.to_owned());
        Self { inputs, focus: PROMPT, opened_ms, error: None }
    }

    pub fn turn(&mut self, by: usize) {
        self.focus = (self.focus + by) % (ACCEPT + 1);
        self.error = None;
    }

    pub fn is_choice(&self) -> bool {
        self.focus == PRIORITY
    }

    /// The next or the one before of the few values of a field.
    pub fn choose(&mut self, forward: bool) {
        const VALUES: [&str; 4] = ["", "low", "normal", "high"];
        let Some(input) = self.inputs.get_mut(PRIORITY) else { return };
        let at = VALUES.iter().position(|value| *value == input.value().trim()).unwrap_or(0);
        let step = if forward { 1 } else { VALUES.len() - 1 };
        *input = Input::new(VALUES[(at + step) % VALUES.len()].to_owned());
    }

    fn value(&self, field: usize) -> &str {
        self.inputs.get(field).map_or("", |input| input.value().trim())
    }

    /// What is asked for; which field is wrong, and why, otherwise.
    pub fn command<'a>(
        &self,
        agents: impl Iterator<Item = &'a str> + Clone,
        now_ms: i64,
        zone_offset: fn(i64) -> i32,
    ) -> Result<Command, (usize, String)> {
        let agent = self.value(AGENT);
        if !agents.clone().any(|known| known == agent) {
            let near = nearest(agent, agents);
            return Err((AGENT, format!("no agent called `{agent}`{near}")));
        }
        let priority = match self.value(PRIORITY) {
            "" => None,
            "low" => Some(Priority::Low),
            "normal" => Some(Priority::Normal),
            "high" => Some(Priority::High),
            other => return Err((PRIORITY, format!("`{other}` is none of low, normal and high"))),
        };
        let params = params(self.value(PARAMS)).map_err(|why| (PARAMS, why))?;
        let not_before_ms =
            start(self.value(START), now_ms, zone_offset).map_err(|why| (START, why))?;
        let prompt = Some(self.value(PROMPT).to_owned()).filter(|prompt| !prompt.is_empty());
        let how = RunHow { params, priority, not_before_ms };
        Ok(Command::Run { agent: agent.to_owned(), prompt, how })
    }

    /// The same for the shell.
    pub fn cli(&self) -> String {
        let mut cli = format!("al run {}", self.value(AGENT));
        if !self.value(PROMPT).is_empty() {
            cli.push_str(&format!(" {}", quoted(self.value(PROMPT))));
        }
        for (name, value) in params(self.value(PARAMS)).unwrap_or_default() {
            cli.push_str(&format!(" --param {}", quoted(&format!("{name}={value}"))));
        }
        if !self.value(PRIORITY).is_empty() {
            cli.push_str(&format!(" --priority {}", self.value(PRIORITY)));
        }
        match self.value(START) {
            "" | "now" => {}
            at if at.contains(':') => cli.push_str(&format!(" --at {}", said(at))),
            span => cli.push_str(&format!(" --in {}", said(span))),
        }
        cli
    }
}

/// A time without the word in front of it.
fn said(text: &str) -> &str {
    text.strip_prefix("in ").or(text.strip_prefix("at ")).unwrap_or(text).trim()
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+~@=:".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// `name=value name="two words"`.
fn params(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => words.push(String::new()),
            c => words.iter_mut().last().into_iter().for_each(|word| word.push(c)),
        }
    }
    let mut params = BTreeMap::new();
    for word in words.into_iter().filter(|word| !word.is_empty()) {
        match word.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                params.insert(name.to_owned(), value.to_owned());
            }
            _ => return Err(format!("`{word}` is not written name=value")),
        }
    }
    Ok(params)
}

/// An instant from `30m` or `14:30`; none is now.
fn start(text: &str, now_ms: i64, zone_offset: fn(i64) -> i32) -> Result<Option<i64>, String> {
    let text = said(text);
    if text.is_empty() || text == "now" {
        return Ok(None);
    }
    /// Nobody means more than this.
    const FAR_MS: i64 = 366 * DAY_MS;
    if let Some(span_ms) = clock::span(text).filter(|span_ms| *span_ms <= FAR_MS) {
        return Ok(Some(now_ms.saturating_add(span_ms)));
    }
    let wrong = || format!("`{text}` is no time: write 30m, 2h or 14:30");
    // The shell knows no seconds here.
    let minutes = clock::time_of_day(text).filter(|of_day_ms| of_day_ms % 60_000 == 0);
    let wanted_ms = minutes.filter(|_| text.len() <= "14:30".len()).ok_or_else(wrong)?;
    let offset_ms = i64::from(zone_offset(now_ms)) * 1_000;
    let today_ms = (now_ms + offset_ms).div_euclid(DAY_MS) * DAY_MS;
    let at_ms = today_ms + wanted_ms - offset_ms;
    // What is past today is meant for tomorrow.
    Ok(Some(if at_ms <= now_ms { at_ms + DAY_MS } else { at_ms }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 12:04:43 UTC.
    const NOW_MS: i64 = 43_483_000;

    fn form(values: [&str; 5]) -> Form {
        let mut form = Form::new("dev", 0);
        form.inputs = values.map(|value| Input::new(value.to_owned()));
        form
    }

    #[test]
    fn what_is_filled_in_becomes_a_run_and_a_line_for_the_shell() {
        let check = |values: [&str; 5], prompt: Option<&str>, how: RunHow, cli: &str| {
            let form = form(values);
            let expected =
                Command::Run { agent: "dev".into(), prompt: prompt.map(Into::into), how };
            let agents = ["dev", "docs"].into_iter();
            assert_eq!(form.command(agents, NOW_MS, |_| 3_600), Ok(expected), "{values:?}");
            assert_eq!(form.cli(), cli);
        };
        let how = RunHow::default;
        check(["dev", "", "", "", ""], None, how(), "al run dev");
        check(["dev", "fix it", "", "", "now"], Some("fix it"), how(), "al run dev 'fix it'");
        let params = [("branch", "main"), ("note", "two words")];
        let params = params.map(|(name, value)| (name.into(), value.into())).into();
        check(
            ["dev", "", "branch=main note=\"two words\"", "high", "30m"],
            None,
            RunHow {
                params,
                priority: Some(Priority::High),
                not_before_ms: Some(NOW_MS + 1_800_000),
            },
            "al run dev --param branch=main --param 'note=two words' --priority high --in 30m",
        );
        let at = |not_before_ms| RunHow { not_before_ms: Some(not_before_ms), ..how() };
        check(["dev", "", "", "", "at 14:30"], None, at(48_600_000), "al run dev --at 14:30");
        check(["dev", "", "", "", "13:00"], None, at(43_200_000 + DAY_MS), "al run dev --at 13:00");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_field() {
        let check = |values: [&str; 5], field: usize, why: &str| {
            let agents = ["dev", "docs"].into_iter();
            let found = form(values).command(agents, NOW_MS, |_| 0);
            assert_eq!(found, Err((field, why.to_owned())));
        };
        check(["docz", "", "", "", ""], 0, "no agent called `docz`, did you mean `docs`?");
        check(["dev", "", "x", "", ""], 2, "`x` is not written name=value");
        check(["dev", "", "=x", "", ""], 2, "`=x` is not written name=value");
        check(["dev", "", "", "urgent", ""], 3, "`urgent` is none of low, normal and high");
        for time in ["25:00", "12:60", "soon", "1:2:3", "-1:00", "99999999999d"] {
            check(
                ["dev", "", "", "", time],
                4,
                &format!("`{time}` is no time: write 30m, 2h or 14:30"),
            );
        }
    }
}
