//! What is claimed, and how addresses are spelt.

use cpim_adapter::Feature;

use crate::bench::Bench;
use crate::case::{Case, Verdict, brief, case, ensure, same};
use crate::subject::Spelling;
use crate::words::InWords;

pub(super) const CASES: &[Case] = &[
    case!(
        "claims.kept",
        kept,
        "What the adapter claims is what its author declared, feature by feature.",
        "contract 1.1"
    ),
    case!(
        "addresses.canonical",
        canonical,
        "Each address has one canonical form, which stays as it is; what the grammar refuses is refused.",
        "contract 1.3"
    ),
    case!(
        "health.told",
        health,
        "Once it runs and its peer is there, the adapter says that it is up.",
        "contract 1.4"
    ),
];

async fn kept(bench: &Bench) -> Verdict {
    let (declared, own) = (bench.subject.capabilities(), bench.adapter.capabilities());
    for feature in Feature::ALL {
        same(&feature.in_words(), &(own.support)(feature), &(declared.support)(feature))?;
    }
    same("presence", &own.presence, &declared.presence)?;
    same("largest content", &own.max_content_octets, &declared.max_content_octets)
}

async fn canonical(bench: &Bench) -> Verdict {
    let spellings = bench.subject.spellings();
    for spelling in spellings {
        let (from, to) = match &spelling {
            Spelling::Canonical(address) => (address, Some(address)),
            Spelling::Same(other, canonical) => (other, Some(canonical)),
            Spelling::Refused(address) => (address, None),
        };
        let came = bench.adapter.canonicalise(from.clone());
        match (came, to) {
            (Ok(came), Some(wanted)) => {
                same(&from.to_string(), &came, wanted)?;
                let again = bench.adapter.canonicalise(came.clone());
                ensure(again.as_ref() == Ok(&came), || match again {
                    Ok(other) => format!("{came} does not stay as it is, but becomes {other}"),
                    Err(refused) => format!("{came} does not stay as it is, but is refused: {refused}"),
                })?;
            }
            (Err(refused), None) => {
                ensure(!refused.what.is_empty(), || format!("{from} is refused, and nothing says why"))?;
            }
            (Ok(came), None) => return ensure(false, || format!("{from} was taken, as {came}")),
            (Err(refused), Some(_)) => return ensure(false, || format!("{from} was refused: {refused}")),
        }
    }
    Ok(())
}

async fn health(bench: &mut Bench) -> Verdict {
    let patience = bench.timing.patience;
    let up = bench.health.wait_for(|health| *health == cpim_adapter::Health::Up);
    let told = tokio::time::timeout(patience, up).await.is_ok_and(|up| up.is_ok());
    let last = bench.health.borrow().clone();
    ensure(told, || format!("its last word of its health is {}", brief(&last)))
}
