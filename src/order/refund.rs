//! What is asked to be paid back, and what a piece of an order cost. No I/O.

use crate::money::Money;
use crate::order::{OrderError, OrderLine};
use crate::validation::{Problem, ProblemKind};
use serde::Serialize;
use uuid::Uuid;

/// Money of an order that is to go back.
#[derive(Debug, Clone)]
pub struct RefundAsk {
    /// Of which payment; None: of the one that the order was paid with.
    pub payment_id: Option<Uuid>,
    /// How much.
    pub of: RefundOf,
    /// Whether its goods go back on the shelf, once the money is back: pieces that were sent come
    /// in as returns, of others the hold ends.
    pub restock: bool,
    /// Why, in words.
    pub reason: Option<String>,
    /// Its name among the refunds of the payment: the same key is the same refund.
    pub key: String,
}

/// How much is to go back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum RefundOf {
    /// All that is left.
    Rest,
    /// So much.
    Amount(Money),
    /// What was paid for these pieces.
    Pieces(Vec<Pieces>),
}

/// Some pieces of an order line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pieces {
    /// The line.
    pub order_line_id: Uuid,
    /// How many.
    pub quantity: i64,
}

/// What a refund means for one order line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    pub order_line_id: Uuid,
    /// Pieces whose money goes back.
    pub quantity: i64,
    /// How much, in minor units.
    pub amount: i64,
    /// How many of them are not to be sent any more.
    pub cancelled: i64,
    /// How many come back to the shelf.
    pub returned: i64,
}

/// What was paid for the first so many pieces of a line, tax included, rounded down. All pieces
/// together give exactly what the line cost.
fn paid_for(line: &OrderLine, pieces: i64) -> i64 {
    let all = i128::from(line.line_total).saturating_add(i128::from(line.tax));
    let share = all.saturating_mul(i128::from(pieces)) / i128::from(line.quantity.max(1));
    i64::try_from(share).unwrap_or(i64::MAX)
}

/// What asking for these pieces means, line by line. A piece is paid back once.
pub(crate) fn shares(
    lines: &[OrderLine],
    asked: &[Pieces],
    restock: bool,
) -> Result<Vec<Share>, OrderError> {
    if asked.is_empty() {
        let message = "Name at least one line, or leave lines out to pay back what is left.";
        return Err(Problem::new(ProblemKind::Required, ["lines"], message).into());
    }
    let mut problems = Vec::new();
    let mut shares: Vec<Share> = Vec::with_capacity(asked.len());
    for (place, pieces) in asked.iter().enumerate() {
        let problem = |kind, field: &str, message: String| {
            let path = ["lines".to_owned(), place.to_string(), field.to_owned()];
            Problem::new(kind, path, message)
        };
        if asked.iter().take(place).any(|it| it.order_line_id == pieces.order_line_id) {
            let message = "This line stands here twice.".to_owned();
            problems.push(problem(ProblemKind::Invalid, "orderLineId", message));
            continue;
        }
        let Some(line) = lines.iter().find(|line| line.id == pieces.order_line_id) else {
            let message = "The order has no such line.".to_owned();
            problems.push(problem(ProblemKind::NotFound, "orderLineId", message));
            continue;
        };
        match share(line, pieces.quantity, restock) {
            Ok(share) => shares.push(share),
            Err(message) => {
                problems.push(problem(ProblemKind::OutOfRange, "quantity", message));
            }
        }
    }
    if problems.is_empty() { Ok(shares) } else { Err(OrderError::Invalid(problems)) }
}

fn share(line: &OrderLine, quantity: i64, restock: bool) -> Result<Share, String> {
    let left = line.quantity.saturating_sub(line.quantity_refunded);
    if !(1..=left).contains(&quantity) {
        let sku = &line.sku;
        return Err(match left {
            0 => format!("Every piece of {sku} was paid back before."),
            _ => format!("Between 1 and {left} pieces of {sku} can be paid back."),
        });
    }
    let unsent = line
        .quantity
        .saturating_sub(line.quantity_fulfilled)
        .saturating_sub(line.quantity_cancelled);
    let cancelled = if restock { Ord::min(quantity, unsent) } else { 0 };
    let returned = if restock { quantity.saturating_sub(cancelled) } else { 0 };
    let away = line.quantity_fulfilled.saturating_sub(line.quantity_returned);
    if returned > away {
        let most = away.saturating_add(unsent);
        return Err(format!("{most} pieces of {} can go back on the shelf.", line.sku));
    }
    let upto = paid_for(line, line.quantity_refunded.saturating_add(quantity));
    // By difference: whatever was paid back before, all pieces give what the line cost.
    let amount = upto.saturating_sub(line.refunded_amount).max(0);
    Ok(Share { order_line_id: line.id, quantity, amount, cancelled, returned })
}

/// The pieces of an order that come back when all of its money goes back. What was not sent is
/// free by then.
pub(crate) fn comes_back(lines: &[OrderLine]) -> Vec<Share> {
    let away = |line: &OrderLine| line.quantity_fulfilled.saturating_sub(line.quantity_returned);
    let share = |line: &OrderLine| Share {
        order_line_id: line.id,
        quantity: 0,
        amount: 0,
        cancelled: 0,
        returned: away(line),
    };
    lines.iter().filter(|line| away(line) > 0).map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    fn line(quantity: i64, unit_price: i64, tax: i64) -> OrderLine {
        OrderLine {
            id: Uuid::from_u128(1),
            order_id: Uuid::nil(),
            variant_id: Uuid::nil(),
            sku: "CUP".to_owned(),
            product_name: String::new(),
            variant_name: String::new(),
            quantity,
            unit_price,
            line_total: unit_price * quantity,
            tax_rate_ppm: 0,
            tax,
            quantity_fulfilled: 0,
            quantity_returned: 0,
            quantity_received: 0,
            quantity_refunded: 0,
            refunded_amount: 0,
            quantity_cancelled: 0,
            flash_sale_id: None,
            currency: Currency::from_code("EUR").unwrap(),
        }
    }

    fn ask(quantity: i64) -> [Pieces; 1] {
        [Pieces { order_line_id: Uuid::from_u128(1), quantity }]
    }

    proptest! {
        #[test]
        fn the_pieces_of_a_line_give_what_it_cost(
            quantity in 1_i64..=999,
            unit_price in 0_i64..1_000_000_000,
            tax in 0_i64..1_000_000_000,
            sizes in proptest::collection::vec(1_i64..50, 1..40),
        ) {
            let mut line = line(quantity, unit_price, tax);
            for size in sizes.into_iter().chain([i64::MAX]) {
                let left = line.quantity - line.quantity_refunded;
                if left == 0 { break }
                let share = shares(std::slice::from_ref(&line), &ask(size.min(left)), false).unwrap()[0];
                prop_assert!(share.amount >= 0);
                line.quantity_refunded += share.quantity;
                line.refunded_amount += share.amount;
            }
            prop_assert_eq!(line.quantity_refunded, quantity);
            prop_assert_eq!(line.refunded_amount, line.line_total + line.tax);
        }
    }

    #[test]
    fn a_refund_in_the_middle_that_failed_leaves_nothing_over() {
        let mut line = line(3, 333, 1);
        let first = shares(std::slice::from_ref(&line), &ask(1), false).unwrap()[0];
        (line.quantity_refunded, line.refunded_amount) = (1, first.amount);
        let second = shares(std::slice::from_ref(&line), &ask(1), false).unwrap()[0];
        // The first one was refused by the provider.
        (line.quantity_refunded, line.refunded_amount) = (1, second.amount);

        let rest = shares(std::slice::from_ref(&line), &ask(2), false).unwrap()[0];

        assert_eq!(second.amount + rest.amount, 1_000);
    }

    #[test]
    fn what_was_not_sent_is_freed_before_anything_comes_back() {
        let line = OrderLine { quantity_fulfilled: 2, ..line(5, 100, 0) };
        let of = |quantity| {
            let share = shares(std::slice::from_ref(&line), &ask(quantity), true).unwrap()[0];
            (share.cancelled, share.returned)
        };
        assert_eq!([of(1), of(3), of(5)], [(1, 0), (3, 0), (3, 2)]);
        let returned = OrderLine { quantity_returned: 1, ..line.clone() };
        assert!(shares(&[returned], &ask(5), true).is_err());
        assert_eq!(comes_back(&[line])[0].returned, 2);
    }

    #[test]
    fn pieces_that_are_not_there_are_refused() {
        let line = OrderLine { quantity_refunded: 2, ..line(3, 100, 0) };
        for quantity in [0, -1, 2, i64::MAX, i64::MIN] {
            assert!(
                shares(std::slice::from_ref(&line), &ask(quantity), false).is_err(),
                "{quantity}"
            );
        }
        let twice = [ask(1)[0], ask(1)[0]];
        let stranger = [Pieces { order_line_id: Uuid::nil(), quantity: 1 }];
        for asked in [&twice[..], &stranger, &[]] {
            assert!(shares(std::slice::from_ref(&line), asked, false).is_err(), "{asked:?}");
        }
    }
}
