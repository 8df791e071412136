//! `[[webhooks]]` of an agent: which deliveries start it.

use std::collections::BTreeMap;

use super::check::{elsewhere, rename};
use super::generic;
use super::model::WebhookBinding;
use super::problem::{Problem, Problems, did_you_mean, listed, nearest, quoted};
use super::providers::{Field, GENERIC, Provider, provider};
use super::schema::{AGENT, File};
use super::tree::{Entry, Node, Table, Tree, texts};

/// The sources of a project, for the bindings of its agents.
#[derive(Debug)]
pub struct Sources<'a> {
    /// The `[webhooks]` table of the merged layers.
    pub table: Option<&'a Table>,
    /// Whether a source that is not in `table` does not exist.
    pub complete: bool,
}

impl<'a> Sources<'a> {
    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.table.into_iter().flat_map(|t| t.entries.iter().map(|e| e.key.as_str()))
    }

    fn provider(&self, name: &str) -> Option<&'static Provider> {
        provider(self.table?.table(name)?.text("type")?)
    }
}

/// Reads one binding; none when it cannot be used.
pub fn read(node: &Node, sources: &Sources<'_>, problems: &mut Problems) -> Option<WebhookBinding> {
    let Tree::Table(table) = &node.value else { return None };
    let source = source(node, table, sources, problems)?;
    // What is wrong with the source itself is told where it is written.
    let provider = sources.provider(&source);
    let mut filters = BTreeMap::new();
    for entry in table.entries.iter().filter(|e| e.key != "source") {
        let Some(provider) = provider else { continue };
        let Some(field) = provider.field(&entry.key) else {
            problems.push(unknown_filter(entry, table, provider));
            continue;
        };
        if provider.kind == GENERIC.kind
            && let Some(table) = sources.table.and_then(|all| all.table(&source))
            && let Some(problem) = generic::unmapped(entry, field, &source, table)
        {
            problems.push(problem);
        }
        if let Some(values) = values(entry, field, problems) {
            filters.insert(entry.key.clone(), values);
        }
    }
    Some(WebhookBinding { source, filters })
}

fn source(
    node: &Node,
    table: &Table,
    sources: &Sources<'_>,
    problems: &mut Problems,
) -> Option<String> {
    let known = || match sources.names().next() {
        Some(_) => format!("sources of this project: {}", listed(sources.names())),
        None => "the project has none; add `[webhooks.<name>]` to its config.toml".to_owned(),
    };
    let Some(entry) = table.entry("source") else {
        let problem =
            Problem::error_at(&node.at, "a webhook needs a `source`").code("webhook_source");
        problems.push(problem.hint(known()));
        return None;
    };
    let Tree::Text(name) = &entry.node.value else {
        let message = format!("`source` must be a string, found {}", entry.node.value.found());
        problems.push(Problem::error_at(&entry.node.at, message).code("value_wrong"));
        return None;
    };
    if sources.complete && !sources.names().any(|n| n == name) {
        let message = format!("unknown webhook source {}", quoted(name));
        let problem = Problem::error_at(&entry.node.at, message).code("webhook_source");
        problems.push(problem.maybe_hint(did_you_mean(name, sources.names())).hint(known()));
        return None;
    }
    Some(name.clone())
}

/// A filter that is not looked at would start the agent for everything, so this is an error.
fn unknown_filter(entry: &Entry, table: &Table, provider: &Provider) -> Problem {
    let near = provider.meant_by(&entry.key).or_else(|| nearest(&entry.key, provider.names()));
    let message = format!("{} has no filter {}", provider.kind, quoted(&entry.key));
    let problem = Problem::error_at(&entry.key_at, message).code("filter_unknown");
    // TOML takes everything below `[[webhooks]]` for a part of it.
    if AGENT.key(&entry.key).is_some() {
        return problem.maybe_hint(elsewhere(File::Agent, &entry.key));
    }
    let written: Vec<String> = table.entries.iter().map(|e| e.key.clone()).collect();
    let problem = problem.maybe_hint(near.map(|field| format!("did you mean `{field}`?")));
    let known = format!("filters of {}: {}", provider.kind, listed(provider.names()));
    problem.hint(known).mend(rename(near, &written))
}

fn values(entry: &Entry, field: Field, problems: &mut Problems) -> Option<Vec<String>> {
    let single = field.words().takes_text;
    match &entry.node.value {
        Tree::Text(one) if single => Some(vec![one.clone()]),
        Tree::List(list) => {
            for item in list.iter().filter(|i| !matches!(i.value, Tree::Text(_))) {
                let message =
                    format!("`{}` must hold strings only, found {}", entry.key, item.value.found());
                problems.push(Problem::error_at(&item.at, message).code("value_wrong"));
            }
            Some(texts(list))
        }
        other => {
            let kind = if single { "a string or a list of strings" } else { "a list of strings" };
            let message = format!("`{}` must be {kind}, found {}", entry.key, other.found());
            let hint = match other {
                Tree::Text(s) => Some(format!("write `{} = [{s:?}]`", entry.key)),
                _ => None,
            };
            problems.push(
                Problem::error_at(&entry.node.at, message).code("value_wrong").maybe_hint(hint),
            );
            None
        }
    }
}
