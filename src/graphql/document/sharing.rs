//! Which operations have one answer for all guests: those that select nothing but fields of a table.

use apollo_compiler::executable::{FragmentMap, Operation, Selection, SelectionSet};
use std::collections::HashMap;

/// By type, the fields whose answers are the same for all guests until something changes of which
/// the cache of answers is told.
pub type SharedFields = &'static [(&'static str, &'static [&'static str])];

/// An operation whose answer is the same for all guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    /// What there is of anything may decide which rows are answered.
    pub filtered: bool,
}

/// The table by type.
pub type Table = HashMap<&'static str, &'static [&'static str]>;

/// Whether an operation has one answer for all guests.
pub fn of(operation: &Operation, fragments: &FragmentMap, table: &Table) -> Option<Shared> {
    if !operation.is_query() {
        return None;
    }
    let mut filtered = false;
    let shared = is_shared(&operation.selection_set, fragments, table, &mut filtered);
    shared.then_some(Shared { filtered })
}

fn is_shared(
    set: &SelectionSet,
    fragments: &FragmentMap,
    table: &Table,
    filtered: &mut bool,
) -> bool {
    let fields = table.get(set.ty.as_str()).copied().unwrap_or_default();
    set.selections.iter().all(|selection| match selection {
        Selection::Field(field) => {
            *filtered |= field.arguments.iter().any(|argument| argument.name == "where");
            let listed = field.name == "__typename" || fields.contains(&field.name.as_str());
            let inner = field.selection_set.as_ref();
            listed && inner.is_none_or(|set| is_shared(set, fragments, table, filtered))
        }
        Selection::InlineFragment(inline) => {
            is_shared(&inline.selection_set, fragments, table, filtered)
        }
        Selection::FragmentSpread(spread) => fragments
            .get(&spread.fragment_name)
            .is_some_and(|named| is_shared(&named.selection_set, fragments, table, filtered)),
    })
}
