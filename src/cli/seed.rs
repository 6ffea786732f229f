//! `stockroom seed`: asks before it removes anything, and shows how far it is.

use crate::config::{DatabaseTarget, Environment, Settings, SettingsArgs};
use crate::seed::{DEFAULT_SCALE, MAX_SCALE, Seed};
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{BufRead, IsTerminal, Write};
use std::time::Instant;

/// How much to write, and whether to remove everything before.
#[derive(clap::Args)]
pub struct SeedArgs {
    /// Products in all. Those that are there already stay as they are.
    #[arg(long, default_value_t = DEFAULT_SCALE, value_name = "PRODUCTS",
        value_parser = clap::value_parser!(u64).range(1..=MAX_SCALE))]
    scale: u64,
    /// First remove every product, category, warehouse but the default one, stock level and
    /// movement, whoever made them. A server that runs meanwhile may show some of it until its
    /// cache has forgotten it.
    #[arg(long)]
    clear: bool,
    /// Do not ask. In production nothing happens without it.
    #[arg(long)]
    yes: bool,
}

/// Carries out the command.
///
/// # Errors
/// When it is not meant, or the settings or the database cannot be used.
pub fn run(settings: SettingsArgs, args: &SeedArgs) -> anyhow::Result<()> {
    if settings.environment == Environment::Production && !args.yes {
        // What is wrong with the settings goes before: it has to be mended anyway.
        settings.check()?;
        bail!(
            "this is a production shop, and `seed` writes demo products into it{}; add --yes if \
             that is meant",
            if args.clear { " after removing all others" } else { "" }
        );
    }
    crate::cli::with_app(settings, async |app| {
        if args.clear && !args.yes && !confirmed(&app.settings)? {
            bail!("nothing was done");
        }
        let seed = Seed::new(app.db.clone(), app.settings.shop_currency);
        if args.clear {
            seed.clear().await?;
            println!("Catalogue and stock are empty.");
        }
        let bar = progress_bar(args.scale)?;
        let begun = Instant::now();
        let seeded = seed.run(args.scale, |through| bar.set_position(through)).await?;
        bar.finish_and_clear();
        println!(
            "Demo products added: {}, there before: {}. It took {:.1} s.",
            seeded.added,
            seeded.present,
            begun.elapsed().as_secs_f64()
        );
        Ok(())
    })
}

/// Asks on a terminal. Where nobody can be asked, development goes on: its data is a demo's.
fn confirmed(settings: &Settings) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(true);
    }
    let database = match &settings.database {
        DatabaseTarget::Sqlite(path) => path.display().to_string(),
        DatabaseTarget::Postgres { .. } => "the database of DATABASE_URL".to_owned(),
    };
    print!("This removes all products, categories and stock of {database}. Type yes to go on: ");
    std::io::stdout().flush().context("cannot ask")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    Ok(answer.trim() == "yes")
}

/// Shown on a terminal only.
fn progress_bar(scale: u64) -> anyhow::Result<ProgressBar> {
    let style = "{bar:40} {human_pos} of {human_len} products, {per_sec}, {eta} left";
    Ok(ProgressBar::new(scale).with_style(ProgressStyle::with_template(style)?))
}
