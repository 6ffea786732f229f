//! Countries by their ISO 3166-1 alpha-2 codes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The officially assigned codes, in order.
const CODES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL \
    BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE \
    DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ \
    GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM \
    KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ \
    MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN \
    PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY \
    SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF \
    WS YE YT ZA ZM ZW";

/// Where letters arrive without a postal code: these have none, or hardly anyone uses it.
const WITHOUT_POSTAL_CODES: &str = "AE AG AO AW BF BI BJ BO BQ BS BW BZ CD CF CG CI CK CM CW DJ DM \
    ER FJ GA GD GH GM GQ GY HK IE JM KI KM KN KP LC LY ML MO MR MW NR NU PA QA RW SB SC SL SO SR \
    ST SX SY TD TG TK TL TO TT TV TZ UG VU WS YE ZW";

/// A country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Country(&'static str);

impl Country {
    /// A user-assigned code of the standard that stands for no country that is known here.
    pub const UNKNOWN: Self = Self("ZZ");

    /// The country with this code, in capital letters.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        CODES.split_ascii_whitespace().find(|known| *known == code).map(Self)
    }

    /// Its code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0
    }

    /// Whether an address there has a postal code.
    #[must_use]
    pub fn has_postal_codes(self) -> bool {
        !WITHOUT_POSTAL_CODES.split_ascii_whitespace().any(|code| code == self.0)
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::from_code(&code).ok_or_else(|| serde::de::Error::custom("unknown country"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_of_the_standard_is_there_once_and_in_order() {
        let codes: Vec<&str> = CODES.split_ascii_whitespace().collect();
        assert_eq!(codes.len(), 249);
        assert!(codes.iter().all(|code| code.len() == 2));
        assert!(codes.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn a_code_names_its_country_and_nothing_else_does() {
        assert_eq!(Country::from_code("DE").map(Country::code), Some("DE"));
        for text in ["", "de", "D", "DEU", "XX", "UK", "DE AT", " "] {
            assert_eq!(Country::from_code(text), None, "{text}");
        }
    }

    #[test]
    fn those_without_postal_codes_are_countries() {
        for code in WITHOUT_POSTAL_CODES.split_ascii_whitespace() {
            assert!(!Country::from_code(code).unwrap().has_postal_codes());
        }
        assert!(Country::from_code("US").unwrap().has_postal_codes());
    }
}
