//! Who may speak for whom, who learns who watches, and who sees what: each said by a command, and seen by the others.

use crate::someone::{OPEN_HOUSE, Someone};
use crate::support::gateway::{Site, free_port};
use crate::support::irc::Irc;

const PUBLISH: &str = "<publish target='pres:fred@a.example'><presence entityInfo=''><tuple destination='im:fred@a.example' \
                       status='open'>by barney</tuple></presence></publish>";
const WINFO: &str = "pres:winfo=fred~40a.example@gw.example";

/// RFC 2779 section 2.3.4: somebody else publishes for a presentity who lets him, and nobody does who is not let.
#[test]
fn a_delegate_publishes_for_another() {
    let site = Site::new(OPEN_HOUSE);
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let (mut barney, mut wilma) =
        (Someone::new(&site, "barney@b.example"), Someone::new(&site, "wilma@b.example"));
    wilma.commands("subscribe fred@a.example");
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
    assert_eq!(barney.asks(PUBLISH), "failure denied");
    fred.commands("delegate barney@b.example");
    assert_eq!(barney.asks(PUBLISH), "success");
    assert!(wilma.is_told().contains(&"im:fred@a.example open by barney".to_owned()));
    fred.commands("undelegate barney@b.example");
    assert_eq!(barney.asks(PUBLISH), "failure denied");
    assert_eq!(wilma.asks(PUBLISH), "failure denied");
}

/// A watcher says who, besides the presentity, may learn that she watches.
#[test]
fn a_watcher_hides_from_everybody_but_whom_she_watches() {
    let site = Site::new(OPEN_HOUSE);
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let (mut barney, mut wilma) =
        (Someone::new(&site, "barney@b.example"), Someone::new(&site, "wilma@b.example"));
    wilma.commands("subscribe fred@a.example");
    fred.commands("allow * watchers");
    let looks = |who: &mut Someone, name: &str| {
        let xml = format!("<subscribe watcher='pres:{name}' target='{WINFO}' duration='0'/>");
        assert_eq!(who.asks(&xml), "success");
        who.is_told().iter().any(|tuple| tuple.contains("wilma@b.example"))
    };
    assert!(looks(&mut barney, "barney@b.example"));
    wilma.commands("hide");
    assert!(!looks(&mut barney, "barney@b.example"));
    assert!(looks(&mut fred, "fred@a.example"), "whom she watches knows");
    wilma.commands("visible barney@b.example");
    assert!(looks(&mut barney, "barney@b.example"));
}

/// Of somebody with several inboxes a watcher sees the one that is for her.
#[test]
fn a_watcher_sees_only_what_is_for_her() {
    let site = Site::new(OPEN_HOUSE);
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let (mut barney, mut wilma) =
        (Someone::new(&site, "barney@b.example"), Someone::new(&site, "wilma@b.example"));
    let publish = "<publish target='pres:fred@a.example'><presence entityInfo=''><tuple destination='im:fred@a.example' \
                   status='open'/><tuple destination='im:work@a.example' status='open'/></presence></publish>";
    assert_eq!(fred.asks(publish), "success");
    fred.commands("appear wilma@b.example only im:work@a.example");
    wilma.commands("subscribe fred@a.example");
    barney.commands("subscribe fred@a.example");
    assert_eq!(wilma.is_told(), ["im:work@a.example open"]);
    assert_eq!(barney.is_told(), ["im:fred@a.example open", "im:work@a.example open"]);
}

/// Those who are not proven to be who they say they are can be kept out by themselves.
#[test]
fn the_unproven_are_kept_out_alone() {
    let irc = free_port();
    let site = Site::new(&format!(
        "[irc]\nname = \"irc.demo.example\"\n[[irc.listener]]\naddress = \"127.0.0.1:{irc}\"\nguests = \"claimed\"\n{OPEN_HOUSE}"
    ));
    let _gateway = site.start();
    let (mut fred, mut wilma) =
        (Someone::new(&site, "fred@a.example"), Someone::new(&site, "wilma@b.example"));
    fred.commands("block * messages if claimed");
    let mut alice = Irc::join(irc, "alice");
    alice.send("PRIVMSG fred@a.example :hello");
    let told = alice.expect("not allowed");
    assert!(told.contains(" 531 ") || told.contains(" 401 "), "{told}");
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| wilma.writes("im:fred@a.example", "hello"));
        fred.hears();
        assert_eq!(writing.join().unwrap(), "success");
    });
}
