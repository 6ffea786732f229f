//! The sandbox's ways of paying, each with a fate of its own.

/// A way of paying that always ends the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Is approved.
    Approved,
    /// Is declined.
    Declined,
    /// Is declined for want of money.
    InsufficientFunds,
    /// Is approved after two seconds.
    Slow,
    /// Is never answered, and nothing is charged.
    Timeout,
    /// Fails, and nothing is charged.
    Error,
    /// Is approved, and the answer comes too late.
    Late,
    /// Waits for the payer; a webhook tells what comes of it.
    Pending,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Approved,
        Self::Declined,
        Self::InsufficientFunds,
        Self::Slow,
        Self::Timeout,
        Self::Error,
        Self::Late,
        Self::Pending,
    ];

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approved => "card_approved",
            Self::Declined => "card_declined",
            Self::InsufficientFunds => "card_insufficient_funds",
            Self::Slow => "card_slow",
            Self::Timeout => "card_timeout",
            Self::Error => "card_error",
            Self::Late => "card_late",
            Self::Pending => "card_pending",
        }
    }

    /// The method of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}
