//! The schema as clients see it: the file is what the code prints, everything is described, names
//! and nullability follow one rule, and what clients rely on is there.

mod contract;

use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, DirectiveList, Document, FieldDefinition, Value};

/// What a mutation's name ends with.
const VERBS: &[&str] = &[
    "Create",
    "Update",
    "Delete",
    "End",
    "Set",
    "Adjust",
    "Transfer",
    "Archive",
    "Add",
    "Clear",
    "Merge",
    "Complete",
    "Pay",
    "Fulfill",
    "Cancel",
    "Return",
    "Receive",
    "Place",
    "Register",
    "Refresh",
    "Revoke",
    "Request",
    "Verify",
    "Change",
    "Reset",
    "Deactivate",
    "Reactivate",
    "Capture",
    "Void",
    "Refund",
    "Acknowledge",
    "Retry",
    "Erase",
    "Check",
];

fn document() -> Document {
    Document::parse(stockroom::schema::sdl(), "schema.graphql").expect("the schema can be parsed")
}

/// Output types with their fields, by name.
fn objects(document: &Document) -> Vec<(&str, &[Node<FieldDefinition>])> {
    let types = document.definitions.iter().filter_map(|definition| match definition {
        Definition::ObjectTypeDefinition(object) => {
            Some((object.name.as_str(), object.fields.as_slice()))
        }
        Definition::InterfaceTypeDefinition(interface) => {
            Some((interface.name.as_str(), interface.fields.as_slice()))
        }
        _ => None,
    });
    types.collect()
}

fn fields<'a>(document: &'a Document, name: &str) -> &'a [Node<FieldDefinition>] {
    let found = objects(document).into_iter().find(|(other, _)| *other == name);
    found.unwrap_or_else(|| panic!("the schema has no type {name}")).1
}

/// The type of each argument, as it is written.
fn arguments(field: &FieldDefinition) -> Vec<(&str, String)> {
    let arguments = field.arguments.iter();
    arguments.map(|argument| (argument.name.as_str(), argument.ty.to_string())).collect()
}

/// Something that a client can name: where it stands, its description, its directives.
type Member<'a> = (String, Option<&'a str>, &'a DirectiveList);

/// Everything that a client can name.
fn members(document: &Document) -> Vec<Member<'_>> {
    let mut found = Vec::new();
    for definition in &document.definitions {
        let Some(name) = definition.name() else { continue };
        match definition {
            Definition::ScalarTypeDefinition(it) => {
                found.push((name.to_string(), it.description.as_deref(), &it.directives));
            }
            Definition::ObjectTypeDefinition(it) => {
                found.push((name.to_string(), it.description.as_deref(), &it.directives));
                of_fields(name, &it.fields, &mut found);
            }
            Definition::InterfaceTypeDefinition(it) => {
                found.push((name.to_string(), it.description.as_deref(), &it.directives));
                of_fields(name, &it.fields, &mut found);
            }
            Definition::UnionTypeDefinition(it) => {
                found.push((name.to_string(), it.description.as_deref(), &it.directives));
            }
            Definition::EnumTypeDefinition(it) => {
                found.push((name.to_string(), it.description.as_deref(), &it.directives));
                for value in &it.values {
                    let path = format!("{name}.{}", value.value);
                    found.push((path, value.description.as_deref(), &value.directives));
                }
            }
            Definition::InputObjectTypeDefinition(it) => {
                found.push((name.to_string(), it.description.as_deref(), &it.directives));
                for field in &it.fields {
                    let path = format!("{name}.{}", field.name);
                    found.push((path, field.description.as_deref(), &field.directives));
                }
            }
            _ => {}
        }
    }
    found
}

fn of_fields<'a>(name: &str, fields: &'a [Node<FieldDefinition>], found: &mut Vec<Member<'a>>) {
    for field in fields {
        let path = format!("{name}.{}", field.name);
        for argument in &field.arguments {
            let path = format!("{path}({})", argument.name);
            found.push((path, argument.description.as_deref(), &argument.directives));
        }
        found.push((path, field.description.as_deref(), &field.directives));
    }
}

#[test]
fn the_file_is_what_the_code_prints() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let file = std::fs::read_to_string(path).expect("schema.graphql can be read");

    let printed = stockroom::schema::sdl();

    let changed = file.lines().zip(printed.lines()).position(|(old, new)| old != new);
    assert!(
        file == printed,
        "schema.graphql is out of date, from line {} on: run `stockroom schema > schema.graphql`",
        changed.unwrap_or(file.lines().count().min(printed.lines().count())) + 1,
    );
}

#[test]
fn everything_is_described() {
    let document = document();
    let members = members(&document);

    let silent = members.iter().filter(|(_, description, _)| {
        description.is_none_or(|text| text.trim().chars().count() < 5)
    });
    let silent: Vec<&str> = silent.map(|(path, ..)| path.as_str()).collect();

    assert!(members.len() > 100, "the schema was not read");
    assert!(silent.is_empty(), "without a description: {silent:#?}");
}

#[test]
fn deprecations_say_what_to_use_instead() {
    let document = document();
    for (path, _, directives) in members(&document) {
        for deprecated in directives.iter().filter(|directive| directive.name == "deprecated") {
            let reason = deprecated.arguments.iter().find(|argument| argument.name == "reason");
            let reason = reason.map(|argument| &*argument.value);
            let Some(Value::String(reason)) = reason else { panic!("{path}: no reason") };
            assert!(reason.contains("use ") || reason.contains("Use "), "{path}: {reason}");
        }
    }
}

#[test]
fn mutations_are_a_noun_and_a_verb_with_an_input_and_a_payload() {
    let document = document();
    for mutation in fields(&document, "Mutation") {
        let name = mutation.name.as_str();
        let (first, rest) = name.split_at(1);
        let type_name = format!("{}{rest}", first.to_uppercase());
        let verb = VERBS.iter().find(|verb| type_name.ends_with(**verb));
        assert!(verb.is_some_and(|verb| verb.len() < name.len()), "{name} is no noun and verb");
        let input = arguments(mutation);
        let [("input", input)] = input.as_slice() else {
            panic!("{name} takes something else than `input`: {input:?}")
        };
        assert_eq!(input.trim_end_matches('!'), format!("{type_name}Input"), "{name}");
        // Nullable: an error nulls this field alone, and its neighbours stay.
        assert_eq!(mutation.ty.to_string(), format!("{type_name}Payload"), "{name}");
        let payload = fields(&document, &format!("{type_name}Payload"));
        for (field, ty) in [("userErrors", "[UserError!]!"), ("warnings", "[Warning!]!")] {
            let found = payload.iter().find(|other| other.name == field);
            assert_eq!(found.map(|field| field.ty.to_string()).as_deref(), Some(ty), "{name}");
        }
    }
}

#[test]
fn every_connection_can_be_paged_both_ways() {
    let document = document();
    let page = [("first", "Int"), ("after", "String"), ("last", "Int"), ("before", "String")];
    let mut connections = 0;
    for (object, fields) in objects(&document) {
        for field in fields {
            if !field.ty.inner_named_type().ends_with("Connection") {
                continue;
            }
            connections += 1;
            let arguments = arguments(field);
            for (name, ty) in page {
                let found = arguments.iter().find(|(other, _)| *other == name);
                let found = found.map(|(_, ty)| ty.as_str());
                assert_eq!(found, Some(ty), "{object}.{}({name})", field.name);
            }
        }
        if object.ends_with("Connection") {
            let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            for name in ["edges", "nodes", "pageInfo", "totalCount"] {
                assert!(names.contains(&name), "{object}.{name}");
            }
        }
    }
    assert!(connections > 3, "the schema was not read");
}

#[test]
fn what_clients_rely_on_is_there() {
    let contract = include_str!("contract.graphql");
    let contract = Document::parse(contract, "contract.graphql").expect("it can be parsed");

    let broken = contract::compare(&contract, &document());

    assert!(broken.is_empty(), "the contract is broken:\n{}", broken.join("\n"));
}
