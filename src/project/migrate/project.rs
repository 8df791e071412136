//! All files of a project.

use serde_json::Value;
use toml_edit::{DocumentMut, Item, Table, TableLike, value};

use super::{AgentFiles, Change, Home, Models, Plan, agent, toml};

/// The files of a project, as far as they are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectFiles {
    /// `config.toml`
    pub config: Option<String>,
    /// `.env.toml`
    pub env: Option<String>,
    /// The environments of this machine that the project may use: name and text.
    pub environments: Vec<(String, String)>,
    pub agents: Vec<AgentFiles>,
    /// `package.json`
    pub package: Option<String>,
    /// `.gitignore`
    pub gitignore: Option<String>,
    /// `.mcp.json`
    pub mcp: Option<String>,
    /// Whether Action Llama has left a database.
    pub has_history: bool,
    /// Which of [`LEFTOVERS`] there are.
    pub leftovers: Vec<String>,
}

/// What npm left beside `package.json`.
pub const LEFTOVERS: [&str; 5] =
    ["package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "node_modules"];

/// The package that a project of Action Llama depends on.
const PACKAGES: [&str; 2] = ["@action-llama/action-llama", "@action-llama/skill"];

/// What makes a project present: its own files, those of its agents, and the environments.
pub fn project(files: &ProjectFiles) -> Plan {
    let mut plan = Plan::default();
    let text = files.config.as_deref().unwrap_or_default();
    let read = toml::without_mark(text).parse::<DocumentMut>();
    let mut own = None;
    let mut agents = Plan::default();
    if let Ok(mut document) = read {
        let mut what = Vec::new();
        older_keys(document.as_table_mut(), &mut what);
        let mut models = Models::of_project(&mut document, &mut what);
        for files in &files.agents {
            agent(files, Some(&mut models), &mut agents);
        }
        models.finish(&mut document, &mut what);
        own = Some((document, what));
    } else {
        // Nothing is said of models where they cannot be read.
        for files in &files.agents {
            agent(files, None, &mut agents);
        }
    }
    let config = own.as_ref().map(|(document, _)| document.clone());
    if let Some((document, what)) = own {
        let before = files.config.clone();
        change(&mut plan, "config.toml", Home::Project, before, document, what);
    }
    env(files, &mut plan);
    for (name, text) in &files.environments {
        let Ok(mut document) = toml::without_mark(text).parse::<DocumentMut>() else { continue };
        let mut what = Vec::new();
        older_keys(document.as_table_mut(), &mut what);
        cloud(document.as_table_mut(), &mut what);
        let file = format!("environments/{name}.toml");
        change(&mut plan, &file, Home::Environments, Some(text.clone()), document, what);
    }
    plan.changes.append(&mut agents.changes);
    plan.notes.append(&mut agents.notes);
    package(files, &mut plan);
    mcp(files, &mut plan);
    // A project without a trace of it never ran there, so nothing is different for it.
    let traces = !plan.changes.is_empty() || !plan.notes.is_empty() || !plan.retired.is_empty();
    if let Some(config) = config.filter(|_| traces || files.has_history) {
        let mut said = Plan::default();
        differences(files, &config, &mut said);
        plan.notes.splice(0..0, said.notes);
    }
    ignored(files, &mut plan);
    plan
}

fn change(
    plan: &mut Plan,
    file: &str,
    home: Home,
    before: Option<String>,
    document: DocumentMut,
    what: Vec<String>,
) {
    if what.is_empty() {
        return;
    }
    let after = toml::with_ends_of(before.as_deref().unwrap_or_default(), document.to_string());
    plan.changes.push(Change { file: file.to_owned(), home, was: None, before, after, what });
}

/// Keys that have another name or place now.
fn older_keys(table: &mut Table, what: &mut Vec<String>) {
    for (old, new) in [("maxTriggerDepth", "maxCallDepth"), ("webhookQueueSize", "workQueueSize")] {
        if toml::rename(table, old, new) {
            what.push(format!("`{old}` is now called `{new}`"));
        }
    }
    let gateway = table.get_mut("gateway").and_then(Item::as_table_like_mut);
    let Some(moved) = gateway.and_then(|gateway| gateway.remove("lockTimeout")) else { return };
    what.push("`gateway.lockTimeout` is now `resourceLockTimeout`".to_owned());
    if table.get("gateway").and_then(Item::as_table_like).is_some_and(TableLike::is_empty) {
        table.remove("gateway");
    }
    if !table.contains_key("resourceLockTimeout") {
        table.insert("resourceLockTimeout", moved);
    }
}

fn env(files: &ProjectFiles, plan: &mut Plan) {
    let Some(text) = &files.env else { return };
    let Ok(mut document) = toml::without_mark(text).parse::<DocumentMut>() else { return };
    let mut what = Vec::new();
    older_keys(document.as_table_mut(), &mut what);
    cloud(document.as_table_mut(), &mut what);
    if let Some(agents) = document.remove("agents") {
        what.push("`[agents]` goes: versions since 0.18 do not read it, nor does this".to_owned());
        for (name, item) in agents.as_table_like().into_iter().flat_map(TableLike::iter) {
            let keys = item.as_table_like().into_iter().flat_map(TableLike::iter);
            let said: Vec<String> =
                keys.map(|(key, item)| format!("{key} = {}", item.to_string().trim())).collect();
            if said.is_empty() {
                continue;
            }
            plan.note(
                ".env.toml",
                format!("`[agents.{name}]` said {}, which had no effect", said.join(", ")),
                format!("if it is still wanted, write it into agents/{name}/config.toml"),
            );
        }
    }
    change(plan, ".env.toml", Home::Project, Some(text.clone()), document, what);
}

/// `[cloud]`: one spelling of each key, and a server by its present name.
fn cloud(table: &mut Table, what: &mut Vec<String>) {
    let has_server = table.contains_key("server");
    let Some(cloud) = table.get_mut("cloud").and_then(Item::as_table_like_mut) else { return };
    for (old, new) in
        [("artifactRegistry", "artifact_registry"), ("serviceAccount", "service_account")]
    {
        if toml::rename(cloud, old, new) {
            what.push(format!("`cloud.{old}` is now spelled `cloud.{new}`"));
        }
    }
    let is_server = cloud.get("provider").and_then(Item::as_str) == Some("vps");
    if !is_server || has_server {
        return;
    }
    cloud.remove("provider");
    for (old, new) in [("sshUser", "user"), ("sshPort", "port"), ("sshKeyPath", "keyPath")] {
        toml::rename(cloud, old, new);
    }
    if !cloud.contains_key("keyPath") {
        cloud.insert("keyPath", value("~/.ssh/id_rsa"));
    }
    toml::rename(table, "cloud", "server");
    what.push("`[cloud]` with `provider = \"vps\"` is now `[server]`".to_owned());
}

/// What is the same in the files, and not the same when it runs.
fn differences(files: &ProjectFiles, config: &DocumentMut, plan: &mut Plan) {
    let older = config_is_older(files);
    let env = files.env.as_deref().and_then(|text| toml::without_mark(text).parse().ok());
    let layers: [Option<&DocumentMut>; 2] = [Some(config), env.as_ref()];
    let says = |table: Option<&str>, key: &str| {
        layers.into_iter().flatten().any(|layer| match table {
            Some(table) => {
                layer.get(table).and_then(Item::as_table_like).is_some_and(|t| t.contains_key(key))
            }
            None => layer.contains_key(key),
        })
    };
    let agents: Vec<Table> = files.agents.iter().filter_map(settings).collect();
    let lacking = |key: &str| agents.iter().any(|agent| !agent.contains_key(key));
    if !older && !says(Some("local"), "timeout") && lacking("timeout") {
        plan.note(
            "config.toml",
            "runs without a `timeout` end after 900 s here, 3600 s there",
            "for as long as before: `[local]` with `timeout = 3600`",
        );
    }
    if !older && agents.iter().any(|a| a.contains_key("schedule") && !a.contains_key("overlap")) {
        plan.note(
            "config.toml",
            "a tick of a schedule that finds its agent busy is skipped here, and waited before",
            "in an agent whose ticks are to wait: `overlap = \"queue\"`",
        );
    }
    if older && agents.iter().any(|agent| agent.contains_key("schedule")) {
        plan.note(
            "config.toml",
            "agents with a schedule do not run at the start of the scheduler, as they did before",
            "to start one at once: al run <agent>",
        );
    }
    if !says(None, "workQueueSize")
        && !says(None, "webhookQueueSize")
        && lacking("maxWorkQueueSize")
    {
        plan.note(
            "config.toml",
            "100 runs of an agent may wait here, and 20 before",
            "for as few as before: `workQueueSize = 20`",
        );
    }
    let sources = config.get("webhooks").and_then(Item::as_table_like);
    for (name, item) in sources.into_iter().flat_map(TableLike::iter) {
        let Some(source) = item.as_table_like() else { continue };
        if older && !source.contains_key("credential") && !source.contains_key("allowUnsigned") {
            plan.note(
                "config.toml",
                format!("deliveries of `{name}` have to be signed, also where no secret is kept"),
                format!("to take unsigned ones: `allowUnsigned = true` in `[webhooks.{name}]`"),
            );
        }
    }
}

fn settings(files: &AgentFiles) -> Option<Table> {
    let text = files.config.as_deref().or(files.agent_config.as_deref()).unwrap_or_default();
    (files.config.is_some() || files.agent_config.is_some() || files.skill.is_some())
        .then(|| toml::without_mark(text).parse::<DocumentMut>().ok())
        .flatten()
        .map(DocumentMut::into_table)
}

/// Whether the project is of the generation with `agent-config.toml`.
fn config_is_older(files: &ProjectFiles) -> bool {
    files.agents.iter().any(|agent| agent.agent_config.is_some() || agent.actions.is_some())
}

fn package(files: &ProjectFiles, plan: &mut Plan) {
    let Some(text) = &files.package else { return };
    let Ok(Value::Object(package)) = serde_json::from_str::<Value>(text) else { return };
    let dependencies = |key: &str| {
        let table = package.get(key).and_then(Value::as_object);
        table.into_iter().flat_map(|table| table.keys().map(String::as_str)).collect::<Vec<_>>()
    };
    let mut wanted = dependencies("dependencies");
    wanted.extend(dependencies("devDependencies"));
    if !wanted.iter().any(|name| PACKAGES.contains(name)) {
        return;
    }
    const ITS_OWN: [&str; 7] =
        ["name", "version", "private", "type", "description", "dependencies", "devDependencies"];
    let only_ours = wanted.iter().all(|name| PACKAGES.contains(name))
        && package.keys().all(|key| ITS_OWN.contains(&key.as_str()));
    if !only_ours {
        plan.note(
            "package.json",
            "it asks for Action Llama, which nothing needs here; the rest of it is yours",
            "npm uninstall @action-llama/action-llama",
        );
        return;
    }
    plan.retired.push("package.json".to_owned());
    for file in &files.leftovers {
        match file.as_str() {
            "node_modules" => plan.note(
                "node_modules",
                "nothing here needs it any more, and it is large, so it is not put away either",
                "rm -r node_modules",
            ),
            lock => plan.retired.push(lock.to_owned()),
        }
    }
}

fn mcp(files: &ProjectFiles, plan: &mut Plan) {
    let Some(text) = &files.mcp else { return };
    let Ok(found) = serde_json::from_str::<Value>(text) else { return };
    if found.get("mcpServers").and_then(|servers| servers.get("action-llama")).is_some() {
        plan.note(
            ".mcp.json",
            "its server `action-llama` is `al mcp serve`, a command that there is not here",
            "take the entry out, or leave it to an installed Action Llama",
        );
    }
}

/// What has no place in a repository.
fn ignored(files: &ProjectFiles, plan: &mut Plan) {
    let Some(text) = &files.gitignore else { return };
    let has = |name: &str| {
        text.lines()
            .map(|line| line.trim().trim_start_matches('/').trim_end_matches('/'))
            .any(|l| l == name)
    };
    let missing: Vec<&str> = [".al", ".env.toml"].into_iter().filter(|name| !has(name)).collect();
    if missing.is_empty() {
        return;
    }
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let lines: String = missing.iter().map(|name| format!("{name}\n")).collect();
    let after = toml::with_ends_of(text, format!("{text}{end}{lines}"));
    plan.changes.push(Change {
        file: ".gitignore".to_owned(),
        home: Home::Project,
        was: None,
        before: Some(text.clone()),
        after,
        what: vec![format!("{} stays out of the repository", missing.join(" and "))],
    });
}
