//! The kinds of findings, each by the word that scripts know it by.
//!
//! A word stays what it is. It may be told of in many sentences; here stands what they have in
//! common, for `al explain`.

use crate::failure::Kind;

/// One kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    pub word: &'static str,
    /// [`Kind::Config`] for what somebody has to mend, [`Kind::Upstream`] for what does not answer.
    pub kind: Kind,
    /// What is wrong.
    pub what: &'static str,
    /// What comes of it.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
}

/// Every kind, in the order of the report.
pub fn codes() -> impl Iterator<Item = Code> {
    let of = |kind: Kind, rows: &'static [Row]| {
        rows.iter().map(move |&[word, what, why, fix]| Code { word, kind, what, why, fix })
    };
    of(Kind::Config, TO_MEND).chain(of(Kind::Upstream, SILENT))
}

/// The kind that a word names.
pub fn code(word: &str) -> Option<Code> {
    codes().find(|code| code.word == word)
}

/// Word, what, why and fix.
type Row = [&'static str; 4];

const TO_MEND: &[Row] = &[
    // Files of the project.
    [
        "folder_missing",
        "the project's folder is not there",
        "there is nothing to read",
        "name the folder with -p, or go there",
    ],
    [
        "project_is_agent",
        "the folder has a SKILL.md, so it is an agent and not a project",
        "agents are looked for in agents/<name>/ below the project",
        "use the folder above agents/, with -p",
    ],
    [
        "no_agents",
        "the project has no agents",
        "al start has nothing to do",
        "make one: a folder agents/<name>/ with SKILL.md and config.toml",
    ],
    [
        "agent_misplaced",
        "a folder looks like an agent, but is not below agents/",
        "only folders in agents/ are agents; this one never runs",
        "move it to agents/",
    ],
    [
        "file_unreadable",
        "a file or folder of the project cannot be read",
        "what it says does not count",
        "look at its owner and mode: ls -l",
    ],
    [
        "file_too_large",
        "a file of the project is larger than 1 MiB",
        "configuration and instructions are text for people; a model would pay for all of it",
        "keep data in files of their own, and say in the instructions where",
    ],
    ["file_not_text", "a file is not UTF-8 text", "it cannot be read safely", "save it as UTF-8"],
    [
        "file_old",
        "a file has the name of an older version",
        "it is read, but newer tools look for the new name",
        "al doctor --fix renames it",
    ],
    [
        "file_unread",
        "a file of an older version lies beside the one that took its place",
        "only the new one is read",
        "move what it still says to the new one, and remove it",
    ],
    [
        "toml_bad",
        "a file is not valid TOML",
        "none of it counts until it is",
        "mend the line that is shown",
    ],
    [
        "yaml_bad",
        "the front matter of a SKILL.md is not valid YAML",
        "name and description are not known",
        "put texts with a colon or quotes inside into double quotes",
    ],
    [
        "key_unknown",
        "a key is not known",
        "it is ignored, so what it was meant to do does not happen",
        "al doctor --fix mends what is nearly a known key; remove others",
    ],
    [
        "key_old",
        "a key has the name of an older version",
        "it still counts, and some day will not",
        "al doctor --fix renames it",
    ],
    [
        "key_misplaced",
        "a key stands in a file where it is not read",
        "it is ignored",
        "move it to the file that is named",
    ],
    [
        "key_unread",
        "a key says nothing without another one",
        "it is ignored",
        "add the other one, or remove it",
    ],
    [
        "value_wrong",
        "a value has the wrong type, or is out of range",
        "what was meant cannot be told",
        "write it as the hint says",
    ],
    [
        "environment_unknown",
        "the environment that the project is bound to does not exist",
        "the settings of that environment are missing",
        "name another one with -E, or make its file",
    ],
    [
        "server_incomplete",
        "[server] lacks what it needs",
        "nobody knows where to deploy to",
        "add the key that is named",
    ],
    [
        "gateway_url",
        "gateway.url is no address that others can use",
        "runs and senders are told this address",
        "write it as in https://al.example.com",
    ],
    [
        "skill_missing",
        "a folder in agents/ has settings and no SKILL.md",
        "it is no agent, and never runs",
        "write its instructions into SKILL.md, or remove the folder",
    ],
    // Agents.
    [
        "agent_name",
        "the name of an agent cannot be used",
        "names stand in logs, addresses and images: a to z, digits and single hyphens, at most 64",
        "rename its folder",
    ],
    [
        "agent_never_starts",
        "an agent has neither a schedule nor webhooks",
        "nothing ever starts it",
        "add one of them, or scale = 0 to switch it off",
    ],
    [
        "agent_cannot_run",
        "the program of an agent is not there",
        "each of its runs would fail at once",
        "install it, or correct `command`",
    ],
    [
        "command_missing",
        "an agent with the script engine has no command",
        "there is nothing to run",
        "add `command` to its [harness]",
    ],
    [
        "schedule_bad",
        "a schedule cannot be understood",
        "the agent would never start by itself",
        "try it with al cron",
    ],
    [
        "schedule_twice",
        "an agent has both `schedule` and `every`",
        "only one of them can count",
        "remove one",
    ],
    [
        "timezone_unknown",
        "a time zone is not known",
        "the schedule would run at other hours",
        "zones are named like Europe/Berlin",
    ],
    [
        "template_bad",
        "a template cannot be understood",
        "runs could not be told apart by it",
        "write it like {repo}#{number}",
    ],
    [
        "keep_without_key",
        "`keep` needs a `key`",
        "nobody knows which runs replace each other",
        "add `key`, or remove `keep`",
    ],
    [
        "preflight_incomplete",
        "a step before a run has no provider",
        "it is left out",
        "say shell, http or git-clone",
    ],
    [
        "scale_over_project",
        "an agent may have more runs at once than the whole project",
        "the rest of its runs wait, whatever its own scale says",
        "lower its `scale`, or raise the project's",
    ],
    [
        "scales_over_project",
        "the agents together want more runs at once than the project may have",
        "in busy times some wait for others",
        "fine if it is meant; else raise the project's `scale`",
    ],
    [
        "timeout_short",
        "an agent's time is up before a model has to have answered",
        "its runs may end in the middle of a reply",
        "give it a `timeout` of 300 or more",
    ],
    [
        "skill_empty",
        "an agent that thinks has no instructions",
        "the model is told nothing",
        "write what it should do into SKILL.md",
    ],
    [
        "skill_large",
        "the instructions of an agent are very long",
        "each turn of each run sends all of it to the model",
        "keep the rules, and move the rest to files that the agent can read",
    ],
    [
        "limit_too_large",
        "a limit is more than this machine has",
        "containers get what there is",
        "lower it, or use a larger machine",
    ],
    [
        "mount_missing",
        "a folder that a container is to see is not there",
        "the engine refuses, or makes it as root",
        "make it, or correct `mounts`",
    ],
    [
        "program_missing",
        "a program is missing that a credential is for",
        "the agent's commands fail where they use it",
        "install it",
    ],
    // Credentials.
    [
        "credential_name",
        "a reference names no credential",
        "it is ignored",
        "write type or type:instance",
    ],
    [
        "credential_type",
        "a type of credential of the project's own cannot be used",
        "credentials of that type are given to runs without what it says",
        "write it as the hint says; `al creds types` shows how others look",
    ],
    [
        "credential_missing",
        "a credential is not in the store, or lacks fields",
        "runs that need it do not start",
        "al creds add <type:instance>, or al doctor in a terminal, which asks",
    ],
    [
        "credential_exposed",
        "other users of this machine can use a credential",
        "al does not use it, because others may have it by now",
        "al doctor --fix closes it; a new secret is safer",
    ],
    [
        "credential_unreadable",
        "a credential cannot be read",
        "runs that need it do not start",
        "write it anew, as text",
    ],
    [
        "keyring_unusable",
        "the keyring that credentials.toml names does not answer, or is locked",
        "runs that need something out of it do not start",
        "start or unlock it, or take it out of `order`; al help credentials",
    ],
    [
        "store_open",
        "other users can look into the store of credentials",
        "they see which secrets there are, and read those whose files are open",
        "al doctor --fix closes it",
    ],
    // Webhooks and the gateway.
    [
        "webhook_type",
        "a source of webhooks has no type, or one that is not known",
        "its deliveries are not understood",
        "name one of the types that are listed",
    ],
    [
        "webhook_source",
        "an agent listens to a source that does not exist",
        "nothing ever starts it",
        "name one of the project's sources, or add it",
    ],
    [
        "webhook_signature",
        "a generic source does not say how its deliveries are signed",
        "they cannot be told from forged ones",
        "add `signature`",
    ],
    [
        "webhook_secret_missing",
        "a source of webhooks has no secret",
        "every delivery is refused, because nobody can tell it from a forged one",
        "al creds add the credential that is named",
    ],
    [
        "webhook_key_bad",
        "the public key of a source is none",
        "every delivery is refused",
        "copy it again from the provider",
    ],
    [
        "webhook_unsigned",
        "a source accepts deliveries of anybody",
        "whoever reaches the gateway can start the agent, and tell it what to do",
        "give it a secret, and remove allowUnsigned",
    ],
    [
        "filter_unknown",
        "a filter is not one of its provider",
        "without it the agent would start for everything",
        "al doctor --fix mends what is nearly one; others are listed",
    ],
    [
        "filter_unmapped",
        "a filter looks at something that a generic source does not have",
        "it can never hold",
        "add it to the source's `fields`",
    ],
    [
        "tls_incomplete",
        "[gateway.tls] lacks the certificate or its key",
        "the gateway cannot use it",
        "name both files",
    ],
    [
        "tls_unusable",
        "the gateway's certificate cannot be used",
        "al start would not listen",
        "look at the two PEM files",
    ],
    [
        "tls_key_exposed",
        "others can read the private key of the gateway's certificate",
        "they can pass for this gateway",
        "chmod 600 the key, and get a new certificate",
    ],
    // Models and engines.
    [
        "model_incomplete",
        "a model lacks provider or name",
        "it cannot be asked",
        "add the key that is named",
    ],
    [
        "model_unnamed",
        "[model] is the form of an older version",
        "it is read as the model `default`",
        "write [models.<name>], and name it in the agents",
    ],
    [
        "model_unknown",
        "an agent names a model that the project does not have",
        "its runs would have nobody to ask",
        "name one of the project's models, or add it",
    ],
    [
        "models_missing",
        "an agent that thinks names no model",
        "its runs would have nobody to ask",
        "add `models`",
    ],
    [
        "model_provider",
        "the provider of a model is not known",
        "nobody knows how to ask it",
        "name one that is listed, or `custom` with a `baseUrl`",
    ],
    [
        "model_url",
        "the address of a model's server is missing or none",
        "it cannot be asked",
        "write it as in http://127.0.0.1:8000/v1",
    ],
    [
        "model_recording",
        "a recording cannot be played back",
        "runs with this model fail",
        "make it anew with al run --record",
    ],
    [
        "model_key_missing",
        "a model has no key",
        "its provider would refuse every request",
        "al creds add <provider>_key",
    ],
    [
        "model_key_kind",
        "a key looks like one of another kind",
        "the provider may refuse it",
        "set authType to what the key is",
    ],
    [
        "model_key_refused",
        "a model's server refuses the key",
        "every run would fail",
        "get a new key",
    ],
    [
        "model_not_offered",
        "a model's server does not list this model",
        "requests for it are likely to be refused",
        "write the name as the provider does",
    ],
    [
        "model_sign_in",
        "a sign-in of another program cannot be used",
        "the model cannot be asked",
        "sign in there, or use a key",
    ],
    [
        "budget_unpriced",
        "an agent has a budget, and a model whose price nobody knows",
        "the budget is never spent",
        "say the price in [models.<name>]",
    ],
    [
        "engine_program",
        "the program of an engine is missing or does not start",
        "runs of its agents fail",
        "install it",
    ],
    [
        "engine_model",
        "an engine has no model that it can ask",
        "runs of its agents fail, unless the program finds its own way",
        "give the agent a model of that provider",
    ],
    // Who may change or read what.
    [
        "world_writable",
        "every user of this machine may change a file or folder of the project",
        "they can make al run their commands, with your credentials",
        "al doctor --fix takes that away",
    ],
    [
        "secret_in_file",
        "something that looks like a secret stands in a file of the project",
        "files of projects are copied, committed and shown",
        "put it into the store of credentials, and get a new one",
    ],
    [
        "state_open",
        "every user of this machine can change what al keeps in .al",
        "they can change runs and history",
        "al doctor --fix closes it",
    ],
    [
        "not_ignored",
        "git does not ignore a file that is of this machine only",
        "history and settings of this machine get into the repository",
        "al doctor --fix adds it to .gitignore",
    ],
    [
        "committed",
        "git has a file that is of this machine only",
        "everybody who has the repository has it",
        "git rm --cached it",
    ],
    // This machine.
    [
        "state_not_folder",
        ".al is no folder",
        "history and logs have no place",
        "move what is there away",
    ],
    [
        "state_unwritable",
        "history and logs cannot be written",
        "al start fails",
        "look at the owner and mode of .al",
    ],
    [
        "disk_full",
        "a disk has little room",
        "history, logs or containers soon cannot be written",
        "free some space; al gc removes what runs left",
    ],
    [
        "history_newer",
        "the history was written by a newer al",
        "this one does not touch it",
        "use the newer al",
    ],
    [
        "history_damaged",
        "the history cannot be read",
        "al start fails",
        "move .al away, or bring a copy back",
    ],
    [
        "port_taken",
        "the gateway's port is taken, or not for this user",
        "al start fails",
        "end who has it, or take another port",
    ],
    [
        "docker_runtime",
        "the container engine lacks the runtime that an agent asks for",
        "its runs fail",
        "install it, and name it to the engine",
    ],
    [
        "docker_gpus",
        "the container engine shows no GPUs",
        "runs that ask for them may fail",
        "install the toolkit of the GPU's maker",
    ],
    [
        "container_gateway",
        "containers do not reach the gateway",
        "runs have no locks, calls and status",
        "look at what the probe says, and at the engine's security settings",
    ],
    [
        "host_user",
        "runs cannot execute as the user that an agent names",
        "each of them fails",
        "al doctor --fix makes the user and its rule of sudo on Linux",
    ],
    [
        "clock_wrong",
        "this machine's clock is wrong",
        "schedules run at wrong times, signatures and certificates are refused",
        "let the machine set its clock: timedatectl set-ntp true",
    ],
    [
        "timezone_unreadable",
        "this machine does not say its time zone",
        "schedules without `timezone` run in UTC",
        "timedatectl set-timezone <zone>, or write `timezone`",
    ],
    [
        "watches_few",
        "files cannot be watched",
        "edits are noticed late, by looking now and then",
        "raise the limit that is named",
    ],
    [
        "open_files_few",
        "this user may open few files at once",
        "busy schedulers refuse connections and runs",
        "ulimit -n, or LimitNOFILE of the service",
    ],
    // What is left over.
    [
        "scheduler_died",
        "the last scheduler did not end in order",
        "what it left behind counts for nothing; its runs may still go on",
        "al start takes its runs over; al doctor --fix removes the file",
    ],
    [
        "lock_stale",
        "a run that is over holds a lock, or one whose time is up",
        "others may wait for it",
        "al start frees it; al doctor --fix does too while none runs",
    ],
    [
        "half_written",
        "a command was killed while it wrote a file or a folder",
        "what it had written so far stays beside its place, and nobody reads it",
        "al doctor --fix removes it, or rm does",
    ],
    [
        "left_over",
        "containers, files or shells of runs that are over are still there",
        "they take room",
        "al gc removes them, as does al doctor --fix",
    ],
];

const SILENT: &[Row] = &[
    [
        "model_silent",
        "a model's server does not answer",
        "its runs would fail now",
        "is the server up, and this machine online?",
    ],
    [
        "docker_silent",
        "the container engine is missing, down, or not for this user",
        "agents in containers cannot run",
        "start it, join its group, or run the agents with [runtime] type = \"process\"",
    ],
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn sources(dir: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
        let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|p| p.is_dir());
        files.into_iter().chain(folders.iter().flat_map(|dir| sources(dir))).collect()
    }

    #[test]
    fn every_word_is_explained_and_used() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let files = [sources(&root.join("project")), sources(&root.join("cli/doctor"))].concat();
        let said = regex::Regex::new(r#"(?:\.code\(|open_to_all\([^"]*)"([a-z_]+)""#).unwrap();
        let mut used = BTreeSet::new();
        for file in files.iter().filter(|file| !file.ends_with("codes.rs")) {
            let text = fs::read_to_string(file).unwrap_or_default();
            used.extend(said.captures_iter(&text).map(|found| found[1].to_owned()));
        }
        let known: BTreeSet<String> = codes().map(|code| code.word.to_owned()).collect();
        assert_eq!(used, known);
        assert_eq!(known.len(), codes().count(), "a word stands once");
    }

    #[test]
    fn explanations_are_one_line_each() {
        for Code { word, what, why, fix, .. } in codes() {
            for text in [what, why, fix] {
                assert!((10..=100).contains(&text.len()), "{word}: {text}");
                assert!(!text.ends_with('.'), "{word}: {text}");
            }
        }
    }
}
