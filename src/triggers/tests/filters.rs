//! Which deliveries a binding wants.

use proptest::prelude::*;

use super::*;
use crate::project::providers;
use crate::triggers::filter::Filter;

/// An event that has something for every field.
fn full() -> Context {
    let text = |value: &str| Some(value.to_owned());
    Context {
        source: "github".to_owned(),
        event: "workflow_run".to_owned(),
        action: text("completed"),
        repo: "acme/api".to_owned(),
        author: text("ada"),
        assignee: text("bob"),
        labels: Some(vec!["bug".to_owned(), "agent".to_owned()]),
        branch: text("main"),
        conclusion: text("failure"),
        sender: "eve".to_owned(),
        ..Context::default()
    }
}

fn admits(context: &Context, written: &[(&str, &[&str])]) -> bool {
    let written = written
        .iter()
        .map(|(name, list)| ((*name).to_owned(), list.iter().map(|&v| v.to_owned()).collect()));
    Filter::new(&providers::GITHUB, &written.collect()).unwrap().admits(context)
}

#[test]
fn each_field_compares_with_its_value() {
    let table: [(&str, &[&str], bool); 32] = [
        ("events", &["workflow_run"], true),
        ("events", &["push", "workflow_run"], true),
        ("events", &["push"], false),
        ("events", &["Workflow_run"], false),
        ("events", &["workflow_*"], false),
        ("events", &[], true),
        ("actions", &["completed"], true),
        ("actions", &["requested"], false),
        ("repos", &["acme/api", "acme/web"], true),
        ("repos", &["acme/web"], false),
        ("repos", &["api"], false),
        ("repos", &["Acme/api"], false),
        ("orgs", &["acme"], true),
        ("orgs", &["beta", "acme"], true),
        ("orgs", &["acme/api"], false),
        ("orgs", &["acm"], false),
        ("org", &["acme"], true),
        ("org", &["beta"], false),
        ("labels", &["bug"], true),
        ("labels", &["other", "agent"], true),
        ("labels", &["other"], false),
        ("labels", &["bu"], false),
        ("author", &["ada"], true),
        ("author", &["bob"], false),
        ("assignee", &["bob"], true),
        ("assignee", &["ada"], false),
        ("branches", &["main"], true),
        ("branches", &["dev"], false),
        ("branches", &["refs/heads/main"], false),
        ("conclusions", &["failure", "cancelled"], true),
        ("conclusions", &["success"], false),
        ("conclusions", &[], true),
    ];
    for (name, list, expected) in table {
        assert_eq!(admits(&full(), &[(name, list)]), expected, "{name} = {list:?}");
    }
}

#[test]
fn an_event_without_the_value_passes_only_branches_and_conclusions() {
    let bare = Context {
        action: None,
        author: None,
        assignee: None,
        labels: None,
        branch: None,
        conclusion: None,
        ..full()
    };
    let passes = |name: &str| admits(&bare, &[(name, &["x"])]);
    let passing: Vec<&str> = providers::GITHUB.names().filter(|name| passes(name)).collect();
    assert_eq!(passing, ["branches", "conclusions"]);
}

#[test]
fn all_fields_must_agree_and_both_spellings_of_orgs_are_united() {
    assert!(admits(&full(), &[]));
    assert!(admits(&full(), &[("events", &["workflow_run"]), ("labels", &["bug"])]));
    assert!(!admits(&full(), &[("events", &["workflow_run"]), ("labels", &["other"])]));
    assert!(admits(&full(), &[("org", &["acme"]), ("orgs", &["beta"])]));
    assert!(admits(&full(), &[("org", &["beta"]), ("orgs", &["acme"])]));
    assert!(!admits(&full(), &[("org", &["beta"]), ("orgs", &["gamma"])]));
}

#[test]
fn accepted_names_are_those_of_existing_projects() {
    let accepted: Vec<&str> = providers::GITHUB.names().collect();
    let expected = [
        "events",
        "actions",
        "repos",
        "orgs",
        "org",
        "labels",
        "assignee",
        "author",
        "branches",
        "conclusions",
    ];
    assert_eq!(accepted, expected);
}

/// Each delivery that a binding wants starts the agent once, also twice the same agent.
#[test]
fn every_binding_that_matches_counts() {
    let setup = Setup::signed()
        .agent_that_wants("dev", "hub", &[("events", &["push"])])
        .agent_that_wants("dev", "hub", &[("labels", &["bug"]), ("actions", &["opened"])])
        .agent_that_wants("ops", "hub", &[("orgs", &["beta"])]);
    assert_eq!(matched(setup.post("github", &Request::issue().sign("s3cret"))), ["dev 0", "dev 2"]);
}

/// The rules once more, field by field, as a person would say them.
fn wanted(context: &Context, written: &BTreeMap<String, Vec<String>>) -> bool {
    let lists = |names: &[&str]| -> Vec<&String> {
        names.iter().filter_map(|n| written.get(*n)).flatten().collect()
    };
    let one_of = |names: &[&str], value: Option<&str>| {
        let list = lists(names);
        list.is_empty() || value.is_some_and(|v| list.iter().any(|l| *l == v))
    };
    let labels = lists(&["labels"]);
    one_of(&["events"], Some(&context.event))
        && one_of(&["actions"], context.action.as_deref())
        && one_of(&["repos"], Some(&context.repo))
        && one_of(
            &["org", "orgs"],
            Some(context.repo.split_once('/').map_or(&context.repo, |(org, _)| org)),
        )
        && one_of(&["author"], context.author.as_deref())
        && one_of(&["assignee"], context.assignee.as_deref())
        && (labels.is_empty() || context.labels.iter().flatten().any(|l| labels.contains(&l)))
        && (context.branch.is_none() || one_of(&["branches"], context.branch.as_deref()))
        && (context.conclusion.is_none() || one_of(&["conclusions"], context.conclusion.as_deref()))
}

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "a/b", "b/a"]).prop_map(str::to_owned)
}

prop_compose! {
    fn context()(
        (event, repo) in (word(), word()),
        (action, author, assignee) in (prop::option::of(word()), prop::option::of(word()), prop::option::of(word())),
        (branch, conclusion) in (prop::option::of(word()), prop::option::of(word())),
        labels in prop::option::of(prop::collection::vec(word(), 0..3)),
    ) -> Context {
        Context { event, repo, action, author, assignee, branch, conclusion, labels, ..Context::default() }
    }
}

fn written() -> impl Strategy<Value = BTreeMap<String, Vec<String>>> {
    let names: Vec<String> = providers::GITHUB.names().map(str::to_owned).collect();
    prop::collection::btree_map(
        prop::sample::select(names),
        prop::collection::vec(word(), 0..4),
        0..5,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_says_the_same_as_the_rules(context in context(), written in written()) {
        let filter = Filter::new(&providers::GITHUB, &written).unwrap();
        prop_assert_eq!(filter.admits(&context), wanted(&context, &written));
    }

    /// `orgs` was once accepted and then not looked at: agents ran for every organisation.
    #[test]
    fn every_accepted_field_changes_the_match(value in "[a-z]{1,8}", provider in 0..PROVIDERS.len()) {
        let text = |value: &str| Some(value.to_owned());
        let context = Context {
            event: value.clone(),
            title: text(&value),
            comment: Some(format!("channel:{value}")),
            action: Some(value.clone()),
            repo: value.clone(),
            author: Some(value.clone()),
            assignee: Some(value.clone()),
            labels: Some(vec![value.clone()]),
            branch: Some(value.clone()),
            conclusion: Some(value.clone()),
            ..Context::default()
        };
        for name in PROVIDERS[provider].table.names() {
            let admits = |list: Vec<String>| {
                let written = BTreeMap::from([(name.to_owned(), list)]);
                let mut context = context.clone();
                if name == "commands" {
                    context.event = "application_command".to_owned();
                }
                Filter::new(PROVIDERS[provider].table, &written).unwrap().admits(&context)
            };
            prop_assert!(admits(vec![value.clone()]), "{} holds", name);
            prop_assert!(!admits(vec![format!("not {value}")]), "{} does not hold", name);
        }
    }

    #[test]
    fn no_bytes_make_a_delivery_panic(
        body in prop::collection::vec(any::<u8>(), 0..200),
        value in prop::collection::vec(any::<u8>(), 0..40),
        segment in "\\PC{0,20}",
    ) {
        let (sources, _) = Setup::default().source("open", "none", true).agent("o", "open").build();
        for name in ["x-github-event", "x-github-delivery", "x-hub-signature-256", "content-type"] {
            let request = Request::issue().header(name, value.clone());
            let _ = request.send(&sources, "github");
            let _ = request.body(body.clone()).send(&sources, &segment);
        }
    }
}
