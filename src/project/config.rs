//! From the merged table to a [`Config`], with the defaults filled in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::model::{
    AuthType, Config, EngineKind, Gateway, Local, Model, Price, RateLimit, Telemetry,
    ThinkingLevel, Tls, WebhookSource,
};
use super::problem::{Problem, Problems, did_you_mean, listed, quoted};
use super::providers::{GENERIC, PROVIDERS, provider};
use super::schema;
use super::tree::{Entry, Table, Tree};
use super::{generic, isolation, own_types};

/// Name under which a `[model]` of an older project is kept.
pub const ONLY_MODEL: &str = "default";

/// Reads the merged layers.
pub fn read(table: &Table, problems: &mut Problems) -> Config {
    let empty = Table::default();
    let sub = |name| table.table(name).unwrap_or(&empty);
    let (local, gateway, telemetry) = (sub("local"), sub("gateway"), sub("telemetry"));
    check_server(table, problems);
    check_gateway(gateway, problems);
    if let Some(node) = local.node("memory") {
        isolation::check_memory(node, problems);
    }
    Config {
        models: models(table, problems),
        local: Local {
            enabled: local.bool("enabled").unwrap_or(true),
            image: local.text("image").map(str::to_owned),
            memory: local.text("memory").unwrap_or("4g").to_owned(),
            cpus: local.number("cpus"),
            timeout_s: local.int("timeout").unwrap_or(900),
        },
        gateway: gateway_of(gateway, problems),
        webhooks: sub("webhooks")
            .entries
            .iter()
            .filter_map(|e| Some((e.key.clone(), source(e, problems)?)))
            .collect(),
        telemetry: Telemetry {
            enabled: telemetry.bool("enabled").unwrap_or(false),
            provider: telemetry.text("provider").unwrap_or("none").to_owned(),
            endpoint: telemetry.text("endpoint").map(str::to_owned),
            service_name: telemetry.text("serviceName").unwrap_or("action-llama").to_owned(),
            headers: pairs(telemetry, "headers"),
            sampling_rate: telemetry.number("samplingRate"),
        },
        max_reruns: table.int("maxReruns").unwrap_or(10),
        max_call_depth: table.int("maxCallDepth").unwrap_or(3),
        work_queue_size: table.int("workQueueSize").unwrap_or(100),
        resource_lock_timeout_s: table
            .int("resourceLockTimeout")
            .or(gateway.int("lockTimeout"))
            .unwrap_or(1800),
        scale: table.int("scale"),
        default_agent_scale: table.int("defaultAgentScale").unwrap_or(1),
        history_retention_days: table.int("historyRetentionDays").unwrap_or(14),
        default_wait_timeout_s: table.int("defaultWaitTimeout").unwrap_or(1800),
        harness: sub("harness").text("type").and_then(engine),
        credentials: own_types::read(sub("credentials"), problems),
        server: table.table("server").map(Table::to_json),
        cloud: table.table("cloud").map(Table::to_json),
    }
}

/// An engine by the name that files use.
pub fn engine(name: &str) -> Option<EngineKind> {
    Some(match name {
        "builtin" | "pi" => EngineKind::Builtin,
        "claude" => EngineKind::Claude,
        "codex" => EngineKind::Codex,
        "script" => EngineKind::Script,
        _ => return None,
    })
}

fn pairs(table: &Table, key: &str) -> BTreeMap<String, String> {
    let Some(table) = table.table(key) else { return BTreeMap::new() };
    let text = |e: &Entry| match &e.node.value {
        Tree::Text(s) => Some((e.key.clone(), s.clone())),
        _ => None,
    };
    table.entries.iter().filter_map(text).collect()
}

fn models(table: &Table, problems: &mut Problems) -> BTreeMap<String, Model> {
    let mut models = BTreeMap::new();
    if let Some(entry) = table.entry("model") {
        problems.push(old_model(entry, "[models.<name>]"));
        if let Some(model) = model(entry, problems) {
            models.insert(ONLY_MODEL.to_owned(), model);
        }
    }
    for entry in table.table("models").iter().flat_map(|t| &t.entries) {
        if let Some(model) = model(entry, problems) {
            models.insert(entry.key.clone(), model);
        }
    }
    models
}

/// The hint that goes with a `[model]` of an older project.
pub fn old_model(entry: &Entry, now: &str) -> Problem {
    Problem::error_at(&entry.key_at, format!("`[model]` is the older form of `{now}`"))
        .code("model_unnamed")
        .warning()
        .hint("give the model a name")
}

/// Reads `[models.<name>]` or `[model]`.
pub fn model(entry: &Entry, problems: &mut Problems) -> Option<Model> {
    let Tree::Table(table) = &entry.node.value else { return None };
    let mut required = |key: &str| {
        let value = table.text(key).map(str::to_owned);
        if table.node(key).is_none() {
            let message = format!("model {} has no `{key}`", quoted(&entry.key));
            problems.push(Problem::error_at(&entry.key_at, message).code("model_incomplete"));
        }
        value
    };
    let provider = required("provider");
    // A recording says itself which model it was.
    let replayed = provider.as_deref() == Some("replay");
    let model = if replayed {
        required("file").map(|_| table.text("model").unwrap_or("replay").to_owned())
    } else {
        required("model")
    };
    let auth_type = match table.text("authType") {
        Some("oauth_token") => AuthType::OauthToken,
        Some("pi_auth") => AuthType::PiAuth,
        _ => AuthType::ApiKey,
    };
    let thinking_level = table.text("thinkingLevel").and_then(|level| {
        Some(match level {
            "off" => ThinkingLevel::Off,
            "minimal" => ThinkingLevel::Minimal,
            "low" => ThinkingLevel::Low,
            "medium" => ThinkingLevel::Medium,
            "high" => ThinkingLevel::High,
            "xhigh" => ThinkingLevel::Xhigh,
            _ => return None,
        })
    });
    let mut more = table.to_json();
    more.retain(|key, _| schema::MODEL.key(key).is_none());
    Some(Model {
        provider: provider?,
        model: model?,
        auth_type,
        thinking_level,
        base_url: table.text("baseUrl").map(str::to_owned),
        context_window: table.int("contextWindow"),
        max_tokens: table.int("maxTokens"),
        slots: table.int("slots"),
        headers: pairs(table, "headers"),
        price: table.table("price").map(price),
        file: table.text("file").map(PathBuf::from),
        more,
    })
}

fn price(table: &Table) -> Price {
    let of = |key| table.number(key).unwrap_or(0.0);
    Price {
        input: of("input"),
        output: of("output"),
        cache_read: of("cacheRead"),
        cache_write: of("cacheWrite"),
    }
}

fn source(entry: &Entry, problems: &mut Problems) -> Option<WebhookSource> {
    let Tree::Table(table) = &entry.node.value else { return None };
    let kinds = || PROVIDERS.iter().map(|p| p.kind);
    let known = || format!("known types: {}", listed(kinds()));
    let Some(node) = table.node("type") else {
        let message = format!("webhook source {} has no `type`", quoted(&entry.key));
        problems.push(Problem::error_at(&entry.key_at, message).code("webhook_type").hint(known()));
        return None;
    };
    let kind = table.text("type")?;
    let Some(provider) = provider(kind) else {
        let message = format!("unknown webhook type {}", quoted(kind));
        let problem = Problem::error_at(&node.at, message)
            .code("webhook_type")
            .maybe_hint(did_you_mean(kind, kinds()));
        problems.push(problem.hint(known()));
        return None;
    };
    let own = provider.secret.and_then(|s| table.text(s.credential));
    let allow_unsigned = table.bool("allowUnsigned").unwrap_or(false);
    let is_generic = kind == GENERIC.kind;
    if !is_generic {
        generic::not_read(table, kind, problems);
    }
    Some(WebhookSource {
        kind: kind.to_owned(),
        credential: own.or(table.text("credential")).unwrap_or("default").to_owned(),
        allow_unsigned,
        generic: is_generic
            .then(|| Box::new(generic::read(entry, table, allow_unsigned, problems))),
    })
}

fn gateway_of(table: &Table, problems: &mut Problems) -> Gateway {
    let default = Gateway::default();
    Gateway {
        port: table.int("port").unwrap_or(default.port),
        url: table.text("url").map(str::to_owned),
        max_chat_sessions: table.int("maxChatSessions").unwrap_or(default.max_chat_sessions),
        insecure: table.bool("insecure").unwrap_or(default.insecure),
        api: table.bool("api").unwrap_or(default.api),
        trust_proxy: table.bool("trustProxy").unwrap_or(default.trust_proxy),
        connections_per_address: table
            .int("connectionsPerAddress")
            .unwrap_or(default.connections_per_address),
        rate_limit: table.table("rateLimit").map_or(default.rate_limit, rate_limit),
        tls: table.entry("tls").and_then(|entry| tls(entry, problems)),
    }
}

fn rate_limit(table: &Table) -> Option<RateLimit> {
    let per_minute = table.int("perMinute").unwrap_or(120);
    let burst = table.int("burst").unwrap_or(per_minute);
    (per_minute > 0).then_some(RateLimit { per_minute, burst })
}

fn tls(entry: &Entry, problems: &mut Problems) -> Option<Tls> {
    let Tree::Table(table) = &entry.node.value else { return None };
    let mut path = |key: &str| {
        let path = table.text(key).filter(|path| !path.is_empty()).map(PathBuf::from);
        if path.is_none() && table.node(key).is_none_or(|_| table.text(key).is_some()) {
            let message = format!("`gateway.tls.{key}` is missing");
            problems.push(
                Problem::error_at(&entry.key_at, message)
                    .code("tls_incomplete")
                    .hint("a certificate is two PEM files: `cert`, and `key` for its private key"),
            );
        }
        path
    };
    let (cert, key) = (path("cert"), path("key"));
    Some(Tls { cert: cert?, key: key? })
}

fn check_gateway(gateway: &Table, problems: &mut Problems) {
    let (Some(node), Some(url)) = (gateway.node("url"), gateway.text("url")) else { return };
    let warning = |text: &str| Problem::error_at(&node.at, text).code("gateway_url").warning();
    if url.contains("0.0.0.0") {
        problems.push(
            warning("`gateway.url` stands for every network interface")
                .hint("write the address at which others reach this machine"),
        );
    }
    if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        problems.push(
            warning("`gateway.url` must start with http:// or https://")
                .hint("write it as in `https://al.example.com`"),
        );
    }
}

/// Reports what `[server]` says that cannot be.
pub fn check_server(table: &Table, problems: &mut Problems) {
    let Some(entry) = table.entry("server") else { return };
    let Tree::Table(server) = &entry.node.value else { return };
    if server.node("host").is_none() {
        problems.push(
            Problem::error_at(&entry.key_at, "`server.host` is missing")
                .code("server_incomplete")
                .hint("it names the machine that deployment goes to"),
        );
    }
    if let Some(node) = server.node("basePath")
        && server.text("basePath").is_some_and(|p| !p.starts_with('/'))
    {
        problems.push(
            Problem::error_at(&node.at, "`server.basePath` must start with `/`")
                .code("value_wrong"),
        );
    }
}
