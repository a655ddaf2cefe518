//! Mailboxes and addresses: every address that is written is read back as itself.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test, a panic is a failed test")]

use cpim_adapter::{Address, Class, Domain, DomainMapping, Mapper, Selectors};
use cpim_smtp_proto::address::{Mailbox, MailboxError, written};
use proptest::prelude::*;

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

fn mapper() -> Mapper {
    let selectors = Selectors::default();
    let irc = selectors.find("irc").unwrap();
    let mapping = DomainMapping::new(domain("irc.gw.example"), irc, "irc.example.net/", "").unwrap();
    Mapper::new(domain("gw.example"), selectors).with_mapping(mapping).unwrap()
}

fn resident(mailbox: &str) -> Result<String, String> {
    let mailbox = Mailbox::parse(mailbox).map_err(|error| error.to_string())?;
    let uri = mailbox.as_resident(Class::Im, &mapper()).map_err(|error| error.to_string())?;
    Ok(uri.address().to_string())
}

#[test]
fn every_way_of_writing_a_route_means_the_same() {
    let fred = "im:sip=fred~40example.com@gw.example";
    for written in [
        "sip=fred~40example.com@gw.example",
        "SIP=fred~40example.com@GW.example",
        "sip=~66red~40example.com@gw.example",
        "\"sip=fred@example.com\"@gw.example",
        "sip=fred%40example.com@gw.example",
        "/sip=fred~40example.com/@gw.example",
    ] {
        assert_eq!(resident(written).as_deref(), Ok(fred), "{written}");
    }
    assert_eq!(resident("alice@irc.gw.example").as_deref(), Ok("im:irc=irc.example.net/alice@gw.example"));
    assert!(resident("sip=@gw.example").is_err());
    assert!(resident("im=fred~40gw.example@gw.example").is_err(), "a loop");
}

#[test]
fn addresses_are_written_as_briefly_as_may_be() {
    let hosted = [domain("hosted.example")];
    let mailbox = |address: &str| {
        written(&Address::parse(address).unwrap(), &mapper(), &hosted).unwrap().mailbox.to_string()
    };
    assert_eq!(mailbox("im:fred@a.example"), "im=fred~40a.example@gw.example");
    assert_eq!(mailbox("pres:fred@a.example"), "im=fred~40a.example@gw.example");
    assert_eq!(mailbox("im:fred@hosted.example"), "fred@hosted.example");
    assert_eq!(mailbox("im:irc=irc.example.net/alice@gw.example"), "alice@irc.gw.example");
    assert_eq!(
        mailbox("im:irc=irc.other.example/alice@gw.example"),
        "irc=irc.other.example/alice@gw.example"
    );
    assert_eq!(mailbox("im:gateway@gw.example"), "gateway@gw.example");
    let long = format!("im:{}@a.example", "x".repeat(60));
    let alias = written(&Address::parse(&long).unwrap(), &mapper(), &hosted).unwrap();
    assert_eq!(alias.alias_of.map(|address| address.to_string()), Some(long));
    assert!(alias.mailbox.local().starts_with("alias=") && alias.mailbox.local().len() == 32);
}

#[test]
fn what_is_no_mailbox_is_refused() {
    for (text, wrong) in [
        ("fred", MailboxError::NoDomain),
        ("@a.example", MailboxError::Local),
        ("a..b@a.example", MailboxError::Local),
        ("a b@a.example", MailboxError::Local),
        ("\"a\"b\"@a.example", MailboxError::Local),
        ("\"a\r\n\"@a.example", MailboxError::Local),
    ] {
        assert_eq!(Mailbox::parse(text), Err(wrong), "{text}");
    }
    let long = format!("{}@a.example", "a".repeat(65));
    assert_eq!(Mailbox::parse(&long), Err(MailboxError::TooLong { octets: 65, most: 64 }));
    assert!(matches!(Mailbox::parse("a@a..example"), Err(MailboxError::Domain(_))));
}

proptest! {
    #[test]
    fn a_mailbox_is_read_as_it_is_written(local in "[ -~é]{1,20}") {
        if let Ok(mailbox) = Mailbox::new(&local, domain("a.example")) {
            prop_assert_eq!(Mailbox::parse(&mailbox.to_string()), Ok(mailbox));
        }
    }

    #[test]
    fn an_address_leads_back_to_itself(local in "[ -~é]{1,30}", at in "[a-z]{1,9}\\.example") {
        let address = Address::new(Class::Im, &local, domain(&at)).unwrap();
        let mapper = mapper();
        let written = written(&address, &mapper, &[]).unwrap();
        prop_assert!(written.mailbox.to_string().is_ascii());
        prop_assert!(written.mailbox.local().len() <= 64);
        if let Some(kept) = written.alias_of {
            prop_assert_eq!(kept, address);
        } else {
            let read = written.mailbox.as_resident(Class::Im, &mapper).unwrap();
            let foreign = mapper.unmap(read.address()).unwrap();
            prop_assert_eq!(Address::parse(&foreign.to_string()).unwrap(), address);
        }
    }

    #[test]
    fn a_stranger_has_one_address_and_it_leads_back(local in "[ -~]{1,20}", at in "[a-z]{1,9}\\.example") {
        let mailbox = Mailbox::new(&local, domain(&at)).unwrap();
        let mapper = mapper();
        if let Ok(uri) = mailbox.as_stranger(Class::Im, &mapper) {
            let foreign = mapper.unmap(uri.address()).unwrap();
            prop_assert_eq!(Mailbox::of_foreign(&foreign), Ok(mailbox));
        }
    }

    #[test]
    fn whatever_is_typed_is_read_or_refused(text in any::<String>()) {
        if let Ok(mailbox) = Mailbox::parse(&text) {
            let _read = mailbox.as_resident(Class::Im, &mapper());
        }
    }
}
