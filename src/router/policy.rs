//! What the configuration says about operations. Replaced as a whole when the configuration is reloaded.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{Address, Domain, ForeignAddress, Mapper, MappingError, Scope, Standing};

use super::refusal::Refusal;
use crate::config::{Action, Auth, Config, DomainPattern, Pattern, Route, Rule, Tls};
use crate::rules::{Defaults, Names};

/// Everything that decides what becomes of an operation, but not how it is done.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Our own addresses, and how foreign ones are mapped.
    pub mapper: Arc<Mapper>,
    /// How addresses in rules are brought to the form of those that arrive.
    pub names: Names,
    /// Domains whose home this gateway is.
    pub hosted_domains: HashSet<Domain>,
    /// Single addresses whose home this gateway is.
    pub hosted_addresses: HashSet<Address>,
    /// Domains whose home is a configured peer, which may be the one to connect.
    pub peer_domains: HashSet<Domain>,
    /// Who may send to whom.
    pub rules: Rules,
    /// What holds where a principal has set no rule of his own.
    pub principals: Defaults,
    /// Caps, and the terms of domains without a route of their own.
    pub limits: Limits,
    /// Subscriptions.
    pub presence: PresenceLimits,
    /// Terms of domains with a pinned route; as of the routes, those of the closest hold.
    pub routes: Vec<(DomainPattern, Terms)>,
}

impl Policy {
    /// Whether this gateway is the configured home of an address.
    #[must_use]
    pub fn hosts(&self, address: &Address) -> bool {
        self.hosted_domains.contains(address.domain()) || self.hosted_addresses.contains(address)
    }

    /// Whether a domain is known though nothing leads to it now: its home is a peer that connects to us.
    #[must_use]
    pub fn expects(&self, domain: &Domain) -> bool {
        self.peer_domains.contains(domain)
    }

    /// Whether the rules let an operation pass.
    ///
    /// # Errors
    /// [`Refusal`] where they do not.
    pub(crate) fn let_pass(&self, source: &Address, standing: Standing, to: &Address) -> Result<(), Refusal> {
        match self.rules.allow(source, standing, to, &self.names) {
            true => Ok(()),
            false => Err(Refusal::not_allowed(format!("no rule lets {source} ({standing}) send to {to}"))),
        }
    }

    /// On what terms a domain is sent to.
    #[must_use]
    pub fn terms(&self, domain: &Domain) -> Terms {
        let own = self.routes.iter().map(|(pattern, terms)| (pattern, *terms));
        DomainPattern::closest(own, domain).unwrap_or(self.limits.terms)
    }
}

/// Caps and times that the router keeps.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Hops of an operation that came without a count.
    pub hops: u8,
    /// Operations of one pair in flight.
    pub pair_backlog: usize,
    /// For how long retransmissions are recognised.
    pub remembers: Duration,
    /// Where no route says otherwise.
    pub terms: Terms,
}

/// What may be subscribed to, for how long and by how many.
#[derive(Clone, Debug)]
pub struct PresenceLimits {
    /// The longest subscription, in seconds.
    pub max_lease_s: u32,
    /// What another server is asked for where the watcher named no duration, in seconds.
    pub default_lease_s: u32,
    /// Subscriptions of one watcher.
    pub leases_per_watcher: usize,
    /// Subscriptions to one presentity.
    pub leases_per_presentity: usize,
    /// What one source may ask for a second.
    pub rate: u32,
    /// How long those who watched are told of.
    pub winfo_span: Duration,
}

impl PresenceLimits {
    /// What is granted to who asks for so many seconds.
    #[must_use]
    pub fn granted(&self, asked: u32) -> u32 {
        asked.min(self.max_lease_s)
    }
}

impl From<&crate::config::Presence> for PresenceLimits {
    fn from(presence: &crate::config::Presence) -> Self {
        let seconds = |span: Duration| u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
        Self {
            max_lease_s: seconds(presence.max_lease),
            default_lease_s: seconds(presence.default_lease),
            leases_per_watcher: presence.leases_per_watcher,
            leases_per_presentity: presence.leases_per_presentity,
            rate: presence.rate,
            winfo_span: presence.winfo_span,
        }
    }
}

impl Default for PresenceLimits {
    fn default() -> Self {
        Self::from(&crate::config::Presence::default())
    }
}

/// On what terms a domain is sent to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Terms {
    /// How long handing over is tried.
    pub retry_horizon: Duration,
    /// How long an answer is awaited once it was handed over.
    pub max_wait: Duration,
    /// Whether it is spoken to without TLS.
    pub plain: bool,
}

/// Who may send to whom: the first rule that matches holds, else the default.
#[derive(Clone, Debug)]
pub struct Rules {
    /// In order.
    pub rules: Vec<Rule>,
    /// Where none matches.
    pub default: Action,
}

impl Rules {
    /// Whether `source`, known this well, may send to `destination`.
    #[must_use]
    pub fn allow(&self, source: &Address, standing: Standing, destination: &Address, names: &Names) -> bool {
        let foreign = |address: &Address| names.mapper().unmap(address).ok();
        let (from, to) = (foreign(source), foreign(destination));
        let selector =
            |foreign: &Option<ForeignAddress>| foreign.as_ref().map(|f| f.selector().as_str().to_owned());
        let (from, to) = (selector(&from), selector(&to));
        let holds = |rule: &&Rule| {
            rule.auth.is_none_or(|wanted| standing_of(wanted) == standing)
                && matches(&rule.from, source, from.as_deref(), names)
                && matches(&rule.to, destination, to.as_deref(), names)
        };
        self.rules.iter().find(holds).map_or(self.default, |rule| rule.action) == Action::Allow
    }
}

/// Whether a pattern holds for an address in its canonical form. A foreign one is folded each time, because a network may
/// tell its casemapping only once it is joined.
fn matches(pattern: &Pattern, address: &Address, selector: Option<&str>, names: &Names) -> bool {
    match pattern {
        Pattern::Address(written) if selector.is_some() && written.domain() == address.domain() => {
            names.folded(written) == *address
        }
        _ => pattern.matches(address, selector),
    }
}

const fn standing_of(auth: Auth) -> Standing {
    match auth {
        Auth::Anonymous => Standing::Anonymous,
        Auth::Claimed => Standing::Claimed,
        Auth::Verified => Standing::Verified,
    }
}

impl Policy {
    /// What a configuration says.
    ///
    /// # Errors
    /// [`MappingError`] where its domain mappings contradict each other; `check` finds that too.
    pub fn new(config: &Config) -> Result<Self, MappingError> {
        let mapper = Mapper::new(config.relay_domain.clone(), config.selectors.clone());
        let mapper = config
            .relay_domains_extra
            .iter()
            .try_fold(mapper, |mapper, domain| mapper.with_relay_domain(domain.clone()))?;
        let mapper = config
            .mappings
            .iter()
            .try_fold(mapper, |mapper, mapping| mapper.with_mapping(mapping.clone()))?;
        let limits = &config.limits;
        let terms = Terms { retry_horizon: limits.retry_horizon, max_wait: limits.max_wait, plain: false };
        let mapper = Arc::new(mapper);
        Ok(Self {
            names: Names::unfolded(Arc::clone(&mapper)),
            hosted_domains: config.hosted.iter().filter_map(|hosted| hosted.domain.clone()).collect(),
            hosted_addresses: config.hosted.iter().flat_map(|hosted| hosted.uris.iter().cloned()).collect(),
            peer_domains: config
                .peers
                .iter()
                .flat_map(|peer| peer.serves.iter().chain([&peer.domain]).cloned())
                .collect(),
            rules: Rules {
                rules: config.rules.iter().map(|rule| read_by(&mapper, rule)).collect(),
                default: config.rules_default,
            },
            principals: config.principals,
            presence: PresenceLimits::from(&config.presence),
            limits: Limits {
                hops: limits.hops,
                pair_backlog: limits.pair_backlog,
                remembers: limits.remembers,
                terms,
            },
            routes: config
                .routes
                .iter()
                .map(|route| (route.domain.clone(), own_terms(route, terms)))
                .collect(),
            mapper,
        })
    }
}

/// A rule whose addresses are read as everything is that arrives: one of ours has one form.
fn read_by(mapper: &Mapper, rule: &Rule) -> Rule {
    let mut rule = rule.clone();
    for pattern in [&mut rule.from, &mut rule.to] {
        if let Pattern::Address(address) = pattern
            && let Ok(uri) = mapper.read_any(&address.to_string())
        {
            *address = uri.address().clone();
        }
    }
    rule
}

fn own_terms(route: &Route, otherwise: Terms) -> Terms {
    Terms {
        retry_horizon: route.retry_horizon.unwrap_or(otherwise.retry_horizon),
        max_wait: route.max_wait.unwrap_or(otherwise.max_wait),
        plain: route.tls == Tls::Plain,
    }
}

/// The addresses of the domains that a pattern means.
#[must_use]
pub fn scope_of(pattern: &DomainPattern) -> Scope {
    match pattern {
        DomainPattern::Below(domain) => Scope::Under(domain.clone()),
        DomainPattern::Exactly(domain) => Scope::Domain(domain.clone()),
    }
}
