//! Address resolution against a DNS server that others wrote: dnsmasq.

use cpim_adapter::{Class, Domain};
use cpim_gateway::resolver::{NoRoute, Protocol, ResolveError, Resolver, Settings};

use crate::support::dnsmasq::Dnsmasq;

const ZONE: &str = "
local=/test/
host-record=one.test,192.0.2.1,2001:db8::1
host-record=two.test,192.0.2.2
srv-host=_im._cpim.services.test,two.test,5871,20,0
srv-host=_im._cpim.services.test,one.test,5870,10,5
srv-host=_pres._cpim.services.test,two.test,5872,0,0
srv-host=_im._smtp.mail.test,two.test,25,0,0
host-record=bare.test,192.0.2.3
srv-host=_im._cpim.closed.test
host-record=closed.test,192.0.2.4
cname=alias.test,bare.test
address=/wild.test/192.0.2.5
srv-host=_im._cpim.dead.test,nowhere.test,5870
host-record=dead.test,192.0.2.6
";

struct Peer {
    resolver: Resolver,
    _dnsmasq: Dnsmasq,
}

impl Peer {
    async fn start() -> Self {
        let dnsmasq = Dnsmasq::start(ZONE).await;
        let protocols = ["cpim", "smtp"].map(|name| Protocol::parse(name).unwrap()).into();
        let settings = Settings { servers: vec![dnsmasq.address()], protocols, ..Settings::default() };
        Self { resolver: Resolver::new(settings).unwrap(), _dnsmasq: dnsmasq }
    }

    async fn places(&self, class: Class, domain: &str) -> Result<(String, Vec<String>), ResolveError> {
        match self.resolver.resolve(class, &Domain::parse(domain).unwrap()).await {
            Ok(found) => {
                let places = found.candidates.iter().map(|candidate| candidate.address.to_string());
                Ok((found.protocol.to_string(), places.collect()))
            }
            Err(unresolved) => Err(unresolved.error),
        }
    }
}

fn found(protocol: &str, places: &[&str]) -> Result<(String, Vec<String>), ResolveError> {
    Ok((protocol.to_owned(), places.iter().map(|place| (*place).to_owned()).collect()))
}

#[tokio::test]
async fn dnsmasq_services() {
    let peer = Peer::start().await;
    let services = peer.places(Class::Im, "services.test").await;
    assert_eq!(services, found("cpim", &["[2001:db8::1]:5870", "192.0.2.1:5870", "192.0.2.2:5871"]));
    assert_eq!(peer.places(Class::Pres, "services.test").await, found("cpim", &["192.0.2.2:5872"]));
    assert_eq!(peer.places(Class::Im, "mail.test").await, found("smtp", &["192.0.2.2:25"]));
}

#[tokio::test]
async fn dnsmasq_without_services() {
    let peer = Peer::start().await;
    assert_eq!(peer.places(Class::Im, "bare.test").await, found("cpim", &["192.0.2.3:5870"]));
    assert_eq!(peer.places(Class::Im, "alias.test").await, found("cpim", &["192.0.2.3:5870"]));
    assert_eq!(peer.places(Class::Im, "any.wild.test").await, found("cpim", &["192.0.2.5:5870"]));
    let nowhere = NoRoute::Nothing { domain: "nowhere.test".to_owned() };
    assert_eq!(peer.places(Class::Im, "nowhere.test").await, Err(ResolveError::NoRoute(nowhere)));
}

#[tokio::test]
async fn dnsmasq_services_that_lead_nowhere() {
    let peer = Peer::start().await;
    let (protocol, domain) = (Protocol::native(), "closed.test".to_owned());
    let closed = NoRoute::NotOffered { domain, protocol };
    assert_eq!(peer.places(Class::Im, "closed.test").await, Err(ResolveError::NoRoute(closed)));
    let (protocol, domain) = (Protocol::native(), "dead.test".to_owned());
    let dead = NoRoute::NoTarget { domain, protocol };
    assert_eq!(peer.places(Class::Im, "dead.test").await, Err(ResolveError::NoRoute(dead)));
}

#[tokio::test]
async fn dnsmasq_has_no_answer_for_what_it_does_not_know() {
    let peer = Peer::start().await;
    // Without upstream servers, dnsmasq refuses what is not its own: that is no word that there is nothing.
    let elsewhere = peer.places(Class::Im, "elsewhere.example").await;
    assert!(matches!(elsewhere, Err(ResolveError::Temporary(_))), "{elsewhere:?}");
}
