//! Who may write through the gateway, and to where.

use crate::stage::{BOB, FRED, FRED_MAILBOX, HELLO, Stage};

/// Somebody who has mail elsewhere, as an address of the gateway.
const CAROL: &str = "mailto=carol~40mail.example@gw.example";

#[test]
fn nobody_relays_mail_who_is_not_authorised_to() {
    let stage = Stage::new();
    let mut client = stage.client();
    client.must(&format!("MAIL FROM:<{BOB}>"), 250);
    for to in [
        "carol@mail.example",
        CAROL,
        "carol%mail.example@gw.example",
        "\"carol@mail.example\"@gw.example",
        "mail.example!carol@gw.example",
        "@gw.example:carol@mail.example",
        "im=mailto=carol~7e40mail.example~40gw.example@gw.example",
        "im=carol~40mail.example@gw.example@mail.example",
        "fred@b.example",
        "x@[127.0.0.1]",
    ] {
        let reply = client.say(&format!("RCPT TO:<{to}>"));
        assert!((500..600).contains(&reply.code), "{to}: {reply:?}");
    }
    client.must(&format!("RCPT TO:<{FRED_MAILBOX}>"), 250);
    client.must("RCPT TO:<postmaster>", 250);
    client.must("RCPT TO:<Postmaster@gw.example>", 250);
}

#[test]
fn our_own_local_parts_are_known_at_rcpt() {
    let stage = Stage::new();
    let mut client = stage.client();
    client.must(&format!("MAIL FROM:<{BOB}>"), 250);
    for to in ["fred@gw.example", "nosuch=x@gw.example", "b=1-00@gw.example", "winfo=x@gw.example"] {
        let reply = client.say(&format!("RCPT TO:<{to}>"));
        assert_eq!(reply.text(), "550 5.1.1 no such address of this gateway", "{to}");
    }
}

#[test]
fn an_administrator_who_opens_the_way_has_it_open() {
    let stage = Stage::with("", "[smtp.incoming]\nclosed_to_strangers = []\n");
    let reply = stage.client().mail(BOB, CAROL, HELLO);
    assert_eq!(reply.code, 250, "{reply:?}");
    let mail = stage.outgoing.one();
    assert!(mail.to[0].starts_with("TO:<carol@mail.example>"), "{mail:?}");
    for hidden in ["127.0.0.1", "client.example", "Received:"] {
        assert!(!mail.text.contains(hidden), "{hidden} is in\n{}", mail.text);
    }
    // And still the rules say who may write to whom.
    let stage = Stage::with(
        "",
        "[smtp.incoming]\nclosed_to_strangers = []\n[[rule]]\naction = \"deny\"\nfrom = \"mailto:\"\nto = \"mailto:\"\n",
    );
    assert_eq!(stage.client().mail(BOB, CAROL, HELLO).code, 250);
    let report = stage.outgoing.one();
    assert!(report.text.contains("Action: failed") && report.to[0].contains(BOB), "{report:?}");
}

#[test]
fn a_route_may_leave_the_servers_to_mail() {
    let stage = Stage::with("", "[[route]]\ndomain = \"b.example\"\nprotocol = \"smtp\"\n");
    let mut fred = stage.fred();
    fred.message("1", FRED, "im:barney@b.example", "by mail");
    let mail = stage.outgoing.one();
    assert!(mail.to[0].starts_with("TO:<barney@b.example>"), "{mail:?}");
    assert!(fred.expect_answer().is("indeterminant", ""));
}

#[test]
fn other_networks_can_be_closed_to_strangers() {
    let stage = Stage::with("", "[smtp.incoming]\nclosed_to_strangers = [\"mailto\", \"im\"]\n");
    let mut client = stage.client();
    client.must(&format!("MAIL FROM:<{BOB}>"), 250);
    let reply = client.say(&format!("RCPT TO:<{FRED_MAILBOX}>"));
    assert_eq!(reply.text(), "550 5.7.1 no mail is relayed to there");
}

#[test]
fn a_network_that_is_misspelt_is_not_left_open() {
    let incoming = "[smtp.incoming]\nclosed_to_strangers = [\"MAILTO\"]\n";
    let stage = Stage::with("", incoming);
    let mut client = stage.client();
    client.must(&format!("MAIL FROM:<{BOB}>"), 250);
    client.must(&format!("RCPT TO:<{CAROL}>"), 550);
    // Nor is anything begun with what nobody knows, or taken over while it runs.
    stage.site.edit("MAILTO", "mailtoo");
    stage.gateway.hang_up();
    stage.gateway.wait_for("smtp.incoming.closed_to_strangers: the selector `mailtoo` is unknown");
    let mut client = stage.client();
    client.must(&format!("MAIL FROM:<{BOB}>"), 250);
    client.must(&format!("RCPT TO:<{CAROL}>"), 550);
    let (site, _outgoing, _) = Stage::site("", &incoming.replace("MAILTO", "mailtoo"));
    let (code, said) = site.fail();
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("smtp.incoming.closed_to_strangers: the selector `mailtoo` is unknown"), "{said}");
}
