//! The DNS records that mail needs: who takes it, who may send it, and what it is signed with.

use std::net::IpAddr;

use cpim_adapter::BuildError;
use cpim_smtp::{SigningSettings, dkim_record};

use super::settings;
use crate::config::{Config, Domain};
use crate::registry::Records;
use crate::resolver::{Kind, Record};

/// The records of a configuration; none where mail is not spoken. That of a key which is not there is missing among them.
///
/// # Errors
/// Where the section is wrong.
pub(in crate::registry) fn records(config: &Config) -> Records {
    if !config.section("smtp").is_present() {
        return Ok(Vec::new());
    }
    let mail = settings(config)?;
    let relay = &config.relay_domain;
    let mut domains = vec![relay];
    domains.extend(&config.relay_domains_extra);
    domains.extend(config.mappings.iter().map(|mapping| mapping.domain()));
    domains.extend(&mail.outgoing.unchanged);
    let mut records = Vec::new();
    if !mail.listeners.is_empty() {
        records.extend(domains.iter().map(|domain| Ok(mx(domain, relay))));
    }
    let smarthost = mail.outgoing.smarthost.as_ref().map(|at| at.host.as_str());
    records.extend(domains.iter().map(|domain| Ok(spf(domain, relay, smarthost))));
    records.extend(mail.outgoing.dkim.iter().enumerate().map(|(nth, key)| dkim(nth, key)));
    records.extend(domains.iter().map(|domain| Ok(dmarc(domain))));
    Ok(records)
}

fn dkim(nth: usize, key: &SigningSettings) -> Result<Record, BuildError> {
    let value = dkim_record(key)
        .map_err(|what| BuildError { key: format!("smtp.outgoing.dkim[{nth}].key"), what })?;
    Ok(Record {
        owner: format!("{}._domainkey.{}", key.selector, key.domain),
        kind: Kind::Txt,
        value,
        purpose: "the key that mail is signed with (DKIM)",
    })
}

fn mx(domain: &Domain, relay: &Domain) -> Record {
    Record {
        owner: domain.to_string(),
        kind: Kind::Mx,
        value: format!("10 {relay}."),
        purpose: "mail for the domain comes to this gateway",
    }
}

/// Who sends in the domain's name: the gateway, and the smarthost by which it does.
fn spf(domain: &Domain, relay: &Domain, smarthost: Option<&str>) -> Record {
    let sender = match smarthost.map(|host| (host, host.parse::<IpAddr>())) {
        None => String::new(),
        // What stands on this machine sends from the gateway's own addresses.
        Some((_, Ok(ip))) if ip.is_loopback() => String::new(),
        Some(("localhost", _)) => String::new(),
        Some((host, Err(_))) => format!(" a:{host}"),
        Some((_, Ok(IpAddr::V4(ip)))) => format!(" ip4:{ip}"),
        Some((_, Ok(IpAddr::V6(ip)))) => format!(" ip6:{ip}"),
    };
    let own = if domain == relay { "a mx".to_owned() } else { format!("a:{relay} mx") };
    Record {
        owner: domain.to_string(),
        kind: Kind::Txt,
        value: format!("v=spf1 {own}{sender} -all"),
        purpose: "who may send in the domain's name (SPF)",
    }
}

fn dmarc(domain: &Domain) -> Record {
    Record {
        owner: format!("_dmarc.{domain}"),
        kind: Kind::Txt,
        value: "v=DMARC1; p=reject".to_owned(),
        purpose: "what is neither signed nor sent by these is forged (DMARC)",
    }
}
