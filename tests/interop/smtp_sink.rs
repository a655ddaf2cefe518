//! Postfix's smtp-sink as the server that takes the mail: from a native session to a person's mail, and what comes of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use crate::support::gateway::{Site, breathe, free_port};
use crate::support::process::{Ran, program, run};

/// A running smtp-sink; it ends with this value.
struct Sink(Child);

impl Drop for Sink {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Sink {
    /// Starts it with these switches, writing each mail into `mail` of the site.
    fn start(site: &Site, port: u16, switches: &[&str]) -> Self {
        let folder = site.path("mail");
        // Another may have been here before.
        fs::create_dir_all(&folder).unwrap();
        // Started by root it works as somebody else, who must get there.
        for open in [site.path(""), folder.clone()] {
            fs::set_permissions(open, fs::Permissions::from_mode(0o777)).unwrap();
        }
        let mut command = Command::new("/usr/sbin/smtp-sink");
        let id = Command::new("id").arg("-u").output().unwrap();
        if id.stdout.starts_with(b"0\n") {
            command.args(["-u", "nobody"]);
        }
        command.args(switches).args(["-d", &format!("{}/%M.", folder.display())]);
        command.args([&format!("127.0.0.1:{port}"), "10"]).stdout(Stdio::null()).stderr(Stdio::null());
        let started = command.spawn().unwrap_or_else(|e| {
            panic!("NOT RUN: smtp-sink cannot be started ({e}); on Debian: apt-get install postfix")
        });
        let sink = Self(started);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            breathe();
        }
        sink
    }
}

/// What the queue says of an operation that waits for its report.
const HANDED_OVER: &str = "\"state\":\"handed over\"";

/// The mail that the sink has got, whole.
fn mail(site: &Site) -> String {
    let written = fs::read_dir(site.path("mail")).unwrap();
    written.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}

/// A gateway's folder, whose mail goes to this port.
fn site(port: u16) -> Site {
    Site::new(&format!("[smtp.outgoing]\nsmarthost = \"127.0.0.1:{port}\"\ntls = \"plain\"\n"))
}

async fn send(switches: &[&str]) -> (Ran, String) {
    send_with(switches, "").await
}

/// As [`send`], with these lines of configuration besides.
async fn send_with(switches: &[&str], more: &str) -> (Ran, String) {
    let port = free_port();
    let site = Site::new(&format!(
        "[smtp.outgoing]\nsmarthost = \"127.0.0.1:{port}\"\ntls = \"plain\"\nretry_horizon = \"2s\"\n{more}"
    ));
    let _sink = Sink::start(&site, port, switches);
    let gateway = site.start();
    gateway.wait_ready();
    let to = "im:mailto=bob~40mail.example@gw.example";
    let server = format!("127.0.0.1:{}", site.port);
    let arguments = ["send", "--server", &server, "--from", "im:fred@a.example", "--to", to, "Yabba, dabba!"];
    let ran = run(&site.path(""), &arguments).await;
    (ran, mail(&site))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_without_reports_takes_is_indeterminant() {
    let (ran, mail) = send(&["-N"]).await;
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    for line in
        ["X-Rcpt-Args: <bob@mail.example>", "From: <im=fred~40a.example@gw.example>", "\nYabba, dabba!"]
    {
        assert!(mail.contains(line), "{line}\n{mail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_refuses_has_failed_with_its_words() {
    let (ran, mail) = send(&["-N", "-f", "RCPT"]).await;
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("refused") && ran.out.contains("500"), "{}", ran.out);
    assert_eq!(mail, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_refuses_at_the_end_has_failed_too() {
    let (ran, mail) = send(&["-f", "."]).await;
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("refused") && ran.out.contains("500"), "{}", ran.out);
    assert_eq!(mail.matches("Yabba").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_up_before_data_is_tried_until_the_horizon() {
    for at in ["MAIL", "RCPT", "DATA"] {
        let (ran, mail) = send(&["-q", at]).await;
        assert_eq!(ran.code, 1, "{at}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains("unreachable"), "{at}: {}", ran.out);
        assert!(!mail.contains("Yabba"), "{at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_hangs_up_on_behind_the_final_dot_is_never_sent_again() {
    let (ran, mail) = send_with(&["-q", "."], "[limits]\nmax_wait = \"3s\"\n").await;
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert_eq!(mail.matches("Yabba").count(), 1, "{mail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_puts_off_is_sent_once_it_takes_it_also_after_a_kill() {
    let port = free_port();
    let site = site(port);
    let reluctant = Sink::start(&site, port, &["-r", "RCPT"]);
    let gateway = site.start();
    gateway.wait_ready();
    let to = "im:mailto=bob~40mail.example@gw.example";
    let server = format!("127.0.0.1:{}", site.port);
    let arguments = ["send", "--server", &server, "--from", "im:fred@a.example", "--to", to, "Yabba, dabba!"];
    let _waiting = program(&site.path(""), &arguments).spawn().unwrap();
    gateway.wait_for_times("not handed over", 4);
    // The journal knows by now that it was not.
    gateway.wait_answer("/v1/queue", |_, answer| answer.contains("\"departed\":[]"));
    gateway.kill();
    drop(reluctant);
    let _willing = Sink::start(&site, port, &[]);
    let again = site.start();
    again.wait_ready();
    again.wait_answer("/v1/queue", |status, answer| status == 200 && answer.contains(HANDED_OVER));
    while mail(&site).is_empty() {
        breathe();
    }
    assert_eq!(mail(&site).matches("Yabba, dabba!").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_over_before_a_kill_waits_for_its_report_and_is_never_sent_again() {
    let port = free_port();
    let site = site(port);
    let _sink = Sink::start(&site, port, &[]);
    let gateway = site.start();
    gateway.wait_ready();
    let to = "im:mailto=bob~40mail.example@gw.example";
    let server = format!("127.0.0.1:{}", site.port);
    let arguments = ["send", "--server", &server, "--from", "im:fred@a.example", "--to", to, "Yabba, dabba!"];
    let _waiting = program(&site.path(""), &arguments).spawn().unwrap();
    let is_handed_over = |status: u16, answer: &str| status == 200 && answer.contains(HANDED_OVER);
    gateway.wait_answer("/v1/queue", is_handed_over);
    while !mail(&site).contains("Yabba, dabba!") {
        breathe();
    }
    gateway.kill();
    let again = site.start();
    again.wait_ready();
    again.wait_answer("/v1/queue", is_handed_over);
    assert_eq!(mail(&site).matches("Yabba, dabba!").count(), 1);
}
