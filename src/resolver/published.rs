//! Records that an administrator is to publish, and whether they are.

use std::fmt;

use hickory_resolver::proto::rr::{Name, RData, RecordType};
use serde::Serialize;

use super::dns::{Dns, shown};
use super::{NoRoute, ResolveError, Resolver};

/// A record to be published.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Record {
    /// The name that it stands at.
    pub owner: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Its value, as a zone file has it but for the quotes of a text.
    pub value: String,
    /// What it is for.
    pub purpose: &'static str,
}

/// The type of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    /// Where the mail of a domain is taken (RFC 5321 section 5.1).
    Mx,
    /// A text.
    Txt,
}

/// What is published where a record is to be.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "published", content = "instead", rename_all = "kebab-case")]
pub enum Published {
    /// Nothing of its kind.
    Missing,
    /// Something else of its kind.
    Other(Vec<String>),
    /// It.
    Same,
    /// Nobody can say now.
    Unknown(String),
}

/// Octets of a text in one string (RFC 1035 section 3.3).
const STRING_OCTETS: usize = 255;

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, kind, value, .. } = self;
        write!(f, "{owner}. {kind}")?;
        match kind {
            Kind::Mx => write!(f, " {value}"),
            Kind::Txt => value.as_bytes().chunks(STRING_OCTETS).try_for_each(|string| {
                write!(
                    f,
                    " \"{}\"",
                    String::from_utf8_lossy(string).replace('\\', "\\\\").replace('"', "\\\"")
                )
            }),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Mx => "MX",
            Self::Txt => "TXT",
        })
    }
}

impl Record {
    /// Whether another value at the same name is of the same kind: a text says by its beginning what it is.
    fn is_rival(&self, value: &str) -> bool {
        match self.kind {
            Kind::Mx => true,
            Kind::Txt => {
                let version =
                    |text: &str| text.split([';', ' ']).next().unwrap_or_default().to_ascii_lowercase();
                version(value) == version(&self.value)
            }
        }
    }

    /// Whether they say the same: however their parts are spaced.
    fn is_same(&self, value: &str) -> bool {
        let parts = |text: &str| -> Vec<String> {
            let words = text.split(';').map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
            words.filter(|part| !part.is_empty()).collect()
        };
        parts(value) == parts(&self.value)
    }

    fn judged(&self, found: Vec<String>) -> Published {
        let rivals: Vec<String> = found.into_iter().filter(|value| self.is_rival(value)).collect();
        // Of several hosts one may be this; of several texts of one kind readers take none (RFC 7208 section 4.5).
        let same = |value: &String| self.is_same(value);
        match (self.kind, rivals.as_slice()) {
            (_, []) => Published::Missing,
            (Kind::Mx, hosts) if hosts.iter().any(same) => Published::Same,
            (Kind::Txt, [one]) if same(one) => Published::Same,
            _ => Published::Other(rivals),
        }
    }
}

impl Resolver {
    /// What is published where a record is to be.
    pub async fn published(&self, record: &Record) -> Published {
        let Some(dns) = &self.dns else {
            return Published::Unknown("DNS is switched off".to_owned());
        };
        match values(dns, record).await {
            Ok(found) => record.judged(found),
            Err(error) => Published::Unknown(error.to_string()),
        }
    }
}

async fn values(dns: &Dns, record: &Record) -> Result<Vec<String>, ResolveError> {
    let domain = || record.owner.clone();
    let name = Name::from_ascii(format!("{}.", record.owner));
    let name = name.map_err(|_| ResolveError::NoRoute(NoRoute::Nothing { domain: domain() }))?;
    let kind = match record.kind {
        Kind::Mx => RecordType::MX,
        Kind::Txt => RecordType::TXT,
    };
    let answer = dns.ask(&name, kind, &mut Vec::new()).await?;
    let value = |data: &RData| match data {
        RData::MX(mx) => Some(format!("{} {}.", mx.preference, shown(&mx.exchange))),
        RData::TXT(text) => {
            let octets: Vec<u8> = text.txt_data.iter().flat_map(|string| string.iter().copied()).collect();
            String::from_utf8(octets).ok()
        }
        _ => None,
    };
    Ok(answer.records.iter().filter_map(|record| value(&record.data)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: Kind, value: &str) -> Record {
        Record { owner: "gw.example".into(), kind, value: value.into(), purpose: "" }
    }

    #[test]
    fn what_is_published_is_compared_by_what_it_says() {
        let spf = record(Kind::Txt, "v=spf1 mx -all");
        let judged = |record: &Record, found: &[&str]| {
            record.judged(found.iter().map(|text| (*text).into()).collect())
        };
        assert_eq!(judged(&spf, &["google-site=1", "v=spf1  mx -all"]), Published::Same);
        assert_eq!(judged(&spf, &["google-site=1"]), Published::Missing);
        assert_eq!(judged(&spf, &["v=spf1 -all"]), Published::Other(vec!["v=spf1 -all".into()]));
        assert!(matches!(judged(&spf, &["v=spf1 mx -all", "v=spf1 -all"]), Published::Other(_)));
        let dkim = record(Kind::Txt, "v=DKIM1; k=rsa; p=AA");
        assert_eq!(judged(&dkim, &["v=DKIM1;k=rsa;  p=AA;"]), Published::Same);
        let mx = record(Kind::Mx, "10 gw.example.");
        assert_eq!(judged(&mx, &["5 other.example.", "10 gw.example."]), Published::Same);
    }

    #[test]
    fn a_long_text_is_written_in_strings_that_a_zone_file_takes() {
        let long = record(Kind::Txt, &"a".repeat(300)).to_string();
        assert_eq!(long, format!("gw.example. TXT \"{}\" \"{}\"", "a".repeat(255), "a".repeat(45)));
    }
}
