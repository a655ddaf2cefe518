//! What a unit costs at a hundredth, a tenth and the whole of a size: level, where nothing is looked for among all.
//! Puppets and subscriptions are measured so where they are measured.

use std::io;

use crate::report::Row;
use crate::rows::{fanout, idle, irc, mail, relay};
use crate::setting::Setting;
use crate::stats::Samples;
use crate::table::Table;

/// Hundredths of the whole.
const SIZES: [usize; 3] = [1, 10, 100];

/// The whole of each.
const PAIRS: usize = 100;
const CLIENTS: usize = 1_000;
const SESSIONS: usize = 10_000;
const WATCHERS: usize = 5_000;
const MAILS: usize = 8_000;

/// How often each is measured.
const TIMES: usize = 3;

/// The rows.
///
/// # Errors
/// Where something could not be measured.
pub(crate) async fn rows(setting: &Setting, table: &mut Table) -> io::Result<()> {
    let setting = &setting.sized(setting.percent, TIMES);
    let operations = setting.scaled(20_000);
    let mut sizes: Vec<(usize, Costs)> = SIZES.map(|size| (size, Costs::default())).into();
    let mut done = 0;
    while setting.goes_on(done) {
        for (size, costs) in &mut sizes {
            let of = |whole: usize| (setting.scaled(whole) * *size / 100).max(1);
            eprintln!("cpim-load: growth, {size} hundredths, {done} done");
            costs.relay.push(relay::cost(setting, of(PAIRS), operations).await?);
            let chain = irc::Chain::start(setting, false, of(CLIENTS)).await?;
            costs.irc.push(chain.cost_to_irc(operations).await?);
            drop(chain);
            costs.idle.push(idle::natives(setting, of(SESSIONS)).await?);
            let watchers = of(WATCHERS);
            costs.fanout.push(fanout::fan_out(setting, watchers, watchers).await?.1.median());
            // A few mails would cost what it takes to connect.
            let mails = of(MAILS).max(100);
            match mail::Inbox::start(setting).await?.measure(mails).await {
                #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
                Ok((_, cpu_s)) => costs.mail.push(cpu_s / mails as f64 * 1e6),
                Err(error) => table.not_run("growth: mail", &error),
            }
        }
        done += 1;
    }
    let kinds: [(&str, usize, &str, Of); 5] = [
        ("CPU of an operation, pairs", PAIRS, "µs", |costs| &costs.relay),
        ("CPU of a message, IRC clients", CLIENTS, "µs", |costs| &costs.irc),
        ("memory of an idle session, sessions", SESSIONS, "octets", |costs| &costs.idle),
        ("CPU of a notification, watchers", WATCHERS, "µs", |costs| &costs.fanout),
        ("CPU of a mail, mails", MAILS, "µs", |costs| &costs.mail),
    ];
    for (what, whole, unit, of) in kinds {
        let costs: Vec<Samples> = sizes.iter().map(|(_, costs)| of(costs).clone()).collect();
        for row in Row::grown(&format!("{what}: {}", setting.scaled(whole)), unit, &costs) {
            table.push(&row);
        }
    }
    Ok(())
}

/// One of the costs.
type Of = fn(&Costs) -> &Samples;

/// What a unit costs at one size.
#[derive(Default)]
struct Costs {
    relay: Samples,
    irc: Samples,
    idle: Samples,
    fanout: Samples,
    mail: Samples,
}
