//! What people ask for, how often, and with what.
//!
//! The mix is a team's working day: mostly the queue and referrals, their options and what is
//! around them, now and then a report; of a hundred requests six change something.

use super::{
    fill::{OPEN, connect},
    having,
    people::Person,
};
use reqwest::{Client, Method, RequestBuilder, redirect};
use sha2::{Digest, Sha256};
use sqlx::Row;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

const CASE: &[&str] = &["commissioner", "social_worker", "manager", "director"];
const ACTING: &[&str] = &["commissioner", "manager"];
const DECIDING: &[&str] = &["commissioner", "manager", "director"];
const RUNNING: &[&str] = &["operator"];
const PROVIDERS: &[&str] = &["provider"];

/// What is asked for, how many times in a hundred, and by whom.
const MIX: &[(&str, usize, &[&str])] = &[
    ("queue", 16, CASE),
    ("queue filtered", 5, CASE),
    ("updates", 6, CASE),
    ("search", 4, CASE),
    ("referral open", 12, CASE),
    ("referral past", 7, CASE),
    ("options and map", 11, CASE),
    ("option", 5, CASE),
    ("not shown", 4, CASE),
    ("compare", 4, CASE),
    ("options CSV", 2, CASE),
    ("progress", 4, CASE),
    ("placement", 2, CASE),
    ("decision record", 1, CASE),
    ("approvals", 3, DECIDING),
    ("reports", 2, DECIDING),
    ("reports CSV", 1, DECIDING),
    ("provider", 3, PROVIDERS),
    ("register", 1, RUNNING),
    ("people", 1, RUNNING),
    ("take or give back", 4, ACTING),
    ("ask two homes", 2, ACTING),
];

/// Somebody's request.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) page: &'static str,
    person: usize,
    /// Distinguishes it from the others.
    n: u32,
}

/// Everything that requests are made from.
#[derive(Debug)]
pub(crate) struct Visits {
    client: Client,
    base: String,
    people: Vec<Person>,
    /// Each person's token of forms.
    csrf: Vec<String>,
    /// By page, its people.
    visitors: HashMap<&'static str, Vec<usize>>,
    deck: Vec<&'static str>,
    past: u32,
    /// Open referrals with the homes that are offered.
    open: Vec<(String, Vec<String>)>,
    placements: Vec<String>,
    /// Open referrals that somebody has taken: who.
    taken: Mutex<HashMap<usize, usize>>,
}

impl Visits {
    /// Looks up what the pages lead on to.
    pub(crate) async fn prepare(
        base: &str,
        url: &str,
        people: Vec<Person>,
        past: u32,
    ) -> Arc<Self> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .build()
            .unwrap();
        let index = |person: &Person| people.iter().position(|it| it.token == person.token);
        let visitors = MIX
            .iter()
            .map(|(page, _, roles)| (*page, having(&people, roles).filter_map(index).collect()));
        let mut visits = Self {
            client,
            base: base.to_owned(),
            visitors: visitors.collect(),
            deck: MIX
                .iter()
                .flat_map(|(page, n, _)| vec![*page; *n])
                .collect(),
            people,
            csrf: Vec::new(),
            past,
            open: Vec::new(),
            placements: Vec::new(),
            taken: Mutex::default(),
        };
        assert_eq!(visits.deck.len(), 100, "the mix is of a hundred");
        for person in 0..visits.people.len() {
            let page = visits.page(person, "/about").await;
            let csrf = between(&page, "name=\"csrf\" value=\"").next().unwrap();
            visits.csrf.push(csrf.to_owned());
        }
        for n in (past + 1..=past + OPEN).step_by(3) {
            let options = format!("/referrals/N{n}/options");
            let page = visits
                .page(visits.visitors["options and map"][0], &options)
                .await;
            let homes: BTreeSet<_> = between(&page, &format!("href=\"{options}/"))
                .map(|rest| rest.split('/').next().unwrap().to_owned())
                .collect();
            visits
                .open
                .push((format!("N{n}"), homes.into_iter().collect()));
        }
        let placements = sqlx::query(
            "SELECT 'plc_' || replace(placement_id::text, '-', '') FROM placement LIMIT 500",
        );
        let rows = placements.fetch_all(&mut connect(url).await).await.unwrap();
        visits.placements = rows.iter().map(|row| row.get(0)).collect();
        Arc::new(visits)
    }

    async fn page(&self, person: usize, path: &str) -> String {
        let response = self.by(person, Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    }

    fn by(&self, person: usize, method: Method, path: &str) -> RequestBuilder {
        let cookie = format!("__Host-oss={}", self.people[person].token);
        self.client
            .request(method, format!("{}{path}", self.base))
            .header("cookie", cookie)
    }

    /// Request number `n`: the same every time.
    pub(crate) fn choose(&self, n: u32) -> Asked {
        let at = n as usize;
        // Coprime with the deck, so that each hundred is dealt in full and pages take turns.
        let page = self.deck[at * 37 % self.deck.len()];
        let visitors = &self.visitors[page];
        let person = visitors[(at / 7 + at * 13) % visitors.len()];
        Asked { page, person, n }
    }

    pub(crate) fn request(&self, asked: &Asked) -> RequestBuilder {
        let n = asked.n as usize;
        let at = n * 31 % self.open.len();
        let (open, homes) = &self.open[at];
        let of = format!("/referrals/{open}");
        let home = |n: usize| {
            homes
                .get(n % homes.len().max(1))
                .map_or("none", |home| home)
        };
        let past = u64::from(asked.n) * 104_729 % u64::from(self.past) + 1;
        let placement = &self.placements[n * 17 % self.placements.len()];
        let path = match asked.page {
            "queue" => "/".to_owned(),
            "queue filtered" => [
                "/?urgency=emergency&sort=time",
                "/?whose=nobody&sort=newest",
                "/?q=n1",
                "/?late=yes",
            ][n / 100 % 4]
                .to_owned(),
            "updates" => format!("/updates?since={}", 1_700_000_000_000_000_u64),
            "search" => format!("/?q=P{past}"),
            "referral open" => of,
            "referral past" => format!("/referrals/P{past}"),
            "options and map" => format!("{of}/options"),
            "option" => format!("{of}/options/{}", home(n)),
            "not shown" => format!("{of}/not-shown"),
            "compare" => format!(
                "{of}/compare?setting={}&setting={}&setting={}",
                home(0),
                home(1),
                home(2)
            ),
            "options CSV" => format!("{of}/options.csv"),
            "progress" => format!("{of}/progress"),
            "placement" => format!("/placements/{placement}"),
            "decision record" => format!("/placements/{placement}/decision"),
            "approvals" => "/approvals".to_owned(),
            "reports" => "/reports?days=30".to_owned(),
            "reports CSV" => "/reports.csv?days=30".to_owned(),
            "provider" => "/provider".to_owned(),
            "register" => "/admin/settings".to_owned(),
            "people" => "/admin/people".to_owned(),
            "take or give back" => return self.allocation(asked, at),
            "ask two homes" => {
                let once = hex::encode(&Sha256::digest(asked.n.to_be_bytes())[..16]);
                let fields = [
                    ("csrf", &*self.csrf[asked.person]),
                    ("once", &once),
                    ("setting", home(n / 100)),
                    ("setting", home(n / 100 + 1)),
                ];
                return self.post(asked.person, &format!("{of}/approach"), &fields);
            }
            page => panic!("{page} is no page of the mix"),
        };
        self.by(asked.person, Method::GET, &path)
    }

    /// Whoever has taken it gives it back, so that most do what they ask for.
    fn allocation(&self, asked: &Asked, at: usize) -> RequestBuilder {
        let holder = self.taken.lock().unwrap().get(&at).copied();
        let person = holder.unwrap_or(asked.person);
        let from = holder.map_or("", |holder| &*self.people[holder].user_id);
        let fields = [
            ("csrf", &*self.csrf[person]),
            ("from", from),
            ("to", if holder.is_some() { "nobody" } else { "me" }),
        ];
        let path = format!("/referrals/{}/allocation", self.open[at].0);
        self.post(person, &path, &fields)
    }

    fn post(&self, person: usize, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        self.by(person, Method::POST, path)
            .header("sec-fetch-site", "same-origin")
            .form(fields)
    }

    /// Notes what was done.
    pub(crate) fn done(&self, asked: &Asked, status: Option<u16>) {
        if (asked.page, status) == ("take or give back", Some(303)) {
            let at = asked.n as usize * 31 % self.open.len();
            let mut taken = self.taken.lock().unwrap();
            if taken.remove(&at).is_none() {
                taken.insert(at, asked.person);
            }
        }
    }
}

/// What follows each `mark` up to the next quotation mark.
fn between<'a>(page: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    let after = page.split(mark).skip(1);
    after.filter_map(|rest| rest.split('"').next())
}
