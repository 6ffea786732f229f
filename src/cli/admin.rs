//! `stockroom admin create`: the account that everything else begins with.

use crate::account::{AccountError, NewUser};
use crate::auth::{Role, Viewer};
use crate::config::SettingsArgs;
use anyhow::{Context, anyhow, bail};
use secrecy::{ExposeSecret, SecretString};
use std::io::IsTerminal;

/// What can be done with accounts.
#[derive(clap::Subcommand)]
pub enum AdminCommand {
    /// Make an account with every permission. The password comes from STOCKROOM_ADMIN_PASSWORD, or
    /// is asked for. Brings the database up to date first.
    Create(CreateArgs),
}

/// The account to make.
#[derive(clap::Args)]
pub struct CreateArgs {
    /// The address to sign in with.
    #[arg(long)]
    email: String,
    /// 15 to 128 characters. Better not as a flag: others on this machine can read it there.
    #[arg(long, env = "STOCKROOM_ADMIN_PASSWORD", hide_env_values = true)]
    password: Option<SecretString>,
    /// The display name.
    #[arg(long, default_value = "Administrator")]
    name: String,
}

/// Carries out the command.
///
/// # Errors
/// When the settings, the address or the password cannot be used.
pub fn run(settings: SettingsArgs, command: AdminCommand) -> anyhow::Result<()> {
    let AdminCommand::Create(args) = command;
    let password = match args.password {
        Some(password) => password,
        None => ask_password()?,
    };
    let new = NewUser { email: args.email, name: args.name, password, role: Role::Admin };
    crate::cli::with_app(settings, async |app| {
        let user =
            app.services.accounts.create(&Viewer::System, new).await.map_err(
                |error| match error {
                    AccountError::Invalid(problems) => {
                        let sentences: Vec<String> =
                            problems.into_iter().map(|problem| problem.message).collect();
                        anyhow!(sentences.join(" "))
                    }
                    error => anyhow::Error::from(error).context("cannot make the account"),
                },
            )?;
        println!("The administrator {} can sign in now, with tokenCreate.", user.email);
        Ok(())
    })
}

/// Asks twice, and shows nothing of it.
fn ask_password() -> anyhow::Result<SecretString> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "no password: set STOCKROOM_ADMIN_PASSWORD, or run this in a terminal to be asked for it"
        );
    }
    let ask = |prompt| {
        let typed = rpassword::prompt_password(prompt).context("cannot read the password")?;
        Ok::<_, anyhow::Error>(SecretString::from(typed))
    };
    let password = ask("Password (15 to 128 characters): ")?;
    if password.expose_secret() != ask("The same again: ")?.expose_secret() {
        bail!("the two passwords differ; nothing was done");
    }
    Ok(password)
}
