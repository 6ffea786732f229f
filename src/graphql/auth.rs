//! `@auth`: which permission a field needs. The schema shows it as a directive and as the last line
//! of the field's description, both from the table in `auth`; the services are what enforces it.

use crate::auth::Permission;
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::Field;
use async_graphql::registry::location_traits::Directive_At_FIELD_DEFINITION;
use async_graphql::registry::{
    __DirectiveLocation, MetaDirective, MetaDirectiveInvocation, MetaField, MetaInputValue,
    MetaType, Registry,
};
use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, TypeDirective, Value,
};
use std::borrow::Cow;

const NAME: &str = "auth";
const ARGUMENT: &str = "permission";
const ABOUT: &str = "The permission that a field needs. Without it a field of Query, Mutation or \
                     Subscription answers UNAUTHENTICATED to a guest and FORBIDDEN to whoever is \
                     signed in; any other field is null. Someone else's object is never \
                     forbidden: it is not there.";

/// The directive. A field carries it by `#[graphql(directive = Auth::apply(Permission::…))]`.
pub struct Auth;

impl Auth {
    /// The directive with this permission.
    #[must_use]
    pub fn apply(permission: Permission) -> MetaDirectiveInvocation {
        let value = Value::String(permission.name().to_owned());
        MetaDirectiveInvocation {
            name: NAME.to_owned(),
            args: IndexMap::from_iter([(ARGUMENT.to_owned(), value)]),
        }
    }
}

impl TypeDirective for Auth {
    fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(NAME)
    }

    fn register(&self, registry: &mut Registry) {
        let mut permission = MetaInputValue::new(ARGUMENT, "String!");
        permission.description = Some("Its name, such as STOCK_READ.".to_owned());
        registry.add_directive(MetaDirective {
            name: NAME.to_owned(),
            description: Some(ABOUT.to_owned()),
            locations: vec![__DirectiveLocation::FIELD_DEFINITION],
            args: IndexMap::from_iter([(ARGUMENT.to_owned(), permission)]),
            is_repeatable: false,
            visible: None,
            composable: None,
        });
    }
}

impl Directive_At_FIELD_DEFINITION for Auth {}

/// Registering this as an output type writes the rule of each field under its description. It is
/// the schema builder's only way to a finished registry, and no type of the schema.
pub struct Rules;

impl OutputType for Rules {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("Rules")
    }

    fn create_type_info(registry: &mut Registry) -> String {
        for described in registry.types.values_mut() {
            if let MetaType::Object { fields, .. } | MetaType::Interface { fields, .. } = described
            {
                fields.values_mut().for_each(describe);
            }
        }
        Self::type_name().into_owned()
    }

    async fn resolve(
        &self,
        _ctx: &ContextSelectionSet<'_>,
        _field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(Value::Null)
    }
}

fn describe(field: &mut MetaField) {
    let applied = field.directive_invocations.iter().find(|applied| applied.name == NAME);
    let Some(Value::String(name)) = applied.and_then(|applied| applied.args.get(ARGUMENT)) else {
        return;
    };
    let Some(permission) = Permission::from_name(name) else { return };
    let described = field.description.take().unwrap_or_default();
    field.description = Some(format!("{}\n\n{}", described.trim_end(), permission.rule()));
}
