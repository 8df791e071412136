//! Where webhooks come from: providers, their secrets and the fields that a binding may filter by.
//!
//! This is the only list of them. `triggers` says for each [`Field`] what it is compared with and
//! for each [`Provider`] how its deliveries are signed and read; the loader, `al doctor` and the
//! table in the README take names from here.

/// One kind of place that deliveries come from.
#[derive(Debug)]
pub struct Provider {
    /// `[webhooks.<name>] type`, and the last part of `/webhooks/<type>`.
    pub kind: &'static str,
    /// What signatures are checked with.
    pub secret: Option<SecretField>,
    /// What bindings may filter by.
    pub fields: &'static [Field],
}

/// The credential that holds a provider's secret.
#[derive(Debug, Clone, Copy)]
pub struct SecretField {
    pub credential: &'static str,
    pub field: &'static str,
}

/// A condition of a binding. Two providers share one when it means the same for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Events,
    Actions,
    Repos,
    Orgs,
    Labels,
    Assignee,
    Author,
    Branches,
    Conclusions,
    /// Sentry's events.
    Resources,
    /// Organizations of Linear.
    Organizations,
    /// Projects of Mintlify.
    Projects,
    /// Servers of Discord.
    Guilds,
    DiscordChannels,
    Commands,
    SlackChannels,
    /// Workspaces of Slack.
    TeamIds,
    /// Accounts of X that an event is for.
    Users,
}

/// How a field is written.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// Its name, and other names that are read; what is listed under several is united.
    pub names: &'static [&'static str],
    /// What people write for it, for hints.
    nicknames: &'static [&'static str],
    /// Whether it may be one string instead of a list.
    pub takes_text: bool,
}

const fn list(names: &'static [&'static str], nicknames: &'static [&'static str]) -> Words {
    Words { names, nicknames, takes_text: false }
}

const fn text(names: &'static [&'static str], nicknames: &'static [&'static str]) -> Words {
    Words { names, nicknames, takes_text: true }
}

impl Field {
    /// Where documents and code of the reference disagree about a name, both are read.
    pub const fn words(self) -> Words {
        match self {
            Self::Events => list(&["events"], &["event"]),
            Self::Actions => list(&["actions"], &["action"]),
            Self::Repos => list(&["repos"], &["repository", "repo"]),
            Self::Orgs => text(&["orgs", "org"], &["organization", "organizations"]),
            Self::Labels => list(&["labels"], &["label"]),
            Self::Assignee => text(&["assignee"], &["assignees"]),
            Self::Author => text(&["author"], &["authors"]),
            Self::Branches => list(&["branches"], &["branch"]),
            Self::Conclusions => list(&["conclusions"], &["conclusion"]),
            Self::Resources => list(&["resources"], &["resource", "events", "event"]),
            Self::Organizations => list(&["organizations"], &["organization", "orgs", "org"]),
            Self::Projects => list(&["projects", "repos"], &["project", "repository", "repo"]),
            Self::Guilds => list(&["guilds"], &["guild", "servers", "server"]),
            Self::DiscordChannels | Self::SlackChannels => list(&["channels"], &["channel"]),
            Self::Commands => list(&["commands"], &["command"]),
            Self::TeamIds => list(&["team_ids"], &["team", "teams", "team_id"]),
            Self::Users => list(&["users", "repos"], &["user", "repository", "repo"]),
        }
    }

    /// Whether a binding may call it so.
    pub fn is_named(self, name: &str) -> bool {
        self.words().names.contains(&name)
    }
}

impl Provider {
    /// The field that a binding means by this name.
    pub fn field(&self, name: &str) -> Option<Field> {
        self.fields.iter().copied().find(|field| field.is_named(name))
    }

    /// Every name that a binding may use besides `source`.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().flat_map(|field| field.words().names.iter().copied())
    }

    /// The name of what people call so.
    pub fn meant_by(&self, nickname: &str) -> Option<&'static str> {
        let mut words = self.fields.iter().map(|field| field.words());
        words.find(|words| words.nicknames.contains(&nickname))?.names.first().copied()
    }
}

/// A provider by its type.
pub fn provider(kind: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().copied().find(|p| p.kind == kind)
}

/// Every provider.
pub static PROVIDERS: &[&Provider] = &[
    &GITHUB, &SENTRY, &LINEAR, &MINTLIFY, &SLACK, &DISCORD, &TWITTER, &FORGEJO, &GITEA, &GITLAB,
    &GENERIC, &TEST,
];

static FORGE: &[Field] = &[
    Field::Events,
    Field::Actions,
    Field::Repos,
    Field::Orgs,
    Field::Labels,
    Field::Assignee,
    Field::Author,
    Field::Branches,
    Field::Conclusions,
];

const fn secret(credential: &'static str, field: &'static str) -> Option<SecretField> {
    Some(SecretField { credential, field })
}

pub static GITHUB: Provider =
    Provider { kind: "github", secret: secret("github_webhook_secret", "secret"), fields: FORGE };

pub static SENTRY: Provider = Provider {
    kind: "sentry",
    secret: secret("sentry_client_secret", "secret"),
    fields: &[Field::Resources],
};

pub static LINEAR: Provider = Provider {
    kind: "linear",
    secret: secret("linear_webhook_secret", "secret"),
    fields: &[
        Field::Events,
        Field::Actions,
        Field::Organizations,
        Field::Labels,
        Field::Assignee,
        Field::Author,
    ],
};

pub static MINTLIFY: Provider = Provider {
    kind: "mintlify",
    secret: secret("mintlify_webhook_secret", "secret"),
    fields: &[Field::Events, Field::Actions, Field::Projects, Field::Branches],
};

pub static SLACK: Provider = Provider {
    kind: "slack",
    secret: secret("slack_signing_secret", "secret"),
    fields: &[Field::Events, Field::SlackChannels, Field::TeamIds],
};

pub static DISCORD: Provider = Provider {
    kind: "discord",
    secret: secret("discord_bot", "public_key"),
    fields: &[Field::Events, Field::Guilds, Field::DiscordChannels, Field::Commands],
};

pub static TWITTER: Provider = Provider {
    kind: "twitter",
    secret: secret("x_twitter_api", "consumer_secret"),
    fields: &[Field::Events, Field::Users],
};

pub static FORGEJO: Provider =
    Provider { kind: "forgejo", secret: secret("forgejo_webhook_secret", "secret"), fields: FORGE };

pub static GITEA: Provider =
    Provider { kind: "gitea", secret: secret("gitea_webhook_secret", "secret"), fields: FORGE };

pub static GITLAB: Provider =
    Provider { kind: "gitlab", secret: secret("gitlab_webhook_secret", "secret"), fields: FORGE };

pub static GENERIC: Provider =
    Provider { kind: "generic", secret: secret("generic_webhook_secret", "secret"), fields: FORGE };

/// Asks for no signature, and is received only where a project has a source of this type.
pub static TEST: Provider =
    Provider { kind: "test", secret: None, fields: &[Field::Events, Field::Actions, Field::Repos] };
