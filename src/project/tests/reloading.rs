//! Reading a project again while it is in use.

use super::*;
use crate::project::reload::{Reloaded, agent_of, reload};
use crate::project::{Project, Severity};

const SKILL: &str = "Works.\n";
const EVERY_HOUR: &str =
    "schedule = \"0 * * * *\"\n[harness]\ntype = \"script\"\ncommand = \"a\"\n";

fn start() -> (TempDir, Project) {
    let root = project(&[
        ("config.toml", "maxReruns = 3\n"),
        ("agents/dev/SKILL.md", SKILL),
        ("agents/dev/config.toml", EVERY_HOUR),
        ("agents/ops/SKILL.md", SKILL),
        ("agents/ops/config.toml", EVERY_HOUR),
    ]);
    let project = load(&request(&root)).unwrap().project;
    (root, project)
}

/// Agents with their time limits, and the errors, after these files were written.
#[track_caller]
fn check(edits: &[(&str, &str)], agents: &[(&str, u64)], errors: &[&str]) -> Project {
    let (root, old) = start();
    for (path, text) in edits {
        let file = root.path().join("project").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let Reloaded { project, problems } = reload(&request(&root), &old);
    let found: Vec<(&str, u64)> =
        project.agents.iter().map(|agent| (agent.name.as_str(), agent.timeout_s)).collect();
    assert_eq!(found, agents);
    let told: Vec<String> = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| {
            let line = problem.place().map_or(0, |place| place.line);
            let file = problem.file.file_name().unwrap().to_string_lossy();
            format!("{} {file}:{line}", agent_of(problem, &old).unwrap_or("-"))
        })
        .collect();
    assert_eq!(told, errors);
    project
}

const BROKEN: &str = "\
schedule = \"0 * * * *\"
timeout = \"soon\"
[harness]
type = \"script\"
command = \"a\"
";

#[test]
fn valid_edits_count_and_an_agent_with_errors_stays_what_it_was() {
    let faster = format!("timeout = 5\n{EVERY_HOUR}");
    check(&[("agents/dev/config.toml", &faster)], &[("dev", 5), ("ops", 900)], &[]);
    check(
        &[("agents/dev/config.toml", &faster), ("agents/ops/config.toml", BROKEN)],
        &[("dev", 5), ("ops", 900)],
        &["ops config.toml:2"],
    );
    let skill = "---\nname: [\n---\n";
    check(
        &[("agents/ops/SKILL.md", skill), ("agents/ops/config.toml", &faster)],
        &[("dev", 900), ("ops", 900)],
        &["ops SKILL.md:2"],
    );
}

#[test]
fn a_new_agent_is_there_once_it_is_whole() {
    let new = "agents/new/config.toml";
    check(&[(new, EVERY_HOUR)], &[("dev", 900), ("ops", 900)], &[]);
    check(
        &[(new, BROKEN), ("agents/new/SKILL.md", SKILL)],
        &[("dev", 900), ("ops", 900)],
        &["new config.toml:2"],
    );
    check(
        &[(new, EVERY_HOUR), ("agents/new/SKILL.md", SKILL)],
        &[("dev", 900), ("new", 900), ("ops", 900)],
        &[],
    );
}

#[test]
fn errors_of_the_project_leave_everything_as_it_was() {
    let faster = format!("timeout = 5\n{EVERY_HOUR}");
    let edits = [("config.toml", "maxReruns = 1\nscale =\n"), ("agents/dev/config.toml", &faster)];
    let project = check(&edits, &[("dev", 900), ("ops", 900)], &["- config.toml:2"]);
    assert_eq!(project.config.max_reruns, 3);
    let project = check(
        &[("config.toml", "maxReruns = 1\n[local]\ntimeout = 7\n")],
        &[("dev", 7), ("ops", 7)],
        &[],
    );
    assert_eq!(project.config.max_reruns, 1);
}

#[test]
fn agents_leave_even_the_last_one() {
    let (root, old) = start();
    let agents = root.path().join("project/agents");
    fs::write(agents.join("ops/config.toml"), BROKEN).unwrap();
    fs::remove_dir_all(agents.join("dev")).unwrap();
    let reloaded = reload(&request(&root), &old);
    assert_eq!(reloaded.project.agents, old.agents[1..]);
    fs::remove_dir_all(agents.join("ops")).unwrap();
    let reloaded = reload(&request(&root), &reloaded.project);
    assert_eq!((reloaded.project.agents, reloaded.problems), (Vec::new(), Vec::new()));
}

#[test]
fn a_folder_that_is_gone_for_a_moment_changes_nothing() {
    let (root, old) = start();
    fs::rename(root.path().join("project"), root.path().join("away")).unwrap();
    assert_eq!(reload(&request(&root), &old).project, old);
}
