//! The family of refresh tokens: each is good for one use, tabs that refresh at once all go on, and
//! a thief ends the session.

use super::{Pair, is_believed, person, refresh, revoke, sign_in, token_invalid};
use crate::app::TestApp;
use chrono::TimeDelta;
use futures::future::join_all;
use stockroom::account::SESSION_IDLE_DAYS;
use stockroom::auth::Role;

/// Longer than the grace.
const TOO_LATE: TimeDelta = TimeDelta::seconds(11);

async fn all_refresh(app: &TestApp, token: &str, clients: usize) -> Vec<Result<Pair, Vec<String>>> {
    join_all((0..clients).map(|_| refresh(app, token))).await
}

#[tokio::test]
async fn the_replay_of_a_spent_token_ends_the_whole_family() {
    let app = TestApp::start().await;
    let person = person(&app, Role::Customer).await;
    let (stolen, elsewhere) = (sign_in(&app, &person).await, sign_in(&app, &person).await);
    let second = refresh(&app, &stolen.refresh).await.unwrap();
    let third = refresh(&app, &second.refresh).await.unwrap();
    app.waits(TOO_LATE);

    let replayed = refresh(&app, &stolen.refresh).await;

    assert_eq!(replayed.err(), token_invalid::<()>().err());
    assert_eq!(refresh(&app, &third.refresh).await.err(), token_invalid::<()>().err());
    for pair in [&stolen, &second, &third] {
        assert!(!is_believed(&app, &pair.access).await);
    }
    assert!(refresh(&app, &elsewhere.refresh).await.is_ok(), "another session goes on");
}

#[tokio::test]
async fn the_replay_of_a_spent_token_ends_the_family_however_old_it_is() {
    let app = TestApp::start().await;
    let first = sign_in(&app, &person(&app, Role::Customer).await).await;
    let mut last = refresh(&app, &first.refresh).await.unwrap();
    for _ in 0..5 {
        app.waits(TimeDelta::days(SESSION_IDLE_DAYS - 5));
        last = refresh(&app, &last.refresh).await.unwrap();
        app.app.services.accounts.purge_sessions().await.unwrap();
    }

    let replayed = refresh(&app, &first.refresh).await;

    assert_eq!(replayed.err(), token_invalid::<()>().err());
    assert_eq!(app.number("SELECT COUNT(*) FROM session WHERE revoked_at IS NULL").await, 0);
    assert_eq!(refresh(&app, &last.refresh).await.err(), token_invalid::<()>().err());
}

#[tokio::test]
async fn a_token_that_was_never_used_and_is_too_old_ends_nothing() {
    for purged in [false, true] {
        let app = TestApp::start().await;
        let first = sign_in(&app, &person(&app, Role::Customer).await).await;
        let (mut used, never) = (
            refresh(&app, &first.refresh).await.unwrap(),
            refresh(&app, &first.refresh).await.unwrap(),
        );
        for _ in 0..2 {
            app.waits(TimeDelta::days(SESSION_IDLE_DAYS - 5));
            used = refresh(&app, &used.refresh).await.unwrap();
        }
        if purged {
            assert_eq!(app.app.services.accounts.purge_sessions().await.unwrap(), 1);
        }

        assert_eq!(refresh(&app, &never.refresh).await.err(), token_invalid::<()>().err());

        assert!(refresh(&app, &used.refresh).await.is_ok(), "purged: {purged}");
    }
}

#[tokio::test]
async fn what_is_left_of_a_family_goes_with_its_session() {
    let app = TestApp::start().await;
    let mut pair = sign_in(&app, &person(&app, Role::Customer).await).await;
    for _ in 0..3 {
        pair = refresh(&app, &pair.refresh).await.unwrap();
    }
    app.waits(TimeDelta::days(SESSION_IDLE_DAYS + 1));

    assert_eq!(app.app.services.accounts.purge_sessions().await.unwrap(), 5);

    assert_eq!(app.number("SELECT COUNT(*) FROM refresh_token").await, 0);
    assert_eq!(app.number("SELECT COUNT(*) FROM session").await, 0);
}

#[tokio::test]
async fn the_replay_of_a_spent_token_at_sign_out_ends_the_session_too() {
    let app = TestApp::start().await;
    let first = sign_in(&app, &person(&app, Role::Customer).await).await;
    let second = refresh(&app, &first.refresh).await.unwrap();
    app.waits(TOO_LATE);

    let answer = revoke(&app.guest(), Some(&first.refresh), true).await;

    assert_eq!(answer.user_errors("tokenRevoke"), ["TOKEN_INVALID"]);
    assert!(!is_believed(&app, &second.access).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_that_refresh_at_once_both_go_on() {
    let app = TestApp::start().await;
    let pair = sign_in(&app, &person(&app, Role::Customer).await).await;

    let both = all_refresh(&app, &pair.refresh, 2).await;

    let [one, other] = &both[..] else { panic!("two answers") };
    let (one, other) = (one.as_ref().unwrap(), other.as_ref().unwrap());
    assert_ne!(one.refresh, other.refresh);
    app.waits(TOO_LATE);
    for tab in [one, other] {
        assert!(is_believed(&app, &tab.access).await);
        assert!(refresh(&app, &tab.refresh).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_clients_that_refresh_at_once_all_go_on() {
    let app = TestApp::start().await;
    let pair = sign_in(&app, &person(&app, Role::Customer).await).await;

    let all = all_refresh(&app, &pair.refresh, 20).await;

    app.waits(TOO_LATE);
    for tab in all {
        assert!(refresh(&app, &tab.unwrap().refresh).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_refresh_at_once_after_the_grace_end_the_session() {
    let app = TestApp::start().await;
    let pair = sign_in(&app, &person(&app, Role::Customer).await).await;
    let next = refresh(&app, &pair.refresh).await.unwrap();
    app.waits(TOO_LATE);

    let all = all_refresh(&app, &pair.refresh, 5).await;

    assert!(all.iter().all(Result::is_err));
    assert!(refresh(&app, &next.refresh).await.is_err());
    assert!(!is_believed(&app, &next.access).await);
}

#[tokio::test]
async fn the_grace_ends_and_is_not_prolonged_by_its_use() {
    let app = TestApp::start().await;
    let pair = sign_in(&app, &person(&app, Role::Customer).await).await;
    refresh(&app, &pair.refresh).await.unwrap();

    app.waits(TimeDelta::seconds(6));
    assert!(refresh(&app, &pair.refresh).await.is_ok());
    app.waits(TimeDelta::seconds(6));

    assert!(refresh(&app, &pair.refresh).await.is_err());
}

#[tokio::test]
async fn a_family_stays_small_however_often_the_grace_is_used() {
    let app = TestApp::start().await;
    let pair = sign_in(&app, &person(&app, Role::Customer).await).await;

    let mut last = None;
    for _ in 0..40 {
        last = Some(refresh(&app, &pair.refresh).await.unwrap());
    }

    let unspent = "SELECT COUNT(*) FROM refresh_token WHERE spent_at IS NULL";
    assert_eq!(app.number(unspent).await, 32);
    assert!(refresh(&app, &last.unwrap().refresh).await.is_ok(), "the newest are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_while_tabs_refresh_leaves_nobody_signed_in() {
    let app = TestApp::start().await;
    let person = person(&app, Role::Customer).await;
    for _ in 0..5 {
        let pair = sign_in(&app, &person).await;
        let guest = app.guest();

        let (tabs, signed_out) = tokio::join!(
            all_refresh(&app, &pair.refresh, 4),
            revoke(&guest, Some(&pair.refresh), false),
        );

        assert_eq!(signed_out.data()["tokenRevoke"]["revokedSessions"], 1);
        for tab in tabs.into_iter().flatten() {
            assert!(!is_believed(&app, &tab.access).await);
            assert!(refresh(&app, &tab.refresh).await.is_err());
        }
    }
}

#[tokio::test]
async fn an_operation_may_refresh_once() {
    let app = TestApp::start().await;
    let pair = sign_in(&app, &person(&app, Role::Customer).await).await;

    let twice = format!(
        "mutation {{ a: tokenRefresh(input: {{ refreshToken: \"{0}\" }}) {{ accessToken }} \
         b: tokenRefresh(input: {{ refreshToken: \"{0}\" }}) {{ accessToken }} }}",
        pair.refresh
    );
    let answer = app.guest().query(twice).await;

    assert_eq!(answer.error_codes(), ["QUERY_TOO_COMPLEX"]);
}
