//! `al doctor`: everything that would go wrong later, found before.
//!
//! [`CHECKS`] is the one list of checks. Each looks at the [`Scene`] and hands out what it found;
//! none of them changes anything. `--fix` does, before they look: only what somebody agreed to.

mod agents;
mod containers;
mod credentials;
mod engines;
mod gateway;
mod host_user;
mod key;
mod machine;
mod models;
mod online;
mod report;
mod scene;
mod webhooks;

use std::process::ExitCode;

use tokio::runtime::Runtime as Tokio;

use super::{Context, output, start};
use crate::failure::{Failure, Kind};
use crate::project::{self, Problem, Project, Severity};
use report::Report;
use scene::{Progress, Scene};

/// Find what would go wrong, before it does
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al doctor               everything that is wrong, and what to do about it
  al doctor --online      also asks whether the models' servers answer
  al doctor --strict      for CI: warnings count too
  al doctor --json        for scripts
  al doctor --fix         makes users of host-user and their rules of sudo
  al doctor --rotate-key  a new API key; the old one and all sessions end

Looks at the configuration, the agents, their credentials, models and engines,
and this machine. Without --fix it changes nothing, and asks nothing; with it,
each command is shown and asked about before it runs. Agents with `scale = 0`
are read, and not looked at further.

Exit code: 0 when all is well, 3 when something has to be mended.")]
pub struct DoctorArgs {
    /// Also ask the models' servers whether they answer
    #[arg(long)]
    pub online: bool,

    /// Change nothing: what it does without --fix, said aloud
    #[arg(long, conflicts_with = "fix")]
    pub check: bool,

    /// Mend what can be mended: show each change, and ask before it is made
    #[arg(long)]
    pub fix: bool,

    /// Do not ask before a change
    #[arg(long, requires = "fix")]
    pub yes: bool,

    /// Replace the API key and do nothing else; the old one is dead at once
    #[arg(long, conflicts_with_all = ["online", "check", "fix", "strict", "quiet", "json"])]
    pub rotate_key: bool,

    /// Warnings count as errors
    #[arg(long)]
    pub strict: bool,

    /// Print what is wrong and nothing else
    #[arg(short, long)]
    pub quiet: bool,

    /// Print JSON
    #[arg(long, conflicts_with = "quiet")]
    pub json: bool,
}

/// What a finding is about. The order is that of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Configuration,
    Agents,
    Credentials,
    Webhooks,
    Models,
    Engines,
    Machine,
}

impl Group {
    fn word(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Agents => "agents",
            Self::Credentials => "credentials",
            Self::Webhooks => "webhooks",
            Self::Models => "models",
            Self::Engines => "engines",
            Self::Machine => "machine",
        }
    }
}

/// What a check takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cost {
    /// A look at files.
    Little,
    /// It starts programs, or looks at what a start looks at anyway.
    More,
    /// It asks others over the network.
    Network,
}

struct Check {
    group: Group,
    cost: Cost,
    look: fn(&Scene<'_>) -> Vec<Problem>,
}

const fn check(group: Group, cost: Cost, look: fn(&Scene<'_>) -> Vec<Problem>) -> Check {
    Check { group, cost, look }
}

const CHECKS: [Check; 17] = [
    check(Group::Agents, Cost::Little, agents::cannot_run),
    check(Group::Agents, Cost::Little, containers::limits),
    check(Group::Agents, Cost::Little, containers::mounts),
    check(Group::Credentials, Cost::Little, credentials::of_agents),
    check(Group::Credentials, Cost::Little, credentials::of_the_gateway),
    check(Group::Webhooks, Cost::Little, webhooks::sources),
    check(Group::Webhooks, Cost::Little, gateway::certificate),
    check(Group::Models, Cost::Little, models::settings),
    check(Group::Models, Cost::Little, models::keys),
    check(Group::Models, Cost::Little, models::budgets),
    check(Group::Models, Cost::Network, online::servers),
    check(Group::Engines, Cost::More, engines::programs),
    check(Group::Machine, Cost::More, machine::disk),
    check(Group::Machine, Cost::More, machine::port),
    check(Group::Machine, Cost::More, containers::engine),
    check(Group::Machine, Cost::More, containers::abilities),
    check(Group::Machine, Cost::More, host_user::users),
];

/// One thing that is wrong.
struct Finding {
    group: Group,
    problem: Problem,
}

/// Looks at everything and reports.
///
/// # Errors
/// When the report cannot be written. What is wrong with the project is no failure, but the exit
/// code 3.
pub fn run(args: &DoctorArgs, context: &Context) -> Result<ExitCode, Failure> {
    if args.rotate_key {
        key::rotate(context)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (project, problems) = context.request(|request| {
        project::examine(&project::Request { strict: args.strict, ..request.clone() })
    });
    let mut findings: Vec<Finding> = problems
        .into_iter()
        .map(|problem| Finding { group: Group::Configuration, problem })
        .collect();
    if let Some(project) = &project {
        // What is wrong in the files may be the name of a user.
        if args.fix && findings.iter().all(|f| f.problem.severity != Severity::Error) {
            host_user::fix(project, args.yes)?;
            key::fix(context, args.yes)?;
        }
        let tokio = start::tokio()?;
        let progress = Progress::new(!args.quiet && !args.json);
        let scene = Scene::new(project, context, &tokio, &progress);
        findings.extend(examine(&scene, |cost| args.online || cost != Cost::Network));
    }
    let report = Report { project: project.as_ref(), findings, args };
    output::print(&match args.json {
        true => report.json(),
        false => report.text(context.look.out),
    })?;
    Ok(match report.is_bad() {
        true => ExitCode::from(Kind::Config.exit_code()),
        false => ExitCode::SUCCESS,
    })
}

/// How many things would go wrong that a start does not stumble over itself.
pub(super) fn errors(project: &Project, context: &Context, tokio: &Tokio) -> usize {
    let progress = Progress::new(false);
    let scene = Scene::new(project, context, tokio, &progress);
    let found = examine(&scene, |cost| cost == Cost::Little);
    found.iter().filter(|finding| finding.problem.severity == Severity::Error).count()
}

/// What the checks of these costs find, by group.
fn examine(scene: &Scene<'_>, wanted: impl Fn(Cost) -> bool) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for check in CHECKS.iter().filter(|check| wanted(check.cost)) {
        for problem in (check.look)(scene) {
            // One key may be that of many models, and of an engine.
            if !findings.iter().any(|finding| finding.problem == problem) {
                findings.push(Finding { group: check.group, problem });
            }
        }
    }
    scene.progress.end();
    findings.sort_by_key(|finding| finding.group);
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checks_stand_in_the_order_of_the_report() {
        assert!(CHECKS.is_sorted_by_key(|check| check.group));
    }
}
