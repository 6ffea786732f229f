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

fn lower_number(digits: &str) -> ConstValue {
    digits.parse().map_or(ConstValue::Null, ConstValue::Number)
}
