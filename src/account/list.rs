//! Which accounts a list has and in which order, apart from any database.

use crate::account::User;
use crate::auth::Role;
use crate::db::Timestamp;
use crate::db::page::{Cursor, CursorKey};
use uuid::Uuid;

/// A list of accounts: what is in it and how it is sorted. Cursors hold within one list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct UserList {
    /// Only these; None for all.
    pub filter: Option<UserFilter>,
    /// Sorted by this; None: in the order of creation.
    pub sort: Option<UserSort>,
    /// Only whose name or address has this in it.
    pub search: Option<String>,
}

/// A condition on accounts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UserFilter {
    /// All of these hold.
    And(Vec<Self>),
    /// At least one of these holds.
    Or(Vec<Self>),
    /// None of these holds.
    Not(Vec<Self>),
    /// One of these keys.
    Id(Vec<Uuid>),
    /// Has one of these addresses, whatever the case.
    Email(Vec<String>),
    /// The address has this in it, whatever the case.
    EmailContains(String),
    /// The name is one of these.
    Name(Vec<String>),
    /// The name has this in it, whatever the case and the diacritics.
    NameContains(String),
    /// Has one of these roles.
    Role(Vec<Role>),
    /// Can sign in, or cannot.
    Active(bool),
    /// The address was proved, or was not.
    EmailVerified(bool),
    /// Made within, both ends included; None: no end.
    Created(Option<Timestamp>, Option<Timestamp>),
}

/// What accounts can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserSortField {
    /// The name, whatever its case and diacritics.
    Name,
    /// The address, whatever its case.
    Email,
    /// When it was made.
    CreatedAt,
}

/// An order of accounts; the id breaks ties in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserSort {
    /// What they are sorted by.
    pub field: UserSortField,
    /// Largest first.
    pub descending: bool,
}

impl UserList {
    /// Whether a cursor's key can be one of this list. Cursors come from clients: one that was
    /// made up must not reach the database as a value of the wrong type.
    #[must_use]
    pub fn knows(&self, key: &CursorKey) -> bool {
        match (self.sort.map(|sort| sort.field), key) {
            (None, CursorKey::Id) => true,
            (Some(UserSortField::Name | UserSortField::Email), CursorKey::Text(text)) => {
                !text.contains('\0')
            }
            (Some(UserSortField::CreatedAt), CursorKey::Time(time)) => {
                (0..=253_402_300_799).contains(&time.timestamp())
            }
            _ => false,
        }
    }

    /// The place of an account in this list.
    #[must_use]
    pub fn place(&self, user: &User) -> Cursor {
        let key = match self.sort.map(|sort| sort.field) {
            None => CursorKey::Id,
            Some(UserSortField::Name) => CursorKey::Text(user.name_key.clone()),
            Some(UserSortField::Email) => CursorKey::Text(user.email_key.clone()),
            Some(UserSortField::CreatedAt) => CursorKey::Time(user.created_at),
        };
        Cursor { key, id: user.id }
    }
}
