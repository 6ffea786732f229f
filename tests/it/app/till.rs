//! Paying, in a test's shop: orders that wait for money, and payments of them.

use super::TestApp;
use std::time::Duration;
use stockroom::config::Settings;
use stockroom::failpoint;
use stockroom::money::{Currency, Money};
use stockroom::payment::sandbox::{Charge, Sandbox};
use stockroom::payment::{NewPayment, Outcome, Payment, PaymentError, Payments};
use uuid::Uuid;

/// Minor units of the euro.
pub fn eur(minor: i64) -> Money {
    Money { minor, currency: Currency::from_code("EUR").expect("the euro is a currency") }
}

/// From now on providers of this process take half a second to answer, after they have done what
/// they were asked for.
pub fn providers_answer_late() {
    failpoint::on("gateway.before_answer", || tokio::time::sleep(Duration::from_millis(500)));
}

/// Settings of a server that waits for no provider.
pub fn without_patience(settings: &mut Settings) {
    settings.payment.call_limit = Duration::from_nanos(1);
}

impl TestApp {
    /// The payment service.
    pub fn payments(&self) -> &Payments {
        &self.app.services.payments
    }

    /// The built-in provider.
    pub fn sandbox(&self) -> &Sandbox {
        self.app.sandbox.as_ref().expect("the sandbox is in use")
    }

    /// An order that waits for so many cents, of this customer or of a guest; gives its key.
    pub async fn owes(&self, cents: i64, customer: Option<Uuid>) -> Uuid {
        let id = Uuid::now_v7();
        let key = self.sql_key(id);
        let customer = customer.map_or("NULL".to_owned(), |customer| self.sql_key(customer));
        let now = "'2026-01-01T00:00:00+00:00'";
        self.execute(&format!(
            "INSERT INTO shop_order (id, number, kind, status, customer_id, email, email_key, \
             currency, subtotal, shipping_total, tax_total, total, created_at, updated_at) VALUES \
             ({key}, '{id}', 'SALE', 'PENDING_PAYMENT', {customer}, 'a@b.example', 'a@b.example', \
             'EUR', {cents}, 0, 0, {cents}, {now}, {now})"
        ))
        .await;
        id
    }

    /// What an order that somebody owes for has in it: one piece of something; gives the line's key.
    pub async fn owes_for(&self, order: Uuid) -> Uuid {
        let (id, sku) = (Uuid::now_v7(), order.simple().to_string());
        let variant = self.has(&sku, 0).await;
        let (line, order) = (self.sql_key(id), self.sql_key(order));
        let variant = self.sql_key(variant);
        self.execute(&format!(
            "INSERT INTO order_line (id, order_id, position, variant_id, sku, product_name, \
             variant_name, options, quantity, unit_price, line_total, tax_rate_ppm, tax) VALUES \
             ({line}, {order}, 0, {variant}, '{sku}', 'A thing', '', '[]', 1, 1000, 1000, 0, 0)"
        ))
        .await;
        id
    }

    /// Begins to pay an order with the sandbox; nobody was asked yet.
    pub async fn opens_payment(
        &self,
        order: Uuid,
        cents: i64,
        method: &str,
        capture: bool,
    ) -> Result<Payment, PaymentError> {
        let new = NewPayment {
            id: Uuid::now_v7(),
            order_id: order,
            order_number: order.to_string(),
            amount: eur(cents),
            provider: "sandbox".to_owned(),
            method: method.to_owned(),
            capture,
        };
        let (payments, new) = (self.payments(), &new);
        self.app.db.tx(|tx| async move { payments.open_in_txn(&tx, new).await }).await
    }

    /// Begins to pay a new order of 100.00 with this method; nobody was asked yet.
    pub async fn begins_to_pay(&self, method: &str, capture: bool) -> Payment {
        let order = self.owes(10_000, None).await;
        self.opens_payment(order, 10_000, method, capture).await.expect("nothing is in the way")
    }

    /// Pays a new order of 100.00 with this method, and settles what came of it.
    pub async fn pays(&self, method: &str, capture: bool) -> Payment {
        let payment = self.begins_to_pay(method, capture).await;
        let outcome = self.payments().authorize(&payment).await;
        self.settles(&payment, &outcome).await;
        self.payment(payment.id).await
    }

    /// Writes what is known of a payment; None when it was known.
    pub async fn settles(&self, payment: &Payment, outcome: &Outcome) -> Option<Payment> {
        let payments = self.payments();
        let settled = self
            .app
            .db
            .tx(|tx| async move { payments.settle_in_txn(&tx, payment.id, outcome).await });
        settled.await.expect("the payment is there")
    }

    /// The payment as its row has it now.
    pub async fn payment(&self, id: Uuid) -> Payment {
        self.payments().get(id).await.expect("the payment is there")
    }

    /// What the sandbox knows of a payment.
    pub async fn charge(&self, payment: Uuid) -> Option<Charge> {
        self.sandbox().charge(payment).await.expect("the sandbox answers")
    }

    /// Takes up what is stuck, asks, and settles, once; gives how many payments and refunds.
    pub async fn recovers(&self) -> usize {
        let payments = self.payments();
        let stuck = payments.claim_stuck(50).await.expect("the database answers");
        for payment in &stuck {
            let outcome = &payments.ask(payment).await;
            let settled = self
                .app
                .db
                .tx(|tx| async move { payments.settle_found_in_txn(&tx, payment, outcome).await });
            settled.await.expect("the payment is there");
        }
        let refunds = payments.claim_stuck_refunds(50).await.expect("the database answers");
        for refund in &refunds {
            let outcome = &payments.refund(&self.payment(refund.payment_id).await, refund).await;
            let settled = self.app.db.tx(|tx| async move {
                payments.settle_refund_in_txn(&tx, refund.id, outcome).await
            });
            settled.await.expect("the refund is there");
        }
        stuck.len() + refunds.len()
    }
}
