//! DNS, as mail asks it: for what proves an author, and for the servers of a domain.

use cpim_adapter::BuildError;
use mail_auth::MessageAuthenticator;
use mail_auth::hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use mail_auth::hickory_resolver::system_conf;

use crate::config::DnsSettings;

/// Whoever asks, with a cache of his own; nobody where DNS is not to be asked.
///
/// # Errors
/// [`BuildError`] where there is no server to be asked.
pub(crate) fn authenticator(dns: &DnsSettings) -> Result<Option<MessageAuthenticator>, BuildError> {
    if !dns.enabled {
        return Ok(None);
    }
    let wrong = |what: String| BuildError { key: "dns".into(), what };
    let (config, mut options) = match dns.servers.is_empty() && dns.system {
        true => system_conf::read_system_conf().map_err(|error| wrong(error.to_string()))?,
        false => {
            let servers = dns.servers.iter().map(|address| {
                let mut server = NameServerConfig::udp_and_tcp(address.ip());
                server.connections.iter_mut().for_each(|connection| connection.port = address.port());
                server
            });
            (ResolverConfig::from_parts(None, Vec::new(), servers.collect()), ResolverOpts::default())
        }
    };
    if config.name_servers().is_empty() {
        return Err(wrong("no server is known; `servers` names some".to_owned()));
    }
    options.timeout = dns.timeout;
    options.attempts = dns.attempts;
    // A name is what it says: search domains and the hosts file are for people at this machine.
    options.ndots = 0;
    options.use_hosts_file = ResolveHosts::Never;
    MessageAuthenticator::new(config, options).map(Some).map_err(|error| wrong(error.to_string()))
}
