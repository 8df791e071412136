use super::*;
use proptest::prelude::*;

const COLUMNS: [Column; 4] = [
    Column { title: "NAME", width: Width::Cells(8, 20), priority: 0, right: false },
    Column { title: "STATE", width: Width::Fixed(8), priority: 0, right: false },
    Column { title: "LAST", width: Width::Fixed(6), priority: 1, right: false },
    Column { title: "WHY", width: Width::Rest(10), priority: 2, right: false },
];

#[test]
fn columns_go_by_priority_and_names_grow_first() {
    let check = |width: u16, name: u16, expected: &[(usize, u16)]| {
        assert_eq!(fit(&COLUMNS, &[name, 8, 6, 50], width), expected, "{width}");
    };
    check(80, 12, &[(0, 12), (1, 8), (2, 6), (3, 51)]);
    check(80, 40, &[(0, 20), (1, 8), (2, 6), (3, 43)]);
    check(35, 12, &[(0, 8), (1, 8), (2, 6), (3, 10)]);
    check(34, 12, &[(0, 12), (1, 8), (2, 6)]);
    check(20, 12, &[(0, 11), (1, 8)]);
    check(3, 12, &[(0, 8), (1, 8)]);
}

proptest! {
    #[test]
    fn the_selected_row_is_in_view_and_kept(
        steps in proptest::collection::vec((-5..5_isize, 0..40_usize, 1..12_usize), 1..30),
    ) {
        let names: Vec<String> = (0..40).map(|n| format!("row-{n:02}")).collect();
        let key = |index: usize| names.get(index).map(String::as_str);
        let mut table = Table::default();
        for (by, gone, rows) in steps {
            table.step(by);
            let all: Vec<usize> = (0..40).collect();
            table.settle(all, key, rows);
            let selected = table.selected.clone();
            let kept: Vec<usize> = (0..40).filter(|index| *index != gone).collect();
            table.settle(kept, key, rows);
            let is_gone = selected.as_deref() == key(gone);
            prop_assert_eq!(table.selected == selected, !is_gone);
            prop_assert!((table.top..table.top + rows).contains(&table.at));
        }
    }
}
