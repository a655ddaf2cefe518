//! A certificate authority for a test.

use std::path::PathBuf;
use std::sync::Arc;

use cpim_native::Identity;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An authority, and a directory that its files are in.
pub(crate) struct Authority {
    directory: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A name in a certificate.
pub(crate) enum Name<'a> {
    Dns(&'a str),
    /// An SRV-ID in the IA5String that RFC 4985 wants.
    Srv(&'a str),
    /// The same in a UTF8String.
    SrvUtf8(&'a str),
    Uri(&'a str),
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), &pem).unwrap();
        Self { directory, issuer: Issuer::new(params, key), pem }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// A certificate with these names, in files.
    pub(crate) fn issue(&self, names: &[Name<'_>]) -> Identity {
        self.issue_with(names, |_| ())
    }

    pub(crate) fn issue_expired(&self, names: &[Name<'_>]) -> Identity {
        self.issue_with(names, |params| {
            params.not_before = rcgen::date_time_ymd(2019, 1, 1);
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        })
    }

    /// As public issuers do: for servers only.
    pub(crate) fn issue_for_servers(&self, names: &[Name<'_>]) -> Identity {
        self.issue_with(names, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        })
    }

    fn issue_with(&self, names: &[Name<'_>], change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        for name in names {
            match name {
                Name::Dns(dns) => params.subject_alt_names.push(SanType::DnsName((*dns).try_into().unwrap())),
                Name::Srv(srv) => params.custom_extensions.push(srv_extension(srv)),
                Name::SrvUtf8(srv) => {
                    let oid = vec![1, 3, 6, 1, 5, 5, 7, 8, 7];
                    params.subject_alt_names.push(SanType::OtherName((oid, (*srv).into())));
                }
                Name::Uri(uri) => params.subject_alt_names.push(SanType::URI((*uri).try_into().unwrap())),
            }
        }
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let stem =
            key.serialized_der().iter().rev().take(8).map(|octet| format!("{octet:02x}")).collect::<String>();
        let (chain, private) = (
            self.directory.path().join(format!("{stem}.pem")),
            self.directory.path().join(format!("{stem}.key")),
        );
        std::fs::write(&chain, certificate.pem()).unwrap();
        std::fs::write(&private, key.serialize_pem()).unwrap();
        Identity { certificate: chain, key: private }
    }

    /// Connects as a client of this authority's servers.
    pub(crate) async fn connect(
        &self,
        address: std::net::SocketAddr,
        name: &str,
        identity: Option<&Identity>,
        alpn: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            Some(identity) => {
                let chain = CertificateDer::from_pem_file(&identity.certificate).unwrap();
                let key = PrivateKeyDer::from_pem_file(&identity.key).unwrap();
                builder.with_client_auth_cert(vec![chain], key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let tcp = TcpStream::connect(address).await?;
        TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from(name.to_owned()).unwrap(), tcp)
            .await
    }
}

/// `subjectAltName` with one SRV-ID (RFC 4985), which the generator cannot write.
fn srv_extension(srv: &str) -> CustomExtension {
    let tlv = |tag: u8, content: &[u8]| {
        let mut out = vec![tag, u8::try_from(content.len()).unwrap()];
        assert!(content.len() < 128, "the short form of lengths only");
        out.extend_from_slice(content);
        out
    };
    let oid = tlv(0x06, &[0x2b, 6, 1, 5, 5, 7, 8, 7]);
    let value = tlv(0xa0, &tlv(0x16, srv.as_bytes()));
    let other_name = tlv(0xa0, &[oid, value].concat());
    CustomExtension::from_oid_content(&[2, 5, 29, 17], tlv(0x30, &other_name))
}
