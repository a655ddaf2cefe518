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

/// How often each is measured.
const TIMES: usize = 3;

/// The rows.
///
/// # Errors
/// Where something could not be measured.
pub(crate) async fn rows(setting: &Setting, table: &mut Table) -> io::Result<()> {
    let setting = &setting.sized(setting.percent, TIMES);
    let operations = setting.scaled(20_000);
    let mut costs = Costs::default();
    let mut done = 0;
    while setting.goes_on(done) {
        for (at, size) in SIZES.into_iter().enumerate() {
            let of = |whole: usize| (setting.scaled(whole) * size / 100).max(1);
            costs.relay[at].push(relay::cost(setting, of(100), operations).await?);
            let mut chain = irc::Chain::start(setting, false, of(1_000)).await?;
            chain.measure_to_irc(operations).await?;
            costs.irc[at].push(chain.to_irc.cpu_us.median());
            drop(chain);
            costs.idle[at].push(idle::natives(setting, of(10_000)).await?);
            let watchers = of(5_000);
            costs.fanout[at].push(fanout::fan_out(setting, watchers, watchers).await?.1.median());
            let mails = of(8_000).max(100);
            match mail::Inbox::start(setting).await?.measure(mails).await {
                #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
                Ok((_, cpu_s)) => costs.mail[at].push(cpu_s / mails as f64 * 1e6),
                Err(error) => table.not_run("growth: mail", &error),
            }
        }
        done += 1;
    }
    let whole = |count: usize| setting.scaled(count);
    for (what, unit, costs) in [
        (format!("CPU of an operation, {} pairs", whole(100)), "µs", &costs.relay),
        (format!("CPU of a message to {} IRC clients", whole(1_000)), "µs", &costs.irc),
        (format!("memory of {} idle sessions, each", whole(10_000)), "octets", &costs.idle),
        (format!("CPU of a notification to {} watchers", whole(5_000)), "µs", &costs.fanout),
        (format!("CPU of a mail of {}", whole(8_000)), "µs", &costs.mail),
    ] {
        for row in Row::grown(&what, unit, costs) {
            table.push(&row);
        }
    }
    Ok(())
}

/// Of each size.
#[derive(Default)]
struct Costs {
    relay: [Samples; 3],
    irc: [Samples; 3],
    idle: [Samples; 3],
    fanout: [Samples; 3],
    mail: [Samples; 3],
}
