//! Examples of configuration: each `toml` block is a whole file, and loads once what it names is there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cpim_gateway::config::Config;
use cpim_gateway::registry::sections;

use crate::pages::{pages, root};

/// Loads `text` from a folder that has every file that the examples name.
fn load(text: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    let made = rcgen::generate_simple_self_signed(vec!["gateway.example".to_owned()]).unwrap();
    write("gateway.pem", &made.cert.pem());
    write("gateway.key", &made.signing_key.serialize_pem());
    let secrets = ["a.secret", "alice.secret", "b.secret", "lines.secret", "printer.secret", "zephyr.secret"];
    for secret in secrets {
        write(secret, &format!("that of {secret}\n"));
    }
    let here = |name: &str| folder.path().join(name).display().to_string();
    write("gateway.toml", &text.replace("/run/cpim-gateway/cpim.sock", &here("cpim.sock")));
    let variables = [
        ("CPIM_GATEWAY_STORE__PATH", here("test.db")),
        ("CPIM_GATEWAY_ADMIN__SOCKET", here("test.sock")),
        ("PAIR_SECRET", "a secret".to_owned()),
    ];
    let variables = variables.map(|(name, value)| (name.into(), value.into()));
    Config::load_with(&folder.path().join("gateway.toml"), variables, &sections())
        .unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn examples_in_the_pages_load() {
    let mut loaded = 0;
    for page in pages() {
        for block in page.blocks().iter().filter(|block| block.language == "toml") {
            let config = load(&block.lines.join("\n"));
            assert!(config.relay_domain.as_str().ends_with(".example"), "{}", block.place);
            loaded += 1;
        }
    }
    assert!(loaded >= 3, "only {loaded} examples were found");
}

#[test]
fn every_file_in_the_folder_of_examples_loads() {
    let mut loaded = 0;
    for entry in fs::read_dir(root().join("config")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(path.extension(), Some("toml".as_ref()), "{}", Path::new(&path).display());
        load(&fs::read_to_string(&path).unwrap());
        loaded += 1;
    }
    assert!(loaded >= 4, "only {loaded} examples were found");
}
