//! Scenes: who says what to whom in which protocol, what the others see, and what the sender is told. Each `.scene` in
//! this folder is played with a gateway of its own, over its real listeners. README.md says how one is written.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "in a test, a panic is a failed test"
)]

#[path = "../support/mod.rs"]
mod support;

mod mail;
mod people;
mod play;
mod scene;

use std::fs;
use std::path::Path;

use scene::Scene;

/// Scenes there are at least: fewer, and some have gone.
const SCENES: usize = 12;

#[test]
fn every_scene_goes_as_it_is_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "scene"));
    files.sort();
    assert!(files.len() >= SCENES, "{} scenes", files.len());
    // To try one: `SCENE=bounce cargo test --test scenarios`.
    if let Ok(only) = std::env::var("SCENE") {
        files.retain(|path| path.file_stem().is_some_and(|stem| stem.to_string_lossy() == only));
        assert!(!files.is_empty(), "no scene is called {only:?}");
    }
    let mut failures = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let played = Scene::read(&fs::read_to_string(&file).unwrap()).and_then(|scene| {
            println!("{name}: {}", scene.title);
            play::play(&scene)
        });
        if let Err(wrong) = played {
            failures.push(format!("tests/scenarios/{name}, {wrong}"));
        }
    }
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

/// A scene that is not so must not pass.
#[test]
fn what_did_not_happen_is_told_with_its_line() {
    let cast =
        "Scene: x\nfred is im:fred@a.example\nbarney is im:barney@b.example\nfred joins\nbarney joins\n";
    for (steps, line, named) in [
        ("fred writes to barney: one\nbarney sees from fred: two", 7, "text \"one\", not \"two\""),
        (
            "fred writes to barney: one\nbarney sees from fred: one\nfred is told failure",
            8,
            "was told \"success\"",
        ),
        ("fred writes to barney: one\nbarney sees nothing", 7, "saw "),
        ("fred watches barney\nfred sees barney closed", 7, "saw "),
        ("fred writes to wilma: one", 6, "nobody is called wilma"),
    ] {
        let scene = Scene::read(&format!("{cast}{steps}\n")).unwrap();
        let wrong = play::play(&scene).expect_err(steps);
        assert!(wrong.line == line && wrong.what.contains(named), "{steps}: {wrong}");
    }
}
