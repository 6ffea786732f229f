//! Events on their way to others: each is delivered, those of one object in their order, whoever
//! dies on the way; what is refused stands aside and can be offered again.

mod delivering;
mod operators;
mod post;
mod watching;
