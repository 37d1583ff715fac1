//! Role: facts in, ranked offers out, one transaction.
