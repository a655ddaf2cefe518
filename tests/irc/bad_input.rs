//! Anything at all on the socket: answered or closed in IRC's words, and others unharmed.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::stage::{Stage, uri};
use crate::support::irc::Irc;

/// RFC 1459 section 2.3, message-tags: 417; a line without end is thrown away as it comes.
#[test]
fn what_is_no_line_is_answered() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    alice.send(&format!("PRIVMSG bob :{}", "x".repeat(600)));
    alice.expect(" 417 alice :");
    alice.send(&format!("@{} PING x", "t".repeat(5_000)));
    alice.expect(" 417 alice :");
    for _ in 0..64 {
        alice.send_octets(&[b'y'; 16_384]);
    }
    alice.expect(" 417 alice :");
    alice.send_octets(b"\r\n");
    assert!(alice.until_quiet().is_empty(), "once for each line");
    alice.send_octets(b"PRIVMSG \0 :x\r\n\r\n\n\r   \r\n:source\r\n@tag\r\n: :\r\n@ \r\nPRIVMSG\r\n");
    assert!(alice.until_quiet().last().unwrap().contains(" 411 alice :"));
}

/// Octets drawn at random, cut anywhere, before and after registration: nobody else notices.
#[test]
fn noise_harms_nobody() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..40 {
        let mut stream = TcpStream::connect(("127.0.0.1", stage.irc)).unwrap();
        if round % 2 == 1 {
            stream.write_all(format!("NICK noise{round}\r\nUSER n 0 * :n\r\n").as_bytes()).unwrap();
        }
        let noise: Vec<u8> = (0..4_096)
            .map(|_| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                match seed % 5 {
                    0 => b"\r\n :@"[(seed >> 8) as usize % 5],
                    1 => b"PRIVMSGNICKCAP"[(seed >> 8) as usize % 14],
                    _ => (seed >> 16) as u8,
                }
            })
            .collect();
        for piece in noise.chunks(1 + round * 37) {
            if stream.write_all(piece).is_err() {
                break;
            }
        }
    }
    assert!(alice.until_quiet().is_empty());
    assert!(stage.gateway.said().lines().all(|line| !line.contains("panicked")));
}

/// Ten thousand connections that say nothing: those that wait longest are sent away in IRC's words, and nobody else
/// notices.
#[test]
fn ten_thousand_silent_connections_harm_nobody() {
    // As many as the limit of open files allows, with what the gateway needs besides.
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let files: usize = files.split_whitespace().nth(3).unwrap().parse().unwrap_or(usize::MAX);
    let many = 10_000.min(files.saturating_sub(300));
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let mut silent = Vec::new();
    for nth in 0..many {
        silent.push(TcpStream::connect(("127.0.0.1", stage.irc)).unwrap());
        if nth % 2_500 == 0 {
            assert!(alice.until_quiet().is_empty());
        }
    }
    let mut bob = stage.join("bob");
    bob.send("PRIVMSG alice :still here?");
    alice.expect("PRIVMSG alice :still here?");
    alice.until_quiet();
    assert!(bob.until_quiet().is_empty());
    // 1,024 may wait at once.
    if many > 1_100 {
        let mut first = String::new();
        silent[0].set_read_timeout(Some(crate::support::gateway::PATIENCE)).unwrap();
        silent[0].read_to_string(&mut first).unwrap();
        assert!(first.starts_with("ERROR :Closing Link: irc.demo.example (Too many connections"), "{first}");
    }
    println!("{many} connections that said nothing");
}

/// A client that reads nothing is bounded, and holds up nobody but those who write to it.
#[test]
fn who_reads_nothing_holds_up_nobody_else() {
    let stage = Stage::new();
    let mut deaf = stage.join("deaf");
    let (mut alice, mut bob) = (stage.join("alice"), stage.join("bob"));
    for nth in 0..200 {
        alice.send(&format!("PRIVMSG deaf :{nth} {}", "x".repeat(400)));
    }
    let mut fred = stage.native("im:fred@a.example");
    fred.message("1", "im:fred@a.example", &uri("bob"), "are you there?");
    bob.expect("are you there?");
    bob.until_quiet();
    assert!(fred.expect_answer().is("success", ""));
    // It wakes up: what waited was not lost.
    for nth in 0..32 {
        assert!(deaf.expect("PRIVMSG").contains(&format!(":{nth} x")));
    }
}

/// What a browser sends is no IRC, whatever a page made it send (RFC 9110 section 9, RFC 9112 section 3).
#[test]
fn a_browser_is_sent_away() {
    let stage = Stage::new();
    for method in ["POST", "GET", "HEAD", "OPTIONS", "CONNECT"] {
        let mut browser = Irc::connect(stage.irc);
        browser.send(&format!("{method} / HTTP/1.1"));
        let _gone = browser.try_send(b"Host: x\r\n\r\nNICK evil\r\nUSER e 0 * :e\r\nPRIVMSG alice :spam\r\n");
        assert!(browser.end().last().unwrap().starts_with("ERROR :Closing Link"), "{method}");
    }
}
