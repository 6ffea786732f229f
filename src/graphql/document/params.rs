//! A GraphQL request as a client sends it, in JSON or in a URL, before anything of it is trusted.

use std::fmt;
use std::marker::PhantomData;

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Value};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor,
};

use crate::graphql::document::refusal::{RefusalKind, Refused};

/// A JSON object in the order in which the client wrote it.
pub type JsonObject = IndexMap<Name, Value>;

/// The parameters of a GraphQL request. Members that are missing or null are `None`; members
/// this server does not know are ignored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GraphqlParams {
    /// The document's text.
    pub query: Option<String>,
    /// Which operation of the document to run.
    pub operation_name: Option<String>,
    /// Values of the operation's variables.
    pub variables: Option<JsonObject>,
    /// Parameters beyond the specification, such as `persistedQuery`.
    pub extensions: Option<JsonObject>,
}

/// How a request arrived, as far as it decides what the request may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// HTTP POST: queries and mutations.
    Post,
    /// HTTP GET: queries alone.
    Get,
    /// WebSocket: every kind of operation.
    Socket,
}

/// What whoever asks may do with a document, as far as the front decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whose limit of cost applies.
    pub budget: Budget,
    /// Whether `__schema` and `__type` may be asked also where introspection is off.
    pub introspection: bool,
}

impl Access {
    /// What guests may.
    pub const GUEST: Self = Self { budget: Budget::Guest, introspection: false };
}

/// Whose limit of cost applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// Nobody is signed in.
    Guest,
    /// A user or a service is signed in.
    SignedIn,
}

/// The kind of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// Reads.
    Query,
    /// Writes, one root field after the other.
    Mutation,
    /// A stream of events.
    Subscription,
}

impl GraphqlParams {
    /// Reads the parameters of a GET request, already percent-decoded. Empty members count as
    /// missing.
    ///
    /// # Errors
    /// `variables` or `extensions` is not a JSON object.
    pub fn from_url(
        query: Option<String>,
        operation_name: Option<String>,
        variables: Option<&str>,
        extensions: Option<&str>,
    ) -> Result<Self, Refused> {
        let present = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Self {
            query: present(query),
            operation_name: present(operation_name),
            variables: object_from_text("variables", variables)?,
            extensions: object_from_text("extensions", extensions)?,
        })
    }
}

fn object_from_text(
    member: &'static str,
    text: Option<&str>,
) -> Result<Option<JsonObject>, Refused> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let mut json = serde_json::Deserializer::from_str(text);
    Member::<JsonObject>::of(member)
        .deserialize(&mut json)
        .and_then(|object| json.end().map(|()| object))
        .map_err(|error| Refused::new(RefusalKind::ParameterInvalid, error.to_string()))
}

impl<'de> Deserialize<'de> for GraphqlParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ParamsVisitor)
    }
}

struct ParamsVisitor;

impl<'de> Visitor<'de> for ParamsVisitor {
    type Value = GraphqlParams;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a GraphQL request, which is one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<GraphqlParams, A::Error> {
        let mut params = GraphqlParams::default();
        let mut seen = [false; 4];
        while let Some(key) = map.next_key::<String>()? {
            let [query, operation_name, variables, extensions] = &mut seen;
            match key.as_str() {
                "query" => {
                    once::<A::Error>("query", query)?;
                    params.query = map.next_value_seed(Member::<String>::of("query"))?;
                }
                "operationName" => {
                    once::<A::Error>("operationName", operation_name)?;
                    params.operation_name =
                        map.next_value_seed(Member::<String>::of("operationName"))?;
                }
                "variables" => {
                    once::<A::Error>("variables", variables)?;
                    params.variables =
                        map.next_value_seed(Member::<JsonObject>::of("variables"))?;
                }
                "extensions" => {
                    once::<A::Error>("extensions", extensions)?;
                    params.extensions =
                        map.next_value_seed(Member::<JsonObject>::of("extensions"))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(params)
    }
}

/// Two members of one name mean that two readers of the request may see different requests.
fn once<E: Error>(member: &'static str, seen: &mut bool) -> Result<(), E> {
    if std::mem::replace(seen, true) { Err(E::duplicate_field(member)) } else { Ok(()) }
}

/// Reads one member, so that an error names it.
struct Member<T> {
    name: &'static str,
    read: PhantomData<T>,
}

impl<T> Member<T> {
    const fn of(name: &'static str) -> Self {
        Self { name, read: PhantomData }
    }
}

impl<'de> DeserializeSeed<'de> for Member<String> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<String> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` to be a string or null", self.name)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Some(text))
    }
}

impl<'de> DeserializeSeed<'de> for Member<JsonObject> {
    type Value = Option<JsonObject>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<JsonObject> {
    type Value = Option<JsonObject>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` to be an object or null", self.name)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = JsonObject::new();
        while let Some((name, value)) = map.next_entry::<Name, Value>()? {
            object.insert(name, value);
        }
        Ok(Some(object))
    }
}
