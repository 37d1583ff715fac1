//! The store in memory does what every store must.

use oss_simulation::{MemoryStore, block_on, conformance};

#[test]
fn the_store_in_memory_conforms() {
    let store = MemoryStore::default();
    // Its checks know the clock by what they are told of it; the suite moves its own.
    store.note_time(chrono::DateTime::<chrono::Utc>::MAX_UTC);
    block_on(conformance::all(&store));
    assert_eq!(store.violations(), Vec::<String>::new());
}
