//! Sessions: how they begin and go on, and that their end is felt at once.

use super::{
    Pair, is_believed, person, refresh, refresh_answer, revoke, sign_in, sign_in_answer,
    token_invalid,
};
use crate::app::TestApp;
use chrono::{DateTime, TimeDelta, Utc};
use stockroom::account::{SESSION_IDLE_DAYS, SESSION_LONGEST_DAYS};
use stockroom::auth::Role;
use stockroom::db::DbError;

#[tokio::test]
async fn signing_in_gives_a_pair_of_tokens_and_refreshing_the_next() {
    let app = TestApp::start().await;
    let person = person(&app, Role::Customer).await;

    let answer = sign_in_answer(&app.guest(), &person).await;
    let payload = &answer.data()["tokenCreate"];
    let first = Pair::of(payload).unwrap();
    assert_eq!(payload["user"]["email"], person.email);
    let expires_at: DateTime<Utc> = payload["expiresAt"].as_str().unwrap().parse().unwrap();
    let minutes = (expires_at - app.app.db.now()).num_seconds();
    assert!((14 * 60..=15 * 60).contains(&minutes), "{minutes} s");
    assert!(answer.header("set-cookie").is_empty());

    let answer = refresh_answer(&app, &first.refresh).await;
    let payload = &answer.data()["tokenRefresh"];
    let next = Pair::of(payload).unwrap();
    assert_eq!(payload["user"]["email"], person.email);
    assert_ne!(next.refresh, first.refresh);
    assert!(is_believed(&app, &first.access).await);
    assert!(is_believed(&app, &next.access).await);
    assert!(answer.header("set-cookie").is_empty());
}

#[tokio::test]
async fn the_database_never_has_a_refresh_token_itself() {
    let app = TestApp::start().await;
    let pair = sign_in(&app, &person(&app, Role::Customer).await).await;

    let stored = entity_hashes(&app).await;

    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].len(), 32);
    assert_ne!(stored[0], pair.refresh.as_bytes());
}

async fn entity_hashes(app: &TestApp) -> Vec<Vec<u8>> {
    use sea_orm::EntityTrait;
    let rows = entity::refresh_token::Entity::find().all(app.app.db.reader()).await.unwrap();
    rows.into_iter().map(|row| row.hash).collect()
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let app = TestApp::start().await;
    let pair = sign_in(&app, &person(&app, Role::Customer).await).await;

    let strangers = "A".repeat(43);
    let long = "A".repeat(10_000);
    for token in ["", "nonsense", "ä\u{1}", "' OR 1=1 --", &strangers, &long, &pair.access] {
        assert_eq!(refresh(&app, token).await.err(), token_invalid::<()>().err(), "{token}");
    }
    let answer = app.guest().query(super::REFRESH).await;
    assert_eq!(answer.user_errors("tokenRefresh"), ["REQUIRED"]);
    assert!(refresh(&app, &pair.refresh).await.is_ok());
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used() {
    let app = TestApp::start().await;
    let pair = sign_in(&app, &person(&app, Role::Customer).await).await;

    app.waits(TimeDelta::days(SESSION_IDLE_DAYS - 1));
    let next = refresh(&app, &pair.refresh).await.unwrap();
    app.waits(TimeDelta::days(SESSION_IDLE_DAYS - 1));
    let next = refresh(&app, &next.refresh).await.unwrap();
    app.waits(TimeDelta::days(SESSION_IDLE_DAYS));

    assert_eq!(refresh(&app, &next.refresh).await.err(), token_invalid::<()>().err());
}

#[tokio::test]
async fn a_session_ends_however_much_it_is_used() {
    let app = TestApp::start().await;
    let mut pair = sign_in(&app, &person(&app, Role::Customer).await).await;

    let step = 20;
    for day in (step..SESSION_LONGEST_DAYS).step_by(20) {
        app.waits(TimeDelta::days(step));
        pair = refresh(&app, &pair.refresh).await.unwrap_or_else(|_| panic!("on day {day}"));
    }
    app.waits(TimeDelta::days(step));

    assert_eq!(refresh(&app, &pair.refresh).await.err(), token_invalid::<()>().err());
}

#[tokio::test]
async fn signing_out_ends_this_session_at_once_and_no_other() {
    let app = TestApp::start().await;
    let person = person(&app, Role::Customer).await;
    let (one, two, three) =
        (sign_in(&app, &person).await, sign_in(&app, &person).await, sign_in(&app, &person).await);

    let by_access = revoke(&app.with_token(&one.access), None, false).await;
    let by_refresh = revoke(&app.guest(), Some(&two.refresh), false).await;

    for answer in [by_access, by_refresh] {
        assert_eq!(answer.data()["tokenRevoke"]["revokedSessions"], 1);
    }
    for ended in [one, two] {
        assert!(!is_believed(&app, &ended.access).await);
        assert_eq!(refresh(&app, &ended.refresh).await.err(), token_invalid::<()>().err());
        let again = revoke(&app.guest(), Some(&ended.refresh), false).await;
        assert_eq!(again.user_errors("tokenRevoke"), ["TOKEN_INVALID"]);
    }
    assert!(is_believed(&app, &three.access).await);
    assert!(refresh(&app, &three.refresh).await.is_ok());
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session_of_the_account_and_of_no_other() {
    let app = TestApp::start().await;
    let (one, other) = (person(&app, Role::Customer).await, person(&app, Role::Customer).await);
    let mine = [sign_in(&app, &one).await, sign_in(&app, &one).await];
    let theirs = sign_in(&app, &other).await;

    let answer = revoke(&app.guest(), Some(&mine[0].refresh), true).await;

    assert_eq!(answer.data()["tokenRevoke"]["revokedSessions"], 2);
    for pair in mine {
        assert!(!is_believed(&app, &pair.access).await);
        assert!(refresh(&app, &pair.refresh).await.is_err());
    }
    assert!(is_believed(&app, &theirs.access).await);
}

#[tokio::test]
async fn a_guest_without_a_token_has_nothing_to_sign_out() {
    let app = TestApp::start().await;

    let answer = revoke(&app.guest(), None, true).await;

    assert_eq!(answer.user_errors("tokenRevoke"), ["REQUIRED"]);
    assert_eq!(answer.data()["tokenRevoke"]["revokedSessions"], 0);
}

#[tokio::test]
async fn a_closed_or_deleted_account_neither_asks_nor_stays_signed_in() {
    let app = TestApp::start().await;
    for change in ["UPDATE user_account SET active = FALSE", "DELETE FROM user_account"] {
        let pair = sign_in(&app, &person(&app, Role::Staff).await).await;
        assert!(is_believed(&app, &pair.access).await);

        app.execute(change).await;

        assert!(!is_believed(&app, &pair.access).await, "{change}");
        assert!(refresh(&app, &pair.refresh).await.is_err(), "{change}");
    }
}

#[tokio::test]
async fn the_sessions_of_an_account_can_be_ended_but_for_one() {
    let app = TestApp::start().await;
    let person = person(&app, Role::Customer).await;
    let (kept, ended) = (sign_in(&app, &person).await, sign_in(&app, &person).await);
    let accounts = &app.app.services.accounts;
    let identity = accounts.identify(Some(&kept.access)).await.unwrap();

    let revoked = app.app.db.tx(|tx| async move {
        accounts.revoke_sessions_in_txn(&tx, person.id, identity.session).await
    });
    let revoked: Result<u64, DbError> = revoked.await;

    assert_eq!(revoked.unwrap(), 1);
    assert!(is_believed(&app, &kept.access).await);
    assert!(!is_believed(&app, &ended.access).await);
}

#[tokio::test]
async fn what_has_ended_is_purged_and_what_goes_on_is_not() {
    let app = TestApp::start().await;
    let person = person(&app, Role::Customer).await;
    let (idle, used) = (sign_in(&app, &person).await, sign_in(&app, &person).await);
    app.waits(TimeDelta::days(20));
    let used = refresh(&app, &used.refresh).await.unwrap();
    app.waits(TimeDelta::days(20));

    let purged = app.app.services.accounts.purge_sessions().await.unwrap();

    assert!(purged > 0);
    assert_eq!(app.number("SELECT COUNT(*) FROM session").await, 1);
    // The spent one as well: were it used again, that would be a theft.
    assert_eq!(app.number("SELECT COUNT(*) FROM refresh_token").await, 2);
    assert!(refresh(&app, &idle.refresh).await.is_err());
    assert!(refresh(&app, &used.refresh).await.is_ok());
}
