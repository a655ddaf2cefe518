//! Rules of the house that no lint knows.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test, a panic is a failed test"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file at most: more is more than one thing.
const MOST_LINES: usize = 800;

/// What a `proto` crate must not depend on: whatever has sockets, tasks or a clock of its own.
const IO: [&str; 5] = ["tokio", "tokio-util", "tokio-rustls", "rustls", "async-trait"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below a folder of the project.
fn sources(folder: &str) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![root().join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.ends_with("target") => {}
                true => folders.push(path),
                false if path.extension().is_some_and(|extension| extension == "rs") => files.push(path),
                false => {}
            }
        }
    }
    assert!(!files.is_empty(), "nothing in {folder}");
    files
}

#[test]
fn files_can_be_read_whole() {
    for file in ["adapters", "src", "tests"].iter().flat_map(|folder| sources(folder)) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= MOST_LINES, "{}: {lines} lines; {MOST_LINES} are accepted", file.display());
    }
}

#[test]
fn sql_stands_in_the_store_only() {
    let store = root().join("src/store");
    for file in sources("src").iter().chain(&sources("adapters")).filter(|file| !file.starts_with(&store)) {
        let text = fs::read_to_string(file).unwrap();
        for word in ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "PRAGMA ", "rusqlite"] {
            assert!(!text.contains(word), "{}: {word}", file.display());
        }
    }
}

/// The dependencies that a crate is built with, by the names in its own `Cargo.toml`.
fn dependencies(manifest: &Path) -> Vec<String> {
    let text = fs::read_to_string(manifest).unwrap();
    let manifest: toml_edit::DocumentMut = text.parse().unwrap();
    let table = manifest.get("dependencies").and_then(toml_edit::Item::as_table_like);
    table.into_iter().flat_map(|table| table.iter()).map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn proto_crates_have_no_io_and_adapters_know_only_the_contract() {
    let mut protos = 0;
    for entry in fs::read_dir(root().join("adapters")).unwrap() {
        let adapter = entry.unwrap().path();
        let ours = |manifest: &Path| -> Vec<String> {
            dependencies(manifest).into_iter().filter(|name| name.starts_with("cpim-")).collect()
        };
        let (manifest, proto) = (adapter.join("Cargo.toml"), adapter.join("proto/Cargo.toml"));
        if !proto.exists() {
            continue;
        }
        protos += 1;
        for name in dependencies(&proto) {
            assert!(!IO.contains(&name.as_str()), "{}: {name}", proto.display());
        }
        assert_eq!(ours(&proto), ["cpim-adapter"], "{}", proto.display());
        let own = ours(&manifest);
        let [contract, codec] = own.as_slice() else { panic!("{}: {own:?}", manifest.display()) };
        assert_eq!(contract, "cpim-adapter", "{}", manifest.display());
        assert!(codec.ends_with("-proto"), "{}: {codec}", manifest.display());
    }
    assert!(protos >= 1, "no proto crate was found");
}

#[test]
fn the_contract_depends_on_no_other_crate_of_ours() {
    let ours = dependencies(&root().join("adapters/api/Cargo.toml"));
    assert!(!ours.is_empty());
    assert!(!ours.iter().any(|name| name.starts_with("cpim-")), "{ours:?}");
}

#[test]
fn only_the_registry_names_adapters() {
    let may = ["src/registry.rs", "src/registry/"].map(|path| root().join(path));
    for file in sources("src").iter().filter(|file| !may.iter().any(|may| file.starts_with(may))) {
        let text = fs::read_to_string(file).unwrap();
        assert!(!text.contains("cpim_native::"), "{} names an adapter", file.display());
    }
}
