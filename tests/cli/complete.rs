//! What the shells offer while somebody types: the real shells, with the scripts that `al` prints.

use std::fs;
use std::path::Path;
use std::process::Command;

use action_llama::scheduler::{Decision, Lock, RunState, TriggerKind, Why};

use crate::world::{World, ago_s, enqueue, trigger};

/// A project with two agents, an environment, credentials, and a run of each kind.
fn world() -> World {
    let world = World::new(&[
        (
            "config.toml",
            "[webhooks.hub]\ntype = \"test\"\n[models.sonnet]\nprovider = \"openai\"\n",
        ),
        ("agents/dev/SKILL.md", "Develops.\n"),
        ("agents/reviewer/SKILL.md", "Reviews.\n"),
        ("elsewhere/agents/far/SKILL.md", "Is far away.\n"),
        ("../home/.action-llama/environments/prod.toml", ""),
    ]);
    let by_hand = || trigger(TriggerKind::Manual, "ann", "");
    let lock = |key: &str| {
        let (key, run) = (key.to_owned(), "dev-aaaa1111".to_owned());
        Decision::Lock(Lock { key, run, attempt: 1, since: 0, until: i64::MAX })
    };
    world.history(&[
        lock("github://acme/shop/4"),
        lock("$(touch pwned)"),
        lock("two words"),
        enqueue(1, "dev-bbbb2222", by_hand(), 600),
        enqueue(2, "dev-aaaa1111", by_hand(), 60),
        Decision::Finish {
            run: "dev-bbbb2222".to_owned(),
            state: RunState::Succeeded,
            why: Why::Exited { code: 0 },
            exit_code: Some(0),
            at: ago_s(500),
        },
    ]);
    world
}

/// What `al` offers for a line that is typed so far, asked as the script for bash does.
fn offered(world: &World, line: &[&str]) -> Vec<String> {
    let typed: Vec<&str> = ["--", "al"].iter().chain(line).copied().collect();
    let output = world
        .command(&typed)
        .env("AL_COMPLETE", "bash")
        .env("_CLAP_IFS", "\n")
        .env("_CLAP_COMPLETE_INDEX", line.len().to_string())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    // A line ends where the word does, and options may follow everywhere.
    let words = text.lines().map(|line| line.trim_end().to_owned());
    words.filter(|word| !word.is_empty() && !word.starts_with('-')).collect()
}

#[test]
fn agents_runs_and_names_come_from_the_files() {
    let world = world();
    let check = |line: &[&str], expected: &[&str]| {
        assert_eq!(offered(&world, line), expected, "{line:?}");
    };
    check(&["pause", ""], &["dev", "reviewer"]);
    check(&["pause", "re"], &["reviewer"]);
    check(&["-p", "elsewhere", "pause", ""], &["far"]);
    check(&["pause", "--project=elsewhere", ""], &["far"]);
    check(&["why", "dev"], &["dev-aaaa1111", "dev-bbbb2222"]);
    // Only what lives can be told something.
    check(&["say", "dev"], &["dev-aaaa1111"]);
    check(&["logs", "s"], &["scheduler"]);
    // What a shell would read more into than a word is not offered.
    check(&["locks", "release", ""], &["github://acme/shop/4"]);
    check(&["-E", ""], &["prod"]);
    check(&["-E", "prod", "say", ""], &[]);
    check(&["webhook", "send", "x.json", "--source", ""], &["hub"]);
    check(&["explain", "port_in"], &["port_in_use"]);
    check(&["help", "webh"], &["webhooks", "webhook"]);
    check(&["tri"], &["triggers"]);
    check(&["run", "dev", "--runtime", "c"], &["container"]);
    check(&["webhook", "sen"], &["send"]);
}

#[test]
fn what_is_broken_offers_nothing_and_says_nothing() {
    let world = World::new(&[
        ("config.toml", "[[[\n"),
        ("agents", "no folder\n"),
        (".al/al.db", "no database\n"),
    ]);
    for line in
        [&["pause", ""][..], &["why", ""], &["webhook", "send", "x", "--source", ""], &["-E", ""]]
    {
        assert_eq!(offered(&world, line), Vec::<String>::new(), "{line:?}");
    }
    assert_eq!(offered(&world, &["-p", "nowhere", "pause", ""]), Vec::<String>::new());
    // A shell that there is not is nobody to tell anything.
    let output = world.command(&["--", "al", ""]).env("AL_COMPLETE", "tcsh").output().unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (0, 0));
}

/// A folder with `al` in it, for shells to find.
fn path() -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_al"));
    format!("{}:/usr/local/bin:/usr/bin:/bin", binary.parent().unwrap().display())
}

fn shell(world: &World, program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(world.project())
        .env_clear()
        .env("PATH", path())
        .env("HOME", world.home())
        .env("AL_HOME", world.home().join(".action-llama"))
        .env("TERM", "xterm")
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; tests/run installs it"));
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(err, "", "{program}\n{out}");
    out.into_owned()
}

#[test]
fn bash_completes_agents() {
    let world = world();
    let script = "source <(al completions bash)
complete -p al
COMP_WORDS=(al pause re) COMP_CWORD=2 COMP_TYPE=9
_clap_complete_al al re pause 2>/dev/null
printf '%s\n' \"${COMPREPLY[@]}\"";
    let said = shell(&world, "bash", &["--norc", "-c", script]);
    let (registered, offered) = said.split_once('\n').unwrap();
    assert!(registered.contains("_clap_complete_al al"), "{registered}");
    assert_eq!(offered.trim(), "reviewer");
}

#[test]
fn fish_completes_agents_and_runs() {
    let world = world();
    let script = "al completions fish | source
complete -C 'al pause re'
complete -C 'al say dev'";
    let said = shell(&world, "fish", &["--no-config", "-c", script]);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines, ["reviewer", "dev-aaaa1111\tqueued, 1m old"]);
}

/// A person at a terminal of zsh, who presses Tab.
#[test]
fn zsh_completes_agents() {
    let world = world();
    fs::write(
        world.home().join(".zshrc"),
        "autoload -Uz compinit; compinit -u -D\nsource <(al completions zsh)\nPS1='> '\n",
    )
    .unwrap();
    let script = "zmodload zsh/zpty
zpty z zsh -i
zpty -w -n z $'al pause re\\t'
zpty -r -m z line '*pause reviewer*'
print -r -- $line
zpty -d z";
    let said = shell(&world, "zsh", &["-f", "-c", script]);
    assert!(said.contains("reviewer"), "{said:?}");
}
