//! How an attempt to pay was decided, apart from any database: each counts once, on the day on
//! which it was decided first.

use crate::payment::state::PaymentState;

/// How an attempt to pay was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The money was set aside or taken.
    Succeeded,
    /// The provider said no.
    Declined,
    /// The provider could not be asked: nothing was charged.
    Failed,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 3] = [Self::Succeeded, Self::Declined, Self::Failed];

    /// As it stands in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Declined => "declined",
            Self::Failed => "failed",
        }
    }

    /// The decision of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.name() == name)
    }

    /// What a payment that comes to this state is decided as, after it was decided so, or was not.
    /// None: nothing is decided by it, or nothing else than before. What was let go before it was
    /// decided never is; money that comes after all is a success after all.
    #[must_use]
    pub const fn by(before: Option<Self>, there: PaymentState) -> Option<Self> {
        let now = match there {
            PaymentState::Authorized | PaymentState::Captured | PaymentState::Surplus => {
                Self::Succeeded
            }
            PaymentState::Declined => Self::Declined,
            PaymentState::Unavailable => Self::Failed,
            _ => return None,
        };
        match (before, now) {
            (None, _) | (Some(Self::Declined | Self::Failed), Self::Succeeded) => Some(now),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_decided_once_unless_its_money_comes_after_all() {
        use Decision::{Declined, Failed, Succeeded};
        for state in PaymentState::ALL {
            let first = Decision::by(None, state);
            assert_eq!(
                first.is_none(),
                !matches!(
                    state,
                    PaymentState::Authorized
                        | PaymentState::Captured
                        | PaymentState::Surplus
                        | PaymentState::Declined
                        | PaymentState::Unavailable
                ),
                "{state:?}"
            );
            assert_eq!(Decision::by(Some(Succeeded), state), None, "{state:?}");
            let money = (first == Some(Succeeded)).then_some(Succeeded);
            assert_eq!(Decision::by(Some(Declined), state), money, "{state:?}");
            assert_eq!(Decision::by(Some(Failed), state), money, "{state:?}");
        }
    }

    #[test]
    fn names_lead_back() {
        for decision in Decision::ALL {
            assert_eq!(Decision::from_name(decision.name()), Some(decision));
        }
        assert_eq!(Decision::from_name("undecided"), None);
    }
}
