//! Explaining a delivery and receiving it are one thing.

use proptest::prelude::*;

use super::*;
use crate::triggers::{Fixture, explain};

const WORDS: [&str; 8] = ["a", "b", "a/b", "b/a", "issues", "push", "workflow_run", "main"];
const FIELDS: [&str; 10] = [
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

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(WORDS.to_vec())
}

prop_compose! {
    /// Something of GitHub with the fields of every event.
    fn body()(
        (action, repo, login) in (word(), word(), word()),
        (branch, conclusion) in (word(), prop::option::of(word())),
        labels in prop::collection::vec(word(), 0..3),
    ) -> Value {
        let labels: Vec<Value> = labels.iter().map(|name| json!({"name": name})).collect();
        json!({
            "action": action,
            "repository": {"full_name": repo},
            "sender": {"login": login},
            "ref": format!("refs/heads/{branch}"),
            "issue": {"number": 1, "user": {"login": login}, "labels": labels},
            "workflow_run": {"head_branch": branch, "conclusion": conclusion},
        })
    }
}

fn bindings() -> impl Strategy<Value = Vec<BTreeMap<&'static str, Vec<&'static str>>>> {
    let lists = prop::collection::vec(word(), 0..4);
    let fields = prop::sample::select(FIELDS.to_vec());
    prop::collection::vec(prop::collection::btree_map(fields, lists, 0..4), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_explanation_agrees_with_a_signed_delivery(
        event in prop::sample::select(vec!["issues", "push", "workflow_run", "ping", "star"]),
        body in body(),
        bindings in bindings(),
    ) {
        let mut setup = Setup::default()
            .source("hub", "default", false)
            .secret("default", "s3cret")
            .source("other", "another", false)
            .secret("another", "s3cond")
            .agent("elsewhere", "other");
        for (i, binding) in bindings.iter().enumerate() {
            let lists: Vec<(&str, &[&str])> =
                binding.iter().map(|(name, list)| (*name, list.as_slice())).collect();
            setup = setup.agent_that_wants(if i % 2 == 0 { "dev" } else { "ops" }, "hub", &lists);
        }
        let sources = setup.build().0;
        let request = Request::event(event, &body).sign("s3cret");
        let received = request.send(&sources, "hub").unwrap();
        let headers = vec![("x-github-event".to_owned(), event.to_owned())];
        let fixture = Fixture { headers, body: body.to_string().into_bytes() };
        let told = explain(&sources, Some("hub"), &fixture, NOW_MS).unwrap();

        prop_assert_eq!(&told.delivery.context, &received.context);
        prop_assert_eq!(&told.delivery.matches, &received.matches);
        for binding in &told.bindings {
            let matched = received
                .matches
                .iter()
                .any(|m| m.agent == binding.agent && m.binding == binding.binding);
            prop_assert_eq!(binding.matched, matched);
            let passes = binding.filters.iter().all(|verdict| verdict.passes);
            let heard = received.context.is_some() && binding.agent != "elsewhere";
            prop_assert_eq!(binding.matched, heard && passes);
        }
    }
}
