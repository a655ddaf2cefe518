//! People with accounts: several clients at once, and what waits for them.

use crate::stage::{Stage, uri};
use crate::support::irc::Irc;
use crate::support::native::Client;

/// Makes the account `alice`, and joins as it.
fn make(port: u16) -> Irc {
    let mut irc = Irc::connect(port);
    irc.send(
        "CAP REQ :draft/account-registration\r\nNICK alice\r\nUSER a 0 * :Alice\r\nREGISTER * * sesame-open",
    );
    irc.expect("REGISTER SUCCESS");
    irc.send("CAP END");
    irc.expect(" 422 ");
    irc
}

/// Joins as the account `alice`.
fn join(port: u16, nick: &str) -> Irc {
    let mut irc = Irc::connect(port);
    irc.send(&format!("CAP REQ :sasl\r\nNICK {nick}\r\nUSER a 0 * :Alice"));
    // base64 of NUL alice NUL sesame-open.
    irc.send("AUTHENTICATE PLAIN\r\nAUTHENTICATE AGFsaWNlAHNlc2FtZS1vcGVu");
    irc.expect(" 903 ");
    irc.send("CAP END");
    irc.expect(" 422 ");
    irc
}

fn stage() -> Stage {
    let stage = Stage::believing();
    let Stage { site, gateway, irc } = stage;
    drop(gateway);
    site.edit("[irc]\n", "[irc]\nregistration = true\n");
    let gateway = site.start();
    Stage { site, gateway, irc }
}

/// An account is one person: messages go to the client that came last, from whichever nick it writes.
#[test]
fn an_account_is_one_person() {
    let stage = stage();
    let mut first = make(stage.irc);
    let mut second = join(stage.irc, "alice_");
    let mut fred = stage.native("im:fred@a.example");
    second.send("PRIVMSG fred@a.example :from the second");
    let frame = fred.expect_message();
    assert_eq!(frame.attribute("source").unwrap(), uri("alice"));
    fred.respond(&frame, "success", "");
    fred.message("1", "im:fred@a.example", &uri("alice"), "to the newest");
    second.expect("PRIVMSG alice_ :to the newest");
    second.until_quiet();
    assert!(fred.expect_answer().is("success", ""));
    // Whoever asks for a nick is told of the client that has it (RFC 2812 section 3.6.2).
    let mut bob = stage.join("bob");
    for nick in ["alice", "alice_"] {
        bob.send(&format!("WHOIS {nick}"));
        assert!(bob.expect(" 311 ").contains(&format!(" 311 bob {nick} a irc.demo.example ")));
        bob.expect(&format!(" 330 bob {nick} alice :"));
        bob.expect(" 318 ");
    }
    second.send("QUIT");
    second.end();
    fred.message("2", "im:fred@a.example", &uri("alice"), "to the other");
    first.expect("PRIVMSG alice :to the other");
}

/// Of two who make an account of one name at once, one gets it (IRCv3 draft/account-registration, ACCOUNT_EXISTS).
#[test]
fn an_account_is_made_once() {
    let stage = stage();
    let made: Vec<bool> = [(); 4]
        .map(|()| {
            let mut irc = Irc::connect(stage.irc);
            irc.send("CAP REQ :draft/account-registration standard-replies\r\nNICK alice");
            irc.expect(" ACK ");
            irc
        })
        .map(|mut irc| {
            irc.send("REGISTER * * sesame-open");
            irc
        })
        .into_iter()
        .map(|mut irc| irc.expect(" REGISTER ").contains(" REGISTER SUCCESS alice "))
        .collect();
    assert_eq!(made.iter().filter(|made| **made).count(), 1, "{made:?}");
}

/// What is kept for an account is kept until a day that is said; for a guest, while he is there.
#[test]
fn what_is_kept_for_an_account_has_a_date() {
    let stage = stage();
    let (mut alice, mut guest) = (make(stage.irc), stage.join("guest"));
    let mut fred = stage.native("im:fred@a.example");
    for (irc, nick, kept) in [(&mut alice, "alice", "kept until 20"), (&mut guest, "guest", "kept while you")]
    {
        let to = uri(nick);
        let xml = format!("<message source='im:fred@a.example' destination='{to}' transID='{nick}'/>");
        let picture = b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA";
        fred.try_send("", &xml, picture).unwrap();
        assert!(irc.expect("[image/png, 3 octets, ").contains(kept));
    }
}

/// What one client of an account watched, the others go on watching.
#[test]
fn a_watch_outlives_the_client_that_began_it() {
    let stage = stage();
    let mut first = make(stage.irc);
    let mut second = join(stage.irc, "alice_");
    first.send("MONITOR + bob");
    first.expect(" 731 ");
    second.send("MONITOR + bob");
    second.expect(" 731 ");
    first.send("QUIT");
    first.end();
    let mut bob = stage.join("bob");
    second.expect(" 730 ");
    bob.send("QUIT");
    bob.end();
    second.expect(" 731 ");
    let _bob = stage.join("bob");
    second.expect(" 730 ");
}

/// RFC 3860 section 3.4.1: what was accepted while its owner was there waits over a restart; the answer is his.
#[test]
fn what_waits_for_an_account_is_delivered_after_a_restart() {
    let stage = stage();
    let _alice = make(stage.irc);
    let Stage { site, gateway, irc } = stage;
    drop(gateway);
    let gateway = site.start_held("attempting");
    let _alice = join(irc, "alice");
    let mut fred = Client::serving(site.port, "im:fred@a.example", false);
    fred.message("1", "im:fred@a.example", &uri("alice"), "after the restart");
    gateway.wait_held("attempting");
    gateway.kill();
    let _gateway = site.start();
    let mut alice = join(irc, "alice");
    alice.expect("PRIVMSG alice :after the restart");
    alice.until_quiet();
    let mut fred = Client::serving(site.port, "im:fred@a.example", false);
    assert!(fred.expect_answer().is("success", ""));
}

/// `cpim-gateway adapter irc account add`: an administrator makes an account, which is kept in the store.
#[test]
fn an_administrator_makes_accounts() {
    let stage = Stage::believing();
    let secret = stage.site.path("alice.secret");
    std::fs::write(&secret, "sesame-open\n").unwrap();
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let _bob = stage.join("bob");
    let ask = |words: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cpim-gateway"));
        command.args(["adapter", "irc"]).args(words.split(' ')).args(["--socket", "admin.sock"]);
        let output = command.current_dir(stage.site.path("")).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    };
    assert_eq!(ask("account add alice --secret-file alice.secret"), (0, "alice can log in now\n".to_owned()));
    assert_eq!(ask("accounts"), (0, "alice\n".to_owned()));
    for (words, why) in [
        ("account add alice --secret-file alice.secret", "there is an account"),
        ("account add bob", "the password is missing"),
        ("account add 7up --secret-file alice.secret", "no nick"),
        ("account remove bob", "no account `bob`"),
        ("frobnicate", "accepted are"),
    ] {
        let (code, said) = ask(words);
        assert!(code == 2 && said.contains(why), "{words}: {code} {said}");
    }
    assert!(ask("account add bob --secret-file alice.secret").1.contains("on the network"));
    let mut alice = join(stage.irc, "alice");
    assert!(alice.until_quiet().is_empty());
    assert_eq!(ask("account remove alice").0, 0);
    assert_eq!(ask("accounts"), (0, String::new()));
}
