use super::*;

/// The JSON of a value is `golden`, and reads back as the same value.
fn check<T>(value: T, golden: &str)
where
    T: Serialize + for<'a> Deserialize<'a> + PartialEq + std::fmt::Debug,
{
    assert_eq!(serde_json::to_string(&value).unwrap(), golden);
    assert_eq!(serde_json::from_str::<T>(golden).unwrap(), value);
}

#[test]
fn commands_have_one_json_form() {
    check(
        Up::Submit {
            id: 7,
            seen: 41,
            command: Command::kill(Target::Run("dev-1a2b3c4d".into())),
            token: None,
        },
        r#"{"up":"submit","id":7,"seen":41,"command":{"do":"kill","target":{"run":"dev-1a2b3c4d"},"tree":false},"token":null}"#,
    );
    check(
        Command::Pause {
            scope: Scope::Project,
            why: Some("deploy".into()),
            hold: Hold::Drain,
            until_ms: Some(9),
            kill: false,
        },
        r#"{"do":"pause","scope":"project","why":"deploy","hold":"drain","until_ms":9,"kill":false}"#,
    );
    check(
        Command::run("dev", Some("look".into())),
        r#"{"do":"run","agent":"dev","prompt":"look"}"#,
    );
    check(
        Command::Run {
            agent: "dev".into(),
            prompt: None,
            how: RunHow {
                params: [("branch".to_owned(), "main".to_owned())].into(),
                priority: Some(Priority::High),
                not_before_ms: Some(7),
            },
        },
        r#"{"do":"run","agent":"dev","prompt":null,"params":{"branch":"main"},"priority":"high","not_before_ms":7}"#,
    );
    check(Up::Why { id: "dev-1".into() }, r#"{"up":"why","id":"dev-1"}"#);
    let step = WhyStep { at_ms: 5, about: "dev-1".into(), text: "started at once".into() };
    check(
        Down::Why { id: "dev-1".into(), steps: vec![step], delivery: None },
        r#"{"down":"why","id":"dev-1","steps":[{"at_ms":5,"about":"dev-1","text":"started at once"}]}"#,
    );
    check(
        Command::Answer { run: "dev-1a2b3c4d".into(), text: "yes".into() },
        r#"{"do":"answer","run":"dev-1a2b3c4d","text":"yes"}"#,
    );
    check(
        Command::Say { run: "dev-1a2b3c4d".into(), text: "stop there".into() },
        r#"{"do":"say","run":"dev-1a2b3c4d","text":"stop there"}"#,
    );
    check(Command::Unlock { key: "db:main".into() }, r#"{"do":"unlock","key":"db:main"}"#);
    check(
        Down::Reply { id: 7, reply: Reply::Stale { now: vec!["it already ended".into()] } },
        r#"{"down":"reply","id":7,"reply":{"reply":"stale","now":["it already ended"]}}"#,
    );
}

#[test]
fn a_page_of_the_past_has_one_json_form() {
    let query = PageQuery {
        of: PageOf::Runs,
        agent: Some("dev".into()),
        filter: "state=failed".into(),
        before: Some("dev-1".into()),
        limit: 200,
    };
    check(
        Up::Page(query.clone()),
        r#"{"up":"page","of":"runs","agent":"dev","filter":"state=failed","before":"dev-1","limit":200}"#,
    );
    let page = Page {
        query,
        runs: Vec::new(),
        triggers: Vec::new(),
        events: Vec::new(),
        next: None,
        total: Some(412),
    };
    check(
        Down::Page(Box::new(page)),
        r#"{"down":"page","query":{"of":"runs","agent":"dev","filter":"state=failed","before":"dev-1","limit":200},"runs":[],"triggers":[],"next":null,"total":412}"#,
    );
}

#[test]
fn a_question_without_an_answer_has_one_json_form() {
    let check = |asked, golden: &str| {
        let why = "disk I/O error".to_owned();
        let golden = format!(r#"{{"down":"unanswered","asked":{golden},"why":"disk I/O error"}}"#);
        check(Down::Unanswered { asked, why }, &golden);
    };
    check(Question::Count { every_ms: 60_000 }, r#"{"question":"count","every_ms":60000}"#);
    check(Question::Past { from_ms: 1, to_ms: 2 }, r#"{"question":"past","from_ms":1,"to_ms":2}"#);
    check(Question::Why { id: "dev-1".into() }, r#"{"question":"why","id":"dev-1"}"#);
    let newer = serde_json::from_str::<Question>(r#"{"question":"dream"}"#).unwrap();
    assert_eq!(newer, Question::Unknown);
}

#[test]
fn what_a_row_does_not_have_is_left_out_and_may_be_missing() {
    let run = r#"{"id":"dev-1","agent":"dev","state":"queued","why":"all slots are taken","trigger":"manual","attempt":0,"queued_ms":5}"#;
    let read: RunRow = serde_json::from_str(run).unwrap();
    assert_eq!((read.started_ms, read.usage.clone(), read.lane.clone()), (None, None, None));
    check(read, run);
    let agent = r#"{"name":"dev","state":"idle","running":0,"waiting":0,"scale":1,"queued":0,"queue_bound":20,"triggers":[],"engine":"built-in","runtime":"process","timeout_s":60}"#;
    check(serde_json::from_str::<AgentRow>(agent).unwrap(), agent);
    let trigger = r#"{"id":"r","at_ms":1,"source":"github","summary":"push","outcome":"no_match","why":"no agent wants it","runs":[],"times":1,"webhook":true}"#;
    check(serde_json::from_str::<TriggerRow>(trigger).unwrap(), trigger);
    // As older hosts and recordings have it.
    let nulls = r#"{"id":"r","at_ms":1,"source":"github","summary":"push","outcome":"no_match","why":"no agent wants it","runs":[],"last_ms":null,"dead":null,"by":null,"replay_of":null,"webhook":true}"#;
    assert_eq!(
        serde_json::from_str::<TriggerRow>(nulls).unwrap(),
        serde_json::from_str::<TriggerRow>(trigger).unwrap()
    );
}

#[test]
fn the_way_to_the_host_has_one_json_form() {
    check(
        Down::Link(Link::Open { round_trip_ms: 18, url: None }),
        r#"{"down":"link","link":"open","round_trip_ms":18}"#,
    );
    check(
        Down::Link(Link::Recording { at_ms: 5, speed: 1_000, ended: false, cut: false }),
        r#"{"down":"link","link":"recording","at_ms":5,"speed":1000,"ended":false}"#,
    );
    check(
        Down::Link(Link::Lost { why: "cannot connect".into() }),
        r#"{"down":"link","link":"lost","why":"cannot connect"}"#,
    );
}

#[test]
fn alerts_have_one_json_form_and_an_older_host_has_none() {
    let alert = AlertRow {
        key: "config:agents/dev/config.toml".into(),
        at_ms: 7,
        agent: Some("dev".into()),
        message: "bad schedule".into(),
        hint: None,
        file: Some("agents/dev/config.toml".into()),
        line: Some(3),
    };
    assert_eq!(alert.sentence(), "agents/dev/config.toml:3: bad schedule");
    check(
        alert,
        r#"{"key":"config:agents/dev/config.toml","at_ms":7,"agent":"dev","message":"bad schedule","hint":null,"file":"agents/dev/config.toml","line":3}"#,
    );
    let host = r#"{"project":"shop","environment":null,"gateway":null,"mode":"running","paused":null,"scale":null,"started_ms":0,"version":"0","pid":1}"#;
    assert_eq!(serde_json::from_str::<HostRow>(host).unwrap().alerts, []);
}

#[test]
fn a_shorter_form_of_a_command_means_what_it_meant() {
    let check = |json: &str, command: Command| {
        assert_eq!(serde_json::from_str::<Command>(json).unwrap(), command, "{json}");
    };
    check(r#"{"do":"kill","target":{"agent":"dev"}}"#, Command::kill(Target::Agent("dev".into())));
    check(r#"{"do":"pause","scope":"project","why":null}"#, Command::pause(Scope::Project));
}

#[test]
fn every_character_that_reorders_text_is_known() {
    let all: Vec<u32> = ('\0'..=char::MAX).filter(|c| reorders(*c)).map(u32::from).collect();
    // `Bidi_Control` in PropList.txt of Unicode 16.
    let expected: Vec<u32> = [0x061c]
        .into_iter()
        .chain(0x200e..=0x200f)
        .chain(0x202a..=0x202e)
        .chain(0x2066..=0x2069)
        .collect();
    assert_eq!(all, expected);
}

#[test]
fn loads_have_one_json_form() {
    let load = LoadRow {
        run: "dev-1a2b3c4d".into(),
        cpu_percent: Some(12),
        memory_bytes: 4096,
        memory_limit_bytes: None,
        pids: 3,
    };
    check(
        Down::Loads { loads: vec![load] },
        r#"{"down":"loads","loads":[{"run":"dev-1a2b3c4d","cpu_percent":12,"memory_bytes":4096,"memory_limit_bytes":null,"pids":3}]}"#,
    );
}

#[test]
fn numbers_over_time_have_one_json_form() {
    check(
        Up::Count { every_ms: 60_000, buckets: 60 },
        r#"{"up":"count","every_ms":60000,"buckets":60}"#,
    );
    check(
        Up::Past { from_ms: 1, to_ms: 2, limit: 3 },
        r#"{"up":"past","from_ms":1,"to_ms":2,"limit":3}"#,
    );
    let line = Line { measure: Measure::Ended, values: vec![None, Some(2)] };
    let series = Series {
        every_ms: 60_000,
        from_ms: 120_000,
        at_ms: 180_001,
        buckets: 2,
        unknown: 1,
        uncounted: vec![Measure::Queued],
        total: vec![line.clone()],
        agents: vec![AgentSeries { agent: "dev".into(), lines: vec![line] }],
    };
    check(
        Down::Series(Box::new(series)),
        r#"{"down":"series","every_ms":60000,"from_ms":120000,"at_ms":180001,"buckets":2,"unknown":1,"uncounted":["queued"],"total":[{"measure":"ended","values":[null,2]}],"agents":[{"agent":"dev","lines":[{"measure":"ended","values":[null,2]}]}]}"#,
    );
    check(
        Down::Past { from_ms: 1, to_ms: 2, runs: Vec::new(), whole: true },
        r#"{"down":"past","from_ms":1,"to_ms":2,"runs":[],"whole":true}"#,
    );
    assert_eq!(serde_json::from_str::<Measure>(r#""smiles""#).unwrap(), Measure::Unknown);
}

#[test]
fn an_old_console_survives_a_newer_host() {
    assert_eq!(
        serde_json::from_str::<Down>(r#"{"down":"hologram","x":1}"#).unwrap(),
        Down::Unknown
    );
    assert_eq!(serde_json::from_str::<RunState>(r#""dreaming""#).unwrap(), RunState::Unknown);
    assert_eq!(serde_json::from_str::<Row>(r#"{"row":"lane","k":1}"#).unwrap(), Row::Unknown);
    assert_eq!(serde_json::from_str::<Outcome>(r#""held""#).unwrap(), Outcome::Unknown);
}
