//! What clients ask at connecting and later.

use crate::stage::Stage;

/// RFC 2812 sections 3.4.1, 3.4.3, 3.4.6, 3.4.9, 3.4.10, 3.2.6 and 3.1.5; and what is not for this server (402).
#[test]
fn the_server_tells_of_itself() {
    let stage = Stage::with("admin = [\"The demo\", \"ops@a.example\"]");
    let mut alice = stage.join("alice");
    let mut ask = |line: &str| alice.ask(line).join("\n");
    assert!(ask("MOTD").contains(" 422 alice "));
    assert!(ask("LUSERS").contains(" 251 alice :There are 1 users"));
    let version = ask("VERSION");
    assert!(version.contains(" 351 alice cpim-gateway-") && version.contains(" 005 alice "));
    assert!(ask("TIME").contains(" 391 alice irc.demo.example :"));
    let admin = ask("ADMIN");
    assert!(
        admin.contains(" 256 alice ")
            && admin.contains(" 257 alice :The demo")
            && admin.contains(" 258 alice ")
    );
    let info = ask("INFO");
    assert!(info.contains(" 371 alice ") && info.contains(" 374 alice "));
    let list = ask("LIST");
    assert!(list.contains(" 321 alice ") && list.contains(" 323 alice "));
    for command in ["VERSION", "TIME", "ADMIN", "INFO", "MOTD"] {
        assert!(ask(&format!("{command} other.example")).contains(" 402 alice other.example "), "{command}");
        assert!(!ask(&format!("{command} irc.demo.example")).contains(" 402 "), "{command}");
    }
    assert_eq!(ask("MODE alice"), ":irc.demo.example 221 alice +i");
    assert_eq!(ask("MODE alice +i"), ":irc.demo.example 221 alice +i");
    assert!(ask("MODE alice +o").contains(" 501 alice "));
    assert!(ask("MODE bob +i").contains(" 502 alice "));
    assert_eq!(ask("PING x"), ":irc.demo.example PONG irc.demo.example :x");
    assert!(ask("PING").contains(" 409 alice "));
}

/// What it does not do it says by its numerics: RFC 2812 section 5.2; section 3.2.1, `JOIN 0`. What begins with one of
/// CHANTYPES is a channel.
#[test]
fn what_is_not_done_is_said() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let mut ask = |line: &str| alice.ask(line).join("\n");
    assert!(ask("JOIN #a,#b").contains(" 403 alice #a :") && ask("JOIN #a,#b").contains(" 403 alice #b :"));
    assert_eq!(ask("JOIN 0"), "");
    assert!(ask("JOIN").contains(" 461 alice JOIN "));
    let parted = ask("PART #a,#b");
    assert!(parted.contains(" 403 alice #a ") && parted.contains(" 403 alice #b "), "{parted}");
    for line in ["TOPIC #a :x", "KICK #a bob", "INVITE bob #a"] {
        assert!(ask(line).contains(" 403 alice #a "), "{line}");
    }
    assert!(ask("INVITE bob").contains(" 461 alice INVITE "));
    assert!(ask("MODE #a").contains(" 403 alice #a "));
    assert!(ask("NAMES #a").contains(" 366 alice #a "));
    for line in
        ["OPER a b", "KILL a b", "DIE", "REHASH", "RESTART", "SQUIT a :b", "WALLOPS :x", "CONNECT a 6667"]
    {
        assert!(ask(line).contains(" 481 alice "), "{line}");
    }
    assert!(ask("FROBNICATE").contains(" 421 alice FROBNICATE "));
    let whowas = ask("WHOWAS bob");
    assert!(whowas.contains(" 406 alice bob ") && whowas.contains(" 369 alice bob "));
}

/// RFC 2812 sections 3.6.1, 3.6.2, 4.8 and 4.9, of oneself: no address of anybody is shown.
#[test]
fn oneself_is_known_and_cloaked() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    alice.send("WHOIS alice");
    let first = alice.expect(" 311 ");
    assert_eq!(first, ":irc.demo.example 311 alice alice alice irc.demo.example * :alice of the tests");
    alice.expect(" 312 alice alice irc.demo.example :");
    alice.expect(" 320 alice alice :is written to as im:irc=irc.demo.example/alice@gw.example");
    alice.expect(" 318 alice alice :");
    assert_eq!(alice.ask("ISON alice")[0], ":irc.demo.example 303 alice :alice");
    assert_eq!(alice.ask("USERHOST alice")[0], ":irc.demo.example 302 alice :alice=+alice@irc.demo.example");
    let who = alice.ask("WHO alice");
    assert_eq!(
        who[0],
        ":irc.demo.example 352 alice * alice irc.demo.example irc.demo.example alice H :0 alice of the tests"
    );
    assert!(who[1].contains(" 315 alice alice :"));
    assert!(alice.ask("WHO #ops")[0].contains(" 315 alice #ops "));
    assert!(alice.ask("WHO")[0].contains(" 315 alice * "));
    let nobody = alice.ask("WHOIS nobody");
    assert!(nobody[0].contains(" 401 alice nobody :") && nobody[1].contains(" 318 alice nobody :"));
    for line in ["WHOIS", "ISON", "USERHOST", "WHOWAS", "MONITOR"] {
        let lines = alice.ask(line);
        assert!(lines[0].contains(" 431 ") || lines[0].contains(" 461 "), "{line}: {lines:?}");
    }
}

/// IRCv3 monitor: the list (732, 733), its limit (734), and what it holds after `-` and `C`.
#[test]
fn the_monitor_list_is_kept() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    alice.ask("MONITOR + bob,carl,fred@a.example");
    // Beside the list comes what becomes known of those on it.
    let mut list = || -> Vec<String> {
        let lines = alice.ask("MONITOR L");
        assert!(lines.iter().any(|line| line.contains(" 733 alice :")), "{lines:?}");
        let lists = lines.iter().filter(|line| line.contains(" 732 "));
        let mut names: Vec<String> =
            lists.flat_map(|line| line.split(" :").nth(1).unwrap().split(',').map(str::to_owned)).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(list(), ["bob", "carl", "fred@a.example"]);
    alice.ask("MONITOR - BOB");
    let mut list =
        || alice.ask("MONITOR L").into_iter().filter(|line| line.contains(" 732 ")).collect::<String>();
    assert!(!list().contains("bob") && list().contains("carl"));
    alice.ask("MONITOR C");
    let left = alice.ask("MONITOR L").into_iter().filter(|line| line.contains(" 732 ")).count();
    assert_eq!(left, 0);
    let many = |from: usize| (from..from + 64).map(|nth| format!("n{nth}")).collect::<Vec<_>>().join(",");
    alice.send(&format!("MONITOR + {}", many(0)));
    alice.send(&format!("MONITOR + {}", many(64)));
    alice.send("MONITOR + toomany");
    assert!(alice.expect(" 734 ").contains(" 734 alice 128 toomany :"));
}

/// modern IRC, "RPL_ISUPPORT": AWAYLEN, NICKLEN and TARGMAX say what holds.
#[test]
fn limits_are_as_they_are_told() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let told = alice.ask("VERSION").into_iter().find(|line| line.contains(" 005 ")).unwrap();
    let value = |name: &str| {
        let token = told.split(' ').find_map(|token| token.strip_prefix(name)?.strip_prefix('='));
        token.unwrap_or_else(|| panic!("no {name}: {told}")).to_owned()
    };
    // It is cut between characters.
    let most: usize = value("AWAYLEN").parse().unwrap();
    alice.ask(&format!("AWAY :{}x", "€".repeat(most / 3)));
    let away = alice.ask_until("WHOIS alice", |lines| lines.iter().any(|line| line.contains(" 318 ")));
    let away = away.iter().find(|line| line.contains(" 301 ")).unwrap();
    assert!(away.ends_with(&format!(" 301 alice alice :{}", "€".repeat(most / 3))), "{away}");
    let most: usize = value("NICKLEN").parse().unwrap();
    let name = "n".repeat(most);
    assert!(alice.ask(&format!("NICK {name}x"))[0].contains(" 432 alice "));
    assert!(alice.ask(&format!("NICK {name}"))[0].ends_with(&format!(" NICK :{name}")));
    assert!(value("TARGMAX").split(',').any(|one| one == "USERHOST:5"));
    let asked = alice.ask_until(&format!("USERHOST a b c d {name} {name}"), |lines| !lines.is_empty());
    assert!(asked[0].ends_with(&format!(" 302 {name} :{name}=-alice@irc.demo.example")), "{asked:?}");
    let asked = alice.ask_until(&format!("USERHOST a b c d e {name}"), |lines| !lines.is_empty());
    assert!(asked[0].ends_with(&format!(" 302 {name} :")), "the sixth is not looked at: {asked:?}");
}
