//! What `--fix` changes: [`plan`] thinks, [`apply`] acts once somebody agreed.

mod apply;
mod plan;

use tokio::runtime::Runtime as Tokio;

use super::{Finding, host_user, remains};
use crate::cli::{Context, ask, gc, output};
use crate::failure::Failure;
use crate::project::{Mend, Project, Severity, edit};
use plan::Facts;

/// Mends what can be mended, after it was shown and, unless `yes`, agreed to. Says whether all that
/// was agreed to could be done; what could not is as it was.
///
/// # Errors
/// When nobody is there to ask, or a user of host-user cannot be made.
pub fn fix(
    findings: &[Finding],
    project: Option<&Project>,
    yes: bool,
    context: &Context,
    tokio: &Tokio,
) -> Result<bool, Failure> {
    let steps = plan::steps(&facts(findings, context, tokio));
    if !steps.is_empty() {
        ask::possible(yes)?;
    }
    let mut all = yes;
    let mut failed = 0;
    for step in &steps {
        output::insist(&plan::shown(step, context.look.err));
        if !all {
            match ask::each(&step.question()) {
                ask::Said::Yes => {}
                ask::Said::All => all = true,
                ask::Said::No => continue,
            }
        }
        match apply::apply(step, context, tokio) {
            Ok(()) => output::remark(&step.afterwards().map_or_else(String::new, |s| s + "\n")),
            Err(why) => {
                failed += 1;
                output::insist(&format!("warning: {why}\n"));
            }
        }
    }
    // What is wrong in the files may be the name of a user.
    let sound = findings.iter().all(|finding| {
        finding.problem.severity != Severity::Error || {
            let Finding { group, .. } = finding;
            *group != super::Group::Configuration
        }
    });
    if let Some(project) = project.filter(|_| sound) {
        host_user::fix(project, all)?;
    }
    Ok(failed == 0)
}

/// What the plan is made from.
fn facts<'a>(findings: &'a [Finding], context: &Context, tokio: &Tokio) -> Facts<'a> {
    let problems: Vec<_> = findings.iter().map(|finding| &finding.problem).collect();
    let has = |code: &str| problems.iter().any(|problem| problem.more.code == code);
    let appended = problems.iter().filter(|p| matches!(p.more.mend, Some(Mend::Append(_))));
    let texts = appended.map(|p| (p.file.clone(), edit::text(&p.file).ok())).collect();
    let locks = match has("lock_stale") {
        true => remains::stale_locks(context).into_iter().map(|(lock, _)| lock.key).collect(),
        false => Vec::new(),
    };
    let left = match has("left_over") {
        true => gc::look(tokio, context).unwrap_or_default(),
        false => Vec::new(),
    };
    Facts { problems, texts, locks, left }
}
