//! What the inbox says of itself.

use super::command::{COMMANDS, Usage};

/// All commands; or one, where there is such a one.
pub(super) fn help(about: Option<&str>) -> String {
    match about.and_then(|name| COMMANDS.iter().find(|usage| usage.name() == name)) {
        Some(usage) => one(usage),
        None => all(),
    }
}

fn all() -> String {
    let mut lines = vec!["One command a line:".to_owned()];
    lines.extend(COMMANDS.iter().map(|usage| format!("{} - {}", usage.form, usage.about)));
    lines.push("URI: im:bob@b.example, bob@b.example, mailto:bob@b.example".to_owned());
    lines.push("WHO: a URI, or *@b.example, *@*.b.example, irc://irc.b.example/*, *".to_owned());
    lines.push("WHAT: messages, presence, watchers or everything; if claimed, for the unproven".to_owned());
    lines.join("\n")
}

fn one(usage: &Usage) -> String {
    format!("{} - {}\nExample: {}", usage.form, usage.about, example(usage.name()))
}

fn example(name: &str) -> &'static str {
    match name {
        "allow" => "allow *@b.example presence",
        "appear" => "appear *@work.example closed in a meeting",
        "block" => "block *@spam.example",
        "confirm" => "confirm 7k3mq9x2w1da",
        "delegate" => "delegate im:secretary@a.example",
        "forget" => "forget 7k3mq9x2w1da",
        "forward" => "forward mailto:me@mail.example until 2026-12-31",
        "hide" => "hide",
        "kept" => "kept",
        "polite" => "polite im:boss@work.example presence",
        "rules" => "rules",
        "show" => "show 7k3mq9x2w1da",
        "status" => "status open at my desk",
        "subscribe" => "subscribe im:fred@a.example 7d",
        "subscriptions" => "subscriptions",
        "unblock" => "unblock im:bob@b.example",
        "undelegate" => "undelegate im:secretary@a.example",
        "unsubscribe" => "unsubscribe im:fred@a.example",
        "visible" => "visible im:fred@a.example",
        "watchers" => "watchers",
        "whoami" => "whoami",
        _ => "help block",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMs;
    use crate::inbox::command::Command;
    use crate::inbox::tests::names;

    #[test]
    fn every_example_is_a_command_of_its_name() {
        for usage in &COMMANDS {
            let line = example(usage.name());
            let command =
                Command::read(line, &names(), UnixMs(0)).unwrap_or_else(|why| panic!("{line}: {why}"));
            assert_eq!(command.name(), usage.name());
        }
    }

    #[test]
    fn lines_are_short_enough_for_a_line_of_irc_and_a_screen() {
        for line in help(None).lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
        assert!(help(Some("forward")).contains("Example: forward "));
    }
}
