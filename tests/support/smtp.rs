//! SMTP from the other side: a client that says what it likes, and a server that takes whatever comes. They share no
//! code with the gateway.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::gateway::PATIENCE;

/// What octets go through.
trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// A reply, all lines of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    pub code: u16,
    /// Behind the codes, one for each line.
    pub lines: Vec<String>,
}

impl Reply {
    /// All that it says.
    pub fn text(&self) -> String {
        format!("{} {}", self.code, self.lines.join("\n"))
    }
}

/// A client.
pub struct Smtp {
    stream: Option<Box<dyn Stream>>,
    /// Of the same connection, for TLS.
    tcp: TcpStream,
    input: Vec<u8>,
}

impl Smtp {
    /// Connects, and reads the greeting.
    pub fn connect(port: u16) -> Self {
        let mut client = Self::open(port);
        let greeting = client.reply().expect("a greeting");
        assert_eq!(greeting.code, 220, "{greeting:?}");
        client
    }

    /// Connects.
    pub fn open(port: u16) -> Self {
        Self::on(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server is there"))
    }

    fn on(tcp: TcpStream) -> Self {
        tcp.set_nodelay(true).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let stream: Box<dyn Stream> = Box::new(tcp.try_clone().unwrap());
        Self { stream: Some(stream), tcp, input: Vec::new() }
    }

    /// Connects, and greets.
    pub fn hello(port: u16) -> Self {
        let mut client = Self::connect(port);
        assert_eq!(client.say("EHLO client.example").code, 250);
        client
    }

    /// As [`Self::hello`], where there is a server, and it does not go away meanwhile.
    pub fn try_hello(port: u16) -> Option<Self> {
        let mut client = Self::on(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?);
        client.reply()?;
        client.try_say("EHLO client.example")?;
        Some(client)
    }

    /// Goes over to TLS with whoever has this certificate, by this name.
    pub fn encrypt(&mut self, certificate: &CertificateDer<'static>, name: &str) {
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
        self.stream = Some(Box::new(StreamOwned::new(connection, self.tcp.try_clone().unwrap())));
        assert!(self.input.is_empty(), "said before TLS: {:?}", self.input);
    }

    /// Writes octets as they are; whether they arrive is another matter.
    pub fn write(&mut self, octets: &[u8]) {
        let stream = self.stream.as_mut().unwrap();
        let _may_be_gone = stream.write_all(octets).and_then(|()| stream.flush());
    }

    /// The next reply; nothing where the connection has ended.
    pub fn reply(&mut self) -> Option<Reply> {
        let mut lines = Vec::new();
        loop {
            let line = self.line()?;
            let (code, rest) = line.split_at_checked(3).unwrap_or_else(|| panic!("no reply: {line:?}"));
            lines.push(rest.get(1..).unwrap_or_default().to_owned());
            if !rest.starts_with('-') {
                return Some(Reply { code: code.parse().unwrap(), lines });
            }
        }
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.input.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.input.drain(..end + 2).collect();
                return Some(String::from_utf8(line[..end].to_vec()).unwrap());
            }
            let mut octets = [0; 4_096];
            match self.stream.as_mut().unwrap().read(&mut octets) {
                Ok(0) => return None,
                Ok(count) => self.input.extend_from_slice(&octets[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return None,
                Err(error) => panic!("no reply: {error}"),
            }
        }
    }

    /// Says a line, and gives the reply to it.
    pub fn say(&mut self, line: &str) -> Reply {
        self.try_say(line).unwrap_or_else(|| panic!("hung up on {line:?}"))
    }

    /// As [`Self::say`]; nothing where the connection has ended.
    pub fn try_say(&mut self, line: &str) -> Option<Reply> {
        self.write(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    /// Says a line, to which the reply must have this code.
    pub fn must(&mut self, line: &str, code: u16) -> Reply {
        let reply = self.say(line);
        assert_eq!(reply.code, code, "{line}: {reply:?}");
        reply
    }

    /// Sends a mail to one recipient: the reply behind its last line, or the first that refuses.
    pub fn mail(&mut self, from: &str, to: &str, text: &str) -> Reply {
        self.mail_to(&format!("<{from}>"), &[&format!("<{to}>")], text)
    }

    /// Sends a mail. Sender and recipients stand in `<` and `>`, with their parameters.
    pub fn mail_to(&mut self, from: &str, to: &[&str], text: &str) -> Reply {
        let mut commands = vec![format!("MAIL FROM:{from}")];
        commands.extend(to.iter().map(|to| format!("RCPT TO:{to}")));
        for command in commands {
            let reply = self.say(&command);
            if reply.code >= 400 {
                self.say("RSET");
                return reply;
            }
        }
        self.must("DATA", 354);
        self.text(text)
    }

    /// The text of a mail, with CR LF and dots as they must be, and its end: the reply.
    pub fn text(&mut self, text: &str) -> Reply {
        for line in text.lines() {
            let dot = if line.starts_with('.') { "." } else { "" };
            self.write(format!("{dot}{line}\r\n").as_bytes());
        }
        self.say(".")
    }
}

/// A mail that a [`Mailbox`] took.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The argument of MAIL.
    pub from: String,
    /// The arguments of RCPT.
    pub to: Vec<String>,
    /// Header and body, with line ends of this system.
    pub text: String,
}

impl Taken {
    /// The first value of a field, folds undone.
    pub fn field(&self, name: &str) -> Option<String> {
        let header = self.text.split("\n\n").next().unwrap();
        let unfolded = header.replace("\n ", " ").replace("\n\t", " ");
        unfolded.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }
}

/// A server that takes every mail for everybody.
pub struct Mailbox {
    pub port: u16,
    taken: Arc<(Mutex<Vec<Taken>>, Condvar)>,
    /// It refuses all mail for now.
    pub refuses: Arc<AtomicBool>,
    /// It takes mail, and says nothing to its final dot.
    pub falls_silent: Arc<AtomicBool>,
}

impl Mailbox {
    pub fn start() -> Self {
        Self::offering("250 mailbox")
    }

    /// With this answer to EHLO.
    pub fn offering(offers: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mailbox = Self {
            port: listener.local_addr().map(|address: SocketAddr| address.port()).unwrap(),
            taken: Arc::default(),
            refuses: Arc::default(),
            falls_silent: Arc::default(),
        };
        let taken = Arc::clone(&mailbox.taken);
        let moods = [Arc::clone(&mailbox.refuses), Arc::clone(&mailbox.falls_silent)];
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (taken, moods) = (Arc::clone(&taken), moods.clone());
                std::thread::spawn(move || serve(stream, offers, &taken, &moods));
            }
        });
        mailbox
    }

    /// What came so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.0.lock().unwrap().clone()
    }

    /// Waits until there are so many.
    pub fn wait(&self, count: usize) -> Vec<Taken> {
        let mails = self.taken.0.lock().unwrap();
        let (mails, waited) =
            self.taken.1.wait_timeout_while(mails, PATIENCE, |mails| mails.len() < count).unwrap();
        assert!(!waited.timed_out(), "{} of {count} mails: {:#?}", mails.len(), *mails);
        mails.clone()
    }

    /// The one mail that must come.
    pub fn one(&self) -> Taken {
        self.wait(1).remove(0)
    }

    /// That nothing comes in this time.
    pub fn stays_empty(&self, time: Duration) {
        let mails = self.taken.0.lock().unwrap();
        let (mails, _) = self.taken.1.wait_timeout_while(mails, time, |mails| mails.is_empty()).unwrap();
        assert!(mails.is_empty(), "{:#?}", *mails);
    }
}

fn serve(
    stream: TcpStream,
    offers: &str,
    taken: &(Mutex<Vec<Taken>>, Condvar),
    [refuses, falls_silent]: &[Arc<AtomicBool>; 2],
) -> Option<()> {
    let mut out = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream).lines();
    let mut mail = Taken { from: String::new(), to: Vec::new(), text: String::new() };
    out.write_all(b"220 mailbox\r\n").ok()?;
    loop {
        let line = lines.next()?.ok()?;
        let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
        let reply = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => offers,
            _ if refuses.load(Ordering::Acquire) && verb != "QUIT" => "451 4.3.0 not now",
            "MAIL" => {
                mail = Taken { from: argument.to_owned(), to: Vec::new(), text: String::new() };
                "250 OK"
            }
            "RCPT" => {
                mail.to.push(argument.to_owned());
                "250 OK"
            }
            "DATA" => {
                out.write_all(b"354 go on\r\n").ok()?;
                loop {
                    let line = lines.next()?.ok()?;
                    if line == "." {
                        break;
                    }
                    mail.text.push_str(line.strip_prefix('.').unwrap_or(&line));
                    mail.text.push('\n');
                }
                taken.0.lock().unwrap().push(mail.clone());
                taken.1.notify_all();
                if falls_silent.load(Ordering::Acquire) {
                    // Until the other side has had enough of it.
                    lines.next()?.ok()?;
                    return None;
                }
                "250 OK"
            }
            "QUIT" => {
                out.write_all(b"221 bye\r\n").ok()?;
                return None;
            }
            _ => "250 OK",
        };
        out.write_all(format!("{reply}\r\n").as_bytes()).ok()?;
    }
}
