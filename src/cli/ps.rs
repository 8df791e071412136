//! `al ps`: what runs now, and what it uses.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use al_wire::size;
use serde::Serialize;

use super::host::Places;
use super::paint::Tone;
use super::table::{Cell, Fit, Table};
use super::{Context, live, output, start, times};
use crate::ambient::{self, Millis};
use crate::docker::list::{self, Ours, Phase};
use crate::docker::usage::{self, Usage};
use crate::docker::{self, Docker, Trouble, container};
use crate::engine::runtime_name;
use crate::failure::Failure;
use crate::project::{Project, RuntimeKind};
use crate::runtime::{self, Census, Inside};
use crate::scheduler::Run;

/// CPU is what was used between two looks.
const APART: Duration = Duration::from_millis(400);

/// List what runs now and what it uses
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al ps                  runs of this project that live, shells too
  al ps --all-projects   containers of every project on this engine
  al ps --json           for scripts

CPU is that of the last moment, 100% is one CPU. PIDS counts threads too.
It works without a scheduler; runs go on without one.")]
pub struct PsArgs {
    /// Containers of other projects, too
    #[arg(long)]
    pub all_projects: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Something that lives.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    /// None of a shell.
    run: Option<String>,
    attempt: Option<u32>,
    agent: String,
    /// The folder with the state of its project.
    project: String,
    runtime: &'static str,
    state: String,
    since_ms: Millis,
    /// Process that stands over it, where it is no container.
    pid: Option<u32>,
    container: Option<String>,
    cpu_percent: Option<f64>,
    memory_bytes: Option<u64>,
    memory_limit_bytes: Option<u64>,
    pids: Option<u64>,
    #[serde(skip)]
    id: Option<String>,
}

/// Lists it.
///
/// # Errors
/// When the history cannot be read. An engine that does not answer is told of and left out.
pub fn run(args: &PsArgs, context: &Context) -> Result<(), Failure> {
    let project = context.load().ok().map(|loaded| loaded.project);
    let runs = live::runs(context)?;
    let tokio = start::tokio()?;
    let rows = tokio.block_on(gather(args, context, project.as_ref(), &runs))?;
    if args.json {
        return output::print(&format!("{}\n", serde_json::json!({"running": rows})));
    }
    if rows.is_empty() {
        return output::print("nothing runs; `al runs` lists what did\n");
    }
    output::print(&table(&rows, args.all_projects, context))
}

async fn gather(
    args: &PsArgs,
    context: &Context,
    project: Option<&Project>,
    runs: &[Run],
) -> Result<Vec<Row>, Failure> {
    let label = Places::at(context.state_dir()).label();
    let mut rows: Vec<Row> = Vec::new();
    for run in runs {
        rows.push(of_run(run, context, project, &label)?);
    }
    let docker = docker::connect(&ambient::env);
    let all = args.all_projects;
    let listed = match &docker {
        Ok(docker) => {
            let ours = list::ours(docker, Some(label.as_str()).filter(|_| !all)).await;
            ours.map_err(|error| container::words(&error))
        }
        Err(Trouble::Missing { .. }) if rows.iter().all(|row| row.container.is_none()) => {
            Ok(Vec::new())
        }
        Err(trouble) => Err(trouble.to_string()),
    };
    match listed {
        Ok(ours) => join(&mut rows, ours, &label),
        Err(why) => output::remark(&format!("what containers use cannot be told: {why}\n")),
    }
    measure(&mut rows, docker.ok().as_ref()).await;
    Ok(rows)
}

fn of_run(
    run: &Run,
    context: &Context,
    project: Option<&Project>,
    label: &str,
) -> Result<Row, Failure> {
    let al = context.state_dir();
    let found = runtime::inside(&al, &run.id, run.attempt)
        .map_err(|error| Failure::upstream("run_unreadable", error.to_string()))?;
    let agent = project.iter().flat_map(|p| &p.agents).find(|agent| agent.name == run.agent);
    let kind = agent.map_or(RuntimeKind::Process, |agent| agent.runtime.kind);
    let (kind, container) = match found {
        Inside::Container(name) => (RuntimeKind::Container, Some(name)),
        Inside::Process(_) => (RuntimeKind::Process, None),
        Inside::Unseen | Inside::Gone => (kind, None),
    };
    let pid = runtime::supervisor_pid(&al, &run.id, run.attempt);
    Ok(Row {
        run: Some(run.id.clone()),
        attempt: Some(run.attempt),
        agent: run.agent.clone(),
        project: label.to_owned(),
        runtime: runtime_name(kind),
        state: run.state.name().to_owned(),
        since_ms: run.started_at.unwrap_or(run.queued_at),
        pid: pid.filter(|_| container.is_none()),
        container,
        cpu_percent: None,
        memory_bytes: None,
        memory_limit_bytes: None,
        pids: None,
        id: None,
    })
}

/// Adds what the engine knows. What nobody stands over is shown too.
fn join(rows: &mut Vec<Row>, ours: Vec<Ours>, label: &str) {
    for one in ours {
        let run = one.attempt.as_ref().map(|(run, _)| run);
        let known = rows.iter_mut().find(|row| {
            one.project == label
                && row.container.as_ref() == Some(&one.name)
                && row.run.as_ref() == run
        });
        if let Some(row) = known {
            row.id = Some(one.id).filter(|_| one.phase != Phase::Still);
            continue;
        }
        let state = match (one.phase, &one.shell) {
            (Phase::Still, _) => continue,
            (Phase::Running, Some(mark)) if runtime::lives(mark) => "shell",
            (Phase::Running | Phase::Paused, None) if one.project != label => match one.phase {
                Phase::Paused => "waiting",
                Phase::Running | Phase::Still => "running",
            },
            (Phase::Running | Phase::Paused, _) => "left over",
        };
        let (run, attempt) = one.attempt.unzip();
        rows.push(Row {
            run,
            attempt,
            agent: one.agent.unwrap_or_default(),
            project: one.project,
            runtime: runtime_name(RuntimeKind::Container),
            state: state.to_owned(),
            since_ms: one.created_s * 1000,
            pid: None,
            container: Some(one.name),
            cpu_percent: None,
            memory_bytes: None,
            memory_limit_bytes: None,
            pids: None,
            id: Some(one.id),
        });
    }
}

/// Looks twice at everything, at all of it side by side.
async fn measure(rows: &mut [Row], docker: Option<&Docker>) {
    let ids: Vec<String> = rows.iter().filter_map(|row| row.id.clone()).collect();
    let began = Instant::now();
    let has_processes = rows.iter().any(|row| row.pid.is_some());
    let earlier = has_processes.then(Census::take);
    let used = match docker.filter(|_| !ids.is_empty()) {
        Some(docker) => usage::usage(docker, &ids, APART).await,
        None => {
            if has_processes {
                tokio::time::sleep(APART).await;
            }
            Vec::new()
        }
    };
    let later = has_processes.then(Census::take);
    let apart_ms = began.elapsed().as_secs_f64() * 1000.0;
    let mut used = used.into_iter();
    for row in rows {
        let usage = match (&row.id, row.pid, &earlier, &later) {
            (Some(_), ..) => used.next().flatten(),
            (None, Some(pid), Some(earlier), Some(later)) => {
                let (before, now) = (earlier.below(pid), later.below(pid));
                let cpu_ms = now.cpu_ms.saturating_sub(before.cpu_ms);
                Some(Usage {
                    cpu_percent: cpu_ms as f64 / apart_ms.max(1.0) * 100.0,
                    memory_bytes: now.memory_bytes,
                    memory_limit_bytes: None,
                    pids: now.pids,
                })
            }
            _ => None,
        };
        row.cpu_percent = usage.map(|usage| (usage.cpu_percent * 10.0).round() / 10.0);
        row.memory_bytes = usage.map(|usage| usage.memory_bytes);
        row.memory_limit_bytes = usage.and_then(|usage| usage.memory_limit_bytes);
        row.pids = usage.map(|usage| usage.pids);
    }
}

fn table(rows: &[Row], projects: bool, context: &Context) -> String {
    const COLUMNS: [(&str, Fit); 8] = [
        ("RUN", Fit::Middle),
        ("RUNTIME", Fit::Keep),
        ("STATE", Fit::Keep),
        ("AGE", Fit::Keep),
        ("CPU", Fit::Keep),
        ("MEMORY", Fit::Keep),
        ("PIDS", Fit::Keep),
        ("WHERE", Fit::Middle),
    ];
    let (width, paint) = (context.look.width, context.look.out);
    let names: BTreeSet<&str> = rows.iter().map(|row| row.project.as_str()).collect();
    let mut text = String::new();
    for name in names {
        let mut table = Table::new(COLUMNS);
        rows.iter().filter(|row| row.project == name).for_each(|row| {
            table.row(cells(row, context.now_ms));
        });
        if projects {
            text.push_str(&format!("{}\n", paint.on(Tone::Strong, &super::paint::safe(name))));
        }
        text.push_str(&table.render(width, paint));
    }
    text
}

fn cells(row: &Row, now_ms: Millis) -> [Cell; 8] {
    let none = || "-".to_owned();
    let tone = match row.state.as_str() {
        "left over" => Tone::Warn,
        _ => Tone::Live,
    };
    let memory = row.memory_bytes.map_or_else(none, |used| match row.memory_limit_bytes {
        Some(limit) => format!("{}/{}", size(used), size(limit)),
        None => size(used),
    });
    let place = row.container.clone().or(row.pid.map(|pid| format!("pid {pid}")));
    [
        row.run.as_ref().unwrap_or(&row.agent).into(),
        row.runtime.into(),
        Cell::new(tone, &row.state),
        times::short_span(now_ms - row.since_ms).into(),
        row.cpu_percent.map_or_else(none, |percent| format!("{percent:.0}%")).into(),
        memory.into(),
        row.pids.map_or_else(none, |pids| pids.to_string()).into(),
        place.unwrap_or_else(none).into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(name: &str, project: &str, phase: Phase, shell: Option<String>) -> Ours {
        Ours {
            id: format!("id-{name}"),
            name: name.into(),
            project: project.into(),
            agent: Some("dev".into()),
            attempt: shell.is_none().then(|| (name.to_owned(), 1)),
            shell,
            phase,
            created_s: 1,
            image: String::new(),
        }
    }

    #[test]
    fn containers_that_nobody_stands_over_are_told_from_others() {
        let check = |one: Ours, want: Option<&str>| {
            let mut rows = Vec::new();
            join(&mut rows, vec![one], "/p/.al");
            assert_eq!(rows.first().map(|row| row.state.as_str()), want);
        };
        check(ours("a", "/p/.al", Phase::Running, None), Some("left over"));
        check(ours("a", "/p/.al", Phase::Paused, None), Some("left over"));
        check(ours("a", "/p/.al", Phase::Still, None), None);
        check(ours("a", "/q/.al", Phase::Running, None), Some("running"));
        check(ours("a", "/q/.al", Phase::Paused, None), Some("waiting"));
        check(ours("a", "/p/.al", Phase::Running, Some(runtime::own_mark())), Some("shell"));
        check(ours("a", "/p/.al", Phase::Running, Some("1.1".into())), Some("left over"));
    }
}
