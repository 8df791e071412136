//! Where webhooks come from: providers, their secrets and the fields that a binding may filter by.

/// One kind of place that deliveries come from.
#[derive(Debug)]
pub struct Provider {
    /// `[webhooks.<name>] type`, and the last part of `/webhooks/<type>`.
    pub kind: &'static str,
    /// What signatures are checked with.
    pub secret: Option<SecretField>,
    pub filters: &'static [&'static str],
}

/// The credential that holds a provider's secret.
#[derive(Debug, Clone, Copy)]
pub struct SecretField {
    pub credential: &'static str,
    pub field: &'static str,
}

/// A provider by its type.
pub fn provider(kind: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|p| p.kind == kind)
}

/// Fields that may be one string instead of a list.
pub static SINGLE: &[&str] = &["org", "assignee", "author"];

/// What people write for a field, and its name.
pub static NICKNAMES: &[(&str, &str)] = &[
    ("repository", "repos"),
    ("repo", "repos"),
    ("event", "events"),
    ("action", "actions"),
    ("label", "labels"),
    ("branch", "branches"),
    ("conclusion", "conclusions"),
    ("organization", "organizations"),
    ("organization", "orgs"),
    ("organizations", "orgs"),
    ("guild", "guilds"),
    ("channel", "channels"),
    ("command", "commands"),
    ("resource", "resources"),
    ("project", "projects"),
    ("user", "users"),
    ("team", "team_ids"),
];

static FORGE: &[&str] = &[
    "events",
    "actions",
    "repos",
    "orgs",
    "org",
    "labels",
    "assignee",
    "author",
    "branches",
    "conclusions",
];

const fn secret(credential: &'static str, field: &'static str) -> Option<SecretField> {
    Some(SecretField { credential, field })
}

/// Every provider. Where documents and code of the reference disagree about a field's name, both
/// are accepted (`projects` and `repos`, `users` and `repos`).
pub static PROVIDERS: &[Provider] = &[
    Provider { kind: "github", secret: secret("github_webhook_secret", "secret"), filters: FORGE },
    Provider {
        kind: "sentry",
        secret: secret("sentry_client_secret", "secret"),
        filters: &["resources"],
    },
    Provider {
        kind: "linear",
        secret: secret("linear_webhook_secret", "secret"),
        filters: &["events", "actions", "organizations", "labels", "assignee", "author"],
    },
    Provider {
        kind: "mintlify",
        secret: secret("mintlify_webhook_secret", "secret"),
        filters: &["events", "actions", "repos", "projects", "branches"],
    },
    Provider {
        kind: "slack",
        secret: secret("slack_signing_secret", "secret"),
        filters: &["events", "channels", "team_ids"],
    },
    Provider {
        kind: "discord",
        secret: secret("discord_bot", "public_key"),
        filters: &["events", "guilds", "channels", "commands"],
    },
    Provider {
        kind: "twitter",
        secret: secret("x_twitter_api", "consumer_secret"),
        filters: &["events", "repos", "users"],
    },
    Provider {
        kind: "forgejo",
        secret: secret("forgejo_webhook_secret", "secret"),
        filters: FORGE,
    },
    Provider { kind: "gitea", secret: secret("gitea_webhook_secret", "secret"), filters: FORGE },
    Provider { kind: "gitlab", secret: secret("gitlab_webhook_secret", "secret"), filters: FORGE },
    Provider {
        kind: "generic",
        secret: secret("generic_webhook_secret", "secret"),
        filters: &["events", "actions", "repos"],
    },
    Provider { kind: "test", secret: None, filters: &["events", "actions", "repos"] },
];
