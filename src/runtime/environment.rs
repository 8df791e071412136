//! The environment of a run: built from nothing, so that neither the scheduler's variables nor
//! another run's get in.

use std::path::Path;

use super::rooms::Rooms;
use super::{Access, Spec};
use crate::ambient;

/// What of the scheduler's own environment reaches a program: how times, texts and temporary files
/// are handled on this machine.
const PASSED_ON: [&str; 11] = [
    "TZ",
    "LANG",
    "LANGUAGE",
    "TMPDIR",
    "LC_ALL",
    "LC_COLLATE",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LC_MONETARY",
    "LC_NUMERIC",
    "LC_TIME",
];

/// Where programs are looked for when the scheduler itself has no `PATH`.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a run takes over from the process that starts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Surroundings {
    path: String,
    passed_on: Vec<(String, String)>,
}

impl Surroundings {
    /// Those of this process.
    pub fn here() -> Self {
        Self {
            path: ambient::env("PATH").unwrap_or_else(|| PATH.to_owned()),
            passed_on: PASSED_ON
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), ambient::env(name)?)))
                .collect(),
        }
    }

    /// All that this process has, as in a container: its image says what is there.
    pub fn everything() -> Self {
        Self {
            path: ambient::env("PATH").unwrap_or_else(|| PATH.to_owned()),
            passed_on: ambient::variables(),
        }
    }
}

/// Who runs, and what it is given.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub run: &'a str,
    pub agent: &'a str,
    pub agent_dir: &'a Path,
    /// Folder with the commands of agents.
    pub bin: &'a Path,
    /// The agent's own variables.
    pub env: &'a [(String, String)],
    /// Whether it has files of credentials.
    pub credentials: bool,
    pub gateway: Option<&'a Access>,
}

impl<'a> Given<'a> {
    pub fn by(spec: &'a Spec, bin: &'a Path) -> Self {
        Self {
            run: &spec.run,
            agent: &spec.agent,
            agent_dir: &spec.agent_dir,
            bin,
            env: &spec.env,
            credentials: !spec.files.is_empty(),
            gateway: spec.gateway.as_ref(),
        }
    }
}

/// The complete environment of an attempt. The agent's own variables cannot replace those that the
/// agent-side commands depend on.
pub(super) fn environment(
    given: Given<'_>,
    rooms: &Rooms,
    around: &Surroundings,
) -> Vec<(String, String)> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut all = around.passed_on.clone();
    let mut put = |name: &str, value: String| {
        all.retain(|(other, _)| other != name);
        all.push((name.to_owned(), value));
    };
    put("HOME", text(&rooms.work));
    put("PATH", format!("{}:{}", text(given.bin), around.path));
    for (name, value) in given.env {
        put(name, value.clone());
    }
    put("AL_AGENT", given.agent.to_owned());
    put("AL_AGENT_DIR", text(given.agent_dir));
    put("AL_INSTANCE_ID", given.run.to_owned());
    put("AL_WORK_DIR", text(&rooms.work));
    put("AL_TRIGGER_FILE", text(&rooms.trigger));
    put("AL_PARAMS_FILE", text(&rooms.params));
    put("AL_SIGNAL_DIR", text(&rooms.signals));
    put("AL_ENV_FILE", text(&rooms.env_file));
    if given.credentials {
        put("AL_CREDENTIALS_PATH", text(&rooms.credentials));
    }
    if let Some(gateway) = given.gateway {
        put("GATEWAY_URL", gateway.url.clone());
        put("SHUTDOWN_SECRET", gateway.token.clone());
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::project::ScriptCommand;
    use crate::runtime::Attempt;

    #[test]
    fn a_run_gets_its_own_variables_and_nothing_else() {
        let attempt = Attempt::new(Path::new("/p/.al/runs"), "a-1", 2).unwrap();
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        let spec = Spec {
            run: "a-1".into(),
            attempt: 2,
            agent: "a".into(),
            agent_dir: "/p/agents/a".into(),
            place: crate::runtime::Place::Process,
            adopt: false,
            command: ScriptCommand::Line("true".into()),
            env: vec![pair("TOKEN", "t"), pair("AL_AGENT", "somebody else")],
            files: vec![("t/default/token".into(), "t".into())],
            trigger: json!({}),
            input: None,
            params: json!({}),
            timeout_s: 1,
            secrets: vec![],
            gateway: Some(Access { url: "http://localhost:1".into(), token: "s".into() }),
        };
        let around = Surroundings { path: "/bin".into(), passed_on: vec![pair("TZ", "UTC")] };
        let rooms = Rooms::of(&attempt);
        let got = environment(Given::by(&spec, Path::new("/p/.al/bin")), &rooms, &around);
        let want = [
            ("TZ", "UTC"),
            ("HOME", "/p/.al/runs/a-1/work"),
            ("PATH", "/p/.al/bin:/bin"),
            ("TOKEN", "t"),
            ("AL_AGENT", "a"),
            ("AL_AGENT_DIR", "/p/agents/a"),
            ("AL_INSTANCE_ID", "a-1"),
            ("AL_WORK_DIR", "/p/.al/runs/a-1/work"),
            ("AL_TRIGGER_FILE", "/p/.al/runs/a-1/2/trigger.json"),
            ("AL_PARAMS_FILE", "/p/.al/runs/a-1/2/params.json"),
            ("AL_SIGNAL_DIR", "/p/.al/runs/a-1/2/signals"),
            ("AL_ENV_FILE", "/p/.al/runs/a-1/2/env.sh"),
            ("AL_CREDENTIALS_PATH", "/p/.al/runs/a-1/2/credentials"),
            ("GATEWAY_URL", "http://localhost:1"),
            ("SHUTDOWN_SECRET", "s"),
        ];
        assert_eq!(got, want.map(|(n, v)| pair(n, v)));
    }
}
