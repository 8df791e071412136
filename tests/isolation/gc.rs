//! `al gc`, and what a scheduler removes by itself.

use std::fs;
use std::time::{Duration, SystemTime};

use crate::world::{BOXED, PLAIN, World, await_some};

fn labels(project: &str, run: &str) -> [String; 4] {
    [
        project.to_owned(),
        "al.agent=isobox".to_owned(),
        format!("al.run={run}"),
        "al.attempt=1".to_owned(),
    ]
}

fn plant(world: &World, project: &str, run: &str) -> crate::world::Planted {
    let labels = labels(project, run);
    world.plant(&labels.each_ref().map(String::as_str))
}

#[test]
fn only_containers_of_this_project_whose_runs_are_over_are_removed() {
    let Some(mut world) = World::new() else { return };
    let live = world.start(BOXED);
    world.kill_hosts();
    let forgotten = plant(&world, &world.label(), "isobox-00000001");
    let others = plant(&world, "al.project=/nowhere/else/.al", "isobox-00000002");
    let foreign = world.plant(&["com.example=1"]);

    let shown = world.said(&["gc", "--dry-run"]);
    assert!(shown.contains("the history does not know its run"), "{shown}");
    assert!(forgotten.lives(), "a dry run removes nothing");
    let (code, said) = world.fails(&["gc"]);
    assert_eq!(code, 2);
    assert!(said.contains("has to be confirmed"), "{said}");

    assert!(world.said(&["gc", "--yes"]).contains("removed: 1"));
    assert!(!forgotten.lives());
    assert!(others.lives() && foreign.lives());
    assert_eq!(world.containers(), [format!("al-{live}-1")]);
    assert!(world.said(&["gc", "--yes"]).starts_with("nothing is left over\n"));
}

#[test]
fn files_of_runs_that_the_history_does_not_know_are_removed() {
    let Some(world) = World::new() else { return };
    let runs = world.project().join(".al/runs");
    let make = |run: &str, age: Duration| {
        fs::create_dir_all(runs.join(run).join("1")).unwrap();
        fs::write(runs.join(run).join("1/trigger.json"), "{}").unwrap();
        let dir = fs::File::open(runs.join(run)).unwrap();
        dir.set_modified(
            SystemTime::UNIX_EPOCH + Duration::from_millis(action_llama::ambient::now_ms() as u64)
                - age,
        )
        .unwrap();
    };
    make("isobox-0000000a", Duration::from_secs(3600));
    make("isobox-0000000b", Duration::ZERO);
    let said = world.said(&["gc", "--yes"]);
    assert!(said.contains("isobox-0000000a") && said.contains("removed: 1"), "{said}");
    assert!(!runs.join("isobox-0000000a").exists());
    assert!(runs.join("isobox-0000000b").exists(), "it may be just starting");
}

#[test]
fn a_scheduler_removes_what_an_earlier_one_left() {
    let Some(mut world) = World::new() else { return };
    let live = world.start(BOXED);
    world.kill_hosts();
    let forgotten = plant(&world, &world.label(), "isobox-00000001");
    let others = plant(&world, "al.project=/nowhere/else/.al", "isobox-00000002");
    world.start(PLAIN);
    await_some("its removal", || (!forgotten.lives()).then_some(()));
    assert!(others.lives());
    assert_eq!(world.containers(), [format!("al-{live}-1")]);
}

#[test]
fn two_projects_with_agents_of_one_name_leave_each_other_alone() {
    let (Some(mut one), Some(mut two)) = (World::new(), World::new()) else { return };
    let (first, second) = (one.start(BOXED), two.start(BOXED));
    let (first, second) = (format!("al-{first}-1"), format!("al-{second}-1"));
    assert_eq!((one.containers(), two.containers()), (vec![first.clone()], vec![second.clone()]));
    // A scheduler that starts looks for what is left over, and so does a person.
    one.kill_hosts();
    one.start(PLAIN);
    one.said(&["gc", "--yes"]);
    assert_eq!((one.containers(), two.containers()), (vec![first], vec![second]));
    let agents = |world: &World| {
        world
            .living()
            .iter()
            .map(|row| row["agent"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(agents(&two), [BOXED]);
}
