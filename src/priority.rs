//! Which threads go first where more of them want a processor than there are.

/// How far a thread stands back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// It gets a third of what another thread gets beside it.
    ALittle,
    /// It gets a tenth of what another gets: it fills the time in which others wait.
    Far,
}

impl Back {
    /// As `nice` counts it.
    #[cfg(target_os = "linux")]
    fn niceness(self) -> i32 {
        match self {
            Self::ALittle => 5,
            Self::Far => 10,
        }
    }
}

/// Lets other threads go before this one; processes that it starts stand back as well.
pub fn stand_back(back: Back) {
    #[cfg(target_os = "linux")] // elsewhere it would be the whole process
    let _ = rustix::process::nice(back.niceness());
    #[cfg(not(target_os = "linux"))]
    let _ = back;
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_stands_back_alone() {
        let niceness = || rustix::process::getpriority_process(None).expect("a process has one");
        let before = niceness();
        let of_thread = std::thread::spawn(move || {
            stand_back(Back::ALittle);
            niceness()
        });
        assert_eq!(of_thread.join().expect("it ends"), (before + 5).min(19));
        assert_eq!(niceness(), before);
    }
}
