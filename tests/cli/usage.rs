//! Help, completions, and what is typed wrongly.

use std::process::Stdio;

use super::cli;
use super::support::process::program;

/// The commands of the contract.
const COMMANDS: &[&str] = &[
    "run",
    "check",
    "map",
    "unmap",
    "resolve",
    "send",
    "listen",
    "watch",
    "trace",
    "queue",
    "sessions",
    "aliases",
    "watchers",
    "subscriptions",
    "rules",
    "completions",
];

#[tokio::test]
async fn every_command_has_help_with_examples() {
    let whole = cli(&["--help"]).await;
    assert_eq!((whole.code, whole.err.as_str()), (0, ""));
    for command in COMMANDS {
        assert!(whole.out.contains(&format!("\n  {command} ")), "{command} in {}", whole.out);
        for form in ["--help", "-h"] {
            let help = cli(&[command, form]).await;
            assert_eq!(help.code, 0, "{command}");
            assert!(help.out.contains("Examples:\n  "), "{command}: {}", help.out);
            assert!(help.out.contains("--json"), "{command}");
        }
    }
    assert_eq!(cli(&["--version"]).await.out, concat!("cpim-gateway ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[tokio::test]
async fn wrong_usage_is_said_on_standard_error() {
    for arguments in [
        &[][..],
        &["fly"],
        &["map"],
        &["map", "sip:a@b", "--fly"],
        &["send", "--from", "fred", "--to", "im:b@b.example", "x"],
        &["send", "--from", "pres:fred@a.example", "--to", "im:b@b.example", "x"],
        &["send", "--from", "im:a@a.example", "--to", "im:b@b.example", "--type", "text\r\nX: y", "x"],
        &["send", "--from", "im:a@a.example", "--to", "im:b@b.example", "--hops", "256", "x"],
        &["listen"],
        &["listen", "im:a@a.example", "--answer", "maybe"],
        &["listen", "im:a@a.example", "--note", "without a status"],
        &["listen", "im:a@a.example", "--count", "0"],
        &["watch", "--from", "im:a@a.example", "pres:b@b.example"],
        &["queue", "--limit", "0"],
        &["queue", "--http", "http://127.0.0.1:1"],
        &["queue", "--http", "https://a.example", "--token-file", "t"],
        &["completions", "tcsh"],
    ] {
        let ran = cli(arguments).await;
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!ran.err.is_empty(), "{arguments:?}");
        let ran = cli(&[arguments, &["--json"]].concat()).await;
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        let error: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
        assert!(error["error"].is_string(), "{arguments:?}: {error}");
    }
}

#[tokio::test]
async fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = cli(&["completions", shell]).await;
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell}");
        for command in COMMANDS {
            assert!(ran.out.contains(command), "{command} in {shell}");
        }
    }
}

#[tokio::test]
async fn a_reader_that_has_gone_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["completions", "zsh"][..], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = program(folder.path(), arguments).stdout(Stdio::from(writer)).spawn().unwrap();
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{arguments:?}");
    }
}
