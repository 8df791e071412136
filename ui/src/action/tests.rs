use super::*;
use crate::key::Chord;
use std::collections::BTreeMap;

fn sequences(entry: &Entry) -> Vec<Vec<Chord>> {
    entry.keys.iter().map(|keys| Chord::parse_all(keys).unwrap()).collect()
}

#[test]
fn no_key_shadows_another_where_both_work() {
    for (i, a) in ACTIONS.iter().enumerate() {
        for b in &ACTIONS[i + 1..] {
            let meet = Pane::every().any(|p| a.context.holds(p) && b.context.holds(p));
            for (x, y) in sequences(a)
                .iter()
                .flat_map(|x| sequences(b).into_iter().map(move |y| (x.clone(), y)))
            {
                let clash = x.starts_with(&y) || y.starts_with(&x);
                assert!(!(meet && clash), "{} and {} both start with {x:?}", a.id, b.id);
            }
        }
    }
}

#[test]
fn danger_is_on_capital_letters_that_mean_one_thing_everywhere() {
    let dangers: Vec<&Entry> = ACTIONS.iter().filter(|entry| entry.danger).collect();
    let keys: Vec<&[&str]> = dangers.iter().map(|entry| entry.keys).collect();
    assert_eq!(keys, [&["X"], &["R"], &["D"], &["P"]]);
    for danger in dangers {
        assert_eq!(danger.context, Context::Everywhere);
        assert!(danger.changes, "{}", danger.id);
    }
}

#[test]
fn only_ctrl_keys_that_no_multiplexer_or_terminal_takes_are_used() {
    for chord in ACTIONS.iter().flat_map(sequences).flatten().filter(|chord| chord.ctrl) {
        assert!(
            ["Ctrl-c", "Ctrl-d", "Ctrl-u", "Ctrl-l", "Ctrl-z"]
                .contains(&chord.to_string().as_str())
        );
    }
}

#[test]
fn ids_are_unique_and_moves_have_both_letter_and_arrow() {
    let mut ids = BTreeMap::new();
    for entry in ACTIONS {
        assert_eq!(ids.insert(entry.id, entry.keys), None, "{}", entry.id);
    }
    assert_eq!(ids["down"], ["j", "Down"]);
    assert_eq!(ids["up"], ["k", "Up"]);
}
