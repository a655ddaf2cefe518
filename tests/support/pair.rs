//! Two gateways that know each other as peers, by one way or another. Called `a`, one is gw.a.example and hosts a.example.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use super::gateway::{Site, free_port};

/// Two sites, of which A finds B.
pub struct Pair {
    pub a: Site,
    pub b: Site,
    /// Where B's own IRC network is.
    pub b_irc: u16,
}

/// Two gateways that are linked by native CPIM, each by a route to the other.
pub fn over_cpim() -> Pair {
    over_cpim_with(["", ""])
}

/// As [`over_cpim`], with these lines more for each.
pub fn over_cpim_with(more: [&str; 2]) -> Pair {
    let (a, b) = (Site::new(""), Site::new(""));
    let route = |other: &str, port: u16| {
        let to = |domain: &str| {
            format!("[[route]]\ndomain = \"{domain}\"\nto = [\"127.0.0.1:{port}\"]\ntls = \"plain\"\n")
        };
        to(&format!("{other}.example")) + &to(&format!("gw.{other}.example"))
    };
    a.configure(&(peers("a", "b") + &route("b", b.port) + more[0]));
    b.configure(&(peers("b", "a") + &route("a", a.port) + more[1]));
    Pair { a, b, b_irc: 0 }
}

/// Two gateways that are linked over IRC: A connects to the network of B.
pub fn over_irc() -> Pair {
    let (a_irc, b_irc) = (free_port(), free_port());
    let route = format!(
        "[[route]]\ndomain = \"b.example\"\nprotocol = \"irc\"\nto = [\"127.0.0.1:{b_irc}\"]\ntls = \"plain\"\n"
    );
    let (a, b) = (Site::new(""), Site::new(""));
    let irc = |name: &str, port: u16| {
        format!("[irc]\nname = \"irc.{name}.example\"\n[[irc.listener]]\naddress = \"127.0.0.1:{port}\"\n")
    };
    a.configure(&(peers("a", "b") + &irc("a", a_irc) + &route));
    b.configure(&(peers("b", "a") + &irc("b", b_irc)));
    Pair { a, b, b_irc }
}

/// Two gateways that send each other mail, each to the other's listener.
pub fn over_mail() -> MailPair {
    let (a_mail, b_mail) = (free_port(), free_port());
    over_mail_by((a_mail, b_mail), (b_mail, a_mail))
}

/// The same, where A and B take mail at these ports, and send it to those.
pub fn over_mail_by((a_mail, b_mail): (u16, u16), (from_a, from_b): (u16, u16)) -> MailPair {
    let (a, b) = (Site::new(""), Site::new(""));
    let mail = |other: &str, here: u16, there: u16| {
        let route = |domain: &str| {
            format!(
                "[[route]]\ndomain = \"{domain}\"\nprotocol = \"smtp\"\nto = [\"127.0.0.1:{there}\"]\ntls = \"plain\"\n"
            )
        };
        format!("[[smtp.listener]]\naddress = \"127.0.0.1:{here}\"\n")
            + &route(&format!("{other}.example"))
            + &route(&format!("gw.{other}.example"))
    };
    a.configure(&(peers("a", "b") + &mail("b", a_mail, from_a)));
    b.configure(&(peers("b", "a") + &mail("a", b_mail, from_b)));
    MailPair { a, b, a_mail, b_mail }
}

/// Two sites that send each other mail.
pub struct MailPair {
    pub a: Site,
    pub b: Site,
    /// Where A takes mail.
    pub a_mail: u16,
    /// Where B does.
    pub b_mail: u16,
}

/// A gateway called `name`, whose peer is `other`, in which everybody may do everything.
fn peers(name: &str, other: &str) -> String {
    format!(
        r#"
relay_domain = "gw.{name}.example"
[store]
path = "gateway.db"
[admin]
socket = "admin.sock"
[log]
level = "debug"
[dns]
enabled = false
[rules]
default = "allow"
[principals]
subscribe = "allow"
fetch = "allow"
[[hosted]]
domain = "{name}.example"
[[peer]]
domain = "gw.{other}.example"
serves = ["{other}.example"]
secret_env = "PEER_SECRET"
[[cpim.listener]]
address = "127.0.0.1:PORT"
trust = ["{name}.example"]
"#
    )
}
