//! Mail that goes round: it is stopped, and whoever wrote it is told so, once.

use crate::support::gateway::{PATIENCE, Site, free_port};
use crate::support::native::{Client, Open};

/// A gateway that sends all its mail to the other one, and believes nothing of it.
fn gateway(name: &str, here: u16, there: u16) -> Site {
    let site = Site::new("");
    site.configure(&format!(
        r#"
relay_domain = "gw.{name}.example"
[store]
path = "gateway.db"
[admin]
socket = "admin.sock"
[log]
level = "info"
[dns]
enabled = false
[rules]
default = "allow"
[limits]
hops = 20
[[hosted]]
domain = "{name}.example"
[[cpim.listener]]
address = "127.0.0.1:PORT"
trust = [".example"]
[[smtp.listener]]
address = "127.0.0.1:{here}"
[smtp.outgoing]
smarthost = "127.0.0.1:{there}"
tls = "plain"
"#
    ));
    site
}

/// Has somebody's messages forwarded.
fn forwards(site: &Site, who: &str, to: &str) {
    let uri = format!("im:{who}");
    let gateway = format!("im:gateway@gw.{}", who.split_once('@').unwrap().1);
    let mut owner = Client::open(site.port, Open { serves: &uri, ..Open::default() });
    owner.message("f", &uri, &gateway, &format!("forward {to}"));
    let answer = owner.next_answer(PATIENCE).unwrap();
    assert!(answer.is("success", ""), "{answer:?}");
    loop {
        let frame = owner.next(PATIENCE).expect("the gateway's word");
        if frame.element() == "message" {
            owner.respond(&frame, "success", "");
            return;
        }
    }
}

#[test]
fn two_inboxes_that_forward_to_each_other_by_mail_end_in_one_failure() {
    let (a_mail, b_mail) = (free_port(), free_port());
    let (a, b) = (gateway("a", a_mail, b_mail), gateway("b", b_mail, a_mail));
    let (on_a, on_b) = (a.start(), b.start());
    on_a.wait_ready();
    on_b.wait_ready();
    forwards(&a, "fred@a.example", "mailto:im=barney~40b.example@gw.b.example");
    forwards(&b, "barney@b.example", "mailto:im=fred~40a.example@gw.a.example");

    let wilma = "im:wilma@a.example";
    let mut client = Client::open(a.port, Open { serves: wilma, ..Open::default() });
    client.message("1", wilma, "im:fred@a.example", "Yabba, dabba!");
    // It comes back as mail of A's own, which B does not write: that ends it the first time round.
    let answer = client.next_answer(PATIENCE).expect("an answer");
    assert_eq!((answer.trans_id.as_str(), answer.status.as_str()), ("1", "failure"), "{answer:?}");
    assert!(answer.text.contains("5.7.1"), "{answer:?}");
    // Nothing goes round any more, and nothing else is told: what comes next is the answer to what comes next.
    client.message("2", wilma, "im:nobody@a.example", "Anybody?");
    let answer = client.next_answer(PATIENCE).expect("an answer");
    assert_eq!((answer.trans_id.as_str(), answer.status.as_str()), ("2", "failure"), "{answer:?}");
}
