//! A desk with a database, and people who may or may not do things.

use crate::{ApiToken, Deps, Limits, Principal, app::App, router};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderName, Request, StatusCode, header},
};
use oss_domain::{AuthorityCode, Clock, Ids, ManualClock, role::Role};
use oss_geography::Gazetteer;
use oss_matching::Policy;
use oss_storage::{ConnectOptions, InstallationKey, PgStore, desk::HistoryLine};
use oss_testkit::{DERBY, PostgresServer};
use oss_workflow::{Actor, Context, OfferSeal, Store, Unit, Wanted, call_off::CallOff};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpListener;
use tower::ServiceExt;

/// A council that the policy knows and the desk's people do not work for.
pub(crate) const NOTTINGHAM: &str = "E06000018";
/// Bears both roles of the development token.
pub(crate) const EVERYTHING: &str = "token of everything";
/// A commissioner of another council.
pub(crate) const ELSEWHERE: &str = "token of elsewhere";

static GAZETTEER: LazyLock<Arc<Gazetteer>> = LazyLock::new(|| Arc::new(Gazetteer::embedded()));

/// The token of somebody who has one role.
pub(crate) fn token_of(role: Role) -> String {
    format!("token of {role}")
}

pub(crate) struct Desk {
    pub(crate) router: Router,
    pub(crate) app: App,
    pub(crate) store: Arc<PgStore>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) metrics: oss_telemetry::Metrics,
}

impl Desk {
    /// With a database that is there.
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::on(Self::database().await, limits).await
    }

    /// Where people sign in like that.
    pub(crate) async fn with_sign_in(sign_in: crate::SignIn) -> Self {
        let (mut deps, clock) = Self::deps(Self::database().await, Limits::default()).await;
        deps.sign_in = sign_in;
        Self::of(deps, clock)
    }

    /// With a database that is away.
    pub(crate) async fn without_database() -> Self {
        let options = ConnectOptions::new("postgres://oss@127.0.0.1:1/none", "desk", &councils());
        let store = PgStore::connect(&options, key()).unwrap();
        Self::on(store, Limits::default()).await
    }

    /// A database of the test's own.
    pub(crate) async fn database() -> PgStore {
        let url = PostgresServer::shared().await.create_database().await;
        oss_storage::migrate::migrate(&url, &key(), &mut rng())
            .await
            .unwrap();
        let mut options =
            ConnectOptions::new(&url.replace("oss@", "oss_app@"), "desk", &councils());
        // What waits for a lock in these tests waits in vain.
        options.lock_timeout = Duration::from_millis(200);
        PgStore::connect(&options, key()).unwrap()
    }

    async fn on(store: PgStore, limits: Limits) -> Self {
        let (deps, clock) = Self::deps(store, limits).await;
        Self::of(deps, clock)
    }

    fn of(deps: Deps, clock: Arc<ManualClock>) -> Self {
        let (store, metrics) = (Arc::clone(&deps.store), deps.metrics.clone());
        let (_, app) = App::new(deps).unwrap();
        Self {
            router: router(app.clone()),
            app,
            store,
            clock,
            metrics,
        }
    }

    /// What a desk needs, and its clock.
    pub(crate) async fn deps(store: PgStore, limits: Limits) -> (Deps, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::starting_at(
            "2026-11-23T09:00:00Z".parse().unwrap(),
        ));
        let of = |authority: &str| BTreeSet::from([authority.parse::<AuthorityCode>().unwrap()]);
        let mut tokens: Vec<_> = Role::ALL
            .iter()
            .map(|role| token(&token_of(*role), &[*role], of(DERBY)))
            .collect();
        let both = [Role::Commissioner, Role::Operator];
        tokens.push(token(EVERYTHING, &both, of(DERBY)));
        tokens.push(token(ELSEWHERE, &both, of(NOTTINGHAM)));
        let deps = Deps {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            store: Arc::new(store),
            gazetteer: Arc::clone(&GAZETTEER),
            policy: Arc::new(Policy::parse(POLICY).unwrap()),
            call_off: Arc::new(CallOff::embedded()),
            seal: OfferSeal::new([7; 16]),
            clock: clock.clone(),
            rng: Box::new(rng()),
            metrics: oss_telemetry::Metrics::new(),
            tokens,
            sign_in: crate::SignIn::default(),
            limits,
            committed: Arc::default(),
            wake: Arc::default(),
        };
        (deps, clock)
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    /// The last line of what happened to a referral of Derby's.
    pub(crate) async fn last_line(&self, referral_id: &str) -> HistoryLine {
        let (council, id) = (DERBY.parse().unwrap(), referral_id.parse().unwrap());
        let referral = self.store.referral(council, &id).await.unwrap().unwrap();
        let lines = self.store.history(council, referral.key, None, 1);
        lines.await.unwrap().remove(0)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(
            request("GET", path, EVERYTHING)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.write("POST", path, body, &[]).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.write("PUT", path, body, &[]).await
    }

    /// A request with a body and these headers besides.
    pub(crate) async fn write(
        &self,
        method: &str,
        path: &str,
        body: &Value,
        headers: &[(HeaderName, &str)],
    ) -> Answer {
        let mut request = request(method, path, EVERYTHING)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        self.send(request).await
    }

    /// Does something in a unit of work, as the matcher would.
    pub(crate) async fn unit<T>(
        &self,
        wanted: &Wanted,
        step: impl FnOnce(&mut Unit, &mut Context<'_, '_>) -> T,
    ) -> T {
        let (mut unit, transaction) = self.store.open(wanted).await.unwrap();
        let mut rng = rng();
        let done = step(
            &mut unit,
            &mut Context {
                actor: Actor::Service("matcher"),
                now: self.clock.now(),
                traceparent: None,
                ids: &mut Ids::new(&*self.clock, &mut rng),
            },
        );
        self.store.commit(unit, transaction).await.unwrap();
        done
    }
}

pub(crate) fn request(method: &str, path: &str, token: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
}

fn token(text: &str, roles: &[Role], authorities: BTreeSet<AuthorityCode>) -> ApiToken {
    let principal = Principal {
        id: text.into(),
        roles: roles.iter().copied().collect(),
        authorities,
        provider: roles
            .contains(&Role::Provider)
            .then(|| "IFA1".parse().unwrap()),
    };
    ApiToken::new(text, principal)
}

/// The policy that is built in, with a second council.
pub(crate) const POLICY: &str = concat!(
    include_str!("../../../../shared/matching/policy/derby-2026-11.toml"),
    r#"
[[councils]]
authority = "E06000018"
name = "Nottingham City Council"
centre = "NG2 3NG"
adjoining = ["E10000024"]
"#
);

fn councils() -> Vec<AuthorityCode> {
    [DERBY, NOTTINGHAM]
        .iter()
        .map(|code| code.parse().unwrap())
        .collect()
}

fn key() -> InstallationKey {
    InstallationKey::new([42; 32])
}

pub(crate) fn rng() -> ChaCha8Rng {
    static SEED: AtomicU64 = AtomicU64::new(1);
    ChaCha8Rng::seed_from_u64(SEED.fetch_add(1, Ordering::Relaxed))
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Sees to it that it is a success with this status.
    #[track_caller]
    pub(crate) fn ok(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// Sees to it that it is a problem of this status and code.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["type"], format!("urn:oss:problem:{code}"));
        assert_eq!(self.body["status"], status);
        for member in ["title", "detail", "instance"] {
            assert!(
                self.body[member].as_str().is_some_and(|it| !it.is_empty()),
                "{member}"
            );
        }
        self
    }

    /// The pointers of the faults that it lists.
    pub(crate) fn pointers(&self) -> Vec<&str> {
        let errors = self.body["errors"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect()
    }
}

pub(crate) fn a_referral(id: &str, revision: u64) -> Value {
    json!({
        "referral_id": id, "authority": DERBY, "revision": revision,
        "urgency": "urgent", "start_date": "2026-12-01",
        "placement_types": ["fostering_household"],
        "children": [{"child_id": format!("{id}-C1"), "date_of_birth": "2014-05-06", "sex": "F"}],
        "needs": {"EMO": {"level": 3, "essential": true}},
        "locations": {"home": "DE1 2FS"},
        "title": "Home near school",
        "wishes_and_feelings": format!("CANARY wishes of {id}"),
    })
}

pub(crate) fn a_setting(id: &str, version: u64) -> Value {
    json!({
        "setting_id": id, "authority": DERBY, "version": version,
        "provider": {"provider_id": "DERBY", "name": "Derby City Council"},
        "kind": "fostering_household", "sourcing": "in_house", "postcode": "DE22 3FN",
        "registration": {"registered": true, "quality": "good"},
        "approval": {"places": 2, "min_age": 0, "max_age": 17, "sexes": ["M", "F"],
            "parent_and_child": "no"},
        "residents": [], "bedrooms_free": 2,
        "capabilities": {"EMO": 3}, "weekly_cost_pence": 52000,
        "occupancy_version": 1,
    })
}
