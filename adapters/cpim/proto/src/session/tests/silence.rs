//! Pings, silence, and peers that do not read.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn two_idle_sessions_keep_each_other_alive() {
    let mut pair = Pair::open();
    pair.run(SECOND * 3_600);
    assert!(pair.client.session.is_open() && pair.server.session.is_open());
    assert!(pair.client.told().is_empty() && pair.server.told().is_empty(), "pings are not told");
}

#[test]
fn a_ping_is_answered() {
    let mut listener = Listener::open();
    listener.hear(&frame("<ping transID='7'/>", ""));
    assert_eq!(listener.say(), frame("<response status='success' transID='7'/>", ""));
    assert!(listener.events().is_empty());
}

#[test]
fn silence_is_asked_after_60_s_and_ends_the_session_after_30_more() {
    let mut listener = Listener::open();
    listener.pass(SECOND * 59);
    assert_eq!(listener.say(), "");
    listener.pass(SECOND);
    let ping = listener.say();
    assert_eq!(ping, frame("<ping transID='ping-1'/>", ""));
    listener.pass(SECOND * 29);
    assert!(listener.session.is_open());
    listener.pass(SECOND);
    assert_eq!(listener.closure(), Closure::Silent);
    assert!(listener.say().contains("<close reason='timeout'>"));
    assert!(listener.session.is_finished(listener.now));
}

#[test]
fn one_octet_is_a_sign_of_life() {
    let mut listener = Listener::open();
    for octet in frame("<ping transID='p'/>", "").chars() {
        listener.pass(SECOND * 60);
        assert!(listener.say().contains("<ping transID='ping-"));
        listener.pass(SECOND * 29);
        assert!(listener.session.is_open());
        listener.hear(&octet.to_string());
    }
    assert!(listener.say().contains("<response status='success' transID='p'/>"));
}

#[test]
fn a_response_is_in_doubt_while_the_connection_may_not_have_carried_it() {
    for (stood, in_doubt, handed_over) in
        [(SECOND / 2, vec![(trans_id("1"), 1)], None), (SECOND, vec![], Some(1))]
    {
        let mut server = Listener::open();
        server
            .hear(&frame("<message source='im:a@a.example' destination='im:b@b.example' transID='1'/>", ""));
        server.session.respond(server.now, &trans_id("1"), &Response::success(), 1).unwrap();
        server.say();
        server.pass(stood);
        assert_eq!(server.session.poll_handed_over(), handed_over);
        server.session.handle_loss(server.now);
        assert_eq!(server.session.into_remains().in_doubt, in_doubt, "{stood:?}");
    }
}

#[test]
fn a_peer_that_does_not_open_is_closed() {
    let mut listener = Listener::new(Config::default());
    listener.hear("CPIM/1 ");
    listener.pass(SECOND * 29);
    assert!(!listener.session.is_closed());
    listener.pass(SECOND);
    assert_eq!(listener.closure(), Closure::Unopened);
    assert_eq!(listener.say(), frame("<close reason='timeout'>expected `open`</close>", ""));
}

#[test]
fn a_peer_that_does_not_read_is_closed_after_30_s_and_what_it_is_owed_is_told() {
    let mut pair = Pair::open();
    pair.client.session.send(pair.now, &trans_id("1"), &Parameters::default(), &message("x")).unwrap();
    pair.run(SECOND);
    pair.client.reads = false;
    pair.server.session.respond(pair.now, &trans_id("1"), &Response::success(), 1).unwrap();
    pair.run(SECOND * 29);
    assert!(pair.server.session.is_open());
    pair.run(SECOND);
    assert!(matches!(pair.server.events.last(), Some(Event::Closed(Closure::Stalled))));
    assert!(pair.server.session.is_finished(pair.now));
    assert_eq!(pair.server.session.into_remains().in_doubt, [(trans_id("1"), 1)]);
}

#[test]
fn a_peer_that_reads_slowly_is_not_closed() {
    let mut listener = Listener::open();
    let body = "x".repeat(10_000);
    listener.session.send(listener.now, &trans_id("1"), &Parameters::default(), &message(&body)).unwrap();
    while listener.session.poll_transmit().is_some() {}
    for octet in frame("<ping transID='p'/>", "").chars() {
        listener.pass(SECOND * 29);
        assert!(listener.session.is_open());
        listener.session.transmitted(listener.now, 100);
        listener.hear(&octet.to_string());
    }
    listener.pass(SECOND * 30);
    assert_eq!(listener.closure(), Closure::Stalled);
}

#[test]
fn a_flood_without_reading_is_not_read_and_costs_bounded_memory() {
    let config = Config { max_owed_octets: 1_000, ..Config::default() };
    let mut listener = Listener::open_with(config);
    let ping = frame("<ping transID='p'/>", "");
    let mut heard = 0;
    while listener.session.wants_input() {
        listener.hear(&ping);
        heard += 1;
    }
    assert!(heard < 30, "{heard}");
    // What is heard all the same waits, and is answered when there is room.
    listener.hear(&ping);
    let answers = listener.say().matches("<response").count();
    assert_eq!(answers, heard + 1);
    assert!(listener.session.wants_input());
}
