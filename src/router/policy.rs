//! What the configuration says about operations. Replaced as a whole when the configuration is reloaded.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{Address, Domain, Mapper, Scope, Selector, Standing};

/// Everything that decides what becomes of an operation, but not how it is done.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Our own addresses, and how foreign ones are mapped.
    pub mapper: Arc<Mapper>,
    /// Domains whose home this gateway is.
    pub hosted_domains: HashSet<Domain>,
    /// Single addresses whose home this gateway is.
    pub hosted_addresses: HashSet<Address>,
    /// Who may send to whom.
    pub rules: Rules,
    /// Caps, and the terms of domains without a route of their own.
    pub limits: Limits,
    /// Terms of domains with a pinned route; the first that covers a domain holds.
    pub routes: Vec<(Scope, Terms)>,
}

impl Policy {
    /// Whether this gateway is the configured home of an address.
    #[must_use]
    pub fn hosts(&self, address: &Address) -> bool {
        self.hosted_domains.contains(address.domain()) || self.hosted_addresses.contains(address)
    }

    /// On what terms a domain is sent to.
    #[must_use]
    pub fn terms(&self, domain: &Domain) -> Terms {
        let own = self.routes.iter().find(|(scope, _)| scope.covers_domain(domain));
        own.map_or(self.limits.terms, |(_, terms)| *terms)
    }
}

/// Caps and times that the router keeps.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Hops of an operation that came without a count.
    pub hops: u8,
    /// Operations of one pair in flight.
    pub pair_backlog: usize,
    /// Where no route says otherwise.
    pub terms: Terms,
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
    pub allow_by_default: bool,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Whether what matches may pass.
    pub allow: bool,
    /// Who sends.
    pub from: Pattern,
    /// To whom.
    pub to: Pattern,
    /// How well the source must be known for the rule to match; any, where absent.
    pub standing: Option<Standing>,
}

/// A set of addresses in a rule. A single address stands for both of its classes.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// A set that the address tells by itself.
    Scope(Scope),
    /// Everything that is mapped with this selector.
    Selector(Selector),
}

impl Pattern {
    fn matches(&self, address: &Address, mapper: &Mapper) -> bool {
        match self {
            Self::Scope(Scope::Address(own)) => own.with_class(address.class()) == *address,
            Self::Scope(scope) => scope.covers(address),
            Self::Selector(selector) => mapper
                .unmap(address)
                .is_ok_and(|foreign| foreign.selector() == selector),
        }
    }
}

impl Rules {
    /// Whether `source`, known this well, may send to `destination`.
    #[must_use]
    pub fn allow(
        &self,
        source: &Address,
        standing: Standing,
        destination: &Address,
        mapper: &Mapper,
    ) -> bool {
        self.rules
            .iter()
            .find(|rule| {
                rule.standing.is_none_or(|wanted| wanted == standing)
                    && rule.from.matches(source, mapper)
                    && rule.to.matches(destination, mapper)
            })
            .map_or(self.allow_by_default, |rule| rule.allow)
    }
}
