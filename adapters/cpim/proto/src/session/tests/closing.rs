//! The end of a session, from either side.

use super::*;
use crate::Limits;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_session_closed_by_the_client_ends_when_it_has_its_answers() {
    let mut pair = Pair::open();
    pair.client.session.send(pair.now, &trans_id("1"), &Parameters::default(), &message("x")).unwrap();
    pair.run(pair::LATENCY);
    pair.client.session.close(pair.now, Close::default());
    pair.run(pair::LATENCY);
    assert!(matches!(pair.server.told()[..], [Event::Operation(_), Event::PeerClosing(_)]));
    assert_eq!(
        pair.server.session.send(pair.now, &trans_id("2"), &Parameters::default(), &message("y")),
        Err(SendError::NotOpen)
    );
    pair.run(SECOND * 5);
    assert!(!pair.server.session.is_closed());
    pair.server.session.respond(pair.now, &trans_id("1"), &Response::success(), 1).unwrap();
    pair.run(pair::LATENCY);
    assert!(matches!(pair.server.told()[..], [Event::Closed(Closure::Orderly)]));
    assert!(pair.server.session.is_finished(pair.now));
    assert_eq!(pair.server.handed_over, [1]);
    assert!(matches!(pair.client.told()[..], [Event::Response { .. }]));
    pair.client.session.handle_end(pair.now);
    pair.run(Duration::ZERO);
    assert!(matches!(pair.client.told()[..], [Event::Closed(Closure::Orderly)]));
}

#[test]
fn draining_ends_after_10_s() {
    let mut pair = Pair::open();
    pair.client.session.send(pair.now, &trans_id("1"), &Parameters::default(), &message("x")).unwrap();
    pair.client.session.close(pair.now, Close::because(Reason::Shutdown, ""));
    // The close overtakes what has not begun.
    assert!(matches!(
        std::iter::from_fn(|| pair.client.session.poll_event()).collect::<Vec<_>>()[..],
        [Event::Unsent { .. }]
    ));
    pair.run(SECOND);
    assert!(matches!(&pair.server.told()[..], [Event::PeerClosing(_), Event::Closed(Closure::Orderly)]));

    let mut pair = Pair::open();
    pair.client.session.send(pair.now, &trans_id("1"), &Parameters::default(), &message("x")).unwrap();
    pair.run(pair::LATENCY);
    pair.client.session.close(pair.now, Close::because(Reason::Shutdown, ""));
    pair.run(SECOND * 11);
    assert!(matches!(
        pair.server.told()[..],
        [Event::Operation(_), Event::PeerClosing(_), Event::Closed(Closure::Orderly)]
    ));
    assert!(matches!(pair.client.told()[..], [Event::Closed(Closure::Orderly)]));
    assert!(pair.server.session.is_finished(pair.now) && pair.client.session.is_finished(pair.now));
    assert_eq!(pair.server.session.into_remains().abandoned, [trans_id("1")]);
    assert_eq!(pair.client.session.into_remains().unanswered, [trans_id("1")]);
}

#[test]
fn an_operation_that_crosses_a_close_is_answered_busy() {
    let mut pair = Pair::open();
    pair.server.session.close(pair.now, Close::because(Reason::Shutdown, "going down"));
    pair.client.session.send(pair.now, &trans_id("1"), &Parameters::default(), &message("x")).unwrap();
    pair.run(SECOND);
    assert!(pair.server.told().is_empty());
    let told = pair.client.told();
    let [Event::PeerClosing(_), Event::Response { response, .. }, Event::Closed(Closure::Orderly)] =
        &told[..]
    else {
        panic!("{told:?}");
    };
    assert_eq!(response.code(), Some(Code::Busy));
}

#[test]
fn an_operation_after_close_is_out_of_order() {
    let mut listener = Listener::open();
    let message = "<message source='im:a@a.example' destination='im:b@b.example' transID='1'/>";
    listener.hear(&frame(message, ""));
    listener.hear(&frame("<close/>", ""));
    listener.hear(&frame(&message.replace("'1'", "'2'"), ""));
    let closure = listener.closure();
    assert!(matches!(closure, Closure::Violated(Violation::OutOfOrder(_))), "{closure:?}");
}

#[test]
fn a_client_may_close_and_hang_up_its_side_and_still_read_its_answers() {
    let mut listener = Listener::open();
    listener.hear(&frame("<message source='im:a@a.example' destination='im:b@b.example' transID='1'/>", ""));
    listener.hear(&frame("<close/>", ""));
    listener.session.handle_end(listener.now);
    assert!(!listener.session.is_closed() && !listener.session.wants_input());
    listener.session.respond(listener.now, &trans_id("1"), &Response::success(), 1).unwrap();
    assert_eq!(listener.say(), frame("<response status='success' transID='1'/>", ""));
    assert_eq!(listener.closure(), Closure::Orderly);
    assert_eq!(listener.session.poll_handed_over(), Some(1));
}

#[test]
fn a_connection_that_ends_without_close_is_lost() {
    let mut listener = Listener::open();
    listener.session.send(listener.now, &trans_id("1"), &Parameters::default(), &message("begun")).unwrap();
    listener.say();
    listener
        .session
        .send(listener.now, &trans_id("2"), &Parameters::default(), &message("not begun"))
        .unwrap();
    listener.session.handle_end(listener.now);
    let events = listener.events();
    let [Event::Unsent { trans_id: unsent }, Event::Closed(Closure::Lost)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(unsent.as_str(), "2");
    assert!(listener.session.is_finished(listener.now));
    assert_eq!(listener.session.respond(listener.now, &trans_id("x"), &Response::success(), 9), Err(9));
    assert_eq!(listener.session.into_remains().unanswered, [trans_id("1")]);
}

#[test]
fn an_open_can_be_refused() {
    let mut pair = Pair::new();
    pair.run(pair::LATENCY);
    pair.server.session.close(pair.now, Close::because(Reason::Unauthorised, "a.example is not yours"));
    pair.run(pair::LATENCY);
    let told = pair.client.told();
    let [Event::Closed(Closure::ByPeer(close))] = &told[..] else { panic!("{told:?}") };
    assert_eq!(*close, Close::because(Reason::Unauthorised, "a.example is not yours"));
    assert!(pair.server.session.is_finished(pair.now) && pair.client.session.is_finished(pair.now));
}

#[test]
fn operations_behind_an_open_wait_for_its_acceptance() {
    let mut listener = Listener::new(Config::default());
    let message = frame("<message source='im:a@a.example' destination='im:b@b.example' transID='1'/>", "");
    listener.hear(&format!("{}{message}", frame("<open version='1'/>", "")));
    assert!(matches!(listener.events()[..], [Event::Opened(_)]));
    assert!(!listener.session.wants_input());
    listener.hear(&message.replace("'1'", "'2'"));
    assert!(listener.events().is_empty());
    listener.session.accept(listener.now, &Open::default()).unwrap();
    assert!(matches!(listener.events()[..], [Event::Operation(_), Event::Operation(_)]));
    assert_eq!(listener.session.accept(listener.now, &Open::default()), Err(SendError::NotOpen));
}

#[test]
fn a_session_closed_by_the_application_for_a_reason_ends_at_once() {
    let mut listener = Listener::open();
    listener.session.close(listener.now, Close::because(Reason::Conflict, "a.example has a home"));
    assert!(matches!(listener.closure(), Closure::ByUs(_)));
    assert!(!listener.session.is_finished(listener.now));
    assert_eq!(listener.say(), frame("<close reason='conflict'>a.example has a home</close>", ""));
    assert!(listener.session.is_finished(listener.now));
}

#[test]
fn explanations_are_cut_and_never_lost_with_what_they_explain() {
    let mut listener = Listener::open_with(Config {
        limits: Limits { xml_octets: 30, ..Limits::default() },
        ..Config::default()
    });
    let words = "<".repeat(100_000);
    let response = Response::failure(Code::Internal, &*words);
    listener.session.respond(listener.now, &trans_id("1"), &response, 1).unwrap();
    listener.session.close(listener.now, Close::because(Reason::Conflict, words));
    let said = listener.say();
    let cut = |octets| "&lt;".repeat(octets);
    let text = cut(Response::MAX_TEXT_OCTETS);
    assert!(said.contains(&format!("<response status='failure' transID='1'>internal: {text}</response>")));
    assert!(said.ends_with(&format!("<close reason='conflict'>{}</close>", cut(Close::MAX_TEXT_OCTETS))));
}

#[test]
fn operations_that_are_withdrawn_no_longer_wait_to_be_taken() {
    let config = Config { drain: SECOND * 100, ..Config::default() };
    let mut listener = Listener::open_with(config);
    listener.hear(&frame("<message source='im:a@a.example' destination='im:b@b.example' transID='1'/>", ""));
    listener.session.send(listener.now, &trans_id("1"), &Parameters::default(), &message("x")).unwrap();
    listener.hear(&frame("<close/>", ""));
    listener.pass(SECOND * 31);
    assert!(!listener.session.is_closed());
}

#[test]
fn what_was_sent_before_our_own_close_is_not_in_doubt() {
    let mut listener = Listener::open();
    listener.hear(&frame("<message source='im:a@a.example' destination='im:b@b.example' transID='1'/>", ""));
    listener.session.respond(listener.now, &trans_id("1"), &Response::success(), 1).unwrap();
    listener.say();
    listener.hear(&frame("<nonsense/>", ""));
    assert_eq!(listener.session.poll_handed_over(), Some(1));
}
