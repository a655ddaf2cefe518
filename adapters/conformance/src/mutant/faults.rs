//! The faults, and the case that is there for each.

macro_rules! mutants {
    ($($(#[$doc:meta])* $name:ident $([$modest:ident])? caught by $case:literal;)*) => {
        /// One fault.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Mutant { $($(#[$doc])* $name,)* }

        impl Mutant {
            /// Every fault there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The case that must catch it.
            #[must_use]
            pub const fn caught_by(self) -> &'static str {
                match self { $(Self::$name => $case,)* }
            }

            /// Whether only an adapter that claims little can have it.
            #[must_use]
            pub const fn is_of_modest(self) -> bool {
                match self { $(Self::$name => mutants!(@modest $($modest)?),)* }
            }
        }
    };
    (@modest modest) => { true };
    (@modest) => { false };
}

mutants! {
    /// Claims another size than its author declared.
    ClaimsMore caught by "claims.kept";
    /// Takes every spelling of an address as it is.
    FoldsNothing caught by "addresses.canonical";
    /// Takes what is no address of its protocol.
    TakesAnyAddress caught by "addresses.canonical";
    /// Never says that it is up.
    SaysNothingOfHealth caught by "health.told";

    /// Delivers twice.
    DeliversTwice caught by "out.message";
    /// Delivers to somebody else.
    SendsToAnother caught by "out.message";
    /// Changes the content.
    ChangesContent caught by "out.contents";
    /// Ends a content at its first NUL.
    CutsAtNul caught by "out.contents";
    /// Takes every content for UTF-8.
    MakesUtf8 caught by "out.contents";
    /// Ends a content after a thousand octets.
    CutsLong caught by "out.contents";
    /// Makes all line ends alike.
    MendsLineEnds caught by "out.contents";
    /// Leaves out blanks at the end.
    TrimsBlanks caught by "out.contents";
    /// Loses the last octet of a content that fills its buffers.
    CutsAtBuffer caught by "out.contents";
    /// Loses the parameters of a content's type.
    DropsCharset caught by "out.contents";
    /// Keeps one of several header fields that are alike.
    DropsSecondField caught by "out.contents";
    /// Puts header fields in an order of its own.
    SortsFields caught by "out.contents";
    /// Spells the names of header fields its own way.
    FoldsFieldNames caught by "out.contents";
    /// Makes blanks alike.
    SqueezesBlanks [modest] caught by "out.contents";
    /// Leaves out control characters.
    DropsControls [modest] caught by "out.injection";
    /// Shows an empty content as something.
    FillsEmpty caught by "out.contents";
    /// Leaves out header fields that it does not know.
    DropsContentFields caught by "out.contents";
    /// Loses everything that belongs to a message besides its content.
    DropsMetadata caught by "out.features";
    /// Loses the subject.
    DropsSubject caught by "out.features";
    /// Loses the subject's language.
    DropsSubjectLanguage caught by "out.features";
    /// Loses all subjects but the first.
    DropsSecondSubject caught by "out.features";
    /// Loses all references but the first.
    DropsSecondReference caught by "out.features";
    /// Turns the order of references round.
    TurnsReferences caught by "out.features";
    /// Loses the date.
    DropsDate caught by "out.features";
    /// Loses the source's name.
    DropsSourceName caught by "out.features";
    /// Loses the destination's name.
    DropsDestinationName caught by "out.features";
    /// Loses the message's own name.
    DropsMessageRef caught by "out.features";
    /// Loses the references.
    DropsReferences caught by "out.features";
    /// Shows what nobody wrote as if a person had.
    DropsAutomatic caught by "out.automatic";
    /// Folds the case of whom it shows.
    FoldsSources caught by "out.addresses";
    /// Shows all of ours as one.
    ShowsAllAsOne caught by "out.addresses";
    /// Lets a text end a line of the protocol.
    InjectsByText caught by "out.injection";
    /// Lets a name for people end a line of the protocol.
    InjectsByName caught by "out.injection";
    /// Lets a subject end a line of the protocol.
    InjectsBySubject caught by "out.injection";
    /// Counts hops down on its own.
    CountsHops caught by "out.passage";
    /// Forgets where an operation has been.
    DropsVia caught by "out.passage";
    /// Turns the way of an operation round.
    TurnsVia caught by "out.passage";
    /// Forgets for how long the sender waits.
    DropsWait caught by "out.passage";
    /// Folds the case of an operation's name.
    FoldsId caught by "out.passage";
    /// Gives an operation another name.
    RenamesOperation caught by "out.passage";
    /// Cuts what is too large.
    CutsOversize caught by "out.oversize";
    /// Refuses what is too large as if it were something else.
    MisnamesOversize caught by "out.oversize";
    /// Takes an operation that it cannot tell anybody.
    TakesEveryKind [modest] caught by "out.kinds";

    /// Says `success` before the far side did.
    AnswersEarly caught by "answer.success";
    /// Loses the report.
    LosesReport caught by "answer.success";
    /// Takes a refusal for success.
    MakesFailureSuccess caught by "answer.failure";
    /// Knows one reason for every refusal.
    KnowsOneCode caught by "answer.failure";
    /// Loses why it was refused.
    LosesReason caught by "answer.failure";
    /// Takes doubt for failure.
    MakesDoubtFailure caught by "answer.indeterminant";
    /// Takes doubt for success.
    MakesDoubtSuccess caught by "answer.indeterminant";
    /// Loses the duration that was granted.
    LosesGrantedDuration caught by "answer.attributes";
    /// Loses the name of the subscription.
    LosesSubscriptId caught by "answer.attributes";
    /// Loses the language of an answer.
    LosesAnswerLanguage caught by "answer.attributes";
    /// Tells the answers of two legs of each other.
    SwapsAnswers caught by "answer.own";
    /// Gives two operations the same name.
    ReusesTransId caught by "answer.own";
    /// Takes an answer to nothing for one to its last leg.
    GuessesLeg caught by "answer.nobody";
    /// Lets a second answer overrule the first.
    AnswersAgain caught by "answer.duplicate";
    /// Takes an answer that came late for another leg's.
    MisplacesLateAnswer caught by "answer.late";
    /// Takes an answer from whoever gives it.
    TakesAnybodysAnswer caught by "answer.forged";
    /// Tells the sender where the peer is.
    LeaksPeer caught by "answer.private";

    /// Sends first, and passes the commit point then.
    CommitsLate caught by "commit.before";
    /// Sends what was withdrawn.
    IgnoresWithdrawal caught by "commit.withdrawn";
    /// Sends what was dropped.
    SendsDropped caught by "commit.dropped";
    /// Sends again what may have arrived.
    ResendsUnknown caught by "commit.behind";
    /// Says of what may have arrived that it was not sent.
    DeniesSending caught by "commit.behind";
    /// Gives what is sent again another name.
    RenamesAgain caught by "commit.again";
    /// Never passes the commit point.
    NeverCommits caught by "commit.passed";
    /// Gives an error behind the commit point.
    ErrorAfterCommit caught by "commit.passed";

    /// Hands a message in twice.
    HandsInTwice caught by "in.message";
    /// Hands a message in for somebody else.
    HandsInToAnother caught by "in.message";
    /// Hands a message in as somebody else's.
    HandsInFromAnother caught by "in.message";
    /// Hands in what it does not say that anybody may say.
    GrantsNothing caught by "in.message";
    /// Takes every user for a gateway.
    TakesUsersForGateways caught by "in.message";
    /// Changes the content that it hands in.
    ChangesContentIn caught by "in.contents";
    /// Makes blanks alike in what it hands in.
    SqueezesBlanksIn [modest] caught by "in.contents";
    /// Ends a content that it hands in after a thousand octets.
    CutsLongIn caught by "in.contents";
    /// Loses a subject that its user gave.
    DropsSubjectIn caught by "in.features";
    /// Loses a date that its user gave.
    DropsDateIn caught by "in.features";
    /// Loses names that its user gave.
    DropsNamesIn caught by "in.features";
    /// Loses what its user refers to.
    DropsReferencesIn caught by "in.features";
    /// Loses the name of its user's message.
    DropsMessageRefIn caught by "in.features";
    /// Hands in what nobody wrote as if a person had.
    DropsAutomaticIn caught by "in.automatic";
    /// Folds the case of whom its users write to.
    FoldsDestinations caught by "in.addresses";
    /// Hands two messages in in the other order.
    SwapsIn caught by "in.order";
    /// Hands in what was cut off.
    TakesHalves caught by "in.cut";
    /// Gives a repetition a transID of its own.
    RenamesRepetition caught by "in.repeated";
    /// Takes no count of hops for one of 0 and back.
    DropsHopsIn caught by "in.passage";
    /// Counts hops down that it hands in.
    CountsHopsIn caught by "in.passage";
    /// Takes no count of hops beyond 128.
    ClampsHopsIn caught by "in.passage";
    /// Turns the way round that it hands in.
    TurnsViaIn caught by "in.passage";
    /// Forgets for how long its user waits.
    DropsWaitIn caught by "in.passage";
    /// Folds the case of the name that it hands in.
    FoldsIdIn caught by "in.passage";
    /// Forgets where an operation says that it has been.
    DropsViaIn caught by "in.passage";
    /// Forgets how an operation is called.
    DropsIdIn caught by "in.passage";
    /// Loses for how long somebody subscribes.
    DropsDurationIn caught by "in.unutterable";
    /// Loses the subscription's name.
    DropsSubscriptIdIn caught by "in.unutterable";
    /// Loses all tuples but the first.
    DropsTuplesIn caught by "in.unutterable";
    /// Loses the full document.
    DropsDocumentIn caught by "in.unutterable";
    /// Loses how long a publication lasts.
    DropsLapseIn caught by "in.unutterable";

    /// Tells every sender of success.
    TellsSuccess caught by "told.outcomes";
    /// Tells no reason.
    TellsNoReason caught by "told.outcomes";
    /// Tells no language.
    TellsNoLanguage caught by "told.outcomes";
    /// Tells an answer twice.
    TellsTwice caught by "told.outcomes";
    /// Tells of doubt as failure.
    TellsDoubtAsFailure caught by "told.outcomes";
    /// Says that it took a message before the gateway has.
    SaysTakenEarly [modest] caught by "told.taken";
    /// Tells of success before anybody has answered.
    TellsEarly caught by "told.late";
    /// Tells two senders of each other's operation.
    TellsOfAnother caught by "told.own";
    /// Says of every answer that it was handed over.
    AlwaysReceipts caught by "told.receipt";
    /// Says of no answer that it was handed over.
    NeverReceipts caught by "told.outcomes";
    /// Drops answers that were kept for whoever comes back.
    DropsKept caught by "told.kept";

    /// Believes an envelope that nothing proves.
    BelievesEnvelope caught by "stranger.envelope";
    /// Lets everybody speak for everybody.
    BelievesEverybody caught by "stranger.source";
    /// Lets everybody speak for the gateway.
    LetsSpeakForUs caught by "stranger.ours";
    /// Hangs up on whoever writes to what is no address.
    EndsAtBadAddress caught by "stranger.address";
    /// Ends at octets that are no protocol.
    StopsAtGarbage caught by "stranger.garbage";

    /// Sends two messages in the other order.
    SwapsOut caught by "order.out";
    /// Sends what had to wait behind what came later.
    ReordersUnderPressure caught by "order.pressure";
    /// Takes on whatever comes, for a peer that reads nothing.
    Hoards caught by "pressure.out";
    /// Drops what a slow peer does not take soon.
    LosesUnderPressure caught by "pressure.out";
    /// Hands in without a bound.
    HandsInUnbounded caught by "pressure.in";
    /// Drops what the gateway does not answer soon.
    LosesIn caught by "pressure.in";

    /// Out of contact, it says `success`.
    DeliversToNobody caught by "contact.away";
    /// Out of contact, it says that it is never worth another try.
    GivesUp caught by "contact.away";
    /// Does not see that somebody is back.
    StaysAway caught by "contact.back";
    /// Shows people by other names after a restart.
    ForgetsNames caught by "contact.restart";

    /// Cuts off what is open as soon as it drains.
    CutsWhenDraining caught by "end.drain";
    /// Takes new operations while it drains.
    TakesWhileDraining caught by "end.drain";
    /// Never says that it stopped.
    NeverStops caught by "end.drain";
    /// Does not hear that it is to drain.
    IgnoresDrain caught by "end.idle";
    /// Does not hear that it is to end at once.
    IgnoresForce caught by "end.force";
    /// Forced, it says of what was handed over that it failed.
    FailsWhenForced caught by "end.force";

    /// Loses for how long a watcher subscribes.
    DropsDuration caught by "presence.out";
    /// Shortens for how long a watcher subscribes.
    ShortensDuration caught by "presence.out";
    /// Takes a fetch for a subscription.
    TakesFetchForLease caught by "presence.out";
    /// Asks for somebody else's presence.
    AsksAnother caught by "presence.out";
    /// Loses how long a publication holds.
    DropsLapse caught by "presence.out";
    /// Loses the full document of a publication.
    DropsPublishedDocument caught by "presence.out";
    /// Loses the name of a watcher's subscription.
    DropsSubscriptId caught by "presence.out";
    /// Publishes the contrary.
    FlipsPublished caught by "presence.out";
    /// Loses all tuples of a publication but the first.
    DropsTuples caught by "presence.out";
    /// Tells a watcher the contrary.
    FlipsNotified caught by "presence.notify";
    /// Loses the full document.
    DropsDocument caught by "presence.notify";
    /// Tells a watcher the first state again and again.
    RepeatsFirstState caught by "presence.notify";
    /// Tells every second state only.
    SkipsStates caught by "presence.notify";
    /// Waits for an answer to a notification.
    WaitsForNotify caught by "presence.notify";
    /// Observes, and tells nothing.
    ObservesNothing [modest] caught by "presence.observe";
    /// Tells the presence of somebody else.
    ObservesAnother [modest] caught by "presence.observe";
    /// Tells the contrary of what it observes.
    FlipsObserved [modest] caught by "presence.observe";
    /// Tells the first state, and no change.
    ObservesOnce [modest] caught by "presence.observe";
    /// Says that it observes, and claims that it does not.
    PretendsToObserve caught by "presence.observe";
    /// Goes on observing.
    NeverUnobserves [modest] caught by "presence.unobserve";
}
