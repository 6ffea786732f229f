//! The permissions as an enum of the schema: names and descriptions are those of the table in
//! `auth`.

use crate::auth::Permission;
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::Field;
use async_graphql::registry::{EnumBuilder, MetaEnumValue, MetaTypeId, Registry};
use async_graphql::resolver_utils::{EnumItem, EnumType, enum_value, parse_enum};
use async_graphql::{
    ContextSelectionSet, InputType, InputValueResult, OutputType, Positioned, ServerResult, Value,
};
use std::borrow::Cow;
use std::sync::LazyLock;

static ITEMS: LazyLock<Vec<EnumItem<Permission>>> = LazyLock::new(|| {
    let items = Permission::ALL.iter();
    items.map(|permission| EnumItem { name: permission.name(), value: *permission }).collect()
});

const NAME: &str = "Permission";
const ABOUT: &str = "What can be allowed here. `@auth` says which one a field needs.";

impl EnumType for Permission {
    fn items() -> &'static [EnumItem<Self>] {
        &ITEMS
    }
}

fn register(registry: &mut Registry) -> String {
    registry.create_input_type::<Permission, _>(MetaTypeId::Enum, |_| {
        let values = Permission::ALL.iter().map(|permission| {
            let mut value = MetaEnumValue::new(permission.name());
            value.description = Some(describe(*permission));
            (permission.name().to_owned(), value)
        });
        EnumBuilder::new(NAME, IndexMap::from_iter(values))
            .description(Some(ABOUT.to_owned()))
            .build()
    })
}

fn describe(permission: Permission) -> String {
    let tokens = if permission.is_for_tokens() { "" } else { " API tokens cannot have it." };
    format!("{} Held by {}.{tokens}", permission.about(), permission.holders().words())
}

impl InputType for Permission {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed(NAME)
    }

    fn create_type_info(registry: &mut Registry) -> String {
        register(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        parse_enum(value.unwrap_or_default())
    }

    fn to_value(&self) -> Value {
        enum_value(*self)
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

impl OutputType for Permission {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed(NAME)
    }

    fn create_type_info(registry: &mut Registry) -> String {
        register(registry)
    }

    async fn resolve(
        &self,
        _ctx: &ContextSelectionSet<'_>,
        _field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(enum_value(*self))
    }
}
