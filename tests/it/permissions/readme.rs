//! The table of permissions in the README, compared with the code's.

use stockroom::auth::{Permission, PermissionSet, Role};

/// The table as the README has to have it.
fn table() -> String {
    let mut table = String::from(
        "| permission | lets one | guest | customer | staff | admin | API token |\n\
         | --- | --- | :-: | :-: | :-: | :-: | :-: |\n",
    );
    for permission in Permission::ALL.iter().copied() {
        let about = permission.about().trim_end_matches('.');
        let (first, rest) = about.split_at(1);
        let held = [None, Some(Role::Customer), Some(Role::Staff), Some(Role::Admin)]
            .map(|role| PermissionSet::of(role).contains(permission));
        let token = permission.is_for_tokens();
        let marks: Vec<&str> =
            held.into_iter().chain([token]).map(|holds| if holds { "✓" } else { "" }).collect();
        table += &format!(
            "| `{}` | {}{rest} | {} |\n",
            permission.name(),
            first.to_lowercase(),
            marks.join(" | ")
        );
    }
    table
}

#[test]
fn the_readme_has_the_table_of_the_code() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(path).expect("README.md can be read");

    assert!(readme.contains(&table()), "put this table into README.md:\n{}", table());
}
