//! Mistakes in `[irc]`.

use crate::folder::Folder;

#[test]
fn accounts_are_nicks_that_one_person_can_have() {
    let folder = Folder::new();
    folder.write("irc.secret", "long enough", 0o600);
    let account =
        |name: &str| format!("[[irc.account]]\nname = \"{name}\"\npassword_file = \"irc.secret\"\n");
    let names: String = ["a", "al ice", "gateway", "A"].map(account).concat();
    let errors = folder
        .errors(&format!("relay_domain = \"gw.example\"\n[irc]\nname = \"irc.a.example\"\n{names}"), &[]);
    for expected in [
        "gw.toml:8: irc.account[1].name: \"al ice\" is no nick that somebody could have, such as \"alice\"",
        "gw.toml:11: irc.account[2].name: \"gateway\" is no nick",
        "gw.toml:14: irc.account[3].name: \"A\" is there already; in either case it is one nick",
    ] {
        assert!(errors.contains(expected), "{expected:?} is not among\n{errors}");
    }
    assert!(!errors.contains("account[0]"), "{errors}");
}
