//! Postal addresses: what one is made of, apart from any database.

use crate::country::Country;
use crate::validation::{Problem, ProblemKind, optional_line, required_line};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Addresses of one account at most.
pub const MAX_ADDRESSES: u64 = 50;
const MAX_NAME_CHARS: usize = 200;
const MAX_LINE_CHARS: usize = 200;
const MAX_PLACE_CHARS: usize = 100;
const MAX_POSTAL_CODE_CHARS: usize = 20;

/// Where a letter arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostalAddress {
    /// Who receives there.
    pub name: String,
    /// Street and number.
    pub line1: String,
    /// What else is needed to find the door.
    pub line2: Option<String>,
    /// The town.
    pub city: String,
    /// State, province or the like.
    pub region: Option<String>,
    /// Empty where the country has none.
    pub postal_code: String,
    /// The country.
    pub country: Country,
}

impl PostalAddress {
    /// The address without what surrounds its parts, when all of them can stand on a label.
    ///
    /// # Errors
    /// Everything that is wrong, each at its field.
    pub fn checked(self) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |read: Result<String, Problem>| {
            read.unwrap_or_else(|problem| {
                problems.push(problem);
                String::new()
            })
        };
        let filled = |text: String| (!text.is_empty()).then_some(text);
        let name = keep(required_line("name", &self.name, MAX_NAME_CHARS));
        let line1 = keep(required_line("line1", &self.line1, MAX_LINE_CHARS));
        let line2 = self.line2.unwrap_or_default();
        let line2 = filled(keep(optional_line("line2", &line2, MAX_LINE_CHARS)));
        let city = keep(required_line("city", &self.city, MAX_PLACE_CHARS));
        let region = self.region.unwrap_or_default();
        let region = filled(keep(optional_line("region", &region, MAX_PLACE_CHARS)));
        let postal_code =
            keep(optional_line("postalCode", &self.postal_code, MAX_POSTAL_CODE_CHARS));
        if self.postal_code.trim().is_empty() && self.country.has_postal_codes() {
            let message = format!("An address in {} has a postal code.", self.country.code());
            problems.push(Problem::new(ProblemKind::Required, ["postalCode"], message));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let country = self.country;
        Ok(Self { name, line1, line2, city, region, postal_code, country })
    }
}

/// An address in an account's address book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The key.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// Where it is.
    pub postal: PostalAddress,
    /// Whether orders go there unless another one is named.
    pub is_default_shipping: bool,
    /// Whether invoices go there unless another one is named.
    pub is_default_billing: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(postal_code: &str, country: &str) -> PostalAddress {
        PostalAddress {
            name: " Ada Byron ".to_owned(),
            line1: "12 St James's Square".to_owned(),
            line2: Some("  ".to_owned()),
            city: "London".to_owned(),
            region: None,
            postal_code: postal_code.to_owned(),
            country: Country::from_code(country).unwrap(),
        }
    }

    #[test]
    fn a_good_address_loses_what_surrounds_its_parts() {
        let checked = address(" SW1Y 4JH ", "GB").checked().unwrap();
        assert_eq!(
            (checked.name.as_str(), checked.postal_code.as_str()),
            ("Ada Byron", "SW1Y 4JH")
        );
        assert_eq!(checked.line2, None);
    }

    #[test]
    fn a_postal_code_is_needed_where_there_are_some() {
        let problems = address(" ", "GB").checked().unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].path, ["postalCode"]);
        assert!(address("", "HK").checked().is_ok());
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let wrong = PostalAddress {
            name: "A\u{202e}da".to_owned(),
            line1: String::new(),
            city: "x".repeat(101),
            region: Some("a\nb".to_owned()),
            ..address("1", "DE")
        };
        let problems = wrong.checked().unwrap_err();
        let paths: Vec<&str> = problems.iter().map(|problem| problem.path[0].as_str()).collect();
        assert_eq!(paths, ["name", "line1", "city", "region"]);
    }
}
