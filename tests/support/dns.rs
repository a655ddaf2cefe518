//! A DNS server within the test: UDP and TCP on a loopback port of its own, a zone filled from code, and the
//! misbehaviour that no real server can be talked into.
//!
//! It answers like a recursive server: aliases are followed within the zone, and addresses of SRV targets are
//! sent along, unless the zone says otherwise.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard};

use hickory_resolver::proto::op::{Message, Metadata, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, NS, SOA, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

/// The seconds for which answers hold, also that there is nothing.
const TTL: u32 = 300;
/// Octets of an answer over UDP, where the question asks for no more (RFC 1035 section 4.2.1).
const UDP_OCTETS: u16 = 512;

/// What the server knows.
#[derive(Clone, Debug, Default)]
pub struct Zone {
    records: Vec<Record>,
    quirks: Vec<(Name, Quirk)>,
    bare: bool,
}

/// What the server does at one name instead of answering.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quirk {
    /// Answers with this code and nothing else.
    Code(ResponseCode),
    /// Gives only the first link of a chain of aliases.
    OneLink,
    /// Names other servers, like one that does not ask on behalf of others.
    Referral,
    /// Spells every name in capitals.
    Shout,
    /// Says nothing.
    Silent,
}

impl Zone {
    /// Adds an SRV record.
    pub fn srv(self, owner: &str, priority: u16, weight: u16, port: u16, target: &str) -> Self {
        self.add(owner, RData::SRV(SRV::new(priority, weight, port, name(target))))
    }

    /// Adds an A or AAAA record.
    pub fn host(self, owner: &str, address: &str) -> Self {
        self.add(
            owner,
            match address.parse().expect("an address") {
                IpAddr::V4(v4) => RData::A(A(v4)),
                IpAddr::V6(v6) => RData::AAAA(AAAA(v6)),
            },
        )
    }

    /// Adds a CNAME record.
    pub fn cname(self, owner: &str, target: &str) -> Self {
        self.add(owner, RData::CNAME(CNAME(name(target))))
    }

    /// Adds any record. An owner that begins with `*.` is a wildcard.
    pub fn add(mut self, owner: &str, data: RData) -> Self {
        self.records.push(Record::from_rdata(name(owner), TTL, data));
        self
    }

    /// Makes the server misbehave at a name.
    pub fn quirk(mut self, owner: &str, quirk: Quirk) -> Self {
        self.quirks.push((name(owner), quirk));
        self
    }

    /// Sends no addresses along with SRV records.
    pub fn without_additionals(mut self) -> Self {
        self.bare = true;
        self
    }

    fn has(&self, owner: &Name, quirk: Quirk) -> bool {
        self.quirks.iter().any(|(name, known)| name == owner && *known == quirk)
    }

    /// The records at a name, or those of the closest wildcard if there is no such name (RFC 4592).
    fn at(&self, owner: &Name) -> Vec<Record> {
        let exact: Vec<_> = self.records.iter().filter(|record| record.name == *owner).cloned().collect();
        if !exact.is_empty() || self.records.iter().any(|record| owner.zone_of(&record.name)) {
            return exact;
        }
        let mut above = owner.base_name();
        while !above.is_root() {
            let star = name("*").append_domain(&above).expect("a name");
            let found = self.records.iter().filter(|record| record.name == star);
            let found: Vec<_> =
                found.map(|record| Record::from_rdata(owner.clone(), TTL, record.data.clone())).collect();
            if !found.is_empty() {
                return found;
            }
            above = above.base_name();
        }
        Vec::new()
    }

    fn exists(&self, owner: &Name) -> bool {
        !self.at(owner).is_empty() || self.records.iter().any(|record| owner.zone_of(&record.name))
    }

    /// The answer to a question; none where the server is silent.
    fn answer(&self, request: &Message) -> Option<Message> {
        let question = request.queries.first()?.clone();
        let mut reply = Message::response(request.metadata.id, request.metadata.op_code);
        reply.metadata = Metadata::response_from_request(&request.metadata);
        reply.metadata.recursion_available = true;
        reply.add_query(question.clone());
        let mut owner = question.name().clone();
        for (_, quirk) in self.quirks.iter().filter(|(name, _)| *name == owner) {
            match quirk {
                Quirk::Silent => return None,
                Quirk::Code(code) => {
                    reply.metadata.response_code = *code;
                    return Some(reply);
                }
                Quirk::Referral => {
                    let elsewhere = RData::NS(NS(name("ns.elsewhere.test")));
                    reply.add_authority(Record::from_rdata(owner.base_name(), TTL, elsewhere));
                    return Some(reply);
                }
                Quirk::OneLink | Quirk::Shout => {}
            }
        }
        self.fill(&mut reply, &mut owner, question.query_type());
        if self.has(question.name(), Quirk::Shout) {
            let records = reply.answers.iter_mut().chain(&mut reply.additionals);
            records.for_each(shout);
        }
        Some(reply)
    }

    fn fill(&self, reply: &mut Message, owner: &mut Name, kind: RecordType) {
        loop {
            let here = self.at(owner);
            let wanted: Vec<_> = here.iter().filter(|record| record.record_type() == kind).cloned().collect();
            let alias = here.iter().find(|record| record.record_type() == RecordType::CNAME);
            match alias {
                Some(alias) if wanted.is_empty() => {
                    let RData::CNAME(target) = &alias.data else { return };
                    let circle = reply.answers.contains(alias);
                    let one_link = self.has(owner, Quirk::OneLink);
                    *owner = target.0.clone();
                    if circle {
                        return;
                    }
                    reply.add_answer(alias.clone());
                    if one_link {
                        return;
                    }
                }
                _ => {
                    if wanted.is_empty() {
                        return self.deny(reply, owner);
                    }
                    if !self.bare {
                        reply.add_additionals(self.addresses(&wanted));
                    }
                    reply.add_answers(wanted);
                    return;
                }
            }
        }
    }

    /// There is nothing: the SOA record says for how long that holds (RFC 2308 section 3).
    fn deny(&self, reply: &mut Message, owner: &Name) {
        if !self.exists(owner) {
            reply.metadata.response_code = ResponseCode::NXDomain;
        }
        let soa = SOA::new(name("ns.test"), name("admin.test"), 1, 3600, 600, 86_400, TTL);
        reply.add_authority(Record::from_rdata(name("test"), TTL, RData::SOA(soa)));
    }

    fn addresses(&self, services: &[Record]) -> Vec<Record> {
        let targets = services.iter().filter_map(|record| match &record.data {
            RData::SRV(srv) => Some(srv.target.clone()),
            _ => None,
        });
        let at = targets.flat_map(|target| self.at(&target));
        at.filter(|record| matches!(record.record_type(), RecordType::A | RecordType::AAAA)).collect()
    }
}

/// A running server; it ends with this value.
pub struct DnsServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    zone: Mutex<Zone>,
    asked: Mutex<Vec<String>>,
}

impl DnsServer {
    /// Starts a server for the zone.
    pub async fn start(zone: Zone) -> Self {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
            let address = udp.local_addr().expect("an address");
            // The same port may be taken for TCP: then another one.
            if let Ok(tcp) = TcpListener::bind(address).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().expect("an address");
        let shared = Arc::new(Shared { zone: Mutex::new(zone), asked: Mutex::default() });
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(udp, Arc::clone(&shared)));
        tasks.spawn(serve_tcp(tcp, Arc::clone(&shared)));
        Self { address, shared, _tasks: tasks }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was asked until now: `name TYPE transport`, in lower case but for the type.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.shared.asked).clone()
    }

    /// Replaces what it knows.
    pub fn replace(&self, zone: Zone) {
        *lock(&self.shared.zone) = zone;
    }
}

impl Shared {
    fn reply(&self, request: &[u8], transport: &str) -> Option<(Message, u16)> {
        let request = Message::from_vec(request).ok()?;
        let question = request.queries.first()?;
        let name = question.name().to_lowercase().to_ascii();
        let line = format!("{} {} {transport}", name.trim_end_matches('.'), question.query_type());
        lock(&self.asked).push(line);
        let room = request.edns.as_ref().map_or(UDP_OCTETS, |edns| edns.max_payload().max(UDP_OCTETS));
        Some((lock(&self.zone).answer(&request)?, room))
    }
}

async fn serve_udp(socket: UdpSocket, shared: Arc<Shared>) {
    let mut request = [0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut request).await {
        let Some((reply, room)) = request.get(..length).and_then(|request| shared.reply(request, "udp"))
        else {
            continue;
        };
        let mut octets = reply.to_vec().expect("an answer");
        if octets.len() > usize::from(room) {
            octets = reply.truncate().to_vec().expect("an answer");
        }
        // Whoever asked may be gone.
        drop(socket.send_to(&octets, from).await);
    }
}

async fn serve_tcp(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(stream, Arc::clone(&shared)));
    }
}

/// Messages with their length before them (RFC 1035 section 4.2.2), until the client hangs up.
async fn converse(mut stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    loop {
        let length = stream.read_u16().await?;
        let mut request = vec![0; usize::from(length)];
        stream.read_exact(&mut request).await?;
        if let Some((reply, _)) = shared.reply(&request, "tcp") {
            let octets = reply.to_vec().map_err(io::Error::other)?;
            stream.write_u16(u16::try_from(octets.len()).map_err(io::Error::other)?).await?;
            stream.write_all(&octets).await?;
        }
    }
}

fn shout(record: &mut Record) {
    let loud = |name: &Name| Name::from_ascii(name.to_ascii().to_ascii_uppercase()).expect("a name");
    record.name = loud(&record.name);
    match &mut record.data {
        RData::SRV(srv) => srv.target = loud(&srv.target),
        RData::CNAME(alias) => alias.0 = loud(&alias.0),
        _ => {}
    }
}

/// A name from the root down, whether or not it is written with the last dot.
fn name(text: &str) -> Name {
    let mut name = Name::from_str(text).unwrap_or_else(|e| panic!("{text:?} is no name: {e}"));
    name.set_fqdn(true);
    name
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().expect("no test panics while it holds this")
}
