//! What is signed or encrypted arrives as it left, or does not leave; and what a person has written cannot become a field.

use crate::stage::{FRED, Stage};

const BOB: &str = "im:mailto=bob~40mail.example@gw.example";

fn say(fred: &mut crate::support::native::Client, trans_id: &str, content: &[u8]) {
    let xml = format!("<message source='{FRED}' destination='{BOB}' transID='{trans_id}'/>");
    fred.try_send("", &xml, content).unwrap();
}

fn entity(kind: &str, first: &str) -> String {
    format!(
        "Content-Type: {kind}; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{first}\r\n\
         --b\r\nContent-Type: application/pgp-signature\r\n\r\n-----BEGIN-----\r\n--b--\r\n"
    )
}

#[test]
fn signed_and_encrypted_content_leaves_octet_for_octet_or_not_at_all() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let kinds = [
        "multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha256",
        "multipart/encrypted; protocol=\"application/pgp-encrypted\"",
    ];
    for (nth, kind) in kinds.into_iter().enumerate() {
        let whole = entity(kind, ".\r\n..trailing blanks \t\r\nFrom here");
        say(&mut fred, &format!("{nth}"), whole.as_bytes());
        let mail = stage.outgoing.wait(nth + 1).remove(nth);
        assert!(mail.text.ends_with(&whole.replace("\r\n", "\n")), "{}", mail.text);
        assert_eq!(mail.field("Content-Transfer-Encoding"), None, "{}", mail.text);
        // The server reports nothing.
        assert!(fred.next_answer(crate::support::gateway::PATIENCE).unwrap().is("indeterminant", ""));
        // A line that no server has to take, an end of line that none may have, and octets that this one does not take.
        for (what, first) in
            [("long", "x".repeat(999)), ("bare", "a\rb".to_owned()), ("8", "Gr\u{fc}\u{df}e".to_owned())]
        {
            say(&mut fred, &format!("{what}{nth}"), entity(kind, &first).as_bytes());
            let answer = fred.next_answer(crate::support::gateway::PATIENCE).unwrap();
            assert!(answer.is("failure", "lossy"), "{what}: {answer:?}");
        }
        assert_eq!(stage.outgoing.taken().len(), nth + 1);
    }
    // S/MIME is one part, which says by itself how it is encoded.
    let smime = "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\nMIIBAAAA\r\n";
    say(&mut fred, "p7m", smime.as_bytes());
    let mail = stage.outgoing.wait(3).remove(2);
    assert!(
        mail.text.contains(&smime.replace("\r\n", "\n").replace("\n                 ", "\n")),
        "{}",
        mail.text
    );
}

#[test]
fn no_field_can_be_slipped_into_what_leaves() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let evil = "x\\r\\nBcc: eve@mail.example\\r\\n\\r\\nbody";
    let wrapped = [
        format!("From: \"{evil}\" <{FRED}>\r\nTo: \"{evil}\" <{BOB}>\r\nSubject: {evil}\r\n\r\n"),
        format!(
            "From: =?utf-8?q?x=0D=0ABcc:_eve@mail.example?= <{FRED}>\r\nTo: <{BOB}>\r\nSubject:;lang=en x\u{85}Bcc: eve\r\n\r\n"
        ),
        format!(
            "From: <{FRED}>\r\nTo: <{BOB}>\r\nNS: M <tag:cpim-gateway.example,2026:metadata>\r\n\
             M.Message-Ref: <1\\r\\nBcc:eve@mail.example>\r\nM.Reference: <2\\nBcc:eve@mail.example>\r\n\
             DateTime: 2026-11-20T12:00:00Z\\r\\nBcc: eve@mail.example\r\n\r\n"
        ),
    ];
    let mut sent = 0;
    for (nth, head) in wrapped.iter().enumerate() {
        let content =
            format!("Content-Type: Message/CPIM\r\n\r\n{head}Content-Type: text/plain\r\n\r\nYabba");
        say(&mut fred, &format!("w{nth}"), content.as_bytes());
        sent += usize::from(fred.next_answer(crate::support::gateway::PATIENCE).unwrap().status != "failure");
    }
    for (nth, field) in [
        "Content-Type: text/plain; x=\"a\r\n b\"\r\nBcc: eve@mail.example",
        "Content-Type: text/plain\nBcc: eve@mail.example",
        "Content-Type: text/plain\rBcc: eve@mail.example",
        "Content-Type: text/plain; name=\"x\0y\"",
        "Content-Disposition: attachment;\r\n\r\nBcc: eve@mail.example",
    ]
    .into_iter()
    .enumerate()
    {
        say(&mut fred, &format!("f{nth}"), format!("{field}\r\n\r\nYabba").as_bytes());
        sent += usize::from(fred.next_answer(crate::support::gateway::PATIENCE).unwrap().status != "failure");
    }
    let mails = stage.outgoing.wait(sent);
    assert!(sent >= 3, "what is only odd goes through: {sent}");
    for mail in mails {
        assert_eq!(mail.to, ["TO:<bob@mail.example>"], "{mail:?}");
        let header = mail.text.split("\n\n").next().unwrap();
        assert!(!header.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{header}");
        assert!(!header.contains(['\r', '\0', '\u{85}']), "{header:?}");
        for once in ["From", "To", "Date", "Message-ID"] {
            let times = header.lines().filter(|line| line.starts_with(&format!("{once}:"))).count();
            assert_eq!(times, 1, "{once}: {header}");
        }
    }
}
