//! What starts, what waits, and what no longer fits.

use super::*;

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

#[test]
fn the_project_scale_caps_all_agents_together_and_who_runs_least_comes_first() {
    let mut fleet = Fleet::new(&[("a", 5, 100), ("b", 5, 100)]);
    fleet.view.rules.scale = Some(2);
    let runs: Vec<String> =
        ["b", "a", "b", "a"].iter().flat_map(|name| fleet.webhook(&[name])).collect();
    assert_eq!(fleet.states(&runs), [Starting, Starting, Queued, Queued]);
    assert_eq!(fleet.view.runs[&runs[2]].why, Why::ProjectBusy { running: 2, scale: 2 });
    fleet.exit(&runs[1], exited(0));
    assert_eq!(fleet.states(&runs), [Starting, Succeeded, Queued, Starting]);
}

#[test]
fn a_host_for_one_run_leaves_the_backlog_alone() {
    let mut fleet = Fleet::new(&[("dev", 1, 100), ("ops", 1, 100)]);
    fleet.command(Command::pause(Scope::Project, None));
    let waiting: Vec<String> = ["dev", "ops"].iter().flat_map(|a| fleet.webhook(&[a])).collect();
    fleet.view.from_seq = fleet.view.next_run;
    fleet.command(Command::Resume { scope: Scope::Project, drop_held: false });
    assert_eq!(fleet.states(&waiting), [Queued, Queued]);
    let Answer::Fired { runs, .. } = fleet.command(Command::Run(Order::of("dev"))) else {
        panic!()
    };
    assert_eq!(fleet.states(&runs), [Starting], "what was asked for does not wait behind it");
}

#[test]
fn what_waits_says_what_it_waits_for() {
    let mut fleet = Fleet::new(&[("a", 1, 100), ("b", 1, 100)]);
    fleet.view.rules.scale = Some(1);
    fleet.webhook(&["a"]);
    fleet.command(Command::pause(agent("b"), None));
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
    assert_eq!(fleet.view.runs[&runs[1]].why, Why::AgentGone);
    let waiting = fleet.webhook(&["b"]).remove(0);
    assert_eq!(fleet.state(&waiting), Queued, "the cap counts the run that still goes on");
    fleet.exit(&runs[0], exited(0));
    assert_eq!(fleet.state(&waiting), Starting);
}
