//! Waiting for something to become true, instead of for time to pass.

use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often the condition is looked at.
const POLL: Duration = Duration::from_millis(5);

/// Waits until `condition` is true; panics after `limit`.
///
/// The condition should be a level that stays once it is reached, not an edge that may be missed.
#[track_caller]
pub fn until<F>(limit: Duration, mut condition: impl FnMut() -> F) -> impl Future<Output = ()>
where
    F: Future<Output = bool>,
{
    let caller = std::panic::Location::caller();
    async move {
        until_some(limit, || {
            let holds = condition();
            async { holds.await.then_some(()) }
        })
        .await
        .unwrap_or_else(|| panic!("at {caller}: not within {limit:?}"));
    }
}

/// Waits until `look` finds something, at most `limit`.
pub async fn until_some<T, F>(limit: Duration, mut look: impl FnMut() -> F) -> Option<T>
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look().await {
            return Some(found);
        }
        if Instant::now() > deadline {
            return None;
        }
        sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_until_it_holds() {
        let mut looks = 0;
        until(Duration::from_secs(5), || {
            looks += 1;
            let holds = looks == 3;
            async move { holds }
        })
        .await;
        assert_eq!(looks, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "not within 20ms")]
    async fn gives_up() {
        until(Duration::from_millis(20), || async { false }).await;
    }
}
