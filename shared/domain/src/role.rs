//! What people may be to the council.

codes! {
    /// A person's role.
    pub enum Role {
        /// Asks for a home for a child.
        SocialWorker = "social_worker",
        /// Looks for it: approaches, holds, selects.
        Commissioner = "commissioner",
        /// Nominated officer and head of service: approves.
        Manager = "manager",
        /// Director of Children's Services: approves what the law leaves to the director.
        Director = "director",
        /// Works for a provider; sees its own offers alone.
        Provider = "provider",
        /// Reads the audit.
        Auditor = "auditor",
        /// Keeps the service running; sees no child's record.
        Operator = "operator",
    }
}
