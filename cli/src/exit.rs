//! Exit codes: what a calling script learns from a run.

/// The outcome of a run or of one job in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything is done, also when there was nothing to do.
    #[default]
    Done,
    /// A failure of no other class.
    Internal,
    /// The configuration or the command line is wrong.
    Usage,
    /// Something is quarantined, the rest is done.
    Partial,
    /// Conflicts are open, the rest is done.
    Conflicts,
    /// A safety stop.
    Stopped,
    /// It may work later.
    Temporary,
    /// Not authorised.
    Unauthorised,
    /// Something that is kept is not what it was.
    Integrity,
    /// Someone asked to stop.
    Interrupted,
}

/// From the gravest to the lightest: a process exits with the first that any of its jobs has.
const GRAVITY: &[Exit] = &[
    Exit::Interrupted,
    Exit::Integrity,
    Exit::Unauthorised,
    Exit::Stopped,
    Exit::Temporary,
    Exit::Usage,
    Exit::Internal,
    Exit::Partial,
    Exit::Conflicts,
    Exit::Done,
];

impl Exit {
    /// Returns the code that the process exits with.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Conflicts => 4,
            Self::Stopped => 5,
            Self::Temporary => 6,
            Self::Unauthorised => 7,
            Self::Integrity => 8,
            Self::Interrupted => 130,
        }
    }

    /// Returns the graver of the two.
    pub(crate) fn or(self, other: Self) -> Self {
        GRAVITY.iter().copied().find(|exit| *exit == self || *exit == other).unwrap_or(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_job_decides() {
        let codes = |exits: &[Exit]| exits.iter().fold(Exit::Done, |sum, exit| sum.or(*exit)).code();
        assert_eq!(codes(&[]), 0);
        assert_eq!(codes(&[Exit::Conflicts, Exit::Partial]), 3);
        assert_eq!(codes(&[Exit::Temporary, Exit::Stopped, Exit::Partial]), 5);
        assert_eq!(codes(&[Exit::Stopped, Exit::Unauthorised]), 7);
        assert_eq!(codes(&[Exit::Unauthorised, Exit::Integrity]), 8);
    }

    #[test]
    fn every_outcome_has_its_gravity() {
        let mut codes: Vec<u8> = GRAVITY.iter().map(|exit| exit.code()).collect();
        codes.sort_unstable();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 130]);
    }
}
