//! Refresh tokens in cookies: for our own pages alone, out of reach of scripts, and never believed
//! of anyone else.

use super::{
    CREATE, PASSWORD, Pair, Person, REFRESH, REVOKE, is_believed, person, refresh, sign_in,
};
use crate::app::{Answer, TestApp};
use http::{Request, header};
use serde_json::{Value, json};
use stockroom::auth::Role;
use stockroom::config::Environment;

const HOST: &str = "api.shop.example";
const PAGE: &str = "https://www.shop.example";

async fn app() -> TestApp {
    TestApp::with(|settings| {
        settings.tokens.cookies = true;
        settings.cors_allowed_origins = vec![PAGE.to_owned()];
    })
    .await
}

/// What a browser sends for one of our pages.
fn from_page() -> Vec<(&'static str, String)> {
    vec![
        ("host", HOST.to_owned()),
        ("content-type", "application/json".to_owned()),
        ("accept", "application/json".to_owned()),
        ("origin", PAGE.to_owned()),
        ("sec-fetch-site", "same-site".to_owned()),
    ]
}

async fn post(
    app: &TestApp,
    headers: &[(&str, String)],
    document: &str,
    variables: Value,
) -> Answer {
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (*name, &**value)).collect();
    let body = json!({ "query": document, "variables": variables });
    app.guest().post_with(&headers, body.to_string()).await
}

async fn sign_in_by_page(app: &TestApp, person: &Person) -> (Answer, String) {
    let variables = json!({ "email": person.email, "password": PASSWORD });
    let answer = post(app, &from_page(), CREATE, variables).await;
    let cookie = answer.header("set-cookie");
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    (answer, cookie)
}

async fn refresh_with(app: &TestApp, headers: &[(&'static str, String)], cookie: &str) -> Answer {
    let cookie = [("cookie", cookie.to_owned())];
    post(app, &[headers, &cookie].concat(), REFRESH, json!({})).await
}

/// `headers` with one of them changed, or taken away.
fn change(name: &'static str, value: Option<&str>) -> Vec<(&'static str, String)> {
    let mut headers = from_page();
    headers.retain(|(other, _)| *other != name);
    headers.extend(value.map(|value| (name, value.to_owned())));
    headers
}

#[tokio::test]
async fn a_page_gets_its_refresh_token_in_a_cookie_and_refreshes_by_it() {
    let app = app().await;
    let person = person(&app, Role::Customer).await;

    let (answer, cookie) = sign_in_by_page(&app, &person).await;

    let payload = &answer.data()["tokenCreate"];
    assert!(payload["accessToken"].is_string());
    assert_eq!(payload["refreshToken"], json!(null), "scripts must not see it");
    let attributes: Vec<&str> = answer.header("set-cookie").split("; ").skip(1).collect();
    assert_eq!(attributes, ["Path=/", "Max-Age=2592000", "HttpOnly", "SameSite=Strict"]);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert_eq!(answer.header("access-control-allow-origin"), PAGE);

    let answer = refresh_with(&app, &from_page(), &cookie).await;
    assert!(answer.data()["tokenRefresh"]["accessToken"].is_string());
    assert_eq!(answer.data()["tokenRefresh"]["refreshToken"], json!(null));
    let next = answer.header("set-cookie").split(';').next().unwrap();
    assert_ne!(next, cookie);
    let answer = refresh_with(&app, &from_page(), next).await;
    assert!(answer.data()["tokenRefresh"]["accessToken"].is_string());
}

#[tokio::test]
async fn in_production_the_cookie_goes_over_tls_alone() {
    let app = TestApp::with(|settings| {
        settings.tokens.cookies = true;
        settings.environment = Environment::Production;
        settings.cors_allowed_origins = vec![PAGE.to_owned()];
    })
    .await;
    let person = person(&app, Role::Customer).await;

    let (answer, cookie) = sign_in_by_page(&app, &person).await;

    // Browsers take a `__Host-` cookie only with these, and without a Domain.
    assert!(cookie.starts_with("__Host-stockroom-refresh="), "{cookie}");
    let attributes: Vec<&str> = answer.header("set-cookie").split("; ").skip(1).collect();
    let wanted = ["Path=/", "Max-Age=2592000", "HttpOnly", "SameSite=Strict", "Secure"];
    assert_eq!(attributes, wanted);
    let answer = refresh_with(&app, &from_page(), &cookie).await;
    assert!(answer.data()["tokenRefresh"]["accessToken"].is_string());
}

#[tokio::test]
async fn signing_out_takes_the_cookie_away_and_ends_its_session() {
    let app = app().await;
    let (answer, cookie) = sign_in_by_page(&app, &person(&app, Role::Customer).await).await;
    let access = answer.data()["tokenCreate"]["accessToken"].as_str().unwrap().to_owned();

    let headers = [from_page(), vec![("cookie", cookie.clone())]].concat();
    let answer = post(&app, &headers, REVOKE, json!({})).await;

    assert_eq!(answer.data()["tokenRevoke"]["revokedSessions"], 1);
    let cleared = answer.header("set-cookie");
    assert!(cleared.starts_with("stockroom-refresh=; ") && cleared.contains("Max-Age=0"));
    assert!(!is_believed(&app, &access).await);
    let answer = refresh_with(&app, &from_page(), &cookie).await;
    assert_eq!(answer.user_errors("tokenRefresh"), ["TOKEN_INVALID"]);
}

/// The access token of a page that has just signed in, and its cookie.
async fn page_of(app: &TestApp, person: &Person) -> (String, String) {
    let (answer, cookie) = sign_in_by_page(app, person).await;
    (answer.data()["tokenCreate"]["accessToken"].as_str().unwrap().to_owned(), cookie)
}

/// Signs out from a page that sends this access token and this cookie.
async fn sign_out(app: &TestApp, access: &str, cookie: &str, variables: Value) -> Answer {
    let sent = [("cookie", cookie.to_owned()), ("authorization", format!("Bearer {access}"))];
    post(app, &[from_page().as_slice(), &sent].concat(), REVOKE, variables).await
}

#[tokio::test]
async fn who_signs_out_with_one_session_and_the_cookie_of_another_ends_both() {
    let app = app().await;
    let (one, other) = (person(&app, Role::Customer).await, person(&app, Role::Customer).await);
    for of_cookie in [&one, &other] {
        let (page, behind) = (page_of(&app, &one).await, page_of(&app, of_cookie).await);

        let answer = sign_out(&app, &page.0, &behind.1, json!({})).await;

        assert_eq!(answer.data()["tokenRevoke"]["revokedSessions"], 2);
        assert!(answer.header("set-cookie").contains("Max-Age=0"));
        assert!(!is_believed(&app, &page.0).await && !is_believed(&app, &behind.0).await);
        let answer = refresh_with(&app, &from_page(), &behind.1).await;
        assert_eq!(answer.user_errors("tokenRefresh"), ["TOKEN_INVALID"]);
    }
    let (access, cookie) = page_of(&app, &one).await;
    let answer = sign_out(&app, &access, &cookie, json!({})).await;
    assert_eq!(answer.data()["tokenRevoke"]["revokedSessions"], 1, "they are the same session");
}

#[tokio::test]
async fn signing_out_everywhere_ends_of_another_account_the_session_of_the_cookie_alone() {
    let app = app().await;
    let (one, other) = (person(&app, Role::Customer).await, person(&app, Role::Customer).await);
    let (page, mine) = (page_of(&app, &one).await, sign_in(&app, &one).await);
    let (behind, elsewhere) = (page_of(&app, &other).await, sign_in(&app, &other).await);

    let answer = sign_out(&app, &page.0, &behind.1, json!({ "all": true })).await;

    assert_eq!(answer.data()["tokenRevoke"]["revokedSessions"], 3);
    for ended in [&page.0, &mine.access, &behind.0] {
        assert!(!is_believed(&app, ended).await);
    }
    assert!(is_believed(&app, &elsewhere.access).await);
}

#[tokio::test]
async fn signing_out_by_a_token_that_is_not_good_leaves_the_cookie_alone() {
    let app = app().await;
    let (access, cookie) = page_of(&app, &person(&app, Role::Customer).await).await;

    let stranger = json!({ "token": "A".repeat(43) });
    let answer = sign_out(&app, &access, &cookie, stranger).await;

    assert_eq!(answer.user_errors("tokenRevoke"), ["TOKEN_INVALID"]);
    assert!(answer.header("set-cookie").is_empty());
    assert!(is_believed(&app, &access).await);
    let answer = refresh_with(&app, &from_page(), &cookie).await;
    assert!(answer.data()["tokenRefresh"]["accessToken"].is_string());
}

#[tokio::test]
async fn signing_out_by_a_cookie_that_is_dead_takes_it_away_and_ends_the_session_all_the_same() {
    let app = app().await;
    let person = person(&app, Role::Customer).await;
    let ((access, _), (_, dead)) = (page_of(&app, &person).await, page_of(&app, &person).await);
    let headers = [from_page(), vec![("cookie", dead.clone())]].concat();
    post(&app, &headers, REVOKE, json!({})).await.data();

    let answer = sign_out(&app, &access, &dead, json!({})).await;

    assert_eq!(answer.data()["tokenRevoke"]["revokedSessions"], 1);
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert!(!is_believed(&app, &access).await);
}

#[tokio::test]
async fn a_sign_out_that_fails_keeps_the_cookie_and_can_be_tried_again() {
    let app = app().await;
    let (_, cookie) = sign_in_by_page(&app, &person(&app, Role::Customer).await).await;
    let headers = [from_page(), vec![("cookie", cookie.clone())]].concat();

    app.execute("ALTER TABLE refresh_token RENAME TO refresh_token_away").await;
    let failed = post(&app, &headers, REVOKE, json!({})).await;
    app.execute("ALTER TABLE refresh_token_away RENAME TO refresh_token").await;

    assert_eq!(failed.error_codes(), ["INTERNAL_SERVER_ERROR"], "{}", failed.text);
    assert_eq!(failed.header("set-cookie"), "");
    let done = post(&app, &headers, REVOKE, json!({})).await;
    assert_eq!(done.data()["tokenRevoke"]["revokedSessions"], 1, "the session was still there");
    assert!(done.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn a_sign_out_while_the_database_is_away_keeps_the_cookie() {
    let app = app().await;
    let (answer, cookie) = sign_in_by_page(&app, &person(&app, Role::Customer).await).await;
    let access = answer.data()["tokenCreate"]["accessToken"].as_str().unwrap();
    let headers = [from_page(), vec![("cookie", cookie.clone())]].concat();
    let bearer = [("authorization", format!("Bearer {access}"))];

    app.app.db.close().await;

    for headers in [headers.clone(), [headers.as_slice(), &bearer].concat()] {
        let failed = post(&app, &headers, REVOKE, json!({})).await;
        assert_eq!(failed.error_codes(), ["SERVICE_UNAVAILABLE"], "{}", failed.text);
        assert_eq!(failed.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn a_program_gets_its_tokens_in_the_answer_and_no_cookie() {
    let app = app().await;
    let person = person(&app, Role::Customer).await;
    let variables = json!({ "email": person.email, "password": PASSWORD });

    let answer = app.guest().query(CREATE).with_variables(variables).await;

    let pair = Pair::of(&answer.data()["tokenCreate"]).unwrap();
    assert!(answer.header("set-cookie").is_empty());
    assert!(refresh(&app, &pair.refresh).await.is_ok());
}

#[tokio::test]
async fn the_cookie_is_believed_of_our_pages_alone() {
    let app = app().await;
    let (_, cookie) = sign_in_by_page(&app, &person(&app, Role::Customer).await).await;

    for headers in [
        change("origin", None),
        change("origin", Some("null")),
        change("origin", Some("https://evil.example")),
        change("origin", Some("https://www.shop.example.evil.example")),
        change("origin", Some("http://www.shop.example")),
        change("sec-fetch-site", Some("cross-site")),
        change("sec-fetch-site", Some("none")),
        change("sec-fetch-site", Some("same-site, same-origin")),
        [from_page(), vec![("origin", "https://evil.example".to_owned())]].concat(),
    ] {
        let answer = refresh_with(&app, &headers, &cookie).await;
        assert_eq!(answer.user_errors("tokenRefresh"), ["REQUIRED"], "{headers:?}");
        assert!(answer.header("set-cookie").is_empty());
        let revoke = [headers.clone(), vec![("cookie", cookie.clone())]].concat();
        let answer = post(&app, &revoke, REVOKE, json!({})).await;
        assert_eq!(answer.user_errors("tokenRevoke"), ["REQUIRED"], "{headers:?}");
    }
    // Browsers of some years ago say nothing of the site; our own origin needs no list.
    for headers in
        [change("sec-fetch-site", None), change("origin", Some("https://api.shop.example"))]
    {
        let (_, cookie) = sign_in_by_page(&app, &person(&app, Role::Customer).await).await;
        let answer = refresh_with(&app, &headers, &cookie).await;
        assert!(answer.data()["tokenRefresh"]["accessToken"].is_string(), "{headers:?}");
    }
}

#[tokio::test]
async fn neither_a_form_nor_an_image_can_use_the_cookie() {
    let app = app().await;
    let (_, cookie) = sign_in_by_page(&app, &person(&app, Role::Customer).await).await;

    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let answer = refresh_with(&app, &change("content-type", Some(media)), &cookie).await;
        assert_eq!(answer.status, 415, "{media}");
        assert!(answer.header("set-cookie").is_empty());
    }
    let document = "mutation{tokenRefresh(input:{}){accessToken}}";
    let request = Request::get(format!("/graphql?query={document}"))
        .header(header::ORIGIN, PAGE)
        .header(header::COOKIE, &cookie)
        .body(axum::body::Body::empty())
        .unwrap();
    let answer = app.guest().send(request).await;
    assert_eq!(answer.status, 405);
    assert!(answer.header("set-cookie").is_empty());
    assert!(!refresh_with(&app, &from_page(), &cookie).await.data()["tokenRefresh"].is_null());
}

#[tokio::test]
async fn a_cookie_that_is_there_twice_is_not_believed() {
    let app = app().await;
    let (_, mine) = sign_in_by_page(&app, &person(&app, Role::Customer).await).await;
    let (_, planted) = sign_in_by_page(&app, &person(&app, Role::Customer).await).await;

    let answer = refresh_with(&app, &from_page(), &format!("{planted}; {mine}")).await;

    assert_eq!(answer.user_errors("tokenRefresh"), ["REQUIRED"]);
}

#[tokio::test]
async fn a_cookie_signs_nobody_in_by_itself() {
    let app = app().await;
    let (_, cookie) = sign_in_by_page(&app, &person(&app, Role::Staff).await).await;

    let headers = [from_page(), vec![("cookie", cookie)]].concat();
    let answer = post(&app, &headers, "{ me { role } }", json!({})).await;

    assert_eq!(answer.data()["me"], json!(null));
}

#[tokio::test]
async fn without_the_setting_nothing_is_said_of_cookies() {
    let app = TestApp::with(|settings| settings.cors_allowed_origins = vec![PAGE.to_owned()]).await;
    let person = person(&app, Role::Customer).await;

    let (answer, _) = sign_in_by_page(&app, &person).await;

    let pair = Pair::of(&answer.data()["tokenCreate"]).expect("both tokens are in the answer");
    assert!(answer.header("set-cookie").is_empty());
    assert!(answer.header("access-control-allow-credentials").is_empty());
    let cookie = format!("stockroom-refresh={}", pair.refresh);
    let answer = refresh_with(&app, &from_page(), &cookie).await;
    assert_eq!(answer.user_errors("tokenRefresh"), ["REQUIRED"]);
}
