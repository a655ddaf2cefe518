//! Presence between two gateways: what the one's users see of the other's.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use super::gateway::{Gateway, command};
use super::person::{Frame, Person};
use super::stage::{Plan, Stage, within};

const FRED: &str = "pres:fred@a.example";
const BARNEY: &str = "pres:barney@b.example";
const BARNEY_BOTH: &str = "pres:barney@b.example im:barney@b.example";

/// A lease that outlasts every test.
const SUBSCRIBE: &str = "<subscribe watcher='pres:fred@a.example' target='pres:barney@b.example' duration='600' \
    transID='s'/>";

impl Person {
    async fn sends(&mut self, xml: &str) {
        self.mouth.write(&super::person::frame("", xml, b"")).await.unwrap();
    }

    /// The next frame, which must be a notification of fred's about barney: its tuple, as `status text`.
    async fn told(&mut self) -> String {
        let frame = within("a notification", self.hears()).await.expect("a notification, not the end");
        read(&frame)
    }

    async fn publishes(&mut self, trans_id: &str, status: &str, text: &str) {
        let tuple = format!("<tuple destination='im:barney@b.example' status='{status}'>{text}</tuple>");
        let publish =
            format!("<publish target='{BARNEY}' transID='{trans_id}'><presence>{tuple}</presence></publish>");
        self.sends(&publish).await;
        assert_eq!(self.answer_to(trans_id).await, "success");
    }
}

fn read(notify: &Frame) -> String {
    assert_eq!(notify.name(), "notify", "{notify:?}");
    assert_eq!((&*notify.attribute("watcher"), &*notify.attribute("target")), (FRED, BARNEY));
    let (_, tuple) = notify.xml.split_once("<tuple").unwrap();
    let status = tuple.split_once("status=").unwrap().1[1..].split(['\'', '"']).next().unwrap();
    let text = tuple.split_once('>').unwrap().1.split('<').next().unwrap();
    format!("{status} {text}").trim_end().to_owned()
}

#[tokio::test]
async fn the_response_comes_first_then_the_state_then_each_change() {
    let (_stage, a, b) = Stage::with_both().await;
    let mut barney = Person::at(b.door, BARNEY_BOTH).await;
    let mut fred = Person::at(a.door, FRED).await;
    fred.sends(SUBSCRIBE).await;
    assert_eq!(fred.answer_to("s").await, "success");
    assert_eq!(fred.told().await, "open");
    barney.publishes("p", "closed", "lunch").await;
    assert_eq!(fred.told().await, "closed lunch");
    drop(barney);
    let end = fred.told().await;
    assert_eq!(end, "closed");
    let look = SUBSCRIBE.replace("600", "0").replace("'s'", "'l'");
    fred.sends(&look).await;
    assert_eq!(fred.answer_to("l").await, "success");
    assert_eq!(fred.told().await, "closed");
    fred.sends(&SUBSCRIBE.replace("'s'", "'s2'")).await;
    assert_eq!(fred.answer_to("s2").await, "failure already-subscribed");
    fred.sends("<unsubscribe watcher='pres:fred@a.example' target='pres:barney@b.example' transID='u'/>")
        .await;
    assert_eq!(fred.answer_to("u").await, "success");
    // B has ended it as well.
    let watchers = b.ask(&["watchers", BARNEY]).await;
    let watchers = String::from_utf8(watchers.stdout).unwrap();
    assert!(watchers.contains("unsubscribed"), "{watchers}");
}

/// Kill -9 of the presentity's gateway: its watcher's subscription goes on, and its state comes again.
#[tokio::test]
async fn a_subscription_goes_on_after_the_other_gateway_was_killed() {
    let (_stage, a, mut b) = Stage::with_both().await;
    let barney = Person::at(b.door, BARNEY_BOTH).await;
    let mut fred = Person::at(a.door, FRED).await;
    fred.sends(SUBSCRIBE).await;
    assert_eq!(fred.answer_to("s").await, "success");
    assert_eq!(fred.told().await, "open");
    b.kill().await;
    drop(barney);
    b.start().await;
    let mut barney = Person::at(b.door, BARNEY_BOTH).await;
    barney.publishes("p", "open", "here again").await;
    // On the way there he may hear what B held of before, and that he is there.
    let told = async { while fred.told().await != "open here again" {} };
    within("what was published after the kill", told).await;
    barney.publishes("q", "closed", "").await;
    assert_eq!(fred.told().await, "closed");
}

/// The other side lost everything, and the watcher's gateway asks again.
#[tokio::test]
async fn a_far_side_that_forgot_is_subscribed_to_again() {
    let (stage, a, mut b) = Stage::with_both().await;
    let barney = Person::at(b.door, BARNEY_BOTH).await;
    let mut fred = Person::at(a.door, FRED).await;
    fred.sends(SUBSCRIBE).await;
    assert_eq!(fred.answer_to("s").await, "success");
    assert_eq!(fred.told().await, "open");
    b.kill().await;
    drop(barney);
    for file in ["gateway.db", "gateway.db-wal", "gateway.db-shm"] {
        drop(std::fs::remove_file(stage.folder.path().join("b").join(file)));
    }
    b.start().await;
    let mut barney = Person::at(b.door, BARNEY_BOTH).await;
    barney.publishes("p", "open", "anew").await;
    within("the state of before the loss", async { while fred.told().await != "open anew" {} }).await;
}

/// Kill -9 of the watcher's gateway: his subscription is there when he is back, without a word of his.
#[tokio::test]
async fn a_watcher_is_told_after_his_own_gateway_was_killed() {
    let (_stage, mut a, b) = Stage::with_both().await;
    let mut barney = Person::at(b.door, BARNEY_BOTH).await;
    let mut fred = Person::at(a.door, FRED).await;
    fred.sends(SUBSCRIBE).await;
    assert_eq!(fred.answer_to("s").await, "success");
    assert_eq!(fred.told().await, "open");
    a.kill().await;
    drop(fred);
    barney.publishes("p", "open", "meanwhile").await;
    a.start().await;
    let mut fred = Person::at(a.door, FRED).await;
    within("what changed meanwhile", async { while fred.told().await != "open meanwhile" {} }).await;
}

/// A presentity's own rules are asked where it lives, and hold for watchers of other gateways.
#[tokio::test]
async fn who_may_not_watch_is_refused_by_the_presentitys_gateway() {
    let tables = "[principals]\nsubscribe = \"deny\"\nfetch = \"deny\"\n";
    let (_stage, a, b) = Stage::with(Plan::a(), Plan::b().with(tables)).await;
    let _barney = Person::at(b.door, BARNEY_BOTH).await;
    let mut fred = Person::at(a.door, FRED).await;
    fred.sends(SUBSCRIBE).await;
    assert_eq!(fred.answer_to("s").await, "failure denied");
}

/// The program at a shell, and what it prints.
struct Printing {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Printing {
    fn start(stage: &Stage, at: &Gateway, arguments: &[&str]) -> Self {
        let mut command = command(&stage.folder.path().join("x"));
        command.args(arguments).arg("--server").arg(format!("127.0.0.1:{}", at.door));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Waits for a line with this in it.
    async fn says(&mut self, words: &str) {
        let found = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if line.contains(words) {
                    return;
                }
            }
            panic!("it ended without {words:?}");
        };
        within(words, found).await;
    }

    async fn end(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Issue: two people can follow each other's presence between two gateways with nothing but these, whichever of them
/// starts first.
#[tokio::test]
async fn two_people_follow_each_other_with_listen_and_watch() {
    let (stage, a, b) = Stage::with_both().await;
    let listen = |at, uri, status, note| {
        Printing::start(&stage, at, &["listen", uri, "--status", status, "--note", note])
    };
    let (fred_im, barney_im) = ("im:fred@a.example", "im:barney@b.example");
    let fred = listen(&a, fred_im, "open", "at work");
    let mut of_barney = Printing::start(&stage, &a, &["watch", "--from", FRED, BARNEY]);
    let mut of_fred = Printing::start(&stage, &b, &["watch", "--from", BARNEY, FRED]);
    let barney = listen(&b, barney_im, "closed", "bowling");
    of_barney.says("bowling").await;
    of_fred.says("at work").await;
    barney.end().await;
    let barney = listen(&b, barney_im, "open", "at home");
    of_barney.says("at home").await;
    fred.end().await;
    of_fred.says("closed").await;
    drop((of_barney, barney));
}
