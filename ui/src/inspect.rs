//! Everything that is known about one thing, with the reason why it is as it is.

use crate::clock;
use crate::pictures::counts::values;
use crate::pictures::{self, Span};
use crate::rows;
use crate::state::{Subject, Ui};
use crate::text;
use crate::theme::Role;
use al_wire::{
    AgentRow, AlertRow, LoadRow, LogRecord, Measure, PauseRow, RunRow, RunState, TriggerRow, TryOf,
    size,
};
use serde::Serialize;

/// A labelled fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub label: &'static str,
    pub value: String,
    pub role: Role,
}

/// The facts of a subject, most wanted first.
pub fn facts(ui: &Ui, subject: &Subject) -> Vec<Fact> {
    let mut facts = Facts { ui, list: Vec::new() };
    match subject {
        Subject::Agent(name) => {
            if let Some(agent) = ui.fleet.agent(name) {
                facts.agent(agent);
            }
        }
        Subject::Run(id) => {
            if let Some(run) = ui.fleet.run(id) {
                facts.run(run);
            }
        }
        Subject::Trigger(id) => {
            if let Some(trigger) = ui.fleet.trigger(id) {
                facts.trigger(trigger);
            }
        }
        Subject::Record(record) => facts.record(record),
        Subject::Alert(key) => {
            if let Some(alert) = alert(ui, key) {
                facts.alert(alert);
            }
        }
        Subject::Events | Subject::Nothing => {}
    }
    facts.list
}

fn alert<'a>(ui: &'a Ui, key: &str) -> Option<&'a AlertRow> {
    ui.fleet.alerts().iter().find(|alert| alert.key == key)
}

/// How it came to be so: when, and what happened.
pub fn chain(ui: &Ui) -> Vec<(String, String)> {
    let Some(chain) = &ui.chain else { return Vec::new() };
    let facts = Facts { ui, list: Vec::new() };
    chain
        .steps
        .iter()
        .map(|step| {
            // What a firing did is told run by run.
            let about = match step.about == chain.id {
                true => String::new(),
                false => format!("{}: ", step.about),
            };
            (facts.at(step.at_ms), text::line(&format!("{about}{}", step.text)))
        })
        .collect()
}

/// Who did what: when, and a sentence.
pub fn events(ui: &Ui) -> Vec<(String, String)> {
    let facts = Facts { ui, list: Vec::new() };
    let events = ui.fleet.events.iter().map(|event| {
        let detail = if event.detail.is_empty() { "" } else { ": " };
        let said = format!(
            "{} ({}) {}, {}{detail}{}",
            event.by, event.via, event.what, event.ending, event.detail
        );
        (facts.at(event.at_ms), text::line(&said))
    });
    events.collect()
}

/// What was delivered: headers, then the body line by line, each made safe for a terminal.
pub fn delivery(ui: &Ui) -> Vec<String> {
    let Some(delivery) = ui.chain.as_ref().and_then(|chain| chain.delivery.as_ref()) else {
        return Vec::new();
    };
    let headers = delivery.headers.iter().map(|(name, value)| format!("{name}: {value}"));
    let mut lines: Vec<String> = headers.map(|line| text::line(&line)).collect();
    lines.push(String::new());
    lines.extend(delivery.remark.as_ref().map(|remark| format!("({remark})")));
    lines.extend(delivery.body.lines().map(text::line));
    lines
}

/// What the subject is called.
pub fn title(subject: &Subject) -> String {
    match subject {
        Subject::Agent(name) => format!("agent {name}"),
        Subject::Run(id) => format!("run {id}"),
        Subject::Trigger(id) => format!("trigger {id}"),
        Subject::Record(record) => format!("record of {}", record.name),
        Subject::Alert(key) => format!("alert {key}"),
        Subject::Events => "events".to_owned(),
        Subject::Nothing => "nothing selected".to_owned(),
    }
}

/// The row as the host sent it.
pub fn json(ui: &Ui, subject: &Subject) -> Option<String> {
    fn pretty<T: Serialize>(row: &T) -> Option<String> {
        serde_json::to_string_pretty(row).ok()
    }
    match subject {
        Subject::Agent(name) => pretty(ui.fleet.agent(name)?),
        Subject::Run(id) => pretty(ui.fleet.run(id)?),
        Subject::Trigger(id) => pretty(ui.fleet.trigger(id)?),
        Subject::Record(record) => pretty(record.as_ref()),
        Subject::Alert(key) => pretty(alert(ui, key)?),
        Subject::Events => pretty(&ui.fleet.events),
        Subject::Nothing => None,
    }
}

/// Facts and row as one text.
pub fn page(ui: &Ui, subject: &Subject) -> String {
    let mut page = format!("{}\n\n", title(subject));
    for fact in facts(ui, subject) {
        page.push_str(&format!("{:<10} {}\n", fact.label, fact.value));
    }
    if *subject == Subject::Events {
        page.extend(events(ui).into_iter().map(|(at, text)| format!("{at:<10} {text}\n")));
        return page;
    }
    for (n, (at, text)) in chain(ui).into_iter().enumerate() {
        let before = if n == 0 { "\n" } else { "" };
        page.push_str(&format!("{before}{at:<10} {text}\n"));
    }
    for (n, line) in delivery(ui).into_iter().enumerate() {
        page.push_str(if n == 0 { "\n" } else { "" });
        page.push_str(&format!("{line}\n"));
    }
    if let Subject::Record(record) = subject {
        page.push_str(&format!("\n{}\n", whole(&record.msg)));
    }
    page.push_str(&format!("\n{}\n", json(ui, subject).unwrap_or_default()));
    page
}

/// A text in full with its line breaks, without anything that drives a terminal.
pub fn whole(raw: &str) -> String {
    let spans = text::safe(raw, ratatui::style::Style::new(), true);
    spans.iter().map(|span| span.content.as_ref()).collect()
}

struct Facts<'a> {
    ui: &'a Ui,
    list: Vec<Fact>,
}

impl Facts<'_> {
    fn add(&mut self, label: &'static str, value: impl Into<String>) {
        self.styled(label, value, Role::Text);
    }

    fn styled(&mut self, label: &'static str, value: impl Into<String>, role: Role) {
        self.list.push(Fact { label, value: text::line(&value.into()), role });
    }

    fn maybe(&mut self, label: &'static str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.add(label, value);
        }
    }

    fn at(&self, at_ms: i64) -> String {
        let offset_s = (self.ui.setup.zone_offset)(at_ms);
        match (at_ms - self.ui.now_ms).abs() < clock::DAY_MS {
            true => clock::seconds(at_ms, offset_s),
            false => clock::full(at_ms, offset_s),
        }
    }

    fn agent(&mut self, agent: &AgentRow) {
        let (role, word) = rows::agent_state(agent);
        self.styled("state", word, role);
        if let Some(error) = &agent.error {
            self.styled("error", error.as_str(), Role::Danger);
        }
        if let Some(paused) = &agent.paused {
            self.pause(paused);
        }
        self.maybe("status", agent.status_text.as_deref());
        self.maybe("about", agent.description.as_deref());
        let waiting = match agent.waiting {
            0 => String::new(),
            n => format!(", {n} waiting"),
        };
        self.add("runs", format!("{} of {} at once{waiting}", agent.running, agent.scale));
        self.add("queue", format!("{} of {} at most", agent.queued, agent.queue_bound));
        if let Some(schedule) = &agent.schedule {
            self.add("schedule", schedule.as_str());
        }
        self.maybe("in words", agent.schedule_words.as_deref());
        if let Some(next_ms) = agent.next_ms {
            self.add("next", self.at(next_ms));
        }
        if !agent.triggers.is_empty() {
            self.add("triggers", agent.triggers.join(", "));
        }
        if let Some(last) = &agent.last {
            let took = clock::took(last.duration_ms);
            let ended = self.at(last.ended_ms);
            let role = rows::run_role(last.state);
            self.styled(
                "last",
                format!("{} {} in {took}, {ended}", last.run, last.state.word()),
                role,
            );
        }
        self.hour(&agent.name);
        self.add("engine", format!("{} in {}", agent.engine, agent.runtime));
        self.add(
            "timeout",
            clock::took(
                i64::try_from(agent.timeout_s).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000),
            ),
        );
    }

    /// What it did in the last hour, and what its runs use now.
    fn hour(&mut self, agent: &str) {
        if let Some(series) = self.ui.pictures.counts.series(Span::Hour) {
            let sum = |measure| values(series, Some(agent), measure).sum();
            let (ended, failed) = (sum(Measure::Ended), sum(Measure::Failed));
            let (bars, _) = pictures::hour(self.ui, agent, 30);
            let role = if failed > 0 { Role::StateFailed } else { Role::Text };
            self.styled("last hour", format!("{ended} ended, {failed} failed  {bars}"), role);
        }
        let runs = self.ui.fleet.runs.iter().filter(|run| run.agent == agent);
        let loads: Vec<&LoadRow> = runs.filter_map(|run| self.ui.fleet.load(run)).collect();
        if loads.is_empty() {
            return;
        }
        let percents: Vec<u32> = loads.iter().filter_map(|load| load.cpu_percent).collect();
        let memory = size(loads.iter().map(|load| load.memory_bytes).sum());
        let cpu = match percents[..] {
            [] => String::new(),
            _ => format!("cpu {}%, ", percents.iter().sum::<u32>()),
        };
        self.add("load", format!("{cpu}memory {memory} of {} runs", loads.len()));
    }

    fn alert(&mut self, alert: &AlertRow) {
        self.styled("alert", alert.sentence(), Role::Danger);
        self.maybe("do", alert.hint.as_deref());
        self.add("since", self.at(alert.at_ms));
    }

    fn pause(&mut self, paused: &PauseRow) {
        let why = paused.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
        let since = self.at(paused.since_ms);
        let until =
            paused.until_ms.map_or(String::new(), |at_ms| format!(" until {}", self.at(at_ms)));
        let text = format!("by {} since {since}{until}{why}", paused.by);
        self.styled(paused.hold.word(), text, Role::StatePaused);
    }

    fn run(&mut self, run: &RunRow) {
        let stopping = if run.stopping { ", asked to end" } else { "" };
        self.styled("state", format!("{}{stopping}", run.state.word()), rows::run_role(run.state));
        self.maybe("why", Some(&run.why));
        self.maybe("status", run.status_text.as_deref());
        self.maybe("return", run.return_value.as_deref());
        self.maybe("trigger", Some(&run.trigger));
        self.add("agent", run.agent.as_str());
        if let Some(rerun) = run.rerun {
            self.add("rerun", format!("{} of {}", rerun.n, rerun.max));
        }
        match run.retry {
            Some(TryOf { n, of: Some(of) }) => self.add("attempt", format!("{n} of {of}")),
            _ if run.attempt > 1 => self.add("attempt", run.attempt.to_string()),
            _ => {}
        }
        self.place(run);
        self.add("queued", self.at(run.queued_ms));
        if let Some(started_ms) = run.started_ms {
            self.add("started", self.at(started_ms));
        }
        if let Some(ended_ms) = run.ended_ms {
            let took = run.started_ms.map_or(String::new(), |started_ms| {
                format!(", took {}", clock::took(ended_ms - started_ms))
            });
            self.add("ended", format!("{}{took}", self.at(ended_ms)));
        }
        if let Some(code) = run.exit_code {
            let role = if run.state == RunState::Failed { Role::StateFailed } else { Role::Text };
            self.styled("exit code", code.to_string(), role);
        }
        self.maybe("receipt", run.receipt.as_deref());
    }

    /// What it waits for, who called it, whom it called, and what its turn depends on.
    fn place(&mut self, run: &RunRow) {
        if let Some(wait) = &run.wait {
            if let Some(question) = &wait.question {
                self.styled("asks", question.as_str(), Role::StateWaiting);
            }
            if !wait.choices.is_empty() {
                self.add("choices", wait.choices.join(", "));
            }
            self.add("until", self.at(wait.until_ms));
        }
        if let Some(load) = self.ui.fleet.load(run) {
            self.load(load);
        }
        self.maybe("used", run.usage.as_ref().map(|usage| usage.text.as_str()));
        self.maybe("called by", run.caller.as_deref());
        let called = self.ui.fleet.runs.iter();
        let called: Vec<String> = called
            .filter(|other| other.caller.as_ref() == Some(&run.id))
            .map(|other| format!("{} ({})", other.id, other.state.word()))
            .collect();
        self.maybe("called", Some(&called.join(", ")));
        self.maybe("priority", run.priority.word());
        self.maybe("lane", run.lane.as_deref());
        if let Some(at_ms) = run.not_before_ms.filter(|_| run.state == RunState::Queued) {
            self.add("not before", self.at(at_ms));
        }
    }

    /// What it uses of the machine.
    fn load(&mut self, load: &LoadRow) {
        self.maybe("cpu", load.cpu_percent.map(|percent| format!("{percent}%")).as_deref());
        let limit = load.memory_limit_bytes.map(|limit| format!(" of {}", size(limit)));
        let memory = size(load.memory_bytes);
        self.add("memory", format!("{memory}{}", limit.unwrap_or_default()));
        self.add("pids", load.pids.to_string());
    }

    fn trigger(&mut self, trigger: &TriggerRow) {
        let outcome = rows::outcome(&self.ui.fleet, trigger);
        self.styled("outcome", outcome.word(), rows::outcome_role(outcome));
        self.maybe("reason", trigger.dead.as_deref());
        self.maybe("why", Some(&trigger.why));
        self.add("source", trigger.source.as_str());
        self.add("what", trigger.summary.as_str());
        self.add("at", self.at(trigger.at_ms));
        if let Some(last_ms) = trigger.last_ms {
            self.add("last", format!("{}, {} times in all", self.at(last_ms), trigger.times));
        }
        self.maybe("by", trigger.by.as_deref());
        self.maybe("replay of", trigger.replay_of.as_deref());
        if !trigger.runs.is_empty() {
            self.add("runs", trigger.runs.join(", "));
        }
    }

    fn record(&mut self, record: &LogRecord) {
        self.styled(
            "level",
            format!("{:?}", record.level).to_lowercase(),
            crate::logs::line::level(record.level).1,
        );
        self.add("at", self.at(record.at_ms));
        self.maybe("run", record.run.as_deref());
    }
}
