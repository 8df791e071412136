//! The rules, played through a host that has no clock, no disk and no processes.

use std::collections::BTreeMap;

use super::cron::Schedule;
use super::impact::{Level, impact};
use super::settle::at_rest;
use super::*;

const T0: Millis = 1_800_000_000_000;

/// A project in memory: events in, decisions applied.
struct Fleet {
    view: View,
    at: Millis,
    receipts: Vec<Receipt>,
    ended: BTreeMap<String, Run>,
    todo: Vec<Effect>,
    quit: bool,
}

impl Fleet {
    /// Agents by name, scale and queue bound.
    fn new(agents: &[(&str, u32, u32)]) -> Self {
        let rules = ProjectRules { scale: None, max_reruns: 2, retention_days: 14, id_key: 0xA1 };
        let mut view = View::new(rules);
        for (name, scale, queue_bound) in agents {
            let rules = AgentRules { scale: *scale, queue_bound: *queue_bound, schedule: None };
            view.add_agent(name, rules);
        }
        let (receipts, ended, todo) = (Vec::new(), BTreeMap::new(), Vec::new());
        Self { view, at: T0, receipts, ended, todo, quit: false }
    }

    fn scheduled(mut self, agent: &str, expr: &str) -> Self {
        let schedule = Schedule::parse(expr, "UTC").unwrap();
        self.view.agents.get_mut(agent).unwrap().rules.schedule = Some(schedule);
        self
    }

    fn send(&mut self, event: Event) -> Option<Answer> {
        let stamp = Stamp { at: self.at, id: format!("receipt-{}", self.receipts.len()) };
        let mut next = step(&self.view, &event, &stamp);
        let mut answer = None;
        while !next.is_empty() {
            for decision in &next {
                self.note(decision, &mut answer);
                self.view.apply(decision);
            }
            next = settle(&self.view, self.at);
        }
        self.quit |= at_rest(&self.view);
        self.check();
        answer
    }

    fn note(&mut self, decision: &Decision, answer: &mut Option<Answer>) {
        match decision {
            Decision::Receipt(receipt) => self.receipts.push((**receipt).clone()),
            Decision::Effect { effect, state: EffectState::Todo } => {
                self.todo.push(effect.clone());
            }
            Decision::Finish { run, state, why, exit_code, at } => {
                let mut run = self.view.runs[run].clone();
                assert!(run.state.may_become(*state), "{} {:?} -> {state:?}", run.id, run.state);
                run.state = *state;
                run.why = why.clone();
                run.exit_code = *exit_code;
                run.ended_at = Some(*at);
                self.ended.insert(run.id.clone(), run);
            }
            Decision::Answer(given) => *answer = Some(given.clone()),
            _ => {}
        }
    }

    /// What holds after every event.
    fn check(&self) {
        for (name, agent) in &self.view.agents {
            assert!(agent.queue.len() <= agent.rules.queue_bound as usize, "{name}: queue bound");
            let queued: Vec<u32> = agent.queue.iter().map(|id| self.view.runs[id].seq).collect();
            assert!(queued.is_sorted(), "{name}: oldest first");
        }
        if let Some(cap) = self.view.rules.scale {
            assert!(self.view.running() <= cap, "project cap");
        }
    }

    fn webhook(&mut self, agents: &[&str]) -> Vec<String> {
        match self.send(Event::Fired(firing(agents, None))) {
            Some(Answer::Fired { runs, .. }) => runs,
            other => panic!("{other:?}"),
        }
    }

    fn command(&mut self, command: Command) -> Answer {
        self.send(Event::Command { command, by: "ann".into() }).unwrap()
    }

    fn tick(&mut self, agent: &str) -> Option<Answer> {
        self.send(Event::TimerDue(Timer::Cron(agent.into())))
    }

    fn exit(&mut self, run: &str, exit: Exit) {
        let attempt = self.view.runs[run].attempt;
        self.send(Event::RunExited { run: run.into(), attempt, exit });
    }

    fn state(&self, run: &str) -> RunState {
        self.view.runs.get(run).or_else(|| self.ended.get(run)).unwrap().state
    }

    fn states(&self, runs: &[String]) -> Vec<RunState> {
        runs.iter().map(|run| self.state(run)).collect()
    }
}

fn firing(agents: &[&str], dedupe: Option<&str>) -> Firing {
    Firing {
        trigger: Trigger {
            kind: TriggerKind::Webhook,
            source: "github".into(),
            summary: "issues opened".into(),
        },
        dedupe: dedupe.map(str::to_owned),
        targets: agents.iter().map(|a| (*a).to_owned()).collect(),
        payload: "{}".into(),
        envelope: None,
    }
}

fn exited(code: i32) -> Exit {
    Exit {
        verdict: Verdict::Exited,
        code: Some(code),
        at: T0 + 1,
        return_value: None,
        status: None,
        wants_rerun: false,
        chosen: None,
    }
}

fn agent(name: &str) -> Scope {
    Scope::Agent(name.to_owned())
}

use RunState::*;

#[test]
fn webhooks_start_while_a_slot_is_free_and_wait_in_order_after_that() {
    let mut fleet = Fleet::new(&[("dev", 2, 100)]);
    let runs: Vec<String> = (0..4).flat_map(|_| fleet.webhook(&["dev"])).collect();
    assert_eq!(fleet.states(&runs), [Starting, Starting, Queued, Queued]);
    fleet.exit(&runs[1], exited(0));
    assert_eq!(fleet.states(&runs), [Starting, Succeeded, Starting, Queued]);
}

#[test]
fn instance_ids_are_the_agent_and_eight_hex_digits_and_never_repeat() {
    let fleet = Fleet::new(&[("dev-ops", 1, 1)]);
    let ids: std::collections::HashSet<String> =
        (1..=50_000).map(|seq| fleet.view.run_id("dev-ops", seq)).collect();
    assert_eq!(ids.len(), 50_000);
    let hex = |id: &String| id.strip_prefix("dev-ops-").unwrap().to_owned();
    assert!(ids.iter().all(|id| hex(id).len() == 8 && u32::from_str_radix(&hex(id), 16).is_ok()));
}

#[test]
fn a_full_queue_drops_its_oldest_run_and_says_who_came() {
    let mut fleet = Fleet::new(&[("dev", 1, 2)]);
    let runs: Vec<String> = (0..5).flat_map(|_| fleet.webhook(&["dev"])).collect();
    assert_eq!(fleet.states(&runs), [Starting, Dropped, Dropped, Queued, Queued]);
    let why = &fleet.ended[&runs[1]].why;
    assert_eq!(why.sentence(), format!("dropped: the queue holds 2 and {} came", runs[3]));
    assert_eq!(fleet.receipts.len(), 5, "every firing left its receipt");
}

#[test]
fn a_queue_of_size_zero_takes_what_can_start_at_once() {
    let mut fleet = Fleet::new(&[("dev", 1, 0)]);
    let runs: Vec<String> = (0..2).flat_map(|_| fleet.webhook(&["dev"])).collect();
    assert_eq!(fleet.states(&runs), [Starting, Dropped]);
}

/// One line for each way of starting work against each hindrance (pains 24, 32, 35).
#[test]
fn every_trigger_kind_meets_every_state() {
    #[derive(Clone, Copy)]
    enum Situation {
        Free,
        Busy,
        AgentPaused,
        ProjectPaused,
        Disabled,
        Unknown,
        Draining,
    }
    use Situation::*;
    let check = |situation: Situation, webhook: &str, manual: &str, cron: &str| {
        let prepare = || {
            let mut fleet = Fleet::new(&[("dev", 1, 100)]).scheduled("dev", "* * * * *");
            match situation {
                Free | Unknown => {}
                Busy => {
                    fleet.webhook(&["dev"]);
                }
                AgentPaused => {
                    fleet.command(Command::Pause { scope: agent("dev"), why: None });
                }
                ProjectPaused => {
                    fleet.command(Command::Pause { scope: Scope::Project, why: None });
                }
                Disabled => {
                    fleet.command(Command::Scale { agent: "dev".into(), scale: 0 });
                }
                Draining => {
                    fleet.webhook(&["dev"]);
                    fleet.command(Command::Stop { clear_queues: false, kill: false });
                }
            }
            fleet
        };
        let name = if matches!(situation, Unknown) { "nobody" } else { "dev" };
        let told = |fleet: &Fleet, answer: Option<Answer>| match answer {
            Some(Answer::Fired { runs, skipped, .. }) => match (runs.first(), skipped.first()) {
                (Some(run), _) => fleet.state(run).name().to_owned(),
                (None, Some((_, why))) => format!("skipped: {}", why.sentence()),
                (None, None) => "no match".to_owned(),
            },
            Some(Answer::Refused(why)) => format!("refused: {}", why.sentence()),
            Some(Answer::NotFound { what }) => format!("not found: {what}"),
            other => format!("{other:?}"),
        };
        let mut fleet = prepare();
        let answer = fleet.send(Event::Fired(firing(&[name], None)));
        assert_eq!(told(&fleet, answer), webhook);
        let mut fleet = prepare();
        let answer = fleet.command(Command::Run { agent: name.into(), prompt: None });
        assert_eq!(told(&fleet, Some(answer)), manual);
        let mut fleet = prepare();
        let answer = fleet.tick(name);
        assert_eq!(told(&fleet, answer), cron);
    };
    check(Free, "starting", "starting", "starting");
    check(Busy, "queued", "queued", "skipped: waiting for a slot: 1 of 1 are taken");
    check(
        AgentPaused,
        "queued",
        "refused: held: the agent was paused by ann",
        "skipped: held: the agent was paused by ann",
    );
    check(
        ProjectPaused,
        "queued",
        "refused: held: the scheduler was paused by ann",
        "skipped: held: the scheduler was paused by ann",
    );
    check(
        Disabled,
        "skipped: the agent is disabled (scale = 0)",
        "refused: the agent is disabled (scale = 0)",
        "skipped: the agent is disabled (scale = 0)",
    );
    check(Unknown, "skipped: no agent of that name", "not found: agent nobody", "None");
    check(
        Draining,
        "refused: the scheduler is stopping",
        "refused: the scheduler is stopping",
        "skipped: the scheduler is stopping",
    );
}

#[test]
fn the_same_delivery_twice_is_one_firing() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    fleet.send(Event::Fired(firing(&["dev"], Some("github:1"))));
    fleet.view.facts.receipt = Some("receipt-0".into());
    let again = fleet.send(Event::Fired(firing(&["dev"], Some("github:1"))));
    assert_eq!(again, Some(Answer::Duplicate { receipt: Some("receipt-0".into()) }));
    assert_eq!((fleet.receipts.len(), fleet.view.runs.len()), (1, 1));
}

#[test]
fn a_delivery_that_nobody_wants_leaves_a_receipt() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    assert_eq!(fleet.webhook(&[]), Vec::<String>::new());
    assert_eq!(fleet.receipts[0].outcome, model::ReceiptOutcome::NoMatch);
}

#[test]
fn the_project_scale_caps_all_agents_together_oldest_first() {
    let mut fleet = Fleet::new(&[("a", 5, 100), ("b", 5, 100)]);
    fleet.view.rules.scale = Some(2);
    let runs: Vec<String> =
        ["b", "a", "b", "a"].iter().flat_map(|name| fleet.webhook(&[name])).collect();
    assert_eq!(fleet.states(&runs), [Starting, Starting, Queued, Queued]);
    assert_eq!(fleet.view.runs[&runs[2]].why, Why::ProjectBusy { running: 2, scale: 2 });
    fleet.exit(&runs[1], exited(0));
    assert_eq!(fleet.states(&runs), [Starting, Succeeded, Starting, Queued]);
}

#[test]
fn cron_sets_its_next_tick_and_does_not_replay_what_it_missed() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]).scheduled("dev", "*/10 * * * * *");
    fleet.send(Event::HostStarted);
    assert!(fleet.view.runs.is_empty(), "nothing runs because the scheduler started");
    let next = |fleet: &Fleet| fleet.view.timers[&Timer::Cron("dev".into())];
    assert_eq!(next(&fleet), T0 + 10_000);
    fleet.at = T0 + 3_605_000;
    fleet.tick("dev");
    assert_eq!(fleet.view.runs.len(), 1);
    assert_eq!(next(&fleet), T0 + 3_610_000);
}

#[test]
fn how_an_attempt_ends_is_how_the_run_ends() {
    let check = |exit: Exit, state: RunState, sentence: &str| {
        let mut fleet = Fleet::new(&[("dev", 1, 100)]);
        let run = fleet.webhook(&["dev"]).remove(0);
        fleet.exit(&run, exit);
        let ended = &fleet.ended[&run];
        assert_eq!((ended.state, ended.why.sentence().as_str()), (state, sentence));
    };
    let with = |verdict: Verdict, code: Option<i32>| Exit { verdict, code, ..exited(0) };
    check(exited(0), Succeeded, "finished");
    check(exited(3), Failed, "exit code 3");
    check(exited(42), Succeeded, "finished and asked for a rerun (exit code 42)");
    check(with(Verdict::Signalled { signal: 11 }, Some(139)), Failed, "ended by signal 11");
    check(with(Verdict::TimedOut { after_s: 9 }, Some(124)), TimedOut, "timed out after 9 s");
    check(with(Verdict::Lost, None), Failed, "its process vanished without an exit status");
    check(
        with(Verdict::CannotStart { message: "no such file".into() }, Some(127)),
        Failed,
        "could not start: no such file",
    );
    check(Exit { code: None, ..exited(0) }, Failed, "its process vanished without an exit status");
    check(Exit { chosen: Some(0), ..exited(3) }, Succeeded, "finished, as the agent said");
    check(
        Exit { chosen: Some(10), ..exited(0) },
        Failed,
        "the agent ended with code 10: authentication failed",
    );
}

#[test]
fn late_news_of_an_old_attempt_changes_nothing() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let run = fleet.webhook(&["dev"]).remove(0);
    fleet.send(Event::Effect(Effect::Start { run: run.clone(), attempt: 1 }, EffectNews::Absent));
    assert_eq!(fleet.view.runs[&run].attempt, 2, "it never ran, so it is started again");
    fleet.send(Event::RunExited { run: run.clone(), attempt: 1, exit: exited(1) });
    assert_eq!(fleet.state(&run), Starting);
    let report = Report::Status("old".into());
    let answer = fleet.send(Event::RunReported { run: run.clone(), attempt: 1, report });
    assert_eq!(answer, Some(Answer::NotFound { what: format!("live run {run}") }));
    fleet.exit(&run, exited(0));
    assert_eq!(fleet.state(&run), Succeeded);
}

#[test]
fn scheduled_runs_that_ask_for_it_run_again_up_to_the_limit_and_never_after_an_error() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]).scheduled("dev", "* * * * *");
    fleet.tick("dev");
    let mut seen = Vec::new();
    while let Some(run) = fleet.view.runs.values().next().cloned() {
        seen.push(run.rerun);
        fleet.exit(&run.id, Exit { wants_rerun: true, ..exited(0) });
    }
    assert_eq!(seen, [0, 1, 2], "the run and two reruns");
    let last = fleet.receipts.last().unwrap();
    assert_eq!(last.skipped, [("dev".to_owned(), Why::RerunLimit { max: 2 })]);

    fleet.tick("dev");
    let run = fleet.view.runs.keys().next().unwrap().clone();
    fleet.exit(&run, Exit { wants_rerun: true, ..exited(1) });
    assert!(fleet.view.runs.is_empty(), "no rerun after an error");

    let run = fleet.webhook(&["dev"]).remove(0);
    fleet.exit(&run, Exit { wants_rerun: true, ..exited(0) });
    assert!(fleet.view.runs.is_empty(), "no rerun of a webhook's run");
}

#[test]
fn a_kill_ends_what_waits_at_once_and_asks_what_runs_to_stop() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let runs: Vec<String> = (0..3).flat_map(|_| fleet.webhook(&["dev"])).collect();
    fleet.command(Command::Kill { target: Target::Runs(runs[..2].to_vec()) });
    assert_eq!(fleet.states(&runs), [Starting, Killed, Queued]);
    assert!(fleet.todo.contains(&Effect::Stop { run: runs[0].clone(), attempt: 1 }));
    let stopped = Exit { verdict: Verdict::Stopped, code: Some(143), ..exited(0) };
    fleet.exit(&runs[0], stopped);
    assert_eq!(fleet.states(&runs), [Killed, Killed, Starting]);
    assert_eq!(fleet.ended[&runs[0]].why.sentence(), "killed by ann");
    let gone = fleet.command(Command::Kill { target: Target::Runs(vec![runs[0].clone()]) });
    assert_eq!(gone, Answer::NotFound { what: format!("live run {}", runs[0]) });
}

#[test]
fn killing_an_agent_leaves_its_queue() {
    let mut fleet = Fleet::new(&[("dev", 2, 100)]);
    let runs: Vec<String> = (0..3).flat_map(|_| fleet.webhook(&["dev"])).collect();
    fleet.command(Command::Kill { target: Target::Agent("dev".into()) });
    let stopping: Vec<bool> =
        runs.iter().map(|run| fleet.view.runs[run].stopping.is_some()).collect();
    assert_eq!(stopping, [true, true, false]);
}

#[test]
fn on_resume_the_operator_decides_what_becomes_of_what_came_in() {
    let check = |drop_held: bool, states: [RunState; 2]| {
        let mut fleet = Fleet::new(&[("dev", 1, 100)]);
        fleet.command(Command::Pause { scope: agent("dev"), why: Some("deploy".into()) });
        let runs: Vec<String> = (0..2).flat_map(|_| fleet.webhook(&["dev"])).collect();
        assert_eq!(
            fleet.view.runs[&runs[0]].why.sentence(),
            "held: the agent was paused by ann (deploy)"
        );
        fleet.command(Command::Resume { scope: agent("dev"), drop_held });
        assert_eq!(fleet.states(&runs), states);
    };
    check(false, [Starting, Queued]);
    check(true, [Dropped, Dropped]);
}

#[test]
fn a_host_for_one_run_leaves_the_backlog_alone() {
    let mut fleet = Fleet::new(&[("dev", 1, 100), ("ops", 1, 100)]);
    fleet.command(Command::Pause { scope: Scope::Project, why: None });
    let waiting: Vec<String> = ["dev", "ops"].iter().flat_map(|a| fleet.webhook(&[a])).collect();
    fleet.view.from_seq = fleet.view.next_run;
    fleet.command(Command::Resume { scope: Scope::Project, drop_held: false });
    assert_eq!(fleet.states(&waiting), [Queued, Queued]);
    let Answer::Fired { runs, .. } =
        fleet.command(Command::Run { agent: "dev".into(), prompt: None })
    else {
        panic!()
    };
    assert_eq!(fleet.states(&runs), [Starting], "what was asked for does not wait behind it");
}

#[test]
fn a_run_that_was_killed_before_it_began_does_not_begin_after_a_crash() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let run = fleet.webhook(&["dev"]).remove(0);
    fleet.command(Command::Kill { target: Target::Runs(vec![run.clone()]) });
    let start = Effect::Start { run: run.clone(), attempt: 1 };
    fleet.send(Event::Effect(start, EffectNews::Absent));
    assert_eq!(fleet.ended[&run].why.sentence(), "killed by ann");
}

#[test]
fn a_run_that_was_seen_running_is_not_run_again_when_its_traces_are_gone() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let run = fleet.webhook(&["dev"]).remove(0);
    let start = || Effect::Start { run: run.clone(), attempt: 1 };
    fleet.send(Event::Effect(start(), EffectNews::Done));
    fleet.send(Event::Effect(start(), EffectNews::Absent));
    assert_eq!((fleet.state(&run), &fleet.ended[&run].why), (Failed, &Why::Lost));
}

#[test]
fn a_kill_can_be_tried_again() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let run = fleet.webhook(&["dev"]).remove(0);
    let kill = || Command::Kill { target: Target::Runs(vec![run.clone()]) };
    let stop = Effect::Stop { run: run.clone(), attempt: 1 };
    fleet.command(kill());
    fleet.send(Event::Effect(stop.clone(), EffectNews::Failed { message: "full".into() }));
    fleet.command(kill());
    assert_eq!(fleet.todo.iter().filter(|effect| **effect == stop).count(), 2);
}

#[test]
fn dropping_what_was_held_leaves_what_waited_before_the_pause() {
    let mut fleet = Fleet::new(&[("dev", 1, 100), ("ops", 1, 100)]);
    let before: Vec<String> = (0..2).flat_map(|_| fleet.webhook(&["dev"])).collect();
    fleet.at += 1000;
    fleet.command(Command::Pause { scope: Scope::Project, why: None });
    fleet.command(Command::Pause { scope: agent("ops"), why: None });
    let held: Vec<String> = ["dev", "ops"].iter().flat_map(|a| fleet.webhook(&[a])).collect();
    fleet.command(Command::Resume { scope: Scope::Project, drop_held: true });
    assert_eq!(fleet.states(&before), [Starting, Queued]);
    assert_eq!(fleet.states(&held), [Dropped, Queued], "ops is still paused itself");
    assert_eq!(fleet.view.runs[&held[1]].why.sentence(), "held: the agent was paused by ann",);
}

#[test]
fn what_waits_says_what_it_waits_for() {
    let mut fleet = Fleet::new(&[("a", 1, 100), ("b", 1, 100)]);
    fleet.view.rules.scale = Some(1);
    fleet.webhook(&["a"]);
    fleet.command(Command::Pause { scope: agent("b"), why: None });
    let run = fleet.webhook(&["b"]).remove(0);
    let why = |fleet: &Fleet| fleet.view.runs[&run].why.sentence();
    assert_eq!(why(&fleet), "held: the agent was paused by ann");
    fleet.command(Command::Resume { scope: agent("b"), drop_held: false });
    assert_eq!(why(&fleet), "waiting for a slot: the project runs 1 of 1 at once");
    fleet.command(Command::Scale { agent: "b".into(), scale: 0 });
    assert_eq!(why(&fleet), "the agent is disabled (scale = 0)");
}

#[test]
fn work_of_an_agent_that_left_the_project_says_so_and_its_live_runs_count() {
    let mut fleet = Fleet::new(&[("gone", 1, 100), ("b", 1, 100)]);
    fleet.view.rules.scale = Some(1);
    let runs: Vec<String> = (0..2).flat_map(|_| fleet.webhook(&["gone"])).collect();
    fleet.view.agents.remove("gone");
    fleet.send(Event::HostStarted);
    assert_eq!(fleet.view.runs[&runs[1]].why, Why::UnknownAgent);
    let waiting = fleet.webhook(&["b"]).remove(0);
    assert_eq!(fleet.state(&waiting), Queued, "the cap counts the run that still goes on");
    fleet.exit(&runs[0], exited(0));
    assert_eq!(fleet.state(&waiting), Starting);
}

#[test]
fn a_wish_for_a_rerun_that_comes_too_late_leaves_a_receipt() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]).scheduled("dev", "* * * * *");
    fleet.tick("dev");
    let run = fleet.view.runs.keys().next().unwrap().clone();
    fleet.command(Command::Stop { clear_queues: false, kill: false });
    fleet.exit(&run, Exit { wants_rerun: true, ..exited(0) });
    let last = fleet.receipts.last().unwrap();
    assert_eq!(last.skipped, [("dev".to_owned(), Why::Stopping)]);
}

#[test]
fn stop_waits_for_runs_in_flight_and_then_quits() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let runs: Vec<String> = (0..2).flat_map(|_| fleet.webhook(&["dev"])).collect();
    fleet.command(Command::Stop { clear_queues: true, kill: false });
    assert_eq!(fleet.states(&runs), [Starting, Dropped]);
    assert!(!fleet.quit);
    fleet.exit(&runs[0], exited(0));
    assert!(fleet.quit);
}

#[test]
fn a_signal_keeps_the_queue_for_the_next_start() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let runs: Vec<String> = (0..2).flat_map(|_| fleet.webhook(&["dev"])).collect();
    fleet.command(Command::Stop { clear_queues: false, kill: false });
    fleet.exit(&runs[0], exited(0));
    assert_eq!(fleet.states(&runs), [Succeeded, Queued]);
    assert!(fleet.quit);
}

#[test]
fn scale_zero_disables_and_one_enables_again_with_its_schedule() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]).scheduled("dev", "@hourly");
    fleet.send(Event::HostStarted);
    let timer = Timer::Cron("dev".into());
    fleet.command(Command::Scale { agent: "dev".into(), scale: 0 });
    assert!(!fleet.view.timers.contains_key(&timer));
    fleet.command(Command::Scale { agent: "dev".into(), scale: 1 });
    assert!(fleet.view.timers.contains_key(&timer));
}

#[test]
fn a_kill_says_what_it_would_do_and_the_same_question_stays_the_same() {
    let mut fleet = Fleet::new(&[("dev", 1, 100)]);
    let runs: Vec<String> = (0..2).flat_map(|_| fleet.webhook(&["dev"])).collect();
    let kill = Command::Kill { target: Target::Runs(vec![runs[0].clone()]) };
    let asked = impact(&fleet.view, &kill, T0);
    assert_eq!(asked.level, Level::Loses);
    assert_eq!(
        asked.lines,
        [
            format!("{}: its process group is ended, attempt 1", runs[0]),
            format!("{} starts next", runs[1]),
        ]
    );
    assert_eq!(asked.cli, format!("al kill {}", runs[0]));
    assert_eq!(asked, impact(&fleet.view, &kill, T0 + 5_000), "time alone changes nothing");
    fleet.exit(&runs[0], exited(0));
    assert_ne!(asked, impact(&fleet.view, &kill, T0), "but the end of the run does");
}

#[test]
fn wide_kills_ask_for_a_word() {
    let mut fleet = Fleet::new(&[("dev", 3, 100)]);
    let runs: Vec<String> = (0..3).flat_map(|_| fleet.webhook(&["dev"])).collect();
    let all = impact(&fleet.view, &Command::Kill { target: Target::Runs(runs) }, T0);
    assert_eq!((all.level, all.word.as_deref()), (Level::Wide, Some("kill 3")));
}

#[test]
fn nothing_leaves_an_ended_state() {
    for state in RunState::ALL {
        let exits = RunState::ALL.into_iter().filter(|next| state.may_become(*next)).count();
        assert_eq!(exits == 0, state.ended(), "{state:?}");
        assert_eq!(RunState::from_name(state.name()), Some(state));
    }
}

mod random {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Act {
        Webhook(usize),
        Tick(usize),
        Manual(usize),
        Exit(usize, i32),
        Kill(usize),
        Pause(usize),
        Resume(usize, bool),
        Scale(usize, u32),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            4 => (0..3usize).prop_map(Act::Webhook),
            2 => (0..3usize).prop_map(Act::Tick),
            1 => (0..3usize).prop_map(Act::Manual),
            5 => (any::<usize>(), 0..2i32).prop_map(|(n, code)| Act::Exit(n, code)),
            1 => any::<usize>().prop_map(Act::Kill),
            1 => (0..4usize).prop_map(Act::Pause),
            1 => (0..4usize, any::<bool>()).prop_map(|(n, drop)| Act::Resume(n, drop)),
            1 => (0..3usize, 0..3u32).prop_map(|(n, scale)| Act::Scale(n, scale)),
        ]
    }

    const NAMES: [&str; 3] = ["a", "b", "c"];

    fn scope(n: usize) -> Scope {
        NAMES.get(n).map_or(Scope::Project, |name| agent(name))
    }

    proptest! {
        /// Whatever happens: bounds hold after every event (checked in `send`), every accepted run
        /// is either live or ended exactly once, and every firing has its receipt.
        #[test]
        fn no_run_is_lost(acts in prop::collection::vec(act(), 1..80)) {
            let mut fleet = Fleet::new(&[("a", 1, 2), ("b", 2, 3), ("c", 1, 0)])
                .scheduled("a", "* * * * *")
                .scheduled("b", "* * * * *")
                .scheduled("c", "* * * * *");
            fleet.view.rules.scale = Some(3);
            for act in acts {
                let live: Vec<String> = {
                    let mut live: Vec<&Run> = fleet.view.runs.values().collect();
                    live.sort_by_key(|run| run.seq);
                    live.iter().map(|run| run.id.clone()).collect()
                };
                match act {
                    Act::Webhook(n) => { fleet.webhook(&[NAMES[n]]); }
                    Act::Tick(n) => { fleet.tick(NAMES[n]); }
                    Act::Manual(n) => {
                        fleet.command(Command::Run { agent: NAMES[n].into(), prompt: None });
                    }
                    Act::Exit(n, code) if !live.is_empty() => {
                        let run = live[n % live.len()].clone();
                        fleet.exit(&run, exited(code));
                    }
                    Act::Kill(n) if !live.is_empty() => {
                        let run = live[n % live.len()].clone();
                        fleet.command(Command::Kill { target: Target::Runs(vec![run]) });
                    }
                    Act::Pause(n) => {
                        fleet.command(Command::Pause { scope: scope(n), why: None });
                    }
                    Act::Resume(n, drop_held) => {
                        fleet.command(Command::Resume { scope: scope(n), drop_held });
                    }
                    Act::Scale(n, scale) => {
                        fleet.command(Command::Scale { agent: NAMES[n].into(), scale });
                    }
                    Act::Exit(..) | Act::Kill(_) => {}
                }
            }
            let promised: usize = fleet.receipts.iter().map(|receipt| receipt.runs.len()).sum();
            prop_assert_eq!(promised, fleet.view.runs.len() + fleet.ended.len());
        }
    }
}
