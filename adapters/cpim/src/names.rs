//! The names in a certificate, and what they cover: one function for both directions.
//!
//! native-cpim.md, Session 3: a dNSName or SRV-ID covers the domain, a URI name the principal, whichever of
//! `im:` and `pres:` it is spelled with. The common name is never looked at (RFC 6125 section 6.4.4).

use cpim_adapter::{Address, Class, Domain, Scope};
use x509_parser::asn1_rs::{Any, FromDer, Tag, TaggedExplicit};
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::{Oid, asn1_rs::oid};
use x509_parser::prelude::X509Certificate;

/// `id-on-dnsSRV` (RFC 4985 section 2).
const SRV_NAME: Oid<'static> = oid!(1.3.6.1.5.5.7.8.7);

/// The service labels under which CPIM is looked up (RFC 3861 section 3), as an SRV-ID has them.
const SRV_SERVICES: [&str; 2] = ["_im._cpim.", "_pres._cpim."];

/// What a certificate says that its holder is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct CertificateNames {
    domains: Vec<Domain>,
    /// The domains above wildcards: `a.example` for `*.a.example`.
    parents: Vec<Domain>,
    principals: Vec<Address>,
    /// The names as they were written, in lower case, for those whom the configuration knows by one.
    spelled: Vec<String>,
}

impl CertificateNames {
    /// Reads the subject alternative names. Names of other kinds, and names that are none, are passed over:
    /// they prove nothing.
    ///
    /// `None` where it is no certificate, or its names cannot be told apart.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let mut names = Self::default();
        if let Some(extension) = certificate.subject_alternative_name().ok()? {
            extension.value.general_names.iter().for_each(|name| names.take(name));
        }
        Some(names)
    }

    fn take(&mut self, name: &GeneralName<'_>) {
        match name {
            GeneralName::DNSName(dns) => {
                match dns.strip_prefix("*.") {
                    Some(parent) => self.parents.extend(Domain::parse(parent)),
                    None => self.domains.extend(Domain::parse(dns)),
                }
                self.spelled.push(dns.to_ascii_lowercase());
            }
            GeneralName::OtherName(kind, value) if *kind == SRV_NAME => {
                self.domains.extend(srv_text(value).and_then(srv_domain));
            }
            GeneralName::URI(uri) => {
                self.principals.extend(Address::parse(uri));
                self.spelled.push(uri.to_ascii_lowercase());
            }
            _ => {}
        }
    }

    /// Whether the certificate's holder is this domain.
    pub(crate) fn cover_domain(&self, domain: &Domain) -> bool {
        let parent = domain.as_str().split_once('.').map(|(_, parent)| parent);
        self.domains.contains(domain) || self.parents.iter().any(|own| Some(own.as_str()) == parent)
    }

    /// Whether the certificate's holder is all that is within the scope.
    pub(crate) fn cover(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Address(address) => {
                self.cover_domain(address.domain())
                    || self
                        .principals
                        .iter()
                        .any(|own| own.with_class(Class::Im) == address.with_class(Class::Im))
            }
            Scope::Domain(domain) => self.cover_domain(domain),
            Scope::Any | Scope::Selector(_) | Scope::Under(_) => false,
        }
    }

    /// Whether one of the names is spelled so, but for case.
    pub(crate) fn are_called(&self, name: &str) -> bool {
        self.spelled.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// The names, for the log.
    pub(crate) fn label(&self) -> String {
        let first = self.domains.first().map(ToString::to_string);
        first.or_else(|| self.spelled.first().cloned()).unwrap_or_else(|| "without names".to_owned())
    }
}

/// The text of an SRVName: an IA5String in its tag (RFC 4985 section 2). Some issuers write a UTF8String.
fn srv_text(value: &[u8]) -> Option<&str> {
    let (_, tagged) = TaggedExplicit::<Any<'_>, x509_parser::asn1_rs::Error, 0>::from_der(value).ok()?;
    let string = tagged.into_inner();
    matches!(string.tag(), Tag::Ia5String | Tag::Utf8String)
        .then(|| std::str::from_utf8(string.data).ok())
        .flatten()
}

/// The domain of an SRVName for CPIM; there are no wildcards in one.
fn srv_domain(name: &str) -> Option<Domain> {
    let lower = name.to_ascii_lowercase();
    let domain = SRV_SERVICES.iter().find_map(|service| lower.strip_prefix(service))?;
    Domain::parse(domain).ok()
}
