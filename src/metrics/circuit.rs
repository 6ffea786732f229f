//! Whether payment providers are called.

use std::sync::Arc;

/// Whether a provider is called; the worse the larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CircuitState {
    /// Yes.
    Closed,
    /// A few calls try whether it is well again.
    HalfOpen,
    /// No.
    Open,
}

impl CircuitState {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::HalfOpen => "HALF_OPEN",
            Self::Open => "OPEN",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Closed, Self::HalfOpen, Self::Open].into_iter().find(|state| state.name() == name)
    }
}

/// The circuit of a provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Circuit {
    /// The provider's name.
    pub provider: String,
    /// Whether it is called.
    pub state: CircuitState,
}

/// Tells the circuits of this process, each provider's.
pub type CircuitSource = Arc<dyn Fn() -> Vec<Circuit> + Send + Sync>;
