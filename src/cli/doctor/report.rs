//! What was found, for a person and for scripts.

use serde_json::{Value, json};

use super::{DoctorArgs, Finding};
use crate::cli::paint::{Paint, Tone, safe};
use crate::project::{self, Problem, Project, Severity};

pub struct Report<'a> {
    /// None when the folder is no project.
    pub project: Option<&'a Project>,
    /// By group.
    pub findings: Vec<Finding>,
    pub args: &'a DoctorArgs,
}

impl Report<'_> {
    /// Whether something has to be mended.
    pub fn is_bad(&self) -> bool {
        let strict = self.args.strict;
        self.findings.iter().any(|f| strict || f.problem.severity == Severity::Error)
    }

    pub fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        for group in self.findings.chunk_by(|a, b| a.group == b.group) {
            let [Finding { group: name, .. }, ..] = group else { continue };
            let problems: Vec<Problem> = group.iter().map(|f| f.problem.clone()).collect();
            text.push_str(&paint.on(Tone::Strong, &name.word().to_uppercase()));
            text.push_str(&format!("\n{}", project::render_each(&problems, paint.color)));
        }
        if !self.args.quiet {
            text.push_str(&self.summary(paint));
        }
        text
    }

    /// `shop: 3 agents, 2 models: 1 error, 2 warnings`
    fn summary(&self, paint: Paint) -> String {
        let count = project::count(self.findings.iter().map(|finding| &finding.problem));
        let tone = match (self.is_bad(), self.findings.is_empty()) {
            (true, _) => Tone::Bad,
            (false, false) => Tone::Warn,
            (false, true) => Tone::Good,
        };
        let outcome = match count.trim_end() {
            "" => paint.on(tone, "nothing is wrong"),
            count => paint.on(tone, count),
        };
        let Some(project) = self.project else { return format!("{outcome}\n") };
        let (agents, models) = (project.agents.len(), project.config.models.len());
        let looked_at = format!("{}, {}", some(agents, "agent"), some(models, "model"));
        format!("{}: {looked_at}: {outcome}\n", safe(&project.name))
    }

    pub fn json(&self) -> String {
        let of = |severity| self.findings.iter().filter(|f| f.problem.severity == severity).count();
        let document = json!({
            "project": self.project.map(|project| &project.name),
            "ok": !self.is_bad(),
            "errors": of(Severity::Error),
            "warnings": of(Severity::Warning),
            "findings": self.findings.iter().map(finding_json).collect::<Vec<_>>(),
        });
        format!("{document}\n")
    }
}

fn some(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn finding_json(Finding { group, problem }: &Finding) -> Value {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    json!({
        "group": group.word(),
        "severity": severity,
        "file": problem.file,
        "line": problem.place().map(|place| place.line),
        "what": problem.message,
        "fix": problem.hints,
    })
}
