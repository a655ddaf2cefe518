//! Mail, as the peer's users write and read it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use cpim_adapter::{Content, Message, Metadata, Status, Subject};
use mail_parser::{Address, HeaderValue, MessageParser};

/// A mail that a person reads.
pub(crate) struct Read {
    /// The author's mailbox.
    pub(crate) from: String,
    /// The entity, as it was before it was encoded for the way.
    pub(crate) content: Content,
    /// The text, where it is one.
    pub(crate) text: Option<String>,
    /// What stands around it.
    pub(crate) metadata: Metadata,
    /// It tells presence.
    pub(crate) is_notice: bool,
}

/// Reads a mail.
pub(crate) fn read(octets: &[u8]) -> Option<Read> {
    let mail = MessageParser::default().parse(octets)?;
    let party = |address: Option<&Address<'_>>| {
        let first = address.and_then(Address::first)?;
        Some((first.name().map(str::to_owned), first.address()?.to_owned()))
    };
    let (source_name, from) = party(mail.from())?;
    let (destination_name, _) = party(mail.to())?;
    let references = match mail.references() {
        HeaderValue::Text(one) => vec![format!("<{one}>").into()],
        HeaderValue::TextList(list) => list.iter().map(|one| format!("<{one}>").into()).collect(),
        _ => Vec::new(),
    };
    let metadata = Metadata {
        subjects: mail.subject().map(|text| Subject { lang: None, text: text.into() }).into_iter().collect(),
        date: mail.date().map(|date| date.to_rfc3339().into()),
        source_name: source_name.map(Into::into),
        destination_name: destination_name.map(Into::into),
        message_ref: mail.message_id().map(|id| format!("<{id}>").into()),
        references,
        automatic: mail.header("Auto-Submitted").is_some(),
    };
    let content = entity(octets)?;
    let text = content.media_type().filter(|media_type| media_type.is("text/plain")).map(|_| {
        let text = String::from_utf8_lossy(&content.body()).replace("\r\n", "\n");
        // The last line of a mail has an end, whether its author gave it one or not.
        text.strip_suffix('\n').map(str::to_owned).unwrap_or(text)
    });
    let is_notice = mail.header("List-Unsubscribe").is_some();
    Some(Read { from, content, text, metadata, is_notice })
}

/// The entity of a mail: its `Content-` fields, and its body without the encoding for the way.
fn entity(octets: &[u8]) -> Option<Content> {
    let at = octets.windows(4).position(|four| four == b"\r\n\r\n")?;
    let (header, body) = octets.split_at_checked(at + 2)?;
    let body = body.get(2..)?;
    let (mut fields, mut encoding, mut is_own) = (String::new(), String::new(), false);
    for line in String::from_utf8_lossy(header).split_inclusive("\r\n") {
        let lower = line.to_ascii_lowercase();
        if !line.starts_with([' ', '\t']) {
            let is_encoding = lower.starts_with("content-transfer-encoding:");
            if is_encoding {
                encoding = lower.rsplit(':').next().unwrap_or_default().trim().to_owned();
            }
            is_own = lower.starts_with("content-") && !is_encoding;
        }
        if is_own {
            fields.push_str(line);
        }
    }
    let body = match encoding.as_str() {
        "base64" => {
            let text: Vec<u8> = body.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
            BASE64_STANDARD.decode(text).ok()?
        }
        "quoted-printable" => unquoted(body),
        _ => body.to_vec(),
    };
    Some(Content::new(Bytes::from([fields.as_bytes(), b"\r\n", &body].concat())))
}

/// Quoted-printable (RFC 2045 section 6.7), as far as it is right.
fn unquoted(body: &[u8]) -> Vec<u8> {
    let (mut plain, mut rest) = (Vec::with_capacity(body.len()), body);
    loop {
        rest = match rest {
            [] => return plain,
            [b'=', b'\r', b'\n', rest @ ..] => rest,
            [b'=', high, low, rest @ ..] => {
                let hex = |octet: &u8| char::from(*octet).to_digit(16);
                let octet = hex(high).zip(hex(low)).map(|(high, low)| high * 16 + low);
                plain.extend(octet.and_then(|octet| u8::try_from(octet).ok()));
                rest
            }
            [octet, rest @ ..] => {
                plain.push(*octet);
                rest
            }
        };
    }
}

/// Writes a mail. Nothing where mail without an encoding cannot hold the content.
pub(crate) fn write(message: &Message, tag: &str, from: &str, to: &str) -> Option<Vec<u8>> {
    let octets = message.content.octets();
    let lines_end = octets.split(|octet| *octet == b'\n').rev().skip(1).all(|line| line.ends_with(b"\r"));
    let bare = octets.split(|octet| *octet == b'\r').skip(1).any(|rest| !rest.starts_with(b"\n"));
    let long = octets.split(|octet| *octet == b'\n').any(|line| line.len() > 998);
    if !lines_end || bare || long || octets.contains(&0) || message.content.media_type().is_none() {
        return None;
    }
    let Metadata { subjects, date, source_name, destination_name, message_ref, references, automatic } =
        &message.metadata;
    let quoted = |name: &str| name.replace('\\', "\\\\").replace('"', "\\\"");
    let named = |name: &Option<std::sync::Arc<str>>, mailbox: &str| match name {
        Some(name) => format!("\"{}\" <{mailbox}>", quoted(name)),
        None => format!("<{mailbox}>"),
    };
    let mut header = format!("From: {}\r\nTo: {}\r\n", named(source_name, from), named(destination_name, to));
    let mut field = |name: &str, value: &str| header.push_str(&format!("{name}: {value}\r\n"));
    let own = format!("<{tag}@mail.example>");
    field("Message-ID", message_ref.as_deref().unwrap_or(&own));
    if let Some(subject) = subjects.first() {
        field("Subject", &subject.text);
    }
    if date.is_some() {
        // That of the kit's example; no other is sent.
        field("Date", "Fri, 20 Nov 2026 12:34:56 +0000");
    }
    if !references.is_empty() {
        field("References", &references.join(" "));
    }
    if *automatic {
        field("Auto-Submitted", "auto-generated");
    }
    field("MIME-Version", "1.0");
    let mut mail = header.into_bytes();
    mail.extend_from_slice(octets);
    if !mail.ends_with(b"\r\n") {
        mail.extend_from_slice(b"\r\n");
    }
    Some(mail)
}

/// A report on a mail (RFC 3464).
pub(crate) fn report(envid: &str, recipient: &str, to: &str, status: Status) -> Vec<u8> {
    let (action, code) = match status {
        Status::Success => ("delivered", "2.0.0"),
        Status::Failure => ("failed", "5.7.1"),
        Status::Indeterminant => ("relayed", "2.0.0"),
    };
    format!(
        "From: <postmaster@mail.example>\r\nTo: <{to}>\r\nSubject: report\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\n\r\nThis is what became of it.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Original-Envelope-Id: {envid}\r\nReporting-MTA: dns; mx.mail.example\r\n\r\n\
         Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {code}\r\n\r\n--b--\r\n"
    )
    .into_bytes()
}

/// What a report says: the name of the transaction, and what became of it.
pub(crate) fn reported(octets: &[u8]) -> Option<(String, Status)> {
    let text = String::from_utf8_lossy(octets).into_owned();
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned())
    };
    let status = match field("Action:")?.as_str() {
        "delivered" => Status::Success,
        "failed" => Status::Failure,
        "relayed" => Status::Indeterminant,
        _ => return None,
    };
    Some((field("Original-Envelope-Id:")?, status))
}
