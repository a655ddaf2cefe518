//! What is read: the environment, secrets, the form for machines, and what a reload changes.

use std::path::Path;
use std::time::Duration;

use cpim_gateway::config::{Address, Admin, Config, Domain, Durability, Pattern, Secret, SecretError, Tls};
use cpim_gateway::router::Policy;

use crate::folder::Folder;

#[test]
fn a_file_is_needed() {
    let folder = Folder::new();
    let errors = folder.load_file(&folder.path("none.toml"), &[]).unwrap_err();
    let expected = format!(
        "{}: cannot be read: No such file or directory (os error 2)",
        folder.path("none.toml").display()
    );
    assert_eq!(errors.to_string(), expected);
    let long = "#".repeat(4 * 1024 * 1024 + 1);
    assert!(
        folder.load(&long, &[]).unwrap_err().to_string().ends_with("gw.toml: longer than 4194304 octets")
    );
}

#[test]
fn a_relay_domain_is_enough() {
    let config = Folder::new().load("relay_domain = \"GW.Example\"", &[]).unwrap();
    assert_eq!(config.relay_domain.as_str(), "gw.example");
    assert_eq!((config.limits.hops, config.limits.pair_backlog), (128, 1024));
    assert_eq!((config.limits.xml_octets, config.limits.content_octets), (65_536, 1_048_576));
    assert_eq!(config.limits.retry_horizon, Duration::from_secs(300));
    assert_eq!(config.limits.max_wait, Duration::from_secs(600));
    assert_eq!(config.limits.remembers, Duration::from_secs(3600));
    assert!(!config.section("cpim").is_present());
}

#[test]
fn every_key_can_be_set_by_the_environment() {
    let file = "relay_domain = \"gw.example\"\n[limits]\nhops = 3\ndepth = 20\n[[route]]\ndomain = \"b.example\"\nto = [\"h:1\"]\n";
    let config = Folder::new()
        .load(
            file,
            &[
                // A scalar, of the top level and of a table; bare strings and TOML's.
                ("CPIM_GATEWAY_RELAY_DOMAIN", "gw2.example"),
                ("CPIM_GATEWAY_LIMITS__HOPS", "9"),
                ("CPIM_GATEWAY_LIMITS__MAX_WAIT", "1h30m"),
                ("CPIM_GATEWAY_STORE__DURABILITY", "\"none\""),
                ("CPIM_GATEWAY_DNS__ENABLED", "false"),
                // A table, which is merged; a list, which is replaced.
                ("CPIM_GATEWAY_STORE", "{ max_octets = \"1 MiB\" }"),
                ("CPIM_GATEWAY_DNS__SERVERS", "[\"192.0.2.53\", \"[2001:db8::53]:5353\"]"),
                (
                    "CPIM_GATEWAY_ROUTE",
                    "[{ domain = \"c.example\", to = [\"[::1]:5870\"], tls = \"plain\" }]",
                ),
                ("CPIM_GATEWAY_CPIM__LISTENER", "[{ address = \"127.0.0.1:0\", trust = [\".example\"] }]"),
                // Not ours.
                ("CPIM_GATEWAYS_HOPS", "x"),
                ("cpim_gateway_limits__hops", "7"),
            ],
        )
        .unwrap();
    assert_eq!(config.relay_domain.as_str(), "gw2.example");
    assert_eq!((config.limits.hops, config.limits.depth), (9, 20));
    assert_eq!(config.limits.max_wait, Duration::from_secs(5400));
    assert_eq!((config.store.durability, config.store.max_octets), (Durability::None, Some(1 << 20)));
    assert!(!config.dns.enabled);
    let servers: Vec<_> = config.dns.servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["192.0.2.53:53", "[2001:db8::53]:5353"]);
    let [route] = config.routes.as_slice() else { panic!("one route: {:?}", config.routes) };
    assert_eq!(
        (route.domain.to_string(), route.to[0].to_string()),
        ("c.example".into(), "[::1]:5870".into())
    );
    assert_eq!(route.tls, Tls::Plain);
    assert!(config.section("cpim").is_present());
}

#[test]
fn a_secret_is_never_shown() {
    let folder = Folder::new();
    folder.write("secret", "correct horse\r\n", 0o600);
    let text = "relay_domain = \"gw.example\"\n\
                [[peer]]\ndomain = \"gw.b.example\"\nsecret_file = \"secret\"\n\
                [[application]]\nname = \"x\"\ncovers = [\"a.example\"]\nsecret_env = \"SECRET\"\n";
    let config = folder.load(text, &[("SECRET", "battery staple")]).unwrap();
    let secrets =
        [&config.peers[0].secret, &config.applications[0].secret].map(|secret| secret.as_ref().unwrap());
    assert_eq!(secrets.map(|secret| secret.expose()), ["correct horse", "battery staple"]);
    assert!(secrets[0].matches("correct horse"));
    assert!(!secrets[0].matches("correct horse\n") && !secrets[0].matches(""));
    let shown = format!("{config:?}");
    assert!(!shown.contains("horse") && !shown.contains("staple"), "{shown}");
}

#[test]
fn a_secret_has_room_for_1024_octets() {
    let longest = "s".repeat(1024);
    assert_eq!(Secret::new(&format!("{longest}\r\n")).unwrap().expose(), longest);
    assert!(matches!(Secret::new(&format!("{longest}s")), Err(SecretError::TooLong)));
    let folder = Folder::new();
    folder.write("longest", &format!("{longest}\r\n"), 0o600).write("endless", &longest.repeat(2), 0o600);
    assert_eq!(Secret::from_file(&folder.path("longest")).unwrap().expose(), longest);
    assert!(matches!(Secret::from_file(&folder.path("endless")), Err(SecretError::TooLong)));
}

#[test]
fn errors_have_a_form_for_machines() {
    let folder = Folder::new();
    let text = "relay_domain = \"gw.example\"\n[limits]\nhops = 0\n";
    let errors = folder.load(text, &[("CPIM_GATEWAY_LIMITS__DEPTH", "x")]).unwrap_err();
    let expected = serde_json::json!([
        {
            "file": folder.path("gw.toml"),
            "line": 3,
            "key": "limits.hops",
            "message": "out of bounds; a number from 1 to 255 is accepted",
        },
        {
            "variable": "CPIM_GATEWAY_LIMITS__DEPTH",
            "key": "limits.depth",
            "message": "\"x\"; a whole number, 0 or more, is accepted",
        },
    ]);
    assert_eq!(serde_json::to_value(&errors).unwrap(), expected);
}

#[test]
fn patterns_match_what_they_say() {
    let address = |uri: &str| Address::parse(uri).unwrap();
    let table = [
        ("*", "im:fred@a.example", None, true),
        ("im:fred@a.example", "im:fred@a.example", None, true),
        ("im:fred@a.example", "im:fred@A.Example", None, true),
        ("im:fred@a.example", "pres:fred@a.example", None, false),
        ("a.example", "pres:fred@a.example", None, true),
        ("a.example", "im:fred@b.a.example", None, false),
        (".a.example", "im:fred@b.a.example", None, true),
        (".a.example", "im:fred@a.example", None, false),
        (".a.example", "im:fred@ba.example", None, false),
        ("IRC:", "im:irc=irc.example.net/bob@gw.example", Some("irc"), true),
        ("irc:", "im:irc=irc.example.net/bob@gw.b.example", None, false),
        ("irc:", "im:sip=bob~40b.example@gw.example", Some("sip"), false),
    ];
    for (pattern, uri, selector, expected) in table {
        let matches = pattern.parse::<Pattern>().unwrap().matches(&address(uri), selector);
        assert_eq!(matches, expected, "{pattern} {uri}");
    }
}

#[test]
fn a_reload_tells_what_waits_for_a_restart() {
    let folder = Folder::new();
    let before = "relay_domain = \"gw.example\"\n[log]\nlevel = \"info\"\n[limits]\nmax_wait = \"600s\"\n\
                  [cpim]\nidle_timeout = \"60s\"\n[[cpim.listener]]\naddress = \"127.0.0.1:0\"\n";
    let after = "relay_domain = \"gw.example\"\nrelay_domains_extra = [\"old.example\"]\n\
                 [log]\nlevel = \"debug\"\nformat = \"json\"\n[limits]\nmax_wait = \"10m\"\n\
                 [rules]\ndefault = \"allow\"\n[[rule]]\naction = \"deny\"\n\
                 [cpim]\nidle_timeout = \"30s\"\n[[cpim.listener]]\naddress = \"[::1]:0\"\n";
    let load = |text| folder.load(text, &[]).unwrap();
    let (before, after) = (load(before), load(after));
    assert!(before.difference(&before).is_empty());
    let difference = before.difference(&after);
    assert_eq!(
        difference.at_once,
        ["log.level", "rule", "rules.default", "cpim.idle_timeout", "cpim.listener"]
    );
    assert_eq!(difference.restart, ["relay_domains_extra", "log.format"]);
    let extra = Domain::parse("old.example").unwrap();
    assert!(after.is_relay_domain(&extra) && !before.is_relay_domain(&extra));
}

#[test]
fn the_terms_of_a_domain_are_those_of_its_closest_route() {
    let wide = "[[route]]\ndomain = \".example\"\nto = [\"h:1\"]\ntls = \"plain\"\n";
    let own = "[[route]]\ndomain = \"b.example\"\nto = [\"h:2\"]\nmax_wait = \"7s\"\n";
    for routes in [[wide, own], [own, wide]] {
        let folder = Folder::new();
        let config =
            folder.load(&format!("relay_domain = \"gw.example\"\n{}", routes.concat()), &[]).unwrap();
        let policy = Policy::new(&config).unwrap();
        let terms = |domain| policy.terms(&Domain::parse(domain).unwrap());
        assert!(!terms("b.example").plain, "an exact route is not overridden by one that is wider");
        assert_eq!(terms("b.example").max_wait.as_secs(), 7);
        assert!(terms("a.example").plain);
        assert!(!terms("elsewhere.test").plain);
    }
}

#[test]
fn the_admin_socket_is_where_the_gateway_makes_it() {
    let folder = Folder::new();
    folder.write("gw.toml", "relay_domain = 7\n[admin]\nsocket = \"from-file\"\n", 0o644);
    let socket = |file: Option<&str>, variables: &[(&str, &str)]| {
        let file = file.map(|name| folder.path(name));
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        Config::admin_socket(file.as_deref(), variables).unwrap()
    };
    assert_eq!(socket(Some("gw.toml"), &[]), Path::new("from-file"));
    assert_eq!(socket(None, &[]), Admin::default().socket);
    for (name, value) in [
        ("CPIM_GATEWAY_ADMIN__SOCKET", "laid-over"),
        ("CPIM_GATEWAY_ADMIN__SOCKET", "\"laid-over\""),
        ("CPIM_GATEWAY_admin__socket", "laid-over"),
        ("CPIM_GATEWAY_ADMIN", "{ socket = \"laid-over\" }"),
    ] {
        assert_eq!(socket(Some("gw.toml"), &[(name, value)]), Path::new("laid-over"), "{name} {value}");
        assert_eq!(socket(None, &[(name, value)]), Path::new("laid-over"), "{name} {value}");
    }
    assert!(Config::admin_socket(Some(&folder.path("none.toml")), []).is_err());
}
