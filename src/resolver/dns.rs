//! Questions to DNS servers, answers from them, and nothing about what they are asked for.
//!
//! hickory sends the queries, falls back to TCP where an answer is truncated, and keeps the cache. Two things
//! of its `Resolver` are of no use here, which is why its pools are used instead: behind an alias it takes the
//! target of an SRV record for one more alias, and finds nothing; and of several servers a quick SERVFAIL wins
//! over a slower answer. Search domains and the hosts file play no part: every name is absolute, and a machine's
//! nicknames are not routes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::{DnsRequestOptions, Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, ResponseCache, TlsConfig, TtlConfig, system_conf};

use super::{Found, NoRoute, ResolveError, Settings, SetupError, Step, Temporary, special};

/// CNAME records that are followed one after another. More is a mistake or an attack.
pub(super) const MAX_ALIASES: usize = 8;
/// Answers kept. One is a few hundred octets as a rule, and never more than 65,535 (RFC 1035 section 4.2.2).
const CACHED_ANSWERS: u64 = 1024;
/// An answer is kept no longer than this, whatever it says: a domain that moves is found within the hour.
const KEEP: Duration = Duration::from_secs(60 * 60);
/// Nor is word that there is nothing: whoever mends their zone wants to see it work.
const KEEP_NOTHING: Duration = Duration::from_secs(60);

/// The servers that are asked.
pub(super) struct Dns {
    servers: Vec<Server>,
    /// The one that answered last, which is asked first.
    preferred: AtomicUsize,
    cache: ResponseCache,
    timeout: Duration,
    attempts: usize,
}

struct Server {
    name: String,
    // One pool for each: in a pool of several, the first SERVFAIL ends the query.
    pool: NameServerPool<TokioRuntimeProvider>,
}

/// What there is at the end of a chain of aliases.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The names that the aliases led over, in order; the last is the owner of the records.
    pub(super) aliases: Vec<Name>,
    /// The records of the type that was asked for; none: there is no such name or no such record.
    pub(super) records: Vec<Record>,
    /// What the server sent along. To be believed about this answer, and about nothing else.
    pub(super) additionals: Vec<Record>,
}

impl Dns {
    pub(super) fn new(settings: &Settings) -> Result<Self, SetupError> {
        let mut options = ResolverOpts::default();
        options.timeout = settings.timeout;
        options.positive_max_ttl = Some(KEEP);
        options.negative_max_ttl = Some(KEEP_NOTHING);
        let cache = ResponseCache::new(CACHED_ANSWERS, TtlConfig::from_opts(&options));
        let no_tls = TlsConfig::new().map_err(|e| SetupError::System(io::Error::other(e)))?;
        let context = Arc::new(PoolContext::new(options, no_tls));
        let servers: Vec<_> = configured(settings)?
            .into_iter()
            .map(|server| Server {
                name: place(&server),
                pool: NameServerPool::from_config(
                    [server],
                    Arc::clone(&context),
                    TokioRuntimeProvider::default(),
                ),
            })
            .collect();
        if servers.is_empty() {
            return Err(SetupError::NoServers);
        }
        let Settings { timeout, attempts, .. } = *settings;
        Ok(Self { servers, preferred: AtomicUsize::new(0), cache, timeout, attempts })
    }

    /// Asks for the records of a type at `name`, and at what it is an alias of.
    ///
    /// # Errors
    /// [`ResolveError::Temporary`] where no server could say, which is not the same as that there is nothing;
    /// [`NoRoute::Aliases`] where aliases have no end.
    pub(super) async fn ask(
        &self,
        name: &Name,
        kind: RecordType,
        steps: &mut Vec<Step>,
    ) -> Result<Answer, ResolveError> {
        let mut aliases: Vec<Name> = Vec::new();
        loop {
            let owner = aliases.last().unwrap_or(name).clone();
            let Some(message) = self.fetch(&owner, kind, steps).await? else {
                return Ok(Answer { aliases, ..Answer::default() });
            };
            // A server may send the whole chain at once, or only its first link.
            let known = aliases.len();
            while let Some(next) = alias(&message, aliases.last().unwrap_or(name), kind) {
                if aliases.len() == MAX_ALIASES || next == *name || aliases.contains(&next) {
                    return Err(ResolveError::NoRoute(NoRoute::Aliases {
                        name: shown(name),
                        most: MAX_ALIASES,
                    }));
                }
                steps.push(Step::Alias { from: shown(aliases.last().unwrap_or(name)), to: shown(&next) });
                aliases.push(next);
            }
            let owner = aliases.last().unwrap_or(name);
            let wanted = |record: &Record| record.record_type() == kind && record.name == *owner;
            let records: Vec<_> = message.answers.into_iter().filter(wanted).collect();
            if !records.is_empty() || aliases.len() == known {
                return Ok(Answer { aliases, records, additionals: message.additionals });
            }
        }
    }

    /// One question, from the cache or from the first server that answers it. None: there is nothing.
    async fn fetch(
        &self,
        name: &Name,
        kind: RecordType,
        steps: &mut Vec<Step>,
    ) -> Result<Option<Message>, ResolveError> {
        if let Some(words) = special::reason(&shown(name)) {
            steps.push(Step::Local { name: shown(name), words });
            return Ok(None);
        }
        let query = Query::query(name.clone(), kind);
        let step = |answer, server: &str| Step::Query {
            name: shown(name),
            kind: kind.to_string(),
            answer,
            server: server.to_owned(),
        };
        if let Some(cached) = self.cache.get(&query, Instant::now())
            && let Ok(found) = judge(&cached)
        {
            steps.push(step(found, "cache"));
            return Ok(cached.ok());
        }
        let first = self.preferred.load(Ordering::Relaxed);
        let mut problem = String::new();
        let rounds = (0..self.attempts)
            .flat_map(|_| self.servers.iter().enumerate().cycle().skip(first).take(self.servers.len()));
        for (number, server) in rounds {
            let answered = server.pool.lookup(query.clone(), DnsRequestOptions::default()).first_answer();
            let answered = match tokio::time::timeout(self.timeout, answered).await {
                Ok(answered) => answered.map(|response| response.into_message()),
                Err(_) => Err(NetError::Timeout),
            };
            match judge(&answered) {
                Ok(found) => {
                    steps.push(step(found, &server.name));
                    self.preferred.store(number, Ordering::Relaxed);
                    self.keep(query, answered.clone());
                    return Ok(answered.ok());
                }
                Err(trouble) => {
                    problem.clone_from(&trouble);
                    let (name, kind) = (shown(name), kind.to_string());
                    steps.push(Step::Trouble { name, kind, server: server.name.clone(), problem: trouble });
                }
            }
        }
        let (name, kind) = (shown(name), kind.to_string());
        Err(ResolveError::Temporary(Temporary::Dns { name, kind, problem }))
    }

    fn keep(&self, query: Query, answered: Result<Message, NetError>) {
        // An alias that leads to nothing is kept for as long as the alias says: not at all is better.
        let leads_nowhere = |message: &Message| {
            let wanted = |record: &Record| record.record_type() == query.query_type();
            !message.answers.iter().any(wanted)
        };
        if !answered.as_ref().is_ok_and(leads_nowhere) {
            self.cache.insert(query, answered, Instant::now());
        }
    }
}

/// A name as people write it: lower case, no trailing dot, what is not printable escaped; the root is `.`.
pub(super) fn shown(name: &Name) -> String {
    let text = name.to_lowercase().to_ascii();
    match text.strip_suffix('.') {
        Some(stem) if !stem.is_empty() => stem.to_owned(),
        _ => text,
    }
}

fn configured(settings: &Settings) -> Result<Vec<NameServerConfig>, SetupError> {
    if settings.servers.is_empty() && settings.system {
        let (config, _) =
            system_conf::read_system_conf().map_err(|e| SetupError::System(io::Error::other(e)))?;
        return Ok(config.name_servers);
    }
    Ok(settings.servers.iter().copied().map(server).collect())
}

fn place(server: &NameServerConfig) -> String {
    let port = server.connections.first().map_or(0, |connection| connection.port);
    SocketAddr::new(server.ip, port).to_string()
}

fn server(address: SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    server
        .connections
        .iter_mut()
        .for_each(|connection: &mut ConnectionConfig| connection.port = address.port());
    server
}

/// Tells an answer from the lack of one: only NOERROR and NXDOMAIN answer (RFC 1035 section 4.1.1).
fn judge(answered: &Result<Message, NetError>) -> Result<Found, String> {
    match answered {
        Ok(message) => match message.metadata.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain => Ok(Found::Records(message.answers.len())),
            code => Err(code.to_string()),
        },
        Err(NetError::Dns(DnsError::NoRecordsFound(nothing))) => absence(nothing),
        Err(e) => Err(e.to_string()),
    }
}

fn absence(nothing: &NoRecords) -> Result<Found, String> {
    match nothing.response_code {
        ResponseCode::NXDomain => Ok(Found::NoName),
        // A referral says where to ask, not that there is nothing (RFC 2308 section 2.2).
        ResponseCode::NoError if nothing.ns.is_some() && nothing.soa.is_none() => {
            Err("refers to other servers instead of asking them".to_owned())
        }
        ResponseCode::NoError => Ok(Found::NoData),
        code => Err(code.to_string()),
    }
}

/// What `owner` is an alias of, according to `message`, unless it has the records themselves.
fn alias(message: &Message, owner: &Name, kind: RecordType) -> Option<Name> {
    let own = || message.answers.iter().filter(|record| record.name == *owner);
    if own().any(|record| record.record_type() == kind) {
        return None;
    }
    own().find_map(|record| match &record.data {
        RData::CNAME(target) => Some(target.0.clone()),
        _ => None,
    })
}
