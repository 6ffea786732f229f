//! Parsing and validation by the library, and its findings in our words.

use std::collections::HashSet;

use apollo_compiler::ast::{Definition, Document, Value, VariableDefinition};
use apollo_compiler::executable::OperationMap;
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::DiagnosticList;
use apollo_compiler::{ExecutableDocument, Name, Node, introspection};

use crate::graphql::document::counting::check_expansion;
use crate::graphql::document::inspection::inspect;
use crate::graphql::document::lexing::check_tokens;
use crate::graphql::document::limits::Limits;
use crate::graphql::document::position::Positions;
use crate::graphql::document::refusal::{DocumentError, Location, RefusalKind, Refused};
use crate::graphql::document::suggestion::suggest;
use crate::graphql::document::types::TypeSystem;

/// Errors that one answer lists at most.
const MOST_ERRORS: usize = 20;
/// Characters of a message before it is cut: the library repeats names that clients chose.
const LONGEST_MESSAGE: usize = 300;
/// The parser's own limit, should it ever see a nesting that the scan of bytes did not.
const PARSER_RECURSION: usize = 200;

/// Reads a text into a document that is bounded, fits the schema and can be lowered, and tells
/// where it asks for the schema.
///
/// # Errors
/// The text has too much in it, is no GraphQL, or does not fit the schema.
pub fn read(
    text: &str,
    types: &TypeSystem,
    limits: &Limits,
) -> Result<(ExecutableDocument, Option<Location>), Refused> {
    check_tokens(text, limits)?;
    let positions = Positions::new(text);
    let mut ast = parse(text, &positions)?;
    check_expansion(&ast, &positions, limits)?;
    let introspection = inspect(&ast, &positions, limits)?;
    let null_defaults = take_null_defaults(&mut ast);
    let document = ast
        .to_executable_validate(types.schema())
        .map_err(|invalid| invalid_document(&invalid.errors, &positions, types, limits))?;
    for operation in document.operations.iter() {
        if let Err(error) = introspection::check_max_depth(&document, operation) {
            let location = positions.locate(error.location().map_or(0, |span| span.offset()));
            let message = "Lists of the introspection nest too deep.";
            return Err(Refused::at(RefusalKind::TooComplex, message, location));
        }
    }
    Ok((give_null_defaults(document.into_inner(), &null_defaults), introspection))
}

/// A variable of an operation: name of the operation and of the variable.
type VariableKey = (Option<Name>, Name);

/// The library takes a default of null for a reason to allow a variable where null is not
/// allowed, so it is shown the variables without.
fn take_null_defaults(document: &mut Document) -> HashSet<VariableKey> {
    let mut taken = HashSet::new();
    let has_null = |variable: &VariableDefinition| {
        let default = variable.default_value.as_ref();
        default.is_some_and(|value| value.is_null()) && !variable.ty.is_non_null()
    };
    for definition in &mut document.definitions {
        let Definition::OperationDefinition(operation) = definition else { continue };
        if !operation.variables.iter().any(|variable| has_null(variable)) {
            continue;
        }
        let operation = operation.make_mut();
        for variable in operation.variables.iter_mut().filter(|variable| has_null(variable)) {
            taken.insert((operation.name.clone(), variable.name.clone()));
            variable.make_mut().default_value = None;
        }
    }
    taken
}

/// Puts back what `take_null_defaults` took: with it, an omitted variable is a given null.
fn give_null_defaults(
    mut document: ExecutableDocument,
    taken: &HashSet<VariableKey>,
) -> ExecutableDocument {
    if taken.is_empty() {
        return document;
    }
    let OperationMap { anonymous, named } = &mut document.operations;
    for operation in anonymous.iter_mut().chain(named.values_mut()) {
        let operation = operation.make_mut();
        for variable in &mut operation.variables {
            if taken.contains(&(operation.name.clone(), variable.name.clone())) {
                variable.make_mut().default_value = Some(Node::new(Value::Null));
            }
        }
    }
    document
}

fn parse(text: &str, positions: &Positions<'_>) -> Result<Document, Refused> {
    let mut parser = Parser::new().recursion_limit(PARSER_RECURSION);
    parser.parse_ast(text, "document.graphql").map_err(|invalid| {
        let errors = &invalid.errors;
        // One syntax error breeds others: the first is the one to mend.
        let errors = errors.iter().take(1).map(|diagnostic| {
            let error = diagnostic.error;
            DocumentError {
                message: cut(capitalized(&error.to_string())),
                locations: span_location(error, positions),
            }
        });
        Refused { kind: RefusalKind::ParseFailed, errors: errors.collect() }
    })
}

fn invalid_document(
    errors: &DiagnosticList,
    positions: &Positions<'_>,
    types: &TypeSystem,
    limits: &Limits,
) -> Refused {
    let errors = errors.iter().take(MOST_ERRORS).map(|diagnostic| {
        let error = diagnostic.error;
        let plain = error.to_string();
        let message = error.unstable_compat_message().unwrap_or_else(|| capitalized(&plain));
        let proposal = limits.suggestions.then(|| suggest(&plain, types)).flatten();
        DocumentError {
            message: cut(message) + &proposal.unwrap_or_default(),
            locations: span_location(error, positions),
        }
    });
    Refused { kind: RefusalKind::ValidationFailed, errors: errors.collect() }
}

fn span_location(
    error: &impl apollo_compiler::diagnostic::ToCliReport,
    positions: &Positions<'_>,
) -> Vec<Location> {
    error.location().map(|span| positions.locate(span.offset())).into_iter().collect()
}

fn capitalized(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str().trim_end_matches('.'))
}

fn cut(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    message
}
