//! Leases outlast the process.

use super::someone::{FRED, Someone, WILMA, gateway, outcome};

#[test]
fn after_kill_9_a_live_lease_goes_on() {
    let (site, gateway) = gateway();
    let both = format!("{FRED} im:fred@a.example");
    let fred = Someone::serving(&site, &both);
    let mut wilma = Someone::serving(&site, WILMA);
    let id = wilma.subscribes("600", "").attribute("subscriptID").unwrap();
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
    gateway.kill();
    drop((fred, wilma));
    let _gateway = site.start();
    let mut fred = Someone::serving(&site, &both);
    fred.publishes("open", "changed meanwhile");
    let mut wilma = Someone::serving(&site, WILMA);
    // What she is told first is told of the lease, without a word of hers.
    while wilma.is_told() != ["im:fred@a.example open changed meanwhile"] {}
    // Under the transID of before it is a retransmission, and answered as before; under another it is refused.
    let again = wilma.subscribes("600", "");
    assert_eq!((outcome(&again).as_str(), again.attribute("subscriptID").as_ref()), ("success", Some(&id)));
    assert_eq!(outcome(&wilma.subscribes("600", "")), "failure already-subscribed");
    assert_eq!(outcome(&wilma.subscribes("600", &format!(" subscriptID='{id}'"))), "success");
}
