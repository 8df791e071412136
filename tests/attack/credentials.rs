//! Tokens, sessions and signatures: forged, dead and guessed.

use crate::report::{Attack, Report};
use crate::target::KEY;

pub async fn only_a_living_run_is_heard(report: &mut Report<'_>) {
    let mut attack = Attack::new("forged and dead tokens of runs");
    let target = report.target;
    let (run, token) = target.run().await;
    let say = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let body = r#"{"text":"here"}"#;
        target.ask("POST", "/signals/status", &[("Authorization", &bearer)], body).await
    };
    let heard = say(&token).await;
    attack.heard("the run itself", &heard, &[200]);
    let (name, signature) = token.rsplit_once('.').unwrap();
    let forged = [
        format!("{name}.{}", "0".repeat(signature.len())),
        format!("{name}."),
        name.to_owned(),
        token[..token.len() - 2].to_owned(),
        format!("{token}00"),
        format!("{run}.2.{signature}"),
        format!("other-1.1.{signature}"),
        signature.to_owned(),
        KEY.to_owned(),
    ];
    for token in &forged {
        attack.heard(&format!("token {token}"), &say(token).await, &[403]);
    }
    for path in ["/signals/return", "/locks/acquire", "/calls", "/shutdown", "/waits", "/asks"] {
        let body = format!(r#"{{"secret":"{}","value":"x","text":"x"}}"#, forged[0]);
        let heard = target.ask("POST", path, &[], &body).await;
        attack.heard(&format!("{path} with a forged secret"), &heard, &[400, 403]);
    }
    let bearer = format!("Bearer {token}");
    let heard = target.ask("GET", "/control/status", &[("Authorization", &bearer)], "").await;
    attack.heard("a run that gives orders", &heard, &[401, 429]);
    attack.heard("its end", &target.order(&format!("/control/kill/{run}")).await, &[200]);
    // The order is answered before the run has ended.
    let mut dead = say(&token).await;
    while dead.status() == 200 {
        dead = say(&token).await;
    }
    attack.heard("a dead run", &dead, &[403]);
    report.add(attack);
}

pub async fn a_session_that_has_ended_opens_nothing(report: &mut Report<'_>) {
    let mut attack = Attack::new("replayed and ended sessions");
    let target = report.target;
    let log_in = async |key: &str| {
        let body = format!(r#"{{"key":"{key}"}}"#);
        target.ask("POST", "/api/auth/login", &[], &body).await
    };
    let with =
        async |cookie: &str| target.ask("GET", "/control/status", &[("Cookie", cookie)], "").await;
    let cookie_of = |heard: &crate::wire::Heard| {
        let set = heard.header("set-cookie").unwrap_or_default();
        set.split(';').next().unwrap_or_default().to_owned()
    };
    attack.heard("a login with a wrong key", &log_in("guessed").await, &[401, 429]);

    let cookie = cookie_of(&log_in(KEY).await);
    attack.heard("a session", &with(&cookie).await, &[200]);
    let foreign = [("Cookie", cookie.as_str()), ("Origin", "http://elsewhere")];
    let heard = target.ask("POST", "/control/pause", &foreign, "").await;
    attack.heard("an order from a foreign page", &heard, &[403]);
    let ours = [("Cookie", cookie.as_str()), ("X-AL-CSRF", "1")];
    let heard = target.ask("POST", "/api/auth/logout", &ours, "").await;
    attack.heard("its end", &heard, &[200]);
    attack.heard("replayed after its end", &with(&cookie).await, &[401]);

    let cookie = cookie_of(&log_in(KEY).await);
    attack.heard("another session", &with(&cookie).await, &[200]);
    target.write_key("another-key");
    attack.heard("replayed under another key", &with(&cookie).await, &[401]);
    target.write_key(KEY);
    attack.heard("and when the first is back", &with(&cookie).await, &[401]);
    let end = cookie.chars().last().unwrap_or('A');
    let other = if end == 'A' { 'B' } else { 'A' };
    let forged = format!("{}{other}", cookie.strip_suffix(end).unwrap_or_default());
    attack.heard("forged", &with(&forged).await, &[401]);
    report.add(attack);
}

pub async fn who_guesses_signatures_is_told_to_wait(report: &mut Report<'_>) {
    let mut attack = Attack::new("guessed signatures");
    let guess = format!("sha256={}", "0".repeat(64));
    let headers = [
        ("X-GitHub-Event", "issues"),
        ("X-GitHub-Delivery", "d-1"),
        ("X-Hub-Signature-256", guess.as_str()),
        ("X-Forwarded-For", "192.0.2.1"),
    ];
    for _ in 0..400 {
        let heard = report.target.ask("POST", "/webhooks/github", &headers, "{}").await;
        attack.heard("a guess", &heard, &[401, 429]);
        if heard.status() == 429 {
            attack.must(heard.header("retry-after").is_some(), "429 without Retry-After");
        }
    }
    attack.must(attack.answered(429) > 200, "a flood is not told to wait");
    report.add(attack);
}
