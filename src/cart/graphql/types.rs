//! What clients see of carts.

use crate::account::graphql::User;
use crate::account::loader::AccountLoaders;
use crate::cart::loader::CartLoaders;
use crate::cart::{self, Contents, LineProblem};
use crate::catalog::graphql::ProductVariant;
use crate::catalog::loader::CatalogLoaders;
use crate::graphql::node_id::part_id;
use crate::graphql::scalars::{BigInt, CountryCode, CurrencyCode, DateTime, Money};
use crate::graphql::{Fault, NodeKind};
use crate::money;
use crate::stock::graphql::pieces;
use async_graphql::{Context, ID, Object, SimpleObject, Union};
use std::sync::Arc;

/// What stands before the underscore in the id of a line.
const LINE_PREFIX: &str = "cartline";

/// What someone means to buy.
pub struct Cart(pub Arc<cart::Cart>);

impl Cart {
    async fn contents(&self, ctx: &Context<'_>) -> Result<Arc<Contents>, Fault> {
        let contents = ctx.data_unchecked::<CartLoaders>().contents.get(self.0.id).await?;
        // It was bought or merged between two looks.
        contents.ok_or_else(|| Fault::bad_user_input("The cart is not there any more."))
    }

    async fn money(
        &self,
        ctx: &Context<'_>,
        amount: fn(&cart::Quote) -> i64,
    ) -> Result<Money, Fault> {
        let contents = self.contents(ctx).await?;
        Ok(contents.quote.money(amount(&contents.quote)).into())
    }
}

/// What someone means to buy, priced at the moment of reading: prices, taxes and what is in stock
/// are those of now. A guest's cart is there for whoever knows its id, which is a secret; a
/// customer's for that customer alone. Reading one never fails because of a line: `problems` says
/// what is wrong. All amounts are before tax but for `taxTotal` and `total`.
#[Object]
impl Cart {
    /// The opaque id, for `node`. That of a guest's cart is a secret: whoever knows it can change
    /// the cart.
    pub async fn id(&self) -> ID {
        NodeKind::Cart.id(self.0.id)
    }

    /// What is in it, a line each variant, in the order of adding: at most 100.
    async fn lines(&self, ctx: &Context<'_>) -> Result<Vec<CartLine>, Fault> {
        let contents = self.contents(ctx).await?;
        let lines = 0..contents.quote.lines.len();
        Ok(lines.filter_map(|index| CartLine::of(&contents, index)).collect())
    }

    /// How many pieces are in it.
    async fn item_count(&self, ctx: &Context<'_>) -> Result<i32, Fault> {
        let contents = self.contents(ctx).await?;
        Ok(pieces(contents.quote.lines.iter().map(|line| line.quantity).sum()))
    }

    /// The currency of all its amounts.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.currency)
    }

    /// Where the goods go; null until `cartDeliverySet` has said it.
    async fn destination(&self) -> Option<CartDestination> {
        self.0.destination.clone().map(|place| CartDestination {
            country: CountryCode(place.country),
            region: place.region,
            postal_code: place.postal_code,
        })
    }

    /// How the goods are sent; null until `cartDeliverySet` has said it, and when what was chosen is
    /// not offered any more.
    async fn shipping_method(&self, ctx: &Context<'_>) -> Result<Option<ShippingMethod>, Fault> {
        let contents = self.contents(ctx).await?;
        let method = contents.quote.shipping_method.clone();
        Ok(method.map(|method| ShippingMethod { method, currency: self.0.currency }))
    }

    /// The ways in which these goods can be sent to where they go, or to anywhere while that is not
    /// known, each with its price for them.
    async fn shipping_methods(&self, ctx: &Context<'_>) -> Result<Vec<ShippingMethod>, Fault> {
        let contents = self.contents(ctx).await?;
        let methods = contents.quote.shipping_methods.iter().cloned();
        let currency = self.0.currency;
        Ok(methods.map(|method| ShippingMethod { method, currency }).collect())
    }

    /// What the goods cost, before tax. Lines that are not sold any more are not in it.
    async fn subtotal(&self, ctx: &Context<'_>) -> Result<Money, Fault> {
        self.money(ctx, |quote| quote.subtotal).await
    }

    /// What sending them costs, before tax; 0 until the method is chosen.
    async fn shipping_total(&self, ctx: &Context<'_>) -> Result<Money, Fault> {
        self.money(ctx, |quote| quote.shipping_total).await
    }

    /// The tax on the goods and on sending them, each line's rounded half to even; 0 until it is
    /// known where they go.
    async fn tax_total(&self, ctx: &Context<'_>) -> Result<Money, Fault> {
        self.money(ctx, |quote| quote.tax_total).await
    }

    /// `subtotal + shippingTotal + taxTotal`, exactly.
    async fn total(&self, ctx: &Context<'_>) -> Result<Money, Fault> {
        self.money(ctx, |quote| quote.total).await
    }

    /// Whether the total shown is the total charged: something is in it, destination and method are
    /// known, the tax there is known, and no problem stands in the way but a changed price.
    async fn total_is_final(&self, ctx: &Context<'_>) -> Result<bool, Fault> {
        Ok(self.contents(ctx).await?.quote.is_final())
    }

    /// What the buyer should know about lines before buying.
    async fn problems(&self, ctx: &Context<'_>) -> Result<Vec<CartProblem>, Fault> {
        let contents = self.contents(ctx).await?;
        let problems = contents.quote.problems.iter();
        Ok(problems.filter_map(|problem| CartProblem::of(&contents, problem)).collect())
    }

    /// Rises with each change; give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version)
    }

    /// From then on the cart is gone. Each change puts it off.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.0.expires_at)
    }

    /// Whose it is; null for a guest's.
    async fn customer(&self, ctx: &Context<'_>) -> Option<Result<User, Fault>> {
        let customer = self.0.customer_id?;
        let found = ctx.data_unchecked::<AccountLoaders>().user.get(customer).await;
        found.map(|user| user.map(User)).transpose()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it was changed last.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

/// Where the goods of a cart go: as much of an address as their price depends on.
#[derive(SimpleObject)]
pub struct CartDestination {
    /// The country.
    country: CountryCode,
    /// State, province or the like; null where there is none.
    region: Option<String>,
    /// The postal code; null where there is none.
    postal_code: Option<String>,
}

/// A variant in a cart.
pub struct CartLine {
    line: cart::PricedLine,
    currency: money::Currency,
}

impl CartLine {
    fn of(contents: &Contents, index: usize) -> Option<Self> {
        let line = contents.quote.lines.get(index)?.clone();
        Some(Self { line, currency: contents.quote.currency })
    }

    fn money(&self, minor: i64) -> Money {
        money::Money { minor, currency: self.currency }.into()
    }
}

/// A variant in a cart, with how many of it.
#[Object]
impl CartLine {
    /// The opaque id. It stays the same while the variant is in the cart.
    async fn id(&self) -> ID {
        part_id(LINE_PREFIX, self.line.line_id.unwrap_or_default())
    }

    /// What it is. It is there also when it is not sold any more.
    async fn variant(&self, ctx: &Context<'_>) -> Result<ProductVariant, Fault> {
        let loaders = ctx.data_unchecked::<CatalogLoaders>();
        let variant = loaders.variant_in_use.get(self.line.variant_id).await?;
        // A line keeps its variant from being deleted: only together do they go.
        let gone = || Fault::bad_user_input("The line is not there any more.");
        variant.map(ProductVariant::in_use).ok_or_else(gone)
    }

    /// How many, from 1 to 999.
    async fn quantity(&self) -> i32 {
        pieces(self.line.quantity)
    }

    /// What one costs now, flash sale included, before tax; what it last cost when it is not sold any more.
    async fn unit_price(&self) -> Money {
        self.money(self.line.unit_price)
    }

    /// What all of them cost, before tax; 0 when it is not sold any more.
    async fn line_total(&self) -> Money {
        self.money(self.line.line_total)
    }

    /// The tax on `lineTotal`, rounded half to even; 0 until it is known where the goods go.
    async fn tax_total(&self) -> Money {
        self.money(self.line.tax)
    }
}

/// A way in which goods can be sent, with its price for them.
pub struct ShippingMethod {
    /// The method.
    pub method: cart::ShippingMethod,
    /// The currency of its price.
    pub currency: money::Currency,
}

/// A way in which goods can be sent, with its price for them.
#[Object]
impl ShippingMethod {
    /// Names it in inputs, such as `standard`.
    async fn code(&self) -> &str {
        &self.method.code
    }

    /// The display name.
    async fn name(&self) -> &str {
        &self.method.name
    }

    /// More for people; empty when there is nothing to say.
    async fn description(&self) -> &str {
        &self.method.description
    }

    /// What it costs for these goods, before tax.
    async fn price(&self) -> Money {
        money::Money { minor: self.method.price, currency: self.currency }.into()
    }
}

/// Something that the buyer should know about a line.
#[derive(Union)]
pub enum CartProblem {
    /// Fewer are available.
    InsufficientStock(InsufficientStockProblem),
    /// More than one can have in a flash sale.
    FlashSaleLimit(FlashSaleLimitProblem),
    /// It costs something else.
    PriceChanged(PriceChangedProblem),
    /// It is not sold any more.
    VariantUnavailable(VariantUnavailableProblem),
}

/// There are fewer than the line asks for: it cannot be bought until its quantity is lowered, or more
/// come in.
#[derive(SimpleObject)]
pub struct InsufficientStockProblem {
    /// The line.
    line: CartLine,
    /// How many there are.
    available: i32,
}

/// The variant is in a flash sale, and the line asks for more than the buyer can have at its price:
/// fewer are left of its share, or the limit per customer is in the way. It cannot be bought until
/// its quantity is lowered, or the sale is over. A guest's earlier orders count only at the checkout,
/// by the e-mail address.
#[derive(SimpleObject)]
pub struct FlashSaleLimitProblem {
    /// The line.
    line: CartLine,
    /// How many the buyer can have; 0 when they had all of theirs.
    maximum: i32,
}

/// One piece costs something else than when the line was last added to or set. It can be bought at
/// the new price.
#[derive(SimpleObject)]
pub struct PriceChangedProblem {
    /// The line.
    line: CartLine,
    /// What one cost.
    old_price: Money,
    /// What one costs now.
    new_price: Money,
}

/// The variant is not sold any more, or not in the currency of the cart: the line cannot be bought.
#[derive(SimpleObject)]
pub struct VariantUnavailableProblem {
    /// The line.
    line: CartLine,
}

impl CartProblem {
    fn of(contents: &Contents, problem: &cart::CartProblem) -> Option<Self> {
        let line = CartLine::of(contents, problem.line)?;
        Some(match problem.problem {
            LineProblem::InsufficientStock { available } => {
                // Never less than none, whatever was taken in at the back.
                let available = pieces(available.max(0));
                Self::InsufficientStock(InsufficientStockProblem { line, available })
            }
            LineProblem::FlashSaleLimit { maximum } => {
                let maximum = pieces(maximum);
                Self::FlashSaleLimit(FlashSaleLimitProblem { line, maximum })
            }
            LineProblem::PriceChanged { old, new } => {
                let (old_price, new_price) = (line.money(old), line.money(new));
                Self::PriceChanged(PriceChangedProblem { line, old_price, new_price })
            }
            LineProblem::Unavailable => {
                Self::VariantUnavailable(VariantUnavailableProblem { line })
            }
        })
    }
}
