//! Everything the loader understood, as JSON with the names that the files use. Each value is taken
//! apart by name, so that a new setting cannot be forgotten here.

use serde_json::{Map, Value, json};

use crate::duration;
use crate::engine::{engine_name, runtime_name};
use crate::project::credential_types::{CredentialType, Field};
use crate::project::{
    Agent, AuthType, Budget, Config, Engine, Gateway, Generic, Hash, Local, Missed, Model, Overlap,
    Overspent, Preflight, Price, Priority, RateLimit, Retry, RetryOn, Runtime, ScriptCommand,
    Signature, Skill, Telemetry, ThinkingLevel, Tls, WebhookBinding, WebhookSource,
};

pub fn agent(agent: &Agent) -> Value {
    let Agent {
        name: _,
        dir,
        skill,
        source,
        models,
        credentials,
        schedule,
        timezone,
        every_ms,
        missed,
        overlap,
        scale,
        timeout_s,
        max_work_queue_size,
        priority,
        lane,
        keep_latest,
        retry,
        webhooks,
        hooks_pre,
        hooks_post,
        params,
        runtime,
        engine,
        wait_timeout_s,
        compact_at,
        budget,
        preflight,
    } = agent;
    let webhooks: Vec<Value> = webhooks
        .iter()
        .map(|WebhookBinding { source, filters }| json!({"source": source, "filters": filters}))
        .collect();
    let preflight: Vec<Value> = preflight
        .iter()
        .map(|Preflight { provider, required, params }| {
            json!({"provider": provider, "required": required, "params": params})
        })
        .collect();
    let Skill { name: skill_name, description, license, compatibility, body } = skill;
    json!({
        "dir": dir,
        "skill": {
            "name": skill_name,
            "description": description,
            "license": license,
            "compatibility": compatibility,
            "body_bytes": body.len(),
        },
        "source": source,
        "models": models,
        "credentials": credentials,
        "schedule": schedule,
        "timezone": timezone,
        "every": every_ms.map(duration::text),
        "missed": match missed {
            Missed::Skip => "skip",
            Missed::Once => "once",
        },
        "overlap": match overlap {
            Overlap::Skip => "skip",
            Overlap::Queue => "queue",
        },
        "scale": scale,
        "timeout": timeout_s,
        "maxWorkQueueSize": max_work_queue_size,
        "priority": priority_name(*priority),
        "lane": lane,
        "keep": if keep_latest.is_some() { "latest" } else { "all" },
        "key": keep_latest,
        "retry": self::retry(retry),
        "webhooks": webhooks,
        "hooks": {"pre": hooks_pre, "post": hooks_post},
        "params": params,
        "runtime": self::runtime(runtime),
        "harness": harness(engine),
        "waitTimeout": wait_timeout_s,
        "compactAt": compact_at,
        "budget": self::budget(budget),
        "preflight": preflight,
    })
}

pub fn priority_name(priority: Priority) -> &'static str {
    match priority {
        Priority::Low => "low",
        Priority::Normal => "normal",
        Priority::High => "high",
    }
}

fn retry(retry: &Retry) -> Value {
    let Retry { attempts, backoff_ms, on } = retry;
    let on: Vec<&str> = on.iter().map(|end| retry_on_name(*end)).collect();
    json!({"attempts": attempts, "backoff": duration::text(*backoff_ms), "on": on})
}

pub fn retry_on_name(end: RetryOn) -> &'static str {
    match end {
        RetryOn::Lost => "lost",
        RetryOn::Timeout => "timeout",
        RetryOn::Error => "error",
    }
}

fn runtime(runtime: &Runtime) -> Value {
    let Runtime { kind, run_as, groups, network, gpus, mounts, pids, oci, memory, cpus } = runtime;
    json!({
        "type": runtime_name(*kind),
        "run_as": run_as,
        "groups": groups,
        "network": network,
        "gpus": gpus,
        "mounts": mounts,
        "pids": pids,
        "runtime": oci,
        "memory": memory,
        "cpus": cpus,
    })
}

fn harness(engine: &Engine) -> Value {
    let Engine { kind, command } = engine;
    let command = command.as_ref().map(|command| match command {
        ScriptCommand::Line(line) => json!(line),
        ScriptCommand::Program(words) => json!(words),
    });
    json!({"type": engine_name(*kind), "command": command})
}

pub fn project(config: &Config) -> Value {
    let Config {
        models,
        local,
        gateway,
        webhooks,
        telemetry,
        max_reruns,
        max_call_depth,
        work_queue_size,
        resource_lock_timeout_s,
        scale,
        default_agent_scale,
        history_retention_days,
        default_wait_timeout_s,
        harness,
        credentials,
        server,
        cloud,
    } = config;
    let models: Map<String, Value> = models.iter().map(|(n, m)| (n.clone(), model(m))).collect();
    let webhooks: Map<String, Value> =
        webhooks.iter().map(|(name, source)| (name.clone(), webhook_source(source))).collect();
    let Local { enabled, image, memory, cpus, timeout_s } = local;
    json!({
        "models": models,
        "local": {
            "enabled": enabled,
            "image": image,
            "memory": memory,
            "cpus": cpus,
            "timeout": timeout_s,
        },
        "gateway": self::gateway(gateway),
        "webhooks": webhooks,
        "telemetry": self::telemetry(telemetry),
        "maxReruns": max_reruns,
        "maxCallDepth": max_call_depth,
        "workQueueSize": work_queue_size,
        "resourceLockTimeout": resource_lock_timeout_s,
        "scale": scale,
        "defaultAgentScale": default_agent_scale,
        "historyRetentionDays": history_retention_days,
        "defaultWaitTimeout": default_wait_timeout_s,
        "harness": harness.map(engine_name),
        "credentials": credentials.iter().map(|(n, t)| (n.clone(), own_type(t))).collect::<Map<_, _>>(),
        "server": server,
        "cloud": cloud,
    })
}

/// A type of credentials of the project, as it is written.
fn own_type(of: &CredentialType) -> Value {
    let names = |wanted: fn(&Field) -> bool| -> Vec<&str> {
        of.fields.iter().filter(|field| wanted(field)).map(|field| &*field.name).collect()
    };
    let env = of.fields.iter().flat_map(|field| field.variables.iter().map(|v| (v, &*field.name)));
    json!({
        "fields": names(|_| true),
        "env": env.collect::<std::collections::BTreeMap<_, _>>(),
        "optional": names(|field| field.optional),
        "public": names(|field| !field.is_secret),
        "about": of.note,
    })
}

fn model(model: &Model) -> Value {
    let Model {
        provider,
        model,
        auth_type,
        thinking_level,
        base_url,
        context_window,
        max_tokens,
        slots,
        headers,
        price,
        file,
        more,
    } = model;
    let mut value = json!({
        "provider": provider,
        "model": model,
        "authType": match auth_type {
            AuthType::ApiKey => "api_key",
            AuthType::OauthToken => "oauth_token",
            AuthType::PiAuth => "pi_auth",
        },
        "thinkingLevel": thinking_level.map(self::thinking_level),
        "baseUrl": base_url,
        "contextWindow": context_window,
        "maxTokens": max_tokens,
        "slots": slots,
        "headers": headers.keys().map(|name| (name.clone(), json!("***"))).collect::<Map<_, _>>(),
        "price": price.map(|Price { input, output, cache_read, cache_write }| {
            json!({
                "input": input,
                "output": output,
                "cacheRead": cache_read,
                "cacheWrite": cache_write,
            })
        }),
        "file": file,
    });
    if let Some(known) = value.as_object_mut() {
        known.extend(more.clone());
    }
    value
}

/// In dollars, as the files say it.
#[expect(clippy::cast_precision_loss)]
fn budget(budget: &Budget) -> Value {
    let Budget { per_run_micros, per_day_micros, then } = budget;
    let dollars = |micros: &Option<u64>| micros.map(|micros| micros as f64 / 1e6);
    json!({
        "perRun": dollars(per_run_micros),
        "perDay": dollars(per_day_micros),
        "then": match then {
            Overspent::Stop => "stop",
            Overspent::Ask => "ask",
        },
    })
}

pub fn thinking_level(level: ThinkingLevel) -> &'static str {
    match level {
        ThinkingLevel::Off => "off",
        ThinkingLevel::Minimal => "minimal",
        ThinkingLevel::Low => "low",
        ThinkingLevel::Medium => "medium",
        ThinkingLevel::High => "high",
        ThinkingLevel::Xhigh => "xhigh",
    }
}

/// Headers of telemetry carry keys: only their names are shown.
fn telemetry(telemetry: &Telemetry) -> Value {
    let Telemetry { enabled, provider, endpoint, service_name, headers, sampling_rate } = telemetry;
    json!({
        "enabled": enabled,
        "provider": provider,
        "endpoint": endpoint,
        "serviceName": service_name,
        "headers": headers.keys().map(|name| (name.clone(), json!("***"))).collect::<Map<_, _>>(),
        "samplingRate": sampling_rate,
    })
}

fn webhook_source(source: &WebhookSource) -> Value {
    let WebhookSource { kind, credential, allow_unsigned, generic } = source;
    let mut value =
        json!({"type": kind, "credential": credential, "allowUnsigned": allow_unsigned});
    if let Some(Generic { signature, delivery_id, fields }) = generic.as_deref() {
        let fields =
            fields.iter().map(|(field, at)| (field.name().to_owned(), at.to_string().into()));
        value["signature"] = match signature {
            None => Value::Null,
            Some(Signature::StandardWebhooks) => json!({"scheme": "standard-webhooks"}),
            Some(Signature::Hmac { header, prefix, hash, is_base64 }) => json!({
                "header": header,
                "prefix": prefix,
                "algorithm": match hash {
                    Hash::Sha1 => "sha1",
                    Hash::Sha256 => "sha256",
                    Hash::Sha512 => "sha512",
                },
                "encoding": if *is_base64 { "base64" } else { "hex" },
            }),
        };
        value["deliveryId"] = json!(delivery_id.as_ref().map(ToString::to_string));
        value["fields"] = fields.collect::<Map<_, _>>().into();
    }
    value
}

fn gateway(gateway: &Gateway) -> Value {
    let Gateway {
        port,
        url,
        insecure,
        max_chat_sessions,
        api,
        trust_proxy,
        connections_per_address,
        rate_limit,
        tls,
    } = gateway;
    let rate = rate_limit
        .as_ref()
        .map(|RateLimit { per_minute, burst }| json!({"perMinute": per_minute, "burst": burst}));
    json!({
        "port": port,
        "url": url,
        "insecure": insecure,
        "maxChatSessions": max_chat_sessions,
        "api": api,
        "trustProxy": trust_proxy,
        "connectionsPerAddress": connections_per_address,
        "rateLimit": rate.unwrap_or_else(|| json!({"perMinute": 0})),
        "tls": tls.as_ref().map(|Tls { cert, key }| json!({"cert": cert, "key": key})),
    })
}
