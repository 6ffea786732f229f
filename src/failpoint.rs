//! Places in the program at which tests make it crash, wait, or do something in between. Only
//! debug builds have them: in a release build a place is nothing.

#[cfg(not(debug_assertions))]
/// Passes a place; see the debug build.
#[inline]
pub async fn reach(_name: &'static str) {}

#[cfg(debug_assertions)]
pub use debug::{Hook, on, reach};

#[cfg(debug_assertions)]
mod debug {
    use futures::future::BoxFuture;
    use parking_lot::Mutex;
    use std::collections::HashMap;
    use std::sync::{Arc, LazyLock};
    use std::time::Duration;

    /// Places and what happens there: `checkout.after_t1=abort@3,pay.after_call=sleep:200`.
    const VARIABLE: &str = "STOCKROOM_FAILPOINTS";

    static PLACES: LazyLock<Mutex<HashMap<String, Place>>> = LazyLock::new(|| {
        let plan = std::env::var(VARIABLE).unwrap_or_default();
        Mutex::new(plan.split(',').filter_map(parse).collect())
    });

    /// What a test has done at a place, whenever it is passed.
    pub type Hook = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

    #[derive(Clone)]
    enum Action {
        /// The process ends at once, with nothing put in order.
        Abort,
        Sleep(Duration),
        Run(Hook),
    }

    struct Place {
        action: Action,
        /// Passes until it happens; it happens once then. None: each time.
        at: Option<u64>,
    }

    /// Passes a place: does what the test, or the environment of the process, wants done there.
    pub async fn reach(name: &'static str) {
        match due(name) {
            None => {}
            Some(Action::Abort) => std::process::abort(),
            Some(Action::Sleep(time)) => tokio::time::sleep(time).await,
            Some(Action::Run(hook)) => hook().await,
        }
    }

    /// Has something done at a place from now on, in this process.
    pub fn on<F, Fut>(name: &str, hook: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let hook: Hook = Arc::new(move || Box::pin(hook()));
        PLACES.lock().insert(name.to_owned(), Place { action: Action::Run(hook), at: None });
    }

    fn due(name: &str) -> Option<Action> {
        let mut places = PLACES.lock();
        let place = places.get_mut(name)?;
        if let Some(at) = &mut place.at {
            *at = at.checked_sub(1)?;
            if *at > 0 {
                return None;
            }
        }
        Some(place.action.clone())
    }

    fn parse(entry: &str) -> Option<(String, Place)> {
        let (name, what) = entry.trim().split_once('=')?;
        let (what, at) = match what.split_once('@') {
            Some((what, at)) => (what, at.parse().ok()),
            None => (what, None),
        };
        let action = match what.split_once(':') {
            None if what == "abort" => Action::Abort,
            Some(("sleep", ms)) => Action::Sleep(Duration::from_millis(ms.parse().ok()?)),
            _ => return None,
        };
        Some((name.to_owned(), Place { action, at }))
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::sync::atomic::{AtomicU32, Ordering};

        #[tokio::test]
        async fn a_hook_runs_each_time_its_place_is_passed_and_nowhere_else() {
            let passes = Arc::new(AtomicU32::new(0));
            let counted = Arc::clone(&passes);
            on("here", move || {
                counted.fetch_add(1, Ordering::Relaxed);
                std::future::ready(())
            });

            reach("here").await;
            reach("elsewhere").await;
            reach("here").await;

            assert_eq!(passes.load(Ordering::Relaxed), 2);
        }

        #[test]
        fn what_stands_in_the_environment_is_read_whole_or_not_at_all() {
            let (name, place) = parse(" checkout.after_t1=abort@3").unwrap();
            assert_eq!(name, "checkout.after_t1");
            assert!(matches!(place, Place { action: Action::Abort, at: Some(3) }));
            let (_, place) = parse("pay.after_call=sleep:200").unwrap();
            assert!(matches!(place, Place { action: Action::Sleep(time), at: None }
                if time == Duration::from_millis(200)));
            for odd in ["", "x", "x=", "x=explode", "x=sleep:soon"] {
                assert!(parse(odd).is_none(), "{odd:?}");
            }
        }
    }
}
