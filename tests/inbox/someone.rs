//! Somebody who speaks native CPIM and writes to the gateway.

use crate::support::gateway::{PATIENCE, Site};
use crate::support::native::{Client, Frame, Open};

pub(crate) const GATEWAY: &str = "im:gateway@gw.example";

/// Everybody may watch everybody.
pub(crate) const OPEN_HOUSE: &str = "[principals]\nsubscribe = \"allow\"\nfetch = \"allow\"\n";

/// Somebody with an inbox and a presence.
pub(crate) struct Someone {
    client: Client,
    name: String,
    last: u32,
    /// Frames that came while another was waited for.
    before: Vec<Frame>,
}

impl Someone {
    /// Serves `im:NAME` and `pres:NAME`.
    pub(crate) fn new(site: &Site, name: &str) -> Self {
        let serves = format!("im:{name} pres:{name}");
        let client = Client::open(site.port, Open { serves: &serves, ..Open::default() });
        Self { client, name: name.to_owned(), last: 0, before: Vec::new() }
    }

    fn trans_id(&mut self) -> String {
        self.last += 1;
        self.last.to_string()
    }

    /// The next frame that is this; others are kept for later.
    fn until(&mut self, is_it: impl Fn(&Frame) -> bool) -> Frame {
        if let Some(at) = self.before.iter().position(&is_it) {
            return self.before.remove(at);
        }
        loop {
            let frame =
                self.client.next(PATIENCE).unwrap_or_else(|why| panic!("{why:?}: {:#?}", self.before));
            if is_it(&frame) {
                return frame;
            }
            self.before.push(frame);
        }
    }

    /// Sends a message; its outcome as `status code`.
    pub(crate) fn writes(&mut self, to: &str, text: &str) -> String {
        self.writes_entity(to, &format!("Content-Type: text/plain\r\n\r\n{text}"))
    }

    pub(crate) fn writes_entity(&mut self, to: &str, entity: &str) -> String {
        let trans_id = self.trans_id();
        let xml = format!("<message source='im:{}' destination='{to}' transID='{trans_id}'/>", self.name);
        self.client.try_send("", &xml, entity.as_bytes()).unwrap();
        self.outcome(&trans_id)
    }

    /// Sends an element, with a transID of its own; its outcome.
    pub(crate) fn asks(&mut self, xml: &str) -> String {
        let trans_id = self.trans_id();
        let (name, rest) = xml.split_at(xml.find(' ').unwrap());
        self.client.try_send("", &format!("{name} transID='{trans_id}'{rest}"), b"").unwrap();
        self.outcome(&trans_id)
    }

    fn outcome(&mut self, trans_id: &str) -> String {
        let answer = self.until(|frame| frame.element() == "response" && frame.trans_id() == trans_id);
        let text = answer.text();
        let code = text.split(':').next().unwrap_or_default();
        format!("{} {code}", answer.attribute("status").unwrap()).trim_end().to_owned()
    }

    /// Writes to the gateway, which has it; the text of its answer.
    pub(crate) fn commands(&mut self, text: &str) -> String {
        assert_eq!(self.writes(GATEWAY, text), "success");
        self.hears_gateway()
    }

    /// The text of the next message of the gateway's.
    pub(crate) fn hears_gateway(&mut self) -> String {
        let frame = self.hears();
        assert_eq!(frame.attribute("source").as_deref(), Some(GATEWAY), "{frame:?}");
        text(&frame)
    }

    /// The next message, taken.
    pub(crate) fn hears(&mut self) -> Frame {
        let frame = self.until(|frame| frame.element() == "message");
        self.client.respond(&frame, "success", "");
        frame
    }

    /// The next notification: `destination status text` of each tuple.
    pub(crate) fn is_told(&mut self) -> Vec<String> {
        let frame = self.until(|frame| frame.element() == "notify");
        tuples(&frame)
    }

    /// What has come and was not waited for, after an operation that the gateway has answered.
    pub(crate) fn nothing_else(&mut self) {
        assert_eq!(self.writes("im:nobody@nowhere.example", "x").split(' ').next(), Some("failure"));
        assert!(self.before.is_empty(), "{:#?}", self.before);
    }
}

/// The text within whatever was put around it, with LF.
pub(crate) fn text(frame: &Frame) -> String {
    let content = std::str::from_utf8(&frame.content).unwrap();
    let (_, text) = content.rsplit_once("\r\n\r\n").unwrap();
    text.replace("\r\n", "\n")
}

fn tuples(frame: &Frame) -> Vec<String> {
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
