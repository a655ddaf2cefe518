//! `cpim-gateway dns`: the records that mail needs, and what is published of them.

use hickory_resolver::proto::rr::rdata::{MX, TXT};
use hickory_resolver::proto::rr::{Name, RData};

use crate::support::dns::{DnsServer, Zone};
use crate::support::gateway::Site;
use crate::support::process::run;

fn text(zone: Zone, owner: &str, text: &str) -> Zone {
    zone.add(owner, RData::TXT(TXT::new(vec![text.to_owned()])))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_published_is_printed_and_looked_for() {
    let mx = RData::MX(MX::new(10, Name::from_ascii("gw.example.").unwrap()));
    let zone = text(Zone::default().add("gw.example", mx), "gw.example", "v=spf1 -all");
    let zone = text(zone, "_dmarc.gw.example", "v=DMARC1;p=reject");
    let dns = DnsServer::start(zone).await;
    let site = Site::new("");
    site.configure(&format!(
        "relay_domain = \"gw.example\"\n[dns]\nservers = [\"{}\"]\n\
         [[smtp.listener]]\naddress = \"127.0.0.1:0\"\n[smtp.outgoing]\n",
        dns.address()
    ));
    let printed = run(&site.path(""), &["dns", "--config", "gateway.toml"]).await;
    assert_eq!(printed.code, 0, "{}", printed.err);
    let records: Vec<&str> = printed.out.lines().map(|line| line.split(" ;").next().unwrap()).collect();
    assert_eq!(
        records,
        [
            "gw.example. MX 10 gw.example.",
            "gw.example. TXT \"v=spf1 a mx -all\"",
            "_dmarc.gw.example. TXT \"v=DMARC1; p=reject\"",
        ]
    );
    let checked = run(&site.path(""), &["dns", "--check", "--config", "gateway.toml"]).await;
    assert_eq!(checked.code, 1, "{}{}", checked.out, checked.err);
    let verdicts: Vec<&str> = checked
        .out
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .filter(|word| !word.is_empty())
        .collect();
    assert_eq!(verdicts, ["right", "differs", "right"], "{}", checked.out);
    assert!(checked.out.contains("published: v=spf1 -all"), "{}", checked.out);
}

/// The records of a key that is not there yet cannot be printed; all others can.
#[tokio::test]
async fn before_the_first_start_all_but_the_key_is_printed() {
    let site = Site::new("");
    site.configure(
        "relay_domain = \"gw.example\"\n[smtp.outgoing]\nsmarthost = \"127.0.0.1:25\"\n\
         [[smtp.outgoing.dkim]]\nselector = \"s\"\nkey = \"dkim.pem\"\n",
    );
    let printed = run(&site.path(""), &["dns", "--config", "gateway.toml"]).await;
    assert_eq!(printed.code, 1, "{}", printed.err);
    // What is on this machine is nothing to be published.
    assert!(
        printed.out.contains("\"v=spf1 a mx -all\"") && printed.out.contains("_dmarc.gw.example."),
        "{}",
        printed.out
    );
    assert!(
        printed.err.contains("smtp.outgoing.dkim[0].key: ") && printed.err.contains("openssl genpkey"),
        "{}",
        printed.err
    );
    let made = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "ed25519", "-out", "dkim.pem"])
        .current_dir(site.path(""))
        .output();
    let made = made.unwrap_or_else(|e| {
        panic!("NOT RUN: openssl cannot be started ({e}); on Debian: apt-get install openssl")
    });
    assert!(made.status.success(), "{made:?}");
    let printed = run(&site.path(""), &["dns", "--config", "gateway.toml"]).await;
    assert_eq!(printed.code, 0, "{}", printed.err);
    assert!(printed.out.contains("s._domainkey.gw.example. TXT \"v=DKIM1; k=ed25519; p="), "{}", printed.out);
}
