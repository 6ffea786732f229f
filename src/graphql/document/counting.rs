//! What an operation would be with every fragment expanded where it is spread, counted without
//! expanding: each fragment is counted once. This runs before validation, because validation
//! itself walks expansions.

use std::collections::HashMap;

use apollo_compiler::Name;
use apollo_compiler::ast::{Definition, Document, FragmentDefinition, Selection};

use crate::graphql::document::limits::Limits;
use crate::graphql::document::position::Positions;
use crate::graphql::document::refusal::{RefusalKind, Refused};

/// Selections, fields or not, that one field is allowed on average: a document may spread
/// fragments that hold nothing but spreads.
const SELECTIONS_PER_FIELD: u32 = 3;

/// The size of a selection set, fragments expanded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Fields at any depth.
    pub fields: u32,
    /// Fields, spreads and inline fragments at any depth.
    pub selections: u32,
    /// Aliased fields at any depth.
    pub aliases: u32,
    /// Fields of this set itself.
    pub own_fields: u32,
    /// Levels of fields.
    pub depth: u32,
    /// Own fields that an operation may name only once.
    pub once: u32,
}

/// Refuses a document one of whose operations or fragments is too large, and one whose fragments
/// spread themselves.
pub fn check_expansion(
    document: &Document,
    positions: &Positions<'_>,
    limits: &Limits,
) -> Result<(), Refused> {
    let mut counter = Counter::new(document, limits);
    let mut total = Size::default();
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                let size = counter.selections(&operation.selection_set);
                total.add(size);
                check_operation(size, limits)?;
            }
            // A fragment that nothing spreads is still validated, so it is bounded too.
            Definition::FragmentDefinition(fragment) => {
                let size = counter.fragment(&fragment.name);
                check_fields(size, limits)?;
            }
            _ => {}
        }
    }
    check_fields(total, limits)?;
    if let Some(name) = counter.cycle {
        let message = format!("Fragment \"{name}\" spreads itself, directly or through others.");
        let location = positions.locate(name.location().map_or(0, |span| span.offset()));
        return Err(Refused::at(RefusalKind::ValidationFailed, message, location));
    }
    Ok(())
}

fn check_fields(size: Size, limits: &Limits) -> Result<(), Refused> {
    if size.fields > limits.fields {
        return too_complex(format!(
            "The document selects more than {} fields, fragments expanded.",
            limits.fields
        ));
    }
    if size.selections > limits.fields.saturating_mul(SELECTIONS_PER_FIELD) {
        return too_complex("The document spreads too many fragments.".to_owned());
    }
    Ok(())
}

fn check_operation(size: Size, limits: &Limits) -> Result<(), Refused> {
    if size.depth > limits.depth {
        return too_complex(format!("The operation is deeper than {} fields.", limits.depth));
    }
    if size.aliases > limits.aliases {
        return too_complex(format!("The operation has more than {} aliases.", limits.aliases));
    }
    if size.own_fields > limits.root_fields {
        return too_complex(format!(
            "The operation has more than {} root fields.",
            limits.root_fields
        ));
    }
    if size.once > 1 {
        return too_complex(format!(
            "An operation may name only one of these fields, and only once: {}.",
            limits.once_per_operation.join(", ")
        ));
    }
    Ok(())
}

fn too_complex(message: String) -> Result<(), Refused> {
    Err(Refused::new(RefusalKind::TooComplex, message))
}

struct Counter<'a> {
    fragments: HashMap<&'a Name, &'a FragmentDefinition>,
    /// Finished fragments, and (with nothing counted yet) those whose counting has begun.
    counted: HashMap<&'a Name, (Size, bool)>,
    cycle: Option<&'a Name>,
    once_per_operation: &'a [String],
}

impl<'a> Counter<'a> {
    fn new(document: &'a Document, limits: &'a Limits) -> Self {
        let fragments = document.definitions.iter().filter_map(|definition| match definition {
            Definition::FragmentDefinition(fragment) => Some((&fragment.name, &**fragment)),
            _ => None,
        });
        Self {
            fragments: fragments.collect(),
            counted: HashMap::new(),
            cycle: None,
            once_per_operation: &limits.once_per_operation,
        }
    }

    fn selections(&mut self, selections: &'a [Selection]) -> Size {
        let mut size = Size::default();
        for selection in selections {
            size.selections = size.selections.saturating_add(1);
            match selection {
                Selection::Field(field) => {
                    let below = self.selections(field.selection_set.as_deref().unwrap_or_default());
                    let once = self.once_per_operation.iter().any(|name| *name == *field.name);
                    size.add(Size {
                        fields: below.fields.saturating_add(1),
                        selections: below.selections,
                        aliases: below.aliases.saturating_add(u32::from(field.alias.is_some())),
                        own_fields: 1,
                        depth: below.depth.saturating_add(1),
                        once: u32::from(once),
                    });
                }
                Selection::InlineFragment(fragment) => {
                    let within = self.selections(&fragment.selection_set);
                    size.add(within);
                }
                Selection::FragmentSpread(spread) => {
                    let within = self.fragment(&spread.fragment_name);
                    size.add(within);
                }
            }
        }
        size
    }

    fn fragment(&mut self, name: &'a Name) -> Size {
        if let Some((size, finished)) = self.counted.get(name) {
            if !finished {
                self.cycle = Some(name);
            }
            return *size;
        }
        // An unknown fragment is for the validation to name.
        let Some(fragment) = self.fragments.get(name).copied() else { return Size::default() };
        self.counted.insert(name, (Size::default(), false));
        let size = self.selections(&fragment.selection_set);
        self.counted.insert(name, (size, true));
        size
    }
}

impl Size {
    fn add(&mut self, other: Self) {
        self.fields = self.fields.saturating_add(other.fields);
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.own_fields = self.own_fields.saturating_add(other.own_fields);
        self.depth = self.depth.max(other.depth);
        self.once = self.once.saturating_add(other.once);
    }
}
