//! Starting, stopping and supervising: lifecycle, system clock, secrets, private development servers.
