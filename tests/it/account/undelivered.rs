//! Mails that the mail server does not take, from the mutation that promises one to the end of its
//! job: what is tried again, what is given up for operators to see, and what is let be.

use super::people::{NEW_PASSWORD, Shop, account, ok, signs_in, token_in};
use crate::app::Mood;
use chrono::TimeDelta;
use serde_json::json;
use stockroom::auth::Role;
use stockroom::jobs::{Status, list, retry};

const ADA: &str = "ada@shop.example";

/// A shop whose mail server is in this mood, and where a link was just asked for.
async fn link_asked_for(mood: Mood) -> Shop {
    let shop = Shop::open().await;
    account(&shop.app, ADA, Role::Customer).await;
    shop.sink.is_now(mood);
    ok(&shop.app.guest(), "passwordResetRequest", "", json!({ "email": ADA })).await;
    shop
}

/// The mail that goes out now has a link that works.
async fn the_link_arrives(shop: &Shop) {
    let mails = shop.mails().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    let input = json!({ "token": token_in(&mails[0], "reset-password"), "password": NEW_PASSWORD });
    ok(&shop.app.guest(), "passwordReset", "", input).await;
    assert!(signs_in(&shop.app, ADA, NEW_PASSWORD).await);
}

#[tokio::test]
async fn what_the_server_will_not_take_from_us_is_given_up_and_can_be_revived() {
    let at_recipient = Mood::Refusing;
    let at_the_end = Mood::RefusingAtTheEnd;
    for (mood, status) in [
        (at_recipient("550 5.7.1 <ada@shop.example>: relaying denied".to_owned()), "550"),
        (at_recipient("553 5.7.1 sender address rejected: not owned by user".to_owned()), "553"),
        (at_recipient("554 5.7.1 <ada@shop.example>: relay access denied".to_owned()), "554"),
        (at_recipient("530 5.7.0 must issue a STARTTLS command first".to_owned()), "530"),
        (at_the_end("550 5.7.26 this mail is unauthenticated".to_owned()), "550"),
    ] {
        let shop = link_asked_for(mood.clone()).await;

        for attempt in 1..=5 {
            let before = shop.app.app.db.now();
            assert_eq!(shop.app.works().await, 1, "{mood:?}: attempt {attempt}");
            let queued = list(&shop.app.app.db, Status::Queued, 9).await.unwrap();
            assert_eq!(queued.len(), usize::from(attempt < 5), "{mood:?}: attempt {attempt}");
            for waits in queued {
                assert!(waits.run_at - before > TimeDelta::milliseconds(500), "{mood:?}");
            }
            shop.app.waits(TimeDelta::minutes(2));
        }
        assert_eq!(shop.app.works().await, 0, "{mood:?}: there is no sixth attempt");

        let dead = list(&shop.app.app.db, Status::Dead, 9).await.unwrap();
        assert_eq!(dead.len(), 1, "{mood:?}");
        let error = dead[0].error.as_deref().unwrap();
        assert!(error.contains(status) && error.contains("5.7.") && !error.contains("ada"));
        assert!(shop.sink.mails().is_empty());
        shop.sink.is_now(Mood::Willing);
        assert!(retry(&shop.app.app.db, dead[0].id).await.unwrap());
        the_link_arrives(&shop).await;
    }
}

#[tokio::test]
async fn what_the_server_does_not_take_now_is_offered_again() {
    let at_recipient = Mood::Refusing;
    for mood in [
        at_recipient("450 4.2.1 <ada@shop.example> is busy".to_owned()),
        at_recipient("451 4.7.1 greylisted, come back later".to_owned()),
        at_recipient("452 4.2.2 <ada@shop.example>: mailbox is full".to_owned()),
        at_recipient("421 4.3.2 shutting down".to_owned()),
        Mood::RefusingAtTheEnd("451 4.3.0 cannot be kept now".to_owned()),
    ] {
        let shop = link_asked_for(mood.clone()).await;

        assert_eq!(shop.app.works().await, 1, "{mood:?}");
        let waiting = list(&shop.app.app.db, Status::Queued, 9).await.unwrap().remove(0);
        assert_eq!(waiting.attempts, 1, "{mood:?}");
        assert!(!waiting.error.unwrap().contains("ada"), "{mood:?}");
        shop.sink.is_now(Mood::Willing);
        shop.app.waits(TimeDelta::seconds(2));

        the_link_arrives(&shop).await;
    }
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_is_asked_once() {
    for answer in ["550 5.1.1 <ada@shop.example>: no such user", "551 5.1.6 moved", "550 no"] {
        let shop = link_asked_for(Mood::Refusing(answer.to_owned())).await;

        assert_eq!(shop.app.works().await, 1, "{answer}");
        shop.app.waits(TimeDelta::minutes(2));

        assert_eq!(shop.app.works().await, 0, "{answer}");
        let done = list(&shop.app.app.db, Status::Done, 9).await.unwrap().remove(0);
        let error = done.error.unwrap();
        assert!(error.contains(&answer[..3]) && !error.contains("ada"), "{error}");
    }
}
