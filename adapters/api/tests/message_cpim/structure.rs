//! Lines, blocks and limits (sections 2 and 3.6).

use cpim_adapter::message_cpim::{
    CORE, Flag, MAX_HEADERS, MAX_OCTETS, MAX_PARAMETERS, MAX_REQUIRED, Mode, Party, ReadError, WriteError,
};
use cpim_adapter::{Content, MessageCpim};

use super::{ENTITY, body, builder, name, read, read_mode, refused, subjects, uri};

#[test]
fn c01_the_smallest() {
    let message = read(body("|From: <im:a@x.example>|To: <im:b@x.example>")).unwrap();
    assert_eq!(message.from().unwrap().unwrap().uri.as_str(), "im:a@x.example");
    let to: Vec<Party> = message.to().collect::<Result<_, _>>().unwrap();
    assert_eq!(to, [uri("im:b@x.example").into()]);
    assert_eq!(message.content().octets(), ENTITY);
    assert_eq!(message.content().body(), "hi");
    assert!(message.flags().is_empty());
    assert!(message.mime_header().is_empty());
}

#[test]
fn c04_one_space_after_the_colon() {
    let expected = "one space before the value";
    assert_eq!(refused(body("|From:<im:a@x>")), ReadError::Malformed { line: 1, expected });
    assert_eq!(refused(body("|To: <im:b@x>|Subject:")), ReadError::Malformed { line: 2, expected });
}

#[test]
fn c07_line_ends_are_crlf() {
    assert_eq!(
        refused("From: <im:a@x>\n\nContent-Type: text/plain\n\nhi"),
        ReadError::BareLineEnd { octet: 14 }
    );
    assert_eq!(refused("Subject: a\rb\r\n\r\n"), ReadError::BareLineEnd { octet: 10 });
    assert_eq!(refused("Subject: a\r\r\n\r\n"), ReadError::BareLineEnd { octet: 10 });
    assert_eq!(refused("Subject: a\r"), ReadError::BareLineEnd { octet: 10 });
    // In the content they are none of our business.
    let bare = "Subject: a\r\n\r\nContent-Type: text/plain\r\n\r\na\nb\rc\0\u{fffd}";
    assert_eq!(read(bare).unwrap().content().body(), "a\nb\rc\0\u{fffd}");
}

#[test]
fn c08_no_folding() {
    assert_eq!(refused(body("|Subject: a| b")), ReadError::Folded { line: 2 });
    assert_eq!(refused(body("|Subject: a|\tb")), ReadError::Control { octet: 12, control: b'\t' });
}

#[test]
fn malformed_lines() {
    for line in ["|no colon", "|: x", "|a b: x", "|a.b.c: x", "|.a: x", "|a.: x", "|é: x", "|Subject : x"] {
        assert!(matches!(refused(body(line)), ReadError::Malformed { line: 1, .. }), "{line}");
    }
    for line in [
        "|S:;lang fr x",
        "|S:;=x y",
        "|S:;a= y",
        "|S:;a=\"b y",
        "|S:;a=b;c y",
        "|S:;a=b",
        "|S:;a=(b) y",
        "|S:x",
    ] {
        assert!(matches!(refused(body(line)), ReadError::Malformed { line: 1, .. }), "{line}");
    }
}

/// The examples of RFC 5438 and RFC 4975 have no second blank line.
#[test]
fn no_blank_line_before_the_content() {
    let missing = "From: <im:a@x>\r\nContent-type: text/plain\r\nContent-Language: en,\r\n\tfr\r\n\r\nhi";
    assert_eq!(read(missing), Err(ReadError::NoContentType));
    let message = read_mode(missing, Mode::Tolerant).unwrap();
    assert_eq!(message.flags(), [Flag::NoBlankLine]);
    assert_eq!(message.headers().len(), 1);
    assert_eq!(message.content().octets(), missing.split_at(16).1);
    assert_eq!(message.content().body(), "hi");

    // A text with paragraphs in it has blank lines of its own.
    let paragraphs = "From: <im:a@x>\r\nContent-Type: text/plain\r\n\r\nhi\r\n\r\nyou";
    assert_eq!(read_mode(paragraphs, Mode::Tolerant).unwrap().content().body(), "hi\r\n\r\nyou");
    // Where it is well-formed, it is read as it should be, Content-something or not.
    let message = read_mode(body("|Content-X: y"), Mode::Tolerant).unwrap();
    assert_eq!((message.headers().len(), message.flags().len()), (1, 0));
    // Never where it is signed, or may be.
    for kind in ["multipart/signed; protocol=x", "application/pkcs7-mime", "multipart/signed (?)"] {
        let signed = format!("From: <im:a@x>\r\nContent-Type: {kind}\r\n\r\nhi");
        assert_eq!(refused(signed), ReadError::NoContentType, "{kind}");
    }
    // The headers before it still have to be right.
    let folded = "Subject: a\r\n b\r\nContent-type: text/plain\r\n\r\nhi";
    assert_eq!(read_mode(folded, Mode::Tolerant), Err(ReadError::Folded { line: 2 }));
    // No blank line at all: the content is a header without a body.
    let headers_only = "From: <im:a@x>\r\nContent-type: text/plain\r\n";
    assert_eq!(read(headers_only), Err(ReadError::Unfinished));
    assert_eq!(
        read_mode(headers_only, Mode::Tolerant).unwrap().content().octets(),
        "Content-type: text/plain\r\n"
    );
}

#[test]
fn c22_an_extra_blank_line() {
    assert_eq!(refused(format!("From: <im:a@x>\r\n\r\n\r\n{ENTITY}")), ReadError::NoContentType);
    assert_eq!(refused(format!("\r\nFrom: <im:a@x>\r\n\r\n{ENTITY}")), ReadError::NoContentType);
    assert_eq!(refused("From: <im:a@x>\r\n\r\nhello"), ReadError::NoContentType);
    assert_eq!(refused("From: <im:a@x>\r\n\r\n"), ReadError::NoContentType);
    for unfinished in ["", "From: <im:a@x>", "From: <im:a@x>\r\n"] {
        assert_eq!(refused(unfinished), ReadError::Unfinished, "{unfinished:?}");
    }
}

#[test]
fn c23_octets_that_are_no_text() {
    for (octets, error) in [
        (&b"\xf8\x88\x80\x80\x80"[..], ReadError::NotUtf8 { octet: 9 }),
        (b"a\x80", ReadError::NotUtf8 { octet: 10 }),
        (b"\xed\xa0\x80", ReadError::NotUtf8 { octet: 9 }),
        (b"\xc0\x80", ReadError::NotUtf8 { octet: 9 }),
        (b"a\0", ReadError::Control { octet: 10, control: 0 }),
        (b"\x7f", ReadError::Control { octet: 9, control: 0x7f }),
        (b"a\tb", ReadError::Control { octet: 10, control: 9 }),
    ] {
        let message = [b"Subject: ", octets, b"\r\n\r\n", ENTITY.as_bytes()].concat();
        assert_eq!(refused(message), error, "{octets:?}");
    }
}

#[test]
fn c25_no_limit_on_a_line() {
    let long = "x".repeat(10 * 1_024 * 1_024);
    let message = read(body(&format!("|Subject: {long}|To: <im:a@x>"))).unwrap();
    assert!(subjects(&message)[0].1 == long);
    assert_eq!(message.to().count(), 1);
}

/// Section 2: who reads an entity looks at its Content-Type, and undoes a transfer encoding first (RFC 2045 section 6.4).
#[test]
fn the_whole_entity() {
    let entity = |header: &str| Content::new(format!("{header}\r\n\r\n{}", body("|From: <im:a@x>")).into());
    for header in [
        "Content-type: Message/CPIM",
        "MIME-Version: 1.0\r\ncontent-type: message/cpim; charset=utf-8\r\nContent-Transfer-Encoding: 8BIT",
        "Content-Type:\r\n message/cpim",
    ] {
        let message = MessageCpim::read(&entity(header), Mode::Strict).unwrap();
        assert_eq!(message.mime_header(), &format!("{header}\r\n"));
        assert!(message.from().unwrap().is_some());
    }
    for header in
        ["Content-Type: text/plain", "Content-Type: message/cpim\r\nContent-Type: message/cpim", "X: y"]
    {
        assert_eq!(
            MessageCpim::read(&entity(header), Mode::Tolerant),
            Err(ReadError::NotMessageCpim),
            "{header}"
        );
    }
    for encoding in ["base64", "8bit\r\nContent-Transfer-Encoding: base64", ""] {
        let header = format!("Content-Type: message/cpim\r\nContent-Transfer-Encoding: {encoding}");
        assert_eq!(MessageCpim::read(&entity(&header), Mode::Tolerant), Err(ReadError::Encoded), "{header}");
    }
}

#[test]
fn limits_hold_at_both_ends() {
    assert!(read(body(&"|A: b".repeat(MAX_HEADERS))).is_ok());
    assert_eq!(refused(body(&"|A: b".repeat(MAX_HEADERS + 1))), ReadError::TooManyHeaders);
    let parameters = |count| read(body(&format!("|A:{} b", ";a=b".repeat(count))));
    assert!(parameters(MAX_PARAMETERS).is_ok());
    assert_eq!(parameters(MAX_PARAMETERS + 1), Err(ReadError::TooManyParameters { line: 1 }));
    let required = |count| read(body(&format!("|Require: {}", vec!["a"; count].join(","))));
    assert!(required(MAX_REQUIRED).is_ok());
    assert_eq!(required(MAX_REQUIRED + 1), Err(ReadError::TooManyRequired { line: 1 }));

    let content = Content::text("x");
    let many =
        |count| (2..count).fold(builder(), |builder, _| builder.to(uri("im:c@x").into())).build(&content);
    assert_eq!(
        MessageCpim::read(&many(MAX_HEADERS).unwrap(), Mode::Strict).unwrap().headers().len(),
        MAX_HEADERS
    );
    assert_eq!(many(MAX_HEADERS + 1), Err(WriteError::TooManyHeaders));
    let required = |count| {
        (0..count).fold(builder(), |builder, _| builder.require(uri(CORE), name("Subject"))).build(&content)
    };
    assert!(MessageCpim::read(&required(MAX_REQUIRED).unwrap(), Mode::Strict).is_ok());
    assert_eq!(required(MAX_REQUIRED + 1), Err(WriteError::TooManyRequired));
    let headless = Content::new("\r\nhi".into());
    assert_eq!(builder().build(&headless), Err(WriteError::NoContentType));
}

#[test]
fn the_message_limit_holds_at_both_ends() {
    let sized = |octets: usize| {
        let mut body = body("|A: b").into_bytes();
        body.resize(octets, b'x');
        read(body)
    };
    assert_eq!(sized(MAX_OCTETS).unwrap().headers().len(), 1);
    assert_eq!(sized(MAX_OCTETS + 1), Err(ReadError::TooLarge { octets: MAX_OCTETS + 1 }));

    let around = builder().build(&Content::text("")).unwrap().len() - Content::text("").len();
    let sized = |octets: usize| {
        let mut content = Content::text("").octets().to_vec();
        content.resize(octets - around, b'x');
        builder().build(&Content::new(content.into()))
    };
    assert!(MessageCpim::read(&sized(MAX_OCTETS).unwrap(), Mode::Strict).is_ok());
    assert_eq!(sized(MAX_OCTETS + 1), Err(WriteError::TooLarge));
}
