//! Reading a log while it is written.

use crate::project::Project;

#[test]
fn going_up_stops_following_and_counts_what_is_new() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["j", "s"]);
    terminal.run_form("chatter");
    terminal.press(&["Enter"]);
    terminal.shows("line 30 of many");
    terminal.press(&["5", "k", "k", "k"]);
    let before = terminal.until("a log that does not follow", |screen| {
        screen.contains("follow off") && screen.contains(" new ") && !screen.contains("│")
    });
    let still = |screen: &str| -> Vec<String> {
        screen.lines().filter(|line| line.contains(" of many")).map(str::to_owned).collect()
    };
    let later = terminal.until("some new records", |screen| {
        let count = screen.split(" new").next().and_then(|text| text.split(" v ").last());
        count.is_some_and(|count| count.parse::<u32>().is_ok_and(|new| new > 40))
    });
    assert_eq!(still(&before), still(&later), "the text must not move under the reader");

    terminal.press(&["G"]);
    terminal.hides("follow off");
    project.open_gate("chatter");
    terminal.shows("succeeded");
}

#[test]
fn search_goes_from_match_to_match() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["j", "s"]);
    terminal.run_form("chatter");
    terminal.press(&["Enter"]);
    terminal.shows("line 30 of many");
    project.open_gate("chatter");
    terminal.line(&["> chatter", "ok"]);
    terminal.press(&["5", "/"]);
    terminal.write("line 2");
    // 2 and 20 to 29 at least.
    terminal.press(&["Enter"]);
    terminal.shows("/line 2 ");
    terminal.press(&["g", "g", "n"]);
    terminal.reverses("line 2 of many");
    terminal.press(&["n"]);
    terminal.reverses("line 20 of many");
    terminal.press(&["n"]);
    terminal.reverses("line 21 of many");
    terminal.press(&["N"]);
    terminal.reverses("line 20 of many");
    terminal.press(&["Escape"]);
    terminal.hides("/line 2 ");
}

#[test]
fn errors_are_jumped_to_and_levels_hide_the_rest() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["s"]);
    terminal.run_form("broken");
    terminal.press(&["Enter"]);
    terminal.line(&["> broken", "bad"]);
    terminal.press(&["5", "g", "g", "e"]);
    terminal.reverses("run failed");
    // all, info, warn and worse: what went as it should is out of the way.
    terminal.press(&["v", "v"]);
    terminal.hides("looking for the map");
    terminal.shows("level >=warn");
    terminal.shows("run failed");
    terminal.press(&["v", "v"]);
    terminal.shows("looking for the map");
}

#[test]
fn a_log_is_pinned_by_opening_its_run_and_esc_leads_back() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    project.deliver(1);
    terminal.line(&["deploy", "running"]);
    terminal.press(&["G", "Enter"]);
    terminal.shows("Runs of deploy 1");
    terminal.press(&["Enter"]);
    terminal.shows("[5 Logs]");
    terminal.shows("step 2 of 3: build");
    terminal.press(&["Escape"]);
    terminal.shows("[2 Runs]");
    terminal.press(&["Escape"]);
    terminal.shows("[1 Agents]");
}
