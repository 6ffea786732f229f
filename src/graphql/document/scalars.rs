//! What the schema's own scalars accept. The engine would find out too, but after execution has
//! begun, and then the whole answer is lost for one bad date.

use std::collections::HashMap;

use async_graphql::{InputType, Pos, Value};

/// The checks of a schema's scalars, by name.
#[derive(Clone, Default)]
pub struct Scalars {
    checks: HashMap<String, Check>,
}

/// Tells what is wrong with a value, as the end of a sentence that begins with its place.
type Check = fn(Value) -> Result<(), String>;

impl Scalars {
    /// Adds a scalar, which accepts what its parser accepts.
    #[must_use]
    pub fn with<T: InputType>(mut self) -> Self {
        self.checks.insert(T::type_name().into_owned(), check::<T>);
        self
    }

    /// Checks a value of a scalar; null belongs to the type around it.
    pub(crate) fn check(&self, name: &str, value: &Value) -> Result<(), String> {
        match self.checks.get(name) {
            Some(check) => check(value.clone()),
            None => Ok(()),
        }
    }

    /// Whether a scalar has a check.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.checks.contains_key(name)
    }
}

fn check<T: InputType>(value: Value) -> Result<(), String> {
    let Err(error) = T::parse(Some(value)) else { return Ok(()) };
    let message = error.into_server_error(Pos::default()).message;
    let name = T::type_name();
    // The engine's other message repeats the value.
    match message.strip_prefix(&format!("Failed to parse \"{name}\": ")) {
        Some(reason) => Err(format!("{}.", reason.trim_end_matches('.'))),
        None => Err(format!("is not a valid {name}.")),
    }
}
