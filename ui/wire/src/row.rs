//! The rows of a snapshot.

use serde::{Deserialize, Serialize};

/// What the host is doing as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostMode {
    /// Nothing can start yet.
    Starting,
    Running,
    /// Runs in flight finish, nothing new starts, then the host ends.
    Draining,
    #[serde(other)]
    Unknown,
}

/// The scheduler itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostRow {
    pub project: String,
    /// Name of the bound environment; none means local.
    pub environment: Option<String>,
    /// Where the gateway listens, as a URL; none while it does not.
    pub gateway: Option<String>,
    pub mode: HostMode,
    /// Set while the whole scheduler is paused.
    pub paused: Option<PauseRow>,
    /// Most runs at once across the project; none is unlimited.
    pub scale: Option<u32>,
    pub started_ms: i64,
    pub version: String,
    pub pid: u32,
    /// What somebody has to mend, the newest first.
    #[serde(default)]
    pub alerts: Vec<AlertRow>,
}

/// Something that somebody has to mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRow {
    pub key: String,
    pub at_ms: i64,
    /// None when it concerns the project.
    pub agent: Option<String>,
    /// A sentence that says what is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where it is, relative to the project where that is possible.
    pub file: Option<String>,
    /// From 1.
    pub line: Option<u32>,
}

impl AlertRow {
    /// What is wrong with its place in front: `agents/dev/config.toml:3: ...`.
    pub fn sentence(&self) -> String {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: {}", self.message),
            (Some(file), None) => format!("{file}: {}", self.message),
            (None, _) => self.message.clone(),
        }
    }
}

/// How far something is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Nothing starts; webhooks are collected.
    #[default]
    Pause,
    /// Nothing new is taken; what waits is still worked off.
    Drain,
    /// Nothing new is taken and nothing starts.
    Stop,
    #[serde(other)]
    Unknown,
}

impl Hold {
    /// The state of what is held back, as people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pause | Self::Unknown => "paused",
            Self::Drain => "draining",
            Self::Stop => "stopped",
        }
    }
}

/// Who paused something, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseRow {
    pub by: String,
    pub since_ms: i64,
    pub why: Option<String>,
    #[serde(default)]
    pub hold: Hold,
    /// When it ends by itself.
    #[serde(default)]
    pub until_ms: Option<i64>,
}

/// An agent's state in one word; counts are in the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    Idle,
    Running,
    Waiting,
    Paused,
    /// `scale = 0`.
    Disabled,
    /// Its files have errors; the row's `error` says which.
    Invalid,
    #[serde(other)]
    Unknown,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentRow {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub state: AgentState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseRow>,
    /// Runs that hold a slot now.
    pub running: u32,
    /// Runs that gave up their slot until something happens.
    #[serde(default)]
    pub waiting: u32,
    /// Slots; the project's cap over all agents is in the host's row.
    pub scale: u32,
    pub queued: u32,
    pub queue_bound: u32,
    /// Next cron tick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_ms: Option<i64>,
    /// Cron expression as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// The schedule in words, with its zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_words: Option<String>,
    /// What can start it: `schedule`, `github issues opened`, ...
    pub triggers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastRun>,
    /// What its newest run said with `al-status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    pub engine: String,
    pub runtime: String,
    pub timeout_s: u64,
}

impl AgentRow {
    /// The state as people read it.
    pub fn state_word(&self) -> &'static str {
        match self.state {
            AgentState::Idle => "idle",
            AgentState::Running => "running",
            AgentState::Waiting => "waiting",
            AgentState::Paused => self.paused.as_ref().map_or("paused", |pause| pause.hold.word()),
            AgentState::Disabled => "disabled",
            AgentState::Invalid => "invalid",
            AgentState::Unknown => "unknown",
        }
    }
}

/// How an agent's newest ended run went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    pub run: String,
    pub state: RunState,
    pub ended_ms: i64,
    pub duration_ms: i64,
}

/// Where a run is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Queued,
    Starting,
    Running,
    Waiting,
    Succeeded,
    Failed,
    TimedOut,
    Killed,
    Dropped,
    #[serde(other)]
    Unknown,
}

impl RunState {
    /// True when nothing more can happen to the run.
    pub fn ended(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::TimedOut | Self::Killed | Self::Dropped
        )
    }

    /// The state as people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Killed => "killed",
            Self::Dropped => "dropped",
            Self::Unknown => "unknown",
        }
    }
}

/// Which repetition a rerun is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RerunOf {
    pub n: u32,
    pub max: u32,
}

/// Which try a run is at, after one that failed or got lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TryOf {
    pub n: u32,
    /// None when its agent left the project.
    pub of: Option<u32>,
}

/// Who goes first when places are scarce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Low,
    #[default]
    Normal,
    High,
    #[serde(other)]
    Unknown,
}

impl Priority {
    // The shape that serde asks for.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    fn is_normal(&self) -> bool {
        *self == Self::Normal
    }

    /// The priority as people read it; none where there is nothing to say.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Low => Some("low"),
            Self::High => Some("high"),
            Self::Normal | Self::Unknown => None,
        }
    }
}

/// What a run waits for; the row's `why` says it as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitRow {
    /// What it asks a person; none when it waits for something else.
    pub question: Option<String>,
    /// The answer is one of these, when there are any.
    #[serde(default)]
    pub choices: Vec<String>,
    /// None from an older host.
    #[serde(default)]
    pub since_ms: Option<i64>,
    pub until_ms: i64,
}

/// What a run has used of models, over all its attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRow {
    /// Read at full price.
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_write_tokens: u64,
    /// Millionths of a US dollar, as far as prices are known; none when none is.
    pub cost_micros: Option<u64>,
    /// Replies of models.
    pub turns: u32,
    /// The same in a few words.
    pub text: String,
}

/// One run, from acceptance to end. A queued item is a run in state `queued`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// The instance id, `<agent>-<8 hex>`.
    pub id: String,
    pub agent: String,
    pub state: RunState,
    /// The decision behind the state, as a sentence.
    pub why: String,
    /// What started it, in a few words: `github issues opened acme/api#12`.
    pub trigger: String,
    /// Receipt of the firing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// Number of the newest attempt; 0 before the first.
    pub attempt: u32,
    /// Someone asked it to end and it has not yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopping: bool,
    pub queued_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<RerunOf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<TryOf>,
    #[serde(default, skip_serializing_if = "Priority::is_normal")]
    pub priority: Priority,
    /// Runs of one lane go one at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// It does not start before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before_ms: Option<i64>,
    /// The run that called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// Set while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<WaitRow>,
    /// None when it has used no model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageRow>,
}

/// What a run that lives uses of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadRow {
    pub run: String,
    /// 100 is one CPU, over the last moments; none at the first look.
    pub cpu_percent: Option<u32>,
    pub memory_bytes: u64,
    /// None where no limit is known.
    pub memory_limit_bytes: Option<u64>,
    /// Processes and threads.
    pub pids: u64,
}

/// What came of a firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// At least one run was accepted; how far it is, is not known.
    Accepted,
    /// A run began.
    Started,
    /// A run waits for its turn.
    Queued,
    /// Its runs left the queue before they began.
    Dropped,
    /// A run could have started, but a rule said no.
    Skipped,
    /// The same delivery came before.
    Duplicate,
    /// No agent wants it.
    NoMatch,
    Refused,
    #[serde(other)]
    Unknown,
}

impl Outcome {
    /// The outcome as people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Started => "started",
            Self::Queued => "queued",
            Self::Dropped => "dropped",
            Self::Skipped => "skipped",
            Self::Duplicate => "duplicate",
            Self::NoMatch => "no match",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// One firing: its receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerRow {
    pub id: String,
    pub at_ms: i64,
    /// `github`, `schedule`, `manual`, `rerun`, ...
    pub source: String,
    /// What fired, in a few words.
    pub summary: String,
    pub outcome: Outcome,
    /// The reason as a sentence.
    pub why: String,
    /// Runs that it led to.
    pub runs: Vec<String>,
    /// How often it came: duplicates are counted, and so is what was refused within an hour.
    #[serde(default = "once")]
    pub times: u32,
    /// When it came for the last time, once it came again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_ms: Option<i64>,
    /// For a delivery that came to nothing, a word for why: `no_match`, `validation_failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<String>,
    /// Addresses of what was refused, the person who ordered a replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The receipt that this one is a replay of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<String>,
    /// A delivery from outside, which may have been kept.
    #[serde(default)]
    pub webhook: bool,
}

fn once() -> u32 {
    1
}

/// What was delivered, as far as it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// Name and value, without signatures.
    pub headers: Vec<(String, String)>,
    /// JSON is indented.
    pub body: String,
    /// What is missing or was changed about the body.
    pub remark: Option<String>,
}

/// One step of what happened, from a trigger to the end of what it started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyStep {
    pub at_ms: i64,
    /// The run or receipt that it is about.
    pub about: String,
    /// A sentence.
    pub text: String,
}
