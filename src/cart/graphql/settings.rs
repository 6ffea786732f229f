//! Tax rates and shipping methods in the schema: staff see them, administrators set them.

use crate::auth::Permission;
use crate::cart::graphql::{refusal, services};
use crate::cart::{self, CartError, ShippingChange, ShippingPriceAsk, TaxChange};
use crate::graphql::scalars::{BigInt, CountryCode, DateTime, Decimal, Money, MoneyInput};
use crate::graphql::{Auth, Fault, UserError, Warning};
use crate::money;
use async_graphql::{Context, InputObject, Object, SimpleObject};
use rust_decimal::Decimal as Number;

/// Millionths in one percent.
const PPM_PER_PERCENT: u32 = 10_000;

/// The tax on what is sent to a place. The most specific rate of a place counts: that of its region,
/// else that of its country, else that of everywhere else.
#[derive(SimpleObject)]
pub struct TaxRate {
    /// The country; null: everywhere that has no rate of its own.
    country: Option<CountryCode>,
    /// A region of the country, by the second part of its ISO 3166-2 code, such as `CA`; null: the
    /// whole country.
    region: Option<String>,
    /// What the tax is called there, such as `VAT`.
    name: String,
    /// The rate in percent, such as `"19"` or `"7.25"`.
    percent: Decimal,
    /// Whether shipping is taxed as well.
    taxes_shipping: bool,
    /// Rises with each change; give it as `expectedVersion` to change only what you have seen.
    version: BigInt,
    /// When it was changed last.
    updated_at: DateTime,
}

impl From<cart::TaxRate> for TaxRate {
    fn from(rate: cart::TaxRate) -> Self {
        let percent = Number::from(rate.rate_ppm) / Number::from(PPM_PER_PERCENT);
        Self {
            country: rate.country.map(CountryCode),
            region: rate.region,
            name: rate.name,
            percent: Decimal(percent.normalize().to_string()),
            taxes_shipping: rate.taxes_shipping,
            version: BigInt(rate.version),
            updated_at: DateTime(rate.updated_at),
        }
    }
}

/// A way in which goods are sent, as it is set. Buyers see it as ShippingMethod, with the price for
/// their goods.
#[derive(SimpleObject)]
pub struct ShippingMethodSettings {
    /// Names it for ever, such as `standard`.
    code: String,
    /// The display name.
    name: String,
    /// More for people; empty when there is nothing to say.
    description: String,
    /// Where it goes; null: everywhere.
    countries: Option<Vec<CountryCode>>,
    /// Methods are shown in the order of their positions.
    position: i32,
    /// Whether buyers can choose it.
    active: bool,
    /// What it costs. It is not offered in a currency without a price.
    prices: Vec<ShippingPrice>,
    /// Rises with each change; give it as `expectedVersion` to change only what you have seen.
    version: BigInt,
    /// When it was changed last.
    updated_at: DateTime,
}

/// What a shipping method costs from a subtotal on.
#[derive(SimpleObject)]
pub struct ShippingPrice {
    /// The least subtotal that it is for. Of several prices in a currency, that of the highest one
    /// that is reached counts.
    from_subtotal: Money,
    /// The price, before tax.
    price: Money,
}

impl From<cart::ShippingSettings> for ShippingMethodSettings {
    fn from(method: cart::ShippingSettings) -> Self {
        let price = |price: cart::ShippingPrice| {
            let money = |minor| money::Money { minor, currency: price.currency }.into();
            ShippingPrice { from_subtotal: money(price.from_subtotal), price: money(price.price) }
        };
        Self {
            code: method.code,
            name: method.name,
            description: method.description,
            countries: method
                .countries
                .map(|countries| countries.into_iter().map(CountryCode).collect()),
            position: method.position,
            active: method.active,
            prices: method.prices.into_iter().map(price).collect(),
            version: BigInt(method.version),
            updated_at: DateTime(method.updated_at),
        }
    }
}

/// A tax rate to be set.
#[derive(InputObject)]
pub struct TaxRateSetInput {
    /// The country; left out: everywhere that has no rate of its own.
    country: Option<CountryCode>,
    /// A region of the country, by the second part of its ISO 3166-2 code, such as `CA`; left out:
    /// the whole country.
    region: Option<String>,
    /// What the tax is called there, at most 100 characters.
    name: String,
    /// The rate in percent, 0 to 100, with at most 4 decimals.
    percent: Decimal,
    /// Whether shipping is taxed as well.
    #[graphql(default = true)]
    taxes_shipping: bool,
    /// Only if the rate still has this version; 0: only if there is none.
    expected_version: Option<BigInt>,
}

impl From<TaxRateSetInput> for TaxChange {
    fn from(input: TaxRateSetInput) -> Self {
        Self {
            country: input.country.map(|country| country.0),
            region: input.region,
            name: input.name,
            // What is no percentage is below the least one, and refused with the rest.
            rate_ppm: ppm(&input.percent.0).unwrap_or(-1),
            taxes_shipping: input.taxes_shipping,
            expected_version: input.expected_version.map(|version| version.0),
        }
    }
}

fn ppm(percent: &str) -> Option<i64> {
    let percent = Number::from_str_exact(percent).ok()?;
    let ppm = percent.checked_mul(Number::from(PPM_PER_PERCENT))?.normalize();
    (ppm.scale() == 0).then(|| i64::try_from(ppm).ok()).flatten()
}

/// Which tax rate to forget.
#[derive(InputObject)]
pub struct TaxRateDeleteInput {
    /// The country; left out: everywhere that has no rate of its own.
    country: Option<CountryCode>,
    /// The region of the country; left out: the rate of the whole country.
    region: Option<String>,
    /// Only if the rate still has this version.
    expected_version: Option<BigInt>,
}

/// A shipping method to be set as a whole.
#[derive(InputObject)]
pub struct ShippingMethodSetInput {
    /// Names it for ever: 1 to 40 small letters, digits and hyphens.
    code: String,
    /// The display name, at most 100 characters.
    name: String,
    /// More for people, at most 500 characters.
    #[graphql(default)]
    description: String,
    /// Where it goes; left out: everywhere.
    countries: Option<Vec<CountryCode>>,
    /// Methods are shown in the order of their positions.
    #[graphql(default)]
    position: i32,
    /// Whether buyers can choose it.
    #[graphql(default = true)]
    active: bool,
    /// What it costs, at most 200 prices.
    prices: Vec<ShippingPriceInput>,
    /// Only if the method still has this version; 0: only if there is none.
    expected_version: Option<BigInt>,
}

/// What a shipping method costs from a subtotal on.
#[derive(InputObject)]
pub struct ShippingPriceInput {
    /// The price, before tax.
    price: MoneyInput,
    /// The least subtotal that it is for, in the currency of the price.
    from_subtotal: Option<Decimal>,
}

impl From<ShippingMethodSetInput> for ShippingChange {
    fn from(input: ShippingMethodSetInput) -> Self {
        let price = |price: ShippingPriceInput| ShippingPriceAsk {
            currency: price.price.currency.0,
            amount: price.price.amount.0,
            from_subtotal: price.from_subtotal.map(|from| from.0),
        };
        Self {
            code: input.code,
            name: input.name,
            description: input.description,
            countries: input
                .countries
                .map(|countries| countries.into_iter().map(|country| country.0).collect()),
            position: input.position,
            active: input.active,
            prices: input.prices.into_iter().map(price).collect(),
            expected_version: input.expected_version.map(|version| version.0),
        }
    }
}

/// The answer to taxRateSet.
#[derive(SimpleObject, Default)]
pub struct TaxRateSetPayload {
    /// The rate as it is now; null when nothing happened.
    tax_rate: Option<TaxRate>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
    /// What differs from the ask.
    warnings: Vec<Warning>,
}

/// The answer to taxRateDelete.
#[derive(SimpleObject, Default)]
pub struct TaxRateDeletePayload {
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
    /// What differs from the ask.
    warnings: Vec<Warning>,
}

/// The answer to shippingMethodSet.
#[derive(SimpleObject, Default)]
pub struct ShippingMethodSetPayload {
    /// The method as it is now; null when nothing happened.
    shipping_method: Option<ShippingMethodSettings>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
    /// What differs from the ask.
    warnings: Vec<Warning>,
}

/// Queries about what is added to the price of goods.
#[derive(Default)]
pub struct SalesSettingsQuery;

/// Queries about what is added to the price of goods.
#[Object]
impl SalesSettingsQuery {
    /// All tax rates, by country and region. Where no rate holds, the shop does not sell.
    #[graphql(directive = Auth::apply(Permission::SalesSettingsRead))]
    async fn tax_rates(&self, ctx: &Context<'_>) -> Option<Result<Vec<TaxRate>, Fault>> {
        let (carts, viewer) = services(ctx);
        let rates = carts.list_tax_rates(viewer).await;
        Some(rates.map(|all| all.into_iter().map(TaxRate::from).collect()).map_err(Fault::from))
    }

    /// All shipping methods in display order, those that buyers cannot choose included.
    #[graphql(directive = Auth::apply(Permission::SalesSettingsRead))]
    async fn shipping_methods(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<Vec<ShippingMethodSettings>, Fault>> {
        let (carts, viewer) = services(ctx);
        let methods = carts.list_shipping_methods(viewer).await;
        let methods = methods.map(|all| all.into_iter().map(Into::into).collect());
        Some(methods.map_err(Fault::from))
    }
}

/// Mutations of what is added to the price of goods.
#[derive(Default)]
pub struct SalesSettingsMutation;

/// Mutations of what is added to the price of goods. Orders keep what they were placed with.
#[Object]
impl SalesSettingsMutation {
    /// Set the tax rate of a place, whether or not it had one.
    #[graphql(directive = Auth::apply(Permission::SalesSettingsWrite))]
    async fn tax_rate_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The rate.")] input: TaxRateSetInput,
    ) -> Option<Result<TaxRateSetPayload, Fault>> {
        let (carts, viewer) = services(ctx);
        let set = carts.set_tax_rate(viewer, &input.into()).await;
        Some(match set {
            Ok(rate) => Ok(TaxRateSetPayload { tax_rate: Some(rate.into()), ..Default::default() }),
            Err(error) => refused(error, |user_errors| TaxRateSetPayload {
                user_errors,
                ..Default::default()
            }),
        })
    }

    /// Forget the tax rate of a place: a more general one holds there from then on. Where there is
    /// none, the shop does not sell any more.
    #[graphql(directive = Auth::apply(Permission::SalesSettingsWrite))]
    async fn tax_rate_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] input: TaxRateDeleteInput,
    ) -> Option<Result<TaxRateDeletePayload, Fault>> {
        let (carts, viewer) = services(ctx);
        let country = input.country.map(|country| country.0);
        let version = input.expected_version.map(|version| version.0);
        let place = (country, input.region.as_deref());
        Some(match carts.delete_tax_rate(viewer, place, version).await {
            Ok(()) => Ok(TaxRateDeletePayload::default()),
            Err(error) => refused(error, |user_errors| TaxRateDeletePayload {
                user_errors,
                ..Default::default()
            }),
        })
    }

    /// Set a shipping method as a whole, whether or not there was one of its code. One that is not
    /// `active` is not offered.
    #[graphql(directive = Auth::apply(Permission::SalesSettingsWrite))]
    async fn shipping_method_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The method.")] input: ShippingMethodSetInput,
    ) -> Option<Result<ShippingMethodSetPayload, Fault>> {
        let (carts, viewer) = services(ctx);
        let set = carts.set_shipping_method(viewer, &input.into()).await;
        Some(match set {
            Ok(method) => Ok(ShippingMethodSetPayload {
                shipping_method: Some(method.into()),
                ..Default::default()
            }),
            Err(error) => refused(error, |user_errors| ShippingMethodSetPayload {
                user_errors,
                ..Default::default()
            }),
        })
    }
}

/// The payload of a refusal; a fault stays an error of the response. What has no version yet has
/// version 0.
fn refused<T>(error: CartError, payload: impl FnOnce(Vec<UserError>) -> T) -> Result<T, Fault> {
    refusal(error).map(payload)
}
