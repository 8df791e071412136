//! What each field of each provider is compared with, both spellings of it.

use super::*;
use crate::project::providers::{DISCORD, LINEAR, MINTLIFY, Provider, SENTRY, SLACK, TWITTER};
use crate::triggers::filter::Filter;

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

/// Whether an event passes when `name` lists `listed`.
fn check(provider: &Provider, context: &Context, table: &[(&str, &[&str], bool)]) {
    for (name, listed, expected) in table {
        let listed = listed.iter().map(|&value| value.to_owned()).collect();
        let written = BTreeMap::from([((*name).to_owned(), listed)]);
        let filter = Filter::new(provider, &written).unwrap();
        assert_eq!(filter.admits(context), *expected, "{} {name} {context:?}", provider.kind);
    }
}

#[test]
fn sentry() {
    let context = Context { event: "issue".to_owned(), ..Context::default() };
    check(
        &SENTRY,
        &context,
        &[
            ("resources", &["issue"], true),
            ("resources", &["error", "issue"], true),
            ("resources", &["error"], false),
            ("resources", &["Issue"], false),
            ("resources", &[], true),
        ],
    );
}

#[test]
fn linear() {
    let context = Context {
        event: "issues".to_owned(),
        action: text("create"),
        repo: "org-1".to_owned(),
        labels: Some(vec!["bug".to_owned(), "fuel".to_owned()]),
        author: text("ada@example.com"),
        assignee: text("bob@example.com"),
        ..Context::default()
    };
    check(
        &LINEAR,
        &context,
        &[
            ("events", &["issues"], true),
            ("events", &["issue_comment"], false),
            ("actions", &["create"], true),
            ("actions", &["remove"], false),
            ("organizations", &["org-2", "org-1"], true),
            ("organizations", &["org-2"], false),
            ("labels", &["other", "fuel"], true),
            ("labels", &["other"], false),
            ("author", &["ada@example.com"], true),
            ("author", &["bob@example.com"], false),
            ("assignee", &["bob@example.com"], true),
            ("assignee", &["ada@example.com"], false),
        ],
    );
    let bare = Context { event: "project".to_owned(), ..Context::default() };
    let fails = |name| (name, &["x"][..], false);
    check(&LINEAR, &bare, &["actions", "labels", "author", "assignee"].map(fails));
}

#[test]
fn mintlify() {
    let context = Context {
        event: "build".to_owned(),
        action: text("failed"),
        repo: "docs".to_owned(),
        branch: text("main"),
        ..Context::default()
    };
    check(
        &MINTLIFY,
        &context,
        &[
            ("events", &["build"], true),
            ("events", &["preview"], false),
            ("actions", &["failed"], true),
            ("actions", &["success"], false),
            ("projects", &["docs"], true),
            ("projects", &["site"], false),
            ("repos", &["docs"], true),
            ("repos", &["site"], false),
            ("branches", &["main"], true),
            ("branches", &["dev"], false),
        ],
    );
}

#[test]
fn slack() {
    let message = Context {
        event: "message".to_owned(),
        repo: "T1".to_owned(),
        comment: text("channel:C1"),
        ..Context::default()
    };
    check(
        &SLACK,
        &message,
        &[
            ("events", &["message"], true),
            ("events", &["app_mention"], false),
            ("channels", &["C0", "C1"], true),
            ("channels", &["C0"], false),
            ("channels", &["channel:C1"], false),
            ("team_ids", &["T1"], true),
            ("team_ids", &["T2"], false),
        ],
    );
    for comment in [None, text("message:C1")] {
        let reaction = Context { comment, ..message.clone() };
        check(&SLACK, &reaction, &[("channels", &["C1"], false), ("channels", &[], true)]);
    }
}

#[test]
fn discord() {
    let command = Context {
        event: "application_command".to_owned(),
        repo: "G1".to_owned(),
        title: text("launch"),
        branch: text("C1"),
        ..Context::default()
    };
    check(
        &DISCORD,
        &command,
        &[
            ("events", &["application_command"], true),
            ("events", &["modal_submit"], false),
            ("guilds", &["G1"], true),
            ("guilds", &["G2"], false),
            ("channels", &["C1"], true),
            ("channels", &["C2"], false),
            ("commands", &["launch"], true),
            ("commands", &["land"], false),
        ],
    );
    let typing = Context { event: "autocomplete".to_owned(), ..command.clone() };
    check(&DISCORD, &typing, &[("commands", &["land"], false), ("commands", &["launch"], true)]);
    for event in ["message_component", "modal_submit"] {
        let other = Context { event: event.to_owned(), ..command.clone() };
        check(&DISCORD, &other, &[("commands", &["land"], true)]);
    }
    let direct = Context { repo: String::new(), branch: text(""), ..command };
    check(&DISCORD, &direct, &[("guilds", &["G1"], false), ("channels", &["C1"], true)]);
}

#[test]
fn twitter() {
    let context =
        Context { event: "follow_events".to_owned(), repo: "42".to_owned(), ..Context::default() };
    check(
        &TWITTER,
        &context,
        &[
            ("events", &["follow_events"], true),
            ("events", &["follow"], false),
            ("users", &["7", "42"], true),
            ("users", &["7"], false),
            ("repos", &["42"], true),
            ("repos", &["7"], false),
        ],
    );
}

#[test]
fn what_both_spellings_list_is_united() {
    let context = Context { repo: "42".to_owned(), ..Context::default() };
    let admits = |users: &str, repos: &str| {
        let list = |name: &str, value: &str| (name.to_owned(), vec![value.to_owned()]);
        let written = BTreeMap::from([list("users", users), list("repos", repos)]);
        Filter::new(&TWITTER, &written).unwrap().admits(&context)
    };
    assert!(admits("42", "7") && admits("7", "42") && !admits("7", "8"));
}

#[test]
fn a_field_of_another_provider_is_none() {
    for (provider, name) in
        [(&SENTRY, "events"), (&SLACK, "commands"), (&DISCORD, "team_ids"), (&TWITTER, "projects")]
    {
        let written = BTreeMap::from([(name.to_owned(), vec!["x".to_owned()])]);
        assert_eq!(Filter::new(provider, &written).unwrap_err(), name, "{}", provider.kind);
    }
}
