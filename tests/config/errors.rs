//! What mistakes are called: where they are, which key, and what would have been right. One test for each kind.

use crate::folder::Folder;

/// Asserts on what is called wrong with `text`, whose first line is empty and not counted. The relay domain is
/// `gw.example` unless `variables` say otherwise.
#[track_caller]
fn assert_errors(folder: &Folder, text: &str, variables: &[(&str, &str)], expected: &str) {
    let errors = folder.errors(text.trim_start_matches('\n'), variables);
    assert_eq!(errors.trim(), expected.trim(), "\n{errors}\n");
}

const RELAY_DOMAIN: (&str, &str) = ("CPIM_GATEWAY_RELAY_DOMAIN", "gw.example");

#[test]
fn a_bare_word() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[log]
level = info
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:2:9: not TOML: invalid float, expected `inf`; text stands in quotes
"#,
    );
}

#[test]
fn a_bracket_left_open() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[log
level = "info"
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:1:5: not TOML: unclosed table, expected `]`
"#,
    );
}

#[test]
fn a_key_twice() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[log]
level = "info"
level = "warn"
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:3:1: not TOML: duplicate key
"#,
    );
}

/// A value that cannot be read hides nothing else: neither in its table nor in others of the section.
#[test]
fn all_of_a_section_of_an_adapter() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[cpim]
idle_timeout = "0s"
[[cpim.listener]]
address = "localhost:6996"
certificate = "nope.pem"
[[cpim.listener]]
address = "0.0.0.0:5870"
[[cpim.listener]]
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:2: cpim.idle_timeout: out of bounds; a time of at least "1s" is accepted
gw.toml:3: cpim.listener[0].key: is missing; the private key of certificate must be given
gw.toml:4: cpim.listener[0].address: "localhost:6996"; an IP address and a port, such as "127.0.0.1:5870" or "[::1]:5870", is accepted
gw.toml:7: cpim.listener[1].address: 0.0.0.0:5870 is not loopback; certificate and key must be given, or plain = "unencrypted-over-the-network" where that is meant
gw.toml:8: cpim.listener[2].address: is missing; address (TCP) or path (Unix socket) must be given
"#,
    );
}

#[test]
fn no_relay_domain() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[log]
"#,
        &[],
        r#"
gw.toml: relay_domain: is missing; this gateway's own domain, such as "gw.example", must be given
"#,
    );
}

#[test]
fn a_relay_domain_that_is_none() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
relay_domain = "gw_1.example"
"#,
        &[],
        r#"
gw.toml:1: relay_domain: '_' in the label `gw_1`: a label is made of letters, digits and `-`
"#,
    );
}

#[test]
fn a_relay_domain_twice() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
relay_domain = "gw.example"
relay_domains_extra = ["b.example", "GW.example"]
"#,
        &[],
        r#"
gw.toml:2: relay_domains_extra[1]: "gw.example" is named already; each relay domain is named once
"#,
    );
}

#[test]
fn unknown_keys() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[limit]
hops = 3
[limits]
hopps = 3
colour = "red"
[cpim.tls]
verify = false
[[cpim.listener]]
address = "127.0.0.1:5870"
trsut = []
[[peer]]
domain = "b.example"
secret = "s"
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:1: limit: unknown key "limit"; did you mean "limits"? accepted: "relay_domain", "relay_domains_extra", "store", "admin", "log", "limits", "presence", "kept", "dns", "selectors", "hosted", "route", "peer", "application", "principals", "rule", "rules", "mapping", "cpim", "irc", "smtp"
gw.toml:4: limits.hopps: unknown key "hopps"; did you mean "hops"? accepted: "hops", "retry_horizon", "max_wait", "pair_backlog", "memory_octets", "xml_octets", "content_octets", "depth", "attributes", "session_operations", "sessions", "remembers", "drain"
gw.toml:5: limits.colour: unknown key "colour"; accepted: "hops", "retry_horizon", "max_wait", "pair_backlog", "memory_octets", "xml_octets", "content_octets", "depth", "attributes", "session_operations", "sessions", "remembers", "drain"
gw.toml:7: cpim.tls.verify: unknown key "verify"; accepted: "ca", "certificate", "key"
gw.toml:10: cpim.listener[0].trsut: unknown key "trsut"; did you mean "trust"? accepted: "address", "path", "plain", "certificate", "key", "client_ca", "trust"
gw.toml:13: peer[0].secret: unknown key "secret"; accepted: "domain", "serves", "sources", "secret_file", "secret_env"
"#,
    );
}

#[test]
fn values_of_another_kind() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[limits]
hops = 300
retry_horizon = 300
max_wait = "5 minutes"
pair_backlog = "many"
memory_octets = "1 MB"
sessions = -1
[store]
durability = "fully"
[admin]
token_file = 3
http = "localhost:80"
[dns]
enabled = "no"
servers = ["192.0.2.1", "dns.example", "192.0.2.2", 53]
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:2: limits.hops: 300; a whole number from 0 to 255 is accepted
gw.toml:3: limits.retry_horizon: 300; a time with its unit (ms, s, m, h, d), such as "30s", "5m" or "1h30m", is accepted
gw.toml:4: limits.max_wait: "5 minutes"; a time with its unit (ms, s, m, h, d), such as "30s", "5m" or "1h30m", is accepted
gw.toml:5: limits.pair_backlog: "many"; a whole number, 0 or more, is accepted
gw.toml:6: limits.memory_octets: "1 MB"; a number of octets, or one with its unit (KiB, MiB, GiB), such as "64 KiB", is accepted
gw.toml:7: limits.sessions: -1; a whole number, 0 or more, is accepted
gw.toml:9: store.durability: unknown value "fully"; did you mean "full"? accepted: "full", "none"
gw.toml:11: admin.token_file: 3; a path, as a string, is accepted
gw.toml:12: admin.http: "localhost:80"; an IP address and a port, such as "127.0.0.1:5870" or "[::1]:5870", is accepted
gw.toml:14: dns.enabled: "no"; true or false is accepted
gw.toml:15: dns.servers[1]: "dns.example"; an IP address with or without a port, such as "192.0.2.53" or "[2001:db8::53]:5353", is accepted
gw.toml:15: dns.servers[3]: 53; an IP address with or without a port, such as "192.0.2.53" or "[2001:db8::53]:5353", is accepted
"#,
    );
}

#[test]
fn tables_and_lists_of_another_kind() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
rule = 3
limits = []
log = "debug"
[route]
domain = "b.example"
[[hosted]]
domain = ["a.example"]
uris = "im:fred@c.example"
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:1: rule: a list of tables is accepted, each begun by [[rule]]
gw.toml:2: limits: found a list; a table is accepted
gw.toml:3: log: "debug"; a table is accepted
gw.toml:4: route: a list of tables is accepted, each begun by [[route]]
gw.toml:7: hosted[0].domain: found a list; a string is accepted
gw.toml:8: hosted[0].uris: "im:fred@c.example"; a list is accepted
"#,
    );
}

#[test]
fn names_of_routes() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[[route]]
domain = "b..example"
to = [
  "gw.b.example",
  "gw.b.example:5870",
  "[::1]:0",
  "-:1",
]
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:2: route[0].domain: "b..example": a label is empty: a domain neither begins nor ends with a dot, and has no two together; a domain ("a.example") or all below one (".example") is accepted
gw.toml:4: route[0].to[0]: "gw.b.example": no port; a host and its port, such as "gw.b.example:5870" or "[2001:db8::1]:5870", is accepted
gw.toml:6: route[0].to[2]: "[::1]:0": the port is a number from 1 to 65535; a host and its port, such as "gw.b.example:5870" or "[2001:db8::1]:5870", is accepted
gw.toml:7: route[0].to[3]: "-:1": the label `-` begins or ends with `-`: a label begins and ends with a letter or digit; a host and its port, such as "gw.b.example:5870" or "[2001:db8::1]:5870", is accepted
"#,
    );
}

#[test]
fn patterns_of_rules() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[[rule]]
action = "permit"
from = "im:fred"
to = "*.example"
[[rule]]
action = "deny"
from = "frob:"
[[rule]]
from = ".example"
auth = "sure"
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:2: rule[0].action: unknown value "permit"; accepted: "allow", "deny"
gw.toml:3: rule[0].from: "im:fred": no `@`: expected a local-part, `@` and a domain; "*", a domain ("a.example"), all below one (".example"), a URI ("im:fred@a.example") or a selector ("irc:") is accepted
gw.toml:4: rule[0].to: "*.example": '*' in the label `*`: a label is made of letters, digits and `-`; "*", a domain ("a.example"), all below one (".example"), a URI ("im:fred@a.example") or a selector ("irc:") is accepted
gw.toml:7: rule[1].from: the selector `frob` is unknown: known are im, irc, ircs, mailto, pepp, pres, sip, sips, tel, xmpp
gw.toml:8: rule[2].action: is missing; it must be given
gw.toml:10: rule[2].auth: unknown value "sure"; accepted: "anonymous", "claimed", "verified"
"#,
    );
}

#[test]
fn claims() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[[application]]
name = "x"
covers = ["a.example", "gw.example", "im:gateway@gw.example", "irk:", "sip:fred@a.example", ".example"]
certificate = "x.example"
[[application]]
name = "y"
covers = ["a.example", "gw.example", "im:gateway@gw.example", "irk:"]
certificate = "y.example"
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:3: application[0].covers[4]: "sip:fred@a.example": no `im:` or `pres:` at the start: expected such as `im:fred@example.com`; a domain ("a.example"), a URI ("im:fred@a.example") or a selector ("irc:") is accepted
gw.toml:3: application[0].covers[5]: ".example": a label is empty: a domain neither begins nor ends with a dot, and has no two together; a domain ("a.example"), a URI ("im:fred@a.example") or a selector ("irc:") is accepted
gw.toml:7: application[1].covers[1]: "gw.example" is at the relay domain, which nobody may claim; a selector is accepted
gw.toml:7: application[1].covers[2]: "im:gateway@gw.example" is at the relay domain, which nobody may claim; a selector is accepted
gw.toml:7: application[1].covers[3]: the selector `irk` is unknown: known are im, irc, ircs, mailto, pepp, pres, sip, sips, tel, xmpp
"#,
    );
}

#[test]
fn everything_at_once() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[[route]]
to = ["h:1"]
hops = 3
[[route]]
domain = "c.example"
to = []
protocol = "xmpp"
tls = "maybe"
[[route]]
domain = "gw.example"
protocol = "smpt"
to = []
[limits]
hops = 0
sessions = 0
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:1: route[0].domain: is missing; it must be given
gw.toml:3: route[0].hops: unknown key "hops"; accepted: "domain", "protocol", "to", "retry_horizon", "max_wait", "tls"
gw.toml:8: route[1].tls: unknown value "maybe"; accepted: "plain", "required"
gw.toml:10: route[2].domain: "gw.example" is this gateway's own; a route leads to somebody else's
gw.toml:11: route[2].protocol: unknown protocol "smpt"; did you mean "smtp"? accepted: "cpim", "irc", "smtp"
gw.toml:12: route[2].to: leads nowhere; at least one "host:port" must be given
gw.toml:14: limits.hops: out of bounds; a number from 1 to 255 is accepted
gw.toml:15: limits.sessions: out of bounds; a number of at least 1 is accepted
"#,
    );
}

#[test]
fn limits_that_do_not_hold_together() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[limits]
pair_backlog = 100
memory_octets = "1 MiB"
remembers = "2d"
xml_octets = 100
[log]
level = "inof"
[dns]
system = false
max_candidates = 1
protocols = ["cpim", "sip", "cpim"]
[selectors]
winfo = "opaque"
irc = "opaque"
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:2: limits.pair_backlog: out of bounds; a number of at least 1024 is accepted
gw.toml:3: limits.memory_octets: out of bounds; room for one frame at its limit, 1048676 octets, is accepted
gw.toml:4: limits.remembers: out of bounds; a time of at most store.keep_answers, "86400s", is accepted
gw.toml:5: limits.xml_octets: out of bounds; a size of at least 4096 octets is accepted
gw.toml:7: log.level: "inof" is no level; error, warn, info, debug, trace or off is accepted, or module=level, parted by commas
gw.toml:9: dns.system: nobody to ask; system = true, servers, or enabled = false is accepted
gw.toml:10: dns.max_candidates: out of bounds; a number of at least 2 is accepted
gw.toml:11: dns.protocols[1]: unknown protocol "sip"; accepted: "cpim", "irc", "smtp"
gw.toml:11: dns.protocols[2]: "cpim" is named already; each protocol is named once
gw.toml:13: selectors.winfo: the selector `winfo` is reserved, and carries no foreign address
gw.toml:14: selectors.irc: the selector `irc` is known already, with addresses that begin `irc://`
"#,
    );
}

#[test]
fn domains_that_are_two_things() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[[hosted]]
domain = "a.example"
[[hosted]]
domain = "gw.example"
[[hosted]]
domain = "a.example"
[[hosted]]
[[peer]]
domain = "gw.b.example"
serves = ["a.example", "b.example"]
sources = ["gw.example", ".example"]
[[peer]]
domain = "gw.b.example"
serves = ["b.example"]
[[route]]
domain = "a.example"
to = ["h:1"]
[[route]]
domain = ".c.example"
to = ["h:1"]
[[route]]
domain = ".c.example"
to = ["h:2"]
[[mapping]]
domain = "a.example"
selector = "irk"
[[mapping]]
domain = "irc.gw.example"
selector = "irc"
prefix = "irc.example.net"
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:4: hosted[1].domain: "gw.example" is the relay domain, which is the gateway's alone; another is accepted
gw.toml:6: hosted[2].domain: "a.example" is named already; each domain is named once
gw.toml:7: hosted[3]: nothing is hosted; domain or uris must be given
gw.toml:10: peer[0].serves[0]: "a.example" is hosted here; a domain has one home
gw.toml:11: peer[0].sources[0]: "gw.example" is this gateway's own; nobody else may send for it
gw.toml:13: peer[1].domain: "gw.b.example" is named already; each domain is named once
gw.toml:14: peer[1].serves[0]: "b.example" is named already; each domain is named once
gw.toml:16: route[0].domain: "a.example" is this gateway's own; a route leads to somebody else's
gw.toml:22: route[2].domain: ".c.example" has a route already, and one alone is taken; name all its addresses in one
gw.toml:25: mapping[0].domain: "a.example" is named already; each domain is named once
gw.toml:26: mapping[0].selector: the selector `irk` is unknown: known are im, irc, ircs, mailto, pepp, pres, sip, sips, tel, xmpp
gw.toml:27: mapping[1]: the prefix `irc.example.net` must end with `/`, as in `irc.example.net/`
"#,
    );
}

#[test]
fn addresses_taken_twice() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[admin]
http = "127.0.0.1:5870"
[[cpim.listener]]
address = "127.0.0.1:5870"
[[cpim.listener]]
address = "[::]:5871"
plain = "unencrypted-over-the-network"
[[cpim.listener]]
address = "127.0.0.1:5871"
[[cpim.listener]]
path = "/tmp/cpim-gateway-test.sock"
[[cpim.listener]]
path = "/tmp/cpim-gateway-test.sock"
[[route]]
domain = "b.example"
to = ["127.0.0.1:5871", "127.0.0.1:5872"]
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:4: cpim.listener[0].address: 127.0.0.1:5870 is taken by admin.http; one of its own is accepted
gw.toml:9: cpim.listener[2].address: 127.0.0.1:5871 is taken by cpim.listener[1].address; one of its own is accepted
gw.toml:13: cpim.listener[4].path: /tmp/cpim-gateway-test.sock is taken by cpim.listener[3].path; one of its own is accepted
gw.toml:16: route[0].to[0]: 127.0.0.1:5871 is this gateway itself (cpim.listener[1].address); the address of another is accepted
"#,
    );
}

#[test]
fn listeners_that_are_not_safe() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[[cpim.listener]]
address = "192.0.2.1:5870"
trust = ["a.example"]
[[cpim.listener]]
[[cpim.listener]]
address = "127.0.0.1:1"
path = "x.sock"
[[cpim.listener]]
path = "gw.toml/x.sock"
certificate = "a.pem"
[[cpim.listener]]
address = "127.0.0.1:3"
trust = ["gw.example"]
client_ca = "system"
[cpim]
idle_timeout = "0s"
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:2: cpim.listener[0].address: 192.0.2.1:5870 is not loopback; certificate and key must be given, or plain = "unencrypted-over-the-network" where that is meant
gw.toml:3: cpim.listener[0].trust: beyond loopback nobody is trusted unseen; a loopback address or a Unix socket is accepted
gw.toml:4: cpim.listener[1].address: is missing; address (TCP) or path (Unix socket) must be given
gw.toml:7: cpim.listener[2].path: a second place; address (TCP) or path (Unix socket) is accepted
gw.toml:8: cpim.listener[3].key: is missing; the private key of certificate must be given
gw.toml:9: cpim.listener[3].path: gw.toml: No such file or directory (os error 2); a path in a folder that the gateway can write to is accepted
gw.toml:10: cpim.listener[3].certificate: a Unix socket has no TLS; its permissions say who may come
gw.toml:13: cpim.listener[4].trust: "gw.example" is the relay domain, which nobody may claim
gw.toml:14: cpim.listener[4].client_ca: clients show certificates over TLS only; certificate and key must be given too
gw.toml:16: cpim.idle_timeout: out of bounds; a time of at least "1s" is accepted
"#,
    );
}

#[test]
fn a_listener_that_is_plain_by_chance() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[[cpim.listener]]
address = "192.0.2.1:5870"
plain = "yes"
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:2: cpim.listener[0].address: 192.0.2.1:5870 is not loopback; certificate and key must be given, or plain = "unencrypted-over-the-network" where that is meant
gw.toml:3: cpim.listener[0].plain: unknown value "yes"; accepted: "unencrypted-over-the-network"
"#,
    );
}

#[test]
fn certificates_and_keys_that_do_not_match() {
    let folder = Folder::new();
    folder.write_certificate("a").write_certificate("b").write("open", "", 0o644).write("none", "", 0o600);
    assert_errors(
        &folder,
        r#"
[[cpim.listener]]
address = "127.0.0.1:1"
certificate = "a.pem"
key = "b.key"
[[cpim.listener]]
address = "127.0.0.1:2"
certificate = "a.pem"
[[cpim.listener]]
address = "127.0.0.1:3"
certificate = "a.pem"
key = "open"
[[cpim.listener]]
address = "127.0.0.1:4"
certificate = "none"
key = "a.key"
[[cpim.listener]]
address = "127.0.0.1:5"
certificate = "a.pem"
key = "b.pem"
plain = "unencrypted-over-the-network"
[cpim.tls]
ca = "missing.pem"
certificate = "a.pem"
key = "a.key"
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:4: cpim.listener[0].key: b.key: is not the key of the first certificate in a.pem
gw.toml:5: cpim.listener[1].key: is missing; the private key of certificate must be given
gw.toml:11: cpim.listener[2].key: open: everybody on this machine can use this file (mode 0644); `chmod o= FILE` closes it
gw.toml:14: cpim.listener[3].certificate: none: no certificate in it; certificates in PEM are accepted
gw.toml:19: cpim.listener[4].key: b.pem: everybody on this machine can use this file (mode 0644); `chmod o= FILE` closes it
gw.toml:20: cpim.listener[4].plain: contradicts certificate, with which the listener speaks TLS only
gw.toml:22: cpim.tls.ca: missing.pem: cannot be read: No such file or directory (os error 2); certificates in PEM are accepted, or "system"
"#,
    );
}

#[test]
fn secrets_that_are_none() {
    let folder = Folder::new();
    folder.write("open", "s", 0o644).write("good", "s", 0o640);
    folder.write("two", "a\nb\n", 0o600).write("none", "\n", 0o600);
    assert_errors(
        &folder,
        r#"
[[peer]]
domain = "gw1.example"
secret_file = "open"
[[peer]]
domain = "gw2.example"
secret_file = "missing"
[[peer]]
domain = "gw3.example"
secret_file = "two"
[[peer]]
domain = "gw4.example"
secret_file = "none"
[[peer]]
domain = "gw5.example"
secret_env = "NOT_SET"
[[peer]]
domain = "gw6.example"
secret_file = "good"
secret_env = "SET"
[[peer]]
domain = "gw7.example"
secret_env = "CPIM_GATEWAY_SECRET"
[[application]]
name = "x"
covers = []
secret_env = "SET"
[[application]]
name = "x"
covers = ["a.example"]
secret_env = "SET"
[[application]]
name = "y"
covers = ["b.example"]
"#,
        &[RELAY_DOMAIN, ("SET", "s3cret")],
        r#"
gw.toml:3: peer[0].secret_file: open: everybody on this machine can use this file (mode 0644); `chmod o= FILE` closes it
gw.toml:6: peer[1].secret_file: missing: cannot be read: No such file or directory (os error 2)
gw.toml:9: peer[2].secret_file: two: the secret holds a control character; one line of printable text is accepted
gw.toml:12: peer[3].secret_file: none: the secret is empty
gw.toml:15: peer[4].secret_env: the variable NOT_SET is not set
gw.toml:19: peer[5].secret_env: a second secret; secret_file or secret_env is accepted
gw.toml:22: peer[6].secret_env: "CPIM_GATEWAY_SECRET" would be a key of the configuration; a name without CPIM_GATEWAY_ is accepted
gw.toml:25: application[0].covers: nothing is covered; domains, URIs or selectors ("pepp:") must be given
gw.toml:27: application[1]: the secret is that of "x" too; a secret of its own is accepted
gw.toml:28: application[1].name: "x" is named already; a name of its own is accepted
gw.toml:31: application[2]: no proof; secret_file, secret_env or certificate must be given
"#,
    );
}

#[test]
fn variables() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
[limits]
hops = 3
depth = 1
[[route]]
domain = "b.example"
to = ["h:1"]
"#,
        &[
            RELAY_DOMAIN,
            ("CPIM_GATEWAY_LIMITS__HOPS", "many"),
            ("CPIM_GATEWAY_LIMITS__HOPPS", "3"),
            ("CPIM_GATEWAY_ROUTE", r#"[{ domain = "c.example", to = ["h:1", "h"] }]"#),
            ("CPIM_GATEWAY_RULE", "[{ action = allow }]"),
            ("CPIM_GATEWAY_LIMITS__", "3"),
            ("CPIM_GATEWAY_LOGS", "3"),
            ("CPIM_GATEWAY_LIMITZ__HOPS", "3"),
            ("OTHER", "3"),
        ],
        r#"
gw.toml:3: limits.depth: out of bounds; a number of at least 4 is accepted
CPIM_GATEWAY_LIMITS__: no key has this name; one such as CPIM_GATEWAY_LIMITS__HOPS, for limits.hops, is accepted
CPIM_GATEWAY_LIMITS__HOPPS: limits.hopps: unknown key "hopps"; did you mean "hops"? accepted: "hops", "retry_horizon", "max_wait", "pair_backlog", "memory_octets", "xml_octets", "content_octets", "depth", "attributes", "session_operations", "sessions", "remembers", "drain"
CPIM_GATEWAY_LIMITS__HOPS: limits.hops: "many"; a whole number from 0 to 255 is accepted
CPIM_GATEWAY_LIMITZ__HOPS: limitz: unknown key "limitz"; did you mean "limits"? accepted: "relay_domain", "relay_domains_extra", "store", "admin", "log", "limits", "presence", "kept", "dns", "selectors", "hosted", "route", "peer", "application", "principals", "rule", "rules", "mapping", "cpim", "irc", "smtp"
CPIM_GATEWAY_LOGS: logs: unknown key "logs"; did you mean "log"? accepted: "relay_domain", "relay_domains_extra", "store", "admin", "log", "limits", "presence", "kept", "dns", "selectors", "hosted", "route", "peer", "application", "principals", "rule", "rules", "mapping", "cpim", "irc", "smtp"
CPIM_GATEWAY_ROUTE: route[0].to[1]: "h": no port; a host and its port, such as "gw.b.example:5870" or "[2001:db8::1]:5870", is accepted
CPIM_GATEWAY_RULE: not a value of TOML: string values must be quoted, expected literal string
"#,
    );
}

#[test]
fn rules_that_would_never_match() {
    let folder = Folder::new();
    assert_errors(
        &folder,
        r#"
relay_domains_extra = ["old.example"]
[[mapping]]
domain = "irc.gw.example"
selector = "irc"
prefix = "irc.example.net/"
[[rule]]
action = "deny"
from = "irc.gw.example"
to = "old.example"
[[rule]]
action = "deny"
from = ".gw.example"
to = "gw.example"
"#,
        &[RELAY_DOMAIN],
        r#"
gw.toml:8: rule[0].from: "irc.gw.example" would never match, as its addresses are others in short; the relay domain, a selector ("irc:") or a URI is accepted
gw.toml:9: rule[0].to: "old.example" would never match, as its addresses are others in short; the relay domain, a selector ("irc:") or a URI is accepted
"#,
    );
}

#[test]
fn who_finds_servers_by_itself_need_be_told_none() {
    let folder = Folder::new();
    let text = "relay_domain = \"gw.example\"\n[[route]]\ndomain = \"b.example\"\nprotocol = \"smtp\"\n";
    assert_eq!(folder.load(text, &[]).unwrap().routes[0].to, []);
    let wrong = "gw.toml:2: route[0].to: leads nowhere; at least one \"host:port\" must be given";
    assert_eq!(folder.errors(&text.replace("smtp", "cpim"), &[]).trim(), wrong);
}
