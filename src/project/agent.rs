//! From an agent's folder to an [`Agent`].

use serde_json::Map;

use super::binding::{self, Sources};
use super::checks::Checks;
use super::config;
use super::credentials::Reference;
use super::folder::AgentFolder;
use super::isolation;
use super::model::{
    Agent, Budget, Config, Engine, EngineKind, Overspent, Preflight, ScriptCommand, Skill,
};
use super::names;
use super::problem::{Problem, Problems, did_you_mean, listed, quoted};
use super::rules;
use super::source::{At, Named};
use super::tree::{self, Entry, Table, Tree};

/// What an agent is read against.
pub struct Surroundings<'a> {
    pub config: &'a mut Config,
    pub sources: Sources<'a>,
    /// Names of the project's models, also of those that are faulty.
    pub model_names: Vec<String>,
    /// Whether the project has one model without a name, for agents that name none.
    pub has_only_model: bool,
    /// Whether the project's choice of an engine is one.
    pub engine_known: bool,
    pub checks: Checks<'a>,
}

/// Reads `agents/<name>`; none when the folder is no agent.
pub fn read(
    name: &str,
    dir: &Named,
    around: &mut Surroundings<'_>,
    problems: &mut Problems,
) -> Option<Agent> {
    let files = AgentFolder::read(dir, problems)?;
    check_name(name, dir, problems);
    let skill = files.skill;
    // A file that cannot be read says nothing, and nothing is to be missed in it.
    let table = files.table?;
    let reader = Reader { name, table: &table, file: &files.config };
    Some(reader.agent(dir, skill, around, problems))
}

fn check_name(name: &str, dir: &Named, problems: &mut Problems) {
    if let Err(why) = names::check_agent(name) {
        let message = format!("the name {} of this agent {why}", quoted(name));
        let hint = names::suggest_agent(name).map(|s| format!("rename the folder to `{s}`"));
        problems.push(Problem::error(dir, message).code("agent_name").maybe_hint(hint));
    }
}

struct Reader<'a> {
    name: &'a str,
    table: &'a Table,
    file: &'a Named,
}

impl Reader<'_> {
    fn agent(
        &self,
        dir: &Named,
        skill: Skill,
        around: &mut Surroundings<'_>,
        problems: &mut Problems,
    ) -> Agent {
        let table = self.table;
        let hooks = table.table("hooks");
        let engine = self.engine(around.config.harness, problems);
        // Nothing is missed of an engine that is not known.
        let thinks = engine.kind == EngineKind::Builtin
            && around.engine_known
            && !self.table.table("harness").is_some_and(|h| h.is_bad("type"));
        let webhooks = table.list("webhooks");
        let timezone = self.timezone(problems);
        rules::check(table, timezone.as_deref(), around.checks, problems);
        let models = self.models(thinks, around, problems);
        let config = &*around.config;
        let scale = table.int("scale").unwrap_or(config.default_agent_scale);
        if scale > 0 && !rules::has_schedule(table) && table.node("webhooks").is_none() {
            problems.push(self.never_starts());
        }
        Agent {
            name: self.name.to_owned(),
            dir: dir.path.clone(),
            skill,
            source: table.text("source").map(str::to_owned),
            models,
            credentials: self.credentials(problems),
            schedule: table.text("schedule").map(str::to_owned),
            timezone,
            every_ms: table.span_ms("every"),
            missed: rules::missed(table),
            overlap: rules::overlap(table),
            scale,
            timeout_s: table.int("timeout").unwrap_or(config.local.timeout_s),
            max_work_queue_size: table.int("maxWorkQueueSize").unwrap_or(config.work_queue_size),
            priority: rules::priority(table),
            lane: table.text("lane").map(str::to_owned),
            keep_latest: rules::keep_latest(table).map(str::to_owned),
            retry: rules::retry(table),
            webhooks: webhooks
                .iter()
                .filter_map(|node| binding::read(node, &around.sources, problems))
                .collect(),
            hooks_pre: hooks.map(|h| h.texts("pre")).unwrap_or_default(),
            hooks_post: hooks.map(|h| h.texts("post")).unwrap_or_default(),
            params: table.table("params").map(Table::to_json).unwrap_or_default(),
            runtime: isolation::runtime(self.table.table("runtime"), &dir.path, problems),
            engine,
            wait_timeout_s: table.int("waitTimeout").unwrap_or(config.default_wait_timeout_s),
            compact_at: table.number("compactAt").unwrap_or(0.8),
            budget: table.table("budget").map(budget).unwrap_or_default(),
            preflight: self.preflight(problems),
        }
    }

    fn never_starts(&self) -> Problem {
        Problem::error(
            self.file,
            format!("agent `{}` has neither schedule nor webhooks", self.name),
        )
        .code("agent_never_starts")
        .hint("add `schedule = \"*/5 * * * *\"`, `every = \"5m\"` or `[[webhooks]]`")
        .hint("or `scale = 0` for an agent that is switched off")
    }

    fn credentials(&self, problems: &mut Problems) -> Vec<String> {
        let mut credentials = Vec::new();
        for item in self.table.list("credentials") {
            let Tree::Text(reference) = &item.value else { continue };
            match Reference::parse(reference) {
                Ok(_) => credentials.push(reference.clone()),
                Err(e) => problems.push(
                    Problem::error_at(&item.at, e.to_string())
                        .code("credential_name")
                        .hint("a credential is `type` or `type:instance`"),
                ),
            }
        }
        credentials
    }

    fn timezone(&self, problems: &mut Problems) -> Option<String> {
        let node = self.table.node("timezone")?;
        let name = self.table.text("timezone")?;
        if name.parse::<chrono_tz::Tz>().is_ok() {
            return Some(name.to_owned());
        }
        let zones = || chrono_tz::TZ_VARIANTS.iter().map(|z| z.name());
        // `Berlin` alone names `Europe/Berlin`.
        let city = zones()
            .find(|z| z.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(name)));
        let hint = match city {
            Some(zone) => Some(format!("did you mean `{zone}`?")),
            None => did_you_mean(name, zones()),
        };
        let hint = hint.unwrap_or_else(|| "zones are named like `Europe/Berlin`".to_owned());
        let message = format!("unknown time zone {}", quoted(name));
        problems.push(Problem::error_at(&node.at, message).code("timezone_unknown").hint(hint));
        None
    }

    fn models(
        &self,
        thinks: bool,
        around: &mut Surroundings<'_>,
        problems: &mut Problems,
    ) -> Vec<String> {
        if let Some(entry) = self.table.entry("model") {
            let problem = config::old_model(entry, "models = [\"<name>\"]");
            problems.push(problem);
            return self.own_model(entry, around, problems);
        }
        let Some(node) = self.table.node("models") else {
            if around.has_only_model {
                return vec![config::ONLY_MODEL.to_owned()];
            }
            if thinks && around.sources.complete {
                problems.push(self.no_models(None, around));
            }
            return Vec::new();
        };
        let models = self.table.texts("models");
        if matches!(&node.value, Tree::List(list) if list.is_empty()) && thinks {
            problems.push(self.no_models(Some(&node.at), around));
        }
        for item in self.table.list("models") {
            let Tree::Text(model) = &item.value else { continue };
            if around.sources.complete && !around.model_names.contains(model) {
                let names = || around.model_names.iter().map(String::as_str);
                problems.push(
                    Problem::error_at(&item.at, format!("unknown model {}", quoted(model)))
                        .code("model_unknown")
                        .maybe_hint(did_you_mean(model, names()))
                        .hint(match names().next() {
                            Some(_) => format!("models of this project: {}", listed(names())),
                            None => NO_MODELS.to_owned(),
                        }),
                );
            }
        }
        models
    }

    fn no_models(&self, at: Option<&At>, around: &Surroundings<'_>) -> Problem {
        let message = format!("agent `{}` lists no model", self.name);
        let problem = match at {
            Some(at) => Problem::error_at(at, message).code("models_missing"),
            None => Problem::error(self.file, message).code("models_missing"),
        };
        let names = || around.model_names.iter().map(String::as_str);
        let problem = match names().next() {
            Some(first) => problem.hint(format!("add `models = [{first:?}]`")),
            None => problem.hint(NO_MODELS),
        };
        problem.hint("a program needs none: `[harness]` with `type = \"script\"` and `command`")
    }

    /// `[model]` in an agent: a model of the project that nobody else uses.
    fn own_model(
        &self,
        entry: &Entry,
        around: &mut Surroundings<'_>,
        problems: &mut Problems,
    ) -> Vec<String> {
        let Some(model) = config::model(entry, problems) else { return Vec::new() };
        let name = format!("{}/model", self.name);
        around.config.models.insert(name.clone(), model);
        vec![name]
    }

    fn engine(&self, project: Option<EngineKind>, problems: &mut Problems) -> Engine {
        let empty = Table::default();
        let harness = self.table.table("harness").unwrap_or(&empty);
        let kind = harness
            .text("type")
            .and_then(config::engine)
            .or(project)
            .unwrap_or(EngineKind::Builtin);
        let command = match harness.node("command").map(|n| &n.value) {
            Some(Tree::Text(line)) => Some(ScriptCommand::Line(line.clone())),
            Some(Tree::List(list)) => Some(ScriptCommand::Program(tree::texts(list))),
            _ => None,
        };
        self.check_command(kind, command.as_ref(), harness, problems);
        Engine { kind, command }
    }

    fn check_command(
        &self,
        kind: EngineKind,
        command: Option<&ScriptCommand>,
        harness: &Table,
        problems: &mut Problems,
    ) {
        let example = "write `command = [\"./run.sh\"]`, or a shell line: `command = \"make\"`";
        let node = harness.node("command");
        let empty = match command {
            Some(ScriptCommand::Line(line)) => line.trim().is_empty(),
            Some(ScriptCommand::Program(words)) => {
                words.first().is_none_or(|program| program.trim().is_empty())
            }
            None => false,
        };
        match node {
            Some(node) if kind != EngineKind::Script => problems.push(
                Problem::error_at(&node.at, "`command` is read by the `script` engine only")
                    .code("key_unread")
                    .warning()
                    .hint("add `type = \"script\"` beside it"),
            ),
            Some(node) if empty => problems.push(
                Problem::error_at(&node.at, "`harness.command` is empty")
                    .code("command_missing")
                    .hint(example),
            ),
            None if kind == EngineKind::Script => {
                let message = "the `script` engine needs `command` in `[harness]`";
                let problem = match self.table.entry("harness") {
                    Some(entry) => {
                        Problem::error_at(&entry.key_at, message).code("command_missing")
                    }
                    None => Problem::error(self.file, message).code("command_missing"),
                };
                problems.push(problem.hint(example));
            }
            _ => {}
        }
    }

    fn preflight(&self, problems: &mut Problems) -> Vec<Preflight> {
        let mut steps = Vec::new();
        for node in self.table.list("preflight") {
            let Tree::Table(step) = &node.value else { continue };
            let Some(provider) = step.text("provider") else {
                problems.push(
                    Problem::error_at(&node.at, "a preflight step needs a `provider`")
                        .code("preflight_incomplete")
                        .hint("`shell`, `http` or `git-clone`"),
                );
                continue;
            };
            steps.push(Preflight {
                provider: provider.to_owned(),
                required: step.bool("required").unwrap_or(true),
                params: step.table("params").map_or_else(Map::new, Table::to_json),
            });
        }
        steps
    }
}

fn budget(table: &Table) -> Budget {
    Budget {
        per_run_micros: table.micros("perRun"),
        per_day_micros: table.micros("perDay"),
        then: if table.text("then") == Some("ask") { Overspent::Ask } else { Overspent::Stop },
    }
}

const NO_MODELS: &str = "the project has none; add `[models.<name>]` to its config.toml";
