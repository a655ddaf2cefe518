//! Watcher information: on the wire, and for administrators.

use std::process::Command;

use super::someone::{FRED, Someone, WILMA, gateway, outcome};
use crate::support::gateway::{Site, breathe};

const WINFO: &str = "pres:winfo=fred~40a.example@gw.example";
const BETTY: &str = "pres:betty@b.example";

/// What a command says, line by line.
fn says(site: &Site, arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cpim-gateway"));
    let socket = site.path("admin.sock");
    let output = command.args(arguments).arg("--socket").arg(socket).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[test]
fn a_presentity_learns_who_watches_and_who_looked_and_nobody_else_does() {
    let (site, _gateway) = gateway();
    let mut fred = Someone::serving(&site, FRED);
    let winfo = |who: &str| format!("<subscribe watcher='{who}' target='{WINFO}' duration='600'/>");
    assert_eq!(outcome(&fred.asks(&winfo(FRED), b"")), "success");
    assert_eq!(fred.is_told(), ["pres:fred@a.example closed"], "nobody");
    let mut wilma = Someone::serving(&site, WILMA);
    assert_eq!(outcome(&wilma.asks(&winfo(WILMA), b"")), "failure denied");

    wilma.subscribes("600", "");
    let told = fred.is_told();
    assert!(told[0].starts_with("pres:wilma@b.example open since ") && told.len() == 1, "{told:?}");
    let mut betty = Someone::serving(&site, BETTY);
    let look = format!("<subscribe watcher='{BETTY}' target='{FRED}' duration='0'/>");
    assert_eq!(outcome(&betty.asks(&look, b"")), "success");
    let told = fred.is_told();
    assert!(told[0].starts_with("pres:wilma@b.example open since "), "{told:?}");
    assert!(told[1].starts_with("pres:betty@b.example closed at "), "{told:?}");
    assert!(told[1].ends_with(", fetched"), "{told:?}");
    assert_eq!(wilma.is_told(), ["im:fred@a.example closed"]);
    assert_eq!(wilma.unsubscribes(), "success");
    let told = fred.is_told();
    assert!(told.iter().any(|tuple| tuple.starts_with("pres:wilma@b.example closed since ")), "{told:?}");
    assert!(told.iter().any(|tuple| tuple.ends_with(", unsubscribed")), "{told:?}");
}

#[test]
fn an_administrator_sees_watchers_and_subscriptions_also_after_a_kill() {
    let (site, gateway) = gateway();
    let _fred = Someone::serving(&site, FRED);
    let mut wilma = Someone::serving(&site, WILMA);
    let mut betty = Someone::serving(&site, BETTY);
    wilma.subscribes("600", " subscriptID='hers'");
    wilma.is_told();
    let short = format!("<subscribe watcher='{BETTY}' target='{FRED}' duration='1'/>");
    assert_eq!(outcome(&betty.asks(&short, b"")), "success");
    let ended = |lines: &[String]| {
        lines.iter().any(|line| words(line).first() == Some(&BETTY) && words(line).last() == Some(&"expired"))
    };
    while !ended(&says(&site, &["watchers", FRED])) {
        breathe();
    }
    gateway.kill();
    let _gateway = site.start();
    let lines = says(&site, &["watchers", "im:fred@a.example"]);
    assert_eq!(words(&lines[0]), ["WATCHER", "SINCE", "UNTIL", "ENDED"]);
    assert_eq!((words(&lines[1])[0], words(&lines[1])[3]), (WILMA, "-"));
    assert!(ended(&lines), "{lines:?}");
    let lines = says(&site, &["subscriptions", WILMA]);
    assert_eq!(words(&lines[0]), ["PRESENTITY", "SINCE", "UNTIL", "KEPT", "ID"]);
    assert_eq!((words(&lines[1])[0], words(&lines[1])[3], words(&lines[1])[4]), (FRED, "here", "hers"));
    let json = says(&site, &["watchers", FRED, "--json"]);
    let row: serde_json::Value = serde_json::from_str(&json[0]).unwrap();
    assert_eq!((&row["watcher"], &row["ended"]), (&WILMA.into(), &serde_json::Value::Null));
    assert_eq!(says(&site, &["subscriptions", BETTY, "--json"]), Vec::<String>::new());
}

#[test]
fn a_watcher_with_two_sessions_is_told_at_the_newest_and_misses_nothing() {
    told_at_the_newest(WILMA);
}

#[test]
fn so_is_a_watcher_whose_domain_has_two_sessions() {
    told_at_the_newest("b.example");
}

/// A notification goes to the session opened last, as a message does; when that one ends, the watcher hears at the other
/// what she may have missed.
fn told_at_the_newest(serves: &str) {
    let (site, _gateway) = gateway();
    let mut fred = Someone::serving(&site, FRED);
    let mut first = Someone::serving(&site, serves);
    first.subscribes("600", "");
    assert_eq!(first.is_told(), ["im:fred@a.example closed"]);
    let mut second = Someone::serving(&site, serves);
    assert_eq!(second.is_told(), ["im:fred@a.example closed"], "whoever comes is told the present state");
    fred.publishes("open", "one");
    assert_eq!(second.is_told(), ["im:fred@a.example open one"]);
    drop(second);
    assert_eq!(first.is_told(), ["im:fred@a.example open one"]);
    fred.publishes("closed", "two");
    assert_eq!(first.is_told(), ["im:fred@a.example closed two"]);
}
