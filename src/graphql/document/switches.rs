//! The few facts about variables that change the shape of an operation and not only its values:
//! conditions of `@skip` and `@include`, and whether a variable is given at all where an
//! argument has a default of its own. For each combination there is one engine form.

use std::collections::HashSet;

use apollo_compiler::Name;
use apollo_compiler::Node;
use apollo_compiler::ast::{DirectiveList, Value as Literal};
use apollo_compiler::executable::{FragmentMap, Operation, Selection};
use async_graphql::{Value, Variables};

use crate::graphql::document::refusal::{RefusalKind, Refused};

/// The variables that decide an operation's shape, in the order of their first use.
#[derive(Debug, Default)]
pub struct Switches {
    list: Vec<Switch>,
}

#[derive(Debug, PartialEq, Eq)]
struct Switch {
    variable: Name,
    is_condition: bool,
}

/// How one switch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Position {
    /// No value was given and there is no default.
    Omitted,
    /// A value was given.
    Given,
    /// The condition holds.
    On,
    /// The condition does not hold.
    Off,
}

/// The switches with their positions for one request.
pub struct Setting<'a> {
    switches: &'a Switches,
    positions: &'a [Position],
}

impl Switches {
    /// Finds the switches of an operation and of the fragments it uses.
    pub fn of(operation: &Operation, fragments: &FragmentMap) -> Self {
        let mut search =
            Search { operation, fragments, visited: HashSet::new(), found: Self::default() };
        search.selections(&operation.selection_set.selections);
        search.found
    }

    /// How the switches stand with these variables.
    ///
    /// # Errors
    /// A condition's variable is null: neither true nor false.
    pub fn positions(&self, variables: &Variables) -> Result<Vec<Position>, Refused> {
        let position = |switch: &Switch| {
            let value = variables.get(switch.variable.as_str());
            match (value, switch.is_condition) {
                (Some(Value::Boolean(true)), true) => Ok(Position::On),
                (Some(Value::Boolean(false)), true) => Ok(Position::Off),
                (_, true) => Err(Refused::new(
                    RefusalKind::InputInvalid,
                    format!(
                        "Variable \"${}\" decides a condition and must be true or false.",
                        switch.variable
                    ),
                )),
                (Some(_), false) => Ok(Position::Given),
                (None, false) => Ok(Position::Omitted),
            }
        };
        self.list.iter().map(position).collect()
    }
}

impl<'a> Setting<'a> {
    /// Joins switches and the positions that `Switches::positions` found.
    pub const fn new(switches: &'a Switches, positions: &'a [Position]) -> Self {
        Self { switches, positions }
    }

    /// The value of a condition's argument.
    pub fn condition(&self, argument: &Literal) -> Option<bool> {
        match argument {
            Literal::Boolean(value) => Some(*value),
            Literal::Variable(name) => match self.position(name, true)? {
                Position::On => Some(true),
                Position::Off => Some(false),
                Position::Omitted | Position::Given => None,
            },
            _ => None,
        }
    }

    /// Whether the argument that this variable stands for is left out.
    pub fn is_omitted(&self, variable: &Name) -> bool {
        self.position(variable, false) == Some(Position::Omitted)
    }

    fn position(&self, variable: &Name, is_condition: bool) -> Option<Position> {
        let is_it =
            |switch: &Switch| switch.variable == *variable && switch.is_condition == is_condition;
        let at = self.switches.list.iter().position(is_it)?;
        self.positions.get(at).copied()
    }
}

struct Search<'a> {
    operation: &'a Operation,
    fragments: &'a FragmentMap,
    visited: HashSet<&'a Name>,
    found: Switches,
}

impl<'a> Search<'a> {
    fn selections(&mut self, selections: &'a [Selection]) {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    self.conditions(&field.directives);
                    for argument in &field.arguments {
                        let has_default = field.definition.arguments.iter().any(|defined| {
                            defined.name == argument.name && defined.default_value.is_some()
                        });
                        if has_default {
                            self.variable(&argument.value, false);
                        }
                    }
                    if let Some(set) = &field.selection_set {
                        self.selections(&set.selections);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    self.conditions(&fragment.directives);
                    self.selections(&fragment.selection_set.selections);
                }
                Selection::FragmentSpread(spread) => {
                    self.conditions(&spread.directives);
                    let name = &spread.fragment_name;
                    if self.visited.insert(name)
                        && let Some(fragment) = self.fragments.get(name)
                    {
                        self.selections(&fragment.selection_set.selections);
                    }
                }
            }
        }
    }

    fn conditions(&mut self, directives: &DirectiveList) {
        let conditions =
            directives.iter().filter(|d| matches!(d.name.as_str(), "skip" | "include"));
        for argument in conditions.flat_map(|directive| &directive.arguments) {
            self.variable(&argument.value, true);
        }
    }

    fn variable(&mut self, value: &Node<Literal>, is_condition: bool) {
        let Literal::Variable(name) = value.as_ref() else { return };
        // A variable that always has a value cannot be omitted.
        let is_settled = || {
            let defined = self.operation.variables.iter().find(|defined| defined.name == *name);
            defined
                .is_some_and(|defined| defined.ty.is_non_null() || defined.default_value.is_some())
        };
        if !is_condition && is_settled() {
            return;
        }
        let switch = Switch { variable: name.clone(), is_condition };
        if !self.found.list.contains(&switch) {
            self.found.list.push(switch);
        }
    }
}
