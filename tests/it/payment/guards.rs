//! The database's own constraints, the last line: they hold for whoever writes past the guards.

use crate::app::TestApp;
use stockroom::db::DbErrorKind;

#[tokio::test]
async fn the_database_refuses_payments_that_cannot_be() {
    let app = TestApp::start().await;
    let payment = app.pays("card_approved", true).await;

    for (change, constraint) in [
        ("amount = 0", "payment_amount_check"),
        ("authorized = 10001, captured = 10001", "payment_authorized_check"),
        ("captured = 10001", "payment_captured_check"),
        ("captured = 0", "payment_taken_check"),
        ("refunded = 10001", "payment_refunded_check"),
        ("refunded = 9000, refund_pending = 1001", "payment_refunded_check"),
        ("refund_pending = -1", "payment_refunded_check"),
        ("capturing = 1", "payment_capturing_check"),
        ("state = 'PAID'", "payment_state_check"),
        ("lease_until = updated_at", "payment_lease_check"),
        ("capture_asked = 0", "payment_asked_check"),
        ("step = 0", "payment_step_check"),
    ] {
        let error = app.raw(&format!("UPDATE payment SET {change}")).await.expect_err(change);
        assert_eq!(error.kind, DbErrorKind::Check, "{change}: {error}");
        assert!(
            // Some changes break more than one rule; which is told first is the database's affair.
            error.constraint.as_deref() == Some(constraint) || change.contains("10001"),
            "{change}: {error}"
        );
    }

    assert_eq!(app.payment(payment.id).await, payment);
}

#[tokio::test]
async fn the_database_refuses_a_second_open_payment_of_an_order() {
    let app = TestApp::start().await;
    let declined = app.pays("card_declined", true).await;
    let order = declined.order_id;
    app.opens_payment(order, 10_000, "card_approved", true).await.unwrap();
    let key = app.sql_key(declined.id);

    for (state, lease) in [("AUTHORIZED", "NULL"), ("MANUAL_REVIEW", "updated_at")] {
        let reopened = format!(
            "UPDATE payment SET state = '{state}', authorized = amount, lease_until = {lease} \
             WHERE id = {key}"
        );
        let error = app.raw(&reopened).await.expect_err(state);
        assert_eq!(error.kind, DbErrorKind::Unique, "{state}: {error}");
    }
}

#[tokio::test]
async fn the_database_refuses_refunds_that_cannot_be() {
    let app = TestApp::start().await;
    let payment = app.pays("card_approved", true).await;
    let insert = |amount: i64, state: &str| {
        let (id, payment) = (app.sql_key(uuid::Uuid::now_v7()), app.sql_key(payment.id));
        format!(
            "INSERT INTO refund (id, payment_id, key, amount, state, created_at, updated_at) \
             SELECT {id}, {payment}, 'k', {amount}, '{state}', created_at, updated_at FROM payment"
        )
    };

    for (amount, state, constraint) in [
        (0, "FAILED", "refund_amount_check"),
        (1, "DONE", "refund_state_check"),
        (1, "PENDING", "refund_lease_check"),
    ] {
        let error = app.raw(&insert(amount, state)).await.expect_err(constraint);
        assert_eq!(error.constraint.as_deref(), Some(constraint), "{error}");
    }
    app.raw(&insert(1, "FAILED")).await.expect("this one can be");
    let twice = app.raw(&insert(1, "FAILED")).await.expect_err("the key is taken");
    assert_eq!(twice.kind, DbErrorKind::Unique);
}

#[tokio::test]
async fn the_sandbox_keeps_a_sound_record_of_its_own() {
    let app = TestApp::start().await;
    app.pays("card_approved", true).await;

    for (change, constraint) in [
        ("captured = 10001", "sandbox_charge_captured_check"),
        ("refunded = 10001", "sandbox_charge_refunded_check"),
        ("state = 'PAID'", "sandbox_charge_state_check"),
    ] {
        let error = app.raw(&format!("UPDATE sandbox_charge SET {change}")).await;
        let error = error.expect_err(change);
        assert_eq!(error.constraint.as_deref(), Some(constraint), "{change}: {error}");
    }
}
