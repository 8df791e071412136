//! `al ps`: what lives and what it uses.

use serde_json::Value;

use crate::world::{BOXED, PLAIN, World, await_some};

#[test]
fn runs_are_listed_with_what_they_use_also_without_a_scheduler() {
    let Some(mut world) = World::new() else { return };
    let boxed = world.start(BOXED);
    world.kill_hosts();
    let rows = world.living();
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(row["run"], boxed.as_str());
    assert_eq!(row["runtime"], "container");
    assert_eq!(row["state"], "running");
    assert_eq!(row["container"], format!("al-{boxed}-1"));
    assert_eq!(row["memoryLimitBytes"], 256 << 20);
    assert!(row["memoryBytes"].as_u64().unwrap() > 0 && row["pids"].as_u64().unwrap() > 1);

    let table = world.said(&["ps"]);
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.contains(&boxed) && table.contains("/256M"), "{table}");
}

#[test]
fn what_a_run_computes_is_seen() {
    let Some(mut world) = World::new() else { return };
    let check = |world: &mut World, agent: &str| {
        let run = world.start(agent);
        // Half a CPU is all that the container gets.
        let busy = ["exec", run.as_str(), "--", "sh", "-c", "while :; do :; done"];
        let mut spinning = world.command(&busy).spawn().unwrap();
        await_some("work", || {
            let rows = world.living();
            let row = rows.iter().find(|row| row["agent"] == agent)?;
            row["cpuPercent"].as_f64().filter(|percent| *percent > 5.0)
        });
        spinning.kill().unwrap();
        spinning.wait().unwrap();
    };
    check(&mut world, BOXED);
}

#[test]
fn processes_are_listed_too() {
    let Some(mut world) = World::new() else { return };
    let run = world.start(PLAIN);
    let rows = world.living();
    assert_eq!((&rows[0]["run"], &rows[0]["runtime"]), (&run.into(), &"process".into()));
    assert!(rows[0]["pid"].as_u64().unwrap() > 1);
    assert!(rows[0]["memoryBytes"].as_u64().unwrap() > 0);
    assert!(rows[0]["pids"].as_u64().unwrap() >= 1);
    assert_eq!(rows[0]["container"], Value::Null);
}

#[test]
fn containers_of_other_projects_are_listed_only_when_asked_for() {
    let Some(world) = World::new() else { return };
    let other = "/nowhere/of-another-project/.al";
    let planted = world.plant(&[
        &format!("al.project={other}"),
        "al.agent=dev",
        "al.run=dev-00000001",
        "al.attempt=1",
    ]);
    assert_eq!(world.said(&["ps"]), "nothing runs; `al runs` lists what did\n");
    let all: Value =
        serde_json::from_str(&world.said(&["ps", "--json", "--all-projects"])).unwrap();
    let rows = all["running"].as_array().unwrap();
    let row = rows.iter().find(|row| row["project"] == other).unwrap();
    assert_eq!((&row["run"], &row["state"]), (&"dev-00000001".into(), &"running".into()));
    assert!(planted.lives());
}
