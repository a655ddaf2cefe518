//! Writing a report on a mail that was taken and could not be brought on.

use cpim_adapter::{Code, Domain, Response, Status};

use crate::address::Mailbox;
use crate::mail::{Header, date_of, quoted_printable};

/// Octets of the header that are given back at most: enough to know the mail again by.
const MAX_RETURNED_OCTETS: usize = 16 * 1_024;

/// A report to whoever sent a mail (RFC 3464), for one recipient of it.
#[derive(Clone, Copy, Debug)]
pub struct Bounce<'a> {
    /// The gateway.
    pub relay: &'a Domain,
    /// Whom it is for: the mail's reverse-path, which is never the null one.
    pub to: &'a Mailbox,
    /// A name for this report that no other has.
    pub id: &'a str,
    /// The recipient as it was given in RCPT.
    pub recipient: &'a str,
    /// The recipient as the sender first knew it (RFC 3461 section 4.2, decoded), with its type.
    pub original_recipient: Option<&'a str>,
    /// The transaction's name, decoded (RFC 3461 section 4.4).
    pub envelope_id: Option<&'a str>,
    /// What became of it.
    pub response: &'a Response,
    /// What is known of the mail.
    pub returned: Returned<'a>,
    /// Now, in seconds since 1970.
    pub now_s: u64,
}

/// What is given back of the mail.
#[derive(Clone, Copy, Debug)]
pub struct Returned<'a> {
    /// Its octets; of them the header is given back (RFC 3461 section 4.3, RET=HDRS).
    pub mail: &'a [u8],
}

impl Bounce<'_> {
    /// The report. It goes out with the null reverse-path and is never answered.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let (action, status) = self.verdict();
        let boundary = format!("=_{}", self.id);
        let mut header = Header::default();
        header.put("Date", &date_of(self.now_s));
        header.put("From", &format!("Mail Delivery System <postmaster@{}>", self.relay));
        header.put("To", &format!("<{}>", self.to));
        header.put("Message-ID", &format!("<report.{}@{}>", self.id, self.relay));
        header.put("Subject", subject(action));
        header.put("Auto-Submitted", "auto-replied");
        header.put("MIME-Version", "1.0");
        let kind = format!("multipart/report; report-type=delivery-status; boundary=\"{boundary}\"");
        header.put("Content-Type", &kind);
        let mut octets = header.into_text();
        let mut part = |fields: &str, body: &str| {
            octets.push_str(&format!("\r\n--{boundary}\r\n{fields}\r\n{body}"));
        };
        let text = format!(
            "This is the gateway {}.\r\n\r\nYour message to\r\n\r\n    {}\r\n\r\n{}\r\n",
            self.relay,
            self.recipient,
            self.told(action),
        );
        part(
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n",
            &quoted_printable(text.as_bytes()),
        );
        part("Content-Type: message/delivery-status\r\n", &self.status_fields(action, status));
        part(
            "Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: quoted-printable\r\n",
            &self.header(),
        );
        octets.push_str(&format!("\r\n--{boundary}--\r\n"));
        octets.into_bytes()
    }

    fn verdict(&self) -> (&'static str, &'static str) {
        match self.response.status() {
            Status::Success => ("delivered", "2.0.0"),
            Status::Indeterminant => ("relayed", "2.0.0"),
            Status::Failure => ("failed", status_of(self.response.code())),
        }
    }

    fn told(&self, action: &str) -> String {
        match action {
            "delivered" => "was delivered.".to_owned(),
            "relayed" => "was passed on to where no reports come from.".to_owned(),
            _ => {
                let said = self.response.words();
                let line: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                format!("could not be delivered: {line}")
            }
        }
    }

    fn status_fields(&self, action: &str, status: &str) -> String {
        let mut fields = Header::default();
        if let Some(id) = self.envelope_id {
            fields.put("Original-Envelope-Id", id);
        }
        fields.put("Reporting-MTA", &format!("dns; {}", self.relay));
        // What is said here comes from another protocol (RFC 3464 section 2.2.3).
        fields.put("DSN-Gateway", &format!("dns; {}", self.relay));
        let mut text = fields.into_text();
        text.push_str("\r\n");
        let mut fields = Header::default();
        if let Some(original) = self.original_recipient {
            let (kind, address) = original.split_once(';').unwrap_or(("rfc822", original));
            fields.put("Original-Recipient", &typed(&format!("{kind};"), address));
        }
        fields.put("Final-Recipient", &typed("rfc822; ", self.recipient));
        fields.put("Action", action);
        fields.put("Status", status);
        text.push_str(&fields.into_text());
        text
    }

    /// The mail's own header, as much of it as is given back: whole lines, none of them beyond ASCII as it stands.
    fn header(&self) -> String {
        let mail = self.returned.mail;
        let end = mail.windows(4).position(|four| four == b"\r\n\r\n").map_or(mail.len(), |end| end + 2);
        let header = mail.get(..end.min(MAX_RETURNED_OCTETS)).unwrap_or_default();
        let whole = header.iter().rposition(|octet| *octet == b'\n').map_or(0, |last| last + 1);
        quoted_printable(header.get(..whole).unwrap_or_default())
    }
}

/// An address with its type; beyond ASCII in the form that every server passes on (RFC 6533 section 3).
fn typed(kind: &str, address: &str) -> String {
    if address.is_ascii() {
        return format!("{kind}{address}");
    }
    address.chars().fold("utf-8; ".to_owned(), |mut typed, c| {
        match c {
            '\\' | '+' | '=' => typed.push_str(&format!("\\x{{{:X}}}", u32::from(c))),
            '!'..='~' => typed.push(c),
            _ => typed.push_str(&format!("\\x{{{:X}}}", u32::from(c))),
        }
        typed
    })
}

fn subject(action: &str) -> &'static str {
    match action {
        "delivered" => "Your message was delivered",
        "relayed" => "Your message was passed on",
        _ => "Your message could not be delivered",
    }
}

/// The status code of a failure (RFC 3463). Whether somebody exists or is there is told to nobody by a code of its own.
const fn status_of(code: Option<Code>) -> &'static str {
    match code {
        Some(Code::Loop) => "5.4.6",
        Some(Code::Expired | Code::Timeout | Code::Unreachable | Code::Busy) => "5.4.7",
        Some(Code::TooLarge) => "5.2.3",
        Some(Code::Unsupported | Code::Lossy) => "5.6.1",
        Some(Code::Denied | Code::Refused) => "5.7.1",
        Some(Code::BadAddress | Code::NoRoute) => "5.1.1",
        Some(Code::AlreadySubscribed | Code::Internal | Code::NotSubscribed) | None => "5.0.0",
    }
}
