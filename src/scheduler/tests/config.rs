//! Edits of the project's files while the scheduler runs.

use proptest::prelude::*;

use super::*;

fn rules(scale: u32, queue_bound: u32, expr: Option<&str>) -> AgentRules {
    let cron = |expr| Cadence::Cron(Box::new(Schedule::parse(expr, "UTC").unwrap()));
    AgentRules { scale, queue_bound, schedule: expr.map(cron), ..AgentRules::default() }
}

fn fault(file: &str, message: &str) -> Fault {
    Fault {
        key: Fault::config_key(file),
        agent: Some("dev".into()),
        message: message.into(),
        hint: None,
        file: Some(file.into()),
        line: Some(3),
    }
}

impl Fleet {
    /// The files say this now, and nothing is wrong with them.
    fn edit(&mut self, agents: &[(&str, AgentRules)]) {
        self.edit_with(agents, &[]);
    }

    fn edit_with(&mut self, agents: &[(&str, AgentRules)], faults: &[Fault]) {
        self.send(Event::ConfigChanged(Box::new(NewConfig {
            rules: self.view.rules.clone(),
            agents: agents
                .iter()
                .map(|(name, rules)| ((*name).to_owned(), rules.clone()))
                .collect(),
            redefined: Default::default(),
            faults: faults.to_vec(),
        })));
    }

    fn next_tick(&self, agent: &str) -> Option<Millis> {
        self.view.timers.get(&Timer::Cron(agent.into())).copied()
    }

    fn why(&self, run: &str) -> String {
        self.view.runs[run].why.sentence()
    }
}

/// What a host that starts now makes of the rows and the rules.
fn fresh_start(view: &View, at: Millis) -> View {
    let mut fresh = View::new(view.rules.clone());
    for (name, agent) in &view.agents {
        fresh.add_agent(name, agent.rules.clone());
    }
    let mut runs: Vec<&Run> = view.runs.values().collect();
    runs.sort_by_key(|run| run.seq);
    runs.into_iter().for_each(|run| fresh.adopt(run.clone()));
    fresh.pauses = view.pauses.clone();
    fresh.timers = view.timers.clone();
    fresh.alerts = view.alerts.clone();
    fresh.next_run = view.next_run;
    let stamp = Stamp { at, id: "fresh".into() };
    let mut next = step(&fresh, &Event::HostStarted, &stamp);
    while !next.is_empty() {
        next.iter().for_each(|decision| fresh.apply(decision));
        next = settle(&fresh, at);
    }
    // Housekeeping begins anew with each start.
    fresh.timers.remove(&Timer::Prune);
    fresh
}

#[track_caller]
fn same_as_fresh(fleet: &Fleet) {
    let mut view = fleet.view.clone();
    view.timers.remove(&Timer::Prune);
    view.facts = Facts::default();
    assert_eq!(view, fresh_start(&fleet.view, fleet.at));
}

#[test]
fn a_new_agent_is_armed_and_takes_work() {
    let mut fleet = Fleet::new(&[]);
    fleet.edit(&[("dev", rules(1, 10, Some("*/10 * * * * *")))]);
    assert_eq!(fleet.next_tick("dev"), Some(T0 + 10_000));
    let runs = fleet.webhook(&["dev"]);
    assert_eq!(fleet.states(&runs), [Starting]);
    same_as_fresh(&fleet);
}

#[test]
fn a_schedule_keeps_its_next_tick_unless_it_is_another_one() {
    let every = |expr| [("dev", rules(1, 10, Some(expr)))];
    let mut fleet = Fleet::new(&[]);
    fleet.edit(&every("*/30 * * * * *"));
    fleet.at = T0 + 12_000;
    let armed = fleet.next_tick("dev");
    fleet.edit(&[("dev", rules(3, 5, Some("*/30 * * * * *")))]);
    assert_eq!(fleet.next_tick("dev"), armed, "only the scale changed");
    fleet.edit(&every("*/10 * * * * *"));
    assert_eq!(fleet.next_tick("dev"), Some(T0 + 20_000), "armed from now");
    fleet.edit(&[("dev", rules(1, 10, None))]);
    assert_eq!(fleet.next_tick("dev"), None);
    same_as_fresh(&fleet);
}

/// Pain 38: an agent that was switched off and on again had no bindings and a second cron job.
#[test]
fn off_and_on_and_off_and_on_is_on() {
    let on = [("dev", rules(2, 10, Some("*/10 * * * * *")))];
    let off = [("dev", rules(0, 10, Some("*/10 * * * * *")))];
    let mut fleet = Fleet::new(&[]);
    for round in 0..3 {
        fleet.at = T0 + round * 60_000;
        fleet.edit(&on);
        assert_eq!(fleet.next_tick("dev"), Some(fleet.at + 10_000));
        assert_eq!(fleet.view.timers.len(), 1, "one cron job");
        let runs = fleet.webhook(&["dev"]);
        assert_eq!(fleet.states(&runs), [Starting]);
        fleet.edit(&off);
        assert_eq!(fleet.next_tick("dev"), None);
        assert_eq!(fleet.state(&runs[0]), Starting, "what runs goes on");
        assert_eq!(fleet.webhook(&["dev"]), Vec::<String>::new());
        fleet.exit(&runs[0], exited(0));
        same_as_fresh(&fleet);
    }
}

/// Pain 39: a reload set the number of running runs to zero.
#[test]
fn a_reload_during_a_run_keeps_the_count() {
    let mut fleet = Fleet::new(&[("dev", 1, 10)]);
    let first = fleet.webhook(&["dev"]).remove(0);
    fleet.edit(&[("dev", rules(1, 9, Some("0 0 1 1 *")))]);
    let second = fleet.webhook(&["dev"]).remove(0);
    assert_eq!((fleet.state(&first), fleet.state(&second)), (Starting, Queued));
    fleet.edit(&[("dev", rules(2, 9, None))]);
    assert_eq!(fleet.state(&second), Starting, "a wider scale starts what waits");
    fleet.edit(&[("dev", rules(1, 9, None))]);
    let third = fleet.webhook(&["dev"]).remove(0);
    fleet.exit(&first, exited(0));
    assert_eq!(fleet.state(&third), Queued, "a narrower one waits until it fits");
    fleet.exit(&second, exited(0));
    assert_eq!(fleet.state(&third), Starting);
}

#[test]
fn what_a_removed_agent_runs_ends_and_what_waits_goes_on_when_it_comes_back() {
    let dev = [("dev", rules(1, 10, Some("*/10 * * * * *")))];
    let mut fleet = Fleet::new(&[]);
    fleet.edit(&dev);
    let live = fleet.webhook(&["dev"]).remove(0);
    let waiting: Vec<String> = (0..2).flat_map(|_| fleet.webhook(&["dev"])).collect();
    fleet.edit(&[]);
    assert_eq!(fleet.next_tick("dev"), None);
    assert_eq!(fleet.why(&waiting[0]), "held: its agent left the project");
    assert_eq!(fleet.tick("dev"), None);
    same_as_fresh(&fleet);
    fleet.exit(&live, exited(0));
    assert_eq!(fleet.ended[&live].state, Succeeded, "its end is recorded");
    assert_eq!(fleet.states(&waiting), [Queued, Queued]);
    fleet.edit(&dev);
    assert_eq!(fleet.states(&waiting), [Starting, Queued]);
    assert_eq!(fleet.why(&waiting[1]), "1 queued before it");
    same_as_fresh(&fleet);
}

#[test]
fn an_agent_that_comes_back_while_its_run_goes_on_still_counts_it() {
    let mut fleet = Fleet::new(&[("dev", 1, 10)]);
    let live = fleet.webhook(&["dev"]).remove(0);
    fleet.edit(&[]);
    fleet.edit(&[("dev", rules(1, 10, None))]);
    let next = fleet.webhook(&["dev"]).remove(0);
    assert_eq!(fleet.why(&next), "waiting for a slot: 1 of 1 are taken");
    fleet.exit(&live, exited(0));
    assert_eq!(fleet.state(&next), Starting);
}

#[test]
fn a_scale_that_was_set_by_hand_and_then_read_from_the_file_changes_nothing() {
    let mut fleet = Fleet::new(&[]);
    fleet.edit(&[("dev", rules(1, 10, Some("*/10 * * * * *")))]);
    fleet.command(Command::Scale { agent: "dev".into(), scale: 3 });
    let event = Event::ConfigChanged(Box::new(NewConfig {
        rules: fleet.view.rules.clone(),
        agents: vec![("dev".into(), rules(3, 10, Some("*/10 * * * * *")))],
        redefined: Default::default(),
        faults: Vec::new(),
    }));
    let stamp = Stamp { at: fleet.at, id: "again".into() };
    let done = Answer::Done { done: "read again".into(), runs: Vec::new() };
    assert_eq!(step(&fleet.view, &event, &stamp), [Decision::Answer(done)]);
}

#[test]
fn the_caps_of_the_project_change_at_once() {
    let mut fleet = Fleet::new(&[("dev", 9, 10)]);
    fleet.view.rules.scale = Some(1);
    let runs: Vec<String> = (0..3).flat_map(|_| fleet.webhook(&["dev"])).collect();
    assert_eq!(fleet.states(&runs), [Starting, Queued, Queued]);
    let agents = vec![("dev".to_owned(), rules(9, 10, None))];
    let project = ProjectRules { scale: Some(2), max_reruns: 7, ..fleet.view.rules.clone() };
    fleet.send(Event::ConfigChanged(Box::new(NewConfig {
        rules: project.clone(),
        agents,
        redefined: Default::default(),
        faults: Vec::new(),
    })));
    assert_eq!(fleet.view.rules, project);
    assert_eq!(fleet.states(&runs), [Starting, Starting, Queued]);
    assert_eq!(fleet.why(&runs[2]), "1 queued before it");
}

#[test]
fn a_shorter_queue_drops_its_oldest_runs_with_the_reason() {
    let mut fleet = Fleet::new(&[("dev", 1, 10)]);
    let runs: Vec<String> = (0..4).flat_map(|_| fleet.webhook(&["dev"])).collect();
    fleet.edit(&[("dev", rules(1, 1, None))]);
    assert_eq!(fleet.states(&runs), [Starting, Dropped, Dropped, Queued]);
}

#[test]
fn an_alert_stays_from_the_first_bad_edit_until_it_is_mended() {
    let dev = [("dev", rules(1, 10, None))];
    let file = "agents/dev/config.toml";
    let mut fleet = Fleet::new(&[("dev", 1, 10)]);
    let first = fault(file, "`scale` must be at least 0, found -1");
    fleet.edit_with(&dev, std::slice::from_ref(&first));
    let alert = fleet.view.alerts[&Fault::config_key(file)].clone();
    assert_eq!(
        (alert.at, alert.fault.sentence().as_str()),
        (T0, "agents/dev/config.toml:3: `scale` must be at least 0, found -1")
    );
    fleet.at = T0 + 1000;
    fleet.edit_with(&dev, &[first.clone(), fault("config.toml", "not valid TOML")]);
    assert_eq!(fleet.view.alerts[&first.key].at, T0, "it is the same alert");
    assert_eq!(fleet.view.alerts.len(), 2);
    fleet.edit_with(&dev, &[fault(file, "bad schedule")]);
    assert_eq!(fleet.view.alerts[&first.key].at, T0 + 1000, "another fault of the same file");
    fleet.edit(&dev);
    assert_eq!(fleet.view.alerts, BTreeMap::new());
    fleet.edit_with(&dev, &[first]);
    fleet.send(Event::HostStarted);
    assert_eq!(fleet.view.alerts, BTreeMap::new(), "what is started has no errors");
}

#[test]
fn an_alert_about_an_image_goes_with_the_image_its_agent_or_the_host() {
    let (dev, ops) = (("dev", rules(1, 10, None)), ("ops", rules(1, 10, None)));
    let both = [dev.clone(), ops];
    let mut fleet = Fleet::new(&[("dev", 1, 10), ("ops", 1, 10)]);
    let notice = |fleet: &mut Fleet, agent: &str, wrong: bool| {
        let key = Fault::image_key(agent);
        let fault = Fault { key: key.clone(), ..fault("", "cannot be built") };
        fleet.send(Event::Noticed { key, fault: wrong.then(|| Box::new(fault)) });
    };
    let known = |fleet: &Fleet| fleet.view.alerts.keys().cloned().collect::<Vec<_>>();
    notice(&mut fleet, "dev", true);
    notice(&mut fleet, "ops", true);
    assert_eq!(known(&fleet), ["image:dev", "image:ops"]);
    notice(&mut fleet, "dev", false);
    notice(&mut fleet, "dev", false);
    fleet.edit(&both);
    assert_eq!(known(&fleet), ["image:ops"], "an edit elsewhere mends nothing");
    fleet.edit(&[dev]);
    assert_eq!(known(&fleet), [] as [&str; 0], "its agent is gone");
    notice(&mut fleet, "dev", true);
    fleet.send(Event::HostStarted);
    assert_eq!(known(&fleet), [] as [&str; 0], "each host looks for itself");
}

const EXPRS: [Option<&str>; 3] = [None, Some("*/10 * * * * *"), Some("* * * * *")];

#[derive(Debug, Clone)]
enum Act {
    /// Scale, queue bound and schedule of each agent that is there, and the project's scale.
    Edit(Vec<Option<(u32, u32, usize)>>, Option<u32>),
    Webhook(usize),
    Exit(usize, bool),
    Scale(usize, u32),
    /// Seconds.
    Later(i64),
    Kill(usize),
    Pause(usize),
    Resume(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let agent = prop::option::weighted(0.8, (0..3u32, 0..4u32, 0..EXPRS.len()));
    prop_oneof![
        3 => (prop::collection::vec(agent, 3), prop::option::of(1..4u32))
            .prop_map(|(agents, scale)| Act::Edit(agents, scale)),
        4 => (0..3usize).prop_map(Act::Webhook),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(n, again)| Act::Exit(n, again)),
        1 => (0..3usize, 0..3u32).prop_map(|(n, scale)| Act::Scale(n, scale)),
        2 => (1..100i64).prop_map(Act::Later),
        1 => any::<usize>().prop_map(Act::Kill),
        1 => (0..4usize).prop_map(Act::Pause),
        1 => (0..4usize).prop_map(Act::Resume),
    ]
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn scope(n: usize) -> Scope {
    NAMES.get(n).map_or(Scope::Project, |name| agent(name))
}

impl Fleet {
    fn play(&mut self, act: Act) {
        let live = |fleet: &Fleet| {
            let runs = fleet.view.runs.values().filter(|run| run.holds_slot());
            let mut live: Vec<(u32, String)> = runs.map(|run| (run.seq, run.id.clone())).collect();
            live.sort();
            live
        };
        match act {
            Act::Edit(agents, scale) => {
                let there = NAMES.iter().zip(agents).filter_map(|(name, rules)| {
                    let (scale, bound, expr) = rules?;
                    Some(((*name).to_owned(), self::rules(scale, bound, EXPRS[expr])))
                });
                self.send(Event::ConfigChanged(Box::new(NewConfig {
                    rules: ProjectRules { scale, ..self.view.rules.clone() },
                    agents: there.collect(),
                    redefined: Default::default(),
                    faults: Vec::new(),
                })));
            }
            Act::Webhook(n) => {
                self.webhook(&[NAMES[n]]);
            }
            Act::Exit(n, wants_rerun) => {
                if let Some((_, run)) = live(self).into_iter().cycle().nth(n % 7) {
                    self.exit(&run, Exit { wants_rerun, ..exited(0) });
                }
            }
            Act::Scale(n, scale) => {
                self.command(Command::Scale { agent: NAMES[n].into(), scale });
            }
            Act::Later(s) => self.pass(s * 1000),
            Act::Pause(n) => {
                self.command(Command::pause(scope(n), None));
            }
            Act::Resume(n) => {
                self.command(Command::Resume { scope: scope(n), drop_held: false });
            }
            Act::Kill(n) => {
                if let Some((_, run)) = live(self).into_iter().cycle().nth(n % 7) {
                    self.command(Command::kill(Target::Runs(vec![run])));
                }
            }
        }
    }

    /// Lets time go by; what is due in it happens at its instant.
    fn pass(&mut self, ms: Millis) {
        let end = self.at + ms;
        loop {
            let due = self.view.timers.iter().filter(|(_, at)| **at <= end);
            let Some((timer, at)) = due.min_by_key(|(_, at)| **at) else { break };
            let timer = timer.clone();
            self.at = *at;
            self.send(Event::TimerDue(timer));
        }
        self.at = end;
    }
}

proptest! {
    /// After any sequence of edits, with anything else in between, the scheduler is what a fresh
    /// start with the same files would be.
    #[test]
    fn edits_lead_where_a_fresh_start_leads(acts in prop::collection::vec(act(), 1..60)) {
        let mut fleet = Fleet::new(&[]);
        fleet.send(Event::HostStarted);
        for act in acts {
            fleet.play(act);
            same_as_fresh(&fleet);
        }
    }
}
