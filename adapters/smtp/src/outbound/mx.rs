//! Which servers take the mail of a domain (RFC 5321 section 5.1, RFC 7505).

use std::net::IpAddr;

use cpim_adapter::{Code, DeliveryError, Domain};
use mail_auth::hickory_resolver::TokioResolver;
use mail_auth::hickory_resolver::net::{DnsError, NetError};
use mail_auth::hickory_resolver::proto::op::ResponseCode;
use mail_auth::hickory_resolver::proto::rr::{Name, RData};

/// Hosts that are asked for their addresses: a record costs its owner nothing, and must not make us ask for hundreds.
const MAX_HOSTS: usize = 8;
/// Addresses that are tried at most. RFC 5321 section 5.1 wants two at least.
const MAX_ADDRESSES: usize = 8;

/// A host that takes mail, and one of its addresses.
pub(super) type Exchange = (String, IpAddr);

/// What a name has: nothing because there is no such name, or because it has no such record.
enum Found<T> {
    NoName,
    NoRecord,
    Some(T),
}

/// The hosts that take the mail of a domain, in the order to try. `own`: this gateway's name, which takes it to nobody.
///
/// # Errors
/// There is none, or it cannot be said now.
pub(super) async fn exchanges(
    resolver: &TokioResolver,
    domain: &Domain,
    own: &Domain,
) -> Result<Vec<Exchange>, DeliveryError> {
    let hosts = match hosts(resolver, domain).await? {
        Found::NoName => return Err(nobody("5.1.2 there is no such mail domain")),
        // Without any record, the domain is its own host.
        Found::NoRecord => vec![(0, domain.to_string())],
        Found::Some(hosts) => hosts,
    };
    let hosts = in_order(hosts, own.as_str())?;
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut trouble = nobody("5.4.4 the domain's mail servers have no address");
    for host in hosts {
        match addresses(resolver, &host).await {
            Ok(found) => exchanges.extend(found.into_iter().map(|address| (host.clone(), address))),
            // Another time there may be one.
            Err(error) => trouble = error,
        }
        if exchanges.len() >= MAX_ADDRESSES {
            break;
        }
    }
    exchanges.truncate(MAX_ADDRESSES);
    if exchanges.is_empty() { Err(trouble) } else { Ok(exchanges) }
}

/// The hosts, the preferred first, and of those that are alike any first. Behind ourselves there is nobody to go to.
fn in_order(hosts: Vec<(u16, String)>, own: &str) -> Result<Vec<String>, DeliveryError> {
    let named: Vec<(u16, String)> = hosts.into_iter().filter(|(_, host)| !host.is_empty()).collect();
    if named.is_empty() {
        return Err(nobody("5.1.10 the domain takes no mail"));
    }
    let ours = named.iter().filter(|(_, host)| host == own).map(|(preference, _)| *preference).min();
    let mut closer: Vec<_> = named
        .into_iter()
        .filter(|(preference, _)| ours.is_none_or(|ours| *preference < ours))
        .map(|(preference, host)| (preference, getrandom::u32().unwrap_or_default(), host))
        .collect();
    if closer.is_empty() {
        return Err(nobody("5.4.6 the domain's mail comes to this gateway"));
    }
    closer.sort();
    Ok(closer.into_iter().take(MAX_HOSTS).map(|(_, _, host)| host).collect())
}

/// The MX records; the host of a null one is empty.
async fn hosts(
    resolver: &TokioResolver,
    domain: &Domain,
) -> Result<Found<Vec<(u16, String)>>, DeliveryError> {
    let name = absolute(domain.as_str())?;
    let answer = match found(resolver.mx_lookup(name).await, domain.as_str())? {
        Found::NoName => return Ok(Found::NoName),
        Found::NoRecord => return Ok(Found::NoRecord),
        Found::Some(answer) => answer,
    };
    let records = answer.answers().iter().filter_map(|record| match &record.data {
        RData::MX(mx) => Some((mx.preference, shown(&mx.exchange))),
        _ => None,
    });
    let records: Vec<_> = records.collect();
    Ok(if records.is_empty() { Found::NoRecord } else { Found::Some(records) })
}

/// The addresses of a host; none: there is none.
async fn addresses(resolver: &TokioResolver, host: &str) -> Result<Vec<IpAddr>, DeliveryError> {
    match found(resolver.lookup_ip(absolute(host)?).await, host)? {
        Found::NoName | Found::NoRecord => Ok(Vec::new()),
        Found::Some(found) => Ok(found.iter().collect()),
    }
}

/// Tells that there is nothing from that nobody can say now.
fn found<T>(answered: Result<T, NetError>, name: &str) -> Result<Found<T>, DeliveryError> {
    match answered {
        Ok(found) => Ok(Found::Some(found)),
        Err(NetError::Dns(DnsError::NoRecordsFound(nothing))) => match nothing.response_code {
            ResponseCode::NXDomain => Ok(Found::NoName),
            ResponseCode::NoError => Ok(Found::NoRecord),
            code => Err(DeliveryError::transport(format!("{name}: {code}"))),
        },
        Err(error) => Err(DeliveryError::transport(format!("{name}: {error}"))),
    }
}

fn absolute(name: &str) -> Result<Name, DeliveryError> {
    // RFC 6761 section 6.4: nobody need be asked to know that there is none.
    let is_invalid = name == "invalid" || name.ends_with(".invalid");
    let name = Name::from_ascii(format!("{name}.")).ok().filter(|_| !is_invalid);
    name.ok_or_else(|| nobody("5.1.2 there is no such mail domain"))
}

/// In lower case and without the last dot; the root is empty.
fn shown(name: &Name) -> String {
    let text = name.to_lowercase().to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

fn nobody(public: &str) -> DeliveryError {
    DeliveryError::refused(Code::NoRoute, public)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(hosts: &[(u16, &str)]) -> Result<Vec<String>, String> {
        let hosts = hosts.iter().map(|(preference, host)| (*preference, (*host).to_owned())).collect();
        in_order(hosts, "gw.example").map_err(|error| error.public)
    }

    #[test]
    fn the_preferred_come_first_and_none_behind_ourselves() {
        assert_eq!(order(&[(20, "b"), (10, "a"), (30, "c")]).unwrap(), ["a", "b", "c"]);
        assert_eq!(order(&[(20, "gw.example"), (10, "a"), (20, "b"), (30, "c")]).unwrap(), ["a"]);
        assert!(order(&[(10, "gw.example"), (20, "a")]).unwrap_err().contains("5.4.6"));
        assert!(order(&[(0, "")]).unwrap_err().contains("5.1.10"), "RFC 7505");
        let alike: std::collections::HashSet<_> =
            (0..100).map(|_| order(&[(10, "a"), (10, "b")]).unwrap()).collect();
        assert_eq!(alike.len(), 2, "either may be the first");
    }
}
