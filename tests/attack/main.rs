//! Everything that a stranger could try against a gateway, against one `al start`, one after the
//! other and some of it at once. Afterwards it has to answer as fast as before, within bounded memory,
//! and to know nothing of any of it. Loopback only.
//!
//! `cargo test --test attack -- --nocapture` prints what was sent and what came back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod bodies;
mod credentials;
mod crowds;
mod report;
mod routes;
mod shapes;
mod target;
mod wire;

use report::Report;
use target::Target;

/// What the process may have more than before, at its worst. Eight large deliveries are held at once,
/// 10 MiB each and twice while they grow, beside a thousand connections.
const MEMORY_MIB: u64 = 256;

/// Rows that all refused deliveries together may leave: one an hour for each source and reason.
const REFUSALS: i64 = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_gain_nothing_and_leave_nothing_behind() {
    target::raise_files();
    let target = Target::start().await;
    let before = target.known();
    let idle = target.memory_mib();
    let mut report = Report::new(&target);

    routes::nobody_gets_in_without_the_key(&mut report).await;
    routes::nothing_but_webhooks_faces_a_proxy(&mut report).await;
    routes::another_spelling_of_a_path_opens_nothing(&mut report).await;
    credentials::only_a_living_run_is_heard(&mut report).await;
    credentials::a_session_that_has_ended_opens_nothing(&mut report).await;
    credentials::who_guesses_signatures_is_told_to_wait(&mut report).await;
    shapes::no_request_hides_another_one(&mut report).await;
    shapes::heads_have_a_size(&mut report).await;
    shapes::rubbish_is_refused(&mut report).await;
    bodies::a_hundred_megabytes_are_not_taken(&mut report).await;
    bodies::large_deliveries_take_turns(&mut report).await;
    crowds::slow_senders_are_cut_off(&mut report).await;
    crowds::who_never_reads_takes_nothing_from_others(&mut report).await;
    crowds::ten_thousand_connections_pass(&mut report).await;

    let after = target.until_healthy().await;
    println!("{report}");
    report.fail_if_violated();
    assert!(after.as_secs() < 5, "/health takes {after:?}");
    let peak = target.peak_mib();
    assert!(peak < idle + MEMORY_MIB, "{peak} MiB, and {idle} MiB before");
    assert_eq!(target.known(), before, "strangers have written to the history");
    let rows = target.refusals();
    assert!(rows <= REFUSALS, "{rows} rows about what was refused");
    assert_eq!(target.complaints(), Vec::<String>::new());
}
