//! One resolution, from a domain to its candidates (RFC 3861 section 3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cpim_adapter::{Class, Domain};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use super::dns::{Dns, shown};
use super::shortlist::{Shortlist, place};
use super::{
    Candidate, Draw, Host, HostPort, NATIVE_PORT, NoRoute, Origin, Protocol, Refused, ResolveError, Settings,
    Srv, Step, Via, Why, route, special, srv,
};

/// Targets of one domain whose addresses are asked for: a record costs its owner nothing, and must not make us
/// ask for hundreds of hosts.
const MAX_LOOKUPS: usize = 16;

/// A protocol, and where it is spoken.
type Found = (Protocol, Vec<Candidate>);

/// A resolution under way.
pub(super) struct Walk<'a> {
    settings: &'a Settings,
    dns: Option<&'a Dns>,
    class: Class,
    draw: Draw<'a>,
    steps: Vec<Step>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(settings: &'a Settings, dns: Option<&'a Dns>, class: Class, draw: Draw<'a>) -> Self {
        Self { settings, dns, class, draw, steps: Vec::new() }
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    /// Pinned routes first, from domain to domain if they say so, then DNS.
    pub(super) async fn run(&mut self, asked: &Domain) -> Result<Found, ResolveError> {
        let mut domain = asked;
        let mut passed = vec![asked];
        loop {
            let route = route::find(&self.settings.routes, domain);
            self.steps.push(Step::Route {
                domain: domain.to_string(),
                pinned: route.map(|route| (route.domain.to_string(), route.via.to_string())),
            });
            match route.map(|route| &route.via) {
                None => return self.by_dns(domain).await,
                Some(Via::Adapter(protocol)) => return Ok((protocol.clone(), Vec::new())),
                Some(Via::Hosts { protocol, hosts }) => {
                    let candidates = self.pinned(domain, hosts).await?;
                    return Ok((protocol.clone(), candidates));
                }
                Some(Via::Domain(next)) if passed.contains(&next) => {
                    return Err(ResolveError::NoRoute(NoRoute::Circle { domain: asked.to_string() }));
                }
                Some(Via::Domain(next)) => {
                    passed.push(next);
                    domain = next;
                }
            }
        }
    }

    /// The hosts of a pinned route, in its order.
    async fn pinned(&mut self, domain: &Domain, hosts: &[HostPort]) -> Result<Vec<Candidate>, ResolveError> {
        let mut shortlist = Shortlist::new(self.settings);
        for (rank, HostPort { host, port }) in hosts.iter().enumerate() {
            let target = match host {
                Host::Address(address) => address.to_string(),
                Host::Name(name) => name.to_string(),
            };
            let priority = u16::try_from(rank).unwrap_or(u16::MAX);
            let target = Srv { priority, weight: 0, port: *port, target };
            if !shortlist.considers(&target, &mut self.steps) {
                continue;
            }
            let name = match host {
                Host::Address(address) => {
                    shortlist.take(&target, vec![(*address, Origin::Route)], &mut self.steps);
                    continue;
                }
                Host::Name(name) if special::is_localhost(name.as_str()) => {
                    let loopback = [IpAddr::from(Ipv6Addr::LOCALHOST), IpAddr::from(Ipv4Addr::LOCALHOST)];
                    let loopback = loopback.map(|address| (address, Origin::Local));
                    shortlist.take(&target, loopback.into(), &mut self.steps);
                    continue;
                }
                Host::Name(name) => absolute(name)?,
            };
            let Some(dns) = self.dns else {
                self.steps.push(Step::Dropped { what: place(&target), why: Why::DnsOff });
                continue;
            };
            // What the administrator wrote may be an alias: RFC 2782 speaks of SRV targets only.
            let looked = look_up(dns, &name, &[], &mut self.steps).await;
            match looked.trouble {
                Some(error) if looked.addresses.is_empty() => {
                    shortlist.leave_unknown(&target, error, &mut self.steps);
                }
                _ => shortlist.take(&target, looked.addresses, &mut self.steps),
            }
        }
        shortlist.finish(NoRoute::NoPinnedHost { domain: domain.to_string() })
    }

    /// SRV records, and where there is none at all, the domain's own addresses.
    async fn by_dns(&mut self, domain: &Domain) -> Result<Found, ResolveError> {
        if let Some(words) = special::reason(domain.as_str()) {
            return Err(ResolveError::NoRoute(NoRoute::Special { domain: domain.to_string(), words }));
        }
        let Some(dns) = self.dns else {
            return Err(ResolveError::NoRoute(NoRoute::DnsOff { domain: domain.to_string() }));
        };
        let name = absolute(domain)?;
        if let Some(found) = self.services(dns, &name).await? {
            return Ok(found);
        }
        let looked = look_up(dns, &name, &[], &mut self.steps).await;
        // The domain is an alias: then it is what it stands for that is resolved (RFC 3861 section 3).
        for alias in &looked.aliases {
            if let Some(found) = self.services(dns, alias).await? {
                return Ok(found);
            }
        }
        let native = Protocol::native();
        match looked.trouble {
            Some(error) if looked.addresses.is_empty() => return Err(error),
            _ if looked.addresses.is_empty() || !self.settings.protocols.contains(&native) => {
                return Err(ResolveError::NoRoute(NoRoute::Nothing { domain: domain.to_string() }));
            }
            _ => {}
        }
        self.steps.push(Step::Fallback { domain: domain.to_string(), port: NATIVE_PORT });
        let target = Srv { priority: 0, weight: 0, port: NATIVE_PORT, target: domain.to_string() };
        let mut shortlist = Shortlist::new(self.settings);
        if shortlist.considers(&target, &mut self.steps) {
            shortlist.take(&target, looked.addresses, &mut self.steps);
        }
        let candidates = shortlist.finish(NoRoute::Nothing { domain: domain.to_string() })?;
        Ok((native, candidates))
    }

    /// The SRV records of the first protocol that has any. None: there is none for any protocol.
    async fn services(&mut self, dns: &Dns, domain: &Name) -> Result<Option<Found>, ResolveError> {
        let mut declined = None;
        for protocol in &self.settings.protocols {
            let owner = owner(self.class, protocol, domain)?;
            let answer = dns.ask(&owner, RecordType::SRV, &mut self.steps).await?;
            let records: Vec<_> = answer.records.iter().filter_map(service).collect();
            let at = shown(answer.aliases.last().unwrap_or(&owner));
            self.steps.extend(records.iter().map(|record| Step::Service {
                owner: at.clone(),
                priority: record.priority,
                weight: record.weight,
                port: record.port,
                target: shown(&record.target),
            }));
            match records.as_slice() {
                [] => {}
                // The service is decidedly not available by this protocol. Another one is another service.
                [only] if only.target.is_root() => {
                    self.steps.push(Step::Dropped { what: at, why: Why::NotOffered });
                    declined = Some(protocol.clone());
                }
                _ => {
                    let nothing = NoRoute::NoTarget { domain: shown(domain), protocol: protocol.clone() };
                    let candidates = self.targets(dns, records, &answer.additionals).await.finish(nothing)?;
                    return Ok(Some((protocol.clone(), candidates)));
                }
            }
        }
        match declined {
            None => Ok(None),
            Some(protocol) => {
                Err(ResolveError::NoRoute(NoRoute::NotOffered { domain: shown(domain), protocol }))
            }
        }
    }

    /// The addresses of SRV targets, in the order of RFC 2782, until there are enough.
    async fn targets(&mut self, dns: &Dns, records: Vec<Srv<Name>>, additionals: &[Record]) -> Shortlist<'a> {
        let mut shortlist = Shortlist::new(self.settings);
        let mut lookups = 0;
        for record in srv::order(records, self.draw) {
            let target = record.with_target(shown(&record.target));
            if !shortlist.considers(&target, &mut self.steps) {
                continue;
            }
            if lookups == MAX_LOOKUPS {
                self.steps.push(Step::Dropped { what: place(&target), why: Why::Enough });
                continue;
            }
            lookups += 1;
            let looked = look_up(dns, &record.target, additionals, &mut self.steps).await;
            match looked.trouble {
                _ if !looked.aliases.is_empty() => shortlist.refuse_alias(&target, &mut self.steps),
                Some(ResolveError::NoRoute(_)) => shortlist.refuse_alias(&target, &mut self.steps),
                Some(error) if looked.addresses.is_empty() => {
                    shortlist.leave_unknown(&target, error, &mut self.steps);
                }
                _ => shortlist.take(&target, looked.addresses, &mut self.steps),
            }
        }
        shortlist
    }
}

/// What is known of a host after asking for both kinds of address.
struct Looked {
    /// IPv6 and IPv4 in turn, each in the order of the answer: if one kind is dead here, the other is second.
    addresses: Vec<(IpAddr, Origin)>,
    /// The names that it is an alias of.
    aliases: Vec<Name>,
    /// Why one kind of address, or both, could not be had.
    trouble: Option<ResolveError>,
}

/// Both kinds of address of a host: those that were sent along, and those that have to be asked for.
async fn look_up(dns: &Dns, host: &Name, additionals: &[Record], steps: &mut Vec<Step>) -> Looked {
    let (six, four) = tokio::join!(
        family(dns, host, RecordType::AAAA, additionals),
        family(dns, host, RecordType::A, additionals)
    );
    steps.extend(six.steps);
    steps.extend(four.steps);
    let longest = six.addresses.len().max(four.addresses.len());
    let in_turn = (0..longest).flat_map(|i| [six.addresses.get(i), four.addresses.get(i)]);
    Looked {
        addresses: in_turn.flatten().copied().collect(),
        aliases: if six.aliases.is_empty() { four.aliases } else { six.aliases },
        trouble: six.trouble.or(four.trouble),
    }
}

/// One kind of address, with the steps of its own that two questions at a time need.
#[derive(Default)]
struct Family {
    addresses: Vec<(IpAddr, Origin)>,
    aliases: Vec<Name>,
    trouble: Option<ResolveError>,
    steps: Vec<Step>,
}

async fn family(dns: &Dns, host: &Name, kind: RecordType, additionals: &[Record]) -> Family {
    // Nobody may tell us what a special name stands for: least of all that it is this machine.
    let believed = special::reason(&shown(host)).is_none();
    let own = |record: &&Record| believed && record.name == *host && record.record_type() == kind;
    let sent = additionals.iter().filter(own);
    let sent = sent.filter_map(|record| Some((address(record)?, Origin::Additional))).collect();
    let mut family = Family { addresses: sent, ..Family::default() };
    if family.addresses.is_empty() {
        match dns.ask(host, kind, &mut family.steps).await {
            Ok(answer) => {
                let found =
                    answer.records.iter().filter_map(|record| Some((address(record)?, Origin::Query)));
                family.addresses.extend(found);
                family.aliases = answer.aliases;
            }
            Err(error) => family.trouble = Some(error),
        }
    }
    family
}

fn address(record: &Record) -> Option<IpAddr> {
    match &record.data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    }
}

fn service(record: &Record) -> Option<Srv<Name>> {
    match &record.data {
        RData::SRV(srv) => Some(Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: srv.target.clone(),
        }),
        _ => None,
    }
}

/// `_im._cpim.a.example.`: the owner of the records for a class, a protocol and a domain (RFC 3861 section 3).
fn owner(class: Class, protocol: &Protocol, domain: &Name) -> Result<Name, ResolveError> {
    let labels = Name::from_ascii(format!("_{}._{protocol}", class.scheme()));
    labels.and_then(|labels| labels.append_domain(domain)).map_err(|_| too_long(shown(domain)))
}

/// A domain as a name from the root down, to which no search list applies.
fn absolute(domain: &Domain) -> Result<Name, ResolveError> {
    Name::from_ascii(format!("{domain}.")).map_err(|_| too_long(domain.to_string()))
}

fn too_long(domain: String) -> ResolveError {
    ResolveError::Refused(Refused::Domain { domain })
}
