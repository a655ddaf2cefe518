//! The examples of the guide, as they stand there: programs in Python, beside a real gateway.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};

use crate::lines::Talker;
use crate::stage::{FRED, hears, of, outcome};
use crate::support::gateway::{Gateway, PATIENCE, Site};
use crate::support::native::{Client, Open};

/// Gives `lines:` to an adapter.
pub(crate) const GIVEN: &str = "[principals]\nsubscribe = \"allow\"\nfetch = \"allow\"\n[selectors]\nlines = \"opaque\"\n\
     [[application]]\nname = \"LINES\"\ncovers = [\"lines:\"]\nsecret_env = \"PEER_SECRET\"\n";
const WILMA: &str = "im:lines=wilma@gw.example";

/// An adapter. It is killed with this value.
pub(crate) struct Adapter {
    child: Child,
    /// What it says to people, line by line.
    said: Receiver<String>,
    port: u16,
}

impl Adapter {
    fn start(site: &Site) -> Self {
        let mut adapter = Self::run(site, "lines.py", &["127.0.0.1:0"]);
        let listening = adapter.says("listening at 127.0.0.1:");
        adapter.port = listening.rsplit(':').next().unwrap().parse().unwrap();
        adapter.says("in contact with gw.example");
        adapter
    }

    /// Starts one of the examples, or another program by its whole path.
    pub(crate) fn run(site: &Site, program: &str, arguments: &[&str]) -> Self {
        // Copied, as its author would: it needs nothing but its two files.
        let folder = site.path("adapter");
        std::fs::create_dir_all(&folder).unwrap();
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/adapters/python");
        for file in ["cpim.py", program].map(|file| examples.join(file)) {
            std::fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
        }
        let mut child = Command::new("python3")
            .arg("-B")
            .arg(Path::new(program).file_name().unwrap())
            .args(arguments)
            .current_dir(&folder)
            .env("CPIM_SERVER", format!("127.0.0.1:{}", site.port))
            .env("CPIM_SECRET", "between gateways")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("NOT RUN: python3: {error}"));
        let (sender, said) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        // It ends with the adapter, or with whoever listens.
        std::thread::spawn(move || lines.take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop));
        Self { child, said, port: 0 }
    }

    /// Waits until it says something that begins so.
    pub(crate) fn says(&self, beginning: &str) -> String {
        loop {
            let line = self.said.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("the adapter never said {beginning:?}: {error}"));
            if line.starts_with(beginning) {
                return line;
            }
        }
    }

    /// Waits until it ends by itself, and gives what it says until then.
    pub(crate) fn ends(&mut self) -> String {
        let lines = std::iter::from_fn(|| match self.said.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the adapter goes on"),
        });
        let said = lines.collect::<Vec<_>>().join("\n");
        assert!(!self.child.wait().unwrap().success(), "{said}");
        said
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn start() -> (Site, Gateway, Adapter) {
    let site = Site::new(GIVEN);
    let gateway = site.start();
    let adapter = Adapter::start(&site);
    (site, gateway, adapter)
}

#[test]
fn people_talk_both_ways_and_each_is_told_the_truth() {
    let (site, _gateway, adapter) = start();
    let mut fred = crate::stage::fred(&site);
    fred.message("1", FRED, WILMA, "hello?");
    assert_eq!(outcome(&mut fred), "failure unreachable", "she is not there");

    let mut wilma = Talker::called("Wilma", adapter.port);
    fred.message("2", FRED, "im:lines=WILMA@gw.example", "Yabba, dabbä!");
    assert_eq!(wilma.hears(), "from im:fred@a.example 1 Yabba, dabbä!");
    assert!(fred.next(std::time::Duration::from_millis(200)).is_err(), "nobody knows yet that she has it");
    wilma.says("got 1");
    assert_eq!(outcome(&mut fred), "success");

    wilma.says("to im:fred@a.example 5 Doo!");
    let came = fred.expect_message();
    assert_eq!((came.attribute("source").unwrap().as_str(), came.body()), (WILMA, "Doo!"));
    fred.respond(&came, "success", "");
    assert_eq!(wilma.hears(), "ok 5");
    wilma.says("to im:barney@b.example 6 Doo!");
    assert!(wilma.hears().starts_with("no 6 no-route"), "as the gateway says");

    fred.message("3", FRED, WILMA, "and then she was gone");
    assert!(wilma.hears().starts_with("from im:fred@a.example 2"));
    drop(wilma);
    assert_eq!(outcome(&mut fred), "indeterminant timeout");
}

#[test]
fn what_lines_cannot_carry_is_refused_by_the_gateway() {
    let (site, _gateway, adapter) = start();
    let mut fred = crate::stage::fred(&site);
    let mut wilma = Talker::called("wilma", adapter.port);
    let mut tell = |trans_id: &str, content: &str| {
        let xml = format!("<message source='{FRED}' destination='{WILMA}' transID='{trans_id}'/>");
        fred.try_send("", &xml, content.as_bytes()).unwrap();
        of(&fred.expect_answer())
    };
    let text = "Content-Type: text/plain; charset=utf-8\r\n\r\n";
    assert_eq!(tell("1", "Content-Type: text/html\r\n\r\n<p>"), "failure unsupported");
    assert_eq!(tell("2", &format!("{text}one\r\ntwo")), "failure unsupported");
    assert_eq!(tell("3", &format!("{text}{}", "x".repeat(2_000))), "failure too-large");
    assert!(wilma.hears_nothing());
}

#[test]
fn what_one_user_says_ends_nobodys_session() {
    let (site, gateway, adapter) = start();
    let mut fred = crate::stage::fred(&site);
    let mut wilma = Talker::called("wilma", adapter.port);
    let mut betty = Talker::called("betty", adapter.port);
    wilma.says("to im:fr\u{1}ed@a.example 1 no address holds that");
    assert!(wilma.hears().starts_with("no 1 bad-address"));
    wilma.says("watch im:fr\u{fffe}ed@a.example");
    assert!(wilma.hears().starts_with("no: failure bad-address"));
    wilma.says("to im:fred@a.example 2 \u{1}ACTION dances\u{1}");
    let came = fred.expect_message();
    assert_eq!(came.body(), "\u{1}ACTION dances\u{1}", "a text may hold what an address may not");
    fred.respond(&came, "success", "");
    assert_eq!(wilma.hears(), "ok 2");
    betty.says("to im:fred@a.example 1 Still here?");
    let came = fred.expect_message();
    assert_eq!(came.body(), "Still here?");
    fred.respond(&came, "failure", "refused: \u{fffd}&amp; no");
    assert_eq!(betty.hears(), "no 1 refused \u{fffd}& no");
    assert_eq!(
        gateway.said().matches("open session=\"application LINES").count(),
        1,
        "one session for all of it"
    );
}

#[test]
fn presence_crosses_both_ways() {
    let (site, _gateway, adapter) = start();
    let mut fred = crate::stage::fred(&site);
    let subscribe = "<subscribe watcher='pres:fred@a.example' target='pres:lines=wilma@gw.example' duration='600' transID='s'/>";
    fred.try_send("", subscribe, b"").unwrap();
    assert_eq!(outcome(&mut fred), "success");
    let told = |fred: &mut Client| {
        let frame = hears(fred, "notify");
        let (_, rest) = frame.xml.split_once("status='").unwrap();
        rest.split('\'').next().unwrap().to_owned()
    };
    assert_eq!(told(&mut fred), "closed");
    let mut wilma = Talker::called("wilma", adapter.port);
    assert_eq!(told(&mut fred), "open");
    wilma.says("away");
    assert_eq!(told(&mut fred), "closed");

    wilma.says("watch im:fred@a.example");
    assert_eq!(wilma.hears(), "is im:fred@a.example open");
    drop(fred);
    assert_eq!(wilma.hears(), "is im:fred@a.example closed");
}

#[test]
fn it_may_be_killed_and_so_may_the_gateway() {
    let (site, gateway, adapter) = start();
    let mut fred = crate::stage::fred(&site);
    let mut wilma = Talker::called("wilma", adapter.port);
    fred.message("1", FRED, WILMA, "Yabba");
    assert_eq!(wilma.hears(), "from im:fred@a.example 1 Yabba");
    drop(adapter);
    assert_eq!(outcome(&mut fred), "indeterminant timeout", "she may have read it");

    let adapter = Adapter::start(&site);
    let mut wilma = Talker::called("wilma", adapter.port);
    wilma.says("to im:fred@a.example 1 Are you there?");
    let came = fred.expect_message();
    gateway.kill();
    let _gateway = site.start();
    adapter.says("in contact with gw.example");
    let open = Open { serves: FRED, ..Open::default() };
    let mut fred = Client::open(site.port, open);
    // Fred had it, and does not recognise what comes again: he is not shown it twice, and nobody can know.
    assert_eq!(wilma.hears().split(' ').take(3).collect::<Vec<_>>(), ["maybe", "1", "timeout"]);
    wilma.says("to im:fred@a.example 2 And now?");
    let frame = std::iter::from_fn(|| fred.next(PATIENCE).ok()).find(|frame| frame.element() == "message");
    let again = frame.expect("a message");
    assert_eq!((came.body(), again.body()), ("Are you there?", "And now?"));
    fred.respond(&again, "success", "");
    assert_eq!(wilma.hears(), "ok 2");
}
