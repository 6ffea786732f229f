//! Tests of the document front.
