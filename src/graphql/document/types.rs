//! The schema as the front sees it: the engine's own SDL, read by the validator.

use std::collections::{HashMap, HashSet};

use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};

use crate::graphql::document::scalars::Scalars;

/// A validated schema and which object types each of its composite types can be.
pub struct TypeSystem {
    schema: Valid<Schema>,
    scalars: Scalars,
    possible: HashMap<Name, HashSet<Name>>,
}

/// The schema cannot be used, which is a fault of the code that wrote it.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The text is not a valid schema.
    #[error("the schema is not valid GraphQL: {0}")]
    Invalid(String),
    /// A scalar of the schema's own has no check.
    #[error("nothing checks values of the scalar {0}")]
    UncheckedScalar(String),
}

impl TypeSystem {
    /// Reads and validates the SDL.
    ///
    /// # Errors
    /// The SDL is no valid schema, or has a scalar that `scalars` does not know.
    pub fn new(sdl: &str, scalars: Scalars) -> Result<Self, SchemaError> {
        let schema = Schema::parse_and_validate(sdl, "schema.graphql")
            .map_err(|invalid| SchemaError::Invalid(invalid.errors.to_string()))?;
        let mut possible = HashMap::<Name, HashSet<Name>>::new();
        for (name, definition) in &schema.types {
            match definition {
                ExtendedType::Object(object) => {
                    possible.entry(name.clone()).or_default().insert(name.clone());
                    for interface in &object.implements_interfaces {
                        let objects = possible.entry(interface.as_ref().clone()).or_default();
                        objects.insert(name.clone());
                    }
                }
                ExtendedType::Union(union_type) => {
                    let members = union_type.members.iter().map(|member| member.as_ref().clone());
                    possible.entry(name.clone()).or_default().extend(members);
                }
                ExtendedType::Scalar(scalar) if !scalar.is_built_in() && !scalars.knows(name) => {
                    return Err(SchemaError::UncheckedScalar(name.to_string()));
                }
                _ => {}
            }
        }
        Ok(Self { schema, scalars, possible })
    }

    /// The validated schema.
    pub fn schema(&self) -> &Valid<Schema> {
        &self.schema
    }

    /// The checks of its own scalars.
    pub fn scalars(&self) -> &Scalars {
        &self.scalars
    }

    /// What `name` names, if anything.
    pub fn get(&self, name: &Name) -> Option<&ExtendedType> {
        self.schema.types.get(name)
    }

    /// Whether every object that is a `narrow` is also a `wide`.
    pub fn covers(&self, wide: &Name, narrow: &Name) -> bool {
        if wide == narrow {
            return true;
        }
        match (self.possible.get(wide), self.possible.get(narrow)) {
            (Some(wide), Some(narrow)) => narrow.is_subset(wide),
            _ => false,
        }
    }

    /// The object types that are both, in a stable order.
    pub fn common(&self, one: &Name, other: &Name) -> Vec<Name> {
        let (Some(one), Some(other)) = (self.possible.get(one), self.possible.get(other)) else {
            return Vec::new();
        };
        let mut common: Vec<Name> = one.intersection(other).cloned().collect();
        common.sort_unstable();
        common
    }

    /// Whether values of this type have fields.
    pub fn is_composite(&self, name: &Name) -> bool {
        self.possible.contains_key(name)
    }

    /// Whether this names an object type.
    pub fn is_object(&self, name: &Name) -> bool {
        self.get(name).is_some_and(ExtendedType::is_object)
    }

    /// Whether objects of this type have an identity of their own, unlike `Money`, which is a
    /// part of something that has been paid for.
    pub fn has_identity(&self, name: &Name) -> bool {
        match self.get(name) {
            Some(ExtendedType::Object(object)) => object.fields.contains_key("id"),
            Some(ExtendedType::Interface(interface)) => interface.fields.contains_key("id"),
            _ => true,
        }
    }
}
