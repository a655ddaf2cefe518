//! Writing, and one message in another (sections 5.2 and 6).

use cpim_adapter::message_cpim::{
    Builder, CORE, DateTime, Extension, IMDN, MAX_DEPTH, Mode, Party, ReadError,
};
use cpim_adapter::{Content, LangTag, MessageCpim, Subject};

use super::{DONKEY, body, builder, name, uri};

#[test]
fn c24_a_signed_entity_is_not_touched() {
    let signed = format!(
        "Content-Type: multipart/signed; boundary=next; micalg=sha-256;\r\n protocol=\"application/pkcs7-signature\"\r\n\
         \r\n--next\r\nContent-Type: Message/CPIM\r\n\r\n{}\r\n--next\r\nContent-Type: application/pkcs7-signature\r\n\
         \r\n\0\u{ff}\n\r--next--",
        body(DONKEY)
    );
    let signed = Content::new(signed.into());
    let entity = builder().build(&signed).unwrap();
    let message = MessageCpim::read(&entity, Mode::Strict).unwrap();
    assert_eq!(message.content(), &signed);
    let at = entity.len() - signed.len();
    assert_eq!(message.content().octets().as_ptr(), entity.octets()[at..].as_ptr(), "a slice, no copy");
}

/// What the author says of the source is shown as it is said, whoever the operation is from.
#[test]
fn c28_from_is_never_rewritten() {
    let original = body("|From: The Boss <im:boss@x>|To: <im:b@x>");
    let inner = Content::new(format!("Content-Type: message/cpim\r\n\r\n{original}").into());
    let message = MessageCpim::read(&builder().build(&inner).unwrap(), Mode::Strict).unwrap();
    assert_eq!(message.content(), &inner);
    let inner = MessageCpim::read(message.content(), Mode::Strict).unwrap();
    assert_eq!(inner.headers()[0].raw(), "The Boss <im:boss@x>");
}

#[test]
fn c29_one_in_another() {
    let innermost = Content::text("hi");
    let mut entity = innermost.clone();
    for depth in 1..=MAX_DEPTH {
        let outer = builder().build(&entity).unwrap();
        assert!(outer.octets().ends_with(entity.octets()), "the original stands there as it was");
        entity = outer;
        let layers = MessageCpim::read_nested(&entity, Mode::Strict).unwrap();
        assert_eq!(layers.len(), depth);
        assert_eq!(layers.last().unwrap().content(), &innermost);
    }
    let too_deep = builder().build(&entity).unwrap();
    assert_eq!(MessageCpim::read_nested(&too_deep, Mode::Strict), Err(ReadError::TooDeep));
    assert!(MessageCpim::read(&too_deep, Mode::Strict).is_ok(), "one layer can always be read");
}

#[test]
fn what_the_writer_writes() {
    let entity = Builder::new(
        Party { name: Some("Zoë B.".into()), uri: uri("im:a@x.example") },
        Party { name: Some("Bear, \"P.\"".into()), uri: uri("im:b@x.example") },
    )
    .cc(uri("im:c@x.example").into())
    .date_time(DateTime::parse("2001-02-01T12:16:49-05:00").unwrap())
    .subject(Subject { lang: LangTag::parse("fr"), text: "ligne\r\nsuivante".into() })
    .require(uri("urn:example:foo"), name("Bar"))
    .require(uri(CORE), name("Subject"))
    .extension(Extension::new(uri(IMDN), name("Message-ID"), "34jk324j").unwrap())
    .extension(
        Extension::new(uri("urn:example:foo"), name("Bar"), "")
            .unwrap()
            .with_lang(LangTag::parse("en").unwrap()),
    )
    .build(&Content::text("hi"))
    .unwrap();
    let want = [
        "Content-Type: Message/CPIM",
        "",
        "From: Zoë B. <im:a@x.example>",
        r#"To: "Bear, \"P.\"" <im:b@x.example>"#,
        "cc: <im:c@x.example>",
        "DateTime: 2001-02-01T12:16:49-05:00",
        r"Subject:;lang=fr ligne\r\nsuivante",
        "NS: x1 <urn:example:foo>",
        "NS: imdn <urn:ietf:params:imdn>",
        "Require: x1.Bar,Subject",
        "imdn.Message-ID: 34jk324j",
        "x1.Bar:;lang=en ",
        "",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "hi",
    ];
    assert_eq!(entity.octets(), want.join("\r\n").as_str());
    assert!(
        Extension::new(uri(CORE), name("From"), "x").is_none(),
        "the core headers have types of their own"
    );
}
