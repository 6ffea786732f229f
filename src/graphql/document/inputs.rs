//! The literals of an operation beside the types of their places: what the schema's own scalars
//! refuse, and which variables stand where null is not allowed.

use std::collections::HashSet;

use apollo_compiler::ast::{Type, Value as Literal};
use apollo_compiler::executable::{FragmentMap, Operation, Selection};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Name, Node};

use crate::graphql::document::literals;
use crate::graphql::document::position::Positions;
use crate::graphql::document::refusal::{RefusalKind, Refused};
use crate::graphql::document::types::TypeSystem;

/// Checks an operation's literals, and finds the nullable variables that stand where null is not
/// allowed: a default lets validation accept them, but a null that is sent for them is wrong.
///
/// # Errors
/// A literal is no value of its scalar.
pub fn check_inputs(
    operation: &Operation,
    fragments: &FragmentMap,
    types: &TypeSystem,
    positions: &Positions<'_>,
) -> Result<HashSet<Name>, Refused> {
    let visited = HashSet::new();
    let mut walk = Walk { fragments, types, positions, visited, never_null: HashSet::new() };
    for variable in &operation.variables {
        if let Some(default) = &variable.default_value {
            walk.value(&variable.ty, default)?;
        }
    }
    walk.selections(&operation.selection_set.selections)?;
    let mut never_null = walk.never_null;
    let nullable = |name: &Name| {
        let is_it = |variable: &&Node<_>| {
            let variable: &apollo_compiler::ast::VariableDefinition = variable;
            variable.name == *name
        };
        operation.variables.iter().find(is_it).is_some_and(|found| !found.ty.is_non_null())
    };
    never_null.retain(nullable);
    Ok(never_null)
}

struct Walk<'a> {
    fragments: &'a FragmentMap,
    types: &'a TypeSystem,
    positions: &'a Positions<'a>,
    visited: HashSet<&'a Name>,
    never_null: HashSet<Name>,
}

impl<'a> Walk<'a> {
    fn selections(&mut self, selections: &'a [Selection]) -> Result<(), Refused> {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    for argument in &field.arguments {
                        let mut defined = field.definition.arguments.iter();
                        if let Some(defined) = defined.find(|d| d.name == argument.name) {
                            self.value(&defined.ty, &argument.value)?;
                        }
                    }
                    if let Some(set) = &field.selection_set {
                        self.selections(&set.selections)?;
                    }
                }
                Selection::InlineFragment(fragment) => {
                    self.selections(&fragment.selection_set.selections)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.fragment_name;
                    if self.visited.insert(name)
                        && let Some(fragment) = self.fragments.get(name)
                    {
                        self.selections(&fragment.selection_set.selections)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn value(&mut self, ty: &Type, value: &Node<Literal>) -> Result<(), Refused> {
        match (value.as_ref(), ty) {
            (Literal::Null, _) => Ok(()),
            (Literal::Variable(name), ty) => {
                if ty.is_non_null() {
                    self.never_null.insert(name.clone());
                }
                Ok(())
            }
            (Literal::List(items), Type::List(item) | Type::NonNullList(item)) => {
                items.iter().try_for_each(|value| self.value(item, value))
            }
            (_, Type::List(item) | Type::NonNullList(item)) => self.value(item, value),
            (_, Type::Named(name) | Type::NonNullNamed(name)) => self.named(name, value),
        }
    }

    fn named(&mut self, name: &Name, value: &Node<Literal>) -> Result<(), Refused> {
        let types = self.types;
        match (types.get(name), value.as_ref()) {
            (Some(ExtendedType::InputObject(object)), Literal::Object(members)) => {
                for (member, value) in members {
                    if let Some(field) = object.fields.get(member) {
                        self.value(&field.ty, value)?;
                    }
                }
                Ok(())
            }
            (Some(ExtendedType::Scalar(_)), literal) if !literals::has_variables(literal) => {
                let checked = types.scalars().check(name, &literals::lower_const(literal));
                checked.map_err(|wrong| {
                    let message = format!("A value of type \"{name}\" {wrong}");
                    let offset = value.location().map_or(0, |span| span.offset());
                    let location = self.positions.locate(offset);
                    Refused::at(RefusalKind::ValidationFailed, message, location)
                })
            }
            _ => Ok(()),
        }
    }
}
