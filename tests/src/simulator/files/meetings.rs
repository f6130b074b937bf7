//! Meetings: two people do something to one file before either sees what the other did.

use super::users::{Sight, User};
use super::world::World;

impl World {
    /// Someone names a file anew, or its folder, or deletes it, while someone else edits it.
    pub(super) fn meet(&mut self, one: usize) -> Option<()> {
        let other = self.dice.below(self.endpoints.len());
        let theirs = self.as_user(other, |_, user| user.files()).filter(|_| one != other)?;
        let ours = self.as_user(one, |_, user| user.files())?;
        let same = |file: &&Sight| theirs.iter().any(|their| their.path == file.path && their.version == file.version);
        let both: Vec<Sight> = ours.iter().filter(same).filter(|file| self.is_untouched(file)).cloned().collect();
        let file = self.dice.pick(&both)?;
        self.met.extend(self.versions.look().line_number(file.version));
        let twice = self.dice.chance(300);
        if self.dice.chance(500) {
            self.as_user(one, |world, user| world.displace(user, &file, twice))?;
            self.as_user(other, |world, user| world.alter(user, &file, twice))
        } else {
            self.as_user(other, |world, user| world.alter(user, &file, twice))?;
            self.as_user(one, |world, user| world.displace(user, &file, twice))
        }
    }

    /// Tells whether nothing but edits, one after the other, ever happened to a file of a name that is its own.
    fn is_untouched(&self, file: &Sight) -> bool {
        let versions = self.versions.look();
        let plain = versions.line(file.version).is_some_and(|line| {
            let quiet = line.moves.is_empty() && line.deleted.is_empty() && line.toggles == 0;
            quiet && versions.fate(line).is_some() && line.versions.last() == Some(&file.version)
        });
        plain && versions.line_number(file.version).is_none_or(|line| !self.met.contains(&line))
    }

    /// Names a file or its folder anew, or deletes it; or names it anew and writes it, which is told by its number on the disk alone.
    fn displace(&mut self, user: &mut User<'_>, file: &Sight, twice: bool) {
        self.named += 1;
        let name = format!("m{}", self.named);
        let folder = file.path.split_once('/').map(|(folder, _)| folder);
        match (self.dice.below(10), folder) {
            _ if twice => {
                self.move_to(user, file, &name);
                if let Some(moved) = user.files().into_iter().find(|found| found.path == name) {
                    self.write(user, &moved);
                }
            }
            (0..2, _) => self.delete(user, file),
            (2..5, Some(folder)) => self.move_folder_to(user, folder, &name),
            _ => self.move_to(user, file, &name),
        }
    }

    fn alter(&mut self, user: &mut User<'_>, file: &Sight, gently: bool) {
        match self.dice.below(10) {
            _ if gently => self.toggle(user, file),
            0..4 => self.write(user, file),
            4..8 => self.save_by_rename(user, file),
            _ => self.toggle(user, file),
        }
    }
}
