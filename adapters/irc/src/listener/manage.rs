//! What an administrator can do: make accounts, and take them away.

use super::accounts::NotMade;
use super::nick::account_key;
use super::owners;
use super::registration::make_way;
use super::server::Server;
use crate::config::Password;

/// Octets of a password at least.
pub(super) const PASSWORD_OCTETS: usize = 8;

/// What is accepted.
const USAGE: &str = "accepted are `accounts`, `account add NAME` with a secret, `account remove NAME`";

impl Server {
    /// Does what an administrator asks; gives lines for people back.
    ///
    /// # Errors
    /// What is wrong, and what is accepted.
    pub(crate) async fn manage(&self, words: &[String], secret: Option<&str>) -> Result<Vec<String>, String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match (&words[..], secret) {
            (["accounts"], _) => self.accounts().await,
            (["account", "add", name], Some(secret)) => self.add_account(name, secret).await,
            (["account", "add", _], None) => {
                Err("the password is missing; it is given as the secret".to_owned())
            }
            (["account", "remove", name], _) => self.remove_account(name).await,
            _ => Err(USAGE.to_owned()),
        }
    }

    async fn accounts(&self) -> Result<Vec<String>, String> {
        let live = self.live().ok_or("the network does not run yet")?;
        let loaded = self.loaded();
        let configured =
            loaded.settings.accounts.iter().map(|account| format!("{} (configuration)", account.name));
        let kept = live.accounts.kept().await.map_err(|error| error.to_string())?;
        Ok(configured.chain(kept).collect())
    }

    async fn add_account(&self, name: &str, password: &str) -> Result<Vec<String>, String> {
        let live = self.live().ok_or("the network does not run yet")?;
        if account_key(name).is_none() {
            return Err(format!("`{name}` is no nick that somebody could have"));
        }
        if !(PASSWORD_OCTETS..=Password::MAX_OCTETS).contains(&password.len()) {
            let most = Password::MAX_OCTETS;
            return Err(format!("passwords of {PASSWORD_OCTETS} to {most} octets are accepted"));
        }
        // Whoever has the nick without an account would be taken for its owner.
        if self.users().with_nick(name).is_some() {
            return Err(format!(
                "somebody on the network has the nick `{name}` now; it is free once he has left"
            ));
        }
        let loaded = self.loaded();
        match live.accounts.make(&loaded.settings.accounts, name, password).await {
            Ok(()) => {
                owners::for_account(self, live, name).await.map_err(|error| error.to_string())?;
                make_way(self, live, &loaded, name).await;
                Ok(vec![format!("{name} can log in now")])
            }
            Err(NotMade::Taken) => Err(format!("there is an account `{name}`")),
            Err(NotMade::Trouble(error)) => Err(error),
        }
    }

    async fn remove_account(&self, name: &str) -> Result<Vec<String>, String> {
        let live = self.live().ok_or("the network does not run yet")?;
        match live.accounts.remove(name).await {
            Ok(true) => {
                owners::is_gone(self, live, name).await.map_err(|error| error.to_string())?;
                Ok(vec![format!("{name} can no longer log in; whoever is logged in stays until he leaves")])
            }
            Ok(false) => {
                Err(format!("no account `{name}` is kept here; those of the configuration are removed there"))
            }
            Err(error) => Err(error.to_string()),
        }
    }
}
