//! Whatever stands in the files: a project or a list of problems, and never a panic.

use proptest::prelude::*;

use super::super::*;
use super::{project, request};

/// Pieces that TOML, YAML and this product's keys are made of.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "---\n",
            "\n---\n",
            "name",
            "description",
            ": ",
            "= ",
            "\n",
            "\r\n",
            "\r",
            "[",
            "]",
            "[[",
            "]]",
            "{",
            "}",
            "\"",
            "'",
            "\"\"\"",
            "#",
            ".",
            ",",
            "&a ",
            "*a",
            "<<: ",
            "- ",
            "\t",
            "\u{feff}",
            "\u{2028}",
            "ü",
            "日",
            "\u{1b}",
            "\0",
            "models",
            "webhooks",
            "source",
            "scale",
            "schedule",
            "harness",
            "type",
            "command",
            "params",
            "retry",
            "every",
            "keep",
            "\"latest\"",
            "\"5m\"",
            "model",
            "1",
            "-1",
            "nan",
            "true",
            "\"x\"",
            "server",
            "[webhooks.a]\ntype = \"github\"\n",
            "[[webhooks]]\nsource = \"a\"\n",
            "environment = \"ü\"\n",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..25).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..Default::default() })]

    #[test]
    fn is_read_and_shown(
        config in text(), env in text(), skill in text(), agent in text(), color in any::<bool>()
    ) {
        let root = project(&[
            ("config.toml", &config),
            (".env.toml", &env),
            ("agents/a/SKILL.md", &skill),
            ("agents/a/config.toml", &agent),
        ]);
        let problems = match load(&request(&root)) {
            Ok(loaded) => loaded.warnings,
            Err(problems) => {
                prop_assert!(problems.iter().any(|p| p.severity == Severity::Error));
                problems
            }
        };
        let shown = render(&problems, color);
        prop_assert_eq!(shown.is_empty(), problems.is_empty());
        prop_assert!(color || !shown.contains('\u{1b}'), "{shown:?}");
        for problem in &problems {
            let lines = std::fs::read_to_string(&problem.file).map_or(0, |t| t.split('\n').count());
            prop_assert!(problem.place().is_none_or(|place| place.line <= lines));
        }
    }
}
