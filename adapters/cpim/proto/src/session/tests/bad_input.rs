//! "What bad input gets", row by row.

use super::*;

/// What an open session says to these octets, and whether it is still open then.
fn answer_to(octets: &str) -> (String, bool) {
    let mut listener = Listener::open();
    listener.hear(octets);
    let told = listener.events().iter().filter(|event| !matches!(event, Event::Closed(_))).count();
    assert_eq!(told, 0, "nothing of it is delivered: {octets:?}");
    (listener.say(), listener.session.is_open())
}

#[track_caller]
fn assert_closed(octets: &str, reason: &str, text: &str) {
    let mut listener = Listener::open();
    listener.hear(octets);
    // Nothing is read any more, be it well formed.
    listener.hear(&frame("<ping transID='p'/>", ""));
    let events = listener.events();
    assert!(matches!(events[..], [Event::Closed(Closure::Violated(_))]), "{octets:?}: {events:?}");
    let expected = match text {
        "" => frame(&format!("<close reason='{reason}'/>"), ""),
        _ => frame(&format!("<close reason='{reason}'>{text}</close>"), ""),
    };
    assert_eq!(listener.say(), expected, "{octets:?}");
    assert!(listener.session.is_finished(listener.now) && !listener.session.wants_input());
}

#[test]
fn octets_that_are_no_frame_close_the_session() {
    for (octets, text) in [
        ("HELO\r\n", "frame 2, octet 0 of the start line: expected `CPIM/1 `"),
        (
            "CPIM/1 007 0\r\n",
            "frame 2, octet 7 of the start line: expected a count of octets, decimal without sign or leading zeros",
        ),
        ("CPIM/1 70000 0\r\n", "frame 2, octet 7 of the start line: XML of more than 65536 octets"),
        ("CPIM/1 4 2000000\r\n", "frame 2, octet 9 of the start line: a content of more than 1048576 octets"),
        (
            "CPIM/1 4 0 hops=256\r\n<a/>",
            "frame 2, octet 11 of the start line: expected `hops=` and a number from 0 to 255",
        ),
    ] {
        assert_closed(octets, "bad-frame", text);
    }
}

#[test]
fn xml_that_is_not_well_formed_closes_the_session() {
    let to = "source='im:a@a.example' destination='im:b@b.example' transID='1'";
    for (xml, text) in [
        (format!("<message {to}>"), "frame 2, octet 74 of the XML: the XML ends here, within the element"),
        (
            format!("<!DOCTYPE message><message {to}/>"),
            "frame 2, octet 0 of the XML: a DOCTYPE, which may not stand here",
        ),
        (
            format!("<!-- --><message {to}/>"),
            "frame 2, octet 0 of the XML: a comment, which may not stand here",
        ),
        (
            format!("<message {to} x='&b;'/>"),
            "frame 2, octet 77 of the XML: expected `&amp;amp;` `&amp;lt;` `&amp;gt;` `&amp;quot;` `&amp;apos;`, or a \
             reference to a character that XML allows",
        ),
        (
            format!("<message {to}/><ping/>"),
            "frame 2, octet 75 of the XML: expected the end behind the one element",
        ),
        // Whatever else is wrong with it.
        (
            "<message transID='1'>".to_owned(),
            "frame 2, octet 21 of the XML: the XML ends here, within the element",
        ),
        ("<nonsense>".to_owned(), "frame 2, octet 10 of the XML: the XML ends here, within the element"),
        (
            "<notify transID='1'><presence/><!-- --></notify>".to_owned(),
            "frame 2, octet 31 of the XML: a comment, which may not stand here",
        ),
    ] {
        assert_closed(&frame(&xml, ""), "bad-frame", text);
    }
}

#[test]
fn an_unknown_element_closes_the_session() {
    let text = |name: &str| {
        format!(
            "expected open, close, ping, response, message, subscribe, notify, unsubscribe or publish, not `{name}`"
        )
    };
    for name in ["nonsense", "Message", "m:message"] {
        assert_closed(&frame(&format!("<{name} xmlns:m='urn:m'/>"), ""), "unknown-element", &text(name));
    }
    assert_closed(&frame("<nonsense/>", "with content"), "unknown-element", &text("nonsense"));
}

#[test]
fn an_operation_before_open_or_a_second_open_is_out_of_order() {
    for xml in [
        "<message source='im:a@a.example' destination='im:b@b.example' transID='1'/>",
        "<message transID='1'/>",
        "<ping transID='1'/>",
        "<response status='success' transID='1'/>",
    ] {
        let mut listener = Listener::new(Config::default());
        listener.hear(&frame(xml, ""));
        let expected = "<close reason='out-of-order'>expected `open` before anything else</close>";
        assert_eq!(listener.say(), frame(expected, ""));
    }
    assert_closed(&frame("<open version='1'/>", ""), "out-of-order", "a second `open`");
}

#[test]
fn another_version_is_told_ours() {
    for version in ["2", "10", "99999999999999999999"] {
        let mut listener = Listener::new(Config::default());
        listener.hear(&frame(&format!("<open version='{version}' new='thing'><x/></open>"), ""));
        assert_eq!(listener.say(), frame("<close reason='unsupported-version'>1</close>", ""));
    }
}

#[test]
fn an_open_that_is_malformed_closes_the_session() {
    for (attributes, what) in [
        ("", "`open`: `version` is missing or no number; expected version='1'"),
        ("version='0'", "`open`: `version` is missing or no number; expected version='1'"),
        ("version='1.0'", "`open`: `version` is missing or no number; expected version='1'"),
        (
            "version='1' remembers='-1'",
            "`open`: `remembers`: expected a number of seconds, at most 4294967295",
        ),
        (
            "version='1' serves='im:fred@a.example :'",
            "`open`: `serves`: \":\": expected a selector such as `pepp:`",
        ),
    ] {
        let mut listener = Listener::new(Config::default());
        listener.hear(&frame(&format!("<open {attributes}/>"), ""));
        assert_eq!(listener.say(), frame(&format!("<close reason='bad-frame'>frame 1, {what}</close>"), ""));
    }
    for claim in ["a..example", "im:nobody", "sip:fred@a.example", "im:a@b@c.example"] {
        let mut listener = Listener::new(Config::default());
        listener.hear(&frame(&format!("<open version='1' speaks='{claim}'/>"), ""));
        assert!(listener.say().contains("<close reason='bad-frame'>frame 1, `open`: `speaks`: "), "{claim}");
    }
}

#[test]
fn a_well_formed_operation_that_cannot_be_meant_is_refused_and_the_session_goes_on() {
    let tuple = "<tuple destination='im:b@b.example' status='open'/>";
    let presence = format!("<presence>{tuple}</presence>");
    for (xml, code) in [
        ("<message destination='im:b@b.example' transID='t'/>".to_owned(), Code::BadAddress),
        ("<message source='im:a@a.example' transID='t'/>".to_owned(), Code::BadAddress),
        (
            "<message source='pres:a@a.example' destination='im:b@b.example' transID='t'/>".to_owned(),
            Code::BadAddress,
        ),
        ("<message source='im:a' destination='im:b@b.example' transID='t'/>".to_owned(), Code::BadAddress),
        ("<message source='' destination='' transID='t'/>".to_owned(), Code::BadAddress),
        (
            "<message source='im:a@a.example' destination='im:b@b.example' transID='t'>x</message>".to_owned(),
            Code::Unsupported,
        ),
        (
            "<message source='im:a@a.example' destination='im:b@b.example' transID='t'><x/></message>".to_owned(),
            Code::Unsupported,
        ),
        (
            "<subscribe watcher='pres:a@a.example' target='pres:b@b.example' transID='t'/>".to_owned(),
            Code::Unsupported,
        ),
        (
            "<subscribe watcher='pres:a@a.example' target='pres:b@b.example' duration='1h' transID='t'/>".to_owned(),
            Code::Unsupported,
        ),
        (
            "<subscribe watcher='pres:a@a.example' target='pres:b@b.example' duration='4294967296' transID='t'/>"
                .to_owned(),
            Code::Unsupported,
        ),
        (
            format!(
                "<subscribe watcher='pres:a@a.example' target='pres:b@b.example' duration='1' transID='t' \
                 subscriptID='{}'/>",
                "s".repeat(41)
            ),
            Code::Unsupported,
        ),
        ("<unsubscribe watcher='im:a@a.example' target='pres:b@b.example' transID='t'/>".to_owned(), Code::BadAddress),
        ("<publish target='pres:b@b.example' transID='t'/>".to_owned(), Code::Unsupported),
        ("<publish target='pres:b@b.example' transID='t'><presence/></publish>".to_owned(), Code::Unsupported),
        (format!("<publish target='b' transID='t'>{presence}</publish>"), Code::BadAddress),
        (format!("<publish target='pres:b@b.example' transID='t'>{presence}{presence}</publish>"), Code::Unsupported),
        (format!("<publish target='pres:b@b.example' transID='t'>x{presence}</publish>"), Code::Unsupported),
        (
            format!("<publish target='pres:b@b.example' transID='t' duration=''>{presence}</publish>"),
            Code::Unsupported,
        ),
        (
            format!(
                "<publish target='pres:b@b.example' transID='t'>{}</publish>",
                presence.replace("open", "away")
            ),
            Code::Unsupported,
        ),
    ] {
        let (said, open) = answer_to(&frame(&xml, ""));
        assert!(open, "{xml}");
        let start = format!("<response status='failure' transID='t'>{code}: ");
        assert!(said.contains(&start), "{xml}\n{said}");
    }
}

#[test]
fn a_notify_is_never_answered_not_even_a_bad_one() {
    for xml in [
        "<notify transID='t'/>",
        "<notify watcher='pres:a@a.example' target='pres:b@b.example' transID='t'><presence/></notify>",
    ] {
        assert_eq!(answer_to(&frame(xml, "")), (String::new(), true));
    }
}

#[test]
fn without_a_trans_id_there_is_nothing_to_answer() {
    let long = "x".repeat(256);
    for (element, attributes) in [
        ("ping", String::new()),
        ("response", "status='success'".to_owned()),
        ("message", "source='im:a@a.example' destination='im:b@b.example'".to_owned()),
        ("message", "transID=''".to_owned()),
        ("message", "transID='a&#9;b'".to_owned()),
        ("notify", "transid='1'".to_owned()),
        ("subscribe", format!("transID='{long}'")),
    ] {
        let (said, open) = answer_to(&frame(&format!("<{element} {attributes}/>"), ""));
        let start = format!("<close reason='bad-frame'>frame 2, `{element}`: `transID`");
        assert!(!open && said.contains(&start), "{element} {attributes}: {said}");
    }
}

#[test]
fn a_response_that_says_nothing_closes_the_session() {
    for (xml, what) in [
        ("<response transID='1'/>", "expected `status` of `success`, `failure` or `indeterminant`"),
        (
            "<response status='maybe' transID='1'/>",
            "expected `status` of `success`, `failure` or `indeterminant`",
        ),
        ("<response status='success' transID='1' duration='x'/>", "`duration`: expected a number of seconds"),
        ("<response status='success' transID='1'><x/></response>", "expected text, and no element"),
    ] {
        assert_closed(&frame(xml, ""), "bad-frame", &format!("frame 2, `response`: {what}"));
    }
}

#[test]
fn content_with_an_element_that_has_none_closes_the_session() {
    for xml in [
        "<ping transID='1'/>",
        "<close/>",
        "<response status='success' transID='1'/>",
        "<unsubscribe watcher='pres:a@a.example' target='pres:b@b.example' transID='1'/>",
        "<subscribe watcher='pres:a@a.example' target='pres:b@b.example' transID='1' duration='1'/>",
    ] {
        assert_closed(
            &frame(xml, "abc"),
            "bad-frame",
            "frame 2, a content of 3 octets with an element that takes 0",
        );
    }
}

#[test]
fn what_was_answered_before_a_violation_still_goes_out() {
    let (said, open) = answer_to(&format!("{}x", frame("<ping transID='p'/>", "")));
    assert!(!open);
    assert!(
        said.contains("transID='p'") && said.contains("<close reason='bad-frame'>frame 3, octet 0"),
        "{said}"
    );
}
