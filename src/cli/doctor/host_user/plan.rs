//! From what there is to what is wrong, and to what mends it. Nothing here looks or acts.

use super::facts::{Facts, User, Wanted};
use super::sudoers::Rule;
use crate::project::listed;
use crate::shell;

/// Where sudo looks for rules.
const RULES: &str = "/etc/sudoers.d";
/// Said of what [`steps`] mend.
pub const BY_FIX: &str = "`al doctor --fix` shows what it would do about it, and asks";
const NO_SHELL: &str = "/usr/sbin/nologin";

/// Something that keeps runs from starting as another user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where it is written in the agent's file.
    pub keys: &'static [&'static str],
    pub message: String,
    pub hints: Vec<String>,
}

/// One change, which is made after somebody agreed to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does, as a question.
    pub question: String,
    /// In this order, as long as they succeed.
    pub commands: Vec<Command>,
    /// What clears away when one of them did not.
    pub undo: Option<Command>,
}

/// A program that is started, with what it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub words: Vec<String>,
    pub stdin: Option<String>,
}

impl Command {
    /// As a person would type it; what it reads stands below.
    pub fn shown(&self) -> String {
        let words: Vec<String> = self.words.iter().map(|word| shell::word(word)).collect();
        let stdin = self.stdin.as_deref().unwrap_or_default();
        let lines = stdin.lines().map(|line| format!("\n    | {line}"));
        format!("  {}{}", words.join(" "), lines.collect::<String>())
    }
}

/// Why nobody can, or should, run as this user, whatever is mended.
fn refusal(facts: &Facts, wanted: &Wanted) -> Option<(String, &'static str)> {
    let run_as = &wanted.run_as;
    if wanted.user.as_ref().is_some_and(|user| user.uid == 0) {
        let message = format!("runs as `{run_as}` would have this whole machine: it is root");
        return Some((message, "choose a user without rights, that nobody else uses"));
    }
    (*run_as == facts.me).then(|| {
        let message = format!("runs as `{run_as}` are not kept apart from their scheduler's user");
        (message, "choose another user, or say what it is: type = \"process\"")
    })
}

/// What is wrong with one user.
pub fn faults(facts: &Facts, wanted: &Wanted) -> Vec<Fault> {
    const RUN_AS: &[&str] = &["runtime", "run_as"];
    let fault = |message: String, hints: Vec<String>| Fault { keys: RUN_AS, message, hints };
    if let Some((message, hint)) = refusal(facts, wanted) {
        return vec![fault(message, vec![hint.to_owned()])];
    }
    let mut faults = Vec::new();
    let (run_as, mend) = (&wanted.run_as, |by_hand: String| match facts.macos {
        true => vec![by_hand],
        false => vec![BY_FIX.to_owned()],
    });
    if !facts.sudo {
        let hint = "install it (Debian: apt-get install sudo)".to_owned();
        faults.push(fault(format!("runs as `{run_as}` need sudo, which is not there"), vec![hint]));
    }
    let groups_fault = |message: String, hints: Vec<String>| Fault {
        keys: &["runtime", "groups"],
        message,
        hints,
    };
    if !wanted.no_such_groups.is_empty() {
        let groups = listed(wanted.no_such_groups.iter().map(String::as_str));
        let make =
            wanted.no_such_groups.iter().map(|g| format!("`sudo dscl . -create /Groups/{g}`"));
        let hints = mend(make.collect::<Vec<_>>().join(", "));
        faults.push(groups_fault(format!("there is no group {groups} on this machine"), hints));
    }
    match &wanted.user {
        None => {
            let by_hand = format!("`sudo sysadminctl -addUser {run_as} -shell /usr/bin/false`");
            let message = format!("there is no user `{run_as}` on this machine");
            faults.push(fault(message, mend(by_hand)));
        }
        Some(user) => {
            faults
                .extend(outside(facts, wanted, user).map(|(m, hint)| groups_fault(m, vec![hint])));
        }
    }
    if wanted.lacks_rule(facts) && (wanted.user.is_some() || facts.macos) {
        faults.push(not_allowed(facts, wanted, mend));
    }
    if let Some(closed) = &wanted.closed {
        let (closed, al) = (closed.display(), shell::word(&facts.al.to_string_lossy()));
        let message = format!("`{run_as}` cannot start {al}: {closed} is closed to it");
        let hint =
            format!("put al where everybody can: `sudo install -m 0755 {al} /usr/local/bin/al`");
        faults.push(fault(message, vec![hint]));
    }
    faults
}

/// Groups that a user is not in. That of somebody who exists is not ours to change.
fn outside(facts: &Facts, wanted: &Wanted, user: &User) -> Option<(String, String)> {
    let is_in =
        |group: &String| user.groups.contains(group) || wanted.no_such_groups.contains(group);
    let outside: Vec<&str> =
        wanted.groups.iter().filter(|group| !is_in(group)).map(String::as_str).collect();
    if outside.is_empty() {
        return None;
    }
    let run_as = &wanted.run_as;
    let message = format!("`{run_as}` is not in {}", listed(outside.iter().copied()));
    let command = match facts.macos {
        true => {
            let join =
                |g: &&str| format!("sudo dscl . -append /Groups/{g} GroupMembership {run_as}");
            outside.iter().map(join).collect::<Vec<_>>().join("; ")
        }
        false => format!("sudo usermod -aG {} {run_as}", outside.join(",")),
    };
    Some((message, format!("a user that exists is left alone; to add it: `{command}`")))
}

fn not_allowed(facts: &Facts, wanted: &Wanted, mend: impl Fn(String) -> Vec<String>) -> Fault {
    let (me, run_as) = (&facts.me, &wanted.run_as);
    let hints = match Rule::new(facts, wanted) {
        Some(rule) => mend(format!(
            "`sudo visudo -f /private{RULES}/{}`, with the line: {}",
            rule.file, rule.line
        )),
        None => {
            vec!["the path to al cannot be written in a rule: put al somewhere else".to_owned()]
        }
    };
    let message = format!("sudo does not let `{me}` start runs as `{run_as}`");
    Fault { keys: &["runtime", "run_as"], message, hints }
}

/// What mends it, a list for each user: whoever declines a step does not want those behind it.
pub fn steps(facts: &Facts) -> Vec<Vec<Step>> {
    let mut all: Vec<Vec<Step>> = Vec::new();
    if facts.macos {
        return all;
    }
    let mut groups_made: Vec<&str> = Vec::new();
    for (at, first) in facts.wanted.iter().enumerate() {
        let of_user = |wanted: &&Wanted| wanted.run_as == first.run_as;
        if facts.wanted[..at].iter().any(|earlier| of_user(&earlier)) {
            continue;
        }
        if refusal(facts, first).is_some() {
            continue;
        }
        let wanted: Vec<&Wanted> = facts.wanted.iter().filter(of_user).collect();
        let mut steps = Vec::new();
        for group in wanted.iter().flat_map(|wanted| &wanted.no_such_groups) {
            if !groups_made.contains(&group.as_str()) {
                groups_made.push(group);
                steps.push(facts.new_group(group));
            }
        }
        if first.user.is_none() {
            steps.push(facts.new_user(&first.run_as, &wanted));
        }
        let lacking = wanted.iter().filter(|wanted| wanted.lacks_rule(facts));
        let rules = lacking.filter_map(|wanted| Rule::new(facts, wanted));
        steps.extend(rules.map(|rule| facts.new_rule(&rule)));
        all.push(steps);
    }
    all.retain(|steps| !steps.is_empty());
    all
}

impl Wanted {
    /// Whether a rule is what is missing. It names the path to al, so that comes first.
    fn lacks_rule(&self, facts: &Facts) -> bool {
        facts.sudo && !self.allowed && self.closed.is_none()
    }
}

impl Facts {
    /// A command that only root may give.
    fn command(&self, words: &[&str]) -> Command {
        let sudo = (!self.root).then_some("sudo");
        let words = sudo.iter().chain(words).map(|word| (*word).to_owned());
        Command { words: words.collect(), stdin: None }
    }

    fn new_group(&self, group: &str) -> Step {
        Step {
            question: format!("Make the group {group}?"),
            commands: vec![self.command(&["groupadd", "--system", "--", group])],
            undo: None,
        }
    }

    fn new_user(&self, run_as: &str, wanted: &[&Wanted]) -> Step {
        let mut groups: Vec<&str> = Vec::new();
        for group in wanted.iter().flat_map(|wanted| &wanted.groups) {
            if !groups.contains(&group.as_str()) {
                groups.push(group);
            }
        }
        let groups = groups.join(",");
        let mut words = vec!["useradd", "--system", "--create-home", "--shell", NO_SHELL];
        if !groups.is_empty() {
            words.extend(["--groups", &groups]);
        }
        words.extend(["--", run_as]);
        let commands = vec![self.command(&words)];
        Step { question: format!("Make the user {run_as}?"), commands, undo: None }
    }

    /// The rule is checked beside its place, under a name that sudo passes over, and put there in
    /// one move: sudo never reads half of it, nor one that would lock everybody out.
    fn new_rule(&self, rule: &Rule) -> Step {
        let place = format!("{RULES}/{}", rule.file);
        let fresh = format!("{place}.new");
        let write = ["install", "-o", "root", "-g", "root", "-m", "0440", "/dev/stdin", &fresh];
        let mut write = self.command(&write);
        write.stdin = Some(format!("{}\n", rule.line));
        Step {
            question: format!("Write the rule {place}?"),
            commands: vec![
                write,
                self.command(&["visudo", "-c", "-f", &fresh]),
                self.command(&["mv", "-f", &fresh, &place]),
            ],
            undo: Some(self.command(&["rm", "-f", &fresh])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::host_user::tests::{facts, user, wanted};

    fn told(facts: &Facts) -> Vec<String> {
        let faults = facts.wanted.iter().flat_map(|wanted| faults(facts, wanted));
        faults.map(|fault| format!("{}\n{}", fault.message, fault.hints.join("\n"))).collect()
    }

    fn shown(facts: &Facts) -> String {
        let steps = steps(facts).into_iter().map(|steps| {
            let step = |step: &Step| {
                let commands = step.commands.iter().map(|command| format!("{}\n", command.shown()));
                format!("{}{}\n", commands.collect::<String>(), step.question)
            };
            steps.iter().map(step).collect::<Vec<_>>().join("")
        });
        steps.collect::<Vec<_>>().join("--\n")
    }

    /// What is said and what would be done.
    fn both(facts: &Facts) -> String {
        format!("{}\n==\n{}", told(facts).join("\n"), shown(facts))
    }

    #[test]
    fn where_all_is_well_nothing_is_said_or_done() {
        let mut good = wanted("builder", &["docker"]);
        good.user = Some(user(990, &["builder", "docker"]));
        good.allowed = true;
        assert_eq!(both(&Facts { wanted: vec![good], ..facts() }), "\n==\n");
    }

    #[test]
    fn a_user_is_made_with_its_groups_and_allowed_one_command_line() {
        let mut video = wanted("builder", &["video"]);
        video.no_such_groups = vec!["video".to_owned()];
        let users = vec![wanted("builder", &[]), video, wanted("tester", &[])];
        insta::assert_snapshot!(both(&Facts { wanted: users, ..facts() }));
    }

    #[test]
    fn root_needs_no_rule_and_no_sudo_to_make_a_user() {
        let mut builder = wanted("builder", &[]);
        builder.allowed = true;
        let root = Facts { root: true, me: "root".to_owned(), wanted: vec![builder], ..facts() };
        insta::assert_snapshot!(both(&root));
        insta::assert_snapshot!(both(&Facts { sudo: false, ..root }));
    }

    #[test]
    fn who_exists_is_left_alone() {
        let mut builder = wanted("builder", &["docker", "video"]);
        builder.user = Some(user(990, &["builder", "docker"]));
        insta::assert_snapshot!(both(&Facts { wanted: vec![builder], ..facts() }));
    }

    #[test]
    fn a_rule_waits_for_an_al_that_the_user_can_start() {
        let mut builder = wanted("builder", &[]);
        builder.user = Some(user(990, &["builder"]));
        builder.closed = Some("/home/ann".into());
        let al = "/home/ann/.cargo/bin/al".into();
        insta::assert_snapshot!(both(&Facts { al, wanted: vec![builder], ..facts() }));
    }

    #[test]
    fn a_mac_is_told_what_to_type() {
        let mut tester = wanted("tester", &["staff", "lab"]);
        tester.user = Some(user(502, &["tester"]));
        tester.no_such_groups = vec!["lab".to_owned()];
        let users = vec![wanted("builder", &[]), tester];
        insta::assert_snapshot!(both(&Facts { macos: true, wanted: users, ..facts() }));
    }

    #[test]
    fn nobody_is_made_root_or_the_schedulers_user() {
        let mut toor = wanted("toor", &[]);
        toor.user = Some(user(0, &["root"]));
        insta::assert_snapshot!(both(&Facts { wanted: vec![toor, wanted("ann", &[])], ..facts() }));
    }
}
