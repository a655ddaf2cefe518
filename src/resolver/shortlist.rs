//! The candidates as they are gathered: what may be used, what may not, and what to say where nothing is left.

use std::net::{IpAddr, SocketAddr};

use super::{Candidate, NoRoute, Origin, Refused, ResolveError, Settings, Srv, Step, Why};

/// Candidates in the order to try, as far as they are known.
pub(super) struct Shortlist<'a> {
    settings: &'a Settings,
    candidates: Vec<Candidate>,
    /// The first target that was an alias.
    alias: Option<String>,
    /// The host as which we met ourselves. Nothing is taken after that.
    ourselves: Option<String>,
    /// The first target whose addresses nobody could say.
    unknown: Option<ResolveError>,
}

impl<'a> Shortlist<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self { settings, candidates: Vec::new(), alias: None, ourselves: None, unknown: None }
    }

    /// Whether a target is worth looking up; if not, `steps` says why.
    pub(super) fn considers(&mut self, target: &Srv<String>, steps: &mut Vec<Step>) -> bool {
        let why = if self.ourselves.is_some() {
            Why::NotBeforeUs
        } else if self.candidates.len() >= self.settings.max_candidates {
            Why::Enough
        } else if target.target == "." {
            Why::NotOffered
        } else if target.port == 0 {
            Why::PortZero
        } else if self.settings.is_own_name(&target.target, target.port) {
            self.stop_before(target, steps);
            return false;
        } else {
            return true;
        };
        drop_host(target, why, steps);
        false
    }

    /// Takes the addresses of a target, but for those that cannot be used.
    pub(super) fn take(
        &mut self,
        target: &Srv<String>,
        addresses: Vec<(IpAddr, Origin)>,
        steps: &mut Vec<Step>,
    ) {
        if addresses.is_empty() {
            return drop_host(target, Why::NoAddress, steps);
        }
        for (address, from) in addresses {
            steps.push(Step::Address { host: target.target.clone(), address, from });
            let there = SocketAddr::new(address, target.port);
            let why = if self.settings.is_own_address(there) {
                return self.stop_before(target, steps);
            } else if from != Origin::Route && !is_usable(address) {
                Why::Unusable
            } else if self.candidates.iter().any(|known| known.address == there) {
                Why::Duplicate
            } else if self.candidates.len() >= self.settings.max_candidates {
                Why::Enough
            } else {
                let Srv { priority, weight, .. } = *target;
                self.candidates.push(Candidate {
                    host: target.target.clone(),
                    address: there,
                    priority,
                    weight,
                });
                continue;
            };
            steps.push(Step::Dropped { what: there.to_string(), why });
        }
    }

    /// Passes over a target that is an alias.
    pub(super) fn refuse_alias(&mut self, target: &Srv<String>, steps: &mut Vec<Step>) {
        self.alias.get_or_insert_with(|| target.target.clone());
        drop_host(target, Why::Alias, steps);
    }

    /// Passes over a target whose addresses nobody can say now.
    pub(super) fn leave_unknown(&mut self, target: &Srv<String>, error: ResolveError, steps: &mut Vec<Step>) {
        self.unknown.get_or_insert(error);
        drop_host(target, Why::Temporary, steps);
    }

    /// The candidates; where there are none, the reason that gives most hope, and `nothing` if there is no other.
    pub(super) fn finish(self, nothing: NoRoute) -> Result<Vec<Candidate>, ResolveError> {
        if !self.candidates.is_empty() {
            return Ok(self.candidates);
        }
        let ourselves = self.ourselves.map(|host| ResolveError::Refused(Refused::Ourselves { host }));
        let alias = self.alias.map(|host| ResolveError::Refused(Refused::Alias { host }));
        Err(self.unknown.or(ourselves).or(alias).unwrap_or(ResolveError::NoRoute(nothing)))
    }

    /// We are a target ourselves: as with MX records (RFC 5321 section 5.1), only what comes before us is left,
    /// else two gateways of one rank would pass an operation to and fro.
    fn stop_before(&mut self, target: &Srv<String>, steps: &mut Vec<Step>) {
        drop_host(target, Why::Ourselves, steps);
        self.ourselves = Some(target.target.clone());
        for beside in self.candidates.extract_if(.., |known| known.priority >= target.priority) {
            steps.push(Step::Dropped { what: beside.address.to_string(), why: Why::NotBeforeUs });
        }
    }
}

fn drop_host(target: &Srv<String>, why: Why, steps: &mut Vec<Step>) {
    steps.push(Step::Dropped { what: place(target), why });
}

/// A target as people write it.
pub(super) fn place(target: &Srv<String>) -> String {
    format!("{}:{}", target.target, target.port)
}

/// Whether an address can be that of another host, and has a meaning beyond one link. A stranger's record must
/// not send us to what only our own network segment can reach.
fn is_usable(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            !(v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast() || v4.is_link_local())
        }
        IpAddr::V6(v6) => !(v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local()),
    }
}
