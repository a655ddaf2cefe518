//! Nicks that change hands: a guest's words to the gateway's inbox are his alone, and end where somebody else has his
//! nick, be it another guest or an account.

use crate::stage::{Stage, uri};
use crate::support::irc::Irc;

/// What the gateway's inbox answers to a command.
fn command(irc: &mut Irc, command: &str, answer: &str) {
    irc.send(&format!("PRIVMSG gateway :{command}"));
    irc.expect(answer);
}

/// A guest who has his messages forwarded, blocks somebody and watches somebody, and leaves.
fn leaves_rules(port: u16) {
    let mut guest = Irc::join(port, "victim");
    command(&mut guest, "forward im:eve@a.example", "Your messages go to im:eve@a.example");
    command(&mut guest, "block im:fred@a.example presence", "im:fred@a.example");
    command(&mut guest, "subscribe im:barney@a.example 1h", "You are told of");
    guest.send("QUIT");
    guest.end();
}

/// Whoever comes after him has none of it.
fn has_none_of_it(stage: &Stage, mut irc: Irc) -> Irc {
    command(&mut irc, "rules", "You have set no rules");
    command(&mut irc, "subscriptions", "You watch nobody");
    let mut fred = stage.native("im:fred@a.example");
    fred.message("1", "im:fred@a.example", &uri("victim"), "for victim");
    irc.expect("PRIVMSG victim :for victim");
    irc
}

#[test]
fn the_next_guest_is_another() {
    let stage = Stage::believing();
    let _barney = stage.native("im:barney@a.example pres:barney@a.example");
    leaves_rules(stage.irc);
    has_none_of_it(&stage, stage.join("victim"));
}

/// Also where the gateway is killed between the two.
#[test]
fn the_next_guest_is_another_after_a_kill() {
    let stage = Stage::believing();
    let _barney = stage.native("im:barney@a.example pres:barney@a.example");
    leaves_rules(stage.irc);
    let Stage { site, gateway, irc } = stage;
    gateway.kill();
    let gateway = site.start();
    let stage = Stage { site, gateway, irc };
    has_none_of_it(&stage, stage.join("victim"));
}

/// An account of the configuration takes over nothing that a guest has said by its name before; what its owner says
/// stays over restarts.
#[test]
fn the_owner_of_an_account_is_another_than_a_guest() {
    let stage = Stage::believing();
    let _barney = stage.native("im:barney@a.example pres:barney@a.example");
    leaves_rules(stage.irc);
    let Stage { site, gateway, irc } = stage;
    drop(gateway);
    let secret = site.path("victim.secret");
    std::fs::write(&secret, "sesame-open\n").unwrap();
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    site.edit(
        "[[irc.listener]]",
        "[[irc.account]]\nname = \"victim\"\npassword_file = \"victim.secret\"\n[[irc.listener]]",
    );
    let gateway = site.start();
    let stage = Stage { site, gateway, irc };
    let log_in = || {
        let mut irc = Irc::connect(irc);
        irc.send("PASS sesame-open\r\nNICK victim\r\nUSER v 0 * :Victim");
        irc.expect(" 422 ");
        irc
    };
    let mut victim = has_none_of_it(&stage, log_in());
    command(&mut victim, "block im:wilma@a.example", "im:wilma@a.example");
    let Stage { site, gateway, irc: _ } = stage;
    gateway.kill();
    let _gateway = site.start();
    command(&mut log_in(), "rules", "block im:wilma@a.example");
}
