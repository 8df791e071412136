use super::*;
use crate::fixture::snapshot;
use std::sync::LazyLock;

fn fleet() -> Fleet {
    let mut fleet = Fleet::default();
    fleet.replace(snapshot());
    fleet
}

static NAMES: LazyLock<[Vec<String>; 2]> = LazyLock::new(|| {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    [names(&["mono", "terminal"]), names(&["staging", "vps1"])]
});

fn known() -> Known<'static> {
    Known { themes: &NAMES[0], environments: &NAMES[1] }
}

#[test]
fn views_take_an_agent_and_a_filter() {
    let check = |text: &str, pane: Pane, scope: Option<&str>, filter: &str| {
        let filter = Query::parse(pane.view(), filter).unwrap();
        let expected = Line::View { pane, scope: scope.map(Into::into), filter };
        assert_eq!(parse(text, &fleet(), crate::fixture::NOW_MS, false), Ok(expected), "{text}");
    };
    check("agents", Pane::Agents, None, "");
    check(" runs dev state=failed /clippy", Pane::Runs, Some("dev"), "state=failed /clippy");
    check("runs state=failed", Pane::Runs, None, "state=failed");
    check("queues docs", Pane::Queues, Some("docs"), "");
    check("triggers dev", Pane::Triggers, None, "dev");
}

#[test]
fn logs_of_agents_runs_and_the_scheduler() {
    let check = |text: &str, source: Option<LogSource>| {
        assert_eq!(
            parse(text, &fleet(), crate::fixture::NOW_MS, false),
            Ok(Line::Logs(source)),
            "{text}"
        );
    };
    check("logs", None);
    check("logs scheduler", Some(LogSource::Scheduler));
    check("logs dev", Some(LogSource::Agent("dev".into())));
    check("logs 000000b2", Some(LogSource::Run("dev-000000b2".into())));
}

#[test]
fn mistakes_are_sentences() {
    let check = |text: &str, error: &str| {
        assert_eq!(
            parse(text, &fleet(), crate::fixture::NOW_MS, false),
            Err(error.into()),
            "{text}"
        )
    };
    check("frobnicate", "no command called `frobnicate`");
    check("pasue dev", "no command called `pasue`, did you mean `pause`?");
    check("pause relase", "no agent called `relase`, did you mean `release`?");
    check("pause", "`pause` needs an agent or `all`");
    check("kill a b", "`kill` takes one word");
    check("kill 000000b", "`000000b` fits 2 runs");
    check("scale dev", "`scale` needs an agent and a number");
    check("scale dev -1", "`-1` is no number of runs");
    check("q now", "`q` takes no words");
    check("runs dev stat=failed", "column 10: no key `stat`, did you mean `state`?");
    check("  queues age<x", "column 12: `x` is no span of time: write 90s, 5m, 1h30m or 2d");
    check("drop release", "nothing like that is queued");
    check("drop age>9d", "nothing like that is queued");
    check("replay zz", "no receipt begins with `zz`");
}

#[test]
fn completion_knows_verbs_agents_runs_states_and_themes() {
    let check = |line: &str, candidates: &[&str], tab: Option<&str>| {
        let completion = complete(line, &fleet(), &known(), false);
        assert_eq!(completion.candidates, candidates, "{line}");
        assert_eq!(completion.apply(line).as_deref(), tab, "{line}");
    };
    check("ki", &["kill"], Some("kill "));
    check("r", &["runs", "run", "resume", "rerun", "replay", "record"], Some("r"));
    check("ru", &["runs", "run"], Some("run"));
    check("pause d", &["dev", "docs"], Some("pause d"));
    check("kill dev-", &["dev-000000b2", "dev-000000b1"], Some("kill dev-000000b"));
    check("drop do", &["docs", "docs-000000d1"], Some("drop docs"));
    check("triggers o", &["outcome="], Some("triggers outcome= "));
    check("theme m", &["mono"], Some("theme mono "));
    check("runs dev state=f", &["state=failed"], Some("runs dev state=failed "));
    check("nonsense x", &[], None);
    let ghost = |line: &str| complete(line, &fleet(), &known(), false).ghost(line);
    assert_eq!((ghost("ki"), ghost("kill"), ghost("")), (Some("ll".into()), None, None));
}

#[test]
fn read_only_completes_no_command_that_changes_the_scheduler() {
    let wrong = parse("ki", &fleet(), crate::fixture::NOW_MS, true);
    assert_eq!(wrong, Err("no command called `ki`".into()));
    let completion = complete("", &fleet(), &known(), true);
    assert!(completion.candidates.iter().all(|verb| !CHANGING.contains(&verb.as_str())));
    assert_eq!(completion.candidates.len(), VERBS.len() - CHANGING.len());
}
