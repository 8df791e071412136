//! Who called whom: the runs that live and the recent ones, each below the one that called it.

use std::collections::{BTreeMap, HashMap, HashSet};

use al_wire::RunRow;
use serde_json::{Value, json};

use super::overview;
use super::picture::Picture;
use crate::ambient::Millis;
use crate::cli::paint::Paint;
use crate::cli::table::{Cell, Fit, Table};
use crate::cli::{Context, history, times};
use crate::engine;
use crate::failure::Failure;
use crate::store::RunsQuery;

/// Recent runs that are looked at.
const RECENT: u32 = 200;
/// Callers of callers that are looked for beyond the recent runs.
const DEPTH_MAX: usize = 64;

pub fn render(picture: &Picture, as_json: bool, context: &Context) -> Result<String, Failure> {
    let tree = Tree::grow(collect(picture, context)?);
    if as_json {
        return Ok(format!("{}\n", json!({"tree": tree.json(&tree.roots)})));
    }
    let (look, now_ms) = (context.look, context.now_ms);
    let header = overview::header(picture, look.out, now_ms);
    if tree.roots.is_empty() {
        return Ok(format!("{header}\nno run is live, and none called another lately\n"));
    }
    Ok(format!("{header}\n{}", tree.table(now_ms, look.width, look.out)))
}

/// Live runs, recent ones, and all their callers.
fn collect(picture: &Picture, context: &Context) -> Result<Vec<RunRow>, Failure> {
    let mut rows = picture.runs.clone();
    let reader = if picture.remote { None } else { history::reader(context)? };
    let Some(reader) = reader else { return Ok(rows) };
    let row = |run: &crate::scheduler::Run| {
        engine::run_row(run, history::repeats(&picture.project, &run.agent))
    };
    let mut known: HashSet<String> = rows.iter().map(|row| row.id.clone()).collect();
    let recent = reader.runs(&RunsQuery { limit: RECENT, ..RunsQuery::default() })?;
    rows.extend(recent.iter().filter(|run| known.insert(run.id.clone())).map(row));
    for _ in 0..DEPTH_MAX {
        let missing: Vec<String> = rows
            .iter()
            .filter_map(|row| row.caller.clone())
            .filter(|caller| known.insert(caller.clone()))
            .collect();
        if missing.is_empty() {
            break;
        }
        for caller in missing {
            rows.extend(reader.run(&caller)?.as_ref().map(row));
        }
    }
    Ok(rows)
}

struct Tree {
    runs: HashMap<String, RunRow>,
    /// Runs that no run here called, the oldest first.
    roots: Vec<String>,
    called: BTreeMap<String, Vec<String>>,
}

impl Tree {
    /// Of runs that ended only those are kept that called another one or were called.
    fn grow(mut rows: Vec<RunRow>) -> Self {
        rows.sort_by(|a, b| (a.queued_ms, &a.id).cmp(&(b.queued_ms, &b.id)));
        let known: HashSet<String> = rows.iter().map(|row| row.id.clone()).collect();
        let mut called: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut roots = Vec::new();
        for row in &rows {
            match row.caller.as_ref().filter(|caller| known.contains(*caller)) {
                Some(caller) => called.entry(caller.clone()).or_default().push(row.id.clone()),
                None => roots.push(row.id.clone()),
            }
        }
        let runs: HashMap<String, RunRow> =
            rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        roots.retain(|id| {
            called.contains_key(id) || runs.get(id).is_some_and(|run| !run.state.ended())
        });
        Self { runs, roots, called }
    }

    fn children(&self, id: &str) -> &[String] {
        self.called.get(id).map_or(&[], Vec::as_slice)
    }

    fn json(&self, ids: &[String]) -> Value {
        let node = |id: &String| {
            let mut value = json!(self.runs.get(id));
            value["called"] = self.json(self.children(id));
            value
        };
        ids.iter().map(node).collect()
    }

    fn table(&self, now_ms: Millis, width: usize, paint: Paint) -> String {
        let mut table = Table::new([
            ("RUN", Fit::Middle),
            ("STATE", Fit::Keep),
            ("AGE", Fit::Keep),
            ("WHY", Fit::End),
        ]);
        // A stack, because nobody bounds how deep calls went with an older setting.
        let mut next: Vec<(usize, &String)> = self.roots.iter().rev().map(|id| (0, id)).collect();
        while let Some((depth, id)) = next.pop() {
            next.extend(self.children(id).iter().rev().map(|id| (depth + 1, id)));
            let Some(run) = self.runs.get(id) else { continue };
            let began_ms = run.started_ms.unwrap_or(run.queued_ms);
            let branch = if depth == 0 { "" } else { "- " };
            table.row([
                format!("{}{branch}{id}", "  ".repeat(depth.saturating_sub(1))).into(),
                Cell::new(history::state_tone(run.state), run.state.word()),
                times::short_span(now_ms - began_ms).into(),
                history::said(run, now_ms).into(),
            ]);
        }
        table.render(width, paint)
    }
}
