//! IRC from the other side: a client that reads and writes lines itself.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::gateway::{PATIENCE, breathe};

/// What lines go through.
trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// An IRC client.
pub struct Irc {
    stream: Box<dyn Stream>,
    input: Vec<u8>,
    /// Whether it answers pings, as every client does.
    pub answers_pings: bool,
    barriers: usize,
}

fn tcp(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server is there");
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

impl Irc {
    /// Connects, and says nothing.
    pub fn connect(port: u16) -> Self {
        Self::on(Box::new(tcp(port)))
    }

    /// Connects by TLS to whoever has this certificate, by this name.
    pub fn connect_tls(port: u16, certificate: &CertificateDer<'static>, name: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        Self::on(Box::new(StreamOwned::new(connection, tcp(port))))
    }

    fn on(stream: Box<dyn Stream>) -> Self {
        Self { stream, input: Vec::new(), answers_pings: true, barriers: 0 }
    }

    /// Joins the network with these capabilities, which must be granted.
    pub fn join_with(port: u16, nick: &str, caps: &str) -> Self {
        let mut irc = Self::connect(port);
        irc.send(&format!("CAP REQ :{caps}"));
        irc.send(&format!("NICK {nick}"));
        irc.send(&format!("USER {nick} 0 * :{nick} of the tests"));
        irc.expect(" ACK :");
        irc.send("CAP END");
        irc.expect(" 422 ");
        irc
    }

    /// As [`Self::join`], where there is a server, and it does not go away meanwhile.
    pub fn try_join(port: u16, nick: &str) -> Option<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut irc = Self::on(Box::new(stream));
        irc.try_send(format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\n").as_bytes());
        while !irc.line()?.contains(" 422 ") {}
        Some(irc)
    }

    /// Joins the network as clients without any capability do.
    pub fn join(port: u16, nick: &str) -> Self {
        let mut irc = Self::connect(port);
        irc.send(&format!("NICK {nick}"));
        irc.send(&format!("USER {nick} 0 * :{nick} of the tests"));
        irc.expect(" 422 ");
        irc
    }

    /// Sends a line.
    pub fn send(&mut self, line: &str) {
        self.send_octets(format!("{line}\r\n").as_bytes());
    }

    /// Sends octets; whether they arrive is another matter.
    pub fn send_octets(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).expect("the server is there");
    }

    /// Sends as much as is taken before the server hangs up.
    pub fn try_send(&mut self, octets: &[u8]) -> bool {
        self.stream.write_all(octets).is_ok()
    }

    /// The next line that is no ping, without its end; nothing where the connection has ended.
    pub fn line(&mut self) -> Option<String> {
        loop {
            let line = self.any_line()?;
            match line.strip_prefix("PING ") {
                Some(token) if self.answers_pings => {
                    let _taken = self.try_send(format!("PONG {token}\r\n").as_bytes());
                }
                _ => return Some(line),
            }
        }
    }

    fn any_line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.input.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.input[..end].to_vec();
                self.input.drain(..end + 2);
                assert!(!line.contains(&b'\r') && !line.contains(&b'\n') && !line.contains(&0), "{line:?}");
                return Some(String::from_utf8(line).unwrap());
            }
            let mut octets = [0; 4_096];
            match self.stream.read(&mut octets) {
                Ok(0) => return None,
                Ok(count) => self.input.extend_from_slice(&octets[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("nothing comes: {error}"),
            }
        }
    }

    /// The next line that holds this text; what comes before it is passed over.
    pub fn expect(&mut self, text: &str) -> String {
        let mut passed = Vec::new();
        loop {
            match self.line() {
                Some(line) if line.contains(text) => return line,
                Some(line) => passed.push(line),
                None => panic!("the connection ended without {text:?}, but with {passed:#?}"),
            }
        }
    }

    /// Everything that the server says in answer to what was sent so far.
    pub fn until_quiet(&mut self) -> Vec<String> {
        self.barriers += 1;
        let token = format!("barrier-{}", self.barriers);
        self.send(&format!("PING {token}"));
        let mut lines = Vec::new();
        loop {
            match self.line() {
                Some(line) if line.ends_with(&token) => return lines,
                Some(line) => lines.push(line),
                None => panic!("the connection ended: {lines:#?}"),
            }
        }
    }

    /// Sends a line, and gives all that is said in answer.
    pub fn ask(&mut self, line: &str) -> Vec<String> {
        self.send(line);
        self.until_quiet()
    }

    /// Everything until the connection ends, which it must.
    pub fn end(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.line()).collect()
    }

    /// Waits for the end of the connection, whatever comes before it.
    pub fn expect_end(&mut self) {
        let mut octets = [0; 4_096];
        while self.stream.read(&mut octets).is_ok_and(|count| count > 0) {}
    }

    /// Asks until the answer is right.
    pub fn ask_until(&mut self, line: &str, is_right: impl Fn(&[String]) -> bool) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let lines = self.ask(line);
            if is_right(&lines) {
                return lines;
            }
            assert!(Instant::now() < until, "{line}: {lines:#?}");
            breathe();
        }
    }
}
