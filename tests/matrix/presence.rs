//! Who watches whom, by which adapters, and what the watcher sees. Mail users watch by the gateway's inbox, which is shown
//! with it (tests/inbox), as do people of a network that others run (tests/irc/network_nicks.rs); here they are only looked for.

use cpim_adapter::{Class, Feature};
use cpim_gateway::matrix::Crossing;

use crate::lines::sides;
use crate::stage::Stage;
use crate::support::gateway::PATIENCE;

/// What the presentity says of himself beside being there.
const NOTE: &str = "At lunch";

/// The second user of an adapter says that he is there, and what he does.
fn appear(stage: &mut Stage, adapter: &str) {
    match adapter {
        "cpim" => {
            let address = stage.address("cpim", 1);
            let xml = format!(
                "<publish target='{}:{address}' transID='9'><presence entityInfo=''><tuple destination='im:{address}' \
                 status='open'>{NOTE}</tuple></presence></publish>",
                Class::Pres.scheme()
            );
            stage.natives[1].try_send("", &xml, b"").unwrap();
            assert!(stage.natives[1].expect_answer().is("success", ""));
        }
        "irc" | "irc-network" => {
            let irc = if adapter == "irc" { &mut stage.ircs[1] } else { &mut stage.joined[1] };
            irc.send(&format!("AWAY :{NOTE}"));
            irc.expect(" 306 ");
        }
        _ => {}
    }
}

/// Whether it is known first that somebody is there, and then what he says.
fn comes_in_two(adapter: &str) -> bool {
    adapter == "irc-network"
}

/// What a native watcher is answered, and what he is told then.
fn watch_natively(stage: &mut Stage, adapter: &str) -> (String, String) {
    let (watcher, target) = (stage.address("cpim", 0), stage.address(adapter, 1));
    let xml = format!(
        "<subscribe watcher='pres:{watcher}' target='pres:{target}' duration='600' transID='{adapter}'/>"
    );
    stage.natives[0].try_send("", &xml, b"").unwrap();
    let answer = stage.natives[0].expect_answer();
    if answer.status != "success" {
        return (answer.text, String::new());
    }
    loop {
        let told = stage.natives[0].next(PATIENCE).expect("a notification");
        assert_eq!(told.element(), "notify", "{told:?}");
        if !comes_in_two(adapter) || told.xml.contains(NOTE) {
            return ("success".to_owned(), told.xml);
        }
    }
}

/// Whether an IRC watcher sees somebody come online, and what he reads of him.
fn watch_by_irc(stage: &mut Stage, adapter: &str) -> (String, String) {
    let target = stage.address(adapter, 1);
    let name = if adapter == "irc" { "carla".to_owned() } else { target };
    let irc = &mut stage.ircs[0];
    irc.send(&format!("MONITOR + {name}"));
    let told = loop {
        match irc.line().expect("word of who is monitored") {
            line if line.contains(" 730 ") => break "success",
            line if line.contains(" 731 ") => break "offline",
            _ => {}
        }
    };
    irc.send(&format!("WHOIS {name}"));
    let mut seen = String::new();
    while !seen.contains(" 318 ") {
        seen += &irc.line().expect("the end of WHOIS");
    }
    (told.to_owned(), seen)
}

/// What a watcher on LINES is told first.
fn watch_by_lines(stage: &mut Stage, adapter: &str) -> (String, String) {
    let target = stage.address(adapter, 1);
    stage.talkers[0].says(&format!("watch im:{target}"));
    let mut told = stage.talkers[0].hears();
    while comes_in_two(adapter) && !told.contains(NOTE) {
        told = stage.talkers[0].hears();
    }
    let is_open = told.starts_with(&format!("is im:{target} open"));
    (if is_open { "success".to_owned() } else { told.clone() }, told)
}

#[test]
fn whoever_can_be_watched_is_seen_as_the_matrix_says() {
    let mut stage = Stage::one();
    let sides = sides();
    for to in &sides {
        appear(&mut stage, to.name);
        for from in sides.iter().filter(|from| !["irc-network", "smtp"].contains(&from.name)) {
            let pair = format!("{} watches {}", from.name, to.name);
            let (answer, seen) = match from.name {
                "cpim" => watch_natively(&mut stage, to.name),
                "irc" => watch_by_irc(&mut stage, to.name),
                "lines" => watch_by_lines(&mut stage, to.name),
                other => panic!("nobody watches by {other}"),
            };
            if Crossing::of_subscription(to) == Crossing::Refused {
                assert_ne!(answer, "success", "{pair}");
                continue;
            }
            assert_eq!(answer, "success", "{pair}: {seen}");
            // What is seen comes from the one who is watched.
            match Crossing::of(Feature::RichPresence, to, from) {
                Crossing::Whole | Crossing::Changed(_) => assert!(seen.contains(NOTE), "{pair}: {seen}"),
                Crossing::Lost => assert!(!seen.contains(NOTE), "{pair}: {seen}"),
                Crossing::Refused | Crossing::Unsaid => {}
            }
        }
    }
}
