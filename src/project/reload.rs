//! Reading a project again while it is in use: what is valid is taken over, what is not stays as
//! it was.

use std::collections::BTreeSet;

use super::load::{Request, survey};
use super::model::Project;
use super::problem::{Problem, Severity};

/// What a running scheduler goes on with.
#[derive(Debug, Clone, PartialEq)]
pub struct Reloaded {
    pub project: Project,
    /// What is wrong in the files, warnings too; in the order of [`super::load()`].
    pub problems: Vec<Problem>,
}

/// Reads the files of `old` again.
///
/// An agent with errors stays what it was, and is not there when it is new. Errors of the project's
/// own files leave everything as it was: agents are read against them.
pub fn reload(request: &Request<'_>, old: &Project) -> Reloaded {
    let (project, problems) = survey(request);
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    let faulty: Option<BTreeSet<&str>> = errors.map(|problem| agent_of(problem, old)).collect();
    let (Some(mut project), Some(faulty)) = (project, faulty) else {
        return Reloaded { project: old.clone(), problems };
    };
    project.agents.retain(|agent| !faulty.contains(agent.name.as_str()));
    for agent in old.agents.iter().filter(|agent| faulty.contains(agent.name.as_str())) {
        let own = format!("{}/", agent.name);
        let models = old.config.models.iter().filter(|(name, _)| name.starts_with(&own));
        project.config.models.extend(models.map(|(name, model)| (name.clone(), model.clone())));
        project.agents.push(agent.clone());
    }
    project.agents.sort_by(|a, b| a.name.cmp(&b.name));
    Reloaded { project, problems }
}

/// The agent in whose folder the problem is; none for one of the project itself.
pub fn agent_of<'p>(problem: &'p Problem, project: &Project) -> Option<&'p str> {
    let inside = problem.file.strip_prefix(project.dir.join("agents")).ok()?;
    inside.iter().next()?.to_str()
}
