//! Everything the console remembers between two inputs.

use crate::attention::Attention;
use crate::chooser::Chooser;
use crate::dialog::Dialog;
use crate::fleet::Fleet;
use crate::form::Form;
use crate::key::Chord;
use crate::keymap::Meaning;
use crate::layout::Screen;
use crate::logs::{Buffer, Gutter, LogPane, Look};
use crate::pane::Pane;
use crate::pictures::Pictures;
use crate::prompt::Prompt;
use crate::settings::Settings;
use crate::table::Table;
use crate::theme::Theme;
use crate::update::table::TableMenu;
use al_wire::{Command, DeliveryRow, LogRecord, LogSource, Sieve, WhyStep};
use std::collections::{BTreeMap, BTreeSet};
use tui_input::Input as TextInput;

/// What is fixed when the console starts.
#[derive(Debug, Clone)]
pub struct Setup {
    pub project: String,
    /// What a command for the shell needs at its end to mean this project: ` -p examples/quickstart`.
    pub shell_suffix: String,
    /// Attached over the gateway: leaving ends nothing.
    pub remote: bool,
    /// Nothing that changes the scheduler is offered.
    pub read_only: bool,
    pub no_color: bool,
    /// Nothing but ASCII, whatever the user's files say.
    pub ascii: bool,
    /// The bell never rings, whatever the user's files say.
    pub quiet: bool,
    /// A console to try things with: `:debug panic` breaks it down.
    pub debug: bool,
    /// Environments whose schedulers can be turned to.
    pub environments: Vec<String>,
    /// Seconds east of UTC at an instant.
    pub zone_offset: fn(i64) -> i32,
}

/// Where the operator is. History and Esc go from place to place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub focus: Pane,
    /// Runs and queues of this agent only.
    pub scope: Option<String>,
    /// This log, whatever is selected.
    pub pin: Option<LogSource>,
}

/// A sentence on the hint line that goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    pub text: String,
    pub error: bool,
    pub until_ms: i64,
}

/// Something to know more about.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    Agent(String),
    Run(String),
    Trigger(String),
    Record(Box<LogRecord>),
    /// The host's alert with this key.
    Alert(String),
    /// Who did what.
    Events,
    Nothing,
}

/// A window over the panes that is read, not answered.
#[derive(Debug, Clone)]
pub enum Popup {
    /// The keys of this pane, or with `all` every key and where it comes from.
    Help {
        all: bool,
        search: TextInput,
        typing: bool,
        top: usize,
    },
    Inspect {
        subject: Subject,
        top: usize,
    },
    /// Something is chosen from a list.
    Choose(Chooser),
    /// The bookmarks of the log, with the selected one.
    Bookmarks {
        at: usize,
    },
}

/// How what is inspected came to be as it is, as far as the host has told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The run or receipt.
    pub id: String,
    pub steps: Vec<WhyStep>,
    /// What was delivered, for a receipt that has it.
    pub delivery: Option<DeliveryRow>,
    /// Something happened to it since it was asked for.
    pub stale: bool,
}

/// What goes on behind a frozen picture.
#[derive(Debug, Clone)]
pub struct Behind {
    pub fleet: Fleet,
    pub buffer: Buffer,
    /// What the host sends of the log.
    pub sieve: Sieve,
}

/// The state of the console.
#[derive(Debug)]
pub struct Ui {
    pub setup: Setup,
    pub settings: Settings,
    pub theme: Theme,
    /// What time it is where the host is; that of a recording may stand still.
    pub now_ms: i64,
    /// Time of the newest input. What the operator waits for goes by it.
    pub beat_ms: i64,
    pub size: (u16, u16),
    pub fleet: Fleet,
    pub log: LogPane,
    /// Set while the picture is frozen.
    pub behind: Option<Box<Behind>>,
    pub place: Place,
    /// The table that has or last had the focus.
    pub table: Pane,
    tables: [Table; 5],
    /// Where Esc leads back to.
    pub trail: Vec<Place>,
    pub back: Vec<Place>,
    pub forward: Vec<Place>,
    pub zoom: bool,
    pub prompt: Option<Prompt>,
    /// Lines given to the command prompt, oldest first.
    pub said: Vec<String>,
    pub popup: Option<Popup>,
    pub menu: Option<TableMenu>,
    pub form: Option<Form>,
    pub chain: Option<Chain>,
    pub dialog: Option<Dialog>,
    /// Keys of an unfinished sequence.
    pub typed: Vec<Chord>,
    /// A scale that is chosen but not applied.
    pub staged: Option<(String, u32)>,
    pub flash: Option<Flash>,
    /// Commands that wait for their reply, by id.
    pub asked: BTreeMap<u64, Command>,
    /// Those of them whose small question is answered already.
    pub agreed: BTreeSet<u64>,
    pub last_id: u64,
    /// A log to turn to once the cursor has rested.
    pub wish: Option<(LogSource, i64)>,
    pub mouse: bool,
    /// Messages that the console was too slow for.
    pub lagged: u64,
    pub way: Way,
    /// The environment that was turned to.
    pub environment: Option<String>,
    /// Where the gateway is, as whatever carries the messages reaches it.
    pub reached: Option<String>,
    /// What is told is kept in a file.
    pub recording: bool,
    pub attention: Attention,
    pub pictures: Pictures,
}

/// How messages get to the host and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// The host is in this process, or nothing is known yet.
    Here,
    Open {
        round_trip_ms: u32,
    },
    /// What is shown is from before.
    Lost {
        why: String,
        since_ms: i64,
    },
    /// There is no host, but a recording. It was told to stand at `at_ms` at the beat `told_ms`.
    Recorded {
        at_ms: i64,
        told_ms: i64,
        /// Thousandths of the speed of time; 0 when it stands still.
        speed: u32,
        /// Nothing more was recorded.
        ended: bool,
    },
}

impl Way {
    pub fn lost(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }

    pub fn recorded(&self) -> bool {
        matches!(self, Self::Recorded { .. })
    }

    /// What time it is where the host is.
    pub fn time_at(&self, beat_ms: i64) -> i64 {
        match self {
            Self::Here | Self::Open { .. } | Self::Lost { .. } => beat_ms,
            Self::Recorded { at_ms, told_ms, speed, .. } => {
                let passed = beat_ms.saturating_sub(*told_ms).max(0);
                at_ms.saturating_add(passed.saturating_mul(i64::from(*speed)) / 1_000)
            }
        }
    }

    /// The beat at which it will be `due_ms` there; never, when time stands still.
    fn beat_of(&self, now_ms: i64, due_ms: i64, beat_ms: i64) -> Option<i64> {
        match self {
            Self::Here | Self::Open { .. } | Self::Lost { .. } => Some(due_ms),
            Self::Recorded { speed: 0, .. } => None,
            Self::Recorded { speed, .. } => {
                Some(beat_ms + ((due_ms - now_ms) * 1_000 / i64::from(*speed)).max(33))
            }
        }
    }

    /// It is still lost, now for this reason.
    pub fn lost_because(&mut self, because: String) {
        if let Self::Lost { why, .. } = self {
            *why = because;
        }
    }
}

impl Ui {
    pub fn new(setup: Setup, theme: Theme, size: (u16, u16), now_ms: i64) -> Self {
        Self {
            setup,
            settings: Settings::default(),
            theme,
            now_ms,
            beat_ms: now_ms,
            size,
            fleet: Fleet::default(),
            log: LogPane::default(),
            behind: None,
            place: Place { focus: Pane::Agents, scope: None, pin: None },
            table: Pane::Agents,
            tables: Default::default(),
            trail: Vec::new(),
            back: Vec::new(),
            forward: Vec::new(),
            zoom: false,
            prompt: None,
            said: Vec::new(),
            popup: None,
            menu: None,
            form: None,
            chain: None,
            dialog: None,
            typed: Vec::new(),
            staged: None,
            flash: None,
            asked: BTreeMap::new(),
            agreed: BTreeSet::new(),
            last_id: 0,
            wish: None,
            mouse: true,
            lagged: 0,
            way: Way::Here,
            environment: None,
            reached: None,
            recording: false,
            attention: Attention::default(),
            pictures: Pictures::default(),
        }
    }

    pub fn focus(&self) -> Pane {
        self.place.focus
    }

    /// Where the gateway is, as far as is known.
    pub fn gateway(&self) -> Option<&str> {
        let told = || self.fleet.host.as_ref().and_then(|host| host.gateway.as_deref());
        self.reached.as_deref().or_else(told)
    }

    pub fn screen(&self) -> Screen {
        let plan = &self.settings.file.layout;
        Screen::of(self.size, plan, self.place.focus, self.table, self.zoom)
    }

    /// State of a table; asking for the log pane's gives that of the last table.
    pub fn table(&self, pane: Pane) -> &Table {
        &self.tables[self.slot(pane)]
    }

    pub fn table_mut(&mut self, pane: Pane) -> &mut Table {
        &mut self.tables[self.slot(pane)]
    }

    fn slot(&self, pane: Pane) -> usize {
        let of = |pane: Pane| Pane::TABLES.iter().position(|table| *table == pane);
        of(pane).or_else(|| of(self.table)).unwrap_or(0)
    }

    /// The agent whose rows alone `pane` shows.
    pub fn scope(&self, pane: Pane) -> Option<&str> {
        let scoped = matches!(pane, Pane::Runs | Pane::Queues);
        self.place.scope.as_deref().filter(|_| scoped)
    }

    /// What is selected in `pane`.
    pub fn selected(&self, pane: Pane) -> Subject {
        match pane {
            Pane::Logs => self.logged(),
            Pane::Stats | Pane::Timeline => crate::update::pictured(self),
            _ => match (pane, self.table(pane).selected.clone()) {
                (_, None) => Subject::Nothing,
                (Pane::Agents, Some(name)) => Subject::Agent(name),
                (Pane::Triggers, Some(id)) => Subject::Trigger(id),
                (Pane::Alerts, Some(key)) => crate::attention::subject(&self.fleet, &key),
                (_, Some(id)) => Subject::Run(id),
            },
        }
    }

    /// What the log pane shows the log of.
    fn logged(&self) -> Subject {
        match &self.log.buffer.source {
            Some(LogSource::Agent(name)) => Subject::Agent(name.clone()),
            Some(LogSource::Run(id)) => Subject::Run(id.clone()),
            Some(LogSource::Scheduler | LogSource::Merged(_)) | None => Subject::Nothing,
        }
    }

    /// The log of a subject.
    pub fn log_of(&self, subject: &Subject) -> LogSource {
        match subject {
            Subject::Agent(name) => LogSource::Agent(name.clone()),
            Subject::Run(id) => LogSource::Run(id.clone()),
            Subject::Trigger(id) => self
                .fleet
                .trigger(id)
                .and_then(|trigger| trigger.runs.first())
                .map_or(LogSource::Scheduler, |run| LogSource::Run(run.clone())),
            Subject::Alert(key) => match self.fleet.need(key).and_then(|need| need.agent.clone()) {
                Some(agent) => LogSource::Agent(agent),
                None => LogSource::Scheduler,
            },
            Subject::Record(_) | Subject::Events | Subject::Nothing => LogSource::Scheduler,
        }
    }

    /// The agent that keys act on.
    pub fn agent(&self) -> Option<String> {
        match self.selected(self.focus()) {
            Subject::Agent(name) => Some(name),
            Subject::Run(id) => self.fleet.run(&id).map(|run| run.agent.clone()),
            Subject::Trigger(id) => self
                .fleet
                .trigger(&id)
                .and_then(|trigger| crate::rows::agent_of(&self.fleet, trigger))
                .map(str::to_owned),
            Subject::Alert(key) => self.fleet.need(&key).and_then(|need| need.agent.clone()),
            Subject::Record(_) | Subject::Events | Subject::Nothing => None,
        }
    }

    /// How records look in the log pane at its present size.
    pub fn look(&self, width: u16) -> Look<'_> {
        Look {
            time: self.log.time,
            wrap: self.log.wrap,
            unfolded: self.log.unfolded,
            gutter: match &self.log.buffer.source {
                Some(LogSource::Merged(sources)) => Gutter::Source(sources),
                Some(LogSource::Agent(_)) if width >= 100 => Gutter::Run,
                _ => Gutter::None,
            },
            width: usize::from(width),
            left: self.log.left,
            zone_offset: self.setup.zone_offset,
            needle: self.log.needle.as_deref().unwrap_or_default(),
            marks: &self.log.marks,
            theme: &self.theme,
        }
    }

    /// What the keys typed so far mean.
    pub fn meaning(&self) -> Meaning {
        self.settings.keymap.meaning(&self.typed, self.focus(), self.setup.read_only)
    }

    pub fn say(&mut self, text: impl Into<String>) {
        self.flash_up(text.into(), false);
    }

    pub fn complain(&mut self, text: impl Into<String>) {
        self.flash_up(text.into(), true);
    }

    fn flash_up(&mut self, text: String, error: bool) {
        let text = crate::text::line(&text);
        self.flash = Some(Flash { text, error, until_ms: self.beat_ms + 8_000 });
    }

    /// When the picture may change without anything happening.
    pub fn next_due_ms(&self) -> Option<i64> {
        let unfinished = self.fleet.runs.iter().filter(|run| !run.state.ended());
        let live = unfinished.clone().any(|run| run.started_ms.is_some());
        // A running clock shows seconds, a waiting one minutes, and an idle screen times of day.
        let clock = unfinished.map(|_| if live { 1_000 } else { 10_000 }).next();
        let clock = clock.map(|every| self.now_ms - self.now_ms.rem_euclid(every) + every);
        let clock = clock.and_then(|due_ms| self.way.beat_of(self.now_ms, due_ms, self.beat_ms));
        let wish = self.wish.as_ref().map(|(_, due_ms)| *due_ms);
        let flash = self.flash.as_ref().map(|flash| flash.until_ms);
        let lost = self.way.lost().then(|| self.beat_ms - self.beat_ms.rem_euclid(1_000) + 1_000);
        let played = self.now_ms - self.now_ms.rem_euclid(1_000) + 1_000;
        let played =
            self.way.beat_of(self.now_ms, played, self.beat_ms).filter(|_| self.way.recorded());
        let pictures = crate::update::pictures_due_ms(self);
        let pictures =
            pictures.and_then(|due_ms| self.way.beat_of(self.now_ms, due_ms, self.beat_ms));
        [clock, wish, flash, lost, played, pictures].into_iter().flatten().min()
    }

    /// Title of the terminal window.
    pub fn title(&self) -> String {
        match self.fleet.running() {
            0 => format!("al {}", crate::text::line(&self.setup.project)),
            n => format!("al {} ({n} running)", crate::text::line(&self.setup.project)),
        }
    }
}
