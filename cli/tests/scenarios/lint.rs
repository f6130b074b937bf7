//! What strict readers say of a person's files.

use crate::harness::Desk;

const BAD_CARD: &str = "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ada\r\nREV:soon\r\nEND:VCARD\r\n";
const BAD_CALENDAR: &str =
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:No stamp\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn findings_have_file_line_and_rule_and_nothing_is_written() {
    let desk = Desk::new();
    desk.put("cards/ada.vcf", BAD_CARD);
    desk.put("cards/old.vcf", "BEGIN:VCARD\nVERSION:3.0\nFN:Bob\nEND:VCARD\n");
    desk.put("cards/torn.vcf", &BAD_CARD[..40]);
    desk.put("work.ics", BAD_CALENDAR);
    let before = desk.contents();
    let run = desk.run(&["lint", "cards", "work.ics"]);
    assert_eq!(run.code, 3, "{run:?}");
    for text in [
        "cards/ada.vcf:4: ",
        "(RFC 6350 §6.7.4)",
        "cards/torn.vcf:1: ",
        "work.ics:4: VEVENT has no DTSTAMP (RFC 5545 §3.6.1)",
        "3 found in 3 of 4 files",
    ] {
        assert!(run.out.contains(text), "`{text}` is not in:\n{}", run.out);
    }
    run.says(&["1 cards of versions 2.1 and 3.0 were not judged"]);
    let json = desk.run(&["lint", "cards", "--format", "json"]).json();
    assert_eq!(
        (json["schema"].as_str(), json["findings"][0]["line"].as_u64(), json["exit"].as_u64()),
        (Some("syncretic.lint/1"), Some(4), Some(3))
    );
    assert_eq!(desk.contents(), before);
}

#[test]
fn a_file_without_fault_is_left_in_peace_and_one_that_is_not_there_is_a_mistake() {
    let desk = Desk::new();
    desk.put("ada.vcf", "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ada\r\nEND:VCARD\r\n");
    let run = desk.run(&["lint", "ada.vcf"]);
    assert_eq!((run.code, run.out.as_str()), (0, "nothing found in 1 files\n"), "{run:?}");
    assert_eq!(desk.run(&["lint", "nowhere"]).code, 2);
    assert_eq!(desk.run(&["lint"]).code, 2);
}

#[test]
fn what_no_reader_can_make_sense_of_is_a_finding_and_never_a_crash() {
    let desk = Desk::new();
    for (at, bytes) in
        [&b"\x00\xff\xfe\x01"[..], b"", b"BEGIN:VCALENDAR", "BEGIN:VCALENDAR\nЕ;=:\n;;;\nEND:VCALENDAR\n".as_bytes(), b"END:VCARD"]
            .iter()
            .enumerate()
    {
        desk.put(&format!("odd/{at}.ics"), bytes);
        desk.put(&format!("odd/{at}.vcf"), bytes);
    }
    let run = desk.run(&["lint", "odd"]);
    assert_eq!(run.code, 3, "{run:?}");
    run.says(&[]);
}
