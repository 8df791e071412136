//! Runs of another user of this machine, through sudo. Only root can try that without a rule, so
//! these tests are skipped, loudly, for others and where there is no sudo.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use action_llama::agent::COMMANDS;
use action_llama::runtime::{ExitWhy, Place, Process, Runtime as _, Spec};

use crate::world::{AL, World, await_some};

const USER: &str = "nobody";

/// A world whose al, agent and logs another user can reach; none where it cannot be tried.
fn world() -> Option<(World, PathBuf)> {
    let has_sudo = std::process::Command::new("sudo").arg("-V").output().is_ok();
    if !rustix::process::geteuid().is_root() || !has_sudo {
        eprintln!("SKIPPED: not root, or no sudo: runs of another user were not tested");
        return None;
    }
    let mut world = World::new();
    let open = |path: &Path| fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    open(world.path());
    let al = world.path().join("al");
    fs::copy(AL, &al).unwrap();
    open(&al);
    let dir = world.path().join(".al");
    world.runtime = Process::new(&dir, &dir.join("logs"), al.clone(), &COMMANDS).unwrap();
    Some((world, al))
}

fn as_user(world: &World, line: &str) -> Spec {
    Spec {
        place: Place::HostUser { user: USER.to_owned(), groups: vec![] },
        files: vec![("t/default/token".to_owned(), "s3cret".to_owned())],
        env: vec![("TOKEN".to_owned(), "s3cret".to_owned())],
        secrets: vec!["s3cret".to_owned()],
        ..world.line(line)
    }
}

#[tokio::test]
async fn another_user_gets_a_place_of_its_own_and_nothing_of_the_schedulers() {
    let Some((world, _)) = world() else { return };
    let line = "id -un; stat -c '%a %U' . $AL_CREDENTIALS_PATH $AL_CREDENTIALS_PATH/t/default/token; \
                test \"$(cat $AL_CREDENTIALS_PATH/t/default/token)\" = \"$TOKEN\" && echo same; \
                env | grep -c SUDO_; ls -A; pwd > where; al-return \"$(cat where)\" >/dev/null; exit 4";
    let exit = world.run(as_user(&world, line)).await;
    let want = ["nobody", "700 nobody", "700 nobody", "400 nobody", "same", "0"];
    assert_eq!(world.output(), want);
    assert_eq!((&exit.why, exit.code), (&ExitWhy::Exited, Some(4)));
    let work = exit.return_value.unwrap();
    assert!(work.contains("al-box-") && !Path::new(&work).exists(), "{work} is left");
}

#[tokio::test]
async fn another_users_run_hears_a_stop_and_is_ended_when_it_does_not() {
    for (line, code) in [
        ("trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done", Some(3)),
        ("trap '' TERM; echo up; while :; do sleep 0.05; done", Some(137)),
    ] {
        let Some((world, _)) = world() else { return };
        let spec = as_user(&world, line);
        let handle = world.runtime.start(spec).await.unwrap();
        await_some(|| (world.output() == ["up"]).then_some(())).await;
        assert!(world.runtime.suspend("a-1", 1).await.unwrap());
        assert!(world.runtime.resume("a-1", 1).await.unwrap());
        assert!(world.runtime.stop("a-1", 1, Duration::from_millis(300)).await.unwrap());
        let exit = world.wait(&handle).await;
        assert_eq!((&exit.why, exit.code), (&ExitWhy::Stopped, code), "{line}");
    }
}

#[tokio::test]
async fn a_user_who_is_not_there_is_explained() {
    let Some((world, _)) = world() else { return };
    let place = Place::HostUser { user: "al-nobody-at-all".to_owned(), groups: vec![] };
    let exit = world.run(Spec { place, ..as_user(&world, "true") }).await;
    let ExitWhy::CannotExecute { message } = &exit.why else { panic!("{exit:?}") };
    assert!(message.contains("al-nobody-at-all") && message.contains("al doctor"), "{message}");
}
