//! A browser as the desk sees it: keeps cookies, says where its requests come from.

use super::support::{Desk, rng};
use crate::{
    answer,
    app::App,
    session::{
        Viewer,
        cookie::{self, Token},
        csrf, protected,
    },
};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
    middleware::from_fn_with_state,
    routing::{get, post},
};
use oss_domain::{Clock, Ids, SessionId, UserId, role::Role};
use oss_storage::people::{Identity, Person, SignIn};
use oss_testkit::DERBY;
use std::collections::{BTreeMap, BTreeSet};
use tower::ServiceExt;

/// The desk with two pages besides: one that shows who looks, and one that changes something.
pub(crate) fn with_pages(desk: &Desk) -> Router {
    let app: &App = &desk.app;
    let show = async |viewer: Viewer| {
        let roles: Vec<_> = viewer.roles().iter().map(|role| role.as_str()).collect();
        format!("{}: {}", viewer.name(), roles.join(" "))
    };
    let pages = Router::new()
        .route("/page", get(show))
        .route("/change", post(async |_: Viewer| "changed"));
    protected(pages, app)
        .layer(from_fn_with_state(app.clone(), answer::answer))
        .with_state(app.clone())
        .merge(desk.router.clone())
}

pub(crate) struct Browser {
    pub(crate) router: Router,
    pub(crate) cookies: BTreeMap<String, String>,
    /// Headers that it sends with each request.
    pub(crate) headers: HeaderMap,
}

impl Browser {
    pub(crate) fn new(desk: &Desk) -> Self {
        let headers = [
            (header::HOST, "desk.example"),
            (
                header::HeaderName::from_static("sec-fetch-site"),
                "same-origin",
            ),
        ];
        Self {
            router: with_pages(desk),
            cookies: BTreeMap::new(),
            headers: headers
                .map(|(name, value)| (name, value.parse().unwrap()))
                .into_iter()
                .collect(),
        }
    }

    /// One that somebody with these roles is signed in with.
    pub(crate) async fn signed_in(desk: &Desk, subject: &str, roles: &[Role]) -> (Self, Person) {
        let mut browser = Self::new(desk);
        let token = Token::draw(&desk.app);
        let mut rng = rng();
        let mut ids = Ids::new(&*desk.clock, &mut rng);
        let sign_in = SignIn {
            identity: identity(subject, roles),
            new_user_id: UserId::generate(&mut ids),
            session_id: SessionId::generate(&mut ids),
            token_sha256: token.sha256(),
            replaces: None,
        };
        let person = desk
            .store
            .sign_in(&sign_in, desk.clock.now())
            .await
            .unwrap()
            .unwrap();
        browser
            .cookies
            .insert(cookie::SESSION.to_owned(), token.into_text());
        (browser, person)
    }

    /// The token that its pages would carry.
    pub(crate) fn csrf(&self) -> String {
        let sent = format!("{}={}", cookie::SESSION, self.cookies[cookie::SESSION]);
        let headers = [(header::COOKIE, sent.parse().unwrap())]
            .into_iter()
            .collect();
        let token = cookie::token(&headers, cookie::SESSION).unwrap();
        csrf::Token::of(&token).as_str().to_owned()
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    pub(crate) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .unwrap();
        self.send(request).await
    }

    /// Sends a form with a file in the field `file`.
    pub(crate) async fn post_file(
        &mut self,
        path: &str,
        form: &[(&str, &str)],
        file: &str,
    ) -> Page {
        self.send(with_file(path, Body::from(of_file(form, file))))
            .await
    }

    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Page {
        request.headers_mut().extend(self.headers.clone());
        let cookies = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        if !cookies.is_empty() {
            request
                .headers_mut()
                .insert(header::COOKIE, cookies.parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for set in parts.headers.get_all(header::SET_COOKIE) {
            let set = cookie_crate(set.to_str().unwrap());
            if set.max_age() == Some(::cookie::time::Duration::ZERO) {
                self.cookies.remove(set.name());
            } else {
                self.cookies
                    .insert(set.name().to_owned(), set.value().to_owned());
            }
        }
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Page {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.into()).unwrap(),
        }
    }
}

const BETWEEN: &str = "----boundary";

/// A form with a file, as it is sent: see [`of_file`].
pub(crate) fn with_file(path: &str, body: Body) -> Request<Body> {
    let content_type = format!("multipart/form-data; boundary={BETWEEN}");
    Request::post(path)
        .header(header::CONTENT_TYPE, content_type)
        .body(body)
        .unwrap()
}

fn of_file(form: &[(&str, &str)], file: &str) -> String {
    let fields = form.iter().map(|(name, value)| {
        format!("--{BETWEEN}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    });
    let file = format!(
        "--{BETWEEN}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"register.json\"\r\n\
         Content-Type: application/json\r\n\r\n{file}\r\n--{BETWEEN}--\r\n"
    );
    fields.collect::<String>() + &file
}

fn cookie_crate(text: &str) -> ::cookie::Cookie<'_> {
    ::cookie::Cookie::parse(text).unwrap()
}

pub(crate) fn identity(subject: &str, roles: &[Role]) -> Identity {
    Identity {
        issuer: "https://login.example".to_owned(),
        subject: subject.to_owned(),
        name: format!("Name of {subject}"),
        authority: DERBY.parse().unwrap(),
        provider: None,
        roles: roles.iter().copied().collect::<BTreeSet<_>>(),
    }
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Sees to it that it leads on to `to`.
    #[track_caller]
    pub(crate) fn leads_to(&self, to: &str) {
        assert_eq!(
            (self.status, self.header("location")),
            (StatusCode::SEE_OTHER, to),
            "{}",
            self.text
        );
    }
}
