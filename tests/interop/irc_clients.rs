//! Stock IRC clients on the gateway's own network: irssi, WeeChat and ii, as their users sit before them.

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use crate::support::gateway::{Gateway, PATIENCE, Site, breathe, free_port};
use crate::support::native::Client;
use crate::terminal::Terminal;

/// A gateway whose IRC network is `irc.demo.example`.
struct Stage {
    site: Site,
    _gateway: Gateway,
    irc: u16,
    folder: TempDir,
}

impl Stage {
    fn new() -> Self {
        let irc = free_port();
        let site = Site::new(&format!(
            "[irc]\nname = \"irc.demo.example\"\nmotd = [\"Mind the gap\"]\n\
             [[irc.listener]]\naddress = \"127.0.0.1:{irc}\"\nguests = \"verified\"\n"
        ));
        let gateway = site.start();
        Self { site, _gateway: gateway, irc, folder: tempfile::tempdir().unwrap() }
    }

    fn fred(&self) -> Client {
        Client::serving(self.site.port, "im:fred@a.example", false)
    }
}

const ALICE: &str = "im:irc=irc.demo.example/alice@gw.example";

/// irssi: joins, reads the message of the day, writes to an address, is written to by a nick that looks like him, asks
/// who he is, and is told of a message that was not delivered.
#[test]
fn irssi_talks_to_a_native_user() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let home = stage.folder.path().join("irssi");
    fs::create_dir(&home).unwrap();
    // It is slow on purpose, for servers that count lines.
    let quick =
        "settings = { \"irc/core\" = { cmd_queue_speed = \"10msecs\"; cmds_max_at_once = \"1000\"; }; };";
    fs::write(home.join("config"), quick).unwrap();
    let irssi = Terminal::run(
        stage.folder.path(),
        "irssi",
        &format!("--home={} -c 127.0.0.1 -p {} -n alice", home.display(), stage.irc),
    );
    irssi.wait_for("Mind the gap");
    irssi.type_line("/msg fred@a.example Hello from irssi");
    let frame = fred.expect_message();
    assert_eq!((frame.attribute("source").as_deref(), frame.body()), (Some(ALICE), "Hello from irssi"));
    fred.respond(&frame, "success", "");
    fred.message("1", "im:fred@a.example", ALICE, "Yabba, dabba!");
    // irssi opens a window for a conversation, and answers the ping behind the message by itself.
    assert!(fred.expect_answer().is("success", ""));
    irssi.type_line("/query fred");
    irssi.wait_for("<fred> Yabba, dabba!");
    irssi.type_line("and to your nick");
    let frame = fred.expect_message();
    assert_eq!(frame.body(), "and to your nick");
    fred.respond(&frame, "success", "");
    irssi.type_line("/me waves");
    let frame = fred.expect_message();
    assert_eq!(frame.body(), "/me waves");
    fred.respond(&frame, "success", "");
    irssi.type_line("/whois fred");
    irssi.wait_for("im:fred@a.example");
    irssi.wait_for("End of WHOIS");
    irssi.type_line("/msg nobody@b.example are you there?");
    irssi.type_line("/query nobody@b.example");
    irssi.wait_for("No such nick");
    irssi.type_line("/quit");
}

/// WeeChat: the same, by its own ways.
#[test]
fn weechat_talks_to_a_native_user() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let home = stage.folder.path().join("weechat");
    let weechat = Terminal::run(
        stage.folder.path(),
        "weechat",
        &format!(
            "-d {} -r '/server add demo 127.0.0.1/{} -nicks=alice;/set irc.server.demo.ssl off;\
             /set irc.look.server_buffer independent;\
             /set weechat.look.paste_max_lines -1;/connect demo'",
            home.display(),
            stage.irc
        ),
    );
    weechat.type_line("/buffer demo");
    weechat.wait_for("Mind the gap");
    weechat.type_line("/msg fred@a.example Hello from WeeChat");
    let frame = fred.expect_message();
    assert_eq!((frame.attribute("source").as_deref(), frame.body()), (Some(ALICE), "Hello from WeeChat"));
    fred.respond(&frame, "success", "");
    fred.message("1", "im:fred@a.example", ALICE, "Yabba, dabba!");
    assert!(fred.expect_answer().is("success", ""));
    weechat.type_line("/buffer irc.demo.fred");
    weechat.wait_for("Yabba, dabba!");
    weechat.type_line("and to your nick");
    let frame = fred.expect_message();
    assert_eq!(frame.body(), "and to your nick");
    fred.respond(&frame, "success", "");
    weechat.type_line("/buffer irc.server.demo");
    weechat.type_line("/whois fred");
    weechat.wait_for("im:fred@a.example");
    weechat.type_line("/quit");
}

/// ii: files and pipes instead of a screen.
#[test]
fn ii_talks_to_a_native_user() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let mut ii = start_ii(&stage);
    let server = stage.folder.path().join("127.0.0.1");
    let read = |name: &str| fs::read_to_string(server.join(name)).unwrap_or_default();
    wait(|| read("out").contains("Mind the gap"), || read("out"));
    let type_line = |line: &str| {
        let mut pipe = fs::OpenOptions::new().write(true).open(server.join("in")).unwrap();
        writeln!(pipe, "{line}").unwrap();
    };
    type_line("/PRIVMSG fred@a.example :Hello from ii");
    let frame = fred.expect_message();
    assert_eq!((frame.attribute("source").as_deref(), frame.body()), (Some(ALICE), "Hello from ii"));
    fred.respond(&frame, "success", "");
    fred.message("1", "im:fred@a.example", ALICE, "Yabba, dabba!");
    assert!(fred.expect_answer().is("success", ""));
    wait(|| read("fred/out").contains("<fred> Yabba, dabba!"), || read("fred/out"));
    ii.kill().unwrap();
    ii.wait().unwrap();
}

fn start_ii(stage: &Stage) -> Child {
    let port = stage.irc.to_string();
    let ii = Command::new("ii")
        .args(["-s", "127.0.0.1", "-p", &port, "-n", "alice", "-f", "Alice", "-i"])
        .arg(stage.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    ii.unwrap_or_else(|error| {
        panic!("NOT RUN: ii cannot be started ({error}); on Debian: apt-get install ii")
    })
}

fn wait(is_true: impl Fn() -> bool, what: impl Fn() -> String) {
    let until = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < until, "it never came to be:\n{}", what());
        breathe();
    }
}
