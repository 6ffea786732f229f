//! `/metrics`: where it is served and where not, and that Prometheus can read it.

use crate::app::{ServerProcess, TestApp};
use http::StatusCode;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use stockroom::config::{Environment, ServeRole};
use tokio::net::TcpListener;

/// Labels whose values are the program's own.
const LABELS: [&str; 4] = ["le", "pool", "provider", "version"];

/// The values of a text by name and labels, when Prometheus could read it.
fn read(text: &str) -> BTreeMap<String, f64> {
    let (mut helped, mut typed) = (BTreeSet::new(), BTreeMap::new());
    let mut values = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, words) = rest.split_once(' ').expect("a name and words");
            assert!(words.len() > 5 && helped.insert(name.to_owned()), "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a type");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(typed.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a series and a value");
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| {
                let family = name.strip_suffix(end)?;
                (typed.get(family)? == "histogram").then_some(family)
            });
            let family = family.unwrap_or(name);
            assert!(helped.contains(family) && typed.contains_key(family), "{line}");
            let rises = typed[family] == "counter";
            assert_eq!(rises, name.ends_with("_total"), "{line}");
            let labels = labels.strip_suffix('}').expect("labels end").split(',');
            for label in labels.filter(|label| !label.is_empty()) {
                let (label, _) = label.split_once('=').expect("a label has a value");
                assert!(LABELS.contains(&label), "{line}");
            }
            let value = if value == "+Inf" { f64::INFINITY } else { value.parse().expect(line) };
            assert!(values.insert(series.to_owned(), value).is_none(), "{line} is there twice");
        }
    }
    values
}

#[tokio::test]
async fn prometheus_can_read_how_a_process_does() {
    let app = TestApp::start().await;
    let guest = app.guest();
    guest.query("query NameOfAClient { __typename }").await.data();
    guest.query("query NameOfAnotherClient { __typename }").await.data();

    let answer = guest.get("/metrics").await;

    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    assert!(!answer.text.contains("NameOf"), "what clients choose is no label");
    let values = read(&answer.text);
    let value = |series: &str| *values.get(series).unwrap_or_else(|| panic!("no {series}"));
    assert!((value("stockroom_graphql_requests_total") - 2.0).abs() < 0.5);
    assert!((value("stockroom_http_requests_seconds_count") - 2.0).abs() < 0.5);
    let inf = value("stockroom_http_requests_seconds_bucket{le=\"+Inf\"}");
    assert!((inf - 2.0).abs() < 0.5);
    // This one.
    assert!((value("stockroom_requests_in_flight") - 1.0).abs() < 0.5);
    assert!(value("stockroom_database_up") > 0.5);
    assert!(value("stockroom_payment_circuit_state{provider=\"sandbox\"}") < 0.5);
    for series in ["stockroom_jobs_waiting", "stockroom_events_waiting"] {
        assert!(value(series) >= 0.0);
    }
    let pool = if app.app.db.is_postgres() { "shared" } else { "read" };
    let of_pool =
        |what: &str| value(&format!("stockroom_database_connections_{what}{{pool=\"{pool}\"}}"));
    assert!(of_pool("used") + of_pool("idle") <= of_pool("max") && of_pool("max") >= 2.0);
    if cfg!(target_os = "linux") {
        assert!(value("process_resident_memory_bytes") > 1_000_000.0);
        assert!(value("process_open_fds") > 3.0);
        assert!(value("process_threads") >= 1.0);
        assert!(value("process_cpu_seconds_total") >= 0.0);
    }
    let series = values.len();
    guest.query("query NameOfAThirdClient { __typename }").await.data();
    let again = read(&guest.get("/metrics").await.text);
    assert_eq!(again.len(), series, "the number of series does not grow with requests");
}

#[tokio::test]
async fn what_waits_is_told_and_without_the_database_the_rest() {
    let app = TestApp::start().await;
    app.guest().get("/metrics").await;
    app.execute("ALTER TABLE job RENAME TO job_away").await;
    let values = read(&app.guest().get("/metrics").await.text);
    assert!(values["stockroom_database_up"] < 0.5);
    assert!(!values.contains_key("stockroom_jobs_waiting"));
    assert!(values.contains_key("stockroom_graphql_requests_total"));
}

#[tokio::test]
async fn the_public_address_does_not_tell_in_production() {
    let app = TestApp::with(|settings| settings.environment = Environment::Production).await;
    assert_eq!(app.guest().get("/metrics").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_worker_tells_as_well() {
    let app = TestApp::with(|settings| settings.role = ServeRole::Worker).await;
    let answer = app.guest().get("/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(read(&answer.text).contains_key("stockroom_jobs_done_total"));
}

#[tokio::test]
async fn an_address_of_its_own_tells_figures_and_nothing_else() {
    for environment in [Environment::Development, Environment::Production] {
        let app = TestApp::with(|settings| {
            settings.environment = environment;
            settings.metrics.listen_addr = Some(SocketAddr::from(([127, 0, 0, 1], 9)));
        })
        .await;
        assert_eq!(app.guest().get("/metrics").await.status, StatusCode::NOT_FOUND);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = tokio::spawn(stockroom::http::serve_metrics(app.app.clone(), listener));
        let get = async |path: &str| {
            let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };

        let (status, text) = get("/metrics").await;
        assert_eq!(status, 200, "{text}");
        let build = concat!("stockroom_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}");
        assert!(read(&text).contains_key(build), "{text}");
        for path in ["/", "/graphql", "/health/live"] {
            assert_eq!(get(path).await.0, 404, "{path}");
        }

        // It tells while requests end, and ends with the process.
        app.app.lifecycle.stopping.cancel();
        assert_eq!(get("/metrics").await.0, 200);
        app.app.lifecycle.ended.cancel();
        served.await.unwrap();
    }
}

#[tokio::test]
async fn a_process_with_an_address_for_figures_tells_them_there() {
    let app = TestApp::start().await;
    let settings =
        [("METRICS_LISTEN_ADDR", "127.0.0.1:0"), ("LOG_LEVEL", "info"), ("LOG_FORMAT", "json")];
    let mut server = ServerProcess::start_with(&app, &settings).await;
    let log = server.log();
    let line = log.lines().find(|line| line.contains("figures are told")).expect("it says where");
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let address = line["address"].as_str().unwrap();
    let told = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
    assert!(read(&told.text().await.unwrap()).contains_key("stockroom_database_up"));
    let public = reqwest::get(server.url("/metrics")).await.unwrap();
    assert_eq!(public.status().as_u16(), 404);
    server.end_and_read_log().await;
    assert!(reqwest::get(format!("http://{address}/metrics")).await.is_err());
}
