//! Each operation has one answer, it tells the truth, and it is not lost (native-cpim.md, Operations).

use std::time::Duration;

use cpim_adapter::{Code, Outcome, Response, Status, Word};

use crate::support::toy::{House, Manner, arrival};

const FRED: &str = "im:fred@a.example";
const BARNEY: &str = "im:barney@b.example";

#[tokio::test(start_paused = true)]
async fn a_response_comes_back_as_the_far_side_gave_it() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    for (said, heard) in [
        (Response::success(), Response::success()),
        (Response::failure(Code::TooLarge, "no"), Response::failure(Code::TooLarge, "no")),
        (Response::from_text(Status::Failure, "go away"), Response::failure(Code::Refused, "go away")),
        (Response::from_text(Status::Indeterminant, "?"), Response::from_text(Status::Indeterminant, "?")),
    ] {
        fred.send("1", FRED, BARNEY, &said.to_string());
        let delivery = house.next().await;
        house.answer(&delivery, said);
        assert_eq!(fred.answer().await, ("1".into(), heard));
    }
}

#[tokio::test(start_paused = true)]
async fn the_outcomes_of_a_delivery_become_the_three_statuses() {
    let house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    house.manner(Manner::Say(Outcome::Delivered(Response::success())));
    fred.send("1", FRED, BARNEY, "one");
    assert_eq!(fred.answer().await.1.status(), Status::Success);
    let unknown = Response::indeterminant(Code::Timeout, "handed on");
    house.manner(Manner::Say(Outcome::Delegated(unknown.clone())));
    fred.send("2", FRED, BARNEY, "two");
    assert_eq!(fred.answer().await.1, unknown);
    house.manner(Manner::Refuse(|| cpim_adapter::DeliveryError::refused(Code::TooLarge, "too long")));
    fred.send("3", FRED, BARNEY, "three");
    assert_eq!(fred.answer().await.1, Response::failure(Code::TooLarge, "too long"));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_as_indeterminant_and_the_late_failure_is_told() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    let begun = tokio::time::Instant::now();
    fred.send("1", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    let (_, response) = fred.answer().await;
    assert_eq!((response.status(), response.code()), (Status::Indeterminant, Some(Code::Timeout)));
    let waited = begun.elapsed();
    assert!((Duration::from_secs(600)..Duration::from_secs(601)).contains(&waited), "{waited:?}");

    house.answer(&delivery, Response::failure(Code::Refused, "never seen him"));
    let told = house.next().await;
    let cpim_adapter::Operation::Message(message) = &*told.operation else { panic!("a message") };
    assert_eq!(message.source.spelled(), "im:gateway@gw.example");
    assert_eq!(message.destination.spelled(), FRED);
    assert!(message.metadata.automatic);
    let text = String::from_utf8(message.content.octets().to_vec()).unwrap();
    assert!(text.contains("never seen him") && text.contains(delivery.passage.id.as_str()), "{text}");
    assert!(fred.answers.try_recv().is_err(), "no second answer");
}

#[tokio::test(start_paused = true)]
async fn the_senders_own_wait_is_kept() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    let mut hasty = arrival("1", FRED, BARNEY, "hello");
    hasty.wait = Some(Duration::from_secs(20));
    let begun = tokio::time::Instant::now();
    fred.submit(hasty);
    let delivery = house.next().await;
    assert!(delivery.passage.wait.unwrap() <= Duration::from_secs(20));
    assert_eq!(fred.answer().await.1.status(), Status::Indeterminant);
    assert!(begun.elapsed() < Duration::from_secs(21));
}

#[tokio::test(start_paused = true)]
async fn a_retransmission_waits_with_the_first_and_is_answered_like_it() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    fred.send("1", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    fred.send("1", FRED, BARNEY, "hello");
    let mut elsewhere = house.session(&[FRED]);
    elsewhere.send("1", FRED, BARNEY, "hello");
    tokio::time::sleep(Duration::from_secs(1)).await;
    house.answer(&delivery, Response::success());
    assert_eq!(fred.answer().await, ("1".into(), Response::success()));
    assert_eq!(fred.answer().await, ("1".into(), Response::success()));
    assert_eq!(elsewhere.answer().await, ("1".into(), Response::success()));
    fred.send("1", FRED, BARNEY, "hello");
    assert_eq!(fred.answer().await, ("1".into(), Response::success()));
    assert!(house.delivered.try_recv().is_err(), "delivered once");
    fred.send("1", FRED, BARNEY, "something else");
    assert_ne!(house.next().await.leg, delivery.leg, "another operation");
}

#[tokio::test(start_paused = true)]
async fn a_retransmission_gets_its_answer_whatever_would_be_said_now() {
    let mut house = House::new().await;
    let (mut fred, barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    fred.send("1", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    house.answer(&delivery, Response::success());
    assert_eq!(fred.answer().await.1, Response::success());
    drop(barney);
    fred.send("1", FRED, BARNEY, "hello");
    assert_eq!(fred.answer().await.1, Response::success());
    fred.send("2", FRED, BARNEY, "hello");
    assert_eq!(fred.answer().await.1.code(), Some(Code::Unreachable));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_could_take_is_given_to_the_owners_next_session() {
    let mut house = House::new().await;
    let (fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    fred.send("1", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    drop(fred);
    house.answer(&delivery, Response::success());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut stranger = house.session(&["im:wilma@a.example"]);
    let mut fred = house.session(&[FRED]);
    assert_eq!(fred.answer().await, ("1".into(), Response::success()));
    let mut later = house.session(&[FRED]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(later.answers.try_recv().is_err(), "given once it is handed over, and no more");
    assert!(stranger.answers.try_recv().is_err(), "and to its owner only");
}

/// Of mail's authors there is one for each mail: had each what is kept for him read, and were each looked for, a mail
/// would cost as much as all that are under way.
#[tokio::test(start_paused = true)]
async fn whoever_is_there_briefly_has_his_own_answer_and_no_other() {
    let mut house = House::new().await;
    let (fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    fred.send("1", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    drop(fred);
    house.answer(&delivery, Response::success());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut brief = house.briefly(&[FRED]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(brief.answers.try_recv().is_err(), "what was kept is not for him");
    brief.send("2", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    house.answer(&delivery, Response::success());
    assert_eq!(brief.answer().await, ("2".into(), Response::success()));
    assert_eq!(house.session(&[FRED]).answer().await, ("1".into(), Response::success()));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_came_back_goes_to_another_session_of_its_owner() {
    let mut house = House::new().await;
    let (mut one, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    one.send("1", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    house.answer(&delivery, Response::success());
    let unread = one.answers.recv().await.unwrap();
    let mut other = house.session(&[FRED]);
    drop(unread);
    assert_eq!(other.answer().await, ("1".into(), Response::success()));
}

#[tokio::test(start_paused = true)]
async fn of_two_words_the_first_stands() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    fred.send("1", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    house.answer(&delivery, Response::success());
    house.answer(&delivery, Response::failure(Code::Refused, "no"));
    house.word(&delivery, Word::Unknown);
    assert_eq!(fred.answer().await.1, Response::success());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(fred.answers.try_recv().is_err());
    assert!(house.delivered.try_recv().is_err());
}

/// The journal takes note of a handing over without haste; until it has, the router knows.
#[tokio::test]
async fn an_answer_just_handed_over_is_not_given_again() {
    use cpim_gateway::store::{SqliteOptions, SqliteStore};
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions {
        path: folder.path().join("store.db"),
        gateway: "gw.example".into(),
        max_octets: None,
        remembers_s: 3_600,
    };
    let (store, done) = SqliteStore::open(&options, 0).unwrap();
    let mut house = House::with(crate::support::toy::policy(), (std::sync::Arc::new(store), done)).await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    fred.send("1", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    house.answer(&delivery, Response::success());
    assert_eq!(fred.answer().await.1, Response::success());
    drop(fred);
    let mut fred = house.session(&[FRED]);
    fred.send("2", FRED, BARNEY, "the fence");
    let delivery = house.next().await;
    house.answer(&delivery, Response::success());
    assert_eq!(fred.answer().await.0, "2");
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_speak_for_a_source_is_told_nothing_of_its_answers() {
    let mut house = House::new().await;
    let (fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    fred.send("1", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    drop(fred);
    house.answer(&delivery, Response::success());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut impostor = house.session(&["im:wilma@a.example"]);
    impostor.send("1", FRED, BARNEY, "hello");
    assert_eq!(impostor.answer().await.1.code(), Some(Code::Denied));
    let mut fred = house.session(&[FRED]);
    assert_eq!(fred.answer().await, ("1".into(), Response::success()));
}

#[tokio::test(start_paused = true)]
async fn an_answer_for_a_dead_session_does_not_wait_for_its_other_operations() {
    let mut house = House::new().await;
    let (fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    fred.send("1", FRED, BARNEY, "slow");
    fred.send("2", FRED, BARNEY, "quick");
    let (_slow, quick) = (house.next().await, house.next().await);
    drop(fred);
    house.answer(&quick, Response::success());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut fred = house.session(&[FRED]);
    let begun = tokio::time::Instant::now();
    assert_eq!(fred.answer().await, ("2".into(), Response::success()));
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn only_who_may_answer_for_a_destination_settles_what_goes_there() {
    use cpim_adapter::{LegRef, Report, Scope};
    let mut house = House::new().await;
    let (mut fred, barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    let hub = house.peer("gw.c.example", vec![Scope::Any], Vec::new());
    fred.send("1", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    let stray = |authority: &std::sync::Arc<cpim_adapter::Authority>, response| {
        house.cx.report(Report {
            leg: LegRef::Stray { trans_id: delivery.trans_id.clone(), authority: authority.clone() },
            word: Word::Answered(response),
        });
    };
    stray(&hub.authority, Response::failure(Code::Refused, "not mine to say"));
    stray(&barney.authority, Response::success());
    assert_eq!(fred.answer().await.1, Response::success());
}
