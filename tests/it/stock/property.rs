//! Ten thousand random operations against a model that anyone can check by eye. The seed is
//! printed; `STOCKROOM_TEST_SEED` repeats a run.

mod model;

use crate::app::{MAIN, TestApp, order_of, repeated, warehouse_id};
use chrono::TimeDelta;
use model::{Model, Refusal};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use stockroom::auth::Viewer;
use stockroom::stock::{Adjust, MovementKind, SetLevel, StockError, Transfer};
use uuid::Uuid;

const OPERATIONS: usize = 10_000;
const SHOPS: usize = 5;
const SKUS: [&str; 4] = ["CUP", "POT", "PAN", "LID"];

/// The shop under test and the model beside it.
struct Run {
    app: TestApp,
    random: StdRng,
    model: Model,
    variants: Vec<Uuid>,
    warehouses: Vec<Uuid>,
    orders: Vec<Uuid>,
}

/// What the service answered, as the model speaks.
fn refusal(error: StockError) -> Refusal {
    match error {
        StockError::Insufficient(shortages) => {
            Refusal::Short(shortages.iter().map(|s| (s.requested, s.available)).collect())
        }
        StockError::BelowReserved { reserved, .. } => Refusal::Reserved(reserved),
        StockError::VersionConflict { actual } => Refusal::Version(actual),
        error => panic!("{error}"),
    }
}

impl Run {
    async fn start(seed: u64) -> Self {
        let app = TestApp::start().await;
        let product = app.sells(&SKUS).await;
        let variants: Vec<_> = SKUS.iter().map(|sku| product.variants[*sku]).collect();
        // Keys and priorities disagree: the order of locks is not the order of serving.
        let warehouses = vec![MAIN, app.opens("NORTH", -1).await, app.opens("SOUTH", -2).await];
        let model = Model::new(variants.len(), &[0, -1, -2]);
        let random = StdRng::seed_from_u64(seed);
        Self { app, random, model, variants, warehouses, orders: Vec::new() }
    }

    fn place(&mut self) -> (usize, usize) {
        let variant = self.random.random_range(0..self.variants.len());
        (variant, self.random.random_range(0..self.warehouses.len()))
    }

    fn expected_version(&mut self, place: (usize, usize)) -> Option<i64> {
        let actual = self.model.level(place).version;
        match self.random.random_range(0..10) {
            0 => Some(actual + self.random.random_range(-1..=1)),
            1 => Some(actual),
            _ => None,
        }
    }

    async fn adjust(&mut self) {
        let place = self.place();
        let delta = match self.random.random_range(-12..=12) {
            0 => 1,
            delta => delta,
        };
        let expected_version = self.expected_version(place);
        let ask = Adjust {
            sku: SKUS[place.0].to_owned(),
            warehouse_id: Some(self.warehouses[place.1]),
            delta,
            kind: MovementKind::Adjustment,
            reference_id: None,
            note: None,
            expected_version,
            idempotency_key: None,
        };
        let done = self.app.stock().adjust(&Viewer::System, ask).await;
        let expected = self.model.adjust(place, delta, expected_version);
        let done = done.map(|adjusted| adjusted.level.version).map_err(refusal);
        assert_eq!(done, expected, "adjust {place:?} by {delta}");
    }

    async fn set(&mut self) {
        let place = self.place();
        let on_hand = self.random.random_range(0..30);
        let expected_version = self.expected_version(place);
        let ask = SetLevel {
            sku: SKUS[place.0].to_owned(),
            warehouse_id: Some(self.warehouses[place.1]),
            on_hand: Some(on_hand),
            reorder_point: None,
            note: None,
            expected_version,
            idempotency_key: None,
        };
        let done = self.app.stock().set(&Viewer::System, ask).await;
        let expected = self.model.set(place, on_hand, expected_version);
        let done = done.map(|adjusted| adjusted.level.version).map_err(refusal);
        assert_eq!(done, expected, "set {place:?} to {on_hand}");
    }

    async fn transfer(&mut self) {
        let (variant, from) = self.place();
        let to =
            (from + self.random.random_range(1..self.warehouses.len())) % self.warehouses.len();
        let quantity = self.random.random_range(1..10);
        let ask = Transfer {
            sku: SKUS[variant].to_owned(),
            from_warehouse_id: Some(self.warehouses[from]),
            to_warehouse_id: self.warehouses[to],
            quantity,
            reference_id: None,
            note: None,
            expected_version: None,
            idempotency_key: None,
        };
        let done = self.app.stock().transfer(&Viewer::System, ask).await;
        let expected = self.model.transfer(variant, from, to, quantity);
        let done = done.map(|moved| (moved.from.version, moved.to.version)).map_err(refusal);
        assert_eq!(done, expected, "transfer {quantity} of {variant} from {from} to {to}");
    }

    async fn reserve(&mut self) {
        let count = self.random.random_range(1..=4);
        let lines: Vec<(usize, i64)> = (0..count)
            .map(|_| {
                let variant = self.random.random_range(0..self.variants.len());
                (variant, self.random.random_range(1..=8))
            })
            .collect();
        let asked: Vec<_> = lines
            .iter()
            .map(|(variant, quantity)| (SKUS[*variant], self.variants[*variant], *quantity))
            .collect();
        let order = order_of(&asked);
        let minutes = self.random.random_range(1..=30);
        let hold = TimeDelta::minutes(minutes);
        let done = self.app.stock().reserve(&order, hold).await;
        let expected = self.model.reserve(order.order_id, &lines, minutes);
        let done = done.map(|reservations| {
            let mut quantities: Vec<_> = reservations.iter().map(|r| r.quantity).collect();
            quantities.sort_unstable();
            quantities
        });
        // The answer lists what is short by key, the model by number.
        let sorted = |mut refusal: Refusal| {
            if let Refusal::Short(short) = &mut refusal {
                short.sort_unstable();
            }
            refusal
        };
        let done = done.map_err(|error| sorted(refusal(error)));
        assert_eq!(done, expected.map_err(sorted), "reserve {lines:?}");
        if done.is_ok() {
            self.orders.push(order.order_id);
        }
    }

    async fn settle(&mut self) {
        if self.orders.is_empty() {
            return;
        }
        // Mostly of late: old ones have ended.
        let recent = self.orders.len().saturating_sub(20);
        let order = self.orders[self.random.random_range(recent..self.orders.len())];
        match self.random.random_range(0..4) {
            0 => {
                let done = self.app.commits(order).await;
                assert_eq!(done, self.model.commit(order), "commit");
            }
            1 => {
                let done = self.app.consumes(order).await;
                assert_eq!(done, self.model.consume(order), "consume");
            }
            2 => {
                let done = self.app.releases(order).await;
                assert_eq!(done, self.model.release(order), "release");
            }
            _ => {
                let done = self.app.extends(order, TimeDelta::minutes(20)).await;
                assert_eq!(done, self.model.extend(order, 20), "extend");
            }
        }
    }

    async fn time_passes(&mut self) {
        let minutes = self.random.random_range(1..=5);
        self.app.waits(TimeDelta::minutes(minutes));
        self.model.now += minutes;
        if self.random.random_bool(0.5) {
            let expired = self.app.stock().expire_holds().await.expect("the sweep runs");
            assert_eq!(expired, self.model.sweep(), "sweep");
        }
    }

    async fn toggle(&mut self) {
        let warehouse = self.random.random_range(1..self.warehouses.len());
        let active = !self.model.active[warehouse];
        let change = stockroom::stock::WarehouseChange {
            active: Some(active),
            ..stockroom::stock::WarehouseChange::default()
        };
        let id = self.warehouses[warehouse];
        let done = self.app.stock().update_warehouse(&Viewer::System, id, change).await;
        done.unwrap_or_else(|error| panic!("{} {error}", warehouse_id(id)));
        self.model.toggle(warehouse);
    }

    async fn step(&mut self) {
        match self.random.random_range(0..100) {
            0..20 => self.adjust().await,
            20..28 => self.set().await,
            28..38 => self.transfer().await,
            38..63 => self.reserve().await,
            63..93 => self.settle().await,
            93..99 => self.time_passes().await,
            _ => self.toggle().await,
        }
    }

    /// Every level is as the model has it, and what shoppers see is their sum.
    async fn compare(&self) {
        let sums = self.app.stock().find_availability(&self.variants).await.unwrap();
        for (variant, key) in self.variants.iter().enumerate() {
            for (warehouse, place) in self.warehouses.iter().enumerate() {
                let found = self.app.level(*key, *place).await;
                let expected = self.model.level((variant, warehouse));
                let found = found.map(|now| (now.on_hand, now.reserved, now.version));
                let expected_now = (expected.on_hand, expected.reserved, expected.version);
                assert_eq!(found.unwrap_or((0, 0, 0)), expected_now, "{variant} {warehouse}");
            }
            let sum = sums[key];
            assert_eq!((sum.available, sum.version), self.model.sum(variant));
        }
        self.app.stock_is_sound().await;
    }
}

/// One shop's part of the operations, with a seed of its own.
async fn run(seed: u64) -> usize {
    let mut run = Run::start(seed).await;
    for number in 0..OPERATIONS / SHOPS {
        run.step().await;
        if number % 500 == 499 {
            run.compare().await;
        }
    }
    run.compare().await;
    run.app.ledger().await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_random_operations_agree_with_a_simple_model() {
    let seed = std::env::var("STOCKROOM_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    // The same operations each time, and others each time in the long form.
    let any = repeated(0, 1) == 1;
    let seed: u64 = seed.unwrap_or_else(|| if any { rand::rng().random() } else { 1 });
    println!("STOCKROOM_TEST_SEED={seed}");

    // Side by side, because they mostly wait for the disk.
    let runtime = tokio::runtime::Handle::current();
    let shops = (0..SHOPS as u64).map(|shop| {
        let runtime = runtime.clone();
        tokio::task::spawn_blocking(move || runtime.block_on(run(seed.wrapping_add(shop))))
    });
    let ledgers = futures::future::try_join_all(shops).await.expect("model and shop agree");

    let movements: usize = ledgers.into_iter().sum();
    assert!(movements > OPERATIONS / 4, "only {movements} operations moved anything");
}
