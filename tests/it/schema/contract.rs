//! Compares a schema with what clients rely on: everything of the contract must be there as it is
//! written, and what is there besides must not stand in the way of a client that does not know it.

use apollo_compiler::ast::{Definition, Document, FieldDefinition, InputValueDefinition};
use apollo_compiler::{Name, Node};

/// What the schema breaks, a sentence each.
pub fn compare(contract: &Document, schema: &Document) -> Vec<String> {
    let mut broken = Vec::new();
    for wanted in &contract.definitions {
        let name = wanted.name().map(Name::as_str).unwrap_or_default();
        let found = schema.definitions.iter().find(|found| {
            found.name() == wanted.name() && !matches!(found, Definition::DirectiveDefinition(_))
        });
        match found {
            None => broken.push(format!("{name} is missing")),
            Some(found) => compare_types(name, wanted, found, &mut broken),
        }
    }
    broken
}

fn compare_types(name: &str, wanted: &Definition, found: &Definition, broken: &mut Vec<String>) {
    match (wanted, found) {
        (Definition::ScalarTypeDefinition(_), Definition::ScalarTypeDefinition(_)) => {}
        (Definition::ObjectTypeDefinition(wanted), Definition::ObjectTypeDefinition(found)) => {
            let implements = |interface| found.implements_interfaces.contains(interface);
            for interface in wanted.implements_interfaces.iter().filter(|it| !implements(it)) {
                broken.push(format!("{name} does not implement {interface}"));
            }
            compare_fields(name, &wanted.fields, &found.fields, broken);
        }
        (
            Definition::InterfaceTypeDefinition(wanted),
            Definition::InterfaceTypeDefinition(found),
        ) => compare_fields(name, &wanted.fields, &found.fields, broken),
        (Definition::EnumTypeDefinition(wanted), Definition::EnumTypeDefinition(found)) => {
            let has = |value: &Name| found.values.iter().any(|other| other.value == *value);
            for value in wanted.values.iter().filter(|value| !has(&value.value)) {
                broken.push(format!("{name}.{} is missing", value.value));
            }
        }
        (
            Definition::InputObjectTypeDefinition(wanted),
            Definition::InputObjectTypeDefinition(found),
        ) => {
            let one_of = |directives: &apollo_compiler::ast::DirectiveList| {
                directives.iter().any(|directive| directive.name == "oneOf")
            };
            if one_of(&wanted.directives) != one_of(&found.directives) {
                broken.push(format!("{name} is @oneOf on one side alone"));
            }
            compare_inputs(name, &wanted.fields, &found.fields, broken);
        }
        _ => broken.push(format!("{name} is of another kind")),
    }
}

fn compare_fields(
    name: &str,
    wanted: &[Node<FieldDefinition>],
    found: &[Node<FieldDefinition>],
    broken: &mut Vec<String>,
) {
    for wanted in wanted {
        let path = format!("{name}.{}", wanted.name);
        let Some(found) = found.iter().find(|found| found.name == wanted.name) else {
            broken.push(format!("{path} is missing"));
            continue;
        };
        if found.ty != wanted.ty {
            broken.push(format!("{path} is {} and not {}", found.ty, wanted.ty));
        }
        compare_inputs(&path, &wanted.arguments, &found.arguments, broken);
    }
}

fn compare_inputs(
    name: &str,
    wanted: &[Node<InputValueDefinition>],
    found: &[Node<InputValueDefinition>],
    broken: &mut Vec<String>,
) {
    for wanted in wanted {
        let path = format!("{name}({})", wanted.name);
        let Some(found) = found.iter().find(|found| found.name == wanted.name) else {
            broken.push(format!("{path} is missing"));
            continue;
        };
        if found.ty != wanted.ty {
            broken.push(format!("{path} is {} and not {}", found.ty, wanted.ty));
        }
        if found.default_value != wanted.default_value {
            broken.push(format!("{path} has another default value"));
        }
    }
    let unknown = found.iter().filter(|found| !wanted.iter().any(|it| it.name == found.name));
    for found in unknown.filter(|found| found.ty.is_non_null() && found.default_value.is_none()) {
        broken.push(format!("{name}({}) is required, and clients do not know it", found.name));
    }
}

#[cfg(test)]
mod tests {
    use super::compare;
    use apollo_compiler::ast::Document;

    const CONTRACT: &str = "
        interface Node { id: ID! }
        type Thing implements Node { id: ID!  price(currency: Code): Int  all(first: Int = 3): Int! }
        enum Code { EUR USD }
        input ThingInput @oneOf { id: ID  name: String }
    ";

    /// What is broken when these words of the contract are others in the schema.
    fn broken_by(old: &str, new: &str) -> String {
        let parse = |text: &str| Document::parse(text, "test.graphql").unwrap();
        assert!(CONTRACT.contains(old), "{old}");
        compare(&parse(CONTRACT), &parse(&CONTRACT.replacen(old, new, 1))).join("; ")
    }

    #[test]
    fn more_than_the_contract_is_no_breach() {
        assert_eq!(broken_by("price(", "more: Int!  price("), "");
        assert_eq!(broken_by("EUR", "EUR GBP"), "");
        assert_eq!(broken_by("currency: Code", "currency: Code, at: Int"), "");
        assert_eq!(broken_by("currency: Code", "currency: Code, at: Int! = 1"), "");
    }

    #[test]
    fn every_kind_of_breach_is_found() {
        for (old, new, sentence) in [
            ("type Thing", "type Thang", "Thing is missing"),
            ("implements Node", "", "Thing does not implement Node"),
            ("price(currency: Code): Int", "", "Thing.price is missing"),
            ("(currency: Code): Int", "(currency: Code): Int!", "Thing.price is Int! and not Int"),
            (
                "all(first: Int = 3): Int!",
                "all(first: Int = 3): Int",
                "Thing.all is Int and not Int!",
            ),
            ("currency: Code", "code: Code", "Thing.price(currency) is missing"),
            ("currency: Code", "currency: Code!", "Thing.price(currency) is Code! and not Code"),
            ("= 3", "= 4", "Thing.all(first) has another default value"),
            (
                "currency: Code",
                "currency: Code, at: Int!",
                "Thing.price(at) is required, and clients do not know it",
            ),
            ("USD", "", "Code.USD is missing"),
            ("@oneOf", "", "ThingInput is @oneOf on one side alone"),
            ("enum Code { EUR USD }", "scalar Code", "Code is of another kind"),
        ] {
            assert_eq!(broken_by(old, new), sentence);
        }
    }
}
