//! Products beyond the showcase, made up from the words of their shelf: enough for 100,000 that
//! read like a shop's, each decided by its index alone.

use crate::seed::product::{Draft, Stock, VariantDraft, shelf};
use crate::seed::random::Random;
use crate::seed::words::{self, Choice, Line};

/// The product with this index.
pub fn draft(index: u64) -> Draft {
    // Its own stream: products do not depend on those before them.
    let mut random = Random::new(index.wrapping_add(0x5eed_0000_0000));
    let (root, _) = shelf(index);
    let lines = words::lines(root.prefix);
    let Some(line) = lines.get(random.below(lines.len())) else {
        // Every shelf has lines; a test goes through them.
        return Draft::default();
    };
    let [first, second, third] =
        [line.first, line.second, line.third].map(|words| random.word(words));
    let name = [first, second, third].join(" ").trim_end().to_owned();
    let (cheapest, dearest) = line.euros;
    let euro_cents = random.between(cheapest, dearest) * 100 - 10;
    Draft {
        category: line.category,
        name,
        slug: None,
        description: description(line, [first, second, third], &mut random),
        in_dinars: random.percent(15),
        variants: variants(line, euro_cents, &mut random),
    }
}

fn description(line: &Line, [brand, series, thing]: [&str; 3], random: &mut Random) -> String {
    let facts = line.facts.split('|').cycle().skip(random.below(8)).take(2);
    let facts = facts.collect::<Vec<_>>().join(" ");
    if line.by_author {
        let author = [words::GIVEN_NAMES, words::FAMILY_NAMES].map(|names| random.word(names));
        let pages = random.between(9, 60) * 8;
        return format!("By {}. {facts} {pages} pages.", author.join(" "));
    }
    format!("{thing} from the {series} range by {brand}. {facts}")
}

/// One to four variants: along one choice, and of one value of the other if there is one.
fn variants(line: &Line, euro_cents: i64, random: &mut Random) -> Vec<VariantDraft> {
    let along = &line.along;
    let count = 1 + random.below(along.values.len().min(4));
    // Sizes begin with the smallest; colours anywhere.
    let start = if along.dearer_percent > 0 || along.in_order {
        random.below(along.values.len() - count + 1)
    } else {
        random.below(along.values.len())
    };
    let fixed = line.fixed.map(|choice: &Choice| (choice.name, random.pick(choice.values)));
    let values = along.values.iter().cycle().skip(start).take(count);
    let variants = values.zip(0_i64..).map(|(&(value, code), step)| {
        let mut options = vec![(along.name, value)];
        let mut codes = vec![code];
        if let Some((name, (value, code))) = fixed {
            options.insert(0, (name, value));
            codes.insert(0, code);
        }
        let dearer = euro_cents * along.dearer_percent * step / 100;
        VariantDraft {
            code: codes.join("-"),
            options,
            // To the next x.90 again.
            euro_cents: (euro_cents + dearer) / 100 * 100 + 90,
            main: stock(random),
            east: random.percent(33).then(|| stock(random)),
            flash: None,
        }
    });
    variants.collect()
}

/// Most is there, a tenth is low, a twentieth sold out.
fn stock(random: &mut Random) -> Stock {
    let reorder_point = random.between(4, 24);
    let on_hand = match random.below(100) {
        0..5 => 0,
        5..15 => random.between(1, reorder_point),
        _ => reorder_point + random.between(1, 300),
    };
    let sold = if on_hand == 0 || random.percent(40) { random.between(1, 80) } else { 0 };
    Stock { received: on_hand + sold, sold, reorder_point }
}

#[cfg(test)]
mod tests {
    use crate::money::Currency;
    use crate::seed::categories;
    use crate::seed::product::Product;
    use std::collections::HashSet;

    fn products() -> Vec<Product> {
        let euro = Currency::from_code("EUR").unwrap();
        (0..5_000).map(|index| Product::at(index, euro)).collect()
    }

    #[test]
    fn every_product_has_a_name_a_category_and_one_to_four_variants() {
        for product in products() {
            assert!(product.name.len() > 5 && product.description.len() > 40, "{}", product.slug);
            assert!(categories::TREE.iter().any(|node| node.slug == product.category));
            assert!((1..=4).contains(&product.variants.len()), "{}", product.slug);
        }
    }

    #[test]
    fn no_two_share_a_slug_or_a_sku() {
        let (products, mut seen) = (products(), HashSet::new());
        for product in &products {
            assert!(seen.insert(product.slug.as_str()), "{} twice", product.slug);
            for variant in &product.variants {
                assert!(seen.insert(variant.sku.as_str()), "{} twice", variant.sku);
            }
        }
    }

    #[test]
    fn the_first_product_of_electronics_has_the_sku_of_the_examples() {
        let products = products();
        assert_eq!(products[0].variants[0].sku, "ELEC-001-BLK");
        assert_eq!(products[0].category, "electronics");
    }

    #[test]
    fn the_first_products_have_flash_sales_below_their_list_prices_in_every_currency() {
        let products = products();
        let variants = products.iter().flat_map(|product| &product.variants);
        let sales: Vec<_> =
            variants.filter_map(|variant| Some((variant, variant.sale.as_ref()?))).collect();
        assert_eq!(sales.len(), 2);
        for (variant, sale) in sales {
            let list = |code: &str| variant.prices.iter().find(|(other, _)| *other == code);
            assert_eq!(sale.prices.len(), variant.prices.len());
            assert!(
                sale.prices
                    .iter()
                    .all(|(code, price)| list(code).is_some_and(|(_, list)| price < list))
            );
        }
    }

    #[test]
    fn prices_are_positive_and_the_lowest_is_the_lowest() {
        for product in products() {
            let prices = || product.variants.iter().flat_map(|variant| &variant.prices);
            assert!(prices().all(|(_, minor)| *minor > 0), "{}", product.slug);
            let lowest = prices().filter(|(code, _)| *code == "EUR").map(|(_, minor)| *minor).min();
            assert_eq!(lowest, Some(product.lowest_price));
        }
    }

    #[test]
    fn some_stock_is_low_and_some_is_gone() {
        let products = products();
        let levels: Vec<(i64, i64)> = products
            .iter()
            .flat_map(|product| &product.variants)
            .flat_map(|variant| &variant.levels)
            .map(|level| (level.movements.iter().map(|m| m.change).sum(), level.reorder_point))
            .collect();
        let share = |low: &dyn Fn(&(i64, i64)) -> bool| {
            levels.iter().filter(|level| low(level)).count() * 100 / levels.len()
        };
        assert!((2..10).contains(&share(&|(on_hand, _)| *on_hand == 0)));
        assert!((10..25).contains(&share(&|(on_hand, reorder)| on_hand <= reorder)));
        assert!(levels.iter().all(|(on_hand, _)| *on_hand >= 0));
    }

    #[test]
    fn a_shop_of_another_currency_has_prices_in_it() {
        let won = Currency::from_code("KRW").unwrap();
        let product = Product::at(0, won);
        assert_eq!(product.lowest_price, 149);
        assert!(product.variants[0].prices.contains(&("KRW", 149)));
    }
}
