//! Who one is: registration, accounts, and what becomes of who says nothing.

use crate::stage::Stage;
use crate::support::irc::Irc;

/// RFC 2812 section 5.1: 001 to 004; modern-irc: 005, LUSERS and MOTD follow.
#[test]
fn a_client_is_welcomed_by_its_nick() {
    let stage = Stage::with("motd = [\"Hello\", \"there\"]");
    let mut alice = Irc::connect(stage.irc);
    alice.send("NICK alice\r\nUSER alice 0 * :Alice");
    let all: Vec<String> =
        std::iter::from_fn(|| alice.line()).take_while(|line| !line.contains(" 376 ")).collect();
    for numeric in ["001", "002", "003", "004", "005", "251", "255", "265", "266", "375", "372"] {
        assert!(all.iter().any(|line| line.contains(&format!(" {numeric} alice "))), "{numeric}: {all:#?}");
    }
    assert!(all.iter().any(|line| line.ends_with(":- there")));
    let supported = all.iter().find(|line| line.contains(" 005 ")).unwrap();
    for token in ["CASEMAPPING=ascii", "NICKLEN=30", "MONITOR=128", "UTF8ONLY", "NETWORK=irc.demo.example"] {
        assert!(supported.contains(token), "{supported}");
    }
}

/// RFC 2812 section 3.1.2: 431, 432, 433; section 2.2: case.
#[test]
fn a_nick_is_one_persons() {
    let stage = Stage::new();
    let _alice = stage.join("Alice");
    let mut other = Irc::connect(stage.irc);
    other.send("USER x 0 * :x");
    assert!(other.ask("NICK")[0].contains(" 431 * "));
    for bad in ["1a", "a.b", "a@b", "#a", "gateway", "NickServ", &"n".repeat(31)] {
        assert!(other.ask(&format!("NICK {bad}"))[0].contains(" 432 * "), "{bad}");
    }
    assert!(other.ask("NICK aLICE")[0].contains(" 433 * aLICE "));
    other.send("NICK bob");
    other.expect(" 001 bob ");
    assert!(other.ask("NICK ALICE").iter().any(|line| line.contains(" 433 bob ALICE ")));
    other.send("NICK Bobby");
    assert_eq!(other.expect("NICK"), ":bob!x@irc.demo.example NICK :Bobby");
}

/// RFC 2812 section 3.1: nothing but registration before it (451), nothing of it after (462).
#[test]
fn each_thing_has_its_time() {
    let stage = Stage::new();
    let mut early = Irc::connect(stage.irc);
    for line in ["PRIVMSG a :b", "WHOIS a", "MONITOR + a", "AWAY :x", "JOIN #a"] {
        assert!(early.ask(line)[0].contains(" 451 * "), "{line}");
    }
    assert!(early.ask("WEBIRC pass gw host 192.0.2.1")[0].contains(" 481 * "), "everybody is as he came");
    assert!(early.ask("USER a b")[0].contains(" 461 * USER "));
    assert!(early.ask("PASS")[0].contains(" 461 * PASS "));
    let mut alice = stage.join("alice");
    for line in ["USER a 0 * :b", "PASS x", "SERVICE a * * 0 0 :b"] {
        assert!(alice.ask(line)[0].contains(" 462 alice "), "{line}");
    }
}

/// IRCv3 SASL 3.1 and 3.2: PLAIN (903), what goes wrong (904, 906, 908), and that a nick of an account is its owner's; IRCv3
/// draft/account-registration: REGISTER.
#[test]
fn accounts_are_proven_by_sasl() {
    let stage = Stage::with("registration = true");
    let mut alice = Irc::connect(stage.irc);
    alice.send("CAP LS 302");
    assert!(alice.expect(" LS ").contains("draft/account-registration=before-connect"));
    alice.send("CAP REQ :draft/account-registration sasl\r\nNICK alice\r\nUSER alice 0 * :Alice");
    alice.send("REGISTER * * short");
    alice.expect("8 to 300 octets");
    let mut early = Irc::connect(stage.irc);
    early.send("CAP REQ :draft/account-registration standard-replies");
    early.expect(" ACK ");
    let mut fails = |line: &str, code: &str| {
        let lines = early.ask(line);
        assert!(lines[0].starts_with(&format!(":irc.demo.example FAIL REGISTER {code} :")), "{lines:?}");
    };
    fails("REGISTER * * sesame-open", "NEED_NICK *");
    fails("NICK early\r\nREGISTER other * sesame-open", "ACCOUNT_NAME_MUST_BE_NICK other");
    fails("REGISTER * * short", "WEAK_PASSWORD early");
    fails(&format!("REGISTER early * {}", "x".repeat(301)), "UNACCEPTABLE_PASSWORD early");
    alice.send("REGISTER * * sesame-open");
    alice.expect("REGISTER SUCCESS alice");
    alice.expect(" 900 alice ");
    alice.send("CAP END");
    alice.expect(" 001 alice ");
    alice.send("REGISTER * * sesame-open");
    alice.expect(":You are logged in already");
    early.send("USER early 0 * :Early\r\nCAP END");
    early.expect(" 001 early ");
    early.send("REGISTER * * sesame-open");
    early.expect(" FAIL REGISTER TEMPORARILY_UNAVAILABLE early :");
    assert!(alice.ask("AUTHENTICATE PLAIN").iter().any(|line| line.contains(" 904 alice ")), "in time only");

    let mut second = Irc::connect(stage.irc);
    second.send("CAP REQ :sasl\r\nNICK alice_\r\nUSER a 0 * :Alice elsewhere");
    assert!(second.ask("AUTHENTICATE EXTERNAL").iter().any(|line| line.contains(" 908 alice_ PLAIN ")));
    second.send("AUTHENTICATE PLAIN");
    second.expect("AUTHENTICATE +");
    assert!(second.ask("AUTHENTICATE *")[0].contains(" 906 "));
    // base64 of NUL alice NUL wrong, and of NUL alice NUL sesame-open.
    second.send("AUTHENTICATE PLAIN\r\nAUTHENTICATE AGFsaWNlAHdyb25n");
    second.expect(" 904 ");
    second.send("AUTHENTICATE PLAIN\r\nAUTHENTICATE AGFsaWNlAHNlc2FtZS1vcGVu");
    assert!(second.expect(" 900 ").contains(" alice :You are now logged in as alice"));
    second.expect(" 903 ");
    assert!(second.ask("AUTHENTICATE PLAIN")[0].contains(" 907 "));
    second.send("CAP END");
    second.expect(" 001 alice_ ");

    alice.send("QUIT");
    alice.end();
    let mut thief = Irc::connect(stage.irc);
    thief.send("NICK Alice\r\nUSER t 0 * :Thief");
    assert!(thief.expect(" 433 ").contains("belongs to an account"));
}

/// RFC 2812 section 3.1.1: the server password, here that of an account of the configuration; and 464.
#[test]
fn accounts_of_the_configuration_are_proven_by_pass() {
    let stage = Stage::new();
    drop(stage.gateway);
    std::fs::write(stage.site.path("alice.secret"), "sesame-open\n").unwrap();
    std::fs::set_permissions(
        stage.site.path("alice.secret"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    stage.site.edit(
        "[[irc.listener]]\n",
        "[[irc.account]]\nname = \"alice\"\npassword_file = \"alice.secret\"\n[[irc.listener]]\nguests = \"refused\"\n",
    );
    let _gateway = stage.site.start();
    let mut guest = Irc::connect(stage.irc);
    guest.send("NICK guest\r\nUSER g 0 * :g");
    guest.expect("ACCOUNT_REQUIRED_TO_CONNECT");
    assert!(guest.end().iter().any(|line| line.starts_with("ERROR :Closing Link")));
    let mut wrong = Irc::connect(stage.irc);
    wrong.send("PASS wrong\r\nNICK alice\r\nUSER g 0 * :g");
    wrong.expect(" 464 ");
    let mut alice = Irc::connect(stage.irc);
    alice.send("PASS alice:sesame-open\r\nNICK other\r\nUSER a 0 * :Alice");
    alice.expect(" 900 ");
    alice.expect(" 001 other ");
}

/// RFC 2812 section 3.1.7: QUIT is answered by ERROR and the end.
#[test]
fn quit_ends_it() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    alice.send("QUIT :so long");
    assert_eq!(alice.end(), ["ERROR :Closing Link: irc.demo.example (Quit: so long)"]);
    let _again = stage.join("alice");
}

/// What the file says of the network holds for whoever comes after a reload.
#[test]
fn a_reload_is_heeded() {
    let stage = Stage::new();
    let mut early = stage.join("early");
    stage.site.edit("name = \"irc.demo.example\"\n", "name = \"irc.demo.example\"\nmotd = [\"Anew\"]\n");
    stage.gateway.hang_up();
    stage.gateway.wait_for("configuration reloaded");
    assert!(early.ask("MOTD").iter().any(|line| line.ends_with(" 372 early :- Anew")));
    let mut late = Irc::connect(stage.irc);
    late.send("NICK late\r\nUSER l 0 * :l");
    late.expect(" 372 late :- Anew");
}
