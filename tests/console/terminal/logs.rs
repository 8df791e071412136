//! Reading a log while it is written.

use crate::project::Project;

#[test]
fn going_up_stops_following_and_counts_what_is_new() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["j", "s"]);
    terminal.question("Start a run of chatter?");
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
    terminal.question("Start a run of chatter?");
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
