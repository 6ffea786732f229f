//! Scalars and money as they stand on the wire.

use crate::country::Country;
use crate::db::Timestamp;
use crate::graphql::document::Scalars;
use crate::money;
use crate::validation::{Problem, ProblemKind};
use async_graphql::registry::{MetaEnumValue, MetaType, MetaTypeId, Registry};
use async_graphql::{
    ContextSelectionSet, InputObject, InputType, InputValueError, InputValueResult, Name,
    OutputType, Positioned, Scalar, ScalarType, ServerResult, SimpleObject, Value, parser,
};
use chrono::{DateTime as ChronoDateTime, NaiveDate, SecondsFormat, Utc};
use std::borrow::Cow;

/// What each scalar of the schema accepts, for the document front.
#[must_use]
pub fn checks() -> Scalars {
    Scalars::default()
        .with::<BigInt>()
        .with::<CountryCode>()
        .with::<Date>()
        .with::<DateTime>()
        .with::<Decimal>()
        .with::<Json>()
}

/// A 64-bit integer, as a JSON string, because JSON numbers lose digits beyond 2^53 in many
/// clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BigInt(pub i64);

/// A 64-bit integer as a JSON string, such as `"1990"`. JSON integers are accepted as input.
#[Scalar]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        let parsed = match &value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_i64(),
            _ => None,
        };
        parsed.map(Self).ok_or_else(|| InputValueError::custom("is not a 64-bit integer"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A moment in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime(pub Timestamp);

/// A moment in time as RFC 3339 writes it, such as `"2026-11-21T09:30:00Z"`. Always in UTC on the
/// way out, cut to microseconds; any offset is accepted on the way in.
#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        let parsed = ChronoDateTime::parse_from_rfc3339(text).map_err(|_| {
            InputValueError::custom("is not an RFC 3339 time such as 2026-11-21T09:30:00Z")
        })?;
        let us = parsed.timestamp_micros();
        ChronoDateTime::<Utc>::from_timestamp_micros(us)
            .map(Self)
            .ok_or_else(|| InputValueError::custom("is out of range"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Date(pub NaiveDate);

/// A day of the calendar as ISO 8601 writes it, such as `"2026-11-21"`.
#[Scalar]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        // chrono also reads days without leading zeros, which ISO 8601 does not know.
        let parsed = text.parse().ok().filter(|_| text.len() == 10);
        parsed.map(Self).ok_or_else(|| InputValueError::custom("is not a day such as 2026-11-21"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An exact decimal number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal(pub String);

/// An exact decimal number as a JSON string, such as `"19.90"`; never a float. JSON integers are
/// accepted as input.
#[Scalar]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) if number.is_i64() => Ok(Self(number.to_string())),
            _ => Err(InputValueError::custom("is not a decimal as a string, such as \"19.90\"")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CountryCode(pub Country);

/// A country by its ISO 3166-1 alpha-2 code, in capital letters, such as `"DE"`.
#[Scalar]
impl ScalarType for CountryCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        let code = match &value {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        };
        let country = code.and_then(Country::from_code);
        country.map(Self).ok_or_else(|| {
            InputValueError::custom("is not a country code of ISO 3166-1, such as \"DE\"")
        })
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.code().to_owned())
    }
}

/// Any JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(pub serde_json::Value);

/// Any JSON value, for what a program keeps or hands on without reading it.
#[Scalar(name = "JSON")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value.into_json()?))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

/// An enum of every currency of ISO 4217 that has minor units, read from the standard's table so
/// that none is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CurrencyCode(pub money::Currency);

impl CurrencyCode {
    fn register(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::Enum, |_| MetaType::Enum {
            name: "CurrencyCode".to_owned(),
            description: Some("A currency by its ISO 4217 code.".to_owned()),
            enum_values: money::Currency::all()
                .into_iter()
                .map(|currency| {
                    let value = MetaEnumValue {
                        name: currency.code().into(),
                        description: Some(match currency.decimals() {
                            0 => format!("{}, without decimals.", currency.name()),
                            decimals => format!("{}, {decimals} decimals.", currency.name()),
                        }),
                        deprecation: async_graphql::registry::Deprecation::default(),
                        visible: None,
                        inaccessible: false,
                        tags: Vec::new(),
                        directive_invocations: Vec::new(),
                    };
                    (currency.code().to_owned(), value)
                })
                .collect(),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: Some(std::any::type_name::<Self>()),
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        })
    }
}

impl InputType for CurrencyCode {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("CurrencyCode")
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Self::register(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let value = value.unwrap_or_default();
        let code = match &value {
            Value::Enum(name) => Some(name.as_str()),
            Value::String(text) => Some(text.as_str()),
            _ => None,
        };
        code.and_then(money::Currency::from_code)
            .map(Self)
            .ok_or_else(|| InputValueError::custom("is not a currency code of ISO 4217"))
    }

    fn to_value(&self) -> Value {
        Value::Enum(Name::new(self.0.code()))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

impl OutputType for CurrencyCode {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("CurrencyCode")
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Self::register(registry)
    }

    async fn resolve(
        &self,
        _ctx: &ContextSelectionSet<'_>,
        _field: &Positioned<parser::types::Field>,
    ) -> ServerResult<Value> {
        Ok(Value::Enum(Name::new(self.0.code())))
    }
}

/// An amount of money.
#[derive(SimpleObject, Clone)]
pub struct Money {
    /// The amount with all the decimals of its currency: `"19.90"` EUR, `"1990"` JPY.
    amount: Decimal,
    /// The currency.
    currency: CurrencyCode,
    /// The same amount in minor units: 1990 for 19.90 EUR.
    amount_minor: BigInt,
    /// How many decimals the currency has: 2 for EUR, 0 for JPY, 3 for KWD.
    decimals: i32,
}

impl From<money::Money> for Money {
    fn from(money: money::Money) -> Self {
        Self {
            amount: Decimal(money.amount()),
            currency: CurrencyCode(money.currency),
            amount_minor: BigInt(money.minor),
            decimals: i32::try_from(money.currency.decimals()).unwrap_or_default(),
        }
    }
}

/// An amount of money as input.
#[derive(Debug, Clone, InputObject)]
pub struct MoneyInput {
    /// The amount, with no more decimals than the currency has: it is refused, not rounded.
    pub amount: Decimal,
    /// The currency.
    pub currency: CurrencyCode,
}

impl MoneyInput {
    /// The amount as the server counts it.
    ///
    /// # Errors
    /// A [`Problem`] at `amount` when it cannot be read exactly.
    pub fn read(&self) -> Result<money::Money, Problem> {
        money::Money::parse(&self.amount.0, self.currency.0).map_err(|error| {
            let kind = match error {
                money::MoneyError::TooLarge => ProblemKind::OutOfRange,
                _ => ProblemKind::Invalid,
            };
            Problem::new(kind, ["amount"], format!("The amount {error}."))
        })
    }
}
