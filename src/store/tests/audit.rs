//! The record of who did what.

use super::*;
use crate::scheduler::{Deed, DeedKind, Ending};

fn login(by: &str, at: i64) -> Decision {
    let deed = Deed::of(Who::console(by), DeedKind::Login, Ending::Done, "");
    Decision::Audited { deed: Box::new(deed), at }
}

fn kept(pair: &Pair) -> Vec<(i64, String)> {
    let query = AuditQuery { limit: 100, ..AuditQuery::default() };
    let records = pair.store.reader().audit(&query).unwrap();
    records.into_iter().map(|record| (record.n, record.deed.by.name)).collect()
}

fn write(pair: &Pair, decisions: &[Decision]) {
    pair.store.begin().unwrap();
    decisions.iter().for_each(|decision| pair.store.apply(decision).unwrap());
    pair.store.commit().unwrap();
}

#[test]
fn an_order_and_its_record_are_written_together_or_not_at_all() {
    let mut pair = Pair::new();
    pair.command(T0, Command::pause(Scope::Project, Some("deploy".into())));
    let query = AuditQuery { limit: 9, ..AuditQuery::default() };
    let [record] = &pair.store.reader().audit(&query).unwrap()[..] else { panic!("one record") };
    assert_eq!((record.at, record.deed.kind), (T0, DeedKind::Pause));
    assert_eq!(record.deed.on.as_deref(), Some("the scheduler"));
    assert!(!format!("{record:?}").contains("deploy"), "why is in the pause's own row");
    pair.store.begin().unwrap();
    pair.store.apply(&login("eve", T0)).unwrap();
    pair.store.roll_back();
    assert_eq!(kept(&pair), [(1, "ann".to_owned())]);
}

#[test]
fn old_records_go_with_history_and_no_number_is_given_twice() {
    let pair = Pair::new();
    let named = |all: &[(i64, &str)]| -> Vec<(i64, String)> {
        all.iter().map(|(n, by)| (*n, (*by).to_owned())).collect()
    };
    write(&pair, &[login("a", T0), login("b", T0 + 1), login("c", T0 + 2)]);
    write(&pair, &[Decision::Prune { before: T0 + 1 }]);
    assert_eq!(kept(&pair), named(&[(3, "c"), (2, "b")]));
    write(&pair, &[Decision::Prune { before: T0 + 100 }]);
    assert_eq!(kept(&pair), named(&[(3, "c")]), "the newest stays for its number");
    write(&pair, &[login("d", T0 + 101)]);
    assert_eq!(kept(&pair), named(&[(4, "d"), (3, "c")]));
}
