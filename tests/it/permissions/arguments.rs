//! Makes arguments from their types: whatever is required, and whatever `Fixtures` has to say about
//! the rest.

use super::fixtures::Fixtures;
use super::rules::RootField;
use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, Document, InputValueDefinition, Type};
use serde_json::{Map, Value, json};

/// An operation that calls one root field, with its variables.
pub struct Operation {
    pub document: String,
    pub variables: Value,
}

/// The operation of a field.
pub fn operation(document: &Document, field: &RootField, fixtures: &Fixtures) -> Operation {
    let (mut variables, mut defined, mut passed) = (Map::new(), String::new(), String::new());
    for argument in &field.definition.arguments {
        let Some(value) = of(document, &field.path(), argument, fixtures) else { continue };
        variables.insert(argument.name.to_string(), value);
        defined += &format!("${0}: {1} ", argument.name, argument.ty);
        passed += &format!("{0}: ${0} ", argument.name);
    }
    let around = |text: String| if text.is_empty() { text } else { format!("({})", text.trim()) };
    let kind = field.root.name().to_lowercase();
    let (defined, passed) = (around(defined), around(passed));
    let selection = if has_fields(document, &field.definition.ty) { "{ __typename }" } else { "" };
    let document = format!("{kind} {defined} {{ {}{passed} {selection} }}", field.name());
    Operation { document, variables: Value::Object(variables) }
}

/// The value of an argument or of a field of an input; None when it can be left out.
fn of(
    document: &Document,
    owner: &str,
    input: &Node<InputValueDefinition>,
    fixtures: &Fixtures,
) -> Option<Value> {
    let given = fixtures.value(owner, &input.name);
    let required = input.ty.is_non_null() && input.default_value.is_none();
    match given {
        Some(value) => Some(value),
        None if required => Some(plausible(document, owner, &input.name, &input.ty, fixtures)),
        None => None,
    }
}

fn plausible(
    document: &Document,
    owner: &str,
    name: &str,
    ty: &Type,
    fixtures: &Fixtures,
) -> Value {
    if ty.is_list() {
        return json!([plausible(document, owner, name, ty.item_type(), fixtures)]);
    }
    let named = ty.inner_named_type();
    match named.as_str() {
        "ID" => json!(fixtures.id(owner, name)),
        "String" => json!("some words"),
        "Int" => json!(1),
        "Float" => json!(1.5),
        "Boolean" => json!(true),
        "BigInt" => json!("1"),
        "Decimal" => json!("19.90"),
        "CountryCode" => json!("DE"),
        "CurrencyCode" => json!("EUR"),
        "DateTime" => json!("2100-01-01T00:00:00Z"),
        _ => match find(document, named) {
            Some(Definition::EnumTypeDefinition(choice)) => json!(choice.values[0].value.as_str()),
            Some(Definition::InputObjectTypeDefinition(input)) => {
                let one_of = input.directives.iter().any(|directive| directive.name == "oneOf");
                if one_of {
                    let first = &input.fields[0];
                    let value = plausible(document, named, &first.name, &first.ty, fixtures);
                    return json!({ first.name.as_str(): value });
                }
                let fields = input.fields.iter().filter_map(|field| {
                    Some((field.name.to_string(), of(document, named, field, fixtures)?))
                });
                Value::Object(fields.collect())
            }
            _ => panic!("{owner}.{name}: add a value of {named} to arguments.rs"),
        },
    }
}

fn find<'a>(document: &'a Document, name: &str) -> Option<&'a Definition> {
    let is_it = |definition: &&Definition| definition.name().is_some_and(|own| own == name);
    document.definitions.iter().find(|definition| {
        is_it(definition) && !matches!(definition, Definition::DirectiveDefinition(_))
    })
}

/// Whether values of a type have fields to select.
pub fn has_fields(document: &Document, ty: &Type) -> bool {
    matches!(
        find(document, ty.inner_named_type()),
        Some(
            Definition::ObjectTypeDefinition(_)
                | Definition::InterfaceTypeDefinition(_)
                | Definition::UnionTypeDefinition(_)
        )
    )
}
