//! Local users of `oss dev`, one of each role: compiled only with the feature `dev-login`.

use crate::connection::Login;
use anyhow::Context;
use oss_desk::LocalUser;
use oss_domain::{AuthorityCode, ProviderId, Role};
use oss_runtime::{dev_servers::Passwords, seeded_rng};
use rand_core::CryptoRng;

/// A user for each role, named as the role, with a password that stays the same for a data folder.
pub(crate) fn generate(
    passwords: &mut Passwords,
    rng: &mut impl CryptoRng,
) -> anyhow::Result<Vec<Login>> {
    Role::ALL
        .iter()
        .map(|role| {
            let password = passwords.get_or_generate(&format!("login_{role}"), rng)?;
            Ok(Login {
                role: role.to_string(),
                user: role.to_string(),
                password: password.expose().clone(),
            })
        })
        .collect()
}

/// The same, as the desk knows them. The provider's user works for the sample's first provider.
pub(crate) fn hashed(logins: &[Login], authority: AuthorityCode) -> anyhow::Result<Vec<LocalUser>> {
    let hash = |login: &Login| {
        let role: Role = login.role.parse()?;
        let provider = (role == Role::Provider)
            .then(|| SAMPLE_PROVIDER.parse::<ProviderId>())
            .transpose()?;
        let rng = &mut seeded_rng();
        let user = LocalUser::new(&login.user, &login.password, role, authority, provider, rng)?;
        Ok::<_, anyhow::Error>(user)
    };
    // Slow on purpose, so all at once.
    std::thread::scope(|scope| {
        let hashing: Vec<_> = logins
            .iter()
            .map(|login| scope.spawn(move || hash(login)))
            .collect();
        hashing
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .ok()
                    .context("a password could not be hashed")?
            })
            .collect()
    })
}

/// A provider of the sample supply (see `oss-sample`).
const SAMPLE_PROVIDER: &str = "AGY01";
