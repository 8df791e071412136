//! An agent's settings as existing clients read them.

use serde_json::{Map, Value, json};

use crate::engine::Defined;

/// The settings of an agent, as its files and the defaults have them.
pub fn agent(defined: &Defined, name: &str) -> Option<Value> {
    let agent = defined.agent(name)?;
    let facts = defined.facts.agents.get(name)?;
    let webhooks: Vec<Value> = agent
        .webhooks
        .iter()
        .map(|binding| {
            let mut row = Map::from_iter([("source".to_owned(), binding.source.clone().into())]);
            let filters = binding.filters.iter();
            row.extend(filters.map(|(name, values)| (name.clone(), json!(values))));
            row.into()
        })
        .collect();
    Some(json!({
        "name": agent.name,
        "description": agent.skill.description,
        "license": agent.skill.license,
        "compatibility": agent.skill.compatibility,
        "source": agent.source,
        "models": agent.models,
        "credentials": agent.credentials,
        "schedule": agent.schedule,
        "timezone": agent.timezone,
        "everyMs": agent.every_ms,
        "webhooks": webhooks,
        "hooks": {"pre": agent.hooks_pre, "post": agent.hooks_post},
        "params": agent.params,
        "scale": agent.scale,
        "timeout": agent.timeout_s,
        "maxWorkQueueSize": agent.max_work_queue_size,
        "waitTimeout": agent.wait_timeout_s,
        "lane": agent.lane,
        "keepLatest": agent.keep_latest,
        "harness": facts.engine,
        "runtime": facts.runtime,
    }))
}
