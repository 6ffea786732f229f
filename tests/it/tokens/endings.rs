//! Everything that ends sessions, or changes what a session may, done as it is done: by its
//! mutation. Nobody looks at the sockets by themselves while these tests run, so that only the news
//! ends one.

use super::{Person, sign_in};
use crate::account::people::{NEW_PASSWORD, PASSWORD, Shop, account, ok, user_id};
use crate::app::Socket;
use futures::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;
use stockroom::auth::Role;

/// Longer than news takes, and much shorter than it takes until somebody looks without any.
const PATIENCE: Duration = Duration::from_secs(60);
const EVE: &str = "eve@shop.example";

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// An administrator.
    Admin,
    /// The account itself, in another session of its own, which goes on.
    ItselfElsewhere,
    /// The account itself, in the session that holds the socket.
    ItselfHere,
    /// Whoever reads the account's mail.
    Reader,
}

/// A change, who makes it, and its input.
#[derive(Debug, Clone)]
struct Case(&'static str, By, Value);

/// A shop where nobody looks at sockets by themselves while a test runs.
async fn patient() -> Shop {
    Shop::open_with(|settings| settings.transport.sockets.look = Duration::from_secs(60 * 60)).await
}

/// Makes the change to an account with two sockets of two sessions; tells with which codes they
/// end.
async fn codes_after(Case(mutation, by, mut input): Case) -> [u16; 2] {
    let shop = patient().await;
    let app = &shop.app;
    let eve = Person { id: account(app, EVE, Role::Staff).await, email: EVE.to_owned() };
    let (here, there) = (sign_in(app, &eve).await, sign_in(app, &eve).await);
    let mut one = app.socket_with_token(&here.access).await;
    let mut two = app.socket_with_token(&there.access).await;
    let caller = match by {
        By::Admin => {
            input["id"] = json!(user_id(eve.id));
            app.admin().await
        }
        By::ItselfElsewhere => app.with_token(sign_in(app, &eve).await.access),
        By::ItselfHere => app.with_token(here.access),
        By::Reader => {
            ok(&app.guest(), "passwordResetRequest", "", json!({ "email": EVE })).await;
            input["token"] = json!(shop.token_in_mail(EVE, "reset-password").await);
            app.guest()
        }
    };
    for socket in [&mut one, &mut two] {
        socket.subscribe("1", "{ me { role } }").await;
        assert_eq!(socket.next_of("1").await["data"]["me"]["role"], "STAFF", "{mutation}");
        assert_eq!(socket.next().await["type"], "complete");
    }

    ok(&caller, mutation, "", input).await;

    let (one, two) = tokio::join!(code_of(&mut one), code_of(&mut two));
    [one, two]
}

/// The code with which a socket ends; 0 when it does not.
async fn code_of(socket: &mut Socket) -> u16 {
    tokio::time::timeout(PATIENCE, socket.close_code()).await.unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ends_the_sessions_of_an_account_ends_its_sockets() {
    let password = || json!({ "password": PASSWORD });
    let change = json!({ "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD });
    let cases = [
        Case("userRoleSet", By::Admin, json!({ "role": "CUSTOMER" })),
        Case("userRoleSet", By::Admin, json!({ "role": "ADMIN" })),
        Case("userDeactivate", By::Admin, json!({})),
        Case("userErase", By::Admin, json!({})),
        Case("userSessionsRevoke", By::Admin, json!({})),
        Case("accountDeactivate", By::ItselfHere, password()),
        Case("accountErase", By::ItselfElsewhere, password()),
        Case("passwordChange", By::ItselfElsewhere, change),
        Case("passwordReset", By::Reader, json!({ "password": NEW_PASSWORD })),
        Case("tokenRevoke", By::ItselfElsewhere, json!({ "allSessions": true })),
    ];

    let outcomes = cases.map(|case| async {
        let codes = tokio::spawn(codes_after(case.clone())).await;
        (case, codes.map_err(|panic| panic.to_string()))
    });
    let outcomes: Vec<_> = futures::stream::iter(outcomes).buffer_unordered(3).collect().await;

    let wrong: Vec<_> =
        outcomes.into_iter().filter(|(_, codes)| *codes != Ok([4403, 4403])).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn who_changes_the_password_or_signs_out_here_ends_what_they_say_and_no_more() {
    let change = json!({ "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD });
    for (mutation, input, ends_here) in
        [("passwordChange", change, false), ("tokenRevoke", json!({}), true)]
    {
        let shop = patient().await;
        let app = &shop.app;
        let eve = Person { id: account(app, EVE, Role::Staff).await, email: EVE.to_owned() };
        let (here, there) = (sign_in(app, &eve).await, sign_in(app, &eve).await);
        let mut here_socket = app.socket_with_token(&here.access).await;
        let mut there_socket = app.socket_with_token(&there.access).await;

        ok(&app.with_token(here.access), mutation, "", input).await;

        let (ended, goes_on) = match ends_here {
            true => (&mut here_socket, &mut there_socket),
            false => (&mut there_socket, &mut here_socket),
        };
        assert_eq!(code_of(ended).await, 4403, "{mutation}");
        goes_on.subscribe("1", "{ me { role } }").await;
        assert_eq!(goes_on.next_of("1").await["data"]["me"]["role"], "STAFF", "{mutation}");
    }
}
