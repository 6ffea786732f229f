//! What the mails about an order say.

use crate::account::Links;
use crate::mail::Message;
use crate::order::{Fulfillment, GuestToken, Order, OrderLine, OrderStatus};
use std::fmt::Write as _;

/// Says what was ordered, what it costs, and where to look at it.
pub fn confirmation(
    order: &Order,
    lines: &[OrderLine],
    links: &Links,
    token: Option<&GuestToken>,
) -> Message {
    let mut text = format!("Thank you for your order {}.\n\n", order.number);
    write_contents(&mut text, order, lines);
    let link = links.order(&order.number, token.map(GuestToken::reveal));
    // Writing to a String cannot fail.
    let _ = write!(text, "\nLook at it here:\n\n{link}\n");
    Message { to: order.email.clone(), subject: format!("Your order {}", order.number), text }
}

/// Says what the shop has put down for the buyer, what it costs, and where to pay it.
pub fn entered(
    order: &Order,
    lines: &[OrderLine],
    links: &Links,
    token: Option<&GuestToken>,
) -> Message {
    let mut text = format!("We have put down order {} for you.\n\n", order.number);
    write_contents(&mut text, order, lines);
    let link = links.order(&order.number, token.map(GuestToken::reveal));
    let _ = write!(
        text,
        "\nPlease look at it and pay it here; we keep the goods for you for a while:\n\n{link}\n"
    );
    let subject = format!("Your order {} waits for its payment", order.number);
    Message { to: order.email.clone(), subject, text }
}

/// Says what is on its way, with whom, and where to look at the order.
pub fn sent(
    order: &Order,
    lines: &[OrderLine],
    sent: &Fulfillment,
    links: &Links,
    token: Option<&GuestToken>,
) -> Message {
    let mut text = format!("Your order {} is on its way:\n\n", order.number);
    for line in lines {
        let parts = sent.lines.iter().filter(|part| part.order_line_id == line.id);
        let pieces: i64 = parts.map(|part| part.quantity).sum();
        if pieces > 0 {
            let _ = writeln!(text, "{pieces} x {} ({})", name(line), line.sku);
        }
    }
    match (&sent.carrier, &sent.tracking_number) {
        (Some(carrier), Some(number)) => {
            let _ = write!(text, "\n{carrier} brings it; tracking number: {number}\n");
        }
        (Some(carrier), None) => {
            let _ = write!(text, "\n{carrier} brings it.\n");
        }
        (None, Some(number)) => {
            let _ = write!(text, "\nTracking number: {number}\n");
        }
        (None, None) => {}
    }
    if order.status == OrderStatus::Paid {
        text.push_str("\nThe rest follows.\n");
    }
    let link = links.order(&order.number, token.map(GuestToken::reveal));
    let _ = write!(text, "\nLook at it here:\n\n{link}\n");
    let subject = format!("Your order {} is on its way", order.number);
    Message { to: order.email.clone(), subject, text }
}

fn name(line: &OrderLine) -> String {
    match line.variant_name.as_str() {
        "" => line.product_name.clone(),
        variant => format!("{}, {variant}", line.product_name),
    }
}

/// The lines, the sums, and where it goes.
fn write_contents(text: &mut String, order: &Order, lines: &[OrderLine]) {
    for line in lines {
        let amount = order.money(line.line_total).amount();
        let _ = writeln!(text, "{} x {} ({}): {amount}", line.quantity, name(line), line.sku);
    }
    let currency = order.currency;
    let amount = |minor| order.money(minor).amount();
    let _ = write!(
        text,
        "\nSubtotal: {} {currency}\nShipping{}: {} {currency}\nTax: {} {currency}\n\
         Total: {} {currency}\n",
        amount(order.subtotal),
        order.shipping_method_name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default(),
        amount(order.shipping_total),
        amount(order.tax_total),
        amount(order.total),
    );
    if let Some(address) = &order.shipping_address {
        let place = format!("{} {}", address.postal_code, address.city);
        let country = address.country.code();
        let street = match &address.line2 {
            Some(more) => format!("{}\n{more}", address.line1),
            None => address.line1.clone(),
        };
        let _ = write!(
            text,
            "\nIt goes to:\n{}\n{street}\n{}\n{country}\n",
            address.name,
            place.trim()
        );
    }
}
