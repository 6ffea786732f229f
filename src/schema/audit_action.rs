//! What the audit log can say was done, as an enum of the schema: names and descriptions are those
//! of the table in `audit`.

use crate::audit::AuditAction;
use crate::graphql::table_enum::table_enum;

table_enum!(
    AuditAction,
    "AuditAction",
    "What was done, with what stands in `oldValue` and `newValue`; those that are not named are null.",
    describe
);

fn describe(action: AuditAction) -> String {
    action.about().to_owned()
}
