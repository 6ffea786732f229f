//! `stockroom doctor` as a shell sees it.

use super::patient::Patient;
use crate::app::TestApp;
use serde_json::Value;
use std::process::{Command, Output};
use stockroom::config::Settings;
use stockroom::doctor::Invariant;
use stockroom::seed::Seed;

fn doctor(database: &str, arguments: &[&str]) -> Output {
    let program = std::env::var_os("NEXTEST_BIN_EXE_stockroom");
    Command::new(program.unwrap_or_else(|| env!("CARGO_BIN_EXE_stockroom").into()))
        .arg("doctor")
        .args(arguments)
        .env_clear()
        .env("DATABASE_URL", database)
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test]
async fn a_shop_that_is_well_is_told_so() {
    let app = TestApp::start().await;
    let Settings { shop_currency, .. } = app.app.settings;
    Seed::new(app.app.db.clone(), shop_currency).run_if_new().await.unwrap();

    let output = doctor(app.database_url(), &[]);

    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(text.matches("  ok  ").count(), Invariant::ALL.len(), "{text}");
    assert!(text.ends_with("The database is sound.\n"), "{text}");
    let json: Value =
        serde_json::from_slice(&doctor(app.database_url(), &["--json"]).stdout).unwrap();
    assert_eq!((&json["healthy"], &json["verdicts"][0]["id"]), (&true.into(), &"I1".into()));
}

#[tokio::test]
async fn what_is_wrong_is_counted_and_the_first_few_are_named() {
    let patient = Box::pin(Patient::new()).await;
    patient.cut("UPDATE stock_movement SET on_hand_after = on_hand_after + 1").await;
    patient.cut("UPDATE payment SET provider = 'elsewhere' WHERE captured = 0").await;

    let output = doctor(patient.app.database_url(), &[]);

    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("I3  BROKEN  each level is the sum of its movements"), "{text}");
    assert!(
        text.contains("movement at version 1: from 0 and 0 by 100 and 0 to 101 and 0"),
        "{text}"
    );
    assert!(text.contains("payments of elsewhere were not compared"), "{text}");
    let json: Value =
        serde_json::from_slice(&doctor(patient.app.database_url(), &["--json"]).stdout).unwrap();
    assert_eq!(json["healthy"], false);
    let ledger = &json["verdicts"][2];
    assert_eq!((&ledger["id"], &ledger["findings"][0]["count"]), (&"I3".into(), &ledger["broken"]));
}

#[tokio::test]
async fn a_database_that_cannot_be_looked_at_is_neither_well_nor_ill() {
    let folder = tempfile::TempDir::new().unwrap();
    let nowhere = format!("sqlite:{}", folder.path().join("none.db").display());
    let old = folder.path().join("old.db");
    std::fs::write(&old, "").unwrap();

    for (database, sentence) in [
        (nowhere, "there is no database in"),
        (format!("sqlite:{}", old.display()), "run `stockroom migrate` first"),
        ("postgres://nobody@127.0.0.1:1/none".to_owned(), "cannot open the database"),
    ] {
        let output = doctor(&database, &[]);

        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{error}");
        assert!(error.contains(sentence), "{error}");
    }
    assert!(!folder.path().join("none.db").exists());
}
