//! Which payment providers the shop takes, when money is captured, and the sandbox.

use crate::config::Environment;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

const SHORTEST_SECRET: usize = 32;
/// One that signs and one that is being replaced.
const SECRETS_MAX: usize = 2;

/// When the money of an order is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum CaptureAt {
    /// At once.
    Checkout,
    /// Set aside at once, and taken when the goods leave.
    Fulfilment,
}

/// A payment provider that the server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PaymentProvider {
    /// The built-in one, which moves no money.
    Sandbox,
    /// Stripe.
    Stripe,
}

impl PaymentProvider {
    const ALL: [Self; 2] = [Self::Sandbox, Self::Stripe];

    /// Its name in settings and inputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Stripe => "stripe",
        }
    }
}

/// The settings of payments as they are given.
#[derive(Debug, Clone, clap::Args)]
pub struct PaymentArgs {
    /// The payment providers that orders can be paid with, separated by commas: sandbox,
    /// stripe. Default: sandbox in development, none in production.
    #[arg(long, env = "PAYMENT_PROVIDERS", value_delimiter = ',', global = true)]
    pub payment_providers: Option<Vec<String>>,
    /// Whether production may take the sandbox's payments, which move no money.
    #[arg(long, env = "ALLOW_SANDBOX_PAYMENTS", default_value_t = false, global = true,
        action = clap::ArgAction::Set)]
    pub allow_sandbox_payments: bool,
    /// checkout or fulfilment: whether the money of an order is taken at once, or set aside and taken
    /// when the goods leave.
    #[arg(long, env = "PAYMENT_CAPTURE", value_enum, default_value = "checkout", global = true)]
    pub payment_capture: CaptureAt,
    /// Signs the sandbox's webhooks; at least 32 bytes. While it is being replaced: the new one and
    /// the old one, separated by a comma. Without it in development one is made on the spot.
    #[arg(
        long,
        env = "SANDBOX_WEBHOOK_SECRET",
        hide_env_values = true,
        value_delimiter = ',',
        global = true
    )]
    pub sandbox_webhook_secret: Vec<SecretString>,
    /// The key for Stripe's API, sk_… or rk_…, from its dashboard.
    #[arg(long, env = "STRIPE_SECRET_KEY", hide_env_values = true, global = true)]
    pub stripe_secret_key: Option<SecretString>,
    /// The secret of the webhook endpoint at Stripe, whsec_…. While it is being replaced: the new one
    /// and the old one, separated by a comma.
    #[arg(
        long,
        env = "STRIPE_WEBHOOK_SECRET",
        hide_env_values = true,
        value_delimiter = ',',
        global = true
    )]
    pub stripe_webhook_secret: Vec<SecretString>,
    /// Where Stripe's API is; elsewhere for tests alone.
    #[arg(long, env = "STRIPE_API_BASE", default_value = "https://api.stripe.com", global = true)]
    pub stripe_api_base: String,
}

/// The settings of payments, checked.
#[derive(Clone)]
pub struct PaymentSettings {
    /// The providers that orders can be paid with.
    pub providers: Vec<PaymentProvider>,
    /// When the money is taken.
    pub capture: CaptureAt,
    /// The sandbox's.
    pub sandbox: SandboxSettings,
    /// Stripe's, when it is among the providers.
    pub stripe: Option<StripeSettings>,
    /// How long a call to a provider may take.
    pub call_limit: Duration,
    /// Calls to a provider that may be under way at once.
    pub calls_in_flight: usize,
}

/// The settings of the sandbox.
#[derive(Clone)]
pub struct SandboxSettings {
    /// The secrets of its webhooks, the one that signs first; without any one is made on the spot.
    pub webhook_secrets: Vec<SecretString>,
    /// How long `card_slow` takes.
    pub slow: Duration,
    /// After how long the payer of a `card_pending` confirms by themselves; None: never.
    pub confirms_after: Option<Duration>,
}

/// The settings of Stripe.
#[derive(Clone)]
pub struct StripeSettings {
    /// The key for its API.
    pub secret_key: SecretString,
    /// The secrets of its webhooks; at least one.
    pub webhook_secrets: Vec<SecretString>,
    /// Where its API is.
    pub api_base: String,
}

impl PaymentArgs {
    /// Checks the settings; what is wrong is added to `wrong`, with what to set.
    pub(crate) fn check(
        self,
        environment: Environment,
        wrong: &mut Vec<String>,
    ) -> PaymentSettings {
        let production = environment == Environment::Production;
        let providers = self.providers(production, wrong);
        let sandbox = providers.contains(&PaymentProvider::Sandbox);
        if production && sandbox && !self.allow_sandbox_payments {
            wrong.push(
                "PAYMENT_PROVIDERS has sandbox, whose payments move no money: remove it, or set \
                 ALLOW_SANDBOX_PAYMENTS=true."
                    .to_owned(),
            );
        }
        self.check_secrets(production && sandbox, wrong);
        let stripe = providers.contains(&PaymentProvider::Stripe);
        let stripe = if stripe { self.stripe(production, wrong) } else { None };
        PaymentSettings {
            providers,
            capture: self.payment_capture,
            sandbox: SandboxSettings {
                webhook_secrets: self.sandbox_webhook_secret,
                slow: Duration::from_secs(2),
                // Nobody has to be the bank to try the shop out.
                confirms_after: (!production).then_some(Duration::from_secs(30)),
            },
            stripe,
            call_limit: Duration::from_secs(3),
            calls_in_flight: 32,
        }
    }

    fn providers(&self, production: bool, wrong: &mut Vec<String>) -> Vec<PaymentProvider> {
        let Some(names) = &self.payment_providers else {
            return if production { Vec::new() } else { vec![PaymentProvider::Sandbox] };
        };
        let mut providers = Vec::new();
        for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
            let known = PaymentProvider::ALL.into_iter().find(|provider| provider.name() == name);
            match known {
                Some(provider) if providers.contains(&provider) => {}
                Some(provider) => providers.push(provider),
                None => wrong.push(format!(
                    "PAYMENT_PROVIDERS has {name:?}, which is none: name providers among {}.",
                    PaymentProvider::ALL.map(PaymentProvider::name).join(", ")
                )),
            }
        }
        providers
    }

    fn check_secrets(&self, required: bool, wrong: &mut Vec<String>) {
        const ADVICE: &str = "set it to the output of `openssl rand -base64 48`";
        let secrets = &self.sandbox_webhook_secret;
        if required && secrets.is_empty() {
            wrong.push(format!("SANDBOX_WEBHOOK_SECRET is missing: {ADVICE}."));
        }
        check_rotation("SANDBOX_WEBHOOK_SECRET", secrets, ADVICE, wrong);
    }

    /// What Stripe needs; None when something of it is missing or wrong.
    fn stripe(&self, production: bool, wrong: &mut Vec<String>) -> Option<StripeSettings> {
        const KEY: &str = "set it to the secret key (sk_…) or a restricted one (rk_…) of Stripe's \
                           dashboard, or remove stripe from PAYMENT_PROVIDERS";
        const WEBHOOK: &str = "set it to the signing secret (whsec_…) of the webhook endpoint at \
                               Stripe, or remove stripe from PAYMENT_PROVIDERS";
        let before = wrong.len();
        let key = self.stripe_secret_key.as_ref();
        match key.map(|key| key.expose_secret()) {
            None | Some("") => wrong.push(format!("STRIPE_SECRET_KEY is missing: {KEY}.")),
            Some(key) if !(key.starts_with("sk_") || key.starts_with("rk_")) => {
                wrong.push(format!("STRIPE_SECRET_KEY is no secret key: {KEY}."));
            }
            // It goes into a header.
            Some(key) if !key.bytes().all(|byte| byte.is_ascii_graphic()) => {
                wrong.push(format!("STRIPE_SECRET_KEY has a character that no key has: {KEY}."));
            }
            Some(_) => {}
        }
        let secrets = &self.stripe_webhook_secret;
        if secrets.is_empty() {
            wrong.push(format!("STRIPE_WEBHOOK_SECRET is missing: {WEBHOOK}."));
        }
        check_rotation("STRIPE_WEBHOOK_SECRET", secrets, WEBHOOK, wrong);
        let secure = self.stripe_api_base.starts_with("https://");
        if production && !secure {
            wrong.push(
                "STRIPE_API_BASE must begin with https:// in production: remove it.".to_owned(),
            );
        } else if !(secure || self.stripe_api_base.starts_with("http://")) {
            wrong.push("STRIPE_API_BASE must begin with https:// or http://.".to_owned());
        }
        let key = key.filter(|_| wrong.len() == before)?;
        Some(StripeSettings {
            secret_key: key.clone(),
            webhook_secrets: secrets.clone(),
            api_base: self.stripe_api_base.clone(),
        })
    }
}

/// The secrets of webhooks: one, or two while one replaces the other.
fn check_rotation(name: &str, secrets: &[SecretString], advice: &str, wrong: &mut Vec<String>) {
    if secrets.len() > SECRETS_MAX {
        wrong.push(format!(
            "{name} has more than {SECRETS_MAX} secrets: name the new one and the one that it \
             replaces."
        ));
    }
    if secrets.iter().any(|secret| secret.expose_secret().len() < SHORTEST_SECRET) {
        wrong.push(format!(
            "{name} has a secret with fewer than {SHORTEST_SECRET} bytes: {advice}."
        ));
    }
}
