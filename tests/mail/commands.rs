//! Whoever has nothing but mail follows somebody's presence: commands by plain mail, confirmed where the sender is not
//! proven, and the way out of each subscription.

use std::time::Duration;

use crate::stage::{BOB, Stage};
use crate::support::native::{Client, Frame, Open};
use crate::support::smtp::Taken;

const GATEWAY: &str = "gateway@gw.example";
const FRED_PRESENCE: &str = "im:fred@a.example pres:fred@a.example";

/// Longer than a mail takes that is sent.
const A_WHILE: Duration = Duration::from_millis(500);

fn stage() -> Stage {
    Stage::with("", "notice_interval = \"0s\"\n[principals]\nsubscribe = \"verified\"\n")
}

fn fred(stage: &Stage) -> Client {
    Client::open(stage.site.port, Open { serves: FRED_PRESENCE, ..Open::default() })
}

/// Fred says how he is.
fn publish(fred: &mut Client, trans_id: &str, status: &str, note: &str) {
    let xml = format!(
        "<publish transID='{trans_id}' target='pres:fred@a.example'><presence>\
         <tuple destination='im:fred@a.example' status='{status}'>{note}</tuple></presence></publish>"
    );
    fred.try_send("", &xml, b"").unwrap();
    let answer = fred.expect_answer();
    assert!(answer.is("success", ""), "{answer:?}");
}

/// Bob writes to the gateway.
fn write(stage: &Stage, sender: &str, id: usize, more: &str, text: &str) {
    let mail = format!("From: Bob <bob@mail.example>\nMessage-ID: <{id}@mail.example>\n{more}\n{text}\n");
    let reply = stage.client().mail(sender, GATEWAY, &mail);
    assert_eq!(reply.code, 250, "{text}: {reply:?}");
}

/// The word that a mail wants to have back.
fn word(mail: &Taken) -> String {
    let (_, rest) =
        mail.text.split_once("confirm ").unwrap_or_else(|| panic!("nothing to confirm: {}", mail.text));
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// Where a mail to end the subscription goes.
fn way_out(mail: &Taken) -> String {
    let field = mail.field("List-Unsubscribe").unwrap_or_else(|| panic!("no way out: {}", mail.text));
    field.trim_start_matches("<mailto:").trim_end_matches('>').replace("%3D", "=")
}

const WATCHERS: &str = "/v1/watchers?of=pres:fred@a.example";

/// Whether bob watches now: who did lately is shown too.
fn watches(answer: &str) -> bool {
    answer.contains("mailto=bob~40mail.example") && !answer.contains("\"ended\":\"")
}

fn is_watched(stage: &Stage) -> bool {
    watches(&stage.gateway.ask(WATCHERS).1)
}

/// Bob has subscribed: the confirmation, its answer, and the first notification have come.
fn subscribed(stage: &Stage) -> Vec<Taken> {
    write(stage, BOB, 1, "Subject: hello\n", "subscribe fred@a.example");
    let asked = stage.outgoing.one();
    assert_eq!(asked.to.len(), 1);
    assert!(asked.to[0].starts_with("TO:<bob@mail.example>"), "{asked:?}");
    assert!(!is_watched(stage), "nobody is subscribed by a sender that may be forged");
    write(
        stage,
        BOB,
        2,
        &format!("Subject: Re: hello\nIn-Reply-To: {}\n", asked.field("Message-ID").unwrap()),
        &format!("confirm {}", word(&asked)),
    );
    stage.outgoing.wait(3)
}

#[test]
fn a_mail_user_follows_somebody_and_leaves_by_the_way_out() {
    let stage = stage();
    let mut fred = fred(&stage);
    publish(&mut fred, "1", "open", "in the quarry");
    let mails = subscribed(&stage);
    let notice = mails.iter().find(|mail| mail.field("List-Unsubscribe").is_some()).expect("a notification");
    assert_eq!(notice.field("Auto-Submitted").as_deref(), Some("auto-generated"));
    assert!(notice.text.contains("in the quarry"), "{}", notice.text);
    // Nobody is told that bob is on holiday: it is not fred who wrote to him.
    assert_eq!(notice.from, "FROM:<b=n@gw.example>");
    let reply =
        stage.client().mail("", "b=n@gw.example", "From: bob@mail.example\nSubject: On holiday\n\nBye\n");
    assert_eq!(reply.code, 250, "{reply:?}");
    publish(&mut fred, "2", "open", "at lunch");
    let mails = stage.outgoing.wait(4);
    assert!(mails[3].text.contains("at lunch"), "{}", mails[3].text);

    let out = way_out(&mails[3]);
    let mut client = stage.client();
    let mut forged = out.clone();
    forged.replace_range(5..6, if &out[5..6] == "0" { "1" } else { "0" });
    let reply = client.mail(BOB, &forged, "From: bob@mail.example\n\nunsubscribe\n");
    assert_eq!(reply.text(), "550 5.1.1 no such address of this gateway");
    assert!(is_watched(&stage));
    // Whatever the program sends: only its receiver has the address.
    for _ in 0..2 {
        let reply = client.mail(BOB, &out, "From: bob@mail.example\nSubject: unsubscribe\n\n");
        assert_eq!(reply.code, 250, "{reply:?}");
    }
    publish(&mut fred, "3", "closed", "gone");
    std::thread::park_timeout(A_WHILE);
    assert!(!stage.outgoing.taken().iter().any(|mail| mail.text.contains("gone")), "he is told no more");
    assert!(!is_watched(&stage));
}

#[test]
fn commands_end_a_subscription_too_and_survive_a_kill() {
    let stage = stage();
    let mut fred_there = fred(&stage);
    publish(&mut fred_there, "1", "open", "in the quarry");
    let before = subscribed(&stage).len();
    let Stage { site, gateway, outgoing, port } = stage;
    gateway.kill();
    let gateway = site.start();
    gateway.wait_ready();
    let stage = Stage { site, gateway, outgoing, port };
    assert!(is_watched(&stage));
    write(&stage, BOB, 3, "", "subscriptions");
    write(&stage, BOB, 4, "", "unsubscribe fred@a.example");
    let mails = stage.outgoing.wait(before + 2);
    let word = word(mails.iter().rev().find(|mail| mail.text.contains("confirm ")).unwrap());
    write(&stage, BOB, 5, "", &format!("confirm {word}"));
    stage.gateway.wait_answer(WATCHERS, |_, answer| !watches(answer));
}

#[test]
fn nothing_automatic_is_answered() {
    let stage = stage();
    write(&stage, BOB, 1, "Auto-Submitted: auto-replied\n", "help");
    write(&stage, BOB, 2, "Precedence: list\nList-Id: <x.mail.example>\n", "help");
    write(&stage, "", 3, "Auto-Submitted: auto-generated\n", "subscribe fred@a.example");
    // Nobody wants to hear of it, and anybody may be named in `From`.
    for (id, text) in [(5, "whoami"), (6, "help"), (7, "subscribe fred@a.example"), (8, "nonsense")] {
        write(&stage, "", id, "", text);
    }
    stage.outgoing.stays_empty(A_WHILE);
    write(&stage, BOB, 4, "", "help");
    let answer = stage.outgoing.one();
    assert_eq!(answer.field("Auto-Submitted").as_deref(), Some("auto-replied"), "{}", answer.text);
    assert_eq!(answer.field("In-Reply-To").as_deref(), Some("<4@mail.example>"), "{}", answer.text);
    assert_eq!(stage.outgoing.taken().len(), 1);
}

#[test]
fn a_mail_user_sets_his_own_presence() {
    let stage = stage();
    let mut watcher = Client::open(
        stage.site.port,
        Open { serves: "im:fred@a.example pres:fred@a.example", ..Open::default() },
    );
    write(&stage, BOB, 1, "", "status open on the phone");
    let word = word(&stage.outgoing.one());
    write(&stage, BOB, 2, "", &format!("confirm {word}"));
    let answer = stage.outgoing.wait(2).remove(1);
    assert!(answer.text.contains("open"), "{}", answer.text);
    let subscribe = "<subscribe transID='1' watcher='pres:fred@a.example' \
                     target='pres:mailto=bob~40mail.example@gw.example' duration='0'/>";
    watcher.try_send("", subscribe, b"").unwrap();
    let frame: Frame = loop {
        let frame = watcher.next(crate::support::gateway::PATIENCE).expect("a frame");
        if frame.element() == "notify" {
            break frame;
        }
        assert_eq!(frame.attribute("status").as_deref(), Some("success"), "{frame:?}");
    };
    assert!(frame.xml.contains("on the phone") && frame.xml.contains("open"), "{frame:?}");
}

#[test]
fn of_many_changes_he_is_told_few_and_the_last_always() {
    let interval = Duration::from_secs(2);
    let stage = Stage::with("", "notice_interval = \"2s\"\n[principals]\nsubscribe = \"verified\"\n");
    let mut fred = fred(&stage);
    publish(&mut fred, "0", "open", "in the quarry");
    subscribed(&stage);
    let began = std::time::Instant::now();
    for nth in 1..=20 {
        publish(&mut fred, &nth.to_string(), "open", &format!("state {nth} of 20"));
    }
    let notices = |stage: &Stage| {
        let taken = stage.outgoing.taken().into_iter();
        taken.filter(|mail| mail.field("List-Unsubscribe").is_some()).collect::<Vec<_>>()
    };
    let until = began + crate::support::gateway::PATIENCE;
    while !notices(&stage).iter().any(|mail| mail.text.contains("state 20 of 20")) {
        assert!(std::time::Instant::now() < until, "{:#?}", notices(&stage));
        crate::support::gateway::breathe();
    }
    // The first, and one for each interval that was begun since.
    let most = 2 + began.elapsed().as_secs() / interval.as_secs();
    let told = notices(&stage);
    assert!(told.len() as u64 <= most, "{} in {:?}", told.len(), began.elapsed());
    assert!(told.last().unwrap().text.contains("state 20 of 20"));
}
