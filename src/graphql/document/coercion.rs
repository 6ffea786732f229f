//! Coercion of variables by the rules of the specification, with defaults filled in, as the
//! engine's values. Errors name the place in the variable and never repeat its value.

use std::fmt::Write;

use apollo_compiler::Name;
use apollo_compiler::ast::Type;
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use async_graphql::indexmap::IndexMap;
use async_graphql::{Name as EngineName, Number, Value, Variables};

use crate::graphql::document::limits::Limits;
use crate::graphql::document::literals;
use crate::graphql::document::lowering::engine_name;
use crate::graphql::document::operation::PreparedOperation;
use crate::graphql::document::params::JsonObject;
use crate::graphql::document::refusal::{DocumentError, RefusalKind, Refused};
use crate::graphql::document::types::TypeSystem;

/// Errors that one answer lists at most.
const MOST_ERRORS: usize = 20;

/// Coerces what was sent for the variables of an operation. Variables that the operation does
/// not define are ignored.
///
/// # Errors
/// A value is missing, does not fit its type, holds U+0000, or the values are too many or too
/// deep.
pub fn coerce_variables(
    types: &TypeSystem,
    limits: &Limits,
    operation: &PreparedOperation,
    mut sent: JsonObject,
) -> Result<Variables, Refused> {
    let mut variables = Variables::default();
    let mut errors = Vec::new();
    let mut coercion = Coercion { types, limits, room: limits.variable_values, path: Vec::new() };
    for definition in &operation.operation.variables {
        let default = || definition.default_value.as_deref().map(literals::lower_const);
        let value = sent.swap_remove(definition.name.as_str()).or_else(default);
        coercion.path = vec![Step::Member(definition.name.to_string())];
        let coerced = match value {
            Some(Value::Null) if operation.never_null.contains(&definition.name) => {
                Err(coercion.problem("is used where null is not allowed.".to_owned()))
            }
            Some(value) => coercion.value(&definition.ty, value).map(Some),
            None if definition.ty.is_non_null() => {
                Err(coercion.problem(format!("of type \"{}\" is required.", definition.ty)))
            }
            None => Ok(None),
        };
        match coerced {
            Ok(Some(value)) => {
                variables.insert(engine_name(&definition.name), value);
            }
            Ok(None) => {}
            Err(Stopped(message)) => errors.push(DocumentError { message, locations: vec![] }),
        }
    }
    errors.truncate(MOST_ERRORS);
    if errors.is_empty() {
        Ok(variables)
    } else {
        Err(Refused { kind: RefusalKind::InputInvalid, errors })
    }
}

/// The message of the error that ended the coercion of one variable.
struct Stopped(String);

enum Step {
    Member(String),
    Item(usize),
}

struct Coercion<'a> {
    types: &'a TypeSystem,
    limits: &'a Limits,
    room: usize,
    path: Vec<Step>,
}

impl Coercion<'_> {
    fn value(&mut self, ty: &Type, value: Value) -> Result<Value, Stopped> {
        self.count()?;
        if value == Value::Null {
            return if ty.is_non_null() {
                Err(self.problem(format!("of type \"{ty}\" must not be null.")))
            } else {
                Ok(Value::Null)
            };
        }
        match ty {
            Type::List(item) | Type::NonNullList(item) => match value {
                Value::List(items) => {
                    let items = items.into_iter().enumerate();
                    let coerced = items.map(|(at, value)| {
                        self.within(Step::Item(at), |coercion| coercion.value(item, value))
                    });
                    Ok(Value::List(coerced.collect::<Result<_, _>>()?))
                }
                // A single value stands for a list of one.
                single => Ok(Value::List(vec![self.value(item, single)?])),
            },
            Type::Named(name) | Type::NonNullNamed(name) => self.named(name, value),
        }
    }

    fn named(&mut self, name: &Name, value: Value) -> Result<Value, Stopped> {
        let types = self.types;
        match types.get(name) {
            Some(ExtendedType::Scalar(_)) => self.scalar(name, value),
            Some(ExtendedType::Enum(definition)) => {
                let spelling = match &value {
                    Value::String(spelling) => spelling.as_str(),
                    Value::Enum(spelling) => spelling.as_str(),
                    other => return Err(self.mismatch(name, other)),
                };
                if definition.values.contains_key(spelling) {
                    Ok(Value::Enum(EngineName::new(spelling)))
                } else {
                    Err(self.problem(format!("must be one of the values of the enum \"{name}\".")))
                }
            }
            Some(ExtendedType::InputObject(definition)) => match value {
                Value::Object(members) => self.object(definition, members),
                other => Err(self.mismatch(name, &other)),
            },
            // Validation refuses variables of output types and unknown types.
            _ => Err(self.problem(format!("has no input type: \"{name}\"."))),
        }
    }

    fn scalar(&mut self, name: &Name, value: Value) -> Result<Value, Stopped> {
        match (name.as_str(), value) {
            ("Int", Value::Number(number)) => match whole(&number) {
                Some(whole) if i32::try_from(whole).is_ok() => Ok(Value::Number(whole.into())),
                _ => Err(self.problem("must be a whole number of 32 bits.".to_owned())),
            },
            ("Float", Value::Number(number)) => Ok(Value::Number(number)),
            ("Boolean", Value::Boolean(truth)) => Ok(Value::Boolean(truth)),
            ("String" | "ID", Value::String(text)) => self.text(text),
            ("ID", Value::Number(number)) => match whole(&number) {
                Some(whole) => Ok(Value::String(whole.to_string())),
                None => Err(self.problem("must be a string or a whole number.".to_owned())),
            },
            ("Int" | "Float" | "Boolean" | "String" | "ID", other) => {
                Err(self.mismatch(name, &other))
            }
            (_, value) => {
                let value = self.custom(value, self.path.len())?;
                let checked = self.types.scalars().check(name, &value);
                checked.map(|()| value).map_err(|wrong| self.problem(wrong))
            }
        }
    }

    fn object(
        &mut self,
        definition: &InputObjectType,
        mut members: IndexMap<EngineName, Value>,
    ) -> Result<Value, Stopped> {
        let name = &definition.name;
        if let Some(stranger) =
            members.keys().find(|key| !definition.fields.contains_key(key.as_str()))
        {
            // The stranger's name is the client's text: it is cut before it is repeated.
            let shown: String = stranger.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(self.problem(format!("has no field \"{shown}\" in type \"{name}\".")));
        }
        if definition.is_one_of() {
            let only = members.values().next();
            if members.len() != 1 || only == Some(&Value::Null) {
                return Err(self.problem(format!(
                    "of type \"{name}\" must have exactly one field, and that not null."
                )));
            }
        }
        let mut coerced = IndexMap::with_capacity(members.len());
        for (field, field_definition) in &definition.fields {
            let default = || field_definition.default_value.as_deref().map(literals::lower_const);
            let value = members.swap_remove(field.as_str()).or_else(default);
            let value = self.within(Step::Member(field.to_string()), |coercion| match value {
                Some(value) => coercion.value(&field_definition.ty, value).map(Some),
                None if field_definition.ty.is_non_null() => {
                    let ty = &field_definition.ty;
                    Err(coercion.problem(format!("of type \"{ty}\" is required.")))
                }
                None => Ok(None),
            })?;
            if let Some(value) = value {
                coerced.insert(engine_name(field), value);
            }
        }
        Ok(Value::Object(coerced))
    }

    fn text(&self, text: String) -> Result<Value, Stopped> {
        // Postgres cannot store U+0000; refusing it here gives both databases one behaviour.
        if text.contains('\0') {
            return Err(self.problem("must not contain the character U+0000.".to_owned()));
        }
        Ok(Value::String(text))
    }

    fn custom(&mut self, value: Value, depth: usize) -> Result<Value, Stopped> {
        if depth > self.limits.variable_nesting {
            return Err(self.too_deep());
        }
        match value {
            Value::String(text) => self.text(text),
            Value::List(items) => {
                let coerced = items.into_iter().map(|item| {
                    self.count()?;
                    self.custom(item, depth.saturating_add(1))
                });
                Ok(Value::List(coerced.collect::<Result<_, _>>()?))
            }
            Value::Object(members) => {
                let coerced = members.into_iter().map(|(name, member)| {
                    self.count()?;
                    self.text(name.to_string())?;
                    Ok((name, self.custom(member, depth.saturating_add(1))?))
                });
                Ok(Value::Object(coerced.collect::<Result<_, Stopped>>()?))
            }
            other => Ok(other),
        }
    }

    fn count(&mut self) -> Result<(), Stopped> {
        match self.room.checked_sub(1) {
            Some(room) => {
                self.room = room;
                Ok(())
            }
            None => {
                let most = self.limits.variable_values;
                Err(Stopped(format!("The variables hold more than {most} values.")))
            }
        }
    }

    fn within<T>(
        &mut self,
        step: Step,
        coerce: impl FnOnce(&mut Self) -> Result<T, Stopped>,
    ) -> Result<T, Stopped> {
        if self.path.len() > self.limits.variable_nesting {
            return Err(self.too_deep());
        }
        self.path.push(step);
        let coerced = coerce(self);
        self.path.pop();
        coerced
    }

    fn too_deep(&self) -> Stopped {
        self.problem(format!("nests deeper than {} levels.", self.limits.variable_nesting))
    }

    fn mismatch(&self, expected: &Name, value: &Value) -> Stopped {
        let kind = match value {
            Value::Null => "null",
            Value::Number(_) => "a number",
            Value::String(_) | Value::Enum(_) => "a string",
            Value::Boolean(_) => "a boolean",
            Value::Binary(_) => "binary data",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.problem(format!("must be of type \"{expected}\" and is {kind}."))
    }

    fn problem(&self, what: String) -> Stopped {
        let mut place = String::from("$");
        for (at, step) in self.path.iter().enumerate() {
            let written = match step {
                Step::Member(name) if at == 0 => write!(place, "{name}"),
                Step::Member(name) => write!(place, ".{name}"),
                Step::Item(index) => write!(place, "[{index}]"),
            };
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
        Stopped(format!("Variable \"{place}\" {what}"))
    }
}

/// The whole number that a JSON number stands for; `1.0` is one.
fn whole(number: &Number) -> Option<i64> {
    if let Some(whole) = number.as_i64() {
        return Some(whole);
    }
    let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9e15)?;
    format!("{float:.0}").parse().ok()
}
