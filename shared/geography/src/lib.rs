//! Postcodes, authorities, areas and distances, with Great Britain's postcodes inside.
