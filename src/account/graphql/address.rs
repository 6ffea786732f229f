//! The address book in the schema.

use crate::account::graphql::payload::{
    AddressCreatePayload, AddressDeletePayload, AddressUpdatePayload,
};
use crate::account::graphql::{answer, key, services};
use crate::account::{self, AddressChange, PostalAddress};
use crate::auth::Permission;
use crate::graphql::scalars::CountryCode;
use crate::graphql::{Auth, Fault, NodeKind};
use async_graphql::{Context, ID, InputObject, Object};
use uuid::Uuid;

/// A postal address, of an address book or as an order keeps it.
pub struct Address {
    address: account::Address,
    kind: NodeKind,
}

impl From<account::Address> for Address {
    fn from(address: account::Address) -> Self {
        Self { address, kind: NodeKind::Address }
    }
}

impl Address {
    /// An address as an order keeps it, whatever becomes of the address book; `kind` tells which of
    /// its addresses it is.
    pub(crate) fn of_order(kind: NodeKind, order_id: Uuid, postal: PostalAddress) -> Self {
        let address = account::Address {
            id: order_id,
            user_id: Uuid::nil(),
            postal,
            is_default_shipping: false,
            is_default_billing: false,
        };
        Self { address, kind }
    }
}

/// A postal address: of an account's address book, seen by its owner and by administrators, or as
/// an order keeps it, seen by who sees the order.
#[Object]
impl Address {
    /// The opaque id, for `node`.
    pub async fn id(&self) -> ID {
        self.kind.id(self.address.id)
    }

    /// Who receives there.
    async fn name(&self) -> &str {
        &self.address.postal.name
    }

    /// Street and number.
    async fn line1(&self) -> &str {
        &self.address.postal.line1
    }

    /// What else is needed to find the door; null for most.
    async fn line2(&self) -> Option<&str> {
        self.address.postal.line2.as_deref()
    }

    /// The town.
    async fn city(&self) -> &str {
        &self.address.postal.city
    }

    /// State, province or the like; null where there is none.
    async fn region(&self) -> Option<&str> {
        self.address.postal.region.as_deref()
    }

    /// The postal code; empty in countries that have none.
    async fn postal_code(&self) -> &str {
        &self.address.postal.postal_code
    }

    /// The country.
    async fn country(&self) -> CountryCode {
        CountryCode(self.address.postal.country)
    }

    /// Whether it is the one that is proposed for orders. At most one of an account is.
    async fn is_default_shipping(&self) -> bool {
        self.address.is_default_shipping
    }

    /// Whether it is the one that is proposed for invoices. At most one of an account is.
    async fn is_default_billing(&self) -> bool {
        self.address.is_default_billing
    }
}

/// A postal address.
#[derive(InputObject)]
pub struct AddressInput {
    /// Who receives there: 1 to 200 characters on one line, as all of these.
    name: String,
    /// Street and number, at most 200 characters.
    line1: String,
    /// What else is needed to find the door, at most 200 characters.
    line2: Option<String>,
    /// The town, at most 100 characters.
    city: String,
    /// State, province or the like, at most 100 characters.
    region: Option<String>,
    /// The postal code, at most 20 characters; may be empty where the country has none.
    postal_code: String,
    /// The country.
    country: CountryCode,
}

impl From<AddressInput> for PostalAddress {
    fn from(input: AddressInput) -> Self {
        Self {
            name: input.name,
            line1: input.line1,
            line2: input.line2,
            city: input.city,
            region: input.region,
            postal_code: input.postal_code,
            country: input.country.0,
        }
    }
}

/// An address to keep.
#[derive(InputObject)]
pub struct AddressCreateInput {
    /// The address.
    address: AddressInput,
    /// Whether it becomes the one for orders, in place of the one that was.
    #[graphql(default)]
    is_default_shipping: bool,
    /// Whether it becomes the one for invoices, in place of the one that was.
    #[graphql(default)]
    is_default_billing: bool,
}

/// What to change of an address; what is left out or null stays.
#[derive(InputObject)]
pub struct AddressUpdateInput {
    /// Which one.
    id: ID,
    /// The address as a whole.
    address: Option<AddressInput>,
    /// true: it becomes the one for orders, in place of the one that was; false: it is not any more.
    is_default_shipping: Option<bool>,
    /// true: it becomes the one for invoices, in place of the one that was; false: it is not any
    /// more.
    is_default_billing: Option<bool>,
}

/// Which address to forget.
#[derive(InputObject)]
pub struct AddressDeleteInput {
    /// Which one.
    id: ID,
}

/// Mutations on the address book of the account that asks.
#[derive(Default)]
pub struct AddressMutation;

/// Mutations on the address book of the account that asks.
#[Object]
impl AddressMutation {
    /// Keep an address in your address book, which holds at most 50 (LIMIT_REACHED). The first one
    /// becomes the default for orders and for invoices. One that is there already is not kept
    /// twice: asking again answers the one that is there.
    #[graphql(directive = Auth::apply(Permission::AccountOwn))]
    async fn address_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address.")] input: AddressCreateInput,
    ) -> Option<Result<AddressCreatePayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let defaults = [input.is_default_shipping, input.is_default_billing];
        let added = accounts.add_address(viewer, input.address.into(), defaults).await;
        answer(added.map(|address| AddressCreatePayload {
            address: Some(Address::from(address)),
            ..Default::default()
        }))
    }

    /// Change an address of your address book.
    #[graphql(directive = Auth::apply(Permission::AccountOwn))]
    async fn address_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: AddressUpdateInput,
    ) -> Option<Result<AddressUpdatePayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let change = AddressChange {
            id: key(NodeKind::Address, &input.id),
            postal: input.address.map(PostalAddress::from),
            is_default_shipping: input.is_default_shipping,
            is_default_billing: input.is_default_billing,
        };
        let changed = accounts.change_address(viewer, change).await;
        answer(changed.map(|address| AddressUpdatePayload {
            address: Some(Address::from(address)),
            ..Default::default()
        }))
    }

    /// Take an address out of your address book. When it was a default, there is none until you
    /// name another one. Orders keep the address that they were placed with.
    #[graphql(directive = Auth::apply(Permission::AccountOwn))]
    async fn address_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] input: AddressDeleteInput,
    ) -> Option<Result<AddressDeletePayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let id = key(NodeKind::Address, &input.id);
        let deleted = accounts.delete_address(viewer, id).await;
        answer(deleted.map(|()| AddressDeletePayload {
            deleted_id: Some(NodeKind::Address.id(id)),
            ..Default::default()
        }))
    }
}
