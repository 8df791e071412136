//! Front matter and names, rule by rule.

use std::sync::Arc;

use super::super::problem::Problems;
use super::super::source::Source;
use super::super::{Skill, names, skill};

fn parse(text: &str) -> (Skill, usize) {
    let source =
        Source { path: "SKILL.md".into(), shown: "SKILL.md".to_owned(), text: text.to_owned() };
    let mut problems = Problems::new(false);
    let skill = skill::parse(&Arc::new(source), &mut problems);
    (skill, problems.len())
}

#[track_caller]
fn check(text: &str, name: Option<&str>, body: &str) {
    let expected =
        Skill { name: name.map(str::to_owned), body: body.to_owned(), ..Skill::default() };
    assert_eq!(parse(text), (expected, 0), "{text:?}");
}

#[test]
fn front_matter_ends_where_the_rules_say() {
    check("---\nname: a\n---\nBody\n", Some("a"), "Body\n");
    check("---\nname: a\n---\n\nBody\n", Some("a"), "Body\n");
    check("---\nname: a\n---\n\n\nBody\n", Some("a"), "\nBody\n");
    check(" \n\t---\nname: a\n---\nBody", Some("a"), "Body");
    check("\u{feff}---\nname: a\n---\nBody", Some("a"), "Body");
    check("---\r\nname: a\r\n---\r\n\r\nBody\r\n", Some("a"), "Body\r\n");
    check("---\nname: a\n---", Some("a"), "");
    check("---\nname: a\n---\nBody\n---\nmore\n", Some("a"), "Body\n---\nmore\n");
}

#[test]
fn text_without_front_matter_is_all_body() {
    check("", None, "");
    check("Body\n---\nname: a\n---\n", None, "Body\n---\nname: a\n---\n");
    check("---\nname: a\n", None, "---\nname: a\n");
    check("---\n- a\n- b\n---\nBody", None, "---\n- a\n- b\n---\nBody");
    check("---\njust text\n---\nBody", None, "---\njust text\n---\nBody");
    check("---\n42\n---\nBody", None, "---\n42\n---\nBody");
}

#[test]
fn empty_front_matter_is_no_body() {
    check("---\n---\nBody", None, "Body");
    check("---\n\n---\nBody", None, "Body");
    check("---\n# name: a\n---\nBody", None, "Body");
    check("---\nname:\n---\nBody", None, "Body");
    check("---\n~\n---\nBody", None, "Body");
}

#[test]
fn values_stay_the_text_that_was_written() {
    check("---\nname: yes\n---\n", Some("yes"), "");
    check("---\nname: \"5\"\n---\n", Some("5"), "");
    check("---\nname: >-\n  two\n  lines\n---\n", Some("two lines"), "");
    check("---\n{name: a}\n---\n", Some("a"), "");
}

#[test]
fn all_four_keys_are_kept() {
    let (skill, problems) =
        parse("---\nname: n\ndescription: d\nlicense: MIT\ncompatibility: c\n---\nB");
    let some = |s: &str| Some(s.to_owned());
    assert_eq!(problems, 0);
    assert_eq!(
        skill,
        Skill {
            name: some("n"),
            description: some("d"),
            license: some("MIT"),
            compatibility: some("c"),
            body: "B".to_owned(),
        }
    );
}

#[test]
fn merge_keys_are_only_unknown_keys() {
    let (skill, problems) = parse("---\n<<: {name: hidden}\n---\nB");
    assert_eq!((skill.name, problems), (None, 1));
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let last = format!("*a{}, ", i - 1).repeat(9);
        yaml.push_str(&format!("a{i}: &a{i} [{last}]\n"));
    }
    let (_, problems) = parse(&format!("---\n{yaml}---\nB"));
    assert_eq!(problems, 1);
}

#[test]
fn suggested_names_are_valid() {
    let cases = [
        ("My Agent", Some("my-agent")),
        ("a--b", Some("a-b")),
        ("-x-", Some("x")),
        ("Scheduler", Some("scheduler-agent")),
        ("code_review.v2", Some("code-review-v2")),
        ("日本", None),
        ("", None),
    ];
    for (name, suggestion) in cases {
        assert_eq!(names::suggest_agent(name).as_deref(), suggestion, "{name:?}");
    }
}

#[test]
fn names_have_their_limits() {
    for good in ["a", "0", "a-b", "a1-b2-c3", &"x".repeat(64)] {
        assert_eq!(names::check_agent(good), Ok(()), "{good}");
    }
    for bad in
        ["", "-", "a-", "-a", "a--b", "A", "a_b", "a b", "default", "scheduler", &"x".repeat(65)]
    {
        assert!(names::check_agent(bad).is_err(), "{bad}");
    }
    for good in ["prod", "a--b", &"x".repeat(50)] {
        assert_eq!(names::check_environment(good), Ok(()), "{good}");
    }
    for bad in ["", "Prod", "../x", "a.b", &"x".repeat(51)] {
        assert!(names::check_environment(bad).is_err(), "{bad}");
    }
}
