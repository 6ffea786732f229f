//! One walk over a parsed document, fragments not expanded, for what no later step would refuse:
//! heaps of directives and literals that no database can hold. It also finds introspection, which
//! not everybody may ask for.

use std::collections::HashSet;

use apollo_compiler::ast::{Argument, Definition, DirectiveList, Document, Selection, Value};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::{Name, Node};

use crate::graphql::document::limits::Limits;
use crate::graphql::document::position::Positions;
use crate::graphql::document::refusal::{Location, RefusalKind, Refused};

/// Refuses what the limits or the database exclude; tells where the document asks for the schema.
pub fn inspect(
    document: &Document,
    positions: &Positions<'_>,
    limits: &Limits,
) -> Result<Option<Location>, Refused> {
    let mut inspection = Inspection { positions, limits, directives: 0, introspection: None };
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                inspection.directives(&operation.directives)?;
                for variable in &operation.variables {
                    inspection.directives(&variable.directives)?;
                    variable.default_value.iter().try_for_each(|value| inspection.value(value))?;
                }
                inspection.braces(&operation.selection_set, operation.location())?;
            }
            Definition::FragmentDefinition(fragment) => {
                inspection.directives(&fragment.directives)?;
                inspection.braces(&fragment.selection_set, fragment.location())?;
            }
            // Definitions of a schema do not belong here; the validation says so.
            _ => {}
        }
    }
    Ok(inspection.introspection)
}

struct Inspection<'a> {
    positions: &'a Positions<'a>,
    limits: &'a Limits,
    directives: usize,
    introspection: Option<Location>,
}

impl Inspection<'_> {
    /// The selections between one pair of braces, which belongs to what stands at `owner`.
    fn braces(
        &mut self,
        selections: &[Selection],
        owner: Option<SourceSpan>,
    ) -> Result<(), Refused> {
        // The library reads empty braces; the engine and most clients know no such thing.
        if selections.is_empty() {
            let message = "Braces must hold at least one field or fragment.".to_owned();
            return self.refuse(RefusalKind::ParseFailed, message, owner);
        }
        self.selections(selections)
    }

    fn selections(&mut self, selections: &[Selection]) -> Result<(), Refused> {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    if matches!(field.name.as_str(), "__schema" | "__type") {
                        let offset = field.location().map_or(0, |span| span.offset());
                        self.introspection.get_or_insert(self.positions.locate(offset));
                    }
                    self.directives(&field.directives)?;
                    self.arguments(&field.arguments)?;
                    if let Some(set) = &field.selection_set {
                        self.braces(set, field.location())?;
                    }
                }
                Selection::FragmentSpread(spread) => self.directives(&spread.directives)?,
                Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.directives)?;
                    self.braces(&fragment.selection_set, fragment.location())?;
                }
            }
        }
        Ok(())
    }

    fn directives(&mut self, directives: &DirectiveList) -> Result<(), Refused> {
        self.directives = self.directives.saturating_add(directives.len());
        let Some(first) = directives.first() else { return Ok(()) };
        let message = if directives.len() > self.limits.directives_per_node {
            format!("More than {} directives in one place.", self.limits.directives_per_node)
        } else if self.directives > self.limits.directives {
            format!("The document has more than {} directives.", self.limits.directives)
        } else {
            return directives
                .iter()
                .try_for_each(|directive| self.arguments(&directive.arguments));
        };
        self.refuse(RefusalKind::TooComplex, message, first.location())
    }

    fn arguments(&self, arguments: &[Node<Argument>]) -> Result<(), Refused> {
        arguments.iter().try_for_each(|argument| self.value(&argument.value))
    }

    fn value(&self, value: &Node<Value>) -> Result<(), Refused> {
        let number = match value.as_ref() {
            Value::String(text) if text.contains('\0') => {
                let message = "A string must not contain the character U+0000.".to_owned();
                return self.refuse(RefusalKind::InputInvalid, message, value.location());
            }
            Value::Int(number) => number.as_str(),
            Value::Float(number) => number.as_str(),
            Value::List(items) => return items.iter().try_for_each(|item| self.value(item)),
            Value::Object(members) => {
                self.unique_names(members)?;
                return members.iter().try_for_each(|(_, member)| self.value(member));
            }
            Value::Null
            | Value::Enum(_)
            | Value::Variable(_)
            | Value::String(_)
            | Value::Boolean(_) => return Ok(()),
        };
        if number.parse::<serde_json::Number>().is_ok() {
            return Ok(());
        }
        let message = "A number is too large.".to_owned();
        self.refuse(RefusalKind::ValidationFailed, message, value.location())
    }

    /// The library lets a literal repeat a field of an input object.
    fn unique_names(&self, members: &[(Name, Node<Value>)]) -> Result<(), Refused> {
        let mut seen = HashSet::with_capacity(members.len());
        match members.iter().find(|(name, _)| !seen.insert(name)) {
            None => Ok(()),
            Some((name, _)) => {
                let message = format!("There can be only one input field named \"{name}\".");
                self.refuse(RefusalKind::ValidationFailed, message, name.location())
            }
        }
    }

    fn refuse(
        &self,
        kind: RefusalKind,
        message: String,
        span: Option<SourceSpan>,
    ) -> Result<(), Refused> {
        let location = self.positions.locate(span.map_or(0, |span| span.offset()));
        Err(Refused::at(kind, message, location))
    }
}
