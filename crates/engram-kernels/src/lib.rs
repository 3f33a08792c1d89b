//! Vector similarity, spreading activation and memory decay.
