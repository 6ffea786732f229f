//! The text that full-text search reads, folded here so that SQLite and Postgres, which cut words
//! differently by themselves, find the same products.

use crate::text::fold;

/// The folded text of one product, a row of `product_search`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText {
    /// Name and SKUs: a hit here counts for more.
    pub title: String,
    /// Description and variant names.
    pub body: String,
}

/// The search text of a product, of its variants' SKUs and names.
pub fn search_text<'a>(
    name: &'a str,
    description: &'a str,
    variants: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> SearchText {
    let skus = variants.clone().map(|(sku, _)| sku);
    let names = variants.map(|(_, name)| name);
    SearchText {
        title: fold_all(std::iter::once(name).chain(skus)),
        body: fold_all(std::iter::once(description).chain(names)),
    }
}

fn fold_all<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let folded: Vec<String> = texts.map(fold).filter(|text| !text.is_empty()).collect();
    folded.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_skus_make_the_title_and_the_rest_the_body() {
        let variants = [("TEA-1", "Green"), ("TEA-2", "")];
        let text = search_text("Tea", "Good tea.", variants.iter().copied());
        assert_eq!(text.title, "tea tea 1 tea 2");
        assert_eq!(text.body, "good tea green");
    }
}
