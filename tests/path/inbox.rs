//! The gateway's own inbox as a port of the router, with time under control.

use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{Adapter, Content, ImUri, Message, Metadata, Operation, OperationId, Outcome, Response};
use cpim_gateway::inbox::Inbox;
use cpim_gateway::router::{GATEWAY, Port};

use crate::support::toy::{House, Manner, memory, policy};

const INBOX: &str = "im:gateway@gw.example";
const FRED: &str = "im:fred@a.example";
const WILMA: &str = "im:wilma@c.example";

async fn house() -> House {
    let inbox = Arc::new(Inbox::default());
    let port = Port { name: GATEWAY, selectors: Vec::new(), adapter: Arc::clone(&inbox) as _ };
    let house = House::with_ports(policy(), memory(), vec![port]).await;
    inbox.attach(&house.router);
    house.manner(Manner::Say(Outcome::Delivered(Response::success())));
    let cx = house.cx.clone();
    tokio::spawn(async move { inbox.run(cx).await });
    tokio::task::yield_now().await;
    house
}

/// The next message that the toy is to deliver: its text, or all of it where it is none.
async fn next(house: &mut House) -> (String, Content) {
    let delivery = house.next().await;
    let Operation::Message(message) = &*delivery.operation else { panic!("{delivery:?} is no message") };
    assert_eq!(message.source.spelled(), INBOX);
    assert!(message.metadata.automatic);
    let body = message.content.body();
    (String::from_utf8_lossy(&body).replace("\r\n", "\n"), message.content.clone())
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_shown_to_its_owner_and_to_nobody_else() {
    let mut house = house().await;
    let (mut fred, mut wilma) = (house.session(&[FRED]), house.session(&[WILMA]));
    let picture = Message {
        source: ImUri::parse(WILMA).unwrap(),
        destination: ImUri::parse(FRED).unwrap(),
        content: Content::new(b"Content-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n\0".as_slice().into()),
        metadata: Metadata::default(),
    };
    let offer = house.cx.kept.keep(&picture, &OperationId::parse("1").unwrap()).await.unwrap();
    for (session, from) in [(&mut wilma, WILMA), (&mut fred, FRED)] {
        for (nth, command) in [offer.command(), format!("forget {}", offer.id)].iter().enumerate() {
            // Fred keeps it, until he has seen it.
            if from == FRED && nth == 1 {
                continue;
            }
            session.send(&nth.to_string(), from, INBOX, command);
            assert_eq!(session.answer().await.1, Response::success());
            let (text, content) = next(&mut house).await;
            match from == FRED {
                true => assert_eq!(content.octets(), picture.content.octets(), "whole, as it came"),
                false => assert_eq!(text, format!("Nothing is kept for you as {}.", offer.id)),
            }
        }
    }
    fred.send("8", FRED, INBOX, "kept");
    assert!(next(&mut house).await.0.starts_with(&offer.command()));
    fred.send("9", FRED, INBOX, &format!("forget {}", offer.id));
    assert_eq!(next(&mut house).await.0, format!("{} is forgotten.", offer.id));
    fred.send("10", FRED, INBOX, "kept");
    assert_eq!(next(&mut house).await.0, "Nothing is kept for you.");
}

#[tokio::test(start_paused = true)]
async fn whoever_is_too_fast_waits_and_nobody_else_does() {
    let mut house = house().await;
    let (mut fred, mut wilma) = (house.session(&[FRED]), house.session(&[WILMA]));
    for nth in 0..32 {
        fred.send(&nth.to_string(), FRED, INBOX, "whoami");
    }
    for _ in 0..30 {
        assert!(next(&mut house).await.0.contains("fred"));
    }
    let begun = tokio::time::Instant::now();
    wilma.send("1", WILMA, INBOX, "whoami");
    assert!(next(&mut house).await.0.contains("wilma"));
    assert!(begun.elapsed() < Duration::from_millis(50), "{:?}", begun.elapsed());
    // The rest comes in time, and each is answered once.
    for _ in 0..2 {
        assert!(next(&mut house).await.0.contains("fred"));
    }
    assert!(begun.elapsed() > Duration::from_secs(1), "{:?}", begun.elapsed());
    for _ in 0..32 {
        assert_eq!(fred.answer().await.1, Response::success());
    }
    assert_eq!(wilma.answer().await.1, Response::success());
}
