//! Mistakes in `[smtp]`.

use crate::folder::Folder;

const EXPECTED: [&str; 9] = [
    "gw.toml:2: smtp.listener[0].address: is missing; a TCP address such as \"[::]:25\" must be given",
    "smtp.listener[0].implicit_tls: needs TLS; certificate and key must be given too",
    "smtp.listener[0].submitters_only: nobody can authenticate here; certificate and key must be given too",
    "smtp.submitter[0].name: a name of one line is accepted",
    "smtp.submitter[0].from: is empty; the mailboxes or domains that it may write as",
    "smtp.submitter[1].password_file: none.secret: cannot be read",
    "gw.toml:14: smtp.incoming.closed_to_strangers: the selector `mailtoo` is unknown",
    "smtp.limits.recipients: 0; at least 1 is accepted",
    "smtp.limits.mail_time: out of bounds; a time of at least \"1s\" is accepted",
];

#[test]
fn what_is_wrong_with_mail_that_comes_in_is_named_key_by_key() {
    let folder = Folder::new();
    let errors = folder.errors(
        r#"relay_domain = "gw.example"
[[smtp.listener]]
implicit_tls = true
submitters_only = true
[[smtp.submitter]]
name = ""
password_file = "none.secret"
from = []
[[smtp.submitter]]
name = "alice"
password_file = "none.secret"
from = ["alice@a.example", "b..example"]
[smtp.incoming]
closed_to_strangers = ["mailtoo"]
[smtp.limits]
recipients = 0
mail_time = "1ms"
"#,
        &[],
    );
    for expected in EXPECTED {
        assert!(errors.contains(expected), "{expected:?} is not among\n{errors}");
    }
}
