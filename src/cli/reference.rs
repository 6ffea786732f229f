//! `stockroom reference`: what docs/settings.md and docs/errors.md have, from the program itself.

use crate::config::SettingsArgs;
use crate::graphql::code;
use anyhow::Context;
use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;
use clap::{Arg, Args};
use std::fmt::Write as _;
use std::io::Write as _;

/// What there is a reference of.
#[derive(clap::Subcommand)]
pub enum ReferenceCommand {
    /// Every setting: its variable, its flag, its default, and what it means.
    Settings,
    /// Every code that tells a program why something was not done.
    Errors,
}

/// Prints it as Markdown.
///
/// # Errors
/// When the output cannot be written.
pub fn run(command: &ReferenceCommand) -> anyhow::Result<()> {
    let text = match command {
        ReferenceCommand::Settings => settings(),
        ReferenceCommand::Errors => errors()?,
    };
    std::io::stdout().write_all(text.as_bytes()).context("cannot write the reference")
}

fn settings() -> String {
    let mut text = String::from(
        "# Settings\n\nPrinted by `stockroom reference settings`. A flag goes before the variable, \
         and the variable before a line of `.env`; a variable that is empty counts as not set. \
         `stockroom config check` shows what they come to on a machine, and whether the server \
         could start on them.\n\n\
         | variable | flag | default | meaning |\n| --- | --- | --- | --- |\n",
    );
    let command = SettingsArgs::augment_args(clap::Command::new("settings"));
    for arg in command.get_arguments() {
        let Some(name) = arg.get_env().and_then(|name| name.to_str()) else { continue };
        let flag = arg.get_long().map(|flag| format!("`--{flag}`")).unwrap_or_default();
        let meaning = [meaning_of(arg), values_of(arg)].concat();
        // Writing to a text cannot fail.
        let _ = writeln!(text, "| `{name}` | {flag} | {} | {meaning} |", default_of(arg));
    }
    text
}

fn meaning_of(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let mut line = cell(&help);
    if !line.is_empty() && !line.ends_with(['.', ':', '?']) {
        line.push('.');
    }
    line
}

/// What may be given, where it is one of a few words.
fn values_of(arg: &Arg) -> String {
    let values = arg.get_possible_values();
    let values: Vec<String> =
        values.iter().map(|value| format!("`{}`", value.get_name())).collect();
    if values.is_empty() { String::new() } else { format!(" One of {}.", values.join(", ")) }
}

fn default_of(arg: &Arg) -> String {
    let values: Vec<_> = arg.get_default_values().iter().map(|it| it.to_string_lossy()).collect();
    if values.is_empty() { String::new() } else { format!("`{}`", cell(&values.join(","))) }
}

/// A text in one line that a table can hold.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn errors() -> anyhow::Result<String> {
    let sdl = crate::schema::sdl();
    let schema = Schema::parse(sdl, "schema.graphql").map_err(|invalid| invalid.errors);
    let schema = schema.map_err(|errors| anyhow::anyhow!("the schema cannot be read: {errors}"))?;
    let mut text = String::from(
        "# Errors\n\nPrinted by `stockroom reference errors`. Programs go by the codes; the sentences \
         beside them are for people and may change.\n\n\
         ## Of a request\n\nIn `errors[].extensions.code`, beside `requestId`, which the log has too: \
         the field, or the whole, was not answered.\n\n",
    );
    table(&mut text, code::ALL.iter().copied());
    text.push_str(
        "\n## Of a mutation\n\nIn `userErrors[].code` of its payload, beside `message` and `path`, \
         which leads to the part of the input: nothing was done, unless the mutation says so.\n\n",
    );
    table(&mut text, values(&schema, "UserErrorCode"));
    text.push_str(
        "\n## Warnings\n\nIn `warnings[].code` of a payload: it was done, and this is so.\n\n",
    );
    table(&mut text, values(&schema, "WarningCode"));
    Ok(text)
}

fn values<'a>(schema: &'a Schema, name: &str) -> Vec<(&'a str, &'a str)> {
    let Some(ExtendedType::Enum(kind)) = schema.types.get(name) else { return Vec::new() };
    let meaning =
        |text: Option<&'a apollo_compiler::Node<str>>| text.map_or("", |text| text.as_ref());
    let values = kind.values.iter();
    values.map(|(name, value)| (name.as_str(), meaning(value.description.as_ref()))).collect()
}

fn table<'a>(text: &mut String, codes: impl IntoIterator<Item = (&'a str, &'a str)>) {
    text.push_str("| code | meaning |\n| --- | --- |\n");
    for (code, means) in codes {
        let _ = writeln!(text, "| `{code}` | {} |", cell(means));
    }
}
