//! A store that is slow: nobody hears 250 before what he sent is accepted, nor waits for ever.

use std::time::{Duration, Instant};

use crate::stage::{BOB, FRED, FRED_MAILBOX, HELLO, Stage, hello};
use crate::support::native::Client;
use crate::support::smtp::Smtp;

/// How long acceptance may take before the reply says that it did not happen.
const ACCEPTANCE: Duration = Duration::from_secs(5);

#[test]
fn what_is_not_accepted_in_time_is_refused_for_now_and_delivered_once() {
    let (site, outgoing, port) = Stage::site("", "");
    // Whoever has come to this point has accepted the mail, and gets no further with it.
    let gateway = site.start_held("accepted");
    gateway.wait_ready();
    let there = Client::serving(site.port, FRED, false);
    let mut client = Smtp::hello(port);
    let began = Instant::now();
    let reply = client.mail(BOB, FRED_MAILBOX, HELLO);
    assert_eq!(reply.text(), "451 4.3.0 nothing can be taken at present");
    assert!(began.elapsed() >= ACCEPTANCE, "{:?}", began.elapsed());
    gateway.wait_held("accepted");
    gateway.kill();
    drop(there);

    let again = site.start();
    again.wait_ready();
    let mut fred = Client::serving(site.port, FRED, false);
    // The other server tries again, as 4yz says, and what was accepted after all is known again.
    assert_eq!(Smtp::hello(port).mail(BOB, FRED_MAILBOX, HELLO).code, 250);
    let got = fred.expect_message();
    fred.respond(&got, "success", "");
    assert_eq!(Smtp::hello(port).mail(BOB, FRED_MAILBOX, HELLO).code, 250);
    assert_eq!(Smtp::hello(port).mail(BOB, FRED_MAILBOX, &hello(2)).code, 250);
    assert!(String::from_utf8_lossy(&fred.expect_message().content).contains("<2@mail.example>"));
    assert_eq!(outgoing.taken().len(), 0);
}
