//! Stock as a few vectors: no SQL, no locks, no time but minutes.

use std::collections::BTreeMap;
use uuid::Uuid;

/// A level of the model.
#[derive(Debug, Clone, Copy, Default)]
pub struct Level {
    pub on_hand: i64,
    pub reserved: i64,
    pub version: i64,
    /// Whether there is a row: raising a warehouse's versions passes over what was never stocked.
    exists: bool,
}

impl Level {
    fn available(self) -> i64 {
        self.on_hand - self.reserved
    }
}

/// Why the model refuses.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Asked for and available, of each variant that is short.
    Short(Vec<(i64, i64)>),
    /// Fewer than are reserved.
    Reserved(i64),
    /// Another version.
    Version(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Held,
    Committed,
    Ended,
}

#[derive(Debug)]
struct Order {
    status: Status,
    /// The minute from which on the holds are dead.
    until: i64,
    /// Place and quantity of each reservation.
    taken: Vec<((usize, usize), i64)>,
}

/// The whole of it.
pub struct Model {
    pub now: i64,
    pub active: Vec<bool>,
    priorities: Vec<i32>,
    levels: Vec<Vec<Level>>,
    orders: BTreeMap<Uuid, Order>,
}

impl Model {
    pub fn new(variants: usize, priorities: &[i32]) -> Self {
        Self {
            now: 0,
            active: vec![true; priorities.len()],
            priorities: priorities.to_vec(),
            levels: vec![vec![Level::default(); priorities.len()]; variants],
            orders: BTreeMap::new(),
        }
    }

    pub fn level(&self, (variant, warehouse): (usize, usize)) -> Level {
        self.levels[variant][warehouse]
    }

    /// What shoppers see: available and version.
    pub fn sum(&self, variant: usize) -> (i64, i64) {
        let levels = self.levels[variant].iter().zip(&self.active);
        let sold = levels.filter(|(_, active)| **active).map(|(level, _)| level.available());
        (sold.sum(), self.levels[variant].iter().map(|level| level.version).sum())
    }

    fn at(&mut self, (variant, warehouse): (usize, usize)) -> &mut Level {
        &mut self.levels[variant][warehouse]
    }

    fn add(&mut self, place: (usize, usize), pieces: i64) -> i64 {
        let level = self.at(place);
        level.on_hand += pieces;
        level.version += 1;
        level.exists = true;
        level.version
    }

    fn check_version(&self, place: (usize, usize), expected: Option<i64>) -> Result<(), Refusal> {
        let actual = self.level(place).version;
        match expected {
            Some(expected) if expected != actual => Err(Refusal::Version(actual)),
            _ => Ok(()),
        }
    }

    /// A shortage ends the dead holds at the place before it is told.
    fn bury_at(&mut self, places: &[(usize, usize)]) -> bool {
        let dead: Vec<Uuid> = self
            .orders
            .iter()
            .filter(|(_, order)| self.is_dead(order))
            .filter(|(_, order)| order.taken.iter().any(|(place, _)| places.contains(place)))
            .map(|(id, _)| *id)
            .collect();
        for order in &dead {
            self.end(*order, false);
        }
        !dead.is_empty()
    }

    fn is_dead(&self, order: &Order) -> bool {
        order.status == Status::Held && order.until <= self.now
    }

    pub fn adjust(
        &mut self,
        place: (usize, usize),
        delta: i64,
        expected: Option<i64>,
    ) -> Result<i64, Refusal> {
        loop {
            self.check_version(place, expected)?;
            let available = self.level(place).available();
            if available + delta >= 0 {
                return Ok(self.add(place, delta));
            }
            if !self.bury_at(&[place]) {
                return Err(Refusal::Short(vec![(-delta, available)]));
            }
        }
    }

    pub fn set(
        &mut self,
        place: (usize, usize),
        on_hand: i64,
        expected: Option<i64>,
    ) -> Result<i64, Refusal> {
        loop {
            self.check_version(place, expected)?;
            let level = self.level(place);
            if on_hand >= level.reserved {
                self.at(place).exists = true;
                let change = on_hand - level.on_hand;
                return Ok(if change == 0 { level.version } else { self.add(place, change) });
            }
            if !self.bury_at(&[place]) {
                return Err(Refusal::Reserved(level.reserved));
            }
        }
    }

    pub fn transfer(
        &mut self,
        variant: usize,
        from: usize,
        to: usize,
        quantity: i64,
    ) -> Result<(i64, i64), Refusal> {
        let place = (variant, from);
        loop {
            let available = self.level(place).available();
            if available >= quantity {
                return Ok((self.add(place, -quantity), self.add((variant, to), quantity)));
            }
            if !self.bury_at(&[place]) {
                return Err(Refusal::Short(vec![(quantity, available)]));
            }
        }
    }

    /// Warehouses in the order in which they serve.
    fn serving(&self) -> Vec<usize> {
        let mut serving: Vec<_> = (0..self.active.len()).filter(|w| self.active[*w]).collect();
        serving.sort_by_key(|warehouse| self.priorities[*warehouse]);
        serving
    }

    pub fn reserve(
        &mut self,
        order: Uuid,
        lines: &[(usize, i64)],
        minutes: i64,
    ) -> Result<Vec<i64>, Refusal> {
        let serving = self.serving();
        let mut asked: BTreeMap<usize, i64> = BTreeMap::new();
        for (variant, quantity) in lines {
            *asked.entry(*variant).or_default() += quantity;
        }
        loop {
            let free = |variant: usize| -> i64 {
                serving.iter().map(|w| self.level((variant, *w)).available()).sum()
            };
            let short: Vec<_> =
                asked.iter().filter(|(variant, quantity)| free(**variant) < **quantity).collect();
            if short.is_empty() {
                break;
            }
            let places: Vec<_> = short
                .iter()
                .flat_map(|(variant, _)| serving.iter().map(|w| (**variant, *w)))
                .collect();
            let refusal = short.iter().map(|(variant, q)| (**q, free(**variant))).collect();
            if !self.bury_at(&places) {
                return Err(Refusal::Short(refusal));
            }
        }
        let mut taken = Vec::new();
        for (variant, quantity) in lines {
            let mut wanted = *quantity;
            let whole =
                serving.iter().position(|w| self.level((*variant, *w)).available() >= wanted);
            for warehouse in &serving[whole.unwrap_or(0)..] {
                let place = (*variant, *warehouse);
                let quantity = wanted.min(self.level(place).available());
                if quantity > 0 {
                    let level = self.at(place);
                    level.reserved += quantity;
                    level.version += 1;
                    wanted -= quantity;
                    taken.push((place, quantity));
                }
            }
            assert_eq!(wanted, 0, "the model's own sums are wrong");
        }
        let mut quantities: Vec<i64> = taken.iter().map(|(_, quantity)| *quantity).collect();
        quantities.sort_unstable();
        let until = self.now + minutes;
        self.orders.insert(order, Order { status: Status::Held, until, taken });
        Ok(quantities)
    }

    fn change_status(&mut self, order: Uuid, from: Status, to: Status) -> u64 {
        let order = self.orders.get_mut(&order).expect("the model knows the order");
        if order.status != from {
            return 0;
        }
        order.status = to;
        order.taken.len() as u64
    }

    pub fn commit(&mut self, order: Uuid) -> u64 {
        self.change_status(order, Status::Held, Status::Committed)
    }

    pub fn extend(&mut self, order: Uuid, minutes: i64) -> u64 {
        let until = self.now + minutes;
        let extended = self.change_status(order, Status::Held, Status::Held);
        if extended > 0 {
            let order = self.orders.get_mut(&order).expect("it was just there");
            // Never shorter than it was.
            order.until = order.until.max(until);
        }
        extended
    }

    pub fn consume(&mut self, order: Uuid) -> i64 {
        match self.orders[&order].status {
            Status::Committed => self.end(order, true),
            _ => 0,
        }
    }

    pub fn release(&mut self, order: Uuid) -> i64 {
        match self.orders[&order].status {
            Status::Ended => 0,
            _ => self.end(order, false),
        }
    }

    fn end(&mut self, order: Uuid, leaves: bool) -> i64 {
        let order = self.orders.get_mut(&order).expect("the model knows the order");
        order.status = Status::Ended;
        let taken = order.taken.clone();
        for (place, quantity) in &taken {
            let level = self.at(*place);
            level.reserved -= quantity;
            level.on_hand -= if leaves { *quantity } else { 0 };
            level.version += 1;
        }
        taken.iter().map(|(_, quantity)| quantity).sum()
    }

    pub fn sweep(&mut self) -> u64 {
        let orders = self.orders.iter().filter(|(_, order)| self.is_dead(order));
        let dead: Vec<Uuid> = orders.map(|(id, _)| *id).collect();
        for order in &dead {
            self.end(*order, false);
        }
        dead.len() as u64
    }

    pub fn toggle(&mut self, warehouse: usize) {
        self.active[warehouse] = !self.active[warehouse];
        for levels in &mut self.levels {
            if levels[warehouse].exists {
                levels[warehouse].version += 1;
            }
        }
    }
}
