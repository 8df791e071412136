//! The menu's first level: settings by what a person wants.

use crate::project::File;

/// Some keys of a file.
#[derive(Debug)]
pub struct Section {
    pub word: &'static str,
    pub about: &'static str,
    pub keys: &'static [&'static str],
}

const fn section(
    word: &'static str,
    about: &'static str,
    keys: &'static [&'static str],
) -> Section {
    Section { word, about, keys }
}

static PROJECT: &[Section] = &[
    section("models", "who thinks, and what it costs", &["models", "model", "harness"]),
    section("webhooks", "places that deliveries come from", &["webhooks"]),
    section(
        "limits",
        "runs at once, queues, calls, history",
        &[
            "scale",
            "defaultAgentScale",
            "workQueueSize",
            "maxReruns",
            "maxCallDepth",
            "resourceLockTimeout",
            "defaultWaitTimeout",
            "historyRetentionDays",
        ],
    ),
    section("runtime", "image, memory and time of runs here", &["local"]),
    section("gateway", "the HTTP server", &["gateway"]),
    section("credentials", "types of credentials of your own", &["credentials"]),
    section("telemetry", "traces for a collector", &["telemetry"]),
    section("name", "what the project is called", &["projectName"]),
];

static AGENT: &[Section] = &[
    section(
        "models",
        "who thinks, and what it may spend",
        &["models", "model", "harness", "compactAt", "budget"],
    ),
    section(
        "schedule",
        "when it starts by itself",
        &["schedule", "every", "timezone", "missed", "overlap"],
    ),
    section("webhooks", "deliveries that start it", &["webhooks"]),
    section("credentials", "what its runs are given", &["credentials"]),
    section("runtime", "where its runs are", &["runtime"]),
    section(
        "limits",
        "runs at once, time, queue, retries",
        &["scale", "timeout", "maxWorkQueueSize", "waitTimeout", "retry"],
    ),
    section("order", "which run goes first, which at a time", &["priority", "lane", "keep", "key"]),
    section("params", "values for its prompt", &["params"]),
    section("hooks", "commands around a run", &["hooks", "preflight"]),
    section(
        "source",
        "where it was installed from",
        &["source", "sourcePath", "sourceRef", "sourceCommit"],
    ),
];

pub fn sections(file: File) -> &'static [Section] {
    if file == File::Agent { AGENT } else { PROJECT }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_in_one_section() {
        for file in [File::Project, File::Agent] {
            let mut found: Vec<&str> =
                sections(file).iter().flat_map(|section| section.keys).copied().collect();
            let keys = file.scope().keys.iter().filter(|key| key.is_in(file));
            let mut all: Vec<&str> = keys.map(|key| key.name).collect();
            found.sort_unstable();
            all.sort_unstable();
            assert_eq!(found, all, "{file:?}");
        }
    }
}
