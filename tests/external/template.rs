//! The template of the guide to adapters in Rust, within the gateway's core.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use adapter_template::{LinesAdapter, Settings};
use cpim_adapter::{Adapter, AdapterContext, HealthReporter, Mapper, Selectors, Shape, Shutdown};
use cpim_gateway::resolver::{self, Resolver};
use cpim_gateway::router::{Policy, Port, Router};

use crate::lines::Talker;
use crate::support::toy;

/// The core with the template in it, and the port where users connect.
async fn house() -> (u16, Shutdown, tokio::task::JoinHandle<()>) {
    let mut selectors = Selectors::default();
    selectors.add("lines", Shape::Opaque).unwrap();
    let lines = selectors.find("lines").unwrap();
    let listen = (Ipv4Addr::LOCALHOST, 0).into();
    let adapter = Arc::new(LinesAdapter::new(Settings { listen, selector: lines.clone() }));
    adapter.bind().await.unwrap();
    let port = adapter.local_addr().unwrap().port();
    let policy = toy::policy();
    let mapper = Arc::new(Mapper::new(policy.mapper.relay_domain().clone(), selectors));
    let (journal, done) = toy::memory();
    let at = Port { name: "lines", selectors: vec![lines], adapter: Arc::clone(&adapter) as _ };
    let resolver =
        Resolver::new(resolver::Settings { enabled: false, ..resolver::Settings::default() }).unwrap();
    let router =
        Router::new(vec![at], Policy { mapper, ..policy }, resolver, journal, 1 << 28).await.unwrap();
    router.start([done], async { Ok(()) }).await.unwrap();
    let (health, shutdown) = (HealthReporter::new().0, Shutdown::default());
    let cx = AdapterContext::new(router.exchange(0), router.memory(), health, shutdown.clone());
    let running = tokio::spawn(async move { adapter.run(cx).await.unwrap() });
    (port, shutdown, running)
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let copied = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &copied),
            false => drop(fs::copy(entry.path(), copied).unwrap()),
        }
    }
}

/// Its manifest in a folder of its own, as the guide says: what the workspace gives is said, and where the crates are is what
/// stands in the guide.
fn manifest_of_its_own(project: &Path) -> String {
    let template = fs::read_to_string(project.join("examples/adapter-template/Cargo.toml")).unwrap();
    let (package, _) = template.split_once("[dependencies]").unwrap();
    let package: String = package
        .lines()
        .filter_map(|line| match line {
            "version.workspace = true" => Some("version = \"0.1.0\"\n".to_owned()),
            "edition.workspace = true" => Some("edition = \"2024\"\n".to_owned()),
            line if line.ends_with(".workspace = true") => None,
            line => Some(format!("{line}\n")),
        })
        .collect();
    let guide = fs::read_to_string(project.join("docs/adapters/rust.md")).unwrap();
    let (_, rest) = guide.split_once("## Outside of this repository").expect("the heading");
    let block = rest.split("```").nth(1).and_then(|block| block.strip_prefix("text\n")).expect("a block");
    format!("{package}{}", block.replace("../cpim-gateway", &project.display().to_string()))
}

#[test]
fn a_copy_of_it_is_built_and_tested_in_a_folder_of_its_own() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    // The same at each run, so that what was built for it is found again, and nothing piles up.
    let mut checkout = DefaultHasher::new();
    project.hash(&mut checkout);
    let folder = std::env::temp_dir().join(format!("cpim-gateway-template-{:016x}", checkout.finish()));
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    copy(&project.join("examples/adapter-template"), &folder);
    fs::write(folder.join("Cargo.toml"), manifest_of_its_own(project)).unwrap();
    // The versions that are on this machine already, built as they are for the workspace.
    fs::copy(project.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tested = Command::new(cargo)
        .args(["test", "--offline"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", built)
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
        .output()
        .unwrap_or_else(|error| panic!("NOT RUN: cargo: {error}"));
    fs::remove_dir_all(&folder).unwrap();
    let said = String::from_utf8_lossy(&[tested.stdout, tested.stderr].concat()).into_owned();
    assert!(tested.status.success() && said.contains("test it_passes_every_case ... ok"), "{said}");
}

/// What two people say to each other; they are on threads of their own, as they would be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_talk_and_each_is_told_the_truth() {
    let (port, shutdown, running) = house().await;
    let talking = tokio::task::spawn_blocking(move || {
        let mut wilma = Talker::called("Wilma", port);
        let mut betty = Talker::called("betty", port);
        wilma.says("to im:lines=BETTY@gw.example 1 Hi, Betty!");
        assert_eq!(betty.hears(), "from im:lines=wilma@gw.example 1 Hi, Betty!");
        assert!(wilma.hears_nothing(), "nobody knows yet that she has it");
        betty.says("got 1");
        assert_eq!(wilma.hears(), "ok 1");
        betty.says("to im:lines=barney@gw.example 1 Hi!");
        assert!(betty.hears().starts_with("no 1 unreachable"));
        betty.says("to im:lines=bar~20ney@gw.example 2 Hi!");
        assert!(betty.hears().starts_with("no 2 bad-address"));
        betty.says("shout");
        assert!(betty.hears().starts_with("no:"));
        // The same once more is another message: LINES knows no repetition.
        wilma.says("to im:lines=betty@gw.example 1 Hi, Betty!");
        assert_eq!(betty.hears(), "from im:lines=wilma@gw.example 2 Hi, Betty!");
        drop(betty);
        assert!(wilma.hears().starts_with("maybe 1"), "she may have read it");
        wilma
    });
    let wilma = talking.await.unwrap();
    shutdown.begin_drain();
    running.await.unwrap();
    drop(wilma);
}
