//! What goods cost now, going where they go: made of the rows of one moment, without asking
//! anything else.

use crate::cart::delivery::rate_for;
use crate::cart::pricing::{self, Goods, Terms, TooMuch};
use crate::cart::{Destination, Item, ShippingMethod, ShippingSettings, TaxRate};
use crate::catalog::VariantOption;
use crate::flash_sale::{FlashSale, Take};
use crate::money::{Currency, Money};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// A line with its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedLine {
    /// The line of a cart that it is; None when it comes from elsewhere.
    pub line_id: Option<Uuid>,
    /// The variant.
    pub variant_id: Uuid,
    /// Its SKU.
    pub sku: String,
    /// The name of its product.
    pub product_name: String,
    /// Its own name, next to the product's; may be empty.
    pub variant_name: String,
    /// What tells it from the other variants.
    pub options: Vec<VariantOption>,
    /// How many.
    pub quantity: i64,
    /// What one costs, in minor units. Of what is not sold: what it last cost.
    pub unit_price: i64,
    /// What all of them cost, before tax; 0 of what is not sold.
    pub line_total: i64,
    /// The rate of the tax on it, in millionths; 0 while that is not known.
    pub tax_rate_ppm: i64,
    /// The tax on it.
    pub tax: i64,
    /// The flash sale whose price it has; None: the list price.
    pub flash_sale: Option<OnSale>,
}

/// The flash sale that decided a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnSale {
    /// Which one.
    pub sale_id: Uuid,
    /// Its version when the price was read.
    pub version: i64,
}

/// Something that the buyer has to know about a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CartProblem {
    /// Which of the quote's lines, from 0.
    pub line: usize,
    /// What it is.
    pub problem: LineProblem,
}

/// What is the matter with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineProblem {
    /// There are fewer than the buyer wants.
    InsufficientStock {
        /// How many there are.
        available: i64,
    },
    /// It is in a flash sale, and the buyer wants more than they can have at its price: fewer are
    /// left, or the limit per customer is in the way.
    FlashSaleLimit {
        /// How many they can have.
        maximum: i64,
    },
    /// One piece costs something else than when the line was last set.
    PriceChanged {
        /// What it cost, in minor units.
        old: i64,
        /// What it costs.
        new: i64,
    },
    /// It is not sold any more: not at all, not in this currency, or not for an amount that a line
    /// can have.
    Unavailable,
}

impl LineProblem {
    /// Whether nothing can be bought with it in the way. A price that has changed is the price.
    #[must_use]
    pub fn blocks(&self) -> bool {
        !matches!(self, Self::PriceChanged { .. })
    }
}

/// What goods cost now. All amounts are minor units of one currency;
/// `subtotal + shipping_total + tax_total = total`, exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The currency of all amounts.
    pub currency: Currency,
    /// The lines, in their order.
    pub lines: Vec<PricedLine>,
    /// Where they go, once that is known.
    pub destination: Option<Destination>,
    /// How they are sent; None while it is not chosen, or when what was chosen is not offered.
    pub shipping_method: Option<ShippingMethod>,
    /// The ways in which they can be sent, in display order.
    pub shipping_methods: Vec<ShippingMethod>,
    /// The tax there; None while it is not known.
    pub tax_rate: Option<TaxRate>,
    /// The sum of the lines, before tax.
    pub subtotal: i64,
    /// What sending them costs, before tax; 0 when nothing is sent.
    pub shipping_total: i64,
    /// The tax on that.
    pub shipping_tax: i64,
    /// All tax, that on shipping included.
    pub tax_total: i64,
    /// What the buyer pays.
    pub total: i64,
    /// What the buyer has to know about lines, in their order.
    pub problems: Vec<CartProblem>,
    /// The flash sales that run and of which nothing is left, where a line has the list price only
    /// because of that.
    pub sold_out: Vec<Uuid>,
}

impl Quote {
    /// Whether the total shown is the total charged: there is something to send, it is known where
    /// it goes, how, and what the tax is there, and no line is in the way.
    #[must_use]
    pub fn is_final(&self) -> bool {
        let blocked = self.problems.iter().any(|problem| problem.problem.blocks());
        let complete =
            self.destination.is_some() && self.shipping_method.is_some() && self.tax_rate.is_some();
        complete && !blocked && !self.lines.is_empty()
    }

    /// What its lines take of flash sales.
    #[must_use]
    pub fn takes(&self) -> Vec<Take> {
        let take = |line: &PricedLine| {
            let OnSale { sale_id, version } = line.flash_sale?;
            let (sku, quantity) = (line.sku.clone(), line.quantity);
            Some(Take { sale_id, version, sku, quantity })
        };
        self.lines.iter().filter_map(take).collect()
    }

    /// An amount of it as money.
    #[must_use]
    pub fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }
}

/// What is known of a variant to price it.
#[derive(Debug, Clone)]
pub(crate) struct Ware {
    pub id: Uuid,
    pub sku: String,
    pub product_name: String,
    pub name: String,
    pub options: Vec<VariantOption>,
    /// Whether it and its product are for sale.
    pub is_sold: bool,
    /// List prices.
    pub prices: Vec<Money>,
    /// The flash sale that runs now.
    pub sale: Option<Arc<FlashSale>>,
}

impl Ware {
    /// What a buyer pays for one now; None when it is not sold, or not in this currency.
    pub fn price(&self, currency: Currency) -> Option<i64> {
        let sold = |sale: (&FlashSale, i64)| sale.1;
        self.on_sale(currency).map(sold).or_else(|| self.list_price(currency).map(|it| it.minor))
    }

    fn list_price(&self, currency: Currency) -> Option<Money> {
        let price = self.prices.iter().find(|price| price.currency == currency);
        price.filter(|_| self.is_sold).copied()
    }

    /// The flash sale whose price a buyer pays now, with that price.
    fn on_sale(&self, currency: Currency) -> Option<(&FlashSale, i64)> {
        let sale = self.sale.as_deref()?;
        let price = sale.price_below(self.list_price(currency)?)?;
        Some((sale, price.minor))
    }

    /// The flash sale whose price a buyer would pay were anything left of it.
    fn sold_out(&self, currency: Currency) -> Option<Uuid> {
        let (sale, list) = (self.sale.as_deref()?, self.list_price(currency)?);
        sale.is_sold_out(list).then_some(sale.id)
    }
}

/// The rows that quotes are made of, read in one go for any number of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub wares: HashMap<Uuid, Ware>,
    /// Pieces that can be sold, of each variant; None: nobody asked, the reservation will tell.
    pub available: Option<HashMap<Uuid, i64>>,
    /// Pieces that the buyer has of each flash sale; None: nobody asked, the taking will tell.
    pub had: Option<HashMap<Uuid, i64>>,
    pub methods: Vec<ShippingSettings>,
    pub rates: Vec<TaxRate>,
}

/// What is to be priced.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub currency: Currency,
    pub items: &'a [Item],
    pub destination: Option<&'a Destination>,
    pub method: Choice<'a>,
}

/// How goods are to be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Choice<'a> {
    /// Nobody has said.
    Open,
    /// In this way, if it is offered.
    This(&'a str),
    /// In the cheapest way there is; the first of equals.
    Cheapest,
}

/// Prices goods by these rows.
pub(crate) fn assemble(ask: &Ask<'_>, facts: &Facts) -> Result<Quote, TooMuch> {
    let mut lines: Vec<PricedLine> = Vec::with_capacity(ask.items.len());
    let (mut problems, mut sold_out) = (Vec::new(), Vec::new());
    // Lines that count, by their place among all.
    let mut counted: Vec<(usize, Goods)> = Vec::with_capacity(ask.items.len());
    for (index, item) in ask.items.iter().enumerate() {
        let ware = facts.wares.get(&item.variant_id);
        let price = ware.and_then(|ware| ware.price(ask.currency));
        let goods = price.map(|unit_price| Goods { unit_price, quantity: item.quantity });
        let goods = goods.filter(|goods| pricing::line_total(*goods).is_some());
        let sale = ware.and_then(|ware| ware.on_sale(ask.currency)).map(|(sale, _)| sale);
        let sale = sale.filter(|_| goods.is_some());
        lines.push(unpriced(item, ware, price, sale));
        let found = problems_of(item, goods, sale, facts);
        problems.extend(found.into_iter().map(|problem| CartProblem { line: index, problem }));
        counted.extend(goods.map(|goods| (index, goods)));
        sold_out.extend(ware.and_then(|ware| ware.sold_out(ask.currency)));
    }
    let goods: Vec<Goods> = counted.iter().map(|(_, goods)| *goods).collect();
    let subtotal = pricing::subtotal(&goods)?;
    let offer = |method: &ShippingSettings| method.offer((ask.currency, subtotal), ask.destination);
    let shipping_methods: Vec<ShippingMethod> = facts.methods.iter().filter_map(offer).collect();
    let shipping_method = match ask.method {
        Choice::Open => None,
        Choice::This(code) => shipping_methods.iter().find(|method| method.code == code),
        Choice::Cheapest => shipping_methods.iter().min_by_key(|method| method.price),
    };
    let tax_rate = ask.destination.and_then(|place| rate_for(&facts.rates, place));
    let is_sent = !goods.is_empty();
    let terms = Terms {
        shipping: shipping_method.filter(|_| is_sent).map_or(0, |method| method.price),
        rate_ppm: tax_rate.map_or(0, |rate| rate.rate_ppm),
        taxes_shipping: tax_rate.is_some_and(|rate| rate.taxes_shipping),
    };
    let amounts = pricing::price(&goods, &terms)?;
    for ((index, _), amounts) in counted.iter().zip(&amounts.lines) {
        if let Some(line) = lines.get_mut(*index) {
            line.line_total = amounts.total;
            line.tax = amounts.tax;
            line.tax_rate_ppm = terms.rate_ppm;
        }
    }
    Ok(Quote {
        currency: ask.currency,
        lines,
        destination: ask.destination.cloned(),
        shipping_method: shipping_method.cloned(),
        tax_rate: tax_rate.cloned(),
        subtotal: amounts.subtotal,
        shipping_total: amounts.shipping,
        shipping_tax: amounts.shipping_tax,
        tax_total: amounts.tax,
        total: amounts.total,
        problems,
        shipping_methods,
        sold_out,
    })
}

fn unpriced(
    item: &Item,
    ware: Option<&Ware>,
    price: Option<i64>,
    sale: Option<&FlashSale>,
) -> PricedLine {
    PricedLine {
        line_id: item.line_id,
        variant_id: item.variant_id,
        sku: ware.map(|ware| ware.sku.clone()).unwrap_or_default(),
        product_name: ware.map(|ware| ware.product_name.clone()).unwrap_or_default(),
        variant_name: ware.map(|ware| ware.name.clone()).unwrap_or_default(),
        options: ware.map(|ware| ware.options.clone()).unwrap_or_default(),
        quantity: item.quantity,
        unit_price: price.or(item.seen_price).unwrap_or_default(),
        line_total: 0,
        tax_rate_ppm: 0,
        tax: 0,
        flash_sale: sale.map(|sale| OnSale { sale_id: sale.id, version: sale.version }),
    }
}

fn problems_of(
    item: &Item,
    goods: Option<Goods>,
    sale: Option<&FlashSale>,
    facts: &Facts,
) -> Vec<LineProblem> {
    let Some(goods) = goods else { return vec![LineProblem::Unavailable] };
    let new = goods.unit_price;
    let changed = item.seen_price.filter(|old| *old != new);
    let available = facts
        .available
        .as_ref()
        .map(|all| all.get(&item.variant_id).copied().unwrap_or_default())
        .filter(|available| *available < item.quantity);
    let short = available.map(|available| LineProblem::InsufficientStock { available });
    let most = sale
        .zip(facts.had.as_ref())
        .map(|(sale, had)| sale.most(had.get(&sale.id).copied().unwrap_or_default()));
    let limited = most.filter(|maximum| *maximum < item.quantity);
    let limited = limited.map(|maximum| LineProblem::FlashSaleLimit { maximum });
    let changed = changed.map(|old| LineProblem::PriceChanged { old, new });
    [short, limited, changed].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
