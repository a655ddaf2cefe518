//! Numerics: replies by number (RFC 2812 section 5; modern IRC; IRCv3 for those from 730 on).

use std::fmt;

/// A reply's number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Numeric(u16);

macro_rules! numerics {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        impl Numeric {
            $($(#[$doc])* pub const $name: Self = Self($number);)*

            /// Its name, where it has one here.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

numerics! {
    /// Registration is done (RFC 2812 section 5.1).
    RPL_WELCOME = 1,
    /// The server's name and version.
    RPL_YOURHOST = 2,
    /// When the server was made.
    RPL_CREATED = 3,
    /// The server's name, version and modes.
    RPL_MYINFO = 4,
    /// What the server supports.
    RPL_ISUPPORT = 5,
    /// The client's own id (IRCnet, InspIRCd).
    RPL_MYID = 42,
    /// The modes of oneself.
    RPL_UMODEIS = 221,
    /// How many people there are.
    RPL_LUSERCLIENT = 251,
    /// How many operators there are.
    RPL_LUSEROP = 252,
    /// How many connections are not registered.
    RPL_LUSERUNKNOWN = 253,
    /// How many channels there are.
    RPL_LUSERCHANNELS = 254,
    /// How many clients and servers this server has.
    RPL_LUSERME = 255,
    /// Whom to turn to: the beginning.
    RPL_ADMINME = 256,
    /// Whom to turn to: where it is.
    RPL_ADMINLOC1 = 257,
    /// Whom to turn to: who runs it.
    RPL_ADMINLOC2 = 258,
    /// Whom to turn to: the address.
    RPL_ADMINEMAIL = 259,
    /// The command was put off; try again (RFC 2812 section 5.1).
    RPL_TRYAGAIN = 263,
    /// How many people this server has.
    RPL_LOCALUSERS = 265,
    /// How many people the network has.
    RPL_GLOBALUSERS = 266,
    /// Whose certificate somebody showed.
    RPL_WHOISCERTFP = 276,
    /// Nothing.
    RPL_NONE = 300,
    /// Whoever was written to is away, and has the message.
    RPL_AWAY = 301,
    /// Answer to USERHOST.
    RPL_USERHOST = 302,
    /// Answer to ISON.
    RPL_ISON = 303,
    /// One is no longer away.
    RPL_UNAWAY = 305,
    /// One is away.
    RPL_NOWAWAY = 306,
    /// Whether a nick is registered (some servers).
    RPL_WHOISREGNICK = 307,
    /// Nick, user, host and real name.
    RPL_WHOISUSER = 311,
    /// The server somebody is on.
    RPL_WHOISSERVER = 312,
    /// Somebody is an operator.
    RPL_WHOISOPERATOR = 313,
    /// Who a nick was.
    RPL_WHOWASUSER = 314,
    /// The end of WHO.
    RPL_ENDOFWHO = 315,
    /// Since when somebody is idle.
    RPL_WHOISIDLE = 317,
    /// The end of WHOIS.
    RPL_ENDOFWHOIS = 318,
    /// The channels somebody is on.
    RPL_WHOISCHANNELS = 319,
    /// More of somebody, in words.
    RPL_WHOISSPECIAL = 320,
    /// The beginning of LIST.
    RPL_LISTSTART = 321,
    /// One channel of LIST.
    RPL_LIST = 322,
    /// The end of LIST.
    RPL_LISTEND = 323,
    /// The account somebody is logged in to.
    RPL_WHOISACCOUNT = 330,
    /// Where somebody connects from.
    RPL_WHOISACTUALLY = 338,
    /// Answer to VERSION.
    RPL_VERSION = 351,
    /// One line of WHO.
    RPL_WHOREPLY = 352,
    /// One line of WHO with fields.
    RPL_WHOSPCRPL = 354,
    /// No more names of a channel.
    RPL_ENDOFNAMES = 366,
    /// The end of WHOWAS.
    RPL_ENDOFWHOWAS = 369,
    /// A line of INFO.
    RPL_INFO = 371,
    /// A line of the message of the day.
    RPL_MOTD = 372,
    /// The end of INFO.
    RPL_ENDOFINFO = 374,
    /// The beginning of the message of the day.
    RPL_MOTDSTART = 375,
    /// The end of the message of the day.
    RPL_ENDOFMOTD = 376,
    /// Where somebody connects from (some servers).
    RPL_WHOISHOST = 378,
    /// Somebody's modes.
    RPL_WHOISMODES = 379,
    /// Answer to TIME.
    RPL_TIME = 391,
    /// One's own host as others see it from now on.
    RPL_HOSTHIDDEN = 396,
    /// A command could not be carried out.
    ERR_UNKNOWNERROR = 400,
    /// Nobody has that nick, nor is there such a channel.
    ERR_NOSUCHNICK = 401,
    /// There is no such server.
    ERR_NOSUCHSERVER = 402,
    /// There is no such channel.
    ERR_NOSUCHCHANNEL = 403,
    /// The channel, or whoever it was for, takes nothing from here.
    ERR_CANNOTSENDTOCHAN = 404,
    /// One is on too many channels.
    ERR_TOOMANYCHANNELS = 405,
    /// Nobody has had that nick.
    ERR_WASNOSUCHNICK = 406,
    /// A message was for too many.
    ERR_TOOMANYTARGETS = 407,
    /// PING or PONG without a word.
    ERR_NOORIGIN = 409,
    /// CAP with a word that it does not have.
    ERR_INVALIDCAPCMD = 410,
    /// A message for nobody.
    ERR_NORECIPIENT = 411,
    /// A message without text.
    ERR_NOTEXTTOSEND = 412,
    /// A mask without a top level.
    ERR_NOTOPLEVEL = 413,
    /// A mask with a wild top level.
    ERR_WILDTOPLEVEL = 414,
    /// A bad mask.
    ERR_BADMASK = 415,
    /// A line, or its tags, was too long.
    ERR_INPUTTOOLONG = 417,
    /// There is no such command.
    ERR_UNKNOWNCOMMAND = 421,
    /// There is no message of the day.
    ERR_NOMOTD = 422,
    /// Nobody says whom to turn to.
    ERR_NOADMININFO = 423,
    /// NICK without a nick.
    ERR_NONICKNAMEGIVEN = 431,
    /// A nick that is none here.
    ERR_ERRONEUSNICKNAME = 432,
    /// Somebody has that nick.
    ERR_NICKNAMEINUSE = 433,
    /// Two had that nick, and are both gone.
    ERR_NICKCOLLISION = 436,
    /// That nick is not to be had for now (RFC 2812 section 5.2).
    ERR_UNAVAILRESOURCE = 437,
    /// Too many people were written to in too short a time.
    ERR_TARGETTOOFAST = 439,
    /// Somebody is not on that channel.
    ERR_USERNOTINCHANNEL = 441,
    /// One is not on that channel.
    ERR_NOTONCHANNEL = 442,
    /// USERS is not for here.
    ERR_USERSDISABLED = 446,
    /// Registration comes first.
    ERR_NOTREGISTERED = 451,
    /// Parameters are missing.
    ERR_NEEDMOREPARAMS = 461,
    /// Registration is done already.
    ERR_ALREADYREGISTERED = 462,
    /// That host may not connect.
    ERR_NOPERMFORHOST = 463,
    /// The password is wrong.
    ERR_PASSWDMISMATCH = 464,
    /// One is banned from this server.
    ERR_YOUREBANNEDCREEP = 465,
    /// One will be banned from this server.
    ERR_YOUWILLBEBANNED = 466,
    /// A bad channel.
    ERR_BADCHANMASK = 476,
    /// Only for those who are logged in.
    ERR_NEEDREGGEDNICK = 477,
    /// Only for operators.
    ERR_NOPRIVILEGES = 481,
    /// Servers cannot be killed.
    ERR_CANTKILLSERVER = 483,
    /// The connection is restricted (RFC 2812 section 5.2).
    ERR_RESTRICTED = 484,
    /// Whoever was written to takes messages only from those who are logged in.
    ERR_ACCOUNTONLY = 486,
    /// There is no such mode.
    ERR_UMODEUNKNOWNFLAG = 501,
    /// Modes of others are not to be had.
    ERR_USERSDONTMATCH = 502,
    /// There is no help on that.
    ERR_HELPNOTFOUND = 524,
    /// Whoever was written to takes nothing from here.
    ERR_CANNOTSENDTOUSER = 531,
    /// Somebody's connection is encrypted.
    RPL_WHOISSECURE = 671,
    /// STARTTLS failed.
    ERR_STARTTLS = 691,
    /// The beginning of HELP.
    RPL_HELPSTART = 704,
    /// A line of HELP.
    RPL_HELPTXT = 705,
    /// The end of HELP.
    RPL_ENDOFHELP = 706,
    /// Whoever was written to takes messages only from those whom they let.
    ERR_TARGUMODEG = 716,
    /// Whoever was written to was told that one tried.
    RPL_TARGNOTIFY = 717,
    /// Somebody who is monitored is there (IRCv3 monitor).
    RPL_MONONLINE = 730,
    /// Somebody who is monitored is not there.
    RPL_MONOFFLINE = 731,
    /// Whom one monitors.
    RPL_MONLIST = 732,
    /// The end of whom one monitors.
    RPL_ENDOFMONLIST = 733,
    /// One monitors as many as one may.
    ERR_MONLISTFULL = 734,
    /// One is logged in (IRCv3 sasl).
    RPL_LOGGEDIN = 900,
    /// One is no longer logged in.
    RPL_LOGGEDOUT = 901,
    /// The account is not to be had for now.
    ERR_NICKLOCKED = 902,
    /// SASL succeeded.
    RPL_SASLSUCCESS = 903,
    /// SASL failed.
    ERR_SASLFAIL = 904,
    /// What was said in SASL was too long.
    ERR_SASLTOOLONG = 905,
    /// SASL was given up.
    ERR_SASLABORTED = 906,
    /// SASL was done already.
    ERR_SASLALREADY = 907,
    /// The mechanisms of SASL that there are.
    RPL_SASLMECHS = 908,
}

impl Numeric {
    /// Reads three digits.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let digits = word.len() == 3 && word.bytes().all(|octet| octet.is_ascii_digit());
        digits.then(|| word.parse().ok().map(Self)).flatten()
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Whether it tells of an error: 400 to 599, and those of SASL that do.
    #[must_use]
    pub const fn is_error(self) -> bool {
        matches!(self.0, 400..=599 | 691 | 716 | 734 | 902 | 904..=907)
    }
}

/// Three digits.
impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_three_digits() {
        assert_eq!(Numeric::RPL_WELCOME.to_string(), "001");
        assert_eq!(Numeric::from_word("433"), Some(Numeric::ERR_NICKNAMEINUSE));
        assert_eq!(Numeric::from_word("433").and_then(Numeric::name), Some("ERR_NICKNAMEINUSE"));
        for bad in ["", "1", "0001", "+01", "abc"] {
            assert_eq!(Numeric::from_word(bad), None, "{bad}");
        }
        assert!(Numeric::ERR_NOSUCHNICK.is_error() && !Numeric::RPL_AWAY.is_error());
    }
}
