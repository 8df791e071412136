//! What is too much, and what cannot be asked for.

use al_support::{Fake, Say};

use crate::project::Project;

#[test]
fn a_long_reply_is_one_record_with_its_beginning() {
    let fake = Fake::start(vec![Say::text(&"word ".repeat(40_000))]);
    let project = Project::with_model("openai", "gpt-4.1", &fake);
    project.run(0);
    let log = project.log();
    let told = log.iter().find(|record| record["msg"] == "assistant").expect("it is a record");
    let text = told["text"].as_str().unwrap();
    assert!(text.len() < 32 * 1024 && text.ends_with(" bytes cut]"), "{} bytes", text.len());
}

#[test]
fn a_run_that_is_done_is_not_asked_about_its_budget() {
    let fake = Fake::start(vec![Say::text("Done.")]);
    let project = Project::with_model("openai", "gpt-4.1", &fake);
    project.add("config.toml", "price = { input = 1000.0, output = 1000.0 }\n");
    let budget = "[budget]\nperRun = \"$0.01\"\nthen = \"ask\"\n";
    project.add("agents/dev/config.toml", budget);
    project.run(0);
    assert_eq!(project.only_run()["state"], "succeeded");
}

#[test]
fn only_the_talk_with_a_model_is_recorded() {
    let fake = Fake::start(vec![]);
    let project = Project::with_model("openai", "gpt-4.1", &fake);
    project.add("agents/dev/config.toml", "[harness]\ntype = \"script\"\ncommand = \"true\"\n");
    let file = project.root().join("talk.jsonl");
    let output = project.al(&["run", "dev", "--record", file.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("dev cannot be recorded: its engine is script"), "{said}");
    assert!(!file.exists());
}

#[test]
fn a_test_with_a_trigger_that_is_none_names_those_there_are() {
    let project = Project::with_model("openai", "gpt-4.1", &Fake::start(vec![]));
    project.add("agents/dev/tests/a.jsonl", "{\"text\": \"hi\"}\n");
    project.add(
        "agents/dev/tests/a.toml",
        "recording = \"a.jsonl\"\ntrigger = { type = \"webhok\" }\n[expect]\n",
    );
    let output = project.al(&["test"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("trigger.type is \"webhok\"; it is one of manual"), "{said}");
}
