//! Turns a validated operation into the engine's own parsed form, without printing and parsing
//! it again.
//!
//! The engine runs a field as often as a selection set repeats it, ignores fragments at the root
//! of a subscription, does not look into unions from interfaces, and does not apply an argument's
//! default when its variable is omitted. So the form it gets needs none of this: conditions are
//! decided, fragments dissolved where their type is known, repeated fields merged, omitted
//! arguments left out. The order of response keys stays that of the specification.

use std::collections::HashMap;

use apollo_compiler::Name;
use apollo_compiler::Node;
use apollo_compiler::ast::{Argument, DirectiveList, Value as Literal};
use apollo_compiler::executable::{Field, FragmentMap, Selection};
use async_graphql::parser::types as engine;
use async_graphql::{Name as EngineName, Pos, Positioned};

use crate::graphql::document::cost::{Cost, PageSize};
use crate::graphql::document::limits::Limits;
use crate::graphql::document::literals;
use crate::graphql::document::position::Positions;
use crate::graphql::document::refusal::{RefusalKind, Refused};
use crate::graphql::document::switches::Setting;
use crate::graphql::document::types::TypeSystem;

/// Everything lowering looks at.
pub struct Lowering<'a> {
    /// The schema.
    pub types: &'a TypeSystem,
    /// The document's fragments.
    pub fragments: &'a FragmentMap,
    /// Lines and columns of the text as it was sent, so that errors name them.
    pub positions: &'a Positions<'a>,
    /// The figures.
    pub limits: &'a Limits,
    /// What the variables decide about the document's shape.
    pub setting: &'a Setting<'a>,
    /// Selections that may still be written.
    pub room: u32,
    /// Selection sets that may still be nested.
    pub levels: u32,
}

/// A selection set in the engine's form, and what it costs.
#[derive(Default)]
pub struct Lowered {
    /// The engine's form.
    pub set: engine::SelectionSet,
    /// Cost of one object with these selections.
    pub cost: Cost,
}

/// What a selection set holds once conditions and fragments are resolved.
enum Entry<'a> {
    /// All selections of one response key.
    Field(Vec<&'a Node<Field>>),
    /// Selections that apply to objects of one type only.
    Narrow { on: Name, parts: Vec<&'a [Selection]> },
}

impl<'a> Lowering<'a> {
    /// Lowers the selections of an object of type `parent`.
    ///
    /// # Errors
    /// Fragments on unions inside interfaces multiply to more selections than a document may
    /// have, or nest deeper than the engine should recurse.
    pub fn selections(
        &mut self,
        parent: &Name,
        parts: &[&'a [Selection]],
    ) -> Result<Lowered, Refused> {
        let refuse = |message: &str| Err(Refused::new(RefusalKind::TooComplex, message));
        let Some(levels) = self.levels.checked_sub(1) else {
            return refuse("The document nests fragments on interfaces too deep.");
        };
        let mut entries = Entries::default();
        for part in parts {
            self.collect(parent, part, &mut entries);
        }
        let outer = std::mem::replace(&mut self.levels, levels);
        let mut lowered = Lowered::default();
        // Only one of the fragments of a kind can apply to an object: the dearest counts.
        let mut narrow_costs = HashMap::<Name, Cost>::new();
        for entry in entries.list {
            let Some(room) = self.room.checked_sub(1) else {
                return refuse("The document's fragments multiply over too many types.");
            };
            self.room = room;
            match entry {
                Entry::Field(fields) => {
                    let Some((item, cost)) = self.field(&fields)? else { continue };
                    lowered.set.items.push(item);
                    lowered.cost.add(cost);
                }
                Entry::Narrow { on, parts } => {
                    let Lowered { set, cost } = self.selections(&on, &parts)?;
                    lowered.set.items.push(inline_fragment(&on, set));
                    narrow_costs.entry(on).or_default().add(cost);
                }
            }
        }
        self.levels = outer;
        for cost in narrow_costs.into_values() {
            lowered.cost.add(cost);
        }
        Ok(lowered)
    }

    fn collect(&self, parent: &Name, selections: &'a [Selection], into: &mut Entries<'a>) {
        for selection in selections {
            match selection {
                Selection::Field(field) if self.included(&field.directives) => {
                    into.add_field(field);
                }
                Selection::FragmentSpread(spread) if self.included(&spread.directives) => {
                    let Some(fragment) = self.fragments.get(&spread.fragment_name) else {
                        continue;
                    };
                    let within = &fragment.selection_set;
                    self.collect_fragment(parent, &within.ty, &within.selections, into);
                }
                Selection::InlineFragment(fragment) if self.included(&fragment.directives) => {
                    let within = &fragment.selection_set;
                    let on = fragment.type_condition.as_ref().unwrap_or(parent);
                    self.collect_fragment(parent, on, &within.selections, into);
                }
                _ => {}
            }
        }
    }

    fn collect_fragment(
        &self,
        parent: &Name,
        on: &Name,
        selections: &'a [Selection],
        into: &mut Entries<'a>,
    ) {
        let is_union = self.types.get(on).is_some_and(|definition| definition.is_union());
        // The engine finds an interface's field on objects and on that interface alone, so a
        // fragment on another interface stays even where it always applies.
        let dissolves = on == parent || is_union || self.types.is_object(parent);
        if dissolves && self.types.covers(on, parent) {
            return self.collect(parent, selections, into);
        }
        // The engine does not look into unions from interfaces either.
        if is_union {
            for object in self.types.common(parent, on) {
                into.add_narrow(object, selections);
            }
        } else if !self.types.common(parent, on).is_empty() {
            into.add_narrow(on.clone(), selections);
        }
    }

    fn included(&self, directives: &DirectiveList) -> bool {
        let condition = |name: &str| {
            let directive = directives.get(name)?;
            let argument = directive.specified_argument_by_name("if")?;
            self.setting.condition(argument)
        };
        condition("skip") != Some(true) && condition("include") != Some(false)
    }

    fn field(
        &mut self,
        same_key: &[&'a Node<Field>],
    ) -> Result<Option<(Positioned<engine::Selection>, Cost)>, Refused> {
        // Validation has made sure that all of one key are the same field with equal arguments.
        let Some((field, others)) = same_key.split_first() else { return Ok(None) };
        others.iter().try_for_each(|other| self.same_lists(field, other))?;
        let parts: Vec<&[Selection]> = same_key
            .iter()
            .filter_map(|field| field.selection_set.as_ref())
            .map(|set| set.selections.as_slice())
            .collect();
        let ty = field.definition.ty.inner_named_type();
        let composite = self.types.is_composite(ty);
        let below = if composite { self.selections(ty, &parts)? } else { Lowered::default() };
        let cost = if composite { self.cost(field, below.cost) } else { Cost::default() };
        let pos = self.positions.pos(field.location());
        let at = |name: &Name| Positioned::new(engine_name(name), pos);
        let lowered = engine::Field {
            alias: field.alias.as_ref().map(at),
            name: at(&field.name),
            arguments: self.arguments(field),
            directives: Vec::new(),
            selection_set: Positioned::new(below.set, pos),
        };
        let selection = engine::Selection::Field(Positioned::new(lowered, pos));
        Ok(Some((Positioned::new(selection, pos), cost)))
    }

    fn same_lists(&self, field: &Field, other: &Node<Field>) -> Result<(), Refused> {
        let differs = field.arguments.iter().any(|argument| {
            let same_name = |other: &&Node<Argument>| other.name == argument.name;
            let other = other.arguments.iter().find(same_name);
            other.is_some_and(|other| !literals::same_lengths(&argument.value, &other.value))
        });
        if !differs {
            return Ok(());
        }
        let message = format!(
            "Fields \"{}\" conflict because they have differing arguments.",
            field.response_name()
        );
        let offset = other.location().map_or(0, |span| span.offset());
        let location = self.positions.locate(offset);
        Err(Refused::at(RefusalKind::ValidationFailed, message, location))
    }

    fn cost(&self, field: &Field, below: Cost) -> Cost {
        let ty = &field.definition.ty;
        let in_page = matches!(field.name.as_str(), "nodes" | "edges")
            && field.definition.arguments.is_empty();
        let page = PageSize::of(field, self.limits);
        // A connection is a question of its own to the database; `Money` comes with its owner.
        let identity = self.types.has_identity(ty.inner_named_type());
        let own = u64::from(ty.is_list() || page.is_some() || identity);
        let below = match page {
            Some(size) => below.times(size),
            // The rows of a page are counted by the field that asked for the page.
            None if ty.is_list() && !in_page => {
                let assumed = PageSize::Rows(u64::from(self.limits.list_assumed));
                let mut item = Cost::of(u64::from(identity));
                item.add(below);
                item.times(PageSize::of_ids(field).unwrap_or(assumed))
            }
            None => below,
        };
        let mut cost = Cost::of(own);
        cost.add(below);
        cost
    }

    fn arguments(
        &self,
        field: &Field,
    ) -> Vec<(Positioned<EngineName>, Positioned<async_graphql_value::Value>)> {
        let given = |argument: &&Node<Argument>| match argument.value.as_ref() {
            Literal::Variable(name) => !self.setting.is_omitted(name),
            _ => true,
        };
        let lower = |argument: &Node<Argument>| {
            let pos = self.positions.pos(argument.value.location());
            let name = Positioned::new(engine_name(&argument.name), pos);
            (name, Positioned::new(literals::lower(&argument.value), pos))
        };
        field.arguments.iter().filter(given).map(lower).collect()
    }
}

/// Entries in the order of their first appearance.
#[derive(Default)]
struct Entries<'a> {
    list: Vec<Entry<'a>>,
    by_key: HashMap<&'a str, usize>,
}

impl<'a> Entries<'a> {
    fn add_field(&mut self, field: &'a Node<Field>) {
        let key = field.response_name().as_str();
        if let Some(at) = self.by_key.get(key)
            && let Some(Entry::Field(same_key)) = self.list.get_mut(*at)
        {
            same_key.push(field);
        } else {
            self.by_key.insert(key, self.list.len());
            self.list.push(Entry::Field(vec![field]));
        }
    }

    /// Joins only neighbours: joining across other entries would reorder response keys.
    fn add_narrow(&mut self, on: Name, selections: &'a [Selection]) {
        match self.list.last_mut() {
            Some(Entry::Narrow { on: last, parts }) if *last == on => parts.push(selections),
            _ => self.list.push(Entry::Narrow { on, parts: vec![selections] }),
        }
    }
}

fn inline_fragment(on: &Name, set: engine::SelectionSet) -> Positioned<engine::Selection> {
    let pos = Pos::default();
    let condition = engine::TypeCondition { on: Positioned::new(engine_name(on), pos) };
    let fragment = engine::InlineFragment {
        type_condition: Some(Positioned::new(condition, pos)),
        directives: Vec::new(),
        selection_set: Positioned::new(set, pos),
    };
    let selection = engine::Selection::InlineFragment(Positioned::new(fragment, pos));
    Positioned::new(selection, pos)
}

/// The engine's name of the same spelling.
pub fn engine_name(name: &Name) -> EngineName {
    EngineName::new(name.as_str())
}
