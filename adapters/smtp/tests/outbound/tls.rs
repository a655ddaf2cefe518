//! TLS with mail servers: where it is offered, where it must be, and who vouches for whom.

use std::path::PathBuf;
use std::sync::Arc;

use cpim_adapter::{Domain, Scope};
use cpim_smtp::{MailHost, MailRoute, OutgoingSettings, Security, TlsPolicy};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::house::{BOB, House, message};
use crate::server::{Manner, Server};

/// A server's TLS with a certificate of this name, and a folder with who vouches for it.
struct Vouched {
    server: Arc<ServerConfig>,
    folder: TempDir,
}

impl Vouched {
    fn new(name: &str) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &authority);
        let chain = vec![certificate.unwrap().der().clone()];
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Self { server: Arc::new(builder.with_single_cert(chain, key).unwrap()), folder }
    }

    fn anchors(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

/// A gateway with a route to the server, by the name `localhost`.
async fn house(server: &Server, security: Security) -> House {
    let route = MailRoute {
        domain: Scope::Domain(Domain::parse("mail.example").unwrap()),
        hosts: vec![MailHost { host: "localhost".into(), port: server.port }],
        security,
        schedule: OutgoingSettings::default().schedule,
    };
    House::of(OutgoingSettings { routes: vec![route], ..OutgoingSettings::default() }).await
}

/// Whether a mail arrives, and whether under TLS.
async fn sent(manner: Manner, tls: TlsPolicy, anchors: Option<PathBuf>) -> Option<bool> {
    let mut server = Server::start(manner).await;
    let house = house(&server, Security { tls, anchors }).await;
    match house.deliver(1, message("im:fred@a.example", BOB)).await.outcome {
        Ok(_) => Some(server.mail().await.encrypted),
        Err(_) => {
            assert!(server.has_nothing());
            None
        }
    }
}

#[tokio::test]
async fn tls_is_used_as_the_route_says() {
    let (right, wrong) = (Vouched::new("localhost"), Vouched::new("mx.example"));
    let with = |vouched: &Vouched| Manner { tls: Some(Arc::clone(&vouched.server)), ..Manner::default() };
    let anchors = |vouched: &Vouched| Some(vouched.anchors());
    let none = Manner::default;
    // Whoever only listens is kept out, whoever the server is.
    assert_eq!(sent(with(&wrong), TlsPolicy::Opportunistic, None).await, Some(true));
    assert_eq!(sent(none(), TlsPolicy::Opportunistic, None).await, Some(false));
    assert_eq!(sent(with(&right), TlsPolicy::Plain, None).await, Some(false));
    // The server must be who it is said to be.
    assert_eq!(sent(with(&right), TlsPolicy::Required, anchors(&right)).await, Some(true));
    assert_eq!(sent(with(&wrong), TlsPolicy::Required, anchors(&wrong)).await, None, "another name");
    assert_eq!(sent(with(&right), TlsPolicy::Required, anchors(&wrong)).await, None, "vouched for by nobody");
    assert_eq!(sent(with(&right), TlsPolicy::Required, None).await, None, "unknown to this machine");
    assert_eq!(sent(none(), TlsPolicy::Required, anchors(&right)).await, None, "no TLS");
}

#[tokio::test]
async fn who_offers_tls_and_cannot_do_it_has_mail_without_where_it_may() {
    let right = Vouched::new("localhost");
    let cannot = || {
        let refuse = Some(("STARTTLS", "454 4.7.0 TLS not available"));
        Manner { tls: Some(Arc::clone(&right.server)), refuse, ..Manner::default() }
    };
    assert_eq!(sent(cannot(), TlsPolicy::Opportunistic, None).await, Some(false));
    assert_eq!(sent(cannot(), TlsPolicy::Required, Some(right.anchors())).await, None);
}

#[tokio::test]
async fn what_is_slipped_in_before_tls_is_not_taken_for_the_servers_word() {
    let right = Vouched::new("localhost");
    let manner = Manner {
        tls: Some(Arc::clone(&right.server)),
        starttls: Some("220 go on\r\n250-mx.example\r\n250 DSN\r\n"),
        ..Manner::default()
    };
    assert_eq!(sent(manner, TlsPolicy::Required, Some(right.anchors())).await, None);
}

#[tokio::test]
async fn an_address_beyond_ascii_goes_only_to_a_server_that_takes_it() {
    let bob = "im:mailto=b~c3~b6b~40mail.example@gw.example";
    let server = Server::start(Manner { dsn: true, ..Manner::default() }).await;
    let house = House::new(server.port).await;
    let error = house.deliver(1, message("im:fred@a.example", bob)).await.outcome.unwrap_err();
    assert!(error.public.contains("5.6.7"), "{error}");
    let mut server = Server::start(Manner { utf8: true, ..Manner::default() }).await;
    let house = House::new(server.port).await;
    house.deliver(1, message("im:fred@a.example", bob)).await.outcome.unwrap();
    let mail = server.mail().await;
    assert!(mail.from.contains(" SMTPUTF8") && mail.to.starts_with("RCPT TO:<böb@mail.example>"), "{mail:?}");
}
