//! Every key that a project's TOML files may have: its type, range, default and meaning.
//!
//! This one table checks what was written, tells known keys from unknown ones and feeds the
//! documentation. Readers ask only for what it holds, so the three cannot drift.

use Kind::*;

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Text,
    Bool,
    /// A whole number: what it counts, smallest and largest.
    Int(&'static str, i128, i128),
    /// A number above 0, with or without fraction: what it counts and the largest.
    Number(&'static str, f64),
    /// A number from 0 to 1.
    Share,
    /// A number from 0 on: what it counts and the largest.
    Money(&'static str, f64),
    /// An amount of US dollars above 0, as a number or written `"$2.50"`.
    Dollars,
    /// What another system calls something: a string or a number.
    Id,
    /// A span of time as `duration` reads it: shortest and longest, in milliseconds.
    Span(u64, u64),
    OneOf(&'static [&'static str]),
    /// A list of some of these words.
    SomeOf(&'static [&'static str]),
    Texts,
    /// A string, or a list of strings.
    TextOrTexts,
    /// String to string.
    Pairs,
    Table(&'static Scope),
    /// Tables by names that the project chooses.
    Named(&'static Scope),
    Tables(&'static Scope),
    /// A table with any content.
    Free,
    /// `[[webhooks]]`, whose fields depend on the provider.
    Bindings,
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// What holds when it is not written; empty for nothing.
    pub default: &'static str,
    pub about: &'static str,
    /// Older spellings, read with a hint.
    pub was: &'static [&'static str],
    /// Where it is read; empty for every file of its scope.
    pub files: &'static [File],
}

/// The keys of one table.
#[derive(Debug)]
pub struct Scope {
    pub keys: &'static [Key],
}

impl Scope {
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|k| k.name == name)
    }
}

/// The files of a project that hold keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// `config.toml`
    Project,
    /// `.env.toml`
    Env,
    /// `environments/<name>.toml`
    Environment,
    /// `agents/<name>/config.toml`
    Agent,
}

impl File {
    pub fn name(self) -> &'static str {
        match self {
            Self::Project => "config.toml",
            Self::Env => ".env.toml",
            Self::Environment => "environments/<name>.toml",
            Self::Agent => "agents/<name>/config.toml",
        }
    }

    pub fn scope(self) -> &'static Scope {
        match self {
            Self::Project | Self::Env | Self::Environment => &PROJECT,
            Self::Agent => &AGENT,
        }
    }
}

/// A known key by its full path, for documentation and suggestions.
#[derive(Debug, Clone)]
pub struct KeyInfo {
    /// `local.timeout`, `models.<name>.provider`
    pub path: String,
    pub key: &'static Key,
    pub file: File,
}

/// All known keys of a file in the order of the table.
pub fn find_key_table(file: File) -> Vec<KeyInfo> {
    let mut out = Vec::new();
    collect(file.scope(), "", file, &mut out);
    out
}

fn collect(scope: &'static Scope, prefix: &str, file: File, out: &mut Vec<KeyInfo>) {
    for key in scope.keys.iter().filter(|k| k.is_in(file)) {
        let path = format!("{prefix}{}", key.name);
        out.push(KeyInfo { path: path.clone(), key, file });
        match key.kind {
            Table(inner) | Tables(inner) => collect(inner, &format!("{path}."), file, out),
            Named(inner) => collect(inner, &format!("{path}.<name>."), file, out),
            _ => {}
        }
    }
}

const fn key(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Key {
    Key { name, kind, default, about, was: &[], files: &[] }
}

impl Key {
    pub fn is_in(&self, file: File) -> bool {
        self.files.is_empty() || self.files.contains(&file)
    }

    const fn was(mut self, names: &'static [&'static str]) -> Self {
        self.was = names;
        self
    }

    const fn only_in(mut self, files: &'static [File]) -> Self {
        self.files = files;
        self
    }
}

/// No bound worth a message.
pub const MANY: i128 = u32::MAX as i128;
const SECONDS: Kind = Int("a number of seconds", 1, MANY);
const PIDS: Kind = Int("a number of processes", 8, 4_194_304);
const COUNT: Kind = Int("a whole number", 0, MANY);
const TOKENS: Kind = Int("a number of tokens", 1, MANY);
const DOLLARS: Kind = Money("US dollars per million tokens", 1_000_000.0);
const PORT: Kind = Int("a port", 1, 65535);
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

pub static ENGINES: &[&str] = &["builtin", "pi", "claude", "codex", "script"];
pub static RUNTIMES: &[&str] = &["container", "host-user", "process"];
/// What a container can reach.
pub static NETWORKS: &[&str] = &["none", "gateway", "full"];

pub static PROJECT: Scope = Scope {
    keys: &[
        key("projectName", Text, "the folder's name", "Name of the project."),
        key("environment", Text, "", "Environment this checkout is bound to.")
            .only_in(&[File::Env]),
        key("models", Named(&MODEL), "", "Models that agents name."),
        key("model", Table(&MODEL), "", "The only model, as written before models had names."),
        key("local", Table(&LOCAL), "", "How runs execute on this machine."),
        key("gateway", Table(&GATEWAY), "", "The HTTP server."),
        key("webhooks", Named(&WEBHOOK), "", "Places that deliveries come from."),
        key("credentials", Named(&CREDENTIAL), "", "Types of credentials of your own."),
        key("telemetry", Table(&TELEMETRY), "", "Traces for a collector."),
        key("harness", Table(&PROJECT_HARNESS), "", "Engine of agents that name none."),
        key("maxReruns", COUNT, "10", "Reruns that may follow one scheduled run."),
        key("maxCallDepth", COUNT, "3", "How deep agents may call agents.")
            .was(&["maxTriggerDepth"]),
        key("workQueueSize", COUNT, "100", "Runs that may wait per agent.")
            .was(&["webhookQueueSize"]),
        key("resourceLockTimeout", SECONDS, "1800", "Seconds after which a lock lapses."),
        key("scale", COUNT, "unlimited", "Runs at once across the project."),
        key("defaultAgentScale", COUNT, "1", "Runs at once of an agent that does not say."),
        key("historyRetentionDays", COUNT, "14", "Days that finished runs are kept."),
        key("defaultWaitTimeout", SECONDS, "1800", "Seconds an agent waits for a trigger."),
        key("agents", Free, "", "Overrides of an older version; not used.").only_in(&[File::Env]),
        key("server", Table(&SERVER), "", "Host that deployment goes to.")
            .only_in(&[File::Env, File::Environment]),
        key("cloud", Table(&CLOUD), "", "Cloud that deployment goes to.")
            .only_in(&[File::Env, File::Environment]),
    ],
};

pub static MODEL: Scope = Scope {
    keys: &[
        key(
            "provider",
            Text,
            "",
            "anthropic, openai, groq, google, xai, mistral, openrouter, custom, replay.",
        ),
        key("model", Text, "", "The provider's name of the model."),
        key(
            "authType",
            OneOf(&["api_key", "oauth_token", "pi_auth"]),
            "api_key",
            "How to sign in.",
        ),
        key(
            "thinkingLevel",
            OneOf(&["off", "minimal", "low", "medium", "high", "xhigh"]),
            "",
            "How long the model may think.",
        ),
        key("baseUrl", Text, "the provider's", "Where requests go."),
        key("contextWindow", TOKENS, "the model's", "Tokens of a request and its reply."),
        key("maxTokens", TOKENS, "the model's", "The longest reply in tokens."),
        key("slots", Int("a number of runs", 1, 10_000), "", "Runs that may use it at once."),
        key("headers", Pairs, "", "Further headers of each request."),
        key("price", Table(&PRICE), "the list price", "What it costs."),
        key("file", Text, "", "What `replay` plays back; from the project's folder."),
    ],
};

static PRICE: Scope = Scope {
    keys: &[
        key("input", DOLLARS, "", "US dollars per million tokens read."),
        key("output", DOLLARS, "", "US dollars per million tokens written."),
        key("cacheRead", DOLLARS, "0", "US dollars per million tokens read from the cache."),
        key("cacheWrite", DOLLARS, "0", "US dollars per million tokens written to the cache."),
    ],
};

static LOCAL: Scope = Scope {
    keys: &[
        key("enabled", Bool, "true", "Accepted for older projects; runs are always isolated."),
        key("image", Text, "al-agent:latest", "Base image of containers."),
        key("memory", Text, "4g", "Memory of a container, as Docker writes it."),
        key("cpus", Number("a number of CPUs", 4096.0), "2", "CPUs of a container."),
        key("timeout", SECONDS, "900", "Seconds a run may take."),
    ],
};

static GATEWAY: Scope = Scope {
    keys: &[
        key("port", PORT, "8080", "Port of the HTTP server."),
        key("url", Text, "http://localhost:<port>", "Where others reach it."),
        key("insecure", Bool, "false", "Lets the API key go to a plain `http://` url elsewhere."),
        key("maxChatSessions", COUNT, "5", "Chats at once."),
        key("lockTimeout", SECONDS, "1800", "Older place of `resourceLockTimeout`."),
        key(
            "api",
            Bool,
            "false",
            "Whether others than this machine may ask the API, with its key.",
        ),
        key("trustProxy", Bool, "false", "Believes a proxy on this machine who it asks for."),
        key(
            "connectionsPerAddress",
            Int("a number of connections", 1, MANY),
            "64",
            "Connections at once of one address outside.",
        ),
        key("rateLimit", Table(&RATE_LIMIT), "", "Deliveries that prove nothing, by sender."),
        key("tls", Table(&TLS), "", "Certificate of the gateway."),
    ],
};

static RATE_LIMIT: Scope = Scope {
    keys: &[
        key("perMinute", COUNT, "120", "How many in a minute; 0 is without limit."),
        key("burst", Int("a number of deliveries", 1, MANY), "perMinute", "How many at once."),
    ],
};

static TLS: Scope = Scope {
    keys: &[
        key("cert", Text, "", "PEM file of the certificate and those that vouch for it."),
        key("key", Text, "", "PEM file of its private key."),
    ],
};

pub static WEBHOOK: Scope = Scope {
    keys: &[
        key("type", Text, "", "The provider."),
        key("credential", Text, "default", "Instance of the provider's credential."),
        key("allowUnsigned", Bool, "false", "Accepts deliveries without a signature."),
        key("signature", Table(&SIGNATURE), "", "How a `generic` sender signs."),
        key("deliveryId", Text, "", "Where a `generic` delivery has its id."),
        key("fields", Table(&MAPPED), "", "Where a `generic` delivery has what agents are told."),
    ],
};

static SIGNATURE: Scope = Scope {
    keys: &[
        key("scheme", OneOf(&["hmac", "standard-webhooks"]), "hmac", "How it is signed."),
        key("header", Text, "", "Header that the signature of the body stands in."),
        key("prefix", Text, "", "What stands before it there: `sha256=`."),
        key("algorithm", OneOf(&["sha256", "sha512", "sha1"]), "sha256", "Hash of the HMAC."),
        key("encoding", OneOf(&["hex", "base64"]), "hex", "How it is written."),
    ],
};

/// Each is `header:<name>`, a JSON pointer or a path with dots.
pub static MAPPED: Scope = Scope {
    keys: &[
        key("event", Text, "`webhook`", "What happened."),
        key("action", Text, "", "What was done."),
        key("repo", Text, "", "Repository, project or account: `owner/name`."),
        key("number", Text, "", "Number of the issue or its like."),
        key("title", Text, "", "Title."),
        key("body", Text, "", "Text."),
        key("url", Text, "", "Where a person can look at it."),
        key("author", Text, "", "Who wrote it."),
        key("assignee", Text, "", "Who has to do it."),
        key("labels", Text, "", "Labels; a list, or `labels.*.name`."),
        key("branch", Text, "", "Branch."),
        key("conclusion", Text, "", "How it ended."),
        key("comment", Text, "", "Text of a comment."),
        key("sender", Text, "`unknown`", "Who did it."),
    ],
};

static CREDENTIAL: Scope = Scope {
    keys: &[
        key("fields", Texts, "", "Names of its fields, one file each."),
        key("env", Pairs, "", "Variables of a run and the field that each holds."),
        key("optional", Texts, "", "Fields that it may lack."),
        key("public", Texts, "", "Fields that are no secret: names and addresses."),
        key("about", Text, "", "What an agent is told of it."),
    ],
};

static TELEMETRY: Scope = Scope {
    keys: &[
        key("enabled", Bool, "false", "Whether traces are sent."),
        key("provider", OneOf(&["none", "otel"]), "none", "How they are sent."),
        key("endpoint", Text, "", "OTLP collector."),
        key("serviceName", Text, "action-llama", "Name of the service in traces."),
        key("headers", Pairs, "", "Headers of each request."),
        key("samplingRate", Share, "", "Share of traces kept, 0 to 1."),
    ],
};

static PROJECT_HARNESS: Scope =
    Scope { keys: &[key("type", OneOf(ENGINES), "builtin", "Who thinks.")] };

pub static SERVER: Scope = Scope {
    keys: &[
        key("host", Text, "", "Host name or address."),
        key("user", Text, "root", "User to sign in as."),
        key("port", PORT, "22", "Port of ssh."),
        key("keyPath", Text, "the ssh agent's", "Private key."),
        key("basePath", Text, "/opt/action-llama", "Folder on the host."),
        key("expose", Bool, "true", "Whether the gateway is reachable from outside."),
        key("provider", OneOf(&["vultr", "hetzner"]), "", "Who made the server."),
        key("vultrInstanceId", Id, "", "Bookkeeping of provisioning."),
        key("vultrRegion", Text, "", "Bookkeeping of provisioning."),
        key("hetznerServerId", Id, "", "Bookkeeping of provisioning."),
        key("hetznerLocation", Text, "", "Bookkeeping of provisioning."),
        key("cloudflareZoneId", Text, "", "Bookkeeping of provisioning."),
        key("cloudflareDnsRecordId", Text, "", "Bookkeeping of provisioning."),
        key("cloudflareHostname", Text, "", "Bookkeeping of provisioning."),
    ],
};

static CLOUD: Scope = Scope {
    keys: &[
        key("provider", OneOf(&["cloud-run", "vps"]), "", "The kind of cloud."),
        key("project", Text, "", "Project in the cloud."),
        key("region", Text, "", "Region."),
        key("artifact_registry", Text, "", "Registry of images."),
        key("artifactRegistry", Text, "", "Another spelling of `artifact_registry`."),
        key("service_account", Text, "", "Account that runs use."),
        key("serviceAccount", Text, "", "Another spelling of `service_account`."),
        key("host", Text, "", "Host, for `vps`."),
        key("sshUser", Text, "root", "User to sign in as, for `vps`."),
        key("sshPort", PORT, "22", "Port of ssh, for `vps`."),
        key("sshKeyPath", Text, "~/.ssh/id_rsa", "Private key, for `vps`."),
    ],
};

pub static AGENT: Scope = Scope {
    keys: &[
        key("source", Text, "", "Where the agent was installed from; `al update` looks there."),
        key("sourcePath", Text, "", "Its folder there; `.` for the whole repository."),
        key("sourceRef", Text, "", "Branch, tag or commit that it follows; none is the usual one."),
        key("sourceCommit", Text, "", "Commit that it is at."),
        key("models", Texts, "", "Models in the order of preference."),
        key("model", Table(&MODEL), "", "The only model, as written before models had names."),
        key("credentials", Texts, "", "Credentials a run gets: `type` or `type:instance`."),
        key("schedule", Text, "", "Cron expression."),
        key("timezone", Text, "the host's", "IANA time zone of the schedule."),
        key("every", Span(1000, 366 * DAY_MS), "", "Time from one start to the next: `305s`."),
        key("missed", OneOf(&["skip", "once"]), "skip", "Ticks that passed while nobody ran."),
        key("overlap", OneOf(&["skip", "queue"]), "skip", "A tick that finds no free slot."),
        key("scale", COUNT, "`defaultAgentScale`", "Runs at once; 0 disables the agent."),
        key("timeout", SECONDS, "`local.timeout`", "Seconds a run may take."),
        key("maxWorkQueueSize", COUNT, "`workQueueSize`", "Runs that may wait."),
        key("waitTimeout", SECONDS, "`defaultWaitTimeout`", "Seconds to wait for a trigger."),
        key("priority", OneOf(&["low", "normal", "high"]), "normal", "Who starts first."),
        key("lane", Text, "", "Template; runs with the same value go one at a time."),
        key("keep", OneOf(&["all", "latest"]), "all", "Which waiting runs of a `key` are kept."),
        key("key", Text, "`lane`", "Template; what `keep` tells runs apart by."),
        key("retry", Table(&RETRY), "", "Another attempt of a run that failed."),
        key("webhooks", Bindings, "", "Deliveries that start the agent."),
        key("hooks", Table(&HOOKS), "", "Commands around a run."),
        key("params", Free, "", "Values for the prompt."),
        key("runtime", Table(&RUNTIME), "", "Where a run executes."),
        key("harness", Table(&HARNESS), "", "Who thinks."),
        key("compactAt", Share, "0.8", "Share of the context window at which it is made shorter."),
        key("budget", Table(&BUDGET), "", "What the agent may spend."),
        key("preflight", Tables(&PREFLIGHT), "", "Steps before a run, of an older version."),
    ],
};

static RETRY: Scope = Scope {
    keys: &[
        key("attempts", Int("a whole number", 1, 20), "2", "All attempts, with the first."),
        key("backoff", Span(0, HOUR_MS), "0s", "Pause before the second; then doubled, up to 1h."),
        key(
            "on",
            SomeOf(&["lost", "timeout", "error"]),
            "[\"lost\"]",
            "Ends after which there is another attempt; `[]` for none.",
        ),
    ],
};

static BUDGET: Scope = Scope {
    keys: &[
        key("perRun", Dollars, "", "US dollars that one run may cost: `\"$2\"`."),
        key("perDay", Dollars, "", "US dollars that all runs of a day may cost, by UTC."),
        key("then", OneOf(&["stop", "ask"]), "stop", "What happens when that is spent."),
    ],
};

static HOOKS: Scope = Scope {
    keys: &[
        key("pre", Texts, "", "Shell commands before a run."),
        key("post", Texts, "", "Shell commands after a run."),
    ],
};

static RUNTIME: Scope = Scope {
    keys: &[
        key("type", OneOf(RUNTIMES), "container", "Where a run executes."),
        key("run_as", Text, "al-agent", "User of `host-user`."),
        key("groups", Texts, "", "Groups of `host-user`; the first is the primary one."),
        key("network", OneOf(NETWORKS), "full", "What a container reaches."),
        key("gpus", Text, "", "GPUs of a container: `all`, a number or `device=0,1`."),
        key("mounts", Texts, "", "`source:target` or `source:target:rw`, seen by a container."),
        key("pids", PIDS, "1024", "Processes and threads in a container at once."),
        key("runtime", Text, "Docker's", "What Docker starts the container with: `runsc`."),
        key("memory", Text, "`local.memory`", "Memory of the container."),
        key("cpus", Number("a number of CPUs", 4096.0), "`local.cpus`", "CPUs of the container."),
    ],
};

static HARNESS: Scope = Scope {
    keys: &[
        key("type", OneOf(ENGINES), "the project's", "Who thinks."),
        key(
            "command",
            TextOrTexts,
            "",
            "What `script` runs: a shell line, or program and arguments.",
        ),
    ],
};

static PREFLIGHT: Scope = Scope {
    keys: &[
        key("provider", OneOf(&["shell", "http", "git-clone"]), "", "The kind of step."),
        key("required", Bool, "true", "Whether a failure ends the run."),
        key("params", Free, "", "What the step needs."),
    ],
};
