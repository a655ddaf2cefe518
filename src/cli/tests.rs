//! The help is right: every command has examples, and each of them is a command line of this program.

use clap::{CommandFactory, Parser};

use super::Cli;

/// The words of a line of shell: parted by spaces, or within quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => words.push(String::new()),
            (c, _) => words.last_mut().unwrap().push(c),
        }
    }
    assert_eq!(quote, None, "an open quote in {line}");
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn the_commands_are_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_examples_that_can_be_typed() {
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let help = command
            .get_after_help()
            .unwrap_or_else(|| panic!("{name} has examples"))
            .to_string();
        let lines: Vec<&str> = help.lines().filter(|line| line.starts_with("  ")).collect();
        assert!(!lines.is_empty(), "{name} has examples");
        for line in lines {
            let typed = line.rsplit(" | ").next().unwrap().split(" > ").next().unwrap();
            let words = words(typed.trim().trim_end_matches(" &"));
            assert_eq!(words[..2], ["cpim-gateway", name], "{line}");
            let parsed = Cli::try_parse_from(&words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}
