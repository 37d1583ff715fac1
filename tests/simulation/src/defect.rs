//! Mistakes that one could make around the steps, planted to see whether the checks find them.

oss_domain::codes! {
    /// A planted mistake; none of them is in code that ships.
    pub enum Defect {
        /// Units do not wait for each other's locks.
        NoLocks = "no_locks",
        /// Units do not see which events were handled before.
        NoInbox = "no_inbox",
        /// A commit loses its outgoing events now and then.
        LosesEvents = "loses_events",
        /// Events are published before the unit is committed.
        PublishesEarly = "publishes_early",
        /// A message is acknowledged before its unit is committed.
        AcksEarly = "acks_early",
        /// Units do not see the places that other referrals have.
        HidesOthersPlaces = "hides_others_places",
        /// A child is known by its id, whichever council's it is.
        MixesCouncils = "mixes_councils",
        /// Units do not see the conditions of offers.
        HidesConditions = "hides_conditions",
        /// Deadlines are not marked as settled.
        KeepsDeadlines = "keeps_deadlines",
        /// New deadlines are not written.
        LosesDeadlines = "loses_deadlines",
        /// The supply's version is not written.
        KeepsSupplyVersion = "keeps_supply_version",
        /// The sweep looks only at referrals that were never ranked.
        SweepsOnlyNew = "sweeps_only_new",
        /// A withdrawal leaves what was begun.
        ForgetsToWindUp = "forgets_to_wind_up",
        /// A closure leaves the offers on the setting.
        ForgetsClosedOffers = "forgets_closed_offers",
        /// A place stays held for a group that a revision has changed.
        KeepsOldGroups = "keeps_old_groups",
        /// A commit is torn: referrals are written, places are not.
        TearsCommits = "tears_commits",
        /// A commit loses its audit now and then.
        LosesAudit = "loses_audit",
        /// The scheduler's clock is a day ahead.
        ActsEarly = "acts_early",
        /// Acts are judged by the register as it was first.
        JudgesByOldRegister = "judges_by_old_register",
    }
}
