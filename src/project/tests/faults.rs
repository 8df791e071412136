//! Projects that do not load, and what their owner reads.

use insta::assert_snapshot;

use super::{project, report, request};

#[test]
fn several_faults_print_all_at_once() {
    let root = project(&[
        ("config.toml", "maxReruns = \"ten\"\n[webhooks.gh]\ntype = \"githib\"\n"),
        ("agents/a/SKILL.md", "---\nname: [\n---\n"),
        ("agents/a/config.toml", "schedule = \"often\"\nmodels = [\"gpt\"]\n"),
        ("agents/B/SKILL.md", "B"),
        ("agents/B/config.toml", "scale = 0\nharness = { type = \"script\" }\n"),
    ]);
    assert_snapshot!(report(&root, &request(&root)));
}
