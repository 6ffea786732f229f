//! The pages in the binary.

use crate::app::{Answer, TestApp};
use axum::body::Body;
use http::Request;

async fn get(app: &TestApp, path: &str, encoding: &str) -> Answer {
    let request = Request::get(path).header("accept-encoding", encoding);
    app.guest().send(request.body(Body::empty()).unwrap()).await
}

/// The path of a script that the page loads.
fn script_of(page: &Answer) -> &str {
    let after = page.text.split("src=\"").nth(1).expect("the page has a script");
    after.split('"').next().unwrap()
}

#[tokio::test]
async fn graphiql_is_at_the_root_under_a_strict_policy() {
    let app = TestApp::start().await;

    let page = app.guest().get("/").await;

    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.text.contains("GraphiQL"));
    let policy = page.header("content-security-policy");
    for directive in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.split("; ").any(|found| found == directive), "{policy}");
    }
    assert_eq!(page.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn the_dashboard_is_a_page_of_its_own_under_the_same_policy() {
    let app = TestApp::start().await;

    let page = app.guest().get("/dashboard").await;
    let script = app.guest().get(script_of(&page)).await;

    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.text.contains("Dashboard"));
    assert_eq!(page.header("cache-control"), "no-cache");
    let graphiql = app.guest().get("/").await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert_eq!(policy, graphiql.header("content-security-policy"));
    assert_ne!(script_of(&page), script_of(&graphiql));
    assert_eq!(script.status, 200);
}

#[tokio::test]
async fn assets_come_compressed_to_those_who_take_it_and_may_be_kept_for_ever() {
    let app = TestApp::start().await;
    let page = app.guest().get("/").await;
    let script = script_of(&page);

    let compressed = get(&app, script, "gzip, br").await;
    let plain = get(&app, script, "identity").await;

    for answer in [&compressed, &plain] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "text/javascript; charset=utf-8");
        assert!(answer.header("cache-control").contains("immutable"));
        assert!(answer.header("vary").contains("accept-encoding"));
    }
    assert_eq!(compressed.header("content-encoding"), "br");
    assert_eq!(plain.header("content-encoding"), "");
    assert!(plain.text.len() > 2 * compressed.header("content-length").parse::<usize>().unwrap());
}

#[tokio::test]
async fn paths_lead_to_pages_alone() {
    let app = TestApp::start().await;

    for path in [
        "/assets/",
        "/assets/none.js",
        "/assets/..%2f..%2fCargo.toml",
        "/SOURCES.sha256",
        "/graphiql.html",
        "/dashboard.html",
        "/dashboard/",
    ] {
        assert_eq!(app.guest().get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn where_graphiql_is_off_the_dashboard_is_there_all_the_same() {
    let app = TestApp::with(|settings| settings.graphiql_enabled = false).await;

    let page = app.guest().get("/dashboard").await;

    assert_eq!(page.status, 200);
    assert_eq!(app.guest().get(script_of(&page)).await.status, 200);
    assert_eq!(app.guest().get("/licenses.md").await.status, 200);
}

#[tokio::test]
async fn where_graphiql_is_off_there_is_no_page_of_it_no_introspection_and_no_hints() {
    let app = TestApp::with(|settings| settings.graphiql_enabled = false).await;

    assert_eq!(app.guest().get("/").await.status, 404);
    let introspection = app.guest().query("{ __schema { queryType { name } } }").await;
    assert_eq!(introspection.error_codes(), ["GRAPHQL_VALIDATION_FAILED"]);
    for caller in [app.customer().await, app.staff().await] {
        let refused = caller.query("{ __schema { queryType { name } } }").await;
        assert_eq!(refused.error_codes(), ["GRAPHQL_VALIDATION_FAILED"]);
    }
    let admin = app.admin().await;
    let told = admin.query("{ __schema { queryType { name } } }").await;
    assert_eq!(told.data()["__schema"]["queryType"]["name"], "Query");
    let misspelt = app.guest().query("{ warehouse { id } }").await;
    assert!(!misspelt.text.contains("warehouses"), "{}", misspelt.text);
    assert_eq!(app.guest().query("{ __typename }").await.status, 200);
}
