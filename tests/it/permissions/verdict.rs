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

/// What is wrong with the payload of a mutation that was let through. Somebody else's object is not
/// found, and nothing else is told; what may be changed is found.
pub fn judge_change(
    field: &RootField,
    who: Who,
    is_changed: bool,
    answer: &Value,
) -> Option<String> {
    let payload = answer["data"][field.name()].as_object()?;
    let wrong = |what: &str| Some(format!("{} as {who:?}: {what}: {answer}", field.path()));
    let Some(errors) = payload.get("userErrors").and_then(Value::as_array) else {
        return wrong("its payload has no userErrors");
    };
    let not_found = errors.iter().filter(|error| error["code"] == "NOT_FOUND").count();
    if is_changed {
        return if not_found == 0 { None } else { wrong("it finds not what is theirs") };
    }
    if not_found == 0 || not_found < errors.len() {
        return wrong("it names what is not theirs, and must be told NOT_FOUND alone");
    }
    let is_nothing = |value: &Value| match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        _ => false,
    };
    let told = payload.iter().any(|(name, value)| name != "userErrors" && !is_nothing(value));
    if told { wrong("it tells of what is not theirs") } else { None }
}

/// What is wrong with the answer to somebody who watches what is not theirs: it must be as if it
/// were not there.
pub fn judge_hidden(field: &RootField, who: Who, answer: &Value) -> Option<String> {
    let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
    let hidden = answer["data"].is_null() && message.starts_with("There is no such ");
    let path = field.path();
    let told = || format!("{path} as {who:?}: it tells of what is not theirs: {answer}");
    (codes(answer) != ["BAD_USER_INPUT"] || !hidden).then(told)
}

fn codes(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap_or("none")).collect()
}
