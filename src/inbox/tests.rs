//! Lines that people type.

use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{Domain, Mapper, Selectors};

use super::command::{COMMANDS, Command, MAX_LINE_OCTETS};
use crate::clock::UnixMs;
use crate::rules::{Ask, Decision, Names, Show, Topic, Who};

pub(super) fn names() -> Names {
    let mapper = Mapper::new(Domain::parse("gw.example").unwrap(), Selectors::default());
    Names::unfolded(Arc::new(mapper))
}

const NOW: UnixMs = UnixMs(1_000);

fn read(line: &str) -> Result<Command, String> {
    Command::read(line, &names(), NOW).map_err(|why| why.to_string())
}

#[test]
fn case_and_blanks_do_not_matter() {
    assert_eq!(read("  WhoAmI \t"), Ok(Command::Whoami));
    let Ok(Command::Mark { who, topics, standing, decision }) = read("BLOCK <im:Spam@B.example>") else {
        panic!("no mark")
    };
    assert_eq!(who.to_string(), "im:Spam@b.example", "a local-part is its own domain's to fold");
    assert_eq!((topics, standing, decision), (vec![Topic::Everything], None, Decision::Deny));
}

#[test]
fn whatever_means_somebody_is_taken() {
    for text in ["im:bob@b.example", "pres:bob@b.example", "bob@b.example"] {
        let Ok(Command::Unblock(Who::Address(address))) = read(&format!("unblock {text}")) else {
            panic!("{text}")
        };
        assert_eq!(address.to_string(), "im:bob@b.example");
    }
    for (text, shown) in [
        ("mailto:bob@b.example", "im:mailto=bob~40b.example@gw.example"),
        ("*@b.example", "*@b.example"),
        ("*", "*"),
        ("irc://irc.b.example/*", "irc://irc.b.example/*"),
    ] {
        let Ok(Command::Unblock(who)) = read(&format!("unblock {text}")) else { panic!("{text}") };
        assert_eq!(who.to_string(), shown);
    }
}

#[test]
fn what_a_rule_is_about() {
    let topics = |line: &str| match read(line) {
        Ok(Command::Mark { topics, standing, .. }) => (topics, standing.map(|standing| standing.to_string())),
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(topics("allow * watchers").0, [Topic::One(Ask::Winfo)]);
    assert_eq!(topics("allow * presence").0, [Topic::One(Ask::Subscribe), Topic::One(Ask::Fetch)]);
    assert_eq!(topics("block * messages if claimed").1.as_deref(), Some("claimed"));
    assert!(read("block * mesages").unwrap_err().contains("everything, messages, presence, watchers"));
    assert!(read("block * if").unwrap_err().contains("verified, claimed or anonymous"));
}

#[test]
fn forwards_have_an_end_or_none() {
    let until = |line: &str| match read(line) {
        Ok(Command::Forward(forward)) => forward.unwrap().until,
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(read("forward OFF"), Ok(Command::Forward(None)));
    assert_eq!(until("forward bob@b.example"), None);
    assert_eq!(until("forward bob@b.example for 1h 30m"), Some(NOW.plus(Duration::from_secs(5_400))));
    assert_eq!(until("forward bob@b.example until 1970-01-02"), Some(UnixMs(86_400_000)));
    assert_eq!(until("forward bob@b.example until 1970-01-01T00:00:02Z"), Some(UnixMs(2_000)));
    assert!(read("forward bob@b.example until 1970-01-01").unwrap_err().contains("over already"));
    assert!(read("forward bob@b.example tomorrow").unwrap_err().contains("for 2d or until"));
}

#[test]
fn statuses_and_views() {
    let note = Some("at lunch, back soon".to_owned());
    let status = Command::Status(Some((cpim_adapter::Basic::Closed, note)));
    assert_eq!(read("status Closed at lunch, back  soon"), Ok(status));
    assert_eq!(read("status off"), Ok(Command::Status(None)));
    let Ok(Command::Appear(appearance)) = read("appear *@b.example only im: mailto:") else {
        panic!("no view")
    };
    assert_eq!(appearance.show, Show::Only(vec!["im:".into(), "mailto:".into()]));
}

#[test]
fn what_is_wrong_is_said_with_what_would_be_right() {
    for (line, part) in [
        ("blok im:x@b.example", "did you mean block?"),
        ("Dear gateway,", "write help for a list"),
        ("block", "write: block WHO [WHAT]"),
        ("block bob", "bob@b.example or mailto:bob@b.example is"),
        ("subscribe im:x@b.example soon", "\"soon\" is no duration"),
        ("subscribe im:x@b.example 0s", "is no duration"),
        ("rules please", "\"please\" is more than it takes"),
        ("show 12", "12 letters and digits"),
        ("status away", "none of open, closed, off"),
        ("subscribe *@b.example", "one address is taken here"),
    ] {
        let why = read(line).unwrap_err();
        assert!(why.contains(part), "{line}: {why}");
    }
    assert!(read(&format!("block {}", "x".repeat(MAX_LINE_OCTETS))).unwrap_err().contains("too long"));
}

#[test]
fn free_text_of_somebody_else_is_not_passed_on() {
    let brief = |line: &str| read(line).unwrap().brief(line);
    assert_eq!(brief("status open buy this"), "status open ...");
    assert_eq!(brief("appear * closed buy this"), "appear * closed ...");
    assert_eq!(brief("block *@b.example"), "block *@b.example");
    let long = "x".repeat(1_000);
    for line in [
        format!("{long} x"),
        format!("help block {long}"),
        format!("subscribe {long}"),
        format!("status {long}"),
    ] {
        let why = read(&line).unwrap_err();
        assert!(why.len() < 250, "{why}");
    }
}

#[test]
fn every_command_has_a_name_of_its_own() {
    let mut names: Vec<&str> = COMMANDS.iter().map(|usage| usage.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), COMMANDS.len());
}
