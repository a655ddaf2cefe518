//! A folder to try configurations in.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cpim_gateway::config::{Config, ConfigErrors};
use cpim_gateway::registry::sections;
use tempfile::TempDir;

/// A folder with a configuration and whatever lies beside it.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, for its owner alone unless `mode` says otherwise.
    pub(crate) fn write(&self, name: &str, text: &str, mode: u32) -> &Self {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// Writes a certificate of `name` and its key.
    pub(crate) fn write_certificate(&self, name: &str) -> &Self {
        let made = rcgen::generate_simple_self_signed(vec![format!("{name}.example")]).unwrap();
        self.write(&format!("{name}.pem"), &made.cert.pem(), 0o644);
        self.write(&format!("{name}.key"), &made.signing_key.serialize_pem(), 0o600)
    }

    /// Loads the file `name` with what the gateway writes itself in this folder, and with `variables` on top.
    pub(crate) fn load_file(&self, name: &Path, variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        let here = [("CPIM_GATEWAY_STORE__PATH", "test.db"), ("CPIM_GATEWAY_ADMIN__SOCKET", "test.sock")];
        let here = here.map(|(name, file)| (name.into(), self.path(file).into()));
        let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Config::load_with(name, here.into_iter().chain(variables), &sections())
    }

    /// Loads `text`.
    pub(crate) fn load(&self, text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        self.write("gw.toml", text, 0o644);
        self.load_file(&self.path("gw.toml"), variables)
    }

    /// What is wrong with `text`, without this folder's name.
    pub(crate) fn errors(&self, text: &str, variables: &[(&str, &str)]) -> String {
        let errors = self.load(text, variables).expect_err("the mistake is not noticed").to_string();
        errors.replace(&format!("{}/", self.0.path().display()), "")
    }
}
