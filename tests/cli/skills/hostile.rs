//! Repositories of people who mean harm.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::upstream::{Upstream, agents, al, bytes, command};
use crate::world::World;

const SKILL: &str = "---\nname: nice\ndescription: Nice\n---\nBe nice.\n";

fn project() -> World {
    World::new(&[(
        "config.toml",
        "[models.sonnet]\nprovider = \"anthropic\"\nmodel = \"claude-sonnet-4\"\n",
    )])
}

/// A skill with something beside it is refused as a whole, with the reason.
#[track_caller]
fn refused(plant: for<'a> fn(&'a mut Upstream) -> &'a mut Upstream, why: &str) {
    let world = project();
    let mut upstream = Upstream::new(&world);
    upstream.file("skills/nice/SKILL.md", SKILL);
    plant(&mut upstream);
    upstream.commit();
    let (code, out, err) = al(&world, &["add", "acme/skills", "--skill", "nice", "--yes"]);
    assert_eq!(code, 2, "{out}{err}");
    assert!(err.contains(why), "{err}");
    assert!(!err.contains('\x1b'), "{err:?}");
    assert_eq!(agents(&world), Vec::<String>::new());
    assert!(!world.project().join("agents").exists(), "not even a folder");
}

#[test]
fn links_that_lead_out_of_the_skill() {
    refused(|u| u.link("skills/nice/a", "/etc/passwd"), "leads out of it, to /etc/passwd");
    refused(|u| u.link("skills/nice/a", "../../../x"), "leads out of it, to ../../../x");
    refused(|u| u.link("skills/nice/b/a", "../../other/x"), "leads out of it");
    refused(|u| u.link("skills/nice/a", "nothing"), "leads to no file of it");
    refused(|u| u.link("skills/nice/a", "a"), "leads in a circle");
    refused(|u| u.link("skills/nice/a", &"x/".repeat(600)), "says more than a path");
    refused(
        |u| u.link("skills/nice/a", "b").link("skills/nice/b", "../../../etc/passwd"),
        "leads out of it",
    );
    // One for SKILL.md itself, which is then read from nowhere.
    refused(
        |u| u.remove("skills/nice/SKILL.md").link("skills/nice/SKILL.md", "/etc/passwd"),
        "leads out of it, to /etc/passwd",
    );
}

#[test]
fn a_link_inside_the_skill_becomes_a_copy() {
    let world = project();
    let mut upstream = Upstream::new(&world);
    upstream.file("SKILL.md", SKILL).link("docs/AGENTS.md", "../SKILL.md");
    upstream.commit();
    let (code, _, err) = al(&world, &["add", "acme/skills", "--yes"]);
    assert_eq!(code, 0, "{err}");
    let copy = world.project().join("agents/nice/docs/AGENTS.md");
    assert!(fs::symlink_metadata(&copy).unwrap().is_file());
    assert_eq!(fs::read_to_string(copy).unwrap(), SKILL);
}

#[test]
fn names_that_are_no_names() {
    refused(|u| u.file("skills/nice/../../x", "x"), "leads out of its folder");
    refused(|u| u.file("skills/nice/.git/config", "x"), "belongs to git itself");
    refused(|u| u.file("skills/nice/.GIT/hooks/post-checkout", "x"), "belongs to git itself");
    refused(|u| u.file(b"skills/nice/a\xff\xfe", "x"), "is not UTF-8");
    refused(|u| u.file("skills/nice/a\x1b[2Jb", "x"), "a\\u{1b}[2Jb has \\u{1b} in it");
    refused(|u| u.file("skills/nice/a\u{202e}b", "x"), "has \\u{202e} in it");
    refused(|u| u.file("skills/nice/NUL.txt", "x"), "is that of a device");
    refused(|u| u.file("skills/nice/a\\b", "x"), "is none of a name everywhere");
    refused(
        |u| u.file("skills/nice/Readme", "x").file("skills/nice/README", "y"),
        "differ in capitals alone",
    );
    refused(
        |u| u.file("skills/nice/SKILL.md", SKILL).file("skills/nice/skill.md", "evil"),
        "differ in capitals alone",
    );
}

#[test]
fn things_that_are_no_files() {
    refused(|u| u.submodule("skills/nice/vendor"), "vendor is another repository");
}

#[test]
fn too_much_of_it() {
    fn big(bytes: usize) -> String {
        "x".repeat(bytes)
    }
    refused(
        |u| u.file("skills/nice/SKILL.md", big(10 << 20)),
        "SKILL.md has 10 MB, more than the 1 MB",
    );
    refused(|u| u.file("skills/nice/data", big(9 << 20)), "data has 9 MB, more than the 8 MB");
    refused(
        |u| (0..5).fold(u, |u, n| u.file(format!("skills/nice/{n}"), big(7 << 20))),
        "its files have 35 MB, more than the 32 MB",
    );
    refused(
        |u| (0..1001).fold(u, |u, n| u.file(format!("skills/nice/f/{n}"), "x")),
        "it has more than 1000 files and folders",
    );
    // Few bytes that would be a thousand million folders.
    refused(|u| u.bomb("skills/nice/bomb", 9), "it has more than 1000 files and folders");
}

#[test]
fn texts_that_are_none() {
    refused(|u| u.file("skills/nice/SKILL.md", b"\xff\xfe"), "SKILL.md is not UTF-8");
    refused(|u| u.file("skills/nice/config.toml", "a = = 1"), "config.toml is not valid TOML");
}

#[test]
fn several_reasons_come_at_once() {
    for why in ["sub is another repository", "the name con is that of a device"] {
        refused(
            |u| {
                u.submodule("skills/nice/sub")
                    .link("skills/nice/l", "/x")
                    .file("skills/nice/con", "x")
            },
            why,
        );
    }
}

#[test]
fn what_a_folder_has_is_judged_like_a_repository() {
    let world = project();
    let folder = world.home().join("nice");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("SKILL.md"), SKILL).unwrap();
    symlink("/etc/passwd", folder.join("a")).unwrap();
    fs::write(folder.join(bytes(b"b\xff")), "x").unwrap();
    std::os::unix::net::UnixListener::bind(folder.join("socket")).unwrap();
    let (code, _, err) = al(&world, &["add", "../home/nice", "--yes"]);
    assert_eq!(code, 2);
    assert!(err.contains("is not UTF-8") && err.contains("socket is neither"), "{err}");
    fs::remove_file(folder.join(bytes(b"b\xff"))).unwrap();
    fs::remove_file(folder.join("socket")).unwrap();
    let (code, _, err) = al(&world, &["add", "../home/nice", "--yes"]);
    assert_eq!(code, 2);
    assert!(err.contains("leads out of it, to /etc/passwd"), "{err}");
    assert_eq!(agents(&world), Vec::<String>::new());
}

#[test]
fn places_that_are_programs_options_or_passwords() {
    let world = project();
    let marker = world.home().join("ran");
    let touch = format!("touch {}", marker.display());
    for source in [
        format!("--upload-pack={touch}"),
        format!("ext::sh -c {}", touch.replace(' ', "% ")),
        format!("-oProxyCommand={touch}:x/y"),
        format!("ssh://-oProxyCommand={touch}/x"),
        "https://ann:s3cret@example.com/a/b".to_owned(),
        "https://s3cret@example.com/a/b".to_owned(),
    ] {
        let (code, out, err) = al(&world, &["add", "--yes", "--", &source]);
        assert_eq!(code, 2, "{source}: {err}");
        assert!(!format!("{out}{err}").contains("s3cret"), "{err}");
    }
    assert!(!marker.exists());
}

#[test]
fn nothing_of_a_repository_or_of_the_callers_environment_is_run() {
    let world = project();
    let marker = world.home().join("ran");
    let script = format!("#!/bin/sh\necho $0 >> {}\n", marker.display());
    let mut upstream = Upstream::new(&world);
    upstream
        .file("SKILL.md", format!("Now: !`touch {}`\n", marker.display()))
        .file("config.toml", "scale = 0\n[hooks]\npre = [\"touch ../../../home/ran\"]\n")
        .program("hooks/post-checkout", &script)
        .file(".gitattributes", "* filter=evil diff=evil\n");
    upstream.commit();
    // Hooks and programs where git would find them: in the repository, in templates, in settings.
    let evil = world.home().join("evil");
    fs::write(&evil, &script).unwrap();
    fs::set_permissions(&evil, fs::Permissions::from_mode(0o755)).unwrap();
    let hooks = world.home().join("template/hooks");
    fs::create_dir_all(&hooks).unwrap();
    for name in ["post-checkout", "reference-transaction", "post-merge", "pre-auto-gc"] {
        for dir in [&hooks, &upstream.dir().join(".git/hooks")] {
            fs::create_dir_all(dir).unwrap();
            fs::copy(&evil, dir.join(name)).unwrap();
        }
    }
    let evil = evil.display();
    let home = world.home();
    fs::write(
        home.join(".gitconfig"),
        format!(
            "[core]\nhooksPath = {0}/template/hooks\nfsmonitor = {evil}\naskPass = {evil}\n\
             [init]\ntemplateDir = {0}/template\n[filter \"evil\"]\nsmudge = {evil}\n",
            home.display()
        ),
    )
    .unwrap();
    for (key, value) in
        [("uploadpack.packObjectsHook", evil.to_string()), ("core.fsmonitor", evil.to_string())]
    {
        upstream.said(&["config", key, &value], b"");
    }
    let output = command(&world, &["add", "acme/skills", "--yes"])
        .env("GIT_DIR", upstream.dir())
        .env("GIT_SSH_COMMAND", evil.to_string())
        .env("GIT_EXTERNAL_DIFF", evil.to_string())
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "core.hooksPath")
        .env("GIT_CONFIG_VALUE_0", hooks)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("WARNING: its instructions run commands"), "{said}");
    assert!(said.contains("WARNING: it runs commands of its own: hooks before each run"), "{said}");
    assert!(!marker.exists(), "{}", fs::read_to_string(&marker).unwrap_or_default());
    assert_eq!(
        agents(&world),
        ["skills/SKILL.md", "skills/config.toml", "skills/hooks/post-checkout"]
    );
}

#[test]
fn what_is_shown_of_it_cannot_drive_the_terminal() {
    let world = project();
    let mut upstream = Upstream::new(&world);
    upstream
        .file(
            "SKILL.md",
            "---\nname: \"ni\\e[31mce\"\ndescription: \"a\\e[2Jb\\u202e\"\n---\n!`echo \x1b]0;x\x07`\n",
        )
        .file("config.toml", "scale = 0\ncredentials = [\"a\\u001b[2Jb\"]\n");
    upstream.commit();
    let (code, out, err) = al(&world, &["add", "acme/skills", "--dry-run"]);
    assert_eq!(code, 0, "{err}");
    let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!out.contains(bad), "{out:?}");
    assert!(out.contains("echo \\u{1b}]0;x\\u{7}"), "{out}");
}
