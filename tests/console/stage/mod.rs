//! One fleet, shown by each kind of console: that of `al start`, one attached over http, and that of
//! a replay. A check is written once and walked on all of these stages, in two themes.

mod live;

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rustix::process::Pid;

use crate::replay::{FLEET, Replay, STILL};
use crate::tmux::Terminal;
pub use live::Live;

/// Which console shows the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    InProcess,
    Attached,
    Replay,
}

impl Mode {
    pub const ALL: [Self; 3] = [Self::InProcess, Self::Attached, Self::Replay];

    fn name(self) -> &'static str {
        match self {
            Self::InProcess => "in-process",
            Self::Attached => "attached",
            Self::Replay => "replay",
        }
    }
}

/// Where a check is not walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Not {
    /// There is no such thing there.
    In(Mode),
    /// Colours change nothing in it, and it takes long: once is enough.
    Mono,
}

/// One of the checks of the console's design.
pub struct Check {
    pub number: u8,
    /// What has to hold.
    pub holds: &'static str,
    pub walk: fn(&Stage),
    /// Where it is not walked, and why.
    pub not: &'static [(Not, &'static str)],
}

impl Check {
    pub const fn new(number: u8, holds: &'static str, walk: fn(&Stage)) -> Self {
        Self { number, holds, walk, not: &[] }
    }

    pub const fn but(mut self, not: &'static [(Not, &'static str)]) -> Self {
        self.not = not;
        self
    }

    /// Why it is not walked there.
    pub fn why_not(&self, mode: Mode, theme: &str) -> Option<&'static str> {
        let here = |not: &Not| match not {
            Not::In(other) => *other == mode,
            Not::Mono => theme == "mono",
        };
        self.not.iter().find(|(not, _)| here(not)).map(|(_, why)| *why)
    }
}

/// Walks all of these checks on one stage, tells of each how it went, and fails when one did.
pub fn walk(checks: &[Check], mode: Mode, theme: &'static str) {
    let stage = Stage::new(mode, theme);
    let (mut told, mut failed) = (String::new(), 0);
    for check in checks {
        let name = format!("check {:>2} {} {theme}: {}", check.number, mode.name(), check.holds);
        let how = match check.why_not(mode, theme) {
            Some(why) => format!("not walked: {why}"),
            None => match catch_unwind(AssertUnwindSafe(|| (check.walk)(&stage))) {
                Ok(()) => "holds".to_owned(),
                Err(_) => {
                    failed += 1;
                    "FAILED".to_owned()
                }
            },
        };
        println!("{name}: {how}");
        writeln!(told, "{name}: {how}").unwrap();
    }
    assert_eq!(failed, 0, "\n{told}");
}

/// A fleet of seven agents: three runs of `dev` at work and two that wait for a slot, a reviewer who
/// waits for a person, a failed release, and `docs`, which is paused.
pub struct Stage {
    pub mode: Mode,
    pub theme: &'static str,
    world: World,
    /// What was done before the console of the moment opened.
    before: Cell<usize>,
}

enum World {
    Live(Box<Live>),
    /// The folder of the console of the moment.
    Replay(RefCell<Replay>),
}

impl Stage {
    pub fn new(mode: Mode, theme: &'static str) -> Self {
        let world = match mode {
            Mode::InProcess => World::Live(Box::new(Live::fleet(false))),
            Mode::Attached => World::Live(Box::new(Live::fleet(true))),
            Mode::Replay => World::Replay(RefCell::new(Replay::new())),
        };
        Self { mode, theme, world, before: Cell::new(0) }
    }

    /// The same kind of console, where no run is in flight; time stands still in a replay.
    pub fn quiet(&self) -> Self {
        let world = match self.mode {
            Mode::InProcess => World::Live(Box::new(Live::quiet(false))),
            Mode::Attached => World::Live(Box::new(Live::quiet(true))),
            Mode::Replay => World::Replay(RefCell::new(Replay::new())),
        };
        Self { mode: self.mode, theme: self.theme, world, before: Cell::new(0) }
    }

    /// A new console in a terminal of this size, with its cursor on `dev`.
    pub fn open(&self, size: (u16, u16)) -> Terminal {
        self.open_with(size, "", "")
    }

    /// The same with variables set, and with more words on the command line.
    pub fn open_with(&self, size: (u16, u16), variables: &str, words: &str) -> Terminal {
        let terminal = self.start(size, variables, &format!("{STILL} {words}"), words);
        terminal.shows("> dev");
        terminal.shows("retrying after 403");
        terminal
    }

    /// The same, and time goes on in a replay.
    pub fn open_moving(&self, size: (u16, u16)) -> Terminal {
        let terminal = self.start(size, "", &format!("{STILL} --speed 1"), "");
        terminal.shows("> dev");
        terminal
    }

    /// A new console, whatever it shows first.
    pub fn start(&self, size: (u16, u16), variables: &str, replay: &str, live: &str) -> Terminal {
        let line = self.line(variables, replay, live);
        let line = format!("{line}; echo \"al ended with $?\"; PS1='$ ' exec sh");
        self.opened(Terminal::open(&self.path(""), size, &line))
    }

    /// A console that was started by a shell with job control, as people have it.
    pub fn shell(&self, size: (u16, u16)) -> Terminal {
        let line = self.line("", STILL, "");
        let terminal = Terminal::open(&self.path(""), size, "PS1='$ ' exec sh -i");
        terminal.shows("$");
        terminal.write(&line);
        terminal.press(&["Enter"]);
        self.opened(terminal)
    }

    /// What a shell runs for a new console, where nothing of the one before is left.
    fn line(&self, variables: &str, replay: &str, live: &str) -> String {
        let theme = format!("--theme {}", self.theme);
        match &self.world {
            World::Live(world) => world.line(variables, &format!("{theme} {live}")),
            World::Replay(folder) => {
                *folder.borrow_mut() = Replay::new();
                folder.borrow().line(variables, &format!("'{FLEET}' {theme} {replay}"))
            }
        }
    }

    fn opened(&self, terminal: Terminal) -> Terminal {
        match &self.world {
            World::Live(world) => world.opened(),
            World::Replay(_) => drop(terminal.shows("REPLAY")),
        }
        self.before.set(self.all_done().len());
        terminal
    }

    /// The console over another recording than that of the fleet.
    pub fn replay(&self, size: (u16, u16), file: &Path, words: &str) -> Terminal {
        let World::Replay(replay) = &self.world else { panic!("this stage is no replay") };
        let words = format!("'{}' --theme {} {words}", file.display(), self.theme);
        replay.borrow().open(size, "", &words)
    }

    /// A scheduler that really is one.
    pub fn live(&self) -> &Live {
        let World::Live(world) = &self.world else { panic!("this stage is a replay") };
        world
    }

    /// A file of this stage.
    pub fn path(&self, name: &str) -> PathBuf {
        match &self.world {
            World::Live(world) => world.project.path().parent().unwrap().join(name),
            World::Replay(replay) => replay.borrow().path(name),
        }
    }

    /// Where themes and keys of the person stand.
    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Orders that were carried out since the console opened.
    pub fn done(&self) -> Vec<String> {
        self.all_done().split_off(self.before.get())
    }

    fn all_done(&self) -> Vec<String> {
        match &self.world {
            World::Live(world) => world.done(),
            // A question that is asked again with its token is an order.
            World::Replay(replay) => {
                let commands = replay.borrow().commands();
                let asks =
                    |(what, token): &(String, Option<String>)| what != "kill" || token.is_some();
                commands.into_iter().filter(asks).map(|(what, _)| what).collect()
            }
        }
    }

    /// A run of `dev` that is at work, and can be killed alone.
    pub fn run(&self) -> String {
        match &self.world {
            World::Live(world) => world.running("dev").pop().expect("three runs of dev"),
            World::Replay(_) => "dev-1a2b3c4d".to_owned(),
        }
    }

    /// What a person is told before a run of [`Self::run`] is killed.
    pub fn consequences(&self) -> &'static [&'static str] {
        match self.mode {
            Mode::Replay => &["process group 5120", "$0.28", "repo:acme/api", "starts next"],
            Mode::InProcess | Mode::Attached => {
                &["process group", "repo://acme/api", "starts next"]
            }
        }
    }

    /// This run comes to its end by itself. A replay does that without being told.
    pub fn end(&self, run: &str) {
        if let World::Live(world) = &self.world {
            world.end(run);
        }
    }

    /// The process that draws.
    pub fn console(&self, terminal: &Terminal) -> Pid {
        terminal.child("al")
    }
}
