//! Who may claim what (native-cpim.md, Session 1 to 4).
//!
//! A claim must be covered by a certificate, a secret, or the listener's trust rule; one that is not refuses
//! the whole `open`. What is granted becomes the session's [`Authority`]. A refusal never says what would
//! have been granted, nor whether a secret was right.

use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{Authority, Domain, Mapper, Scope, Standing};
use cpim_native_proto::{Claim, Description, Open};
use thiserror::Error;

use crate::config::{ApplicationSettings, PeerSettings, Settings};
use crate::names::CertificateNames;

/// What the connection itself proves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Credentials<'a> {
    /// The names in a certificate that was verified.
    pub(crate) names: Option<&'a CertificateNames>,
    /// What the listener's trust rule grants; empty for whoever comes from another machine.
    pub(crate) trust: &'a [Scope],
    /// Where it comes from, for the log.
    pub(crate) from: &'a str,
}

/// What an `open` was granted.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    /// What the session may say.
    pub(crate) authority: Arc<Authority>,
    /// What is delivered to it.
    pub(crate) serves: Vec<Scope>,
    /// Everything that it claimed, for the rule of conflicts.
    pub(crate) claims: Vec<Scope>,
    /// Whether it is a gateway or a domain's home, not the principal itself.
    pub(crate) home: bool,
    /// For how long it recognises retransmissions.
    pub(crate) remembers: Option<Duration>,
    /// What it claims as an external adapter, where it is one.
    pub(crate) adapter: Option<Arc<Description>>,
}

/// A claim too many.
#[derive(Clone, Debug, Eq, PartialEq, Error)]
pub(crate) enum Unauthorised {
    /// It is for this gateway to speak for.
    #[error("`{0}` belongs to this gateway")]
    Ours(String),
    /// Nothing that came with the `open` covers it.
    #[error("`{0}` is not covered by your certificate, your secret or this listener")]
    Uncovered(String),
}

/// Judges an `open`.
///
/// # Errors
/// [`Unauthorised`] names the first claim that nothing covers.
pub(crate) fn admit(
    open: &Open,
    credentials: Credentials<'_>,
    settings: &Settings,
    mapper: &Mapper,
) -> Result<Admission, Unauthorised> {
    let proof = Proof::new(open, credentials, settings);
    if let Some(domain) = &open.domain {
        let own = Scope::Domain(domain.clone());
        if mapper.is_ours(domain) {
            return Err(Unauthorised::Ours(domain.to_string()));
        }
        if !proof.may_serve(&own) {
            return Err(Unauthorised::Uncovered(domain.to_string()));
        }
    }
    let granted = |claims: &[Claim], may: &dyn Fn(&Scope) -> bool| -> Result<Vec<Scope>, Unauthorised> {
        claims
            .iter()
            .map(|claim| {
                let scope = scope_of(claim, mapper)?;
                match may(&scope) {
                    true => Ok(scope),
                    false => Err(Unauthorised::Uncovered(claim.to_string())),
                }
            })
            .collect()
    };
    let serves = granted(&open.serves, &|scope| proof.may_serve(scope))?;
    let speaks = granted(&open.speaks, &|scope| proof.may_speak(scope, settings))?;

    let claims: Vec<Scope> = serves.iter().chain(&speaks).cloned().collect();
    let mut scopes = claims.clone();
    scopes.extend(open.domain.clone().map(Scope::Domain));
    if let Some(peer) = proof.peer {
        scopes.extend(peer.serves.iter().cloned().map(Scope::Domain));
        scopes.extend(peer.sources.iter().cloned());
    }
    let is_adapter = serves.iter().any(|scope| matches!(scope, Scope::Selector(_)));
    let adapter = is_adapter.then(|| Arc::new(open.adapter.clone().unwrap_or_default()));
    // It knows its users no better than it says.
    let best = adapter.as_ref().map_or(Standing::Verified, |adapter| adapter.standing);
    Ok(Admission {
        home: open.domain.is_some()
            || serves.iter().any(|scope| matches!(scope, Scope::Domain(_) | Scope::Selector(_))),
        authority: Arc::new(Authority {
            peer: proof.peer.map(|peer| peer.domain.clone()),
            scopes: without_repetition(scopes),
            standing: proof.standing().min(best),
            label: proof.label(),
        }),
        serves,
        claims,
        remembers: open.remembers,
        adapter,
    })
}

/// Whose secret came with an `open`, for the log alone: an unknown one is another mistake than a claim too many, and whoever
/// offers it must not learn which he made.
pub(crate) fn secret_of(open: &Open, settings: &Settings) -> String {
    let Some(offered) = open.secret.as_ref().map(cpim_native_proto::Secret::expose) else {
        return "none was given".to_owned();
    };
    let knows = |secret: &Option<crate::Secret>| secret.as_ref().is_some_and(|secret| secret.is(offered));
    let applications = settings.applications.iter().filter(|application| knows(&application.secret));
    let peers = settings.peers.iter().filter(|peer| knows(&peer.secret));
    let owners: Vec<String> = applications
        .map(|application| format!("application {}", application.name))
        .chain(peers.map(|peer| format!("peer {}", peer.domain)))
        .collect();
    match owners.is_empty() {
        true => "nobody has that one".to_owned(),
        false => format!("that of {}", owners.join(", ")),
    }
}

/// Each of them once: what a session claims may be what it is configured to have anyway.
fn without_repetition(scopes: Vec<Scope>) -> Vec<Scope> {
    scopes.into_iter().fold(Vec::new(), |mut each, scope| {
        if !each.contains(&scope) {
            each.push(scope);
        }
        each
    })
}

/// What a claim is about. Domains of this gateway are nobody's to claim; a selector is one that it knows.
fn scope_of(claim: &Claim, mapper: &Mapper) -> Result<Scope, Unauthorised> {
    let ours = |domain: &Domain| match mapper.is_ours(domain) {
        true => Err(Unauthorised::Ours(claim.to_string())),
        false => Ok(()),
    };
    match claim {
        Claim::Domain(domain) => ours(domain).map(|()| Scope::Domain(domain.clone())),
        Claim::Selector(name) => mapper
            .selectors()
            .find(name)
            .map(Scope::Selector)
            .map_err(|_| Unauthorised::Uncovered(claim.to_string())),
        Claim::Uri(uri) => ours(uri.address().domain()).map(|()| Scope::Address(uri.address().clone())),
    }
}

/// Everything that speaks for whoever opens a session.
struct Proof<'a> {
    credentials: Credentials<'a>,
    peer: Option<&'a PeerSettings>,
    applications: Vec<&'a ApplicationSettings>,
}

impl<'a> Proof<'a> {
    fn new(open: &Open, credentials: Credentials<'a>, settings: &'a Settings) -> Self {
        let offered = open.secret.as_ref().map(cpim_native_proto::Secret::expose);
        let knows = |secret: &Option<crate::Secret>| match (secret, offered) {
            (Some(secret), Some(offered)) => secret.is(offered),
            _ => false,
        };
        let names = credentials.names;
        let is_peer = |peer: &&PeerSettings| {
            let shown = names.is_some_and(|names| names.cover_domain(&peer.domain));
            // The secret is always compared, so that time does not tell whose domain was named.
            (knows(&peer.secret) | shown) && open.domain.as_ref() == Some(&peer.domain)
        };
        let is_application = |application: &&ApplicationSettings| {
            let called = |name: &String| names.is_some_and(|names| names.are_called(name));
            knows(&application.secret) | application.certificate.as_ref().is_some_and(called)
        };
        Self {
            credentials,
            peer: settings.peers.iter().find(is_peer),
            applications: settings.applications.iter().filter(is_application).collect(),
        }
    }

    /// To serve is to receive: it takes more than to be allowed to send.
    fn may_serve(&self, scope: &Scope) -> bool {
        let by_peer = self.peer.is_some_and(|peer| {
            let homes = peer.serves.iter().chain([&peer.domain]).cloned();
            homes.map(Scope::Domain).any(|home| is_within(scope, &home))
        });
        let mut covers = self.applications.iter().flat_map(|application| &application.covers);
        by_peer
            || covers.any(|covered| is_within(scope, covered))
            || self.credentials.names.is_some_and(|names| names.cover(scope))
            || self.is_trusted(scope)
    }

    /// A trust rule gives addresses away, never a selector.
    fn is_trusted(&self, scope: &Scope) -> bool {
        !matches!(scope, Scope::Selector(_))
            && self.credentials.trust.iter().any(|trusted| is_within(scope, trusted))
    }

    /// A configured peer may send for its sources, but not for what is hosted here.
    fn may_speak(&self, scope: &Scope, settings: &Settings) -> bool {
        let mut sources = self.peer.iter().flat_map(|peer| &peer.sources);
        let hosted = || settings.hosted.iter().any(|hosted| overlap(scope, hosted));
        self.may_serve(scope) || (sources.any(|source| is_within(scope, source)) && !hosted())
    }

    /// The trust rule vouches like a certificate or a secret does; nothing else is known of a source.
    fn standing(&self) -> Standing {
        let vouched = self.peer.is_some()
            || !self.applications.is_empty()
            || self.credentials.names.is_some()
            || !self.credentials.trust.is_empty();
        match vouched {
            true => Standing::Verified,
            false => Standing::Anonymous,
        }
    }

    fn label(&self) -> String {
        let from = self.credentials.from;
        match (self.peer, self.applications.first(), self.credentials.names) {
            (Some(peer), ..) => format!("peer {} ({from})", peer.domain),
            (None, Some(application), _) => format!("application {} ({from})", application.name),
            (None, None, Some(names)) => format!("certificate {} ({from})", names.label()),
            (None, None, None) => from.to_owned(),
        }
    }
}

/// Whether all of `inner` is within `outer`.
fn is_within(inner: &Scope, outer: &Scope) -> bool {
    match inner {
        Scope::Address(address) => outer.covers(address),
        Scope::Domain(domain) => outer.covers_domain(domain),
        Scope::Any | Scope::Selector(_) | Scope::Under(_) => inner == outer,
    }
}

/// Whether a claim and something hosted have an address in common.
fn overlap(claim: &Scope, hosted: &Scope) -> bool {
    is_within(claim, hosted) || is_within(hosted, claim)
}

/// The authority of a server that this gateway connected to: the domain that was wanted, which it has
/// proven, and what the configuration adds where its answer names a configured peer that it also proves.
///
/// `proves` says whether its certificate (or the pinned plain route, for the wanted domain) covers a domain. Over a
/// `plain` route there is no certificate: the configuration vouches for whoever answers there.
pub(crate) fn reached(
    wanted: &Domain,
    answer: &Open,
    (plain, proves): (bool, &dyn Fn(&Domain) -> bool),
    settings: &Settings,
    mapper: &Mapper,
    from: &str,
) -> Authority {
    let named = answer.domain.as_ref().and_then(|named| {
        let mut peers = settings.peers.iter();
        peers.find(|peer| peer.domain == *named)
    });
    let peer = named.filter(|peer| proves(&peer.domain) || plain && peer.serves.contains(wanted));
    let mut scopes = vec![Scope::Domain(wanted.clone())];
    let also = |domain: &&Domain| *domain != wanted && proves(domain) && !mapper.is_ours(domain);
    scopes.extend(answer.domain.as_ref().filter(also).cloned().map(Scope::Domain));
    if let Some(peer) = peer {
        let homes = peer.serves.iter().chain([&peer.domain]);
        scopes.extend(homes.cloned().map(Scope::Domain));
        scopes.extend(peer.sources.iter().cloned());
    }
    Authority {
        peer: peer.map(|peer| peer.domain.clone()),
        scopes: without_repetition(scopes),
        standing: Standing::Verified,
        label: match peer {
            Some(peer) => format!("peer {} for {wanted} ({from})", peer.domain),
            None => format!("server of {wanted} ({from})"),
        },
    }
}
