//! What the host says.

use super::attention;
use crate::action::Action;
use crate::dialog::{Answer, Dialog};
use crate::input::{Exit, Out};
use crate::logs::Reader;
use crate::settings;
use crate::state::{Setup, Ui, Way};
use al_wire::{
    Command, Down, Hold, Level, Link, Question, Reply, Row, RunRow, RunState, Scope, Target,
};

pub fn down(ui: &mut Ui, message: Down, out: &mut Vec<Out>) {
    match message {
        Down::Snapshot(snapshot) => {
            intake(ui).replace(*snapshot);
            attention::heed(ui, out);
            super::pictures::ask_anew(ui);
        }
        Down::Link(link) => turn_link(ui, link, out),
        Down::Delta(delta) => {
            outdate(ui, &delta.puts);
            super::pictures::outdate(ui, &delta.puts);
            intake(ui).apply(delta);
            overtake(ui);
            attention::heed(ui, out);
        }
        Down::Log(chunk) => match &mut ui.behind {
            Some(behind) => {
                behind.buffer.take(chunk, Reader::AtEnd);
            }
            None => ui.log.take(chunk),
        },
        Down::Find(find) => super::logs::found(ui, find),
        Down::Reply { id, reply } => {
            let agreed = ui.agreed.remove(&id);
            if let Some(command) = ui.asked.remove(&id) {
                match reply {
                    Reply::NeedsConfirm(confirm) if agreed && confirm.level <= Level::Small => {
                        super::ask(ui, command, Some(confirm.token), out);
                    }
                    reply => answer(ui, command, reply),
                }
            }
        }
        Down::Why { id, steps, delivery } => {
            if let Some(chain) = ui.chain.as_mut().filter(|chain| chain.id == id) {
                chain.steps = steps;
                chain.delivery = delivery;
            }
        }
        Down::Page(page) => intake(ui).take_page(*page),
        Down::Series(series) => super::pictures::count(ui, *series),
        Down::Past { from_ms, to_ms, runs, whole } => {
            super::pictures::past(ui, (from_ms, to_ms), runs, whole);
        }
        Down::Loads { loads } => intake(ui).loads = loads,
        Down::Unanswered { asked, why } => unanswered(ui, asked, &why),
        Down::Lagged { skipped } => ui.lagged += skipped,
        Down::Bye { why } => out.push(Out::Exit(Exit::Host(why))),
        Down::Unknown => {}
    }
}

/// What was asked for does not come, and is not waited for.
fn unanswered(ui: &mut Ui, asked: Question, why: &str) {
    let now_ms = ui.now_ms;
    match asked {
        Question::Page(query) => intake(ui).no_page(&query),
        Question::Count { every_ms } => ui.pictures.counts.no_answer(every_ms, now_ms),
        Question::Past { from_ms, to_ms } => {
            ui.pictures.timeline.past.take((from_ms, to_ms), false, now_ms);
        }
        Question::Why { .. } | Question::Unknown => {}
    }
    ui.complain(format!("the scheduler has no answer: {why}"));
}

/// The way to the host opened or broke. What was asked for when it broke may have been done or not.
fn turn_link(ui: &mut Ui, link: Link, out: &mut Vec<Out>) {
    match link {
        Link::Open { round_trip_ms, url } => {
            ui.reached = url.or(ui.reached.take());
            if ui.way.lost() {
                ui.say("the connection is back");
            }
            ui.way = Way::Open { round_trip_ms };
        }
        Link::Lost { why } if ui.way.lost() => ui.way.lost_because(why),
        Link::Lost { why } => {
            ui.way = Way::Lost { why, since_ms: ui.beat_ms };
            // What was asked for does not come any more.
            ui.log.forget_asks();
            let waited = !ui.asked.is_empty();
            ui.asked.clear();
            if waited {
                ui.complain("the connection broke: whether that was done is not known");
            }
        }
        Link::Turned { environment, project } => turn(ui, environment, project, out),
        Link::Refused { why } => ui.complain(why),
        Link::Recording { at_ms, speed, ended, cut } => {
            let over = ended && matches!(ui.way, Way::Recorded { ended: false, speed: 1.., .. });
            ui.way = Way::Recorded { at_ms, told_ms: ui.beat_ms, speed, ended };
            ui.now_ms = at_ms;
            if over {
                let how = if cut { ", in the middle of a message" } else { "" };
                ui.say(format!("the recording ends here{how}; :seek goes back"));
            }
        }
        Link::Unknown => {}
    }
}

/// Another host is shown from here on. Nothing of the old one stays, and no answer is still to come.
fn turn(ui: &mut Ui, environment: String, project: String, out: &mut Vec<Out>) {
    let shell_suffix = format!(" -E {environment}");
    let setup = Setup { project, shell_suffix, remote: true, ..ui.setup.clone() };
    let fresh = Ui::new(setup, ui.theme.clone(), ui.size, ui.beat_ms);
    let mut before = std::mem::replace(ui, fresh);
    before.log.keep(&before.setup.project);
    ui.log.memory = before.log.memory;
    if before.recording {
        // A recording is of one scheduler.
        ui.recording = true;
        out.push(Out::Record(None));
    }
    ui.said = before.said;
    ui.last_id = before.last_id;
    ui.mouse = before.mouse;
    ui.attention = before.attention;
    ui.settings = before.settings;
    settings::enter(ui, &environment, out);
    ui.environment = Some(environment.clone());
    ui.say(format!("turned to {environment}"));
}

/// How a run ended. Why it started is no news, and that is all that some hosts say of a success.
fn ending(run: &RunRow) -> String {
    match run.state {
        RunState::Succeeded => run.state.word().to_owned(),
        state => format!("{}, {}", state.word(), run.why),
    }
}

/// A question about what is over says so, and cannot be accepted any more.
fn overtake(ui: &mut Ui) {
    let fleet = match &ui.behind {
        Some(behind) => &behind.fleet,
        None => &ui.fleet,
    };
    let Some(dialog) = &ui.dialog else { return };
    let over = dialog.buttons.iter().find_map(|button| match &button.answer {
        Answer::Send { command: Command::Kill { target: Target::Run(id), .. }, .. } => {
            let run = fleet.run(id).filter(|run| run.state.ended())?;
            Some(format!("{id} ended meanwhile: {}", ending(run)))
        }
        Answer::Send { command: Command::Drop { runs }, .. } => {
            let [id] = &runs[..] else { return None };
            let run = fleet.run(id).filter(|run| run.state != RunState::Queued)?;
            Some(format!("{id} left the queue meanwhile: {}", run.why))
        }
        Answer::Send { command: Command::Answer { run: id, .. }, .. }
        | Answer::Reply { run: id } => {
            let asks = |run: &&RunRow| run.wait.as_ref().is_some_and(|w| w.question.is_some());
            let run = fleet.run(id).filter(|run| !asks(run))?;
            Some(format!("{id} asks no more: {}", run.why))
        }
        _ => None,
    });
    if let Some(over) = over {
        ui.dialog = Some(Dialog::stale(&dialog.title.clone(), vec![over], None, ui.beat_ms));
    }
}

/// What is told of something that changes has to be told again.
fn outdate(ui: &mut Ui, puts: &[Row]) {
    let Some(chain) = &mut ui.chain else { return };
    chain.stale |= puts.iter().any(|row| match row {
        Row::Run(run) => run.id == chain.id || run.receipt.as_ref() == Some(&chain.id),
        Row::Trigger(trigger) => trigger.id == chain.id,
        Row::Host(_) | Row::Agent(_) | Row::AgentGone { .. } | Row::Unknown => false,
    });
}

/// The fleet that what arrives goes into: behind the picture while that is frozen.
pub fn intake(ui: &mut Ui) -> &mut crate::fleet::Fleet {
    match &mut ui.behind {
        Some(behind) => &mut behind.fleet,
        None => &mut ui.fleet,
    }
}

fn answer(ui: &mut Ui, command: Command, reply: Reply) {
    match reply {
        Reply::Done { why, .. } => match undo(&command) {
            Some((key, does)) => {
                let undo = ui.settings.keymap.remark(", ", key, does);
                ui.say(format!("{}{undo}", why.trim_end_matches('.')));
            }
            None => ui.say(why),
        },
        Reply::NeedsConfirm(mut confirm) => {
            // In a protected environment each question is one of the strictest.
            if let Some(name) = ui.settings.protected() {
                confirm.level = Level::Wide;
                confirm.word.get_or_insert_with(|| name.to_owned());
            }
            ui.dialog = Some(Dialog::confirm(command, confirm, ui.beat_ms));
        }
        Reply::Stale { now } => {
            let again = still_possible(ui, &command).then(|| command.clone());
            ui.dialog = Some(Dialog::stale(&question(&command), now, again, ui.beat_ms));
        }
        Reply::Refused { why } => ui.complain(why),
        Reply::Unknown => {
            ui.complain("the scheduler is newer than this console and answered something else");
        }
    }
}

/// What brings things back, said beside a result that is reversible.
fn undo(command: &Command) -> Option<(Action, &'static str)> {
    match command {
        Command::Pause { scope: Scope::Agent(_), .. } => Some((Action::Pause, "resumes")),
        Command::Pause { scope: Scope::Project, .. } => Some((Action::PauseAll, "resumes")),
        Command::Resume { scope: Scope::Agent(_), .. } => Some((Action::Pause, "pauses")),
        _ => None,
    }
}

/// The command as a question, for the dialog that says that it no longer fits.
pub fn question(command: &Command) -> String {
    match command {
        Command::Run { agent, .. } => format!("Start a run of {agent}?"),
        Command::Pause { scope, hold: Hold::Drain, .. } => {
            format!("Drain {}?", scope_name(scope))
        }
        Command::Pause { scope, hold: Hold::Stop, .. } => format!("Stop {}?", scope_name(scope)),
        Command::Pause { scope, .. } => format!("Pause {}?", scope_name(scope)),
        Command::Resume { scope, .. } => format!("Resume {}?", scope_name(scope)),
        Command::Kill { target: Target::Run(run), .. } => format!("Kill {run}?"),
        Command::Kill { target: Target::Agent(agent), .. } => format!("Kill the runs of {agent}?"),
        Command::Kill { target: Target::Runs(runs), .. } => format!("Kill {} runs?", runs.len()),
        Command::Rerun { run } => format!("Rerun {run}?"),
        Command::Replay { receipt } => format!("Replay {receipt}?"),
        Command::Drop { runs } => match &runs[..] {
            [run] => format!("Drop {run}?"),
            runs => format!("Drop {} runs?", runs.len()),
        },
        Command::Scale { agent, scale } => format!("Scale {agent} to {scale}?"),
        Command::Answer { run, .. } => format!("Answer {run}?"),
        Command::Say { run, .. } => format!("Say something to {run}?"),
        Command::Unlock { key } => format!("Release the lock {key}?"),
        Command::Unknown => String::new(),
    }
}

fn scope_name(scope: &Scope) -> &str {
    match scope {
        Scope::Project => "the scheduler",
        Scope::Agent(agent) => agent,
    }
}

/// False when the run in question has ended, so that asking again makes no sense.
fn still_possible(ui: &Ui, command: &Command) -> bool {
    match command {
        Command::Kill { target: Target::Run(run), .. } => {
            ui.fleet.run(run).is_some_and(|run| !run.state.ended())
        }
        _ => true,
    }
}
