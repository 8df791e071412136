//! The made-up project: its agents, and what their models say.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fastrand::Rng;
use serde_json::{Value, json};

/// What an agent of the fleet does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trade {
    /// Changes code under a lock, with tools that fail now and then.
    Developer,
    /// Asks a person before it ends.
    Reviewer,
    /// Sorts what comes in, and calls the developer.
    Triager,
    /// Fails.
    Release,
    /// Is paused by its operator.
    Writer,
    /// Reads alerts.
    Oncall,
    /// Runs by the clock.
    Planner,
}

const TRADES: [(&str, Trade); 7] = [
    ("dev", Trade::Developer),
    ("reviewer", Trade::Reviewer),
    ("triager", Trade::Triager),
    ("release", Trade::Release),
    ("docs", Trade::Writer),
    ("oncall", Trade::Oncall),
    ("planner", Trade::Planner),
];

const TEAMS: [&str; 12] = [
    "billing", "search", "mobile", "infra", "growth", "core", "media", "legal", "data", "edge",
    "partner", "studio",
];

const CRATES: [&str; 8] =
    ["parser", "queue", "session", "ledger", "router", "importer", "cache", "mailer"];

const SAYINGS: [&str; 8] = [
    "I look for the place where this goes wrong.",
    "The test names the module, so I read that first.",
    "That is not it: the input is right, the order is not.",
    "I make the smallest change that can work.",
    "One more look at who calls this.",
    "The change is in; now the tests.",
    "All of it passes. I write down what I did.",
    "There is an older note about this in the history.",
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeAgent {
    pub name: String,
    pub trade: Trade,
    /// What its model says, a JSON object per line; none for a script.
    pub words: Option<String>,
    pub scale: u64,
}

/// A project that follows from a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet {
    pub seed: u64,
    pub agents: Vec<FakeAgent>,
}

impl Fleet {
    pub fn new(seed: u64, agents: u32) -> Self {
        let mut rng = Rng::with_seed(seed);
        let agents = (0..agents).map(|nth| agent(nth as usize, &mut rng)).collect();
        Self { seed, agents }
    }

    pub fn of(&self, trade: Trade) -> impl Iterator<Item = &FakeAgent> {
        self.agents.iter().filter(move |agent| agent.trade == trade)
    }

    /// Writes the project's files.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let mut config = format!(
            "# Made by `al dev fake-fleet --seed {0}`; it goes away with it.\n\
             projectName = \"fake-fleet-{0}\"\nscale = 8\nworkQueueSize = 20\n\n[webhooks.github]\ntype = \"test\"\n",
            self.seed
        );
        for agent in self.agents.iter().filter(|agent| agent.words.is_some()) {
            config.push_str(&format!(
                "\n[models.fake-{0}]\nprovider = \"replay\"\nmodel = \"fake\"\n\
                 file = \"agents/{0}/words.jsonl\"\nprice = {{ input = 3.0, output = 15.0 }}\n",
                agent.name
            ));
        }
        fs::write(dir.join("config.toml"), config)?;
        self.agents.iter().try_for_each(|agent| agent.write(&dir.join("agents").join(&agent.name)))
    }
}

impl FakeAgent {
    fn write(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        let name = &self.name;
        let skill = format!(
            "---\nname: {name}\ndescription: {}\n---\nThis agent is made up; its model says what \
             stands in a file.\n",
            self.trade.about()
        );
        fs::write(dir.join("SKILL.md"), skill)?;
        let mut config = format!("scale = {}\ntimeout = 1800\n", self.scale);
        if self.words.is_some() {
            config.push_str(&format!("models = [\"fake-{name}\"]\n"));
        }
        config.push_str(self.trade.starts());
        match &self.words {
            Some(words) => {
                fs::write(dir.join("words.jsonl"), words)?;
            }
            None => {
                config.push_str("\n[harness]\ntype = \"script\"\ncommand = [\"run.sh\"]\n");
                let script = dir.join("run.sh");
                fs::write(&script, RELEASE)?;
                fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
            }
        }
        config.push_str("\n[runtime]\ntype = \"process\"\n");
        fs::write(dir.join("config.toml"), config)
    }
}

const RELEASE: &str = r#"#!/bin/sh
al-status "checking the tag" >/dev/null
echo "looking for the notes of this release"
sleep 4
al-status "building" >/dev/null
echo "building 3 of 14 targets"
sleep 5
echo "target 9: the linker was killed" >&2
exit 3
"#;

impl Trade {
    fn about(self) -> &'static str {
        match self {
            Self::Developer => "Fixes what is labelled as a bug",
            Self::Reviewer => "Reviews pull requests",
            Self::Triager => "Labels new issues and hands them on",
            Self::Release => "Builds what is tagged",
            Self::Writer => "Keeps the manual up to date",
            Self::Oncall => "Looks at alerts before a person does",
            Self::Planner => "Plans the week",
        }
    }

    fn starts(self) -> &'static str {
        match self {
            Self::Planner => "schedule = \"*/2 * * * *\"\n",
            Self::Triager => "schedule = \"*/10 * * * *\"\n",
            _ => "\n[[webhooks]]\nsource = \"github\"\n",
        }
    }
}

fn agent(nth: usize, rng: &mut Rng) -> FakeAgent {
    let (role, trade) = TRADES[nth % TRADES.len()];
    let name = match nth / TRADES.len() {
        0 => role.to_owned(),
        round => {
            let team = TEAMS[(round - 1) % TEAMS.len()];
            match (round - 1) / TEAMS.len() {
                0 => format!("{team}-{role}"),
                again => format!("{team}-{role}-{}", again + 1),
            }
        }
    };
    let scale = match trade {
        Trade::Developer => 3,
        Trade::Reviewer | Trade::Oncall => 2,
        _ => 1,
    };
    let words = (trade != Trade::Release).then(|| words(trade, rng));
    FakeAgent { name, trade, words, scale }
}

/// What a model says, turn by turn.
fn words(trade: Trade, rng: &mut Rng) -> String {
    let area = rng.choice(CRATES).unwrap_or("core");
    let number = rng.u64(300..=499);
    let mut turns = vec![turn(
        rng,
        "I say what I am about to do.",
        vec![call("set_status", json!({"text": status(trade, area)}))],
    )];
    if trade == Trade::Developer {
        let key = format!("github://acme/{area}");
        let wanted = call("acquire_lock", json!({"resource_key": key, "wait": "2m"}));
        turns.push(turn(rng, "Nobody else should work on this meanwhile.", vec![wanted]));
    }
    for _ in 0..rng.u64(3..=7) {
        let saying = rng.choice(SAYINGS).unwrap_or("");
        let command = command(area, number, rng);
        turns.push(turn(rng, saying, vec![call("bash", json!({"command": command}))]));
    }
    match trade {
        Trade::Triager => {
            let about = format!("issue #{number}: {area} loses the last entry");
            let wanted = call("call_agent", json!({"agent": "dev", "context": about}));
            turns.push(turn(rng, "This one is for the developer.", vec![wanted]));
        }
        Trade::Reviewer => {
            let question = format!("#{number} renames a public function of {area}. May it?");
            let asked = json!({"question": question, "choices": ["yes", "no", "later"]});
            turns.push(turn(
                rng,
                "That is not for me to decide.",
                vec![call("ask_operator", asked)],
            ));
        }
        _ => {}
    }
    let done = format!("{area}: done, see #{number}");
    turns.push(turn(rng, "I am done.", vec![call("return_value", json!({"value": done}))]));
    turns.push(turn(rng, &done, Vec::new()));
    turns.join("\n") + "\n"
}

fn status(trade: Trade, area: &str) -> String {
    match trade {
        Trade::Developer => format!("fixing {area}"),
        Trade::Reviewer => format!("reading the change to {area}"),
        Trade::Triager => "sorting what is new".to_owned(),
        Trade::Release => "building".to_owned(),
        Trade::Writer => format!("describing {area}"),
        Trade::Oncall => format!("looking at the alarm of {area}"),
        Trade::Planner => "planning the week".to_owned(),
    }
}

fn command(area: &str, number: u64, rng: &mut Rng) -> String {
    let pause = rng.u64(1..=6);
    match rng.u64(..5) {
        0 => format!("sleep {pause}; echo 'running {} tests'; echo 'ok'", rng.u64(12..=240)),
        1 => format!("sleep {pause}; echo 'error: {area} is not sorted' >&2; exit 101"),
        2 => format!("sleep {pause}; seq -f '{area}/src/part-%g.rs' 1 {}", rng.u64(3..=40)),
        3 => format!("sleep {pause}; echo 'comment on #{number}'"),
        _ => format!("sleep {pause}; echo '{area}: {} lines changed'", rng.u64(2..=90)),
    }
}

fn call(tool: &str, arguments: Value) -> Value {
    json!({"tool": tool, "arguments": arguments})
}

fn turn(rng: &mut Rng, text: &str, calls: Vec<Value>) -> String {
    let usage = json!({
        "input": rng.u64(900..=6_000),
        "output": rng.u64(60..=700),
        "cacheRead": rng.u64(2_000..=16_000),
        "cacheWrite": 0,
    });
    json!({"text": text, "calls": calls, "usage": usage}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_fleet_and_another_one_another() {
        assert_eq!(Fleet::new(7, 20), Fleet::new(7, 20));
        assert_ne!(Fleet::new(7, 20), Fleet::new(8, 20));
    }

    #[test]
    fn many_agents_have_different_names() {
        let fleet = Fleet::new(1, 500);
        let names: std::collections::BTreeSet<_> = fleet.agents.iter().map(|a| &a.name).collect();
        assert_eq!(names.len(), 500);
    }
}
