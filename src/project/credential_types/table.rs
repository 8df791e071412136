//! Every type of credential that comes with `al`.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::{CredentialType, Field, Good, Owner, Proof, Shape, Signed, Words};

impl Field {
    fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Optional, and not asked for.
    fn old(mut self) -> Self {
        self.is_old = true;
        self.optional()
    }

    fn shape(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    fn elsewhere(mut self, names: &'static [&'static str]) -> Self {
        self.elsewhere = names;
        self
    }
}

impl CredentialType {
    fn proofs(mut self, proofs: &'static [Proof]) -> Self {
        self.proofs = proofs;
        self
    }
}

fn secret(name: &'static str, variables: &'static [&'static str]) -> Field {
    Field {
        name: Cow::Borrowed(name),
        variables: Words::Known(variables),
        elsewhere: &[],
        is_secret: true,
        optional: false,
        is_old: false,
        shape: Shape::Token,
    }
}

fn plain(name: &'static str, variables: &'static [&'static str]) -> Field {
    let mut field = secret(name, variables);
    field.is_secret = false;
    field.shape = Shape::Line;
    field
}

fn of(
    owner: Owner,
    kind: &'static str,
    title: &'static str,
    from: &'static str,
    note: &'static str,
    fields: impl Into<Vec<Field>>,
) -> CredentialType {
    CredentialType {
        kind: Cow::Borrowed(kind),
        title: Cow::Borrowed(title),
        from,
        fields: fields.into(),
        owner,
        note: Cow::Borrowed(note),
        proofs: &[],
    }
}

fn run(
    kind: &'static str,
    title: &'static str,
    from: &'static str,
    note: &'static str,
    fields: impl Into<Vec<Field>>,
) -> CredentialType {
    of(Owner::Run, kind, title, from, note, fields)
}

fn model_key(
    kind: &'static str,
    title: &'static str,
    from: &'static str,
    fields: impl Into<Vec<Field>>,
    proofs: &'static [Proof],
) -> CredentialType {
    of(Owner::Models, kind, title, from, "pays for a model", fields).proofs(proofs)
}

fn gateway(
    kind: &'static str,
    title: &'static str,
    from: &'static str,
    fields: impl Into<Vec<Field>>,
) -> CredentialType {
    of(Owner::Gateway, kind, title, from, "", fields)
}

fn signing(shape: Shape) -> [Field; 1] {
    [secret("secret", &[]).shape(shape)]
}

/// A question by GET that a good status answers.
const fn get(
    base: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
) -> Proof {
    Proof {
        base,
        path,
        headers,
        body: None,
        signed: Signed::No,
        good: Good::Status,
        refusals: &[],
        whose: "",
        unless: "",
    }
}

impl Proof {
    const fn post(mut self, body: &'static str) -> Self {
        self.body = Some(body);
        self
    }

    const fn signed(mut self, signed: Signed) -> Self {
        self.signed = signed;
        self
    }

    const fn good(mut self, good: Good) -> Self {
        self.good = good;
        self
    }

    const fn refused_by(mut self, statuses: &'static [u16]) -> Self {
        self.refusals = statuses;
        self
    }

    const fn whose(mut self, pointer: &'static str) -> Self {
        self.whose = pointer;
        self
    }

    const fn unless(mut self, prefix: &'static str) -> Self {
        self.unless = prefix;
        self
    }
}

const TOKEN: &[(&str, &str)] = &[("authorization", "Bearer {token}")];
const JSON: (&str, &str) = ("content-type", "application/json");
const VIEWER: &str = "{\"query\":\"{ viewer { id name } }\"}";

const GITHUB: &[Proof] = &[
    get("https://api.github.com", "/user", TOKEN).whose("/login"),
    get("https://api.github.com", "/user/repos?per_page=1", TOKEN),
];
const FORGEJO: &[Proof] =
    &[get("{url|https://codeberg.org}", "/api/v1/user", &[("authorization", "token {token}")])
        .whose("/login")];
const GITLAB: &[Proof] =
    &[get("{url|https://gitlab.com}", "/api/v4/user", &[("private-token", "{token}")])
        .whose("/username")];
const NPM: &[Proof] =
    &[get("{registry|https://registry.npmjs.org}", "/-/whoami", TOKEN).whose("/username")];
const SENTRY: &[Proof] =
    &[get("https://sentry.io", "/api/0/organizations/", TOKEN).whose("/0/slug")];
const LINEAR: &[Proof] =
    &[get("https://api.linear.app", "/graphql", &[("authorization", "{token}"), JSON])
        .post(VIEWER)
        .good(Good::Has("/data/viewer"))
        .refused_by(&[400])
        .whose("/data/viewer/name")];
const LINEAR_OAUTH: &[Proof] = &[get(
    "https://api.linear.app",
    "/graphql",
    &[("authorization", "Bearer {access_token}"), JSON],
)
.post(VIEWER)
.good(Good::Has("/data/viewer"))
.refused_by(&[400])
.whose("/data/viewer/name")];
const BUGSNAG: &[Proof] =
    &[get("https://api.bugsnag.com", "/user", &[("authorization", "token {token}")])
        .whose("/name")];
const NETLIFY: &[Proof] =
    &[get("https://api.netlify.com", "/api/v1/user", TOKEN).whose("/full_name")];
const SLACK: &[Proof] = &[get("https://slack.com", "/api/auth.test", TOKEN)
    .post("")
    .good(Good::True("/ok", "/error"))
    .whose("/team")];
const X_APP: &[Proof] = &[get(
    "https://api.x.com",
    "/2/tweets/search/recent?query=al&max_results=10",
    &[("authorization", "Bearer {bearer_token}")],
)];
const X_USER: &[Proof] =
    &[get("https://api.x.com", "/2/users/me", &[("authorization", "Bearer {access_token}")])
        .whose("/data/username")];
const REDDIT: &[Proof] = &[get(
    "https://www.reddit.com",
    "/api/v1/access_token",
    &[("content-type", "application/x-www-form-urlencoded")],
)
.post("grant_type=password&username={username}&password={password}")
.signed(Signed::Basic("client_id", "client_secret"))
.good(Good::Has("/access_token"))];
const DISCORD: &[Proof] =
    &[get("https://discord.com", "/api/v10/users/@me", &[("authorization", "Bot {bot_token}")])
        .whose("/username")];
const AWS: &[Proof] = &[get(
    "https://sts.amazonaws.com",
    "/",
    &[("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")],
)
.post("Action=GetCallerIdentity&Version=2011-06-15")
.signed(Signed::Aws)
.whose("/GetCallerIdentityResponse/GetCallerIdentityResult/Arn")];
const API_KEY: &[(&str, &str)] = &[("authorization", "Bearer {api_key}")];
const VULTR: &[Proof] =
    &[get("https://api.vultr.com", "/v2/account", API_KEY).whose("/account/name")];
const HETZNER: &[Proof] = &[get("https://api.hetzner.cloud", "/v1/server_types", API_KEY)];
const VERIFY: &str = "/client/v4/user/tokens/verify";
const ACTIVE: Good = Good::Is("/result/status", "active");
const CLOUDFLARE: &[Proof] = &[
    get("https://api.cloudflare.com", VERIFY, &[("authorization", "Bearer {api_token}")])
        .good(ACTIVE)
        .refused_by(&[400]),
    get("https://api.cloudflare.com", VERIFY, TOKEN).good(ACTIVE).refused_by(&[400]),
];
const ANTHROPIC: &[Proof] = &[get(
    "https://api.anthropic.com",
    "/v1/models?limit=1",
    &[("x-api-key", "{token}"), ("anthropic-version", "2023-06-01")],
)
// A token of a sign-in opens nothing but conversations.
.unless("sk-ant-oat")];
const OPENAI: &[Proof] = &[get("https://api.openai.com", "/v1/models", TOKEN)];
const GROQ: &[Proof] = &[get("https://api.groq.com", "/openai/v1/models", TOKEN)];
// It says 400 of a key that it does not know.
const XAI: &[Proof] = &[get("https://api.x.ai", "/v1/models", TOKEN).refused_by(&[400])];
const MISTRAL: &[Proof] = &[get("https://api.mistral.ai", "/v1/models", TOKEN)];
const OPENROUTER: &[Proof] = &[get("https://openrouter.ai", "/api/v1/key", TOKEN)];
const GOOGLE: &[Proof] = &[get(
    "https://generativelanguage.googleapis.com",
    "/v1beta/models?pageSize=1",
    &[("x-goog-api-key", "{token}")],
)
.refused_by(&[400])];

/// All types that are known. Where two generations of a type differ, it has the fields of both.
pub static TYPES: LazyLock<Vec<CredentialType>> = LazyLock::new(|| {
    vec![
    run(
        "github_token",
        "GitHub token",
        "https://github.com/settings/tokens (scopes: repo, workflow)",
        "`gh`, and `git` with https addresses of github.com, use it by themselves",
        [secret("token", &["GITHUB_TOKEN", "GH_TOKEN"])],
    )
    .proofs(GITHUB),
    run(
        "forgejo_token",
        "Forgejo or Codeberg token",
        "Settings > Applications of your account there",
        "for the API of Forgejo: `Authorization: token $FORGEJO_TOKEN`, below \
         `$FORGEJO_URL/api/v1` (https://codeberg.org when that is not set)",
        [
            secret("token", &["FORGEJO_TOKEN"]),
            plain("url", &["FORGEJO_URL"]).optional().shape(Shape::Url),
        ],
    )
    .proofs(FORGEJO),
    run(
        "gitlab_token",
        "GitLab token",
        "https://gitlab.com/-/user_settings/personal_access_tokens (scope: api)",
        "`glab` uses it by itself; for the API: `PRIVATE-TOKEN: $GITLAB_TOKEN`, below \
         `$GITLAB_HOST/api/v4` (https://gitlab.com when that is not set)",
        [
            secret("token", &["GITLAB_TOKEN"]),
            plain("url", &["GITLAB_HOST"]).optional().shape(Shape::Url),
        ],
    )
    .proofs(GITLAB),
    run(
        "npm_token",
        "npm token",
        "https://www.npmjs.com, Access Tokens in the menu of your account",
        "`npm` uses it by itself, for its registry and no other",
        [
            secret("token", &["NPM_TOKEN"]),
            plain("registry", &[]).optional().shape(Shape::Url),
        ],
    )
    .proofs(NPM),
    run(
        "git_ssh",
        "SSH key and name for git",
        "a private key whose public half the git host knows",
        "`git` uses this key for ssh addresses by itself, and commits under this name",
        [
            secret("id_rsa", &[]).optional().shape(Shape::PrivateKey),
            plain("username", &["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"]).optional(),
            plain("email", &["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"]).optional(),
        ],
    ),
    run(
        "sentry_token",
        "Sentry token",
        "https://sentry.io/settings/account/api/auth-tokens/",
        "for the API of Sentry: `Authorization: Bearer $SENTRY_AUTH_TOKEN`",
        [secret("token", &["SENTRY_AUTH_TOKEN"])],
    )
    .proofs(SENTRY),
    run(
        "linear_token",
        "Linear API key",
        "https://linear.app/settings/account/security",
        "for the GraphQL API of Linear: `Authorization: $LINEAR_API_TOKEN`, without `Bearer`",
        [secret("token", &["LINEAR_API_TOKEN"])],
    )
    .proofs(LINEAR),
    run(
        "linear_oauth",
        "Linear OAuth application",
        "https://linear.app/settings/api/applications/new",
        "for the GraphQL API of Linear: `Authorization: Bearer $LINEAR_ACCESS_TOKEN`",
        [
            plain("client_id", &["LINEAR_CLIENT_ID"]).optional(),
            secret("client_secret", &["LINEAR_CLIENT_SECRET"]).optional(),
            secret("access_token", &["LINEAR_ACCESS_TOKEN"]),
            secret("refresh_token", &["LINEAR_REFRESH_TOKEN"]).optional(),
        ],
    )
    .proofs(LINEAR_OAUTH),
    run(
        "bugsnag_token",
        "Bugsnag token",
        "https://app.bugsnag.com/settings/my-account/auth-tokens",
        "for the API of Bugsnag: `Authorization: token $BUGSNAG_AUTH_TOKEN`",
        [secret("token", &["BUGSNAG_AUTH_TOKEN"])],
    )
    .proofs(BUGSNAG),
    run(
        "netlify_token",
        "Netlify token",
        "https://app.netlify.com/user/applications#personal-access-tokens",
        "for the API of Netlify and its command line",
        [secret("token", &["NETLIFY_AUTH_TOKEN"])],
    )
    .proofs(NETLIFY),
    run(
        "mintlify_token",
        "Mintlify API key",
        "https://dashboard.mintlify.com/settings/organization/api-keys",
        "for the API of Mintlify: `Authorization: Bearer $MINTLIFY_API_TOKEN`",
        [secret("token", &["MINTLIFY_API_TOKEN"])],
    ),
    run(
        "slack_bot_token",
        "Slack bot token",
        "https://api.slack.com/apps, OAuth & Permissions of your app",
        "for the Web API of Slack: `Authorization: Bearer $SLACK_BOT_TOKEN`",
        [secret("token", &["SLACK_BOT_TOKEN"])],
    )
    .proofs(SLACK),
    run(
        "x_twitter_api",
        "X app",
        "https://developer.x.com/en/portal/dashboard, Keys and tokens of your app",
        "for version 2 of the X API; reading needs `Authorization: Bearer $X_BEARER_TOKEN` only",
        [
            secret("consumer_key", &["X_CONSUMER_KEY"]).optional(),
            secret("consumer_secret", &["X_CONSUMER_SECRET"]).optional(),
            secret("bearer_token", &["X_BEARER_TOKEN"]).optional(),
            secret("api_key", &["X_API_KEY"]).old(),
            secret("api_secret", &["X_API_SECRET"]).old(),
            secret("access_token", &["X_ACCESS_TOKEN"]).old(),
            secret("access_token_secret", &["X_ACCESS_TOKEN_SECRET"]).old(),
        ],
    )
    .proofs(X_APP),
    run(
        "x_twitter_user_oauth1",
        "X user (OAuth 1.0a)",
        "https://developer.x.com/en/portal/dashboard, Keys and tokens of your app",
        "acts as one user of X: signs requests (OAuth 1.0a), together with the consumer's keys",
        [
            secret("access_token", &["X_ACCESS_TOKEN"]),
            secret("access_token_secret", &["X_ACCESS_TOKEN_SECRET"]),
        ],
    ),
    run(
        "x_twitter_user_oauth2",
        "X user (OAuth 2)",
        "https://developer.x.com/en/portal/dashboard, Keys and tokens of your app",
        "acts as one user of X: `Authorization: Bearer $X_OAUTH2_ACCESS_TOKEN`",
        [
            plain("client_id", &["X_OAUTH2_CLIENT_ID"]).optional(),
            secret("client_secret", &["X_OAUTH2_CLIENT_SECRET"]).optional(),
            secret("access_token", &["X_OAUTH2_ACCESS_TOKEN"]),
            secret("refresh_token", &["X_OAUTH2_REFRESH_TOKEN"]).optional(),
        ],
    )
    .proofs(X_USER),
    run(
        "reddit_oauth",
        "Reddit script app",
        "https://www.reddit.com/prefs/apps",
        "for the API of Reddit: ask for a token with grant_type=password first, then send it as \
         Bearer with `User-Agent: $REDDIT_USER_AGENT`",
        [
            plain("client_id", &["REDDIT_CLIENT_ID"]),
            secret("client_secret", &["REDDIT_CLIENT_SECRET"]),
            plain("username", &["REDDIT_USERNAME"]),
            secret("password", &["REDDIT_PASSWORD"]).shape(Shape::Line),
            plain("user_agent", &["REDDIT_USER_AGENT"]).optional(),
        ],
    )
    .proofs(REDDIT),
    run(
        "discord_bot",
        "Discord bot",
        "https://discord.com/developers/applications",
        "for version 10 of the Discord API: `Authorization: Bot $DISCORD_BOT_TOKEN`",
        [
            plain("application_id", &["DISCORD_APPLICATION_ID"]).optional(),
            plain("public_key", &["DISCORD_PUBLIC_KEY"]).optional(),
            secret("bot_token", &["DISCORD_BOT_TOKEN"]),
        ],
    )
    .proofs(DISCORD),
    run(
        "aws",
        "AWS access key",
        "https://console.aws.amazon.com/iam/, Security credentials of a user",
        "the command line and the libraries of AWS use it by themselves",
        [
            plain("access_key_id", &["AWS_ACCESS_KEY_ID"]).shape(Shape::Token),
            secret("secret_access_key", &["AWS_SECRET_ACCESS_KEY"]),
            secret("session_token", &["AWS_SESSION_TOKEN"]).optional(),
            plain("default_region", &["AWS_DEFAULT_REGION"]).optional().shape(Shape::Token),
        ],
    )
    .proofs(AWS),
    run(
        "gcp_service_account",
        "Google Cloud service account",
        "https://console.cloud.google.com/iam-admin/serviceaccounts, Keys > Add key > JSON",
        "the key of a service account of Google Cloud, as JSON; programs that want a file find it \
         in `gcp_service_account` below `$AL_CREDENTIALS_PATH`",
        [secret("key_json", &["GOOGLE_APPLICATION_CREDENTIALS_JSON"])
            .shape(Shape::ServiceAccount)],
    ),
    run(
        "vultr_api_key",
        "Vultr API key",
        "https://my.vultr.com/settings/#settingsapi",
        "for the API of Vultr: `Authorization: Bearer $VULTR_API_KEY`",
        [secret("api_key", &["VULTR_API_KEY"])],
    )
    .proofs(VULTR),
    run(
        "hetzner_api_key",
        "Hetzner Cloud token",
        "https://console.hetzner.cloud, Security > API tokens of a project",
        "for the API of Hetzner Cloud: `Authorization: Bearer $HETZNER_API_KEY`",
        [secret("api_key", &["HETZNER_API_KEY"]).elsewhere(&["HCLOUD_TOKEN"])],
    )
    .proofs(HETZNER),
    run(
        "cloudflare_api_token",
        "Cloudflare API token",
        "https://dash.cloudflare.com/profile/api-tokens",
        "for the API of Cloudflare: `Authorization: Bearer $CLOUDFLARE_API_TOKEN`",
        [
            secret("api_token", &["CLOUDFLARE_API_TOKEN"]).optional(),
            secret("token", &["CLOUDFLARE_API_TOKEN"]).old(),
        ],
    )
    .proofs(CLOUDFLARE),
    run(
        "vps_ssh",
        "SSH key for servers",
        "a private key whose public half the servers know",
        "a key for servers; `ssh -i` takes its file",
        [
            secret("private_key", &[]).optional().shape(Shape::PrivateKey),
            secret("id_rsa", &[]).old().shape(Shape::PrivateKey),
            plain("public_key", &[]).optional(),
        ],
    ),
    model_key(
        "anthropic_key",
        "Anthropic API key",
        "https://console.anthropic.com/settings/keys",
        [secret("token", &[])
            .shape(Shape::Prefix(&["sk-ant-"]))
            .elsewhere(&["ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"])],
        ANTHROPIC,
    ),
    model_key(
        "openai_key",
        "OpenAI API key",
        "https://platform.openai.com/api-keys",
        [secret("token", &[]).shape(Shape::Prefix(&["sk-"])).elsewhere(&["OPENAI_API_KEY"])],
        OPENAI,
    ),
    model_key(
        "groq_key",
        "Groq API key",
        "https://console.groq.com/keys",
        [secret("token", &[]).shape(Shape::Prefix(&["gsk_"])).elsewhere(&["GROQ_API_KEY"])],
        GROQ,
    ),
    model_key(
        "google_key",
        "Google AI API key",
        "https://aistudio.google.com/apikey",
        [secret("token", &[]).elsewhere(&["GEMINI_API_KEY", "GOOGLE_API_KEY"])],
        GOOGLE,
    ),
    model_key(
        "xai_key",
        "xAI API key",
        "https://console.x.ai",
        [secret("token", &[]).shape(Shape::Prefix(&["xai-"])).elsewhere(&["XAI_API_KEY"])],
        XAI,
    ),
    model_key(
        "mistral_key",
        "Mistral API key",
        "https://console.mistral.ai/api-keys",
        [secret("token", &[]).elsewhere(&["MISTRAL_API_KEY"])],
        MISTRAL,
    ),
    model_key(
        "openrouter_key",
        "OpenRouter API key",
        "https://openrouter.ai/settings/keys",
        [secret("token", &[])
            .shape(Shape::Prefix(&["sk-or-"]))
            .elsewhere(&["OPENROUTER_API_KEY"])],
        OPENROUTER,
    ),
    model_key(
        "custom_key",
        "key of a model server of your own",
        "whoever runs the server",
        [secret("token", &[])],
        &[],
    ),
    gateway(
        "github_webhook_secret",
        "secret of GitHub webhooks",
        "your own choice: the Secret of the webhook, or of the app, at GitHub",
        signing(Shape::Line),
    ),
    gateway(
        "sentry_client_secret",
        "client secret of a Sentry integration",
        "https://sentry.io, Settings > Developer settings > your integration",
        signing(Shape::Line),
    ),
    gateway(
        "linear_webhook_secret",
        "signing secret of Linear webhooks",
        "https://linear.app/settings/api, the webhook's page",
        signing(Shape::Least(8)),
    ),
    gateway(
        "mintlify_webhook_secret",
        "secret of Mintlify webhooks",
        "https://dashboard.mintlify.com",
        signing(Shape::Line),
    ),
    gateway(
        "slack_signing_secret",
        "signing secret of a Slack app",
        "https://api.slack.com/apps, Basic Information of your app",
        signing(Shape::Least(8)),
    ),
    gateway(
        "forgejo_webhook_secret",
        "secret of Forgejo webhooks",
        "your own choice: the Secret of the webhook at Forgejo",
        signing(Shape::Line),
    ),
    gateway(
        "gitea_webhook_secret",
        "secret of Gitea webhooks",
        "your own choice: the Secret of the webhook at Gitea",
        signing(Shape::Line),
    ),
    gateway(
        "gitlab_webhook_secret",
        "secret of GitLab webhooks",
        "your own choice (Secret token), or the signing token (whsec_...) of the webhook",
        signing(Shape::Line),
    ),
    gateway(
        "generic_webhook_secret",
        "secret of another sender",
        "whoever sends the webhooks",
        signing(Shape::Line),
    ),
    gateway(
        "gateway_api_key",
        "key of the gateway's API",
        "al makes it: al doctor --rotate-key",
        [secret("key", &[])],
    ),
]
});
