//! TLS from the first octet: whom the commands believe, and how they prove who they are.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::support::peer::{Listener, Peer};
use super::support::process::run;

/// A certificate for `name`, with its key, also in files of the folder.
fn certificate(folder: &Path, name: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    fs::write(folder.join(format!("{name}.pem")), cert.pem()).unwrap();
    fs::write(folder.join(format!("{name}.key")), signing_key.serialize_pem()).unwrap();
    (cert.der().clone(), PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap())
}

/// Takes messages as `gw.example`, from whoever shows the certificate of `a.example`.
fn acceptor(folder: &Path) -> TlsAcceptor {
    let (chain, key) = certificate(folder, "gw.example");
    let mut clients = RootCertStore::empty();
    clients.add(certificate(folder, "a.example").0).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(clients), Arc::clone(&provider));
    let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let verifying = versions.unwrap().with_client_cert_verifier(verifier.build().unwrap());
    let mut config = verifying.with_single_cert(vec![chain], key).unwrap();
    config.alpn_protocols = vec![b"cpim/1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn both_sides_prove_who_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (acceptor, listener) = (acceptor(folder.path()), Listener::bind().await);
    let server = listener.address().to_string();
    let serving = async {
        let stream = acceptor.accept(listener.stream().await).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"cpim/1"[..]));
        let mut peer = Peer::new(stream);
        peer.open().await;
        let message = peer.frame().await.unwrap();
        peer.write(&format!("<response status='success' transID='{}'/>", message.attribute("transID")), b"")
            .await;
        peer.until_closed().await;
    };
    let arguments = [
        "send",
        "--server",
        &server,
        "--tls",
        "--ca",
        "gw.example.pem",
        "--tls-name",
        "gw.example",
        "--cert",
        "a.example.pem",
        "--key",
        "a.example.key",
        "--from",
        "im:fred@a.example",
        "--to",
        "im:barney@b.example",
        "Hi",
    ];
    let (ran, ()) = tokio::join!(run(folder.path(), &arguments), serving);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[tokio::test]
async fn a_certificate_for_somebody_else_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (acceptor, listener) = (acceptor(folder.path()), Listener::bind().await);
    let server = listener.address().to_string();
    for (ca, name) in [("gw.example.pem", "other.example"), ("a.example.pem", "gw.example")] {
        let refused = async { assert!(acceptor.accept(listener.stream().await).await.is_err()) };
        let arguments = [
            "send",
            "--server",
            &server,
            "--tls",
            "--ca",
            ca,
            "--tls-name",
            name,
            "--from",
            "im:fred@a.example",
            "--to",
            "im:barney@b.example",
            "Hi",
        ];
        let (ran, ()) = tokio::join!(run(folder.path(), &arguments), refused);
        assert_eq!(ran.code, 1, "{ca} {name}: {}", ran.err);
        assert!(ran.err.contains("certificate"), "{}", ran.err);
    }
}

#[tokio::test]
async fn files_that_are_no_certificates_are_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("empty.pem"), "").unwrap();
    for file in ["empty.pem", "missing.pem"] {
        let arguments = [
            "send",
            "--tls",
            "--ca",
            file,
            "--from",
            "im:fred@a.example",
            "--to",
            "im:barney@b.example",
            "Hi",
        ];
        let ran = run(folder.path(), &arguments).await;
        assert_eq!(ran.code, 2, "{file}: {}", ran.err);
        assert!(ran.err.contains(file), "{}", ran.err);
    }
}
