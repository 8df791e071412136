//! `read`, `write`, `edit`.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::json;

use super::World;

#[tokio::test]
async fn a_file_is_read_with_the_numbers_of_its_lines() {
    let world = World::new();
    world.put("a.txt", "one\n\ttwo\r\n\nü");
    let all = "    1\tone\n    2\t\ttwo\n    3\t\n    4\tü\n";
    let own = world.path("a.txt").display().to_string();
    for path in ["a.txt", "./a.txt", "~/a.txt", "$AL_WORK_DIR/a.txt", "${AL_WORK_DIR}/a.txt", &own]
    {
        assert_eq!(world.good("read", json!({"path": path})).await, all, "{path}");
    }
    let part = world.good("read", json!({"path": "a.txt", "offset": 2, "limit": 2})).await;
    assert_eq!(part, "    2\t\ttwo\n    3\t\n[there is more: go on with offset 4]");
    let end = world.good("read", json!({"path": "a.txt", "offset": 3, "limit": 2})).await;
    assert_eq!(end, "    3\t\n    4\tü\n");
    let beyond = world.bad("read", json!({"path": "a.txt", "offset": 9})).await;
    assert_eq!(beyond, "the file has only 4 lines");
    world.put("empty", "");
    assert_eq!(world.good("read", json!({"path": "empty"})).await, "[the file is empty]");
}

#[tokio::test]
async fn the_agents_own_files_are_found_by_relative_paths() {
    let world = World::new();
    fs::write(world.dir.path().join("agent/SKILL.md"), "skill\n").unwrap();
    for path in ["SKILL.md", "$AL_AGENT_DIR/SKILL.md"] {
        assert_eq!(world.good("read", json!({"path": path})).await, "    1\tskill\n");
    }
    world.put("SKILL.md", "mine\n");
    assert_eq!(world.good("read", json!({"path": "SKILL.md"})).await, "    1\tmine\n");
    let found = world.good("grep", json!({"pattern": "skill", "path": "$AL_AGENT_DIR"})).await;
    assert!(found.ends_with("/agent/SKILL.md:1:skill"), "{found}");
}

#[tokio::test]
async fn what_cannot_be_read_is_explained() {
    let world = World::new();
    world.put("config.toml", "a");
    world.put("binary", b"\x7fELF\0\0");
    fs::create_dir(world.path("src")).unwrap();
    symlink("nowhere", world.path("link")).unwrap();
    let check = async |path: &str, want: &str| {
        assert_eq!(world.bad("read", json!({"path": path})).await, want);
    };
    check("confg.toml", "there is no confg.toml; there is config.toml").await;
    check("Config.toml", "there is no Config.toml; there is config.toml").await;
    check("x/y", "there is no x/y").await;
    check("link", "link leads to nowhere, which is not there").await;
    check("src", "src is a folder: list it with `ls`, look through it with `grep`").await;
    check("binary", "binary is no text: look at it with programs like `file` or `xxd` in `bash`")
        .await;
    check("/dev/zero", "/dev/zero is no ordinary file, and reading it might never end").await;
    check("config.toml/x", "cannot read config.toml/x: Not a directory (os error 20)").await;
}

#[tokio::test]
async fn long_files_and_long_lines_are_read_in_parts() {
    let world = World::new();
    let text: String = (1..=9000).map(|n| format!("line {n}\n")).collect();
    world.put("long", text);
    let text = world.good("read", json!({"path": "long"})).await;
    assert!(text.ends_with(" 2000\tline 2000\n[there is more: go on with offset 2001]"));
    let text = world.good("read", json!({"path": "long", "limit": 10_000})).await;
    assert!(text.len() < 50_000 && text.contains("[there is more: go on with offset "));
    world.put("wide", [&b"\xff".repeat(5000)[..], b"\nend"].concat());
    let text = world.good("read", json!({"path": "wide"})).await;
    assert_eq!(text, format!("    1\t{}… [3000 bytes cut]\n    2\tend\n", "\u{fffd}".repeat(2000)));
    world.put("broad", "日".repeat(1000));
    let text = world.good("read", json!({"path": "broad"})).await;
    assert_eq!(text, format!("    1\t{}… [1002 bytes cut]\n", "日".repeat(666)));
}

#[tokio::test]
async fn the_beginning_of_a_huge_file_is_read_at_once() {
    let world = World::new();
    world.put("huge", "first\n".repeat(20_000));
    File::options().write(true).open(world.path("huge")).unwrap().set_len(10 << 30).unwrap();
    let text = world.good("read", json!({"path": "huge", "limit": 1})).await;
    assert_eq!(text, "    1\tfirst\n[there is more: go on with offset 2]");
    let text = world.bad("edit", json!({"path": "huge", "old": "first", "new": ""})).await;
    assert!(text.contains("too large for `edit`"), "{text}");
}

#[tokio::test]
async fn a_file_is_written_with_the_folders_on_the_way() {
    let world = World::new();
    let arguments = json!({"path": "a/b/c.txt", "content": "hello\n"});
    assert_eq!(world.good("write", arguments).await, "wrote 6 bytes to a/b/c.txt, in a new file");
    assert_eq!(world.get("a/b/c.txt"), "hello\n");
    let arguments = json!({"path": "a/b/c.txt", "content": ""});
    assert_eq!(world.good("write", arguments).await, "wrote 0 bytes to a/b/c.txt, in place of 6");
    let names = fs::read_dir(world.path("a/b")).unwrap().count();
    assert_eq!((world.get("a/b/c.txt").as_str(), names), ("", 1), "nothing else is left");
    assert_eq!(world.bad("write", json!({"path": "a", "content": "x"})).await, "a is a folder");
    let text = world.bad("write", json!({"path": "/dev/null", "content": "x"})).await;
    assert_eq!(text, "/dev/null is no ordinary file");
    let text = world.bad("write", json!({"path": "a/b/c.txt/d", "content": "x"})).await;
    assert!(text.starts_with("cannot write a/b/c.txt/d: "), "{text}");
}

#[tokio::test]
async fn a_file_that_is_written_anew_keeps_its_mode_and_its_links() {
    let world = World::new();
    for (tool, arguments) in [
        ("write", json!({"path": "link", "content": "new\n"})),
        ("edit", json!({"path": "link", "old": "old", "new": "new"})),
    ] {
        world.put("dir/script", "old\n");
        fs::set_permissions(world.path("dir/script"), Permissions::from_mode(0o751)).unwrap();
        let _ = fs::remove_file(world.path("link"));
        symlink("dir/script", world.path("link")).unwrap();
        world.good(tool, arguments).await;
        assert_eq!(world.get("dir/script"), "new\n");
        assert!(fs::symlink_metadata(world.path("link")).unwrap().is_symlink());
        let mode = fs::metadata(world.path("dir/script")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o751);
    }
    symlink("dir/later", world.path("ahead")).unwrap();
    world.good("write", json!({"path": "ahead", "content": "x"})).await;
    assert_eq!(world.get("dir/later"), "x");
    symlink("round", world.path("round")).unwrap();
    let text = world.bad("write", json!({"path": "round", "content": "x"})).await;
    assert_eq!(text, "cannot write round: the links go round in circles");
}

#[tokio::test]
async fn what_is_read_only_is_left_alone() {
    let world = World::new();
    world.put("a", "old\n");
    fs::set_permissions(world.path("a"), Permissions::from_mode(0o444)).unwrap();
    let want = "a is read-only: use `chmod u+w` in `bash` first if it is yours to change";
    assert_eq!(world.bad("write", json!({"path": "a", "content": "new"})).await, want);
    assert_eq!(world.bad("edit", json!({"path": "a", "old": "old", "new": "new"})).await, want);
    world.good("bash", json!({"command": "chmod u+w a"})).await;
    world.good("edit", json!({"path": "a", "old": "old", "new": "new"})).await;
    assert_eq!(world.get("a"), "new\n");
}

#[tokio::test]
async fn an_edit_changes_one_place_and_nothing_else() {
    let world = World::new();
    world.put("a", b"one\n\xff\ntwo\n");
    let text = world.good("edit", json!({"path": "a", "old": "two", "new": "2"})).await;
    assert_eq!(text, "changed a at line 3");
    assert_eq!(fs::read(world.path("a")).unwrap(), b"one\n\xff\n2\n");
    let check = async |arguments, want: &str| {
        assert_eq!(world.bad("edit", arguments).await, want);
    };
    check(
        json!({"path": "a", "old": "two", "new": "2"}),
        "a: `old` does not stand there, and nothing like it: read the file again",
    )
    .await;
    check(
        json!({"path": "a", "old": "2", "new": "2"}),
        "`old` and `new` are the same: nothing would change",
    )
    .await;
    check(json!({"path": "b", "old": "2", "new": ""}), "there is no b").await;
    assert_eq!(fs::read(world.path("a")).unwrap(), b"one\n\xff\n2\n");
}

#[tokio::test]
async fn names_that_are_no_text_harm_nobody() {
    let world = World::new();
    world.put(OsStr::from_bytes(b"caf\xe9.txt"), "word\n");
    world.put("two\nlines", "word\n");
    let names = "caf\u{fffd}.txt (5)\ntwo\\nlines (5)";
    assert_eq!(world.good("ls", json!({})).await, names);
    let found = world.good("find", json!({"pattern": "*"})).await;
    assert_eq!(found, "caf\u{fffd}.txt\ntwo\\nlines");
    let found = world.good("grep", json!({"pattern": "word"})).await;
    assert_eq!(found, "caf\u{fffd}.txt:1:word\ntwo\\nlines:1:word");
}
