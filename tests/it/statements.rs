//! The promise "never N+1", over the whole schema: from every root list, along every field that
//! leads to further objects, a document is made and run on 2 rows and on 50. The statements must be
//! as many. Fields are found by introspection, so a new one is covered from its first day.

mod documents;
mod rows;

use crate::app::TestApp;
use documents::Documents;
use serde_json::Value;

/// Edges that lead to one object at most, however many rows there are: more rows show no more.
const ONE_AT_MOST: [(&str, &str); 4] = [
    ("User.cart", "one's own alone is seen"),
    ("Cart.customer", "of customers' carts, one's own alone is seen"),
    ("Query.services", "the components are six"),
    ("Query.qualityScenarios", "the scenarios are three"),
];

/// Scalars in an answer that are there (null is not).
fn leaves(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Array(items) => items.iter().map(leaves).sum(),
        Value::Object(fields) => fields.values().map(leaves).sum(),
        _ => 1,
    }
}

/// Statements and leaves of a document, run with nothing cached, here or in Redis.
async fn run(app: &TestApp, document: &str, ids: &Value) -> (u64, usize) {
    let cold = app.replica_with(|settings| settings.redis_url = None).await;
    let caller = cold.with_token(app.token(rows::actor(0)));
    let variables = serde_json::json!({ "ids": ids });
    let answer = caller.query(document).with_variables(variables).await;
    (answer.sql_count(), leaves(answer.data()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_statements_never_depends_on_the_number_of_rows() {
    let (few, many) = (TestApp::start().await, TestApp::start().await);
    let few_ids = rows::fill(&few, 2).await;
    let many_ids = rows::fill(&many, 50).await;
    let documents = Documents::of_every_edge(&few.guest()).await;
    assert!(documents.0.len() >= 8, "the walk found only {} edges", documents.0.len());

    let mut findings = Vec::new();
    for (edge, document) in &documents.0 {
        let (statements_2, leaves_2) = run(&few, document, &few_ids).await;
        let (statements_50, leaves_50) = run(&many, document, &many_ids).await;
        if statements_2 != statements_50 {
            findings.push(format!(
                "{edge}: {statements_2} statements for 2 rows, {statements_50} for 50\n{document}"
            ));
        }
        let one_at_most = ONE_AT_MOST.iter().any(|(one, _)| one == edge);
        if leaves_2 >= leaves_50 && !(one_at_most && leaves_2 > 0) {
            findings.push(format!(
                "{edge}: the rows of this test do not reach it, add some to rows.rs\n{document}"
            ));
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n\n"));
}
