//! Namespaces, what is required, and IMDN (sections 3.4, 3.5, 4.6 and 4.7; RFC 5438).

use cpim_adapter::message_cpim::{CORE, Flag, Mode, ReadError};

use super::{body, read, read_mode, refused};

#[test]
fn c14_a_namespace_has_any_prefix() {
    let acme = "http://id.acme.example/w/";
    for headers in [
        "|NS: acme <http://id.acme.example/w/>|acme.trap: set",
        "|NS: w2 <http://id.acme.example/w/>|w2.trap: set",
        "|NS: w2<http://id.acme.example/w/>|w2.trap: set",
        "|NS: <http://id.acme.example/w/>|trap: set",
    ] {
        let message = read(body(headers)).unwrap();
        assert_eq!(message.header(acme, "trap").unwrap().raw(), "set", "{headers}");
        assert!(message.header(CORE, "trap").is_none());
        assert!(message.flags().is_empty());
    }
}

/// Section 3.4: the default can be bound to something else, and back; `NS` is always the core one.
#[test]
fn the_default_namespace_can_change() {
    let message = read(body(
        "|NS: <http://other.example/>|To: <im:no@x>|NS: c <urn:ietf:params:cpim-headers:>|c.To: <im:yes@x>\
         |c.NS: <urn:ietf:params:cpim-headers:>|From: <im:a@x>",
    ))
    .unwrap();
    let to: Vec<_> = message.to().map(|to| to.unwrap().uri.to_string()).collect();
    assert_eq!(to, ["im:yes@x"]);
    assert_eq!(message.header("http://other.example/", "To").unwrap().raw(), "<im:no@x>");
    assert!(message.from().unwrap().is_some());
    assert!(message.flags().is_empty());
}

#[test]
fn c16_invalid_declarations_and_uses() {
    let message = read(body("|acme.trap: set|NS: acme <http://id.acme.example/w/>|acme.trap: two")).unwrap();
    assert_eq!(message.flags(), [Flag::UndeclaredPrefix { line: 1 }]);
    assert_eq!(message.headers()[0].namespace(), None);
    assert_eq!(message.header("http://id.acme.example/w/", "trap").unwrap().raw(), "two");

    for value in [
        "a </w/>",
        "a <http://x/#f>",
        "a <>",
        "a",
        "<http://x/",
        "a  <http://x/>",
        " <http://x/>",
        "a.b <http://x/>",
    ] {
        let message = read(body(&format!("|NS: {value}|a.trap: set|To: <im:a@x>"))).unwrap();
        assert_eq!(
            message.flags(),
            [Flag::BadNamespace { line: 1 }, Flag::UndeclaredPrefix { line: 2 }],
            "{value}"
        );
        assert_eq!(message.to().count(), 1, "an invalid declaration declares nothing: {value}");
    }
}

#[test]
fn c17_require_is_there_to_be_judged() {
    let message = read(body("|NS: foo <urn:example:foo>|Require: foo.Bar,Subject|Require: no.Baz")).unwrap();
    let named: Vec<_> =
        message.require().iter().map(|it| (it.namespace.as_deref(), it.name.as_str())).collect();
    assert_eq!(named, [(Some("urn:example:foo"), "Bar"), (Some(CORE), "Subject"), (None, "Baz")]);

    let spaced = body("|Require: A, B");
    assert!(matches!(read(spaced.clone()), Err(ReadError::Malformed { line: 1, .. })));
    assert_eq!(read_mode(spaced, Mode::Tolerant).unwrap().require().len(), 2);
    for value in ["", "a,", ",a", "a b", "a.b.c", r"\u0041"] {
        assert!(
            matches!(refused(body(&format!("|Require: {value}"))), ReadError::Malformed { line: 1, .. }),
            "{value}"
        );
    }
}

#[test]
fn c26_a_notification_is_asked_for() {
    for prefix in ["imdn", "x9"] {
        let message = read(body(&format!(
            "|From: Alice <im:alice@x>|To: Bob <im:bob@x>|NS: {prefix} <urn:ietf:params:imdn>\
             |{prefix}.Message-ID: 34jk324j|DateTime: 2006-04-04T12:16:49-05:00\
             |{prefix}.Disposition-Notification: positive-delivery, negative-delivery"
        )))
        .unwrap();
        assert_eq!(message.imdn("Message-ID").unwrap().value().unwrap(), "34jk324j");
        assert_eq!(
            message.imdn("Disposition-Notification").unwrap().raw(),
            "positive-delivery, negative-delivery"
        );
        assert!(message.imdn("message-id").is_none());
        assert!(message.flags().is_empty());
    }
    let twice = read(body(
        "|NS: a <urn:ietf:params:imdn>|NS: b <urn:ietf:params:imdn>|a.Message-ID: 1|b.Message-ID: 2\
         |a.IMDN-Route: <im:r@x>|b.IMDN-Route: <im:s@x>",
    ))
    .unwrap();
    assert_eq!(twice.flags(), [Flag::Duplicate { line: 4 }]);
    assert_eq!(twice.imdn("Message-ID").unwrap().raw(), "1");
    let elsewhere = read(body("|NS: imdn <urn:ietf:params:imdn:>|imdn.Message-ID: x")).unwrap();
    assert!(elsewhere.imdn("Message-ID").is_none());
}
