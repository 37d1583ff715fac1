//! What each event or act leads to, as pure steps, and the Store port they are committed through.
