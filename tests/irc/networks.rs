//! A network that others run, played line by line: what a real server seldom does, or never should.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::support::gateway::{Gateway, PATIENCE, Site, breathe, free_port};
use crate::support::native::Client;

pub(crate) const ALICE: &str = "im:irc=irc.test.example/alice@gw.example";
pub(crate) const FRED: &str = "im:fred@a.example";

/// A server that is played.
pub(crate) struct Played {
    listener: TcpListener,
    port: u16,
    /// Capabilities that it offers.
    caps: &'static str,
    /// What it says of itself.
    isupport: &'static str,
}

/// One connection to it.
pub(crate) struct Seat {
    stream: TcpStream,
    input: Vec<u8>,
    nick: String,
    /// What was said before it was let in.
    said: Vec<String>,
}

impl Played {
    pub(crate) fn new(caps: &'static str, isupport: &'static str) -> Self {
        let port = free_port();
        Self { listener: TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap(), port, caps, isupport }
    }

    /// The next connection, which has said nothing yet.
    fn accept(&self) -> Seat {
        self.accept_within(PATIENCE).expect("somebody connects")
    }

    fn accept_within(&self, within: Duration) -> Option<Seat> {
        let until = Instant::now() + within;
        self.listener.set_nonblocking(true).unwrap();
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).unwrap();
                    stream.set_nodelay(true).unwrap();
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    return Some(Seat { stream, input: Vec::new(), nick: String::new(), said: Vec::new() });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
            if Instant::now() >= until {
                return None;
            }
            breathe();
        }
    }

    /// The next connection, let in.
    pub(crate) fn admit(&self) -> Seat {
        let mut seat = self.accept();
        loop {
            let line = seat.line().expect("it registers");
            seat.said.push(line.clone());
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["CAP", "LS", ..] => seat.send(&format!(":s CAP * LS :{}", self.caps)),
                ["CAP", "REQ", ..] => {
                    let names = line.split_once(" :").unwrap().1.to_owned();
                    seat.send(&format!(":s CAP * ACK :{names}"));
                }
                ["NICK", nick] => seat.nick = nick.to_owned(),
                ["AUTHENTICATE", "PLAIN"] => seat.send("AUTHENTICATE +"),
                ["AUTHENTICATE", _] => seat.send(":s 903 * :SASL authentication successful"),
                ["CAP", "END"] => break,
                _ => {}
            }
        }
        seat.welcome(self.isupport);
        seat
    }
}

impl Seat {
    fn welcome(&mut self, isupport: &str) {
        let nick = self.nick.clone();
        self.send(&format!(":s 001 {nick} :Welcome {nick}!~{nick}@host.example"));
        self.send(&format!(":s 005 {nick} {isupport} :are supported"));
        self.send(&format!(":s 422 {nick} :No MOTD"));
    }

    pub(crate) fn send(&mut self, line: &str) {
        // Whether it arrives is another matter.
        let _gone = self.stream.write_all(format!("{line}\r\n").as_bytes());
    }

    pub(crate) fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.input.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8(self.input[..end].to_vec()).unwrap();
                self.input.drain(..end + 2);
                return Some(line);
            }
            let mut octets = [0; 4_096];
            match self.stream.read(&mut octets) {
                Ok(0) => return None,
                Ok(count) => self.input.extend_from_slice(&octets[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("{} says nothing: {error}", self.nick),
            }
        }
    }

    /// The next line that holds this text. What the gateway asks meanwhile about people gets its answer: alice is there,
    /// and nobody else.
    pub(crate) fn expect(&mut self, text: &str) -> String {
        loop {
            let line = self.line().unwrap_or_else(|| panic!("{} left without {text:?}", self.nick));
            if line.contains(text) {
                return line;
            }
            self.answer(&line, "1700000000");
        }
    }

    /// The next line, which is this question.
    fn expect_question(&mut self, question: &str) {
        let line = self.line().unwrap_or_else(|| panic!("{} left without {question:?}", self.nick));
        assert_eq!(line, question);
    }

    fn answer(&mut self, line: &str, signed_on: &str) {
        let nick = self.nick.clone();
        if let Some(asked) = line.strip_prefix("WHOIS ") {
            let of = asked.split(' ').next().unwrap();
            if of == "alice" {
                self.send(&format!(":s 311 {nick} alice a h * :Alice"));
                self.send(&format!(":s 317 {nick} alice 5 {signed_on} :idle, signon"));
            } else {
                self.send(&format!(":s 401 {nick} {of} :No such nick"));
            }
            self.send(&format!(":s 318 {nick} {of} :End of WHOIS"));
        }
    }

    /// The PONG to the PING behind a message.
    fn pong(&mut self) {
        let ping = self.expect("PING ");
        let token = ping.split_once(' ').unwrap().1.to_owned();
        self.send(&format!(":s PONG s {token}"));
    }
}

struct Stage {
    network: Played,
    site: Site,
    gateway: Gateway,
    relay: Seat,
}

impl Stage {
    fn new(caps: &'static str, isupport: &'static str, keys: &str) -> Self {
        let network = Played::new(caps, isupport);
        let site = site(&network, keys);
        let gateway = site.start();
        let relay = network.admit();
        gateway.wait_for("on the network");
        Self { network, site, gateway, relay }
    }

    fn fred(&self) -> Client {
        Client::serving(self.site.port, FRED, false)
    }

    /// Fred's first message, and his puppet, which has taken it.
    fn puppet(&mut self, fred: &mut Client) -> Seat {
        fred.message("first", FRED, ALICE, "first");
        let mut puppet = self.network.admit();
        self.settle();
        puppet.expect("PRIVMSG alice :first");
        puppet.pong();
        assert!(fred.expect_answer().is("success", ""));
        puppet
    }

    /// Answers what the relay asks when somebody is met: who he is and, where it can be told that, when he leaves.
    fn settle(&mut self) {
        let (mut who, mut watched) = (false, !self.network.isupport.contains("MONITOR"));
        while !who || !watched {
            let line = self.relay.line().unwrap();
            self.relay.answer(&line, "1700000000");
            who |= line == "WHOIS alice alice";
            if line == "MONITOR + alice" {
                watched = true;
                self.relay.send(":s 730 relay :alice!a@h");
            }
        }
    }
}

pub(crate) fn site(network: &Played, keys: &str) -> Site {
    Site::new(&format!(
        "[principals]\nsubscribe = \"allow\"\nfetch = \"allow\"\n[[irc.network]]\nname = \"irc.test.example\"\nservers = [\"127.0.0.1:{}\"]\ntls = \"plain\"\n\
         nick = \"relay\"\ntaken = \"success\"\npuppets = 20\npoll = \"1s\"\nsettle = \"1s\"\n{keys}\n",
        network.port
    ))
}

pub(crate) const QUICK: &str = "line_penalty = \"1ms\"";

/// Issue 5, item 3: bans stop retries and become a clear state, until the administrator says that something changed.
#[test]
fn a_ban_stops_retries_and_is_shown() {
    let network = Played::new("", "");
    let site = site(&network, QUICK);
    let gateway = site.start();
    let mut relay = network.accept();
    relay.send(":s 465 * :You are banned from this server");
    relay.send("ERROR :Closing Link: [K-lined]");
    gateway.wait_for("nothing more is tried");
    gateway.wait_answer("/health", |_, answer| answer.contains("not let in: 465"));
    gateway.wait_answer("/v1/sessions", |_, answer| answer.contains("irc.test.example: not let in: 465"));
    let mut fred = Client::serving(site.port, FRED, false);
    fred.message("1", FRED, ALICE, "hello?");
    assert!(fred.expect_answer().is("failure", "refused"));
    assert!(network.accept_within(Duration::from_secs(2)).is_none(), "it does not try again");
    gateway.hang_up();
    let _relay = network.admit();
    gateway.wait_answer("/v1/sessions", |_, answer| answer.contains("irc.test.example: joined as relay"));
}

/// Item 6 and DESIGN section 5: cut off behind the commit point, nobody can know; with the number of lines that were out.
#[test]
fn what_is_lost_in_flight_is_indeterminant() {
    let mut stage = Stage::new("", "", QUICK);
    let mut fred = stage.fred();
    let mut puppet = stage.puppet(&mut fred);
    fred.message("2", FRED, ALICE, "one\ntwo\nthree");
    puppet.expect("PRIVMSG alice :three");
    drop(puppet);
    let answer = fred.expect_answer();
    assert!(
        answer.is("indeterminant", "timeout") && answer.text.contains("3 of 3 lines were out"),
        "{answer:?}"
    );
}

/// Item 4: what a nick without an account says to the gateway would hold for whoever has it next: it gets help, and no more.
#[test]
fn a_nick_without_an_account_sets_no_rules() {
    let mut stage = Stage::new("", "MONITOR=10", "");
    stage.relay.send(":alice!a@h PRIVMSG relay :forward im:eve@a.example");
    stage.relay.expect("NOTICE alice :To write to somebody, write ADDRESS: TEXT");
    let address = "im:irc=irc.test.example/alice@gw.example";
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cpim-gateway"))
        .args(["rules", address, "--socket", "admin.sock"])
        .current_dir(stage.site.path(""))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("forward"), "{output:?}");
}

/// Item 4: word of a message that comes late is for its author, and for nobody who has his nick by then.
#[test]
fn word_of_a_message_is_for_whoever_wrote_it() {
    let mut stage = Stage::new("", "MONITOR=10", QUICK);
    let mut fred = stage.fred();
    let mut frames = Vec::new();
    for text in ["the first", "the second"] {
        stage.relay.send(&format!(":alice!a@h PRIVMSG relay :fred@a.example: {text}"));
        frames.push(fred.expect_message());
    }
    // From now on nobody knows who has which nick.
    stage.relay = {
        let Stage { network, relay, .. } = &mut stage;
        relay.stream.shutdown(std::net::Shutdown::Both).unwrap();
        network.admit()
    };
    fred.respond(&frames[0], "failure", "refused: not now");
    stage.relay.expect_question("WHOIS alice alice");
    stage.relay.send(":s 311 relay alice mallory elsewhere * :Mallory");
    stage.relay.send(":s 318 relay alice :End of WHOIS");
    fred.respond(&frames[1], "failure", "refused: not now");
    stage.relay.expect_question("WHOIS alice alice");
    stage.relay.send(":s 311 relay alice a h * :Alice");
    stage.relay.send(":s 318 relay alice :End of WHOIS");
    let told = stage.relay.expect("NOTICE alice ");
    assert_eq!(told, "NOTICE alice :fred@a.example: not delivered: refused: not now (\"the second\")");
}

/// Item 3: nothing is dropped: what was not out when the connection ended goes out by the next, in its order.
#[test]
fn what_waits_for_the_pace_survives_the_connection() {
    let mut stage = Stage::new("", "MONITOR=10", "line_penalty = \"1s\"\npenalty_limit = \"2s\"");
    let mut fred = stage.fred();
    fred.message("1", FRED, ALICE, "one");
    let mut puppet = stage.network.admit();
    stage.settle();
    puppet.expect("PRIVMSG alice :one");
    puppet.pong();
    assert!(fred.expect_answer().is("success", ""));
    for nth in ["two", "three"] {
        fred.message(nth, FRED, ALICE, nth);
    }
    drop(puppet);
    let mut puppet = stage.network.admit();
    for nth in ["two", "three"] {
        puppet.expect(&format!("PRIVMSG alice :{nth}"));
        puppet.pong();
        let answer = fred.expect_answer();
        assert!(answer.is("success", "") && answer.trans_id == nth, "{answer:?}");
    }
}

/// Item 4: what waited for somebody fails when another has his nick.
#[test]
fn a_nick_that_changes_hands_is_a_new_person() {
    let mut stage = Stage::new("", "MONITOR=10", "line_penalty = \"3s\"\npenalty_limit = \"3s\"");
    let mut fred = stage.fred();
    fred.message("1", FRED, ALICE, "one");
    let mut puppet = stage.network.admit();
    stage.settle();
    puppet.expect("PRIVMSG alice :one");
    fred.message("2", FRED, ALICE, "for the old one");
    // It waits for the pace, behind the first.
    stage.gateway.wait_answer("/v1/queue", |_, answer| answer.matches("\"id\"").count() >= 2);
    stage.relay.send(":s 731 relay :alice");
    stage.relay.send(":s 730 relay :alice!mallory@h");
    let asked = stage.relay.expect("WHOIS alice alice");
    stage.relay.answer(&asked, "1700009999");
    puppet.pong();
    for _ in 0..2 {
        let answer = fred.expect_answer();
        match &*answer.trans_id {
            "1" => assert!(answer.is("success", ""), "{answer:?}"),
            _ => assert!(
                answer.is("failure", "unreachable") && answer.text.contains("somebody else"),
                "{answer:?}"
            ),
        }
    }
    fred.message("3", FRED, ALICE, "for the new one");
    puppet.expect("PRIVMSG alice :for the new one");
}

/// Item 6: by label, where the network has them; standard replies and numerics are failures, with their reason.
#[test]
fn labels_tell_what_became_of_a_message() {
    let mut stage = Stage::new("message-tags batch labeled-response echo-message", "", QUICK);
    let mut fred = stage.fred();
    fred.message("1", FRED, ALICE, "a");
    let mut puppet = stage.network.admit();
    stage.settle();
    let tell = |puppet: &mut Seat, answer: &str| {
        let line = puppet.expect("PRIVMSG alice :");
        let label = line.strip_prefix("@label=").unwrap().split(' ').next().unwrap().to_owned();
        puppet.send(&answer.replace("LABEL", &label));
    };
    tell(&mut puppet, "@label=LABEL :fred!f@h PRIVMSG alice :a");
    assert!(fred.expect_answer().is("success", ""));
    for (nth, line, code) in [
        ("2", "@label=LABEL :s 401 fred alice :No such nick", "unreachable"),
        ("3", "@label=LABEL FAIL PRIVMSG INVALID_UTF8 alice :not like this", "refused"),
        ("4", "@label=LABEL :s 404 fred alice :Cannot send", "refused"),
        ("5", "@label=LABEL :s 417 fred :Input line was too long", "too-large"),
    ] {
        fred.message(nth, FRED, ALICE, nth);
        tell(&mut puppet, line);
        let answer = fred.expect_answer();
        assert!(answer.is("failure", code), "{line}: {answer:?}");
    }
}

/// Item 7: presence by MONITOR and AWAY; a split that heals in time is nobody's leaving.
#[test]
fn presence_is_told_and_splits_are_damped() {
    let mut stage = Stage::new("away-notify extended-monitor", "MONITOR=10", QUICK);
    let mut watcher = Client::serving(stage.site.port, "pres:wilma@a.example", false);
    let target = ALICE.replacen("im:", "pres:", 1);
    watcher
        .try_send(
            "",
            &format!(
                "<subscribe transID='s1' watcher='pres:wilma@a.example' target='{target}' duration='600'/>"
            ),
            b"",
        )
        .unwrap();
    stage.relay.expect("MONITOR + alice");
    stage.relay.send(":s 730 relay :Alice!a@h");
    let mut next = |what: &str| {
        loop {
            let frame = watcher.next(PATIENCE).unwrap();
            if frame.element() == "notify" && frame.xml.contains(what) {
                return frame.xml;
            }
            assert_ne!(frame.element(), "close", "{frame:?}");
        }
    };
    next("open");
    stage.relay.send(":Alice!a@h AWAY :At lunch");
    next("At lunch");
    stage.relay.send(":Alice!a@h AWAY");
    let back = next("open");
    assert!(!back.contains("lunch"), "{back}");
    // A split, and its end.
    stage.relay.send(":s 731 relay :alice");
    stage.relay.send(":s 730 relay :alice!a@h");
    stage.relay.send(":Alice!a@h AWAY :again");
    assert!(!next("again").contains("closed"));
    stage.relay.send(":s 731 relay :alice");
    next("closed");
}

/// Item 3: the server's password, SASL, WEBIRC; the relay logs in, and puppets look like their users.
#[test]
fn it_proves_itself_as_the_network_wants_it() {
    let network = Played::new("sasl=PLAIN", "");
    let keys = "password_file = \"p\"\naccount = \"gw\"\naccount_password_file = \"a\"\nwebirc_password_file = \"w\"";
    let site = site(&network, &format!("{QUICK}\n{keys}"));
    for (file, secret) in [("p", "open sesame"), ("a", "s3cret"), ("w", "trust-me")] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(site.path(file), secret).unwrap();
        std::fs::set_permissions(site.path(file), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let _gateway = site.start();
    let mut relay = network.admit();
    let said = relay.said.join("|");
    assert!(
        said.starts_with("PASS :open sesame|CAP LS 302|NICK relay|USER relay 0 * :gateway of gw.example"),
        "{said}"
    );
    assert!(said.contains("AUTHENTICATE PLAIN|AUTHENTICATE AGd3AHMzY3JldA=="), "{said}");
    let mut fred = Client::serving(site.port, FRED, false);
    fred.message("1", FRED, ALICE, "hello");
    let mut puppet = network.accept();
    let first = puppet.line().unwrap();
    assert!(first.starts_with("WEBIRC trust-me cpim-gateway a.example fd"), "{first}");
    let user = puppet.expect("USER ");
    assert_eq!(user, "USER fred 0 * :im:fred@a.example");
    relay.expect("WHOIS alice");
}

/// Item 3: leave to connect goes to whoever is waited for, also if that began while he waited himself.
#[test]
fn who_is_waited_for_is_back_first() {
    let network = Played::new("", "");
    let site = site(&network, &format!("{QUICK}\nconnecting = 1"));
    let gateway = site.start();
    let mut relay = network.admit();
    let users = ["fred", "wilma", "barney", "betty"];
    let uri = |user: &str| format!("im:{user}@a.example");
    let mut all = Client::serving(site.port, &users.map(uri).join(" "), false);
    let mut puppets = Vec::new();
    for user in users {
        all.message(user, &uri(user), ALICE, "hello");
        let mut puppet = network.admit();
        if user == "fred" {
            relay.expect("WHOIS alice");
            relay.answer("WHOIS alice alice", "1700000000");
        }
        puppet.expect("PRIVMSG alice :hello");
        puppet.pong();
        assert!(all.expect_answer().is("success", ""));
        puppets.push(puppet);
    }
    drop((relay, puppets));
    // The relay comes back, and then whoever is first: the others wait for him.
    let _relay = network.admit();
    let mut first = network.accept();
    let first_nick = first.expect("NICK ").replace("NICK ", "");
    let last = users.iter().rev().find(|user| **user != first_nick).unwrap();
    all.message("again", &uri(last), ALICE, "hello again");
    gateway.wait_answer("/v1/queue", |_, answer| answer.contains("\"id\""));
    assert!(network.accept_within(Duration::from_secs(2)).is_none(), "one at a time");
    drop(first);
    let mut second = network.accept();
    assert_eq!(second.expect("NICK "), format!("NICK {last}"));
}

/// Item 6: while the network does not say who one person is, messages to others go out.
#[test]
fn a_question_without_answer_holds_up_nobody() {
    let network = Played::new("", "");
    let site = site(&network, QUICK);
    site.edit("puppets = 20", "puppets = 0");
    let gateway = site.start();
    let mut relay = network.admit();
    gateway.wait_for("on the network");
    let mut fred = Client::serving(site.port, FRED, false);
    let uri = |nick: &str| ALICE.replace("alice", nick);
    let answer = |relay: &mut Seat, line: &str| {
        let nick = line.rsplit(' ').next().unwrap().to_owned();
        relay.send(&format!(":s 311 relay {nick} u h * :{nick}"));
        relay.send(&format!(":s 317 relay {nick} 5 1700000000 :idle, signon"));
        relay.send(&format!(":s 318 relay {nick} :End of WHOIS"));
    };
    // Lines of the relay until this one: everybody is there, and who that is is told, but of this one.
    // Messages are out at once, but while one is held.
    let held = std::cell::RefCell::new(None::<Vec<String>>);
    let until = |relay: &mut Seat, text: &str, silent: &str| {
        loop {
            let line = relay.line().unwrap();
            if let Some(token) = line.strip_prefix("PING ") {
                match &mut *held.borrow_mut() {
                    Some(held) => held.push(token.to_owned()),
                    None => relay.send(&format!(":s PONG s {token}")),
                }
            }
            if line.starts_with("WHOIS ") && !line.ends_with(silent) {
                answer(relay, &line);
            }
            if let Some(nicks) = line.strip_prefix("ISON ") {
                relay.send(&format!(":s 303 relay :{nicks}"));
            }
            if line.contains(text) {
                return line;
            }
        }
    };
    for nick in ["bob", "carol"] {
        fred.message(nick, FRED, &uri(nick), "hello");
        let (mut asked, mut wrote) = (false, false);
        while !asked || !wrote {
            let line = until(&mut relay, nick, "nobody");
            asked |= line.starts_with("WHOIS");
            wrote |= line.starts_with("PRIVMSG");
        }
        until(&mut relay, "ISON ", "nobody");
        assert!(fred.expect_answer().is("success", ""));
    }
    *held.borrow_mut() = Some(Vec::new());
    // The relay is busy for longer than somebody is known for without being asked for.
    fred.message("a", FRED, &uri("alice"), "wait for me");
    until(&mut relay, "PRIVMSG alice", "nobody");
    let began = Instant::now();
    for nick in ["bob", "carol"] {
        fred.message(&format!("{nick} 2"), FRED, &uri(nick), "again");
    }
    gateway.wait_answer("/v1/queue", |_, answer| answer.matches("\"id\"").count() >= 3);
    while began.elapsed() < Duration::from_secs(3) {
        until(&mut relay, "ISON ", "nobody");
    }
    for token in held.take().unwrap() {
        relay.send(&format!(":s PONG s {token}"));
    }
    let began = Instant::now();
    until(&mut relay, "PRIVMSG carol", "bob");
    assert!(began.elapsed() < Duration::from_secs(15), "it waited for bob");
}

/// "Bad input": numerics out of place, lies in ISUPPORT, lines without end: bounded, and others unharmed.
#[test]
fn a_lying_network_harms_nobody() {
    let mut stage = Stage::new("batch", "NICKLEN=0 MONITOR=x CASEMAPPING=none CHANTYPES=", QUICK);
    let mut fred = stage.fred();
    let mut puppet = stage.puppet(&mut fred);
    let lies = [
        ":s 001 x :y",
        ":s 433 relay relay :in use",
        ":s 730",
        ":s 731 relay :,,,,",
        ":s 734 relay 0 x",
        ":s 303 relay :alice",
        ":s 302 relay :alice=-",
        ":s 318",
        ":s 317 relay alice x y",
        "BATCH +x",
        "@batch=x :s 401 relay alice :no",
        "PONG",
        ":relay!r@h NICK :\u{1}",
        ":alice!a@h PRIVMSG relay",
        "CAP * DEL :everything",
        "AUTHENTICATE +",
        ":alice!a@h AWAY",
        ":s 263 relay WHOIS :wait",
        "\u{0}\u{0}",
        "@;;;= :: ::",
    ];
    for seat in [&mut stage.relay, &mut puppet] {
        for _ in 0..200 {
            for lie in lies {
                seat.send(lie);
            }
        }
        let endless = vec![b'x'; 1 << 20];
        let _taken = seat.stream.write_all(&endless);
        seat.send("");
    }
    let mut other = Client::serving(stage.site.port, "im:wilma@a.example", false);
    other.message("w", "im:wilma@a.example", FRED, "still here?");
    let frame = fred.expect_message();
    fred.respond(&frame, "success", "");
    assert!(other.expect_answer().is("success", ""));
    fred.message("2", FRED, ALICE, "and there?");
    puppet.expect("PRIVMSG alice :and there?");
    puppet.pong();
    assert!(fred.expect_answer().is("success", ""));
    let (_, health) = stage.gateway.ask("/health");
    assert!(!health.contains("not let in"), "{health}");
}

/// Item 3: a puppet's ban is its user's, who is told of it in the network's words; `sessions` shows who is there by which nick.
#[test]
fn a_puppets_ban_is_its_users() {
    let mut stage = Stage::new("", "", QUICK);
    let mut fred = stage.fred();
    let mut puppet = stage.puppet(&mut fred);
    let is_shown = |what: &str, answer: &str| answer.contains(what) && answer.contains(FRED);
    stage.gateway.wait_answer("/v1/sessions", |_, answer| is_shown("irc.test.example: fred\"", answer));
    puppet.send("ERROR :Closing Link: fred (K-lined: no freds)");
    stage.gateway.wait_for("nothing more is tried");
    fred.message("2", FRED, ALICE, "still here?");
    let answer = fred.expect_answer();
    let words = "does not let you in: ";
    assert!(answer.is("failure", "refused") && answer.text.contains(words), "{answer:?}");
    assert!(answer.text.contains("no freds"), "{answer:?}");
    stage.gateway.wait_answer("/v1/sessions", |_, answer| is_shown("irc.test.example: not let in: ", answer));
    stage.gateway.hang_up();
    stage.gateway.wait_for("tried again after the reload");
}

/// Item 3: who was killed stays away; what fails meanwhile says why, and so does its trace.
#[test]
fn who_was_killed_is_told_so() {
    let mut stage = Stage::new("", "", QUICK);
    let mut fred = stage.fred();
    let mut puppet = stage.puppet(&mut fred);
    puppet.send("ERROR :Closing Link: fred (Killed (op (no freds)))");
    stage.gateway.wait_for("off the network");
    fred.try_message(" wait=3", "2", FRED, ALICE, "still here?").unwrap();
    let answer = fred.expect_answer();
    assert!(answer.is("failure", "unreachable") && answer.text.contains("no freds"), "{answer:?}");
    stage.gateway.wait_answer("/v1/operations/2", |_, answer| {
        answer.contains("not handed over") && answer.contains("an operator of the network has removed you")
    });
}

/// The relay says what to write to who writes it otherwise, in one line; and of which address it is that fails.
#[test]
fn the_relay_says_what_to_write() {
    let mut stage = Stage::new("", "MONITOR=10", QUICK);
    for almost in ["fred@a.example hello", "<fred@a.example> hello"] {
        stage.relay.send(&format!(":alice!a@h PRIVMSG relay :{almost}"));
        stage.relay.expect("NOTICE alice :To write to fred@a.example, write: fred@a.example: hello");
    }
    stage.relay.send(":alice!a@h PRIVMSG relay :help");
    stage.relay.expect("NOTICE alice :To write to somebody, write ADDRESS: TEXT");
    stage.relay.send(":alice!a@h PRIVMSG relay :bob@nowhere.test: hi");
    let told = stage.relay.expect("NOTICE alice ");
    assert!(told.starts_with("NOTICE alice :bob@nowhere.test: not delivered: "), "{told}");
}

/// native-cpim.md, "Operations": nothing timed out, and no other code says that nobody can know more.
#[test]
fn what_was_taken_has_no_code() {
    let network = Played::new("", "");
    let site = site(&network, QUICK);
    site.edit("taken = \"success\"", "taken = \"indeterminant\"");
    let gateway = site.start();
    let relay = network.admit();
    gateway.wait_for("on the network");
    let mut stage = Stage { network, site, gateway, relay };
    let mut fred = stage.fred();
    fred.message("1", FRED, ALICE, "hello");
    let mut puppet = stage.network.admit();
    stage.settle();
    puppet.expect("PRIVMSG alice :hello");
    puppet.pong();
    let answer = fred.expect_answer();
    let begins = answer.text.starts_with("the network's server took it");
    assert!(answer.status == "indeterminant" && begins, "{answer:?}");
}

/// The commonest mistake with TLS: the log and `sessions` name it, and the key.
#[test]
fn a_port_without_tls_is_named() {
    let network = Played::new("", "");
    let site = site(&network, QUICK);
    site.edit("tls = \"plain\"\n", "");
    let gateway = site.start();
    let mut server = network.accept();
    server.send(":s NOTICE * :*** Looking up your hostname...");
    gateway.wait_for("no answer to TLS");
    gateway.wait_answer("/v1/sessions", |_, answer| {
        answer.contains("no answer to TLS") && answer.contains("needs `tls =")
    });
}
