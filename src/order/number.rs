//! Numbers of orders: for people, who read them out on the telephone. They tell nobody how much is
//! sold.

use crate::order::OrderKind;
use rand::RngExt;

/// Digits and letters without those that are taken for others (Crockford's base 32).
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A number that is most likely free: one of 2^40 of its kind.
#[must_use]
pub fn random(kind: OrderKind) -> String {
    let prefix = match kind {
        OrderKind::Sale => "SO",
        OrderKind::Purchase => "PO",
    };
    let mut rng = rand::rng();
    let mut digits = || -> String {
        (0..4)
            .filter_map(|_| DIGITS.get(rng.random_range(0..32_usize)))
            .map(|d| char::from(*d))
            .collect()
    };
    format!("{prefix}-{}-{}", digits(), digits())
}

/// A number as somebody wrote it: in small letters, with look-alikes, with blanks in place of
/// hyphens.
#[must_use]
pub fn read(text: &str) -> String {
    let text = text.trim().to_uppercase();
    let Some((prefix, digits)) = text.split_at_checked(2) else { return text };
    let plain = digits.chars().map(|c| match c {
        'O' => '0',
        'I' | 'L' => '1',
        ' ' => '-',
        c => c,
    });
    prefix.chars().chain(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_survives_being_read_out() {
        let number = random(OrderKind::Sale);
        assert!(number.len() == 12 && number.starts_with("SO-"), "{number}");
        assert_eq!(read(&number.to_lowercase()), number);
        assert_eq!(read(" so 10ol-zzzz "), "SO-1001-ZZZZ");
        assert_eq!(read("S"), "S");
        assert!(random(OrderKind::Purchase).starts_with("PO-"));
    }
}
