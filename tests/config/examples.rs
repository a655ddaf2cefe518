//! Every file in `config/` loads, and says what its comments say.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use cpim_gateway::config::{Action, Config, Domain, DomainPattern, LogFormat, Pattern, Tls};
use cpim_gateway::registry::{cpim::section as native, irc::section as irc, sections, smtp::section as smtp};

use crate::folder::Folder;

fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

#[test]
fn the_demo_is_what_the_design_says() {
    // Nothing on top: it must run as it is. The working directory of a test is the package's.
    let config = Config::load_with(&example("demo.toml"), [], &sections()).unwrap();
    assert_eq!(config.relay_domain.as_str(), "gw.example");
    assert_eq!(config.store.path, PathBuf::from("demo.db"));
    assert_eq!(config.admin.socket, PathBuf::from("demo.sock"));
    assert_eq!(config.admin.http, Some("127.0.0.1:8642".parse().unwrap()));
    assert!(!config.dns.enabled);
    assert_eq!((config.rules.len(), config.rules_default), (0, Action::Allow));

    let section = config.section("cpim");
    assert!(section.is_present());
    let native = native::read(&section, &config.known()).unwrap();
    let [listener] = native.listener.as_slice() else { panic!("one listener: {native:?}") };
    assert_eq!(listener.address, Some("127.0.0.1:5870".parse().unwrap()));
    assert_eq!(listener.trust, [DomainPattern::Below(domain("example"))]);
}

#[test]
fn the_pair_points_at_each_other() {
    let folder = Folder::new();
    let secret = ("PAIR_SECRET", "s3cret");
    let load = |name| folder.load_file(&example(name), &[secret]).unwrap();
    let (a, b) = (load("pair-a.toml"), load("pair-b.toml"));
    for (here, there) in [(&a, &b), (&b, &a)] {
        let native = native::read(&there.section("cpim"), &there.known()).unwrap();
        let listener = native.listener[0].address.unwrap();
        let home = there.hosted[0].domain.clone().unwrap();
        assert_eq!(here.peers[0].domain, there.relay_domain);
        assert_eq!(here.peers[0].serves, std::slice::from_ref(&home));
        let routed: Vec<_> = here.routes.iter().map(|route| route.domain.clone()).collect();
        assert_eq!(routed, [home, there.relay_domain.clone()].map(DomainPattern::Exactly));
        for route in &here.routes {
            assert_eq!(route.to.iter().map(ToString::to_string).collect::<Vec<_>>(), [listener.to_string()]);
            assert_eq!(route.tls, Tls::Plain);
        }
    }
    let secrets = [&a, &b].map(|config| config.peers[0].secret.clone().unwrap());
    assert!(secrets.iter().all(|secret| secret.matches("s3cret")));
    assert_ne!(a.store.path.file_name(), None);
}

#[test]
fn the_commented_example_loads_once_its_files_are_there() {
    let folder = Folder::new();
    let text = fs::read_to_string(example("gateway.toml")).unwrap();
    let here = |path: &str| folder.path(path).to_str().unwrap().to_owned();
    // Beside the file: what its comments tell an administrator to put there.
    folder.write_certificate("gateway").write("a.secret", "one\n", 0o600);
    folder.write("b.secret", "two\n", 0o640).write("zephyr.secret", "three\n", 0o600);
    folder.write("alice.secret", "four\n", 0o600).write("printer.secret", "five\n", 0o600);
    let text = text.replace("/run/cpim-gateway/cpim.sock", &here("cpim.sock"));
    let config = folder.load(&text, &[]).unwrap();

    assert_eq!(config.store.max_octets, Some(8 << 30));
    assert_eq!(config.selectors.find("zephyr").unwrap().as_str(), "zephyr");
    assert!(config.peers[0].secret.as_ref().unwrap().matches("two"));
    assert!(config.peers[0].sources[1].matches(&domain("x.c.example")));
    assert!(!config.peers[0].sources[1].matches(&domain("c.example")));
    assert_eq!(config.routes[0].retry_horizon, Some(Duration::from_secs(15 * 60)));
    assert_eq!(config.rules[1].to, Pattern::Any);
    assert_eq!(config.rules_default, Action::Deny);
    assert_eq!(config.mappings[0].domain().as_str(), "irc.a.example");
    let native = native::read(&config.section("cpim"), &config.known()).unwrap();
    assert_eq!(native.listener[0].certificate, Some(folder.path("gateway.pem")));
    assert_eq!(native.listener[1].path, Some(folder.path("cpim.sock")));
}

/// A key that is commented out shows its default: with every such line made live, nothing changes.
#[test]
fn what_is_commented_out_is_the_default() {
    let text = fs::read_to_string(example("gateway.toml")).unwrap();
    let is_key = |line: &str| {
        let rest = line.strip_prefix("# ").unwrap_or_default();
        let (key, _) = rest.split_once(" = ").unwrap_or_default();
        !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    // What has no default is shown by an example.
    let no_default = ["# http", "# servers"];
    let live = |line: &str| is_key(line) && !no_default.iter().any(|key| line.starts_with(key));
    let made_live = text.lines().filter(|line| live(line)).count();
    assert!(made_live >= 25, "only {made_live} defaults are shown");
    let all: String = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|_| live(line)).unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n");

    let folder = Folder::new();
    folder.write_certificate("gateway").write("a.secret", "one\n", 0o600);
    folder.write("b.secret", "two\n", 0o640).write("zephyr.secret", "three\n", 0o600);
    folder.write("alice.secret", "four\n", 0o600).write("printer.secret", "five\n", 0o600);
    let socket = folder.path("cpim.sock").to_str().unwrap().to_owned();
    let load = |text: &str| folder.load(&text.replace("/run/cpim-gateway/cpim.sock", &socket), &[]).unwrap();
    let (short, full) = (load(&text), load(&all));
    let mut difference = short.difference(&full);
    // An adapter's section is compared as it was written.
    difference.at_once.retain(|key| !["cpim.", "irc.", "smtp."].iter().any(|of| key.starts_with(of)));
    assert!(difference.is_empty(), "{difference:?}");
    let read = |config: &Config| native::read(&config.section("cpim"), &config.known()).unwrap();
    assert_eq!(read(&short), read(&full));
    let read = |config: &Config| irc::read(&config.section("irc"), &config.known()).unwrap();
    assert_eq!(read(&short), read(&full));
    let read = |config: &Config| smtp::read(&config.section("smtp"), &config.known()).unwrap();
    assert_eq!(read(&short), read(&full));
    assert_eq!(full.log.format, LogFormat::Text);
}
