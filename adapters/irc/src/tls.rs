//! TLS from the first octet, in both directions.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use cpim_adapter::BuildError;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::config::{Anchors, Identity};

/// Octets of a PEM file at most: room for every trust anchor of a machine.
const PEM_OCTETS_MAX: u64 = 8 * 1_048_576;

/// The TLS of a listener with this certificate. `key` is the listener's key in the configuration.
///
/// # Errors
/// [`BuildError`] names what cannot be used.
pub(crate) fn server(identity: &Identity, key: &str) -> Result<Arc<ServerConfig>, BuildError> {
    let (chain, private) = load(identity, key)?;
    // Given explicitly: a library must not install a default for the whole process.
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| wrong(key, error))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| wrong(&format!("{key}.certificate"), error))?;
    Ok(Arc::new(config))
}

fn load(
    identity: &Identity,
    key: &str,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), BuildError> {
    let at_certificate = format!("{key}.certificate");
    let at_key = format!("{key}.key");
    let pem = read_pem(&identity.certificate, &at_certificate)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(&at_certificate, format!("{}: {error}", identity.certificate.display())))?;
    let private = PrivateKeyDer::from_pem_slice(&read_pem(&identity.key, &at_key)?)
        .map_err(|error| wrong(&at_key, format!("{}: {error}", identity.key.display())))?;
    Ok((chain, private))
}

/// The TLS of connections that this gateway opens, and what it shows of itself there. `key` is that of the section in
/// the configuration.
///
/// # Errors
/// [`BuildError`] names what cannot be used.
pub(crate) fn client(
    anchors: &Anchors,
    identity: Option<&Identity>,
    key: &str,
) -> Result<Arc<ClientConfig>, BuildError> {
    let at = format!("{key}.ca");
    let mut roots = RootCertStore::empty();
    match anchors {
        Anchors::File(path) => {
            let pem = read_pem(path, &at)?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let added = certificate
                    .map_err(|error| error.to_string())
                    .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
                added.map_err(|error| wrong(&at, format!("{}: {error}", path.display())))?;
            }
        }
        // A machine without anchors of its own believes nobody, which is no reason not to start.
        Anchors::System => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let verifying = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| wrong(key, error))?
        .with_root_certificates(roots);
    let config = match identity {
        Some(identity) => {
            let (chain, private) = load(identity, key)?;
            let config = verifying.with_client_auth_cert(chain, private);
            config.map_err(|error| wrong(&format!("{key}.certificate"), error))?
        }
        None => verifying.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn read_pem(path: &Path, key: &str) -> Result<Vec<u8>, BuildError> {
    let unreadable = |what: &dyn fmt::Display| wrong(key, format!("{}: {what}", path.display()));
    let octets = fs::metadata(path).map_err(|error| unreadable(&error))?.len();
    if octets > PEM_OCTETS_MAX {
        return Err(unreadable(&format_args!("{octets} octets; {PEM_OCTETS_MAX} are accepted")));
    }
    fs::read(path).map_err(|error| unreadable(&error))
}

fn wrong(key: &str, what: impl ToString) -> BuildError {
    BuildError { key: key.to_owned(), what: what.to_string() }
}
