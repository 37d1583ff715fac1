//! The table of route and role, `access.csv`, against what is served.

use super::support::{Desk, ELSEWHERE, a_referral, a_setting, request, token_of};
use crate::api::{Route, routes};
use axum::{
    body::Body,
    http::{Request, header},
};
use oss_domain::role::Role;
use std::collections::BTreeMap;

const TABLE: &str = include_str!("../../access.csv");

/// For each route, what the table says of each role.
fn table() -> BTreeMap<(String, String), (String, BTreeMap<Role, bool>)> {
    let mut lines = TABLE.lines();
    let header: Vec<_> = lines.next().unwrap().split(',').collect();
    assert_eq!(header[..3], ["method", "path", "act"]);
    assert_eq!(header[3..], *Role::CODES, "a column for each role");
    let mut table = BTreeMap::new();
    for line in lines {
        let cells: Vec<_> = line.split(',').collect();
        let says = Role::ALL.iter().zip(&cells[3..]).map(|(role, cell)| {
            assert!(matches!(*cell, "yes" | "no"), "{line}");
            (*role, *cell == "yes")
        });
        let route = (cells[0].to_owned(), cells[1].to_owned());
        let earlier = table.insert(route, (cells[2].to_owned(), says.collect()));
        assert!(earlier.is_none(), "twice: {line}");
    }
    table
}

fn call(route: &Route, token: Option<&str>) -> Request<Body> {
    let path = route.path.replace("{id}", "X1").replace("{run_id}", "X1");
    let mut request = request(route.method.as_str(), &path, token.unwrap_or_default())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from("{}"))
        .unwrap();
    if token.is_none() {
        request.headers_mut().remove(header::AUTHORIZATION);
    }
    request
}

#[test]
fn every_route_has_its_row_and_no_row_is_left_over() {
    let table = table();
    let routes = routes();
    for route in &routes {
        let row = table.get(&(route.method.to_string(), route.path.to_owned()));
        let (act, _) = row.unwrap_or_else(|| panic!("{} {} has no row", route.method, route.path));
        assert_eq!(act, crate::access::name(route.act), "{}", route.path);
    }
    assert_eq!(table.len(), routes.len(), "rows without a route");
}

#[tokio::test]
async fn each_role_reaches_what_the_table_says_and_nothing_else() {
    let desk = Desk::new().await;
    let table = table();
    for route in routes() {
        let (_, says) = &table[&(route.method.to_string(), route.path.to_owned())];
        for (role, allowed) in says {
            let answer = desk.send(call(&route, Some(&token_of(*role)))).await;
            let name = format!("{role}: {} {}: {}", route.method, route.path, answer.body);
            assert_eq!(answer.status != 403, *allowed, "{name}");
            assert_ne!(answer.status, 401, "{name}");
            assert!(!answer.status.is_server_error(), "{name}");
        }
        for token in [None, Some(""), Some("wrong")] {
            let answer = desk
                .send(call(&route, token))
                .await
                .problem(401, "unauthorised");
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
        }
    }
}

#[tokio::test]
async fn another_council_sees_and_changes_nothing() {
    let desk = Desk::new().await;
    desk.post("/referrals", &a_referral("R1", 1)).await.ok(202);
    desk.put("/settings/F1", &a_setting("F1", 1)).await.ok(201);
    let send = |method: &str, path: &str, body: String| {
        let request = request(method, path, ELSEWHERE)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        desk.send(request)
    };
    for path in ["/referrals/R1", "/referrals/R1/offers", "/settings/F1"] {
        send("GET", path, String::new())
            .await
            .problem(404, "not_found");
    }
    for path in ["/referrals", "/settings"] {
        let list = send("GET", path, String::new()).await.ok(200);
        assert_eq!(list.body["items"].as_array().unwrap().len(), 0, "{path}");
        let asked = send("GET", &format!("{path}?authority=E06000015"), String::new()).await;
        asked.problem(403, "forbidden");
    }
    let reason = r#"{"reason": "x"}"#.to_owned();
    send("POST", "/referrals/R1/withdraw", reason)
        .await
        .problem(404, "not_found");
    for (method, path, body) in [
        ("POST", "/referrals", a_referral("R1", 2)),
        ("PUT", "/referrals/R1", a_referral("R1", 2)),
        ("PUT", "/settings/F1", a_setting("F1", 2)),
    ] {
        send(method, path, body.to_string())
            .await
            .problem(403, "forbidden");
    }
    let referral = desk.get("/referrals/R1").await.ok(200);
    assert_eq!(referral.body["revision"], 1);
}

#[tokio::test]
async fn the_scheme_is_known_in_any_case_and_no_other_is() {
    let desk = Desk::new().await;
    let token = token_of(Role::Operator);
    for (header, status) in [
        (format!("bearer {token}"), 200),
        (format!("BEARER {token}"), 200),
        (format!("Basic {token}"), 401),
        (token.clone(), 401),
        ("Bearer".to_owned(), 401),
    ] {
        let request = Request::get("/api/v1/dead-letters")
            .header(axum::http::header::AUTHORIZATION, &header)
            .body(Body::empty())
            .unwrap();
        assert_eq!(desk.send(request).await.status, status, "{header}");
    }
}
