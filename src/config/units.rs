//! Times and sizes as people write them: `"5m"`, `"1h30m"`, `1048576`, `"64 KiB"`.

use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// Octets in a KiB.
pub(crate) const KIB: usize = 1024;
/// Octets in a MiB.
pub(crate) const MIB: usize = 1024 * KIB;
/// Octets in a GiB.
const GIB: usize = 1024 * MIB;
/// Twenty-four hours.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The port of a DNS server where none is written (RFC 1035 section 4.2).
const DNS_PORT: u16 = 53;

/// Reads a time such as `"5m"`.
pub(crate) fn span<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    Span::deserialize(from).map(|Span(span)| span)
}

/// Reads a time as it is typed, such as `7d`.
pub(crate) fn read_span(word: &str) -> Option<Duration> {
    Span::word(word).map(|Span(span)| span)
}

/// Reads a time that may be left out.
pub(crate) fn maybe_span<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    Option::<Span>::deserialize(from).map(|span| span.map(|Span(span)| span))
}

/// Reads a size in octets, such as `65536` or `"64 KiB"`.
pub(crate) fn octets<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    let Octets(octets) = Octets::deserialize(from)?;
    usize::try_from(octets).map_err(|_| D::Error::custom("more octets than this machine can address"))
}

/// Reads a size that may be left out.
pub(crate) fn maybe_octets<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Option::<Octets>::deserialize(from).map(|octets| octets.map(|Octets(octets)| octets))
}

/// Reads an IP address and port that may be left out.
pub(crate) fn maybe_socket<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    Option::<Socket>::deserialize(from).map(|socket| socket.map(|Socket(socket)| socket))
}

/// Reads DNS servers, each an address with or without a port.
pub(crate) fn dns_servers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<SocketAddr>, D::Error> {
    let servers = Vec::<DnsServer>::deserialize(from)?;
    Ok(servers.into_iter().map(|DnsServer(server)| server).collect())
}

/// Something that is written as a word, or as a bare number where the thing has a natural unit.
trait Written: Sized {
    /// What is accepted, for the error.
    const EXPECTED: &'static str;
    fn word(word: &str) -> Option<Self>;
    fn number(_number: u64) -> Option<Self> {
        None
    }
}

struct Span(Duration);

impl Written for Span {
    const EXPECTED: &'static str =
        r#"a time with its unit (ms, s, m, h, d), such as "30s", "5m" or "1h30m","#;

    fn word(word: &str) -> Option<Self> {
        let mut rest = word.trim();
        let mut total = Duration::ZERO;
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let (number, after) = split_number(rest)?;
            let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
            let (unit, after) = after.split_at_checked(letters)?;
            let unit = match unit {
                "ms" => Duration::from_millis(1),
                "s" => Duration::from_secs(1),
                "m" => Duration::from_secs(60),
                "h" => Duration::from_secs(60 * 60),
                "d" => DAY,
                _ => return None,
            };
            total = total.checked_add(unit.checked_mul(u32::try_from(number).ok()?)?)?;
            rest = after.trim_start();
        }
        Some(Self(total))
    }
}

struct Octets(u64);

impl Written for Octets {
    const EXPECTED: &'static str =
        r#"a number of octets, or one with its unit (KiB, MiB, GiB), such as "64 KiB","#;

    fn word(word: &str) -> Option<Self> {
        let (number, unit) = split_number(word.trim())?;
        let unit = match unit.trim_start() {
            "" => 1,
            "KiB" => KIB,
            "MiB" => MIB,
            "GiB" => GIB,
            _ => return None,
        };
        number.checked_mul(u64::try_from(unit).ok()?).map(Self)
    }

    fn number(number: u64) -> Option<Self> {
        Some(Self(number))
    }
}

struct Socket(SocketAddr);

impl Written for Socket {
    const EXPECTED: &'static str = r#"an IP address and a port, such as "127.0.0.1:5870" or "[::1]:5870","#;

    fn word(word: &str) -> Option<Self> {
        word.parse().ok().map(Self)
    }
}

struct DnsServer(SocketAddr);

impl Written for DnsServer {
    const EXPECTED: &'static str =
        r#"an IP address with or without a port, such as "192.0.2.53" or "[2001:db8::53]:5353","#;

    fn word(word: &str) -> Option<Self> {
        let bare = || Some(SocketAddr::new(word.parse::<IpAddr>().ok()?, DNS_PORT));
        word.parse().ok().or_else(bare).map(Self)
    }
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, rest))
}

/// Makes `Deserialize` of `Written`, so that serde names the place and we name what is accepted.
struct WrittenVisitor<T>(PhantomData<T>);

impl<T: Written> Visitor<'_> for WrittenVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
        T::word(word).ok_or_else(|| E::invalid_value(Unexpected::Str(word), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::number(number).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        let unsigned = u64::try_from(number).ok().and_then(T::number);
        unsigned.ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }
}

macro_rules! written {
    ($($name:ident),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any(WrittenVisitor(PhantomData))
            }
        }
    )*};
}
written!(DnsServer, Octets, Socket, Span);

#[cfg(test)]
mod tests {
    use super::*;

    fn span(word: &str) -> Option<Duration> {
        Span::word(word).map(|Span(span)| span)
    }

    fn octets(word: &str) -> Option<u64> {
        Octets::word(word).map(|Octets(octets)| octets)
    }

    #[test]
    fn times() {
        assert_eq!(span("30s"), Some(Duration::from_secs(30)));
        assert_eq!(span("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(span("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(span("1h 30m"), Some(Duration::from_secs(5400)));
        assert_eq!(span("2d"), Some(Duration::from_secs(172_800)));
        for wrong in
            ["", "5", "m", "5 m", "-5m", "5x", "1.5h", "5mm", "99999999999999999999s", "4294967295d5"]
        {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(octets("65536"), Some(65536));
        assert_eq!(octets("64 KiB"), Some(65536));
        assert_eq!(octets("64KiB"), Some(65536));
        assert_eq!(octets("1 GiB"), Some(1 << 30));
        for wrong in ["", "KiB", "64 kb", "-1", "1.5 MiB", "99999999999 GiB"] {
            assert_eq!(octets(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn dns_servers_have_a_port() {
        let server = |word| DnsServer::word(word).map(|DnsServer(server)| server.to_string());
        assert_eq!(server("192.0.2.53").as_deref(), Some("192.0.2.53:53"));
        assert_eq!(server("2001:db8::53").as_deref(), Some("[2001:db8::53]:53"));
        assert_eq!(server("127.0.0.1:5353").as_deref(), Some("127.0.0.1:5353"));
        assert_eq!(server("dns.example"), None);
    }
}
