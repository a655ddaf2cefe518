//! Killed again and again while mail, IRC and native CPIM cross in all directions: what each side was told is true,
//! and nothing comes twice.
//!
//! Bob sends mail, again and again until it is taken, to Fred, who has a session and now and then is slow to come back
//! after a kill: then mail may come before him, and Bob gets a report instead. Alice writes to Fred from IRC.
//! Wilma, who has a session, writes to Bob and to Alice, and is told what became of each message.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use super::actors::World;
use super::kills::{Draws, seed};
use crate::support::gateway::{PATIENCE, Site, breathe, free_port};
use crate::support::irc::Irc;
use crate::support::native::{Answer, Client, Open, Silence};
use crate::support::smtp::{Mailbox, Smtp, Taken};

/// How often the gateway is killed.
const ROUNDS: usize = 10;

/// Longer than a round takes to make progress.
const ROUND: Duration = Duration::from_secs(5);

/// For the whole of it, and still short of what a test may take.
const ALL: Duration = Duration::from_secs(75);

/// How long a thread waits for a frame before it looks around.
const GLANCE: Duration = Duration::from_millis(20);

/// How long Fred is away when he is slow to come back.
const LATE: Duration = Duration::from_millis(40);

/// Messages that Wilma has under way.
const WINDOW: usize = 8;

const FRED: &str = "im:fred@a.example";
const WILMA: &str = "im:wilma@a.example";
const BOB: &str = "im:mailto=bob~40mail.example@gw.example";
const ALICE: &str = "im:irc=irc.demo.example/alice@gw.example";

/// By text: the transIDs with which it came to Fred.
type Letters = HashMap<String, HashSet<String>>;

/// Wilma's messages, in order: the text, and the answer once there is one.
type Sent = Vec<(String, Option<Answer>)>;

#[test]
fn at_random_moments_with_every_protocol() {
    let seed = seed();
    println!("CRASH_SEED={seed}");
    let mut draws = Draws(seed);
    let (smtp, irc, mailbox) = (free_port(), free_port(), Mailbox::start());
    let site = Site::new(&format!(
        "[limits]\nmax_wait = \"3s\"\n[irc]\nname = \"irc.demo.example\"\n\
         [[irc.listener]]\naddress = \"127.0.0.1:{irc}\"\n[[smtp.listener]]\naddress = \"127.0.0.1:{smtp}\"\n\
         [smtp.outgoing]\nsmarthost = \"127.0.0.1:{}\"\ntls = \"plain\"\n",
        mailbox.port
    ));
    let world = Arc::new(World::new(site.port, 1, Instant::now() + ALL));
    let mut gateway = site.start();
    let fred = run(&world, fred);
    let alice = run(&world, move |world| alice(world, irc));
    let bob = run(&world, move |world| bob(world, smtp));
    let wilma = run(&world, wilma);
    for _ in 0..ROUNDS {
        world.wait_for_progress(draws.below(200), ROUND);
        std::thread::park_timeout(Duration::from_micros(draws.below(20_000) as u64));
        gateway.kill();
        gateway = site.start();
    }
    world.wind_up();
    let ((mails, again), sent) =
        (bob.join().expect("Bob is content"), wilma.join().expect("Wilma is content"));
    gateway.wait_answer("/v1/queue", |_, queue| queue == r#"{"operations":[]}"#);
    world.end();
    let (letters, lines) = (fred.join().unwrap(), alice.join().unwrap());
    let came = |mail: &usize| letters.contains_key(&format!("mail {mail}"));
    let missing: BTreeSet<usize> = (0..mails).filter(|mail| !came(mail)).collect();
    await_reports(&missing, &again, &mailbox);
    let from_irc = letters.keys().filter(|text| text.starts_with("irc")).count();
    for (text, trans_ids) in &letters {
        assert_eq!(trans_ids.len(), 1, "{text:?} came under {trans_ids:?}");
    }
    compare(&sent, &mailbox, &lines);
    println!("{mails} mails, {} of them reported, and {from_irc} lines to Fred", missing.len());
    assert!(mails > 20 && from_irc > 20, "too little went on to show anything");
}

fn run<T: Send + 'static>(
    world: &Arc<World>,
    act: impl FnOnce(&World) -> T + Send + 'static,
) -> JoinHandle<T> {
    let world = Arc::clone(world);
    spawn(move || act(&world))
}

/// What did not come to Fred was reported to Bob, and nothing else: a mail may be reported more than once, as a
/// report is a mail that nobody recognises. Of one that Bob sent `again`, because a kill took the reply, the first try may
/// have been reported, when Fred was away, and the second have come to him.
fn await_reports(missing: &BTreeSet<usize>, again: &BTreeSet<usize>, mailbox: &Mailbox) {
    let until = Instant::now() + PATIENCE;
    loop {
        let reported: BTreeSet<usize> = mailbox.taken().iter().filter_map(reported).collect();
        let wrong: Vec<_> = reported.difference(missing).filter(|mail| !again.contains(mail)).collect();
        assert!(wrong.is_empty(), "reported though they came to Fred: {wrong:?}");
        if reported.is_superset(missing) {
            return;
        }
        assert!(Instant::now() < until, "neither came nor were reported: {:?}", missing - &reported);
        breathe();
    }
}

/// The number of the mail that a report says was not delivered.
fn reported(mail: &Taken) -> Option<usize> {
    let is_report = mail.text.contains("report-type=delivery-status") && mail.text.contains("Action: failed");
    let (_, returned) =
        mail.text.split_once("Message-ID: <").filter(|_| is_report)?.1.split_once("Message-ID: <")?;
    returned.split_once('@')?.0.parse().ok()
}

/// Compares what Wilma was told with what came to Bob's mailbox and to Alice's screen.
fn compare(sent: &Sent, mailbox: &Mailbox, lines: &BTreeMap<String, usize>) {
    let mut counts = BTreeMap::new();
    let mails = mailbox.taken();
    for (text, answer) in sent {
        let answer = answer.as_ref().expect("an answer");
        let is_mail = text.ends_with("by mail");
        let seen = match is_mail {
            true => mails.iter().filter(|mail| mail.text.lines().any(|line| line == text)).count(),
            false => lines.get(text).copied().unwrap_or_default(),
        };
        *counts.entry((is_mail, answer.status.clone(), seen)).or_insert(0) += 1;
        match answer.status.as_str() {
            "success" => assert_eq!(seen, 1, "{text:?}: {answer:?}"),
            "failure" => assert_eq!(seen, 0, "{text:?}: {answer:?}"),
            _ => assert!(seen <= 1, "{text:?} came {seen} times: {answer:?}"),
        }
    }
    println!("by mail, status, seen: {counts:?}");
    assert!(counts.contains_key(&(false, "success".to_owned(), 1)), "nothing came to Alice");
    assert!(counts.contains_key(&(true, "indeterminant".to_owned(), 1)), "nothing came to Bob");
}

/// Fred recognises what comes again, and takes everything; every fourth time he is late.
fn fred(world: &World) -> Letters {
    let mut letters = Letters::new();
    let mut returns = 0;
    while !is_over(world) {
        returns += 1;
        if returns % 4 == 0 {
            std::thread::park_timeout(LATE);
        }
        let open = Open { serves: FRED, remembers: true, ..Open::default() };
        let Some(mut session) = Client::try_open(world.port, open) else {
            breathe();
            continue;
        };
        while !is_over(world) {
            match session.next(GLANCE) {
                Ok(frame) => {
                    // A mail comes with its header fields: the text is its last line.
                    let text = frame.body().lines().last().unwrap_or_default();
                    letters.entry(text.to_owned()).or_default().insert(frame.trans_id());
                    world.step();
                    if session.try_respond(&frame, "success", "").is_err() {
                        break;
                    }
                }
                Err(Silence::Time) => {}
                Err(Silence::Over) => break,
            }
        }
    }
    letters
}

/// Alice reads what comes, and writes a line to Fred in between: how often each text came.
fn alice(world: &World, port: u16) -> BTreeMap<String, usize> {
    let (mut lines, mut number) = (BTreeMap::new(), 0);
    while !is_over(world) {
        let Some(mut irc) = Irc::try_join(port, "alice") else {
            breathe();
            continue;
        };
        while !is_over(world) {
            if !world.winding_up.load(Ordering::Relaxed) {
                number += 1;
                irc.try_send(format!("PRIVMSG fred@a.example :irc {number}\r\n").as_bytes());
            }
            irc.try_send(format!("PING {number}\r\n").as_bytes());
            let is_there = loop {
                match irc.line() {
                    Some(line) if line.contains(" PONG ") => break true,
                    Some(line) => {
                        if let Some((_, text)) = line.split_once(" PRIVMSG alice :") {
                            *lines.entry(text.to_owned()).or_insert(0) += 1;
                            world.step();
                        }
                    }
                    None => break false,
                }
            };
            if !is_there {
                break;
            }
            breathe();
        }
    }
    lines
}

/// Bob sends one mail after the other, each until it is taken: how many were, and which he sent again without having heard
/// of the try before.
fn bob(world: &World, port: u16) -> (usize, BTreeSet<usize>) {
    let (mut number, mut again) = (0, BTreeSet::new());
    let mut connection = None;
    while !world.winding_up.load(Ordering::Relaxed) {
        let Some(client) = connection.as_mut() else {
            connection = Smtp::try_hello(port);
            breathe();
            continue;
        };
        match mail(client, number) {
            Some(true) => number += 1,
            Some(false) => breathe(),
            None => {
                again.insert(number);
                connection = None;
            }
        }
        world.step();
        assert!(Instant::now() < world.deadline, "mail {number} is not taken");
    }
    // The one that was under way may have been taken without a word.
    (number, again)
}

/// Sends one mail: whether it was taken; nothing where the connection ended.
fn mail(client: &mut Smtp, number: usize) -> Option<bool> {
    client.try_say("MAIL FROM:<bob@mail.example>")?;
    client.try_say("RCPT TO:<im=fred~40a.example@gw.example>")?;
    if client.try_say("DATA")?.code != 354 {
        client.try_say("RSET")?;
        return Some(false);
    }
    let head = format!("From: bob@mail.example\r\nMessage-ID: <{number}@mail.example>\r\n");
    client.write(format!("{head}\r\nmail {number}\r\n").as_bytes());
    Some(client.try_say(".")?.code == 250)
}

/// Wilma keeps some messages under way, and sends again what was not answered when a session ended.
fn wilma(world: &World) -> Sent {
    let mut sent = Sent::new();
    let mut open: Vec<usize> = Vec::new();
    let is_content = |open: &[usize]| {
        assert!(Instant::now() < world.deadline, "no answer to {open:?}");
        world.winding_up.load(Ordering::Relaxed) && open.is_empty()
    };
    while !is_content(&open) {
        let Some(mut session) = Client::try_open(world.port, Open { serves: WILMA, ..Open::default() })
        else {
            breathe();
            continue;
        };
        let mut is_there = open.iter().all(|number| write(&mut session, &sent, *number));
        while is_there && !is_content(&open) {
            while is_there && open.len() < WINDOW && !world.winding_up.load(Ordering::Relaxed) {
                let number = sent.len();
                let way = if number.is_multiple_of(2) { "by mail" } else { "by IRC" };
                sent.push((format!("wilma {number} {way}"), None));
                open.push(number);
                is_there = write(&mut session, &sent, number);
            }
            match session.next_answer(GLANCE) {
                Ok(answer) => {
                    let number: usize = answer.trans_id.parse().expect("a transID of hers");
                    let first = sent[number].1.get_or_insert_with(|| answer.clone());
                    assert_eq!(*first, answer, "answered twice, and differently");
                    open.retain(|open| *open != number);
                    world.step();
                }
                Err(Silence::Time) => {}
                Err(Silence::Over) => is_there = false,
            }
        }
    }
    sent
}

fn write(session: &mut Client, sent: &Sent, number: usize) -> bool {
    let text = &sent[number].0;
    let to = if text.ends_with("by mail") { BOB } else { ALICE };
    session.try_message("", &number.to_string(), WILMA, to, text).is_ok()
}

fn is_over(world: &World) -> bool {
    world.over.load(Ordering::Relaxed) || Instant::now() > world.deadline
}
