//! A connection in virtual time, and cut anywhere.

use proptest::prelude::*;

use super::*;
use crate::casemapping::Casemapping;
use crate::names::Trailing;

const SECOND: Duration = Duration::from_secs(1);

const TERMS: Terms = Terms {
    line: Duration::from_secs(2),
    ahead: Duration::from_secs(10),
    registration: SECOND,
    silence: SECOND,
};

fn session(now: Instant) -> Session {
    let applicant = Applicant {
        nicks: ["fred", "fred_"].map(|nick| Nick::parse(nick).unwrap()).to_vec(),
        user: User::parse("fred").unwrap(),
        real_name: Trailing::new("im:fred@a.example").unwrap(),
        password: None,
        webirc: None,
        sasl: None,
    };
    Session::new(applicant, TERMS, now)
}

const WELCOME: &[u8] = b":s CAP * LS :message-tags labeled-response batch\r\n:s CAP * ACK :message-tags labeled-response batch\r\n\
    :s 433 * fred :in use\r\n:s 001 fred_ :Welcome fred_!~fred@host.example\r\n\
    :s 005 fred_ CASEMAPPING=ascii MONITOR=10 :are supported\r\n:s 422 fred_ :No MOTD\r\n";

fn all(session: &mut Session, octets: &[u8], now: Instant) -> Vec<Event> {
    let mut input = BytesMut::from(octets);
    std::iter::from_fn(|| session.next(&mut input, now)).collect()
}

fn sent(session: &mut Session, now: Instant) -> String {
    let mut output = BytesMut::new();
    session.flush(&mut output, now);
    String::from_utf8_lossy(&output).replace("\r\n", "|")
}

fn registered(now: Instant, welcome: &[u8]) -> Session {
    let mut session = session(now);
    assert_eq!(all(&mut session, welcome, now), [Event::Registered]);
    sent(&mut session, now);
    session
}

fn plain(now: Instant) -> Session {
    registered(now, b":s 001 fred :Hello fred!f@h\r\n:s 422 fred :No MOTD\r\n")
}

fn letter(lines: usize) -> Letter {
    let lines = (0..lines).map(|nth| Bytes::from(format!("PRIVMSG alice :{nth}\r\n"))).collect();
    Letter::new(Casemapping::Ascii.key("alice"), lines)
}

#[test]
fn it_registers_and_learns_who_it_is() {
    let now = Instant::now();
    let mut session = session(now);
    assert!(sent(&mut session, now).starts_with("CAP LS 302|NICK fred|USER fred 0 * :im:fred@a.example|"));
    assert_eq!(all(&mut session, WELCOME, now), [Event::Registered]);
    assert_eq!(sent(&mut session, now), "CAP REQ :batch labeled-response message-tags|CAP END|NICK fred_|");
    assert_eq!(session.nick().as_str(), "fred_");
    assert_eq!(session.source_octets(), "fred_!~fred@host.example".len());
    assert_eq!((session.casemapping(), session.isupport().monitor), (Casemapping::Ascii, Some(10)));
    all(&mut session, b":s 396 fred_ cloak.example :is now your displayed host\r\n", now);
    assert_eq!(session.source_octets(), "fred_!~fred@cloak.example".len());
}

#[test]
fn the_pace_holds_for_all_but_pongs() {
    let now = Instant::now();
    let mut session = plain(now);
    assert!(session.takes_letter(now));
    session.begin(letter(7));
    assert!(!session.takes_letter(now));
    assert_eq!(sent(&mut session, now).matches("PRIVMSG").count(), 5);
    assert_eq!(all(&mut session, b"PING :x\r\n", now), []);
    assert_eq!(sent(&mut session, now), "PONG :x|");
    assert_eq!(session.due(), now + SECOND, "silence comes first");
    assert!(session.queue(Bytes::from_static(b"ISON bob\r\n")));
    let later = now + 2 * SECOND;
    assert_eq!(sent(&mut session, later), "ISON bob|", "by turns");
    assert_eq!(sent(&mut session, later + 2 * SECOND), "PRIVMSG alice :5|");
    assert_eq!(sent(&mut session, later + 4 * SECOND), "PRIVMSG alice :6|");
    assert_eq!(sent(&mut session, later + 6 * SECOND), "PING :cpim-8|");
    let verdict = Event::Verdict(Verdict::Taken { away: None });
    assert_eq!(all(&mut session, b"PONG :cpim-8\r\n", later), [verdict]);
    assert!(session.is_idle());
}

#[test]
fn labels_are_used_where_they_are_had() {
    let now = Instant::now();
    let mut session = registered(now, WELCOME);
    session.begin(letter(1));
    assert_eq!(sent(&mut session, now), "@label=c1 PRIVMSG alice :0|");
    let verdict = Event::Verdict(Verdict::Taken { away: None });
    assert_eq!(all(&mut session, b"@label=c1 :s ACK\r\n", now), [verdict]);
}

#[test]
fn what_people_write_is_told_and_what_servers_do_is_not() {
    let now = Instant::now();
    let mut session = plain(now);
    let lines = b"@account=wonder :Alice!a@h PRIVMSG FRED :hi there\r\n:s NOTICE fred :hello\r\n\
        :a!b@c NOTICE fred :n\r\n:a!b@c PRIVMSG #x :n\r\n:a!b@c PRIVMSG fred\r\n:fred!f@h PRIVMSG fred :own\r\n";
    let events = all(&mut session, lines, now);
    let [Event::Spoken(first), Event::Other(_), Event::Spoken(second)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(
        (first.source.name_str(), first.text(), first.account()),
        (Some("Alice"), &b"hi there"[..], Some("wonder"))
    );
    assert!(second.notice && !first.notice);
}

#[test]
fn a_name_taken_away_is_followed() {
    let now = Instant::now();
    let mut session = plain(now);
    let events = all(&mut session, b":fred!f@h NICK Guest1\r\n:x!f@h NICK y\r\n", now);
    assert!(matches!(&events[0], Event::Renamed { new, .. } if new.as_str() == "Guest1"));
    assert!(matches!(&events[1], Event::Other(_)));
    assert_eq!(session.nick().as_str(), "Guest1");
}

#[test]
fn ends_are_told_apart() {
    let now = Instant::now();
    for (line, expected) in [
        (&b"ERROR :Closing Link: x (K-lined)\r\nPING :x\r\n"[..], Ending::Banned),
        (b"ERROR :Closing Link: x (Killed (oper (no)))\r\n", Ending::Killed),
        (b"ERROR :Server going down\r\n", Ending::Dropped),
    ] {
        let mut session = plain(now);
        let events = all(&mut session, line, now);
        assert!(matches!(&events[..], [Event::Over { ending, .. }] if *ending == expected), "{events:?}");
    }
    let mut late = session(now);
    assert_eq!(late.tick(now), None);
    assert!(matches!(late.tick(late.due()), Some(Event::Over { ending: Ending::Dropped, .. })));
}

#[test]
fn a_silent_server_is_pinged_and_left() {
    let now = Instant::now();
    let mut session = plain(now);
    session.begin(letter(2));
    sent(&mut session, now);
    assert_eq!(session.tick(now + SECOND), None);
    assert!(sent(&mut session, now + SECOND).contains("PING :cpim|"));
    assert!(matches!(session.tick(now + 2 * SECOND), Some(Event::Over { .. })));
    let letter = session.take_letter().unwrap();
    assert_eq!((letter.out(), letter.of()), (2, 2));
}

/// What a server could send to do harm: numerics out of place, lies, no end of lines.
#[test]
fn a_lying_server_is_survived() {
    let now = Instant::now();
    let mut session = plain(now);
    let mut lies = Vec::new();
    for line in [
        ":s 001 fred :Hi x!y@z",
        ":s 001",
        ":s 005 fred CASEMAPPING=x NICKLEN=0 MONITOR=-3 CHANTYPES=",
        ":s 396 fred :",
        ":s 433 fred fred :in use",
        ":s 465 fred :banned?",
        ":s 900",
        "CAP",
        ":s CAP * LS",
        ":s CAP * ACK :sasl",
        "AUTHENTICATE +",
        "BATCH",
        "BATCH +",
        "BATCH -",
        "@label= ACK",
        "@batch=x :s 401",
        ":s 303",
        ":fred!f@h NICK",
        ":fred!f@h NICK :a b",
        "PONG",
        ":s PONG :cpim-1",
        "FAIL",
        "\u{1}",
        "@a :b",
        ":s 401 fred alice :?",
    ] {
        lies.extend_from_slice(line.as_bytes());
        lies.extend_from_slice(b"\r\n");
    }
    for _ in 0..50 {
        let mut input = BytesMut::from(&lies[..]);
        while session.next(&mut input, now).is_some() {}
        sent(&mut session, now);
    }
    let mut endless = BytesMut::new();
    for _ in 0..1_000 {
        endless.extend_from_slice(&[b'x'; 1_000]);
        assert_eq!(session.next(&mut endless, now), None);
        assert!(endless.len() < 10_000);
    }
    assert_eq!(all(&mut session, b"\r\n:a!b@c PRIVMSG fred :still here\r\n", now).len(), 1);
}

proptest! {
    #[test]
    fn cutting_changes_nothing(
        lines in prop::collection::vec(prop::sample::select(vec![
            &b":s CAP * LS :batch labeled-response"[..], b":s CAP * ACK :batch labeled-response", b":s 001 fred :Hi fred!f@h",
            b":s 422 fred :none", b":s 433 * fred :used", b"PING :x", b":a!b@c PRIVMSG fred :hi", b":s 401 fred alice :none",
            b"PONG :cpim-3", b"@label=c1 ACK", b":fred!f@h NICK new", b":a!b@c AWAY :x", b"ERROR :bye", b"\xff\xfe", b":s 465 * :no",
        ]), 0..20),
        pieces in prop::collection::vec(1_usize..40, 1..6),
    ) {
        let octets = lines.join(&b"\r\n"[..]);
        let run = |pieces: &[usize]| {
            let now = Instant::now();
            let (mut session, mut input, mut rest) = (session(now), BytesMut::new(), &octets[..]);
            let (mut events, mut output) = (Vec::new(), BytesMut::new());
            session.begin(letter(2));
            for piece in pieces.iter().cycle() {
                let (one, more) = rest.split_at((*piece).min(rest.len()));
                input.extend_from_slice(one);
                rest = more;
                while let Some(event) = session.next(&mut input, now) {
                    events.push(event);
                    session.flush(&mut output, now);
                }
                if rest.is_empty() {
                    break;
                }
            }
            (events, session.nick().clone())
        };
        prop_assert_eq!(run(&pieces), run(&[octets.len().max(1)]));
    }
}
