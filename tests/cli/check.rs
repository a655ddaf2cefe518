//! `check`: every error with its place, and the exit code that scripts go by.

use std::fs;

use super::support::process::run;
use super::{cli, examples, objects};

#[tokio::test]
async fn the_example_is_valid() {
    let file = examples().join("demo.toml");
    let file = file.to_str().unwrap();
    let ran = cli(&["check", "--config", file]).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out, format!("{file}: valid, for the gateway gw.example\n"));
    let json = cli(&["check", "--config", file, "--json"]).await;
    let told = &objects(&json.out)[0];
    assert_eq!((&told["valid"], &told["relay_domain"]), (&true.into(), &"gw.example".into()));
}

#[tokio::test]
async fn each_error_is_a_line_with_file_line_and_key() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("gw.toml"),
        "relay_domain = \"gw.example\"\n[limits]\nhops = 1000\nhop = 1\n",
    )
    .unwrap();
    let ran = run(folder.path(), &["check", "--config", "gw.toml"]).await;
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    let lines: Vec<&str> = ran.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ran.err);
    assert!(lines[0].starts_with("gw.toml:3: limits.hops: "), "{}", lines[0]);
    assert!(lines[1].starts_with("gw.toml:4: limits.hop: "), "{}", lines[1]);

    let json = run(folder.path(), &["check", "--config", "gw.toml", "--json"]).await;
    assert_eq!((json.code, json.err.as_str()), (2, ""));
    let told = &objects(&json.out)[0];
    assert_eq!(told["valid"], false);
    assert_eq!((&told["errors"][0]["line"], &told["errors"][0]["key"]), (&3.into(), &"limits.hops".into()));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_no_configuration() {
    let ran = cli(&["check"]).await;
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("config/gateway.toml"), "{}", ran.err);
}
