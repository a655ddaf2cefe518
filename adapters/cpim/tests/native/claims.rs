//! Who may claim what over plain TCP: trust rules, secrets, conflicts (native-cpim.md, Session 2 and 5).

use cpim_adapter::{Adapter, Response, Scope, Standing};

use crate::exchange::{Gateway, Verdict};
use crate::setup::{application, bare, demo, peer, plain, scope, start};
use crate::wire::Client;

fn gateway() -> std::sync::Arc<Gateway> {
    Gateway::new("gw.example", |_| Verdict::Answer(Response::success()))
}

#[tokio::test]
async fn the_trust_rule_covers_what_it_says_and_never_this_gateway() {
    let running = start(demo(), &gateway()).await;
    for (attributes, granted) in [
        ("", true),
        ("serves='im:fred@a.example pres:fred@a.example' secret='s'", true),
        ("speaks='im:bot@a.example'", true),
        ("serves='a.example' domain='a.example'", true),
        ("serves='example'", false),
        ("serves='im:fred@a.test'", false),
        ("serves='im:fred@a.example a.test'", false),
        ("speaks='im:fred@a.test'", false),
        ("domain='a.test'", false),
        ("serves='gw.example'", false),
        ("serves='im:fred@gw.example'", false),
        ("speaks='im:pepp=x.example/y@gw.example'", false),
        ("domain='gw.example'", false),
        ("serves='pepp:'", false),
    ] {
        let answer = Client::try_open(running.address(), attributes).await;
        match granted {
            true => {
                assert_eq!(answer, "<open version='1' domain='gw.example' remembers='3600'/>", "{attributes}")
            }
            false => assert!(answer.starts_with("<close reason='unauthorised'>"), "{attributes}: {answer}"),
        }
    }
}

#[tokio::test]
async fn a_refused_open_is_refused_whole_and_hung_up() {
    let running = start(demo(), &gateway()).await;
    let mut client = Client::connect(running.address()).await;
    client.send(&crate::wire::frame("", "<open version='1' serves='im:a@a.example im:b@b.test'/>", "")).await;
    assert!(client.frame().await.xml.contains("unauthorised"));
    client.end().await;
    assert!(!running.gateway.has(|_| true), "the gateway never heard of it");
}

#[tokio::test]
async fn an_application_proves_itself_by_its_secret() {
    let mut settings = bare();
    settings.listeners = vec![plain(&[])];
    settings.applications = vec![
        application("bot", &["im:bot@a.example", "b.example"], "one"),
        application("other", &["c.example"], "two"),
    ];
    settings.applications[0]
        .covers
        .push(Scope::Selector(cpim_adapter::Selectors::default().find("pepp").unwrap()));
    let running = start(settings, &gateway()).await;
    for (attributes, granted) in [
        ("serves='im:bot@a.example' secret='one'", true),
        ("serves='im:anyone@b.example b.example' secret='one'", true),
        ("serves='pepp:' secret='one'", true),
        ("serves='PEPP:' secret='one'", true),
        ("serves='pepp:' secret='two'", false),
        ("serves='sip:' secret='one'", false),
        ("serves='pres:bot@a.example' secret='one'", false),
        ("serves='im:bot@a.example' secret='two'", false),
        ("serves='im:bot@a.example' secret='on'", false),
        ("serves='im:bot@a.example'", false),
        ("serves='im:bot@a.example c.example' secret='one'", false),
    ] {
        let answer = Client::try_open(running.address(), attributes).await;
        assert_eq!(answer.starts_with("<open "), granted, "{attributes}: {answer}");
        assert!(granted || answer.contains("reason='unauthorised'"), "{attributes}: {answer}");
    }
}

#[tokio::test]
async fn what_is_granted_is_what_the_gateway_hears() {
    let mut settings = demo();
    let mut b = peer("gw.b.test", &["b.test"], Some("bee"));
    b.sources = vec![scope(".c.test")];
    settings.peers = vec![b];
    settings.hosted = vec![scope("h.c.test")];
    let running = start(settings, &gateway()).await;

    let open = "domain='gw.b.test' serves='b.test gw.b.test' speaks='x.c.test' secret='bee' remembers='60'";
    let _peer = Client::open(running.address(), open).await;
    let (_, facts) = running.gateway.opened().await;
    assert_eq!(facts.authority.peer, Some(crate::setup::domain("gw.b.test")));
    assert_eq!(facts.authority.standing, Standing::Verified);
    assert!(facts.home);
    assert_eq!(facts.serves, [scope("b.test"), scope("gw.b.test")]);
    for covered in ["im:a@b.test", "im:a@gw.b.test", "im:a@y.c.test"] {
        assert!(facts.authority.covers(&covered.parse().unwrap()), "{covered}");
    }
    assert!(!facts.authority.covers(&"im:a@c.test".parse().unwrap()));

    // To be allowed to send for a domain is not to be its home; what is hosted here is nobody else's.
    for attributes in [
        "domain='gw.b.test' serves='x.c.test' secret='bee'",
        "domain='gw.b.test' speaks='h.c.test' secret='bee'",
        "domain='gw.b.test' speaks='im:a@h.c.test' secret='bee'",
        "domain='gw.b.test' serves='b.test' secret='wrong'",
        "domain='gw.b.test' serves='b.test'",
        "serves='b.test' secret='bee'",
    ] {
        let answer = Client::try_open(running.address(), attributes).await;
        assert!(answer.starts_with("<close reason='unauthorised'>"), "{attributes}: {answer}");
    }

    let _fred = Client::open(running.address(), "serves='im:fred@a.example' domain='a.example'").await;
    let (_, facts) = running.gateway.opened().await;
    assert_eq!((facts.authority.peer.clone(), facts.authority.standing), (None, Standing::Verified));
}

#[tokio::test]
async fn a_home_excludes_single_addresses_of_its_domain() {
    let mut settings = demo();
    settings.hosted = vec![scope("im:hosted@a.example")];
    let running = start(settings, &gateway()).await;
    let address = running.address();

    let mut fred = Client::open(address, "serves='im:fred@a.example'").await;
    let (fred_session, _) = running.gateway.opened().await;
    let mut speaker = Client::open(address, "speaks='im:bot@a.example'").await;
    let mut hosted = Client::open(address, "serves='im:hosted@a.example'").await;
    let mut elsewhere = Client::open(address, "serves='im:fred@b.example'").await;

    let mut home = Client::open(address, "serves='a.example im:root@a.example'").await;
    for displaced in [&mut fred, &mut speaker] {
        assert!(displaced.frame().await.xml.starts_with("<close reason='conflict'>"));
        displaced.end().await;
    }
    running.gateway.closed(fred_session).await;
    for attributes in ["serves='im:fred@a.example'", "speaks='pres:x@a.example'"] {
        let answer = Client::try_open(address, attributes).await;
        assert!(answer.starts_with("<close reason='conflict'>"), "{attributes}: {answer}");
    }
    // A second connection of the home, and what the configuration hosts here, are no conflict.
    let mut second = Client::open(address, "serves='a.example im:root@a.example'").await;
    let mut hosted_again = Client::open(address, "serves='im:hosted@a.example'").await;
    for there in [&mut home, &mut second, &mut hosted, &mut hosted_again, &mut elsewhere] {
        there.ping().await;
    }

    // Once the home is gone, its addresses are free again.
    for there in [home, second] {
        there.close().await;
    }
    Client::open(address, "serves='im:fred@a.example'").await.ping().await;
}

#[tokio::test]
async fn other_versions_are_told_which_is_spoken() {
    let running = start(demo(), &gateway()).await;
    let mut client = Client::connect(running.address()).await;
    client.send(&crate::wire::frame("", "<open version='2' serves='im:fred@a.example'/>", "")).await;
    assert_eq!(client.frame().await.xml, "<close reason='unsupported-version'>1</close>");
    client.end().await;
}

#[tokio::test]
async fn settings_are_swapped_under_way() {
    let mut settings = bare();
    settings.listeners = vec![plain(&[])];
    settings.applications = vec![application("bot", &["a.example"], "old")];
    let running = start(settings.clone(), &gateway()).await;
    let mut before = Client::open(running.address(), "serves='a.example' secret='old'").await;
    let mut untouched = Client::open(running.address(), "").await;

    settings.applications = vec![application("bot", &["a.example"], "new")];
    settings.listeners.push(plain(&[]));
    settings.listeners[1].at = cpim_native::ListenAt::Tcp("[::1]:0".parse().unwrap());
    assert_eq!(running.adapter.reconfigure(settings).unwrap(), ["cpim.listener[[::1]:0]"]);
    let old = Client::try_open(running.address(), "serves='a.example' secret='old'").await;
    assert!(old.contains("unauthorised"), "{old}");
    Client::open(running.address(), "serves='a.example' secret='new'").await.ping().await;
    assert!(before.frame().await.xml.starts_with("<close reason='unauthorised'>"), "what granted it is gone");
    untouched.ping().await;
}

#[tokio::test]
async fn a_unix_socket_is_local_and_what_is_left_of_one_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cpim.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let mut settings = demo();
    settings.listeners[0].at = cpim_native::ListenAt::Unix(path.clone());
    let running = start(settings.clone(), &gateway()).await;
    let stream = tokio::net::UnixStream::connect(&path).await.unwrap();
    Client::on(stream).say_open("serves='im:fred@a.example'").await;

    let second = cpim_native::NativeAdapter::new(settings).unwrap().bind().await.unwrap_err();
    assert!(second.to_string().contains("cpim.sock"), "{second}");
    running.shutdown.begin_drain();
    running.ended.await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn what_cannot_work_is_known_before_anything_runs() {
    let mut open_to_all = demo();
    open_to_all.listeners[0].at = cpim_native::ListenAt::Tcp("0.0.0.0:0".parse().unwrap());
    let error = cpim_native::NativeAdapter::new(open_to_all.clone()).err().unwrap();
    assert!(error.what.contains("plain TCP beyond loopback"), "{error}");
    open_to_all.listeners[0].plain = true;
    assert!(cpim_native::NativeAdapter::new(open_to_all).is_ok());

    let running = start(demo(), &gateway()).await;
    let mut taken = demo();
    taken.listeners[0].at = cpim_native::ListenAt::Tcp(running.address());
    let error = cpim_native::NativeAdapter::new(taken).unwrap().bind().await.unwrap_err();
    assert!(error.to_string().contains(&running.address().to_string()), "{error}");
}
