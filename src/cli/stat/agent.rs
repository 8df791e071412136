//! Everything about one agent.

use al_wire::{AgentRow, RunRow};
use serde_json::{Map, Value};

use super::describe::{priority_name, retry_on_name};
use super::overview::{header, paused, status, tone};
use super::picture::Picture;
use crate::cli::paint::{Tone, safe};
use crate::cli::{Context, history, times};
use crate::duration;
use crate::engine::{CPUS, engine_name, runtime_name};
use crate::project::{
    Agent, Local, Missed, Model, Mount, Network, Overlap, Priority, Retry, Runtime, RuntimeKind,
    ScriptCommand,
};

/// Columns of the names on the left.
const LEFT: usize = 14;

pub fn render(
    agent: &Agent,
    row: &AgentRow,
    runs: &[RunRow],
    picture: &Picture,
    context: &Context,
) -> String {
    let (look, now_ms) = (context.look, context.now_ms);
    let mut text = header(picture, look.out, now_ms);
    let title = format!(
        "\n{}  {}\n\n",
        look.out.on(Tone::Strong, &agent.name),
        look.out.on(tone(row), &status(row))
    );
    text.push_str(&title);
    let room = look.width.saturating_sub(LEFT + 2).max(20);
    for (name, value) in lines(agent, row, picture, context) {
        for (n, line) in wrap(&safe(&value), room).iter().enumerate() {
            let name = if n == 0 { name } else { "" };
            let name = look.out.on(Tone::Dim, &format!("{name:<LEFT$}"));
            text.push_str(format!("  {name}{line}").trim_end());
            text.push('\n');
        }
    }
    text.push('\n');
    match runs {
        [] => text.push_str("no runs yet\n"),
        runs => text.push_str(&history::runs_table(runs, now_ms, look.width, look.out)),
    }
    text
}

/// What there is to say, in the order of interest; what is not set is left out.
fn lines(
    agent: &Agent,
    row: &AgentRow,
    picture: &Picture,
    context: &Context,
) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let mut line = |name, value: String| {
        if !value.is_empty() {
            lines.push((name, value));
        }
    };
    let skill = &agent.skill;
    line("description", skill.description.clone().unwrap_or_default());
    if let Some(pause) = &row.paused {
        line(pause.hold.word(), paused(pause, context.now_ms));
    }
    line("says", row.status_text.clone().unwrap_or_default());
    line("error", row.error.clone().unwrap_or_default());
    if let Some(schedule) = picture.schedule(agent) {
        line("schedule", format!("{} ({})", schedule.expr(), schedule.words()));
        line("next", picture.next_times(agent, context.now_ms).join(", "));
    }
    line("every", agent.every_ms.map(duration::text).unwrap_or_default());
    for binding in &agent.webhooks {
        line("webhook", webhook(&binding.source, &binding.filters));
    }
    let waiting = match row.waiting {
        0 => String::new(),
        n => format!(", {n} waiting"),
    };
    line("runs", format!("{} of {} at once{waiting}", row.running, row.scale));
    line("queue", format!("{} of {}", row.queued, row.queue_bound));
    rules(agent).into_iter().for_each(|(name, value)| line(name, value));
    line("engine", engine(agent));
    line("runtime", runtime(&agent.runtime, &picture.project.config.local));
    mounts(&agent.runtime).into_iter().for_each(|mount| line("mount", mount));
    for name in &agent.models {
        line("model", model(name, picture.project.config.models.get(name)));
    }
    line("credentials", agent.credentials.join(", "));
    agent.hooks_pre.iter().for_each(|hook| line("hook before", hook.clone()));
    agent.hooks_post.iter().for_each(|hook| line("hook after", hook.clone()));
    for step in &agent.preflight {
        let required = if step.required { "required" } else { "optional" };
        line("preflight", format!("{} ({required}): {}", step.provider, names(&step.params)));
    }
    line("params", names(&agent.params));
    line("timeout", times::setting(agent.timeout_s));
    line("wait timeout", times::setting(agent.wait_timeout_s));
    line("source", agent.source.clone().unwrap_or_default());
    line("skill name", skill.name.clone().unwrap_or_default());
    line("license", skill.license.clone().unwrap_or_default());
    line("compatibility", skill.compatibility.clone().unwrap_or_default());
    line("files", agent.dir.display().to_string());
    lines
}

/// What is out of the ordinary about when and in which order runs start.
fn rules(agent: &Agent) -> Vec<(&'static str, String)> {
    let mut rules = Vec::new();
    if agent.missed == Missed::Once {
        rules.push(("missed ticks", "one run for all of them".to_owned()));
    }
    if agent.overlap == Overlap::Queue {
        rules.push(("ticks", "wait when no slot is free".to_owned()));
    }
    if agent.priority != Priority::Normal {
        rules.push(("priority", priority_name(agent.priority).to_owned()));
    }
    if let Some(lane) = &agent.lane {
        rules.push(("lane", format!("{lane}, one at a time")));
    }
    if let Some(key) = &agent.keep_latest {
        rules.push(("keep", format!("the latest of {key}")));
    }
    if agent.retry != Retry::default() {
        rules.push(("retry", retry(&agent.retry)));
    }
    rules
}

fn retry(retry: &Retry) -> String {
    let ends: Vec<&str> = retry.on.iter().map(|end| retry_on_name(*end)).collect();
    if ends.is_empty() || retry.attempts == 1 {
        return "never".to_owned();
    }
    let pause = match retry.backoff_ms {
        0 => String::new(),
        ms => format!(", pausing {} and then twice as long", duration::text(ms)),
    };
    format!("up to {} attempts on {}{pause}", retry.attempts, ends.join(" or "))
}

fn webhook(source: &str, filters: &std::collections::BTreeMap<String, Vec<String>>) -> String {
    let filters: Vec<String> = filters
        .iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(field, values)| format!("{field} {}", values.join(" or ")))
        .collect();
    match filters.is_empty() {
        true => format!("{source}, all deliveries"),
        false => format!("{source}: {}", filters.join("; ")),
    }
}

fn engine(agent: &Agent) -> String {
    let name = engine_name(agent.engine.kind);
    match &agent.engine.command {
        None => name.to_owned(),
        Some(ScriptCommand::Line(line)) => format!("{name}: {line}"),
        Some(ScriptCommand::Program(words)) => format!("{name}: {}", words.join(" ")),
    }
}

/// Where runs execute, and what they may use there.
fn runtime(runtime: &Runtime, local: &Local) -> String {
    let name = runtime_name(runtime.kind);
    match runtime.kind {
        RuntimeKind::Process => name.to_owned(),
        RuntimeKind::HostUser if runtime.groups.is_empty() => {
            format!("{name}: as {}", runtime.run_as)
        }
        RuntimeKind::HostUser => {
            format!("{name}: as {}, groups {}", runtime.run_as, runtime.groups.join(", "))
        }
        RuntimeKind::Container => format!("{name}: {}", limits(runtime, local).join(", ")),
    }
}

/// What a container may use and reach.
fn limits(runtime: &Runtime, local: &Local) -> Vec<String> {
    let network = match runtime.network {
        Network::None => "no network",
        Network::Gateway => "network of the gateway alone",
        Network::Full => "full network",
    };
    let memory = runtime.memory.as_ref().unwrap_or(&local.memory);
    let cpus = runtime.cpus.or(local.cpus).unwrap_or(CPUS);
    let mut limits = vec![
        network.to_owned(),
        format!("memory {memory}"),
        format!("cpus {cpus}"),
        format!("pids {}", runtime.pids),
    ];
    limits.extend(runtime.gpus.as_ref().map(|gpus| format!("gpus {gpus}")));
    limits.extend(runtime.oci.as_ref().map(|oci| format!("started by {oci}")));
    limits
}

/// What else of this machine a container sees.
fn mounts(runtime: &Runtime) -> Vec<String> {
    if runtime.kind != RuntimeKind::Container {
        return Vec::new();
    }
    let mount = |Mount { source, target, writable }: &Mount| {
        let mode = if *writable { "read and write" } else { "read only" };
        format!("{} at {}, {mode}", source.display(), target.display())
    };
    runtime.mounts.iter().map(mount).collect()
}

fn model(name: &str, model: Option<&Model>) -> String {
    let Some(model) = model else { return name.to_owned() };
    let thinking = model.thinking_level.map(super::describe::thinking_level);
    let thinking = thinking.map_or_else(String::new, |level| format!(", thinking {level}"));
    let at = model.base_url.as_ref().map_or_else(String::new, |url| format!(" at {url}"));
    format!("{name}: {} {}{thinking}{at}", model.provider, model.model)
}

/// The names alone: values may be long, and `--json` has them.
fn names(params: &Map<String, Value>) -> String {
    params.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Breaks between words; a word that is too long stays whole, because it may be copied.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        let length = line.chars().count();
        if length > 0 && length + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if length > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
