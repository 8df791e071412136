//! Questions that stand in front of everything until they are answered.

use al_wire::{Command, Confirm, Leave, Level, RunRow, Scope};
use tui_input::Input;

/// Time before a dialog can be accepted, so that a key meant for what was there before does not.
pub const GUARD_MS: i64 = 300;

/// Choices that are buttons; more of them are typed.
const CHOICES_SHOWN: usize = 4;

/// What a button does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Cancel,
    Leave(Leave),
    /// Ask the scheduler, with the token of its own question if it asked one.
    Send {
        command: Command,
        token: Option<String>,
    },
    /// Ask the scheduler for all of these; the question is answered.
    All(Vec<Command>),
    /// Send what has been confirmed here, in a protected environment.
    Sure(Vec<Command>),
    /// Leave after all, in a protected environment.
    LeaveSure(Leave),
    /// Answer the question of this run with the text.
    Reply {
        run: String,
    },
    /// Say the text to this run.
    Say {
        run: String,
    },
}

/// Label and effect of a button are one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    pub label: String,
    pub answer: Answer,
    pub danger: bool,
}

impl Button {
    fn new(label: &str, answer: Answer) -> Self {
        Self { label: label.to_owned(), answer, danger: false }
    }

    fn danger(label: &str, answer: Answer) -> Self {
        Self { danger: true, ..Self::new(label, answer) }
    }

    fn cancel() -> Self {
        Self::new("Cancel", Answer::Cancel)
    }
}

/// One question.
#[derive(Debug, Clone)]
pub struct Dialog {
    pub title: String,
    pub body: Vec<String>,
    /// The same action for the shell.
    pub cli: Option<String>,
    pub buttons: Vec<Button>,
    /// Position of the focused button.
    pub focus: usize,
    pub opened_ms: i64,
    /// `y` accepts.
    pub small: bool,
    /// Has to be typed before anything but Cancel works.
    pub word: Option<String>,
    /// What is typed: the word or a prompt.
    pub text: Option<Input>,
    /// The text has the focus, not a button.
    pub typing: bool,
}

impl Dialog {
    fn new(title: String, buttons: Vec<Button>, now_ms: i64) -> Self {
        Self {
            title,
            body: Vec::new(),
            cli: None,
            buttons,
            focus: 0,
            opened_ms: now_ms,
            small: false,
            word: None,
            text: None,
            typing: false,
        }
    }

    /// The question behind `q`.
    pub fn leave(running: u32, queued: u32, now_ms: i64) -> Self {
        let buttons = vec![
            Button::cancel(),
            Button::new("Detach", Answer::Leave(Leave::Detach)),
            Button::new("Drain", Answer::Leave(Leave::Drain)),
            Button::danger("Stop now", Answer::Leave(Leave::StopNow)),
        ];
        let runs = match running {
            0 => "No run in flight".to_owned(),
            1 => "1 run in flight".to_owned(),
            n => format!("{n} runs in flight"),
        };
        let runs = match queued {
            0 => format!("{runs}."),
            n => format!("{runs}; {n} queued wait for the next start."),
        };
        let body = vec![
            runs,
            String::new(),
            "Detach     the scheduler goes on here, with a line per event".to_owned(),
            "Drain      runs in flight finish, nothing new starts, then it ends".to_owned(),
            "Stop now   runs in flight are killed, then it ends".to_owned(),
        ];
        Self { body, ..Self::new("Leave the console?".to_owned(), buttons, now_ms) }
    }

    /// The question behind `:drain` and `:stop`, which end the process.
    pub fn end(leave: Leave, running: u32, queued: u32, now_ms: i64) -> Self {
        let (word, label, what) = match leave {
            Leave::StopNow => ("stop", "Stop now", "Runs in flight are killed"),
            Leave::Drain | Leave::Detach => ("drain", "Drain", "Runs in flight finish"),
        };
        let buttons = vec![Button::cancel(), Button::danger(label, Answer::Leave(leave))];
        Self {
            body: vec![
                format!("{what}, nothing new starts, then al ends."),
                format!("In flight: {running}. Queued for the next start: {queued}."),
            ],
            cli: Some(if leave == Leave::StopNow { "al stop --now" } else { "al stop" }.to_owned()),
            word: Some(word.to_owned()),
            text: Some(Input::default()),
            typing: true,
            ..Self::new("End the scheduler?".to_owned(), buttons, now_ms)
        }
    }

    /// What a protected environment asks before anything changes.
    pub fn protect(title: String, word: String, command: Command, now_ms: i64) -> Self {
        Self::strict(title, word, Button::danger("Do it", Answer::Sure(vec![command])), now_ms)
    }

    /// Nothing but Cancel works until this, or the word that it has, is typed.
    pub fn require(&mut self, word: &str) {
        if self.word.is_none() {
            self.word = Some(word.to_owned());
            self.text = Some(Input::default());
        }
        self.typing = true;
        self.small = false;
    }

    /// Takes a command along that was asked for in the same step. False for any other question.
    pub fn join(&mut self, command: &Command) -> bool {
        let sure = self.buttons.iter_mut().find_map(|button| match &mut button.answer {
            Answer::Sure(commands) => Some(commands),
            _ => None,
        });
        let Some(commands) = sure else { return false };
        commands.push(command.clone());
        let also = format!("This one and {} more.", commands.len() - 1);
        self.body.truncate(1);
        self.body.push(also);
        true
    }

    /// What a protected environment asks before its scheduler ends.
    pub fn protect_leave(leave: Leave, word: String, now_ms: i64) -> Self {
        let (title, label) = match leave {
            Leave::StopNow => ("Stop the scheduler now?", "Stop now"),
            Leave::Drain | Leave::Detach => ("Let the scheduler end?", "Drain"),
        };
        let button = Button::danger(label, Answer::LeaveSure(leave));
        Self::strict(title.to_owned(), word, button, now_ms)
    }

    fn strict(title: String, word: String, button: Button, now_ms: i64) -> Self {
        Self {
            body: vec![format!("{word} is protected in console.toml.")],
            text: Some(Input::default()),
            typing: true,
            word: Some(word),
            ..Self::new(title, vec![Button::cancel(), button], now_ms)
        }
    }

    /// The scheduler's question about a command. A kill that would leave called runs behind offers
    /// to take them along, which is a question of its own.
    pub fn confirm(command: Command, confirm: Confirm, now_ms: i64) -> Self {
        let tree = match &command {
            Command::Kill { target, tree: false } if !confirm.left.is_empty() => {
                let command = Command::Kill { target: target.clone(), tree: true };
                Some(Button::danger("Kill called too", Answer::Send { command, token: None }))
            }
            _ => None,
        };
        let accept = Answer::Send { command, token: Some(confirm.token) };
        let button = match confirm.level {
            Level::Free | Level::Small => Button::new(&confirm.accept, accept),
            Level::Loses | Level::Wide => Button::danger(&confirm.accept, accept),
        };
        let word = confirm.word.filter(|_| confirm.level == Level::Wide);
        Self {
            body: confirm.impact,
            cli: Some(confirm.cli).filter(|cli| !cli.is_empty()),
            small: confirm.level <= Level::Small,
            text: word.as_ref().map(|_| Input::default()),
            typing: word.is_some(),
            word,
            ..Self::new(
                confirm.title,
                [Button::cancel(), button].into_iter().chain(tree).collect(),
                now_ms,
            )
        }
    }

    /// The question about several things at once. Many need their word.
    pub fn many(verb: &str, what: &str, commands: Vec<Command>, now_ms: i64) -> Self {
        /// More than these are many.
        const FEW: usize = 20;
        /// Those that are named.
        const NAMED: usize = 6;
        let n = commands.len();
        let title = format!("{verb} {n} {what}{}?", if n == 1 { "" } else { "s" });
        let names: Vec<&str> = commands
            .iter()
            .filter_map(|command| match command {
                Command::Rerun { run: name } | Command::Replay { receipt: name } => {
                    Some(name.as_str())
                }
                _ => None,
            })
            .collect();
        let mut body: Vec<String> =
            names.iter().take(NAMED).map(|name| (*name).to_owned()).collect();
        if n > NAMED {
            body.push(format!("and {} more", n - NAMED));
        }
        body.push("Each counts as a run of its own and costs what that costs.".to_owned());
        let cli = match &commands[..] {
            [Command::Rerun { run }, ..] => format!("al run --again {run}"),
            [Command::Replay { receipt }, ..] => format!("al triggers replay {receipt}"),
            _ => String::new(),
        };
        let word = (n > FEW).then(|| format!("{} {n}", verb.to_lowercase()));
        Self {
            body,
            cli: Some(if n > 1 { format!("{cli}, and so on") } else { cli }),
            small: word.is_none(),
            text: word.as_ref().map(|_| Input::default()),
            typing: word.is_some(),
            word,
            ..Self::new(
                title,
                vec![Button::cancel(), Button::new(verb, Answer::All(commands))],
                now_ms,
            )
        }
    }

    /// The world moved while a question was open.
    pub fn stale(title: &str, now: Vec<String>, command: Option<Command>, now_ms: i64) -> Self {
        let mut buttons = vec![Button::cancel()];
        buttons.extend(
            command.map(|command| Button::new("Ask again", Answer::Send { command, token: None })),
        );
        Self { body: now, ..Self::new(format!("{title} Things have changed"), buttons, now_ms) }
    }

    /// Resuming when runs were collected during the pause.
    pub fn resume(scope: Scope, held: u32, now_ms: i64) -> Self {
        let (name, cli) = match &scope {
            Scope::Project => ("the scheduler".to_owned(), "al resume".to_owned()),
            Scope::Agent(agent) => (agent.clone(), format!("al resume {agent}")),
        };
        let send = |drop_held| Answer::Send {
            command: Command::Resume { scope: scope.clone(), drop_held },
            token: None,
        };
        let buttons = vec![
            Button::cancel(),
            Button::new("Run them", send(false)),
            Button::danger("Drop them", send(true)),
        ];
        let runs = if held == 1 { "1 run was".to_owned() } else { format!("{held} runs were") };
        Self {
            body: vec![format!("{runs} collected during the pause.")],
            cli: Some(cli),
            ..Self::new(format!("Resume {name}?"), buttons, now_ms)
        }
    }

    /// The question of a waiting run: a button for each choice, or a line to type into. None when
    /// it asks nothing.
    pub fn answer(run: &RunRow, now_ms: i64) -> Option<Self> {
        let wait = run.wait.as_ref()?;
        let question = wait.question.clone()?;
        let mut buttons = vec![Button::cancel()];
        let few = (1..=CHOICES_SHOWN).contains(&wait.choices.len());
        if few {
            buttons.extend(wait.choices.iter().map(|choice| {
                let command = Command::Answer { run: run.id.clone(), text: choice.clone() };
                Button::new(choice, Answer::Send { command, token: None })
            }));
        } else {
            buttons.push(Button::new("Answer", Answer::Reply { run: run.id.clone() }));
        }
        let mut body = vec![question];
        if !few && !wait.choices.is_empty() {
            body.push(format!("One of: {}", wait.choices.join(", ")));
        }
        Some(Self {
            body,
            cli: Some(format!("al answer {} \"...\"", run.id)),
            text: (!few).then(Input::default),
            typing: !few,
            ..Self::new(format!("{} asks", run.id), buttons, now_ms)
        })
    }

    /// The form behind `m`.
    pub fn say(run: &str, now_ms: i64) -> Self {
        let buttons =
            vec![Button::cancel(), Button::new("Say", Answer::Say { run: run.to_owned() })];
        Self {
            body: vec!["It hears this between two turns:".to_owned()],
            cli: Some(format!("al say {run} \"...\"")),
            text: Some(Input::default()),
            typing: true,
            ..Self::new(format!("Say to {run}"), buttons, now_ms)
        }
    }

    /// False while the word that has to be typed is not there. What only leads to another question
    /// needs none.
    pub fn enabled(&self, button: &Button) -> bool {
        matches!(button.answer, Answer::Cancel | Answer::Send { token: None, .. })
            || self.word.as_deref().is_none_or(|word| {
                self.text.as_ref().is_some_and(|text| text.value().trim() == word)
            })
    }
}
