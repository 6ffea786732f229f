//! Enums of the schema whose names and descriptions come from a table in the program, so that what
//! is written in one place is read in both.

/// Makes a type an enum of the schema. The type is `Copy`, lists its values as `ALL` and tells the
/// name of one by `name()`; `$describe` gives the description of one.
macro_rules! table_enum {
    ($type:ty, $name:literal, $about:literal, $describe:expr) => {
        impl ::async_graphql::resolver_utils::EnumType for $type {
            fn items() -> &'static [::async_graphql::resolver_utils::EnumItem<Self>] {
                static ITEMS: ::std::sync::LazyLock<
                    Vec<::async_graphql::resolver_utils::EnumItem<$type>>,
                > = ::std::sync::LazyLock::new(|| {
                    let items = <$type>::ALL.iter().copied();
                    items
                        .map(|value| ::async_graphql::resolver_utils::EnumItem {
                            name: value.name(),
                            value,
                        })
                        .collect()
                });
                &ITEMS
            }
        }

        impl $type {
            fn register(registry: &mut ::async_graphql::registry::Registry) -> String {
                use ::async_graphql::registry::{EnumBuilder, MetaEnumValue, MetaTypeId};
                registry.create_input_type::<$type, _>(MetaTypeId::Enum, |_| {
                    let describe = $describe;
                    let values = <$type>::ALL.iter().copied().map(|value| {
                        let mut meta = MetaEnumValue::new(value.name());
                        meta.description = Some(describe(value));
                        (value.name().to_owned(), meta)
                    });
                    let values = ::async_graphql::indexmap::IndexMap::from_iter(values);
                    EnumBuilder::new($name, values).description(Some($about.to_owned())).build()
                })
            }
        }

        impl ::async_graphql::InputType for $type {
            type RawValueType = Self;

            fn type_name() -> ::std::borrow::Cow<'static, str> {
                ::std::borrow::Cow::Borrowed($name)
            }

            fn create_type_info(registry: &mut ::async_graphql::registry::Registry) -> String {
                Self::register(registry)
            }

            fn parse(
                value: Option<::async_graphql::Value>,
            ) -> ::async_graphql::InputValueResult<Self> {
                ::async_graphql::resolver_utils::parse_enum(value.unwrap_or_default())
            }

            fn to_value(&self) -> ::async_graphql::Value {
                ::async_graphql::resolver_utils::enum_value(*self)
            }

            fn as_raw_value(&self) -> Option<&Self::RawValueType> {
                Some(self)
            }
        }

        impl ::async_graphql::OutputType for $type {
            fn type_name() -> ::std::borrow::Cow<'static, str> {
                ::std::borrow::Cow::Borrowed($name)
            }

            fn create_type_info(registry: &mut ::async_graphql::registry::Registry) -> String {
                Self::register(registry)
            }

            async fn resolve(
                &self,
                _ctx: &::async_graphql::ContextSelectionSet<'_>,
                _field: &::async_graphql::Positioned<::async_graphql::parser::types::Field>,
            ) -> ::async_graphql::ServerResult<::async_graphql::Value> {
                Ok(::async_graphql::resolver_utils::enum_value(*self))
            }
        }
    };
}

pub(crate) use table_enum;
