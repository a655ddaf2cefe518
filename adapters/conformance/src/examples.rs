//! What crosses in the cases: contents, metadata and addresses that something has tripped over before.

use std::sync::Arc;

use bytes::Bytes;
use cpim_adapter::{Content, Feature, ImUri, LangTag, Metadata, Subject};

/// Contents, each with what it is. What a text protocol can show is what [`is_plain_text`] says.
pub(crate) fn contents() -> Vec<(&'static str, Content)> {
    let every_octet: Vec<u8> =
        b"Content-Type: application/octet-stream\r\n\r\n".iter().copied().chain(0..=255).collect();
    let long_line = format!("Content-Type: text/plain\r\n\r\n{}", "long ".repeat(2_000));
    let texts: [(&str, &[u8]); 11] = [
        ("plain text", b"Content-Type: text/plain\r\n\r\nhello"),
        ("blanks of all kinds", b"Content-Type: text/plain\r\n\r\none  two   three, and .   a dot"),
        ("an empty body", b"Content-Type: text/plain\r\n\r\n"),
        ("text with header fields of its own", b"Content-Type: text/plain; charset=\"us-ascii\"\r\nContent-ID: <1@a.example>\r\nX-Own: yes\r\n\r\nYabba, dabba!"),
        ("lines that begin with dots and `From `", b"Content-Type: text/plain\r\n\r\n.\r\n..\r\nFrom here\r\n.end\r\n"),
        ("blanks at ends, and no last line end", b"Content-Type: text/plain\r\n\r\n  two \r\n\r\n\r\nlast \t"),
        ("bare CR, bare LF and NUL", b"Content-Type: application/x\r\n\r\na\rb\nc\0d\r\r\n\n"),
        ("several parts", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n"),
        ("an invitation", b"Content-Type: application/sdp\r\n\r\nv=0\r\no=fred 1 1 IN IP4 host.example\r\n"),
        ("fields that come twice, in an order of their own", b"X-B: 1\r\nContent-Type: text/plain; charset=\"us-ascii\"\r\nx-a:2\r\nX-B: 1\r\nX-B: 3\r\n\r\nas it is"),
        ("no header at all", b"\r\njust a body"),
    ];
    let mut contents: Vec<_> =
        texts.into_iter().map(|(what, octets)| (what, Content::new(Bytes::from_static(octets)))).collect();
    contents.push(("text beyond ASCII", Content::text("Größe: \u{1f9e9} ネコ\nzweite Zeile")));
    contents.push(("every octet there is", Content::new(every_octet.into())));
    // Lengths at which a buffer ends.
    for (what, octets) in
        [("4,095 octets", 4_095), ("4,096 octets", 4_096), ("4,097 octets", 4_097), ("65,536 octets", 65_536)]
    {
        let mut octets_of = b"Content-Type: application/octet-stream\r\n\r\n".to_vec();
        octets_of.resize(octets, b'#');
        contents.push((what, Content::new(octets_of.into())));
    }
    contents.push(("a line of 10,000 octets", Content::new(long_line.into_bytes().into())));
    contents
}

/// Whether a protocol that shows only text can show it; what does not say what it is, is text (RFC 2045 section 5.2).
pub(crate) fn is_plain_text(content: &Content) -> bool {
    let says = content.field("Content-Type").is_some();
    content.media_type().map_or(!says, |media_type| media_type.is("text/plain"))
}

/// Metadata of which each part is one feature.
pub(crate) fn metadata(feature: Feature) -> Option<Metadata> {
    let none = Metadata::default;
    Some(match feature {
        Feature::Date => Metadata { date: Some("2026-11-20T12:34:56Z".into()), ..none() },
        Feature::DisplayNames => Metadata {
            source_name: Some("Fred, of \"Bedrock\"".into()),
            destination_name: Some("Wilma".into()),
            ..none()
        },
        Feature::Subject => Metadata {
            subjects: vec![
                Subject { lang: LangTag::parse("en"), text: "Dinner at eight?".into() },
                Subject { lang: LangTag::parse("de"), text: "Essen um acht?".into() },
            ],
            ..none()
        },
        Feature::Threads => Metadata {
            message_ref: Some("<1@core.example>".into()),
            references: vec![Arc::from("<z@core.example>"), Arc::from("<0@core.example>")],
            ..none()
        },
        Feature::AnyContent
        | Feature::MultiLine
        | Feature::Outcome
        | Feature::RichPresence
        | Feature::Unicode => return None,
    })
}

/// Addresses of ours that have tripped somebody: quoting, escapes, other scripts, length, and an attempt to end a line.
pub(crate) fn awkward() -> Vec<ImUri> {
    [
        "im:plain@core.example",
        "im:Upper.Case@core.example",
        "im:a+b=c~d@core.example",
        "im:%22quoted%20part%22@core.example",
        "im:o'brien@core.example",
        "im:a%25b@core.example",
        "im:a%2Fb%40c@core.example",
        "im:fred%0D%0AQUIT@core.example",
        "im:%C3%A9milie@core.example",
        "im:mailto=bob~40mail.example@gw.other.example",
        "im:averyveryverylonglocalpartthatislongerthanthesixtyfouroctetsofmailaddresses@core.example",
        "im:fred@xn--bcher-kva.example",
    ]
    .into_iter()
    .filter_map(|text| ImUri::parse(text).ok())
    .collect()
}

/// Text that tries to be protocol.
pub(crate) const INJECTIONS: [&str; 7] = [
    "hello\r\nQUIT :gone\r\nPRIVMSG x :y",
    "hello\r\n.\r\nMAIL FROM:<x@y.example>",
    "CPIM/1 7 0\r\n<close/>",
    "<response status='success' transID='1'/>",
    "\u{1}ACTION dances\u{1}",
    "tab\tnul-like \u{2400} and \u{85}next",
    "MESSAGE from=im:x@y.example to=z tag=1 content=\nMESSAGE",
];
