//! How requests come in: the router, the GraphQL endpoint, sockets, pages and probes.
