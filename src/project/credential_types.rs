//! The types of credentials: their fields, the environment variables that hold them in a run, and
//! what an agent is told of them.

/// A type of credential.
#[derive(Debug)]
pub struct CredentialType {
    /// `github_token`, the first half of a reference.
    pub kind: &'static str,
    pub fields: &'static [Field],
    pub owner: Owner,
    /// What an agent is told that lists it.
    pub note: &'static str,
}

/// Who a credential is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Runs of agents that list it.
    Run,
    /// Whoever asks models. A program without a model may do so itself; the commands of a model's
    /// agent are never given the key that pays for it.
    Models,
    /// The scheduler: what others are recognised by. No run is given it.
    Gateway,
}

/// One file of a credential.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    /// The environment variables that hold it.
    pub variables: &'static [&'static str],
    /// Whether it must not be seen; names and addresses may.
    pub is_secret: bool,
    /// Whether the credential is of use without it.
    pub optional: bool,
}

impl CredentialType {
    /// A field by its name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Field {
    const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }
}

/// A type by its name.
pub fn credential_type(kind: &str) -> Option<&'static CredentialType> {
    TYPES.iter().find(|known| known.kind == kind)
}

const fn secret(name: &'static str, variables: &'static [&'static str]) -> Field {
    Field { name, variables, is_secret: true, optional: false }
}

const fn plain(name: &'static str, variables: &'static [&'static str]) -> Field {
    Field { is_secret: false, ..secret(name, variables) }
}

const fn run(kind: &'static str, note: &'static str, fields: &'static [Field]) -> CredentialType {
    CredentialType { kind, fields, owner: Owner::Run, note }
}

const fn model_key(kind: &'static str) -> CredentialType {
    const TOKEN: &[Field] = &[secret("token", &[])];
    CredentialType { kind, fields: TOKEN, owner: Owner::Models, note: "pays for a model" }
}

const fn gateway(kind: &'static str, fields: &'static [Field]) -> CredentialType {
    CredentialType { kind, fields, owner: Owner::Gateway, note: "" }
}

const SECRET: &[Field] = &[secret("secret", &[])];

/// All types that are known. Where two generations of a type differ, it has the fields of both.
pub static TYPES: &[CredentialType] = &[
    run(
        "github_token",
        "`gh`, and `git` with https addresses of github.com, use it by themselves",
        &[secret("token", &["GITHUB_TOKEN", "GH_TOKEN"])],
    ),
    run(
        "git_ssh",
        "`git` uses this key for ssh addresses by itself, and commits under this name",
        &[
            secret("id_rsa", &[]).optional(),
            plain("username", &["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"]).optional(),
            plain("email", &["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"]).optional(),
        ],
    ),
    run(
        "sentry_token",
        "for the API of Sentry: `Authorization: Bearer $SENTRY_AUTH_TOKEN`",
        &[secret("token", &["SENTRY_AUTH_TOKEN"])],
    ),
    run(
        "linear_token",
        "for the GraphQL API of Linear: `Authorization: $LINEAR_API_TOKEN`, without `Bearer`",
        &[secret("token", &["LINEAR_API_TOKEN"])],
    ),
    run(
        "linear_oauth",
        "for the GraphQL API of Linear: `Authorization: Bearer $LINEAR_ACCESS_TOKEN`",
        &[
            plain("client_id", &["LINEAR_CLIENT_ID"]).optional(),
            secret("client_secret", &["LINEAR_CLIENT_SECRET"]).optional(),
            secret("access_token", &["LINEAR_ACCESS_TOKEN"]),
            secret("refresh_token", &["LINEAR_REFRESH_TOKEN"]).optional(),
        ],
    ),
    run(
        "bugsnag_token",
        "for the API of Bugsnag: `Authorization: token $BUGSNAG_AUTH_TOKEN`",
        &[secret("token", &["BUGSNAG_AUTH_TOKEN"])],
    ),
    run(
        "netlify_token",
        "for the API of Netlify and its command line",
        &[secret("token", &["NETLIFY_AUTH_TOKEN"])],
    ),
    run(
        "mintlify_token",
        "for the API of Mintlify: `Authorization: Bearer $MINTLIFY_API_TOKEN`",
        &[secret("token", &["MINTLIFY_API_TOKEN"])],
    ),
    run(
        "slack_bot_token",
        "for the Web API of Slack: `Authorization: Bearer $SLACK_BOT_TOKEN`",
        &[secret("token", &["SLACK_BOT_TOKEN"])],
    ),
    run(
        "x_twitter_api",
        "for version 2 of the X API; reading needs `Authorization: Bearer $X_BEARER_TOKEN` only",
        &[
            secret("consumer_key", &["X_CONSUMER_KEY"]).optional(),
            secret("consumer_secret", &["X_CONSUMER_SECRET"]).optional(),
            secret("bearer_token", &["X_BEARER_TOKEN"]).optional(),
            secret("api_key", &["X_API_KEY"]).optional(),
            secret("api_secret", &["X_API_SECRET"]).optional(),
            secret("access_token", &["X_ACCESS_TOKEN"]).optional(),
            secret("access_token_secret", &["X_ACCESS_TOKEN_SECRET"]).optional(),
        ],
    ),
    run(
        "x_twitter_user_oauth1",
        "acts as one user of X: signs requests (OAuth 1.0a), together with the consumer's keys",
        &[
            secret("access_token", &["X_ACCESS_TOKEN"]),
            secret("access_token_secret", &["X_ACCESS_TOKEN_SECRET"]),
        ],
    ),
    run(
        "x_twitter_user_oauth2",
        "acts as one user of X: `Authorization: Bearer $X_OAUTH2_ACCESS_TOKEN`",
        &[
            plain("client_id", &["X_OAUTH2_CLIENT_ID"]).optional(),
            secret("client_secret", &["X_OAUTH2_CLIENT_SECRET"]).optional(),
            secret("access_token", &["X_OAUTH2_ACCESS_TOKEN"]),
            secret("refresh_token", &["X_OAUTH2_REFRESH_TOKEN"]).optional(),
        ],
    ),
    run(
        "reddit_oauth",
        "for the API of Reddit: ask for a token with grant_type=password first, then send it as \
         Bearer with `User-Agent: $REDDIT_USER_AGENT`",
        &[
            plain("client_id", &["REDDIT_CLIENT_ID"]),
            secret("client_secret", &["REDDIT_CLIENT_SECRET"]),
            plain("username", &["REDDIT_USERNAME"]),
            secret("password", &["REDDIT_PASSWORD"]),
            plain("user_agent", &["REDDIT_USER_AGENT"]).optional(),
        ],
    ),
    run(
        "discord_bot",
        "for version 10 of the Discord API: `Authorization: Bot $DISCORD_BOT_TOKEN`",
        &[
            plain("application_id", &["DISCORD_APPLICATION_ID"]).optional(),
            plain("public_key", &["DISCORD_PUBLIC_KEY"]).optional(),
            secret("bot_token", &["DISCORD_BOT_TOKEN"]),
        ],
    ),
    run(
        "aws",
        "the command line and the libraries of AWS use it by themselves",
        &[
            plain("access_key_id", &["AWS_ACCESS_KEY_ID"]),
            secret("secret_access_key", &["AWS_SECRET_ACCESS_KEY"]),
            plain("default_region", &["AWS_DEFAULT_REGION"]).optional(),
        ],
    ),
    run(
        "gcp_service_account",
        "the key of a service account of Google Cloud, as JSON; programs that want a file find it \
         in `gcp_service_account` below `$AL_CREDENTIALS_PATH`",
        &[secret("key_json", &["GOOGLE_APPLICATION_CREDENTIALS_JSON"])],
    ),
    run(
        "vultr_api_key",
        "for the API of Vultr: `Authorization: Bearer $VULTR_API_KEY`",
        &[secret("api_key", &["VULTR_API_KEY"])],
    ),
    run(
        "hetzner_api_key",
        "for the API of Hetzner Cloud: `Authorization: Bearer $HETZNER_API_KEY`",
        &[secret("api_key", &["HETZNER_API_KEY"])],
    ),
    run(
        "cloudflare_api_token",
        "for the API of Cloudflare: `Authorization: Bearer $CLOUDFLARE_API_TOKEN`",
        &[
            secret("api_token", &["CLOUDFLARE_API_TOKEN"]).optional(),
            secret("token", &["CLOUDFLARE_API_TOKEN"]).optional(),
        ],
    ),
    run(
        "vps_ssh",
        "a key for servers; `ssh -i` takes its file",
        &[
            secret("private_key", &[]).optional(),
            secret("id_rsa", &[]).optional(),
            plain("public_key", &[]).optional(),
        ],
    ),
    model_key("anthropic_key"),
    model_key("openai_key"),
    model_key("groq_key"),
    model_key("google_key"),
    model_key("xai_key"),
    model_key("mistral_key"),
    model_key("openrouter_key"),
    model_key("custom_key"),
    gateway("github_webhook_secret", SECRET),
    gateway("sentry_client_secret", SECRET),
    gateway("linear_webhook_secret", SECRET),
    gateway("mintlify_webhook_secret", SECRET),
    gateway("slack_signing_secret", SECRET),
    gateway("forgejo_webhook_secret", SECRET),
    gateway("gitea_webhook_secret", SECRET),
    gateway("gitlab_webhook_secret", SECRET),
    gateway("generic_webhook_secret", SECRET),
    gateway("gateway_api_key", &[secret("key", &[])]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::project::providers::PROVIDERS;

    #[test]
    fn every_type_is_there_once_with_fields_and_variables_that_are_names() {
        let mut kinds = BTreeSet::new();
        for known in TYPES {
            assert!(kinds.insert(known.kind), "{}", known.kind);
            let names: BTreeSet<&str> = known.fields.iter().map(|field| field.name).collect();
            assert_eq!(names.len(), known.fields.len(), "{}", known.kind);
            assert_eq!(known.note.is_empty(), known.owner == Owner::Gateway, "{}", known.kind);
            for variable in known.fields.iter().flat_map(|field| field.variables) {
                let upper = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
                assert!(variable.bytes().all(upper), "{variable}");
                assert_eq!(known.owner, Owner::Run, "{variable} would be in a run");
            }
        }
    }

    #[test]
    fn what_senders_of_webhooks_sign_with_stays_with_the_gateway() {
        // A bot's own credential may serve both.
        for secret in PROVIDERS.iter().filter_map(|provider| provider.secret) {
            let known = credential_type(secret.credential).unwrap();
            assert!(known.field(secret.field).is_some(), "{}", secret.credential);
            assert!(
                known.owner == Owner::Gateway || known.field(secret.field).unwrap().optional,
                "{}",
                secret.credential
            );
        }
    }
}
