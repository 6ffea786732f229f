//! Where a payment stands: the one table of states, what leads from one to another, and what each
//! is called outside. No I/O.

use crate::payment::outcome::Outcome;

/// Where an attempt to pay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentState {
    /// The provider is being asked for the money.
    Authorizing,
    /// It was asked, and what came of it is not known.
    AuthUnknown,
    /// The payer has to do something, such as to confirm at the bank.
    ActionRequired,
    /// The money is set aside.
    Authorized,
    /// The provider is being asked to hand it over.
    Capturing,
    /// It was asked to, and what came of it is not known.
    CaptureUnknown,
    /// The money is the shop's. Refunds are counted, they change no state.
    Captured,
    /// The provider is being asked to let go of it.
    Voiding,
    /// Nothing is set aside any more.
    Voided,
    /// The provider said no.
    Declined,
    /// The provider could not be asked, or ended the matter: nothing was charged.
    Unavailable,
    /// Nobody could find out for a day: someone has to look, and the provider is asked further.
    ManualReview,
    /// Money came after the attempt was over, and another one pays: it goes back.
    Surplus,
}

/// What a payment is called outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    /// Not decided.
    Pending,
    /// The money is set aside.
    Authorized,
    /// The money is the shop's.
    Captured,
    /// A part of it went back.
    PartiallyRefunded,
    /// All of it went back.
    Refunded,
    /// It was set aside and is free again.
    Voided,
    /// Nothing was charged.
    Failed,
}

impl PaymentStatus {
    /// As others are told it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Authorized => "AUTHORIZED",
            Self::Captured => "CAPTURED",
            Self::PartiallyRefunded => "PARTIALLY_REFUNDED",
            Self::Refunded => "REFUNDED",
            Self::Voided => "VOIDED",
            Self::Failed => "FAILED",
        }
    }

    /// What staff can make of it.
    #[must_use]
    pub const fn can_become(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::Voided],
            Self::Authorized => &[Self::Captured, Self::Voided],
            Self::Captured | Self::PartiallyRefunded => &[Self::PartiallyRefunded, Self::Refunded],
            Self::Refunded | Self::Voided | Self::Failed => &[],
        }
    }
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefundState {
    /// The provider is being asked, or will be asked again.
    Pending,
    /// It was asked, and what came of it is not known.
    Unknown,
    /// The money went back.
    Succeeded,
    /// The provider refused.
    Failed,
}

use PaymentState::{
    ActionRequired, AuthUnknown, Authorized, Authorizing, CaptureUnknown, Captured, Capturing,
    Declined, ManualReview, Surplus, Unavailable, Voided, Voiding,
};

impl PaymentState {
    /// Every state.
    pub const ALL: [Self; 13] = [
        Authorizing,
        AuthUnknown,
        ActionRequired,
        Authorized,
        Capturing,
        CaptureUnknown,
        Captured,
        Voiding,
        Voided,
        Declined,
        Unavailable,
        ManualReview,
        Surplus,
    ];

    /// What its row says.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Authorizing => "AUTHORIZING",
            AuthUnknown => "AUTH_UNKNOWN",
            ActionRequired => "ACTION_REQUIRED",
            Authorized => "AUTHORIZED",
            Capturing => "CAPTURING",
            CaptureUnknown => "CAPTURE_UNKNOWN",
            Captured => "CAPTURED",
            Voiding => "VOIDING",
            Voided => "VOIDED",
            Declined => "DECLINED",
            Unavailable => "UNAVAILABLE",
            ManualReview => "MANUAL_REVIEW",
            Surplus => "SURPLUS",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Where a payment can go from here.
    #[must_use]
    pub const fn next(self) -> &'static [Self] {
        match self {
            Authorizing => &[
                AuthUnknown,
                ActionRequired,
                Authorized,
                Captured,
                Voided,
                Declined,
                Unavailable,
                ManualReview,
            ],
            AuthUnknown => {
                &[ActionRequired, Authorized, Captured, Voided, Declined, Unavailable, ManualReview]
            }
            ActionRequired => &[Authorized, Captured, Voiding, Voided, Declined, ManualReview],
            // Also without our asking: what the provider's own pages can do.
            Authorized => &[Capturing, Captured, Voiding, Voided, ManualReview],
            Capturing => &[Authorized, CaptureUnknown, Captured, Voided, ManualReview],
            CaptureUnknown => &[Authorized, Captured, Voided, ManualReview],
            Voiding => &[Captured, Voided, Declined, ManualReview],
            ManualReview => &[
                ActionRequired,
                Authorized,
                Capturing,
                Captured,
                Voiding,
                Voided,
                Declined,
                Unavailable,
            ],
            // The provider holds money all the same.
            Voided | Declined | Unavailable => &[Authorized, Captured, Surplus],
            Captured | Surplus => &[],
        }
    }

    /// Whether a payment can go from here to there.
    #[must_use]
    pub fn leads_to(self, there: Self) -> bool {
        self.next().contains(&there)
    }

    /// Whether someone has to find out how it ends: the row then has a lease.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        match self {
            Authorizing | AuthUnknown | ActionRequired | Capturing | CaptureUnknown | Voiding
            | ManualReview => true,
            Authorized | Captured | Surplus | Voided | Declined | Unavailable => false,
        }
    }

    /// Whether the payer may still be charged, or is not known not to have been: nothing was
    /// decided yet.
    #[must_use]
    pub const fn is_undecided(self) -> bool {
        matches!(self, Authorizing | AuthUnknown | ActionRequired | ManualReview)
    }

    /// Whether the attempt is over and nothing of it is held: the order can be paid otherwise.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Voided | Declined | Unavailable)
    }

    /// Whether its money became the shop's: it can go back.
    #[must_use]
    pub const fn is_taken(self) -> bool {
        matches!(self, Captured | Surplus)
    }

    /// Whether there can be no other attempt beside it: it is undecided, or holds money.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !self.is_over() && !matches!(self, Surplus)
    }

    /// Where a payment comes to when this is known of it: here again when that decides nothing,
    /// None when it cannot be about a payment that stands here.
    #[must_use]
    pub const fn after(self, outcome: &Outcome) -> Option<Self> {
        Some(match (self, outcome) {
            // What is over stays so, until the provider was asked: see `late`.
            (Captured | Surplus | Voided | Declined | Unavailable, _) => return None,

            // Money that was taken is taken, whatever was asked.
            (_, Outcome::Captured { .. }) => Captured,
            (_, Outcome::Voided) => Voided,

            // Known already: what comes of a capture or a void is told in other words.
            (Authorized, _)
            | (Capturing | CaptureUnknown | Voiding, Outcome::Authorized { .. }) => return None,
            (_, Outcome::Authorized { .. }) => Authorized,

            (
                Authorizing | AuthUnknown | ActionRequired | ManualReview,
                Outcome::Pending { .. },
            ) => ActionRequired,
            (
                Authorizing | AuthUnknown | ActionRequired | Voiding | ManualReview,
                Outcome::Declined { .. },
            ) => Declined,
            // The capture was refused, or could not be asked for: the money is still set aside.
            (Capturing | CaptureUnknown, Outcome::Declined { .. })
            | (Capturing, Outcome::Unavailable { .. }) => Authorized,
            (Authorizing | AuthUnknown | ManualReview, Outcome::Unavailable { .. }) => Unavailable,

            (Authorizing, Outcome::Unknown) => AuthUnknown,
            (Capturing, Outcome::Unknown) => CaptureUnknown,
            // Nothing new, and who was asked for is asked again.
            (
                AuthUnknown | ActionRequired | CaptureUnknown | Voiding | ManualReview,
                Outcome::Unknown,
            )
            | (ActionRequired | CaptureUnknown | Voiding, Outcome::Unavailable { .. })
            | (Voiding, Outcome::Pending { .. }) => self,

            (Capturing | CaptureUnknown, Outcome::Pending { .. }) => return None,
        })
    }

    /// Where an attempt that is over comes to when the provider was asked and holds money all the
    /// same. `free`: no other attempt is undecided or holds money, so that this one pays. None: it
    /// stays over.
    #[must_use]
    pub const fn late(self, outcome: &Outcome, free: bool) -> Option<Self> {
        match (self, outcome) {
            (Voided | Declined | Unavailable, Outcome::Captured { .. }) => {
                Some(if free { Captured } else { Surplus })
            }
            (Voided | Declined | Unavailable, Outcome::Authorized { .. }) if free => {
                Some(Authorized)
            }
            _ => None,
        }
    }

    /// Where it comes to when nobody could find out for too long.
    #[must_use]
    pub const fn given_up(self) -> Self {
        match self {
            AuthUnknown | CaptureUnknown | Voiding => ManualReview,
            other => other,
        }
    }

    /// What it is called outside, with the amounts in the row.
    #[must_use]
    pub const fn status(self, amounts: Amounts) -> PaymentStatus {
        match self {
            Authorizing | AuthUnknown | ActionRequired => PaymentStatus::Pending,
            Authorized | Capturing | CaptureUnknown => PaymentStatus::Authorized,
            Voiding | ManualReview if amounts.authorized == 0 => PaymentStatus::Pending,
            Voiding | ManualReview => PaymentStatus::Authorized,
            Captured | Surplus if amounts.refunded == 0 => PaymentStatus::Captured,
            Captured | Surplus if amounts.refunded < amounts.captured => {
                PaymentStatus::PartiallyRefunded
            }
            Captured | Surplus => PaymentStatus::Refunded,
            Voided => PaymentStatus::Voided,
            Declined | Unavailable => PaymentStatus::Failed,
        }
    }
}

/// The amounts that a status depends on, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts {
    /// Set aside by the provider.
    pub authorized: i64,
    /// Handed over.
    pub captured: i64,
    /// Gone back.
    pub refunded: i64,
}

impl RefundState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Unknown, Self::Succeeded, Self::Failed];

    /// What its row says.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Unknown => "UNKNOWN",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether someone has to find out how it ends.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Pending | Self::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment::attempt::{NextAction, NextActionKind};

    fn outcomes() -> [Outcome; 7] {
        let reference = || "ch_1".to_owned();
        let next_action =
            NextAction { kind: NextActionKind::Wait, redirect_url: None, client_secret: None };
        [
            Outcome::Authorized { reference: reference() },
            Outcome::Captured { reference: reference(), amount: 1 },
            Outcome::Voided,
            Outcome::Declined { code: "no".to_owned() },
            Outcome::Pending { reference: reference(), next_action },
            Outcome::Unavailable { retry_after_seconds: 1 },
            Outcome::Unknown,
        ]
    }

    /// One letter an outcome, in the order above: the state's place in the alphabet of `ALL`, `-`
    /// for "cannot be".
    fn row(state: PaymentState) -> String {
        let letter = |there: PaymentState| {
            let place = PaymentState::ALL.iter().position(|state| *state == there);
            char::from(b'a' + u8::try_from(place.unwrap()).unwrap())
        };
        outcomes().iter().map(|outcome| state.after(outcome).map_or('-', letter)).collect()
    }

    #[test]
    fn every_pair_of_state_and_outcome_leads_where_it_is_written() {
        // Authorized, Captured, Voided, Declined, Pending, Unavailable, Unknown.
        let table = [
            (Authorizing, "dgijckb"),
            (AuthUnknown, "dgijckb"),
            (ActionRequired, "dgijccc"),
            (Authorized, "-gi----"),
            (Capturing, "-gid-df"),
            (CaptureUnknown, "-gid-ff"),
            (Captured, "-------"),
            (Voiding, "-gijhhh"),
            (Voided, "-------"),
            (Declined, "-------"),
            (Unavailable, "-------"),
            (ManualReview, "dgijckl"),
            (Surplus, "-------"),
        ];
        assert_eq!(table.map(|(state, _)| state), PaymentState::ALL);
        for (state, expected) in table {
            assert_eq!(row(state), expected, "{state:?}");
        }
    }

    #[test]
    fn what_comes_of_an_outcome_is_in_the_table_of_transitions() {
        for state in PaymentState::ALL {
            for outcome in outcomes() {
                if let Some(there) = state.after(&outcome).filter(|there| *there != state) {
                    assert!(state.leads_to(there), "{state:?} {outcome:?} {there:?}");
                }
            }
            let given_up = state.given_up();
            assert!(given_up == state || state.leads_to(given_up), "{state:?}");
        }
    }

    #[test]
    fn every_pair_of_states_is_allowed_or_not_as_it_is_written() {
        let allowed = PaymentState::ALL.map(|from| {
            let mark = |there: &PaymentState| if from.leads_to(*there) { 'x' } else { '.' };
            PaymentState::ALL.iter().map(mark).collect::<String>()
        });
        // From each row to each column, both in the order of `ALL`.
        let expected = [
            ".xxx..x.xxxx.",
            "..xx..x.xxxx.",
            "...x..xxxx.x.",
            "....x.xxx..x.",
            "...x.xx.x..x.",
            "...x..x.x..x.",
            ".............",
            "......x.xx.x.",
            "...x..x.....x",
            "...x..x.....x",
            "...x..x.....x",
            "..xxx.xxxxx..",
            ".............",
        ];
        assert_eq!(allowed, expected);
    }

    #[test]
    fn nothing_ends_before_the_outcome_is_known() {
        for state in PaymentState::ALL {
            assert_eq!(state.next().is_empty(), state.is_taken(), "{state:?}");
            assert!(!(state.is_over() && state.is_open()), "{state:?}");
            assert!(!(state.is_over() && state.is_undecided()), "{state:?}");
            assert!(!state.leads_to(state), "{state:?}");
        }
    }

    #[test]
    fn money_that_comes_late_pays_when_nothing_else_does() {
        for state in PaymentState::ALL {
            let late = |free| outcomes().map(|outcome| state.late(&outcome, free));
            let mut free = [None; 7];
            let mut taken = [None; 7];
            if state.is_over() {
                (free[0], free[1]) = (Some(Authorized), Some(Captured));
                taken[1] = Some(Surplus);
            }
            assert_eq!((late(true), late(false)), (free, taken), "{state:?}");
            for there in free.into_iter().chain(taken).flatten() {
                assert!(state.leads_to(there), "{state:?} {there:?}");
            }
        }
    }

    #[test]
    fn names_are_read_back() {
        for state in PaymentState::ALL {
            assert_eq!(PaymentState::from_name(state.name()), Some(state));
        }
        for state in RefundState::ALL {
            assert_eq!(RefundState::from_name(state.name()), Some(state));
        }
    }

    #[test]
    fn refunds_show_in_the_status_alone() {
        let status = |refunded| Captured.status(Amounts { authorized: 10, captured: 8, refunded });
        assert_eq!(status(0), PaymentStatus::Captured);
        assert_eq!(status(7), PaymentStatus::PartiallyRefunded);
        assert_eq!(status(8), PaymentStatus::Refunded);
        let nothing = Amounts { authorized: 0, captured: 0, refunded: 0 };
        assert_eq!(Voiding.status(nothing), PaymentStatus::Pending);
        assert_eq!(Voiding.status(Amounts { authorized: 1, ..nothing }), PaymentStatus::Authorized);
        assert_eq!(Unavailable.status(nothing), PaymentStatus::Failed);
    }
}
