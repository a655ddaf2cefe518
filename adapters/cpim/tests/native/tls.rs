//! Certificates over real TLS (native-cpim.md, Session 3).

use cpim_adapter::{Response, Standing};
use cpim_native::Identity;

use crate::certificates::{Authority, Name};
use crate::exchange::{Gateway, Verdict};
use crate::setup::{Running, application, bare, domain, peer, secure, start};
use crate::wire::{Client, frame};

struct House {
    ca: Authority,
    running: Running,
}

async fn house(change: impl FnOnce(&mut cpim_native::Settings)) -> House {
    let ca = Authority::new();
    let mut settings = bare();
    settings.listeners = vec![secure(ca.issue(&[Name::Dns("gw.example")]), &ca)];
    change(&mut settings);
    let gateway = Gateway::new("gw.example", |_| Verdict::Answer(Response::success()));
    House { running: start(settings, &gateway).await, ca }
}

impl House {
    /// What `open` with these attributes gets over TLS with this certificate; an error where TLS fails.
    async fn open(&self, identity: Option<&Identity>, attributes: &str) -> std::io::Result<String> {
        let stream = self.ca.connect(self.running.address(), "gw.example", identity, &["cpim/1"]).await?;
        let mut client = Client::on(stream);
        client.send(&frame("", &format!("<open version='1' {attributes}/>"), "")).await;
        match client.next().await {
            Some(frame) => Ok(frame.xml),
            None => Err(std::io::ErrorKind::ConnectionAborted.into()),
        }
    }
}

#[tokio::test]
async fn names_in_a_certificate_cover_what_they_name() {
    let house = house(|_| ()).await;
    for (name, attributes, granted) in [
        (Name::Dns("a.example"), "serves='a.example'", true),
        (Name::Dns("A.Example"), "serves='a.example' domain='a.example'", true),
        (Name::Dns("a.example"), "serves='im:fred@a.example' speaks='pres:x@a.example'", true),
        (Name::Dns("a.example"), "serves='b.example'", false),
        (Name::Dns("a.example"), "serves='x.a.example'", false),
        (Name::Dns("a.example"), "serves='a.example' domain='b.example'", false),
        (Name::Dns("a.example"), "serves='pepp:'", false),
        (Name::Dns("gw.example"), "serves='gw.example'", false),
        (Name::Dns("*.example"), "serves='a.example'", true),
        (Name::Dns("*.example"), "serves='x.a.example'", false),
        (Name::Dns("*.example"), "serves='example'", false),
        (Name::Srv("_im._cpim.a.example"), "serves='a.example'", true),
        (Name::SrvUtf8("_pres._cpim.a.example"), "serves='a.example'", true),
        (Name::Srv("_xmpp-server.a.example"), "serves='a.example'", false),
        (Name::Srv("_im._cpim.b.example"), "serves='a.example'", false),
        (Name::Uri("im:fred@a.example"), "serves='im:fred@a.example pres:fred@a.example'", true),
        (Name::Uri("im:fred@a.example"), "serves='im:barney@a.example'", false),
        (Name::Uri("im:fred@a.example"), "serves='a.example'", false),
        (Name::Uri("https://a.example/"), "serves='a.example'", false),
    ] {
        let identity = house.ca.issue(&[name]);
        let answer = house.open(Some(&identity), attributes).await.unwrap();
        assert_eq!(answer.starts_with("<open "), granted, "{attributes}: {answer}");
        assert!(granted || answer.starts_with("<close reason='unauthorised'>"), "{attributes}: {answer}");
    }
}

#[tokio::test]
async fn without_a_certificate_nothing_is_covered_but_by_a_secret() {
    let house = house(|settings| settings.applications = vec![application("bot", &["a.example"], "s")]).await;
    let answer = house.open(None, "serves='a.example'").await.unwrap();
    assert!(answer.contains("unauthorised"), "{answer}");
    let answer = house.open(None, "serves='a.example' secret='s'").await.unwrap();
    assert!(answer.starts_with("<open "), "{answer}");
}

#[tokio::test]
async fn a_certificate_that_is_expired_or_a_strangers_is_no_certificate() {
    let house = house(|_| ()).await;
    let expired = house.ca.issue_expired(&[Name::Dns("a.example")]);
    assert!(house.open(Some(&expired), "serves='a.example'").await.is_err());
    let stranger = Authority::new();
    let foreign = stranger.issue(&[Name::Dns("a.example")]);
    assert!(house.open(Some(&foreign), "serves='a.example'").await.is_err());
    let for_servers = house.ca.issue_for_servers(&[Name::Dns("a.example")]);
    assert!(house.open(Some(&for_servers), "serves='a.example'").await.unwrap().starts_with("<open "));
}

#[tokio::test]
async fn a_configured_peer_is_known_by_its_certificate_and_a_stranger_is_not() {
    let house = house(|settings| settings.peers = vec![peer("gw.b.example", &["b.example"], None)]).await;
    let identity = house.ca.issue(&[Name::Dns("gw.b.example")]);
    let answer = house.open(Some(&identity), "domain='gw.b.example' serves='b.example'").await.unwrap();
    assert!(answer.starts_with("<open "), "{answer}");
    let (_, facts) = house.running.gateway.opened().await;
    assert_eq!(facts.authority.peer, Some(domain("gw.b.example")));

    let identity = house.ca.issue(&[Name::Dns("gw.c.example")]);
    let answer = house.open(Some(&identity), "domain='gw.c.example' serves='gw.c.example'").await.unwrap();
    assert!(answer.starts_with("<open "), "{answer}");
    let (_, facts) = house.running.gateway.opened().await;
    assert_eq!((facts.authority.peer.clone(), facts.authority.standing), (None, Standing::Verified));
    assert!(facts.authority.covers(&"im:x@gw.c.example".parse().unwrap()));
    assert!(!facts.authority.covers(&"im:x@b.example".parse().unwrap()));
}

#[tokio::test]
async fn an_application_may_be_known_by_a_name_in_its_certificate() {
    let house = house(|settings| {
        let mut bot = application("bot", &["b.example"], "");
        bot.certificate = Some("bot.internal.example".into());
        settings.applications = vec![bot];
    })
    .await;
    let identity = house.ca.issue(&[Name::Dns("bot.internal.example")]);
    assert!(house.open(Some(&identity), "serves='b.example'").await.unwrap().starts_with("<open "));
    let other = house.ca.issue(&[Name::Dns("other.internal.example")]);
    assert!(house.open(Some(&other), "serves='b.example'").await.unwrap().contains("unauthorised"));
}

#[tokio::test]
async fn the_application_protocol_is_ours_or_unsaid() {
    let house = house(|_| ()).await;
    let address = house.running.address();
    assert!(house.ca.connect(address, "gw.example", None, &["h2", "cpim/1"]).await.is_ok());
    assert!(house.ca.connect(address, "gw.example", None, &["h2"]).await.is_err());
    let stream = house.ca.connect(address, "gw.example", None, &[]).await.unwrap();
    Client::on(stream).say_open("").await;
}

#[tokio::test]
async fn plain_octets_get_no_session_from_a_tls_listener() {
    let house = house(|_| ()).await;
    let mut client = Client::connect(house.running.address()).await;
    client.send(&frame("", "<open version='1'/>", "")).await;
    let mut octets = Vec::new();
    let read = tokio::io::AsyncReadExt::read_buf(&mut client.0, &mut octets).await;
    assert!(!octets.starts_with(b"CPIM"), "{read:?} {octets:?}");
}

#[tokio::test]
async fn what_cannot_be_loaded_is_named() {
    let ca = Authority::new();
    let mut settings = bare();
    let mut identity = ca.issue(&[Name::Dns("gw.example")]);
    identity.key = ca.issue(&[Name::Dns("gw.example")]).key;
    settings.listeners = vec![secure(identity, &ca)];
    let error = cpim_native::NativeAdapter::new(settings.clone()).err().unwrap();
    assert!(error.key.ends_with(".certificate"), "{error}");
    settings.listeners[0].identity.as_mut().unwrap().key = "/nowhere/key.pem".into();
    let error = cpim_native::NativeAdapter::new(settings).err().unwrap();
    assert!(error.key.ends_with(".key") && error.what.contains("/nowhere/key.pem"), "{error}");
}

#[tokio::test]
async fn the_largest_content_crosses_whole_both_ways() {
    let house = house(|settings| settings.applications = vec![application("bot", &["a.example"], "s")]).await;
    let stream = house.ca.connect(house.running.address(), "gw.example", None, &["cpim/1"]).await.unwrap();
    let mut client = Client::on(stream);
    client.say_open("serves='a.example' secret='s'").await;
    let content: String = (0..1_048_576_u32).map(|at| char::from(b'a' + (at % 23) as u8)).collect();
    let xml = "<message source='im:fred@a.example' destination='im:x@b.example' transID='1'/>";
    client.send(&frame("", xml, &content)).await;
    assert_eq!(client.frame().await.xml, "<response status='success' transID='1'/>");
    let arrival = house.running.gateway.submitted().await;
    assert!(arrival.operation.content().unwrap().octets() == content.as_bytes());

    let hop = crate::setup::served("im:fred@a.example");
    let delivery = crate::setup::delivery_of(1, "im:w@c.example", "im:fred@a.example", content.clone(), hop);
    house.running.deliver(delivery).await.unwrap();
    assert!(client.frame().await.content == content.as_bytes());
}
