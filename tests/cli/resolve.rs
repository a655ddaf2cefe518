//! `resolve`: each step, without DNS.

use std::fs;

use super::support::process::run;
use super::{cli, examples, objects};

const CONFIG: &str = r#"
relay_domain = "gw.example"
dns = { enabled = false }
hosted = [{ domain = "a.example" }]
[[route]]
domain = "b.example"
to = ["192.0.2.1:5870", "192.0.2.2:5870"]
"#;

#[tokio::test]
async fn a_pinned_route_is_shown_with_its_order() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("gw.toml"), CONFIG).unwrap();
    let resolve = async |uri: &str| run(folder.path(), &["resolve", uri, "--config", "gw.toml"]).await;

    let pinned = resolve("im:barney@b.example").await;
    assert_eq!(pinned.code, 0, "{}", pinned.err);
    let lines: Vec<&str> = pinned.out.lines().collect();
    assert_eq!(lines[0], "address   im:barney@b.example");
    assert!(lines[1].starts_with("route     b.example is pinned"), "{}", pinned.out);
    let places: Vec<&&str> = lines.iter().filter(|line| line.starts_with("cpim ")).collect();
    assert!(places[0].contains("192.0.2.1:5870") && places[1].contains("192.0.2.2:5870"), "{}", pinned.out);

    for (uri, code, told) in [
        ("im:fred@a.example", 0, "here      hosted"),
        ("im:sip=fred~40example.com@gw.example", 0, "here      stands for sip:fred@example.com"),
        ("im:gateway@gw.example", 0, "here      the gateway's own inbox"),
        ("im:bob@gw.example", 1, "here      there is no user bob"),
        ("im:fred@c.example", 1, "nowhere   no route"),
    ] {
        let ran = resolve(uri).await;
        assert_eq!(ran.code, code, "{uri}: {}", ran.err);
        assert!(ran.out.contains(told), "{uri}: {}", ran.out);
    }
    assert_eq!(resolve("mailto:fred@a.example").await.code, 2);
}

#[tokio::test]
async fn names_that_dns_does_not_have_are_answered_without_it() {
    let ran = cli(&["resolve", "im:fred@a.invalid", "--json"]).await;
    assert_eq!(ran.code, 1, "{}", ran.err);
    let told = &objects(&ran.out)[0];
    assert_eq!((&told["address"], &told["error"]), (&"im:fred@a.invalid".into(), &"no-route".into()));
}

#[tokio::test]
async fn json_has_the_steps_and_the_places() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("gw.toml"), CONFIG).unwrap();
    let ran =
        run(folder.path(), &["resolve", "pres:barney@b.example", "--config", "gw.toml", "--json"]).await;
    let told = &objects(&ran.out)[0];
    assert_eq!(told["protocol"], "cpim");
    assert_eq!(told["candidates"][0]["address"], "192.0.2.1:5870");
    assert_eq!(told["steps"][0]["step"], "route");
    let demo = examples().join("demo.toml");
    let nowhere = cli(&["resolve", "im:fred@c.example", "--config", demo.to_str().unwrap(), "--json"]).await;
    assert_eq!(nowhere.code, 1);
}
