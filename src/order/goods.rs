//! What is asked of an order's goods: to be sent, to be taken back, to have arrived. Checked apart
//! from any database.

use crate::money::Money;
use crate::order::{Order, OrderLine};
use crate::payment::Refund;
use crate::validation::{Problem, ProblemKind, optional_line, optional_text};
use serde::Serialize;
use std::collections::HashMap;
use uuid::Uuid;

/// Pieces of a line at most: what a GraphQL Int can show.
const MAX_PIECES: i64 = 2_147_483_647;
/// Lines of an order at most, and of what is asked of one.
pub(crate) const MAX_LINES: usize = 100;
const MAX_CARRIER_CHARS: usize = 100;
const MAX_TRACKING_CHARS: usize = 100;
const MAX_NOTE_CHARS: usize = 500;

/// Pieces of a line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinePieces {
    /// The line.
    pub order_line_id: Uuid,
    /// How many, 1 or more.
    pub quantity: i64,
}

/// Goods to be sent.
#[derive(Debug, Clone, Serialize)]
pub struct Fulfill {
    /// Of which order.
    pub order_id: Uuid,
    /// What of it; None: all that is left.
    pub lines: Option<Vec<LinePieces>>,
    /// Only what lies in this warehouse; None: wherever it lies.
    pub warehouse_id: Option<Uuid>,
    /// Who brings it.
    pub carrier: Option<String>,
    /// The carrier's name for the parcel.
    pub tracking_number: Option<String>,
    /// A remark, for staff.
    pub note: Option<String>,
    /// Only if the order still has this version.
    pub expected_version: Option<i64>,
    /// The client's name for this try.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

impl Fulfill {
    /// The same, tidied up, or everything that is wrong with it.
    pub(crate) fn checked(mut self) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if let Some(lines) = &self.lines {
            check_lines(lines, &mut problems);
        }
        let mut line = |field: &str, text: Option<String>, max| {
            keep(text.map(|text| optional_line(field, &text, max)), &mut problems)
        };
        self.carrier = line("carrier", self.carrier, MAX_CARRIER_CHARS);
        self.tracking_number = line("trackingNumber", self.tracking_number, MAX_TRACKING_CHARS);
        let note = self.note.map(|note| optional_text("note", &note, MAX_NOTE_CHARS));
        self.note = keep(note, &mut problems);
        if problems.is_empty() { Ok(self) } else { Err(problems) }
    }
}

/// Goods that came back.
#[derive(Debug, Clone, Serialize)]
pub struct TakeBack {
    /// Of which order.
    pub order_id: Uuid,
    /// What of it.
    pub lines: Vec<LinePieces>,
    /// Whether they can be sold again.
    pub restock: bool,
    /// To which warehouse; None: to those that they had left from.
    pub warehouse_id: Option<Uuid>,
    /// Whether their money goes back.
    pub refund: bool,
    /// How much; None: what they had cost, with tax.
    pub amount: Option<Money>,
    /// Why, in words.
    pub reason: Option<String>,
    /// The client's name for this try.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// What taking goods back came to.
#[derive(Debug, Clone)]
pub struct TakenBack {
    /// The order as it is now.
    pub order: Order,
    /// The money that goes back for them; None when none does.
    pub refund: Option<Refund>,
    /// It was done before, under the same key.
    pub replayed: bool,
}

impl TakeBack {
    /// The same, tidied up, or everything that is wrong with it.
    pub(crate) fn checked(mut self) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        check_lines(&self.lines, &mut problems);
        if self.amount.is_some() && !self.refund {
            let message = "An amount goes back only with refund: true.";
            problems.push(Problem::new(ProblemKind::Invalid, ["amount"], message));
        }
        if self.amount.is_some_and(|amount| amount.minor <= 0) {
            let message = "The amount must be more than 0.";
            problems.push(Problem::new(ProblemKind::OutOfRange, ["amount", "amount"], message));
        }
        if self.warehouse_id.is_some() && !self.restock {
            let message = "Pieces go to a warehouse only with restock: true.";
            problems.push(Problem::new(ProblemKind::Invalid, ["warehouseId"], message));
        }
        let reason = self.reason.map(|reason| optional_text("reason", &reason, MAX_NOTE_CHARS));
        self.reason = keep(reason, &mut problems);
        if problems.is_empty() { Ok(self) } else { Err(problems) }
    }
}

/// Goods of a purchase that arrived.
#[derive(Debug, Clone, Serialize)]
pub struct Receive {
    /// Of which purchase.
    pub order_id: Uuid,
    /// What of it; None: all that is open.
    pub lines: Option<Vec<LinePieces>>,
    /// Only if the order still has this version.
    pub expected_version: Option<i64>,
    /// The client's name for this try.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

impl Receive {
    /// Everything that is wrong with it.
    pub(crate) fn check(&self) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        if let Some(lines) = &self.lines {
            check_lines(lines, &mut problems);
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// A step of an order that is named by nothing but the order.
#[derive(Debug, Clone, Serialize)]
pub struct Advance {
    /// Which order.
    pub order_id: Uuid,
    /// Only if the order still has this version.
    pub expected_version: Option<i64>,
    /// The client's name for this try.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// An empty text is as good as none.
fn keep(read: Option<Result<String, Problem>>, problems: &mut Vec<Problem>) -> Option<String> {
    match read? {
        Ok(text) => Some(text).filter(|text| !text.is_empty()),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn check_lines(lines: &[LinePieces], problems: &mut Vec<Problem>) {
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

/// A problem with a line of the input.
pub(crate) fn at(
    index: usize,
    field: &str,
    kind: ProblemKind,
    message: impl Into<String>,
) -> Problem {
    Problem::new(kind, ["lines".to_owned(), index.to_string(), field.to_owned()], message)
}

/// How many pieces of each line of an order are meant, in the order's own order: those that are
/// asked for, a line that is named twice added up, or all that are left when none are.
///
/// `doing` says what can be done with those that are left, for people: "to be sent".
pub(crate) fn pick<'a>(
    asked: Option<&[LinePieces]>,
    lines: &'a [OrderLine],
    left: impl Fn(&OrderLine) -> i64,
    doing: &str,
) -> Result<Vec<(&'a OrderLine, i64)>, Vec<Problem>> {
    let Some(asked) = asked else {
        let all = lines.iter().map(|line| (line, left(line))).filter(|(_, left)| *left > 0);
        return Ok(all.collect());
    };
    let mut problems = Vec::new();
    let mut wanted: HashMap<Uuid, i64> = HashMap::new();
    for (index, one) in asked.iter().enumerate() {
        let Some(line) = lines.iter().find(|line| line.id == one.order_line_id) else {
            let message = "The order has no such line.";
            problems.push(at(index, "orderLineId", ProblemKind::NotFound, message));
            continue;
        };
        let sum = wanted.entry(line.id).or_default();
        let (before, there) = (*sum, left(line));
        *sum = sum.saturating_add(one.quantity);
        // Told once, where it becomes too much.
        if before <= there && *sum > there {
            let message = format!("Of {} {there} are left {doing}, not {sum}.", line.sku);
            problems.push(at(index, "quantity", ProblemKind::OutOfRange, message));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let picked = lines.iter().filter_map(|line| Some((line, *wanted.get(&line.id)?)));
    Ok(picked.collect())
}

/// Pieces of lines for people: `2 CUP, 1 POT`.
pub(crate) fn in_words(pieces: &[(&OrderLine, i64)]) -> String {
    const SHOWN: usize = 10;
    let mut words: Vec<String> = pieces
        .iter()
        .take(SHOWN)
        .map(|(line, quantity)| format!("{quantity} {}", line.sku))
        .collect();
    if pieces.len() > SHOWN {
        words.push("…".to_owned());
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn line(id: u128, quantity: i64) -> OrderLine {
        OrderLine {
            id: Uuid::from_u128(id),
            order_id: Uuid::nil(),
            variant_id: Uuid::nil(),
            sku: format!("SKU-{id}"),
            product_name: String::new(),
            variant_name: String::new(),
            quantity,
            unit_price: 1,
            line_total: quantity,
            tax_rate_ppm: 0,
            tax: 0,
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

    fn ask(pieces: &[(u128, i64)]) -> Vec<LinePieces> {
        let one = |(id, quantity): &(u128, i64)| LinePieces {
            order_line_id: Uuid::from_u128(*id),
            quantity: *quantity,
        };
        pieces.iter().map(one).collect()
    }

    #[test]
    fn a_line_named_twice_is_added_up() {
        let lines = [line(1, 5), line(2, 5)];
        let asked = ask(&[(2, 1), (1, 2), (2, 3)]);
        let picked = pick(Some(&asked), &lines, |line| line.quantity, "to be sent").unwrap();
        let picked: Vec<(u128, i64)> =
            picked.iter().map(|(line, n)| (line.id.as_u128(), *n)).collect();
        assert_eq!(picked, [(1, 2), (2, 4)]);
    }

    #[test]
    fn more_than_is_left_and_lines_of_others_are_told_at_their_place() {
        let lines = [line(1, 5)];
        let asked = ask(&[(1, 3), (1, 3), (9, 1), (1, i64::MAX)]);
        let problems = pick(Some(&asked), &lines, |line| line.quantity, "to be sent").unwrap_err();
        let told: Vec<(ProblemKind, &str)> =
            problems.iter().map(|it| (it.kind, it.path[1].as_str())).collect();
        assert_eq!(told, [(ProblemKind::OutOfRange, "1"), (ProblemKind::NotFound, "2")]);
        assert_eq!(problems[0].message, "Of SKU-1 5 are left to be sent, not 6.");
    }

    #[test]
    fn nothing_named_is_all_that_is_left() {
        let lines = [line(1, 5), line(2, 0), line(3, 2)];
        let picked = pick(None, &lines, |line| line.quantity, "to be sent").unwrap();
        assert_eq!(in_words(&picked), "5 SKU-1, 2 SKU-3");
    }

    #[test]
    fn quantities_are_pieces() {
        let mut problems = Vec::new();
        check_lines(&ask(&[(1, 0), (1, -1), (1, 1), (1, MAX_PIECES + 1)]), &mut problems);
        let at: Vec<&str> = problems.iter().map(|problem| problem.path[1].as_str()).collect();
        assert_eq!(at, ["0", "1", "3"]);
        problems.clear();
        check_lines(&[], &mut problems);
        assert_eq!(problems[0].kind, ProblemKind::Required);
    }
}
