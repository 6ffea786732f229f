//! Prices for those who are about to write an order.

use crate::cart::quote::{Ask, Choice, assemble};
use crate::cart::service::Carts;
use crate::cart::{CartError, Destination, Item, Quote, TooMuch};
use crate::db::Tx;
use crate::money::Currency;
use crate::stock::Served;
use crate::validation::{Problem, ProblemKind};
use uuid::Uuid;

impl Carts {
    /// Prices goods by the database's rows of this moment. With a destination: sent by `method`, or
    /// by the cheapest one that goes there. Without: nothing is sent and nothing is taxed. What is
    /// in stock is read with it and not looked at: the reservation decides.
    ///
    /// # Errors
    /// [`CartError::Invalid`] at `shippingMethod` or at `shippingAddress.country` when nothing can
    /// be sent there like that, or the tax there is not known; at `lines` for what no order can
    /// have. What is not sold any more is in the quote's problems.
    pub async fn quote_in_txn(
        &self,
        tx: &Tx,
        currency: Currency,
        items: &[Item],
        destination: Option<&Destination>,
        method: Option<&str>,
    ) -> Result<(Quote, Served), CartError> {
        check_quantities(items)?;
        let variants: Vec<Uuid> = items.iter().map(|item| item.variant_id).collect();
        let places: Vec<&Destination> = destination.into_iter().collect();
        let (facts, served) = self.facts_in_txn(tx, &variants, places.as_slice(), currency).await?;
        let choice = match (destination, method) {
            (None, _) => Choice::Open,
            (Some(_), Some(code)) => Choice::This(code),
            (Some(_), None) => Choice::Cheapest,
        };
        let ask = Ask { currency, items, destination, method: choice };
        let quote = assemble(&ask, &facts).map_err(too_much)?;
        if destination.is_some() && quote.tax_rate.is_none() {
            return Err(not_there("The shop does not sell to this country yet."));
        }
        match (destination, method, &quote.shipping_method) {
            (None, ..) | (_, _, Some(_)) => Ok((quote, served)),
            (_, None, None) => Err(not_there("Nothing can be sent to this country.")),
            (_, Some(code), None) => {
                let known = facts.methods.iter().any(|known| known.code == code);
                Err(not_offered(code, known).into())
            }
        }
    }
}

fn not_there(message: &str) -> CartError {
    Problem::new(ProblemKind::Invalid, ["shippingAddress", "country"], message).into()
}

/// What is wrong with a shipping method that was asked for.
pub(super) fn not_offered(code: &str, is_known: bool) -> Problem {
    let field = ["shippingMethod"];
    if is_known {
        let message = "This method is not offered for these goods and where they go.";
        return Problem::new(ProblemKind::Invalid, field, message);
    }
    Problem::new(ProblemKind::NotFound, field, format!("There is no shipping method {code:?}."))
}

fn check_quantities(items: &[Item]) -> Result<(), CartError> {
    let bad = items.iter().enumerate().filter(|(_, item)| item.quantity < 1);
    let problems: Vec<Problem> = bad.map(|(index, _)| out_of_range(index)).collect();
    if problems.is_empty() { Ok(()) } else { Err(CartError::Invalid(problems)) }
}

fn out_of_range(index: usize) -> Problem {
    let path = ["lines".to_owned(), index.to_string(), "quantity".to_owned()];
    Problem::new(ProblemKind::OutOfRange, path, "The quantity must be at least 1.")
}

fn too_much(error: TooMuch) -> CartError {
    let (message, path) = match error {
        TooMuch::Line(index) => (
            "This line comes to more than a line may.",
            vec!["lines".to_owned(), index.to_string(), "quantity".to_owned()],
        ),
        TooMuch::Total => ("All of it comes to more than an order may.", vec!["lines".to_owned()]),
    };
    Problem::new(ProblemKind::OutOfRange, path, message).into()
}
