//! Signing in with an identity provider: the honest way works, and no other does.

use super::{
    browser::{Browser, Page},
    provider::{CLIENT, Forge, KEYS, Provider, REDIRECT, SECRET, Sent, Sign, TENANT, jwk},
    support::Desk,
};
use crate::{OpenId, OpenIdError, SignIn, session::cookie::SESSION};
use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use oss_domain::Clock;
use oss_testkit::DERBY;
use rsa::{pkcs8::EncodePublicKey, pkcs8::LineEnding};
use serde_json::json;

struct World {
    desk: Desk,
    provider: Provider,
}

impl World {
    async fn new() -> Self {
        let provider = Provider::start().await;
        let openid = openid(&provider.issuer, REDIRECT).unwrap();
        Self {
            desk: Desk::with_sign_in(SignIn::by(Some(openid))).await,
            provider,
        }
    }

    fn now(&self) -> i64 {
        self.desk.clock.now().timestamp()
    }

    /// A browser that was sent to the provider.
    async fn sent(&self) -> (Browser, Sent) {
        let mut browser = Browser::new(&self.desk);
        let sent = self.send(&mut browser).await;
        (browser, sent)
    }

    async fn send(&self, browser: &mut Browser) -> Sent {
        let page = browser.get("/sign-in/start?return_to=/page").await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
        Sent::to(page.header("location"))
    }

    /// What comes of a sign-in whose token somebody tampers with.
    async fn with(&self, tamper: impl FnOnce(&mut Forge, &Self)) -> (Browser, Page) {
        let (mut browser, sent) = self.sent().await;
        let mut forge = self.provider.honest(&sent, self.now());
        tamper(&mut forge, self);
        let code = self.provider.consent(&sent, Some(forge));
        let page = come_back(&mut browser, &code, &sent.query["state"]).await;
        (browser, page)
    }
}

fn openid(issuer: &str, redirect: &str) -> Result<OpenId, OpenIdError> {
    OpenId::new(
        issuer,
        CLIENT,
        SECRET,
        redirect,
        Some(TENANT),
        DERBY.parse().unwrap(),
    )
}

async fn come_back(browser: &mut Browser, code: &str, state: &str) -> Page {
    // The provider's page led here.
    browser
        .headers
        .insert("sec-fetch-site", "cross-site".parse().unwrap());
    let page = browser
        .get(&format!("/sign-in/callback?code={code}&state={state}"))
        .await;
    browser
        .headers
        .insert("sec-fetch-site", "same-origin".parse().unwrap());
    page
}

/// Nobody is signed in with this.
async fn refuses(browser: &mut Browser, code: &str, state: &str, what: &str) {
    let page = come_back(browser, code, state).await;
    refused(browser, &page, what);
}

/// Nobody is signed in.
#[track_caller]
fn refused(browser: &Browser, page: &Page, what: &str) {
    assert!(page.status.is_client_error(), "{what}: {}", page.status);
    assert!(
        page.text.contains("There is a problem"),
        "{what}: {}",
        page.text
    );
    assert!(browser.cookies.is_empty(), "{what}: no cookie stays");
}

#[tokio::test]
async fn a_person_with_a_role_is_signed_in_and_comes_back_to_where_they_were() {
    let world = World::new().await;
    let (mut browser, page) = world.with(|_, _| ()).await;
    page.leads_to("/page");
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), [SESSION]);
    assert_eq!(browser.get("/page").await.text, "Jo Ward: commissioner");
    let people = world
        .desk
        .store
        .list_people(DERBY.parse().unwrap(), None, 10)
        .await
        .unwrap();
    assert_eq!(
        (&*people[0].issuer, &*people[0].subject),
        (&*world.provider.issuer, "object-1")
    );

    // The same person with another name, address and pairwise subject; roles are as they are now.
    let (mut browser, _) = world
        .with(|forge, _| {
            forge.claims["name"] = "Jo Ward-Bell".into();
            forge.claims["sub"] = "another".into();
            forge.claims["roles"] = json!(["manager", "SomethingElse", "auditor"]);
        })
        .await;
    assert_eq!(
        browser.get("/page").await.text,
        "Jo Ward-Bell: manager auditor"
    );
    assert_eq!(
        world
            .desk
            .store
            .list_people(DERBY.parse().unwrap(), None, 10)
            .await
            .unwrap()
            .len(),
        1
    );
}

/// What is done to an honest token, and by whom it would help.
type Tamper = fn(&mut Forge, &World);

const HOSTILE: &[(&str, Tamper)] = &[
    ("alg none", |it, _| {
        it.header["alg"] = "none".into();
        it.sign = Sign::Nothing;
    }),
    ("alg NONE", |it, _| {
        it.header["alg"] = "nOnE".into();
        it.sign = Sign::Nothing;
    }),
    ("alg none, signed", |it, _| it.header["alg"] = "none".into()),
    ("no alg", |it, _| {
        it.header.as_object_mut().unwrap().remove("alg");
    }),
    ("HS256 with the public key as PEM", |it, _| {
        it.header["alg"] = "HS256".into();
        let pem = KEYS[0]
            .to_public_key()
            .to_public_key_pem(LineEnding::LF)
            .unwrap();
        it.sign = Sign::Hs256(pem.into_bytes());
    }),
    ("HS256 with the modulus", |it, _| {
        it.header["alg"] = "HS256".into();
        let modulus = jwk("first", 0)["n"].as_str().unwrap().to_owned();
        it.sign = Sign::Hs256(URL_SAFE_NO_PAD.decode(modulus).unwrap());
    }),
    ("HS256 with our secret", |it, _| {
        it.header["alg"] = "HS256".into();
        it.sign = Sign::Hs256(SECRET.into());
    }),
    ("HS256 with nothing", |it, _| {
        it.header["alg"] = "HS256".into();
        it.sign = Sign::Hs256(Vec::new());
    }),
    ("RS384 by the right key", |it, _| {
        it.header["alg"] = "RS384".into();
        it.sign = Sign::Rs384;
    }),
    ("ES256 in name", |it, _| it.header["alg"] = "ES256".into()),
    ("another's key under the right id", |it, _| {
        it.sign = Sign::Rs256(2);
    }),
    ("another's key under an id of its own", |it, _| {
        it.header["kid"] = "theirs".into();
        it.sign = Sign::Rs256(2);
    }),
    ("an id that is a path", |it, _| {
        it.header["kid"] = "../../etc/passwd".into();
        it.sign = Sign::Rs256(2);
    }),
    ("the key in the header", |it, _| {
        it.header["jwk"] = jwk("first", 2);
        it.sign = Sign::Rs256(2);
    }),
    ("an address for the key in the header", |it, world| {
        it.header["jku"] = format!("{}/keys", world.provider.issuer).into();
        it.sign = Sign::Rs256(2);
    }),
    ("an extension that must be understood", |it, _| {
        it.header["crit"] = json!(["exp"]);
    }),
    ("more roles, once signed", |it, _| {
        it.after = |token| {
            let parts: Vec<_> = token.split('.').collect();
            let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
            let claims = URL_SAFE_NO_PAD.encode(claims.replace("commissioner", "director"));
            format!("{}.{claims}.{}", parts[0], parts[2])
        }
    }),
    ("another header, once signed", |it, _| {
        it.after = |token| {
            let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"first"}"#);
            format!("{header}.{}", token.split_once('.').unwrap().1)
        }
    }),
    ("no signature", |it, _| {
        it.after = |token| token[..=token.rfind('.').unwrap()].to_owned();
    }),
    ("half a signature", |it, _| {
        it.after = |token| token[..token.len() - 100].to_owned();
    }),
    ("a signature of zeros", |it, _| {
        it.after = |token| {
            let (message, _) = token.rsplit_once('.').unwrap();
            format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 256]))
        }
    }),
    ("no token at all", |it, _| it.after = |_| "abc".to_owned()),
    ("an empty token", |it, _| it.after = |_| String::new()),
    ("five parts, as if encrypted", |it, _| {
        it.after = |token| format!("{token}.AAAA.AAAA");
    }),
    ("another issuer", |it, _| {
        it.claims["iss"] = "https://login.evil.example/v2.0".into();
    }),
    ("another tenant's issuer", |it, world| {
        it.claims["iss"] = world
            .provider
            .issuer
            .replace(TENANT, "another-tenant")
            .into();
    }),
    ("the issuer with a slash", |it, world| {
        it.claims["iss"] = format!("{}/", world.provider.issuer).into();
    }),
    ("no issuer", |it, _| remove(it, "iss")),
    ("for another", |it, _| {
        it.claims["aud"] = "another-app".into();
    }),
    ("for us and another", |it, _| {
        it.claims["aud"] = json!([CLIENT, "another-app"]);
    }),
    ("for nobody", |it, _| remove(it, "aud")),
    ("for us by another", |it, _| {
        it.claims["azp"] = "another-app".into();
    }),
    ("another's nonce", |it, _| {
        it.claims["nonce"] = "another".into();
    }),
    ("no nonce", |it, _| remove(it, "nonce")),
    ("expired", |it, world| {
        it.claims["exp"] = (world.now() - 121).into();
    }),
    ("never expires", |it, _| remove(it, "exp")),
    ("not valid yet", |it, world| {
        it.claims["nbf"] = (world.now() + 121).into();
    }),
    ("issued in the future", |it, world| {
        it.claims["iat"] = (world.now() + 121).into();
    }),
    ("issued long ago", |it, world| {
        it.claims["iat"] = (world.now() - 3600).into();
    }),
    ("of another tenant", |it, _| {
        it.claims["tid"] = "another-tenant".into();
    }),
    ("of no tenant", |it, _| remove(it, "tid")),
    ("of nobody", |it, _| remove(it, "oid")),
    ("of a name that is empty", |it, _| {
        it.claims["oid"] = "".into();
    }),
    ("of a name with a nought in it", |it, _| {
        it.claims["oid"] = "a\0b".into();
    }),
    ("of a name too long", |it, _| {
        it.claims["oid"] = "a".repeat(256).into();
    }),
    ("without roles", |it, _| remove(it, "roles")),
    ("with roles of none of ours", |it, _| {
        it.claims["roles"] = json!(["Commissioner", "admin", ""]);
    }),
    ("with roles that are no list", |it, _| {
        it.claims["roles"] = "director".into();
    }),
    ("with groups for roles", |it, _| {
        remove(it, "roles");
        it.claims["groups"] = json!(["director"]);
    }),
];

fn remove(forge: &mut Forge, claim: &str) {
    forge.claims.as_object_mut().unwrap().remove(claim);
}

#[tokio::test]
async fn no_hostile_token_is_taken() {
    let world = World::new().await;
    for (what, tamper) in HOSTILE {
        let (browser, page) = world.with(tamper).await;
        refused(&browser, &page, what);
    }
    assert_eq!(
        world
            .desk
            .store
            .list_people(DERBY.parse().unwrap(), None, 10)
            .await
            .unwrap(),
        []
    );
    let (mut browser, page) = world.with(|_, _| ()).await;
    page.leads_to("/page");
    assert_eq!(
        browser.get("/page").await.status,
        StatusCode::OK,
        "an honest one still is"
    );
    assert!(HOSTILE.len() >= 25);
}

#[tokio::test]
async fn clocks_may_be_two_minutes_apart() {
    let world = World::new().await;
    let (_, page) = world
        .with(|it, world| it.claims["exp"] = (world.now() - 119).into())
        .await;
    page.leads_to("/page");
    let ahead = |it: &mut Forge, world: &World| {
        it.claims["nbf"] = (world.now() + 119).into();
        it.claims["iat"] = (world.now() + 119).into();
    };
    world.with(ahead).await.1.leads_to("/page");
}

#[tokio::test]
async fn what_comes_back_counts_once_and_in_the_browser_that_was_sent() {
    let world = World::new().await;
    let honest = |sent: &Sent| {
        let forge = world.provider.honest(sent, world.now());
        world.provider.consent(sent, Some(forge))
    };

    // The whole answer a second time, by whoever saw it, with the cookie too.
    let (mut browser, sent) = world.sent().await;
    let cookies = browser.cookies.clone();
    let code = honest(&sent);
    come_back(&mut browser, &code, &sent.query["state"])
        .await
        .leads_to("/page");
    let mut thief = Browser::new(&world.desk);
    thief.cookies = cookies;
    refuses(&mut thief, &code, &sent.query["state"], "again").await;

    // A used code in a new attempt.
    let (mut browser, sent) = world.sent().await;
    refuses(&mut browser, &code, &sent.query["state"], "a used code").await;

    // In another browser, without a cookie or with its own: nobody is signed in as somebody else.
    let ((_, sent), (mut other, others)) = (world.sent().await, world.sent().await);
    let code = honest(&sent);
    let mut without = Browser::new(&world.desk);
    refuses(&mut without, &code, &sent.query["state"], "no cookie").await;
    refuses(&mut other, &code, &sent.query["state"], "another's state").await;
    let (mut other, others_new) = (other, others);
    let sent_again = world.send(&mut other).await;
    assert_ne!(others_new.query["state"], sent_again.query["state"]);
    // The thief's own attempt with the victim's code: the verifier is not its.
    let page = come_back(&mut other, &code, &sent_again.query["state"]).await;
    refused(&other, &page, "another's code");

    for query in [
        "",
        "?code=a",
        "?state=a",
        "?code=a&state=",
        "?error=access_denied&state=a",
    ] {
        let (mut browser, _) = world.sent().await;
        let page = browser.get(&format!("/sign-in/callback{query}")).await;
        refused(&browser, &page, query);
    }
    let (mut browser, sent) = world.sent().await;
    let state = &sent.query["state"];
    let page = browser
        .get(&format!(
            "/sign-in/callback?error=access_denied&state={state}"
        ))
        .await;
    refused(&browser, &page, "the provider refused");
    assert!(
        !page.text.contains("access_denied"),
        "no echo of what others write"
    );

    // As if from another provider (RFC 9207).
    let (mut browser, sent) = world.sent().await;
    let (code, state) = (honest(&sent), &sent.query["state"]);
    let path = format!("/sign-in/callback?code={code}&state={state}&iss=https://evil.example");
    let page = browser.get(&path).await;
    refused(&browser, &page, "mix-up");

    // Too late.
    let (mut browser, sent) = world.sent().await;
    let code = honest(&sent);
    world.desk.clock.advance(TimeDelta::minutes(10));
    refuses(&mut browser, &code, &sent.query["state"], "too late").await;

    // A provider that keeps the token to itself.
    let (mut browser, sent) = world.sent().await;
    let code = world.provider.consent(&sent, None);
    refuses(&mut browser, &code, &sent.query["state"], "no token").await;
}

#[tokio::test]
async fn new_keys_of_the_provider_are_fetched_and_old_ones_forgotten() {
    let world = World::new().await;
    world.with(|_, _| ()).await.1.leads_to("/page");
    assert_eq!(world.provider.n_key_requests(), 1);
    world.with(|_, _| ()).await.1.leads_to("/page");
    assert_eq!(world.provider.n_key_requests(), 1, "kept");

    world.provider.change_keys(&[("second", 1)]);
    let second = |it: &mut Forge, _: &World| {
        it.header["kid"] = "second".into();
        it.sign = Sign::Rs256(1);
    };
    let (browser, page) = world.with(second).await;
    refused(&browser, &page, "asked a moment ago");
    assert_eq!(
        world.provider.n_key_requests(),
        1,
        "nobody makes us ask again and again"
    );
    world.desk.clock.advance(TimeDelta::minutes(1));
    world.with(second).await.1.leads_to("/page");
    assert_eq!(world.provider.n_key_requests(), 2);
    let (browser, page) = world.with(|_, _| ()).await;
    refused(&browser, &page, "the old key");
}

#[tokio::test]
async fn a_provider_that_is_away_is_no_way_in() {
    let openid = openid("http://127.0.0.1:1/tenant/v2.0", REDIRECT).unwrap();
    let desk = Desk::with_sign_in(SignIn::by(Some(openid))).await;
    let page = Browser::new(&desk).get("/sign-in/start").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.text.contains("does not answer"), "{}", page.text);
}

#[tokio::test]
async fn somebody_who_was_switched_off_is_not_let_in_whatever_the_provider_says() {
    let world = World::new().await;
    world.with(|_, _| ()).await.1.leads_to("/page");
    let person = world
        .desk
        .store
        .list_people(DERBY.parse().unwrap(), None, 1)
        .await
        .unwrap()
        .remove(0);
    let by = oss_workflow::Actor::Person("usr_admin".into());
    let now = world.desk.clock.now();
    assert!(
        world
            .desk
            .store
            .set_disabled(person.user_id, true, &by, now)
            .await
            .unwrap()
    );
    let (browser, page) = world.with(|_, _| ()).await;
    refused(&browser, &page, "switched off");
}

#[test]
fn only_one_tenants_own_issuer_over_tls_is_configured() {
    let microsoft = |tenant: &str| format!("https://login.microsoftonline.com/{tenant}/v2.0");
    assert!(openid(&microsoft(TENANT), REDIRECT).is_ok());
    for any in ["common", "organizations", "consumers", "{tenantid}"] {
        let refused = openid(&microsoft(any), REDIRECT);
        assert!(matches!(refused, Err(OpenIdError::AnyTenant)), "{any}");
    }
    for plain in [
        "http://login.example/v2.0",
        "login.example",
        "",
        "ftp://127.0.0.1/",
    ] {
        assert!(
            matches!(openid(plain, REDIRECT), Err(OpenIdError::Address(_))),
            "{plain}"
        );
    }
    let other = openid(&microsoft(TENANT), "https://desk.example/elsewhere");
    assert!(matches!(other, Err(OpenIdError::Redirect)));
    assert!(!format!("{:?}", openid(&microsoft(TENANT), REDIRECT).unwrap()).contains(SECRET));
}
