//! The input of orders that staff enter. What belongs to sales is refused for purchases, and the
//! other way round: nothing in it is silently left out.

use crate::account::graphql::AddressInput;
use crate::graphql::scalars::{CurrencyCode, MoneyInput};
use crate::graphql::{NodeKind, UserError};
use crate::money::{Currency, Money};
use crate::order::graphql::goods_input::{key, warehouse_id};
use crate::order::graphql::input::PaymentInput;
use crate::order::graphql::types::OrderKind;
use crate::order::{EnterPurchase, EnterSale, EntryLine};
use crate::validation::{Problem, ProblemKind};
use async_graphql::{ID, InputObject};

/// A variant and how many of it.
#[derive(InputObject)]
pub struct OrderCreateLineInput {
    /// The SKU of the variant.
    sku: String,
    /// How many: 1 or more.
    quantity: i32,
    /// Of a purchase: what the supplier takes for one, before tax; 0 when left out. Never of a
    /// sale, whose prices are the shop's.
    unit_cost: Option<MoneyInput>,
}

/// Who sells to the shop.
#[derive(InputObject)]
pub struct SupplierInput {
    /// The name: 1 to 200 characters.
    name: String,
    /// Where mail to them goes.
    email: Option<String>,
}

/// An order that staff enter.
#[derive(InputObject)]
pub struct OrderCreateInput {
    /// SALE: a customer buys. PURCHASE: the shop orders from a supplier.
    kind: OrderKind,
    /// What, at most 100 lines; one that is named twice is added up.
    lines: Vec<OrderCreateLineInput>,
    /// What all amounts are in; the shop's own currency when left out.
    currency: Option<CurrencyCode>,
    /// Of a sale: whose it is; a guest's when left out.
    customer_id: Option<ID>,
    /// Of a sale: where mail about it goes; to the customer's account when left out.
    email: Option<String>,
    /// Of a sale: where it is sent; decides about tax.
    shipping_address: Option<AddressInput>,
    /// Of a sale: whom the bill is for; the shipping address when left out.
    billing_address: Option<AddressInput>,
    /// Of a sale: the code of a shipping method; the cheapest one when left out.
    shipping_method: Option<String>,
    /// Of a sale: how it is paid now. Left out, it is PENDING_PAYMENT, and its buyer gets a mail
    /// that leads to it: orderPay.
    payment: Option<PaymentInput>,
    /// Of a sale: the total that the buyer was told. With another one nothing is ordered:
    /// PriceChangedError.
    expected_total: Option<MoneyInput>,
    /// Of a sale: for how many minutes its stock is held while it is not paid, 1 to 10080; as long
    /// as at a checkout when left out.
    hold_minutes: Option<i32>,
    /// Of a purchase: who sells to the shop.
    supplier: Option<SupplierInput>,
    /// Of a purchase: where it goes; to the default warehouse when left out.
    warehouse_id: Option<ID>,
    /// Of a purchase: whether the supplier has it already (ORDERED); else it is a DRAFT.
    place: Option<bool>,
    /// Names this try: 1 to 255 printable ASCII characters. Sent again, the answer is the same and
    /// nothing happens twice.
    idempotency_key: Option<String>,
}

/// What it is, read.
pub(super) enum Entry {
    Sale(Box<EnterSale>),
    Purchase(EnterPurchase),
}

impl OrderCreateInput {
    pub(super) fn read(self, shop_currency: Currency) -> Result<Entry, Vec<UserError>> {
        let foreign = self.foreign_fields();
        if !foreign.is_empty() {
            let problem = |field: &&'static str| {
                let of = if self.kind == OrderKind::Sale { "sales" } else { "purchases" };
                let message = format!("{field} is not for {of}.");
                UserError::from(Problem::new(ProblemKind::Invalid, [*field], message))
            };
            return Err(foreign.iter().map(problem).collect());
        }
        let currency = self.currency.as_ref().map_or(shop_currency, |currency| currency.0);
        match self.kind {
            OrderKind::Sale => self.sale(currency).map(|sale| Entry::Sale(Box::new(sale))),
            OrderKind::Purchase => self.purchase(currency).map(Entry::Purchase),
        }
        .map_err(|error| vec![error])
    }

    /// The fields that are there and belong to the other kind.
    fn foreign_fields(&self) -> Vec<&'static str> {
        let of_purchases = [
            ("supplier", self.supplier.is_some()),
            ("warehouseId", self.warehouse_id.is_some()),
            ("place", self.place.is_some()),
        ];
        let of_sales = [
            ("customerId", self.customer_id.is_some()),
            ("email", self.email.is_some()),
            ("shippingAddress", self.shipping_address.is_some()),
            ("billingAddress", self.billing_address.is_some()),
            ("shippingMethod", self.shipping_method.is_some()),
            ("payment", self.payment.is_some()),
            ("expectedTotal", self.expected_total.is_some()),
            ("holdMinutes", self.hold_minutes.is_some()),
        ];
        let there = |fields: &[(&'static str, bool)]| -> Vec<&'static str> {
            fields.iter().filter(|(_, there)| *there).map(|(field, _)| *field).collect()
        };
        match self.kind {
            OrderKind::Sale => there(&of_purchases),
            OrderKind::Purchase => there(&of_sales),
        }
    }

    fn sale(self, currency: Currency) -> Result<EnterSale, UserError> {
        let lines = lines(self.lines)?;
        let customer = self.customer_id.as_ref();
        let customer_id = customer.map(|id| key(NodeKind::User, id, ["customerId"])).transpose()?;
        let expected = self.expected_total.as_ref().map(MoneyInput::read).transpose();
        let shipping_address = self.shipping_address.ok_or_else(|| required("shippingAddress"))?;
        Ok(EnterSale {
            customer_id,
            email: self.email,
            lines,
            currency,
            shipping_address: shipping_address.into(),
            billing_address: self.billing_address.map(Into::into),
            shipping_method: self.shipping_method,
            payment: self.payment.map(Into::into),
            expected_total: expected.map_err(|problem| problem.within(["expectedTotal"]))?,
            hold_minutes: self.hold_minutes.map(i64::from),
            idempotency_key: self.idempotency_key,
        })
    }

    fn purchase(self, currency: Currency) -> Result<EnterPurchase, UserError> {
        let supplier = self.supplier.ok_or_else(|| required("supplier"))?;
        Ok(EnterPurchase {
            supplier_name: supplier.name,
            supplier_email: supplier.email,
            warehouse_id: self.warehouse_id.as_ref().map(warehouse_id).transpose()?,
            currency,
            lines: lines(self.lines)?,
            place: self.place.unwrap_or_default(),
            idempotency_key: self.idempotency_key,
        })
    }
}

fn required(field: &str) -> UserError {
    Problem::new(ProblemKind::Required, [field], format!("{field} is missing.")).into()
}

fn lines(lines: Vec<OrderCreateLineInput>) -> Result<Vec<EntryLine>, UserError> {
    let one = |(index, line): (usize, OrderCreateLineInput)| {
        let cost: Option<Money> =
            line.unit_cost.as_ref().map(MoneyInput::read).transpose().map_err(|problem| {
                let path = ["lines".to_owned(), index.to_string(), "unitCost".to_owned()];
                UserError::from(problem.within(path))
            })?;
        Ok(EntryLine { sku: line.sku, quantity: line.quantity.into(), unit_cost: cost })
    };
    lines.into_iter().enumerate().map(one).collect()
}
