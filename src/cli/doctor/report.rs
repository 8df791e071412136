//! What was found, for a person and for scripts.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::codes::code;
use super::{DoctorArgs, Finding};
use crate::cli::Context;
use crate::cli::console::shell_suffix;
use crate::cli::paint::{Paint, Tone, safe};
use crate::failure::Kind;
use crate::project::{self, Problem, Project, Severity};
use crate::scheduler::words::counted;

pub struct Report<'a> {
    /// None when the folder is no project.
    pub project: Option<&'a Project>,
    /// By group.
    pub findings: Vec<Finding>,
    pub args: &'a DoctorArgs,
    pub context: &'a Context,
}

impl Report<'_> {
    /// What counts as bad, by its kind.
    fn bad(&self) -> impl Iterator<Item = Kind> {
        let strict = self.args.strict;
        let counts = move |f: &&Finding| strict || f.problem.severity == Severity::Error;
        let kind = |f: &Finding| code(f.problem.more.code).map_or(Kind::Config, |code| code.kind);
        self.findings.iter().filter(counts).map(kind)
    }

    fn is_bad(&self) -> bool {
        self.bad().next().is_some()
    }

    /// 3 when something has to be mended, 4 when it is only that something does not answer.
    pub fn exit_code(&self) -> u8 {
        match (self.is_bad(), self.bad().all(|kind| kind == Kind::Upstream)) {
            (false, _) => 0,
            (true, true) => Kind::Upstream.exit_code(),
            (true, false) => Kind::Config.exit_code(),
        }
    }

    pub fn exit(&self) -> ExitCode {
        ExitCode::from(self.exit_code())
    }

    pub fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        for group in self.findings.chunk_by(|a, b| a.group == b.group) {
            let [Finding { group: name, .. }, ..] = group else { continue };
            let problems: Vec<Problem> = group.iter().map(|f| f.problem.clone()).collect();
            text.push_str(&paint.on(Tone::Strong, &name.word().to_uppercase()));
            text.push_str(&format!("\n{}", project::render_coded(&problems, paint.color)));
        }
        if !self.args.quiet {
            text.push_str(&self.summary(paint));
            text.push_str(&self.advice());
        }
        text
    }

    /// `shop: 3 agents, 2 models: 1 error, 2 warnings`
    pub fn summary(&self, paint: Paint) -> String {
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
        let looked_at = format!("{}, {}", counted(agents, "agent"), counted(models, "model"));
        format!("{}: {looked_at}: {outcome}\n", safe(&project.name))
    }

    /// What can be done about all of it; nothing when there is nothing to say.
    fn advice(&self) -> String {
        match self.findings.iter().filter(|finding| finding.is_mendable()).count() {
            0 => String::new(),
            n => {
                let what = if n == 1 { "one of them".to_owned() } else { format!("{n} of them") };
                format!("al doctor --fix{} mends {what}\n", shell_suffix(self.context))
            }
        }
    }

    pub fn json(&self) -> String {
        let of = |severity| self.findings.iter().filter(|f| f.problem.severity == severity).count();
        let document = json!({
            "project": self.project.map(|project| &project.name),
            "ok": !self.is_bad(),
            "exitCode": self.exit_code(),
            "errors": of(Severity::Error),
            "warnings": of(Severity::Warning),
            "findings": self.findings.iter().map(finding_json).collect::<Vec<_>>(),
        });
        format!("{document}\n")
    }
}

fn finding_json(finding: &Finding) -> Value {
    let problem = &finding.problem;
    json!({
        "code": problem.more.code,
        "group": finding.group.word(),
        "severity": problem.severity.word(),
        "file": problem.file,
        "line": problem.place().map(|place| place.line),
        "column": problem.place().map(|place| place.column),
        "what": problem.message,
        "hints": problem.hints,
        "fix": problem.more.fix,
        "mendable": finding.is_mendable(),
    })
}
