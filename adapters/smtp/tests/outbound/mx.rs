//! The servers of a domain by its MX records: order, fail-over, null MX, none at all, and what nobody can say now.

use cpim_adapter::{Code, DeliveryError, Retry};
use cpim_smtp::{DnsSettings, OutgoingSettings};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::MX;
use hickory_resolver::proto::rr::{Name, RData};

use crate::dns::{DnsServer, Quirk, Zone};
use crate::house::{BOB, House, message};
use crate::server::{Manner, Server};

fn mx(zone: Zone, preference: u16, host: &str) -> Zone {
    let host = Name::from_ascii(format!("{}.", host.trim_end_matches('.'))).unwrap();
    zone.add("mail.example", RData::MX(MX::new(preference, host)))
}

/// A gateway that asks about this zone, and finds mail servers at this port.
async fn house(zone: Zone, port: u16) -> (DnsServer, House) {
    let server = DnsServer::start(zone).await;
    let outgoing = OutgoingSettings { mx_port: port, ..OutgoingSettings::default() };
    let timeout = std::time::Duration::from_secs(5);
    let dns = DnsSettings { enabled: true, servers: vec![server.address()], timeout, ..DnsSettings::off() };
    let house = House::with_dns(outgoing, dns).await;
    (server, house)
}

/// Three servers at one port of three addresses.
async fn three() -> [Server; 3] {
    loop {
        let first = Server::start_at("127.0.0.2:0", Manner::default()).await;
        let at = |address: &str| format!("{address}:{}", first.port);
        let second = Server::try_start_at(&at("127.0.0.3"), Manner::default()).await;
        let third = Server::try_start_at(&at("127.0.0.4"), Manner::default()).await;
        if let (Some(second), Some(third)) = (second, third) {
            return [first, second, third];
        }
    }
}

#[tokio::test]
async fn the_preferred_host_takes_it_and_where_it_is_down_the_next() {
    let [mut first, mut second, mut third] = three().await;
    let zone = mx(mx(mx(Zone::default(), 20, "b.mail.example"), 10, "a.mail.example"), 30, "c.mail.example");
    let zone = zone
        .host("a.mail.example", "127.0.0.2")
        .host("b.mail.example", "127.0.0.3")
        .host("c.mail.example", "127.0.0.4");
    let (_dns, house) = house(zone, first.port).await;
    house.deliver(1, message("im:fred@a.example", BOB)).await.outcome.unwrap();
    first.mail().await;
    first.stop().await;
    house.deliver(2, message("im:fred@a.example", BOB)).await.outcome.unwrap();
    second.mail().await;
    assert!(second.has_nothing() && third.has_nothing());
    second.stop().await;
    house.deliver(3, message("im:fred@a.example", BOB)).await.outcome.unwrap();
    third.mail().await;
}

#[tokio::test]
async fn a_domain_without_mx_records_is_its_own_host() {
    let mut server = Server::start_at("127.0.0.2:0", Manner::default()).await;
    let (_dns, house) = house(Zone::default().host("mail.example", "127.0.0.2"), server.port).await;
    house.deliver(1, message("im:fred@a.example", BOB)).await.outcome.unwrap();
    server.mail().await;
}

async fn error(zone: Zone) -> DeliveryError {
    let (_dns, house) = house(zone, 9).await;
    house.deliver(1, message("im:fred@a.example", BOB)).await.outcome.unwrap_err()
}

#[tokio::test]
async fn what_is_known_not_to_take_mail_fails_at_once() {
    for (zone, words) in [
        (mx(Zone::default(), 0, "."), "5.1.10"),
        (Zone::default(), "5.1.2"),
        (mx(Zone::default(), 10, "gone.mail.example"), "5.4.4"),
        (mx(Zone::default(), 10, "gw.example"), "5.4.6"),
    ] {
        let error = error(zone).await;
        assert_eq!((error.retry, error.code), (Retry::Never, Code::NoRoute), "{error}");
        assert!(error.public.contains(words), "{error}");
    }
}

#[tokio::test]
async fn what_nobody_can_say_now_is_tried_again() {
    let broken = Quirk::Code(ResponseCode::ServFail);
    for zone in [
        Zone::default().quirk("mail.example", broken),
        mx(Zone::default(), 10, "a.mail.example").quirk("a.mail.example", broken),
    ] {
        let error = error(zone).await;
        assert_eq!((error.retry, error.code), (Retry::Later, Code::Unreachable), "{error}");
    }
}
