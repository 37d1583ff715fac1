//! The wire: subjects, envelope, versioned bodies, problems, and their published schemas.
