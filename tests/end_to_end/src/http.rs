//! The JSON API, called as any client would.

use reqwest::{Client, Method};
use serde_json::Value;

/// A caller with a token.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    base: String,
    token: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; null where it is not JSON.
    pub body: Value,
}

impl Api {
    /// Calls `http_url` with `token`.
    pub fn new(http_url: &str, token: &str) -> Self {
        Self {
            client: Client::new(),
            base: format!("{http_url}/api/v1"),
            token: token.to_owned(),
        }
    }

    /// Calls, or `None` where nobody answers.
    pub async fn try_get(&self, path: &str) -> Option<Answer> {
        self.send(Method::GET, path, None).await.ok()
    }

    /// Gets a resource.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None)
            .await
            .unwrap_or_else(|error| panic!("GET {path}: {error:?}"))
    }

    /// The body of a resource that is there.
    pub async fn found(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.body);
        answer.body
    }

    /// Posts a body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body))
            .await
            .unwrap_or_else(|error| panic!("POST {path}: {error:?}"))
    }

    /// Deletes a resource.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None)
            .await
            .unwrap_or_else(|error| panic!("DELETE {path}: {error:?}"))
    }

    /// Every item of a list, page by page.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.found(&format!("{path}?limit=200{cursor}")).await;
            items.extend(page["items"].as_array().expect("a list has items").clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer { status, body })
    }
}
