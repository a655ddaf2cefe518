//! What the gateway signs, another program verifies: dkimpy, by the records that `cpim-gateway dns` prints, on the mail
//! that Postfix has put into a mailbox.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::gateway::{Site, free_port};
use crate::support::native::{Client, Open};
use crate::support::postfix::Postfix;
use crate::support::process::run;

/// Verifies each signature of the mail on standard input; the records are its argument, a JSON object.
const VERIFY: &str = r#"
import dkim, json, sys
records = json.loads(sys.argv[1])
mail = sys.stdin.buffer.read()
signatures = sum(1 for line in mail.split(b"\r\n\r\n")[0].split(b"\r\n") if line.lower().startswith(b"dkim-signature:"))
for nth in range(signatures):
    found = lambda name, timeout=5: records.get(name.decode().rstrip("."), "").encode()
    try:
        right = dkim.DKIM(mail).verify(idx=nth, dnsfunc=found)
    except dkim.DKIMException as error:
        right = error
    print("right" if right is True else f"wrong: {right}")
"#;

fn verified(mail: &str, records: &str) -> Vec<String> {
    let mut python = Command::new("/usr/bin/python3")
        .args(["-c", VERIFY, records])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| {
            panic!("NOT RUN: no Python ({e}); on Debian: apt-get install python3-dkim python3-nacl")
        });
    python.stdin.take().unwrap().write_all(mail.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "NOT RUN: dkimpy cannot be run; on Debian: apt-get install python3-dkim python3-nacl"
    );
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_signature_is_right_by_the_records_that_are_printed() {
    let port = free_port();
    let postfix = Postfix::start(port, "");
    let site = Site::new(&format!(
        "[[smtp.listener]]\naddress = \"127.0.0.1:{port}\"\n\
         [smtp.outgoing]\nsmarthost = \"127.0.0.1:{}\"\ntls = \"plain\"\n\
         [[smtp.outgoing.dkim]]\nselector = \"ed\"\nkey = \"ed25519.pem\"\n\
         [[smtp.outgoing.dkim]]\nselector = \"rsa\"\nkey = \"rsa.pem\"\nalgorithm = \"rsa\"\n",
        postfix.port
    ));
    let rsa = site.path("rsa.pem");
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out"])
        .arg(&rsa)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap_or_else(|e| panic!("NOT RUN: no openssl ({e})")).success());
    let gateway = site.start();
    gateway.wait_ready();
    let printed = run(&site.path(""), &["dns", "--config", "gateway.toml", "--json"]).await;
    assert_eq!(printed.code, 0, "{}", printed.err);
    let records: serde_json::Map<String, serde_json::Value> = printed
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|record| (record["owner"].as_str().unwrap().to_owned(), record["value"].clone()))
        .filter(|(owner, _)| owner.contains("_domainkey"))
        .collect();
    assert_eq!(records.len(), 2, "{}", printed.out);
    let records = serde_json::to_string(&records).unwrap();

    let mut fred = Client::open(site.port, Open { serves: "im:fred@a.example", ..Open::default() });
    for text in ["Yabba, dabba!", "From here\r\n.\r\n\r\n  to there \t \r\n\r\n\r\n", "", "Grüße"] {
        fred.message("1", "im:fred@a.example", "im:mailto=bob~40mail.example@gw.example", text);
        assert!(fred.expect_answer().is("success", ""));
    }
    for mail in postfix.wait_mails("bob", 4) {
        let mail = mail.replace('\n', "\r\n");
        assert_eq!(verified(&mail, &records), ["right", "right"], "{mail}");
        let forged = mail.replace("To: <bob", "To: <carol");
        assert!(verified(&forged, &records).iter().all(|verdict| verdict.starts_with("wrong")));
    }
}
