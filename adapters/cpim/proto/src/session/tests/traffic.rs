//! Operations and their responses.

use super::*;

#[test]
fn operations_and_responses_cross() {
    let mut pair = Pair::open();
    for number in ["1", "2", "3"] {
        let parameters = Parameters { hops: Some(7), ..Parameters::default() };
        pair.client.session.send(pair.now, &trans_id(number), &parameters, &message("hello")).unwrap();
    }
    pair.server.session.send(pair.now, &trans_id("1"), &Parameters::default(), &subscribe(60)).unwrap();
    pair.run(pair::LATENCY);
    let told = pair.server.told();
    let trans_ids: Vec<_> = told
        .iter()
        .map(|event| match event {
            Event::Operation(incoming) => {
                assert_eq!(incoming.parameters.hops, Some(7));
                assert_eq!(&**incoming.operation.content().unwrap().octets(), b"hello");
                incoming.trans_id.as_str()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(trans_ids, ["1", "2", "3"]);
    // Responses come in any order.
    for (number, token) in [("3", 3), ("1", 1), ("2", 2)] {
        pair.server.session.respond(pair.now, &trans_id(number), &Response::success(), token).unwrap();
    }
    pair.run(pair::LATENCY);
    let told = pair.client.told();
    assert!(matches!(&told[0], Event::Operation(incoming) if incoming.operation.kind() == Kind::Subscribe));
    let answered: Vec<_> = told[1..]
        .iter()
        .map(|event| match event {
            Event::Response { trans_id, .. } => trans_id.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(answered, ["3", "1", "2"]);
}

#[test]
fn large_contents_cross_untouched() {
    let mut pair = Pair::open();
    pair.chunk = 1_000;
    let body: String = (0..300_000).map(|number| char::from(b'a' + (number % 26) as u8)).collect();
    pair.client.session.send(pair.now, &trans_id("1"), &Parameters::default(), &message(&body)).unwrap();
    pair.run(pair::LATENCY * 2);
    let told = pair.server.told();
    let [Event::Operation(incoming)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(&**incoming.operation.content().unwrap().octets(), body.as_bytes());
}

#[test]
fn what_is_owed_comes_before_what_is_asked_and_after_what_has_begun() {
    let mut listener = Listener::open();
    listener.hear(&frame("<ping transID='p'/>", ""));
    let now = listener.now;
    let large = "x".repeat(5_000);
    let session = &mut listener.session;
    session.send(now, &trans_id("1"), &Parameters::default(), &message(&large)).unwrap();
    session.send(now, &trans_id("2"), &Parameters::default(), &message("later")).unwrap();
    let pong = session.poll_transmit().unwrap();
    assert!(pong.ends_with(b"<response status='success' transID='p'/>"));
    let head = session.poll_transmit().unwrap();
    assert!(head.ends_with(b"transID='1'/>"));
    session.handle_input(now, &mut BytesMut::from(&*frame("<ping transID='q'/>", "")));
    assert_eq!(session.poll_transmit().unwrap(), large.as_bytes());
    assert!(session.poll_transmit().unwrap().ends_with(b"transID='q'/>"));
    assert!(session.poll_transmit().unwrap().ends_with(b"later"));
    assert_eq!(session.poll_transmit(), None);
}

#[test]
fn a_full_window_leaves_the_rest_to_what_is_owed() {
    let mut listener = Listener::open();
    let now = listener.now;
    for number in 0..200 {
        let body = "x".repeat(1_000);
        listener
            .session
            .send(now, &trans_id(&number.to_string()), &Parameters::default(), &message(&body))
            .unwrap();
    }
    let mut handed_out = 0;
    while let Some(chunk) = listener.session.poll_transmit() {
        handed_out += chunk.len();
    }
    assert!((65_536..70_000).contains(&handed_out), "{handed_out}");
    listener.hear(&frame("<ping transID='p'/>", ""));
    assert_eq!(listener.session.poll_transmit(), None);
    listener.session.transmitted(now, handed_out);
    assert!(listener.session.poll_transmit().unwrap().ends_with(b"transID='p'/>"));
}

#[test]
fn a_retransmission_waits_with_the_first() {
    let mut listener = Listener::open();
    let first =
        frame("<message source='im:fred@a.example' destination='im:x@B.example' transID='1'/>", "hello");
    // Spelled otherwise, it means the same.
    let again =
        frame("<message transID='1' source='im:fred@a.example' destination='im:x@b.EXAMPLE' />", "hello");
    listener.hear(&first);
    listener.hear(&first);
    listener.hear(&again);
    assert!(matches!(
        listener.events()[..],
        [Event::Operation(_), Event::Retransmission(_), Event::Retransmission(_)]
    ));
    listener.session.respond(listener.now, &trans_id("1"), &Response::success(), 0).unwrap();
    assert_eq!(listener.say(), frame("<response status='success' transID='1'/>", ""));
    // Once it is answered, the same transID is the application's to recognise.
    listener.hear(&again);
    assert!(matches!(listener.events()[..], [Event::Operation(_)]));
}

#[test]
fn a_trans_id_that_waits_is_not_for_another_operation() {
    let message = |to: &str| format!("<message source='im:fred@a.example' destination='{to}' transID='1'/>");
    let subscribe = |duration: u32| {
        format!(
            "<subscribe watcher='pres:a@a.example' target='pres:b@b.example' duration='{duration}' transID='1'/>"
        )
    };
    for (first, second) in [
        (frame(&message("im:x@b.example"), "one"), frame(&message("im:x@b.example"), "two")),
        (frame(&message("im:x@b.example"), "one"), frame(&message("im:y@b.example"), "one")),
        (frame(&subscribe(1), ""), frame(&subscribe(2), "")),
        (frame(&subscribe(1), ""), frame(&message("im:x@b.example"), "one")),
        (frame(&subscribe(1), ""), frame(&message("nonsense"), "one")),
    ] {
        let mut listener = Listener::open();
        listener.hear(&first);
        listener.hear(&second);
        assert_eq!(listener.closure(), Closure::Violated(Violation::TransIdTaken(trans_id("1"))));
        assert!(listener.say().contains("<close reason='bad-frame'>frame 3, "));
    }
}

#[test]
fn over_the_cap_the_answer_is_busy_and_nothing_is_taken() {
    let mut listener = Listener::open_with(Config { max_inbound: 2, ..Config::default() });
    let message = |number: u32| {
        frame(
            &format!("<message source='im:a@a.example' destination='im:b@b.example' transID='{number}'/>"),
            "",
        )
    };
    for number in 1..=3 {
        listener.hear(&message(number));
    }
    assert_eq!(listener.events().len(), 2);
    assert!(listener.say().contains("<response status='failure' transID='3'>busy: "));
    // A retransmission takes no more room than its first.
    listener.hear(&message(2));
    assert!(matches!(listener.events()[..], [Event::Retransmission(_)]));
    listener.session.respond(listener.now, &trans_id("1"), &Response::success(), 0).unwrap();
    listener.hear(&message(3));
    assert!(matches!(listener.events()[..], [Event::Operation(_)]));
}

#[test]
fn a_response_that_nobody_waits_for_is_told_as_that() {
    let mut pair = Pair::open();
    // Answered on a later session than it came on.
    pair.server.session.respond(pair.now, &trans_id("old"), &Response::success(), 0).unwrap();
    pair.run(pair::LATENCY);
    assert!(
        matches!(&pair.client.told()[..], [Event::StrayResponse { trans_id, .. }] if trans_id.as_str() == "old")
    );
    // An operation that has not left cannot have been answered.
    let mut listener = Listener::open();
    listener.session.send(listener.now, &trans_id("1"), &Parameters::default(), &message("x")).unwrap();
    listener.hear(&frame("<response status='success' transID='1'/>", ""));
    assert!(matches!(listener.events()[..], [Event::StrayResponse { .. }]));
}

#[test]
fn room_is_bounded_and_nothing_is_sent_twice_under_one_trans_id() {
    let config = Config { max_outbound: 3, max_queued_octets: 1_000, ..Config::default() };
    let mut listener = Listener::open_with(config);
    let (now, parameters) = (listener.now, Parameters::default());
    let session = &mut listener.session;
    assert!(session.has_room(1_000_000), "one always has, where nothing waits");
    session.send(now, &trans_id("1"), &parameters, &message("x")).unwrap();
    assert_eq!(session.send(now, &trans_id("1"), &parameters, &message("x")), Err(SendError::TransIdTaken));
    assert!(!session.has_room(1_000));
    session.send(now, &trans_id("2"), &parameters, &message("x")).unwrap();
    session.send(now, &trans_id("3"), &parameters, &message("x")).unwrap();
    assert_eq!(session.send(now, &trans_id("4"), &parameters, &message("x")), Err(SendError::NoRoom));
    let too_large = message(&"x".repeat(1_048_577));
    listener.say();
    listener.hear(&frame("<response status='success' transID='1'/>", ""));
    let sent = listener.session.send(now, &trans_id("5"), &parameters, &too_large);
    assert!(matches!(sent, Err(SendError::Encode(EncodeError::Content { .. }))), "{sent:?}");
    assert_eq!(listener.say(), "");
}

#[test]
fn responses_are_handed_over_once_the_peer_is_heard_after_them() {
    let mut listener = Listener::open();
    let message = |number: u32| {
        frame(
            &format!("<message source='im:a@a.example' destination='im:b@b.example' transID='{number}'/>"),
            "",
        )
    };
    for number in 1..=2 {
        listener.hear(&message(number));
        listener
            .session
            .respond(listener.now, &trans_id(&number.to_string()), &Response::success(), number)
            .unwrap();
        assert_eq!(listener.session.poll_departed(), None, "nothing was sent yet");
        listener.say();
        assert_eq!(listener.session.poll_departed(), Some(&number));
        assert_eq!(listener.session.poll_departed(), None, "it is told once");
        listener.now += Duration::from_secs(5);
    }
    assert_eq!(listener.session.poll_handed_over(), Some(1), "the second message came long after it");
    assert_eq!(listener.session.poll_handed_over(), None);
    listener.hear(&message(3));
    assert_eq!(listener.session.poll_handed_over(), Some(2));
    listener.session.respond(listener.now, &trans_id("3"), &Response::success(), 3).unwrap();
    listener.say();
    listener.hear(&message(4));
    listener.session.respond(listener.now, &trans_id("4"), &Response::success(), 4).unwrap();
    listener.hear(&message(5));
    listener.session.handle_loss(listener.now);
    assert_eq!(listener.closure(), Closure::Lost);
    let remains = listener.session.into_remains();
    assert_eq!(remains.in_doubt, [(trans_id("3"), 3), (trans_id("4"), 4)]);
    assert_eq!(remains.abandoned, [trans_id("5")]);
}
