//! Compares an answer with what the rule of a field promises.

use super::rules::RootField;
use super::viewers::Who;
use serde_json::Value;
use stockroom::auth::PermissionSet;

/// What those are told who may not.
pub const REFUSALS: [&str; 2] = ["UNAUTHENTICATED", "FORBIDDEN"];
/// With these the call never came to the service: its arguments are at fault, or the server.
const USELESS: [&str; 4] = [
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "BAD_USER_INPUT",
    "INTERNAL_SERVER_ERROR",
];

/// What breaks the rule, if anything. `answer` is a GraphQL response.
pub fn judge(
    field: &RootField,
    who: Who,
    permissions: PermissionSet,
    answer: &Value,
) -> Option<String> {
    let codes = codes(answer);
    let data = &answer["data"][field.name()];
    let wrong = |what: &str| {
        let rule = field.permission.name();
        Some(format!("{} ({rule}) as {who:?}: {what}: {answer}", field.path()))
    };
    if permissions.contains(field.permission) {
        return match codes.iter().find(|code| REFUSALS.contains(code) || USELESS.contains(code)) {
            Some(code) => wrong(&format!("the rule allows it, and it answers {code}")),
            None => None,
        };
    }
    let refusal = if who == Who::Guest { "UNAUTHENTICATED" } else { "FORBIDDEN" };
    if !data.is_null() {
        return wrong("the rule forbids it, and it has data");
    }
    if codes != [refusal] {
        return wrong(&format!("it must answer {refusal}"));
    }
    None
}

fn codes(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap_or("none")).collect()
}
