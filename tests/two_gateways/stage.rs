//! What every scene needs: an authority, a DNS server, ports, and the files of gateways.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::authority::Authority;
use super::gateway::Gateway;
use crate::support::dns::{DnsServer, Zone};

/// How long anything may take on a busy machine. Nothing here waits for it unless something is wrong.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits for something, and says what did not come.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(LIMIT, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: not within {LIMIT:?}"),
    }
}

/// A folder, an authority that everybody believes, and a DNS server that everybody asks.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
    pub(crate) authority: Authority,
    pub(crate) dns: DnsServer,
}

/// How a gateway is to be. Called `a`, it is gw.a.example and hosts a.example.
pub(crate) struct Plan<'a> {
    pub(crate) name: &'a str,
    /// The domains that its certificate names.
    pub(crate) certificate: Vec<&'a str>,
    /// Domains that anybody may speak for who comes over loopback.
    pub(crate) trust: Vec<&'a str>,
    /// More lines of `[limits]`.
    pub(crate) limits: &'a str,
    /// More lines of `[cpim]`.
    pub(crate) cpim: &'a str,
    /// More tables.
    pub(crate) tables: String,
    /// The DNS server, where it is not the stage's.
    pub(crate) dns: Option<SocketAddr>,
}

impl<'a> Plan<'a> {
    /// A gateway whose certificate names its domain and its relay domain.
    pub(crate) fn new(name: &'a str, certificate: &[&'a str]) -> Self {
        Self {
            name,
            certificate: certificate.to_vec(),
            trust: Vec::new(),
            limits: "",
            cpim: "",
            tables: String::new(),
            dns: None,
        }
    }

    /// Gateway A, which knows B as a peer.
    pub(crate) fn a() -> Self {
        Self::new("a", &["a.example", "gw.a.example"]).with(&peer("b", ""))
    }

    /// Gateway B, which knows A as a peer.
    pub(crate) fn b() -> Self {
        Self::new("b", &["b.example", "gw.b.example"]).with(&peer("a", ""))
    }

    /// Adds tables.
    pub(crate) fn with(mut self, tables: &str) -> Self {
        self.tables.push_str(tables);
        self
    }
}

/// The table of a route by which a domain is at a port of this machine.
pub(crate) fn route(domain: &str, port: u16) -> String {
    format!("[[route]]\ndomain = \"{domain}\"\nto = [\"127.0.0.1:{port}\"]\n")
}

/// The table of a peer gateway, which proves itself by its certificate.
pub(crate) fn peer(name: &str, sources: &str) -> String {
    format!(
        "[[peer]]\ndomain = \"gw.{name}.example\"\nserves = [\"{name}.example\"]\nsources = [{sources}]\n"
    )
}

impl Stage {
    /// An empty stage, on which DNS knows nothing.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(&folder.path().join("authority"));
        Self { authority, dns: DnsServer::start(Zone::default()).await, folder }
    }

    /// Gateways A and B, found by DNS, running.
    pub(crate) async fn with_both() -> (Self, Gateway, Gateway) {
        Self::with(Plan::a(), Plan::b()).await
    }

    /// Two gateways by these plans, found by DNS, running.
    pub(crate) async fn with(a: Plan<'_>, b: Plan<'_>) -> (Self, Gateway, Gateway) {
        let stage = Self::new().await;
        let (mut first, mut second) = (stage.plan(&a), stage.plan(&b));
        stage.dns.replace(at(at(Zone::default(), a.name, first.port), b.name, second.port));
        tokio::join!(first.start(), second.start());
        (stage, first, second)
    }

    /// Writes the file and the certificate of a gateway, which does not run yet.
    pub(crate) fn plan(&self, plan: &Plan<'_>) -> Gateway {
        self.plan_at(plan, (free_port(), free_port()))
    }

    /// The same at these ports: other gateways', and people's.
    pub(crate) fn plan_at(&self, plan: &Plan<'_>, (port, door): (u16, u16)) -> Gateway {
        let folder = self.folder.path().join(plan.name);
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("gateway.toml");
        std::fs::write(&file, self.text(plan, &folder, port, door)).unwrap();
        Gateway::new(file, (port, door))
    }

    fn text(&self, plan: &Plan<'_>, folder: &Path, port: u16, door: u16) -> String {
        let Plan { name, certificate, trust, limits, cpim, tables, dns } = plan;
        let identity = self.authority.issue(certificate);
        let (certificate, key) = (identity.certificate.display(), identity.key.display());
        let ca = self.authority.anchor();
        let (ca, folder) = (ca.display(), folder.display());
        let dns = dns.unwrap_or_else(|| self.dns.address());
        let trust: Vec<String> = trust.iter().map(|domain| format!(", \"{domain}\"")).collect();
        let trust = trust.concat();
        format!(
            r#"
            relay_domain = "gw.{name}.example"
            [store]
            path = "{folder}/gateway.db"
            [admin]
            socket = "{folder}/admin.sock"
            [log]
            level = "info,cpim_native=debug,cpim_gateway=debug"
            [dns]
            servers = ["{dns}"]
            [rules]
            default = "allow"
            [limits]
            {limits}
            [[hosted]]
            domain = "{name}.example"
            [[cpim.listener]]
            address = "127.0.0.1:{port}"
            certificate = "{certificate}"
            key = "{key}"
            client_ca = "{ca}"
            [[cpim.listener]]
            address = "127.0.0.1:{door}"
            trust = ["{name}.example"{trust}]
            [cpim]
            {cpim}
            [cpim.tls]
            ca = "{ca}"
            certificate = "{certificate}"
            key = "{key}"
            {tables}"#
        )
    }
}

/// Adds to a zone that a domain's gateway is at a port, on a host with another name.
pub(crate) fn at(zone: Zone, name: &str, port: u16) -> Zone {
    let host = format!("host.{name}.example");
    let zone = zone.srv(&format!("_im._cpim.{name}.example"), 10, 0, port, &host);
    zone.srv(&format!("_pres._cpim.{name}.example"), 10, 0, port, &host).host(&host, "127.0.0.1")
}

/// A port that nobody listens at, and that no connection gets by itself: those are drawn from higher ones.
/// So it stays free while a gateway is down.
pub(crate) fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 20_000;
    static LAST: AtomicU32 = AtomicU32::new(0);
    // Other tests that run at the same time begin elsewhere.
    let begin = std::process::id().wrapping_mul(7);
    loop {
        let offset = LAST.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + begin.wrapping_add(offset) % COUNT;
        let port = u16::try_from(port).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
