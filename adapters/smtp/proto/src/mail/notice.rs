//! From a notification to a mail for a person: presence as text, with the document beside it.

use std::fmt::Write as _;

use cpim_adapter::{Basic, Metadata, Notify, Presence, Subject, Tuple};

use super::body::base64_lines;
use super::letter::{Post, Slip};
use super::part::Part;
use crate::address::Mailbox;

/// Presence told to a person who has mail.
#[derive(Clone, Copy, Debug)]
pub struct Notice<'a> {
    /// Who to whom.
    pub slip: Slip<'a>,
    /// What is told.
    pub notify: &'a Notify,
    /// Where a mail ends the subscription: an address that only its receiver knows.
    pub unsubscribe: &'a Mailbox,
}

impl Notice<'_> {
    /// The mail. All of one presentity are one conversation in a mail program.
    #[must_use]
    pub fn write(&self) -> Post {
        let Self { slip, notify, unsubscribe } = *self;
        let about = notify.target.spelled();
        let basic = match notify.presence.basic() {
            Basic::Open => "available",
            Basic::Closed => "not available",
        };
        let root = format!("<presence.{}>", slip.from);
        let metadata = Metadata {
            subjects: vec![Subject { lang: None, text: format!("{about} is {basic}").into() }],
            references: vec![root.into()],
            automatic: true,
            ..Metadata::default()
        };
        let mut header = slip.header(&metadata, Some("auto-generated"));
        header.put("List-Unsubscribe", &format!("<mailto:{}>", mailto(unsubscribe)));
        header.put("Precedence", "bulk");
        let text = Part::text(&readable(about, &notify.presence, unsubscribe));
        let part = match self.document() {
            Some(document) => Part::several("alternative", &slip.boundary(), &[text, document]),
            None => text,
        };
        Post { eight_bit: false, octets: part.under(header) }
    }

    /// The document as a part, for programs that understand it.
    fn document(&self) -> Option<Part> {
        let document = self.notify.document.as_ref()?;
        let essence = document.media_type()?.essence().to_owned();
        let fields = format!("Content-Type: {essence}\r\nContent-Transfer-Encoding: base64\r\n");
        Some(Part { fields: fields.into(), body: base64_lines(&document.body()).into(), eight_bit: false })
    }
}

fn readable(about: &str, presence: &Presence, unsubscribe: &Mailbox) -> String {
    let mut text = format!("{about}\r\n\r\n");
    for tuple in presence.tuples() {
        // Writing to a String cannot fail.
        write!(text, "  {}: {}", tuple.status, one_line(&tuple.destination)).ok();
        let words = words_of(tuple);
        if !words.is_empty() {
            write!(text, " ({words})").ok();
        }
        text.push_str("\r\n");
    }
    write!(text, "\r\nTo be told no more, write to {unsubscribe}\r\n").ok();
    text
}

/// The text of a tuple, without its elements.
fn words_of(tuple: &Tuple) -> String {
    let mut words = String::new();
    let mut outside = true;
    for c in tuple.markup.chars() {
        match c {
            '<' => outside = false,
            '>' => outside = true,
            _ if outside => words.push(c),
            _ => {}
        }
    }
    let words =
        words.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    one_line(&words.replace("&amp;", "&"))
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    words.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A mailbox as it stands in a `mailto` URI (RFC 6068 section 2).
fn mailto(mailbox: &Mailbox) -> String {
    mailbox.to_string().bytes().fold(String::new(), |mut uri, octet| {
        match octet.is_ascii_alphanumeric() || b"-._~@!$'*+=".contains(&octet) {
            true => uri.push(char::from(octet)),
            // Writing to a String cannot fail.
            false => drop(write!(uri, "%{octet:02X}")),
        }
        uri
    })
}
