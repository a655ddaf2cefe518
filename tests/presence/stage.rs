//! What the tests of presence say and look for.

use std::time::Duration;

use cpim_adapter::{
    Arrival, Basic, Class, Delivery, Operation, Outcome, PresUri, Presence, Publish, Response, Subscribe,
    SubscriptId, TransId, Tuple, Unsubscribe,
};

use crate::support::toy::{House, Manner, Session, policy};

/// A house whose toy takes every notification.
pub(crate) async fn house() -> House {
    let house = House::new().await;
    house.manner(Manner::Say(Outcome::Delivered(Response::success())));
    house
}

fn uri(text: &str) -> PresUri {
    PresUri::try_from(policy().mapper.read(text, Class::Pres).unwrap()).unwrap()
}

pub(crate) fn arriving(trans_id: &str, operation: Operation) -> Arrival {
    Arrival {
        operation,
        trans_id: TransId::parse(trans_id).unwrap(),
        hops: None,
        via: Vec::new(),
        id: None,
        wait: None,
        standing: None,
        held: false,
    }
}

/// A subscribe; `id`: the subscription's name, or none.
pub(crate) fn subscribe(watcher: &str, target: &str, duration: u32, id: &str) -> Operation {
    Operation::Subscribe(Subscribe {
        watcher: uri(watcher),
        target: uri(target),
        duration,
        subscript_id: (!id.is_empty()).then(|| SubscriptId::parse(id).unwrap()),
    })
}

pub(crate) fn unsubscribe(watcher: &str, target: &str) -> Operation {
    Operation::Unsubscribe(Unsubscribe { watcher: uri(watcher), target: uri(target) })
}

/// One tuple, open or closed, with this text in it.
pub(crate) fn publish(target: &str, status: Basic, text: &str, duration: Option<u32>) -> Operation {
    Operation::Publish(Publish {
        target: uri(target),
        presence: presence("im:fred@a.example", status, text),
        document: None,
        duration,
    })
}

pub(crate) fn presence(destination: &str, status: Basic, text: &str) -> Presence {
    let tuple =
        Tuple { destination: destination.into(), status, markup: text.into(), namespaces: Vec::new() };
    Presence::new(tuple, Vec::new())
}

impl Session {
    /// Asks, and waits for the answer.
    pub(crate) async fn ask(&mut self, trans_id: &str, operation: Operation) -> Response {
        self.submit(arriving(trans_id, operation));
        let (answered, response) = self.answer().await;
        assert_eq!(answered, trans_id);
        response
    }
}

/// A notification: to whom, about whom, and each tuple as `destination status text`.
pub(crate) fn read(delivery: &Delivery) -> (String, String, Vec<String>) {
    let Operation::Notify(notify) = &*delivery.operation else { panic!("{delivery:?} is no notification") };
    let tuples = notify.presence.tuples().iter();
    let tuples = tuples
        .map(|tuple| format!("{} {} {}", tuple.destination, tuple.status, tuple.markup).trim().to_owned());
    (notify.watcher.to_string(), notify.target.to_string(), tuples.collect())
}

/// The tuples of the next notification, which must be this watcher's about this presentity.
pub(crate) async fn told(house: &mut House, watcher: &str, target: &str) -> Vec<String> {
    let delivery = house.next().await;
    let (to, about, tuples) = read(&delivery);
    assert_eq!((to.as_str(), about.as_str()), (watcher, target));
    tuples
}

/// Nothing more is told within this time.
pub(crate) async fn nothing_told(house: &mut House, within: Duration) {
    if let Ok(delivery) = tokio::time::timeout(within, house.delivered.recv()).await {
        panic!("told: {:?}", delivery.map(|delivery| read(&delivery)));
    }
}
