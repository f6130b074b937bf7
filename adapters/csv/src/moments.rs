//! Moments: the cells that together say when something begins or ends.

use jiff::civil::Date;
use record::{Pointer, Value};

use crate::dates::{Clock, Dates, day_value, moment_value, split};
use crate::truth::{is_true, said};

/// The columns that hold one moment.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) pointer: Pointer,
    /// The column of the date, or of date and time together.
    pub(crate) date: usize,
    /// The column of the time of day.
    pub(crate) time: Option<usize>,
    /// The column that says whether whole days are meant; start and end share it.
    pub(crate) all_day: Option<usize>,
    /// Whether whole days end on the date that stands there, rather than before it.
    pub(crate) last_day: bool,
}

/// The cells of a row, by column.
pub(crate) type Cells<'c, 'f> = &'f dyn Fn(usize) -> &'c str;

impl Moment {
    /// Returns the moment that the cells say; none where they are empty.
    ///
    /// # Errors
    /// Fails with the column that says no date or time.
    pub(crate) fn read(&self, cell: Cells<'_, '_>, dates: &Dates) -> Result<Option<Value>, usize> {
        let date = cell(self.date);
        if date.trim().is_empty() {
            return Ok(None);
        }
        let value = match self.time.filter(|column| !cell(*column).trim().is_empty()) {
            _ if self.is_all_day(cell) => {
                dates.moment(date).and_then(|value| split(&value)).map(|(day, _)| day_value(day)).ok_or(self.date)?
            }
            Some(column) => {
                let clock = dates.clock(cell(column)).ok_or(column)?;
                moment_value(dates.day(date).ok_or(self.date)?, clock)
            }
            None => dates.moment(date).ok_or(self.date)?,
        };
        Ok(Some(self.shifted(value, 1).ok_or(self.date)?))
    }

    /// Calls `put` with each cell that has to change so that the cells say `wanted`.
    ///
    /// # Errors
    /// Fails with the column that cannot say it.
    pub(crate) fn write(
        &self,
        cell: Cells<'_, '_>,
        dates: &Dates,
        wanted: Option<&Value>,
        put: &mut dyn FnMut(usize, String),
    ) -> Result<(), usize> {
        if self.read(cell, dates).ok().as_ref().map(Option::as_ref) == Some(wanted) {
            return Ok(());
        }
        let Some(wanted) = wanted else {
            [Some(self.date), self.time].into_iter().flatten().for_each(|column| put(column, String::new()));
            return Ok(());
        };
        let shown = self.shifted(wanted.clone(), -1);
        let (day, clock) = shown.as_ref().and_then(split).ok_or(self.date)?;
        self.put(cell, dates, (day, clock), put)
    }

    fn put(
        &self,
        cell: Cells<'_, '_>,
        dates: &Dates,
        (day, clock): (Date, Option<Clock>),
        put: &mut dyn FnMut(usize, String),
    ) -> Result<(), usize> {
        let alone = |clock: Option<Clock>| clock.map_or_else(|| day_value(day), |clock| moment_value(day, clock));
        let date = cell(self.date);
        match (self.time, clock) {
            (Some(column), Some(clock)) => {
                if dates.day(date) != Some(day) {
                    put(self.date, dates.day_text(day));
                }
                if dates.clock(cell(column)) != Some(clock) {
                    put(column, dates.clock_text(clock).ok_or(column)?);
                }
            }
            _ => {
                if dates.moment(date) != Some(alone(clock)) {
                    put(self.date, dates.moment_text(&alone(clock)).ok_or(self.date)?);
                }
                // A time beside a whole day would make it another moment, unless a cell says that whole days are meant.
                if let Some(column) = self.time.filter(|_| self.all_day.is_none()) {
                    put(column, String::new());
                }
            }
        }
        if let Some(column) = self.all_day.filter(|column| is_true(cell(*column)) != clock.is_none()) {
            put(column, said(clock.is_none(), cell(column)));
        }
        Ok(())
    }

    fn is_all_day(&self, cell: Cells<'_, '_>) -> bool {
        self.all_day.is_some_and(|column| is_true(cell(column)))
    }

    /// Moves a whole day between the last day that a cell names and the day after it that the record names.
    fn shifted(&self, value: Value, days: i64) -> Option<Value> {
        let Value::Date(date) = &value else { return Some(value) };
        if !self.last_day {
            return Some(value);
        }
        let day: Date = date.parse().ok()?;
        day.checked_add(jiff::Span::new().days(days)).ok().map(day_value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(last_day: bool) -> Moment {
        Moment { pointer: Pointer::new("end"), date: 0, time: Some(1), all_day: Some(2), last_day }
    }

    fn read(moment: &Moment, cells: [&'static str; 3]) -> Result<Option<Value>, usize> {
        moment.read(&|column| cells[column], &Dates::default())
    }

    fn written(moment: &Moment, cells: [&'static str; 3], wanted: Option<Value>) -> [String; 3] {
        let mut now = cells.map(str::to_owned);
        moment.write(&|column| cells[column], &Dates::default(), wanted.as_ref(), &mut |column, text| now[column] = text).unwrap();
        let lent: [&str; 3] = [&now[0], &now[1], &now[2]];
        assert_eq!(moment.read(&|column| lent[column], &Dates::default()), Ok(wanted), "{now:?}");
        now
    }

    fn date(text: &str) -> Value {
        Value::Date(text.to_owned())
    }

    fn local(text: &str) -> Value {
        Value::LocalDateTime(text.to_owned())
    }

    #[test]
    fn a_moment_is_a_day_a_time_or_a_fault() {
        let end = moment(true);
        assert_eq!(read(&end, ["2026-01-31", "10:00", "False"]), Ok(Some(local("2026-01-31T10:00:00"))));
        assert_eq!(read(&end, ["2026-01-31", "12:00:00 AM", "True"]), Ok(Some(date("2026-02-01"))));
        assert_eq!(read(&moment(false), ["2026-01-31", "", ""]), Ok(Some(date("2026-01-31"))));
        assert_eq!(read(&end, ["", "10:00", ""]), Ok(None));
        assert_eq!(read(&end, ["soon", "10:00", ""]), Err(0));
        assert_eq!(read(&end, ["2026-01-31", "ten", ""]), Err(1));
    }

    #[test]
    fn only_the_cells_that_say_otherwise_change() {
        let end = moment(true);
        assert_eq!(written(&end, ["2026-01-31", "10:00", ""], Some(local("2026-01-31T11:00:00"))), ["2026-01-31", "11:00", ""]);
        assert_eq!(written(&end, ["2026-01-31", "10:00", "no"], Some(date("2026-02-02"))), ["2026-02-01", "10:00", "yes"]);
        assert_eq!(written(&end, ["2026-01-31", "", "TRUE"], Some(local("2026-01-31T11:00:00"))), ["2026-01-31", "11:00", "FALSE"]);
        assert_eq!(written(&end, ["2026-01-31", "10:00", ""], None), ["", "", ""]);
        let utc = Value::Instant("2026-01-31T10:00:00Z".to_owned());
        assert_eq!(written(&end, ["2026-01-31", "10:00", ""], Some(utc)), ["2026-01-31", "10:00 UTC", ""]);
    }
}
