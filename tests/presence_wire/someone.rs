//! Somebody who watches or is watched.

use crate::support::gateway::{Gateway, PATIENCE, Site};
use crate::support::native::{Client, Frame, Open};

/// Everybody may watch everybody; who may not is another matter than what is tested here.
const OPEN_HOUSE: &str = "[principals]\nsubscribe = \"allow\"\nfetch = \"allow\"\n";

pub(crate) const FRED: &str = "pres:fred@a.example";
pub(crate) const WILMA: &str = "pres:wilma@b.example";

/// A gateway that runs, and where.
pub(crate) fn gateway() -> (Site, Gateway) {
    let site = Site::new(OPEN_HOUSE);
    let gateway = site.start();
    (site, gateway)
}

pub(crate) struct Someone {
    client: Client,
    last: u32,
}

impl Someone {
    pub(crate) fn serving(site: &Site, serves: &str) -> Self {
        Self { client: Client::open(site.port, Open { serves, ..Open::default() }), last: 0 }
    }

    /// Sends an element with a transID of its own, and gives back the next frame, which must answer it.
    pub(crate) fn asks(&mut self, xml: &str, content: &[u8]) -> Frame {
        let trans_id = self.sends(xml, content);
        let frame = self.hears();
        assert_eq!((frame.element(), frame.trans_id()), ("response", trans_id), "{frame:?}");
        frame
    }

    /// Sends an element with a transID of its own.
    pub(crate) fn sends(&mut self, xml: &str, content: &[u8]) -> String {
        self.last += 1;
        let trans_id = self.last.to_string();
        let (name, rest) = xml.split_at(xml.find(' ').unwrap());
        let xml = format!("{name} transID='{trans_id}'{rest}");
        self.client.try_send("", &xml, content).expect("the gateway is there");
        trans_id
    }

    /// Writes a command to the gateway as fred, and waits until it has been done and answered.
    pub(crate) fn commands(&mut self, command: &str) {
        let entity = format!("Content-Type: text/plain\r\n\r\n{command}");
        let message = "<message source='im:fred@a.example' destination='im:gateway@gw.example'/>";
        let trans_id = self.sends(message, entity.as_bytes());
        // What the gateway says, and its response, are two operations: neither waits for the other.
        let [first, second] = [self.hears(), self.hears()];
        let (answer, said) = if first.element() == "response" { (first, second) } else { (second, first) };
        assert_eq!((answer.element(), answer.trans_id()), ("response", trans_id), "{answer:?}");
        assert_eq!(outcome(&answer), "success", "{answer:?}");
        assert_eq!(said.element(), "message", "{said:?}");
        self.client.respond(&said, "success", "");
    }

    /// The next frame, which must come.
    pub(crate) fn hears(&mut self) -> Frame {
        self.client.next(PATIENCE).expect("a frame")
    }

    /// The next frame, which must be a notification: each tuple as `destination status text`.
    pub(crate) fn is_told(&mut self) -> Vec<String> {
        tuples(&self.notified())
    }

    /// The next frame, which must be a notification.
    pub(crate) fn notified(&mut self) -> Frame {
        let frame = self.hears();
        assert_eq!(frame.element(), "notify", "{frame:?}");
        frame
    }

    /// Subscribes wilma to fred; `more` are attributes.
    pub(crate) fn subscribes(&mut self, duration: &str, more: &str) -> Frame {
        self.asks(&format!("<subscribe watcher='{WILMA}' target='{FRED}' duration='{duration}'{more}/>"), b"")
    }

    pub(crate) fn unsubscribes(&mut self) -> String {
        outcome(&self.asks(&format!("<unsubscribe watcher='{WILMA}' target='{FRED}'/>"), b""))
    }

    /// Publishes fred's presence as one tuple.
    pub(crate) fn publishes(&mut self, status: &str, text: &str) {
        let answer = self.asks(&publish("", status, text), b"");
        assert_eq!(outcome(&answer), "success", "{answer:?}");
    }
}

/// A publication of fred's, of one tuple.
pub(crate) fn publish(more: &str, status: &str, text: &str) -> String {
    format!(
        "<publish target='{FRED}'{more}><presence><tuple destination='im:fred@a.example' status='{status}'>{text}</tuple>\
         </presence></publish>"
    )
}

/// A response's status and code.
pub(crate) fn outcome(frame: &Frame) -> String {
    let text = frame.text();
    let code = text.split(':').next().unwrap_or_default();
    format!("{} {code}", frame.attribute("status").unwrap()).trim_end().to_owned()
}

/// Each tuple as `destination status text`.
pub(crate) fn tuples(frame: &Frame) -> Vec<String> {
    let value = |tuple: &str, name: &str| {
        let (_, rest) = tuple.split_once(&format!(" {name}=")).unwrap_or_else(|| panic!("{name} in {tuple}"));
        let quote = rest.chars().next().unwrap();
        rest[1..].split(quote).next().unwrap().to_owned()
    };
    let tuples = frame.xml.split("<tuple").skip(1).map(|tuple| {
        let text = tuple.split_once('>').unwrap().1.split('<').next().unwrap();
        format!("{} {} {text}", value(tuple, "destination"), value(tuple, "status")).trim_end().to_owned()
    });
    tuples.collect()
}
