//! Whether a server is spoken to under TLS, and who must vouch for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::{fmt, fs};

use cpim_adapter::{BuildError, DeliveryError};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};

use crate::config::Security;

/// Whether a server is spoken to under TLS.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum TlsPolicy {
    /// Never.
    Plain,
    /// Where it is offered, whoever it is: against those who only listen (RFC 7435).
    #[default]
    Opportunistic,
    /// Always, with the name verified.
    Required,
}

/// Servers whose TLS is kept ready. Which ones there are is for MX records to say, so that there is an end to it.
const KEPT: usize = 256;

/// One route's TLS.
pub(crate) struct Tls {
    pub(super) policy: TlsPolicy,
    /// Who vouches for servers; nobody in particular: whom this machine trusts.
    anchors: Option<Certificate>,
    /// Tells it from that of other routes.
    pub(super) number: usize,
    /// What was begun with, by the server's name. Making it anew reads every trust anchor of this machine.
    ready: Mutex<HashMap<String, TlsParameters>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("policy", &self.policy)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// TLS by these settings, which stand under this key.
    ///
    /// # Errors
    /// Where the anchors cannot be read.
    pub(super) fn new(security: &Security, number: usize, key: &str) -> Result<Self, BuildError> {
        let read = |path| {
            let wrong = |what: String| BuildError { key: format!("{key}.ca"), what };
            let pem = fs::read(path).map_err(|error| wrong(error.to_string()))?;
            Certificate::from_pem(&pem).map_err(|error| wrong(error.to_string()))
        };
        let anchors = security.anchors.as_ref().map(read).transpose()?;
        Ok(Self { policy: security.tls, anchors, number, ready: Mutex::default() })
    }

    /// The same, with another policy.
    pub(super) fn with_policy(&self, policy: TlsPolicy, number: usize) -> Self {
        Self { policy, anchors: self.anchors.clone(), number, ready: Mutex::default() }
    }

    /// Whether to begin TLS with a server that offers it or not; `Err`: it must, and does not.
    pub(super) fn begins(&self, offered: bool) -> Result<bool, DeliveryError> {
        match self.policy {
            TlsPolicy::Plain => Ok(false),
            TlsPolicy::Opportunistic => Ok(offered),
            TlsPolicy::Required if offered => Ok(true),
            TlsPolicy::Required => Err(DeliveryError::transport("it offers no TLS")),
        }
    }

    /// What to begin it with. `name`: the one that the server's certificate must have.
    pub(super) fn parameters(&self, name: &str) -> Result<TlsParameters, Error> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(parameters) = ready.get(name) {
            return Ok(parameters.clone());
        }
        let parameters = self.make(name)?;
        if ready.len() >= KEPT {
            ready.clear();
        }
        ready.insert(name.to_owned(), parameters.clone());
        Ok(parameters)
    }

    fn make(&self, name: &str) -> Result<TlsParameters, Error> {
        let builder = TlsParameters::builder(name.to_owned());
        if self.policy != TlsPolicy::Required {
            let whoever = builder.certificate_store(CertificateStore::None);
            return whoever
                .dangerous_accept_invalid_certs(true)
                .dangerous_accept_invalid_hostnames(true)
                .build();
        }
        match &self.anchors {
            Some(anchors) => builder
                .certificate_store(CertificateStore::None)
                .add_root_certificate(anchors.clone())
                .build(),
            None => builder.build(),
        }
    }
}
