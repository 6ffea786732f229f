//! Chance that is the same on every machine and in every release: the demo data of today is the
//! demo data of next year. (Generators of libraries may change between versions.)

/// SplitMix64, as Steele, Lea and Flood describe it (OOPSLA 2014).
pub struct Random(u64);

impl Random {
    /// The numbers of one stream; the same stream gives the same numbers.
    pub fn new(stream: u64) -> Self {
        Self(stream)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 when there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        let bits = self.bits() >> 33;
        // 31 bits: they fit every usize, and the bounds here are small.
        usize::try_from(bits).unwrap_or_default().checked_rem(bound).unwrap_or_default()
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = usize::try_from(high.saturating_sub(low)).unwrap_or_default().saturating_add(1);
        low.saturating_add(i64::try_from(self.below(span)).unwrap_or_default())
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of these.
    pub fn pick<T: Copy + Default>(&mut self, items: &[T]) -> T {
        items.get(self.below(items.len())).copied().unwrap_or_default()
    }

    /// One of the words that bars part.
    pub fn word<'a>(&mut self, words: &'a str) -> &'a str {
        let count = words.split('|').count();
        words.split('|').nth(self.below(count)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_paper() {
        let mut random = Random::new(1_234_567);
        assert_eq!(random.bits(), 6_457_827_717_110_365_317);
        assert_eq!(random.bits(), 3_203_168_211_198_807_973);
        assert_eq!(random.bits(), 9_817_491_932_198_370_423);
    }

    #[test]
    fn numbers_keep_their_bounds() {
        let mut random = Random::new(7);
        for _ in 0..1_000 {
            assert!((3..=5).contains(&random.between(3, 5)));
            assert!(random.below(4) < 4);
        }
        assert_eq!(random.pick::<&str>(&[]), "");
    }
}
