//! Role: the JSON API and the commissioning team's pages.
