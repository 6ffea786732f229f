//! A document that has been read once: its operations, and the engine's form of each for every
//! way its variables have shaped it.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

use apollo_compiler::ExecutableDocument;
use apollo_compiler::Name;
use apollo_compiler::Node;
use apollo_compiler::ast::{OperationType, Type};
use apollo_compiler::collections::IndexSet;
use apollo_compiler::executable::{FragmentMap, Operation, Selection};
use async_graphql::parser::types as engine;
use async_graphql::{Positioned, Variables};
use parking_lot::RwLock;

use crate::graphql::document::cost::Cost;
use crate::graphql::document::inputs::check_inputs;
use crate::graphql::document::limits::Limits;
use crate::graphql::document::lowering::{Lowering, engine_name};
use crate::graphql::document::params::OperationKind;
use crate::graphql::document::position::Positions;
use crate::graphql::document::refusal::{Location, RefusalKind, Refused};
use crate::graphql::document::sharing::{self, Shared, Table};
use crate::graphql::document::switches::{Position, Setting, Switches};
use crate::graphql::document::types::TypeSystem;

/// Shapes of one operation that are kept. A document with more switches than that is lowered
/// anew for the shapes beyond.
const MOST_SHAPES: usize = 16;
/// Selections that lowering may write for each field a document may have.
const ROOM_PER_FIELD: u32 = 4;
/// Selection sets that may nest for each field of the allowed depth: fragments on interfaces stay.
const LEVELS_PER_FIELD: u32 = 3;

/// A document that was read and found good.
pub struct Document {
    text: String,
    /// Where it asks for the schema, if it does.
    introspection: Option<Location>,
    fragments: FragmentMap,
    operations: Vec<PreparedOperation>,
}

/// One operation of a good document.
pub struct PreparedOperation {
    /// The validated operation.
    pub operation: Node<Operation>,
    /// Its kind.
    pub kind: OperationKind,
    /// The operation and the fragments it uses, printed.
    pub printed: String,
    /// Variables for which null must not be sent though their type allows it.
    pub never_null: HashSet<Name>,
    /// Whether all guests get one answer.
    pub shared: Option<Shared>,
    switches: Switches,
    shapes: RwLock<HashMap<Vec<Position>, Arc<Shape>>>,
}

/// An operation's engine form for one setting of its switches.
pub struct Shape {
    /// What the engine executes.
    pub parsed: engine::ExecutableDocument,
    /// Cost, as far as known without the sizes of pages.
    pub cost: Cost,
    /// Names of the root fields that are executed.
    pub root_fields: Vec<String>,
    /// Fields that are executed per object, fragments dissolved.
    pub fields: u32,
}

impl Document {
    /// Keeps what requests need of a document.
    ///
    /// # Errors
    /// A literal is no value of its scalar.
    pub fn new(
        text: String,
        (document, introspection): (ExecutableDocument, Option<Location>),
        types: &TypeSystem,
        table: &Table,
    ) -> Result<Self, Refused> {
        let positions = Positions::new(&text);
        let fragments = &document.fragments;
        let operations = document
            .operations
            .iter()
            .map(|operation| {
                Ok(PreparedOperation {
                    kind: match operation.operation_type {
                        OperationType::Query => OperationKind::Query,
                        OperationType::Mutation => OperationKind::Mutation,
                        OperationType::Subscription => OperationKind::Subscription,
                    },
                    printed: print(operation, fragments),
                    never_null: check_inputs(operation, fragments, types, &positions)?,
                    switches: Switches::of(operation, fragments),
                    shapes: RwLock::default(),
                    shared: sharing::of(operation, fragments, table),
                    operation: operation.clone(),
                })
            })
            .collect::<Result<_, Refused>>()?;
        Ok(Self { text, introspection, fragments: document.fragments, operations })
    }

    /// Refuses a document that asks for the schema.
    ///
    /// # Errors
    /// It does.
    pub fn refuse_introspection(&self) -> Result<(), Refused> {
        let Some(location) = self.introspection else { return Ok(()) };
        let message = "Introspection is off: the schema is published as a file.";
        Err(Refused::at(RefusalKind::ValidationFailed, message, location))
    }

    /// The operation that a request means.
    ///
    /// # Errors
    /// No operation has the name, or several could be meant.
    pub fn choose(&self, name: Option<&str>) -> Result<&PreparedOperation, Refused> {
        let refuse = |message: &str| Err(Refused::new(RefusalKind::OperationUnresolved, message));
        match (name, self.operations.as_slice()) {
            (_, []) => refuse("The document holds no operation."),
            (None, [only]) => Ok(only),
            (None, _) => refuse(
                "The document holds several operations: \"operationName\" must say which to run.",
            ),
            (Some(name), operations) => {
                let has_name = |candidate: &&PreparedOperation| {
                    candidate.operation.name.as_ref().is_some_and(|own| own == name)
                };
                match operations.iter().find(has_name) {
                    Some(operation) => Ok(operation),
                    None => refuse("The document holds no operation of this \"operationName\"."),
                }
            }
        }
    }

    /// The engine's form of an operation with these variables, from the cache if it was made
    /// before.
    ///
    /// # Errors
    /// A condition is null, or fragments multiply beyond the limit.
    pub fn shape(
        &self,
        operation: &PreparedOperation,
        variables: &Variables,
        types: &TypeSystem,
        limits: &Limits,
    ) -> Result<Arc<Shape>, Refused> {
        let setting = operation.switches.positions(variables)?;
        if let Some(shape) = operation.shapes.read().get(&setting) {
            return Ok(Arc::clone(shape));
        }
        let shape = Arc::new(self.lower(operation, &setting, types, limits)?);
        let mut shapes = operation.shapes.write();
        if shapes.len() < MOST_SHAPES {
            shapes.insert(setting, Arc::clone(&shape));
        }
        Ok(shape)
    }

    fn lower(
        &self,
        prepared: &PreparedOperation,
        setting: &[Position],
        types: &TypeSystem,
        limits: &Limits,
    ) -> Result<Shape, Refused> {
        let positions = Positions::new(&self.text);
        let room = limits.fields.saturating_mul(ROOM_PER_FIELD);
        let mut lowering = Lowering {
            types,
            fragments: &self.fragments,
            positions: &positions,
            limits,
            setting: &Setting::new(&prepared.switches, setting),
            room,
            levels: limits.depth.saturating_mul(LEVELS_PER_FIELD),
        };
        let operation = &prepared.operation;
        let set = &operation.selection_set;
        let lowered = lowering.selections(&set.ty, &[&set.selections])?;
        let fields = room.saturating_sub(lowering.room);
        let pos = positions.pos(operation.location());
        let root_fields = lowered.set.items.iter().filter_map(|item| match &item.node {
            engine::Selection::Field(field) => Some(field.node.name.node.to_string()),
            _ => None,
        });
        let root_fields = root_fields.collect();
        let definition = engine::OperationDefinition {
            ty: match prepared.kind {
                OperationKind::Query => engine::OperationType::Query,
                OperationKind::Mutation => engine::OperationType::Mutation,
                OperationKind::Subscription => engine::OperationType::Subscription,
            },
            variable_definitions: variable_definitions(operation, &positions),
            directives: Vec::new(),
            selection_set: Positioned::new(lowered.set, pos),
        };
        let definition = Positioned::new(definition, pos);
        let operations = match &operation.name {
            None => engine::DocumentOperations::Single(definition),
            Some(name) => {
                engine::DocumentOperations::Multiple([(engine_name(name), definition)].into())
            }
        };
        let parsed = engine::ExecutableDocument { operations, fragments: HashMap::new() };
        Ok(Shape { parsed, cost: lowered.cost, root_fields, fields })
    }
}

/// The engine looks a variable up here before it takes its value; defaults are filled in already.
fn variable_definitions(
    operation: &Operation,
    positions: &Positions<'_>,
) -> Vec<Positioned<engine::VariableDefinition>> {
    let definitions = operation.variables.iter().map(|definition| {
        let pos = positions.pos(definition.location());
        let lowered = engine::VariableDefinition {
            name: Positioned::new(engine_name(&definition.name), pos),
            var_type: Positioned::new(engine_type(&definition.ty), pos),
            directives: Vec::new(),
            default_value: None,
        };
        Positioned::new(lowered, pos)
    });
    definitions.collect()
}

fn engine_type(ty: &Type) -> engine::Type {
    let base = match ty {
        Type::Named(name) | Type::NonNullNamed(name) => engine::BaseType::Named(engine_name(name)),
        Type::List(item) | Type::NonNullList(item) => {
            engine::BaseType::List(Box::new(engine_type(item)))
        }
    };
    engine::Type { base, nullable: !ty.is_non_null() }
}

fn print(operation: &Node<Operation>, fragments: &FragmentMap) -> String {
    let mut used = IndexSet::default();
    spread_fragments(&operation.selection_set.selections, fragments, &mut used);
    let mut printed = operation.to_string();
    for fragment in used.iter().filter_map(|name| fragments.get(*name)) {
        let written = write!(printed, "\n{fragment}");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    printed
}

fn spread_fragments<'a>(
    selections: &'a [Selection],
    fragments: &'a FragmentMap,
    used: &mut IndexSet<&'a Name>,
) {
    for selection in selections {
        match selection {
            Selection::Field(field) => {
                if let Some(set) = &field.selection_set {
                    spread_fragments(&set.selections, fragments, used);
                }
            }
            Selection::InlineFragment(fragment) => {
                spread_fragments(&fragment.selection_set.selections, fragments, used);
            }
            Selection::FragmentSpread(spread) => {
                if used.insert(&spread.fragment_name)
                    && let Some(fragment) = fragments.get(&spread.fragment_name)
                {
                    spread_fragments(&fragment.selection_set.selections, fragments, used);
                }
            }
        }
    }
}
