//! Carries out what was agreed to.

use std::io::Write;
use std::process::{Command as Process, Stdio};

use super::plan::{Command, Step};
use crate::cli::{ask, output};
use crate::failure::Failure;

/// Does each step that is agreed to. Whoever declines one does not want those behind it.
///
/// # Errors
/// When a command fails; nothing behind it is done.
pub fn apply(steps: &[Vec<Step>], agreed: impl Fn(&Step) -> bool) -> Result<(), Failure> {
    let of_user =
        |steps: &Vec<Step>| steps.iter().take_while(|step| agreed(step)).try_for_each(run);
    steps.iter().try_for_each(of_user)
}

/// Shows what a step does, and asks unless `yes`.
pub fn agreed(step: &Step, yes: bool) -> bool {
    let commands = step.commands.iter().map(|command| format!("{}\n", command.shown()));
    output::insist(&commands.collect::<String>());
    yes || ask::yes(&step.question)
}

/// Runs the commands of a step.
///
/// # Errors
/// When one of them cannot be started or fails.
pub fn run(step: &Step) -> Result<(), Failure> {
    let done = step.commands.iter().try_for_each(start);
    if let (Err(_), Some(undo)) = (&done, &step.undo) {
        // The failure before is what counts.
        let _ = start(undo);
    }
    done
}

fn start(command: &Command) -> Result<(), Failure> {
    let shown = || command.shown().lines().next().unwrap_or_default().trim().to_owned();
    let failed = |why: String| Failure::upstream("step_failed", format!("`{}`: {why}", shown()));
    let Some((program, args)) = command.words.split_first() else { return Ok(()) };
    // sudo asks for its password on the terminal, not on stdin.
    let stdin = if command.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut process = Process::new(program);
    process.args(args).stdin(stdin).stdout(Stdio::null());
    let mut child = process.spawn().map_err(|error| failed(error.to_string()))?;
    if let (Some(text), Some(mut stdin)) = (&command.stdin, child.stdin.take()) {
        // One that went away says so with its exit status.
        let _ = stdin.write_all(text.as_bytes());
    }
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    match status.success() {
        true => Ok(()),
        false => Err(failed(status.to_string()).hint("nothing behind it was done")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::process::Output;

    use super::super::facts::Facts;
    use super::super::plan::steps;
    use super::super::tests::{facts, wanted};
    use super::*;
    use crate::runtime::boxed::BOX;

    /// Users, a group and a rule that go when the test ends.
    struct Made {
        owner: String,
        run_as: String,
        group: String,
    }

    impl Made {
        fn new() -> Self {
            let pid = std::process::id();
            let [owner, run_as, group] = ["o", "r", "g"].map(|what| format!("al-test-{what}{pid}"));
            Self { owner, run_as, group }
        }

        fn rule(&self) -> String {
            format!("/etc/sudoers.d/al-{}-{}-{}", self.owner, self.run_as, self.group)
        }

        /// sudo as the owner, who has no password to give.
        fn sudo(&self, args: &[&str]) -> Output {
            let mut sudo = Process::new("sudo");
            sudo.args(["-n", "-u", &self.owner, "--", "sudo", "-n", "-u", &self.run_as]);
            sudo.args(args).current_dir("/").output().unwrap()
        }
    }

    impl Drop for Made {
        fn drop(&mut self) {
            let _ = fs::remove_file(self.rule());
            let gone = |words: &[&str]| Process::new(words[0]).args(&words[1..]).output();
            let _ = gone(&["userdel", "--remove", &self.run_as]);
            let _ = gone(&["userdel", &self.owner]);
            let _ = gone(&["groupdel", &self.group]);
        }
    }

    /// Why this machine cannot show it.
    fn lacking() -> Option<&'static str> {
        let there = |program: &str| Process::new(program).arg("--help").output().is_ok();
        if !rustix::process::geteuid().is_root() {
            return Some("this needs root");
        }
        let needed = ["sudo", "visudo", "useradd", "groupadd"];
        (!needed.into_iter().all(there)).then_some("this needs sudo and useradd")
    }

    #[test]
    fn the_user_that_is_made_can_be_run_as_with_one_command_line_and_no_other() {
        if let Some(why) = lacking() {
            output::remark(&format!("SKIPPED: users and rules of sudo were not tried: {why}\n"));
            return;
        }
        let made = Made::new();
        let owner = Process::new("useradd").args(["--system", &made.owner]).status();
        assert!(owner.unwrap().success());
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("my al, v=1:2 #");
        fs::create_dir(&odd).unwrap();
        let al = odd.join("al");
        fs::write(&al, "#!/bin/sh\nid -un; id -gn; id -Gn\n").unwrap();
        for path in [folder.path(), &odd, &al] {
            fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }

        let mut new = wanted(&made.run_as, &[&made.group]);
        new.no_such_groups = vec![made.group.clone()];
        let (me, root) = (made.owner.clone(), true);
        apply(&steps(&Facts { me, root, al: al.clone(), wanted: vec![new], ..facts() }), |_| true)
            .unwrap();

        let mode = fs::metadata(made.rule()).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o440);
        let al = al.to_str().unwrap();
        let Made { run_as, group, .. } = &made;
        let ran = made.sudo(&["-g", group, "--", al, BOX]);
        let shown = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(shown.starts_with(&format!("{run_as}\n{group}\n")), "{ran:?}");
        assert!(made.sudo(&["-k", "-l", "-g", group, "--", al, BOX]).status.success());
        for others in [&[al][..], &[al, BOX, "more"], &[al, "stop"], &["/bin/sh", "-c", "id"]] {
            let refused = made.sudo(&[&["--"], others].concat());
            assert!(
                !refused.status.success() && refused.stdout.is_empty(),
                "{others:?} {refused:?}"
            );
        }
    }

    #[test]
    fn whoever_declines_a_step_gets_none_behind_it() {
        let dir = tempfile::tempdir().unwrap();
        let step = |name: &str| {
            let file = dir.path().join(name).display().to_string();
            let words = vec!["touch".to_owned(), file];
            let commands = vec![Command { words, stdin: None }];
            Step { question: name.to_owned(), commands, undo: None }
        };
        let steps = [vec![step("a"), step("no"), step("behind")], vec![step("other")]];
        apply(&steps, |step| step.question != "no").unwrap();
        let made = ["a", "no", "behind", "other"].map(|name| dir.path().join(name).exists());
        assert_eq!(made, [true, false, false, true]);
    }

    #[test]
    fn a_rule_that_is_none_is_not_put_in_place() {
        if let Some(why) = lacking() {
            output::remark(&format!("SKIPPED: rules of sudo were not tried: {why}\n"));
            return;
        }
        let me = format!("al-test-bad{}", std::process::id());
        // A name that nobody has, and no rule can.
        let owner = format!("{me} ALL=(ALL) ALL\nx");
        let facts =
            Facts { me: owner, root: true, wanted: vec![wanted("root-not", &[])], ..facts() };
        let rules: Vec<Step> = steps(&facts).pop().unwrap().split_off(1);
        let place = rules[0].commands[2].words[3..].to_vec();
        let failure = run(&rules[0]).unwrap_err();
        assert!(failure.message.starts_with("`visudo -c -f "), "{failure}");
        assert!(place.iter().all(|path| !std::path::Path::new(path).exists()), "{place:?}");
    }
}
