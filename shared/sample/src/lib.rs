//! Synthetic, seeded supply and referrals, Derby-sized: no real person or company.
