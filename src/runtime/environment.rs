//! The environment of a run: built from nothing, so that neither the scheduler's variables nor
//! another run's get in.

use std::path::Path;

use super::Spec;
use super::layout::Attempt;
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
}

/// The complete environment of an attempt. The agent's own variables cannot replace those that the
/// agent-side commands depend on.
pub(super) fn environment(
    spec: &Spec,
    attempt: &Attempt,
    bin_dir: &Path,
    around: &Surroundings,
) -> Vec<(String, String)> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let work = text(&attempt.work());
    let mut all = around.passed_on.clone();
    all.push(("HOME".to_owned(), work.clone()));
    all.push(("PATH".to_owned(), format!("{}:{}", text(bin_dir), around.path)));
    all.extend(spec.env.iter().cloned());

    let mut own = |name: &str, value: String| {
        all.retain(|(other, _)| other != name);
        all.push((name.to_owned(), value));
    };
    own("AL_AGENT", spec.agent.clone());
    own("AL_AGENT_DIR", text(&spec.agent_dir));
    own("AL_INSTANCE_ID", spec.run.clone());
    own("AL_WORK_DIR", work);
    own("AL_TRIGGER_FILE", text(&attempt.trigger()));
    own("AL_PARAMS_FILE", text(&attempt.params()));
    own("AL_SIGNAL_DIR", text(&attempt.signals()));
    own("AL_ENV_FILE", text(&attempt.env_file()));
    if !spec.files.is_empty() {
        own("AL_CREDENTIALS_PATH", text(&attempt.credentials()));
    }
    if let Some(gateway) = &spec.gateway {
        own("GATEWAY_URL", gateway.url.clone());
        own("SHUTDOWN_SECRET", gateway.token.clone());
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::project::ScriptCommand;
    use crate::runtime::Access;

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
        let got = environment(&spec, &attempt, Path::new("/p/.al/bin"), &around);
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
