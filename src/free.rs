//! Memory that nobody needs any more.

/// Frees something beside whatever comes next: with much of it, that takes as long as to record some of it.
pub fn beside(done: impl Send + 'static) {
    // Without a thread it is freed here.
    drop(std::thread::Builder::new().spawn(move || drop(done)));
}
