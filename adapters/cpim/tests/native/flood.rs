//! Much at once, in both directions.

use std::time::Duration;

use cpim_adapter::{Adapter, Code, Response, Status, Word};
use tokio::io::AsyncWriteExt;

use crate::exchange::{Gateway, Verdict, commit_point};
use crate::setup::{bare, delivery, delivery_of, demo, domain, peer, plain, served, start, to_peer};
use crate::wire::{Client, message, response};

/// Whatever takes longer is stuck.
const STUCK: Duration = Duration::from_secs(25);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_operations_wait_on_several_sessions() {
    let running = start(demo(), &Gateway::new("gw.example", |_| Verdict::Hold)).await;
    let mut clients = Vec::new();
    for number in 0..4 {
        clients.push(Client::open(running.address(), &format!("serves='im:u{number}@a.example'")).await);
    }
    let reading = clients.into_iter().map(|mut client| {
        tokio::spawn(async move {
            let mut ids = Vec::new();
            for _ in 0..2_500 {
                let xml = client.frame().await.xml;
                ids.push(xml.split("transID='").nth(1).unwrap().trim_end_matches("'/>").to_owned());
            }
            (client, ids)
        })
    });
    let reading: Vec<_> = reading.collect();
    for leg in 0..10_000_u64 {
        let address = format!("im:u{}@a.example", leg % 4);
        running.deliver(delivery(leg + 1, &address, served(&address))).await.unwrap();
    }
    let mut answering = Vec::new();
    for each in reading {
        let (mut client, ids) = each.await.unwrap();
        // In no order of theirs.
        for id in ids.iter().rev() {
            client.send(&response(id)).await;
        }
        answering.push(client);
    }
    for leg in 1..=10_000 {
        assert!(matches!(running.gateway.word(leg).await, Word::Answered(_)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_that_flood_each_other_both_get_through() {
    const EACH: u64 = 5_000;
    let willing = |relay: &str| Gateway::new(relay, |_| Verdict::Answer(Response::success()));
    let mut theirs = bare();
    theirs.relay = domain("gw.b.test");
    theirs.listeners = vec![plain(&[])];
    theirs.peers = vec![peer("gw.example", &[], Some("shared"))];
    let mut ours = bare();
    ours.peers = vec![peer("gw.b.test", &["b.test"], Some("shared"))];
    for settings in [&mut ours, &mut theirs] {
        settings.limits.operations = 256;
        settings.limits.outgoing_octets = 65_536;
    }
    let (near, far) = (start(ours, &willing("gw.example")).await, start(theirs, &willing("gw.b.test")).await);
    let out = to_peer("b.test", true, &[far.address()]);
    near.deliver(delivery(1_000_000, "im:first@b.test", out.clone())).await.unwrap();
    near.gateway.word(1_000_000).await;

    let floods = [
        (near.adapter.clone(), out, "b.test"),
        (far.adapter.clone(), to_peer("gw.example", true, &[]), "gw.example"),
    ];
    let floods = floods.map(|(adapter, hop, to)| {
        tokio::spawn(async move {
            for leg in 1..=EACH {
                let delivery = delivery(leg, &format!("im:u{}@{to}", leg % 7), hop.clone());
                adapter.deliver(delivery, &commit_point().0).await.unwrap();
            }
        })
    });
    let through = async {
        for flood in floods {
            flood.await.unwrap();
        }
        for leg in 1..=EACH {
            for gateway in [&near.gateway, &far.gateway] {
                match gateway.word(leg).await {
                    // With no more room than that, some are told to come again.
                    Word::Answered(response) => {
                        assert!(
                            response.status() == Status::Success || response.text().starts_with("busy"),
                            "{response}"
                        );
                    }
                    other => panic!("{leg}: {other:?}"),
                }
            }
        }
    };
    tokio::time::timeout(STUCK, through).await.expect("neither waits for the other");
}

/// More than the buffers of a connection on loopback hold, so that nothing more can be written to it.
const JAM: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_side_reads_on_though_nothing_that_it_writes_is_taken() {
    const OPERATIONS: usize = 3_000;
    let words = "w".repeat(1_000);
    let gateway =
        Gateway::new("gw.example", move |_| Verdict::Answer(Response::failure(Code::Refused, words.clone())));
    let running = start(demo(), &gateway).await;
    let mut client = Client::open(running.address(), "serves='im:fred@a.example'").await;
    let adapter = running.adapter.clone();
    let jam = tokio::spawn(async move {
        for leg in 1..=JAM {
            let (hop, content) = (served("im:fred@a.example"), "x".repeat(1_000_000));
            let delivery = delivery_of(leg as u64, "im:w@c.example", "im:fred@a.example", content, hop);
            adapter.deliver(delivery, &commit_point().0).await.unwrap();
        }
    });
    let flood = (1..=OPERATIONS).map(|id| message("im:fred@a.example", "im:x@b.example", &id.to_string()));
    let flood: String = flood.collect();
    let stuck = "the gateway reads on, whether or not it is read";
    tokio::time::timeout(STUCK, client.0.write_all(flood.as_bytes())).await.expect(stuck).unwrap();
    for _ in 0..OPERATIONS {
        gateway.submitted().await;
    }

    let mut answers = vec![0; OPERATIONS + 1];
    let mut operations = 0;
    for _ in 0..OPERATIONS + JAM {
        let xml = client.frame().await.xml;
        let id = xml.split("transID='").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        match xml.starts_with("<response ") {
            true => answers[id.parse::<usize>().unwrap()] += 1,
            false => operations += 1,
        }
    }
    jam.await.unwrap();
    assert_eq!(operations, JAM);
    assert!(answers.iter().skip(1).all(|count| *count == 1), "each exactly once");
}

#[tokio::test]
async fn octets_one_at_a_time_make_the_same_frames() {
    let gateway = Gateway::new("gw.example", |_| Verdict::Answer(Response::success()));
    let running = start(demo(), &gateway).await;
    let mut client = Client::open(running.address(), "serves='im:fred@a.example'").await;
    for octet in message("im:fred@a.example", "im:x@b.example", "1").as_bytes() {
        client.0.write_all(&[*octet]).await.unwrap();
    }
    assert_eq!(client.frame().await.xml, "<response status='success' transID='1'/>");
}
