//! What a skill brings along, said before any of it is in the project.
//!
//! It is read by the loader, as a draft of this project, so that what is shown is what will hold.

use al_wire::size;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use crate::cli::Context;
use crate::cli::paint::{Tone, safe, visible};
use crate::cli::table::{Cell, Fit, Table};
use crate::harness::inject;
use crate::project::credentials::{self, Reference};
use crate::project::{
    self, Agent, Draft, EngineKind, Network, Problem, RuntimeKind, ScriptCommand, Severity,
};
use crate::skills::Bundle;

/// Files that are listed one by one.
const FILES_SHOWN: usize = 20;

/// What somebody should know.
#[derive(Debug, Default)]
pub struct Brings {
    pub description: String,
    pub license: Option<String>,
    /// Path, bytes, whether it can be executed.
    pub files: Vec<(String, u64, bool)>,
    pub left_out: Vec<String>,
    pub renamed: Vec<(&'static str, &'static str)>,
    /// When it starts by itself, and where it runs.
    pub starts: Vec<String>,
    pub runs: Vec<String>,
    /// Reference, and whether it is there.
    pub credentials: Vec<(String, bool)>,
    /// Where it is said, and the command.
    pub commands: Vec<(String, String)>,
    pub warnings: Vec<String>,
    /// What has to be changed before it can run here.
    pub problems: Vec<String>,
    /// What is not used of it.
    pub notes: Vec<String>,
    /// Models that it names and this project does not have.
    pub foreign_models: bool,
}

impl Brings {
    /// Looks through a skill that is to be `agents/<name>`.
    pub fn of(bundle: &Bundle, name: &str, context: &Context) -> Self {
        let (agent, problems) = read(bundle, name, context);
        let mut brings = Self {
            files: bundle
                .files
                .iter()
                .map(|(path, file)| (path.clone(), file.bytes.len() as u64, file.executable))
                .collect(),
            left_out: bundle.left_out.clone(),
            renamed: bundle.renamed.clone(),
            foreign_models: problems.iter().any(|p| p.message.starts_with("unknown model")),
            problems: sentences(&problems, Severity::Error),
            notes: sentences(&problems, Severity::Warning),
            ..Self::default()
        };
        let skill = project::read_skill(bundle.text("SKILL.md").unwrap_or_default());
        brings.description = skill.description.map(|text| safe(&text)).unwrap_or_default();
        brings.license = skill.license.map(|text| safe(&text));
        brings.commands = in_instructions(&skill.body);
        if let Some(agent) = &agent {
            brings.agent(agent, context);
        }
        if bundle.files.contains_key("Dockerfile") {
            brings.runs.push("in an image that its Dockerfile makes".to_owned());
        }
        brings.warn(agent.as_ref());
        brings
    }

    fn agent(&mut self, agent: &Agent, context: &Context) {
        if let Some(schedule) = &agent.schedule {
            self.starts.push(format!("schedule {}", safe(schedule)));
        }
        if let Some(every) = agent.every_ms {
            self.starts.push(format!("every {} s", every / 1000));
        }
        for binding in &agent.webhooks {
            let events = binding.filters.get("events").map(|events| events.join(", "));
            let events = events.map(|events| format!(" ({events})")).unwrap_or_default();
            self.starts.push(safe(&format!("webhook {}{events}", binding.source)));
        }
        if agent.scale == 0 {
            self.starts = vec!["not by itself: `scale = 0`".to_owned()];
        }
        self.runs.push(place(agent));
        match agent.engine.kind {
            EngineKind::Script => self.runs.push("engine script".to_owned()),
            kind => {
                let engine = format!("engine {kind:?}").to_lowercase();
                let models = agent.models.join(", ");
                self.runs.push(safe(&format!("{engine}, models {models}")));
            }
        }
        for text in &agent.credentials {
            let origin = |of: &Reference| credentials::origin(&context.al_home, of).ok().flatten();
            let here = Reference::parse(text).is_ok_and(|of| origin(&of).is_some());
            self.credentials.push((safe(text), here));
        }
        self.commands.extend(in_settings(agent));
    }

    fn warn(&mut self, agent: Option<&Agent>) {
        let Some(agent) = agent else { return };
        match agent.runtime.kind {
            RuntimeKind::Container => {}
            RuntimeKind::Process => self.warnings.push(
                "it runs as you on this machine, without a container (`runtime.type = \"process\"`)"
                    .to_owned(),
            ),
            RuntimeKind::HostUser => self.warnings.push(safe(&format!(
                "it runs on this machine as the user {}, without a container",
                agent.runtime.run_as
            ))),
        }
        for mount in &agent.runtime.mounts {
            let may = if mount.writable { "reads and writes" } else { "reads" };
            let source = mount.source.display();
            self.warnings.push(safe(&format!("it {may} {source} of this machine")));
        }
        let set = |list: &[String], name: &str| (!list.is_empty()).then(|| name.to_owned());
        let kinds: Vec<String> = [
            set(&agent.hooks_pre, "hooks before each run"),
            set(&agent.hooks_post, "hooks after each run"),
            (!agent.preflight.is_empty()).then(|| "preflight steps".to_owned()),
            (agent.engine.kind == EngineKind::Script)
                .then(|| "a script instead of a model".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !kinds.is_empty() {
            self.warnings.push(format!("it runs commands of its own: {}", kinds.join(", ")));
        }
        if self.commands.iter().any(|(place, _)| place.starts_with("SKILL.md")) {
            let what = "its instructions run commands whenever they are read (!`command`)";
            self.warnings.push(what.to_owned());
        }
    }

    /// As lines for a person.
    pub fn text(&self, title: &str, context: &Context) -> String {
        let paint = context.look.out;
        let mut text = format!("{}\n", paint.on(Tone::Strong, &visible(title)));
        let mut line = |label: &str, what: &str, tone: Tone| {
            if !what.is_empty() {
                let label = paint.on(Tone::Dim, &format!("{label:<12}"));
                let what = wrapped(15, what, context.look.width);
                text.push_str(&format!("  {label} {}\n", paint.on(tone, &what)));
            }
        };
        line("about", &self.description, Tone::Plain);
        line("license", self.license.as_deref().unwrap_or_default(), Tone::Plain);
        for starts in &self.starts {
            line("starts", starts, Tone::Plain);
        }
        for runs in &self.runs {
            line("runs", runs, Tone::Plain);
        }
        for (reference, here) in &self.credentials {
            let (word, tone) = if *here { ("here", Tone::Good) } else { ("missing", Tone::Warn) };
            line("credential", &format!("{reference} ({word})"), tone);
        }
        for (place, command) in &self.commands {
            // Whole, however long: what is cut off could be what matters.
            line("command", &format!("{place}: {}", visible(command)), Tone::Plain);
        }
        let all: u64 = self.files.iter().map(|(_, bytes, _)| bytes).sum();
        line("files", &format!("{}, {}", self.files.len(), size(all)), Tone::Plain);
        text.push_str(&self.listed(context));
        let mut line = |label: &str, what: &str, tone: Tone| {
            let what = wrapped(3 + label.len(), what, context.look.width);
            text.push_str(&format!("  {} {what}\n", paint.on(tone, label)));
        };
        if !self.left_out.is_empty() {
            line("left out:", &safe(&self.left_out.join(", ")), Tone::Dim);
        }
        for (old, new) in &self.renamed {
            let what = format!("{old} becomes {new}: it was written for an older Action Llama");
            line("hint:", &what, Tone::Live);
        }
        for note in &self.notes {
            line("note:", note, Tone::Dim);
        }
        for problem in &self.problems {
            line("to mend:", problem, Tone::Warn);
        }
        for warning in &self.warnings {
            line("WARNING:", warning, Tone::Bad);
        }
        text
    }

    fn listed(&self, context: &Context) -> String {
        let mut table = Table::new([("", Fit::Middle), ("", Fit::Keep), ("", Fit::Keep)]);
        for (path, bytes, executable) in self.files.iter().take(FILES_SHOWN) {
            let mark = if *executable { "executable" } else { "" };
            table.row([path.into(), size(*bytes).into(), Cell::new(Tone::Warn, mark)]);
        }
        let width = context.look.width.saturating_sub(4);
        let table = table.render(width, context.look.out);
        let mut text = String::new();
        // The first line has the titles, and there are none.
        for row in table.lines().skip(1) {
            text.push_str(&format!("    {row}\n"));
        }
        if let Some(more @ 1..) = self.files.len().checked_sub(FILES_SHOWN) {
            text.push_str(&format!("    and {more} more\n"));
        }
        text
    }

    /// For scripts.
    pub fn json(&self) -> Value {
        let files = self.files.iter().map(|(path, bytes, executable)| {
            json!({"path": path, "bytes": bytes, "executable": executable})
        });
        let credentials = self
            .credentials
            .iter()
            .map(|(reference, here)| json!({"credential": reference, "present": here}));
        let commands = self
            .commands
            .iter()
            .map(|(place, command)| json!({"where": place, "command": command}));
        json!({
            "description": self.description,
            "license": self.license,
            "files": files.collect::<Vec<_>>(),
            "leftOut": self.left_out,
            "starts": self.starts,
            "runs": self.runs,
            "credentials": credentials.collect::<Vec<_>>(),
            "commands": commands.collect::<Vec<_>>(),
            "problems": self.problems,
            "notes": self.notes,
            "warnings": self.warnings,
        })
    }
}

/// Reads the agent as it would be in this project.
fn read(bundle: &Bundle, name: &str, context: &Context) -> (Option<Agent>, Vec<Problem>) {
    let dir = std::path::absolute(&context.dir).unwrap_or_else(|_| context.dir.clone());
    let folder = dir.join("agents").join(name);
    let mut draft = Draft::default();
    for file in ["SKILL.md", "config.toml"] {
        if let Some(text) = bundle.text(file) {
            draft.0.insert(folder.join(file), Some(text.to_owned()));
        }
    }
    let (read, mut problems) = context.request(|request| project::preview(request, draft));
    problems.retain(|problem| problem.file.starts_with(&folder));
    let agents = read.map(|read| read.agents).unwrap_or_default();
    (agents.into_iter().find(|agent| agent.name == name), problems)
}

fn sentences(problems: &[Problem], severity: Severity) -> Vec<String> {
    problems.iter().filter(|problem| problem.severity == severity).map(sentence).collect()
}

fn sentence(problem: &Problem) -> String {
    let file = problem.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let line = problem.place().map(|place| format!(":{}", place.line)).unwrap_or_default();
    safe(&format!("{file}{line}: {}", problem.message))
}

fn place(agent: &Agent) -> String {
    match agent.runtime.kind {
        RuntimeKind::Container => match agent.runtime.network {
            Network::None => "in a container without network".to_owned(),
            Network::Gateway => "in a container that reaches al alone".to_owned(),
            Network::Full => "in a container with network".to_owned(),
        },
        RuntimeKind::HostUser => safe(&format!("as the user {}", agent.runtime.run_as)),
        RuntimeKind::Process => "as a process of yours".to_owned(),
    }
}

/// The commands of instructions, and that they stand there.
pub fn in_instructions(body: &str) -> Vec<(String, String)> {
    inject::commands(body)
        .into_iter()
        .map(|command| ("SKILL.md".to_owned(), command.to_owned()))
        .collect()
}

fn in_settings(agent: &Agent) -> Vec<(String, String)> {
    let mut commands = Vec::new();
    for (place, list) in [("hooks.pre", &agent.hooks_pre), ("hooks.post", &agent.hooks_post)] {
        commands.extend(list.iter().map(|command| (place.to_owned(), command.clone())));
    }
    for step in &agent.preflight {
        let what = ["command", "url", "repo"]
            .iter()
            .find_map(|key| step.params.get(*key)?.as_str())
            .unwrap_or_default();
        commands.push(("preflight".to_owned(), format!("{} {what}", step.provider)));
    }
    match &agent.engine.command {
        Some(ScriptCommand::Line(line)) => {
            commands.push(("harness.command".to_owned(), line.clone()));
        }
        Some(ScriptCommand::Program(words)) => {
            commands.push(("harness.command".to_owned(), words.join(" ")));
        }
        None => {}
    }
    commands
}

/// A sentence below a label, in lines of at most `width` columns; rows after the first stand below
/// its first word. Long words stay whole, because they are copied.
fn wrapped(indent: usize, text: &str, width: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
    let mut rows = vec![String::new()];
    for word in text.split(' ') {
        let column = rows.last().map_or(0, |row| row.width());
        if column > 0 && column + 1 + word.width() > room {
            rows.push(String::new());
        }
        if let Some(row) = rows.last_mut() {
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
        }
    }
    rows.join(&format!("\n{}", " ".repeat(indent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sentences_go_on_below() {
        let text = "one two three four five six seven";
        assert_eq!(wrapped(4, text, 24), "one two three four\n    five six seven");
        assert_eq!(wrapped(4, "short", 24), "short");
    }
}
