//! `stockroom migrate`.

use crate::app::App;
use crate::config::SettingsArgs;

/// Applies the steps that are missing and tells their names.
///
/// # Errors
/// When the settings or the database cannot be used, or a step fails.
pub fn run(settings: SettingsArgs) -> anyhow::Result<()> {
    crate::cli::block_on(async {
        let app = App::build(settings.check()?).await?;
        let applied = app.migrate().await?;
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
