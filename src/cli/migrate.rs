//! `stockroom migrate`.

use crate::config::SettingsArgs;
use crate::db::Db;
use anyhow::Context;

/// Applies the steps that are missing and tells their names.
///
/// # Errors
/// When the settings or the database cannot be used, or a step fails.
pub fn run(settings: SettingsArgs) -> anyhow::Result<()> {
    let settings = settings.check()?;
    crate::cli::block_on(async {
        std::fs::create_dir_all(&settings.data_dir)
            .with_context(|| format!("cannot make the data folder {:?}", settings.data_dir))?;
        let db = Db::open(&settings.database).await.context("cannot open the database")?;
        let applied = db.migrate().await.context("cannot migrate the database")?;
        db.close().await;
        for step in &applied {
            println!("applied {step}");
        }
        match applied.len() {
            0 => println!("The database is up to date; there was nothing to do."),
            count => println!("The database is up to date; steps applied: {count}."),
        }
        Ok(())
    })
}
