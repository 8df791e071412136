//! Agents whose runs would fail, never start, or cost more than they need.

use std::fs;

use super::scene::{Scene, agents_named};
use crate::cli::{host, providers};
use crate::project::credentials::Reference;
use crate::project::{Agent, EngineKind, Named, Problem, RuntimeKind, ScriptCommand};
use crate::runtime;
use crate::shell;

/// Instructions of so many bytes are worth a look: each turn sends all of them.
const LARGE_SKILL: usize = 48 * 1024;
/// English text has about as many bytes in a token.
const BYTES_PER_TOKEN: usize = 4;
/// In less time a model may not even have begun to answer.
const LEAST_SECONDS: u64 = 60;

/// Programs that are not there. What is in a container or for another user is not to be seen from
/// here.
pub fn cannot_run(scene: &Scene<'_>) -> Vec<Problem> {
    let problem = |agent| {
        let why = host::cannot_start(agent)?;
        let message = format!("runs of agent `{}` would fail: {why}", agent.name);
        let problem = scene.agent_error(agent, &["harness", "command"], message);
        Some(problem.code("agent_cannot_run"))
    };
    let processes = scene.active().filter(|agent| agent.runtime.kind == RuntimeKind::Process);
    processes.filter_map(problem).collect()
}

/// Scales that the project's own does not let happen.
pub fn scales(scene: &Scene<'_>) -> Vec<Problem> {
    let Some(most) = scene.project.config.scale else { return Vec::new() };
    let mut problems = Vec::new();
    for agent in scene.active().filter(|agent| agent.scale > most) {
        let (name, scale) = (&agent.name, agent.scale);
        let message =
            format!("agent `{name}` may have {scale} runs at once, and the whole project {most}");
        let own = scene.agents.get(name.as_str()).is_some_and(|file| file.has(&["scale"]));
        let problem = match own {
            true => scene.agent_error(agent, &["scale"], message),
            false => scene.files.error(&["defaultAgentScale"], message),
        };
        problems.push(
            problem.code("scale_over_project").hint("lower it, or raise `scale` in config.toml"),
        );
    }
    let sum: u64 = scene.active().map(|agent| u64::from(agent.scale)).sum();
    if problems.is_empty() && sum > u64::from(most) {
        let message =
            format!("the agents may have {sum} runs at once, and the whole project {most}");
        let problem = scene.files.error(&["scale"], message).code("scales_over_project").warning();
        problems.push(problem.hint("in busy times some wait for others; fine if that is meant"));
    }
    problems
}

fn thinks(agent: &&Agent) -> bool {
    agent.engine.kind != EngineKind::Script
}

/// Instructions that say nothing, or so much that a model pays for it at every turn.
pub fn instructions(scene: &Scene<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for agent in scene.active().filter(thinks) {
        let (bytes, name) = (agent.skill.body.len(), &agent.name);
        let file = instructions_of(scene, agent);
        if agent.skill.body.trim().is_empty() {
            let message = format!("agent `{name}` has no instructions");
            problems.push(
                Problem::error(&file, message)
                    .code("skill_empty")
                    .warning()
                    .hint("write below the front matter what it should do"),
            );
        } else if bytes > LARGE_SKILL {
            let tokens = bytes / BYTES_PER_TOKEN;
            let message = format!(
                "the instructions of agent `{name}` have about {tokens} tokens, and each turn of \
                 each run sends all of them"
            );
            let problem = Problem::error(&file, message).code("skill_large").hint(
                "keep the rules, and move the rest to files that the agent reads when it needs them",
            );
            // That no model could take them is more than a matter of money.
            let fits = window(scene, agent).is_none_or(|window| tokens < window);
            problems.push(if fits { problem.warning() } else { problem });
        }
    }
    problems
}

fn instructions_of(scene: &Scene<'_>, agent: &Agent) -> Named {
    let folder = scene.file("agents").join(&agent.name);
    let (file, old) = (folder.join("SKILL.md"), folder.join("ACTIONS.md"));
    if !file.path.exists() && old.path.exists() { old } else { file }
}

/// The smallest window of the agent's models.
fn window(scene: &Scene<'_>, agent: &Agent) -> Option<usize> {
    let models = agent.models.iter().filter_map(|name| scene.project.config.models.get(name));
    models.filter_map(providers::context_window).min()?.try_into().ok()
}

/// Agents whose time is up before a model can be expected to answer.
pub fn time_limits(scene: &Scene<'_>) -> Vec<Problem> {
    let short = |agent: &&Agent| agent.timeout_s < LEAST_SECONDS;
    let problem = |agent: &Agent| {
        let (name, s) = (&agent.name, agent.timeout_s);
        let message = format!("runs of agent `{name}` end after {s} s; one answer may take longer");
        let own = scene.agents.get(name.as_str()).is_some_and(|file| file.has(&["timeout"]));
        let problem = match own {
            true => scene.agent_error(agent, &["timeout"], message),
            false => scene.files.error(&["local", "timeout"], message),
        };
        problem.code("timeout_short").warning().hint("give it `timeout = 300` or more")
    };
    scene.active().filter(thinks).filter(short).map(problem).collect()
}

/// Folders beside `agents/` that look like agents: older versions looked there too.
pub fn misplaced(scene: &Scene<'_>) -> Vec<Problem> {
    let entries = fs::read_dir(&scene.project.dir).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.') && !["agents", "node_modules"].contains(&&**name));
    names.sort_unstable();
    let is_agent = |folder: &Named| {
        let has = |file: &str| folder.path.join(file).is_file();
        (has("SKILL.md") || has("ACTIONS.md")) && (has("config.toml") || has("agent-config.toml"))
    };
    let mut problems = Vec::new();
    for name in names {
        let folder = scene.file(&name);
        if is_agent(&folder) {
            let message = "this folder looks like an agent, and only those in agents/ are";
            let to = shell::word(&scene.file("agents").join(&name).shown);
            problems.push(
                Problem::error(&folder, message)
                    .code("agent_misplaced")
                    .warning()
                    .fix(format!("mv {} {to}", shell::word(&folder.shown))),
            );
        }
    }
    problems
}

/// Programs that a credential is of no use without. What is in a container is up to its image.
pub fn programs(scene: &Scene<'_>) -> Vec<Problem> {
    const WANTS: [(&str, &str); 3] =
        [("git_ssh", "git"), ("git_ssh", "ssh"), ("github_token", "git")];
    let here: Vec<&Agent> =
        scene.active().filter(|agent| agent.runtime.kind != RuntimeKind::Container).collect();
    let mut problems: Vec<Problem> = Vec::new();
    let mut missing: Vec<&str> = Vec::new();
    for (kind, program) in WANTS {
        let lists = |text: &&String| Reference::parse(text).is_ok_and(|r| r.kind == kind);
        let users: Vec<&Agent> = here
            .iter()
            .copied()
            .filter(|agent| agent.credentials.iter().any(|c| lists(&c)))
            .collect();
        let Some(first) = users.first().filter(|_| !missing.contains(&program)) else { continue };
        let command = ScriptCommand::Program(vec![program.to_owned()]);
        if runtime::missing_program(&command, &first.dir).is_none() {
            continue;
        }
        missing.push(program);
        let Some(written) = first.credentials.iter().find(lists) else { continue };
        let message = format!(
            "there is no program {program}, which {} of {} is for",
            written,
            agents_named(&users)
        );
        let package = if program == "ssh" { "openssh-client" } else { program };
        let problem = scene.agent_error(first, &["credentials", written], message);
        problems.push(
            problem
                .code("program_missing")
                .warning()
                .fix(format!("sudo apt-get install {package}")),
        );
    }
    problems
}
