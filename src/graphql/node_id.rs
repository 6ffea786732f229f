//! Opaque, typed ids: a prefix that names the kind and the key in base32, as TypeID 0.3 writes
//! them (`prod_01jd…`, <https://github.com/jetify-com/typeid>).

use crate::graphql::Fault;
use async_graphql::ID;
use type_safe_id::{DynamicType, TypeSafeId};
use uuid::Uuid;

/// The kinds of objects that have an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// `Category`.
    Category,
    /// `Product`.
    Product,
    /// `ProductVariant`.
    ProductVariant,
    /// `Warehouse`.
    Warehouse,
    /// `StockLevel`.
    StockLevel,
    /// `StockMovement`.
    StockMovement,
    /// `FlashSale`.
    FlashSale,
    /// `User`.
    User,
    /// `ApiToken`.
    ApiToken,
    /// `Address`.
    Address,
    /// `AuditEvent`.
    AuditEvent,
    /// `OutboxEvent`.
    OutboxEvent,
    /// `Alert`.
    Alert,
    /// `Payment`.
    Payment,
    /// `Refund`, which is read with its payment.
    Refund,
    /// `Cart`.
    Cart,
    /// `Order`.
    Order,
    /// `OrderLine`, which is read with its order.
    OrderLine,
    /// `Address`: where an order is sent.
    OrderShippingAddress,
    /// `Address`: whom the bill for an order is for.
    OrderBillingAddress,
}

impl NodeKind {
    /// Every kind.
    pub const ALL: [Self; 20] = [
        Self::Category,
        Self::Product,
        Self::ProductVariant,
        Self::Warehouse,
        Self::StockLevel,
        Self::StockMovement,
        Self::FlashSale,
        Self::User,
        Self::ApiToken,
        Self::Address,
        Self::AuditEvent,
        Self::OutboxEvent,
        Self::Alert,
        Self::Cart,
        Self::Payment,
        Self::Refund,
        Self::Order,
        Self::OrderLine,
        Self::OrderShippingAddress,
        Self::OrderBillingAddress,
    ];

    /// What stands before the underscore.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Category => "cat",
            Self::Product => "prod",
            Self::ProductVariant => "var",
            Self::Warehouse => "wh",
            Self::StockLevel => "level",
            Self::StockMovement => "move",
            Self::FlashSale => "flash",
            Self::User => "user",
            Self::ApiToken => "apitoken",
            Self::Address => "addr",
            Self::AuditEvent => "audit",
            Self::OutboxEvent => "event",
            Self::Alert => "alert",
            Self::Cart => "cart",
            Self::Payment => "pay",
            Self::Refund => "refund",
            Self::Order => "order",
            Self::OrderLine => "oline",
            Self::OrderShippingAddress => "oship",
            Self::OrderBillingAddress => "obill",
        }
    }

    /// The id of the object with this key.
    #[must_use]
    pub fn id(self, key: Uuid) -> ID {
        part_id(self.prefix(), key)
    }

    /// The key in an id of this kind.
    ///
    /// # Errors
    /// A fault that says what the id is instead.
    pub fn key(self, id: &str) -> Result<Uuid, Fault> {
        match parse(id) {
            Some((kind, key)) if kind == self => Ok(key),
            Some((kind, _)) => Err(Fault::bad_user_input(format!(
                "\"{id}\" is an id of type {kind:?}; one of type {self:?} is needed."
            ))),
            None => Err(Fault::bad_user_input(format!(
                "\"{}\" is not an id; those of type {self:?} begin with \"{}_\".",
                shorten(id),
                self.prefix()
            ))),
        }
    }
}

/// The id of something that is a part of an object and cannot be read by itself. The prefix is of
/// small letters.
#[must_use]
pub fn part_id(prefix: &'static str, key: Uuid) -> ID {
    match DynamicType::new(prefix) {
        Ok(prefix) => ID(TypeSafeId::from_type_and_uuid(prefix, key).to_string()),
        // The prefixes are letters only; a test goes through those of all kinds.
        Err(_) => ID(key.to_string()),
    }
}

/// What an id names, or None when it is none of ours.
#[must_use]
pub fn parse(id: &str) -> Option<(NodeKind, Uuid)> {
    // The longest prefix and 26 characters fit well; anything longer is not looked at.
    if id.len() > 40 {
        return None;
    }
    let parsed: TypeSafeId<DynamicType> = id.parse().ok()?;
    let kind = NodeKind::ALL.into_iter().find(|kind| kind.prefix() == parsed.type_prefix())?;
    Some((kind, parsed.uuid()))
}

fn shorten(id: &str) -> String {
    let mut shown: String = id.chars().take(40).collect();
    if shown.len() < id.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_the_wire() {
        for kind in NodeKind::ALL {
            let key = Uuid::now_v7();
            assert_eq!(parse(&kind.id(key)), Some((kind, key)));
            assert_eq!(kind.key(&kind.id(key)), Ok(key));
        }
    }

    #[test]
    fn an_id_of_another_kind_is_told() {
        let id = NodeKind::Category.id(Uuid::now_v7());
        let fault = NodeKind::Product.key(&id).unwrap_err();
        assert!(fault.message.contains("Category") && fault.message.contains("Product"));
    }

    #[test]
    fn what_is_no_id_is_told() {
        for text in ["", "prod_", "prod_zzz", "42", "x_01jd", &"a".repeat(1_000)] {
            assert_eq!(NodeKind::Product.key(text).unwrap_err().code, "BAD_USER_INPUT", "{text}");
        }
    }
}
