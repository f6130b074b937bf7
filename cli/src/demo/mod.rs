//! The files of the demonstration: a spreadsheet, the cards of another application, and the edits. All people are invented.

/// A text of a file that is replaced by another.
pub(crate) struct Edit {
    /// The file.
    pub(crate) file: &'static str,
    /// What stands there.
    pub(crate) from: &'static str,
    /// What is to stand there.
    pub(crate) to: &'static str,
}

/// The card of the person who is edited on both sides.
pub(crate) const CARD: &str = "address-book/hanna-lindqvist.vcf";

/// A phone number in the spreadsheet, and an e-mail address in the card of the same person.
pub(crate) const EDITS: &[Edit] = &[
    Edit { file: "contacts.csv", from: "+46 70 555 01 12", to: "+46 70 555 09 88" },
    Edit { file: CARD, from: "hanna@lindqvist.example", to: "hanna.lindqvist@nordljus.example" },
];

/// The files by name.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("contacts.csv", include_str!("contacts.csv")),
    ("syncretic.toml", include_str!("syncretic.toml")),
    ("address-book/amadou-diallo.vcf", include_str!("address-book/amadou-diallo.vcf")),
    ("address-book/eleanor-whitcombe.vcf", include_str!("address-book/eleanor-whitcombe.vcf")),
    ("address-book/hanna-lindqvist.vcf", include_str!("address-book/hanna-lindqvist.vcf")),
    ("address-book/ingrid-sorlie.vcf", include_str!("address-book/ingrid-sorlie.vcf")),
    ("address-book/jonas-brandt.vcf", include_str!("address-book/jonas-brandt.vcf")),
    ("address-book/juergen-mueller.vcf", include_str!("address-book/juergen-mueller.vcf")),
    ("address-book/kofi-mensah.vcf", include_str!("address-book/kofi-mensah.vcf")),
    ("address-book/mei-lin-chen.vcf", include_str!("address-book/mei-lin-chen.vcf")),
    ("address-book/nadia-haddad.vcf", include_str!("address-book/nadia-haddad.vcf")),
    ("address-book/rosa-alvarez.vcf", include_str!("address-book/rosa-alvarez.vcf")),
    ("address-book/soren-kjaer.vcf", include_str!("address-book/soren-kjaer.vcf")),
    ("address-book/zoe-oeztuerk.vcf", include_str!("address-book/zoe-oeztuerk.vcf")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edit_finds_its_place_once() {
        for edit in EDITS {
            let (_, content) = FILES.iter().find(|(name, _)| *name == edit.file).unwrap();
            assert_eq!(content.matches(edit.from).count(), 1, "{}", edit.file);
        }
    }

    #[test]
    fn the_configuration_has_seven_lines() {
        let (_, content) = FILES.iter().find(|(name, _)| *name == "syncretic.toml").unwrap();
        assert_eq!(content.lines().count(), 7);
    }
}
