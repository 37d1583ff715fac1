//! Signing in by password: in development builds, and in no other.

use super::{browser::Browser, support::Desk};
use axum::http::StatusCode;

#[cfg(feature = "dev-login")]
mod with_it {
    use super::*;
    use crate::{LocalUser, SignIn, session::cookie::SESSION, tests::support::rng};
    use chrono::TimeDelta;
    use oss_domain::role::Role;
    use oss_testkit::DERBY;

    async fn desk(roles: &[Role]) -> Desk {
        let users = roles.iter().map(|role| {
            let (name, password) = (role.as_str(), format!("password of {role}"));
            LocalUser::new(
                name,
                &password,
                *role,
                DERBY.parse().unwrap(),
                None,
                &mut rng(),
            )
            .unwrap()
        });
        let users = users.collect();
        Desk::with_sign_in(SignIn::default().and_local(users)).await
    }

    async fn try_in(
        browser: &mut Browser,
        user: &str,
        password: &str,
    ) -> crate::tests::browser::Page {
        let form = [
            ("user", user),
            ("password", password),
            ("return_to", "/page?a=1"),
        ];
        browser.post("/sign-in", &form).await
    }

    #[tokio::test]
    async fn somebody_of_each_role_signs_in() {
        let desk = desk(Role::ALL).await;
        for role in Role::ALL {
            let mut browser = Browser::new(&desk);
            let page = try_in(&mut browser, role.as_str(), &format!("password of {role}")).await;
            page.leads_to("/page?a=1");
            let set = page.header("set-cookie");
            assert!(set.starts_with("__Host-oss="), "{set}");
            for flag in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
                assert!(set.contains(flag), "{set}");
            }
            assert!(!set.contains("Domain"), "{set}");
            let shown = browser.get("/page").await.text;
            assert!(shown.ends_with(&format!(": {role}")), "{shown}");
        }
        assert_eq!(
            desk.store
                .list_people(DERBY.parse().unwrap(), None, 50)
                .await
                .unwrap()
                .len(),
            Role::ALL.len()
        );
    }

    #[tokio::test]
    async fn each_sign_in_has_a_new_token_and_ends_what_was_before() {
        let desk = desk(&[Role::Manager]).await;
        let mut browser = Browser::new(&desk);
        // Planted by somebody who would like to know the session's token.
        browser.cookies.insert(SESSION.to_owned(), "ab".repeat(32));
        try_in(&mut browser, "manager", "password of manager").await;
        let first = browser.cookies.clone();
        assert_ne!(first[SESSION], "ab".repeat(32));
        let token = browser.csrf();
        let form = [
            ("user", "manager"),
            ("password", "password of manager"),
            ("csrf", &*token),
        ];
        browser.post("/sign-in", &form).await.leads_to("/");
        assert_ne!(browser.cookies[SESSION], first[SESSION]);
        assert_eq!(browser.get("/page").await.status, StatusCode::OK);
        browser.cookies = first;
        assert_eq!(browser.get("/page").await.status, StatusCode::SEE_OTHER);
    }

    #[tokio::test]
    async fn guessing_is_refused_and_slowed_down() {
        let desk = desk(&[Role::Manager, Role::Auditor]).await;
        let mut browser = Browser::new(&desk);
        for password in [
            "",
            "Password of manager",
            "password of auditor",
            "password of manager ",
            "x",
        ] {
            let page = try_in(&mut browser, "manager", password).await;
            assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{password}");
            assert!(page.text.contains("The user name or password is not right"));
            assert!(
                !page.text.contains(password) || password.len() < 2,
                "no echo"
            );
        }
        let right = "password of manager";
        let limited = try_in(&mut browser, "manager", right).await;
        assert_eq!(
            limited.status,
            StatusCode::TOO_MANY_REQUESTS,
            "even the right one"
        );
        assert!(browser.cookies.is_empty());
        let page = try_in(&mut browser, "auditor", "password of auditor").await;
        page.leads_to("/page?a=1");
        desk.clock.advance(TimeDelta::minutes(1));
        try_in(&mut Browser::new(&desk), "manager", right)
            .await
            .leads_to("/page?a=1");

        let mut browser = Browser::new(&desk);
        for name in ["nobody", "Manager", "a' OR 1=1", "", "root"] {
            let page = try_in(&mut browser, name, right).await;
            assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{name}");
        }
        let page = try_in(&mut browser, "another", right).await;
        assert_eq!(
            page.status,
            StatusCode::TOO_MANY_REQUESTS,
            "names nobody bears count together"
        );
    }

    #[tokio::test]
    async fn another_site_cannot_sign_anybody_in() {
        let desk = desk(&[Role::Manager]).await;
        let mut browser = Browser::new(&desk);
        browser
            .headers
            .insert("sec-fetch-site", "cross-site".parse().unwrap());
        let page = try_in(&mut browser, "manager", "password of manager").await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(browser.cookies.is_empty());
    }
}

#[cfg(not(feature = "dev-login"))]
#[tokio::test]
async fn a_build_without_it_has_no_form_and_no_route() {
    let desk = Desk::new().await;
    let mut browser = Browser::new(&desk);
    let page = browser.get("/sign-in").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains("password"), "{}", page.text);
    let form = [("user", "manager"), ("password", "password of manager")];
    let page = browser.post("/sign-in", &form).await;
    assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(page.header("allow"), "GET,HEAD");
}
