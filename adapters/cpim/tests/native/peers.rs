//! The connecting side, against another adapter and against servers spoken by hand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{Fault, Response, Retry, Standing, Word};
use cpim_native::{Anchors, Identity, OutgoingTls, Settings};
use tokio::net::TcpListener;

use crate::certificates::{Authority, Name};
use crate::exchange::{Gateway, Seen, Verdict};
use crate::setup::{Running, bare, delivery, demo, domain, peer, plain, secure, start, to_peer};
use crate::wire::{Client, frame, message, response};

fn willing(relay: &str) -> Arc<Gateway> {
    Gateway::new(relay, |_| Verdict::Answer(Response::success()))
}

fn connecting(ca: &Authority, identity: Option<Identity>) -> Settings {
    Settings { outgoing: OutgoingTls { anchors: Anchors::File(ca.path()), identity }, ..bare() }
}

/// The server of b.example, with this certificate.
async fn server(ca: &Authority, names: &[Name<'_>]) -> Running {
    let listeners = vec![secure(ca.issue(names), ca)];
    let peers = vec![peer("gw.example", &["c.example"], None)];
    let settings = Settings { relay: domain("gw.b.example"), listeners, peers, ..bare() };
    start(settings, &willing("gw.b.example")).await
}

/// An address where nobody listens.
async fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn two_gateways_know_each_other_by_their_certificates() {
    let ca = Authority::new();
    let far = server(&ca, &[Name::Dns("b.example"), Name::Dns("gw.b.example")]).await;
    let mut settings = connecting(&ca, Some(ca.issue(&[Name::Dns("gw.example")])));
    settings.peers = vec![peer("gw.b.example", &["b.example"], None)];
    let near = start(settings, &willing("gw.example")).await;

    let hop = || to_peer("b.example", false, &[far.address()]);
    near.deliver(delivery(1, "im:fred@b.example", hop())).await.unwrap();
    let arrival = far.gateway.submitted().await;
    assert_eq!(arrival.operation.goes_to().spelled(), "im:fred@b.example");
    assert_eq!((arrival.hops, arrival.via.len(), arrival.standing), (Some(127), 1, Some(Standing::Verified)));
    assert!(matches!(near.gateway.word(1).await, Word::Answered(_)));

    let (_, theirs) = near.gateway.opened().await;
    assert_eq!(theirs.authority.peer, Some(domain("gw.b.example")));
    assert!(theirs.authority.covers(&"im:x@b.example".parse().unwrap()));
    let (_, ours) = far.gateway.opened().await;
    assert_eq!(ours.authority.peer, Some(domain("gw.example")));
    assert!(ours.authority.covers(&"im:wilma@c.example".parse().unwrap()), "its sources are configured");

    // The other way, the same session serves; and once more, nothing new is opened.
    far.deliver(delivery(2, "im:wilma@gw.example", to_peer("gw.example", false, &[]))).await.unwrap();
    assert_eq!(near.gateway.submitted().await.operation.goes_to().spelled(), "im:wilma@gw.example");
    near.deliver(delivery(3, "im:fred@b.example", hop())).await.unwrap();
    near.gateway.word(3).await;
    assert!(!far.gateway.has(|seen| matches!(seen, Seen::Opened(..))));
}

#[tokio::test]
async fn the_certificate_names_the_domain_that_was_wanted_and_not_the_host() {
    let ca = Authority::new();
    let hop = |address| to_peer("b.example", false, &[address]);
    for (names, accepted) in [
        (vec![Name::Dns("b.example")], true),
        (vec![Name::Srv("_im._cpim.b.example")], true),
        (vec![Name::Dns("*.example")], true),
        (vec![Name::Dns("host.hosting.example")], false),
        (vec![Name::Uri("im:b.example@b.example")], false),
    ] {
        let far = server(&ca, &names).await;
        let ours = ca.issue(&[Name::Dns("gw.example")]);
        let near = start(connecting(&ca, Some(ours)), &willing("gw.example")).await;
        let outcome = near.deliver(delivery(1, "im:fred@b.example", hop(far.address()))).await;
        assert_eq!(outcome.is_ok(), accepted, "{outcome:?}");
    }
    let stranger = Authority::new();
    let far = server(&stranger, &[Name::Dns("b.example")]).await;
    let near = start(connecting(&ca, None), &willing("gw.example")).await;
    let error = near.deliver(delivery(1, "im:fred@b.example", hop(far.address()))).await.unwrap_err();
    assert_eq!((error.fault, error.retry), (Fault::Transport, Retry::Later));
    assert!(!error.public.contains("127.0.0.1"), "{}", error.public);
}

#[tokio::test]
async fn the_next_place_is_tried_and_a_failure_names_them_all() {
    let ca = Authority::new();
    let far = server(&ca, &[Name::Dns("b.example")]).await;
    let near =
        start(connecting(&ca, Some(ca.issue(&[Name::Dns("gw.example")]))), &willing("gw.example")).await;
    let (dead, wrong) = (nowhere().await, server(&ca, &[Name::Dns("c.example")]).await);
    let endpoints = [dead, wrong.address()];
    let error = near
        .deliver(delivery(1, "im:x@b.example", to_peer("b.example", false, &endpoints)))
        .await
        .unwrap_err();
    for endpoint in endpoints {
        assert!(error.detail.contains(&endpoint.to_string()), "{}", error.detail);
    }
    let endpoints = [dead, wrong.address(), far.address()];
    near.deliver(delivery(2, "im:x@b.example", to_peer("b.example", false, &endpoints))).await.unwrap();
    assert!(matches!(near.gateway.word(2).await, Word::Answered(_)));
}

#[tokio::test]
async fn on_loopback_two_gateways_know_each_other_by_a_secret() {
    let mut theirs = Settings { relay: domain("gw.b.test"), listeners: vec![plain(&[])], ..bare() };
    theirs.peers = vec![peer("gw.example", &["gw.example"], Some("shared"))];
    let far = start(theirs, &willing("gw.b.test")).await;
    let mut ours = bare();
    ours.peers = vec![peer("gw.b.test", &["b.test"], Some("shared"))];
    let near = start(ours.clone(), &willing("gw.example")).await;
    near.deliver(delivery(1, "im:fred@b.test", to_peer("b.test", true, &[far.address()]))).await.unwrap();
    assert_eq!(near.gateway.opened().await.1.authority.peer, Some(domain("gw.b.test")));
    assert_eq!(far.gateway.opened().await.1.authority.peer, Some(domain("gw.example")));

    ours.peers = vec![peer("gw.b.test", &["b.test"], Some("wrong"))];
    let stranger = start(ours, &willing("gw.example")).await;
    let hop = to_peer("b.test", true, &[far.address()]);
    let error = stranger.deliver(delivery(1, "im:fred@b.test", hop)).await.unwrap_err();
    assert!(error.detail.contains("unauthorised"), "{}", error.detail);
}

/// A server of b.test that is spoken by hand: what it got as `open`, and the connection.
async fn by_hand(listener: &TcpListener) -> (String, Client) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut client = Client::on(stream);
    let open = client.frame().await.xml;
    client.send(&frame("", "<open version='1' domain='b.test'/>", "")).await;
    (open, client)
}

#[tokio::test]
async fn whoever_wants_the_same_waits_for_one_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = start(bare(), &willing("gw.example")).await;
    let hop = to_peer("b.test", true, &[listener.local_addr().unwrap()]);
    let many: Vec<_> = (1..=100)
        .map(|leg| {
            let (adapter, hop) = (near.adapter.clone(), hop.clone());
            let destination = format!("im:u{leg}@b.test");
            tokio::spawn(async move {
                let (point, log) = crate::exchange::commit_point();
                let delivered =
                    cpim_adapter::Adapter::deliver(&*adapter, delivery(leg, &destination, hop), &point);
                delivered.await.unwrap();
                assert_eq!(*log.0.lock().unwrap(), [None], "it does not say that it remembers");
            })
        })
        .collect();
    let (open, mut far) = by_hand(&listener).await;
    assert_eq!(open, "<open version='1' serves='gw.example' domain='gw.example' remembers='3600'/>");
    for _ in 0..100 {
        assert!(far.frame().await.xml.starts_with("<message "));
    }
    for each in many {
        each.await.unwrap();
    }
    let again = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(again.is_err(), "one connection serves them all");

    // What it sends back is within what it has proven to be.
    far.send(&message("im:fred@b.test", "im:wilma@gw.example", "1")).await;
    assert_eq!(far.frame().await.xml, "<response status='success' transID='1'/>");
    let (_, facts) = near.gateway.opened().await;
    assert_eq!(
        (facts.authority.peer.clone(), facts.serves.as_slice()),
        (None, &[crate::setup::scope("b.test")][..])
    );
}

#[tokio::test]
async fn a_failure_is_remembered_for_a_moment() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = start(bare(), &willing("gw.example")).await;
    let hop = to_peer("b.test", true, &[listener.local_addr().unwrap()]);
    let many: Vec<_> = (1..=100)
        .map(|leg| {
            let (adapter, hop) = (near.adapter.clone(), hop.clone());
            tokio::spawn(async move {
                let (point, _) = crate::exchange::commit_point();
                let delivery = delivery(leg, &format!("im:u{leg}@b.test"), hop);
                cpim_adapter::Adapter::deliver(&*adapter, delivery, &point).await.unwrap_err()
            })
        })
        .collect();
    drop(listener.accept().await.unwrap());
    // Another attempt would find nobody to answer it, and take longer.
    let all = async {
        for each in many {
            assert_eq!(each.await.unwrap().retry, Retry::Later);
        }
    };
    tokio::time::timeout(Duration::from_secs(5), all).await.expect("one attempt for all");
    let again = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(again.is_err(), "a hundred pairs dial once");
    // Another place is another attempt.
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hop = to_peer("b.test", true, &[other.local_addr().unwrap()]);
    let (delivered, _far) = tokio::join!(near.deliver(delivery(101, "im:x@b.test", hop)), by_hand(&other));
    delivered.unwrap();
}

#[tokio::test]
async fn a_session_that_the_peer_opened_is_as_good_as_one_of_ours() {
    let near = start(demo(), &willing("gw.example")).await;
    let mut peer = Client::open(near.address(), "serves='b.example' domain='b.example'").await;
    near.deliver(delivery(1, "im:x@b.example", to_peer("b.example", false, &[]))).await.unwrap();
    assert!(peer.frame().await.xml.starts_with("<message "));
}

#[tokio::test]
async fn a_connection_that_was_lost_is_made_anew() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = start(bare(), &willing("gw.example")).await;
    let hop = to_peer("b.test", true, &[listener.local_addr().unwrap()]);
    for leg in 1..=3 {
        let (delivered, (_, mut far)) =
            tokio::join!(near.deliver(delivery(leg, "im:x@b.test", hop.clone())), by_hand(&listener));
        delivered.unwrap();
        far.frame().await;
        drop(far);
        assert!(matches!(near.gateway.word(leg).await, Word::Unknown));
        let (session, _) = near.gateway.opened().await;
        near.gateway.closed(session).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_carries_nothing_is_closed_in_order() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = start(bare(), &willing("gw.example")).await;
    let hop = to_peer("b.test", true, &[listener.local_addr().unwrap()]);
    let (delivered, (_, mut far)) =
        tokio::join!(near.deliver(delivery(1, "im:x@b.test", hop)), by_hand(&listener));
    delivered.unwrap();
    far.frame().await;
    far.send(&response("1")).await;
    let begun = tokio::time::Instant::now();
    loop {
        let xml = far.frame().await.xml;
        if let Some(id) = xml.strip_prefix("<ping transID='").and_then(|rest| rest.split('\'').next()) {
            far.send(&response(id)).await;
        } else {
            assert_eq!(xml, "<close/>");
            break;
        }
    }
    assert_eq!(begun.elapsed().as_secs(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = start(bare(), &willing("gw.example")).await;
    let hop = to_peer("b.test", true, &[listener.local_addr().unwrap()]);
    let begun = tokio::time::Instant::now();
    let error = near.deliver(delivery(1, "im:x@b.test", hop)).await.unwrap_err();
    assert!(error.detail.contains("in time"), "{}", error.detail);
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn a_stranger_is_told_no_more_than_our_certificate_covers() {
    let ca = Authority::new();
    let far = server(&ca, &[Name::Dns("b.example")]).await;
    let mut settings = connecting(&ca, Some(ca.issue(&[Name::Dns("gw.example")])));
    settings.serves_out.push(domain("hosted.example"));
    let near = start(settings.clone(), &willing("gw.example")).await;
    near.deliver(delivery(1, "im:x@b.example", to_peer("b.example", false, &[far.address()]))).await.unwrap();
    let (_, facts) = far.gateway.opened().await;
    assert_eq!(facts.serves, [crate::setup::scope("gw.example")]);

    settings.outgoing.identity = None;
    let nobody = start(settings, &willing("gw.example")).await;
    nobody
        .deliver(delivery(1, "im:x@b.example", to_peer("b.example", false, &[far.address()])))
        .await
        .unwrap();
    let (_, facts) = far.gateway.opened().await;
    assert_eq!((facts.authority.scopes.as_slice(), facts.authority.standing), (&[][..], Standing::Anonymous));
}

#[tokio::test]
async fn whom_we_connected_to_counts_as_serving_its_domain() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = start(bare(), &willing("gw.example")).await;
    let hop = to_peer("b.test", true, &[listener.local_addr().unwrap()]);
    let (delivered, (_, mut far)) =
        tokio::join!(near.deliver(delivery(1, "im:x@b.test", hop)), by_hand(&listener));
    delivered.unwrap();
    far.frame().await;
    near.deliver(delivery(2, "im:y@b.test", crate::setup::served("im:y@b.test"))).await.unwrap();
    assert!(far.frame().await.xml.contains("im:y@b.test"));
}
