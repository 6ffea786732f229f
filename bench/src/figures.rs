//! Arithmetic on figures, and how they are written.

/// A count as a number that can be divided.
#[expect(clippy::as_conversions, reason = "counts are far below 2^53")]
#[must_use]
pub fn real(count: u64) -> f64 {
    count as f64
}

/// The middle one, or the mean of the two in the middle. None of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2)?;
    match sorted.len() % 2 {
        1 => Some(*upper),
        _ => sorted.get(sorted.len() / 2 - 1).map(|lower| f64::midpoint(*lower, *upper)),
    }
}

/// With three digits that count: `0.123`, `12.3`, `1,234`.
#[must_use]
pub fn short(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    match text.parse::<i64>() {
        Ok(whole) if decimals == 0 => grouped(whole),
        _ => text,
    }
}

/// The same, or a dash when there is none.
#[must_use]
pub fn short_or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), short)
}

fn grouped(whole: i64) -> String {
    let digits = whole.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if whole < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[f64::NAN, 5.0]), Some(5.0));
    }

    #[test]
    fn numbers_have_three_digits_that_count() {
        assert_eq!(short(0.1234), "0.123");
        assert_eq!(short(1.234), "1.23");
        assert_eq!(short(12.34), "12.3");
        assert_eq!(short(1_234_567.8), "1,234,568");
        assert_eq!(short(123.4), "123");
    }
}
