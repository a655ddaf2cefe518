//! A gateway that gives `pepp:` to an external adapter, the adapter, and somebody to talk to.

use crate::support::gateway::{Gateway, PATIENCE, Site};
use crate::support::native::{Answer, Client, Frame, Open};

/// The selector is given away, for the secret that every gateway of these tests is started with.
const GIVEN: &str = "[principals]\nsubscribe = \"allow\"\nfetch = \"allow\"\n\
     [[application]]\nname = \"pepp\"\ncovers = [\"pepp:\"]\nsecret_env = \"PEER_SECRET\"\n";
const SECRET: &str = "between gateways";

pub(crate) const FRED: &str = "im:fred@a.example";
pub(crate) const WILMA: &str = "im:pepp=example.com/wilma@gw.example";

/// An adapter that folds its addresses, and observes.
pub(crate) const FOLDING: &str =
    "<adapter presence='observe'><address fold='ascii' characters='a-z0-9./-' max-octets='40'/></adapter>";

/// A gateway that runs, and where; `more` is configured besides.
pub(crate) fn gateway(more: &str) -> (Site, Gateway) {
    let site = Site::new(&format!("{GIVEN}{more}"));
    let gateway = site.start();
    (site, gateway)
}

/// How the adapter opens its session.
pub(crate) fn opening(adapter: &str, remembers: bool) -> Open<'_> {
    Open { serves: "pepp:", secret: SECRET, adapter, remembers, ..Open::default() }
}

/// The adapter, in contact.
pub(crate) fn adapter(site: &Site, adapter: &str, remembers: bool) -> Client {
    Client::open(site.port, opening(adapter, remembers))
}

/// Fred, in contact.
pub(crate) fn fred(site: &Site) -> Client {
    Client::open(site.port, Open { serves: "im:fred@a.example pres:fred@a.example", ..Open::default() })
}

/// The next frame, which must be this element.
pub(crate) fn hears(client: &mut Client, element: &str) -> Frame {
    let frame = client.next(PATIENCE).unwrap_or_else(|silence| panic!("{element}: {silence:?}"));
    assert_eq!(frame.element(), element, "{frame:?}");
    frame
}

/// The status and code of the next answer.
pub(crate) fn outcome(client: &mut Client) -> String {
    of(&client.expect_answer())
}

/// The status and code of an answer.
pub(crate) fn of(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.text.split(':').next().unwrap_or_default()).trim_end().to_owned()
}
