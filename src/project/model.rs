//! What a project says, after reading and checking: plain values that the other rooms use.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::credential_types::OwnTypes;

/// A folder of agents with one history.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Absolute path.
    pub dir: PathBuf,
    /// `projectName`, else the folder's name.
    pub name: String,
    /// The bound environment, when there is one.
    pub environment: Option<String>,
    pub config: Config,
    /// Sorted by name.
    pub agents: Vec<Agent>,
}

/// `config.toml`, `.env.toml` and the environment file, merged in that order.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// By name; `default` for the only model of an older project, `<agent>/model` for one that an
    /// older agent has for itself.
    pub models: BTreeMap<String, Model>,
    pub local: Local,
    pub gateway: Gateway,
    pub webhooks: BTreeMap<String, WebhookSource>,
    pub telemetry: Telemetry,
    /// Reruns that may follow one scheduled run.
    pub max_reruns: u32,
    pub max_call_depth: u32,
    /// Runs that may wait per agent.
    pub work_queue_size: u32,
    pub resource_lock_timeout_s: u64,
    /// Runs at once across the project; none is unlimited.
    pub scale: Option<u32>,
    pub default_agent_scale: u32,
    pub history_retention_days: u32,
    pub default_wait_timeout_s: u64,
    pub harness: Option<EngineKind>,
    /// `[credentials.<type>]`: types that the project adds.
    pub credentials: OwnTypes,
    /// `[server]` and `[cloud]` of the environment file: where deployment goes.
    pub server: Option<Map<String, Value>>,
    pub cloud: Option<Map<String, Value>>,
}

impl Config {
    /// Names of the models that any agent may use: without those that older agents have for
    /// themselves.
    pub fn own_models(&self) -> impl Iterator<Item = &String> {
        self.models.keys().filter(|name| !name.contains('/'))
    }
}

/// `[models.<name>]`
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub provider: String,
    pub model: String,
    pub auth_type: AuthType,
    pub thinking_level: Option<ThinkingLevel>,
    pub base_url: Option<String>,
    /// Tokens of a request and its reply together; none is what is known of the model.
    pub context_window: Option<u32>,
    /// The longest reply in tokens; none is what is known of the model.
    pub max_tokens: Option<u32>,
    /// Runs that may use it at once, across the project; none is any number.
    pub slots: Option<u32>,
    /// Further headers of each request.
    pub headers: BTreeMap<String, String>,
    pub price: Option<Price>,
    /// What `replay` plays back; absolute.
    pub file: Option<PathBuf>,
    /// Every other key that a later capability reads, as written.
    pub more: Map<String, Value>,
}

/// US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    pub input: f64,
    pub output: f64,
    pub cache_read: f64,
    pub cache_write: f64,
}

/// What a model is asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthType {
    ApiKey,
    OauthToken,
    PiAuth,
}

/// How long a model thinks before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThinkingLevel {
    Off,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
}

/// `[local]`: what a run may use.
#[derive(Debug, Clone, PartialEq)]
pub struct Local {
    pub enabled: bool,
    pub image: Option<String>,
    /// As Docker writes it: `4g`.
    pub memory: String,
    /// None is 2, and never more than the machine has.
    pub cpus: Option<f64>,
    /// Seconds a run may take when its agent does not say.
    pub timeout_s: u64,
}

/// `[gateway]`
#[derive(Debug, Clone, PartialEq)]
pub struct Gateway {
    pub port: u16,
    /// Where others reach the gateway; none is `http://localhost:<port>`.
    pub url: Option<String>,
    /// The key may go to `url` in the clear, where that is `http://` on another machine.
    pub insecure: bool,
    pub max_chat_sessions: u32,
    /// Others than this machine may ask the API, with its key.
    pub api: bool,
    /// A proxy on this machine is believed for whom it asks.
    pub trust_proxy: bool,
    /// Connections that one address outside may have at once.
    pub connections_per_address: u32,
    /// None is without limit.
    pub rate_limit: Option<RateLimit>,
    /// None is without encryption.
    pub tls: Option<Tls>,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            port: 8080,
            url: None,
            insecure: false,
            max_chat_sessions: 5,
            api: false,
            trust_proxy: false,
            connections_per_address: 64,
            rate_limit: Some(RateLimit { per_minute: 120, burst: 120 }),
            tls: None,
        }
    }
}

/// Deliveries of one sender to one source that may prove nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    pub per_minute: u32,
    /// At once, after a time without any.
    pub burst: u32,
}

/// What the gateway proves with that it is the one that was asked. Paths are from the project's
/// folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// `[webhooks.<name>]`: a place that deliveries come from.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookSource {
    /// The provider: `github`, ...
    pub kind: String,
    /// Instance of the provider's credential: `[webhooks.x] <credential_type>`, else `credential`,
    /// else `default`.
    pub credential: String,
    pub allow_unsigned: bool,
    /// How deliveries of the type `generic` are read; none for other types.
    pub generic: Option<Box<Generic>>,
}

/// A sender that is described in the configuration, and not in this program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Generic {
    /// None when nothing is signed.
    pub signature: Option<Signature>,
    /// Where an id stands that stays the same when a delivery is repeated.
    pub delivery_id: Option<Locator>,
    /// Where the fields of the context stand.
    pub fields: BTreeMap<Mapped, Locator>,
}

/// How a generic sender signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// Of the raw body, in a header of its own.
    Hmac {
        header: String,
        /// What stands before the digits: `sha256=`.
        prefix: String,
        hash: Hash,
        is_base64: bool,
    },
    /// As standardwebhooks.com says.
    StandardWebhooks,
}

/// The digest in a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

/// Where in a delivery something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locator {
    Header(String),
    /// From the outermost value of the body inwards.
    Body(Vec<Step>),
}

/// One step into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key of an object, or the position in a list.
    Key(String),
    /// Every element of a list.
    Each,
}

/// A field of the context that a generic sender may fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mapped {
    Event,
    Action,
    Repo,
    Number,
    Title,
    Body,
    Url,
    Author,
    Assignee,
    Labels,
    Branch,
    Conclusion,
    Comment,
    Sender,
}

/// `[telemetry]`
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    pub enabled: bool,
    pub provider: String,
    pub endpoint: Option<String>,
    pub service_name: String,
    pub headers: BTreeMap<String, String>,
    pub sampling_rate: Option<f64>,
}

/// One agent: `agents/<name>/SKILL.md` and `config.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// The folder's name.
    pub name: String,
    /// Absolute path of the folder.
    pub dir: PathBuf,
    pub skill: Skill,
    /// Where it was installed from.
    pub source: Option<String>,
    pub models: Vec<String>,
    pub credentials: Vec<String>,
    pub schedule: Option<String>,
    /// IANA zone of the schedule; none is the host's.
    pub timezone: Option<String>,
    /// From one start to the next, instead of a schedule.
    pub every_ms: Option<u64>,
    pub missed: Missed,
    pub overlap: Overlap,
    /// Runs at once, before the project's cap; 0 disables.
    pub scale: u32,
    pub timeout_s: u64,
    pub max_work_queue_size: u32,
    pub priority: Priority,
    /// Template over the payload; runs with the same value go one at a time.
    pub lane: Option<String>,
    /// Template over the payload; a newer waiting run with the same value replaces the older one.
    /// None keeps all.
    pub keep_latest: Option<String>,
    pub retry: Retry,
    pub webhooks: Vec<WebhookBinding>,
    pub hooks_pre: Vec<String>,
    pub hooks_post: Vec<String>,
    pub params: Map<String, Value>,
    pub runtime: Runtime,
    pub engine: Engine,
    pub wait_timeout_s: u64,
    /// Share of the context window at which a conversation is made shorter, 0 to 1.
    pub compact_at: f64,
    pub budget: Budget,
    /// Steps before a run, in order.
    pub preflight: Vec<Preflight>,
}

/// `[budget]`: what an agent may spend, in millionths of a US dollar; none is any amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    pub per_run_micros: Option<u64>,
    /// Of all runs of the agent in one day of UTC.
    pub per_day_micros: Option<u64>,
    pub then: Overspent,
}

/// What happens when a budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overspent {
    /// The run ends.
    #[default]
    Stop,
    /// A person is asked whether it may go on.
    Ask,
}

/// What happens to ticks that passed while the scheduler was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missed {
    #[default]
    Skip,
    /// One run for all of them.
    Once,
}

/// What happens to a tick that finds no free slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    #[default]
    Skip,
    Queue,
}

/// Who starts first when slots are short; the order is that of importance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Priority {
    Low,
    #[default]
    Normal,
    High,
}

/// `[retry]`: another attempt of the same run after it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// All attempts, with the first: 1 to 20.
    pub attempts: u32,
    /// Pause before the second attempt, doubled for each further one, at most an hour.
    pub backoff_ms: u64,
    /// The ends after which there is another attempt, each once; empty for none.
    pub on: Vec<RetryOn>,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 2, backoff_ms: 0, on: vec![RetryOn::Lost] }
    }
}

/// An end of an attempt that was not a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryOn {
    /// It vanished without leaving its exit status.
    Lost,
    Timeout,
    Error,
}

/// `[[preflight]]`: something to do before a run, as older projects have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Preflight {
    /// `shell`, `http` or `git-clone`.
    pub provider: String,
    /// Whether a failure ends the run.
    pub required: bool,
    pub params: Map<String, Value>,
}

/// The portable part: front matter and instructions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Skill {
    pub name: Option<String>,
    pub description: Option<String>,
    pub license: Option<String>,
    pub compatibility: Option<String>,
    pub body: String,
}

/// `[[webhooks]]` of an agent: which deliveries start it. An empty list imposes nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WebhookBinding {
    /// Name of a `[webhooks.<name>]` table.
    pub source: String,
    /// Filter fields as written, by name; which exist depends on the provider.
    pub filters: BTreeMap<String, Vec<String>>,
}

/// Where a run executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuntimeKind {
    Container,
    HostUser,
    Process,
}

/// `[runtime]`: where runs of an agent are.
#[derive(Debug, Clone, PartialEq)]
pub struct Runtime {
    pub kind: RuntimeKind,
    pub run_as: String,
    pub groups: Vec<String>,
    /// What a container reaches.
    pub network: Network,
    /// GPUs of a container as Docker writes them: `all`, a number, or `device=0,1`.
    pub gpus: Option<String>,
    /// What else a container sees of this machine.
    pub mounts: Vec<Mount>,
    /// Processes and threads a container may have at once.
    pub pids: u32,
    /// What Docker starts containers with, `runsc` say; none is Docker's default.
    pub oci: Option<String>,
    /// Memory of a container as Docker writes it; none is the project's.
    pub memory: Option<String>,
    /// CPUs of a container; none is the project's.
    pub cpus: Option<f64>,
}

/// That of an agent that says nothing.
impl Default for Runtime {
    fn default() -> Self {
        Self {
            kind: RuntimeKind::Container,
            run_as: "al-agent".to_owned(),
            groups: Vec::new(),
            network: Network::Full,
            gpus: None,
            mounts: Vec::new(),
            pids: 1024,
            oci: None,
            memory: None,
            cpus: None,
        }
    }
}

/// What a container reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Nothing, not even the scheduler.
    None,
    /// The scheduler's gateway and nothing else.
    Gateway,
    /// Whatever Docker's bridge lets through, and the gateway.
    Full,
}

/// A folder or file of this machine in a container.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Mount {
    /// Absolute path on this machine.
    pub source: PathBuf,
    /// Absolute path in the container.
    pub target: PathBuf,
    pub writable: bool,
}

/// Who thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// Our own model loop; also written `pi`.
    Builtin,
    Claude,
    Codex,
    /// A program, no model.
    Script,
}

/// `[harness]`: who thinks.
#[derive(Debug, Clone, PartialEq)]
pub struct Engine {
    pub kind: EngineKind,
    /// What the `script` engine runs.
    pub command: Option<ScriptCommand>,
}

/// `[harness] command`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptCommand {
    /// A line for `/bin/sh -c`.
    Line(String),
    /// A program and its arguments; a relative program with a slash, or one that exists in the
    /// agent's folder, is found there.
    Program(Vec<String>),
}
