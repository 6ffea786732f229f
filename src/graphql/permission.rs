//! The permissions as an enum of the schema: names and descriptions are those of the table in
//! `auth`.

use crate::auth::Permission;
use crate::graphql::table_enum::table_enum;

table_enum!(
    Permission,
    "Permission",
    "What can be allowed here. `@auth` says which one a field needs.",
    describe
);

fn describe(permission: Permission) -> String {
    let tokens = if permission.is_for_tokens() { "" } else { " API tokens cannot have it." };
    format!("{} Held by {}.{tokens}", permission.about(), permission.holders().words())
}
