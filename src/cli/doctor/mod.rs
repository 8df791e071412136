//! `al doctor`: everything that would go wrong later, found before.
//!
//! [`CHECKS`] is the one list of checks. Each looks at the [`Scene`] and hands out what it found;
//! none of them changes anything. `--fix` does, before the last look: only what somebody agreed to.

mod agents;
mod codes;
mod containers;
mod credentials;
mod engines;
mod files;
mod fix;
mod gateway;
mod host_user;
mod key;
mod machine;
mod models;
mod online;
mod remains;
mod report;
mod scene;
mod webhooks;

use std::process::ExitCode;

use tokio::runtime::Runtime as Tokio;

use super::console::shell_suffix;
use super::prompt::{Prompt, Question};
use super::{Context, ask, creds, output, start};
use crate::failure::{Failure, Kind};
use crate::project::credentials::Reference;
use crate::project::{self, Problem, Project, Severity};
pub use codes::{Code, codes};
use report::Report;
use scene::{Progress, Scene};

/// Find what would go wrong, before it does
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al doctor               everything that is wrong, and what to do about it
  al doctor --online      also asks whether the models' servers answer
  al doctor --strict      for CI: warnings count too
  al doctor --json        for scripts
  al doctor --fix         mends what can be mended, asking before each change
  al doctor --rotate-key  a new API key; the old one and all sessions end

Looks at the configuration, the agents, their credentials, models and engines,
at who may read and change the files, at this machine, and at what runs left.
Without --fix it changes nothing, but in a terminal it asks for credentials that
are missing, unless --check. With --fix, older names of files and keys, slips
of the pen in keys, modes of files, .gitignore, users of host-user and what is
left over are mended: each change is shown first. Agents with `scale = 0` are
read, and not looked at further. With --online the models' servers are asked for
their lists, with the keys, and a container is started that looks for the
gateway.

Exit code: 0 when all is well, 3 when something has to be mended, 4 when it is
only that something does not answer. Warnings count with --strict alone.")]
pub struct DoctorArgs {
    /// Also ask the models' servers whether they answer
    #[arg(long)]
    pub online: bool,

    /// Change nothing, and ask for nothing
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
    #[arg(long)]
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
    Files,
    Machine,
    LeftOver,
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
            Self::Files => "files",
            Self::Machine => "machine",
            Self::LeftOver => "leftovers",
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

const CHECKS: [Check; 39] = [
    check(Group::Agents, Cost::Little, agents::cannot_run),
    check(Group::Agents, Cost::More, agents::scales),
    check(Group::Agents, Cost::More, agents::instructions),
    check(Group::Agents, Cost::More, agents::time_limits),
    check(Group::Agents, Cost::More, agents::misplaced),
    check(Group::Agents, Cost::More, agents::programs),
    check(Group::Agents, Cost::Little, containers::limits),
    check(Group::Agents, Cost::Little, containers::mounts),
    check(Group::Credentials, Cost::Little, credentials::of_agents),
    check(Group::Credentials, Cost::Little, credentials::of_the_gateway),
    check(Group::Credentials, Cost::More, credentials::store),
    check(Group::Credentials, Cost::More, credentials::keyring),
    check(Group::Webhooks, Cost::Little, webhooks::sources),
    check(Group::Webhooks, Cost::Little, gateway::certificate),
    check(Group::Models, Cost::Little, models::settings),
    check(Group::Models, Cost::Little, models::keys),
    check(Group::Models, Cost::Little, models::budgets),
    check(Group::Models, Cost::Network, online::servers),
    check(Group::Engines, Cost::More, engines::programs),
    check(Group::Files, Cost::Little, files::writable),
    check(Group::Files, Cost::Little, files::state),
    check(Group::Files, Cost::More, files::secrets),
    check(Group::Files, Cost::More, files::git),
    check(Group::Machine, Cost::More, machine::disk),
    check(Group::Machine, Cost::More, machine::history),
    check(Group::Machine, Cost::More, machine::port),
    check(Group::Machine, Cost::More, containers::engine),
    check(Group::Machine, Cost::More, containers::abilities),
    check(Group::Machine, Cost::More, machine::engine_disk),
    check(Group::Machine, Cost::Network, containers::gateway),
    check(Group::Machine, Cost::More, host_user::users),
    check(Group::Machine, Cost::More, machine::time_zone),
    check(Group::Machine, Cost::Network, online::clock),
    check(Group::Machine, Cost::More, machine::watches),
    check(Group::Machine, Cost::More, machine::open_files),
    check(Group::LeftOver, Cost::More, remains::scheduler),
    check(Group::LeftOver, Cost::More, remains::locks),
    check(Group::LeftOver, Cost::More, remains::half_written),
    check(Group::LeftOver, Cost::More, remains::left_over),
];

/// One thing that is wrong.
struct Finding {
    group: Group,
    problem: Problem,
}

impl Finding {
    /// Whether `--fix` knows what to do.
    fn is_mendable(&self) -> bool {
        self.problem.more.mend.is_some()
    }
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
    let tokio = start::tokio()?;
    let mut mended = true;
    if args.fix {
        let (project, findings, _) = look(args, context, &tokio, |cost| cost != Cost::Network);
        mended = fix::fix(&findings, project.as_ref(), args.yes, context, &tokio)?;
    }
    let wanted = |cost: Cost| args.online || cost != Cost::Network;
    let (project, findings, missing) = look(args, context, &tokio, wanted);
    let mut report = Report { project: project.as_ref(), findings, args, context };
    output::print(&match args.json {
        true => report.json(),
        false => report.text(context.look.out),
    })?;
    let may_ask = !(args.check || args.json || args.quiet || args.yes) && context.look.tty;
    if may_ask && ask::somebody_there() && ask_for(&missing, context)? {
        report.findings = look(args, context, &tokio, wanted).1;
        output::print(&report.summary(context.look.out))?;
    }
    Ok(match mended {
        true => report.exit(),
        // That the disk is full or read-only was said.
        false => ExitCode::from(Kind::Upstream.exit_code()),
    })
}

/// Asks for each credential that is missing; whether one was added. Whoever declines one is asked for
/// the next.
///
/// # Errors
/// When they interrupt; those before are kept.
fn ask_for(missing: &[Reference], context: &Context) -> Result<bool, Failure> {
    let prompt = Prompt::new(context.look.err);
    let mut added = false;
    for reference in missing {
        let text = format!("Add the credential {reference} now?");
        let question = Question { text: &text, flag: "--check", help: "" };
        if !prompt.yes(&question, true)? {
            continue;
        }
        match creds::ask_for(reference, context, prompt) {
            Ok(()) => added = true,
            Err(failure) if failure.kind == Kind::Interrupted => return Err(failure),
            // One that its maker refuses need not keep the others out.
            Err(failure) => output::failure(&failure, context.look.err),
        }
    }
    Ok(added)
}

/// The project as far as it can be read, all that is wrong with it, and credentials that are missing.
fn look(
    args: &DoctorArgs,
    context: &Context,
    tokio: &Tokio,
    wanted: impl Fn(Cost) -> bool,
) -> (Option<Project>, Vec<Finding>, Vec<Reference>) {
    let (project, problems) = context.request(|request| {
        project::examine(&project::Request { strict: args.strict, ..request.clone() })
    });
    let of_files = |problem: Problem| match problem.more.code {
        // There is nothing to start, and nothing is wrong with that.
        "no_agents" => Finding { group: Group::Configuration, problem: problem.warning() },
        _ => Finding { group: Group::Configuration, problem },
    };
    let mut findings: Vec<Finding> = problems.into_iter().map(of_files).collect();
    let mut missing = Vec::new();
    if let Some(project) = &project {
        let progress = Progress::new(!args.quiet && !args.json);
        let scene = Scene::new(project, context, tokio, &progress);
        findings.extend(examine(&scene, wanted));
        missing = scene.missing();
    }
    for finding in &mut findings {
        // What has no command of its own is mended by this one.
        if finding.is_mendable() && finding.problem.more.fix.is_none() {
            let command = format!("al doctor --fix{}", shell_suffix(context));
            finding.problem = finding.problem.clone().fix(command);
        }
    }
    (project, findings, missing)
}

/// What would go wrong that a start does not stumble over itself, a sentence each.
pub(super) fn errors(project: &Project, context: &Context, tokio: &Tokio) -> Vec<String> {
    let progress = Progress::new(false);
    let scene = Scene::new(project, context, tokio, &progress);
    let found = examine(&scene, |cost| cost == Cost::Little);
    let errors = found.into_iter().filter(|f| f.problem.severity == Severity::Error);
    errors.map(|finding| finding.problem.message).collect()
}

/// [`errors`] that runs of one agent have, whatever starts them.
pub(super) fn errors_of(
    agent: &str,
    project: &Project,
    context: &Context,
    tokio: &Tokio,
) -> Vec<String> {
    let mut alone = project.clone();
    alone.agents.retain(|known| known.name == agent);
    alone.config.webhooks.clear();
    errors(&alone, context, tokio)
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
