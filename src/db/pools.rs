//! How many connections there are, for whoever watches the process.

use crate::db::Db;

/// The connections of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolFigures {
    /// Its name, of this program's own.
    pub name: &'static str,
    /// Connections that somebody uses.
    pub used: u32,
    /// Connections that wait for somebody.
    pub idle: u32,
    /// Connections that there can be.
    pub max: u32,
}

impl Db {
    /// The pools: one on Postgres; on SQLite those who read have one, and who writes.
    #[must_use]
    pub fn pools(&self) -> Vec<PoolFigures> {
        if self.is_postgres() {
            let pool = self.read.get_postgres_connection_pool();
            let max = pool.options().get_max_connections();
            return vec![figures("shared", pool.size(), pool.num_idle(), max)];
        }
        [("read", &self.read), ("write", &self.write)]
            .map(|(name, connections)| {
                let pool = connections.get_sqlite_connection_pool();
                let max = pool.options().get_max_connections();
                figures(name, pool.size(), pool.num_idle(), max)
            })
            .to_vec()
    }
}

fn figures(name: &'static str, open: u32, idle: usize, max: u32) -> PoolFigures {
    let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(open);
    PoolFigures { name, used: open.saturating_sub(idle), idle, max }
}
