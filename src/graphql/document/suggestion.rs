//! "Did you mean" for fields that a type does not have. Off in production, where it would tell
//! strangers the names of a schema that is not theirs to read.

use apollo_compiler::Name;
use apollo_compiler::schema::ExtendedType;

use crate::graphql::document::types::TypeSystem;

/// Names that one error proposes at most.
const MOST_PROPOSALS: usize = 3;

/// Longest name that is compared: nobody mistypes longer ones.
const LONGEST_NAME: usize = 64;

/// A sentence to append to the validator's message on an unknown field.
pub fn suggest(message: &str, types: &TypeSystem) -> Option<String> {
    let rest = message.strip_prefix("type `")?;
    let (parent, rest) = rest.split_once("` does not have a field `")?;
    let wrong = rest.strip_suffix('`')?;
    if wrong.len() > LONGEST_NAME {
        return None;
    }
    let fields = match types.get(&Name::new(parent).ok()?)? {
        ExtendedType::Object(object) => &object.fields,
        ExtendedType::Interface(interface) => &interface.fields,
        _ => return None,
    };
    let farthest = wrong.len() / 3 + 1;
    let mut near: Vec<(usize, &str)> = fields
        .keys()
        .map(|name| (distance(wrong, name), name.as_str()))
        .filter(|(distance, _)| *distance <= farthest)
        .collect();
    near.sort_unstable();
    near.truncate(MOST_PROPOSALS);
    let names: Vec<String> = near.into_iter().map(|(_, name)| format!("\"{name}\"")).collect();
    (!names.is_empty()).then(|| format!(" Did you mean {}?", names.join(" or ")))
}

/// Insertions, deletions and replacements that turn one name into the other, case aside.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, left) in one.bytes().enumerate() {
        let mut diagonal = at;
        let mut before = at.saturating_add(1);
        let mut next = vec![before];
        for (right, above) in other.bytes().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(!left.eq_ignore_ascii_case(&right));
            before = replaced.min(before + 1).min(above + 1);
            diagonal = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
