//! From a seed to a plan. Steps are chosen while the world runs, so that most of them meet
//! something; the plan that results repeats them without looking.

use action_llama::scheduler::{Hold, Millis, Priority};

use crate::plan::{Agent, Edit, Happening, Plea, Setup, Step, Trouble, Wish, Word};
use crate::rng::Rng;
use crate::world::World;

const MINUTE: Millis = 60_000;
const DAY: Millis = 24 * 60 * MINUTE;

const NAMES: [&str; 4] = ["dev", "docs", "ops", "triage"];

/// Moments before clock changes in the zones below, and two ordinary ones.
const BEGINNINGS: [Millis; 8] = [
    1_774_744_800_000, // Europe/Berlin springs forward
    1_792_887_000_000, // and falls back
    1_772_952_000_000, // America/New_York springs forward
    1_793_510_400_000, // and falls back
    1_775_312_400_000, // Australia/Lord_Howe, by half an hour
    1_791_040_200_000, // and back
    1_800_000_000_000,
    1_835_481_000_000, // 29 February
];

const ZONES: [&str; 4] = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"];
const SCHEDULES: [&str; 5] =
    ["*/5 * * * *", "*/20 * * * * *", "30 2 * * *", "0 * * * *", "*/30 1-3 * * *"];

/// How likely each kind of step is, before the seed's own taste.
const WEIGHTS: [(Kind, u32); 18] = [
    (Kind::Turn, 30),
    (Kind::Task, 26),
    (Kind::Program, 20),
    (Kind::Says, 3),
    (Kind::Asks, 16),
    (Kind::RefuseTold, 4),
    (Kind::Round, 2),
    (Kind::Config, 3),
    (Kind::Refuse, 1),
    (Kind::LaunchTimesOut, 1),
    (Kind::Echo, 3),
    (Kind::Deliver, 9),
    (Kind::Resend, 5),
    (Kind::Command, 9),
    (Kind::Confirm, 1),
    (Kind::Watch, 1),
    (Kind::Clock, 6),
    (Kind::Disaster, 2),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Turn,
    Task,
    Program,
    Says,
    Asks,
    RefuseTold,
    Round,
    Config,
    Refuse,
    LaunchTimesOut,
    Echo,
    Deliver,
    Resend,
    Command,
    Confirm,
    Watch,
    Clock,
    Disaster,
}

/// Chooses what happens.
pub struct Chooser {
    rng: Rng,
    weights: Vec<u32>,
    /// Of a hundred turns, how many have trouble.
    trouble: u32,
    left: u32,
    /// All runs want the same model, which has one slot.
    crowded: bool,
}

impl Chooser {
    pub fn new(seed: u64) -> (Self, Setup) {
        let mut rng = Rng::new(seed);
        let setup = setup(&mut rng);
        // Every world has a taste of its own: what all have a little of is never had much of.
        let taste = |(kind, weight): &(Kind, u32)| match kind {
            Kind::Turn | Kind::Task => *weight,
            _ => weight * rng.pick(&[0, 1, 1, 1, 2, 4]),
        };
        let mut weights: Vec<u32> = WEIGHTS.iter().map(taste).collect();
        let trouble = *rng.pick(&[0, 5, 10, 30]);
        let left = 80 + rng.below(160);
        let crowded = rng.percent(12);
        if crowded {
            for ((kind, _), weight) in WEIGHTS.iter().zip(&mut weights) {
                if matches!(kind, Kind::Asks) {
                    *weight = *weight * 4 + 8;
                }
            }
        }
        (Self { rng, weights, trouble, left, crowded }, setup)
    }

    /// The next step; none at the end.
    pub fn next(&mut self, world: &World) -> Option<Step> {
        self.left = self.left.checked_sub(1)?;
        if !world.is_up() && self.rng.percent(50) {
            let room = self.rng.percent(self.trouble).then(|| self.rng.below(6));
            return Some(Step::Start { room });
        }
        let kind = WEIGHTS[self.rng.weighted(&self.weights)].0;
        Some(match kind {
            Kind::Turn => self.turn(),
            Kind::Task if world.tasks() == 0 => self.turn(),
            Kind::Task => Step::Task(self.number()),
            Kind::Program => Step::Program(self.number(), self.happening()),
            Kind::Says => Step::Says(self.number(), self.word()),
            Kind::Asks => Step::Asks(self.number(), self.plea()),
            Kind::RefuseTold => Step::RefuseTold,
            Kind::Round => Step::Round,
            Kind::Config if self.rng.percent(50) => Step::Edit(self.number(), self.edit()),
            Kind::Config => Step::Reload(self.rng.percent(20)),
            Kind::Refuse => Step::Refuse,
            Kind::LaunchTimesOut => Step::LaunchTimesOut(self.number()),
            Kind::Echo => Step::Echo(self.number()),
            Kind::Deliver => {
                let n = *self.rng.pick(&[0, 1, 1, 1, 1, 2, 3]);
                let targets = (0..n).map(|_| self.number()).collect();
                let thing = self.rng.below(3);
                Step::Deliver { key: self.rng.percent(80), targets, thing }
            }
            Kind::Resend => Step::Resend(self.number()),
            Kind::Command => Step::Command { wish: self.wish(), ask: self.rng.percent(20) },
            Kind::Confirm => Step::Confirm(self.number()),
            Kind::Watch => Step::Watch,
            Kind::Clock => self.clock(),
            Kind::Disaster if self.rng.percent(70) => Step::Crash,
            Kind::Disaster => Step::PowerCut,
        })
    }

    fn number(&mut self) -> u32 {
        self.rng.below(1000)
    }

    fn turn(&mut self) -> Step {
        let trouble = match self.rng.percent(self.trouble) {
            false => Trouble::None,
            true => match self.rng.below(3) {
                0 => Trouble::Full(self.rng.below(8)),
                1 => Trouble::CrashWithin(self.rng.below(8)),
                _ => Trouble::CrashAfter(self.rng.below(5)),
            },
        };
        Step::Turn { take: *self.rng.pick(&[1, 1, 2, 3, 20]), trouble }
    }

    fn happening(&mut self) -> Happening {
        match self.rng.weighted(&[8, 4, 3, 2, 2, 2, 2, 1, 3, 6]) {
            0 => Happening::Exits(0),
            1 => Happening::Exits(*self.rng.pick(&[1, 3, 42])),
            2 => Happening::ExitsForMore,
            3 => Happening::FailsForMore,
            4 => Happening::Chooses(*self.rng.pick(&[0, 11])),
            5 => Happening::Signalled,
            6 => Happening::TimesOut,
            7 => Happening::CannotExecute,
            8 => Happening::Orphaned,
            _ => Happening::Obeys,
        }
    }

    fn word(&mut self) -> Word {
        match self.rng.weighted(&[2, 2, 2, 9, 2]) {
            0 => Word::Status,
            1 => Word::Return,
            2 => Word::Rerun,
            3 => Word::Spent(self.rng.below(1000)),
            _ => Word::Heard(self.rng.below(4)),
        }
    }

    fn wish(&mut self) -> Wish {
        match self.rng.weighted(&[4, 2, 2, 5, 5, 2, 3, 3, 1, 7, 1, 4, 3, 5, 1, 5]) {
            0 => Wish::Run(self.number()),
            1 => Wish::Rerun(self.number()),
            2 => Wish::Pause(self.number()),
            3 => Wish::Resume(self.number(), self.rng.percent(30)),
            4 => Wish::Kill(self.numbers()),
            5 => Wish::KillAgent(self.number()),
            6 => Wish::Drop(self.numbers()),
            7 => Wish::Scale(self.number(), self.rng.below(4)),
            8 => Wish::Stop { clear: self.rng.percent(50), kill: self.rng.percent(50) },
            9 => Wish::Order {
                agent: self.number(),
                later_ms: self.rng.percent(40).then(|| self.rng.between(1, 40 * MINUTE)),
                priority: self.priority(),
                params: self.rng.percent(30),
                key: self.rng.percent(50).then(|| self.rng.below(3)),
            },
            10 => Wish::RerunOnce(self.number(), self.rng.below(3)),
            11 => Wish::Hold {
                scope: self.number(),
                hold: *self.rng.pick(&Hold::ALL),
                for_ms: self.rng.percent(70).then(|| self.rng.between(1, 30 * MINUTE)),
                kill: self.rng.percent(20),
            },
            12 => Wish::KillTree(self.number()),
            13 => Wish::Answer(self.number(), self.rng.percent(70)),
            14 => Wish::Unlock(self.number()),
            _ => {
                let key = self.rng.percent(60).then(|| self.rng.below(2));
                Wish::Say(self.number(), key)
            }
        }
    }

    fn priority(&mut self) -> Option<Priority> {
        let some = self.rng.percent(50);
        some.then(|| *self.rng.pick(&Priority::ALL))
    }

    fn plea(&mut self) -> Plea {
        if self.crowded && self.rng.percent(80) {
            return if self.rng.percent(60) { Plea::Slot(0) } else { Plea::FreeSlot(0) };
        }
        let timeout = self.rng.percent(50).then(|| self.rng.between(1, 20 * MINUTE));
        match self.rng.weighted(&[12, 2, 2, 9, 3, 2, 5, 16, 4, 5]) {
            0 => Plea::Lock {
                key: self.number(),
                ttl_ms: self.rng.percent(50).then(|| self.rng.between(1, 10 * MINUTE)),
                waits: self.rng.percent(70),
            },
            1 => Plea::Unlock(self.number()),
            2 => Plea::Renew(self.number(), timeout),
            3 => Plea::Call {
                agent: self.number(),
                key: self.rng.percent(70).then(|| self.rng.below(2)),
            },
            4 => {
                let thing = self.rng.percent(50).then(|| self.rng.below(3));
                Plea::WaitForWebhook(thing, timeout)
            }
            5 => Plea::WaitForCall(timeout),
            6 => Plea::WaitForAnswer(self.rng.percent(50), timeout),
            7 => Plea::Slot(*self.rng.pick(&[0, 0, 0, 0, 1, 2])),
            8 => Plea::FreeSlot(*self.rng.pick(&[0, 0, 1])),
            _ => Plea::More(self.rng.percent(50)),
        }
    }

    fn edit(&mut self) -> Edit {
        match self.rng.weighted(&[5, 4, 2, 3, 2, 1, 2, 2]) {
            0 => Edit::Move,
            1 => Edit::Scale(self.rng.below(4)),
            2 => Edit::QueueBound(self.rng.below(4)),
            3 => Edit::Every(*self.rng.pick(&[0, MINUTE, 7 * MINUTE, 90 * MINUTE])),
            4 => Edit::Attempts(1 + self.rng.below(3)),
            5 => Edit::Cap(*self.rng.pick(&[None, Some(1), Some(2)])),
            6 => Edit::Slots(self.rng.below(3), *self.rng.pick(&[None, Some(1), Some(2)])),
            _ => Edit::Budget(*self.rng.pick(&[None, Some(300), Some(3000)])),
        }
    }

    fn numbers(&mut self) -> Vec<u32> {
        (0..*self.rng.pick(&[1, 1, 1, 2])).map(|_| self.number()).collect()
    }

    fn clock(&mut self) -> Step {
        match self.rng.weighted(&[20, 20, 6, 3, 3, 1, 1]) {
            0 => Step::Advance { ms: self.rng.between(1, 30_000) },
            1 => Step::Advance { ms: self.rng.between(MINUTE, 20 * MINUTE) },
            2 => Step::Advance { ms: self.rng.between(60 * MINUTE, 180 * MINUTE) },
            3 => Step::Jump { ms: self.rng.between(MINUTE, DAY) },
            4 => Step::Jump { ms: -self.rng.between(1, 5 * 60 * MINUTE) },
            5 => Step::Jump { ms: -self.rng.between(DAY, 40 * DAY) },
            _ => Step::Jump { ms: self.rng.between(10 * DAY, 40 * DAY) },
        }
    }
}

fn setup(rng: &mut Rng) -> Setup {
    let count = 1 + rng.below(NAMES.len() as u32) as usize;
    let agents = NAMES[..count].iter().map(|name| agent(rng, name)).collect();
    Setup {
        at: *rng.pick(&BEGINNINGS),
        scale: *rng.pick(&[None, None, Some(1), Some(2), Some(3)]),
        max_reruns: *rng.pick(&[0, 1, 3]),
        max_call_depth: *rng.pick(&[1, 2, 3]),
        slots: vec![1, *rng.pick(&[1, 2])],
        agents,
    }
}

fn agent(rng: &mut Rng, name: &str) -> Agent {
    Agent {
        name: name.to_owned(),
        scale: *rng.pick(&[0, 1, 1, 1, 2, 3]),
        later: rng.percent(10),
        queue_bound: *rng.pick(&[0, 1, 2, 3, 10]),
        every_ms: rng.percent(15).then(|| rng.between(1, 90) * MINUTE),
        missed_once: rng.percent(30),
        overlap_queue: rng.percent(30),
        retry: rng.percent(50).then(|| {
            let backoff_ms = *rng.pick(&[0, 0, 1_000, 5 * MINUTE]);
            (1 + rng.below(3), backoff_ms, rng.percent(60))
        }),
        priority: rng.percent(30).then(|| *rng.pick(&Priority::ALL)),
        lane: rng.percent(30).then(|| (*rng.pick(&["{thing}", "{type}", "all"])).to_owned()),
        budget: rng.percent(60).then(|| {
            let amount = |rng: &mut Rng| rng.percent(60).then(|| u64::from(1 + rng.below(900)));
            (amount(rng), amount(rng), rng.percent(60))
        }),
        keep_latest: rng.percent(25).then(|| "{thing}".to_owned()),
        schedule: rng
            .percent(60)
            .then(|| ((*rng.pick(&SCHEDULES)).to_owned(), (*rng.pick(&ZONES)).to_owned())),
    }
}
