//! An identity provider on loopback, independent of the library that we sign in with: it signs with
//! keys of its own, checks PKCE and the client's secret, and takes each code once.

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, Mac};
use rsa::{
    RsaPrivateKey, pkcs1v15,
    rand_core::OsRng,
    signature::{SignatureEncoding, Signer},
    traits::PublicKeyParts,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha384};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};
use tokio::net::TcpListener;

pub(crate) const TENANT: &str = "0b1c2d3e-0000-4000-8000-00000000derb";
pub(crate) const CLIENT: &str = "one-stop-shop";
pub(crate) const SECRET: &str = "the client's secret";
pub(crate) const REDIRECT: &str = "https://desk.example/sign-in/callback";

/// The provider's key, the one it changes to, and somebody else's.
pub(crate) static KEYS: LazyLock<[RsaPrivateKey; 3]> = LazyLock::new(|| {
    std::thread::scope(|scope| {
        let draw = || scope.spawn(|| RsaPrivateKey::new(&mut OsRng, 2048).unwrap());
        [draw(), draw(), draw()].map(|thread| thread.join().unwrap())
    })
});

/// A token that is to be made, honest until somebody tampers with it.
#[derive(Clone)]
pub(crate) struct Forge {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    pub(crate) sign: Sign,
    /// What is done to it once it is signed.
    pub(crate) after: fn(String) -> String,
}

#[derive(Clone)]
pub(crate) enum Sign {
    /// RS256 with the key of this number.
    Rs256(usize),
    /// RS384 with the provider's.
    Rs384,
    /// HS256 with these bytes.
    Hs256(Vec<u8>),
    /// Not at all.
    Nothing,
}

impl Forge {
    fn token(&self) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", part(&self.header), part(&self.claims));
        let bytes = message.as_bytes();
        let signature = match &self.sign {
            Sign::Rs256(key) => pkcs1v15::SigningKey::<Sha256>::new(KEYS[*key].clone())
                .sign(bytes)
                .to_vec(),
            Sign::Rs384 => pkcs1v15::SigningKey::<Sha384>::new(KEYS[0].clone())
                .sign(bytes)
                .to_vec(),
            Sign::Hs256(key) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
                mac.update(bytes);
                mac.finalize().into_bytes().to_vec()
            }
            Sign::Nothing => Vec::new(),
        };
        (self.after)(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// What a code is good for.
struct Grant {
    challenge: String,
    forge: Option<Forge>,
}

#[derive(Default)]
struct Shared {
    codes: HashMap<String, Grant>,
    /// Which of the keys it says it signs with, by their ids.
    keys: Vec<(&'static str, usize)>,
    n_key_requests: u32,
    n_codes: u32,
}

#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    shared: Arc<Mutex<Shared>>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/{TENANT}/v2.0", listener.local_addr().unwrap());
        let shared = Shared {
            keys: vec![("first", 0)],
            ..Shared::default()
        };
        let provider = Self {
            issuer,
            shared: Arc::new(Mutex::new(shared)),
        };
        let base = format!("/{TENANT}/v2.0");
        let router = Router::new()
            .route(
                &format!("{base}/.well-known/openid-configuration"),
                get(describe),
            )
            .route(&format!("{base}/keys"), get(keys))
            .route(&format!("{base}/token"), post(exchange))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// Signs with these keys from now on.
    pub(crate) fn change_keys(&self, keys: &[(&'static str, usize)]) {
        self.shared.lock().unwrap().keys = keys.to_vec();
    }

    pub(crate) fn n_key_requests(&self) -> u32 {
        self.shared.lock().unwrap().n_key_requests
    }

    /// What the provider does once a person has signed in there: a code for what the browser was
    /// sent with, good for what `forge` makes.
    pub(crate) fn consent(&self, sent: &Sent, forge: Option<Forge>) -> String {
        assert_eq!(sent.query["client_id"], CLIENT);
        assert_eq!(sent.query["redirect_uri"], REDIRECT);
        assert_eq!(sent.query["response_type"], "code");
        assert_eq!(sent.query["code_challenge_method"], "S256");
        let mut shared = self.shared.lock().unwrap();
        shared.n_codes += 1;
        let code = format!("code-{}", shared.n_codes);
        let challenge = sent.query["code_challenge"].clone();
        shared
            .codes
            .insert(code.clone(), Grant { challenge, forge });
        code
    }

    /// An honest token for whoever was sent like that, `now` being in seconds.
    pub(crate) fn honest(&self, sent: &Sent, now: i64) -> Forge {
        Forge {
            header: json!({"typ": "JWT", "alg": "RS256", "kid": "first"}),
            claims: json!({
                "iss": self.issuer, "aud": CLIENT, "sub": "pairwise", "oid": "object-1", "tid": TENANT,
                "iat": now - 300, "nbf": now - 300, "exp": now + 3600,
                "nonce": sent.query["nonce"], "name": "Jo Ward", "roles": ["commissioner"],
                "preferred_username": "jo.ward@derby.example", "ver": "2.0",
            }),
            sign: Sign::Rs256(0),
            after: |token| token,
        }
    }
}

/// What a browser was sent to the provider with.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) query: HashMap<String, String>,
}

impl Sent {
    pub(crate) fn to(location: &str) -> Self {
        let (_, query) = location.split_once("/authorize?").unwrap();
        Self {
            query: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        }
    }
}

async fn describe(State(provider): State<Provider>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        // It offers more than we take.
        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    }))
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    let mut shared = provider.shared.lock().unwrap();
    shared.n_key_requests += 1;
    let keys = shared.keys.iter().map(|(kid, key)| jwk(kid, *key));
    Json(json!({"keys": keys.collect::<Vec<_>>()}))
}

pub(crate) fn jwk(kid: &str, key: usize) -> Value {
    let number = |number: &rsa::BigUint| URL_SAFE_NO_PAD.encode(number.to_bytes_be());
    json!({
        "kty": "RSA", "use": "sig", "kid": kid,
        "n": number(KEYS[key].n()), "e": number(KEYS[key].e()),
    })
}

async fn exchange(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(sent): Form<HashMap<String, String>>,
) -> Response {
    let refuse = || {
        (
            StatusCode::BAD_REQUEST,
            Json(json!({"error": "invalid_grant"})),
        )
            .into_response()
    };
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let secret = STANDARD.encode(format!("{}:{}", encode(CLIENT), encode(SECRET)));
    let is_client = headers
        .get(header::AUTHORIZATION)
        .is_some_and(|it| *it == format!("Basic {secret}"));
    let grant = provider.shared.lock().unwrap().codes.remove(&sent["code"]);
    let Some(grant) = grant.filter(|_| is_client && sent["redirect_uri"] == REDIRECT) else {
        return refuse();
    };
    let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(&sent["code_verifier"]));
    if sent["grant_type"] != "authorization_code" || verifier != grant.challenge {
        return refuse();
    }
    let mut answer = json!({"access_token": "opaque", "token_type": "Bearer", "expires_in": 3600});
    if let Some(forge) = grant.forge {
        answer["id_token"] = forge.token().into();
    }
    Json(answer).into_response()
}
