//! What an entry is kept under, and how old and new are told apart.

use crate::events::{EntityChange, EntityKind};
use uuid::Uuid;

/// What an entry is kept under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// What it is.
    pub kind: EntityKind,
    /// Which one.
    pub id: Uuid,
}

/// The age of an entry in changes: the larger is the newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank(u64);

impl Rank {
    /// Of an entity that is not there: older than any version.
    pub const ABSENT: Self = Self(0);
    /// Characters of its text.
    pub const DIGITS: usize = 19;

    /// Of an entity at a version.
    pub fn of_version(version: i64) -> Self {
        Self(u64::try_from(version).map_or(1, |version| version + 1))
    }

    /// As text of fixed length, which sorts as the ranks do: in a script of Redis numbers are
    /// floats and could not tell large versions apart.
    pub fn text(self) -> String {
        format!("{:019}", self.0)
    }

    /// Reads [`Rank::text`] from wherever.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let digits = text.len() == Self::DIGITS && text.iter().all(u8::is_ascii_digit);
        let text = str::from_utf8(text).ok().filter(|_| digits)?;
        text.parse().ok().map(Self)
    }
}

impl From<&EntityChange> for Key {
    fn from(change: &EntityChange) -> Self {
        Self { kind: change.kind, id: change.id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    proptest! {
        #[test]
        fn ranks_sort_as_versions_do_and_so_do_their_texts(one: i64, two in any::<i64>()) {
            let (one, two) = (one.max(0), two.max(0));
            let ranks = (Rank::of_version(one), Rank::of_version(two));
            assert_eq!(ranks.0.cmp(&ranks.1), one.cmp(&two));
            assert_eq!(ranks.0.text().cmp(&ranks.1.text()), one.cmp(&two));
            assert_eq!(Rank::parse(ranks.0.text().as_bytes()), Some(ranks.0));
            assert!(Rank::ABSENT < ranks.0);
        }

        #[test]
        fn a_strange_text_is_no_rank(text: Vec<u8>) {
            if let Some(rank) = Rank::parse(&text) {
                assert_eq!(rank.text().as_bytes(), text);
            }
        }
    }

    #[test]
    fn the_ends_of_the_range_have_texts_of_one_length() {
        for version in [i64::MIN, -1, 0, 1, i64::MAX] {
            assert_eq!(Rank::of_version(version).text().len(), Rank::DIGITS);
        }
    }
}
