//! The real thing: dnsmasq, as Debian packages it (`dnsmasq-base`, which starts no service).

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, UdpSocket};
use tokio::process::{Child, Command};

/// Other programs may take the port between our finding it free and dnsmasq's taking it.
const TRIES: usize = 5;

/// A running dnsmasq; it ends with this value.
pub struct Dnsmasq {
    address: SocketAddr,
    _child: Child,
    _folder: TempDir,
}

impl Dnsmasq {
    /// Starts dnsmasq with these lines of configuration, besides those that keep it to itself.
    ///
    /// # Panics
    /// With `NOT RUN` where it is not installed: a test that cannot be run has not passed.
    pub async fn start(lines: &str) -> Self {
        for _ in 0..TRIES {
            let address = free_address().await;
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("dnsmasq.conf");
            let config = format!(
                "port={}\nlisten-address={}\nbind-interfaces\nno-resolv\nno-hosts\nno-poll\n{lines}\n",
                address.port(),
                address.ip()
            );
            std::fs::write(&file, config).expect("a file");
            let child = Command::new("dnsmasq")
                .args(["--keep-in-foreground", "--log-facility=-", "--pid-file="])
                .arg(format!("--conf-file={}", file.display()))
                .env("PATH", path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .kill_on_drop(true)
                .spawn();
            let mut child = child.unwrap_or_else(|e| {
                panic!("NOT RUN: dnsmasq cannot be started ({e}); on Debian: apt-get install dnsmasq-base")
            });
            match until_started(&mut child).await {
                Ok(()) => {
                    return Self { address, _child: child, _folder: folder };
                }
                Err(said) if said.contains("in use") => {}
                Err(said) => panic!("dnsmasq did not start:\n{said}"),
            }
        }
        panic!("dnsmasq found its port taken {TRIES} times");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Waits for dnsmasq's own word that it is there; else gives what it said.
async fn until_started(child: &mut Child) -> Result<(), String> {
    let mut lines = BufReader::new(child.stderr.take().expect("standard error")).lines();
    let mut said = String::new();
    while let Some(line) = lines.next_line().await.expect("text") {
        if line.contains("started, version") {
            // It goes on writing, and must not be held up by a full pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(());
        }
        said.push_str(&line);
        said.push('\n');
    }
    Err(said)
}

async fn free_address() -> SocketAddr {
    loop {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = udp.local_addr().expect("an address");
        if TcpListener::bind(address).await.is_ok() {
            return address;
        }
    }
}

/// Daemons are not always on the path of those who run tests.
fn path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{path}:/usr/sbin:/usr/local/sbin")
}
