//! Orders that staff enter, checked apart from any database.

use crate::account::{EmailAddress, PostalAddress};
use crate::money::{Currency, Money};
use crate::order::PaymentAsk;
use crate::order::goods::{MAX_LINES, at};
use crate::validation::{Problem, ProblemKind, required_line};
use serde::Serialize;
use uuid::Uuid;

/// Pieces of a line at most: what a GraphQL Int can show.
pub(crate) const MAX_PIECES: i64 = 2_147_483_647;
/// Stock is held a week at most for an order that is not paid.
const MAX_HOLD_MINUTES: i64 = 7 * 24 * 60;
const MAX_SUPPLIER_CHARS: usize = 200;

/// A variant and how many of it.
#[derive(Debug, Clone, Serialize)]
pub struct EntryLine {
    /// The SKU.
    pub sku: String,
    /// How many.
    pub quantity: i64,
    /// What the supplier takes for one; of purchases alone.
    pub unit_cost: Option<Money>,
}

/// An order of a customer, entered by staff.
#[derive(Debug, Clone, Serialize)]
pub struct EnterSale {
    /// Whose it is; None: a guest's.
    pub customer_id: Option<Uuid>,
    /// Where mail about it goes; None: to the customer's account.
    pub email: Option<String>,
    /// What is bought.
    pub lines: Vec<EntryLine>,
    /// What all amounts are in.
    pub currency: Currency,
    /// Where it is sent.
    pub shipping_address: PostalAddress,
    /// Whom the bill is for; None: as the shipping address.
    pub billing_address: Option<PostalAddress>,
    /// How it is sent; None: in the cheapest way.
    pub shipping_method: Option<String>,
    /// How it is paid now; None: the buyer pays later.
    pub payment: Option<PaymentAsk>,
    /// What the buyer was told; None: whatever it costs.
    pub expected_total: Option<Money>,
    /// For how long its stock is held while it is not paid; None: as long as at a checkout.
    pub hold_minutes: Option<i64>,
    /// The client's name for this try.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Where a sale that staff enter goes.
pub(crate) struct EntryAddresses {
    pub email: Option<EmailAddress>,
    pub shipping: PostalAddress,
    pub billing: Option<PostalAddress>,
}

impl EnterSale {
    /// Everything that is wrong with it, or where it goes.
    pub(crate) fn addressed(&self) -> Result<EntryAddresses, Vec<Problem>> {
        let mut problems = Vec::new();
        check_lines(&self.lines, &mut problems);
        for (index, line) in self.lines.iter().enumerate().take(MAX_LINES) {
            if line.unit_cost.is_some() {
                let message = "What is sold costs what the shop asks for it.";
                problems.push(at(index, "unitCost", ProblemKind::Invalid, message));
            }
        }
        if !(1..=MAX_HOLD_MINUTES).contains(&self.hold_minutes.unwrap_or(1)) {
            let message = format!("holdMinutes must be between 1 and {MAX_HOLD_MINUTES}.");
            problems.push(Problem::new(ProblemKind::OutOfRange, ["holdMinutes"], message));
        }
        let email = match &self.email {
            Some(text) => EmailAddress::read("email", text).map_err(|p| problems.push(p)).ok(),
            None => None,
        };
        if self.email.is_none() && self.customer_id.is_none() {
            let message = "Say who buys: customerId, email, or both.";
            problems.push(Problem::new(ProblemKind::Required, ["email"], message));
        }
        let mut keep = |field: &str, address: &PostalAddress| match address.clone().checked() {
            Ok(address) => Some(address),
            Err(wrong) => {
                problems.extend(wrong.into_iter().map(|problem| problem.within([field])));
                None
            }
        };
        let shipping = keep("shippingAddress", &self.shipping_address);
        let billing = self.billing_address.as_ref().map(|a| keep("billingAddress", a));
        match shipping {
            Some(shipping) if problems.is_empty() => {
                Ok(EntryAddresses { email, shipping, billing: billing.flatten() })
            }
            _ => Err(problems),
        }
    }
}

/// What the shop orders from a supplier.
#[derive(Debug, Clone, Serialize)]
pub struct EnterPurchase {
    /// Who sells to the shop.
    pub supplier_name: String,
    /// Where mail to them goes; empty when nobody knows.
    pub supplier_email: Option<String>,
    /// Where it goes; None: to the default warehouse.
    pub warehouse_id: Option<Uuid>,
    /// What all amounts are in.
    pub currency: Currency,
    /// What is ordered.
    pub lines: Vec<EntryLine>,
    /// Whether it was ordered already; else it is a draft.
    pub place: bool,
    /// The client's name for this try.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Who sells to the shop.
pub(crate) struct Supplier {
    pub name: String,
    pub email: Option<EmailAddress>,
}

impl EnterPurchase {
    /// Everything that is wrong with it, or from whom it comes.
    pub(crate) fn supplier(&self) -> Result<Supplier, Vec<Problem>> {
        let mut problems = Vec::new();
        check_lines(&self.lines, &mut problems);
        for (index, line) in self.lines.iter().enumerate().take(MAX_LINES) {
            let Some(cost) = line.unit_cost else { continue };
            if cost.currency != self.currency {
                let message = format!("The purchase is in {}.", self.currency);
                problems.push(at(index, "unitCost", ProblemKind::CurrencyMismatch, message));
            }
            if cost.minor < 0 {
                let message = "A cost cannot be negative.";
                problems.push(at(index, "unitCost", ProblemKind::OutOfRange, message));
            }
        }
        let within = |problem: Problem| problem.within(["supplier"]);
        let name = required_line("name", &self.supplier_name, MAX_SUPPLIER_CHARS);
        let name = name.map_err(|problem| problems.push(within(problem))).ok();
        let email = match &self.supplier_email {
            Some(text) => {
                EmailAddress::read("email", text).map_err(|p| problems.push(within(p))).ok()
            }
            None => None,
        };
        match name {
            Some(name) if problems.is_empty() => Ok(Supplier { name, email }),
            _ => Err(problems),
        }
    }
}

fn check_lines(lines: &[EntryLine], problems: &mut Vec<Problem>) {
    let limit = format!("Give 1 to {MAX_LINES} lines.");
    if lines.is_empty() {
        problems.push(Problem::new(ProblemKind::Required, ["lines"], limit));
    } else if lines.len() > MAX_LINES {
        problems.push(Problem::new(ProblemKind::TooLong, ["lines"], limit));
    }
    for (index, line) in lines.iter().enumerate().take(MAX_LINES) {
        if !(1..=MAX_PIECES).contains(&line.quantity) {
            let message =
                format!("quantity is {}; it must be between 1 and {MAX_PIECES}.", line.quantity);
            problems.push(at(index, "quantity", ProblemKind::OutOfRange, message));
        }
    }
}
