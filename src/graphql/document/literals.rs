//! Literals of a document as the engine's values.

use apollo_compiler::ast::Value as Literal;
use async_graphql::Value as ConstValue;
use async_graphql::indexmap::IndexMap;
use async_graphql_value::Value;

use crate::graphql::document::lowering::engine_name;

/// A literal that may hold variables. Numbers were checked by the inspection.
pub fn lower(literal: &Literal) -> Value {
    match literal {
        Literal::Variable(name) => Value::Variable(engine_name(name)),
        Literal::List(items) => Value::List(items.iter().map(|item| lower(item)).collect()),
        Literal::Object(members) => {
            let members = members.iter().map(|(name, value)| (engine_name(name), lower(value)));
            Value::Object(members.collect())
        }
        Literal::Null => Value::Null,
        Literal::Enum(name) => Value::Enum(engine_name(name)),
        Literal::String(text) => Value::String(text.clone()),
        Literal::Boolean(truth) => Value::Boolean(*truth),
        Literal::Int(number) => lower_number(number.as_str()).into_value(),
        Literal::Float(number) => lower_number(number.as_str()).into_value(),
    }
}

/// A literal without variables: a default of the schema or of a variable.
pub fn lower_const(literal: &Literal) -> ConstValue {
    match literal {
        Literal::List(items) => {
            ConstValue::List(items.iter().map(|item| lower_const(item)).collect())
        }
        Literal::Object(members) => {
            let members =
                members.iter().map(|(name, value)| (engine_name(name), lower_const(value)));
            ConstValue::Object(members.collect::<IndexMap<_, _>>())
        }
        // Validation keeps variables out of constant places.
        Literal::Variable(_) | Literal::Null => ConstValue::Null,
        Literal::Enum(name) => ConstValue::Enum(engine_name(name)),
        Literal::String(text) => ConstValue::String(text.clone()),
        Literal::Boolean(truth) => ConstValue::Boolean(*truth),
        Literal::Int(number) => lower_number(number.as_str()),
        Literal::Float(number) => lower_number(number.as_str()),
    }
}

/// Whether a variable stands anywhere in a literal.
pub fn has_variables(literal: &Literal) -> bool {
    match literal {
        Literal::Variable(_) => true,
        Literal::List(items) => items.iter().any(|item| has_variables(item)),
        Literal::Object(members) => members.iter().any(|(_, value)| has_variables(value)),
        _ => false,
    }
}

/// Whether two literals, which the library has found equal, have lists of equal lengths. The
/// library compares lists only as far as the shorter goes.
pub fn same_lengths(one: &Literal, other: &Literal) -> bool {
    match (one, other) {
        (Literal::List(one), Literal::List(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| same_lengths(one, other))
        }
        (Literal::Object(one), Literal::Object(other)) => one.iter().all(|(name, value)| {
            let same_name = other.iter().find(|(other, _)| other == name);
            same_name.is_none_or(|(_, other)| same_lengths(value, other))
        }),
        _ => true,
    }
}

fn lower_number(digits: &str) -> ConstValue {
    digits.parse().map_or(ConstValue::Null, ConstValue::Number)
}
