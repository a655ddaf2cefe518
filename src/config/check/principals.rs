//! Who may come in, with what proof, and what they may do.

use std::path::Path;

use cpim_adapter::Selectors;

use super::super::draft::Listed;
use super::super::lists::{Application, Rule};
use super::super::names::{Claim, Domain, DomainPattern, Pattern};
use super::super::secret::Secret;
use super::super::source::{KeyPath, PREFIX};
use super::{Check, claims_any};

impl Check<'_, '_> {
    pub(super) fn applications(
        &mut self,
        applications: &mut Listed<Application>,
        relay_domains: &[Domain],
        selectors: &Selectors,
    ) {
        for (path, application) in applications.iter_mut() {
            let (file, variable) = (application.secret_file.as_deref(), application.secret_env.as_deref());
            application.secret = self.secret(path, file, variable);
            match (file.is_some() || variable.is_some(), &application.certificate) {
                (false, None) => {
                    self.wrong(path, "no proof; secret_file, secret_env or certificate must be given");
                }
                (true, Some(_)) => {
                    self.wrong(
                        &path.key("certificate"),
                        "a second proof; a secret or a certificate is accepted",
                    );
                }
                (true, None) | (false, Some(_)) => {}
            }
        }
        for (nth, (path, application)) in applications.iter().enumerate() {
            if application.covers.is_empty() {
                let message = r#"nothing is covered; domains, URIs or selectors ("pepp:") must be given"#;
                self.wrong(&path.key("covers"), message);
            }
            for (nth, claim) in application.covers.iter().enumerate() {
                self.claim(&path.key("covers").nth(nth), claim, relay_domains, selectors);
            }
            for (_, other) in applications.iter().take(nth) {
                self.distinct(path, application, other);
            }
        }
    }

    /// `short`: domains whose addresses arrive as what they stand for, and are held against rules as that.
    pub(super) fn rules(&mut self, rules: &Listed<Rule>, selectors: &Selectors, short: &[&Domain]) {
        for (path, rule) in rules {
            for (key, pattern) in [("from", &rule.from), ("to", &rule.to)] {
                match pattern {
                    Pattern::Selector(name) => {
                        if let Err(e) = selectors.find(name) {
                            self.wrong(&path.key(key), e.to_string());
                        }
                    }
                    Pattern::Domain(DomainPattern::Exactly(domain)) if short.contains(&domain) => {
                        let message = format!(
                            "\"{domain}\" would never match, as its addresses are others in short; \
                             the relay domain, a selector (\"irc:\") or a URI is accepted"
                        );
                        self.wrong(&path.key(key), message);
                    }
                    Pattern::Domain(_) | Pattern::Address(_) | Pattern::Any => {}
                }
            }
        }
    }

    /// Reads the secret of a peer or an application, where it names one.
    pub(super) fn secret(
        &mut self,
        path: &KeyPath,
        file: Option<&Path>,
        variable: Option<&str>,
    ) -> Option<Secret> {
        let (key, read) = match (file, variable) {
            (None, None) => return None,
            (Some(_), Some(_)) => {
                self.wrong(&path.key("secret_env"), "a second secret; secret_file or secret_env is accepted");
                return None;
            }
            (Some(file), None) => {
                let file = self.reader.origins.beside(file);
                ("secret_file", Secret::from_file(&file).map_err(|e| format!("{}: {e}", file.display())))
            }
            (None, Some(variable)) => ("secret_env", self.secret_variable(variable)),
        };
        read.map_err(|message| self.wrong(&path.key(key), message)).ok()
    }

    fn secret_variable(&self, variable: &str) -> Result<Secret, String> {
        if variable.starts_with(PREFIX) {
            return Err(format!(
                "\"{variable}\" would be a key of the configuration; a name without {PREFIX} is accepted"
            ));
        }
        let value = self.variable(variable).ok_or_else(|| format!("the variable {variable} is not set"))?;
        let value = value.to_str().ok_or_else(|| format!("the variable {variable} is not UTF-8"))?;
        Secret::new(value).map_err(|e| format!("the variable {variable}: {e}"))
    }

    /// Notes what nobody may claim, and selectors that nobody knows.
    fn claim(&mut self, path: &KeyPath, claim: &Claim, relay_domains: &[Domain], selectors: &Selectors) {
        if claims_any(claim, relay_domains) {
            let message =
                format!("\"{claim}\" is at the relay domain, which nobody may claim; a selector is accepted");
            self.wrong(path, message);
        }
        if let Claim::Selector(name) = claim
            && let Err(e) = selectors.find(name)
        {
            self.wrong(path, e.to_string());
        }
    }

    /// Notes what two applications share that should tell them apart.
    fn distinct(&mut self, path: &KeyPath, application: &Application, other: &Application) {
        if application.name == other.name {
            self.wrong(
                &path.key("name"),
                format!("\"{}\" is named already; a name of its own is accepted", other.name),
            );
        }
        if application.secret.is_some() && application.secret == other.secret {
            self.wrong(
                path,
                format!("the secret is that of \"{}\" too; a secret of its own is accepted", other.name),
            );
        }
        if application.certificate.is_some() && application.certificate == other.certificate {
            let message =
                format!("the certificate is that of \"{}\" too; one of its own is accepted", other.name);
            self.wrong(&path.key("certificate"), message);
        }
    }
}
