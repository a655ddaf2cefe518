//! A certificate authority, and the TLS of those who come and go without a gateway.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// An authority, and the folder for what it issues.
pub(crate) struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in files.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    /// An authority whose own certificate is in `ca.pem`.
    pub(crate) fn new(folder: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder: folder.to_owned(), issuer: Issuer::new(params, key) }
    }

    /// Its own certificate.
    pub(crate) fn anchor(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// A certificate for these domains, in files that are called after the first.
    pub(crate) fn issue(&self, domains: &[&str]) -> Identity {
        let names: Vec<String> = domains.iter().map(|domain| (*domain).to_owned()).collect();
        let (params, key) = (CertificateParams::new(names).unwrap(), KeyPair::generate().unwrap());
        let identity = Identity {
            certificate: self.folder.join(format!("{}.pem", domains[0])),
            key: self.folder.join(format!("{}.key", domains[0])),
        };
        std::fs::write(&identity.certificate, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        std::fs::write(&identity.key, key.serialize_pem()).unwrap();
        // The gateway refuses a key that is for everybody to read.
        std::fs::set_permissions(&identity.key, Permissions::from_mode(0o600)).unwrap();
        identity
    }

    /// For a connection that shows this certificate, to a server that this authority vouches for.
    pub(crate) fn client(&self, shows: &Identity) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.anchor()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let verifying = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        let (chain, key) = shows.load();
        let mut config = verifying.with_client_auth_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"cpim/1".to_vec()];
        config
    }
}

impl Identity {
    /// For a server that shows this certificate, and asks for none.
    pub(crate) fn server(&self) -> ServerConfig {
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let asking = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let (chain, key) = self.load();
        let mut config = asking.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"cpim/1".to_vec()];
        config
    }

    fn load(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let certificate = CertificateDer::from_pem_file(&self.certificate).unwrap();
        (vec![certificate], PrivateKeyDer::from_pem_file(&self.key).unwrap())
    }
}
