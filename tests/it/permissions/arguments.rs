//! Makes arguments from their types: whatever is required, and whatever `Fixtures` has to say about
//! the rest.

use super::fixtures::Fixtures;
use super::rules::RootField;
use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, Document, FieldDefinition, InputValueDefinition, Type};
use serde_json::{Map, Value, json};
use std::cell::RefCell;

/// An operation that calls one root field, with its variables.
pub struct Operation {
    pub document: String,
    pub variables: Value,
    /// The kinds of the objects that its variables name by their ids.
    pub names: Vec<String>,
}

/// The operation of a field.
pub fn operation(document: &Document, field: &RootField, fixtures: &Fixtures) -> Operation {
    let (mut variables, mut defined, mut passed) = (Map::new(), String::new(), String::new());
    let values = Values { document, fixtures, names: RefCell::default() };
    for argument in &field.definition.arguments {
        let Some(value) = values.of(&field.path(), argument) else { continue };
        variables.insert(argument.name.to_string(), value);
        defined += &format!("${0}: {1} ", argument.name, argument.ty);
        passed += &format!("{0}: ${0} ", argument.name);
    }
    let around = |text: String| if text.is_empty() { text } else { format!("({})", text.trim()) };
    let kind = field.root.name().to_lowercase();
    let (defined, passed) = (around(defined), around(passed));
    let selection = selection(document, &field.definition.ty);
    let document = format!("{kind} {defined} {{ {}{passed} {selection} }}", field.name());
    Operation { document, variables: Value::Object(variables), names: values.names.into_inner() }
}

/// What is asked of a result. Of the payload of a mutation: what it tells of errors, and whether
/// there is anything else.
fn selection(document: &Document, ty: &Type) -> String {
    if !has_fields(document, ty) {
        return String::new();
    }
    let fields = fields_of(document, ty);
    if !fields.iter().any(|field| field.name == "userErrors") {
        return "{ __typename }".to_owned();
    }
    let asked = fields.iter().map(|field| match field.name.as_str() {
        "userErrors" => "userErrors { code }".to_owned(),
        name if has_fields(document, &field.ty) => format!("{name} {{ __typename }}"),
        name => name.to_owned(),
    });
    format!("{{ {} }}", asked.collect::<Vec<_>>().join(" "))
}

fn fields_of<'a>(document: &'a Document, ty: &Type) -> &'a [Node<FieldDefinition>] {
    match find(document, ty.inner_named_type()) {
        Some(Definition::ObjectTypeDefinition(object)) => &object.fields,
        _ => &[],
    }
}

/// Makes the values of one operation.
struct Values<'a> {
    document: &'a Document,
    fixtures: &'a Fixtures,
    names: RefCell<Vec<String>>,
}

impl Values<'_> {
    /// The value of an argument or of a field of an input; None when it can be left out.
    fn of(&self, owner: &str, input: &Node<InputValueDefinition>) -> Option<Value> {
        let given = self.fixtures.value(owner, &input.name);
        let required = input.ty.is_non_null() && input.default_value.is_none();
        match given {
            Some(value) => Some(value),
            None if required => Some(self.plausible(owner, &input.name, &input.ty)),
            None => None,
        }
    }

    fn plausible(&self, owner: &str, name: &str, ty: &Type) -> Value {
        if ty.is_list() {
            return json!([self.plausible(owner, name, ty.item_type())]);
        }
        let named = ty.inner_named_type();
        match named.as_str() {
            "ID" => {
                let (kind, id) = self.fixtures.id(owner, name);
                self.names.borrow_mut().push(kind.to_owned());
                json!(id)
            }
            "String" => json!("some words"),
            "Int" => json!(1),
            "Float" => json!(1.5),
            "Boolean" => json!(true),
            "BigInt" => json!("1"),
            "Decimal" => json!("19.90"),
            "CountryCode" => json!("DE"),
            "CurrencyCode" => json!("EUR"),
            "DateTime" => json!("2100-01-01T00:00:00Z"),
            _ => match find(self.document, named) {
                Some(Definition::EnumTypeDefinition(choice)) => {
                    json!(choice.values[0].value.as_str())
                }
                Some(Definition::InputObjectTypeDefinition(input)) => {
                    let one_of = input.directives.iter().any(|directive| directive.name == "oneOf");
                    if one_of {
                        let first = &input.fields[0];
                        let value = self.plausible(named, &first.name, &first.ty);
                        return json!({ first.name.as_str(): value });
                    }
                    let fields = input
                        .fields
                        .iter()
                        .filter_map(|field| Some((field.name.to_string(), self.of(named, field)?)));
                    Value::Object(fields.collect())
                }
                _ => panic!("{owner}.{name}: add a value of {named} to arguments.rs"),
            },
        }
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
