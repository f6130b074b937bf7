//! The headers that address books and calendars export: Google and Outlook, column by column.

use crate::settings::RowKind;

/// A known export: what its columns mean, and how it writes several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preset {
    /// Google Contacts until 2024: `Given Name`, `E-mail 1 - Type`.
    GoogleLegacy,
    /// Google Contacts: `First Name`, `E-mail 1 - Label`.
    Google,
    /// Outlook: `E-mail 2 Address`, `Business Street`.
    Outlook,
    /// Google Calendar: `Subject`, `Start Date`, `All Day Event`.
    GoogleCalendar,
    /// Outlook's calendar: `Subject`, `Start Date`, `Reminder on/off`.
    OutlookCalendar,
    /// Outlook's tasks: `Subject`, `Due Date`, `% Complete`.
    OutlookTasks,
}

/// Both calendars, and what Syncretic adds to a table of its own making.
const CALENDAR: &[(&str, &str)] = &[
    ("All Day Event", "allDay"),
    ("All day event", "allDay"),
    ("Categories", "keywords"),
    ("Description", "description"),
    ("Duration", "duration"),
    ("End Date", "end/date"),
    ("End Time", "end/time"),
    ("End Time Zone", "endTimeZone"),
    ("Location", "locations/name"),
    ("Private", "privacy/private"),
    ("Recurrence Rule", "recurrenceRule"),
    ("Start Date", "start/date"),
    ("Start Time", "start/time"),
    ("Status", "status"),
    ("Subject", "title"),
    ("Time Zone", "timeZone"),
    ("Website", "links/uri"),
];

const TASKS: &[(&str, &str)] = &[
    ("% Complete", "percentComplete"),
    ("Categories", "keywords"),
    ("Due Date", "due/date"),
    ("Due Time", "due/time"),
    ("Notes", "description"),
    ("Private", "privacy/private"),
    ("Recurrence Rule", "recurrenceRule"),
    ("Start Date", "start/date"),
    ("Start Time", "start/time"),
    ("Status", "progress"),
    ("Subject", "title"),
    ("Time Zone", "timeZone"),
];

const GOOGLE: &[(&str, &str)] = &[
    ("Additional Name", "name/given2"),
    ("Birthday", "anniversaries[birth]/date"),
    ("Family Name", "name/surname"),
    ("Family Name Yomi", "name/phonetic/surname"),
    ("First Name", "name/given"),
    ("Given Name", "name/given"),
    ("Given Name Yomi", "name/phonetic/given"),
    ("Group Membership", "keywords"),
    ("Labels", "keywords"),
    ("Last Name", "name/surname"),
    ("Middle Name", "name/given2"),
    ("Name", "name/full"),
    ("Name Prefix", "name/title"),
    ("Name Suffix", "name/generation"),
    ("Nickname", "nicknames"),
    ("Notes", "notes/note"),
    ("Organization Department", "organizations/units/1"),
    ("Organization Name", "organizations/name"),
    ("Organization Title", "titles/name"),
    ("Phonetic First Name", "name/phonetic/given"),
    ("Phonetic Last Name", "name/phonetic/surname"),
];

/// What stands behind a numbered group such as `Phone 2 - `.
const GOOGLE_GROUPS: &[(&str, &str, &str)] = &[
    ("Address", "City", "addresses[N]/locality"),
    ("Address", "Country", "addresses[N]/country"),
    ("Address", "Extended Address", "addresses[N]/apartment"),
    ("Address", "Formatted", "addresses[N]/full"),
    ("Address", "Label", "addresses[N]/type"),
    ("Address", "PO Box", "addresses[N]/postOfficeBox"),
    ("Address", "Postal Code", "addresses[N]/postcode"),
    ("Address", "Region", "addresses[N]/region"),
    ("Address", "Street", "addresses[N]/street"),
    ("Address", "Type", "addresses[N]/type"),
    ("E-mail", "Label", "emails[N]/type"),
    ("E-mail", "Type", "emails[N]/type"),
    ("E-mail", "Value", "emails[N]/address"),
    ("Organization", "Department", "organizations[N]/units/1"),
    ("Organization", "Name", "organizations[N]/name"),
    ("Organization", "Title", "titles[N]/name"),
    ("Phone", "Label", "phones[N]/type"),
    ("Phone", "Type", "phones[N]/type"),
    ("Phone", "Value", "phones[N]/number"),
    ("Website", "Label", "links[N]/type"),
    ("Website", "Type", "links[N]/type"),
    ("Website", "Value", "links[N]/uri"),
];

const OUTLOOK: &[(&str, &str)] = &[
    ("Anniversary", "anniversaries[wedding]/date"),
    ("Birthday", "anniversaries[birth]/date"),
    ("Business Fax", "phones[work fax]/number"),
    ("Business Phone", "phones[work]/number"),
    ("Business Phone 2", "phones[work 2]/number"),
    ("Car Phone", "phones[Car]/number"),
    ("Categories", "keywords"),
    ("Company", "organizations/name"),
    ("Company Main Phone", "phones[work main]/number"),
    ("Department", "organizations/units/1"),
    ("E-mail 2 Address", "emails[2]/address"),
    ("E-mail 3 Address", "emails[3]/address"),
    ("E-mail Address", "emails/address"),
    ("First Name", "name/given"),
    ("Home Fax", "phones[home fax]/number"),
    ("Home Phone", "phones[home]/number"),
    ("Home Phone 2", "phones[home 2]/number"),
    ("Job Title", "titles/name"),
    ("Last Name", "name/surname"),
    ("Middle Name", "name/given2"),
    ("Mobile Phone", "phones[cell]/number"),
    ("Nickname", "nicknames"),
    ("Notes", "notes/note"),
    ("Other Fax", "phones[fax]/number"),
    ("Other Phone", "phones/number"),
    ("Pager", "phones[pager]/number"),
    ("Primary Phone", "phones[Primary]/number"),
    ("Profession", "titles[role]/name"),
    ("Suffix", "name/generation"),
    ("TTY/TDD Phone", "phones[textphone]/number"),
    ("Title", "name/title"),
    ("Web Page", "links/uri"),
];

/// The three addresses of Outlook, and what stands behind them.
const OUTLOOK_PLACES: &[(&str, &str)] = &[("Home ", "addresses[home]/"), ("Business ", "addresses[work]/"), ("Other ", "addresses/")];
const OUTLOOK_LINES: &[(&str, &str)] = &[
    ("Address PO Box", "postOfficeBox"),
    ("City", "locality"),
    ("Country", "country"),
    ("Country/Region", "country"),
    ("Postal Code", "postcode"),
    ("State", "region"),
    ("Street", "street"),
];

impl Preset {
    /// Recognises an export by its header.
    pub(crate) fn recognise(headers: &[String]) -> Option<Self> {
        let has = |name: &str| headers.iter().any(|header| header == name);
        let any = |names: &[&str]| names.iter().any(|name| has(name));
        if has("Given Name") && has("Family Name") && any(&["Group Membership", "E-mail 1 - Value", "Phone 1 - Value", "Yomi Name"]) {
            return Some(Self::GoogleLegacy);
        }
        if has("First Name") && any(&["E-mail 1 - Value", "Phone 1 - Value", "Organization Name", "Phonetic First Name"]) {
            return Some(Self::Google);
        }
        if has("Subject") && has("Due Date") && any(&["% Complete", "Date Completed", "Schedule+ Priority"]) {
            return Some(Self::OutlookTasks);
        }
        if has("Subject") && has("Start Date") && any(&["Reminder on/off", "Show time as", "Meeting Organizer", "All day event"]) {
            return Some(Self::OutlookCalendar);
        }
        if has("Subject") && has("Start Date") && any(&["All Day Event", "Start Time", "End Date"]) {
            return Some(Self::GoogleCalendar);
        }
        let outlook = ["E-mail Address", "Business Phone", "Business Street", "Home Street", "Web Page", "E-mail 2 Address"];
        let marks = outlook.iter().filter(|name| has(name)).count();
        (has("First Name") && marks >= 2).then_some(Self::Outlook)
    }

    /// Returns what a column of this export holds.
    pub(crate) fn mapping(self, header: &str) -> Option<String> {
        match self {
            Self::GoogleLegacy | Self::Google => listed(GOOGLE, header).map(str::to_owned).or_else(|| google_group(header)),
            Self::Outlook => listed(OUTLOOK, header).map(str::to_owned).or_else(|| outlook_line(header)),
            Self::GoogleCalendar | Self::OutlookCalendar => listed(CALENDAR, header).map(str::to_owned),
            Self::OutlookTasks => listed(TASKS, header).map(str::to_owned),
        }
    }

    /// Returns what the rows of this export are.
    pub(crate) fn rows(self) -> RowKind {
        match self {
            Self::GoogleLegacy | Self::Google | Self::Outlook => RowKind::Contact,
            Self::GoogleCalendar | Self::OutlookCalendar => RowKind::Event,
            Self::OutlookTasks => RowKind::Task,
        }
    }

    /// Returns the form in which this export writes dates wherever it was made; Outlook's depends on where that was.
    pub(crate) fn dates(self) -> Option<&'static str> {
        (self == Self::GoogleCalendar).then_some("%m/%d/%Y")
    }

    /// Returns the form in which times are written where the table shows none yet.
    pub(crate) fn clock(self) -> &'static str {
        if self == Self::GoogleCalendar { "%I:%M %p" } else { "%-I:%M:%S %p" }
    }

    /// Tells whether whole days end on the date that it names, and not before it.
    pub(crate) fn names_last_day(self) -> bool {
        self != Self::OutlookCalendar
    }

    /// Returns what stands between the words of a set.
    pub(crate) fn separator(self) -> &'static str {
        match self {
            Self::GoogleLegacy | Self::Google => " ::: ",
            Self::Outlook | Self::GoogleCalendar | Self::OutlookCalendar | Self::OutlookTasks => ";",
        }
    }

    /// Tells whether one cell may hold several values between ` ::: `.
    pub(crate) fn holds_several(self) -> bool {
        matches!(self, Self::GoogleLegacy | Self::Google)
    }
}

fn listed(table: &'static [(&str, &'static str)], header: &str) -> Option<&'static str> {
    table.iter().find(|(name, _)| *name == header).map(|(_, mapping)| *mapping)
}

fn google_group(header: &str) -> Option<String> {
    let (group, field) = header.split_once(" - ")?;
    let (name, number) = group.rsplit_once(' ')?;
    number.parse::<u16>().ok()?;
    let row = GOOGLE_GROUPS.iter().find(|(group, column, _)| *group == name && *column == field)?;
    Some(row.2.replace('N', number))
}

fn outlook_line(header: &str) -> Option<String> {
    OUTLOOK_PLACES.iter().find_map(|(place, stem)| Some(format!("{stem}{}", listed(OUTLOOK_LINES, header.strip_prefix(place)?)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Mapping;

    fn headers(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn exports_are_recognised() {
        let found = |text| Preset::recognise(&headers(text));
        assert_eq!(found("Name,Given Name,Family Name,Group Membership,E-mail 1 - Type"), Some(Preset::GoogleLegacy));
        assert_eq!(found("First Name,Last Name,Labels,E-mail 1 - Label,E-mail 1 - Value"), Some(Preset::Google));
        assert_eq!(found("First Name,Last Name,E-mail Address,Home Phone,Business Phone"), Some(Preset::Outlook));
        assert_eq!(found("First Name,Last Name,Phone"), None);
        assert_eq!(found("Subject,Start Date,Start Time,End Date,All Day Event"), Some(Preset::GoogleCalendar));
        assert_eq!(found("Subject,Start Date,Start Time,All day event,Reminder on/off"), Some(Preset::OutlookCalendar));
        assert_eq!(found("Subject,Start Date,Due Date,% Complete,Status"), Some(Preset::OutlookTasks));
    }

    #[test]
    fn every_row_is_a_mapping() {
        let lines = OUTLOOK_PLACES.iter().flat_map(|(_, stem)| OUTLOOK_LINES.iter().map(move |(_, rest)| format!("{stem}{rest}")));
        let listed = GOOGLE.iter().chain(OUTLOOK).map(|(_, mapping)| (*mapping).to_owned());
        for mapping in listed.chain(GOOGLE_GROUPS.iter().map(|row| row.2.replace('N', "3"))).chain(lines) {
            Mapping::read(&mapping, RowKind::Contact).unwrap();
        }
        CALENDAR.iter().for_each(|(_, mapping)| drop(Mapping::read(mapping, RowKind::Event).unwrap()));
        TASKS.iter().for_each(|(_, mapping)| drop(Mapping::read(mapping, RowKind::Task).unwrap()));
        assert_eq!(Preset::Google.mapping("Phone 2 - Value").as_deref(), Some("phones[2]/number"));
        assert_eq!(Preset::Outlook.mapping("Business Country/Region").as_deref(), Some("addresses[work]/country"));
    }
}
