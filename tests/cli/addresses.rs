//! `map` and `unmap`, by the golden vectors of source routes (standards: the draft's Appendix A).

use std::fs;

use super::support::process::run;
use super::{cli, objects};

/// Identifier, foreign address, local-part.
#[rustfmt::skip]
const ROUTES: &[(&str, &str, &str)] = &[
    ("A01", "pepp://example.com/fred", "pepp=example.com/fred"),
    ("A02", "sip:fred@example.com", "sip=fred~40example.com"),
    ("A03", "xmpp:fred@example.com", "xmpp=fred~40example.com"),
    ("A04", "irc://irc.libera.example/fred", "irc=irc.libera.example/fred"),
    ("A05", "irc://irc.libera.example/#chan", "irc=irc.libera.example/~23chan"),
    ("A06", "irc://irc.libera.example/[away]|x", "irc=irc.libera.example/~5baway~5d~7cx"),
    ("A08", "mailto:\"john smith\"@example.com", "mailto=~22john~20smith~22~40example.com"),
    ("A09", "mailto:gorby%kremvax@example.com", "mailto=gorby~25kremvax~40example.com"),
    ("A11", "xmpp:fu\u{df}ball@ex\u{e4}mple.de", "xmpp=fu~c3~9fball~40ex~c3~a4mple.de"),
    ("A12", "pepp://example.com//fred", "pepp=example.com//fred"),
    ("A14", "pepp://example.com/../fred", "pepp=example.com/.~2e/fred"),
    ("A15", "pepp://example.com/./fred", "pepp=example.com/~2e/fred"),
    ("A17", "pepp://example.com/~fred", "pepp=example.com/~7efred"),
    ("A18", "pepp://example.com/fred?x=1#f", "pepp=example.com/fred~3fx~3d1~23f"),
    ("A20", "irc://irc.example.net/alice,bob", "irc=irc.example.net/alice~2cbob"),
    ("A22", "im:sip=fred~40example.com@gwb.example", "im=sip~3dfred~7e40example.com~40gwb.example"),
    ("A24", "pepp://example.com/Fred", "pepp=example.com/Fred"),
    ("tel", "tel:+15551234", "tel=~2b15551234"),
];

#[tokio::test]
async fn a_foreign_address_is_mapped_and_unmapped() {
    for &(id, foreign, local) in ROUTES {
        let uri = format!("im:{local}@gw.example");
        let mapped = cli(&["map", foreign, "--relay-domain", "gw.example"]).await;
        assert_eq!((mapped.code, mapped.out), (0, format!("{uri}\n")), "{id}: {}", mapped.err);
        let unmapped = cli(&["unmap", &uri, "--relay-domain", "gw.example"]).await;
        assert_eq!((unmapped.code, unmapped.out), (0, format!("{foreign}\n")), "{id}: {}", unmapped.err);
    }
}

#[tokio::test]
async fn a_presentity_has_a_pres_uri() {
    let mapped = cli(&["map", "mailto:alice@example.org", "--pres", "--relay-domain", "GW.example"]).await;
    assert_eq!((mapped.code, mapped.out.as_str()), (0, "pres:mailto=alice~40example.org@gw.example\n"));
}

#[tokio::test]
async fn what_peers_may_write_is_unmapped_too() {
    for (id, written, foreign) in [
        ("A27", "im:SIP=fred~40example.com@gw.example", "sip:fred@example.com"),
        ("A29", "im:sip=~66red~40example.com@gw.example", "sip:fred@example.com"),
        ("RFC 3922 3.3", "pres:sip=fred%40example.com@gw.example", "sip:fred@example.com"),
        ("RFC 2846 A", "im:%2Fpepp=example.com/fred@gw.example", "pepp://example.com/fred"),
    ] {
        let unmapped = cli(&["unmap", written, "--relay-domain", "gw.example"]).await;
        assert_eq!((unmapped.code, unmapped.out), (0, format!("{foreign}\n")), "{id}");
    }
}

#[tokio::test]
async fn what_cannot_be_mapped_is_a_failure_that_says_why() {
    for (arguments, why) in [
        (["map", "h323:fred"], "h323"),
        (["map", "fred"], "scheme"),
        (["map", "pepp:example.com/fred"], "pepp://"),
        (["map", "im:fred@gw.example"], "gw.example"),
        (["unmap", "im:fred@b.example"], "b.example"),
        (["unmap", "im:bob@gw.example"], "bob"),
        (["unmap", "im:zz=foo@gw.example"], "zz"),
        (["unmap", "mailto:fred@gw.example"], "im:"),
    ] {
        let ran = cli(&[arguments[0], arguments[1], "--relay-domain", "gw.example"]).await;
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{arguments:?}");
        assert!(ran.err.contains(why), "{arguments:?}: {}", ran.err);
    }
}

#[tokio::test]
async fn json_tells_all_forms() {
    let mapped = cli(&["map", "sip:fred@example.com", "--relay-domain", "gw.example", "--json"]).await;
    let expected = serde_json::json!({
        "foreign": "sip:fred@example.com",
        "uri": "im:sip=fred~40example.com@gw.example",
        "canonical": "im:sip=fred~40example.com@gw.example",
    });
    assert_eq!(objects(&mapped.out), [expected]);
    let failed = cli(&["--json", "unmap", "im:fred@b.example", "--relay-domain", "gw.example"]).await;
    assert_eq!((failed.code, failed.out.as_str()), (1, ""));
    assert!(objects(&failed.err)[0]["error"].as_str().unwrap().contains("b.example"));
}

#[tokio::test]
async fn a_configuration_brings_its_domain_selectors_and_mappings() {
    let folder = tempfile::tempdir().unwrap();
    let config = "relay_domain = \"gw.example\"\n[selectors]\nzephyr = \"opaque\"\n\
        [[mapping]]\ndomain = \"irc.gw.example\"\nselector = \"irc\"\nprefix = \"irc.example.net/\"\n";
    fs::create_dir(folder.path().join("config")).unwrap();
    fs::write(folder.path().join("config/gateway.toml"), config).unwrap();
    let out = async |arguments: &[&str]| {
        let ran = run(folder.path(), arguments).await;
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        ran.out
    };
    assert_eq!(out(&["map", "zephyr:fred"]).await, "im:zephyr=fred@gw.example\n");
    assert_eq!(out(&["map", "irc://irc.example.net/alice"]).await, "im:alice@irc.gw.example\n");
    assert_eq!(out(&["unmap", "im:alice@irc.gw.example"]).await, "irc://irc.example.net/alice\n");
    let json =
        out(&["map", "irc://irc.example.net/alice", "--json", "--config", "config/gateway.toml"]).await;
    assert_eq!(objects(&json)[0]["canonical"], "im:irc=irc.example.net/alice@gw.example");
}

#[tokio::test]
async fn without_a_domain_and_a_configuration_nobody_can_say() {
    let ran = cli(&["map", "sip:fred@example.com"]).await;
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--relay-domain") && ran.err.contains("config/gateway.toml"), "{}", ran.err);
    let wrong = cli(&["map", "sip:fred@example.com", "--relay-domain", "not a domain"]).await;
    assert_eq!(wrong.code, 2);
    let missing = cli(&["map", "sip:fred@example.com", "--config", "missing.toml"]).await;
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("missing.toml"), "{}", missing.err);
}
