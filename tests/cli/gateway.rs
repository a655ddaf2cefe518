//! The whole program: a gateway, somebody who listens, somebody who sends, and an administrator who looks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::objects;
use super::support::process::{Ran, Running, run};

const CONFIG: &str = r#"
relay_domain = "gw.example"
admin = { socket = "admin.sock", http = "127.0.0.1:0", token_file = "token" }
dns = { enabled = false }
rules = { default = "allow" }
principals = { subscribe = "allow", fetch = "allow" }
[[cpim.listener]]
path = "cpim.sock"
trust = [".example"]
"#;

/// A gateway that is ready, and where its admin interface is on HTTP.
async fn gateway(folder: &Path) -> (Running, String) {
    fs::write(folder.join("gw.toml"), CONFIG).unwrap();
    let mut running = Running::start(folder, &["run", "--config", "gw.toml"]);
    let line = running.err_line_with(" http=").await;
    let address = line.split(" http=").nth(1).unwrap().trim_matches('"').to_owned();
    running.err_line_with("ready").await;
    (running, format!("http://{address}"))
}

async fn look(folder: &Path, arguments: &[&str]) -> Ran {
    run(folder, &[arguments, &["--socket", "admin.sock"]].concat()).await
}

#[tokio::test]
async fn an_administrator_sees_where_a_message_went() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (running, http) = gateway(folder).await;
    let mode = |file: &str| fs::metadata(folder.join(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("admin.sock"), mode("token")), (0o600, 0o600));

    let mut inbox =
        Running::start(folder, &["listen", "--server", "cpim.sock", "im:barney@b.example", "--json"]);
    inbox.err_line_with("listening").await;
    let sessions = look(folder, &["sessions", "--json"]).await;
    assert_eq!(objects(&sessions.out)[0]["serves"], serde_json::json!(["im:barney@b.example"]));

    let sent = run(
        folder,
        &[
            "send",
            "--server",
            "cpim.sock",
            "--from",
            "im:fred@a.example",
            "--to",
            "im:barney@b.example",
            "--json",
            "Hi",
        ],
    );
    let sent = sent.await;
    assert_eq!(sent.code, 0, "{}", sent.err);
    let trans_id = objects(&sent.out)[0]["trans_id"].as_str().unwrap().to_owned();
    let arrived = &objects(&inbox.out_line().await)[0];
    assert_eq!((&arrived["source"], &arrived["body"]), (&"im:fred@a.example".into(), &"Hi".into()));

    let token = ["--http", &http, "--token-file", "token"];
    for name in [trans_id.as_str(), arrived["trans_id"].as_str().unwrap(), arrived["id"].as_str().unwrap()] {
        let traced = look(folder, &["trace", name]).await;
        assert_eq!(traced.code, 0, "{}", traced.err);
        assert!(traced.out.contains("\nto        im:barney@b.example\n"), "{}", traced.out);
        assert!(traced.out.contains("\noutcome   success"), "{}", traced.out);
        let by_http = run(folder, &[&["trace", name, "--json"], &token[..]].concat()).await;
        assert_eq!(objects(&by_http.out)[0]["id"], arrived["id"], "{}", by_http.err);
    }
    let unknown = look(folder, &["trace", "nobody-sent-this"]).await;
    assert_eq!((unknown.code, unknown.out.as_str()), (1, ""));
    assert_eq!(look(folder, &["queue"]).await.out, "ID  ACCEPTED  KIND  FROM  TO  STATE\n");
    assert_eq!(look(folder, &["aliases"]).await.out, "ALIAS  IN  LAST USED  ADDRESS\n");
    let watchers = look(folder, &["watchers", "pres:barney@b.example"]).await;
    assert_eq!(watchers.out, "WATCHER  SINCE  UNTIL  ENDED\n", "{}", watchers.err);
    let subscriptions = look(folder, &["subscriptions", "barney@b.example"]).await;
    assert_eq!(subscriptions.out, "PRESENTITY  SINCE  UNTIL  KEPT  ID\n", "{}", subscriptions.err);
    assert_eq!(look(folder, &["rules"]).await.out, "OWNER  SAYS  ABOUT  DETAIL\n");
    assert_eq!(look(folder, &["rules", "mailto:bob@b.example"]).await.out, "OWNER  SAYS  ABOUT  DETAIL\n");
    let nobody = look(folder, &["watchers", "nobody"]).await;
    assert_eq!((nobody.code, nobody.out.as_str()), (1, ""));

    fs::write(folder.join("wrong"), "0123456789\n").unwrap();
    fs::set_permissions(folder.join("wrong"), fs::Permissions::from_mode(0o600)).unwrap();
    let refused = run(folder, &["queue", "--http", &http, "--token-file", "wrong"]).await;
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("unauthorised"), "{}", refused.err);

    inbox.signal("TERM").await;
    assert_eq!(inbox.end().await.0.code(), Some(0));
    running.signal("TERM").await;
    assert_eq!(running.end().await.0.code(), Some(0));
    assert!(!folder.join("admin.sock").exists());
    let gone = look(folder, &["queue"]).await;
    assert_eq!(gone.code, 75, "{}", gone.err);
}

#[tokio::test]
async fn a_second_gateway_on_the_same_files_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let (running, _) = gateway(folder.path()).await;
    let second = run(folder.path(), &["run", "--config", "gw.toml"]).await;
    assert_eq!(second.code, 2, "{}", second.err);
    let queue = run(folder.path(), &["queue", "--config", "gw.toml"]).await;
    assert_eq!(queue.code, 0, "the first goes on: {}", queue.err);
    running.signal("INT").await;
    assert_eq!(running.end().await.0.code(), Some(0));
}

#[tokio::test]
async fn a_wrong_configuration_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("gw.toml"), "relay_domain = 7\n").unwrap();
    let ran = run(folder.path(), &["run", "--config", "gw.toml"]).await;
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("gw.toml:1: relay_domain: "), "{}", ran.err);
}

/// Waits until a program prints this.
async fn prints(running: &mut Running, words: &str) {
    while !running.out_line().await.contains(words) {}
}

/// "Subscriptions outlive a restart": whoever watches connects again and goes on, as whoever listens does.
#[tokio::test]
async fn a_watch_goes_on_after_its_gateway_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (running, _) = gateway(folder).await;
    let listen = |note| {
        let who =
            ["listen", "--server", "cpim.sock", "im:barney@b.example", "--status", "open", "--note", note];
        Running::start(folder, &who)
    };
    let mut first = listen("at home");
    first.err_line_with("listening").await;
    let mut watch = Running::start(
        folder,
        &[
            "watch",
            "--server",
            "cpim.sock",
            "--from",
            "pres:fred@a.example",
            "pres:barney@b.example",
            "--json",
        ],
    );
    prints(&mut watch, "at home").await;
    running.signal("KILL").await;
    running.end().await;
    first.signal("TERM").await;
    first.end().await;
    watch.err_line_with("connecting again").await;
    let (running, _) = gateway(folder).await;
    let second = listen("back again");
    prints(&mut watch, "back again").await;
    // It is one subscription still.
    let subscriptions = look(folder, &["subscriptions", "pres:fred@a.example"]).await;
    assert_eq!(subscriptions.out.lines().count(), 2, "{}", subscriptions.out);
    watch.signal("TERM").await;
    assert_eq!(watch.end().await.0.code(), Some(0));
    let subscriptions = look(folder, &["subscriptions", "pres:fred@a.example"]).await;
    assert_eq!(subscriptions.out.lines().count(), 1, "{}", subscriptions.out);
    drop((running, second));
}
