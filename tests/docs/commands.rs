//! Command lines: each can be typed, and what is shown below one is what it prints.

use std::fs;
use std::process::Command;

use cpim_gateway::cli;

use crate::pages::{Block, pages, root};

/// A line of shell as words, up to what is the shell's own: a pipe, a redirection, `&`.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (c, quote) {
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => words.extend(word.take()),
            ('|' | '>' | '<' | '&' | ';', None) => break,
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    assert_eq!(quote, None, "an open quote in: {line}");
    words.extend(word);
    words
}

/// The arguments of this program in a line of shell, where it is one: `cpim-gateway ..`, or `cargo run .. -- ..`.
fn arguments(line: &str) -> Option<Vec<String>> {
    let line = line.strip_prefix("$ ").unwrap_or(line);
    // What is piped into it does not matter.
    let line = line.find("| cpim-gateway ").map_or(line, |at| &line[at + 2..]);
    let words = words(line);
    match words.first()?.as_str() {
        "cpim-gateway" => Some(words[1..].to_vec()),
        "cargo" if words.get(1).is_some_and(|word| word == "run") => {
            let at = words.iter().position(|word| word == "--")?;
            Some(words[at + 1..].to_vec())
        }
        _ => None,
    }
}

fn assert_can_be_typed(place: &str, line: &str) -> bool {
    let Some(arguments) = arguments(line) else { return false };
    let typed = std::iter::once("cpim-gateway".to_owned()).chain(arguments);
    if let Err(error) = cli::command().try_get_matches_from(typed) {
        panic!("{place}: {line}\n{error}");
    }
    true
}

#[test]
fn command_lines_can_be_typed() {
    let mut typed = 0;
    for page in pages() {
        for Block { language, lines, place } in page.blocks() {
            // Elsewhere, only what stands behind a prompt is a command line.
            let is_shell = matches!(language, "console" | "sh");
            let commands = lines.iter().filter(|line| is_shell || line.starts_with("$ "));
            typed += commands.filter(|line| assert_can_be_typed(&place, line)).count();
        }
    }
    assert!(typed > 30, "only {typed} command lines were found");
}

#[test]
fn command_lines_in_the_configuration_can_be_typed() {
    let mut typed = 0;
    for entry in fs::read_dir(root().join("config")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().filter_map(|line| line.strip_prefix("#     ")) {
            // An explanation stands beside it, behind several spaces.
            let line = line.split("  ").next().unwrap();
            typed += usize::from(assert_can_be_typed(&path.display().to_string(), line));
        }
    }
    assert!(typed >= 5, "only {typed} command lines were found");
}

/// In a `console` block, what follows a `$` line is all that it prints.
#[test]
fn what_is_shown_is_what_is_printed() {
    let mut shown = 0;
    for page in pages() {
        for block in page.blocks().iter().filter(|block| block.language == "console") {
            let text = format!("\n{}", block.lines.join("\n"));
            for session in text.split("\n$ ").skip(1) {
                let (line, expected) = session.split_once('\n').unwrap_or((session, ""));
                let arguments = arguments(line).unwrap_or_else(|| panic!("{}: {line}", block.place));
                let output = Command::new(env!("CARGO_BIN_EXE_cpim-gateway"))
                    .args(arguments)
                    .current_dir(root())
                    .output()
                    .unwrap();
                let printed = [output.stdout, output.stderr].concat();
                let printed = String::from_utf8(printed).unwrap();
                assert_eq!(printed.trim_end(), expected, "{}: {line}", block.place);
                shown += 1;
            }
        }
    }
    assert!(shown >= 15, "only {shown} command lines were tried");
}

/// Every command of the program is in the README, and its exit codes are.
#[test]
fn the_readme_names_every_command() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for command in cli::command().get_subcommands() {
        let name = command.get_name();
        let named = [format!("`{name} "), format!("`{name}`")];
        assert!(named.iter().any(|named| readme.contains(named)), "README.md does not name `{name}`");
    }
    for exit in
        [cli::Exit::Done, cli::Exit::Failure, cli::Exit::Usage, cli::Exit::Indeterminant, cli::Exit::TryAgain]
    {
        assert!(
            readme.contains(&format!("\n| {} |", exit as u8)),
            "README.md does not explain exit code {exit:?}"
        );
    }
}
