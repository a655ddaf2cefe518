//! The configuration: one TOML file, environment variables on top of it, and every mistake named at once.
//!
//! Every key can be set by a variable: `limits.hops` by `CPIM_GATEWAY_LIMITS__HOPS=64`, a list as a whole by
//! `CPIM_GATEWAY_RELAY_DOMAINS_EXTRA='["gw2.example"]'`. Unknown keys are errors. Certificates, keys and secrets are
//! found beside the file; what the gateway writes itself (store, sockets, token) in the working directory.
//!
//! What is read here is checked here; nothing is started, bound or resolved.

mod anchors;
pub(crate) mod certificate;
pub(crate) mod check;
mod difference;
mod draft;
mod error;
mod lists;
mod names;
mod read;
mod secret;
mod section;
mod sections;
mod source;
pub(crate) mod units;
pub(crate) mod words;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cpim_adapter::{DomainMapping, Selectors};

pub use anchors::Anchors;
pub use difference::Difference;
pub use error::{ConfigError, ConfigErrors, Place};
pub use lists::{Application, Auth, Hosted, Peer, Route, Rule, Tls};
pub use names::{Address, Claim, Domain, DomainPattern, Host, HostPort, Pattern};
pub(crate) use names::{maybe, one, several};
pub use secret::{MAX_SECRET, Secret, SecretError};
pub use section::{AdapterSection, Endpoint, Known, Listeners, Section};
pub use sections::{Action, Admin, Dns, Durability, Kept, Limits, Log, LogFormat, Presence, Store};
pub use source::PREFIX;

use check::Check;
use draft::Draft;
use read::Reader;

use crate::rules::Defaults;

/// A configuration in which everything that can be checked without starting has been.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it came from.
    pub file: PathBuf,
    /// This gateway's own domain: that of source routes, of `via` and of its own inbox.
    pub relay_domain: Domain,
    /// Other domains that mean this gateway too, such as one it had before.
    pub relay_domains_extra: Vec<Domain>,
    /// `[store]`.
    pub store: Store,
    /// `[admin]`.
    pub admin: Admin,
    /// `[log]`.
    pub log: Log,
    /// `[limits]`.
    pub limits: Limits,
    /// `[presence]`.
    pub presence: Presence,
    /// `[kept]`.
    pub kept: Kept,
    /// `[dns]`.
    pub dns: Dns,
    /// Every selector: those known anyway, and those of `[selectors]`.
    pub selectors: Selectors,
    /// `[[hosted]]`.
    pub hosted: Vec<Hosted>,
    /// `[[route]]`.
    pub routes: Vec<Route>,
    /// `[[peer]]`, with their secrets read.
    pub peers: Vec<Peer>,
    /// `[[application]]`, with their secrets read.
    pub applications: Vec<Application>,
    /// `[principals]`: what holds where a principal has set no rule of his own.
    pub principals: Defaults,
    /// `[[rule]]`, in the order of the file.
    pub rules: Vec<Rule>,
    /// `rules.default`: where no rule matches.
    pub rules_default: Action,
    /// `[[mapping]]`.
    pub mappings: Vec<DomainMapping>,
    sections: Vec<(AdapterSection, Section)>,
}

impl Config {
    /// Reads `file` with this process's environment on top, for the adapters of this build.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn load(file: &Path) -> Result<Self, ConfigErrors> {
        Self::load_with(file, std::env::vars_os(), &crate::registry::sections())
    }

    /// Where the admin socket of a gateway with this configuration is, or of one without a file. Nothing else is looked
    /// at: who looks into a gateway needs none of its secrets.
    ///
    /// # Errors
    /// The file cannot be read, or is not TOML.
    pub fn admin_socket(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<PathBuf, ConfigErrors> {
        let environment: Vec<_> = environment.into_iter().collect();
        let read = match file {
            Some(file) => source::read(file, &environment),
            None => source::lay_over(Path::new(""), "", &environment),
        };
        // What is wrong with other variables is the gateway's to say.
        let (values, _, _) = read.map_err(|error| ConfigErrors::new(vec![error]))?;
        let socket =
            values.get("admin").and_then(|admin| admin.find_ref("socket")?.as_str().map(PathBuf::from));
        Ok(socket.unwrap_or_else(|| Admin::default().socket))
    }

    /// Reads `file` with `environment` on top, for the adapters named.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn load_with(
        file: &Path,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        adapters: &[AdapterSection],
    ) -> Result<Self, ConfigErrors> {
        let environment: Vec<_> = environment.into_iter().collect();
        let read = source::read(file, &environment);
        let (mut values, origins, mut errors) = read.map_err(|error| ConfigErrors::new(vec![error]))?;
        let origins = Arc::new(origins);
        let sections = adapters.iter().map(|adapter| {
            (*adapter, Section::new(adapter.name, values.remove(adapter.name), Arc::clone(&origins)))
        });
        let sections: Vec<_> = sections.collect();

        let mut reader = Reader::new(&origins);
        let draft = Draft::read(&mut reader, values, adapters);
        let mut check = Check { reader: &mut reader, environment: &environment, adapters: &sections };
        let (known, config) = check.everything(draft);
        errors.append(&mut reader.errors);
        for (adapter, section) in &sections {
            let checked = (adapter.check)(section, &known);
            errors.extend(checked.err().iter().flat_map(ConfigErrors::iter).cloned());
        }
        match config {
            Some(config) if errors.is_empty() => Ok(Self { file: file.to_owned(), sections, ..config }),
            _ => Err(ConfigErrors::new(errors)),
        }
    }

    /// The section of the adapter `name`; an empty one where the file has none.
    #[must_use]
    pub fn section(&self, name: &'static str) -> Section {
        let written = self.sections.iter().find(|(adapter, _)| adapter.name == name);
        written
            .map(|(_, section)| section.clone())
            .unwrap_or_else(|| Section::new(name, None, Arc::default()))
    }

    /// What the sections of adapters are held against.
    #[must_use]
    pub fn known(&self) -> Known {
        Known { relay_domains: self.relay_domains().cloned().collect(), selectors: self.selectors.clone() }
    }

    /// Every TCP address that an adapter listens on.
    #[must_use]
    pub fn listens(&self) -> Vec<std::net::SocketAddr> {
        let listens = self.sections.iter().flat_map(|(adapter, section)| (adapter.listens)(section));
        listens
            .filter_map(|(_, endpoint)| match endpoint {
                Endpoint::Address(address) => Some(address),
                Endpoint::Path(_) => None,
            })
            .collect()
    }

    /// All domains that mean this gateway, the one it uses itself first.
    pub fn relay_domains(&self) -> impl Iterator<Item = &Domain> {
        std::iter::once(&self.relay_domain).chain(&self.relay_domains_extra)
    }

    /// Whether `domain` means this gateway.
    #[must_use]
    pub fn is_relay_domain(&self, domain: &Domain) -> bool {
        self.relay_domains().any(|ours| ours == domain)
    }
}
