//! `grep`, `find`, `ls`.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use super::World;

/// A small repository.
fn world() -> World {
    let world = World::new();
    world.put("repo/.git/config", "needle\n");
    world.put("repo/.gitignore", "target/\n*.log\n");
    world.put("repo/.github/ci.yml", "on: Needle\n");
    world.put("repo/a.log", "needle\n");
    world.put("repo/target/out.rs", "needle\n");
    world.put("repo/src/main.rs", "fn main() {\n    needle();\n}\n");
    world.put("repo/src/deep/lib.rs", "// needle\r\n");
    world.put("repo/src/deep/x.log", "needle\n");
    world.put("repo/picture.png", b"\x89PNG\0needle\n");
    symlink("src/main.rs", world.path("repo/link.rs")).unwrap();
    symlink("..", world.path("repo/src/up")).unwrap();
    world
}

#[tokio::test]
async fn lines_are_found_where_a_person_would_look() {
    let world = world();
    let check = async |arguments: Value, want: &str| {
        assert_eq!(world.good("grep", arguments.clone()).await, want, "{arguments}");
    };
    let both = "repo/src/deep/lib.rs:1:// needle\nrepo/src/main.rs:2:    needle();";
    check(json!({"pattern": "needle"}), both).await;
    check(json!({"pattern": "needle", "path": "repo"}), both).await;
    check(json!({"pattern": "needle", "path": "repo/src/../src"}), both).await;
    check(
        json!({"pattern": "NEEDLE", "ignore_case": true, "glob": "*.yml"}),
        "repo/.github/ci.yml:1:on: Needle",
    )
    .await;
    check(json!({"pattern": "needle$"}), "repo/src/deep/lib.rs:1:// needle").await;
    check(json!({"pattern": "needle", "glob": "!lib.rs"}), "repo/src/main.rs:2:    needle();")
        .await;
    check(
        json!({"pattern": "needle", "glob": "src/*.rs", "path": "repo"}),
        "repo/src/main.rs:2:    needle();",
    )
    .await;
    check(json!({"pattern": "needle", "path": "repo/target"}), "repo/target/out.rs:1:needle").await;
    check(json!({"pattern": "needle", "path": "repo/a.log"}), "repo/a.log:1:needle").await;
    check(json!({"pattern": "nothing", "path": "repo"}), "no line in repo matches \"nothing\"")
        .await;
    check(
        json!({"pattern": "needle", "path": "repo/src/main.rs", "context": 1}),
        "repo/src/main.rs-1-fn main() {\nrepo/src/main.rs:2:    needle();\nrepo/src/main.rs-3-}",
    )
    .await;
}

#[tokio::test]
async fn what_cannot_be_searched_is_explained() {
    let world = world();
    let text = world.bad("grep", json!({"pattern": "a("})).await;
    assert!(text.starts_with("the pattern cannot be used: regex parse error:"), "{text}");
    let text = world.bad("grep", json!({"pattern": "a", "glob": "[", "path": "repo"})).await;
    assert!(text.starts_with("\"[\" is no glob: "), "{text}");
    let text = world.bad("grep", json!({"pattern": "a", "path": "repos"})).await;
    assert_eq!(text, "there is no repos; there is repo");
    let text = world.bad("grep", json!({"pattern": "a", "path": "repo/picture.png"})).await;
    assert_eq!(text, "repo/picture.png is no text");
}

#[tokio::test]
async fn matches_with_lines_around_them_are_kept_apart() {
    let world = World::new();
    world.put("a", "1\nx2\n3\nx4\n5\n6\n7\n8\nx9\n");
    world.put("b", "x\n");
    let text = world.good("grep", json!({"pattern": "x", "context": 1})).await;
    let want = "a-1-1\na:2:x2\na-3-3\na:4:x4\na-5-5\n--\na-8-8\na:9:x9\n--\nb:1:x";
    assert_eq!(text, want);
}

#[tokio::test]
async fn many_matches_are_cut() {
    let world = World::new();
    world.put("a", "x\n".repeat(300));
    let text = world.good("grep", json!({"pattern": "x"})).await;
    assert_eq!(text.lines().count(), 101);
    assert!(text.ends_with("a:100:x\n[these are the first 100 matches: there are more]"));
    world.put("a", format!("{}\n", "y".repeat(100_000)).repeat(300));
    let text = world.good("grep", json!({"pattern": "y", "limit": 1000})).await;
    assert!(text.len() < 60_000 && text.contains("… [99500 bytes cut]"));
}

#[tokio::test]
async fn files_are_found_by_name_and_by_path() {
    let world = world();
    let check = async |arguments: Value, want: &str| {
        assert_eq!(world.good("find", arguments.clone()).await, want, "{arguments}");
    };
    let all = "repo/link.rs\nrepo/src/deep/lib.rs\nrepo/src/main.rs";
    check(json!({"pattern": "*.rs"}), all).await;
    check(
        json!({"pattern": "src/**/*.rs", "path": "repo"}),
        "repo/src/deep/lib.rs\nrepo/src/main.rs",
    )
    .await;
    check(json!({"pattern": "./repo/src/*.rs"}), "repo/src/main.rs").await;
    check(json!({"pattern": "deep"}), "repo/src/deep/").await;
    check(json!({"pattern": ".git*"}), "repo/.github/\nrepo/.gitignore").await;
    check(json!({"pattern": "*.rs", "path": "repo/target"}), "repo/target/out.rs").await;
    check(json!({"pattern": "*.py"}), "nothing in the work folder is called \"*.py\"").await;
    let cut = "repo/link.rs\nrepo/src/deep/lib.rs\n[these are the first 2: there are more]";
    check(json!({"pattern": "*.rs", "limit": 2}), cut).await;
    let text = world.bad("find", json!({"pattern": "*", "path": "repo/a.log"})).await;
    assert_eq!(text, "repo/a.log is no folder");
}

#[tokio::test]
async fn a_project_around_that_ignores_the_work_folder_hides_nothing() {
    let world = World::new();
    fs::create_dir(world.dir.path().join(".git")).unwrap();
    fs::write(world.dir.path().join(".gitignore"), "work/\n").unwrap();
    world.put("a/b", "x\n");
    for path in [".", "a"] {
        assert_eq!(world.good("grep", json!({"pattern": "x", "path": path})).await, "a/b:1:x");
    }
}

#[tokio::test]
async fn a_folder_is_listed_by_name() {
    let world = world();
    let text = world.good("ls", json!({"path": "repo"})).await;
    let want = ".git/\n.github/\n.gitignore (14)\na.log (7)\nlink.rs -> src/main.rs\n\
                picture.png (12)\nsrc/\ntarget/";
    assert_eq!(text, want);
    assert_eq!(world.good("ls", json!({})).await, "repo/");
    let text = world.good("ls", json!({"path": "repo", "limit": 2})).await;
    assert_eq!(text, ".git/\n.github/\n[6 more: raise `limit`, or use `find`]");
    fs::create_dir(world.path("empty")).unwrap();
    assert_eq!(world.good("ls", json!({"path": "empty"})).await, "[the folder is empty]");
    let text = world.bad("ls", json!({"path": "repo/a.log"})).await;
    assert_eq!(text, "repo/a.log is a file, no folder: `read` shows what is in it");
    assert_eq!(world.bad("ls", json!({"path": "rep"})).await, "there is no rep; there is repo");
}
