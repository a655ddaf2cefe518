//! The parameters of MAIL and RCPT (RFC 5321 section 4.1.1.11).

use super::encoding::xtext;
use super::envelope::{Body, Notify, Returned};
use super::reply::Reply;

/// ENVID at most, in octets on the wire (RFC 3461 section 5.4).
const ENVELOPE_ID_MAX: usize = 100;

/// ORCPT at most, in octets on the wire (RFC 3461 section 5.4).
const ORIGINAL_MAX: usize = 500;

const BAD: Reply = Reply::fixed(501, "5.5.4", "bad value of a parameter");
const TWICE: Reply = Reply::fixed(501, "5.5.4", "a parameter stands twice");
const UNKNOWN: Reply = Reply::fixed(555, "5.5.4", "unknown parameter");

/// The parameters of MAIL.
#[derive(Debug, Default)]
pub(super) struct OfMail {
    pub(super) size: Option<u64>,
    pub(super) body: Option<Body>,
    pub(super) utf8: bool,
    pub(super) returned: Option<Returned>,
    pub(super) envelope_id: Option<String>,
}

/// The parameters of RCPT.
#[derive(Debug, Default)]
pub(super) struct OfRcpt {
    pub(super) notify: Option<Notify>,
    pub(super) original: Option<(String, String)>,
}

pub(super) fn of_mail(text: &str) -> Result<OfMail, Reply> {
    let mut read = OfMail::default();
    let mut auth = false;
    for parameter in pairs(text)? {
        let (name, value) = parameter;
        match (&*name, value) {
            ("SIZE", Some(value)) => once(&mut read.size, number(value))?,
            ("BODY", Some(value)) => once(&mut read.body, body(value))?,
            ("SMTPUTF8", None) if read.utf8 => return Err(TWICE),
            ("SMTPUTF8", None) => read.utf8 = true,
            ("RET", Some(value)) => once(&mut read.returned, returned(value))?,
            ("ENVID", Some(value)) => once(&mut read.envelope_id, envelope_id(value))?,
            // Who once submitted it is the word of a stranger: read, and not believed (RFC 4954 section 5).
            ("AUTH", Some(value)) if !auth && xtext(value).is_some() => auth = true,
            ("SIZE" | "BODY" | "SMTPUTF8" | "RET" | "ENVID" | "AUTH", _) => return Err(BAD),
            _ => return Err(UNKNOWN),
        }
    }
    Ok(read)
}

pub(super) fn of_rcpt(text: &str) -> Result<OfRcpt, Reply> {
    let mut read = OfRcpt::default();
    for (name, value) in pairs(text)? {
        match (&*name, value) {
            ("NOTIFY", Some(value)) => once(&mut read.notify, notify(value))?,
            ("ORCPT", Some(value)) => once(&mut read.original, original(value))?,
            ("NOTIFY" | "ORCPT", None) => return Err(BAD),
            _ => return Err(UNKNOWN),
        }
    }
    Ok(read)
}

/// The parameters behind a path, each after one blank, with their names in upper case.
fn pairs(text: &str) -> Result<Vec<(String, Option<&str>)>, Reply> {
    let text = text.trim_end_matches(' ');
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let parameters = text.strip_prefix(' ').ok_or(Reply::fixed(501, "5.5.4", "bad address"))?;
    let pairs = parameters.split(' ').filter(|parameter| !parameter.is_empty()).map(|parameter| {
        match parameter.split_once('=') {
            Some((name, value)) => (name.to_ascii_uppercase(), Some(value)),
            None => (parameter.to_ascii_uppercase(), None),
        }
    });
    Ok(pairs.collect())
}

/// Each parameter stands at most once (RFC 3461 section 4.5).
fn once<T>(place: &mut Option<T>, value: Option<T>) -> Result<(), Reply> {
    match (place.is_some(), value) {
        (true, _) => Err(TWICE),
        (false, None) => Err(BAD),
        (false, value) => {
            *place = value;
            Ok(())
        }
    }
}

fn number(text: &str) -> Option<u64> {
    (text.len() <= 20 && text.bytes().all(|octet| octet.is_ascii_digit())).then(|| text.parse().ok())?
}

fn body(text: &str) -> Option<Body> {
    match &*text.to_ascii_uppercase() {
        "7BIT" => Some(Body::SevenBit),
        "8BITMIME" => Some(Body::EightBit),
        _ => None,
    }
}

fn returned(text: &str) -> Option<Returned> {
    match &*text.to_ascii_uppercase() {
        "FULL" => Some(Returned::Full),
        "HDRS" => Some(Returned::Header),
        _ => None,
    }
}

/// What will stand in a report must not be able to end its line.
fn printable(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

fn envelope_id(text: &str) -> Option<String> {
    let decoded = (text.len() <= ENVELOPE_ID_MAX).then(|| xtext(text))??;
    (decoded.is_ascii() && printable(&decoded)).then_some(decoded)
}

fn original(text: &str) -> Option<(String, String)> {
    let (kind, address) = (text.len() <= ORIGINAL_MAX).then(|| text.split_once(';'))??;
    let address = xtext(address)?;
    let atom = !kind.is_empty() && kind.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
    (atom && printable(&address)).then(|| (kind.to_owned(), address))
}

fn notify(text: &str) -> Option<Notify> {
    let text = text.to_ascii_uppercase();
    if text == "NEVER" {
        return Some(Notify::Never);
    }
    let (mut success, mut failure, mut delay) = (false, false, false);
    for word in text.split(',') {
        let place = match word {
            "SUCCESS" => &mut success,
            "FAILURE" => &mut failure,
            "DELAY" => &mut delay,
            _ => return None,
        };
        if std::mem::replace(place, true) {
            return None;
        }
    }
    Some(Notify::On { success, failure, delay })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_mail_each_once() {
        let read = of_mail(" SIZE=10 body=8bitmime SMTPUTF8 RET=HDRS ENVID=a+2Bb+3Dc+20d AUTH=<>").unwrap();
        assert_eq!((read.size, read.body, read.utf8), (Some(10), Some(Body::EightBit), true));
        assert_eq!(read.returned, Some(Returned::Header));
        assert_eq!(read.envelope_id.as_deref(), Some("a+b=c d"));
        for (bad, code) in [
            (" SIZE=1 SIZE=1", 501),
            (" SIZE=-1", 501),
            (" BODY=BINARYMIME", 501),
            (" RET=ALL", 501),
            (" ENVID=+0A", 501),
            (" SMTPUTF8=1", 501),
            (" X=1", 555),
            ("x", 501),
        ] {
            assert_eq!(of_mail(bad).unwrap_err().code(), code, "{bad}");
        }
        assert!(of_mail(&format!(" ENVID={}", "a".repeat(101))).is_err());
    }

    #[test]
    fn of_rcpt_says_what_to_report() {
        let read = of_rcpt(" NOTIFY=success,FAILURE ORCPT=rfc822;a+2Bb@x.example").unwrap();
        assert_eq!(read.notify, Some(Notify::On { success: true, failure: true, delay: false }));
        assert_eq!(read.original, Some(("rfc822".into(), "a+b@x.example".into())));
        for bad in
            [" NOTIFY=NEVER,SUCCESS", " NOTIFY=", " NOTIFY=SUCCESS,SUCCESS", " ORCPT=rfc822", " ORCPT=;x"]
        {
            assert_eq!(of_rcpt(bad).unwrap_err().code(), 501, "{bad}");
        }
        assert!(Notify::Unsaid.failure() && !Notify::Never.failure() && !Notify::Unsaid.success());
    }
}
