//! Exports of Google and Outlook kept beside a folder of cards or events: filled from them, and edited on both sides.

use std::fs;

use crate::harness::Desk;

/// An export: its name, its content, the adapter of the folder beside it, and what is edited on both sides.
struct Export {
    name: &'static str,
    sheet: &'static str,
    folder: &'static str,
    /// What the folder's items say of the sheet, each in one of them.
    says: &'static [&'static str],
    /// A text of an item, and another one in its place; both stand in the sheet as `cell` says.
    item: (&'static str, &'static str),
    cell: (&'static str, &'static str),
    /// The same, edited in the sheet.
    sheet_edit: (&'static str, &'static str),
    item_then: (&'static str, &'static str),
}

const GOOGLE: Export = Export {
    name: "Google's contacts",
    sheet: "First Name,Middle Name,Last Name,Phonetic First Name,Nickname,Organization Name,Organization Title,Birthday,Notes,Photo,Labels,\
            E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,\
            Phone 2 - Value,Address 1 - Label,Address 1 - Street,Address 1 - City,Address 1 - Region,Address 1 - Postal Code,\
            Address 1 - Country,Custom Field 1 - Label,Custom Field 1 - Value\r\n\
            Mara,L.,Quint,,Quinta,\"Mills, Sons & Co\",Miller,1980-05-17,\"likes \"\"tea\"\"\nand rye\",,* myContacts ::: Mills,\
            * Work,mara@mill.example,Home,mara@home.example ::: m@home.example,Mobile,+49 170 1,Work,+49 30 2,Home,3 Mill Lane,Kleve,,47533,\
            Germany,Shoe size,38\r\n\
            Odd,,Lund,,,,,--03-07,,,* myContacts,,,,,Dashboard,555-0100,,,,,,,,,,\r\n",
    folder: "vcard",
    says: &[
        "FN:Mara L. Quint",
        "+49 170 1",
        "BDAY:19800517",
        "m@home.example",
        "Dashboard",
        "ORG:Mills\\, Sons & Co",
        "--0307",
        "NICKNAME:Quinta",
    ],
    item: ("+49 30 2", "+49 30 999"),
    cell: ("Work,+49 30 2,", "Work,+49 30 999,"),
    sheet_edit: ("3 Mill Lane", "4 Mill Lane"),
    item_then: ("3 Mill Lane", "4 Mill Lane"),
};

const GOOGLE_LEGACY: Export = Export {
    name: "Google's contacts of old",
    sheet: "Name,Given Name,Additional Name,Family Name,Yomi Name,Birthday,Notes,Group Membership,E-mail 1 - Type,E-mail 1 - Value,\
            E-mail 2 - Type,E-mail 2 - Value,Phone 1 - Type,Phone 1 - Value,Phone 2 - Type,Phone 2 - Value,Organization 1 - Type,\
            Organization 1 - Name,Organization 1 - Title,Website 1 - Type,Website 1 - Value\n\
            Mara Quint,Mara,,Quint,,1980-05-17,,Mills ::: * My Contacts,* Home,mara@home.example,Work,mara@mill.example,Mobile,+49 170 1 ::: +49 170 3,\
            Work,+49 30 2,,Mills,Miller,Profile,https://mill.example/mara\n\
            Odd Lund,Odd,,Lund,,,,* My Contacts,,,,,Work Fax,555-0100,,,,,,,\n",
    folder: "vcard",
    says: &["FN:Mara Quint", "+49 170 3", "https://mill.example/mara", "FN:Odd Lund", "555-0100", "ORG:Mills"],
    item: ("mara@mill.example", "mara@works.example"),
    cell: ("Work,mara@mill.example", "Work,mara@works.example"),
    sheet_edit: ("555-0100", "555-0199"),
    item_then: ("555-0100", "555-0199"),
};

const OUTLOOK: Export = Export {
    name: "Outlook's contacts",
    sheet: "\u{feff}First Name,Middle Name,Last Name,Title,Suffix,Nickname,E-mail Address,E-mail 2 Address,E-mail 3 Address,Home Phone,Home Phone 2,\
            Business Phone,Business Phone 2,Mobile Phone,Car Phone,Other Phone,Business Fax,Pager,Job Title,Department,Company,Business Street,\
            Business City,Business State,Business Postal Code,Business Country/Region,Home Street,Home City,Home Postal Code,Web Page,Birthday,\
            Anniversary,Notes,Categories,Spouse,Schools\r\n\
            Mara,L.,Quint,Dr.,,Quinta,mara@mill.example,mara@home.example,,+49 30 1,,+49 30 2,+49 30 3,+49 170 1,,,+49 30 4,,Miller,Rye,\
            \"Mills, Sons & Co\",3 Mill Lane,Kleve,,47533,Germany,5 Hill Road,Goch,47574,https://mill.example,1980-05-17,,likes tea,Mills;Friends,Per,\
            \r\n\
            Odd,,Lund,,,,odd@fjord.example,,,,,,,555-0100,555-0177,,,,,,,,,,,,,,,,,,,,,\r\n",
    folder: "vcard",
    says: &[
        "FN:",
        "mara@home.example",
        "+49 30 4",
        "3 Mill Lane",
        "5 Hill Road",
        "CATEGORIES:",
        "555-0177",
        "TITLE:Miller",
        "BDAY:19800517",
    ],
    item: ("+49 170 1", "+49 170 999"),
    cell: (",+49 170 1,", ",+49 170 999,"),
    sheet_edit: ("5 Hill Road", "6 Hill Road"),
    item_then: ("5 Hill Road", "6 Hill Road"),
};

const GOOGLE_CALENDAR: Export = Export {
    name: "Google's calendar",
    sheet: "Subject,Start Date,Start Time,End Date,End Time,All Day Event,Description,Location,Private\n\
            Rye harvest,07/14/2026,09:30 AM,07/14/2026,12:15 PM,False,\"with Odd, and bread\",Mill,True\n\
            Holidays,08/01/2026,,08/21/2026,,True,,,False\n",
    folder: "ical",
    says: &[
        "SUMMARY:Rye harvest",
        "DTSTART:20260714T093000",
        "DTEND:20260714T121500",
        "LOCATION:Mill",
        "DTSTART;VALUE=DATE:20260801",
        "DTEND;VALUE=DATE:20260822",
    ],
    item: ("LOCATION:Mill", "LOCATION:Barn"),
    cell: (",Mill,", ",Barn,"),
    sheet_edit: ("09:30 AM", "08:45 AM"),
    item_then: ("20260714T093000", "20260714T084500"),
};

const OUTLOOK_CALENDAR: Export = Export {
    name: "Outlook's calendar",
    sheet: "Subject,Start Date,Start Time,End Date,End Time,All day event,Reminder on/off,Reminder Date,Reminder Time,Meeting Organizer,\
            Required Attendees,Categories,Description,Location,Priority,Private,Sensitivity,Show time as\r\n\
            Rye harvest,7/14/2026,9:30:00 AM,7/14/2026,12:15:00 PM,False,True,7/14/2026,9:15:00 AM,Mara,Odd,Mills;Work,with bread,Mill,Normal,False,Normal,2\r\n\
            Holidays,8/1/2026,12:00:00 AM,8/22/2026,12:00:00 AM,True,False,,,,,,,,Normal,False,Normal,3\r\n",
    folder: "ical",
    says: &["SUMMARY:Rye harvest", "DTSTART:20260714T093000", "LOCATION:Mill", "DTSTART;VALUE=DATE:20260801", "DTEND;VALUE=DATE:20260822"],
    item: ("LOCATION:Mill", "LOCATION:Barn"),
    cell: (",Mill,", ",Barn,"),
    sheet_edit: ("12:15:00 PM", "11:45:00 AM"),
    item_then: ("20260714T121500", "20260714T114500"),
};

const EXPORTS: &[Export] = &[GOOGLE, GOOGLE_LEGACY, OUTLOOK, GOOGLE_CALENDAR, OUTLOOK_CALENDAR];

fn items(desk: &Desk) -> Vec<(String, String)> {
    let entries = fs::read_dir(desk.path("items")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut items: Vec<(String, String)> =
        entries.filter(|name| !name.starts_with('.')).map(|name| (format!("items/{name}"), desk.text(&format!("items/{name}")))).collect();
    items.sort();
    items
}

/// Returns the lines, unfolded, but for those that say when something was written.
fn lines(text: &str) -> Vec<String> {
    let stamps = ["DTSTAMP", "LAST-MODIFIED", "REV", "SEQUENCE"];
    let unfolded = text.replace("\r\n ", "").replace("\n ", "");
    unfolded.lines().filter(|line| !stamps.iter().any(|stamp| line.starts_with(stamp))).map(str::to_owned).collect()
}

fn desk(export: &Export) -> Desk {
    let desk = Desk::new();
    let folder = format!("adapter = \"{}\"\npath = \"items\"\ncreate = true\n", export.folder);
    desk.put(
        "syncretic.toml",
        format!("[job.all]\n[[job.all.endpoint]]\nadapter = \"csv\"\npath = \"export.csv\"\n[[job.all.endpoint]]\n{folder}"),
    );
    desk.put("export.csv", export.sheet);
    desk
}

#[test]
fn an_export_fills_a_folder_and_stays_as_it_is() {
    for export in EXPORTS {
        let desk = desk(export);
        desk.settle();
        assert_eq!(desk.text("export.csv"), export.sheet, "{}", export.name);
        let items = items(&desk);
        assert_eq!(items.len(), 2, "{}", export.name);
        for text in export.says {
            assert!(items.iter().any(|(_, item)| lines(item).join("\n").contains(text)), "{}: `{text}` is not in {items:#?}", export.name);
        }
    }
}

#[test]
fn an_edit_beside_an_export_changes_one_cell_and_one_in_it_changes_one_line() {
    for export in EXPORTS {
        let desk = desk(export);
        desk.settle();
        let (name, text) = items(&desk).into_iter().find(|(_, text)| text.contains(export.item.0)).unwrap();
        desk.put(&name, text.replacen(export.item.0, export.item.1, 1));
        desk.settle();
        assert_eq!(desk.text("export.csv"), export.sheet.replacen(export.cell.0, export.cell.1, 1), "{}", export.name);

        let before = items(&desk);
        desk.edit("export.csv", export.sheet_edit.0, export.sheet_edit.1);
        desk.settle();
        let expected = before.iter().map(|(name, text)| (name.clone(), lines(&text.replacen(export.item_then.0, export.item_then.1, 1))));
        let found = items(&desk).into_iter().map(|(name, text)| (name, lines(&text)));
        assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{}", export.name);
    }
}

#[test]
fn what_comes_back_from_an_export_says_the_same() {
    for export in EXPORTS {
        let desk = desk(export);
        let single = if export.folder == "vcard" { "all.vcf" } else { "all.ics" };
        assert_eq!(desk.run(&["convert", "export.csv", single]).code, 0, "{}", export.name);
        let run = desk.run(&["convert", single, "back.csv"]);
        assert_eq!(run.code, 0, "{}: {run:?}", export.name);
        let again = if export.folder == "vcard" { "again.vcf" } else { "again.ics" };
        assert_eq!(desk.run(&["convert", "back.csv", again]).code, 0, "{}", export.name);
        for text in export.says {
            assert!(
                lines(&desk.text(again)).join("\n").contains(text),
                "{}: `{text}` is not in\n{}\n{}",
                export.name,
                desk.text("back.csv"),
                desk.text(again)
            );
        }
    }
}
