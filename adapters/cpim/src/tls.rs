//! TLS, from the first octet, in both directions.
//!
//! Chains are rustls's to verify; names are ours (see [`CertificateNames`]): who connects wants a *domain*,
//! which an SRV-ID may prove as well as a dNSName, and which is never the host that an SRV record names.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use cpim_adapter::{BuildError, Domain};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    ServerConfig, SignatureScheme,
};

use crate::config::{Anchors, Identity, ListenerSettings, OutgoingTls};
use crate::names::CertificateNames;

/// The application protocol's name (RFC 7301). Who offers others but not this one is refused.
const ALPN: &[u8] = b"cpim/1";

/// Octets of a PEM file at most: room for every trust anchor of a machine.
const PEM_OCTETS_MAX: u64 = 8 * 1_048_576;

/// The TLS of a listener, where it has a certificate. `key` is the listener's key in the configuration.
pub(crate) fn server(
    settings: &ListenerSettings,
    key: &str,
) -> Result<Option<Arc<ServerConfig>>, BuildError> {
    let Some(identity) = &settings.identity else {
        return match settings.client_ca {
            Some(_) => Err(wrong(
                format!("{key}.client_ca"),
                "asks for certificates, but without `certificate` and `key` the listener does not speak TLS",
            )),
            None => Ok(None),
        };
    };
    let provider = provider();
    let versions = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| wrong(key.to_owned(), error))?;
    let asking = match &settings.client_ca {
        Some(anchors) => {
            let verifier = ClientVerifier::new(anchors, &provider, &format!("{key}.client_ca"))?;
            versions.with_client_cert_verifier(Arc::new(verifier))
        }
        None => versions.with_no_client_auth(),
    };
    let (chain, private) = load_identity(identity, key)?;
    let mut config = asking
        .with_single_cert(chain, private)
        .map_err(|error| wrong(format!("{key}.certificate"), error))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Some(Arc::new(config)))
}

/// The TLS of connections that this gateway opens, and the names that it shows there.
pub(crate) fn client(settings: &OutgoingTls) -> Result<(Arc<ClientConfig>, CertificateNames), BuildError> {
    let key = "cpim.tls";
    let provider = provider();
    let roots = load_anchors(&settings.anchors, &format!("{key}.ca"))?;
    let algorithms = provider.signature_verification_algorithms;
    let verifier = ServerVerifier { chains: Chains { roots, algorithms } };
    let verifying = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| wrong(key.to_owned(), error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut names = CertificateNames::default();
    let mut config = match &settings.identity {
        Some(identity) => {
            let (chain, private) = load_identity(identity, key)?;
            names = chain.first().and_then(|own| CertificateNames::read(own)).unwrap_or_default();
            verifying
                .with_client_auth_cert(chain, private)
                .map_err(|error| wrong(format!("{key}.certificate"), error))?
        }
        None => verifying.with_no_client_auth(),
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok((Arc::new(config), names))
}

/// Given explicitly everywhere: a library must not install a default for the whole process.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn load_identity(
    identity: &Identity,
    key: &str,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), BuildError> {
    let chain = load_certificates(&identity.certificate, &format!("{key}.certificate"))?;
    let at = format!("{key}.key");
    let private = PrivateKeyDer::from_pem_slice(&read_pem(&identity.key, &at)?)
        .map_err(|error| wrong(at, format!("{}: {error}", identity.key.display())))?;
    Ok((chain, private))
}

fn load_certificates(path: &Path, key: &str) -> Result<Vec<CertificateDer<'static>>, BuildError> {
    let pem = read_pem(path, key)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(some) if !some.is_empty() => Ok(some),
        Ok(_) => Err(wrong(key.to_owned(), format!("{}: no certificate; PEM is accepted", path.display()))),
        Err(error) => Err(wrong(key.to_owned(), format!("{}: {error}", path.display()))),
    }
}

fn read_pem(path: &Path, key: &str) -> Result<Vec<u8>, BuildError> {
    let unreadable = |what: &dyn fmt::Display| wrong(key.to_owned(), format!("{}: {what}", path.display()));
    let octets = fs::metadata(path).map_err(|error| unreadable(&error))?.len();
    if octets > PEM_OCTETS_MAX {
        return Err(unreadable(&format_args!("{octets} octets; {PEM_OCTETS_MAX} are accepted")));
    }
    fs::read(path).map_err(|error| unreadable(&error))
}

/// A machine without anchors of its own believes nobody, which is no reason not to start.
fn load_anchors(anchors: &Anchors, key: &str) -> Result<Arc<RootCertStore>, BuildError> {
    let mut roots = RootCertStore::empty();
    match anchors {
        Anchors::File(path) => {
            for certificate in load_certificates(path, key)? {
                roots
                    .add(certificate)
                    .map_err(|error| wrong(key.to_owned(), format!("{}: {error}", path.display())))?;
            }
        }
        Anchors::System => {
            let found = rustls_native_certs::load_native_certs();
            let (_, ignored) = roots.add_parsable_certificates(found.certs);
            if roots.is_empty() || ignored > 0 {
                tracing::warn!(key, usable = roots.len(), ignored, "trust anchors of this machine");
            }
        }
    }
    Ok(Arc::new(roots))
}

fn wrong(key: String, what: impl ToString) -> BuildError {
    BuildError { key, what: what.to_string() }
}

/// How chains are verified up to the anchors, alike in both directions.
#[derive(Debug)]
struct Chains {
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Chains {
    /// Whether the certificate is one for servers, and leads up to an anchor.
    fn verify_server(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, algorithms)
    }
}

/// Verifies whom this gateway connects to.
#[derive(Debug)]
struct ServerVerifier {
    chains: Chains,
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        wanted: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.chains.verify_server(end_entity, intermediates, now)?;
        let names = CertificateNames::read(end_entity).ok_or(CertificateError::BadEncoding)?;
        match Domain::parse(&wanted.to_str()) {
            Ok(domain) if names.cover_domain(&domain) => Ok(ServerCertVerified::assertion()),
            _ => Err(CertificateError::NotValidForName.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.chains.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.chains.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.algorithms.supported_schemes()
    }
}

/// Verifies whoever connects, where they show a certificate; a secret may do instead.
///
/// A gateway connects with the certificate it also listens with, and public issuers give those for servers
/// only: a certificate for either purpose is taken.
#[derive(Debug)]
struct ClientVerifier {
    clients: Arc<dyn ClientCertVerifier>,
    chains: Chains,
}

impl ClientVerifier {
    fn new(anchors: &Anchors, provider: &Arc<CryptoProvider>, key: &str) -> Result<Self, BuildError> {
        let roots = load_anchors(anchors, key)?;
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider))
            .allow_unauthenticated()
            .build()
            .map_err(|error| wrong(key.to_owned(), error))?;
        Ok(Self { clients, chains: Chains { roots, algorithms: provider.signature_verification_algorithms } })
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.clients.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.clients.verify_client_cert(end_entity, intermediates, now).or_else(|as_client| {
            let as_server = self.chains.verify_server(end_entity, intermediates, now);
            as_server.map(|()| ClientCertVerified::assertion()).map_err(|_| as_client)
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.chains.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.chains.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.algorithms.supported_schemes()
    }
}
