//! Foreign addresses of IRC: `irc://NETWORK/TARGET` (the form of the Mirashi draft's `irc` scheme, without its
//! extras). The network's name is the one that the configuration gives it, not a host to connect to.

use std::fmt;
use std::sync::{Arc, LazyLock};

use cpim_adapter::{Domain, ForeignAddress, Selector, Selectors, Shape};

/// The name of a network in addresses: a domain name, in lower case.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NetworkName(Arc<str>);

impl NetworkName {
    /// Octets at most: it is the source of every line that a server sends, beside the text.
    pub const MAX_OCTETS: usize = 63;

    /// Reads a name, in any case.
    ///
    /// # Errors
    /// What is wrong with it, and what is accepted.
    pub fn parse(text: &str) -> Result<Self, String> {
        let domain = Domain::parse(text).map_err(|error| error.to_string())?;
        match domain.as_str() {
            name if name.len() > Self::MAX_OCTETS => {
                Err(format!("{} octets; {} are accepted", name.len(), Self::MAX_OCTETS))
            }
            // Without a dot it could not be told from a nick where a server's name stands before a line.
            name if !name.contains('.') => Err(format!(
                "`{name}` has no dot; a name like a domain's is accepted, such as `irc.example.net`"
            )),
            name => Ok(Self(name.into())),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A foreign address, taken apart: `irc.example.net` and `alice` of `irc://irc.example.net/alice`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IrcAddress {
    /// The network's name.
    pub network: NetworkName,
    /// Whoever is meant there, as it was written: a nick, or a channel.
    pub target: String,
}

impl IrcAddress {
    /// Takes a foreign address of `irc` or `ircs` apart.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    pub fn parse(foreign: &ForeignAddress) -> Result<Self, String> {
        let (network, target) = foreign
            .value()
            .split_once('/')
            .ok_or_else(|| "names no one; irc://NETWORK/NICK is accepted".to_owned())?;
        if target.is_empty() {
            return Err("names no one; irc://NETWORK/NICK is accepted".to_owned());
        }
        Ok(Self { network: NetworkName::parse(network)?, target: target.to_owned() })
    }

    /// The foreign address in its one form, which is `irc`: what `ircs` says of the way there is no part of who it
    /// is.
    ///
    /// # Errors
    /// If the target holds control characters.
    pub fn to_foreign(&self) -> Result<ForeignAddress, String> {
        ForeignAddress::new(selector()?, &format!("{}/{}", self.network, self.target))
            .map_err(|error| error.to_string())
    }
}

/// The selector of IRC, which every table has.
fn selector() -> Result<Selector, String> {
    static IRC: LazyLock<Result<Selector, String>> = LazyLock::new(|| {
        let selector = Selectors::default().find("irc").map_err(|error| error.to_string())?;
        debug_assert_eq!(selector.shape(), Shape::Hierarchical, "built in as such");
        Ok(selector)
    });
    IRC.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<IrcAddress, String> {
        IrcAddress::parse(&ForeignAddress::parse(text, &Selectors::default()).unwrap())
    }

    #[test]
    fn an_address_is_a_network_and_a_target() {
        let address = read("ircs://IRC.Demo.Example/Alice").unwrap();
        assert_eq!((address.network.as_str(), &*address.target), ("irc.demo.example", "Alice"));
        assert_eq!(address.to_foreign().unwrap().to_string(), "irc://irc.demo.example/Alice");
        assert_eq!(read("irc://irc.example/a/b").unwrap().target, "a/b", "for the network to refuse");
    }

    #[test]
    fn what_names_nobody_is_refused() {
        for bad in ["irc://irc.example", "irc://irc.example/", "irc:///alice", "irc://localhost/alice"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let long = format!("irc://{}.example/alice", "a.".repeat(40).trim_end_matches('.'));
        assert!(read(&long).unwrap_err().contains("63 are accepted"));
    }
}
