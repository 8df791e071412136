//! What a run sees and may do in its container. Each assertion is printed.

use action_llama::runtime::{ExitWhy, Spec};
use action_llama::signal::RETURN_MAX;

use crate::world::World;
use crate::{container, has_engine, mount, with};

/// A line for the shell in the container, and what it prints.
async fn check(what: &str, change: impl FnOnce(&World, Spec) -> Spec, line: &str, want: &str) {
    let world = World::new();
    let spec = change(&world, container(&world, line));
    let exit = world.run(spec).await;
    let got = world.output().join("\n");
    assert_eq!(got, want, "{what}: {line} ({exit:?})");
    println!("in a container: {what}");
}

fn plain(_: &World, spec: Spec) -> Spec {
    spec
}

fn with_credentials(_: &World, spec: Spec) -> Spec {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    Spec {
        files: vec![file("github_token/default/token", "ghp_x"), file("git_ssh/me/id_rsa", "key")],
        env: vec![("GITHUB_TOKEN".to_owned(), "ghp_x".to_owned())],
        ..spec
    }
}

#[tokio::test]
async fn a_container_is_locked_down() {
    if !has_engine() {
        return;
    }
    let touch =
        "touch /x 2>/dev/null || touch /app/x 2>/dev/null || touch /etc/x 2>/dev/null || echo no";
    check("the root file system cannot be written", plain, touch, "no").await;
    let room = "echo a > /tmp/a && cat /tmp/a; df -k --output=size /tmp | tail -1 | tr -d ' '; \
                df -k --output=size /workspace | tail -1 | tr -d ' '; touch /workspace/x /home/node/x && echo ok";
    check(
        "/tmp, /workspace and /home/node can, and are limited",
        plain,
        room,
        "a\n2097152\n2097152\nok",
    )
    .await;
    check(
        "the user is 1000:1000, without other groups",
        plain,
        "id -u; id -g; id -G",
        "1000\n1000\n1000",
    )
    .await;
    let status = "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | grep -v 0000000000000000; \
                  grep NoNewPrivs /proc/self/status | tr -d '\\t'";
    check("there are no capabilities and no new privileges", plain, status, "NoNewPrivs:1").await;
    let sockets = "find / -name '*docker*.sock' 2>/dev/null; find / -type s 2>/dev/null; echo none";
    check("the engine's socket is not there", plain, sockets, "none").await;
    check(
        "the agent's files are at /app/static",
        plain,
        "cat $AL_AGENT_DIR/note; pwd",
        "a file\n/tmp",
    )
    .await;
}

#[tokio::test]
async fn credentials_are_files_of_the_run_alone() {
    if !has_engine() {
        return;
    }
    let look = "cd /credentials && find . -type f | sort && stat -c '%a %u' . github_token \
                github_token/default github_token/default/token && test \"$GITHUB_TOKEN\" = \
                \"$(cat github_token/default/token)\" && echo same; stat -f -c %T /credentials";
    let want = "./git_ssh/me/id_rsa\n./github_token/default/token\n700 1000\n700 1000\n700 1000\n\
                400 1000\nsame\ntmpfs";
    check(
        "credentials are 0400 below 0700, in memory, and nothing else is",
        with_credentials,
        look,
        want,
    )
    .await;
    let none = "ls -A /credentials; env | grep -c GITHUB_TOKEN";
    check("an agent without credentials has none", plain, none, "0").await;
    let init = "tr '\\0' '\\n' < /proc/1/environ | grep -c ghp_; tr '\\0' ' ' < /proc/1/cmdline";
    check(
        "no secret is in the container's own environment or arguments",
        with_credentials,
        init,
        "0\n/app/bin/al __box ",
    )
    .await;
}

#[tokio::test]
async fn what_a_run_may_use_is_limited() {
    if !has_engine() {
        return;
    }
    let world = World::new();
    let bomb = "for i in $(seq 200); do sleep 30 & done 2>/tmp/err; grep -qi 'fork' /tmp/err && echo limited";
    let exit = world.run(container(&world, bomb)).await;
    assert!(world.output().contains(&"limited".to_owned()) || exit.code == Some(2), "{exit:?}");
    println!("in a container: a fork bomb meets the limit of processes");

    let world = World::new();
    let fat = with(
        container(&world, "head -c 400m /dev/zero | tail -c 399m | wc -c; exit ${PIPESTATUS:-1}"),
        |c| {
            c.limits.memory_bytes = 64 << 20;
        },
    );
    let exit = world.run(fat).await;
    assert_eq!(exit.why, ExitWhy::OutOfMemory { limit_bytes: 64 << 20 }, "{exit:?}");
    println!("in a container: too much memory ends the run, which says so");
}

#[tokio::test]
async fn mounts_are_read_only_unless_they_say_otherwise() {
    if !has_engine() {
        return;
    }
    let change = |world: &World, spec: Spec| {
        let data = world.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("f"), "data\n").unwrap();
        std::os::unix::fs::chown(&data, Some(1000), Some(1000)).unwrap();
        with(spec, |c| {
            c.mounts = vec![mount(&data, "/ro", false), mount(&data, "/workspace", true)]
        })
    };
    let line = "cat /ro/f; touch /ro/x 2>/dev/null || echo no; touch /workspace/x && ls /ro";
    check("mounts are read-only unless they say otherwise", change, line, "data\nno\nf\nx").await;

    let world = World::new();
    let missing = with(container(&world, "true"), |c| {
        c.mounts = vec![mount(&world.path().join("nowhere"), "/x", false)];
    });
    let exit = world.run(missing).await;
    let ExitWhy::CannotExecute { message } = &exit.why else { panic!("{exit:?}") };
    assert!(message.contains("nowhere"), "{message}");
    assert!(!world.path().join("nowhere").exists(), "the engine made it");
}

#[tokio::test]
async fn what_a_run_leaves_comes_out_of_the_box() {
    if !has_engine() {
        return;
    }
    let world = World::new();
    let line = "al-status busy >/dev/null; head -c 200000 /dev/zero | tr '\\0' x | al-return >/dev/null; \
                al-rerun >/dev/null; echo out; echo err >&2; printf half; exit 0";
    let exit = world.run(container(&world, line)).await;
    assert_eq!((exit.code, exit.rerun, exit.status.as_deref()), (Some(0), true, Some("busy")));
    assert_eq!(exit.return_value.map(|value| value.len()), Some(200_000));
    const { assert!(RETURN_MAX > 200_000) };
    // The engine reads the two streams side by side.
    assert_eq!(world.stdout(), ["out", "half"]);
    assert!(world.output().contains(&"err".to_owned()));

    let world = World::new();
    let exit = world.run(container(&world, "al-exit 9 >/dev/null; kill -SEGV $$")).await;
    assert_eq!((exit.code, exit.signal, exit.exit_signal), (Some(139), Some(11), Some(9)));
}

#[tokio::test]
async fn a_program_that_does_not_start_is_explained() {
    if !has_engine() {
        return;
    }
    let world = World::new();
    let command = action_llama::project::ScriptCommand::Program(vec!["nothing".to_owned()]);
    let exit = world.run(Spec { command, ..container(&world, "") }).await;
    let ExitWhy::CannotExecute { message } = &exit.why else { panic!("{exit:?}") };
    assert!(message.contains("no program \"nothing\""), "{message}");

    let bare = with(container(&world, "true"), |c| c.image = "debian:bookworm-slim".to_owned());
    let exit = world.run(Spec { attempt: 2, ..bare }).await;
    let ExitWhy::CannotExecute { message } = &exit.why else { panic!("{exit:?}") };
    assert!(message.contains("/app/bin/al"), "{message}");
}
