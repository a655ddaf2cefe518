//! TLS of the listeners.

use std::fs;
use std::sync::Arc;

use cpim_adapter::BuildError;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};

use crate::config::Identity;

/// The TLS of a listener with this identity. `key` is the listener's key in the configuration.
pub(crate) fn server(identity: &Identity, key: &str) -> Result<Arc<ServerConfig>, BuildError> {
    let wrong = |part: &str, what: String| BuildError { key: format!("{key}.{part}"), what };
    let read = |part: &str, path: &std::path::Path| {
        fs::read(path).map_err(|error| wrong(part, format!("{}: {error}", path.display())))
    };
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&read("certificate", &identity.certificate)?)
            .collect::<Result<_, _>>()
            .map_err(|error| wrong("certificate", error.to_string()))?;
    let private = PrivateKeyDer::from_pem_slice(&read("key", &identity.key)?)
        .map_err(|error| wrong("key", error.to_string()))?;
    // Given explicitly: a library must not install a default for the whole process.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| wrong("certificate", error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| wrong("certificate", error.to_string()))?;
    Ok(Arc::new(config))
}
