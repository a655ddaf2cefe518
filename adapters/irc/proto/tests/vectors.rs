//! The parser tests of ircdocs (github.com/ircdocs/parser-tests, CC0), as tables: split, join, mask, userhost and
//! hostname.

use bytes::Bytes;
use cpim_irc_proto::{Casemapping, Mask, Message, Source, is_hostname};

type Atoms = (
    &'static str,
    &'static [(&'static str, &'static str)],
    Option<&'static str>,
    &'static str,
    &'static [&'static str],
);

/// Line, tags, source, verb, parameters.
const SPLIT: &[Atoms] = &[
    ("foo bar baz asdf", &[], None, "foo", &["bar", "baz", "asdf"]),
    (":coolguy foo bar baz asdf", &[], Some("coolguy"), "foo", &["bar", "baz", "asdf"]),
    ("foo bar baz :asdf quux", &[], None, "foo", &["bar", "baz", "asdf quux"]),
    ("foo bar baz :", &[], None, "foo", &["bar", "baz", ""]),
    ("foo bar baz ::asdf", &[], None, "foo", &["bar", "baz", ":asdf"]),
    (":coolguy foo bar baz :asdf quux", &[], Some("coolguy"), "foo", &["bar", "baz", "asdf quux"]),
    (":coolguy foo bar baz :  asdf quux ", &[], Some("coolguy"), "foo", &["bar", "baz", "  asdf quux "]),
    (":coolguy PRIVMSG bar :lol :) ", &[], Some("coolguy"), "PRIVMSG", &["bar", "lol :) "]),
    (":coolguy foo bar baz :", &[], Some("coolguy"), "foo", &["bar", "baz", ""]),
    (":coolguy foo bar baz :  ", &[], Some("coolguy"), "foo", &["bar", "baz", "  "]),
    ("@a=b;c=32;k;rt=ql7 foo", &[("a", "b"), ("c", "32"), ("k", ""), ("rt", "ql7")], None, "foo", &[]),
    (
        r"@a=b\\and\nk;c=72\s45;d=gh\:764 foo",
        &[("a", "b\\and\nk"), ("c", "72 45"), ("d", "gh;764")],
        None,
        "foo",
        &[],
    ),
    ("@c;h=;a=b :quux ab cd", &[("c", ""), ("h", ""), ("a", "b")], Some("quux"), "ab", &["cd"]),
    (":src JOIN #chan", &[], Some("src"), "JOIN", &["#chan"]),
    (":src JOIN :#chan", &[], Some("src"), "JOIN", &["#chan"]),
    (":src AWAY", &[], Some("src"), "AWAY", &[]),
    (":src AWAY ", &[], Some("src"), "AWAY", &[]),
    (":cool\tguy foo bar baz", &[], Some("cool\tguy"), "foo", &["bar", "baz"]),
    (
        ":coolguy!ag@net\x035w\x03ork.admin PRIVMSG foo :bar baz",
        &[],
        Some("coolguy!ag@net\x035w\x03ork.admin"),
        "PRIVMSG",
        &["foo", "bar baz"],
    ),
    (
        ":coolguy!~ag@n\x02et\x0305w\x0fork.admin PRIVMSG foo :bar baz",
        &[],
        Some("coolguy!~ag@n\x02et\x0305w\x0fork.admin"),
        "PRIVMSG",
        &["foo", "bar baz"],
    ),
    (
        "@tag1=value1;tag2;vendor1/tag3=value2;vendor2/tag4= :irc.example.com COMMAND param1 param2 :param3 param3",
        &[("tag1", "value1"), ("tag2", ""), ("vendor1/tag3", "value2"), ("vendor2/tag4", "")],
        Some("irc.example.com"),
        "COMMAND",
        &["param1", "param2", "param3 param3"],
    ),
    (
        ":irc.example.com COMMAND param1 param2 :param3 param3",
        &[],
        Some("irc.example.com"),
        "COMMAND",
        &["param1", "param2", "param3 param3"],
    ),
    (
        "@tag1=value1;tag2;vendor1/tag3=value2;vendor2/tag4 COMMAND param1 param2 :param3 param3",
        &[("tag1", "value1"), ("tag2", ""), ("vendor1/tag3", "value2"), ("vendor2/tag4", "")],
        None,
        "COMMAND",
        &["param1", "param2", "param3 param3"],
    ),
    ("COMMAND", &[], None, "COMMAND", &[]),
    (r"@foo=\\\\\:\\s\s\r\n COMMAND", &[("foo", "\\\\;\\s \r\n")], None, "COMMAND", &[]),
    (
        ":gravel.mozilla.org 432  #momo :Erroneous Nickname: Illegal characters",
        &[],
        Some("gravel.mozilla.org"),
        "432",
        &["#momo", "Erroneous Nickname: Illegal characters"],
    ),
    (":gravel.mozilla.org MODE #tckk +n ", &[], Some("gravel.mozilla.org"), "MODE", &["#tckk", "+n"]),
    (
        ":services.esper.net MODE #foo-bar +o foobar  ",
        &[],
        Some("services.esper.net"),
        "MODE",
        &["#foo-bar", "+o", "foobar"],
    ),
    (r"@tag1=value\\ntest COMMAND", &[("tag1", r"value\ntest")], None, "COMMAND", &[]),
    (r"@tag1=value\1 COMMAND", &[("tag1", "value1")], None, "COMMAND", &[]),
    (r"@tag1=value1\ COMMAND", &[("tag1", "value1")], None, "COMMAND", &[]),
    (
        "@tag1=1;tag2=3;tag3=4;tag1=5 COMMAND",
        &[("tag1", "5"), ("tag2", "3"), ("tag3", "4")],
        None,
        "COMMAND",
        &[],
    ),
    (
        "@tag1=1;tag2=3;tag3=4;tag1=5;vendor/tag2=8 COMMAND",
        &[("tag1", "5"), ("tag2", "3"), ("tag3", "4"), ("vendor/tag2", "8")],
        None,
        "COMMAND",
        &[],
    ),
    (":SomeOp MODE #channel :+i", &[], Some("SomeOp"), "MODE", &["#channel", "+i"]),
    (
        ":SomeOp MODE #channel +oo SomeUser :AnotherUser",
        &[],
        Some("SomeOp"),
        "MODE",
        &["#channel", "+oo", "SomeUser", "AnotherUser"],
    ),
];

#[test]
fn lines_are_split() {
    for (line, tags, source, verb, params) in SPLIT {
        let message = Message::parse(&Bytes::from_static(line.as_bytes())).unwrap();
        assert_eq!(message.command(), *verb, "{line}");
        assert_eq!(message.params(), *params, "{line}");
        let read = message.source.as_ref().map(Source::octets);
        assert_eq!(read, source.map(str::as_bytes), "{line}");
        assert_eq!(message.tags.iter().count(), tags.len(), "{line}");
        for (key, value) in *tags {
            assert_eq!(message.tags.get(key), Some(*value), "{line}");
        }
    }
}

mod join {
    use cpim_irc_proto::{Host, LineBuilder, Origin, Param, TagKey, TagValue, Trailing, Verb};

    type Case = (
        &'static [(&'static str, &'static str)],
        Option<&'static str>,
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
    );

    /// Tags, source, verb, parameters, and the lines that are right. The sources of the vectors are bare nicks,
    /// which are written as a server's name is.
    const JOIN: &[Case] = &[
        (&[], None, "foo", &["bar", "baz", "asdf"], &["foo bar baz asdf", "foo bar baz :asdf"]),
        (&[], Some("src"), "AWAY", &[], &[":src AWAY"]),
        (&[], Some("src"), "AWAY", &[""], &[":src AWAY :"]),
        (
            &[],
            Some("coolguy"),
            "foo",
            &["bar", "baz", "asdf"],
            &[":coolguy foo bar baz asdf", ":coolguy foo bar baz :asdf"],
        ),
        (&[], None, "foo", &["bar", "baz", "asdf quux"], &["foo bar baz :asdf quux"]),
        (&[], None, "foo", &["bar", "baz", ""], &["foo bar baz :"]),
        (&[], None, "foo", &["bar", "baz", ":asdf"], &["foo bar baz ::asdf"]),
        (&[], Some("coolguy"), "foo", &["bar", "baz", "asdf quux"], &[":coolguy foo bar baz :asdf quux"]),
        (
            &[],
            Some("coolguy"),
            "foo",
            &["bar", "baz", "  asdf quux "],
            &[":coolguy foo bar baz :  asdf quux "],
        ),
        (&[], Some("coolguy"), "PRIVMSG", &["bar", "lol :) "], &[":coolguy PRIVMSG bar :lol :) "]),
        (&[], Some("coolguy"), "foo", &["bar", "baz", ""], &[":coolguy foo bar baz :"]),
        (&[], Some("coolguy"), "foo", &["bar", "baz", "  "], &[":coolguy foo bar baz :  "]),
        (
            &[],
            Some("coolguy"),
            "foo",
            &["b\tar", "baz"],
            &[":coolguy foo b\tar baz", ":coolguy foo b\tar :baz"],
        ),
        (&[("asd", "")], Some("coolguy"), "foo", &["bar", "baz", "  "], &["@asd :coolguy foo bar baz :  "]),
        (
            &[("a", "b\\and\nk"), ("d", "gh;764")],
            None,
            "foo",
            &[],
            &[r"@a=b\\and\nk;d=gh\:764 foo", r"@d=gh\:764;a=b\\and\nk foo"],
        ),
        (
            &[("a", "b\\and\nk"), ("d", "gh;764")],
            None,
            "foo",
            &["par1", "par2"],
            &[r"@a=b\\and\nk;d=gh\:764 foo par1 par2", r"@a=b\\and\nk;d=gh\:764 foo par1 :par2"],
        ),
        (&[("foo", "\\\\;\\s \r\n")], None, "COMMAND", &[], &[r"@foo=\\\\\:\\s\s\r\n COMMAND"]),
    ];

    #[test]
    fn lines_are_joined() {
        for (tags, source, verb, params, right) in JOIN {
            let mut line = LineBuilder::new(Verb::parse(verb).unwrap());
            for (key, value) in *tags {
                line = line.tag(&TagKey::parse(key).unwrap(), &TagValue::new(value).unwrap());
            }
            if let Some(source) = source {
                line = line.from(&Origin::Server(Host::parse(source).unwrap()));
            }
            let octets = match params.split_last() {
                None => line.end(),
                Some((last, params)) => params
                    .iter()
                    .fold(line, |line, param| line.param(&Param::new(param).unwrap()))
                    .last(&Trailing::new(last).unwrap()),
            };
            let text = String::from_utf8(octets.unwrap().to_vec()).unwrap();
            assert!(right.contains(&text.trim_end_matches("\r\n")), "{text:?}");
        }
    }
}

#[test]
fn masks_match() {
    type Case = (&'static str, &'static [&'static str], &'static [&'static str]);
    const CASES: &[Case] = &[
        (
            "*@127.0.0.1",
            &["coolguy!ab@127.0.0.1", "cooldud3!~bc@127.0.0.1"],
            &["coolguy!ab@127.0.0.5", "cooldud3!~d@124.0.0.1"],
        ),
        (
            "cool*@*",
            &["coolguy!ab@127.0.0.1", "cooldud3!~bc@127.0.0.1", "cool132!ab@example.com"],
            &["koolguy!ab@127.0.0.5", "cooodud3!~d@124.0.0.1"],
        ),
        (
            "cool!*@*",
            &["cool!guyab@127.0.0.1", "cool!~dudebc@127.0.0.1", "cool!312ab@example.com"],
            &[
                "coolguy!ab@127.0.0.1",
                "cooldud3!~bc@127.0.0.1",
                "koolguy!ab@127.0.0.5",
                "cooodud3!~d@124.0.0.1",
            ],
        ),
        (
            "cool!?username@*",
            &["cool!ausername@127.0.0.1", "cool!~username@127.0.0.1"],
            &["cool!username@127.0.0.1"],
        ),
        ("cool!a?*@*", &["cool!ab@127.0.0.1", "cool!abc@127.0.0.1"], &["cool!a@127.0.0.1"]),
        (
            "cool[guy]!*@*",
            &["cool[guy]!guy@127.0.0.1", "cool[guy]!a@example.com"],
            &["coolg!ab@127.0.0.1", "cool[!ac@127.0.1.1"],
        ),
    ];
    for (text, matches, fails) in CASES {
        let mask = Mask::new(text, Casemapping::Rfc1459);
        assert!(matches.iter().all(|name| mask.matches(name)), "{text}");
        assert!(!fails.iter().any(|name| mask.matches(name)), "{text}");
    }
}

#[test]
fn userhosts_are_split() {
    for (source, nick, user, host) in [
        ("coolguy!ag@127.0.0.1", "coolguy", Some("ag"), Some("127.0.0.1")),
        ("coolguy!~ag@localhost", "coolguy", Some("~ag"), Some("localhost")),
        ("coolguy@127.0.0.1", "coolguy", None, Some("127.0.0.1")),
        ("coolguy!ag", "coolguy", Some("ag"), None),
        ("coolguy!ag@net\x035w\x03ork.admin", "coolguy", Some("ag"), Some("net\x035w\x03ork.admin")),
        (
            "coolguy!~ag@n\x02et\x0305w\x0fork.admin",
            "coolguy",
            Some("~ag"),
            Some("n\x02et\x0305w\x0fork.admin"),
        ),
    ] {
        let read = Source::new(Bytes::from_static(source.as_bytes()));
        assert_eq!(read.name_str(), Some(nick));
        assert_eq!(read.user(), user.map(str::as_bytes));
        assert_eq!(read.host(), host.map(str::as_bytes));
    }
}

#[test]
fn hostnames() {
    for good in [
        "irc.example.com",
        "i.coolguy.net",
        "irc-srv.net.uk",
        "iRC.CooLguY.NeT",
        "gsf.ds342.co.uk",
        "324.net.uk",
        "xn--bcher-kva.ch",
    ] {
        assert!(is_hostname(good), "{good}");
    }
    for bad in ["-lol-.net.uk", "-lol.net.uk", "_irc._sctp.lol.net.uk", "irc", "com", ""] {
        assert!(!is_hostname(bad), "{bad}");
    }
}
