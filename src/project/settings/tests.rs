use super::*;

fn set(key: &str, value: &str) -> Change {
    Change::Set { key: key.to_owned(), value: value.to_owned() }
}

fn unset(key: &str) -> Change {
    Change::Unset { key: key.to_owned() }
}

fn edited(file: File, before: &str, changes: &[Change]) -> Result<String, Refused> {
    let mut settings = Settings::parse(file, before).unwrap();
    changes.iter().try_for_each(|change| settings.change(change))?;
    Ok(settings.text())
}

#[track_caller]
fn check(before: &str, changes: &[Change], after: &str) {
    assert_eq!(edited(File::Agent, before, changes).unwrap(), after);
}

#[track_caller]
fn check_project(before: &str, changes: &[Change], after: &str) {
    assert_eq!(edited(File::Project, before, changes).unwrap(), after);
}

#[track_caller]
fn refused(before: &str, change: &Change, message: &str, hint: &str) {
    let refused = edited(File::Agent, before, std::slice::from_ref(change)).unwrap_err();
    assert_eq!((refused.message.as_str(), refused.hint.as_deref().unwrap_or("")), (message, hint));
}

#[test]
fn comments_and_formatting_stay() {
    check(
        "# mine\nscale   =  2 # two at once\n\n[params]\nx=1 # one\n",
        &[set("scale", "5"), set("params.y", "two words"), set("timeout", "60")],
        "# mine\nscale   =  5 # two at once\ntimeout = 60\n\n[params]\nx=1 # one\ny = \"two words\"\n",
    );
}

#[test]
fn a_value_is_written_as_its_key_wants_it() {
    let check = |key: &str, value: &str, line: &str| {
        let after = edited(File::Agent, "", &[set(key, value)]).unwrap();
        assert_eq!(after.lines().last().unwrap(), line, "{key}={value}");
    };
    check("schedule", "*/5 * * * *", "schedule = \"*/5 * * * *\"");
    check("schedule", "\"@daily\"", "schedule = \"@daily\"");
    check("scale", "3", "scale = 3");
    check("scale", "many", "scale = \"many\"");
    check("compactAt", "0.5", "compactAt = 0.5");
    check("budget.perRun", "$2", "perRun = \"$2\"");
    check("budget.perRun", "2.5", "perRun = 2.5");
    check("models", "a,b", "models = [\"a\", \"b\"]");
    check("models", "[\"a\", \"b\"]", "models = [\"a\", \"b\"]");
    check("models", "", "models = []");
    check("hooks.pre", "git fetch, then make", "pre = [\"git fetch, then make\"]");
    check("harness.command", "[\"run.sh\"]", "command = [\"run.sh\"]");
    check("harness.command", "make all", "command = \"make all\"");
    check("params.depth", "3", "depth = 3");
    check("params.repo", "acme/shop", "repo = \"acme/shop\"");
    check("params.\"a.b\"", "true", "\"a.b\" = true");
    check("retry", "{ attempts = 3 }", "retry = { attempts = 3 }");
    check("runtime.type", "process", "type = \"process\"");
}

#[test]
fn tables_are_made_where_they_belong() {
    check_project(
        "[models.a]\nprovider = \"x\"\n\n[gateway]\nport = 1\n",
        &[set("models.b.provider", "anthropic"), set("models.b.price.input", "3")],
        "[models.a]\nprovider = \"x\"\n\n[models.b]\nprovider = \"anthropic\"\n\n\
         [models.b.price]\ninput = 3\n\n[gateway]\nport = 1\n",
    );
    check_project(
        "",
        &[set("models.b", "{ provider = \"anthropic\", model = \"m\" }")],
        "[models.b]\nprovider = \"anthropic\"\nmodel = \"m\"\n",
    );
}

#[test]
fn webhooks_are_counted_from_nought() {
    let one = "scale = 1\n\n[[webhooks]]\nsource = \"a\" # mine\n";
    check(one, &[set("webhooks.0.source", "b")], &one.replace("\"a\"", "\"b\""));
    let two = format!("{one}\n[[webhooks]]\nsource = \"b\"\nevents = [\"issues\"]\n");
    check(one, &[set("webhooks.1.source", "b"), set("webhooks.1.events", "issues")], &two);
    check(&two, &[unset("webhooks.1")], one);
    check(one, &[unset("webhooks.0")], "scale = 1\n");
    check("", &[set("webhooks.0", "{ source = \"a\" }")], "[[webhooks]]\nsource = \"a\"\n");
    let list = "webhooks = [{ source = \"a\" }]\n";
    check(list, &[set("webhooks.0.source", "b")], "webhooks = [{ source = \"b\" }]\n");
    refused(
        one,
        &set("webhooks.2.source", "x"),
        "`webhooks` has 1 entries",
        "the next one is `webhooks.1`",
    );
    refused(
        one,
        &set("webhooks.source", "x"),
        "`webhooks` is a list, and `source` no place in it",
        "the first is `webhooks.0`",
    );
}

#[test]
fn what_stands_at_the_top_stays_there() {
    let top = "# An agent.\n# It works.\n";
    check(top, &[set("scale", "1")], "# An agent.\n# It works.\nscale = 1\n");
    let before = "# An agent.\n\n# Where.\n[runtime]\ntype = \"process\"\n";
    let after = "# An agent.\n\nscale = 1\n\n# Where.\n[runtime]\ntype = \"process\"\n";
    let found = edited(File::Agent, before, &[set("scale", "1")]).unwrap();
    assert_eq!(found.replace("\n\n\n", "\n\n"), after.replace("An agent.\n\n", "An agent.\n"));
    check(
        "# An agent.\n\n# Two.\nscale = 2\nmodels = []\n",
        &[unset("scale")],
        "# An agent.\n\nmodels = []\n",
    );
    check("models = []\nscale = 2 # two\n", &[unset("scale")], "models = []\n");
}

#[test]
fn line_endings_and_the_byte_order_mark_stay() {
    check(
        "\u{feff}# mine\r\nscale = 2 # two\r\n\r\n[params]\r\nx = 1\r\n",
        &[set("scale", "3"), set("timeout", "60")],
        "\u{feff}# mine\r\nscale = 3 # two\r\ntimeout = 60\r\n\r\n[params]\r\nx = 1\r\n",
    );
    check("a = 1\r\nscale = 2\r\nb = 2\n", &[set("scale", "3")], "a = 1\r\nscale = 3\r\nb = 2\n");
    check("scale = 2\r\n", &[unset("scale")], "");
}

#[test]
fn a_key_that_is_none_is_refused_with_the_one_that_was_meant() {
    refused(
        "",
        &set("schedul", "@daily"),
        "agents/<name>/config.toml has no setting `schedul`",
        "did you mean `schedule`?",
    );
    refused(
        "",
        &set("attempts", "3"),
        "agents/<name>/config.toml has no setting `attempts`",
        "`attempts` belongs in `[retry]`",
    );
    refused("", &set("scale.x", "3"), "`scale` has no settings of its own", "");
    refused("", &unset("scale"), "`scale` is not set", "");
    refused(
        "",
        &set("a b", "3"),
        "`a b` is no name of a setting",
        "names have dots between their parts: `models.sonnet.provider`",
    );
    refused(
        "runtime = 3\n",
        &set("runtime.type", "process"),
        "`runtime` is no table in this file",
        "take it out first: --unset runtime",
    );
    refused(
        "",
        &set("runtime", "process"),
        "`runtime` is a table",
        "one of its keys: `runtime.<key>`, or the whole: `{ a = 1 }`",
    );
    let old = edited(File::Project, "", &[set("webhookQueueSize", "3")]).unwrap_err();
    assert_eq!(old.hint.as_deref(), Some("it is called `workQueueSize` now"));
}

/// Nothing that the loader knows is out of reach.
#[test]
fn every_key_of_the_schema_can_be_set() {
    for file in [File::Project, File::Env, File::Environment, File::Agent] {
        for info in crate::project::find_key_table(file) {
            let mut path = info.path.replace("<name>", "some");
            for list in ["preflight.", "webhooks."] {
                if file == File::Agent && path.starts_with(list) {
                    path = path.replace(list, &format!("{list}0."));
                }
            }
            let parts = parts(&path).unwrap();
            assert!(slot(file, &parts).is_ok(), "{file:?} {path}");
        }
    }
}

#[test]
fn what_is_written_can_be_read() {
    let text =
        "models = [\"a\"]\n[[webhooks]]\nsource = \"x\"\nevents = [\"push\"]\n[params]\na = 1\n";
    let settings = Settings::parse(File::Agent, text).unwrap();
    let of = |key: &str| parts(key).unwrap();
    assert_eq!(settings.get(&of("models")).as_deref(), Some("[\"a\"]"));
    assert_eq!(settings.texts_of(&of("models")), ["a"]);
    assert_eq!(settings.text_of(&of("webhooks.0.source")).as_deref(), Some("x"));
    assert_eq!(settings.texts_of(&of("webhooks.0.events")), ["push"]);
    assert_eq!(settings.keys_of(&of("webhooks")), ["0"]);
    assert_eq!(settings.keys_of(&of("params")), ["a"]);
    assert_eq!(settings.get(&of("scale")), None);
}
