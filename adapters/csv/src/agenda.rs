//! What a column of a table of events or tasks holds, guessed from the header that a person wrote.

use crate::words::plain;

/// Names of columns, as [`plain`] makes them, in English, German, French and Spanish.
const NAMES: &[(&str, &[&str])] = &[
    (
        "title",
        &[
            "title",
            "subject",
            "event",
            "eventname",
            "summary",
            "titel",
            "betreff",
            "termin",
            "ereignis",
            "titre",
            "objet",
            "evenement",
            "titulo",
            "asunto",
            "evento",
        ],
    ),
    (
        "start/date",
        &[
            "start",
            "startdate",
            "starts",
            "startdatetime",
            "begin",
            "begins",
            "beginn",
            "startdatum",
            "debut",
            "datededebut",
            "inicio",
            "fechadeinicio",
            "dtstart",
        ],
    ),
    ("start/time", &["starttime", "begintime", "startzeit", "beginnzeit", "uhrzeit", "heurededebut", "horadeinicio"]),
    ("end/date", &["end", "enddate", "ends", "enddatetime", "ende", "enddatum", "fin", "datedefin", "fechadefin", "dtend"]),
    ("end/time", &["endtime", "endzeit", "heuredefin", "horadefin"]),
    ("due/date", &["due", "duedate", "deadline", "fallig", "falligam", "falligkeit", "echeance", "datedecheance", "vencimiento"]),
    ("due/time", &["duetime"]),
    ("completed/date", &["completed", "completedat"]),
    ("allDay", &["allday", "alldayevent", "ganztagig", "ganztagigesereignis", "journeeentiere", "todoeldia"]),
    ("timeZone", &["timezone", "starttimezone", "tz", "zeitzone", "fuseauhoraire", "zonahoraria"]),
    ("endTimeZone", &["endtimezone"]),
    ("locations/name", &["location", "place", "where", "venue", "room", "ort", "raum", "lieu", "endroit", "lugar", "ubicacion"]),
    (
        "description",
        &[
            "description",
            "details",
            "notes",
            "note",
            "comments",
            "beschreibung",
            "notizen",
            "bemerkungen",
            "descripcion",
            "remarques",
            "notas",
        ],
    ),
    ("keywords", &["categories", "category", "tags", "labels", "kategorien", "kategorie", "categorias", "etiquetas", "etiquettes"]),
    ("links/uri", &["url", "website", "web", "link", "webseite", "siteweb", "sitioweb"]),
    ("duration", &["duration", "dauer", "duree", "duracion"]),
    ("recurrenceRule", &["rrule", "recurrencerule", "recurrence"]),
    ("status", &["status", "etat", "estado"]),
    ("privacy", &["privacy", "visibility", "sensitivity"]),
    ("privacy/private", &["private", "privat", "prive", "privado"]),
    ("priority", &["priority", "prioritat", "priorite", "prioridad"]),
    ("percentComplete", &["percentcomplete", "complete"]),
    ("color", &["color", "colour"]),
    ("uid", &["uid"]),
];

/// Names that mean a task wherever they stand.
const TASKS: &[&str] = &["task", "todo", "aufgabe", "tache", "tarea"];

/// Returns what a column of this name holds, in the language of [`crate::mapping`].
pub(crate) fn mapping(header: &str, task: bool) -> Option<&'static str> {
    let name = plain(header);
    let listed = || NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(meaning, _)| *meaning);
    match listed() {
        None if TASKS.contains(&name.as_str()) => Some("title"),
        Some("status") if task => Some("progress"),
        found => found,
    }
}

/// Tells whether headers leave no doubt that the table is a calendar, whatever stands below them.
pub(crate) fn says_when(headers: &[String]) -> bool {
    let has = |meaning: &str| headers.iter().any(|header| mapping(header, false) == Some(meaning));
    has("due/date") || (has("start/date") && has("end/date"))
}

/// Tells whether headers are those of a calendar that name a person nowhere: and whether of tasks.
pub(crate) fn dated(headers: &[String], names_a_person: bool) -> Option<bool> {
    let has = |meaning: &str| headers.iter().any(|header| mapping(header, false) == Some(meaning));
    if names_a_person || !has("title") {
        return None;
    }
    if has("due/date") || (headers.iter().any(|header| TASKS.contains(&plain(header).as_str())) && has("status")) {
        return Some(true);
    }
    has("start/date").then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Mapping;
    use crate::settings::RowKind;

    #[test]
    fn every_guess_is_a_mapping() {
        for (meaning, _) in NAMES {
            Mapping::read(meaning, RowKind::Event).or_else(|_| Mapping::read(meaning, RowKind::Task)).unwrap();
        }
    }

    #[test]
    fn a_calendar_is_told_from_an_address_book() {
        let found = |text: &str, person| dated(&text.split(',').map(str::to_owned).collect::<Vec<_>>(), person);
        assert_eq!(found("Title,Start,End", false), Some(false));
        assert_eq!(found("Aufgabe,Fällig,Status", false), Some(true));
        assert_eq!(found("Titel,Beginn,Ort", false), Some(false));
        assert_eq!(found("Title,Author", false), None);
        assert_eq!(found("Title,Start,Email", true), None);
    }
}
