//! What an account is in the shop.

/// What an account is in the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Shops.
    Customer,
    /// Runs the shop.
    Staff,
    /// Runs the shop and its accounts.
    Admin,
}

impl Role {
    /// As it stands in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "CUSTOMER",
            Self::Staff => "STAFF",
            Self::Admin => "ADMIN",
        }
    }

    /// The role that the database's word means.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Customer, Self::Staff, Self::Admin].into_iter().find(|role| role.as_str() == word)
    }
}
