//! What [`Content`] shows of an entity, case by case (RFC 2045, RFC 2046, RFC 5322 section 2.2.3).
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

use bytes::Bytes;
use cpim_adapter::{Content, MediaType};

fn content(octets: &'static str) -> Content {
    Content::new(Bytes::from_static(octets.as_bytes()))
}

/// Essence and charset.
fn peek(octets: &'static str) -> Option<(String, Option<String>)> {
    let media_type = content(octets).media_type()?;
    Some((media_type.essence().to_owned(), media_type.charset().map(str::to_owned)))
}

#[test]
fn header_and_body() {
    for (entity, header, body) in [
        ("A: b\r\n\r\nbody", "A: b\r\n", "body"),
        ("A: b\r\nC: d\r\n\r\nx\r\n\r\ny", "A: b\r\nC: d\r\n", "x\r\n\r\ny"),
        ("\r\nbody", "", "body"),
        ("\r\n", "", ""),
        ("\r\n\r\nbody", "", "\r\nbody"),
        ("A: b\r\n\r\n", "A: b\r\n", ""),
        ("A: b\r\n", "A: b\r\n", ""),
        ("A: b", "A: b", ""),
        ("A: b\n\nno CRLF, no blank line", "A: b\n\nno CRLF, no blank line", ""),
        ("", "", ""),
    ] {
        let content = content(entity);
        assert_eq!(content.header(), header, "{entity:?}");
        assert_eq!(content.body(), body, "{entity:?}");
        assert_eq!(content.octets(), entity);
        assert_eq!((content.len(), content.is_empty()), (entity.len(), entity.is_empty()));
    }
}

#[test]
fn slices_share_the_octets() {
    let content = content("A: b\r\n\r\nbody");
    assert_eq!(content.body().as_ptr(), content.octets()[8..].as_ptr());
    assert_eq!(content.clone().header().as_ptr(), content.octets().as_ptr());
}

#[test]
fn media_types() {
    for (entity, essence, charset) in [
        ("Content-Type: text/plain\r\n\r\nhi", "text/plain", None),
        ("Content-Type: text/plain", "text/plain", None),
        ("content-TYPE:Text/HTML;CharSet=UTF-8\r\n\r\n", "text/html", Some("UTF-8")),
        ("Content-Type: text/plain; charset=\"us-ascii\"\r\n\r\nYabba", "text/plain", Some("us-ascii")),
        ("Content-Type: text/plain;\r\n charset=utf-8\r\n\r\n", "text/plain", Some("utf-8")),
        (
            "Content-Type:\r\n\ttext/plain\r\n ;\r\n\tcharset\r\n = \r\n utf-8 \r\n\r\n",
            "text/plain",
            Some("utf-8"),
        ),
        ("Content-Type: text/plain; charset=utf-8;\r\n\r\n", "text/plain", Some("utf-8")),
        ("X: y\r\n z\r\nContent-Type: a/b; x=\"; charset=no\"; charset=yes\r\n\r\n", "a/b", Some("yes")),
        ("not a field\r\nContent-Type: a/b\r\n\r\n", "a/b", None),
        ("Content-Type: a/b; x=\"q\\\"q\"; charset=\"u\\tf\"\r\n\r\n", "a/b", Some("utf")),
        ("Content-Type: Message/CPIM\r\n\r\n", "message/cpim", None),
        ("Content-Type: application/vnd.a+json; p*0*=utf-8''%41\r\n\r\n", "application/vnd.a+json", None),
    ] {
        assert_eq!(peek(entity), Some((essence.to_owned(), charset.map(str::to_owned))), "{entity:?}");
        assert!(content(entity).is(&essence.to_uppercase()), "{entity:?}");
        assert!(!content(entity).is("text/plai") && !content(entity).is("text/plain2"), "{entity:?}");
    }
}

#[test]
fn no_media_type() {
    for entity in [
        "",
        "hello",
        "\r\nContent-Type: text/plain",
        "A: b\r\n\r\nContent-Type: text/plain\r\n\r\n",
        "Content-Type: text\r\n\r\n",
        "Content-Type: /plain\r\n\r\n",
        "Content-Type: text/\r\n\r\n",
        "Content-Type: te xt/plain\r\n\r\n",
        "Content-Type: text/plain (a comment)\r\n\r\n",
        "Content-Type: text/plain; charset\r\n\r\n",
        "Content-Type: text/plain; charset=\r\n\r\n",
        "Content-Type: text/plain; charset=\"utf-8\r\n\r\n",
        "Content-Type: text/plain; charset=utf-8 x=y\r\n\r\n",
        "Content-Type: text/plain; charset=a; CHARSET=b\r\n\r\n",
        "Content-Type: text/plain;; charset=a\r\n\r\n",
        "Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\n",
        "Content-Type : text/plain\r\n\r\n",
        " Content-Type: text/plain\r\n\r\n",
        "Content-Type: text/plain\n\nbare line ends",
        "Content-Type: text/plain\0\r\n\r\n",
    ] {
        assert_eq!(peek(entity), None, "{entity:?}");
        assert!(!content(entity).is("text/plain"), "{entity:?}");
    }
}

#[test]
fn media_type_limits() {
    let parameters = |count: usize| {
        let parameters: String = (0..count).map(|number| format!("; p{number}=x")).collect();
        MediaType::parse(format!("a/b{parameters}").as_bytes())
    };
    assert!(parameters(MediaType::MAX_PARAMETERS).is_some());
    assert!(parameters(MediaType::MAX_PARAMETERS + 1).is_none());
    let long = |octets: usize| MediaType::parse(format!("a/{}", "b".repeat(octets - 2)).as_bytes());
    assert!(long(MediaType::MAX_OCTETS).is_some());
    assert!(long(MediaType::MAX_OCTETS + 1).is_none());
    assert_eq!(MediaType::parse(b"a/b\r\nc"), None);
    assert_eq!(MediaType::parse(b"a/b; x=\"\xff\""), None);
    let parsed = MediaType::parse(b"Text/Plain; Format=Flowed").unwrap();
    assert_eq!((parsed.kind(), parsed.parameter("FORMAT")), ("text", Some("Flowed")));
}

#[test]
fn fields() {
    let content = content("Subject:  a\r\n b \r\nX: 1\r\nx: 2\r\nBad: a\nb\r\n\r\n");
    assert_eq!(content.field("subject").as_deref(), Some("a b"));
    assert_eq!(content.field("X"), None, "twice");
    assert_eq!(content.field("Bad"), None, "a bare line end");
    assert_eq!(content.field("Y"), None);
}

#[test]
fn text_has_crlf_line_ends() {
    for (text, body) in [
        ("", ""),
        ("hi", "hi"),
        ("a\nb\r\nc\rd\n", "a\r\nb\r\nc\r\nd\r\n"),
        ("\n\r", "\r\n\r\n"),
        ("\r\r\n", "\r\n\r\n"),
        ("é\u{2028}", "é\u{2028}"),
    ] {
        let content = Content::text(text);
        assert_eq!(content.header(), "Content-Type: text/plain; charset=utf-8\r\n");
        assert_eq!(content.body(), body, "{text:?}");
        assert_eq!(content.media_type().unwrap().charset(), Some("utf-8"));
    }
}

#[test]
fn debug_does_not_tell() {
    assert_eq!(
        format!("{:?}", Content::text("secret")),
        "Content { media_type: Some(\"text/plain\"), octets: 49 }"
    );
}
