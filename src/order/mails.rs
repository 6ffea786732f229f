//! What the mails about an order say.

use crate::account::Links;
use crate::mail::Message;
use crate::order::{GuestToken, Order, OrderLine};
use std::fmt::Write as _;

/// Says what was ordered, what it costs, and where to look at it.
pub fn confirmation(
    order: &Order,
    lines: &[OrderLine],
    links: &Links,
    token: Option<&GuestToken>,
) -> Message {
    let mut text = format!("Thank you for your order {}.\n\n", order.number);
    // Writing to a String cannot fail.
    for line in lines {
        let name = match line.variant_name.as_str() {
            "" => line.product_name.clone(),
            variant => format!("{}, {variant}", line.product_name),
        };
        let amount = order.money(line.line_total).amount();
        let _ = writeln!(text, "{} x {name} ({}): {amount}", line.quantity, line.sku);
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
    let _ = write!(
        text,
        "\nLook at it here:\n\n{}\n",
        links.order(&order.number, token.map(GuestToken::reveal))
    );
    Message { to: order.email.clone(), subject: format!("Your order {}", order.number), text }
}
