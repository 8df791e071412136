//! What could follow what was typed.

use super::{CHANGING, VERBS};
use crate::fleet::Fleet;
use crate::pane::Pane;
use crate::settings::options::OPTIONS;
use al_wire::RunState;

/// Candidates for the word under the cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    /// Byte at which that word begins.
    pub start: usize,
    pub candidates: Vec<String>,
}

impl Completion {
    /// The line after Tab: as far as all candidates agree, and a blank when there is only one.
    pub fn apply(&self, line: &str) -> Option<String> {
        let head = line.get(..self.start)?;
        let first = self.candidates.first()?;
        if self.candidates.len() == 1 {
            return Some(format!("{head}{first} "));
        }
        let agreed = first
            .char_indices()
            .map(|(at, c)| at + c.len_utf8())
            .take_while(|end| self.candidates.iter().all(|c| c.starts_with(&first[..*end])))
            .last()
            .unwrap_or(0);
        let completed = format!("{head}{}", &first[..agreed]);
        Some(if completed.len() > line.len() { completed } else { line.to_owned() })
    }

    /// What the first candidate would add, shown dim behind the cursor.
    pub fn ghost(&self, line: &str) -> Option<String> {
        let typed = line.get(self.start..).filter(|typed| !typed.is_empty())?;
        self.candidates
            .first()?
            .strip_prefix(typed)
            .map(str::to_owned)
            .filter(|rest| !rest.is_empty())
    }
}

/// Names that are no part of the fleet.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub themes: &'a [String],
    pub environments: &'a [String],
}

/// Completes the last word of `line`.
pub fn complete(line: &str, fleet: &Fleet, known: &Known<'_>, read_only: bool) -> Completion {
    let start = line.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let word = &line[start..];
    let before: Vec<&str> = line[..start].split_whitespace().collect();
    let candidates = match before[..] {
        [] => VERBS
            .iter()
            .map(|(verb, _)| (*verb).to_owned())
            .filter(|verb| !(read_only && CHANGING.contains(&verb.as_str())))
            .collect(),
        [verb] => first_words(verb, word, fleet, known),
        ["set", name] => OPTIONS
            .iter()
            .filter(|option| option.name == name)
            .flat_map(|option| option.values.iter().map(|value| (*value).to_owned()))
            .collect(),
        [verb, ..] => view(verb).map_or_else(Vec::new, |pane| facts(pane, word, fleet)),
    };
    let mut fitting: Vec<String> = candidates.into_iter().filter(|c| c.starts_with(word)).collect();
    fitting.truncate(50);
    Completion { start, candidates: fitting }
}

/// Completes the last word of a filter. Without an operator it is text, and few keys are offered.
pub fn complete_filter(line: &str, pane: Pane, fleet: &Fleet) -> Completion {
    let start = line.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let word = &line[start..];
    let mut candidates = facts(pane, word, fleet);
    candidates.retain(|candidate| !word.is_empty() && candidate.starts_with(word));
    Completion { start, candidates }
}

/// The pane that a verb shows.
pub fn view(verb: &str) -> Option<Pane> {
    Pane::TABLES.into_iter().find(|pane| pane.title().eq_ignore_ascii_case(verb))
}

fn facts(pane: Pane, word: &str, fleet: &Fleet) -> Vec<String> {
    pane.view().complete(word, fleet.agents.iter().map(|agent| agent.name.as_str()))
}

fn first_words(verb: &str, word: &str, fleet: &Fleet, known: &Known<'_>) -> Vec<String> {
    let agents = || fleet.agents.iter().map(|agent| agent.name.clone());
    let runs = |wanted: fn(RunState) -> bool| {
        fleet.runs.iter().filter(move |run| wanted(run.state)).map(|run| run.id.clone())
    };
    let live = |state: RunState| !state.ended() && state != RunState::Queued;
    match verb {
        "run" | "scale" | "stats" | "pulse" | "timeline" => agents().collect(),
        "kill" => ["all".to_owned()].into_iter().chain(agents()).chain(runs(live)).collect(),
        "pause" | "resume" => ["all".to_owned()].into_iter().chain(agents()).collect(),
        "queues" | "runs" => {
            let pane = if verb == "runs" { Pane::Runs } else { Pane::Queues };
            agents().chain(facts(pane, word, fleet)).collect()
        }
        "agents" | "triggers" | "alerts" => {
            view(verb).map_or_else(Vec::new, |pane| facts(pane, word, fleet))
        }
        "answer" => runs(|state| state == RunState::Waiting).collect(),
        "say" => runs(|state| !state.ended()).collect(),
        "logs" => {
            ["scheduler".to_owned()].into_iter().chain(agents()).chain(runs(|_| true)).collect()
        }
        "rerun" => runs(RunState::ended).collect(),
        "drop" => agents().chain(runs(|state| state == RunState::Queued)).collect(),
        "replay" => {
            let kept = fleet.triggers.iter().filter(|trigger| trigger.webhook);
            kept.map(|trigger| trigger.id.clone()).collect()
        }
        "theme" => known.themes.to_vec(),
        "ctx" => known.environments.to_vec(),
        "set" => OPTIONS.iter().map(|option| option.name.to_owned()).collect(),
        _ => Vec::new(),
    }
}
